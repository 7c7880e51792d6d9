"""Authorization: action names and condition keys as the Service Authorization Reference has them.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

from patching import ministack, replaces

iam_actions = ministack("core.iam_actions")
iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]

Original = Callable[..., Any]

# Where the action has another name than the operation ("Actions defined by AWS Lambda").
LAMBDA_ACTIONS = {
    "Invoke": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
}


@replaces("core.iam_evaluator", "pin_request_origin")
def every_request_is_encrypted_in_transit(original: Original, source_ip: str, _secure_transport: bool) -> None:
    """``aws:SecureTransport`` is true, though the local AWS speaks plain HTTP.

    Policies that allow TLS only would otherwise deny everything. AWS:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-securetransport
    """
    original(source_ip, True)


@replaces("core.iam_actions", "_lambda_action")
def lambda_operations_have_their_own_actions(original: Original, method: str, path: str) -> str | None:
    """Lambda's calls are authorized under the operation's name.

    MiniStack takes GetFunctionConcurrency for PutFunctionConcurrency, among others. AWS:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
    """
    operation: str | None = iam_actions._match_rest_action("lambda", method, path)
    if operation is None:
        unmodelled: str | None = original(method, path)
        return unmodelled
    return LAMBDA_ACTIONS.get(operation, operation)


@replaces("core.iam_actions", "request_tag_context")
def metrics_have_a_namespace(
    original: Original,
    service: str,
    iam_action: str,
    body: bytes,
    params: dict[str, Any],
) -> dict[str, Any]:
    """``cloudwatch:namespace`` is the namespace that PutMetricData writes to.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html
    """
    context: dict[str, Any] = original(service, iam_action, body, params)
    if iam_action == "cloudwatch:PutMetricData":
        namespace = _namespace(body, params)
        if namespace:
            context = {**context, "cloudwatch:namespace": namespace}
    return context


def _namespace(body: bytes, params: dict[str, Any]) -> str | None:
    """Read the namespace from a request in any of CloudWatch's three protocols."""
    if "Namespace" in params:
        value = params["Namespace"]
        return str(value[0] if isinstance(value, list) else value)
    try:
        request = json.loads(body)
    except ValueError:
        cbor2 = import_module("cbor2")
        try:
            request = cbor2.loads(body)
        except cbor2.CBORDecodeError:
            return None
    return request.get("Namespace") if isinstance(request, dict) else None


@replaces("core.iam_actions", "extract_iam_action")
def deleting_a_version_is_an_action_of_its_own(
    original: Original,
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
) -> str | None:
    """DeleteObjects needs ``s3:DeleteObjectVersion`` for an entry that names a version.

    MiniStack asks so for every entry but the first. AWS:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html ("Permissions")
    """
    action: str | None = original(service, method, path, headers, body, query_params)
    if action == "s3:DeleteObject" and method == "POST" and "delete" in query_params:
        targets = iam_actions._s3_batch_delete_targets("", body)
        if targets and targets[0][1]:
            return "s3:DeleteObjectVersion"
    return action


@replaces("core.iam_actions", "extract_resource_arn")
def naming_a_key_is_checked_on_the_key(
    original: Original, service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
) -> str:
    """CreateAlias is authorized on the key that gets the name.

    MiniStack finds no key in the request, and so no resource. AWS asks for the permission on the alias as well, which
    is not checked here: https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
    """
    if service == "kms" and headers.get("x-amz-target") == "TrentService.CreateAlias":
        body = json.dumps({"KeyId": json.loads(body)["TargetKeyId"]}).encode()
    arn: str = original(service, method, path, headers, body, *rest)
    return arn
