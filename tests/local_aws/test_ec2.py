"""EC2 networks: what is described, with which filters, in which pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from harness import Client, make_function
from local_aws import ACCOUNT_ID, REGION


@pytest.fixture
def ec2(client: Client) -> Any:
    return client("ec2")


@pytest.fixture
def vpc(ec2: Any) -> str:
    return str(ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"])


@pytest.fixture
def subnet(ec2: Any, vpc: str) -> str:
    return str(ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"])


def group_in(ec2: Any, vpc: str, name: str) -> str:
    return str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])


def where(**filters: str | list[str]) -> list[dict[str, Any]]:
    """Write filters: underscores stand for hyphens, two of them for a dot."""
    return [
        {
            "Name": name.replace("__", ".").replace("_", "-"),
            "Values": [values] if isinstance(values, str) else values,
        }
        for name, values in filters.items()
    ]


def code_of(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


# --- Filters and pages ----------------------------------------------------------------------------------------------


def test_a_description_has_one_vpc_only_if_asked_so(ec2: Any, vpc: str, subnet: str) -> None:
    """Each of these would have the resources of the default VPC too."""
    pair = [vpc]
    assert [each["SubnetId"] for each in ec2.describe_subnets(Filters=where(vpc_id=pair))["Subnets"]] == [subnet]
    assert len(ec2.describe_network_acls(Filters=where(vpc_id=vpc))["NetworkAcls"]) == 1
    assert len(ec2.describe_route_tables(Filters=where(vpc_id=vpc))["RouteTables"]) == 1
    assert len(ec2.describe_security_groups(Filters=where(vpc_id=vpc))["SecurityGroups"]) == 1
    assert ec2.describe_network_interfaces(Filters=where(vpc_id=vpc))["NetworkInterfaces"] == []
    assert ec2.describe_vpc_endpoints(Filters=where(vpc_id=vpc))["VpcEndpoints"] == []


def test_filters_are_joined_by_and_and_their_values_by_or(ec2: Any, vpc: str, name: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html"""
    zones = [f"{REGION}a", f"{REGION}b", f"{REGION}a"]
    made = [
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.9.{number}.0/24",
            AvailabilityZone=zone,
            TagSpecifications=[{"ResourceType": "subnet", "Tags": [{"Key": name, "Value": f"v{number}"}]}],
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones)
    ]

    def found(*filters: dict[str, Any]) -> set[int]:
        return {made.index(each["SubnetId"]) for each in ec2.describe_subnets(Filters=list(filters))["Subnets"]}

    tagged = {"Name": f"tag:{name}", "Values": ["v*"]}
    assert found(tagged) == {0, 1, 2}
    assert found({"Name": f"tag:{name}", "Values": ["v0", "v1"]}) == {0, 1}
    assert found(*where(vpc_id=vpc, availability_zone=f"{REGION}a")) == {0, 2}
    assert found(*where(tag_key=name, cidr_block=["10.9.1.0/24", "10.9.2.0/24"], availability_zone=zones[0])) == {2}
    assert found(tagged, *where(map_public_ip_on_launch="true")) == set()


def test_an_unknown_filter_is_refused(ec2: Any) -> None:
    with pytest.raises(ClientError) as refused:
        ec2.describe_subnets(Filters=where(vpc="vpc-1"))
    assert code_of(refused) == "InvalidParameterValue"


