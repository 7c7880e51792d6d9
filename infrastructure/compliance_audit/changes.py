"""What tells of changes: rules on CloudTrail's events, the queue in which they settle, and the pipe to the machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_pipes as pipes
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from compliance_audit.keys import customer_managed_key
from compliance_audit.settings import REGION, Settings
from compliance_audit.workflow import Workflow

_EVENTS = Path(__file__).resolve().parents[1] / "change-events.json"

BATCHING_WINDOW = Duration.seconds(30)
"""How long the pipe gathers events for one execution. Shorter makes more executions of fewer events each, and an
engineer hears of a change earlier by no more than what is left out: with the settling and CloudTrail's own minute or
two, a change is judged within five minutes."""

RETENTION = Duration.days(1)
"""How long an event waits when the pipe does not take it. By then four scans of everything have seen its change."""

# A batch is invisible while the window is open and the execution is started, which takes moments.
_VISIBILITY = Duration.minutes(5)

_RECEIVED_AT_MOST = 5
"""How often a batch that cannot start an execution comes again before it counts as a dead letter."""


@cache
def change_events() -> Mapping[str, Any]:
    """Patterns and transformers of the rules, and how many events go together, as audit-changes writes them."""
    found: Mapping[str, Any] = json.loads(_EVENTS.read_text())
    return found


def change_rules(settings: Settings) -> Sequence[str]:
    """What the rules are called, without the rest of their names; none where changes start no scans."""
    return [rule["name"] for rule in change_events()["rules"]] if settings.change_scans else []


def delay(settings: Settings) -> Duration:
    """How long an event waits in the queue.

    The calls of one window, as long as the settling time, make one scan. The last may come a whole window after the
    first, and is read a settling time after that: whoever waits for both after any of them waits long enough.
    """
    return Duration.seconds(2 * settings.change_settling_seconds)


class Changes(Construct):
    """Rules, queue and pipe."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        workflow: Workflow,
        dead_letters: sqs.Queue,
        retry: events.CfnRule.RetryPolicyProperty,
    ) -> None:
        super().__init__(scope, "changes")
        self._settings = settings
        account = Stack.of(self).account
        self._rules = [f"arn:aws:events:{REGION}:{account}:rule/{self._name(it)}" for it in change_rules(settings)]
        key = self._key()
        self.queue = self._queue(key, dead_letters)
        for rule in change_events()["rules"]:
            events.CfnRule(
                self,
                rule["name"],
                name=self._name(rule["name"]),
                description="Tells of calls that can change a verdict",
                event_pattern=rule["pattern"],
                # Without the read-only calls, which are another state: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html
                state="ENABLED",
                targets=[
                    events.CfnRule.TargetProperty(
                        id="changes",
                        arn=self.queue.queue_arn,
                        input_transformer=events.CfnRule.InputTransformerProperty(
                            input_paths_map=rule["paths"], input_template=rule["template"]
                        ),
                        retry_policy=retry,
                        dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
                    )
                ],
            )
        machine = workflow.state_machine.state_machine_arn
        pipe = settings.names.of("changes", "pipe")
        pipes.CfnPipe(
            self,
            "pipe",
            name=pipe,
            description="Starts a scan of what changed",
            role_arn=self._role(key, machine, pipe).role_arn,
            source=self.queue.queue_arn,
            source_parameters=pipes.CfnPipe.PipeSourceParametersProperty(
                sqs_queue_parameters=pipes.CfnPipe.PipeSourceSqsQueueParametersProperty(
                    batch_size=change_events()["batch"],
                    maximum_batching_window_in_seconds=int(BATCHING_WINDOW.to_seconds()),
                )
            ),
            target=machine,
            target_parameters=pipes.CfnPipe.PipeTargetParametersProperty(
                # Each message without what Amazon SQS says of it, and as JSON instead of a text with JSON in it:
                # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-input-transformation.html
                input_template="<$.body>",
                step_function_state_machine_parameters=pipes.CfnPipe.PipeTargetStateMachineParametersProperty(
                    invocation_type="FIRE_AND_FORGET"
                ),
            ),
        )

    def _name(self, rule: str) -> str:
        return self._settings.names.of(rule, "rule")

    def _key(self) -> kms.Key:
        key = customer_managed_key(
            self, "changes", names=self._settings.names, description="Encrypts the queue of changes to judge"
        )
        # As for the dead letters, SQS names this context key for EventBridge and no other:
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        key.add_to_resource_policy(
            self._for_rules(["kms:Decrypt", "kms:GenerateDataKey*"], "*"),
        )
        return key

    def _queue(self, key: kms.Key, dead_letters: sqs.Queue) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            "queue",
            queue_name=self._settings.names.of("changes", "queue"),
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            delivery_delay=delay(self._settings),
            visibility_timeout=_VISIBILITY,
            retention_period=RETENTION,
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=_RECEIVED_AT_MOST),
            removal_policy=RemovalPolicy.DESTROY,
        )
        for receiving in (queue, dead_letters):
            receiving.add_to_resource_policy(self._for_rules(["sqs:SendMessage"], receiving.queue_arn))
        return queue

    def _for_rules(self, actions: Sequence[str], resource: str) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid="ChangeRules",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=list(actions),
            resources=[resource],
            conditions={"ArnEquals": {"aws:SourceArn": self._rules}},
        )

    def _role(self, key: kms.Key, machine: str, pipe: str) -> iam.IRole:
        names, account = self._settings.names, Stack.of(self).account
        role = iam.Role(
            self,
            "scan-changes-role",
            role_name=names.of("scan-changes", "role"),
            # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-permissions.html
            assumed_by=iam.ServicePrincipal(
                "pipes.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": account},
                    "ArnEquals": {"aws:SourceArn": f"arn:aws:pipes:{REGION}:{account}:pipe/{pipe}"},
                },
            ),
            managed_policies=[
                iam.ManagedPolicy(
                    self,
                    "scan-changes-policy",
                    managed_policy_name=names.of("scan-changes", "policy"),
                    description="Lets the pipe take changes from their queue and start a scan of them",
                    statements=[
                        iam.PolicyStatement(
                            actions=["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
                            resources=[self.queue.queue_arn],
                        ),
                        iam.PolicyStatement(actions=["kms:Decrypt"], resources=[key.key_arn]),
                        iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine]),
                    ],
                )
            ],
        )
        return role.without_policy_updates()
