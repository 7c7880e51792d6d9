"""The state machine: `statemachine/compliance-audit.asl.json` with its substitutions, its role and its log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from compliance_audit.functions import Functions
from compliance_audit.logs import Logs
from compliance_audit.names import Names
from compliance_audit.permissions import Resources, publishing
from compliance_audit.settings import CUSTOM_RESOURCES, FUNCTIONS, Settings

DEFINITION = Path(__file__).resolve().parents[2] / "statemachine" / "compliance-audit.asl.json"
"""The only definition of the state machine."""

CALLED = tuple(name for name in FUNCTIONS if name not in CUSTOM_RESOURCES)
"""The functions that the state machine calls."""


def state_machine_name(names: Names) -> str:
    """The state machine's name."""
    return f"compliance-audit-state-machine-{names.system}"


def substitution(function: str) -> str:
    """The substitution that stands for a function's ARN: `plan-scan` is `PlanScanFunctionArn`."""
    return "".join(word.capitalize() for word in function.split("-")) + "FunctionArn"


class Workflow(Construct):
    """The state machine."""

    def __init__(
        self, scope: Construct, *, settings: Settings, logs: Logs, functions: Functions, resources: Resources
    ) -> None:
        super().__init__(scope, "workflow")
        names = settings.names
        called = [functions.by_name[name] for name in CALLED]
        role = _role(
            self,
            names,
            resources.state_machine,
            [
                iam.PolicyStatement(
                    actions=["lambda:InvokeFunction"], resources=[function.function_arn for function in called]
                ),
                *(permission.statement() for permission in publishing(resources)),
                # Neither has a resource to name: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
                # and https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
                iam.PolicyStatement(actions=_LOG_DELIVERY, resources=["*"]),
                iam.PolicyStatement(actions=_TRACING, resources=["*"]),
            ],
        )
        substitutions: Mapping[str, str] = {
            **{substitution(name): functions.by_name[name].function_arn for name in CALLED},
            "AlertsTopicArn": resources.alerts_topic,
            "MapConcurrency": str(settings.map_concurrency),
            "SystemName": names.system,
        }
        self.state_machine = sfn.StateMachine(
            self,
            "compliance-audit",
            state_machine_name=state_machine_name(names),
            state_machine_type=sfn.StateMachineType.STANDARD,
            # In the template itself, not an asset: who reviews a deployment sees the workflow.
            definition_body=sfn.DefinitionBody.from_string(DEFINITION.read_text()),
            definition_substitutions=dict(substitutions),
            role=role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.group(self, "compliance-audit", name=names.state_machine_log_group()),
                level=sfn.LogLevel.ALL,
                include_execution_data=False,
            ),
        )


_LOG_DELIVERY = [
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
]
_TRACING = [
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
]


def _role(scope: Construct, names: Names, state_machine: str, statements: list[iam.PolicyStatement]) -> iam.IRole:
    account = Stack.of(scope).account
    role = iam.Role(
        scope,
        "compliance-audit-role",
        role_name=names.of("compliance-audit", "role"),
        # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html#prevent-cross-service-confused-deputy
        assumed_by=iam.ServicePrincipal(
            "states.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": account},
                "ArnEquals": {"aws:SourceArn": state_machine},
            },
        ),
        managed_policies=[
            iam.ManagedPolicy(
                scope,
                "compliance-audit-policy",
                managed_policy_name=names.of("compliance-audit", "policy"),
                description=f"What {state_machine_name(names)} may do",
                statements=statements,
            )
        ],
    )
    return role.without_policy_updates()