def test_a_description_comes_in_pages(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination"""
    made = {ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24")["Subnet"]["SubnetId"] for number in range(12)}
    sizes, seen, token = [], [], ""
    while True:
        more = {"NextToken": token} if token else {}
        page = ec2.describe_subnets(Filters=where(vpc_id=vpc), MaxResults=5, **more)
        sizes.append(len(page["Subnets"]))
        seen += [each["SubnetId"] for each in page["Subnets"]]
        token = page.get("NextToken")
        if not token:
            break
    assert sizes == [5, 5, 2]
    assert set(seen) == made
    assert "NextToken" not in ec2.describe_subnets(Filters=where(vpc_id=vpc))


@pytest.mark.parametrize(("operation", "size"), [("subnets", 1001), ("route_tables", 101)])
def test_a_page_has_a_greatest_size(ec2: Any, operation: str, size: int) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(ec2, f"describe_{operation}")(MaxResults=size)
    assert code_of(refused) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("operation", "parameter", "identifier", "code"),
    [
        ("network_acls", "NetworkAclIds", "acl-0123456789abcdef0", "InvalidNetworkAclID.NotFound"),
        ("network_interfaces", "NetworkInterfaceIds", "eni-0123456789abcdef0", "InvalidNetworkInterfaceID.NotFound"),
        ("route_tables", "RouteTableIds", "rtb-0123456789abcdef0", "InvalidRouteTableID.NotFound"),
        ("vpc_endpoints", "VpcEndpointIds", "vpce-0123456789abcdef0", "InvalidVpcEndpointId.NotFound"),
        (
            "vpc_peering_connections",
            "VpcPeeringConnectionIds",
            "pcx-0123456789abcdef0",
            "InvalidVpcPeeringConnectionID.NotFound",
        ),
    ],
)
def test_what_is_asked_for_must_exist(ec2: Any, operation: str, parameter: str, identifier: str, code: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
    with pytest.raises(ClientError) as refused:
        getattr(ec2, f"describe_{operation}")(**{parameter: [identifier]})
    assert code_of(refused) == code


# --- Network ACLs ---------------------------------------------------------------------------------------------------


def entries(acl: dict[str, Any]) -> dict[tuple[bool, int], dict[str, Any]]:
    return {(entry["Egress"], entry["RuleNumber"]): entry for entry in acl["Entries"]}


def acl_of(ec2: Any, subnet: str) -> dict[str, Any]:
    (acl,) = ec2.describe_network_acls(Filters=where(association__subnet_id=subnet))["NetworkAcls"]
    assert isinstance(acl, dict)
    return acl


def test_a_subnet_starts_with_the_default_network_acl(ec2: Any, vpc: str, subnet: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html"""
    acl = acl_of(ec2, subnet)
    assert acl["IsDefault"]
    assert acl["VpcId"] == vpc
    (association,) = acl["Associations"]
    assert (association["NetworkAclId"], association["SubnetId"]) == (acl["NetworkAclId"], subnet)
    rules = entries(acl)
    assert set(rules) == {(egress, number) for egress in (False, True) for number in (100, 32767)}
    for (_, number), rule in rules.items():
        assert rule["Protocol"] == "-1"
        assert rule["CidrBlock"] == "0.0.0.0/0"
        assert rule["RuleAction"] == ("allow" if number == 100 else "deny")


def test_a_new_network_acl_denies_everything(ec2: Any, vpc: str, subnet: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html"""
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    (described,) = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    assert not described["IsDefault"]
    assert described["Associations"] == []
    assert {key: rule["RuleAction"] for key, rule in entries(described).items()} == {
        (False, 32767): "deny",
        (True, 32767): "deny",
    }

    (association,) = acl_of(ec2, subnet)["Associations"]
    moved = ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl)[
        "NewAssociationId"
    ]
    now = acl_of(ec2, subnet)
    assert now["NetworkAclId"] == acl
    assert [each["NetworkAclAssociationId"] for each in now["Associations"]] == [moved]
    with pytest.raises(ClientError) as refused:
        ec2.delete_network_acl(NetworkAclId=acl)
    assert code_of(refused) == "DependencyViolation"

    ec2.delete_subnet(SubnetId=subnet)
    (described,) = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    assert described["Associations"] == []
    ec2.delete_network_acl(NetworkAclId=acl)


def test_entries_of_a_network_acl_are_whole(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkAclEntry.html"""
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    ports = {
        "NetworkAclId": acl,
        "RuleNumber": 90,
        "Protocol": "6",
        "RuleAction": "allow",
        "Egress": False,
        "CidrBlock": "0.0.0.0/0",
        "PortRange": {"From": 22, "To": 23},
    }
    ec2.create_network_acl_entry(**ports)
    ec2.create_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=90,
        Protocol="58",
        RuleAction="deny",
        Egress=True,
        Ipv6CidrBlock="::/0",
        IcmpTypeCode={"Type": -1, "Code": -1},
    )
    with pytest.raises(ClientError) as refused:
        ec2.create_network_acl_entry(**ports)
    assert code_of(refused) == "NetworkAclEntryAlreadyExists"

    rules = entries(ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0])
    assert rules[False, 90] == {
        "CidrBlock": "0.0.0.0/0",
        "Egress": False,
        "PortRange": {"From": 22, "To": 23},
        "Protocol": "6",
        "RuleAction": "allow",
        "RuleNumber": 90,
    }
    assert rules[True, 90] == {
        "Egress": True,
        "IcmpTypeCode": {"Code": -1, "Type": -1},
        "Ipv6CidrBlock": "::/0",
        "Protocol": "58",
        "RuleAction": "deny",
        "RuleNumber": 90,
    }

    ec2.replace_network_acl_entry(**ports | {"PortRange": {"From": 443, "To": 443}})
    rules = entries(ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0])
    assert rules[False, 90]["PortRange"] == {"From": 443, "To": 443}
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=90, Egress=False)
    for operation, entry in (
        ("delete_network_acl_entry", {"NetworkAclId": acl, "RuleNumber": 90, "Egress": False}),
        ("replace_network_acl_entry", ports),
    ):
        with pytest.raises(ClientError) as refused:
            getattr(ec2, operation)(**entry)
        assert code_of(refused) == "InvalidNetworkAclEntry.NotFound"


