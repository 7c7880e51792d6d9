"""The network: isolated subnets, a way to Amazon S3 and to the APIs that the functions call, and to nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from compliance_audit.logs import Logs
from compliance_audit.names import Names
from compliance_audit.permissions import Resources, called_actions
from compliance_audit.settings import REGION, Settings

_HTTPS = ec2.Port.tcp(443)

# Numbers of protocols, as network ACLs have them.
_ALL_PROTOCOLS = -1
_TCP = 6

# AWS gives the addresses of Amazon S3 in a region as one managed prefix list; CloudFormation has no attribute for it.
# Those of S3 Express One Zone are another list, whose id is a setting.
# https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
_S3_PREFIX_LIST_OF_US_EAST_1 = "pl-63a5400a"

# An endpoint's name, the AWS service behind it, and the prefix of that service's IAM actions.
_INTERFACE_ENDPOINTS: Mapping[str, tuple[ec2.InterfaceVpcEndpointAwsService, str]] = {
    "cloudtrail": (ec2.InterfaceVpcEndpointAwsService.CLOUDTRAIL, "cloudtrail"),
    "ec2": (ec2.InterfaceVpcEndpointAwsService.EC2, "ec2"),
    "kms": (ec2.InterfaceVpcEndpointAwsService.KMS, "kms"),
    "lambda": (ec2.InterfaceVpcEndpointAwsService.LAMBDA_, "lambda"),
    "monitoring": (ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING, "cloudwatch"),
    "sns": (ec2.InterfaceVpcEndpointAwsService.SNS, "sns"),
    "states": (ec2.InterfaceVpcEndpointAwsService.STEP_FUNCTIONS, "states"),
}


class Network(Construct):
    """The VPC of the functions."""

    def __init__(self, scope: Construct, *, settings: Settings, logs: Logs) -> None:
        super().__init__(scope, "network")
        names = self._names = settings.names
        self.vpc = ec2.Vpc(
            self,
            "audit-vpc",
            vpc_name=names.of("audit", "vpc"),
            ip_addresses=ec2.IpAddresses.cidr("10.0.0.0/24"),
            availability_zones=list(settings.zones),
            nat_gateways=0,
            create_internet_gateway=False,
            # CDK's own function for that breaks the constraints; default_security_group.py has ours.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=26)
            ],
        )
        for zone, subnet in zip(settings.zones, self.vpc.isolated_subnets, strict=True):
            # A tag of a subnet reaches its route table too, which has a name of its own.
            for kind, what in (("AWS::EC2::Subnet", "subnet"), ("AWS::EC2::RouteTable", "route-table")):
                name = names.of(f"audit-{zone[-1]}", what)
                Tags.of(subnet).add("Name", name, include_resource_types=[kind])
        self.functions_group = self._security_group("functions", names, "Functions: to Amazon S3 and to the endpoints")
        self._endpoints_group = self._security_group("endpoints", names, "Endpoints: from the functions")
        self.functions_group.add_egress_rule(
            ec2.Peer.prefix_list(_S3_PREFIX_LIST_OF_US_EAST_1), _HTTPS, "To Amazon S3 through the gateway endpoint"
        )
        self.functions_group.add_egress_rule(
            ec2.Peer.prefix_list(settings.s3_express_prefix_list),
            _HTTPS,
            "To S3 Express One Zone through the gateway endpoint",
        )
        self.functions_group.connections.allow_to(self._endpoints_group, _HTTPS, "HTTPS to the interface endpoints")
        self._close_default_network_acl()
        self._add_flow_log(settings, logs)

    @property
    def default_security_group_arn(self) -> str:
        """ARN of the security group that AWS makes with the VPC."""
        stack = Stack.of(self)
        return f"arn:aws:ec2:{REGION}:{stack.account}:security-group/{self.vpc.vpc_default_security_group}"

    def add_endpoints(self, reachable: Resources) -> None:
        """Let the functions reach the APIs that they call; apart, for what they may call names this VPC's resources."""
        self._add_s3_endpoint(reachable)
        self._add_s3_express_endpoint(reachable)
        for name, (service, prefix) in _INTERFACE_ENDPOINTS.items():
            # Some APIs are called only where a setting says so; an endpoint costs by the hour.
            if actions := called_actions(reachable, prefix):
                self._add_interface_endpoint(name, service, actions, reachable)

    def _security_group(self, what: str, names: Names, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            f"{what}-security-group",
            vpc=self.vpc,
            security_group_name=names.of(what, "security-group"),
            description=description,
            allow_all_outbound=False,
        )

    def _close_default_network_acl(self) -> None:
        """Let in what the functions are answered, and nothing else.

        The subnets use the ACL that AWS makes with the VPC. Its entry 100 lets in everything and cannot be taken out
        with CloudFormation, but entries with lower numbers come first.
        https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
        """
        everywhere = "0.0.0.0/0"
        for number, action, protocol, cidr, ports in (
            (10, "allow", _ALL_PROTOCOLS, self.vpc.vpc_cidr_block, None),
            (20, "deny", _TCP, everywhere, (3389, 3389)),
            # Answers of Amazon S3 come to ephemeral ports:
            # https://docs.aws.amazon.com/vpc/latest/userguide/nacl-ephemeral-ports.html
            (30, "allow", _TCP, everywhere, (1024, 65535)),
            (40, "deny", _ALL_PROTOCOLS, everywhere, None),
        ):
            ec2.CfnNetworkAclEntry(
                self,
                f"default-network-acl-entry-{number}",
                network_acl_id=self.vpc.vpc_default_network_acl,
                rule_number=number,
                rule_action=action,
                protocol=protocol,
                cidr_block=cidr,
                egress=False,
                port_range=ports and ec2.CfnNetworkAclEntry.PortRangeProperty(from_=ports[0], to=ports[1]),
            )

    def _add_s3_endpoint(self, reachable: Resources) -> None:
        endpoint = self._add_gateway_endpoint("s3", ec2.GatewayVpcEndpointAwsService.S3, reachable)
        # A custom resource's function answers CloudFormation through a presigned URL of this bucket of AWS's:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-vpce-bucketnames.html
        endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[f"arn:aws:s3:::cloudformation-custom-resource-response-{REGION.replace('-', '')}/*"],
            )
        )

    def _add_s3_express_endpoint(self, reachable: Resources) -> None:
        """To the Regional endpoint of directory buckets, which tells of them and holds no objects.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-networking.html
        """
        self._add_gateway_endpoint("s3express", ec2.GatewayVpcEndpointAwsService.S3_EXPRESS, reachable)

    def _add_gateway_endpoint(
        self, name: str, service: ec2.GatewayVpcEndpointAwsService, reachable: Resources
    ) -> ec2.GatewayVpcEndpoint:
        """The endpoint bears the name of its service, which is also the prefix of that service's IAM actions."""
        endpoint = self.vpc.add_gateway_endpoint(f"{name}-endpoint", service=service)
        Tags.of(endpoint).add("Name", self._names.of(name, "endpoint"))
        ours = _our_own(called_actions(reachable, name), reachable.account)
        # Nothing leaves for another account's bucket. Listing buckets has no resource, hence `IfExists`:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourceaccount
        ours.add_condition("StringEqualsIfExists", {"aws:ResourceAccount": reachable.account})
        endpoint.add_to_policy(ours)
        return endpoint

    def _add_interface_endpoint(
        self,
        name: str,
        service: ec2.InterfaceVpcEndpointAwsService,
        actions: list[str],
        reachable: Resources,
    ) -> None:
        endpoint = self.vpc.add_interface_endpoint(
            f"{name}-endpoint",
            service=service,
            private_dns_enabled=True,
            open=False,
            security_groups=[self._endpoints_group],
            subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        )
        Tags.of(endpoint).add("Name", self._names.of(name, "endpoint"))
        endpoint.add_to_policy(_our_own(actions, reachable.account))

    def _add_flow_log(self, settings: Settings, logs: Logs) -> None:
        names, stack = settings.names, Stack.of(self)
        group = logs.group(self, "flow-logs", name=settings.names.flow_log_group(REGION, settings.flow_log_date))
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        role = iam.Role(
            self,
            "flow-logs-role",
            role_name=names.of("flow-logs", "role"),
            assumed_by=iam.ServicePrincipal(
                "vpc-flow-logs.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:{REGION}:{stack.account}:vpc-flow-log/*"},
                },
            ),
            managed_policies=[
                iam.ManagedPolicy(
                    self,
                    "flow-logs-policy",
                    managed_policy_name=names.of("flow-logs", "policy"),
                    statements=[
                        iam.PolicyStatement(
                            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                            resources=[group.log_group_arn],
                        ),
                        iam.PolicyStatement(actions=["logs:DescribeLogGroups"], resources=["*"]),
                    ],
                )
            ],
        )
        flow_log = ec2.CfnFlowLog(
            self,
            "flow-log",
            resource_id=self.vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
        )
        Tags.of(flow_log).add("Name", names.of("audit", "flow-log"))


def _our_own(actions: list[str], account: str) -> iam.PolicyStatement:
    """The actions that the functions call, for this account's principals."""
    return iam.PolicyStatement(
        principals=[iam.AnyPrincipal()],
        actions=actions,
        resources=["*"],
        conditions={"StringEquals": {"aws:PrincipalAccount": account}},
    )
