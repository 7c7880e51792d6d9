//! Amazon EC2: VPCs and what hangs on them, as `Describe…` calls list them, page by page.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Operations.html>

use std::ops::Range;

use super::{Call, Dialect};
use crate::account::{ACCOUNT, Account, REGION, choice, part, part_id, vpc_id};
use crate::http::{Answer, value};

const SUBNETS: u64 = 4;
const ACLS: u64 = 2;
const TABLES: u64 = 2;
const ENDPOINTS: u64 = 2;

/// The id of a VPC's subnet.
pub(super) fn subnet_id(vpc: u64, nth: u64) -> String {
    part_id("subnet", vpc, nth % SUBNETS)
}

pub(super) fn answer(account: &Account, form: &[(String, String)]) -> (Call, Answer) {
    let action = value(form, "Action").unwrap_or_default();
    let asked = Asked { account, form };
    let listed = match action {
        "DescribeVpcs" => asked.page(action, "vpcSet", asked.vpcs("vpc-id"), 1, |vpc, _| described_vpc(vpc)),
        "DescribeFlowLogs" => {
            let vpcs = asked.vpcs("resource-id").into_iter().filter(|vpc| choice("flow-log", *vpc, 4) > 0);
            asked.page(action, "flowLogSet", vpcs, 1, |vpc, _| flow_log(vpc))
        }
        "DescribeSecurityGroups" => {
            let vpcs = asked.vpcs("vpc-id");
            asked.page(action, "securityGroupInfo", vpcs, account.groups, |vpc, nth| group(account, vpc, nth))
        }
        "DescribeNetworkInterfaces" => asked.interfaces(action),
        "DescribeNetworkAcls" => asked.page(action, "networkAclSet", asked.vpcs("vpc-id"), ACLS, acl),
        "DescribeSubnets" => asked.page(action, "subnetSet", asked.vpcs("vpc-id"), SUBNETS, subnet),
        "DescribeRouteTables" if asked.values("route.vpc-peering-connection-id").is_some() => {
            asked.page(action, "routeTableSet", 0..0, TABLES, route_table)
        }
        "DescribeRouteTables" => asked.page(action, "routeTableSet", asked.vpcs("vpc-id"), TABLES, route_table),
        "DescribeVpcEndpoints" => asked.page(action, "vpcEndpointSet", asked.vpcs("vpc-id"), ENDPOINTS, endpoint),
        "DescribeVpcEndpointServices" => xml(action, &services(&asked.values("service-name").unwrap_or_default())),
        "DescribeVpcEndpointServiceConfigurations" => xml(action, "<serviceConfigurationSet/>"),
        "DescribeVpcPeeringConnections" => xml(action, "<vpcPeeringConnectionSet/>"),
        "DescribeAddresses" => xml(action, "<addressesSet/>"),
        "DescribeLaunchTemplateVersions" => xml(action, "<launchTemplateVersionSet/>"),
        "DescribeVpnConnections" => xml(action, "<vpnConnectionSet/>"),
        "DescribeClientVpnEndpoints" => xml(action, "<clientVpnEndpoint/>"),
        "DescribeTransitGateways" => xml(action, "<transitGatewaySet/>"),
        "DescribeVpcBlockPublicAccessOptions" => xml(
            action,
            &format!(
                "<vpcBlockPublicAccessOptions><awsAccountId>{ACCOUNT}</awsAccountId><awsRegion>{REGION}</awsRegion>\
                 <state>default-state</state><internetGatewayBlockMode>off</internetGatewayBlockMode>\
                 </vpcBlockPublicAccessOptions>"
            ),
        ),
        "DescribeRegions" => xml(action, &format!("<regionInfo>{}</regionInfo>", regions(account))),
        _ => Dialect::Ec2.unknown(),
    };
    // Without what makes two attempts of one request differ, and without what is the same in all.
    let target: String = form
        .iter()
        .filter(|(name, _)| name.starts_with("Filter") || name == "NextToken")
        .map(|(name, value)| format!("{name}={value} "))
        .collect();
    (Call { api: format!("ec2:{action}"), target, dialect: Dialect::Ec2, of_the_account: true }, listed)
}