# --- Ranges of VPCs -------------------------------------------------------------------------------------------------


def test_a_vpc_may_have_further_ranges(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""

    def described() -> dict[str, Any]:
        (found,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
        assert isinstance(found, dict)
        return found

    def default_rules() -> dict[tuple[bool, int], dict[str, Any]]:
        return entries(ec2.describe_network_acls(Filters=where(vpc_id=vpc))["NetworkAcls"][0])

    assert described()["Ipv6CidrBlockAssociationSet"] == []
    ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.19.0.0/16")
    assert {block["CidrBlock"] for block in described()["CidrBlockAssociationSet"]} == {"10.9.0.0/16", "10.19.0.0/16"}
    assert set(default_rules()) == {(egress, number) for egress in (False, True) for number in (100, 32767)}

    made = ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)["Ipv6CidrBlockAssociation"]
    (block,) = described()["Ipv6CidrBlockAssociationSet"]
    assert block["Ipv6CidrBlock"] == made["Ipv6CidrBlock"]
    assert block["Ipv6CidrBlockState"] == {"State": "associated"}
    # https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html
    for egress in (False, True):
        for number, action in ((101, "allow"), (32768, "deny")):
            rule = default_rules()[egress, number]
            assert (rule["Ipv6CidrBlock"], rule["Protocol"], rule["RuleAction"]) == ("::/0", "-1", action)
    ec2.disassociate_vpc_cidr_block(AssociationId=made["AssociationId"])
    assert described()["Ipv6CidrBlockAssociationSet"] == []


# --- Subnets and routes ---------------------------------------------------------------------------------------------


def test_addresses_that_a_subnet_gives(ec2: Any, vpc: str, subnet: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySubnetAttribute.html"""

    def described(identifier: str) -> dict[str, Any]:
        (found,) = ec2.describe_subnets(SubnetIds=[identifier])["Subnets"]
        assert isinstance(found, dict)
        return found

    assert described(subnet)["MapPublicIpOnLaunch"] is False
    assert described(subnet)["AssignIpv6AddressOnCreation"] is False
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    assert described(subnet)["MapPublicIpOnLaunch"] is True
    with pytest.raises(ClientError) as refused:
        ec2.modify_subnet_attribute(SubnetId=subnet, AssignIpv6AddressOnCreation={"Value": True})
    assert code_of(refused) == "InvalidParameterValue"

    both = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24", Ipv6CidrBlock="2001:db8::/64")["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(SubnetId=both, AssignIpv6AddressOnCreation={"Value": True})
    assert described(both)["AssignIpv6AddressOnCreation"] is True
    (block,) = described(both)["Ipv6CidrBlockAssociationSet"]
    assert block["Ipv6CidrBlock"] == "2001:db8::/64"
    assert block["Ipv6CidrBlockState"] == {"State": "associated"}


# Every target of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html that is described under
# its own name, with every kind of destination.
ROUTES = [
    ({"DestinationCidrBlock": "0.0.0.0/0"}, {"GatewayId": "igw-1"}),
    ({"DestinationCidrBlock": "192.0.2.0/24"}, {"NatGatewayId": "nat-1"}),
    ({"DestinationCidrBlock": "198.51.100.0/24"}, {"VpcPeeringConnectionId": "pcx-1"}),
    ({"DestinationCidrBlock": "203.0.113.0/24"}, {"TransitGatewayId": "tgw-1"}),
    ({"DestinationCidrBlock": "203.0.113.1/32"}, {"NetworkInterfaceId": "eni-1"}),
    ({"DestinationIpv6CidrBlock": "::/0"}, {"EgressOnlyInternetGatewayId": "eigw-1"}),
    ({"DestinationPrefixListId": "pl-1"}, {"TransitGatewayId": "tgw-1"}),
]


def test_routes_are_described_as_created(ec2: Any, vpc: str) -> None:
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    for destination, target in ROUTES:
        ec2.create_route(RouteTableId=table, **destination, **target)

    def routes() -> list[dict[str, Any]]:
        (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        return [{key: route[key] for key in route if key not in ("State", "Origin")} for route in found["Routes"]]

    local = {"DestinationCidrBlock": "10.9.0.0/16", "GatewayId": "local"}
    assert routes() == [local, *[destination | target for destination, target in ROUTES]]
    with pytest.raises(ClientError) as refused:
        ec2.create_route(RouteTableId=table, **ROUTES[0][0], **ROUTES[1][1])
    assert code_of(refused) == "RouteAlreadyExists"

    ec2.replace_route(RouteTableId=table, **ROUTES[0][0], **ROUTES[1][1])
    ec2.replace_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0", TransitGatewayId="tgw-2")
    assert {"DestinationIpv6CidrBlock": "::/0", "TransitGatewayId": "tgw-2"} in routes()
    for destination, _ in ROUTES[1:]:
        ec2.delete_route(RouteTableId=table, **destination)
    assert routes() == [local, ROUTES[0][0] | ROUTES[1][1]]
    for operation, target in (("delete_route", {}), ("replace_route", ROUTES[1][1])):
        with pytest.raises(ClientError) as refused:
            getattr(ec2, operation)(RouteTableId=table, **ROUTES[1][0], **target)
        assert code_of(refused) == "InvalidRoute.NotFound"


def test_route_tables_are_found_by_their_routes(ec2: Any, vpc: str, subnet: str, name: str) -> None:
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.0.0.0/8", VpcPeeringConnectionId=f"pcx-{name}")
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]

    def found(**filters: str) -> list[dict[str, Any]]:
        tables: list[dict[str, Any]] = ec2.describe_route_tables(Filters=where(**filters))["RouteTables"]
        return tables

    (by_route,) = found(route__vpc_peering_connection_id=f"pcx-{name}")
    assert by_route["RouteTableId"] == table
    (own,) = by_route["Associations"]
    assert (own["RouteTableAssociationId"], own["SubnetId"], own["Main"]) == (association, subnet, False)
    (main,) = found(vpc_id=vpc, association__main="true")
    assert main["Associations"][0]["Main"] is True


def test_a_gateway_endpoint_has_routes(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html#gateway-endpoint-routing"""
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    service = f"com.amazonaws.{REGION}.s3"
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, RouteTableIds=[table])["VpcEndpoint"]
    (prefixes,) = ec2.describe_prefix_lists(Filters=where(prefix_list_name=service))["PrefixLists"]
    (found,) = ec2.describe_route_tables(Filters=where(route__gateway_id=endpoint["VpcEndpointId"]))["RouteTables"]
    assert found["RouteTableId"] == table
    assert prefixes["PrefixListId"] in [route.get("DestinationPrefixListId") for route in found["Routes"]]


def test_the_default_vpc_reaches_the_internet(ec2: Any) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html ("Default VPC components")"""
    (default,) = ec2.describe_vpcs(Filters=where(is_default="true"))["Vpcs"]
    (table,) = ec2.describe_route_tables(Filters=where(vpc_id=default["VpcId"]))["RouteTables"]
    (gateway,) = ec2.describe_internet_gateways(Filters=where(attachment__vpc_id=default["VpcId"]))["InternetGateways"]
    assert {route["DestinationCidrBlock"]: route["GatewayId"] for route in table["Routes"]} == {
        default["CidrBlock"]: "local",
        "0.0.0.0/0": gateway["InternetGatewayId"],
    }


# --- Endpoints and endpoint services --------------------------------------------------------------------------------


def test_step_functions_has_an_interface_endpoint(ec2: Any) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/vpc-endpoints.html"""
    name = f"com.amazonaws.{REGION}.states"
    [service] = ec2.describe_vpc_endpoint_services(ServiceNames=[name])["ServiceDetails"]
    assert (service["ServiceName"], service["ServiceType"]) == (name, [{"ServiceType": "Interface"}])


def test_a_service_tells_whether_it_takes_endpoint_policies(ec2: Any) -> None:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"""
    names = [f"com.amazonaws.{REGION}.{service}" for service in ("s3", "ec2", "email-smtp")]
    services = ec2.describe_vpc_endpoint_services(Filters=where(service_name=names[2]), MaxResults=1000)
    assert [each["VpcEndpointPolicySupported"] for each in services["ServiceDetails"]] == [False]
    for name in names[:2]:
        services = ec2.describe_vpc_endpoint_services(Filters=where(service_name=name))["ServiceDetails"]
        assert services
        assert all(each["VpcEndpointPolicySupported"] for each in services), name


def test_an_endpoint_without_a_policy_gives_full_access(ec2: Any, vpc: str, subnet: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html ("Default endpoint policy")"""
    gateway = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3")["VpcEndpoint"]
    interface = ec2.create_vpc_endpoint(
        VpcId=vpc, VpcEndpointType="Interface", ServiceName=f"com.amazonaws.{REGION}.sqs", SubnetIds=[subnet]
    )["VpcEndpoint"]
    full = [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]
    found = ec2.describe_vpc_endpoints(Filters=where(vpc_id=vpc))["VpcEndpoints"]
    assert {each["VpcEndpointId"] for each in found} == {gateway["VpcEndpointId"], interface["VpcEndpointId"]}
    for endpoint in (gateway, interface, *found):
        assert json.loads(endpoint["PolicyDocument"])["Statement"] == full
        assert endpoint["State"].lower() == "available"
    assert gateway["VpcEndpointType"] == "Gateway"
    assert gateway["Groups"] == []
    assert interface["SubnetIds"] == [subnet]
    assert [group["GroupName"] for group in interface["Groups"]] == ["default"]


def test_an_endpoint_has_the_policy_and_groups_that_it_was_given(ec2: Any, vpc: str, subnet: str, name: str) -> None:
    policy = json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]})
    groups = [group_in(ec2, vpc, f"{name}-{number}") for number in range(2)]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc,
        VpcEndpointType="Interface",
        ServiceName=f"com.amazonaws.{REGION}.sqs",
        SubnetIds=[subnet],
        SecurityGroupIds=groups[:1],
        PolicyDocument=policy,
        PrivateDnsEnabled=True,
    )["VpcEndpoint"]["VpcEndpointId"]

    def described() -> dict[str, Any]:
        (found,) = ec2.describe_vpc_endpoints(Filters=where(vpc_endpoint_id=endpoint))["VpcEndpoints"]
        assert isinstance(found, dict)
        return found

    assert json.loads(described()["PolicyDocument"]) == json.loads(policy)
    assert [group["GroupId"] for group in described()["Groups"]] == groups[:1]
    assert described()["PrivateDnsEnabled"] is True

    ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint,
        ResetPolicy=True,
        AddSecurityGroupIds=groups[1:],
        RemoveSecurityGroupIds=groups[:1],
    )
    assert json.loads(described()["PolicyDocument"])["Statement"][0]["Effect"] == "Allow"
    assert [group["GroupId"] for group in described()["Groups"]] == groups[1:]
    (interface,) = ec2.describe_network_interfaces(Filters=where(group_id=groups[1]))["NetworkInterfaces"]
    assert described()["NetworkInterfaceIds"] == [interface["NetworkInterfaceId"]]


