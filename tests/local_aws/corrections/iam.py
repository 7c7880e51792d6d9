"""Authorization: action names and condition keys as the Service Authorization Reference has them.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from patching import ministack, replaces

from corrections.caller import refusal

iam = ministack("services.iam")
iam_actions = ministack("core.iam_actions")
s3 = ministack("services.s3")
sts = ministack("services.sts")
iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]

Original = Callable[..., Any]

# Where the action has another name than the operation ("Actions defined by AWS Lambda").
LAMBDA_ACTIONS = {
    "Invoke": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
}

SOURCE_FUNCTION = "SourceFunctionArn"
"""Where a session of a role keeps the function that it was made for."""


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


@replaces("core.lambda_runtime", "execution_credentials")
def credentials_are_of_a_function(original: Original, config: dict[str, Any]) -> dict[str, str]:
    """Requests under the credentials that a function finds in its environment tell which function that is.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    """
    credentials: dict[str, str] = original(config)
    session = sts._sessions.get(credentials["AWS_ACCESS_KEY_ID"])
    if session is not None:
        session[SOURCE_FUNCTION] = config["FunctionArn"]
    return credentials


@replaces("core.iam_evaluator", "_principal_keys")
def the_calling_function_is_known(original: Original, credential: Any) -> dict[str, Any]:
    """``lambda:SourceFunctionArn`` is the function whose credentials they are; others have no such key.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    """
    keys: dict[str, Any] = original(credential)
    session = sts._sessions.get(credential.access_key_id) or {}
    if SOURCE_FUNCTION in session:
        keys["lambda:sourcefunctionarn"] = session[SOURCE_FUNCTION]
    return keys


@replaces("core.iam_evaluator", "_resolve_condition_key")
def the_principal_of_a_session_is_its_role(original: Original, key: str, context: Any) -> Any:
    """``aws:PrincipalArn`` of a role's session is the role's ARN, and not the session's.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    value = original(key, context)
    if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(value):
        return value
    role = iam._roles.get(str(value).split("/")[1])
    return role["Arn"] if role else value


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
    return _fields(body).get("Namespace")


def _fields(body: bytes) -> dict[str, Any]:
    """The fields of a request in JSON or CBOR; none if it is in neither."""
    try:
        request = json.loads(body)
    except ValueError:
        cbor2 = import_module("cbor2")
        try:
            request = cbor2.loads(body)
        except cbor2.CBORDecodeError:
            return {}
    return request if isinstance(request, dict) else {}


@replaces("core.iam_actions", "_safe_json_field")
def fields_are_found_in_cbor_too(_original: Original, body: bytes, field: str) -> Any:
    """MiniStack looks for what a request is about in JSON only, and fails at CBOR."""
    return _fields(body).get(field, "") or ""


@replaces("core.iam_actions", "extract_iam_action")
def calls_in_cbor_are_authorized_too(
    original: Original, service: str, method: str, path: str, headers: dict[str, str], *rest: Any
) -> str | None:
    """A request in smithy-rpc-v2-cbor names its operation in the path; MiniStack lets it through unasked.

    https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
    """
    operation = re.fullmatch(r"/service/\w+/operation/(\w+)", path)
    namespace = iam_actions.SERVICE_TO_IAM_NAMESPACE.get(service)
    if operation and namespace and headers.get("smithy-protocol") == "rpc-v2-cbor":
        return f"{namespace}:{operation[1]}"
    action: str | None = original(service, method, path, headers, *rest)
    return action


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
def entries_are_read_of_a_prefix_list(
    original: Original,
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
    *rest: Any,
) -> str:
    """GetManagedPrefixListEntries is authorized on the prefix list.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    """
    arn: str = original(service, method, path, headers, body, query_params, *rest)
    prefix_list = iam_actions._query_param(query_params, "PrefixListId")
    if service == "ec2" and prefix_list:
        region, account = rest
        return f"arn:aws:ec2:{region}:{account}:prefix-list/{prefix_list}"
    return arn


@replaces("core.iam_actions", "extract_resource_arn")
def descriptions_are_not_of_one_resource(
    original: Original,
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
    *rest: Any,
) -> str:
    """EC2's Describe operations are authorized on ``*``, whatever they name, but for one.

    The permissions of an endpoint service are authorized on the service:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    """
    arn: str = original(service, method, path, headers, body, query_params, *rest)
    action = iam_actions._query_param(query_params, "Action") if service == "ec2" else ""
    if action == "DescribeVpcEndpointServicePermissions":
        region, account = rest
        named = iam_actions._query_param(query_params, "ServiceId")
        return f"arn:aws:ec2:{region}:{account}:vpc-endpoint-service/{named}"
    return "*" if action.startswith("Describe") else arn


@replaces("app", "_enforce_data_plane")
def access_points_are_read_on_no_resource(
    original: Original, service: str, action: str, *rest: Any, **named: Any
) -> Any:
    """ListAccessPoints and GetAccessPoint are authorized on ``*``.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
    """
    if action in ("s3:ListAccessPoints", "s3:GetAccessPoint"):
        named["resource_arn"] = "*"
    return original(service, action, *rest, **named)


@replaces("services.s3", "_dispatch")
def only_who_lists_learns_that_an_object_is_missing(
    original: Original, method: str, bucket: str, key: str, *rest: Any
) -> Any:
    """A missing object is 404 for those with ``s3:ListBucket``, and 403 for others.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html ("Permissions")
    """
    answer = original(method, bucket, key, *rest)
    if answer[0] == 404 and key and method in ("GET", "HEAD"):
        refused = refusal("s3:ListBucket", f"arn:aws:s3:::{bucket}")
        if refused:
            return s3._error("AccessDenied", refused, 403, f"/{bucket}/{key}")
    return answer


@replaces("services.lambda_svc", "_get_function")
def tags_are_for_those_who_list_them(original: Original, name: str, *rest: Any) -> Any:
    """GetFunction without ``lambda:ListTags`` answers with an error in the place of the tags.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html and API_TagsError.html
    """
    status, headers, body = original(name, *rest)
    if status == 200:
        answer = json.loads(body)
        refused = refusal("lambda:ListTags", answer["Configuration"]["FunctionArn"])
        if refused:
            answer.pop("Tags", None)
            answer["TagsError"] = {"ErrorCode": "AccessDeniedException", "Message": refused}
            body = json.dumps(answer).encode()
    return status, headers, body
