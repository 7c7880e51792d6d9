"""What nobody notices on the local AWS when it is missing, and why."""

from __future__ import annotations

from collections.abc import Mapping

from compliance_audit.settings import FUNCTIONS
from grants import Grant

_INTERFACES = "AWS Lambda makes the network interfaces itself; here VPCs have no effect"
_LOG = "AWS Lambda writes the log itself; here it does so whatever the role allows"
_TRACES = "the service sends the traces itself; here nothing is traced"
_LOG_OF_SERVICES = "the service writes the log itself; here it does so, or there is none, whatever the role allows"
_KEY = "Amazon SNS uses the topic's key for AWS Step Functions; here nobody asks whether it may"

# A custom resource that cannot start keeps a stack from being deleted: better granted than found out.
_NOTHING_TO_DECRYPT = (
    "the function has a key and no variables; that AWS Lambda then leaves the key alone is not documented"
)
_NO_WORD = "a pipe says nothing of what it may not; ../local_aws/test_pipes.py shows that it needs each"
_LOST_ANSWER = "asked for only when the answer to a completed upload has got lost, which no answer does here"
_MORE_THAN_A_PART = "asked for only where more than 8 MiB of them were written before the pass broke off"
_VERSIONS = "AWS documents that deleting a version needs it beside s3:DeleteObjectVersion; here the latter is enough"

_CALLED_BY_CODE_AND_LAMBDA: Mapping[str, frozenset[str]] = {
    "list-targets": frozenset({"ec2:DescribeSubnets"}),
    "scan-lambda": frozenset({"ec2:DescribeSubnets"}),
    "scan-vpc": frozenset({"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}),
}

_OF_ALL_FUNCTIONS: Mapping[str, str] = {
    "ec2:AssignPrivateIpAddresses": _INTERFACES,
    "ec2:CreateNetworkInterface": _INTERFACES,
    "ec2:DeleteNetworkInterface": _INTERFACES,
    "ec2:DescribeNetworkInterfaces": _INTERFACES,
    "ec2:DescribeSubnets": _INTERFACES,
    "ec2:UnassignPrivateIpAddresses": _INTERFACES,
    "logs:CreateLogStream": _LOG,
    "logs:PutLogEvents": _LOG,
    "xray:PutTelemetryRecords": _TRACES,
    "xray:PutTraceSegments": _TRACES,
}
_OF_ONE: Mapping[str, Mapping[str, str]] = {
    "compliance-audit": {
        "kms:Decrypt": _KEY,
        "kms:GenerateDataKey": _KEY,
        "logs:CreateLogDelivery": _LOG_OF_SERVICES,
        "logs:DeleteLogDelivery": _LOG_OF_SERVICES,
        "logs:DescribeLogGroups": _LOG_OF_SERVICES,
        "logs:DescribeResourcePolicies": _LOG_OF_SERVICES,
        "logs:GetLogDelivery": _LOG_OF_SERVICES,
        "logs:ListLogDeliveries": _LOG_OF_SERVICES,
        "logs:PutResourcePolicy": _LOG_OF_SERVICES,
        "logs:UpdateLogDelivery": _LOG_OF_SERVICES,
        "xray:GetSamplingRules": _TRACES,
        "xray:GetSamplingTargets": _TRACES,
        "xray:PutTelemetryRecords": _TRACES,
        "xray:PutTraceSegments": _TRACES,
    },
    **{
        f"scan-{service}": {f"s3:GetObject on scans/*/findings/{service}/*": _LOST_ANSWER}
        for service in ("s3", "vpc", "lambda")
    },
    "aggregate-findings": {
        "s3:AbortMultipartUpload on scans/*/resolved.jsonl.zst": _MORE_THAN_A_PART,
        "s3:AbortMultipartUpload on scans/*/pieces/*": _MORE_THAN_A_PART,
    },
    **{f"write-{kind}-report": {f"s3:GetObject on reports/*.{kind}": _LOST_ANSWER} for kind in ("json", "csv")},
    "flow-logs": {
        "logs:CreateLogStream": _LOG_OF_SERVICES,
        "logs:DescribeLogGroups": _LOG_OF_SERVICES,
        "logs:DescribeLogStreams": _LOG_OF_SERVICES,
        "logs:PutLogEvents": _LOG_OF_SERVICES,
    },
    "scan-changes": {
        "kms:Decrypt": _NO_WORD,
        "sqs:DeleteMessage": _NO_WORD,
        "sqs:GetQueueAttributes": _NO_WORD,
        "sqs:ReceiveMessage": _NO_WORD,
        "states:StartExecution": _NO_WORD,
    },
    "close-default-security-group": {"kms:Decrypt": _NOTHING_TO_DECRYPT},
    "publish-evidence-key": {"kms:Decrypt": _NOTHING_TO_DECRYPT},
    "empty-bucket": {
        "kms:Decrypt": _NOTHING_TO_DECRYPT,
        "s3:DeleteObject": _VERSIONS,
    },
}


def called_by_code_and_lambda(owner: str) -> frozenset[str]:
    """The actions that a function's code and AWS Lambda both call under its role, each by a statement of its own.

    The code misses them when both statements lack them. That AWS Lambda would miss them too cannot be checked.
    """
    return _CALLED_BY_CODE_AND_LAMBDA.get(owner, frozenset())


def unchecked(owner: str) -> Mapping[str, str]:
    """The actions of a policy that cannot be checked, some on certain objects only, with the reasons."""
    listed = {**(_OF_ALL_FUNCTIONS if owner in FUNCTIONS else {}), **_OF_ONE.get(owner, {})}
    return {action: why for action, why in listed.items() if action not in called_by_code_and_lambda(owner)}


def names(grant: Grant) -> set[str]:
    """What stands for a grant in the list: its action, or this on the objects that it is on."""
    return {grant.action, f"{grant.action} on {grant.resource.partition('/')[2]}"}