def test_an_endpoint_needs_its_network(ec2: Any, vpc: str) -> None:
    with pytest.raises(ClientError) as refused:
        ec2.create_vpc_endpoint(VpcId="vpc-0123456789abcdef0", ServiceName=f"com.amazonaws.{REGION}.s3")
    assert code_of(refused) == "InvalidVpcId.NotFound"


def test_an_endpoint_service_and_its_principals(client: Client, ec2: Any, subnet: str, name: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/configure-endpoint-service.html"""
    balancer = client("elbv2").create_load_balancer(Name=name, Type="network", Subnets=[subnet])
    arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    made = ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[arn], AcceptanceRequired=False)
    service = made["ServiceConfiguration"]["ServiceId"]

    (described,) = ec2.describe_vpc_endpoint_service_configurations(ServiceIds=[service])["ServiceConfigurations"]
    assert described["AcceptanceRequired"] is False
    assert described["NetworkLoadBalancerArns"] == [arn]
    assert described["ServiceState"] == "Available"
    assert described["ServiceName"] == f"com.amazonaws.vpce.{REGION}.{service}"
    assert described["ServiceType"] == [{"ServiceType": "Interface"}]

    def allowed() -> dict[str, str]:
        found = ec2.describe_vpc_endpoint_service_permissions(ServiceId=service)["AllowedPrincipals"]
        return {each["Principal"]: each["PrincipalType"] for each in found}

    assert allowed() == {}
    partner, role = "arn:aws:iam::111122223333:root", f"arn:aws:iam::{ACCOUNT_ID}:role/consumer"
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service, AddAllowedPrincipals=["*", partner, role])
    assert allowed() == {"*": "All", partner: "Account", role: "Role"}
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service, RemoveAllowedPrincipals=["*"])
    assert allowed() == {partner: "Account", role: "Role"}

    ec2.delete_vpc_endpoint_service_configurations(ServiceIds=[service])
    for operation, asked in (("configurations", {"ServiceIds": [service]}), ("permissions", {"ServiceId": service})):
        with pytest.raises(ClientError) as refused:
            getattr(ec2, f"describe_vpc_endpoint_service_{operation}")(**asked)
        assert code_of(refused) == "InvalidVpcEndpointServiceId.NotFound"


def test_an_endpoint_service_needs_a_load_balancer(ec2: Any) -> None:
    absent = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT_ID}:loadbalancer/net/none/0123456789abcdef"
    with pytest.raises(ClientError):
        ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[absent])


# --- Peering, block public access -----------------------------------------------------------------------------------


def test_a_peering_connection_names_the_ranges_of_both(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcPeeringConnectionVpcInfo.html"""
    peer = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer)["VpcPeeringConnection"]
    connection = made["VpcPeeringConnectionId"]

    def described() -> dict[str, Any]:
        found = ec2.describe_vpc_peering_connections(Filters=where(requester_vpc_info__vpc_id=vpc))
        (one,) = found["VpcPeeringConnections"]
        assert one["VpcPeeringConnectionId"] == connection
        assert isinstance(one, dict)
        return one

    assert described()["Status"]["Code"] == "pending-acceptance"
    assert "CidrBlock" not in described()["AccepterVpcInfo"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=connection)
    assert described()["Status"]["Code"] == "active"
    for side, identifier, block in (("Requester", vpc, "10.9.0.0/16"), ("Accepter", peer, "10.10.0.0/16")):
        assert described()[f"{side}VpcInfo"] == {
            "CidrBlock": block,
            "CidrBlockSet": [{"CidrBlock": block}],
            "Ipv6CidrBlockSet": [],
            "OwnerId": ACCOUNT_ID,
            "Region": REGION,
            "VpcId": identifier,
        }

    ec2.associate_vpc_cidr_block(VpcId=peer, CidrBlock="10.20.0.0/16")
    ec2.associate_vpc_cidr_block(VpcId=peer, AmazonProvidedIpv6CidrBlock=True)
    accepter = described()["AccepterVpcInfo"]
    assert accepter["CidrBlockSet"] == [{"CidrBlock": "10.10.0.0/16"}, {"CidrBlock": "10.20.0.0/16"}]
    assert len(accepter["Ipv6CidrBlockSet"]) == 1
    assert (
        ec2.describe_vpc_peering_connections(Filters=where(accepter_vpc_info__vpc_id=vpc))["VpcPeeringConnections"]
        == []
    )


