"""What a template declares of networks is what EC2 then describes, and what goes with the stack."""

from __future__ import annotations

import json
from ipaddress import IPv6Network
from typing import Any

import pytest
from botocore.exceptions import ClientError
from harness import Client, Deploy, Template, resource
from local_aws import ACCOUNT_ID, REGION


@pytest.fixture
def ec2(client: Client) -> Any:
    return client("ec2")


def network(**more: Template) -> Template:
    """A VPC with a subnet, and more."""
    return {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.8.0.0/16"),
        "Subnet": resource("AWS::EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.8.0.0/24"),
        **more,
    }


def rules_of(ec2: Any, acl: str) -> dict[tuple[bool, int], dict[str, Any]]:
    (found,) = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    return {(entry["Egress"], entry["RuleNumber"]): entry for entry in found["Entries"]}


def acl_of(ec2: Any, subnet: str) -> str:
    filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
    (found,) = ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
    return str(found["NetworkAclId"])


def test_network_acls_and_their_entries(deploy: Deploy, ec2: Any) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-networkacl.html"""

    def entry(acl: Any, number: int, **properties: Any) -> Template:
        return resource(
            "AWS::EC2::NetworkAclEntry", NetworkAclId=acl, RuleNumber=number, RuleAction="allow", **properties
        )

    own = {"Ref": "Acl"}
    ssh = {"From": 22, "To": 22}
    resources = network(
        Acl=resource("AWS::EC2::NetworkAcl", VpcId={"Ref": "Vpc"}, Tags=[{"Key": "Owner", "Value": "audit"}]),
        Ssh=entry(own, 100, Protocol=6, CidrBlock="0.0.0.0/0", PortRange=ssh),
        Icmp=entry(own, 100, Protocol=58, Egress=True, Ipv6CidrBlock="::/0", Icmp={"Type": -1, "Code": -1}),
        InDefault=entry({"Fn::GetAtt": ["Vpc", "DefaultNetworkAcl"]}, 50, Protocol=17, CidrBlock="10.0.0.0/8"),
        Association=resource(
            "AWS::EC2::SubnetNetworkAclAssociation", SubnetId={"Ref": "Subnet"}, NetworkAclId={"Ref": "Acl"}
        ),
    )
    made = deploy(resources)

    assert acl_of(ec2, made["Subnet"]) == made["Acl"]
    rules = rules_of(ec2, made["Acl"])
    assert set(rules) == {(False, 100), (False, 32767), (True, 100), (True, 32767)}
    assert rules[False, 100]["PortRange"] == ssh
    assert rules[False, 100]["Protocol"] == "6"
    assert rules[False, 100]["CidrBlock"] == "0.0.0.0/0"
    assert rules[True, 100]["Ipv6CidrBlock"] == "::/0"
    assert rules[True, 100]["IcmpTypeCode"] == {"Type": -1, "Code": -1}
    (described,) = ec2.describe_network_acls(NetworkAclIds=[made["Acl"]])["NetworkAcls"]
    assert {"Key": "Owner", "Value": "audit"} in described["Tags"]
    assert "aws:cloudformation:stack-name" in [tag["Key"] for tag in described["Tags"]]

    default = [{"Name": "vpc-id", "Values": [made["Vpc"]]}, {"Name": "default", "Values": ["true"]}]
    (first,) = ec2.describe_network_acls(Filters=default)["NetworkAcls"]
    assert rules_of(ec2, first["NetworkAclId"])[False, 50]["Protocol"] == "17"

    resources["Ssh"]["Properties"]["PortRange"] = {"From": 443, "To": 443}
    resources["Icmp"]["Properties"]["RuleNumber"] = 110
    del resources["Association"], resources["InDefault"]
    after = deploy(resources)
    assert after["Ssh"] == made["Ssh"]
    rules = rules_of(ec2, made["Acl"])
    assert set(rules) == {(False, 100), (False, 32767), (True, 110), (True, 32767)}
    assert rules[False, 100]["PortRange"] == {"From": 443, "To": 443}
    assert acl_of(ec2, made["Subnet"]) == first["NetworkAclId"]
    assert (False, 50) not in rules_of(ec2, first["NetworkAclId"])

    deploy(network())
    assert made["Acl"] not in [each["NetworkAclId"] for each in ec2.describe_network_acls()["NetworkAcls"]]


def test_subnets_and_routes(deploy: Deploy, ec2: Any) -> None:
    ranges = {"Fn::GetAtt": ["Vpc", "Ipv6CidrBlocks"]}
    made = deploy(
        network(
            Range=resource("AWS::EC2::VPCCidrBlock", VpcId={"Ref": "Vpc"}, AmazonProvidedIpv6CidrBlock=True),
            Public=resource(
                "AWS::EC2::Subnet",
                VpcId={"Ref": "Vpc"},
                CidrBlock="10.8.1.0/24",
                AvailabilityZone=f"{REGION}b",
                Ipv6CidrBlock={"Fn::Select": [0, {"Fn::Cidr": [{"Fn::Select": [0, ranges]}, 1, 64]}]},
                AssignIpv6AddressOnCreation=True,
                MapPublicIpOnLaunch=True,
            )
            | {"DependsOn": "Range"},
            Peer=resource("AWS::EC2::VPC", CidrBlock="10.7.0.0/16"),
            Peering=resource(
                "AWS::EC2::VPCPeeringConnection",
                VpcId={"Ref": "Vpc"},
                PeerVpcId={"Ref": "Peer"},
                Tags=[{"Key": "Owner", "Value": "audit"}],
            ),
            Internet=resource("AWS::EC2::InternetGateway"),
            Attachment=resource(
                "AWS::EC2::VPCGatewayAttachment", VpcId={"Ref": "Vpc"}, InternetGatewayId={"Ref": "Internet"}
            ),
            Table=resource("AWS::EC2::RouteTable", VpcId={"Ref": "Vpc"}),
            Association=resource(
                "AWS::EC2::SubnetRouteTableAssociation", SubnetId={"Ref": "Public"}, RouteTableId={"Ref": "Table"}
            ),
            ToPeer=resource(
                "AWS::EC2::Route",
                RouteTableId={"Ref": "Table"},
                DestinationCidrBlock={"Fn::GetAtt": ["Peer", "CidrBlock"]},
                VpcPeeringConnectionId={"Ref": "Peering"},
            ),
            ToInternet=resource(
                "AWS::EC2::Route",
                RouteTableId={"Ref": "Table"},
                DestinationCidrBlock="0.0.0.0/0",
                GatewayId={"Ref": "Internet"},
            ),
        )
    )
    (public,) = ec2.describe_subnets(SubnetIds=[made["Public"]])["Subnets"]
    assert public["MapPublicIpOnLaunch"] is True
    assert public["AssignIpv6AddressOnCreation"] is True
    assert public["AvailabilityZone"] == f"{REGION}b"
    (private,) = ec2.describe_subnets(SubnetIds=[made["Subnet"]])["Subnets"]
    assert (private["MapPublicIpOnLaunch"], private["AssignIpv6AddressOnCreation"]) == (False, False)

    (vpc,) = ec2.describe_vpcs(VpcIds=[made["Vpc"]])["Vpcs"]
    (whole,) = vpc["Ipv6CidrBlockAssociationSet"]
    assert whole["AssociationId"] == made["Range"]
    (part,) = public["Ipv6CidrBlockAssociationSet"]
    # As addresses: a range that begins with a zero may be written without it.
    first = next(IPv6Network(whole["Ipv6CidrBlock"]).subnets(new_prefix=64))
    assert IPv6Network(part["Ipv6CidrBlock"]) == first

    by_route = [{"Name": "route.vpc-peering-connection-id", "Values": [made["Peering"]]}]
    (table,) = ec2.describe_route_tables(Filters=by_route)["RouteTables"]
    assert table["RouteTableId"] == made["Table"]
    assert [each["SubnetId"] for each in table["Associations"]] == [made["Public"]]
    routes = {route["DestinationCidrBlock"]: route for route in table["Routes"]}
    assert routes["10.8.0.0/16"]["GatewayId"] == "local"
    assert routes["10.7.0.0/16"]["VpcPeeringConnectionId"] == made["Peering"]
    assert routes["0.0.0.0/0"]["GatewayId"] == made["Internet"]

    (peering,) = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[made["Peering"]])[
        "VpcPeeringConnections"
    ]
    assert peering["Status"]["Code"] == "active"
    assert peering["RequesterVpcInfo"]["CidrBlock"] == "10.8.0.0/16"
    assert peering["AccepterVpcInfo"]["CidrBlockSet"] == [{"CidrBlock": "10.7.0.0/16"}]
    assert {"Key": "Owner", "Value": "audit"} in peering["Tags"]

    deploy(network())
    assert ec2.describe_vpcs(VpcIds=[made["Vpc"]])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"] == []
    (peering,) = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[made["Peering"]])[
        "VpcPeeringConnections"
    ]
    assert peering["Status"]["Code"] == "deleted"


def test_a_peering_with_another_account_waits_for_its_owner(deploy: Deploy, ec2: Any) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/peer-with-vpc-in-another-account.html"""
    made = deploy(
        network(
            Peering=resource(
                "AWS::EC2::VPCPeeringConnection",
                VpcId={"Ref": "Vpc"},
                PeerVpcId="vpc-0123456789abcdef0",
                PeerOwnerId="111122223333",
            )
        )
    )
    (peering,) = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[made["Peering"]])[
        "VpcPeeringConnections"
    ]
    assert peering["Status"]["Code"] == "pending-acceptance"
    assert peering["AccepterVpcInfo"]["OwnerId"] == "111122223333"


