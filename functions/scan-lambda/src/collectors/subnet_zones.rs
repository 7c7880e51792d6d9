use std::collections::BTreeMap;
use std::num::NonZeroU32;

use audit_model::{Unreadable, UnreadableCause};
use audit_task::{Budget, listed};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::Subnet;
use tokio::sync::OnceCell;

pub(super) const ACTION: &str = "ec2:DescribeSubnets";

/// Requests of `DescribeSubnets` a second that all scanners of an account's functions make together. EC2 grants 20
/// paginated calls that describe a second, of which the scanners of VPCs take 10; together that is two thirds. Each shard
/// of functions needs one.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>
pub const DESCRIBE_SUBNETS_PER_SECOND: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// Subnets on a page, the most that EC2 gives.
const PAGE_SIZE: i32 = 1_000;

/// The Availability Zone of each of the region's subnets by the subnet's id, read once for a shard, and only if one of
/// its functions is attached to a VPC. It does not outlive the shard: an answer of an earlier scan tells nothing of
/// this one.
#[derive(Debug, Default)]
pub(super) struct SubnetZones {
    zones: OnceCell<Result<BTreeMap<String, String>, Unreadable>>,
}

impl SubnetZones {
    /// The zones of these subnets, each once.
    ///
    /// # Errors
    /// The subnets could not be listed, or one of these is not among them.
    pub(super) async fn of(
        &self,
        client: &Client,
        budget: &Budget,
        subnet_ids: &[String],
    ) -> Result<Vec<String>, Unreadable> {
        let zones = self.zones.get_or_init(|| read(client, budget)).await.as_ref().map_err(Clone::clone)?;
        let zone = |id: &String| {
            zones.get(id).cloned().ok_or_else(|| Unreadable {
                action: ACTION.to_owned(),
                cause: UnreadableCause::Gone,
                detail: format!("{id} is not among the region's subnets"),
            })
        };
        let mut found = subnet_ids.iter().map(zone).collect::<Result<Vec<_>, _>>()?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>
async fn read(client: &Client, budget: &Budget) -> Result<BTreeMap<String, String>, Unreadable> {
    let page = |token: Option<String>| {
        let call = client.describe_subnets().max_results(PAGE_SIZE).set_next_token(token).send();
        async { call.await.map(|page| (page.subnets, page.next_token)) }
    };
    let zones = listed(ACTION, budget, page, |subnet: Subnet| (subnet.subnet_id, subnet.availability_zone)).await?;
    let lacking = || Unreadable::malformed(ACTION, "a subnet lacks its Availability Zone");
    zones.into_iter().map(|(id, zone)| Ok((id, zone.ok_or_else(lacking)?))).collect()
}
