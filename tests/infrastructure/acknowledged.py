"""What the reviewers of `test_reviewers.py` find and we leave as it is: each on one resource, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

CALLED_BY_THE_STATE_MACHINE = (
    "plan-scan",
    "list-targets",
    "scan-s3",
    "scan-vpc",
    "scan-lambda",
    "aggregate-findings",
    "remediate-s3-encryption",
    "rollback-s3-encryption",
    "write-json-report",
    "write-csv-report",
    "write-html-report",
    "publish-metrics",
    "notify-critical",
    "seal-evidence",
)
"""The functions whose reasons speak of the state machine."""

CALLED_BY_CLOUDFORMATION = ("empty-bucket", "close-default-security-group", "publish-evidence-key")
"""The functions whose reasons speak of CloudFormation."""


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """Findings on one resource that stand, and why."""

    resource: str
    """The resource: the path of its construct below the stack, in full."""
    findings: tuple[str, ...]
    """The findings, as cdk-nag names them; several where packs share a rule, or where one reason holds for all."""
    reason: str
    """Why the resource is right as it is, for whoever reviews it."""


def acknowledgements() -> Iterator[Acknowledgement]:
    """Everything that is acknowledged."""
    yield from _reports_bucket()
    yield from _network()
    for function in CALLED_BY_THE_STATE_MACHINE:
        yield _without_dead_letters(
            function,
            "AWS Lambda sends only asynchronous invocations to a dead-letter queue. The state machine invokes this "
            "function synchronously, tries again, and tells people when that does not help; a queue would stay empty "
            "and the role would need rights on it.",
        )
    for function in CALLED_BY_CLOUDFORMATION:
        yield _without_dead_letters(
            function,
            "CloudFormation invokes this function, waits for its answer and fails the deployment or the deletion with "
            "the reason when none comes, so whoever deploys is told. A queued event would be of no use: its answer is "
            "awaited for an hour at most.",
        )
    for function in (*CALLED_BY_THE_STATE_MACHINE, *CALLED_BY_CLOUDFORMATION):
        yield from _of_every_function(function)
    yield from _objects()
    yield from _audited_resources()
    yield from _services()


def _reports_bucket() -> Iterator[Acknowledgement]:
    bucket = "storage/compliance-audit-reports/Resource"
    yield Acknowledgement(
        resource=bucket,
        findings=(
            "AwsSolutions-S1",
            "NIST.800.53.R5-S3BucketLoggingEnabled",
            "PCI.DSS.321-S3BucketLoggingEnabled",
            "HIPAA.Security-S3BucketLoggingEnabled",
        ),
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
        reason="Amazon S3 delivers server access logs only to buckets with SSE-S3, and the customer demands a customer "
        "managed key for every bucket. Who read or wrote a report is recorded by AWS CloudTrail, whose data events the "
        "account's trail has to select for this bucket.",
    )
    yield Acknowledgement(
        resource=bucket,
        findings=(
            "NIST.800.53.R5-S3BucketReplicationEnabled",
            "PCI.DSS.321-S3BucketReplicationEnabled",
            "HIPAA.Security-S3BucketReplicationEnabled",
        ),
        reason="The rules ask for a copy in another region, and the customer keeps this system in us-east-1. Amazon S3 "
        "keeps every object in at least three availability zones, and all versions for 90 days. What the loss of a "
        "region would take is the history of 90 days; the next scan writes a whole report again.",
    )


def _network() -> Iterator[Acknowledgement]:
    yield Acknowledgement(
        resource="network/audit-vpc/Resource",
        findings=(
            "NIST.800.53.R5-VPCDefaultSecurityGroupClosed",
            "PCI.DSS.321-VPCDefaultSecurityGroupClosed",
            "HIPAA.Security-VPCDefaultSecurityGroupClosed",
        ),
        reason="The rules know only the CDK's own custom resource, whose function breaks the customer's constraints. "
        "Ours, Custom::CloseDefaultSecurityGroup, takes every rule out of the group when the stack is made, and our "
        "own scan reports the group when somebody opens it.",
    )

    for number in (10, 20, 30, 40):
        yield Acknowledgement(
            resource=f"network/default-network-acl-entry-{number}",
            findings=("AwsSolutions-VPC3",),
            reason="The subnets use the network ACL that AWS makes with the VPC, which is open. Our own scan reports "
            "that, and these entries close it but for the answers of Amazon S3. Security groups do the rest.",
        )


def _without_dead_letters(function: str, reason: str) -> Acknowledgement:
    # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    return Acknowledgement(
        resource=f"functions/{function}/Resource",
        findings=("NIST.800.53.R5-LambdaDLQ", "HIPAA.Security-LambdaDLQ"),
        reason=reason,
    )


def _of_every_function(function: str) -> Iterator[Acknowledgement]:
    yield _wildcards(
        f"functions/{function}-policy",
        "*",
        reason=" ".join(
            [
                "Actions to which AWS gives no resource to name: traces, and the description of network interfaces and "
                "subnets, which AWS Lambda needs.",
                *_ALSO_ON_EVERYTHING.get(function, ()),
            ]
        ),
    )
    yield _wildcards(
        f"functions/{function}-policy",
        "arn:aws:ec2:us-east-1:<AWS::AccountId>:*/*",
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
        reason="AWS Lambda makes the function's network interfaces, and wants this right before any of them has an id; "
        "the ARN is the narrowest that AWS documents. A Deny keeps the function's own code from using it.",
    )
    yield _wildcards(
        f"functions/{function}-policy",
        f"arn:aws:logs:us-east-1:<AWS::AccountId>:log-group:/aws/lambda/{function}-function-dev-pr42:*",
        reason="The streams of the function's own log group. AWS Lambda names them when it makes them.",
    )


def _objects() -> Iterator[Acknowledgement]:
    """Objects of the reports bucket, whose keys are known only when a scan runs."""
    for function, keys, what in (
        (
            "plan-scan",
            ("claims/*", "scans/*/plan.json", "rollbacks/*/plan.json"),
            "A claim is named after the event that it keeps from being answered twice, a plan after its scan or its "
            "rollback, whose id is made in the same way.",
        ),
        (
            "list-targets",
            ("scans/*/plan.json", "scans/*/shards/*", "scans/*/shards/*/inventory.json"),
            "A scan has a plan, an inventory of each service, and as many shards as the account's resources fill.",
        ),
        (
            "scan-s3",
            ("scans/*/plan.json", "scans/*/shards/s3/*", "scans/*/findings/s3/*"),
            "Shards are numbered, and so are their findings; those of other services are out of reach.",
        ),
        (
            "scan-vpc",
            ("scans/*/plan.json", "scans/*/shards/vpc/*", "scans/*/findings/vpc/*"),
            "Shards are numbered, and so are their findings; those of other services are out of reach.",
        ),
        (
            "scan-lambda",
            ("scans/*/plan.json", "scans/*/shards/lambda/*", "scans/*/findings/lambda/*"),
            "Shards are numbered, and so are their findings; those of other services are out of reach.",
        ),
        (
            "aggregate-findings",
            (
                "scans/*/plan.json",
                "scans/*/shards/*/inventory.json",
                "scans/*/findings/*",
                "scans/*/findings.jsonl*",
                "scans/*/findings.jsonl.zst",
                "scans/*/pieces/*",
                "scans/*/rules.json",
                "scans/*/resolved.jsonl.zst",
                "scans/*/alert-violations.json",
                "scans/*/summary.json",
            ),
            "It reads what the scanners of every service found, in this scan and in the ones before, and writes "
            "only what it makes of them.",
        ),
        (
            "remediate-s3-encryption",
            (
                "scans/*/plan.json",
                "scans/*/summary.json",
                "scans/*/shards/s3/inventory.json",
                "scans/*/findings/s3/*.deliveries.json",
                "scans/*/findings.jsonl.zst",
                "scans/*/remediation.jsonl",
                "rollbacks/*/remediation.jsonl",
                "scans/*/alert.json",
            ),
            "It reads what was found, and which announcements were sent, and writes only records: its own, and those "
            "of a run that died before it had recorded what it did.",
        ),
        (
            "rollback-s3-encryption",
            ("rollbacks/*/plan.json", "rollbacks/*/remediation.jsonl", "scans/*/remediation.jsonl"),
            "So is a rollback's id. It reads what the remediation of any scan has changed, and writes only records: "
            "its own, and those of a run that died before it had recorded what it did.",
        ),
        (
            "write-json-report",
            (
                "scans/*/plan.json",
                "scans/*/summary.json",
                "scans/*/rules.json",
                "scans/*/findings.jsonl.zst",
                "scans/*/resolved.jsonl.zst",
                "scans/*/remediation.jsonl",
                "reports/*.json",
            ),
            "It reads a scan's results; a report's key has the date and the scan's id. It writes JSON reports only.",
        ),
        (
            "write-csv-report",
            (
                "scans/*/plan.json",
                "scans/*/summary.json",
                "scans/*/rules.json",
                "scans/*/findings.jsonl.zst",
                "scans/*/remediation.jsonl",
                "reports/*.csv",
            ),
            "It reads a scan's results; a report's key has the date and the scan's id. It writes CSV reports only.",
        ),
        (
            "write-html-report",
            (
                "scans/*/plan.json",
                "scans/*/summary.json",
                "scans/*/rules.json",
                "scans/*/findings.jsonl.zst",
                "scans/*/remediation.jsonl",
                "reports/*.html",
            ),
            "It reads a scan's results; a report's key has the date and the scan's id. It writes HTML reports only.",
        ),
        (
            "publish-metrics",
            ("scans/*/plan.json", "scans/*/summary.json"),
            "It reads a scan's plan and summary, and writes no object.",
        ),
        (
            "notify-critical",
            (
                "scans/*/plan.json",
                "scans/*/summary.json",
                "scans/*/rules.json",
                "scans/*/alert-violations.json",
                "scans/*/remediation.jsonl",
                "scans/*/alert.json",
            ),
            "It reads a scan's results, and writes only the receipt of the message that it sent.",
        ),
        (
            "seal-evidence",
            (
                "scans/*",
                "rollbacks/*",
                "reports/*",
                "state/evidence-keys/*",
                "scans/*/manifest.*",
                "rollbacks/*/manifest.*",
            ),
            "It reads whatever a scan or a rollback left, for it seals all of it. It writes the manifest, its "
            "signature and the public key.",
        ),
    ):
        yield _wildcards(
            f"functions/{function}-policy",
            *(f"{_REPORTS}/{key}" for key in keys),
            reason=f"A scan's id is made when the scan starts and stands in the keys of its objects. {what}",
        )
    yield _wildcards(
        "functions/empty-bucket-policy",
        f"{_REPORTS}/*",
        reason="CloudFormation deletes a bucket only when it is empty, so the function removes every object of this "
        "bucket, and of no other, when the stack is deleted. It can neither read nor write any.",
    )


def _audited_resources() -> Iterator[Acknowledgement]:
    """What the scanners read and the remediation mends: resources of others, which no template can name."""
    yield _wildcards(
        "functions/scan-s3-policy",
        "arn:aws:s3:::*",
        reason="The audit covers every bucket of the account. The actions read configurations; none reads an object, "
        "and a condition keeps them to this account's buckets.",
    )
    yield _wildcards(
        "functions/scan-s3-policy",
        "arn:aws:s3express:us-east-1:<AWS::AccountId>:bucket/*",
        reason="The audit covers every directory bucket of the account in its region. The one action reads its "
        "lifecycle.",
    )
    yield _wildcards(
        "functions/scan-s3-policy",
        "arn:aws:kms:us-east-1:*:key/*",
        reason="A bucket may be encrypted with any key, of another account too, whose key policy then has the last "
        "word. The one action describes a key.",
    )
    yield _wildcards(
        "functions/scan-vpc-policy",
        "arn:aws:ec2:us-east-1:<AWS::AccountId>:vpc-endpoint-service/*",
        reason="The audit covers every endpoint service of the account. The one action reads who may use it.",
    )
    yield _wildcards(
        "functions/scan-vpc-policy",
        "arn:aws:ec2:us-east-1:*:prefix-list/*",
        reason="A security group may name prefix lists of AWS and of accounts that share theirs, so the account is "
        "open. The one action reads a list's addresses.",
    )
    yield _wildcards(
        "functions/list-targets-policy",
        "arn:aws:lambda:us-east-1:<AWS::AccountId>:function:*",
        reason="Which function a scan names is known only when it is asked for. The one action lists its versions.",
    )
    yield _wildcards(
        "functions/scan-lambda-policy",
        "arn:aws:lambda:us-east-1:<AWS::AccountId>:function:*",
        reason="The audit covers every function of the account in its region. The actions read configurations and "
        "policies.",
    )
    yield _wildcards(
        "functions/remediate-s3-encryption-policy",
        "arn:aws:s3:::*",
        reason="Which buckets lack the encryption is known only after a scan. The actions read configurations and "
        "change one thing, a bucket's default encryption; they reach no object and no other account's bucket. The "
        "audit policy says how many buckets a scan may change, and a tag keeps it off a bucket.",
    )
    yield _wildcards(
        "functions/remediate-s3-encryption-policy",
        "arn:aws:kms:us-east-1:<AWS::AccountId>:key/*",
        "arn:aws:kms:us-east-1:<AWS::AccountId>:alias/compliance-audit-*",
        reason="The keys are made by the function, one for each bucket that it repairs, and have no id before; the "
        "part of the alias that is open is the bucket's name. A key of others could at most get such an alias, the "
        "bucket's tag with this deployment's four, or yearly rotation, have its tags read, or make a data key for a "
        "bucket that nobody gets to see: no action encrypts or decrypts anything, disables or deletes a key.",
    )
    yield _wildcards(
        "functions/remediate-s3-encryption-policy",
        "arn:aws:kms:us-east-1:*:key/*",
        reason="A bucket that it looks at may name any key, of another account too, whose key policy then has the last "
        "word. The one action describes a key.",
    )
    yield _wildcards(
        "functions/rollback-s3-encryption-policy",
        "arn:aws:s3:::*",
        reason="Which buckets remediation changed is known only when a rollback is asked for. The two actions read and "
        "change one thing, a bucket's default encryption; they reach no object and no other account's bucket.",
    )


def _services() -> Iterator[Acknowledgement]:
    """Roles of AWS's services."""
    yield _wildcards(
        "workflow/compliance-audit-policy",
        "*",
        # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
        # https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
        reason="Delivery of the state machine's log, and its traces: AWS gives neither a resource to name.",
    )
    yield _wildcards(
        "network/flow-logs-policy",
        "*",
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        reason="The flow logs' service finds its log group by listing the account's, as AWS documents for this role; "
        "it may write to that group only.",
    )


