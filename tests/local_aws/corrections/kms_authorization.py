"""Authorization by keys: who reads or writes what a key encrypts needs the key, and making a key has conditions."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from patching import ministack, replaces
from roles import denial

from corrections.caller import refusal

Answer = tuple[int, dict[str, str], Any]

iam_actions = ministack("core.iam_actions")
kms = ministack("services.kms")
lambda_svc = ministack("services.lambda_svc")
responses = ministack("core.responses")
s3 = ministack("services.s3")
sns = ministack("services.sns")

ALGORITHM = "x-amz-server-side-encryption"
KEY = "x-amz-server-side-encryption-aws-kms-key-id"


# --- Amazon S3 ------------------------------------------------------------------------------------------------------


@replaces("services.s3", "_dispatch")
def objects_under_a_key_need_the_key(
    original: Callable[..., Answer],
    method: str,
    bucket: str,
    key: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
) -> Answer:
    """Reading an object needs ``kms:Decrypt``, writing one ``kms:GenerateDataKey``, writing in parts both.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html ("Permissions") and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
    """
    if not key:
        return original(method, bucket, key, headers, body, query_params)
    action, encryption = _of_a_write(method, bucket, headers, query_params)
    refused = _refused_by_the_key(action, bucket, key, encryption)
    if refused:
        return refused
    answer = original(method, bucket, key, headers, body, query_params)
    if method == "GET" and answer[0] < 300 and not {"uploadId", "tagging", "acl"} & set(query_params):
        read = {name.lower(): value for name, value in answer[1].items()}
        return _refused_by_the_key("kms:Decrypt", bucket, key, read) or answer
    return answer


def _of_a_write(
    method: str, bucket: str, headers: dict[str, str], query_params: dict[str, Any]
) -> tuple[str, dict[str, str]]:
    """The action on the key that a write needs, and the encryption that the object gets; empty for no write."""
    upload = query_params.get("uploadId")
    if upload and method in ("PUT", "POST"):
        under_way = s3._multipart_uploads.get(upload[0] if isinstance(upload, list) else upload) or {}
        return "kms:Decrypt", under_way.get("preserved_headers", {})
    whole = method == "PUT" and not {"tagging", "acl", "retention", "legal-hold"} & set(query_params)
    if whole or (method == "POST" and "uploads" in query_params):
        return "kms:GenerateDataKey", s3._resolve_sse_write_headers(headers, bucket)[0] or {}
    return "", {}


def _refused_by_the_key(action: str, bucket: str, key: str, encryption: dict[str, str]) -> Answer | None:
    if encryption.get(ALGORITHM) != "aws:kms":
        return None
    object_arn, bucket_arn = f"arn:aws:s3:::{bucket}/{key}", f"arn:aws:s3:::{bucket}"
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
    context = {"aws:s3:arn": bucket_arn if _has_a_bucket_key(bucket) else object_arn}
    refused = _use(action, encryption.get(KEY, ""), "s3", context)
    return s3._error("AccessDenied", refused, 403, f"/{bucket}/{key}") if refused else None


def _has_a_bucket_key(bucket: str) -> bool:
    """MiniStack keeps the bucket's encryption as the XML that was put."""
    configuration = s3._bucket_encryption.get(bucket) or b""
    text = configuration.decode() if isinstance(configuration, bytes) else str(configuration)
    return "<BucketKeyEnabled>true</BucketKeyEnabled>" in text


# --- Amazon SNS -----------------------------------------------------------------------------------------------------


@replaces("services.sns", "handle_request")
async def messages_to_an_encrypted_topic_need_its_key(
    original: Callable[..., Any],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
) -> Any:
    """Publish needs ``kms:GenerateDataKey`` and ``kms:Decrypt`` on the key of the topic.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#sns-what-permissions-for-sse and, for the error,
    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    """
    parameters = {**query_params, **sns.parse_qs(body.decode(errors="replace"))}
    if sns._p(parameters, "Action") in ("Publish", "PublishBatch"):
        topic = sns._p(parameters, "TopicArn")
        key = (sns._topics.get(topic) or {}).get("attributes", {}).get("KmsMasterKeyId", "")
        for action in ("kms:GenerateDataKey", "kms:Decrypt"):
            refused = _use(action, key, "sns", {"aws:sns:topicArn": topic})
            if refused:
                return sns._error("KMSAccessDenied", refused, 400)
    return await original(method, path, headers, body, query_params)


