"""S3: who pays for the requests for a bucket's objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

Answer = tuple[int, dict[str, str], Any]

s3 = ministack("services.s3")


@replaces("services.s3", "_dispatch")
def request_payment_is_served(
    original: Callable[..., Answer],
    method: str,
    bucket: str,
    key: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
) -> Answer:
    """GetBucketRequestPayment is asked for by the name by which it is put.

    MiniStack looks for another one, and serves a listing of the bucket.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html
    """
    if method != "GET" or key or not bucket or "requestPayment" not in query_params:
        return original(method, bucket, key, headers, body, query_params)
    answer: Answer = s3._get_bucket_request_payment(bucket)
    return answer