fn regions(account: &Account) -> String {
    let item = |region: &str| {
        format!(
            "<item><regionName>{region}</regionName><regionEndpoint>ec2.{region}.amazonaws.com</regionEndpoint>\
             <optInStatus>opt-in-not-required</optInStatus></item>"
        )
    };
    account.regions().map(item).collect()
}

fn xml(action: &str, body: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{action}Response \
         xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>{body}</{action}Response>"
    );
    Answer::new(200, "text/xml", body)
}

/// What a call asks for.
struct Asked<'a> {
    account: &'a Account,
    form: &'a [(String, String)],
}

impl Asked<'_> {
    /// The values of a filter, if the call has it.
    fn values(&self, filter: &str) -> Option<Vec<&str>> {
        let (name, _) = self.form.iter().find(|(name, value)| name.ends_with(".Name") && value == filter)?;
        let prefix = format!("{}.Value.", name.trim_end_matches(".Name"));
        Some(self.form.iter().filter(|(name, _)| name.starts_with(&prefix)).map(|(_, value)| value.as_str()).collect())
    }

    /// The VPCs that a filter names, or all.
    fn vpcs(&self, filter: &str) -> Vec<u64> {
        let count = self.account.vpcs;
        let named = self.values(filter).map(|ids| {
            let number = |id: &str| u64::from_str_radix(id.strip_prefix("vpc-")?, 16).ok();
            ids.into_iter().filter_map(number).filter(|vpc| *vpc < count).collect::<Vec<_>>()
        });
        named.unwrap_or_else(|| (0..count).collect())
    }

    /// A page of what the VPCs have `each` of.
    fn page(
        &self,
        action: &str,
        list: &str,
        vpcs: impl IntoIterator<Item = u64>,
        each: u64,
        item: impl Fn(u64, u64) -> String,
    ) -> Answer {
        let vpcs: Vec<u64> = vpcs.into_iter().collect();
        let Range { start, end } = self.range(vpcs.len() as u64 * each);
        let mut items = String::new();
        for number in start..end {
            // The quotient is below the number of VPCs.
            let vpc = vpcs.get((number / each) as usize).copied().unwrap_or_default();
            items.push_str("<item>");
            items.push_str(&item(vpc, number % each));
            items.push_str("</item>");
        }
        self.listed(action, list, &items, end, vpcs.len() as u64 * each)
    }

    fn listed(&self, action: &str, list: &str, items: &str, end: u64, all: u64) -> Answer {
        let token = if end < all { format!("<nextToken>{end}</nextToken>") } else { String::new() };
        xml(action, &format!("<{list}>{items}</{list}>{token}"))
    }

    fn range(&self, all: u64) -> Range<u64> {
        let start = value(self.form, "NextToken").and_then(|token| token.parse().ok()).unwrap_or(0);
        let most = value(self.form, "MaxResults").and_then(|most| most.parse().ok()).unwrap_or(1_000);
        start..all.min(start + most)
    }

    /// Two in three of the groups that are named, or of all, are attached to an interface.
    fn interfaces(&self, action: &str) -> Answer {
        let groups = self.values("group-id").map_or_else(
            || {
                (0..self.account.vpcs)
                    .flat_map(|vpc| (0..self.account.groups).map(move |nth| part_id("sg", vpc, nth)))
                    .collect()
            },
            |named| named.into_iter().map(str::to_owned).collect::<Vec<String>>(),
        );
        let used: Vec<String> = groups
            .into_iter()
            .filter(|id| part(id).is_some_and(|(vpc, nth)| choice("used", (vpc << 20) | nth, 3) > 0))
            .collect();
        let Range { start, end } = self.range(used.len() as u64);
        let items: String = used[start as usize..end as usize]
            .iter()
            .map(|id| {
                format!(
                    "<item><networkInterfaceId>eni-{}</networkInterfaceId><ownerId>{ACCOUNT}</ownerId><status>in-use\
                     </status><interfaceType>interface</interfaceType><sourceDestCheck>true</sourceDestCheck>\
                     <groupSet><item><groupId>{id}</groupId></item></groupSet></item>",
                    &id[3..]
                )
            })
            .collect();
        self.listed(action, "networkInterfaceSet", &items, end, used.len() as u64)
    }
}

