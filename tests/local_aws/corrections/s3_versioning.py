"""S3: a bucket keeps whether deleting a version needs multi-factor authentication."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

s3 = ministack("services.s3")


@replaces("services.s3", "_put_bucket_versioning")
def mfa_delete_is_kept(original: Callable[..., Any], bucket: str, body: bytes) -> Any:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html"""
    answer = original(bucket, body)
    asked = re.search(rb"<MfaDelete>(\w+)</MfaDelete>", body)
    if answer[0] < 300 and asked:
        s3._buckets[bucket]["MfaDelete"] = asked[1].decode()
    return answer


@replaces("services.s3", "_get_bucket_versioning")
def mfa_delete_is_told(original: Callable[..., Any], bucket: str) -> Any:
    """The element is there only if the bucket was ever configured with MFA delete.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
    """
    status, headers, body = original(bucket)
    configured = s3._buckets.get(bucket, {}).get("MfaDelete")
    if status == 200 and configured:
        end = b"</VersioningConfiguration>"
        body = body.replace(end, f"<MfaDelete>{configured}</MfaDelete>".encode() + end)
    return status, headers, body
