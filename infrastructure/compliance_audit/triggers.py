"""What starts a scan or a rollback: the clock, the custom events, and changes of the account."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from compliance_audit.changes import Changes, change_rules
from compliance_audit.keys import customer_managed_key
from compliance_audit.settings import REGION, Settings
from compliance_audit.workflow import Workflow

SCAN_INTERVAL = Duration.hours(6)
"""How often the account is scanned; the customer's figure."""

EVENT_SOURCE = "compliance.audit"
"""Source of the events that ask for something."""

EVENT_DETAIL_TYPES = ("Compliance Scan Requested", "Compliance Remediation Rollback Requested")
"""Detail types of the events: one asks for a scan, the other to take back what a scan's remediation changed."""

# Long enough to outlast a throttled hour, and over before the next scheduled scan.
_RETRY_ATTEMPTS = 24
_MAX_EVENT_AGE = Duration.hours(1)

RULES = ("scheduled-scan", "requested-scan")
"""What the rules that start the machine are called, without the rest of their names."""


class Triggers(Construct):
    """The rules, their dead-letter queue, and the way of changes into the machine."""

    def __init__(self, scope: Construct, *, settings: Settings, workflow: Workflow) -> None:
        super().__init__(scope, "triggers")
        names = settings.names
        self._add_queue(settings)
        machine = workflow.state_machine
        start = targets.SfnStateMachine(
            machine,
            role=self._role(settings, machine.state_machine_arn),
            dead_letter_queue=self.dead_letters,
            retry_attempts=_RETRY_ATTEMPTS,
            max_event_age=_MAX_EVENT_AGE,
        )
        scheduled, requested = RULES
        events.Rule(
            self,
            scheduled,
            rule_name=names.of(scheduled, "rule"),
            description="Scans the account every 6 hours",
            schedule=events.Schedule.rate(SCAN_INTERVAL),
            targets=[start],
        )
        events.Rule(
            self,
            requested,
            rule_name=names.of(requested, "rule"),
            description="Scans the account, or takes back what remediation changed, when an event asks for it",
            event_pattern=events.EventPattern(
                source=[EVENT_SOURCE],
                detail_type=list(EVENT_DETAIL_TYPES),
                # An event reaches every deployment in the account; one that names another is not for this one.
                # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
                detail={"system": [{"exists": False}, names.system]},
            ),
            targets=[start],
        )
        self.changes = None
        if settings.change_scans:
            self.changes = Changes(
                self,
                settings=settings,
                workflow=workflow,
                dead_letters=self.dead_letters,
                retry=events.CfnRule.RetryPolicyProperty(
                    maximum_retry_attempts=_RETRY_ATTEMPTS,
                    maximum_event_age_in_seconds=int(_MAX_EVENT_AGE.to_seconds()),
                ),
            )

    def _add_queue(self, settings: Settings) -> None:
        key = customer_managed_key(
            self, "dead-letters", names=settings.names, description="Encrypts the auditor's dead-letter queue"
        )
        # Of the context keys that tell whom a service acts for, SQS names this one for EventBridge and no other:
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="EventBridgeRules",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions={"ArnEquals": {"aws:SourceArn": self._rules(settings, (*RULES, *change_rules(settings)))}},
            )
        )
        self.dead_letters = sqs.Queue(
            self,
            "dead-letters",
            queue_name=settings.names.of("dead-letters", "queue"),
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _rules(self, settings: Settings, rules: Sequence[str] = RULES) -> list[str]:
        """The rules' ARNs, by their names: the rules themselves refer to the role and to the queue."""
        account = Stack.of(self).account
        return [f"arn:aws:events:{REGION}:{account}:rule/{settings.names.of(what, 'rule')}" for what in rules]

    def _role(self, settings: Settings, state_machine: str) -> iam.IRole:
        names, account = settings.names, Stack.of(self).account
        role = iam.Role(
            self,
            "start-scan-role",
            role_name=names.of("start-scan", "role"),
            assumed_by=iam.ServicePrincipal(
                "events.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": account},
                    "ArnEquals": {"aws:SourceArn": self._rules(settings)},
                },
            ),
            managed_policies=[
                iam.ManagedPolicy(
                    self,
                    "start-scan-policy",
                    managed_policy_name=names.of("start-scan", "policy"),
                    description="Lets EventBridge start a scan",
                    statements=[iam.PolicyStatement(actions=["states:StartExecution"], resources=[state_machine])],
                )
            ],
        )
        return role.without_policy_updates()
