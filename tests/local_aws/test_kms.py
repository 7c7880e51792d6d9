"""What AWS KMS says of keys, how it lists them, and whether they can be used."""

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


def test_a_template_may_make_a_key_that_signs_digests(kms: Any, deploy: Deploy) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html and API_GetPublicKey.html"""
    policy: dict[str, Any] = {"Statement": []}
    made = deploy({"Key": resource("AWS::KMS::Key", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", KeyPolicy=policy)})
    key = {"KeyId": made["Key"]}
    public = kms.get_public_key(**key)
    # RFC 5480, sections 2 and 2.1.1.1: SubjectPublicKeyInfo of a point on secp256r1.
    assert public["PublicKey"].hex().startswith("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
    assert public["SigningAlgorithms"] == ["ECDSA_SHA_256"]
    how = {"SigningAlgorithm": "ECDSA_SHA_256", "MessageType": "DIGEST"}
    signature = kms.sign(**key, **how, Message=bytes(32))["Signature"]
    assert kms.verify(**key, **how, Message=bytes(32), Signature=signature)["SignatureValid"]
    with pytest.raises(ClientError, match="KMSInvalidSignatureException"):
        kms.verify(**key, **how, Message=bytes(31) + b"1", Signature=signature)
    # What is no digest cannot be signed as one.
    with pytest.raises(ClientError, match="ValidationException"):
        kms.sign(**key, **how, Message=b"a manifest")


def test_keys_aliases_and_tags_are_listed_in_pages(kms: Any, name: str) -> None:
    """Limit, Marker, NextMarker and Truncated.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html,
    https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html and
    https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html
    """
    tags = [{"TagKey": f"tag-{number}", "TagValue": "v"} for number in range(5)]
    keys = [kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"] for _ in range(3)]
    aliases = [f"alias/{name}-{number}" for number in range(3)]
    for alias, key in zip(aliases, keys, strict=True):
        kms.create_alias(AliasName=alias, TargetKeyId=key)

    def listed(operation: str, items: str, **arguments: Any) -> list[dict[str, Any]]:
        """Follow the pages by hand: what a paginator would do if an answer said nothing of the rest is to stop."""
        found: list[dict[str, Any]] = []
        while True:
            page = getattr(kms, operation)(Limit=2, **arguments)
            assert len(page[items]) <= 2
            assert page["Truncated"] == ("NextMarker" in page)
            found += page[items]
            if not page["Truncated"]:
                return found
            arguments["Marker"] = page["NextMarker"]

    assert listed("list_resource_tags", "Tags", KeyId=keys[0]) == tags
    found = [key["KeyId"] for key in listed("list_keys", "Keys")]
    assert set(keys) <= set(found)
    assert len(set(found)) == len(found)
    every = listed("list_aliases", "Aliases")
    assert [alias["AliasName"] for alias in every if alias["AliasName"] in aliases] == aliases
    (of_one_key,) = listed("list_aliases", "Aliases", KeyId=keys[1])
    assert (of_one_key["AliasName"], of_one_key["TargetKeyId"]) == (aliases[1], keys[1])

    for operation, arguments in [("list_keys", {}), ("list_aliases", {}), ("list_resource_tags", {"KeyId": keys[0]})]:
        with pytest.raises(ClientError) as refused:
            getattr(kms, operation)(Marker="not a marker", **arguments)
        assert refused.value.response["Error"]["Code"] == "InvalidMarkerException"


def test_without_a_limit_a_page_has_as_many_items_as_documented(kms: Any, name: str) -> None:
    """100 keys, 50 aliases; a key has at most 50 tags.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html and
    https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html
    """
    keys = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(101)]
    for number in range(51):
        kms.create_alias(AliasName=f"alias/{name}-{number}", TargetKeyId=keys[0])
    assert len(kms.list_keys()["Keys"]) == 100
    assert len(kms.list_aliases()["Aliases"]) == 50
    assert len(kms.list_aliases(KeyId=keys[0], Limit=100)["Aliases"]) == 51


def test_a_data_key_is_made_under_a_key_that_is_enabled_only(kms: Any) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html

    What each state means: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
    """
    key = kms.create_key()["KeyMetadata"]
    wanted = {"KeyId": key["KeyId"], "KeySpec": "AES_256", "EncryptionContext": {"aws:s3:arn": "arn:aws:s3:::b"}}

    made = kms.generate_data_key_without_plaintext(**wanted)
    assert (made["KeyId"], bool(made["CiphertextBlob"])) == (key["Arn"], True)
    assert "Plaintext" not in made

    def refusal() -> str:
        with pytest.raises(ClientError) as refused:
            kms.generate_data_key_without_plaintext(**wanted)
        return str(refused.value.response["Error"]["Code"])

    kms.disable_key(KeyId=key["KeyId"])
    assert refusal() == "DisabledException"
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert refusal() == "KMSInvalidStateException"
    wanted["KeyId"] = "11111111-2222-3333-4444-555555555555"
    assert refusal() == "NotFoundException"
