"""Lambda: resource policies and URLs, what a function finds in its environment, and what it may log."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from patching import ministack, replaces
from roles import denial

lambda_svc = ministack("services.lambda_svc")
responses = ministack("core.responses")

# What the launcher sets for MiniStack and not for the functions, which inherit its environment.
OF_THE_LAUNCHER = (
    "AUTH",
    "BIND_HOST",
    "DOCKER_HOST",
    "GATEWAY_PORT",
    "IOT_MTLS_ENABLED",
    "LOG_LEVEL",
    "MINISTACK_ACCOUNT_ID",
    "MINISTACK_HOST",
    "MINISTACK_REGION",
    "S3_DATA_DIR",
    "SFTP_ENABLED",
    "STATE_DIR",
)


@replaces("services.lambda_svc", "_get_policy")
def a_function_has_a_policy_apart_from_its_aliases(
    original: Callable[..., Any],
    func_name: str,
    query_params: dict[str, Any] | None = None,
    path_qualifier: str | None = None,
) -> Any:
    """GetPolicy without a qualifier has the function's own statements; 404 ResourceNotFoundException without any.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html ("Qualifier", "Errors")
    """
    function = lambda_svc._functions.get(func_name)
    if function is None or lambda_svc._qualifier_from_path_or_query(path_qualifier, query_params):
        return original(func_name, query_params, path_qualifier)
    policy, arn = function["policy"], lambda_svc._func_arn(func_name)
    own = [statement for statement in policy["Statement"] if statement.get("Resource") == arn]
    if not own:
        return responses.error_response_json(
            "ResourceNotFoundException",
            "The resource you requested does not exist.",
            404,
        )
    answer = {"Policy": json.dumps({**policy, "Statement": own}), "RevisionId": function["config"]["RevisionId"]}
    return responses.json_response(answer)


@replaces("services.lambda_svc", "_list_functions")
def functions_are_listed_with_their_versions(original: Callable[..., Any], query_params: dict[str, Any]) -> Any:
    """ListFunctions with FunctionVersion=ALL has an entry for each published version, too; a page has 50 at most.

    https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
    """
    if _parameter(query_params, "FunctionVersion", "") != "ALL":
        return original(query_params)
    entries = []
    for _, function in sorted(lambda_svc._functions.items()):
        latest = {**function["config"], "FunctionArn": f"{function['config']['FunctionArn']}:$LATEST"}
        published = [function["versions"][number]["config"] for number in sorted(function["versions"], key=int)]
        entries += [latest, *published]
    start, size = int(_parameter(query_params, "Marker", 0)), min(int(_parameter(query_params, "MaxItems", 50)), 50)
    answer: dict[str, Any] = {"Functions": entries[start : start + size]}
    if start + size < len(entries):
        answer["NextMarker"] = str(start + size)
    return responses.json_response(answer)


@replaces("services.lambda_svc", "_list_function_url_configs")
def urls_are_listed_in_pages(_original: Callable[..., Any], name: str, query_params: dict[str, Any]) -> Any:
    """ListFunctionUrlConfigs answers 404 for no function, has pages of 50 at most, and tells an alias's URL apart.

    https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionUrlConfigs.html
    """
    if name not in lambda_svc._functions:
        here = f"{responses.get_region()}:{responses.get_account_id()}"
        return responses.error_response_json(
            "ResourceNotFoundException", f"Function not found: arn:aws:lambda:{here}:function:{name}", 404
        )
    urls = [
        {**url, "FunctionArn": url["FunctionArn"] + key.removeprefix(name)}
        for key, url in sorted(lambda_svc._function_urls.items())
        if key.partition(":")[0] == name
    ]
    start, size = int(_parameter(query_params, "Marker", 0)), int(_parameter(query_params, "MaxItems", 50))
    answer: dict[str, Any] = {"FunctionUrlConfigs": urls[start : start + size]}
    if start + size < len(urls):
        answer["NextMarker"] = str(start + size)
    return responses.json_response(answer)


def _parameter(query_params: dict[str, Any], name: str, default: int | str) -> str:
    value = query_params.get(name, default)
    return str(value[0] if isinstance(value, list) else value)


@replaces("services.lambda_svc", "_provided_worker_env")
def a_function_finds_its_own_environment(
    original: Callable[..., dict[str, str]], config: dict[str, Any], *arguments: Any
) -> dict[str, str]:
    """A function's environment is what it is configured with, and what Lambda itself defines.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    own = (config.get("Environment") or {}).get("Variables") or {}
    environment = original(config, *arguments)
    for name in OF_THE_LAUNCHER:
        if name not in own and environment.get(name) == os.environ.get(name):
            environment.pop(name, None)
    environment.setdefault("AWS_EXECUTION_ENV", f"AWS_Lambda_{config.get('Runtime', '')}")
    environment.setdefault("TZ", ":UTC")
    return environment


@replaces("services.lambda_svc", "_emit_lambda_logs")
def a_function_logs_as_far_as_its_role_may(
    original: Callable[..., None], function: dict[str, Any], *arguments: Any, **named: Any
) -> None:
    """A function's log is written under its role: without the permission nothing is logged, and no group is made.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html ("Required IAM permissions")
    """
    config = function.get("config") or function
    name = config["FunctionName"]
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    arn = f"arn:aws:logs:{responses.get_region()}:{responses.get_account_id()}:log-group:{group}"
    needed = {"logs:CreateLogStream": f"{arn}:log-stream:", "logs:PutLogEvents": f"{arn}:log-stream:"}
    if group not in ministack("services.cloudwatch_logs")._log_groups:
        needed["logs:CreateLogGroup"] = arn
    if not any(denial(config["Role"], name, action, on) for action, on in needed.items()):
        original(function, *arguments, **named)
