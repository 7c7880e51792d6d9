//! Amazon VPC: networks with what hangs on them, and what a region has of its own.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Identity;
use crate::{Reading, Tags};

/// A VPC with what hangs on it. It may belong to an account that shares its subnets with the audited one, and others may have
/// security groups in a VPC of the audited account.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-share-limitations.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vpc {
    /// The `Name` tag (or the id without one), its owner and region.
    pub identity: Identity,
    /// VPC id, for instance `vpc-0abc`.
    pub id: String,
    /// The 12 digits of the audited account.
    pub audited_account: String,
    /// Tags (`DescribeVpcs`).
    pub tags: Reading<Tags>,
    /// Flow logs of the VPC (`DescribeFlowLogs`); an empty list when there are none.
    pub flow_logs: Reading<Vec<FlowLog>>,
    /// Security groups of the VPC, the default one included (`DescribeSecurityGroups`).
    pub security_groups: Reading<Vec<SecurityGroup>>,
    /// Network ACLs of the VPC, the default one included (`DescribeNetworkAcls`).
    pub network_acls: Reading<Vec<NetworkAcl>>,
    /// Subnets of the VPC (`DescribeSubnets`); an empty list when there are none.
    pub subnets: Reading<Vec<Subnet>>,
    /// Route tables of the VPC, the main one included (`DescribeRouteTables`).
    pub route_tables: Reading<Vec<RouteTable>>,
    /// Endpoints in the VPC (`DescribeVpcEndpoints`); an empty list when there are none.
    pub endpoints: Reading<Vec<VpcEndpoint>>,
}

impl Vpc {
    /// Whether the audited account owns what bears this name.
    pub fn is_audited(&self, identity: &Identity) -> bool {
        identity.account == self.audited_account
    }

    /// How many resources of other accounts were listed: the VPC and what hangs on it, but for its flow logs and tags, which
    /// nothing is judged on.
    pub fn of_others(&self) -> u64 {
        let groups = self.security_groups.listed().into_iter().flatten().map(|it| &it.identity);
        let acls = self.network_acls.listed().into_iter().flatten().map(|it| &it.identity);
        let subnets = self.subnets.listed().into_iter().flatten().map(|it| &it.identity);
        let tables = self.route_tables.listed().into_iter().flatten().map(|it| &it.identity);
        let endpoints = self.endpoints.listed().into_iter().flatten().map(|it| &it.identity);
        let all = groups.chain(acls).chain(subnets).chain(tables).chain(endpoints).chain([&self.identity]);
        all.filter(|identity| !self.is_audited(identity)).count() as u64
    }
}

/// A VPC's flow log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowLog {
    /// Flow log id, for instance `fl-0abc`.
    pub id: String,
    /// `ACCEPT`, `REJECT` or `ALL`.
    pub traffic_type: String,
    /// `ACTIVE` when it is in use.
    pub status: String,
    /// `SUCCESS` or `FAILED`; `None` when nothing was delivered yet.
    pub deliver_logs_status: Option<String>,
}

/// A security group with its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroup {
    /// The group's name, account and region.
    pub identity: Identity,
    /// Group id, for instance `sg-0abc`.
    pub id: String,
    /// The VPC it belongs to.
    pub vpc_id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// Inbound rules.
    pub ingress: Vec<IpPermission>,
    /// Outbound rules.
    pub egress: Vec<IpPermission>,
    /// How many network interfaces it is attached to (`DescribeNetworkInterfaces`).
    pub network_interfaces: Reading<u64>,
}

impl SecurityGroup {
    /// Whether this is the group that AWS made with the VPC. Its name cannot be given to another group.
    pub fn is_default(&self) -> bool {
        self.identity.name == "default"
    }
}

/// One permission of a security group, as `DescribeSecurityGroups` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpPermission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol number, or `-1` for all protocols and ports.
    pub protocol: String,
    /// First port (or ICMP type); `None` or -1 means all.
    pub from_port: Option<i32>,
    /// Last port (or ICMP code); `None` or -1 means all.
    pub to_port: Option<i32>,
    /// IPv4 and IPv6 ranges.
    pub ranges: Vec<IpNet>,
    /// Prefix lists.
    pub prefix_lists: Vec<PrefixList>,
    /// Ids of the security groups referred to.
    pub security_groups: Vec<String>,
}

/// A prefix list that a security group refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrefixList {
    /// Prefix list id, for instance `pl-0abc`.
    pub id: String,
    /// Its ranges (`GetManagedPrefixListEntries`).
    pub entries: Reading<Vec<IpNet>>,
}

/// A network ACL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkAcl {
    /// The `Name` tag (or the id without one), account and region.
    pub identity: Identity,
    /// Network ACL id, for instance `acl-0abc`.
    pub id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// Whether this is the ACL that AWS made with the VPC, which cannot be deleted.
    pub is_default: bool,
    /// Ids of the subnets it is associated with.
    pub subnets: Vec<String>,
    /// Its entries for inbound traffic, in any order.
    pub ingress: Vec<NetworkAclEntry>,
}