def test_endpoints_and_interfaces(deploy: Deploy, ec2: Any) -> None:
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}

    def endpoint(service: str, **properties: Any) -> Template:
        name = f"com.amazonaws.{REGION}.{service}"
        return resource("AWS::EC2::VPCEndpoint", VpcId={"Ref": "Vpc"}, ServiceName=name, **properties)

    made = deploy(
        network(
            Group=resource("AWS::EC2::SecurityGroup", GroupDescription="g", VpcId={"Ref": "Vpc"}),
            Queues=endpoint(
                "sqs",
                VpcEndpointType="Interface",
                SubnetIds=[{"Ref": "Subnet"}],
                SecurityGroupIds=[{"Ref": "Group"}],
                PolicyDocument=policy,
            ),
            Buckets=endpoint("s3"),
            Own=resource(
                "AWS::EC2::NetworkInterface",
                SubnetId={"Ref": "Subnet"},
                GroupSet=[{"Ref": "Group"}],
                Description="own",
                Tags=[{"Key": "Owner", "Value": "audit"}],
            ),
        )
    )
    in_vpc = [{"Name": "vpc-id", "Values": [made["Vpc"]]}]
    endpoints = {each["VpcEndpointId"]: each for each in ec2.describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"]}
    queues, buckets = endpoints[made["Queues"]], endpoints[made["Buckets"]]
    assert json.loads(queues["PolicyDocument"]) == policy
    assert queues["SubnetIds"] == [made["Subnet"]]
    assert [group["GroupId"] for group in queues["Groups"]] == [made["Group"]]
    assert json.loads(buckets["PolicyDocument"])["Statement"][0]["Action"] == "*"
    assert buckets["VpcEndpointType"] == "Gateway"

    found = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [made["Group"]]}])
    interfaces = {each["NetworkInterfaceId"]: each for each in found["NetworkInterfaces"]}
    assert set(interfaces) == {made["Own"], *queues["NetworkInterfaceIds"]}
    assert interfaces[made["Own"]]["Description"] == "own"
    assert interfaces[made["Own"]]["Status"] == "available"
    assert {"Key": "Owner", "Value": "audit"} in interfaces[made["Own"]]["TagSet"]

    deploy(network())
    assert ec2.describe_network_interfaces(Filters=in_vpc)["NetworkInterfaces"] == []


