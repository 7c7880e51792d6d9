"""KMS: keys that AWS manages, keys of other accounts, and lists in pages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

kms = ministack("services.kms")
responses = ministack("core.responses")

# The predefined aliases of services that encrypt what this system and its sample account have.
# https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
PREDEFINED = {f"alias/aws/{service}" for service in ("ebs", "lambda", "s3", "secretsmanager", "sns", "sqs", "ssm")}


@replaces("services.kms", "_resolve_key")
def a_predefined_alias_gets_its_key(original: Callable[..., Any], key_id: str) -> Any:
    """An AWS alias without a key gets one as soon as it is asked for.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
    """
    found = original(key_id)
    alias = str(key_id).rpartition(":")[2]
    here = f"arn:aws:kms:{responses.get_region()}:{responses.get_account_id()}:{alias}"
    if found is None and alias in PREDEFINED and key_id in (alias, here):
        service = alias.rpartition("/")[2]
        description = f"Default key that protects my {service} resources when no other key is defined"
        made = json.loads(kms._create_key({"Description": description})[2])["KeyMetadata"]["KeyId"]
        kms._keys[made]["KeyManager"] = "AWS"
        kms._aliases[here] = made
        found = kms._keys[made]
    return found


@replaces("services.kms", "_key_metadata")
def a_key_says_who_manages_it(original: Callable[..., dict[str, Any]], key: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html"""
    return {**original(key), "KeyManager": key.get("KeyManager", "CUSTOMER")}


@replaces("services.kms", "_describe_key")
def a_key_of_another_account_is_refused(original: Callable[..., Any], request: dict[str, Any]) -> Any:
    """Whether another account has such a key is not told to those whom its policy does not allow.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
    """
    key_id = str(request.get("KeyId"))
    if key_id.startswith("arn:") and key_id.split(":")[4] != responses.get_account_id():
        return responses.error_response_json(
            "AccessDeniedException",
            f"The caller is not authorized to perform: kms:DescribeKey on resource: {key_id} because the resource does "
            "not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly "
            "denies access",
            400,
        )
    return original(request)


@replaces("services.kms", "_list_keys")
def keys_are_listed_in_pages(original: Callable[..., Any], request: dict[str, Any]) -> Any:
    """100 keys at a time unless the request says otherwise, and 1000 at most.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html
    """
    return _page(original({"Limit": len(kms._keys)}), request, ("Keys", "KeyId"), usual=100, most=1000)


@replaces("services.kms", "_list_aliases")
def aliases_are_listed_in_pages(original: Callable[..., Any], request: dict[str, Any]) -> Any:
    """50 aliases at a time unless the request says otherwise, and 100 at most.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html
    """
    return _page(original(request), request, ("Aliases", "AliasName"), usual=50, most=100)


@replaces("services.kms", "_list_resource_tags")
def tags_are_listed_in_pages(original: Callable[..., Any], request: dict[str, Any]) -> Any:
    """50 tags at a time unless the request says otherwise, which is also the most.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html
    """
    return _page(original(request), request, ("Tags", "TagKey"), usual=50, most=50)


def _page(answer: Any, request: dict[str, Any], listed: tuple[str, str], *, usual: int, most: int) -> Any:
    """Cut the page that the request asks for out of an answer that lists everything.

    A marker names the last item of the page before, in the items' own order: nothing is left out or listed twice when
    items come and go between two pages.
    """
    if answer[0] != 200:
        return answer
    items_field, name_field = listed
    try:
        last = base64.b64decode(request.get("Marker", ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return responses.error_response_json("InvalidMarkerException", "The marker is not valid", 400)
    items = sorted(json.loads(answer[2])[items_field], key=lambda item: str(item[name_field]))
    rest = [item for item in items if item[name_field] > last]
    page = rest[: min(request.get("Limit", usual), most)]
    if len(page) == len(rest):
        return responses.json_response({items_field: page, "Truncated": False})
    marker = base64.b64encode(page[-1][name_field].encode()).decode()
    return responses.json_response({items_field: page, "Truncated": True, "NextMarker": marker})