/// One entry of a network ACL. AWS evaluates entries by their numbers, the lowest first, and the first that matches
/// decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkAclEntry {
    /// Its number.
    pub number: i32,
    /// Whether it lets in what it matches.
    pub allow: bool,
    /// A protocol number, or `-1` for all protocols and ports.
    pub protocol: String,
    /// First and last port; `None` for all, and for protocols without ports.
    pub ports: Option<(i32, i32)>,
    /// An IPv4 or IPv6 range in CIDR notation.
    pub range: String,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subnet {
    /// The `Name` tag (or the id without one), account and region.
    pub identity: Identity,
    /// Subnet id, for instance `subnet-0abc`.
    pub id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// The zone's name, for instance `us-east-1a`; Local and Wavelength Zones have longer ones.
    pub availability_zone: String,
    /// Whether network interfaces get a public IPv4 address without asking for one.
    pub assigns_public_ipv4: bool,
    /// Whether network interfaces get an IPv6 address without asking for one.
    pub assigns_ipv6: bool,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteTable {
    /// The `Name` tag (or the id without one), account and region.
    pub identity: Identity,
    /// Route table id, for instance `rtb-0abc`.
    pub id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// Whether it is the VPC's main table, which counts for subnets without one of their own.
    pub is_main: bool,
    /// Ids of the subnets it is associated with.
    pub subnets: Vec<String>,
    /// Its routes.
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// An IPv4 or IPv6 range in CIDR notation, or a prefix list's id.
    pub destination: String,
    /// The id of what traffic is sent to, for instance `igw-0abc`, `pcx-0abc` or `local`.
    pub target: String,
}

/// An endpoint in a VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VpcEndpoint {
    /// The `Name` tag (or the id without one), account and region.
    pub identity: Identity,
    /// Endpoint id, for instance `vpce-0abc`.
    pub id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// The service it leads to, for instance `com.amazonaws.us-east-1.ec2`.
    pub service_name: String,
    /// `Interface`, `Gateway`, `GatewayLoadBalancer`, `Resource` or `ServiceNetwork`.
    pub kind: String,
    /// `available` when it can be used, or another state.
    pub state: String,
    /// Its policy's JSON text; absent where the service takes none.
    pub policy: Reading<String>,
    /// Whether its service takes endpoint policies (`DescribeVpcEndpointServices`): of one that takes none EC2 shows a policy
    /// that nobody can change. Absent where the endpoint cannot have one, whatever its service takes.
    pub policy_supported: Reading<bool>,
    /// The zones that it has network interfaces in (`DescribeSubnets`), Local and Wavelength Zones among them.
    pub availability_zones: Reading<Vec<String>>,
}

impl VpcEndpoint {
    /// Whether it is of a type that has policies.
    pub fn is_of_type_with_policy(&self) -> bool {
        matches!(self.kind.as_str(), "Interface" | "Gateway")
    }

    /// Whether it leads to a service that AWS offers, and not to one of a customer's.
    pub fn leads_to_aws(&self) -> bool {
        let of_aws = ["com.amazonaws.", "cn.com.amazonaws.", "aws."].iter().any(|it| self.service_name.starts_with(it));
        of_aws && !self.service_name.starts_with("com.amazonaws.vpce.")
    }
}

/// What an account has of its own in the network of a region, outside of any VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkAccount {
    /// The account and the region.
    pub identity: Identity,
    /// VPC block public access (`DescribeVpcBlockPublicAccessOptions`).
    pub block_public_access: Reading<VpcBlockPublicAccess>,
    /// The endpoint services that the account offers (`DescribeVpcEndpointServiceConfigurations`).
    pub endpoint_services: Reading<Vec<EndpointService>>,
    /// The peering connections of the account's VPCs (`DescribeVpcPeeringConnections`).
    pub peering_connections: Reading<Vec<PeeringConnection>>,
    /// Its Elastic IP addresses (`DescribeAddresses`).
    pub elastic_ips: Reading<Vec<ElasticIp>>,
    /// Its network interfaces of the types that users manage (`DescribeNetworkInterfaces`).
    pub network_interfaces: Reading<Vec<NetworkInterface>>,
    /// Its launch templates (`DescribeLaunchTemplateVersions`).
    pub launch_templates: Reading<Vec<LaunchTemplate>>,
    /// Its Site-to-Site VPN connections (`DescribeVpnConnections`).
    pub vpn_connections: Reading<Vec<VpnConnection>>,
    /// Its Client VPN endpoints (`DescribeClientVpnEndpoints`).
    pub client_vpn_endpoints: Reading<Vec<ClientVpnEndpoint>>,
    /// The transit gateways that it owns (`DescribeTransitGateways`).
    pub transit_gateways: Reading<Vec<TransitGateway>>,
}

