"""The task functions: Rust binaries on `provided.al2023`, each with a role, a policy and a log group of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from compliance_audit.keys import customer_managed_key
from compliance_audit.logs import Logs
from compliance_audit.network import Network
from compliance_audit.permissions import Permission, Resources, permissions
from compliance_audit.policy import remediation_mode
from compliance_audit.settings import CUSTOM_RESOURCES, FUNCTIONS, REGION, SCANNERS, Settings

_ROOT = Path(__file__).resolve().parents[2]

_MEMORY = 256
_MEMORIES = {
    **dict.fromkeys(SCANNERS, 1024),
    **dict.fromkeys(("aggregate-findings", "write-json-report", "write-csv-report", "write-html-report"), 512),
    "seal-evidence": 512,
}
"""MB. None holds more than a quarter of it (`tests/benchmark`); what counts is the share of a processor that comes with
it, 1,769 MB a whole one: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html. Those with 512 only
compute: twice as fast, they cost the same. All others wait for AWS nearly all of their time. What scanners have the
customer demands.
"""
_TIMEOUT = Duration.minutes(15)
_TIMEOUTS = {
    "plan-scan": Duration.minutes(1),
    "list-targets": Duration.minutes(5),
    "publish-metrics": Duration.minutes(1),
    "notify-critical": Duration.minutes(1),
    "seal-evidence": Duration.minutes(5),
    "close-default-security-group": Duration.minutes(5),
    "publish-evidence-key": Duration.minutes(5),
}

_FOR_THE_SHARDS = Duration.minutes(1)
"""What `list-targets` needs of its time once everything is listed."""

_BOOTSTRAP = ("bootstrap",)
_FILES = {"plan-scan": (*_BOOTSTRAP, "audit-policy.toml")}


class BundleMissingError(Exception):
    """A function is not built where it should be; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the functions are told through their environment."""

    account: str
    """The audited account's id."""
    reports_bucket: str
    """The reports bucket's name."""
    alerts_topic: str
    """The alerts topic's ARN."""
    evidence_key: str
    """The ARN of the key that signs the evidence."""


