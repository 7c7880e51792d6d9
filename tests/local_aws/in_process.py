"""Call MiniStack's own APIs from within: CloudFormation makes resources through them, as on AWS.

Requests are written from botocore's models of the services, so that a correction names operations
and parameters as AWS's API references do.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module
from typing import Any

from patching import ministack


class RefusedError(ValueError):
    """The service refused the request; CloudFormation reports the text as the resource's status."""


def s3(operation: str, **parameters: Any) -> None:
    """Call an S3 operation on a bucket."""
    request = _request("s3", "rest-xml", operation, parameters)
    service = ministack("services.s3")
    bucket = parameters["Bucket"]
    headers = {name.lower(): value for name, value in request["headers"].items()}
    query = {name: [value] for name, value in request["query_string"].items()}
    body = request["body"] or b""
    # The operation's marker, such as `?encryption`, is part of the path in botocore's model.
    for name in request["url_path"].partition("?")[2].split("&"):
        query.setdefault(name, [""])
    _accept(
        operation,
        service._dispatch(request["method"], bucket, "", headers, body, query),
    )


def ec2(operation: str, **parameters: Any) -> str:
    """Call an EC2 operation; gives the answer's XML."""
    request = _request("ec2", "ec2", operation, parameters)
    form = {name: [str(value)] for name, value in request["body"].items()}
    return _accept(operation, ministack("services.ec2")._ACTION_MAP[operation](form))


def cloudwatch(operation: str, **parameters: Any) -> None:
    """Call a CloudWatch operation."""
    handlers = {
        "PutMetricAlarm": "_put_metric_alarm",
        "PutCompositeAlarm": "_put_composite_alarm",
        "DeleteAlarms": "_delete_alarms",
    }
    handler = getattr(ministack("services.cloudwatch"), handlers[operation])
    _accept(operation, handler({}, parameters, False, True))


def cloudtrail(operation: str, **parameters: Any) -> dict[str, Any]:
    """Call a CloudTrail operation; gives the answer."""
    handlers = {
        "CreateTrail": "_create_trail",
        "PutEventSelectors": "_put_event_selectors",
        "StartLogging": "_start_logging",
        "AddTags": "_add_tags",
        "DeleteTrail": "_delete_trail",
    }
    answer: dict[str, Any] = json.loads(
        _accept(operation, getattr(ministack("services.cloudtrail"), handlers[operation])(parameters))
    )
    return answer


def lambda_function(operation: str, name: str, **parameters: Any) -> None:
    """Call a Lambda operation on a function."""
    handlers = {
        "PutFunctionConcurrency": "_put_function_concurrency",
        "DeleteFunctionConcurrency": "_delete_function_concurrency",
    }
    handler = getattr(ministack("services.lambda_svc"), handlers[operation])
    _accept(operation, handler(name, *([parameters] if parameters else [])))


@cache
def _session() -> Any:
    return import_module("botocore.session").Session()


@cache
def _model(service: str) -> Any:
    return _session().get_service_model(service)


def _request(service: str, protocol: str, operation: str, parameters: dict[str, Any]) -> Any:
    serializer = import_module("botocore.serialize").create_serializer(protocol)
    return serializer.serialize_to_request(parameters, _model(service).operation_model(operation))


def _accept(operation: str, answer: tuple[int, dict[str, str], Any]) -> str:
    """Give the body of a successful answer; raise :class:`RefusedError` for any other."""
    status, _, body = answer
    text = body.decode() if isinstance(body, bytes) else str(body)
    if status >= 300:
        raise RefusedError(f"{operation} answered {status}: {_message(text)}")
    return text


def _message(text: str) -> str:
    try:
        error = json.loads(text)
        return str(error.get("message") or error.get("Message") or text)
    except ValueError:
        return text
