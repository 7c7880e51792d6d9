"""What the stack takes from an account, told from the settings alone: no CDK is started and no function is built."""

from __future__ import annotations

from dataclasses import dataclass

from compliance_audit.policy import APPLY
from compliance_audit.settings import FUNCTIONS, REGION, Settings

DEFAULT_QUALIFIER = "hnb659fds"
"""What the CDK puts into the names of its bootstrap resources unless told otherwise.

https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
"""

_KEYS = ("alerts", "dead-letters", "evidence", "functions", "logs", "reports")
# Those of the functions, the state machine, the rules and the flow logs; each has one managed policy of its own.
_ROLES = (*FUNCTIONS, "compliance-audit", "start-scan", "flow-logs")
_ENDPOINTS = ("ec2", "kms", "lambda", "monitoring", "sns", "states")


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one deployment takes from one account."""

    account: str
    """The account's id."""
    stack: str
    """The stack's name."""
    bucket: str
    """The reports bucket's name."""
    functions: frozenset[str]
    """The functions' names."""
    log_groups: frozenset[str]
    """The log groups' names, all but the flow logs'."""
    flow_log_group: str
    """The name of the flow logs' log group."""
    key_aliases: frozenset[str]
    """The aliases of the keys."""
    reservations: int
    """Concurrent executions reserved by all functions together."""
    map_concurrency: int
    """How many shards of one service are scanned at once."""
    zones: tuple[str, ...]
    """The availability zones, by the names that this account has for them."""
    endpoint_services: frozenset[str]
    """The services that interface endpoints lead to."""
    s3_express_prefix_list: str
    """The id that the prefix list of S3 Express One Zone must have."""
    change_scans: bool
    """Whether changes of the account start scans."""
    repairs: bool
    """Whether remediation may change buckets."""
    roles: frozenset[str]
    """The names of the IAM roles."""
    policies: frozenset[str]
    """The ARNs of the managed policies."""
    bootstrap_parameter: str
    """The SSM parameter with the version of the CDK's bootstrap resources."""
    bootstrap_bucket: str
    """The bucket through which the CDK hands templates and functions over."""

    @classmethod
    def of(
        cls, settings: Settings, *, account: str, remediation_mode: str, qualifier: str = DEFAULT_QUALIFIER
    ) -> Needs:
        """What the settings' deployment takes from an account that was bootstrapped with this qualifier."""
        names = settings.names
        roles = (*_ROLES, *(("scan-changes",) if settings.change_scans else ()))
        return cls(
            account=account,
            stack=names.stack(),
            bucket=names.bucket("compliance-audit-reports", account),
            functions=frozenset(names.of(name, "function") for name in FUNCTIONS),
            log_groups=frozenset(
                {*(names.function_log_group(name) for name in FUNCTIONS), names.state_machine_log_group()}
            ),
            flow_log_group=names.flow_log_group(REGION, settings.flow_log_date),
            key_aliases=frozenset(
                f"alias/{names.of(what, 'key')}" for what in (*_KEYS, *(("changes",) if settings.change_scans else ()))
            ),
            reservations=sum((settings.reserved_concurrency or {}).values()),
            map_concurrency=settings.map_concurrency,
            zones=settings.zones,
            endpoint_services=frozenset(
                f"com.amazonaws.{REGION}.{name}"
                for name in (*_ENDPOINTS, *(("cloudtrail",) if settings.cloud_trail else ()))
            ),
            s3_express_prefix_list=settings.s3_express_prefix_list,
            repairs=remediation_mode == APPLY,
            change_scans=settings.change_scans,
            roles=frozenset(names.of(what, "role") for what in roles),
            policies=frozenset(f"arn:aws:iam::{account}:policy/{names.of(what, 'policy')}" for what in roles),
            bootstrap_parameter=f"/cdk-bootstrap/{qualifier}/version",
            bootstrap_bucket=f"cdk-{qualifier}-assets-{account}-{REGION}",
        )
