"""What lets CloudFormation remove everything: the reports bucket is emptied before CloudFormation deletes it."""

from __future__ import annotations

from aws_cdk import CustomResource, Duration, RemovalPolicy
from constructs import Construct

from compliance_audit.functions import Functions
from compliance_audit.network import Network
from compliance_audit.storage import Storage


class Teardown(Construct):
    """The custom resource whose deletion empties the reports bucket."""

    def __init__(self, scope: Construct, *, functions: Functions, network: Network, storage: Storage) -> None:
        super().__init__(scope, "teardown")
        emptied = CustomResource(
            self,
            "empty-reports-bucket",
            service_token=functions.by_name["empty-bucket"].function_arn,
            resource_type="Custom::EmptyBucket",
            properties={"BucketName": storage.reports.bucket_name},
            # CloudFormation calls asynchronously, and AWS Lambda tries such a call three times: three times the
            # function's 15 minutes, with the waits between them, stay below.
            service_timeout=Duration.hours(1),
            removal_policy=RemovalPolicy.DESTROY,
        )
        # CloudFormation deletes in the reverse order: while the bucket is emptied, the bucket with its policy, the
        # function with its role and log group, and the way out of the VPC to Amazon S3 are all still there.
        emptied.node.add_dependency(storage, functions, network)
