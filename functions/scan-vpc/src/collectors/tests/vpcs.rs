use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use audit_model::plan::{Target, TargetKind};
use audit_model::resource::{
    FlowLog, Identity, IpPermission, NetworkAclEntry, PrefixList, Route, RouteTable, Vpc, VpcEndpoint,
};
use audit_model::{Reading, UnreadableCause};
use pretty_assertions::assert_eq;

use super::*;
use crate::VpcCollector;

/// The calls that are made for all VPCs of a shard, with the filter that each takes.
const FOR_THE_SHARD: [(&str, &str); 7] = [
    (VPCS, "vpc-id"),
    (FLOW_LOGS, "resource-id"),
    (GROUPS, "vpc-id"),
    (ACLS, "vpc-id"),
    (SUBNETS, "vpc-id"),
    (TABLES, "vpc-id"),
    (ENDPOINTS, "vpc-id"),
];

/// What EC2 answers in a small account: `vpc-1` with everything and `vpc-2` with nothing but its default group, ACL
/// and route table. Most lists have two pages, and no list is in the order of the VPCs.
fn usual(asked: &Asked) -> Answer {
    let (items, next) = match (asked.action.as_str(), asked.token.as_str()) {
        (VPCS, _) => (
            "<item><vpcId>vpc-1</vpcId><isDefault>true</isDefault><tagSet>\
             <item><key>Name</key><value>payments</value></item><item><key>Owner</key><value>ledger</value></item>\
             </tagSet></item><item><vpcId>vpc-2</vpcId><isDefault>false</isDefault></item>",
            "",
        ),
        (FLOW_LOGS, _) => (
            "<item><flowLogId>fl-1</flowLogId><flowLogStatus>ACTIVE</flowLogStatus><resourceId>vpc-1</resourceId>\
             <trafficType>REJECT</trafficType><deliverLogsStatus>SUCCESS</deliverLogsStatus></item>",
            "",
        ),
        (GROUPS, "") => (
            "<item><groupId>sg-1</groupId><groupName>web</groupName><vpcId>vpc-1</vpcId><tagSet>\
             <item><key>Owner</key><value>shop</value></item></tagSet><ipPermissions><item><ipProtocol>tcp</ipProtocol>\
             <fromPort>22</fromPort><toPort>23</toPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>\
             <ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges><prefixListIds><item>\
             <prefixListId>pl-1</prefixListId></item></prefixListIds><groups><item>\
             <groupId>sg-7</groupId></item></groups>\
             </item></ipPermissions><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><prefixListIds><item>\
             <prefixListId>pl-1</prefixListId></item></prefixListIds></item></ipPermissionsEgress></item>",
            "more",
        ),
        (GROUPS, "more") => (
            "<item><groupId>sg-2</groupId><groupName>default</groupName><vpcId>vpc-2</vpcId>\
             <ownerId>444455556666</ownerId><ipPermissions/><ipPermissionsEgress/></item>\
             <item><groupId>sg-3</groupId><groupName>default</groupName><vpcId>vpc-1</vpcId><ipPermissions/>\
             <ipPermissionsEgress/></item>",
            "",
        ),
        (ENTRIES, "") => ("<item><cidr>10.0.0.0/8</cidr></item>", "rest"),
        (ENTRIES, "rest") => ("<item><cidr>203.0.113.0/24</cidr></item>", ""),
        // The interface of vpc-9 has a group of vpc-1, which is associated with that VPC too.
        (INTERFACES, "") => (
            "<item><networkInterfaceId>eni-1</networkInterfaceId><vpcId>vpc-1</vpcId><groupSet>\
             <item><groupId>sg-1</groupId></item><item><groupId>sg-3</groupId></item></groupSet></item>",
            "more",
        ),
        (INTERFACES, "more") => (
            "<item><networkInterfaceId>eni-2</networkInterfaceId><vpcId>vpc-9</vpcId><groupSet>\
             <item><groupId>sg-9</groupId></item><item><groupId>sg-1</groupId></item></groupSet></item>",
            "",
        ),
        (ACLS, "") => (
            "<item><networkAclId>acl-2</networkAclId><vpcId>vpc-2</vpcId><default>true</default><entrySet/>\
             <associationSet/></item>",
            "more",
        ),
        (ACLS, "more") => (
            "<item><networkAclId>acl-1</networkAclId><vpcId>vpc-1</vpcId><default>false</default>\
             <ownerId>444455556666</ownerId><associationSet><item><subnetId>subnet-1</subnetId></item></associationSet>\
             <tagSet><item><key>Name</key><value>edge</value></item></tagSet><entrySet>\
             <item><ruleNumber>100</ruleNumber><protocol>6</protocol><ruleAction>allow</ruleAction>\
             <egress>false</egress><cidrBlock>0.0.0.0/0</cidrBlock><portRange><from>22</from><to>23</to>\
             </portRange></item>\
             <item><ruleNumber>100</ruleNumber><protocol>-1</protocol><ruleAction>allow</ruleAction>\
             <egress>true</egress><cidrBlock>0.0.0.0/0</cidrBlock></item>\
             <item><ruleNumber>32768</ruleNumber><protocol>-1</protocol><ruleAction>deny</ruleAction>\
             <egress>false</egress><ipv6CidrBlock>::/0</ipv6CidrBlock></item></entrySet></item>",
            "",
        ),
        (SUBNETS, "") => (
            "<item><subnetId>subnet-2</subnetId><vpcId>vpc-1</vpcId><availabilityZone>us-east-1b</availabilityZone>\
             <mapPublicIpOnLaunch>false</mapPublicIpOnLaunch>\
             <assignIpv6AddressOnCreation>true</assignIpv6AddressOnCreation></item>",
            "more",
        ),
        (SUBNETS, "more") => (
            "<item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><availabilityZone>us-east-1a</availabilityZone>\
             <ownerId>444455556666</ownerId><mapPublicIpOnLaunch>true</mapPublicIpOnLaunch>\
             <assignIpv6AddressOnCreation>false</assignIpv6AddressOnCreation><tagSet>\
             <item><key>Name</key><value>front</value></item></tagSet></item>",
            "",
        ),
        (TABLES, "") => (
            "<item><routeTableId>rtb-2</routeTableId><vpcId>vpc-2</vpcId><routeSet/><associationSet><item>\
             <main>true</main></item></associationSet></item>",
            "more",
        ),
        (TABLES, "more") => (
            "<item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><ownerId>444455556666</ownerId><tagSet>\
             <item><key>Name</key><value>public</value></item></tagSet><associationSet>\
             <item><main>false</main><subnetId>subnet-1</subnetId></item>\
             <item><main>false</main><gatewayId>igw-1</gatewayId></item></associationSet><routeSet>\
             <item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId></item>\
             <item><destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock><gatewayId>igw-1</gatewayId>\
             <state>blackhole</state></item></routeSet></item>",
            "",
        ),
        (ENDPOINTS, "") => (
            "<item><vpcEndpointId>vpce-1</vpcEndpointId><vpcId>vpc-1</vpcId>\
             <vpcEndpointType>Interface</vpcEndpointType>\
             <serviceName>com.amazonaws.us-east-1.ec2</serviceName><state>available</state>\
             <policyDocument>{}</policyDocument><subnetIdSet><item>subnet-2</item><item>subnet-1</item></subnetIdSet>\
             <tagSet><item><key>Name</key><value>ec2</value></item></tagSet></item>",
            "more",
        ),
        (ENDPOINTS, "more") => (
            "<item><vpcEndpointId>vpce-2</vpcEndpointId><vpcId>vpc-1</vpcId><vpcEndpointType>Gateway</vpcEndpointType>\
             <serviceName>com.amazonaws.us-east-1.s3</serviceName><state>Available</state></item>",
            "",
        ),
        // Amazon S3 has a service for each type of endpoint, both of one name.
        (POLICY_SUPPORT, "") => (
            "<item><serviceId>vpce-svc-1</serviceId><serviceName>com.amazonaws.us-east-1.ec2</serviceName>\
             <serviceType><item><serviceType>Interface</serviceType></item></serviceType>\
             <vpcEndpointPolicySupported>true</vpcEndpointPolicySupported></item>\
             <item><serviceId>vpce-svc-2</serviceId><serviceName>com.amazonaws.us-east-1.s3</serviceName>\
             <serviceType><item><serviceType>Interface</serviceType></item></serviceType>\
             <vpcEndpointPolicySupported>true</vpcEndpointPolicySupported></item>",
            "more",
        ),
        (POLICY_SUPPORT, "more") => (
            "<item><serviceId>vpce-svc-3</serviceId><serviceName>com.amazonaws.us-east-1.s3</serviceName>\
             <serviceType><item><serviceType>Gateway</serviceType></item></serviceType>\
             <vpcEndpointPolicySupported>false</vpcEndpointPolicySupported></item>",
            "",
        ),
        _ => panic!("{asked:?} was not expected"),
    };
    page(&asked.action, items, next)
}