class Functions(Construct):
    """All functions, by name."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        logs: Logs,
        network: Network,
        resources: Resources,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(scope, "functions")
        self._settings = settings
        self._logs = logs
        self._network = network
        self._bundles = _bundles()
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
        self._key = customer_managed_key(
            self, "functions", names=settings.names, description="Encrypts the environment of the auditor's functions"
        )
        allowed = permissions(resources)
        environments = _environments(settings, surroundings)
        self.by_name: Mapping[str, lambda_.Function] = {
            name: self._function(name, allowed[name], environments[name]) for name in FUNCTIONS
        }
        # By the policy that is shipped, which need not be the one in this folder.
        self.remediation_mode = remediation_mode(self._bundles / "plan-scan" / "audit-policy.toml")

    def _function(self, name: str, allowed: tuple[Permission, ...], environment: Mapping[str, str]) -> lambda_.Function:
        settings = self._settings
        reserved = settings.reserved_concurrency
        return lambda_.Function(
            self,
            name,
            function_name=settings.names.of(name, "function"),
            runtime=lambda_.Runtime.PROVIDED_AL2023,
            architecture=_ARCHITECTURES[settings.architecture],
            handler="bootstrap",
            code=lambda_.Code.from_asset(str(self._bundle(name))),
            memory_size=_MEMORIES.get(name, _MEMORY),
            timeout=_TIMEOUTS.get(name, _TIMEOUT),
            tracing=lambda_.Tracing.ACTIVE,
            reserved_concurrent_executions=None if reserved is None else reserved[name],
            environment=dict(environment),
            environment_encryption=self._key,
            role=self._role(name, allowed),
            vpc=self._network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[self._network.functions_group],
            log_group=self._logs.group(self, name, name=settings.names.function_log_group(name)),
            # The functions write JSON lines themselves; as text AWS Lambda leaves them as they are.
            logging_format=lambda_.LoggingFormat.TEXT,
        )

    def _bundle(self, name: str) -> Path:
        bundle = self._bundles / name
        for file in _FILES.get(name, _BOOTSTRAP):
            if not (bundle / file).is_file():
                raise BundleMissingError(
                    f"{bundle / file} is missing; run `make package`, or set LAMBDA_BUNDLES to the folder that holds "
                    f"a folder with a file named bootstrap for each of {', '.join(FUNCTIONS)}"
                )
        return bundle

    def _role(self, name: str, allowed: tuple[Permission, ...]) -> iam.IRole:
        names, account = self._settings.names, Stack.of(self).account
        function = f"arn:aws:lambda:{REGION}:{account}:function:{names.of(name, 'function')}"
        policy = iam.ManagedPolicy(
            self,
            f"{name}-policy",
            managed_policy_name=names.of(name, "policy"),
            description=f"What {names.of(name, 'function')} may do",
            statements=[
                *(permission.statement() for permission in allowed),
                *_of_every_function(
                    function,
                    f"{names.function_log_group(name)}:*",
                    account,
                    self._key,
                    called={action for permission in allowed for action in permission.actions},
                ),
            ],
        )
        # The policy comes with the role and not after it: AWS Lambda refuses a function whose role may not attach it
        # to the VPC yet.
        role = iam.Role(
            self,
            f"{name}-role",
            role_name=names.of(name, "role"),
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            managed_policies=[policy],
        )
        return role.without_policy_updates()


_ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}


def _bundles() -> Path:
    return Path(os.environ.get("LAMBDA_BUNDLES") or _ROOT / "target" / "lambda").resolve()


def _of_every_function(
    function: str, log_streams: str, account: str, key: kms.IKey, *, called: set[str]
) -> list[iam.PolicyStatement]:
    """Logs, traces, the network and the environment, on behalf of AWS Lambda itself.

    `called` are the actions that the function's own code needs.
    """
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions: the interfaces
    # are made by AWS Lambda and have no ids beforehand, and deleting them must be allowed on all of the account's.
    changing = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
    ]
    reading = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    return [
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[f"arn:aws:logs:{REGION}:{account}:log-group:{log_streams}"],
        ),
        iam.PolicyStatement(actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources=["*"]),
        iam.PolicyStatement(actions=["kms:Decrypt"], resources=[key.key_arn]),
        iam.PolicyStatement(actions=changing, resources=[f"arn:aws:ec2:{REGION}:{account}:*/*"]),
        iam.PolicyStatement(actions=reading, resources=["*"]),
        # The interfaces are AWS Lambda's business and not the code's, as the page above advises.
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=[action for action in (*changing, *reading) if action not in called],
            resources=["*"],
            conditions={"ArnEquals": {"lambda:SourceFunctionArn": function}},
        ),
    ]


def _environments(settings: Settings, surroundings: Surroundings) -> Mapping[str, Mapping[str, str]]:
    """Each function's environment variables."""
    everyone = {
        "ACCOUNT_ID": surroundings.account,
        "REPORTS_BUCKET": surroundings.reports_bucket,
        # What was freed stays with the function, which soon ends: given back and taken anew page by page, as the C
        # library does, it cost the scanners a fifth of their time. https://man7.org/linux/man-pages/man3/mallopt.3.html
        "MALLOC_TRIM_THRESHOLD_": f"{2**28}",
        "MALLOC_MMAP_THRESHOLD_": f"{2**25}",
    }
    listing = _TIMEOUTS["list-targets"].to_seconds() - _FOR_THE_SHARDS.to_seconds()
    system = {"SYSTEM_NAME": settings.names.system}
    topic = {"ALERTS_TOPIC_ARN": surroundings.alerts_topic}
    own: Mapping[str, Mapping[str, str]] = {
        "plan-scan": {
            **system,
            "CLOUD_TRAIL": json.dumps(settings.cloud_trail),
            "CHANGE_SETTLING_SECONDS": str(settings.change_settling_seconds),
        },
        "list-targets": {"LISTING_SECONDS": f"{listing:.0f}", "MAP_CONCURRENCY": str(settings.map_concurrency)},
        "remediate-s3-encryption": {**system, "KEY_TAGS": json.dumps(dict(settings.tags), sort_keys=True)},
        "write-json-report": system,
        "write-csv-report": system,
        "write-html-report": system,
        "publish-metrics": {"METRICS_NAMESPACE": settings.metrics_namespace, **topic},
        "notify-critical": {**system, **topic},
        "seal-evidence": {"EVIDENCE_KEY_ARN": surroundings.evidence_key},
    }
    return {name: {} if name in CUSTOM_RESOURCES else {**everyone, **own.get(name, {})} for name in FUNCTIONS}
