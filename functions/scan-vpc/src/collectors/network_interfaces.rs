use std::collections::BTreeMap;

use audit_model::Unreadable;
use audit_task::listed;
use aws_sdk_ec2::types::{GroupIdentifier, NetworkInterface};

use super::{Ec2Vpcs, FILTER_VALUES, PAGE_SIZE, filter};

pub(super) const ACTION: &str = "ec2:DescribeNetworkInterfaces";

/// How many network interfaces each of these security groups is attached to.
///
/// The groups are asked for, and not their VPCs: a group may be associated with other VPCs and attached to interfaces
/// there. <https://docs.aws.amazon.com/vpc/latest/userguide/security-group-assoc.html>
///
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html>
pub(super) async fn network_interfaces(
    ec2: &Ec2Vpcs,
    group_ids: &[String],
) -> Result<BTreeMap<String, u64>, Unreadable> {
    let mut counts = BTreeMap::new();
    for group_ids in group_ids.chunks(FILTER_VALUES) {
        let mut counted: BTreeMap<String, u64> = group_ids.iter().map(|id| (id.clone(), 0)).collect();
        let page = |token: Option<String>| {
            let call = ec2.client.describe_network_interfaces().filters(filter("group-id", group_ids));
            let call = call.max_results(PAGE_SIZE).set_next_token(token).send();
            async { call.await.map(|page| (page.network_interfaces, page.next_token)) }
        };
        let read = |interface: NetworkInterface| {
            let id = |group: GroupIdentifier| group.group_id;
            let groups = interface.groups.map(|groups| groups.into_iter().map(id).collect::<Option<Vec<String>>>());
            (interface.network_interface_id, groups.flatten())
        };
        for groups in listed(ACTION, &ec2.budget, page, read).await?.into_values() {
            for id in groups.ok_or_else(|| {
                Unreadable::malformed(ACTION, "an interface lacks its security groups, or one of these its id")
            })? {
                if let Some(count) = counted.get_mut(&id) {
                    *count += 1;
                }
            }
        }
        counts.append(&mut counted);
    }
    Ok(counts)
}
