"""What closes the VPC's default security group, which CloudFormation makes with the VPC and cannot empty."""

from __future__ import annotations

from aws_cdk import CustomResource, Duration, RemovalPolicy
from constructs import Construct

from compliance_audit.functions import Functions
from compliance_audit.network import Network


class DefaultSecurityGroup(Construct):
    """The custom resource whose creation takes every rule out of the group."""

    def __init__(self, scope: Construct, *, functions: Functions, network: Network) -> None:
        super().__init__(scope, "default-security-group")
        closed = CustomResource(
            self,
            "close-default-security-group",
            service_token=functions.by_name["close-default-security-group"].function_arn,
            resource_type="Custom::CloseDefaultSecurityGroup",
            properties={"SecurityGroupId": network.vpc.vpc_default_security_group},
            # AWS Lambda tries an asynchronous call three times, see teardown.py.
            service_timeout=Duration.minutes(30),
            removal_policy=RemovalPolicy.DESTROY,
        )
        # On deletion the function is asked once more, and answers through the VPC's way to Amazon S3.
        closed.node.add_dependency(functions, network)
