use audit_model::resource::{
    ClientVpnEndpoint, ElasticIp, EndpointService, LaunchTemplate, NetworkAccount, NetworkInterface, PeeredVpc,
    PeeringRoute, TransitGateway, TunnelOptions, TunnelTelemetry, VpcBlockPublicAccess, VpnConnection,
};
use audit_model::{Reading, UnreadableCause};
use pretty_assertions::assert_eq;

use super::*;
use crate::VpcCollector;

/// What EC2 answers in an account with two endpoint services, the second for everybody, an active peering connection
/// and a deleted one, and two of everything else. Every list has two pages, but for those that EC2 gives at once.
fn usual(asked: &Asked) -> Answer {
    let (items, next) = match (asked.action.as_str(), asked.token.as_str()) {
        (BLOCK, _) => return block("<internetGatewayBlockMode>block-ingress</internetGatewayBlockMode>"),
        (SERVICES, "") => (
            "<item><serviceId>vpce-svc-1</serviceId><serviceName>com.amazonaws.vpce.us-east-1.vpce-svc-1</serviceName>\
             <tagSet><item><key>Owner</key><value>shop</value></item></tagSet></item>",
            "more",
        ),
        (SERVICES, "more") => (
            "<item><serviceId>vpce-svc-2</serviceId><serviceName>com.amazonaws.vpce.us-east-1.vpce-svc-2</serviceName>\
             </item>",
            "",
        ),
        (PRINCIPALS, "") if asked.parameter("ServiceId") == "vpce-svc-1" => {
            ("<item><principal>arn:aws:iam::444455556666:root</principal></item>", "more")
        }
        (PRINCIPALS, "more") => ("<item><principal>arn:aws:iam::777788889999:root</principal></item>", ""),
        (PRINCIPALS, "") => ("<item><principal>*</principal></item>", ""),
        (PEERINGS, "") => (
            "<item><vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId><status><code>active</code></status>\
             <tagSet><item><key>Name</key><value>to the bank</value></item></tagSet>\
             <requesterVpcInfo><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockSet>\
             <item><cidrBlock>10.0.0.0/16</cidrBlock></item><item><cidrBlock>10.8.0.0/16</cidrBlock>\
             </item></cidrBlockSet>\
             <ipv6CidrBlockSet><item><ipv6CidrBlock>2001:db8::/56</ipv6CidrBlock></item></ipv6CidrBlockSet>\
             </requesterVpcInfo><accepterVpcInfo><vpcId>vpc-9</vpcId><ownerId>444455556666</ownerId>\
             <cidrBlock>10.1.0.0/16</cidrBlock></accepterVpcInfo></item>",
            "more",
        ),
        (PEERINGS, "more") => (
            "<item><vpcPeeringConnectionId>pcx-2</vpcPeeringConnectionId><status><code>deleted</code></status>\
             <requesterVpcInfo><vpcId>vpc-1</vpcId></requesterVpcInfo>\
             <accepterVpcInfo><vpcId>vpc-2</vpcId></accepterVpcInfo></item>",
            "",
        ),
        // EC2 gives the whole table in which a route matches.
        (TABLES, "") => (
            "<item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><routeSet>\
             <item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId></item>\
             <item><destinationCidrBlock>10.1.4.0/24</destinationCidrBlock>\
             <vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId></item></routeSet></item>",
            "more",
        ),
        (TABLES, "more") => (
            "<item><routeTableId>rtb-2</routeTableId><vpcId>vpc-1</vpcId><routeSet>\
             <item><destinationIpv6CidrBlock>2001:db8:8::/56</destinationIpv6CidrBlock>\
             <vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId></item></routeSet></item>",
            "",
        ),
        (ADDRESSES, _) => (
            "<item><publicIp>203.0.113.5</publicIp><allocationId>eipalloc-1</allocationId><domain>vpc</domain>\
             <associationId>eipassoc-1</associationId><networkInterfaceId>eni-1</networkInterfaceId>\
             <tagSet><item><key>Name</key><value>egress</value></item></tagSet></item>\
             <item><publicIp>203.0.113.6</publicIp><allocationId>eipalloc-2</allocationId><domain>vpc</domain></item>",
            "",
        ),
        (INTERFACES, "") => (
            "<item><networkInterfaceId>eni-1</networkInterfaceId><ownerId>111122223333</ownerId>\
             <interfaceType>interface</interfaceType><sourceDestCheck>true</sourceDestCheck>\
             <tagSet><item><key>Name</key><value>ledger</value></item></tagSet></item>",
            "more",
        ),
        (INTERFACES, "more") => (
            "<item><networkInterfaceId>eni-2</networkInterfaceId><ownerId>111122223333</ownerId>\
             <interfaceType>efa</interfaceType><sourceDestCheck>false</sourceDestCheck></item>",
            "",
        ),
        (TEMPLATES, "") => (
            "<item><launchTemplateId>lt-1</launchTemplateId><launchTemplateName>workers</launchTemplateName>\
             <versionNumber>3</versionNumber><defaultVersion>true</defaultVersion><launchTemplateData>\
             <networkInterfaceSet><item><deviceIndex>0</deviceIndex>\
             <associatePublicIpAddress>true</associatePublicIpAddress></item><item><deviceIndex>1</deviceIndex></item>\
             </networkInterfaceSet></launchTemplateData></item>",
            "more",
        ),
        (TEMPLATES, "more") => (
            "<item><launchTemplateId>lt-2</launchTemplateId><launchTemplateName>batch</launchTemplateName>\
             <versionNumber>1</versionNumber><defaultVersion>true</defaultVersion>\
             <launchTemplateData><imageId>ami-1</imageId></launchTemplateData></item>",
            "",
        ),
        (VPNS, _) => (
            "<item><vpnConnectionId>vpn-1</vpnConnectionId><state>available</state><type>ipsec.1</type>\
             <customerGatewayConfiguration>a secret</customerGatewayConfiguration>\
             <tagSet><item><key>Name</key><value>to the bank</value></item></tagSet>\
             <options><tunnelOptionSet><item><outsideIpAddress>203.0.113.3</outsideIpAddress>\
             <preSharedKey>a secret</preSharedKey><ikeVersionSet><item><value>ikev2</value></item></ikeVersionSet>\
             <logOptions><cloudWatchLogOptions><logEnabled>true</logEnabled></cloudWatchLogOptions></logOptions></item>\
             <item><outsideIpAddress>203.0.113.17</outsideIpAddress></item></tunnelOptionSet></options>\
             <vgwTelemetry><item><outsideIpAddress>203.0.113.3</outsideIpAddress><status>UP</status></item>\
             <item><outsideIpAddress>203.0.113.17</outsideIpAddress><status>DOWN</status></item></vgwTelemetry></item>\
             <item><vpnConnectionId>vpn-2</vpnConnectionId><state>deleted</state></item>",
            "",
        ),
        (CLIENT_VPNS, "") => (
            "<item><clientVpnEndpointId>cvpn-endpoint-1</clientVpnEndpointId><status><code>available</code></status>\
             <connectionLogOptions><Enabled>true</Enabled></connectionLogOptions>\
             <tagSet><item><key>Name</key><value>staff</value></item></tagSet></item>",
            "more",
        ),
        (CLIENT_VPNS, "more") => (
            "<item><clientVpnEndpointId>cvpn-endpoint-2</clientVpnEndpointId>\
             <status><code>pending-associate</code></status>\
             <connectionLogOptions><Enabled>false</Enabled></connectionLogOptions></item>",
            "",
        ),
        (GATEWAYS, "") => (
            "<item><transitGatewayId>tgw-1</transitGatewayId><state>available</state><ownerId>111122223333</ownerId>\
             <options><autoAcceptSharedAttachments>disable</autoAcceptSharedAttachments></options>\
             <tagSet><item><key>Name</key><value>backbone</value></item></tagSet></item>",
            "more",
        ),
        (GATEWAYS, "more") => (
            "<item><transitGatewayId>tgw-2</transitGatewayId><state>deleting</state><ownerId>111122223333</ownerId>\
             <options><autoAcceptSharedAttachments>enable</autoAcceptSharedAttachments></options></item>",
            "",
        ),
        _ => panic!("{asked:?} was not expected"),
    };
    page(&asked.action, items, next)
}

