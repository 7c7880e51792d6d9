use std::collections::BTreeMap;

use audit_model::resource::{Identity, IpPermission, PrefixList, SecurityGroup};
use audit_model::{Reading, Unreadable};
use audit_task::{Budget, unreadable};
use aws_sdk_ec2::{Client, types};

use super::per_vpc::PerVpc;
use super::{PAGE_SIZE, filter, malformed, prefix_lists, tags};

const ACTION: &str = "ec2:DescribeSecurityGroups";

/// The ranges of each prefix list, by its id.
type Entries = BTreeMap<String, Reading<Vec<String>>>;

/// The security groups of these VPCs, with the ranges of the prefix lists that they refer to. `identity` makes one of
/// a group's id, owner and name; in a shared VPC, groups may belong to another account.
pub(super) async fn security_groups(
    client: &Client,
    budget: &Budget,
    vpc_ids: &[String],
    identity: impl Fn(&str, Option<&str>, &str) -> Identity,
) -> Result<PerVpc<SecurityGroup>, Unreadable> {
    let groups = describe(client, budget, vpc_ids).await?;
    let mut entries = Entries::new();
    for id in groups.iter().flat_map(referred_prefix_lists) {
        if !entries.contains_key(id) {
            entries.insert(id.to_owned(), prefix_lists::entries(client, budget, id).await);
        }
    }
    let mut listed = PerVpc::new();
    for group in groups {
        let vpc_id = group.vpc_id.clone().ok_or_else(|| malformed(ACTION, "a security group belongs to no VPC"))?;
        let group = security_group(group, &entries, &identity).ok_or_else(|| {
            malformed(ACTION, "a security group of this VPC lacks its id or name, or part of a tag or permission")
        });
        listed.add(vpc_id, group);
    }
    Ok(listed)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html>
async fn describe(
    client: &Client,
    budget: &Budget,
    vpc_ids: &[String],
) -> Result<Vec<types::SecurityGroup>, Unreadable> {
    let mut groups = Vec::new();
    let mut next_token = None;
    loop {
        budget.acquire().await;
        let request = client.describe_security_groups().filters(filter("vpc-id", vpc_ids)).max_results(PAGE_SIZE);
        let page = request.set_next_token(next_token).send().await.map_err(|error| unreadable(ACTION, &error))?;
        groups.extend(page.security_groups.unwrap_or_default());
        next_token = page.next_token.filter(|token| !token.is_empty());
        if next_token.is_none() {
            return Ok(groups);
        }
    }
}

fn referred_prefix_lists(group: &types::SecurityGroup) -> impl Iterator<Item = &str> {
    let permissions = group.ip_permissions().iter().chain(group.ip_permissions_egress());
    permissions.flat_map(types::IpPermission::prefix_list_ids).filter_map(types::PrefixListId::prefix_list_id)
}

fn security_group(
    group: types::SecurityGroup,
    entries: &Entries,
    identity: impl Fn(&str, Option<&str>, &str) -> Identity,
) -> Option<SecurityGroup> {
    let permissions = |listed: Option<Vec<types::IpPermission>>| {
        listed.unwrap_or_default().into_iter().map(|it| permission(it, entries)).collect::<Option<Vec<_>>>()
    };
    let id = group.group_id?;
    Some(SecurityGroup {
        identity: identity(&id, group.owner_id.as_deref(), &group.group_name?),
        id,
        vpc_id: group.vpc_id?,
        tags: Reading::seen(tags::tags(group.tags)?),
        ingress: permissions(group.ip_permissions)?,
        egress: permissions(group.ip_permissions_egress)?,
    })
}

/// EC2 takes no permission that lets nobody in, so that one without a source was not answered whole: taken as it
/// stands, it would be a rule that opens nothing.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html>
fn permission(permission: types::IpPermission, entries: &Entries) -> Option<IpPermission> {
    let prefix_list = |list: types::PrefixListId| {
        let id = list.prefix_list_id?;
        let entries = entries.get(&id)?.clone();
        Some(PrefixList { id, entries })
    };
    let read = IpPermission {
        protocol: permission.ip_protocol?,
        from_port: permission.from_port,
        to_port: permission.to_port,
        ipv4_ranges: all(permission.ip_ranges, |range| range.cidr_ip)?,
        ipv6_ranges: all(permission.ipv6_ranges, |range| range.cidr_ipv6)?,
        prefix_lists: all(permission.prefix_list_ids, prefix_list)?,
        security_groups: all(permission.user_id_group_pairs, |pair| pair.group_id)?,
    };
    let sources =
        read.ipv4_ranges.len() + read.ipv6_ranges.len() + read.prefix_lists.len() + read.security_groups.len();
    (sources > 0).then_some(read)
}

/// Every one of a list converted, or `None` when one of them cannot be.
fn all<T, U>(listed: Option<Vec<T>>, convert: impl Fn(T) -> Option<U>) -> Option<Vec<U>> {
    listed.unwrap_or_default().into_iter().map(convert).collect()
}