def test_a_peering_connection_needs_its_vpcs(ec2: Any, vpc: str) -> None:
    with pytest.raises(ClientError) as refused:
        ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId="vpc-0123456789abcdef0")
    assert code_of(refused) == "InvalidVpcID.NotFound"


def test_vpc_block_public_access(ec2: Any) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcBlockPublicAccessOptions.html"""
    before = ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
    assert before["InternetGatewayBlockMode"] == "off"
    assert (before["AwsAccountId"], before["AwsRegion"]) == (ACCOUNT_ID, REGION)
    try:
        ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="block-ingress")
        after = ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
        assert (after["InternetGatewayBlockMode"], after["State"]) == ("block-ingress", "update-complete")
        assert after["LastUpdateTimestamp"]
        with pytest.raises(ClientError) as refused:
            ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="block")
        assert code_of(refused) == "InvalidParameterValue"
    finally:
        ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="off")


# --- Network interfaces ---------------------------------------------------------------------------------------------


def test_functions_of_one_subnet_and_group_share_an_interface(
    client: Client, ec2: Any, vpc: str, subnet: str, name: str
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-enis"""
    groups = [group_in(ec2, vpc, f"{name}-{number}") for number in range(3)]
    source = "def handler(event, context): return event"
    for number, group in enumerate([groups[0], groups[0], groups[1]]):
        network = {"SubnetIds": [subnet], "SecurityGroupIds": [group]}
        make_function(client, f"{name}-{number}", source, VpcConfig=network)

    found = ec2.describe_network_interfaces(Filters=where(vpc_id=vpc))["NetworkInterfaces"]
    assert sorted([group["GroupId"] for each in found for group in each["Groups"]]) == sorted(groups[:2])
    for interface in found:
        assert interface["InterfaceType"] == "lambda"
        assert interface["RequesterManaged"] is True
        assert interface["Status"] == "in-use"
        assert interface["SubnetId"] == subnet
        assert interface["AvailabilityZone"] == f"{REGION}a"
    assert ec2.describe_network_interfaces(Filters=where(group_id=groups[2]))["NetworkInterfaces"] == []

    for number in range(3):
        client("lambda").delete_function(FunctionName=f"{name}-{number}")
    assert ec2.describe_network_interfaces(Filters=where(vpc_id=vpc))["NetworkInterfaces"] == []