# As cdk-nag writes the ARN of the reports bucket.
_REPORTS = "<storagecomplianceauditreports72FCA672.Arn>"


_ALSO_ON_EVERYTHING = {
    "list-targets": [
        "So is the listing of buckets of both kinds, access points, VPCs and functions, its task, and the description "
        "of what hangs on a VPC, by which it finds the VPC."
    ],
    "scan-s3": [
        "So is the reading of the account's own public access block and of its access points, which it judges; AWS "
        "checks the latter against no resource when the request names none."
    ],
    "scan-vpc": ["So is the description of VPCs and of what hangs on them, which it judges."],
    "scan-lambda": ["So is the description of subnets, whose Availability Zones it judges."],
    "remediate-s3-encryption": [
        "So are the listing of buckets, aliases and keys, and the making of a key, which conditions limit to a "
        "symmetric one with a bucket's tag."
    ],
    "publish-metrics": ["Metrics may be published in this system's namespace only, which a condition names."],
    "close-default-security-group": ["So is the description of security groups, of which it changes one."],
}


def _wildcards(policy: str, *resources: str, reason: str) -> Acknowledgement:
    """The wildcards in the resources of a policy."""
    return Acknowledgement(
        resource=f"{policy}/Resource",
        findings=tuple(f"AwsSolutions-IAM5[Resource::{resource}]" for resource in resources),
        reason=reason,
    )