fn block(options: &str) -> Answer {
    let options = format!("<vpcBlockPublicAccessOptions>{options}</vpcBlockPublicAccessOptions>");
    (200, format!("<{BLOCK}Response>{options}</{BLOCK}Response>"))
}

async fn read(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (NetworkAccount, Vec<Asked>) {
    let (ec2, requests) = ec2(answer);
    let account = ec2.account(&Needed::default()).await;
    let asked = requests.lock().unwrap().clone();
    (account, asked)
}

async fn read_with(action: &'static str, answer: Answer) -> NetworkAccount {
    read(move |asked| if asked.action == action { answer.clone() } else { usual(asked) }).await.0
}

/// What is wrong with each reading of the account, by the call that brings it.
fn faults(account: &NetworkAccount) -> Vec<(&'static str, Unreadable)> {
    let mut faults = vec![
        (BLOCK, why(&account.block_public_access)),
        (SERVICES, why(&account.endpoint_services)),
        (PEERINGS, why(&account.peering_connections)),
        (ADDRESSES, why(&account.elastic_ips)),
        (INTERFACES, why(&account.network_interfaces)),
        (TEMPLATES, why(&account.launch_templates)),
        (VPNS, why(&account.vpn_connections)),
        (CLIENT_VPNS, why(&account.client_vpn_endpoints)),
        (GATEWAYS, why(&account.transit_gateways)),
    ];
    let services = account.endpoint_services.known().ok().flatten().into_iter().flatten();
    faults.extend(services.map(|service| (PRINCIPALS, why(&service.allowed_principals))));
    let connections = account.peering_connections.known().ok().flatten().into_iter().flatten();
    faults.extend(connections.map(|connection| (TABLES, why(&connection.routes))));
    faults.into_iter().filter_map(|(action, why)| Some((action, why?))).collect()
}

#[tokio::test]
async fn the_account_is_read_whole() {
    let (account, _) = read(usual).await;
    assert_eq!(account.identity.arn, "arn:aws:iam::111122223333:root");
    assert_eq!((account.identity.name.as_str(), account.identity.account.as_str()), ("111122223333", "111122223333"));
    assert_eq!(account.identity.region, "us-east-1");
    let mode = VpcBlockPublicAccess { internet_gateway_block_mode: "block-ingress".to_owned() };
    assert_eq!(account.block_public_access, Reading::seen(mode));

    let services = account.endpoint_services.known().unwrap().unwrap();
    let service = |number: u8, tags: Reading<Tags>, principals: &[&str]| {
        let id = format!("vpce-svc-{number}");
        let mut identity = account.identity.clone();
        identity.name = format!("com.amazonaws.vpce.us-east-1.{id}");
        identity.arn = format!("arn:aws:ec2:us-east-1:111122223333:vpc-endpoint-service/{id}");
        let allowed_principals = Reading::seen(principals.iter().map(ToString::to_string).collect());
        EndpointService { identity, id, tags, allowed_principals }
    };
    let others = ["arn:aws:iam::444455556666:root", "arn:aws:iam::777788889999:root"];
    assert_eq!(services, &[service(1, tags([("Owner", "shop")]), &others), service(2, tags([]), &["*"])]);
}

#[tokio::test]
async fn peering_connections_are_read_in_any_state_with_the_routes_into_them() {
    let (account, _) = read(usual).await;
    let connections = account.peering_connections.known().unwrap().unwrap();
    let [active, deleted] = connections.as_slice() else { panic!("the connections of both pages are there") };
    assert_eq!(active.identity.arn, "arn:aws:ec2:us-east-1:111122223333:vpc-peering-connection/pcx-1");
    assert_eq!((active.identity.name.as_str(), deleted.identity.name.as_str()), ("to the bank", "pcx-2"));
    assert_eq!((&active.tags, &deleted.tags), (&tags([("Name", "to the bank")]), &tags([])));
    assert_eq!((active.status.as_str(), deleted.status.as_str()), ("active", "deleted"));
    let side = |vpc_id: &str, ranges: &[&str]| PeeredVpc {
        vpc_id: vpc_id.to_owned(),
        ranges: ranges.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(active.requester, side("vpc-1", &["10.0.0.0/16", "10.8.0.0/16", "2001:db8::/56"]));
    assert_eq!(active.accepter, side("vpc-9", &["10.1.0.0/16"]));
    // EC2 tells the ranges of active connections only.
    assert_eq!((&deleted.requester, &deleted.accepter), (&side("vpc-1", &[]), &side("vpc-2", &[])));
    let route = |table: &str, destination: &str| PeeringRoute {
        route_table: table.to_owned(),
        vpc_id: "vpc-1".to_owned(),
        destination: destination.to_owned(),
    };
    let routes = vec![route("rtb-1", "10.1.4.0/24"), route("rtb-2", "2001:db8:8::/56")];
    assert_eq!((&active.routes, &deleted.routes), (&Reading::seen(routes), &Reading::seen(Vec::new())));
}

#[tokio::test]
async fn routes_are_asked_for_once_and_only_if_there_are_connections() {
    let (_, asked) = read(usual).await;
    let tables: Vec<&Asked> = asked.iter().filter(|asked| asked.action == TABLES).collect();
    assert_eq!(tables.len(), 2, "two pages");
    for asked in tables {
        let filter = "Filter.1.Name=route.vpc-peering-connection-id&Filter.1.Value.1=pcx-%2A";
        assert!(asked.parameters.contains(filter), "{}", asked.parameters);
        assert_eq!(asked.parameter("MaxResults"), "100");
    }

    let none = page(PEERINGS, "", "");
    let (account, asked) = read(move |asked| if asked.action == PEERINGS { none.clone() } else { usual(asked) }).await;
    assert_eq!(account.peering_connections, Reading::seen(Vec::new()));
    assert!(asked.iter().all(|asked| asked.action != TABLES));
}

#[tokio::test]
async fn what_the_account_has_beside_its_vpcs_is_read() {
    let (account, asked) = read(usual).await;
    /// ARN, name, tags and what is judged of each resource of a list.
    macro_rules! list {
        ($list:ident, $judged:expr) => {
            account
                .$list
                .listed()
                .unwrap()
                .iter()
                .map(|it| (it.identity.arn.as_str(), it.identity.name.as_str(), $judged(it)))
                .collect::<Vec<_>>()
        };
    }
    let arn = |end: &str| format!("arn:aws:ec2:us-east-1:111122223333:{end}");
    assert_eq!(
        list!(elastic_ips, |it: &ElasticIp| (it.tags.clone(), it.association.clone())),
        [
            (&*arn("elastic-ip/eipalloc-1"), "egress", (tags([("Name", "egress")]), Some("eipassoc-1".to_owned()))),
            (&*arn("elastic-ip/eipalloc-2"), "eipalloc-2", (tags([]), None)),
        ]
    );
    assert_eq!(
        list!(network_interfaces, |it: &NetworkInterface| (it.tags.clone(), it.checks_source_and_destination)),
        [
            (&*arn("network-interface/eni-1"), "ledger", (tags([("Name", "ledger")]), true)),
            (&*arn("network-interface/eni-2"), "eni-2", (tags([]), false)),
        ]
    );
    assert_eq!(
        list!(launch_templates, |it: &LaunchTemplate| (it.default_version, it.assigns_public_ipv4.clone())),
        [
            (&*arn("launch-template/lt-1"), "workers", (3, vec![Some(true), None])),
            (&*arn("launch-template/lt-2"), "batch", (1, Vec::new())),
        ]
    );
    let telemetry =
        |address: &str, status: &str| TunnelTelemetry { address: address.to_owned(), status: status.to_owned() };
    // Versions and logs that were never set are left out, and mean both versions, and no log.
    let options = |address: &str, versions: &[&str], logs_activity| TunnelOptions {
        address: address.to_owned(),
        ike_versions: versions.iter().map(ToString::to_string).collect(),
        logs_activity,
    };
    let vpns = account.vpn_connections.listed().unwrap();
    assert_eq!(
        list!(vpn_connections, |it: &VpnConnection| (it.tags.clone(), it.state.clone())),
        [
            (&*arn("vpn-connection/vpn-1"), "to the bank", (tags([("Name", "to the bank")]), "available".to_owned())),
            (&*arn("vpn-connection/vpn-2"), "vpn-2", (tags([]), "deleted".to_owned())),
        ]
    );
    assert_eq!(vpns[0].telemetry, [telemetry("203.0.113.3", "UP"), telemetry("203.0.113.17", "DOWN")]);
    assert_eq!(vpns[0].tunnels, [options("203.0.113.3", &["ikev2"], true), options("203.0.113.17", &[], false)]);
    assert!(vpns[1].telemetry.is_empty() && vpns[1].tunnels.is_empty());
    assert!(!format!("{account:?}").contains("a secret"));
    assert_eq!(
        list!(client_vpn_endpoints, |it: &ClientVpnEndpoint| (it.status.clone(), it.logs_connections)),
        [
            (&*arn("client-vpn-endpoint/cvpn-endpoint-1"), "staff", ("available".to_owned(), true)),
            (&*arn("client-vpn-endpoint/cvpn-endpoint-2"), "cvpn-endpoint-2", ("pending-associate".to_owned(), false)),
        ]
    );
    assert_eq!(
        list!(transit_gateways, |it: &TransitGateway| (it.state.clone(), it.auto_accept_shared_attachments.clone())),
        [
            (&*arn("transit-gateway/tgw-1"), "backbone", ("available".to_owned(), "disable".to_owned())),
            (&*arn("transit-gateway/tgw-2"), "tgw-2", ("deleting".to_owned(), "enable".to_owned())),
        ]
    );

    let of = |action: &str| asked.iter().find(|asked| asked.action == action).unwrap();
    assert_eq!(of(TEMPLATES).parameter("LaunchTemplateVersion.1"), "%24Default");
    assert_eq!(of(TEMPLATES).parameter("MaxResults"), "200");
    assert_eq!(of(GATEWAYS).parameter("Filter.1.Name"), "owner-id");
    assert_eq!(of(GATEWAYS).parameter("Filter.1.Value.1"), "111122223333");
    // <https://docs.aws.amazon.com/config/latest/developerguide/ec2-enis-source-destination-check-enabled.html>
    let types = ["aws_codestar_connections_managed", "branch", "efa", "interface", "lambda", "quicksight"];
    for (number, kind) in (1..).zip(types) {
        assert_eq!(of(INTERFACES).parameter(&format!("Filter.1.Value.{number}")), kind);
    }
    assert_eq!(of(INTERFACES).parameter("Filter.1.Value.7"), "");
    assert_eq!(of(INTERFACES).parameter("Filter.2.Name"), "owner-id");
}

#[tokio::test]
async fn one_refused_call_spoils_its_own_readings_only() {
    let refusals = [
        (error(403, "UnauthorizedOperation"), UnreadableCause::AccessDenied),
        (error(503, "RequestLimitExceeded"), UnreadableCause::Throttled),
        (error(500, "InternalError"), UnreadableCause::Failed),
    ];
    for (answer, cause) in refusals {
        for refused in [
            BLOCK,
            SERVICES,
            PRINCIPALS,
            PEERINGS,
            TABLES,
            ADDRESSES,
            INTERFACES,
            TEMPLATES,
            VPNS,
            CLIENT_VPNS,
            GATEWAYS,
        ] {
            let faults = faults(&read_with(refused, answer.clone()).await);
            assert!(!faults.is_empty(), "{refused}");
            for (action, why) in faults {
                assert_eq!((action, why.action, why.cause), (refused, format!("ec2:{refused}"), cause));
            }
        }
    }
}

#[tokio::test]
async fn what_is_listed_on_two_pages_is_there_once() {
    assert_eq!(read(|asked| repeated(usual, asked)).await.0, read(usual).await.0);
}

#[tokio::test]
async fn an_endpoint_service_that_is_deleted_while_it_is_read_has_gone_alone() {
    let (account, _) = read(|asked| match asked.action.as_str() {
        PRINCIPALS if asked.parameter("ServiceId") == "vpce-svc-1" => {
            error(400, "InvalidVpcEndpointServiceId.NotFound")
        }
        _ => usual(asked),
    })
    .await;
    let services = account.endpoint_services.known().unwrap().unwrap();
    assert_eq!(services.iter().map(|service| service.id.as_str()).collect::<Vec<_>>(), ["vpce-svc-2"]);
    assert_eq!(faults(&account), []);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_no_list() {
    for broken in [SERVICES, PRINCIPALS, PEERINGS, TABLES, INTERFACES, TEMPLATES, CLIENT_VPNS, GATEWAYS] {
        let (account, _) = read(move |asked| {
            let refused = asked.action == broken && !asked.token.is_empty();
            if refused { error(503, "RequestLimitExceeded") } else { usual(asked) }
        })
        .await;
        let faults: Vec<_> = faults(&account).into_iter().map(|(action, why)| (action, why.cause)).collect();
        assert!(faults.contains(&(broken, UnreadableCause::Throttled)), "{broken}: {faults:?}");
    }
}

#[tokio::test]
async fn what_is_not_answered_whole_is_not_understood() {
    let connection = "<item><vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId><status><code>active</code></status>\
                      <requesterVpcInfo><vpcId>vpc-1</vpcId></requesterVpcInfo>\
                      <accepterVpcInfo><vpcId>vpc-2</vpcId></accepterVpcInfo></item>";
    let mut strange = vec![
        (BLOCK, block("")),
        (SERVICES, page(SERVICES, "<item><serviceId>vpce-svc-1</serviceId></item>", "")),
        (SERVICES, page(SERVICES, "<item><serviceName>a</serviceName></item>", "")),
        (PRINCIPALS, page(PRINCIPALS, "<item><principalType>All</principalType></item>", "")),
    ];
    for member in [
        "<vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId>",
        "<status><code>active</code></status>",
        "<vpcId>vpc-1</vpcId>",
        "<accepterVpcInfo><vpcId>vpc-2</vpcId></accepterVpcInfo>",
    ] {
        strange.push((PEERINGS, page(PEERINGS, &connection.replace(member, ""), "")));
    }
    let no_range = "<vpcId>vpc-1</vpcId><cidrBlockSet><item></item></cidrBlockSet>";
    strange.push((PEERINGS, page(PEERINGS, &connection.replace("<vpcId>vpc-1</vpcId>", no_range), "")));
    let route = "<vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId>";
    let to = "<destinationCidrBlock>10.0.0.0/8</destinationCidrBlock>";
    for table in [
        format!("<routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><routeSet><item>{route}</item></routeSet>"),
        format!("<vpcId>vpc-1</vpcId><routeSet><item>{route}{to}</item></routeSet>"),
        format!("<routeTableId>rtb-1</routeTableId><routeSet><item>{route}{to}</item></routeSet>"),
    ] {
        strange.push((TABLES, page(TABLES, &format!("<item>{table}</item>"), "")));
    }
    // Of each list's first entry, what AWS always says.
    for (action, members) in [
        (ADDRESSES, &["<allocationId>eipalloc-1</allocationId>", "<value>egress</value>"][..]),
        (
            INTERFACES,
            &[
                "<networkInterfaceId>eni-1</networkInterfaceId>",
                "<sourceDestCheck>true</sourceDestCheck>",
                "<value>ledger</value>",
            ],
        ),
        (
            TEMPLATES,
            &[
                "<launchTemplateId>lt-2</launchTemplateId>",
                "<launchTemplateName>batch</launchTemplateName>",
                "<versionNumber>1</versionNumber>",
                "<launchTemplateData><imageId>ami-1</imageId></launchTemplateData>",
            ],
        ),
        (
            VPNS,
            &[
                "<vpnConnectionId>vpn-1</vpnConnectionId>",
                "<state>available</state>",
                "<value>to the bank</value>",
                "<outsideIpAddress>203.0.113.17</outsideIpAddress>",
                "<status>DOWN</status>",
                "<value>ikev2</value>",
            ],
        ),
        (
            CLIENT_VPNS,
            &[
                "<clientVpnEndpointId>cvpn-endpoint-1</clientVpnEndpointId>",
                "<status><code>available</code></status>",
                "<connectionLogOptions><Enabled>true</Enabled></connectionLogOptions>",
                "<value>staff</value>",
            ],
        ),
        (
            GATEWAYS,
            &[
                "<transitGatewayId>tgw-1</transitGatewayId>",
                "<state>available</state>",
                "<autoAcceptSharedAttachments>disable</autoAcceptSharedAttachments>",
                "<value>backbone</value>",
            ],
        ),
    ] {
        for member in members {
            let token = if action == TEMPLATES { "more" } else { "" };
            let (status, whole) = usual(&Asked::new(&format!("Action={action}&NextToken={token}")));
            assert!(whole.contains(member), "{action} {member}");
            strange.push((action, (status, whole.replace(member, "").replace("<nextToken>more</nextToken>", ""))));
        }
    }
    for (action, answer) in strange {
        let faults = faults(&read_with(action, answer.clone()).await);
        assert!(!faults.is_empty(), "{answer:?}");
        for (spoilt, why) in faults {
            assert_eq!((spoilt, why.cause), (action, UnreadableCause::Malformed), "{answer:?}");
        }
    }
}
