"""The alerts topic: where the auditor and its alarms tell people what needs them."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from compliance_audit.keys import customer_managed_key
from compliance_audit.recipients import TOPIC
from compliance_audit.settings import REGION, Settings


class Alerts(Construct):
    """The topic, its key and its subscriptions."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "alerts")
        cloudwatch = iam.ServicePrincipal("cloudwatch.amazonaws.com")
        names, account = settings.names, Stack.of(self).account
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
        this_account = {"StringEquals": {"aws:SourceAccount": account}}
        our_alarms = {
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{account}:alarm:{names.of('*', 'alarm')}"}
        }
        self.key = customer_managed_key(self, "alerts", names=names, description="Encrypts the auditor's alerts topic")
        self.topic = sns.Topic(
            self,
            TOPIC,
            topic_name=names.of(TOPIC, "topic"),
            display_name="Compliance audit",
            master_key=self.key,
            enforce_ssl=True,
        )
        # Which alarm it is for, AWS does not document to reach the key, which is used for this topic only:
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudWatchAlarms",
                principals=[cloudwatch],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions=this_account,
            )
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudWatchAlarms",
                principals=[cloudwatch],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={**this_account, **our_alarms},
            )
        )
        for address in settings.alert_emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(address))
