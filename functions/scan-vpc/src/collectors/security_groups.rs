use std::collections::{BTreeMap, BTreeSet};

use audit_model::resource::{IpPermission, PrefixList, SecurityGroup};
use audit_model::{Reading, Unreadable};
use audit_rules::Needed;
use audit_task::listed;
use aws_sdk_ec2::types;
use ipnet::IpNet;

use super::network_interfaces::{self, network_interfaces};
use super::per_vpc::PerVpc;
use super::{Ec2Vpcs, filter, prefix_lists, tags};

pub(super) const ACTION: &str = "ec2:DescribeSecurityGroups";

/// Groups on a page, half of the most that EC2 gives: with 60 rules each, a page of 1,000 takes 55 MB while it is read.
const PAGE_SIZE: i32 = 500;

/// What EC2 lists, by the group's id: the id of its VPC, and the group, of which prefix lists and network interfaces are not told
/// yet; `None` where it lacks what EC2 always says.
type Groups = BTreeMap<String, (Option<String>, Option<SecurityGroup>)>;

/// The ranges of each prefix list, by its id.
type Entries = BTreeMap<String, Reading<Vec<IpNet>>>;

/// How many network interfaces each group is attached to, by its id.
type Interfaces = Result<BTreeMap<String, u64>, Unreadable>;

/// The security groups of these VPCs, with the ranges of the prefix lists that they refer to and the network
/// interfaces that they are attached to.
pub(super) async fn security_groups(
    ec2: &Ec2Vpcs,
    vpc_ids: &[String],
    needed: &Needed,
) -> Result<PerVpc<SecurityGroup>, Unreadable> {
    let groups = describe(ec2, vpc_ids).await?;
    let group_ids: Vec<String> = groups.keys().cloned().collect();
    let (entries, interfaces) = futures::join!(
        entries_of_prefix_lists(ec2, &groups, needed),
        needed.call(network_interfaces::ACTION, network_interfaces(ec2, &group_ids)),
    );
    let told = |group: SecurityGroup| told(group, &entries, &interfaces);
    PerVpc::new(ACTION, "a security group", groups.into_values().map(|(vpc_id, group)| (vpc_id, group.and_then(told))))
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html>
async fn describe(ec2: &Ec2Vpcs, vpc_ids: &[String]) -> Result<Groups, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_security_groups().filters(filter("vpc-id", vpc_ids)).max_results(PAGE_SIZE);
        let call = call.set_next_token(token).send();
        async { call.await.map(|page| (page.security_groups, page.next_token)) }
    };
    // Page by page, for what EC2 answers takes twice the room of what is kept of it.
    let read =
        |group: types::SecurityGroup| (group.group_id.clone(), (group.vpc_id.clone(), security_group(ec2, group)));
    listed(ACTION, &ec2.budget, page, read).await
}

/// Each prefix list that these groups refer to is read once.
async fn entries_of_prefix_lists(ec2: &Ec2Vpcs, groups: &Groups, needed: &Needed) -> Entries {
    let mut entries = Entries::new();
    for id in referred_prefix_lists(groups) {
        let read = needed.read(prefix_lists::ACTION, prefix_lists::entries(ec2, &id)).await;
        entries.insert(id, read);
    }
    entries
}

fn referred_prefix_lists(groups: &Groups) -> BTreeSet<String> {
    let groups = groups.values().filter_map(|(_, group)| group.as_ref());
    let permissions = groups.flat_map(|group| group.ingress.iter().chain(&group.egress));
    permissions.flat_map(|permission| &permission.prefix_lists).map(|list| list.id.clone()).collect()
}

fn security_group(ec2: &Ec2Vpcs, group: types::SecurityGroup) -> Option<SecurityGroup> {
    let permissions = |listed: Option<Vec<types::IpPermission>>| all(Some(listed?), permission);
    let id = group.group_id?;
    Some(SecurityGroup {
        identity: ec2.identity("security-group", &id, group.owner_id.as_deref(), &group.group_name?),
        network_interfaces: not_told(network_interfaces::ACTION),
        id,
        vpc_id: group.vpc_id?,
        tags: Reading::seen(tags::tags(group.tags)?),
        ingress: permissions(group.ip_permissions)?,
        egress: permissions(group.ip_permissions_egress)?,
    })
}

/// The group with what was asked for beside it.
fn told(mut group: SecurityGroup, entries: &Entries, interfaces: &Interfaces) -> Option<SecurityGroup> {
    for list in group.ingress.iter_mut().chain(&mut group.egress).flat_map(|it| &mut it.prefix_lists) {
        list.entries = entries.get(&list.id)?.clone();
    }
    group.network_interfaces = match interfaces {
        Ok(counts) => Reading::seen(*counts.get(&group.id)?),
        Err(why) => Reading::Unreadable(why.clone()),
    };
    Some(group)
}

/// What stands in until it is told; it is no value.
fn not_told<T>(action: &str) -> Reading<T> {
    Reading::Unreadable(Unreadable::malformed(action, "it was not told"))
}

/// EC2 takes no permission that lets nobody in, so that one without a source was not answered whole: taken as it
/// stands, it would be a rule that opens nothing.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html>
fn permission(permission: types::IpPermission) -> Option<IpPermission> {
    let prefix_list = |list: types::PrefixListId| {
        Some(PrefixList { id: list.prefix_list_id?, entries: not_told(prefix_lists::ACTION) })
    };
    let mut ranges: Vec<IpNet> = all(permission.ip_ranges, |range| range.cidr_ip?.parse().ok())?;
    let ipv6: Vec<IpNet> = all(permission.ipv6_ranges, |range| range.cidr_ipv6?.parse().ok())?;
    ranges.extend(ipv6);
    let read = IpPermission {
        protocol: permission.ip_protocol?,
        from_port: permission.from_port,
        to_port: permission.to_port,
        ranges,
        prefix_lists: all(permission.prefix_list_ids, prefix_list)?,
        security_groups: all(permission.user_id_group_pairs, |pair| pair.group_id)?,
    };
    let sources = read.ranges.len() + read.prefix_lists.len() + read.security_groups.len();
    (sources > 0).then_some(read)
}

/// Every one of a list converted, or `None` when one of them cannot be. What is kept takes room of its own: the list's is
/// several times as much, and is needed again for the next page.
fn all<T, U>(listed: Option<Vec<T>>, convert: impl Fn(T) -> Option<U>) -> Option<Vec<U>> {
    let listed = listed.unwrap_or_default();
    let mut all = Vec::with_capacity(listed.len());
    for one in listed {
        all.push(convert(one)?);
    }
    Some(all)
}
