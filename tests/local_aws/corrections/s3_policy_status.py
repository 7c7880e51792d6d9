"""S3: whether a bucket's policy makes it public."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

Answer = tuple[int, dict[str, str], Any]

s3 = ministack("services.s3")


@replaces("services.s3", "_dispatch")
def policy_status_is_served(
    original: Callable[..., Answer],
    method: str,
    bucket: str,
    key: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
) -> Answer:
    """GetBucketPolicyStatus judges the policy as block public access does.

    MiniStack has that judgement ("the meaning of public") for PutBucketPolicy, and serves a listing
    of the bucket under this name.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    if method != "GET" or key or not bucket or "policyStatus" not in query_params:
        return original(method, bucket, key, headers, body, query_params)
    policy = s3._get_bucket_policy(bucket)
    if policy[0] != 200:
        answer: Answer = policy
        return answer
    public = json.dumps(bool(s3._policy_is_public(s3._bucket_policies[bucket])))
    return (
        200,
        {"Content-Type": "application/xml"},
        f'<PolicyStatus xmlns="{s3.S3_NS}"><IsPublic>{public}</IsPublic></PolicyStatus>'.encode(),
    )