def test_an_interface_endpoint_has_an_interface_in_each_subnet(ec2: Any, vpc: str, name: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html"""
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for number, zone in enumerate("ab")
    ]
    group = group_in(ec2, vpc, name)
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc,
        VpcEndpointType="Interface",
        ServiceName=f"com.amazonaws.{REGION}.sqs",
        SubnetIds=[each["SubnetId"] for each in subnets],
        SecurityGroupIds=[group],
    )["VpcEndpoint"]
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3")

    found = ec2.describe_network_interfaces(Filters=where(vpc_id=vpc))["NetworkInterfaces"]
    assert {each["SubnetId"] for each in found} == {each["SubnetId"] for each in subnets}
    assert {each["NetworkInterfaceId"] for each in found} == set(endpoint["NetworkInterfaceIds"])
    for interface in found:
        assert interface["Description"] == f"VPC Endpoint Interface {endpoint['VpcEndpointId']}"
        assert interface["InterfaceType"] == "vpc_endpoint"
        assert [each["GroupId"] for each in interface["Groups"]] == [group]


def test_an_instance_has_an_interface_until_it_is_terminated(ec2: Any, vpc: str, subnet: str, name: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html"""
    group = group_in(ec2, vpc, name)
    started = ec2.run_instances(
        ImageId="ami-00000000", MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[group]
    )
    instance = started["Instances"][0]["InstanceId"]

    (interface,) = ec2.describe_network_interfaces(Filters=where(attachment__instance_id=instance))["NetworkInterfaces"]
    assert interface["InterfaceType"] == "interface"
    assert interface["RequesterManaged"] is False
    assert interface["Attachment"]["InstanceOwnerId"] == ACCOUNT_ID
    assert (interface["VpcId"], interface["SubnetId"]) == (vpc, subnet)
    assert [each["GroupId"] for each in interface["Groups"]] == [group]
    ec2.terminate_instances(InstanceIds=[instance])
    assert ec2.describe_network_interfaces(Filters=where(subnet_id=subnet))["NetworkInterfaces"] == []


def test_load_balancers_and_nat_gateways_have_interfaces(
    client: Client, ec2: Any, vpc: str, subnet: str, name: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/requester-managed-eni.html"""
    group = group_in(ec2, vpc, name)
    client("elbv2").create_load_balancer(Name=name, Subnets=[subnet], SecurityGroups=[group])
    gateway = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]["NatGatewayId"]

    (of_balancer,) = ec2.describe_network_interfaces(Filters=where(group_id=group))["NetworkInterfaces"]
    assert of_balancer["Description"].startswith(f"ELB app/{name}/")
    assert of_balancer["RequesterManaged"] is True
    (of_gateway,) = ec2.describe_network_interfaces(Filters=where(subnet_id=subnet, interface_type="nat_gateway"))[
        "NetworkInterfaces"
    ]
    assert of_gateway["Groups"] == []
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    found = ec2.describe_network_interfaces(Filters=where(subnet_id=subnet))["NetworkInterfaces"]
    assert [each["NetworkInterfaceId"] for each in found] == [of_balancer["NetworkInterfaceId"]]


def test_an_interface_of_ones_own(ec2: Any, vpc: str, subnet: str) -> None:
    made = ec2.create_network_interface(SubnetId=subnet, Description="own", PrivateIpAddress="10.9.0.9")
    (interface,) = ec2.describe_network_interfaces(
        NetworkInterfaceIds=[made["NetworkInterface"]["NetworkInterfaceId"]]
    )["NetworkInterfaces"]
    assert interface["VpcId"] == vpc
    assert interface["Status"] == "available"
    assert "Attachment" not in interface
    assert interface["PrivateIpAddress"] == "10.9.0.9"
    (default,) = ec2.describe_security_groups(Filters=where(vpc_id=vpc))["SecurityGroups"]
    assert [each["GroupId"] for each in interface["Groups"]] == [default["GroupId"]]
