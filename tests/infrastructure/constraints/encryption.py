"""Customer managed keys wherever CloudFormation has a property for a key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from synthesis import Json, listed, target

from constraints.deployment import Deployment, constraint, texts
from constraints.schemas import holds_key_property, is_key_property, resolved, schema

WITHOUT_OUR_KEY: Mapping[tuple[str, str], str] = {
    ("AWS::Lambda::Function", "Code.SourceKMSKeyArn"): (
        "the bundle is our own program, nothing of the account; AWS Lambda keeps it with a key that AWS owns, and the "
        "bucket that CDK uploads it to belongs to the bootstrap stack"
    ),
    ("AWS::StepFunctions::StateMachine", "EncryptionConfiguration"): (
        "payloads are references and counts, see infrastructure/README.md; the machine's log has our key"
    ),
    ("AWS::Pipes::Pipe", "KmsKeyIdentifier"): (
        "it encrypts what the pipe is made of, which stands in this repository; events lie in the queue, which has our "
        "key"
    ),
}
"""The only properties for a key that may be left out, and why. What has no such property at all is not listed."""

_SHARING = ("AWS::Logs::LogGroup", "AWS::Lambda::Function")
"""Types whose resources share one key among themselves."""

# A structure of such a name is how a type is told to encrypt: without it AWS takes a key of its own.
_ENCRYPTION = re.compile("Encrypt|SSE")


@constraint("AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::Lambda::Function")
def everything_is_encrypted_with_keys_of_the_template(deployment: Deployment) -> Iterator[str]:
    """Every property for a key, at any depth of what is used, refers to one of our keys."""
    for logical_id, resource in deployment.resources.items():
        for path, key in key_properties(resource["Type"], resource.get("Properties", {})):
            excepted = key is None and (resource["Type"], path) in WITHOUT_OUR_KEY
            if deployment.kind(key) != "AWS::KMS::Key" and not excepted:
                yield f"{logical_id}: has {key} for {path}; allowed: a key of this template"


@constraint("AWS::KMS::Key")
def no_key_of_aws(deployment: Deployment) -> Iterator[str]:
    """Neither by its alias nor by an algorithm that has no key of ours."""
    for logical_id, resource in deployment.resources.items():
        for found in texts(resource):
            if "alias/aws/" in found:
                yield f"{logical_id}: refers to {found}; allowed: a key of this template"
    for logical_id, properties in deployment.of("AWS::S3::Bucket"):
        configured = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        algorithms = [rule.get("ServerSideEncryptionByDefault", {}).get("SSEAlgorithm") for rule in configured]
        if algorithms != ["aws:kms"]:
            yield f"{logical_id}: is encrypted by {algorithms}; allowed: aws:kms"


@constraint("AWS::KMS::Key")
def every_key_rotates_and_goes_with_the_stack(deployment: Deployment) -> Iterator[str]:
    """Seven days is the shortest wait: https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html

    AWS KMS does not rotate keys that sign: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
    """
    for logical_id, properties in deployment.of("AWS::KMS::Key"):
        if signs(properties):
            if "EnableKeyRotation" in properties:
                yield f"{logical_id}: has EnableKeyRotation and signs; allowed: none"
            if properties.get("KeySpec") != "ECC_NIST_P256":
                yield f"{logical_id}: is a {properties.get('KeySpec')}; allowed: ECC_NIST_P256"
        elif properties.get("EnableKeyRotation") is not True:
            yield f"{logical_id}: does not rotate; allowed: EnableKeyRotation true"
        if properties.get("PendingWindowInDays") != 7:
            yield f"{logical_id}: waits {properties.get('PendingWindowInDays')} days for its deletion; allowed: 7"


@constraint("AWS::KMS::Key", "AWS::S3::Bucket")
def every_key_belongs_to_one_thing(deployment: Deployment) -> Iterator[str]:
    """A bucket's key is the bucket's alone; only log groups share a key, and the functions' environments another."""
    for key, users in users_of_keys(deployment).items():
        if signs(deployment.resources[key].get("Properties", {})):
            if users:
                yield f"{key}: signs, and is the key of {', '.join(sorted(users))}; allowed: nothing"
            continue
        kinds = sorted({deployment.resources[user]["Type"] for user in users})
        if len(users) != 1 and (len(kinds) != 1 or kinds[0] not in _SHARING):
            yield f"{key}: is the key of {', '.join(sorted(users)) or 'nothing'}; allowed: one resource"


@constraint("AWS::S3::Bucket")
def every_bucket_uses_a_bucket_key(deployment: Deployment) -> Iterator[str]:
    """Fewer requests to AWS KMS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html"""
    for logical_id, properties in deployment.of("AWS::S3::Bucket"):
        for rule in properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [{}]):
            if rule.get("BucketKeyEnabled") is not True:
                yield f"{logical_id}: has BucketKeyEnabled {rule.get('BucketKeyEnabled')}; allowed: true"


def signs(properties: Json) -> bool:
    """Whether a key of these properties signs, and so encrypts nothing."""
    return bool(properties.get("KeyUsage") == "SIGN_VERIFY")


def users_of_keys(deployment: Deployment) -> dict[str, set[str]]:
    """The resources that each key of the template encrypts."""
    users: dict[str, set[str]] = {logical_id: set() for logical_id, _ in deployment.of("AWS::KMS::Key")}
    for logical_id, resource in deployment.resources.items():
        for _, key in key_properties(resource["Type"], resource.get("Properties", {})):
            if target(key) in users:
                users[target(key)].add(logical_id)
    return users


def key_properties(kind: str, properties: Json) -> Iterator[tuple[str, object]]:
    """Every property for a key that counts, by its path, and its value; None when it is not set.

    A property of the resource itself counts, and one of a structure that is used. A structure that says how to encrypt
    counts as a whole, even when it is left out.
    """
    return _key_properties(kind, schema(kind), properties, "")


def _key_properties(kind: str, node: Json, value: Json, path: str) -> Iterator[tuple[str, object]]:
    for name, about in resolved(kind, node).get("properties", {}).items():
        at = f"{path}{name}"
        if is_key_property(name):
            yield at, value.get(name)
        elif holds_key_property(kind, about):
            if name in value:
                below = resolved(kind, about)
                below = resolved(kind, below.get("items", below))
                for inner in listed(value[name]):
                    yield from _key_properties(kind, below, inner, f"{at}.")
            elif _ENCRYPTION.search(name):
                yield at, None