fn tags(kind: &str, number: u64) -> String {
    let tag = |key: &str, value: &str| format!("<item><key>{key}</key><value>{value}</value></item>");
    let owner = if choice(kind, number, 4) > 0 { tag("Owner", "network") } else { String::new() };
    format!("<tagSet>{}{owner}</tagSet>", tag("Name", &format!("{kind}-{number}")))
}

fn described_vpc(vpc: u64) -> String {
    format!(
        "<vpcId>{}</vpcId><ownerId>{ACCOUNT}</ownerId><state>available</state><cidrBlock>10.0.0.0/16</cidrBlock>\
         <isDefault>false</isDefault>{}",
        vpc_id(vpc),
        tags("vpc", vpc)
    )
}

fn flow_log(vpc: u64) -> String {
    format!(
        "<flowLogId>{}</flowLogId><resourceId>{}</resourceId><trafficType>{}</trafficType><flowLogStatus>ACTIVE\
         </flowLogStatus><deliverLogsStatus>SUCCESS</deliverLogsStatus>",
        part_id("fl", vpc, 0),
        vpc_id(vpc),
        if choice("traffic", vpc, 5) == 0 { "ACCEPT" } else { "ALL" }
    )
}

/// The first group of a VPC is its default one.
fn group(account: &Account, vpc: u64, nth: u64) -> String {
    let id = part_id("sg", vpc, nth);
    let name = if nth == 0 { "default".to_owned() } else { format!("group-{vpc}-{nth}") };
    let dice = |what: &str, of: u64| choice(what, (vpc << 20) | nth, of);
    let rules: String = (0..account.rules)
        .map(|rule| {
            let (port, range) = match (rule, dice("opens", 20)) {
                (0, 0) => (22, "0.0.0.0/0".to_owned()),
                (0, 1) => (3389, "0.0.0.0/0".to_owned()),
                (0, 2..6) => (443, "0.0.0.0/0".to_owned()),
                _ => (1_024 + rule, format!("10.{}.{}.0/24", rule / 256, rule % 256)),
            };
            format!(
                "<item><ipProtocol>tcp</ipProtocol><fromPort>{port}</fromPort><toPort>{port}</toPort><groups/>\
                 <ipRanges><item><cidrIp>{range}</cidrIp></item></ipRanges><ipv6Ranges/><prefixListIds/></item>"
            )
        })
        .collect();
    let is_closed = nth == 0 && dice("closed", 2) == 0;
    format!(
        "<ownerId>{ACCOUNT}</ownerId><groupId>{id}</groupId><groupName>{name}</groupName><groupDescription>-\
         </groupDescription><vpcId>{}</vpcId><ipPermissions>{}</ipPermissions><ipPermissionsEgress/>{}",
        vpc_id(vpc),
        if is_closed { "" } else { &rules },
        tags("group", (vpc << 20) | nth)
    )
}

fn acl(vpc: u64, nth: u64) -> String {
    let entry = |number: u32, action: &str, protocol: &str, range: &str, ports: &str| {
        format!(
            "<item><ruleNumber>{number}</ruleNumber><protocol>{protocol}</protocol><ruleAction>{action}</ruleAction>\
             <egress>false</egress><cidrBlock>{range}</cidrBlock>{ports}</item>"
        )
    };
    let ports = "<portRange><from>443</from><to>443</to></portRange>";
    let entries = if nth == 0 {
        entry(100, "allow", "-1", "0.0.0.0/0", "")
    } else {
        entry(100, "allow", "6", "10.0.0.0/8", ports)
    };
    let associations = if nth == 0 || choice("acl", vpc, 2) == 0 {
        format!("<item><subnetId>{}</subnetId></item>", subnet_id(vpc, nth))
    } else {
        String::new()
    };
    format!(
        "<networkAclId>{}</networkAclId><ownerId>{ACCOUNT}</ownerId><vpcId>{}</vpcId><default>{}</default><entrySet>\
         {entries}{}</entrySet><associationSet>{associations}</associationSet>{}",
        part_id("acl", vpc, nth),
        vpc_id(vpc),
        nth == 0,
        entry(32_767, "deny", "-1", "0.0.0.0/0", ""),
        tags("acl", vpc * ACLS + nth)
    )
}

