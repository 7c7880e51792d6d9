"""The reports bucket: scans, reports, the pointers to the last scan of each service, and claims of events."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from compliance_audit.keys import customer_managed_key
from compliance_audit.settings import Settings

_KEPT = Duration.days(90)


class Storage(Construct):
    """The reports bucket with its own key."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "storage")
        self.key = customer_managed_key(
            self, "reports", names=settings.names, description="Encrypts the auditor's reports bucket"
        )
        self.reports = s3.Bucket(
            self,
            "compliance-audit-reports",
            bucket_name=settings.names.bucket("compliance-audit-reports", Stack.of(self).account),
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            versioned=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            blocked_encryption_types=[s3.BlockedEncryptionType.SSE_C],
            removal_policy=RemovalPolicy.DESTROY,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="keep-90-days",
                    expiration=_KEPT,
                    noncurrent_version_expiration=_KEPT,
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                ),
                # Amazon S3 does not take it in a rule that expires objects by age:
                # https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
                s3.LifecycleRule(id="remove-expired-delete-markers", expired_object_delete_marker=True),
            ],
        )
        # The property of the construct would bring a function of CDK's that breaks the constraints.
        bucket = self.reports.node.default_child
        assert isinstance(bucket, s3.CfnBucket)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
