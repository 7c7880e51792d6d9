"""The one source of names: `<what>-<resource type>-<environment>-<environmentSuffix>`."""

from __future__ import annotations

from dataclasses import dataclass

_ACCOUNT_ID_LENGTH = 12
_BUCKET_NAME_LENGTH = 63
# IAM's limit on role names, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, is 64 and
# leaves more room: the bucket's name is the longest for its limit.
MAX_ENVIRONMENT_AND_SUFFIX = _BUCKET_NAME_LENGTH - len("compliance-audit-reports-bucket---") - _ACCOUNT_ID_LENGTH
"""How long environment and suffix may be together."""

STACK_PREFIX = "compliance-audit-stack-"
"""What the names of all deployments' stacks begin with."""

REMEDIATION_MODE_OUTPUT = "RemediationMode"
"""The stack's output that says what remediation may do at most: `apply`, `dry-run` or `off`."""

BUCKET_TAG = "compliance-audit:bucket"
"""The tag by which remediation says which bucket a key is for; `remediate-s3-encryption` writes it."""

BUCKET_KEY_ALIAS = "alias/compliance-audit-"
"""What the aliases of those keys begin with; the bucket's name follows."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of one deployment."""

    environment: str
    """Stage of the deployment."""
    suffix: str
    """Tells deployments of one stage apart."""

    @property
    def system(self) -> str:
        """Which deployment speaks, in alerts and reports."""
        return f"{self.environment}-{self.suffix}"

    def of(self, what: str, resource_type: str) -> str:
        """The name of a resource, for instance `scan-s3-function-dev-pr42`."""
        return f"{what}-{resource_type}-{self.system}"

    def stack(self) -> str:
        """The name of the stack."""
        return f"{STACK_PREFIX}{self.system}"

    def bucket(self, what: str, account: str) -> str:
        """The name of a bucket; bucket names are unique over all accounts, hence the account id."""
        return f"{what}-bucket-{account}-{self.system}"

    def flow_log_group(self, region: str, date: str) -> str:
        """The name of the flow logs' log group, as the customer prescribes it."""
        return f"audit-flowlogs-{region}-{date}"

    def function_log_group(self, function: str) -> str:
        """The name of the log group that AWS Lambda expects for a function."""
        return f"/aws/lambda/{self.of(function, 'function')}"

    def state_machine_log_group(self) -> str:
        """The name of the state machine's log group.

        Under `/aws/vendedlogs/`, where CloudWatch Logs' resource policy for log delivery does not grow with each group:
        https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
        """
        return f"/aws/vendedlogs/states/{self.of('compliance-audit', 'log-group')}"
