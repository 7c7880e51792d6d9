//! What is read of networks, and how. Types of the AWS SDK stop here.
//!
//! Each call asks for all VPCs of a shard at once, page by page. A call that fails on any page is unreadable for all
//! of them: what the missing pages hold may concern each.

mod account;
mod client_vpn_endpoints;
mod elastic_ips;
mod endpoint_services;
mod flow_logs;
mod launch_templates;
mod network_acls;
mod network_interfaces;
mod peering_connections;
mod per_vpc;
mod policy_support;
mod prefix_lists;
mod route_tables;
mod security_groups;
mod subnets;
mod tags;
#[cfg(test)]
mod tests;
mod transit_gateways;
mod user_managed_interfaces;
mod vpc_endpoints;
mod vpcs;
mod vpn_connections;

use std::num::NonZeroU32;

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_model::resource::{NetworkAccount, Vpc};
use audit_rules::Needed;
use aws_sdk_ec2::types::Filter;

pub use vpcs::Ec2Vpcs;

/// Requests a second that all scanners of an account's VPCs make together: half of the rate at which EC2 refills the
/// bucket of request tokens for filtered or paginated calls that describe, 20 a second.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>
pub const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Entries on a page, the most that EC2 gives in the calls that have no smaller limit of their own.
const PAGE_SIZE: i32 = 1_000;

/// Values in a filter, the most that EC2 takes.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>
const FILTER_VALUES: usize = 200;

/// Reads what is `needed` of VPCs, and of what an account has of its own beside them.
#[async_trait]
pub trait VpcCollector: Send + Sync {
    /// What the account has of its own in the region's network, outside of any VPC.
    async fn account(&self, needed: &Needed) -> NetworkAccount;

    /// All that the rules need to know of these VPCs and what hangs on them, in this order, without those that have
    /// gone since they were listed.
    async fn vpcs(&self, targets: &[Target], needed: &Needed) -> Vec<Vpc>;
}

/// Asks for what belongs to one of these ids. Asked for ids directly, EC2 refuses them all when one has gone.
fn filter(name: &str, ids: &[String]) -> Filter {
    Filter::builder().name(name).set_values(Some(ids.to_vec())).build()
}
