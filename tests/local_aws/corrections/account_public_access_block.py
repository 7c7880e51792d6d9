"""S3's block of public access for a whole account, which MiniStack does not have.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable
from typing import Any

from patching import ministack, replaces

PATH = "/v20180820/configuration/publicAccessBlock"
SETTINGS = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)

Response = tuple[int, dict[str, str], bytes]

app = ministack("app")
s3 = ministack("services.s3")
responses = ministack("core.responses")
blocks = responses.AccountScopedDict()

ACTIONS = {
    "GET": "s3:GetAccountPublicAccessBlock",
    "PUT": "s3:PutAccountPublicAccessBlock",
    "DELETE": "s3:PutAccountPublicAccessBlock",
}


@replaces("app", "_handle_s3_control_request")
async def serve(
    original: Callable[..., Awaitable[Response | None]],
    path: str,
    method: str,
    body: bytes,
    query_params: dict[str, Any],
    request_id: str,
    headers: dict[str, str] | None = None,
) -> Response | None:
    """Get, put and delete the account's configuration.

    Without one, AWS answers 404 NoSuchPublicAccessBlockConfiguration:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html
    """
    if path.rstrip("/") != PATH or method not in ACTIONS:
        return await original(path, method, body, query_params, request_id, headers)
    headers = headers or {}
    refused: Response | None = app._enforce_data_plane(
        "s3", ACTIONS[method], headers, query_params, request_id
    ) or s3.s3control_account_error(headers)
    if refused:
        return refused
    if method == "PUT":
        put({element.tag.rpartition("}")[2]: element.text for element in ET.fromstring(body)})
        return 200, {}, b""
    if method == "DELETE":
        blocks.pop("block", None)
        return 204, {}, b""
    return _read()


def put(settings: dict[str, Any]) -> None:
    """Store the account's configuration; a setting that is not named is off."""
    blocks["block"] = {name: str(settings.get(name) or "false").strip().lower() == "true" for name in SETTINGS}


def _read() -> Response:
    block = blocks.get("block")
    if block is None:
        error: Response = s3.s3control_error(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
            404,
            {"AccountId": responses.get_account_id()},
        )
        return error
    root = ET.Element("PublicAccessBlockConfiguration", xmlns=s3.S3CONTROL_NS)
    for name, value in block.items():
        ET.SubElement(root, name).text = str(value).lower()
    return 200, {"Content-Type": "application/xml"}, ET.tostring(root)


@replaces("services.s3", "_public_access_blocked")
def the_account_blocks_too(original: Callable[..., bool], owner_account: str, bucket_name: str, setting: str) -> bool:
    """A setting applies to a bucket when the account or the bucket has it.

    "S3 evaluates […] the most restrictive combination of the access point, bucket, and account
    settings", in the page at the top.
    """
    block = blocks.get_scoped(owner_account, None, "block") or {}
    return bool(block.get(setting)) or original(owner_account, bucket_name, setting)


@replaces("services.s3", "reset")
def forget(original: Callable[[], None]) -> None:
    """Start anew with the rest of S3."""
    blocks.clear()
    original()
