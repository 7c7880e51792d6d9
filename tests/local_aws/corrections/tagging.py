"""Tags: the Resource Groups Tagging API lists what AWS lists."""

from __future__ import annotations

from collections.abc import Iterator

from patching import ministack

Tagged = Iterator[tuple[str, list[dict[str, str]]]]

cloudwatch = ministack("services.cloudwatch")
ec2 = ministack("services.ec2")
logs = ministack("services.cloudwatch_logs")
responses = ministack("core.responses")
stepfunctions = ministack("services.stepfunctions")
tagging = ministack("services.tagging")

# CloudFormation puts its own tags on event rules too:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
ministack("services.cloudformation.provisioners")._STACK_TAG_PROPERTY["AWS::Events::Rule"] = ("Tags", "list")

# What ARNs call the network's resources, by the beginning of their ids:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
NETWORK = {
    "acl": "network-acl",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "igw": "internet-gateway",
    "pcx": "vpc-peering-connection",
    "rtb": "route-table",
    "sg": "security-group",
    "subnet": "subnet",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
    "vpce-svc": "vpc-endpoint-service",
}


def _alarms() -> Tagged:
    for arn, tags in cloudwatch._resource_tags.items():
        yield arn, tagging._normalise_flat(tags)


def _log_groups() -> Tagged:
    for name, group in logs._log_groups.items():
        yield _arn("logs", f"log-group:{name}"), tagging._normalise_flat(group["tags"])


def _network() -> Tagged:
    for resource, tags in ec2._tags.items():
        if kind := NETWORK.get(resource.rpartition("-")[0]):
            yield _arn("ec2", f"{kind}/{resource}"), tags


def _state_machines() -> Tagged:
    for arn, tags in stepfunctions._tags.items():
        yield arn, [{"Key": tag["key"], "Value": tag["value"]} for tag in tags]


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{responses.get_region()}:{responses.get_account_id()}:{resource}"


# https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html
tagging._COLLECTORS.update(cloudwatch=_alarms, ec2=_network, logs=_log_groups, states=_state_machines)