def test_endpoint_services_and_block_public_access(deploy: Deploy, ec2: Any) -> None:
    resources = network(
        Balancer=resource(
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            Type="network",
            Scheme="internal",
            Subnets=[{"Ref": "Subnet"}],
        ),
        Service=resource(
            "AWS::EC2::VPCEndpointService", AcceptanceRequired=False, NetworkLoadBalancerArns=[{"Ref": "Balancer"}]
        ),
        Allowed=resource(
            "AWS::EC2::VPCEndpointServicePermissions", ServiceId={"Ref": "Service"}, AllowedPrincipals=["*"]
        ),
        Block=resource("AWS::EC2::VPCBlockPublicAccessOptions", InternetGatewayBlockMode="block-bidirectional"),
    )
    made = deploy(resources)

    def principals() -> list[str]:
        found = ec2.describe_vpc_endpoint_service_permissions(ServiceId=made["Service"])["AllowedPrincipals"]
        return [each["Principal"] for each in found]

    def mode() -> str:
        options = ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
        return str(options["InternetGatewayBlockMode"])

    (service,) = ec2.describe_vpc_endpoint_service_configurations(ServiceIds=[made["Service"]])["ServiceConfigurations"]
    assert service["AcceptanceRequired"] is False
    assert service["NetworkLoadBalancerArns"] == [made["Balancer"]]
    assert principals() == ["*"]
    assert made["Block"] == ACCOUNT_ID
    assert mode() == "block-bidirectional"

    partner = "arn:aws:iam::111122223333:root"
    resources["Allowed"]["Properties"]["AllowedPrincipals"] = [partner]
    resources["Block"]["Properties"]["InternetGatewayBlockMode"] = "block-ingress"
    deploy(resources)
    assert principals() == [partner]
    assert mode() == "block-ingress"

    deploy(network())
    assert ec2.describe_vpc_endpoint_service_configurations()["ServiceConfigurations"] == []
    assert mode() == "off"