/// The settings of VPC block public access in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VpcBlockPublicAccess {
    /// `off`, `block-bidirectional` or `block-ingress`.
    pub internet_gateway_block_mode: String,
}

/// An endpoint service that the account offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointService {
    /// The service's name, account and region.
    pub identity: Identity,
    /// Service id, for instance `vpce-svc-0abc`.
    pub id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// The principals that may make endpoints to it (`DescribeVpcEndpointServicePermissions`): ARNs, or `*`.
    pub allowed_principals: Reading<Vec<String>>,
}

/// A peering connection of two VPCs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeeringConnection {
    /// The `Name` tag (or the id without one), account and region.
    pub identity: Identity,
    /// Peering connection id, for instance `pcx-0abc`.
    pub id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// `active` when traffic can pass, or another state.
    pub status: String,
    /// The VPC that asked.
    pub requester: PeeredVpc,
    /// The VPC that agreed.
    pub accepter: PeeredVpc,
    /// The account's routes that lead into the connection (`DescribeRouteTables`).
    pub routes: Reading<Vec<PeeringRoute>>,
}

impl PeeringConnection {
    /// Whether it is no more, or never came to be: EC2 lists it for a while nevertheless.
    /// <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html>
    pub fn is_gone(&self) -> bool {
        matches!(self.status.as_str(), "expired" | "failed" | "rejected" | "deleting" | "deleted")
    }
}

/// One side of a peering connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeeredVpc {
    /// VPC id.
    pub vpc_id: String,
    /// Its IPv4 and IPv6 ranges in CIDR notation; AWS tells them of active connections only.
    pub ranges: Vec<String>,
}

/// A route into a peering connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeeringRoute {
    /// The route table.
    pub route_table: String,
    /// The VPC of the route table.
    pub vpc_id: String,
    /// An IPv4 or IPv6 range in CIDR notation, or a prefix list's id.
    pub destination: String,
}

/// An Elastic IP address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ElasticIp {
    /// The `Name` tag (or the id without one), account and region.
    pub identity: Identity,
    /// Allocation id, for instance `eipalloc-0abc`.
    pub id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// The id of its association with a network interface, if it has one.
    pub association: Option<String>,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInterface {
    /// The `Name` tag (or the id without one), account and region.
    pub identity: Identity,
    /// Network interface id, for instance `eni-0abc`.
    pub id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// Whether it drops traffic that is neither from nor for its own addresses.
    pub checks_source_and_destination: bool,
}

/// A launch template, as its default version has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchTemplate {
    /// The template's name, account and region.
    pub identity: Identity,
    /// Launch template id, for instance `lt-0abc`.
    pub id: String,
    /// The number of its default version.
    pub default_version: i64,
    /// For each network interface that this version describes, whether it gets a public IPv4 address; `None` leaves that to
    /// the subnet.
    pub assigns_public_ipv4: Vec<Option<bool>>,
}

/// A Site-to-Site VPN connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VpnConnection {
    /// The `Name` tag (or the id without one), account and region.
    pub identity: Identity,
    /// VPN connection id, for instance `vpn-0abc`.
    pub id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// `available` when it can be used, or another state.
    pub state: String,
    /// How its tunnels are, by their addresses on AWS's side.
    pub telemetry: Vec<TunnelTelemetry>,
    /// What is set for its tunnels.
    pub tunnels: Vec<TunnelOptions>,
}

/// How a tunnel of a VPN connection is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TunnelTelemetry {
    /// Its address on AWS's side.
    pub address: String,
    /// `UP` or `DOWN`.
    pub status: String,
}

/// What is set for a tunnel of a VPN connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TunnelOptions {
    /// Its address on AWS's side.
    pub address: String,
    /// `ikev1` and `ikev2`, as far as they are named; with none named, both are permitted.
    pub ike_versions: Vec<String>,
    /// Whether its activity is logged to CloudWatch Logs.
    pub logs_activity: bool,
}

/// A Client VPN endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientVpnEndpoint {
    /// The `Name` tag (or the id without one), account and region.
    pub identity: Identity,
    /// Client VPN endpoint id, for instance `cvpn-endpoint-0abc`.
    pub id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// `pending-associate`, `available`, `deleting` or `deleted`.
    pub status: String,
    /// Whether its clients' connections are logged.
    pub logs_connections: bool,
}

/// A transit gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransitGateway {
    /// The `Name` tag (or the id without one), account and region.
    pub identity: Identity,
    /// Transit gateway id, for instance `tgw-0abc`.
    pub id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// `available` when it can be used, or another state.
    pub state: String,
    /// `enable` where attachments that other accounts ask for are accepted without anybody's doing, else `disable`.
    pub auto_accept_shared_attachments: String,
}

impl TransitGateway {
    /// Whether it is no more: EC2 lists it for a while nevertheless.
    pub fn is_gone(&self) -> bool {
        matches!(self.state.as_str(), "deleting" | "deleted")
    }
}
