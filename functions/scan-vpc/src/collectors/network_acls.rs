use audit_model::resource::{NetworkAcl, NetworkAclEntry};
use audit_model::{Reading, Unreadable};
use audit_task::listed;
use aws_sdk_ec2::types::{self, RuleAction};

use super::per_vpc::PerVpc;
use super::{Ec2Vpcs, PAGE_SIZE, filter, tags};

pub(super) const ACTION: &str = "ec2:DescribeNetworkAcls";

/// The network ACLs of these VPCs.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkAcls.html>
pub(super) async fn network_acls(ec2: &Ec2Vpcs, vpc_ids: &[String]) -> Result<PerVpc<NetworkAcl>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_network_acls().filters(filter("vpc-id", vpc_ids)).max_results(PAGE_SIZE);
        let call = call.set_next_token(token).send();
        async { call.await.map(|page| (page.network_acls, page.next_token)) }
    };
    let read = |acl: types::NetworkAcl| (acl.network_acl_id.clone(), (acl.vpc_id.clone(), network_acl(ec2, acl)));
    let listed = listed(ACTION, &ec2.budget, page, read).await?;
    PerVpc::new(ACTION, "a network ACL", listed.into_values())
}

fn network_acl(ec2: &Ec2Vpcs, acl: types::NetworkAcl) -> Option<NetworkAcl> {
    let id = acl.network_acl_id?;
    let tags = tags::tags(acl.tags)?;
    let mut ingress = Vec::new();
    for entry in acl.entries? {
        if !entry.egress? {
            ingress.push(network_acl_entry(entry)?);
        }
    }
    Some(NetworkAcl {
        identity: ec2.identity("network-acl", &id, acl.owner_id.as_deref(), tags::name(&tags, &id)),
        id,
        tags: Reading::seen(tags),
        is_default: acl.is_default?,
        subnets: acl.associations?.into_iter().map(|it| it.subnet_id).collect::<Option<_>>()?,
        ingress,
    })
}

/// Only TCP (6) and UDP (17) have ports, and must have them. What EC2 says of ports with any other protocol does not
/// count, and ICMP has types and codes instead.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html>
fn network_acl_entry(entry: types::NetworkAclEntry) -> Option<NetworkAclEntry> {
    let protocol = entry.protocol.filter(|protocol| protocol.parse::<i16>().is_ok())?;
    let ports = match protocol.as_str() {
        "6" | "17" => {
            let ports = entry.port_range?;
            Some((ports.from?, ports.to?))
        }
        _ => None,
    };
    let allow = match entry.rule_action? {
        RuleAction::Allow => true,
        RuleAction::Deny => false,
        _ => return None,
    };
    let range = entry.cidr_block.or(entry.ipv6_cidr_block)?;
    Some(NetworkAclEntry { number: entry.rule_number?, allow, protocol, ports, range })
}