def test_what_lies_beside_the_networks(deploy: Deploy, ec2: Any) -> None:
    """Addresses, launch templates, VPN connections with their tunnels, and transit gateways."""
    logs = {
        "CloudwatchLogOptions": {"LogEnabled": True, "LogGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:x"}
    }
    resources = network(
        Interface=resource("AWS::EC2::NetworkInterface", SubnetId={"Ref": "Subnet"}, SourceDestCheck=False),
        Address=resource("AWS::EC2::EIP", Domain="vpc"),
        Association=resource(
            "AWS::EC2::EIPAssociation",
            AllocationId={"Fn::GetAtt": ["Address", "AllocationId"]},
            NetworkInterfaceId={"Ref": "Interface"},
        ),
        Template=resource(
            "AWS::EC2::LaunchTemplate",
            LaunchTemplateName="beside-the-networks",
            LaunchTemplateData={"NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": True}]},
        ),
        Gateway=resource("AWS::EC2::TransitGateway", AutoAcceptSharedAttachments="enable"),
        Device=resource("AWS::EC2::CustomerGateway", Type="ipsec.1", BgpAsn=65000, IpAddress="198.51.100.7"),
        Strict=resource(
            "AWS::EC2::VPNConnection",
            Type="ipsec.1",
            CustomerGatewayId={"Ref": "Device"},
            TransitGatewayId={"Ref": "Gateway"},
            VpnTunnelOptionsSpecifications=[{"IKEVersions": [{"Value": "ikev2"}], "LogOptions": logs}] * 2,
        ),
        Plain=resource(
            "AWS::EC2::VPNConnection",
            Type="ipsec.1",
            CustomerGatewayId={"Ref": "Device"},
            TransitGatewayId={"Ref": "Gateway"},
        ),
    )
    made = deploy(resources)

    (address,) = [each for each in ec2.describe_addresses()["Addresses"] if each["PublicIp"] == made["Address"]]
    assert address["AssociationId"] == made["Association"]
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[made["Interface"]])["NetworkInterfaces"]
    assert interface["SourceDestCheck"] is False

    versions = ec2.describe_launch_template_versions(Versions=["$Default"])["LaunchTemplateVersions"]
    (version,) = [each for each in versions if each["LaunchTemplateId"] == made["Template"]]
    assert version["LaunchTemplateData"]["NetworkInterfaces"][0]["AssociatePublicIpAddress"] is True
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        ec2.describe_launch_template_versions(Versions=["1"])

    (gateway,) = ec2.describe_transit_gateways(TransitGatewayIds=[made["Gateway"]])["TransitGateways"]
    assert gateway["Options"]["AutoAcceptSharedAttachments"] == "enable"
    assert ec2.describe_client_vpn_endpoints()["ClientVpnEndpoints"] == []

    connections = {each["VpnConnectionId"]: each for each in ec2.describe_vpn_connections()["VpnConnections"]}
    strict, plain = connections[made["Strict"]], connections[made["Plain"]]
    for connection in (strict, plain):
        assert [tunnel["Status"] for tunnel in connection["VgwTelemetry"]] == ["DOWN", "DOWN"]
    for tunnel in strict["Options"]["TunnelOptions"]:
        assert tunnel["IkeVersions"] == [{"Value": "ikev2"}]
        assert tunnel["LogOptions"]["CloudWatchLogOptions"]["LogEnabled"] is True
    for tunnel in plain["Options"]["TunnelOptions"]:
        assert {"IkeVersions", "LogOptions"} & tunnel.keys() == set()

    deploy(network())
    assert made["Address"] not in {each["PublicIp"] for each in ec2.describe_addresses()["Addresses"]}
    assert ec2.describe_transit_gateways()["TransitGateways"] == []
    assert ec2.describe_vpn_connections()["VpnConnections"] == []


def test_a_prefix_list_and_the_group_that_names_it(deploy: Deploy, ec2: Any) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-prefixlist.html"""
    halves = [{"Cidr": "0.0.0.0/1", "Description": "one half"}, {"Cidr": "128.0.0.0/2"}]
    resources = network(
        List=resource(
            "AWS::EC2::PrefixList", PrefixListName="halves", AddressFamily="IPv4", MaxEntries=2, Entries=halves
        ),
        Group=resource(
            "AWS::EC2::SecurityGroup",
            GroupDescription="by a list",
            VpcId={"Ref": "Vpc"},
            SecurityGroupIngress=[
                {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "SourcePrefixListId": {"Ref": "List"}}
            ],
        ),
    )
    made = deploy(resources)

    (described,) = ec2.describe_managed_prefix_lists(PrefixListIds=[made["List"]])["PrefixLists"]
    assert (described["OwnerId"], described["AddressFamily"]) == (ACCOUNT_ID, "IPv4")
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=made["List"])["Entries"]
    assert [entry["Cidr"] for entry in entries] == ["0.0.0.0/1", "128.0.0.0/2"]
    (group,) = ec2.describe_security_groups(GroupIds=[made["Group"]])["SecurityGroups"]
    (rule,) = group["IpPermissions"]
    assert ([each["PrefixListId"] for each in rule["PrefixListIds"]], rule["IpRanges"]) == ([made["List"]], [])