fn subnet(vpc: u64, nth: u64) -> String {
    let zone = if choice("zones", vpc, 5) == 0 { 0 } else { nth % 2 };
    format!(
        "<subnetId>{}</subnetId><ownerId>{ACCOUNT}</ownerId><vpcId>{}</vpcId><cidrBlock>10.0.{nth}.0/24</cidrBlock>\
         <availabilityZone>{REGION}{}</availabilityZone><mapPublicIpOnLaunch>{}</mapPublicIpOnLaunch>\
         <assignIpv6AddressOnCreation>false</assignIpv6AddressOnCreation>{}",
        subnet_id(vpc, nth),
        vpc_id(vpc),
        ["a", "b"][zone as usize],
        nth == 0 && choice("public", vpc, 3) == 0,
        tags("subnet", vpc * SUBNETS + nth)
    )
}

/// The first table is the main one; the second leads to the internet from the first subnet.
fn route_table(vpc: u64, nth: u64) -> String {
    let local = "<item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId></item>";
    let (association, internet) = if nth == 0 {
        ("<main>true</main>".to_owned(), String::new())
    } else {
        (
            format!("<main>false</main><subnetId>{}</subnetId>", subnet_id(vpc, 0)),
            format!(
                "<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><gatewayId>{}</gatewayId></item>",
                part_id("igw", vpc, 0)
            ),
        )
    };
    format!(
        "<routeTableId>{}</routeTableId><ownerId>{ACCOUNT}</ownerId><vpcId>{}</vpcId><routeSet>{local}{internet}\
         </routeSet><associationSet><item>{association}</item></associationSet>",
        part_id("rtb", vpc, nth),
        vpc_id(vpc)
    )
}

/// All services take policies of their endpoints.
fn services(names: &[&str]) -> String {
    let details: String = names
        .iter()
        .map(|name| {
            let kind = if name.ends_with(".s3") { "Gateway" } else { "Interface" };
            format!(
                "<item><serviceName>{name}</serviceName><serviceId>vpce-svc-{name}</serviceId><serviceType><item>\
                 <serviceType>{kind}</serviceType></item></serviceType><owner>amazon</owner>\
                 <vpcEndpointPolicySupported>true</vpcEndpointPolicySupported></item>"
            )
        })
        .collect();
    format!("<serviceDetailSet>{details}</serviceDetailSet>")
}

fn endpoint(vpc: u64, nth: u64) -> String {
    let (service, kind, subnets) = if nth == 0 {
        ("s3", "Gateway", String::new())
    } else {
        let subnets = (0..2).map(|nth| format!("<item>{}</item>", subnet_id(vpc, nth))).collect();
        (if choice("endpoint", vpc, 3) == 0 { "sns" } else { "ec2" }, "Interface", subnets)
    };
    format!(
        "<vpcEndpointId>{}</vpcEndpointId><vpcEndpointType>{kind}</vpcEndpointType><ownerId>{ACCOUNT}</ownerId>\
         <vpcId>{}</vpcId><serviceName>com.amazonaws.{REGION}.{service}</serviceName><state>available</state>\
         <policyDocument>{{\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\
         \"Resource\":\"*\"}}]}}</policyDocument><subnetIdSet>{subnets}</subnetIdSet>{}",
        part_id("vpce", vpc, nth),
        vpc_id(vpc),
        tags("endpoint", vpc * ENDPOINTS + nth)
    )
}