/// Reads `vpc-1` and `vpc-2` with EC2 answering as `answer` says, and tells what was asked.
async fn read(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (Vec<Vpc>, Vec<Asked>) {
    let (ec2, requests) = ec2(answer);
    let target = |id: &str| Target {
        kind: TargetKind::Vpc,
        id: id.to_owned(),
        region: Some("us-east-1".to_owned()),
        owner: None,
        only: Vec::new(),
    };
    let vpcs = ec2.vpcs(&["vpc-1", "vpc-2"].map(target), &Needed::default()).await;
    let asked = requests.lock().unwrap().clone();
    (vpcs, asked)
}

/// The same with one call answering otherwise.
async fn read_with(action: &'static str, answer: Answer) -> Vec<Vpc> {
    let (vpcs, _) = read(move |asked| if asked.action == action { answer.clone() } else { usual(asked) }).await;
    vpcs
}

/// What is wrong with each reading of a VPC, by the call that brings it. A reading within a list stands for the list.
fn faults(vpc: &Vpc) -> Vec<(&'static str, Unreadable)> {
    let groups = || vpc.security_groups.known().ok().flatten().into_iter().flatten();
    let lists = groups().flat_map(|it| it.ingress.iter().chain(&it.egress)).flat_map(|it| &it.prefix_lists);
    let endpoints = vpc.endpoints.known().ok().flatten().into_iter().flatten();
    let mut faults: Vec<(&str, Option<Unreadable>)> = vec![
        (VPCS, why(&vpc.tags)),
        (FLOW_LOGS, why(&vpc.flow_logs)),
        (GROUPS, why(&vpc.security_groups)),
        (ACLS, why(&vpc.network_acls)),
        (SUBNETS, why(&vpc.subnets)),
        (TABLES, why(&vpc.route_tables)),
        (ENDPOINTS, why(&vpc.endpoints)),
    ];
    faults.extend(groups().map(|group| (INTERFACES, why(&group.network_interfaces))));
    faults.extend(lists.map(|list| (ENTRIES, why(&list.entries))));
    faults.extend(endpoints.flat_map(|endpoint| {
        [(SUBNETS, why(&endpoint.availability_zones)), (POLICY_SUPPORT, why(&endpoint.policy_supported))]
    }));
    faults.into_iter().filter_map(|(action, why)| Some((action, why?))).collect()
}

#[tokio::test]
async fn what_is_there_is_read_whole() {
    let (vpcs, _) = read(usual).await;
    let [one, two] = vpcs.as_slice() else { panic!("both are there") };
    assert_eq!((faults(one), faults(two)), (Vec::new(), Vec::new()));

    assert_eq!(one.identity.arn, "arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1");
    assert_eq!(one.identity.name, "payments");
    assert_eq!(one.tags, tags([("Name", "payments"), ("Owner", "ledger")]));
    let log = FlowLog {
        id: "fl-1".to_owned(),
        traffic_type: "REJECT".to_owned(),
        status: "ACTIVE".to_owned(),
        deliver_logs_status: Some("SUCCESS".to_owned()),
    };
    assert_eq!(one.flow_logs, Reading::seen(vec![log]));

    assert_eq!(two.identity.name, "vpc-2");
    assert_eq!((&two.tags, &two.flow_logs), (&tags([]), &Reading::seen(Vec::new())));
    assert_eq!((&two.subnets, &two.endpoints), (&Reading::seen(Vec::new()), &Reading::seen(Vec::new())));
}

/// What is read of `vpc-1`, or of `vpc-2`, in one list.
async fn list<T: Clone>(vpc: usize, of: fn(&Vpc) -> &Reading<Vec<T>>) -> Vec<T> {
    let (vpcs, _) = read(usual).await;
    of(&vpcs[vpc]).known().unwrap().unwrap().clone()
}

#[tokio::test]
async fn security_groups_come_with_their_rules_prefix_lists_and_network_interfaces() {
    let groups = list(0, |vpc| &vpc.security_groups).await;
    let [web, default] = groups.as_slice() else { panic!("the groups of both pages are there") };
    assert_eq!(web.identity.arn, "arn:aws:ec2:us-east-1:111122223333:security-group/sg-1");
    assert_eq!((web.identity.name.as_str(), web.vpc_id.as_str()), ("web", "vpc-1"));
    assert_eq!(web.tags, tags([("Owner", "shop")]));
    let list_of_two = PrefixList {
        id: "pl-1".to_owned(),
        entries: Reading::seen(["10.0.0.0/8", "203.0.113.0/24"].map(|range| range.parse().unwrap()).into()),
    };
    let ssh = IpPermission {
        protocol: "tcp".to_owned(),
        from_port: Some(22),
        to_port: Some(23),
        ranges: ["0.0.0.0/0", "::/0"].map(|range| range.parse().unwrap()).into(),
        prefix_lists: vec![list_of_two.clone()],
        security_groups: vec!["sg-7".to_owned()],
    };
    let out = IpPermission {
        protocol: "-1".to_owned(),
        from_port: None,
        to_port: None,
        ranges: Vec::new(),
        prefix_lists: vec![list_of_two],
        security_groups: Vec::new(),
    };
    assert_eq!((&web.ingress, &web.egress), (&vec![ssh], &vec![out]));
    assert!(default.is_default());
    // One of the web group's two interfaces lies in a VPC of another shard.
    assert_eq!((&web.network_interfaces, &default.network_interfaces), (&Reading::seen(2), &Reading::seen(1)));

    let groups = list(1, |vpc| &vpc.security_groups).await;
    let arns: Vec<&str> = groups.iter().map(|group| group.identity.arn.as_str()).collect();
    // Its owner is another account.
    assert_eq!(arns, ["arn:aws:ec2:us-east-1:444455556666:security-group/sg-2"]);
    assert_eq!(groups[0].network_interfaces, Reading::seen(0));
}

#[tokio::test]
async fn of_network_acls_the_inbound_entries_are_read() {
    let acls = list(0, |vpc| &vpc.network_acls).await;
    let [edge] = acls.as_slice() else { panic!("the ACL of the second page is there") };
    assert_eq!(edge.identity.arn, "arn:aws:ec2:us-east-1:444455556666:network-acl/acl-1");
    assert_eq!((edge.identity.name.as_str(), edge.id.as_str(), edge.is_default), ("edge", "acl-1", false));
    assert_eq!((&edge.tags, &edge.subnets), (&tags([("Name", "edge")]), &vec!["subnet-1".to_owned()]));
    let entry = |number, allow, protocol: &str, ports, range: &str| NetworkAclEntry {
        number,
        allow,
        protocol: protocol.to_owned(),
        ports,
        range: range.to_owned(),
    };
    let ssh = entry(100, true, "6", Some((22, 23)), "0.0.0.0/0");
    assert_eq!(edge.ingress, [ssh, entry(32_768, false, "-1", None, "::/0")]);

    let acls = list(1, |vpc| &vpc.network_acls).await;
    assert_eq!((acls[0].identity.name.as_str(), acls[0].is_default), ("acl-2", true));
}

#[tokio::test]
async fn only_tcp_and_udp_have_ports() {
    let ports = "<portRange><from>0</from><to>8</to></portRange>";
    let types = "<icmpTypeCode><type>8</type><code>-1</code></icmpTypeCode>";
    let cases = [
        ("6", ports, Some((0, 8))),
        ("17", ports, Some((0, 8))),
        ("1", types, None),
        ("58", types, None),
        ("-1", "", None),
        // AWS lets all traffic of such a protocol through, whatever the ports.
        ("47", ports, None),
    ];
    for (protocol, more, expected) in cases {
        let entry = entry_with(&format!("<protocol>{protocol}</protocol>{more}"));
        let vpcs = read_with(ACLS, page(ACLS, &acl_with(&entry), "")).await;
        let acls = vpcs[0].network_acls.known().unwrap().unwrap();
        assert_eq!(acls[0].ingress[0].ports, expected, "{protocol}");
    }
}

fn acl_with(entries: &str) -> String {
    format!(
        "<item><networkAclId>acl-1</networkAclId><vpcId>vpc-1</vpcId><default>false</default>\
         <entrySet>{entries}</entrySet><associationSet/></item>"
    )
}

fn entry_with(protocol: &str) -> String {
    format!(
        "<item><ruleNumber>100</ruleNumber>{protocol}<ruleAction>allow</ruleAction><egress>false</egress>\
         <cidrBlock>0.0.0.0/0</cidrBlock></item>"
    )
}

#[tokio::test]
async fn subnets_are_read_with_what_they_assign() {
    let subnets = list(0, |vpc| &vpc.subnets).await;
    let [front, back] = subnets.as_slice() else { panic!("the subnets of both pages are there") };
    assert_eq!(back.identity.arn, "arn:aws:ec2:us-east-1:111122223333:subnet/subnet-2");
    assert_eq!(front.identity.arn, "arn:aws:ec2:us-east-1:444455556666:subnet/subnet-1");
    assert_eq!((back.identity.name.as_str(), front.identity.name.as_str()), ("subnet-2", "front"));
    assert_eq!((&back.tags, &front.tags), (&tags([]), &tags([("Name", "front")])));
    assert_eq!((back.availability_zone.as_str(), front.availability_zone.as_str()), ("us-east-1b", "us-east-1a"));
    assert_eq!((back.assigns_public_ipv4, front.assigns_public_ipv4), (false, true));
    assert_eq!((back.assigns_ipv6, front.assigns_ipv6), (true, false));
}

fn route(destination: &str, target: &str) -> Route {
    Route { destination: destination.to_owned(), target: target.to_owned() }
}

#[tokio::test]
async fn route_tables_are_read_with_black_holes() {
    let named = |account: &str, id: &str, name: &str| Identity {
        name: name.to_owned(),
        arn: format!("arn:aws:ec2:us-east-1:{account}:route-table/{id}"),
        account: account.to_owned(),
        region: "us-east-1".to_owned(),
    };
    let own = RouteTable {
        identity: named("444455556666", "rtb-1", "public"),
        id: "rtb-1".to_owned(),
        tags: tags([("Name", "public")]),
        is_main: false,
        subnets: vec!["subnet-1".to_owned()],
        routes: vec![route("10.0.0.0/16", "local"), route("::/0", "igw-1")],
    };
    assert_eq!(list(0, |vpc| &vpc.route_tables).await, [own]);
    let main = RouteTable {
        identity: named("111122223333", "rtb-2", "rtb-2"),
        id: "rtb-2".to_owned(),
        tags: tags([]),
        is_main: true,
        subnets: Vec::new(),
        routes: Vec::new(),
    };
    assert_eq!(list(1, |vpc| &vpc.route_tables).await, [main]);
}

#[tokio::test]
async fn a_route_leads_to_whatever_it_names() {
    let targets = [
        ("<gatewayId>vgw-1</gatewayId>", "vgw-1"),
        ("<natGatewayId>nat-1</natGatewayId>", "nat-1"),
        ("<vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId>", "pcx-1"),
        ("<transitGatewayId>tgw-1</transitGatewayId>", "tgw-1"),
        ("<egressOnlyInternetGatewayId>eigw-1</egressOnlyInternetGatewayId>", "eigw-1"),
        ("<instanceId>i-1</instanceId><networkInterfaceId>eni-1</networkInterfaceId>", "eni-1"),
        ("<instanceId>i-1</instanceId>", "i-1"),
        ("<localGatewayId>lgw-1</localGatewayId>", "lgw-1"),
        ("<carrierGatewayId>cagw-1</carrierGatewayId>", "cagw-1"),
        ("<coreNetworkArn>arn:core</coreNetworkArn>", "arn:core"),
        ("<odbNetworkArn>arn:odb</odbNetworkArn>", "arn:odb"),
        ("<ipAddress>10.0.0.4</ipAddress>", "10.0.0.4"),
    ];
    for (answered, target) in targets {
        let item = format!(
            "<item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><associationSet/><routeSet><item>\
             <destinationPrefixListId>pl-1</destinationPrefixListId>{answered}</item></routeSet></item>"
        );
        let vpcs = read_with(TABLES, page(TABLES, &item, "")).await;
        let tables = vpcs[0].route_tables.known().unwrap().unwrap();
        assert_eq!(tables[0].routes, [route("pl-1", target)]);
    }
}

#[tokio::test]
async fn endpoints_are_read_with_the_zones_of_their_subnets() {
    let endpoints = list(0, |vpc| &vpc.endpoints).await;
    let [ec2, s3] = endpoints.as_slice() else { panic!("the endpoints of both pages are there") };
    let identity = |id: &str, name: &str| {
        let mut identity = ec2.identity.clone();
        identity.name = name.to_owned();
        identity.arn = format!("arn:aws:ec2:us-east-1:111122223333:vpc-endpoint/{id}");
        identity
    };
    let interface = VpcEndpoint {
        identity: identity("vpce-1", "ec2"),
        id: "vpce-1".to_owned(),
        tags: tags([("Name", "ec2")]),
        service_name: "com.amazonaws.us-east-1.ec2".to_owned(),
        kind: "Interface".to_owned(),
        state: "available".to_owned(),
        policy: Reading::seen("{}".to_owned()),
        policy_supported: Reading::seen(true),
        availability_zones: Reading::seen(vec!["us-east-1a".to_owned(), "us-east-1b".to_owned()]),
    };
    let gateway = VpcEndpoint {
        identity: identity("vpce-2", "vpce-2"),
        id: "vpce-2".to_owned(),
        tags: tags([]),
        service_name: "com.amazonaws.us-east-1.s3".to_owned(),
        kind: "Gateway".to_owned(),
        state: "available".to_owned(),
        policy: Reading::Absent,
        policy_supported: Reading::seen(false),
        availability_zones: Reading::seen(Vec::new()),
    };
    assert_eq!((ec2, s3), (&interface, &gateway));
}

#[tokio::test]
async fn an_endpoint_without_a_service_leads_to_a_resource_or_a_service_network() {
    for (kind, member) in [("Resource", "resourceConfigurationArn"), ("ServiceNetwork", "serviceNetworkArn")] {
        let item = format!(
            "<item><vpcEndpointId>vpce-1</vpcEndpointId><vpcId>vpc-1</vpcId><vpcEndpointType>{kind}</vpcEndpointType>\
             <state>available</state><{member}>arn:there</{member}></item>"
        );
        let vpcs = read_with(ENDPOINTS, page(ENDPOINTS, &item, "")).await;
        let endpoints = vpcs[0].endpoints.known().unwrap().unwrap();
        assert_eq!((endpoints[0].kind.as_str(), endpoints[0].service_name.as_str()), (kind, "arn:there"));
    }
}

/// An endpoint of `vpc-1` of this type to this service, with more said of it.
fn endpoint_to(id: u32, kind: &str, service: &str, more: &str) -> String {
    format!(
        "<item><vpcEndpointId>vpce-{id}</vpcEndpointId><vpcId>vpc-1</vpcId><vpcEndpointType>{kind}</vpcEndpointType>\
         <serviceName>{service}</serviceName><state>available</state>{more}</item>"
    )
}

#[tokio::test]
async fn what_services_take_is_asked_only_of_services_that_may_take_a_policy() {
    let of_customers = [
        endpoint_to(1, "Interface", "com.amazonaws.vpce.us-east-1.vpce-svc-9", ""),
        endpoint_to(2, "GatewayLoadBalancer", "com.amazonaws.vpce.us-east-1.vpce-svc-9", ""),
    ];
    let (vpcs, asked) = read(move |asked| match asked.action.as_str() {
        ENDPOINTS => page(ENDPOINTS, &of_customers.concat(), ""),
        _ => usual(asked),
    })
    .await;
    assert!(asked.iter().all(|asked| asked.action != POLICY_SUPPORT));
    let endpoints = vpcs[0].endpoints.known().unwrap().unwrap();
    assert!(endpoints.iter().all(|endpoint| endpoint.policy_supported == Reading::Absent), "{endpoints:?}");
}

#[tokio::test]
async fn services_of_other_regions_are_asked_for_there_and_one_that_is_not_listed_is_not_known() {
    let abroad = "<serviceRegion>us-west-2</serviceRegion>";
    let endpoints = [
        endpoint_to(1, "Interface", "com.amazonaws.us-east-1.ec2", ""),
        endpoint_to(2, "Interface", "com.amazonaws.us-west-2.s3", abroad),
        endpoint_to(3, "Interface", "com.amazonaws.us-east-1.bygone", ""),
    ];
    let (vpcs, asked) = read(move |asked| {
        let is_abroad = asked.parameter("ServiceRegion.1") == "us-west-2";
        match asked.action.as_str() {
            ENDPOINTS => page(ENDPOINTS, &endpoints.concat(), ""),
            POLICY_SUPPORT if is_abroad => page(
                POLICY_SUPPORT,
                "<item><serviceId>vpce-svc-7</serviceId><serviceName>com.amazonaws.us-west-2.s3</serviceName>\
                 <serviceType><item><serviceType>Interface</serviceType></item></serviceType>\
                 <vpcEndpointPolicySupported>false</vpcEndpointPolicySupported></item>",
                "",
            ),
            _ => usual(asked),
        }
    })
    .await;
    let endpoints = vpcs[0].endpoints.known().unwrap().unwrap();
    let supported: Vec<_> = endpoints.iter().map(|endpoint| &endpoint.policy_supported).collect();
    assert_eq!(supported[..2], [&Reading::seen(true), &Reading::seen(false)]);
    let why = why(supported[2]).unwrap();
    assert_eq!((why.action.as_str(), why.cause), ("ec2:DescribeVpcEndpointServices", UnreadableCause::Gone));
    let regions = asked.iter().filter(|it| it.action == POLICY_SUPPORT && it.token.is_empty());
    let regions: Vec<&str> = regions.map(|asked| asked.parameter("ServiceRegion.1")).collect();
    assert_eq!(regions, ["", "us-west-2"]);
}

#[tokio::test]
async fn a_service_of_which_something_is_missing_leaves_unknown_what_services_take() {
    let whole = "<item><serviceId>vpce-svc-1</serviceId><serviceName>com.amazonaws.us-east-1.ec2</serviceName>\
                 <serviceType><item><serviceType>Interface</serviceType></item></serviceType>\
                 <vpcEndpointPolicySupported>true</vpcEndpointPolicySupported></item>";
    for member in [
        "<serviceId>vpce-svc-1</serviceId>",
        "<serviceName>com.amazonaws.us-east-1.ec2</serviceName>",
        "<serviceType><item><serviceType>Interface</serviceType></item></serviceType>",
        "<vpcEndpointPolicySupported>true</vpcEndpointPolicySupported>",
    ] {
        let vpcs = read_with(POLICY_SUPPORT, page(POLICY_SUPPORT, &whole.replace(member, ""), "")).await;
        let faults: Vec<_> = faults(&vpcs[0]).into_iter().map(|(action, why)| (action, why.cause)).collect();
        assert_eq!(faults, [(POLICY_SUPPORT, UnreadableCause::Malformed); 2], "{member}");
    }
}

#[tokio::test]
async fn the_zones_of_a_subnet_that_is_not_listed_are_not_known() {
    let vpcs = read_with(SUBNETS, page(SUBNETS, "", "")).await;
    let endpoints = vpcs[0].endpoints.known().unwrap().unwrap();
    let why = why(&endpoints[0].availability_zones).unwrap();
    assert_eq!((why.action.as_str(), why.cause), ("ec2:DescribeSubnets", UnreadableCause::Gone));
    assert_eq!(endpoints[1].availability_zones, Reading::seen(Vec::new()));
}

#[tokio::test]
async fn calls_are_made_for_the_whole_shard_and_nothing_is_read_twice() {
    let (_, asked) = read(usual).await;
    let mut calls: Vec<&str> = asked.iter().map(|asked| asked.action.as_str()).collect();
    calls.sort_unstable();
    let two_pages = [ENTRIES, GROUPS, INTERFACES, ACLS, SUBNETS, TABLES, ENDPOINTS, POLICY_SUPPORT];
    let mut expected = [[VPCS, FLOW_LOGS].as_slice(), &two_pages, &two_pages].concat();
    expected.sort_unstable();
    assert_eq!(calls, expected);

    let filters = FOR_THE_SHARD.map(|(action, filter)| (action, filter, "vpc-1", "vpc-2"));
    let of_services = (POLICY_SUPPORT, "service-name", "com.amazonaws.us-east-1.ec2", "com.amazonaws.us-east-1.s3");
    let of_groups = (INTERFACES, "group-id", "sg-1", "sg-2");
    for (action, filter, one, two) in filters.into_iter().chain([of_groups, of_services]) {
        let filter = format!("Filter.1.Name={filter}&Filter.1.Value.1={one}&Filter.1.Value.2={two}");
        for asked in asked.iter().filter(|asked| asked.action == action) {
            assert!(asked.parameters.contains(&filter), "{}", asked.parameters);
        }
    }
    // The most that EC2 gives: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Operations.html
    for asked in &asked {
        let most = match asked.action.as_str() {
            TABLES | ENTRIES => "100",
            GROUPS => "500",
            _ => "1000",
        };
        assert_eq!(asked.parameter("MaxResults"), most, "{}", asked.action);
    }
}

#[tokio::test]
async fn no_filter_has_more_values_than_ec2_takes() {
    let group = |number| {
        format!(
            "<item><groupId>sg-{number}</groupId><groupName>g{number}</groupName><vpcId>vpc-1</vpcId>\
             <ipPermissions/><ipPermissionsEgress/></item>"
        )
    };
    let groups: String = (1..=201).map(group).collect();
    // Of the interface, each of the two answers tells: it has a group of each.
    let interface = "<item><networkInterfaceId>eni-1</networkInterfaceId><groupSet><item><groupId>sg-1</groupId></item>\
                     <item><groupId>sg-201</groupId></item></groupSet></item>";
    let (vpcs, asked) = read(move |asked| match asked.action.as_str() {
        GROUPS => page(GROUPS, &groups, ""),
        INTERFACES => page(INTERFACES, interface, ""),
        _ => usual(asked),
    })
    .await;
    let values = asked.iter().filter(|asked| asked.action == INTERFACES);
    let values: Vec<usize> = values.map(|asked| asked.parameters.matches("Filter.1.Value.").count()).collect();
    assert_eq!(values, [200, 1]);
    let groups = vpcs[0].security_groups.known().unwrap().unwrap();
    let counts: u64 = groups.iter().map(|group| *group.network_interfaces.known().unwrap().unwrap()).sum();
    assert_eq!((groups[0].network_interfaces.clone(), counts), (Reading::seen(1), 2));
}

/// What no rule needs cannot change a verdict. The VPCs themselves are always asked for, lest one that has gone be judged.
#[tokio::test]
async fn what_no_rule_judges_by_that_is_switched_on_is_not_asked_for() {
    let cases: [(&str, &[&str]); 8] = [
        ("vpc-required-tags", &[]),
        ("vpc-flow-logs-enabled", &[FLOW_LOGS]),
        ("network-acl-unused-removed", &[ACLS]),
        ("security-group-launch-wizard-prohibited", &[GROUPS]),
        ("security-group-unused-removed", &[GROUPS, INTERFACES]),
        ("security-group-ssh-from-internet-prohibited", &[GROUPS, ENTRIES]),
        ("vpc-endpoint-multi-az", &[SUBNETS, ENDPOINTS]),
        ("vpc-endpoint-policy-trust-bounded", &[ENDPOINTS, POLICY_SUPPORT]),
    ];
    for (only, expected) in cases {
        let (ec2, asked) = ec2(usual);
        let target =
            Target { kind: TargetKind::Vpc, id: "vpc-1".to_owned(), region: None, owner: None, only: Vec::new() };
        let needed = Needed::by(|rule| rule == only);
        let vpcs = ec2.vpcs(&[target], &needed).await;
        assert_eq!(vpcs.len(), 1, "{only}");
        let asked: BTreeSet<String> = asked.lock().unwrap().iter().map(|asked| asked.action.clone()).collect();
        let expected = expected.iter().chain([&VPCS]).map(|action| action.to_string()).collect();
        assert_eq!(asked, expected, "{only}");
    }
}

#[tokio::test]
async fn a_shard_without_vpcs_asks_nothing() {
    let (ec2, asked) = ec2(usual);
    assert_eq!((ec2.vpcs(&[], &Needed::default()).await, asked.lock().unwrap().len()), (Vec::new(), 0));
}

#[tokio::test]
async fn one_refused_call_spoils_its_own_readings_only() {
    let refusals = [
        (error(403, "UnauthorizedOperation"), UnreadableCause::AccessDenied),
        (error(503, "RequestLimitExceeded"), UnreadableCause::Throttled),
        (error(500, "InternalError"), UnreadableCause::Failed),
    ];
    let calls = FOR_THE_SHARD.map(|(action, _)| action).into_iter().chain([INTERFACES, ENTRIES, POLICY_SUPPORT]);
    for (refused, (answer, cause)) in calls.flat_map(|call| refusals.iter().map(move |refusal| (call, refusal))) {
        let vpcs = read_with(refused, answer.clone()).await;
        assert_eq!(vpcs.len(), 2, "{refused}");
        // Only vpc-1 refers to a prefix list, and has endpoints.
        let is_of_one = [ENTRIES, POLICY_SUPPORT].contains(&refused);
        assert_eq!(vpcs.iter().all(|vpc| !faults(vpc).is_empty()), !is_of_one, "{refused}");
        let faults: Vec<_> = vpcs.iter().flat_map(faults).collect();
        assert!(!faults.is_empty(), "{refused}");
        for (action, why) in faults {
            assert_eq!((action, why.action, why.cause), (refused, format!("ec2:{refused}"), *cause));
        }
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_is_no_list() {
    let (_, asked) = read(usual).await;
    let later: Vec<Asked> = asked.into_iter().filter(|asked| !asked.token.is_empty()).collect();
    assert_eq!(later.len(), 8);
    for Asked { action, token, .. } in later {
        let broken = action.clone();
        let (vpcs, _) = read(move |asked| {
            let refused = asked.action == broken && asked.token == token;
            if refused { error(503, "RequestLimitExceeded") } else { usual(asked) }
        })
        .await;
        let faults = faults(&vpcs[0]);
        assert!(!faults.is_empty(), "{action}");
        for (spoilt, why) in faults {
            assert_eq!((spoilt, why.cause), (action.as_str(), UnreadableCause::Throttled));
        }
    }
}

#[tokio::test]
async fn a_vpc_that_is_not_described_has_gone() {
    let answer = page(VPCS, "<item><vpcId>vpc-2</vpcId></item>", "");
    let vpcs = read_with(VPCS, answer).await;
    assert_eq!(vpcs.iter().map(|vpc| vpc.id.as_str()).collect::<Vec<_>>(), ["vpc-2"]);
}

#[tokio::test]
async fn a_vpc_that_is_deleted_while_it_is_read_has_gone_and_takes_no_other_with_it() {
    // It is there when the first question comes. Then EC2 leaves it and all that it had out of every filtered list.
    let asked_before = AtomicBool::new(false);
    let (vpcs, _) = read(move |asked| {
        let deleted = asked_before.swap(true, Ordering::Relaxed);
        match asked.action.as_str() {
            VPCS if deleted => page(VPCS, "<item><vpcId>vpc-2</vpcId></item>", ""),
            _ if !deleted => usual(asked),
            action => page(action, "", ""),
        }
    })
    .await;
    assert_eq!(vpcs.iter().map(|vpc| vpc.id.as_str()).collect::<Vec<_>>(), ["vpc-2"]);
    assert_eq!(faults(&vpcs[0]), []);
}

#[tokio::test]
async fn what_is_listed_on_two_pages_is_there_once() {
    assert_eq!(read(|asked| repeated(usual, asked)).await.0, read(usual).await.0);
}

#[tokio::test]
async fn nameless_vpcs_go_by_their_id_also_when_they_could_not_be_described() {
    let vpcs = read_with(VPCS, error(403, "UnauthorizedOperation")).await;
    assert_eq!(vpcs[0].identity.name, "vpc-1");
    assert_eq!(vpcs[0].identity.arn, "arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1");
}

/// Entries of `vpc-1` that lack something, or say what cannot be: the call, the entry, and one of the same kind that
/// is whole, of the VPC that is filled in.
fn strange() -> Vec<(&'static str, String, &'static str)> {
    let mut strange = Vec::new();
    // What is whole but for one of its members.
    let mut lacking = |call, whole: &'static str, members: &[&str]| {
        for member in members {
            assert!(whole.contains(member), "{member}");
            strange.push((call, whole.replace(member, "").replace("VPC", "vpc-1"), whole));
        }
    };
    let group = "<item><groupId>sg-8</groupId><groupName>g</groupName><vpcId>VPC</vpcId><ipPermissions/>\
                 <ipPermissionsEgress/></item>";
    lacking(GROUPS, group, &["<groupName>g</groupName>", "<ipPermissions/>", "<ipPermissionsEgress/>"]);
    let acl = "<item><networkAclId>acl-8</networkAclId><vpcId>VPC</vpcId><default>true</default><entrySet/>\
               <associationSet/></item>";
    lacking(ACLS, acl, &["<default>true</default>", "<entrySet/>", "<associationSet/>"]);
    let subnet = "<item><subnetId>subnet-8</subnetId><vpcId>VPC</vpcId><availabilityZone>us-east-1a</availabilityZone>\
                  <mapPublicIpOnLaunch>false</mapPublicIpOnLaunch>\
                  <assignIpv6AddressOnCreation>false</assignIpv6AddressOnCreation></item>";
    lacking(
        SUBNETS,
        subnet,
        &[
            "<availabilityZone>us-east-1a</availabilityZone>",
            "<mapPublicIpOnLaunch>false</mapPublicIpOnLaunch>",
            "<assignIpv6AddressOnCreation>false</assignIpv6AddressOnCreation>",
        ],
    );
    let table = "<item><routeTableId>rtb-8</routeTableId><vpcId>VPC</vpcId><routeSet/><associationSet/></item>";
    lacking(TABLES, table, &["<routeSet/>", "<associationSet/>"]);
    let endpoint = "<item><vpcEndpointId>vpce-8</vpcEndpointId><vpcId>VPC</vpcId>\
                    <vpcEndpointType>Gateway</vpcEndpointType><serviceName>s3</serviceName>\
                    <state>available</state></item>";
    lacking(
        ENDPOINTS,
        endpoint,
        &["<vpcEndpointType>Gateway</vpcEndpointType>", "<serviceName>s3</serviceName>", "<state>available</state>"],
    );
    for permission in [
        "<fromPort>22</fromPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>",
        "<ipProtocol>tcp</ipProtocol><ipRanges><item></item></ipRanges>",
        "<ipProtocol>tcp</ipProtocol><ipRanges><item><cidrIp>everywhere</cidrIp></item></ipRanges>",
        "<ipProtocol>tcp</ipProtocol><ipv6Ranges><item><cidrIpv6>::/129</cidrIpv6></item></ipv6Ranges>",
        "<ipProtocol>tcp</ipProtocol><prefixListIds><item></item></prefixListIds>",
        // A permission that lets nobody in.
        "<ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort>",
    ] {
        let item = format!(
            "<item><groupId>sg-1</groupId><groupName>web</groupName><vpcId>vpc-1</vpcId>\
             <ipPermissions><item>{permission}</item></ipPermissions><ipPermissionsEgress/></item>"
        );
        strange.push((GROUPS, item, group));
    }
    strange.push((
        FLOW_LOGS,
        "<item><flowLogId>fl-1</flowLogId><resourceId>vpc-1</resourceId><trafficType>ALL</trafficType></item>"
            .to_owned(),
        "<item><flowLogId>fl-8</flowLogId><resourceId>VPC</resourceId><trafficType>ALL</trafficType>\
         <flowLogStatus>ACTIVE</flowLogStatus></item>",
    ));
    let entry = entry_with("<protocol>-1</protocol>");
    for entry in [
        entry.replace("<protocol>-1</protocol>", ""),
        entry.replace("-1", "tcp"),
        // TCP without ports, and with half of them.
        entry.replace("-1", "6"),
        entry_with("<protocol>6</protocol><portRange><from>22</from></portRange>"),
        entry.replace("<cidrBlock>0.0.0.0/0</cidrBlock>", ""),
        entry.replace("<ruleNumber>100</ruleNumber>", ""),
        entry.replace("<egress>false</egress>", ""),
        entry.replace("<ruleAction>allow</ruleAction>", ""),
        entry.replace("allow", "perhaps"),
    ] {
        strange.push((ACLS, acl_with(&entry), acl));
    }
    for route in [
        "<destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><state>blackhole</state>",
        "<gatewayId>igw-1</gatewayId>",
    ] {
        let item = format!(
            "<item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><associationSet/><routeSet><item>{route}\
             </item></routeSet></item>"
        );
        strange.push((TABLES, item, table));
    }
    strange
}

#[tokio::test]
async fn an_entry_of_a_prefix_list_that_is_no_range_spoils_that_list() {
    let vpcs = read_with(ENTRIES, page(ENTRIES, "<item><cidr>10.0.0.0/33</cidr></item>", "")).await;
    let spoilt: Vec<_> = faults(&vpcs[0]).into_iter().map(|(action, why)| (action, why.cause)).collect();
    assert_eq!(spoilt, [(ENTRIES, UnreadableCause::Malformed); 2]);
}

#[tokio::test]
async fn an_entry_that_is_not_understood_spoils_the_list_of_its_vpc_only() {
    for (action, item, good) in strange() {
        // What comes after the strange entry does not make it good.
        let good = |id: &str, vpc_id: &str| good.replace("-8<", id).replace("VPC", vpc_id);
        let items = format!("{item}{}{}", good("-98<", "vpc-2"), good("-99<", "vpc-1"));
        let vpcs = read_with(action, page(action, &items, "")).await;
        let spoilt: Vec<_> = faults(&vpcs[0]).into_iter().map(|(action, why)| (action, why.cause)).collect();
        assert!(spoilt.contains(&(action, UnreadableCause::Malformed)), "{item}");
        assert!(spoilt.iter().all(|(spoilt, _)| *spoilt == action), "{item}: {spoilt:?}");
        assert_eq!(faults(&vpcs[1]), [], "{item}");
    }
}

#[tokio::test]
async fn an_entry_of_nobody_or_without_an_id_spoils_every_list() {
    let nobody = [
        (VPCS, "<item></item>"),
        (FLOW_LOGS, "<item><flowLogId>fl-1</flowLogId></item>"),
        (GROUPS, "<item><groupId>sg-1</groupId><groupName>web</groupName></item>"),
        (ACLS, "<item><networkAclId>acl-1</networkAclId><default>true</default></item>"),
        (SUBNETS, "<item><subnetId>subnet-1</subnetId></item>"),
        (TABLES, "<item><routeTableId>rtb-1</routeTableId></item>"),
        (ENDPOINTS, "<item><vpcEndpointId>vpce-1</vpcEndpointId></item>"),
        (
            INTERFACES,
            "<item><networkInterfaceId>eni-1</networkInterfaceId><groupSet><item><groupName>web</groupName></item>\
             </groupSet></item>",
        ),
        (FLOW_LOGS, "<item><resourceId>vpc-1</resourceId></item>"),
        (GROUPS, "<item><groupName>web</groupName><vpcId>vpc-1</vpcId></item>"),
        (ACLS, "<item><vpcId>vpc-1</vpcId><default>true</default></item>"),
        (SUBNETS, "<item><vpcId>vpc-1</vpcId></item>"),
        (TABLES, "<item><vpcId>vpc-1</vpcId></item>"),
        (ENDPOINTS, "<item><vpcId>vpc-1</vpcId></item>"),
        (INTERFACES, "<item><groupSet><item><groupId>sg-1</groupId></item></groupSet></item>"),
    ];
    for (action, item) in nobody {
        for vpc in read_with(action, page(action, item, "")).await {
            let spoilt: Vec<_> = faults(&vpc).into_iter().map(|(action, why)| (action, why.cause)).collect();
            assert!(!spoilt.is_empty(), "{action}");
            assert!(spoilt.iter().all(|it| *it == (action, UnreadableCause::Malformed)), "{action}: {spoilt:?}");
        }
    }
}
