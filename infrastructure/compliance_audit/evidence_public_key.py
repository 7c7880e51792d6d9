"""What tells the stack the public half of the key that signs the evidence, which CloudFormation cannot read."""

from __future__ import annotations

from aws_cdk import CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from constructs import Construct

from compliance_audit.functions import Functions
from compliance_audit.network import Network


class EvidencePublicKey(Construct):
    """The custom resource that has the public half in its attributes."""

    def __init__(self, scope: Construct, *, functions: Functions, network: Network, key: kms.IKey) -> None:
        super().__init__(scope, "evidence-public-key")
        published = CustomResource(
            self,
            "publish-evidence-key",
            service_token=functions.by_name["publish-evidence-key"].function_arn,
            resource_type="Custom::EvidencePublicKey",
            properties={"KeyArn": key.key_arn},
            # AWS Lambda tries an asynchronous call three times, see teardown.py.
            service_timeout=Duration.minutes(30),
            removal_policy=RemovalPolicy.DESTROY,
        )
        # It asks AWS KMS through the VPC's endpoint, and answers through the way to Amazon S3, on deletion, too.
        published.node.add_dependency(functions, network)
        self.public_key = published.get_att_string("PublicKey")
        """In DER and Base64."""
        self.fingerprint = published.get_att_string("Fingerprint")
        """The SHA-256 of the key in DER, in hexadecimal."""