def _use(action: str, key: str, service: str, encryption_context: dict[str, str]) -> str | None:
    """Why the caller may not use the key through the service; None if it may.

    A key that is managed by AWS may be used through its service by everybody who may use the service:
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    found = None if "alias/aws/" in key else kms._resolve_key(key)
    if found is None:
        return None
    context = {f"kms:EncryptionContext:{name}": value for name, value in encryption_context.items()}
    via = f"{service}.{responses.get_region()}.amazonaws.com"
    return refusal(
        action,
        found["Arn"],
        {**context, "kms:ViaService": via, "kms:CallerAccount": responses.get_account_id()},
    )


# --- AWS Lambda -----------------------------------------------------------------------------------------------------


@replaces("services.lambda_svc", "_invoke")
async def a_function_decrypts_its_environment(original: Callable[..., Any], name: str, *arguments: Any) -> Any:
    """The function's role needs ``kms:Decrypt`` on the key of its environment, if that is a customer's.

    On AWS it shows when an execution environment starts, here at every invocation from outside. The error:
    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """
    config = (lambda_svc._functions.get(name) or {}).get("config", {})
    if config.get("KMSKeyArn") and (config.get("Environment") or {}).get("Variables"):
        denied = denial(config["Role"], name, "kms:Decrypt", config["KMSKeyArn"])
        if denied:
            complaint = (
                "Lambda was unable to decrypt the environment variables because KMS access was denied. Please check "
                f"the function's KMS key settings. KMS Exception: AccessDeniedException KMS Message: {denied}"
            )
            return responses.error_response_json("KMSAccessDeniedException", complaint, 502)
    return await original(name, *arguments)


# --- AWS KMS itself -------------------------------------------------------------------------------------------------


@replaces("core.iam_actions", "request_tag_context")
def a_new_key_has_its_kind_for_conditions(
    original: Callable[..., dict[str, Any]], service: str, iam_action: str, body: bytes, params: dict[str, Any]
) -> dict[str, Any]:
    """The kind of key that CreateKey asks for, with the default of what it leaves out.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html ("Conditions for an API operation
    request"), defaults: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
    """
    context = original(service, iam_action, body, params)
    if iam_action != "kms:CreateKey":
        return context
    asked = json.loads(body or b"{}")
    return {
        **context,
        "kms:BypassPolicyLockoutSafetyCheck": str(asked.get("BypassPolicyLockoutSafetyCheck", False)).lower(),
        "kms:KeyOrigin": asked.get("Origin", "AWS_KMS"),
        "kms:KeySpec": asked.get("KeySpec", "SYMMETRIC_DEFAULT"),
        "kms:KeyUsage": asked.get("KeyUsage", "ENCRYPT_DECRYPT"),
        "kms:MultiRegion": str(asked.get("MultiRegion", False)).lower(),
    }


@replaces("core.iam_actions", "request_tag_context")
def a_signature_has_its_kind_for_conditions(
    original: Callable[..., dict[str, Any]], service: str, iam_action: str, body: bytes, params: dict[str, Any]
) -> dict[str, Any]:
    """What Sign and Verify are asked for, with the default of what they leave out.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-message-type and
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-signing-algorithm
    """
    context = original(service, iam_action, body, params)
    if iam_action not in ("kms:Sign", "kms:Verify"):
        return context
    asked = json.loads(body or b"{}")
    return {
        **context,
        "kms:MessageType": asked.get("MessageType", "RAW"),
        "kms:SigningAlgorithm": asked.get("SigningAlgorithm", ""),
    }


@replaces("core.iam_actions", "request_tag_context")
def an_encryption_context_is_there_for_conditions(
    original: Callable[..., dict[str, Any]], service: str, iam_action: str, body: bytes, params: dict[str, Any]
) -> dict[str, Any]:
    """What the request has as its encryption context: each pair, and the names of all.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context and
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context-keys
    """
    context = original(service, iam_action, body, params)
    pairs = iam_actions._safe_json_field(body, "EncryptionContext") if service == "kms" else None
    if not pairs:
        return context
    each = {f"kms:EncryptionContext:{name}": value for name, value in pairs.items()}
    return {**context, **each, "kms:EncryptionContextKeys": list(pairs)}


@replaces("core.iam_actions", "extract_resource_arn")
def naming_a_key_is_checked_on_the_key(
    original: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    *rest: Any,
) -> str:
    """CreateAlias is authorized on the key that gets the name; MiniStack finds no key in the request.

    Operations on a key are authorized on the key, also if the request names it by an alias.

    https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html and
    https://docs.aws.amazon.com/kms/latest/developerguide/cmks-in-iam-policies.html
    """
    if service == "kms" and headers.get("x-amz-target") == "TrentService.CreateAlias":
        body = json.dumps({"KeyId": json.loads(body)["TargetKeyId"]}).encode()
    elif service == "kms":
        named = str(iam_actions._safe_json_field(body, "KeyId"))
        key = kms._resolve_key(named) if "alias/" in named else None
        if key:
            body = json.dumps({"KeyId": key["Arn"]}).encode()
    return original(service, method, path, headers, body, *rest)


@replaces("core.iam_actions", "extract_resource_arn")
def aliases_are_listed_on_no_resource(
    original: Callable[..., str], service: str, method: str, path: str, headers: dict[str, str], *rest: Any
) -> str:
    """ListAliases is authorized on ``*``, also where it asks for the aliases of one key.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
    """
    if service == "kms" and headers.get("x-amz-target") == "TrentService.ListAliases":
        return "*"
    return original(service, method, path, headers, *rest)


@replaces("services.kms", "handle_request")
async def names_and_tags_of_keys_are_permissions_too(
    original: Callable[..., Any], method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
) -> Any:
    """CreateAlias is authorized on the alias as well; CreateKey with tags needs ``kms:TagResource``.

    https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html and
    https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html
    """
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    here = f"arn:aws:kms:{responses.get_region()}:{responses.get_account_id()}"
    refused = None
    if operation == "CreateAlias":
        refused = refusal("kms:CreateAlias", f"{here}:{json.loads(body)['AliasName']}")
    elif operation == "CreateKey" and json.loads(body or b"{}").get("Tags"):
        tags = iam_actions.request_tag_context("kms", "kms:TagResource", body, {})
        refused = refusal("kms:TagResource", f"{here}:key/{uuid.uuid4()}", tags)
    if refused:
        return responses.error_response_json("AccessDeniedException", refused, 400)
    return await original(method, path, headers, body, *rest)
