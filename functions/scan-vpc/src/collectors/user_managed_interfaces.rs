use audit_model::resource::NetworkInterface;
use audit_model::{Reading, Unreadable};
use audit_task::listed;
use aws_sdk_ec2::types;

use super::network_interfaces::ACTION;
use super::{Ec2Vpcs, PAGE_SIZE, filter, tags};

/// The types of network interface that AWS counts as managed by users.
/// <https://docs.aws.amazon.com/config/latest/developerguide/ec2-enis-source-destination-check-enabled.html>
const TYPES: [&str; 6] = ["aws_codestar_connections_managed", "branch", "efa", "interface", "lambda", "quicksight"];

/// The account's network interfaces of these types in the region, in shared VPCs, too. Those of other accounts in its
/// VPCs are theirs.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html>
pub(super) async fn user_managed_interfaces(ec2: &Ec2Vpcs) -> Result<Vec<NetworkInterface>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_network_interfaces();
        let call = call.filters(filter("interface-type", &TYPES.map(str::to_owned)));
        let call = call.filters(filter("owner-id", std::slice::from_ref(&ec2.account)));
        let call = call.max_results(PAGE_SIZE).set_next_token(token).send();
        async { call.await.map(|page| (page.network_interfaces, page.next_token)) }
    };
    let read = |interface: types::NetworkInterface| {
        let id = interface.network_interface_id.clone();
        let interface = id.as_deref().and_then(|id| network_interface(ec2, id, interface));
        (id, interface)
    };
    let interfaces = listed(ACTION, &ec2.budget, page, read).await?.into_values();
    let lacking = || Unreadable::malformed(ACTION, "an interface lacks its source/destination check, or part of a tag");
    interfaces.collect::<Option<_>>().ok_or_else(lacking)
}

fn network_interface(ec2: &Ec2Vpcs, id: &str, interface: types::NetworkInterface) -> Option<NetworkInterface> {
    let tags = tags::tags(interface.tag_set)?;
    Some(NetworkInterface {
        identity: ec2.identity("network-interface", id, None, tags::name(&tags, id)),
        id: id.to_owned(),
        tags: Reading::seen(tags),
        checks_source_and_destination: interface.source_dest_check?,
    })
}
