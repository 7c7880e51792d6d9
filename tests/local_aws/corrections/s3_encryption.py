"""S3: an object written with SSE-KMS and no key gets the AWS-managed key, and buckets refuse SSE-C."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

s3 = ministack("services.s3")

ALGORITHM = "x-amz-server-side-encryption"
KEY = "x-amz-server-side-encryption-aws-kms-key-id"


@replaces("services.s3", "_resolve_sse_write_headers")
def without_a_key_the_aws_managed_key_is_used(
    original: Callable[..., Any], headers: dict[str, str], bucket_name: str
) -> Any:
    """MiniStack refuses such a write; the bootstrap bucket of the CDK is written to in this way.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-kms-encryption.html
    """
    if headers.get(ALGORITHM) == "aws:kms" and not headers.get(KEY):
        headers = headers | {KEY: "alias/aws/s3"}
    return original(headers, bucket_name)


@replaces("services.s3", "_put_bucket_encryption")
def what_is_blocked_stays_blocked(original: Callable[..., Any], bucket: str, body: bytes) -> Any:
    """A configuration that does not name blocked types leaves the bucket's as they are.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
    """
    answer = original(bucket, body)
    named = re.search(rb"<BlockedEncryptionTypes>.*?</BlockedEncryptionTypes>", body, re.DOTALL)
    if answer[0] < 300 and named:
        s3._buckets[bucket]["BlockedEncryptionTypes"] = named[0].decode()
    return answer


@replaces("services.s3", "_get_bucket_encryption")
def a_new_bucket_blocks_customers_keys(original: Callable[..., Any], bucket: str) -> Any:
    """Buckets made since April 2026 block SSE-C, unless their configuration says otherwise.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html
    """
    status, headers, body = original(bucket)
    if status != 200:
        return status, headers, body
    text = body.decode() if isinstance(body, bytes) else str(body)
    if "<BlockedEncryptionTypes>" not in text:
        blocked = s3._buckets[bucket].get("BlockedEncryptionTypes", CUSTOMERS_KEYS)
        text = text.replace("</Rule>", f"{blocked}</Rule>")
    return status, headers, text.encode()


CUSTOMERS_KEYS = "<BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes>"
