"""Customer managed keys: one for each bucket, and one each for alerts, dead letters, logs and functions."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from constructs import Construct

from compliance_audit.names import Names


def customer_managed_key(scope: Construct, what: str, *, names: Names, description: str) -> kms.Key:
    """A key that rotates every year, and that goes with the stack after the shortest wait that AWS KMS allows."""
    return kms.Key(
        scope,
        f"{what}-key",
        alias=f"alias/{names.of(what, 'key')}",
        description=description,
        enable_key_rotation=True,
        pending_window=Duration.days(7),
        removal_policy=RemovalPolicy.DESTROY,
    )
