"""Customer managed keys: one for each bucket, one each for alerts, dead letters, logs and functions; one that signs."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
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


def signing_key(scope: Construct, what: str, *, names: Names, description: str, signer: str) -> kms.Key:
    """A key that signs digests for one role and does nothing else. AWS KMS does not rotate asymmetric keys:
    https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html

    The account's IAM administers it, but cannot let anybody else sign, nor can a grant: the policy delegates neither.
    `signer` is the role's name; by a name and not as a principal, for the role's own policy refers to the key.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    account = iam.AccountRootPrincipal()
    return kms.Key(
        scope,
        f"{what}-key",
        alias=f"alias/{names.of(what, 'key')}",
        description=description,
        key_spec=kms.KeySpec.ECC_NIST_P256,
        key_usage=kms.KeyUsage.SIGN_VERIFY,
        pending_window=Duration.days(7),
        removal_policy=RemovalPolicy.DESTROY,
        policy=iam.PolicyDocument(
            statements=[
                iam.PolicyStatement(
                    sid="AdministrationByIam", principals=[account], actions=list(_ADMINISTRATION), resources=["*"]
                ),
                iam.PolicyStatement(
                    sid="SigningByOneRole",
                    principals=[account],
                    actions=["kms:Sign"],
                    resources=["*"],
                    conditions={
                        "ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{Stack.of(scope).account}:role/{signer}"},
                        "StringEquals": {"kms:MessageType": "DIGEST", "kms:SigningAlgorithm": "ECDSA_SHA_256"},
                    },
                ),
            ]
        ),
    )


_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
    "kms:Verify",
)
"""All that can be done to such a key or asked of it, but for signing and granting."""
