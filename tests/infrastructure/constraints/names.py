"""The naming rule: `<what>-<resource type>-<environment>-<environmentSuffix>`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from synthesis import target, text

from constraints.deployment import Deployment, constraint
from constraints.schemas import name_property, schema, tags_property
from constraints.tags import tags_of

_ACCOUNT = "{AWS::AccountId}"

LIMITS: Mapping[str, int] = {
    # https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    "AWS::Lambda::Function": 64,
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    "AWS::IAM::ManagedPolicy": 128,
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
    "AWS::SQS::Queue": 80,
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
    "AWS::CloudWatch::Dashboard": 255,
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
    "AWS::EC2::SecurityGroup": 255,
}
"""How long a name may be, for the types whose schema does not say it."""

_TAG_LIMIT = 256
"""How long a tag's value may be, https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html"""


@constraint("AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Events::Rule", "AWS::SQS::Queue", "AWS::S3::Bucket")
def everything_that_can_have_a_name_has_one(deployment: Deployment) -> Iterator[str]:
    """A property where the type has one, or else the tag Name where it has tags; a key has an alias instead."""
    aliased = Counter(target(properties.get("TargetKeyId")) for _, properties in deployment.of("AWS::KMS::Alias"))
    for logical_id, resource in deployment.resources.items():
        kind = resource["Type"]
        if key := name_property(kind):
            if key not in resource.get("Properties", {}):
                yield f"{logical_id}: has no {key}; allowed: a name by the naming rule"
        elif kind == "AWS::KMS::Key":
            if aliased[logical_id] != 1:
                yield f"{logical_id}: has {aliased[logical_id]} aliases; allowed: one"
        elif tags_property(kind) and "Name" not in tags_of(resource):
            yield f"{logical_id}: has no tag Name; allowed: a name by the naming rule"


@constraint("AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::KMS::Alias", "AWS::EC2::Subnet")
def every_name_follows_the_rule(deployment: Deployment) -> Iterator[str]:
    """Names that AWS or the customer gives a form of its own follow that form."""
    for logical_id, name in names(deployment):
        form = _form(deployment, logical_id)
        if not re.fullmatch(form, name):
            yield f"{logical_id}: is named {name}; allowed: {form}"


@constraint("AWS::S3::Bucket", "AWS::IAM::Role", "AWS::Lambda::Function")
def every_name_fits_its_service(deployment: Deployment) -> Iterator[str]:
    """An account id has 12 digits."""
    for logical_id, name in names(deployment):
        kind = deployment.resources[logical_id]["Type"]
        key = name_property(kind)
        limit = schema(kind)["properties"][key].get("maxLength", LIMITS.get(kind)) if key else _TAG_LIMIT
        length = len(name.replace(_ACCOUNT, "1" * 12))
        if limit is None:
            yield f"{logical_id}: has a name, but no limit is known; put what AWS documents into LIMITS"
        elif length > limit:
            yield f"{logical_id}: has a name of {length} characters; allowed: {limit}"


@constraint("AWS::Lambda::Function", "AWS::EC2::Subnet")
def every_name_is_given_once(deployment: Deployment) -> Iterator[str]:
    """Among the resources of a type."""
    given = Counter((deployment.resources[logical_id]["Type"], name) for logical_id, name in names(deployment))
    for logical_id, name in names(deployment):
        if given[deployment.resources[logical_id]["Type"], name] > 1:
            yield f"{logical_id}: is named {name}, as another resource of its type; allowed: a name of its own"


@constraint("AWS::Lambda::Function")
def exports_are_named_like_the_stack(deployment: Deployment) -> Iterator[str]:
    """Exports are unique in an account's region."""
    for output, about in deployment.template.get("Outputs", {}).items():
        if "Export" in about and not text(about["Export"]["Name"]).endswith(f"-{deployment.suffix}"):
            yield f"{output}: is exported as {text(about['Export']['Name'])}; allowed: …-{deployment.suffix}"


def names(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Every name that the template gives, with the logical id of what it names."""
    for logical_id, resource in deployment.resources.items():
        kind, properties = resource["Type"], resource.get("Properties", {})
        key = name_property(kind)
        if key in properties:
            yield logical_id, text(properties[key])
        elif key is None and tags_property(kind) and "Name" in tags_of(resource):
            yield logical_id, tags_of(resource)["Name"]


def flow_log_groups(deployment: Deployment) -> set[str]:
    """The logical ids of the log groups that take flow logs."""
    return {target(properties.get("LogGroupName")) for _, properties in deployment.of("AWS::EC2::FlowLog")}


def _form(deployment: Deployment, logical_id: str) -> str:
    """The regular expression for a resource's name."""
    kind, end = deployment.resources[logical_id]["Type"], re.escape(deployment.suffix)
    what = "[a-z0-9]+(-[a-z0-9]+)*"
    match kind:
        case "AWS::S3::Bucket":
            return f"{what}-bucket-{re.escape(_ACCOUNT)}-{end}"
        case "AWS::KMS::Alias":
            return f"alias/{what}-key-{end}"
        case "AWS::Logs::LogGroup" if logical_id in flow_log_groups(deployment):
            return re.escape(f"audit-flowlogs-us-east-1-{deployment.settings['flowLogDate']}")
        case "AWS::Logs::LogGroup":
            return f"(/aws/lambda/{what}-function|/aws/vendedlogs/states/{what}-log-group)-{end}"
    return f"{what}-({'|'.join(_words(kind))})-{end}"


def _words(kind: str) -> Iterator[str]:
    """What a type may be called in names: `AWS::IAM::ManagedPolicy` is a managed-policy or a policy."""
    words = [word.lower() for word in re.findall("[A-Z]+(?![a-z])|[A-Z][a-z0-9]+", kind.rpartition("::")[2])]
    for start in range(len(words)):
        yield "-".join(words[start:])
