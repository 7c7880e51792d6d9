"""What DescribeKey says of a key, by every name of it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from harness import Client, Deploy, resource
from local_aws import ACCOUNT_ID, REGION

HERE = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}"


@pytest.fixture
def kms(client: Client) -> Any:
    return client("kms")


def test_a_key_is_described_by_any_name(kms: Any, name: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html"""
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key["KeyId"])
    for key_id in (key["KeyId"], key["Arn"], f"alias/{name}", f"{HERE}:alias/{name}"):
        described = kms.describe_key(KeyId=key_id)["KeyMetadata"]
        assert described["Arn"] == key["Arn"]
        assert (described["KeyState"], described["KeyManager"]) == ("Enabled", "CUSTOMER")

    kms.disable_key(KeyId=key["KeyId"])
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Disabled"
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    described = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert (described["KeyState"], described["Enabled"]) == ("PendingDeletion", False)
    assert described["DeletionDate"]


def test_a_predefined_alias_has_a_key_that_aws_manages(kms: Any) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key"""
    described = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (described["KeyState"], described["KeyManager"]) == ("Enabled", "AWS")
    for key_id in (f"{HERE}:alias/aws/s3", described["Arn"]):
        assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["Arn"] == described["Arn"]


@pytest.mark.parametrize(
    ("key_id", "code"),
    [
        ("11111111-2222-3333-4444-555555555555", "NotFoundException"),
        (f"{HERE}:key/11111111-2222-3333-4444-555555555555", "NotFoundException"),
        ("alias/none", "NotFoundException"),
        ("alias/aws/none", "NotFoundException"),
        (f"arn:aws:kms:{REGION}:111122223333:key/11111111-2222-3333-4444-555555555555", "AccessDeniedException"),
        (f"arn:aws:kms:{REGION}:111122223333:alias/aws/s3", "AccessDeniedException"),
    ],
)
def test_a_key_that_is_not_there_or_of_another_account(kms: Any, key_id: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        kms.describe_key(KeyId=key_id)
    assert refused.value.response["Error"]["Code"] == code


def test_a_template_may_make_a_disabled_key(kms: Any, deploy: Deploy, name: str) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html ("Enabled")"""
    made = deploy(
        {
            "Key": resource("AWS::KMS::Key", Enabled=False, KeyPolicy={"Statement": []}),
            "Alias": resource("AWS::KMS::Alias", AliasName=f"alias/{name}", TargetKeyId={"Ref": "Key"}),
        }
    )
    described = kms.describe_key(KeyId=f"alias/{name}")["KeyMetadata"]
    assert described["KeyId"] == made["Key"]
    assert (described["KeyState"], described["Enabled"]) == ("Disabled", False)
