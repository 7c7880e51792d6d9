"""The stack: the one place that says what is connected with what."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from compliance_audit.alerts import Alerts
from compliance_audit.default_security_group import DefaultSecurityGroup
from compliance_audit.evidence_public_key import EvidencePublicKey
from compliance_audit.functions import Functions, Surroundings
from compliance_audit.keys import signing_key
from compliance_audit.logs import Logs
from compliance_audit.monitoring import Monitoring
from compliance_audit.names import REMEDIATION_MODE_OUTPUT
from compliance_audit.network import Network
from compliance_audit.permissions import Resources
from compliance_audit.settings import REGION, Settings
from compliance_audit.storage import Storage
from compliance_audit.teardown import Teardown
from compliance_audit.triggers import Triggers
from compliance_audit.workflow import Workflow, state_machine_name


class ComplianceAuditStack(cdk.Stack):
    """The compliance auditor of one account."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        name = settings.names.stack()
        # Without an account: the template is the same for whoever synthesizes it, with credentials or without.
        super().__init__(
            scope,
            name,
            stack_name=name,
            description="Compliance auditor of this account's S3 buckets, VPCs and Lambda functions",
            env=cdk.Environment(region=REGION),
        )
        storage = Storage(self, settings=settings)
        alerts = Alerts(self, settings=settings)
        evidence_key = signing_key(
            self,
            "evidence",
            names=settings.names,
            description="Signs the chain of evidence of the auditor's scans",
            signer=settings.names.of("seal-evidence", "role"),
        )
        logs = Logs(self, settings=settings)
        network = Network(self, settings=settings, logs=logs)
        resources = Resources(
            account=self.account,
            reports_bucket=storage.reports.bucket_arn,
            reports_key=storage.key.key_arn,
            alerts_topic=alerts.topic.topic_arn,
            alerts_key=alerts.key.key_arn,
            evidence_key=evidence_key.key_arn,
            # By its name: the state machine itself refers to the functions whose policies refer to it.
            state_machine=f"arn:aws:states:{REGION}:{self.account}:stateMachine:{state_machine_name(settings.names)}",
            metrics_namespace=settings.metrics_namespace,
            default_security_group=network.default_security_group_arn,
            tags=settings.tags,
            cloud_trail=settings.cloud_trail,
            change_scans=settings.change_scans,
        )
        network.add_endpoints(resources)
        functions = Functions(
            self,
            settings=settings,
            logs=logs,
            network=network,
            resources=resources,
            surroundings=Surroundings(
                account=self.account,
                reports_bucket=storage.reports.bucket_name,
                alerts_topic=alerts.topic.topic_arn,
                evidence_key=evidence_key.key_arn,
            ),
        )
        teardown = Teardown(self, functions=functions, network=network, storage=storage)
        DefaultSecurityGroup(self, functions=functions, network=network)
        public_half = EvidencePublicKey(self, functions=functions, network=network, key=evidence_key)
        workflow = Workflow(self, settings=settings, logs=logs, functions=functions, resources=resources)
        # On deletion the scans stop first: nothing is written once the bucket has been emptied.
        workflow.node.add_dependency(teardown)
        triggers = Triggers(self, settings=settings, workflow=workflow)
        monitoring = Monitoring(
            self, settings=settings, workflow=workflow, functions=functions, triggers=triggers, alerts=alerts
        )
        for output, value in {
            "StateMachineArn": workflow.state_machine.state_machine_arn,
            "ReportsBucketName": storage.reports.bucket_name,
            "AlertsTopicArn": alerts.topic.topic_arn,
            "EvidenceKeyArn": evidence_key.key_arn,
            "EvidencePublicKey": public_half.public_key,
            "EvidenceKeyFingerprint": public_half.fingerprint,
            "DashboardName": monitoring.dashboard_name,
            "MetricsNamespace": settings.metrics_namespace,
            # Tells the next deployment in this account whether the two would repair the same buckets.
            REMEDIATION_MODE_OUTPUT: functions.remediation_mode,
        }.items():
            cdk.CfnOutput(self, output, value=value)
