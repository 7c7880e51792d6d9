"""S3: settings of a bucket for which MiniStack serves a listing of it: it knows them by another name, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

Answer = tuple[int, dict[str, str], Any]

s3 = ministack("services.s3")


def _policy_status(bucket: str) -> Answer:
    """GetBucketPolicyStatus judges the policy as block public access does.

    MiniStack has that judgement ("the meaning of public") for PutBucketPolicy.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    policy: Answer = s3._get_bucket_policy(bucket)
    if policy[0] != 200:
        return policy
    public = json.dumps(bool(s3._policy_is_public(s3._bucket_policies[bucket])))
    return (
        200,
        {"Content-Type": "application/xml"},
        f'<PolicyStatus xmlns="{s3.S3_NS}"><IsPublic>{public}</IsPublic></PolicyStatus>'.encode(),
    )


# By the name by which each is asked for; the latter is the one by which it is put, too.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html
SETTINGS: dict[str, Callable[[str], Answer]] = {
    "policyStatus": _policy_status,
    "requestPayment": s3._get_bucket_request_payment,
}


@replaces("services.s3", "_dispatch")
def settings_are_served(
    original: Callable[..., Answer],
    method: str,
    bucket: str,
    key: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
) -> Answer:
    """A bucket's own settings; everything else is MiniStack's."""
    asked = [serve for name, serve in SETTINGS.items() if name in query_params]
    if method != "GET" or key or not bucket or not asked:
        return original(method, bucket, key, headers, body, query_params)
    return asked[0](bucket)
