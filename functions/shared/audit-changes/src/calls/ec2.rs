//! Amazon EC2, and Amazon VPC with it. An event is named as the action is:
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Operations.html>, and its parameters as [`Place`] says.

use crate::call::{Call, Kind, Names, Place, Reach, Rule, Source};
use Place::{List, Request, Response};

const fn named(
    rule: Rule,
    name: &'static str,
    kinds: &'static [Kind],
    places: &'static [Place],
    readings: &'static [&'static str],
) -> Call {
    let names = Names::Ec2 { places, kinds, may_name_others: false };
    Call { source: Source::Ec2, name, rule, names, reach: Reach::Named, readings }
}

const fn deleted(rule: Rule, name: &'static str, kinds: &'static [Kind], places: &'static [Place]) -> Call {
    Call { reach: Reach::Deleted, ..named(rule, name, kinds, places, &[]) }
}

const fn tags(name: &'static str) -> Call {
    let names = Names::Ec2 { places: &[List("resourcesSet", "resourceId")], kinds: TAGGED, may_name_others: true };
    Call { names, ..named(Rule::NetworkTags, name, TAGGED, &[], TAGS) }
}

const fn unnamed(rule: Rule, name: &'static str, reach: Reach, readings: &'static [&'static str]) -> Call {
    Call { source: Source::Ec2, name, rule, names: Names::Nothing, reach, readings }
}

pub(super) const CALLS: &[Call] = &[
    // Groups of a default VPC may be called by their names alone; then the answer tells the id.
    named(Rule::Filters, "CreateSecurityGroup", GROUP, &[Response("groupId")], &["Vpc.security_groups"]),
    deleted(Rule::Filters, "DeleteSecurityGroup", GROUP, &[Request("groupId"), Response("groupId")]),
    named(Rule::Filters, "AuthorizeSecurityGroupIngress", GROUP, RULES_OF_GROUP, &["SecurityGroup.ingress"]),
    named(Rule::Filters, "RevokeSecurityGroupIngress", GROUP, RULES_OF_GROUP, &["SecurityGroup.ingress"]),
    named(Rule::Filters, "AuthorizeSecurityGroupEgress", GROUP, RULES_OF_GROUP, &["SecurityGroup.egress"]),
    named(Rule::Filters, "RevokeSecurityGroupEgress", GROUP, RULES_OF_GROUP, &["SecurityGroup.egress"]),
    named(
        Rule::Filters,
        "ModifySecurityGroupRules",
        GROUP,
        &[Request("groupId")],
        &["SecurityGroup.ingress", "SecurityGroup.egress"],
    ),
    // Which groups refer to a list only a look at all of them tells.
    unnamed(Rule::Filters, "ModifyManagedPrefixList", Reach::Service, &["PrefixList.entries"]),
    unnamed(Rule::Filters, "RestoreManagedPrefixListVersion", Reach::Service, &["PrefixList.entries"]),
    named(Rule::Filters, "CreateNetworkAcl", ACL, &[Response("networkAcl.networkAclId")], &["Vpc.network_acls"]),
    deleted(Rule::Filters, "DeleteNetworkAcl", ACL, &[Request("networkAclId")]),
    named(Rule::Filters, "CreateNetworkAclEntry", ACL, &[Request("networkAclId")], &["NetworkAcl.ingress"]),
    named(Rule::Filters, "ReplaceNetworkAclEntry", ACL, &[Request("networkAclId")], &["NetworkAcl.ingress"]),
    named(Rule::Filters, "DeleteNetworkAclEntry", ACL, &[Request("networkAclId")], &["NetworkAcl.ingress"]),
    named(Rule::Filters, "ReplaceNetworkAclAssociation", ACL, &[Request("networkAclId")], &["NetworkAcl.subnets"]),
    // A VPC comes with a group, an ACL and a route table; the default one with subnets.
    named(Rule::Networks, "CreateVpc", VPC, &[Response("vpc.vpcId")], OF_A_NEW_VPC),
    named(Rule::Networks, "CreateDefaultVpc", VPC, &[Response("vpc.vpcId")], OF_A_NEW_VPC),
    deleted(Rule::Networks, "DeleteVpc", VPC, &[Request("vpcId")]),
    // Flow logs of subnets and interfaces are none of a VPC's.
    Call {
        names: Names::Ec2 { places: &[List("resourcesSet", "resourceId")], kinds: VPC, may_name_others: true },
        ..named(Rule::Networks, "CreateFlowLogs", VPC, &[], &["Vpc.flow_logs"])
    },
    unnamed(Rule::Networks, "DeleteFlowLogs", Reach::Service, &["Vpc.flow_logs"]),
    named(Rule::Networks, "CreateSubnet", SUBNET, &[Response("subnet.subnetId")], &["Vpc.subnets"]),
    named(Rule::Networks, "CreateDefaultSubnet", SUBNET, &[Response("subnet.subnetId")], &["Vpc.subnets"]),
    Call {
        reach: Reach::DeletedFromUnnamed,
        ..named(Rule::Networks, "DeleteSubnet", SUBNET, &[Request("subnetId")], &["Vpc.subnets"])
    },
    named(
        Rule::Networks,
        "ModifySubnetAttribute",
        SUBNET,
        &[Request("subnetId")],
        &["Subnet.assigns_public_ipv4", "Subnet.assigns_ipv6"],
    ),
    named(Rule::Networks, "CreateRouteTable", TABLE, &[Response("routeTable.routeTableId")], &["Vpc.route_tables"]),
    deleted(Rule::Networks, "DeleteRouteTable", TABLE, &[Request("routeTableId")]),
    named(Rule::Networks, "AssociateRouteTable", TABLE, &[Request("routeTableId")], &["RouteTable.subnets"]),
    unnamed(Rule::Networks, "DisassociateRouteTable", Reach::Service, &["RouteTable.subnets"]),
    named(
        Rule::Networks,
        "ReplaceRouteTableAssociation",
        TABLE,
        &[Request("routeTableId")],
        &["RouteTable.subnets", "RouteTable.is_main"],
    ),
    named(Rule::Networks, "CreateRoute", TABLE_AND_PEERING, ROUTE, ROUTES),
    named(Rule::Networks, "ReplaceRoute", TABLE_AND_PEERING, ROUTE, ROUTES),
    named(Rule::Networks, "DeleteRoute", TABLE, &[Request("routeTableId")], &["RouteTable.routes"]),
    named(
        Rule::Networks,
        "CreateVpcEndpoint",
        ENDPOINT,
        &[Response("vpcEndpoint.vpcEndpointId")],
        &["Vpc.endpoints", "VpcEndpoint.policy", "VpcEndpoint.availability_zones"],
    ),
    named(
        Rule::Networks,
        "ModifyVpcEndpoint",
        ENDPOINT,
        &[Request("vpcEndpointId")],
        &["VpcEndpoint.policy", "VpcEndpoint.availability_zones"],
    ),
    Call {
        reach: Reach::DeletedFromUnnamed,
        ..named(
            Rule::Networks,
            "DeleteVpcEndpoints",
            ENDPOINT,
            &[List("vpcEndpointIdSet", "vpcEndpointId")],
            &["Vpc.endpoints"],
        )
    },
    tags("CreateTags"),
    tags("DeleteTags"),
    unnamed(
        Rule::Connections,
        "ModifyVpcBlockPublicAccessOptions",
        Reach::Account,
        &["NetworkAccount.block_public_access"],
    ),
    named(
        Rule::Connections,
        "CreateVpcEndpointServiceConfiguration",
        SERVICE,
        &[Response("serviceConfiguration.serviceId")],
        &["NetworkAccount.endpoint_services"],
    ),
    named(
        Rule::Connections,
        "ModifyVpcEndpointServicePermissions",
        SERVICE,
        &[Request("serviceId")],
        &["EndpointService.allowed_principals"],
    ),
    deleted(Rule::Connections, "DeleteVpcEndpointServiceConfigurations", SERVICE, &[List("serviceIdSet", "serviceId")]),
    named(
        Rule::Connections,
        "CreateVpcPeeringConnection",
        PEERING,
        &[Response("vpcPeeringConnection.vpcPeeringConnectionId")],
        &["NetworkAccount.peering_connections", "PeeringConnection.requester", "PeeringConnection.accepter"],
    ),
    named(Rule::Connections, "AcceptVpcPeeringConnection", PEERING, PEERED, &["PeeringConnection.status"]),
    named(Rule::Connections, "RejectVpcPeeringConnection", PEERING, PEERED, &["PeeringConnection.status"]),
    deleted(Rule::Connections, "DeleteVpcPeeringConnection", PEERING, PEERED),
    // Which connections lead to the VPC the call does not tell; all of them are read with the account.
    unnamed(Rule::Connections, "AssociateVpcCidrBlock", Reach::Account, RANGES),
    unnamed(Rule::Connections, "DisassociateVpcCidrBlock", Reach::Account, RANGES),
    named(
        Rule::Connections,
        "AllocateAddress",
        ADDRESS,
        &[Response("allocationId")],
        &["NetworkAccount.elastic_ips", "ElasticIp.association"],
    ),
    named(Rule::Connections, "AssociateAddress", ADDRESS, &[Request("allocationId")], &["ElasticIp.association"]),
    unnamed(Rule::Connections, "DisassociateAddress", Reach::Account, &["ElasticIp.association"]),
    deleted(Rule::Connections, "ReleaseAddress", ADDRESS, &[Request("allocationId")]),
    named(
        Rule::Connections,
        "ModifyNetworkInterfaceAttribute",
        INTERFACE,
        &[Request("networkInterfaceId")],
        &["NetworkInterface.checks_source_and_destination"],
    ),
    named(
        Rule::Connections,
        "ResetNetworkInterfaceAttribute",
        INTERFACE,
        &[Request("networkInterfaceId")],
        &["NetworkInterface.checks_source_and_destination"],
    ),
    // It names the instance whose first interface is meant.
    unnamed(
        Rule::Connections,
        "ModifyInstanceAttribute",
        Reach::Account,
        &["NetworkInterface.checks_source_and_destination"],
    ),
    named(
        Rule::Connections,
        "CreateLaunchTemplate",
        TEMPLATE,
        &[Response("launchTemplate.launchTemplateId")],
        &["NetworkAccount.launch_templates", "LaunchTemplate.assigns_public_ipv4"],
    ),
    // Only the default version counts, and another becomes it only so.
    named(
        Rule::Connections,
        "ModifyLaunchTemplate",
        TEMPLATE,
        &[Response("launchTemplate.launchTemplateId")],
        &["LaunchTemplate.default_version", "LaunchTemplate.assigns_public_ipv4"],
    ),
    deleted(Rule::Connections, "DeleteLaunchTemplate", TEMPLATE, &[Response("launchTemplate.launchTemplateId")]),
    named(
        Rule::Connections,
        "CreateVpnConnection",
        VPN,
        &[Response("vpnConnection.vpnConnectionId")],
        &["NetworkAccount.vpn_connections", "VpnConnection.state", "VpnConnection.tunnels"],
    ),
    named(Rule::Connections, "ModifyVpnTunnelOptions", VPN, &[Request("vpnConnectionId")], &["VpnConnection.tunnels"]),
    deleted(Rule::Connections, "DeleteVpnConnection", VPN, &[Request("vpnConnectionId")]),
    named(
        Rule::Connections,
        "CreateClientVpnEndpoint",
        CLIENT_VPN,
        &[Response("clientVpnEndpointId")],
        &["NetworkAccount.client_vpn_endpoints", "ClientVpnEndpoint.status", "ClientVpnEndpoint.logs_connections"],
    ),
    named(
        Rule::Connections,
        "ModifyClientVpnEndpoint",
        CLIENT_VPN,
        &[Request("clientVpnEndpointId")],
        &["ClientVpnEndpoint.logs_connections"],
    ),
    deleted(Rule::Connections, "DeleteClientVpnEndpoint", CLIENT_VPN, &[Request("clientVpnEndpointId")]),
    named(
        Rule::Connections,
        "CreateTransitGateway",
        GATEWAY,
        &[Response("transitGateway.transitGatewayId")],
        &["NetworkAccount.transit_gateways", "TransitGateway.state", "TransitGateway.auto_accept_shared_attachments"],
    ),
    named(
        Rule::Connections,
        "ModifyTransitGateway",
        GATEWAY,
        &[Request("transitGatewayId")],
        &["TransitGateway.auto_accept_shared_attachments"],
    ),
    deleted(Rule::Connections, "DeleteTransitGateway", GATEWAY, &[Request("transitGatewayId")]),
];

const VPC: &[Kind] = &[Kind::Vpc];
const GROUP: &[Kind] = &[Kind::SecurityGroup];
const ACL: &[Kind] = &[Kind::NetworkAcl];
const SUBNET: &[Kind] = &[Kind::Subnet];
const TABLE: &[Kind] = &[Kind::RouteTable];
const TABLE_AND_PEERING: &[Kind] = &[Kind::RouteTable, Kind::PeeringConnection];
const ENDPOINT: &[Kind] = &[Kind::VpcEndpoint];
const SERVICE: &[Kind] = &[Kind::EndpointService];
const PEERING: &[Kind] = &[Kind::PeeringConnection];
const ADDRESS: &[Kind] = &[Kind::ElasticIp];
const INTERFACE: &[Kind] = &[Kind::NetworkInterface];
const TEMPLATE: &[Kind] = &[Kind::LaunchTemplate];
const VPN: &[Kind] = &[Kind::VpnConnection];
const CLIENT_VPN: &[Kind] = &[Kind::ClientVpnEndpoint];
const GATEWAY: &[Kind] = &[Kind::TransitGateway];

/// The kinds whose tags are read. Tags given when a resource is made are in the event that makes it.
pub(crate) const TAGGED: &[Kind] = &[
    Kind::Vpc,
    Kind::SecurityGroup,
    Kind::NetworkAcl,
    Kind::Subnet,
    Kind::RouteTable,
    Kind::VpcEndpoint,
    Kind::EndpointService,
    Kind::PeeringConnection,
    Kind::ElasticIp,
    Kind::NetworkInterface,
    Kind::VpnConnection,
    Kind::ClientVpnEndpoint,
    Kind::TransitGateway,
];

const RULES_OF_GROUP: &[Place] = &[Request("groupId"), Response("securityGroupRuleSet.items[0].groupId")];
const ROUTE: &[Place] = &[Request("routeTableId"), Request("vpcPeeringConnectionId")];
const PEERED: &[Place] = &[Request("vpcPeeringConnectionId")];
const ROUTES: &[&str] = &["RouteTable.routes", "PeeringConnection.routes"];
const RANGES: &[&str] = &["PeeringConnection.requester", "PeeringConnection.accepter"];
const OF_A_NEW_VPC: &[&str] = &[
    "Vpc.tags",
    "Vpc.flow_logs",
    "Vpc.security_groups",
    "Vpc.network_acls",
    "Vpc.subnets",
    "Vpc.route_tables",
    "Vpc.endpoints",
];
const TAGS: &[&str] = &[
    "Vpc.tags",
    "SecurityGroup.tags",
    "NetworkAcl.tags",
    "Subnet.tags",
    "RouteTable.tags",
    "VpcEndpoint.tags",
    "EndpointService.tags",
    "PeeringConnection.tags",
    "ElasticIp.tags",
    "NetworkInterface.tags",
    "VpnConnection.tags",
    "ClientVpnEndpoint.tags",
    "TransitGateway.tags",
];

#[cfg(test)]
pub(super) const UNCHANGED: &[(&str, &str)] = &[
    ("Vpc.audited_account", "it is the account that is scanned, and no property of the VPC"),
    ("SecurityGroup.vpc_id", "a group stays in its VPC"),
    (
        "SecurityGroup.network_interfaces",
        "interfaces come and go with instances, functions and load balancers by the thousand, and that a group is unused is \
         no matter of minutes",
    ),
    ("NetworkAcl.is_default", "it is decided when the VPC is made"),
    ("Subnet.availability_zone", "a subnet stays in its zone"),
    ("VpcEndpoint.service_name", "it is decided when the endpoint is made, and with that it is read"),
    ("VpcEndpoint.kind", "it is decided when the endpoint is made, and with that it is read"),
    (
        "VpcEndpoint.state",
        "it follows from the calls that make and delete the endpoint, or from the owner of the service",
    ),
    ("VpcEndpoint.policy_supported", "AWS decides it, service by service"),
    (
        "NetworkAccount.network_interfaces",
        "interfaces come and go by the thousand, and a new one checks source and destination until a call that is in the \
         table says otherwise",
    ),
    ("VpnConnection.telemetry", "tunnels go up and down without a call"),
];
