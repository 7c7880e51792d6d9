"""S3: an object written with SSE-KMS and no key is encrypted with the AWS-managed key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patching import replaces

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
