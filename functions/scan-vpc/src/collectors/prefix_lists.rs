use audit_model::{Reading, Unreadable};
use audit_task::listed;
use aws_sdk_ec2::types::PrefixListEntry;
use ipnet::IpNet;

use super::Ec2Vpcs;

pub(super) const ACTION: &str = "ec2:GetManagedPrefixListEntries";

/// Entries on a page, the most that EC2 gives.
const PAGE_SIZE: i32 = 100;

/// The ranges of a prefix list, the customer's own and AWS's alike.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetManagedPrefixListEntries.html>
pub(super) async fn entries(ec2: &Ec2Vpcs, prefix_list_id: &str) -> Reading<Vec<IpNet>> {
    read(ec2, prefix_list_id).await.map_or_else(Reading::Unreadable, Reading::seen)
}

async fn read(ec2: &Ec2Vpcs, prefix_list_id: &str) -> Result<Vec<IpNet>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.get_managed_prefix_list_entries().prefix_list_id(prefix_list_id);
        let call = call.max_results(PAGE_SIZE).set_next_token(token).send();
        async { call.await.map(|page| (page.entries, page.next_token)) }
    };
    // An entry is its range.
    let entries = listed(ACTION, &ec2.budget, page, |entry: PrefixListEntry| (entry.cidr, ())).await?;
    let malformed = |_| Unreadable::malformed(ACTION, "an entry is not in CIDR notation");
    entries.into_keys().map(|range| range.parse().map_err(malformed)).collect()
}
