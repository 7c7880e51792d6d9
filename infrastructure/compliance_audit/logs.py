"""Log groups, all declared, encrypted with one customer managed key, kept for 90 days and gone with the stack."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from compliance_audit.keys import customer_managed_key
from compliance_audit.settings import REGION, Settings


class Logs(Construct):
    """The log groups' key, and the one way to declare a log group."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "logs")
        names = settings.names
        self._key = customer_managed_key(self, "logs", names=names, description="Encrypts the auditor's log groups")
        prefix = f"arn:aws:logs:{REGION}:{Stack.of(self).account}:log-group:"
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
        self._key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AllowCloudWatchLogs",
                principals=[iam.ServicePrincipal(f"logs.{REGION}.amazonaws.com")],
                actions=["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                resources=["*"],
                conditions={
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": [
                            prefix + names.function_log_group("*"),
                            prefix + names.state_machine_log_group(),
                            prefix + names.flow_log_group(REGION, settings.flow_log_date),
                        ]
                    }
                },
            )
        )

    def group(self, scope: Construct, what: str, *, name: str) -> logs.LogGroup:
        """Declare a log group."""
        return logs.LogGroup(
            scope,
            f"{what}-log-group",
            log_group_name=name,
            encryption_key=self._key,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
