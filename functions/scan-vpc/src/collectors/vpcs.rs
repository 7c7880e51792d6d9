use std::collections::BTreeMap;

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_model::resource::{Identity, NetworkAccount, Vpc};
use audit_model::{Reading, Tags, Unreadable};
use audit_rules::Needed;
use audit_task::{Budget, listed};
use aws_sdk_ec2::{Client, types};
use shard_scan::in_time;

use super::account::network_account;
use super::flow_logs::{self, flow_logs};
use super::network_acls::{self, network_acls};
use super::per_vpc::PerVpc;
use super::route_tables::{self, route_tables};
use super::security_groups::{self, security_groups};
use super::subnets::{self, subnets};
use super::vpc_endpoints::{self, vpc_endpoints};
use super::{PAGE_SIZE, VpcCollector, filter, tags};

const ACTION: &str = "ec2:DescribeVpcs";

/// The VPCs of an account in one region.
#[derive(Debug)]
pub struct Ec2Vpcs {
    /// The client.
    pub client: Client,
    /// The 12 digits of the account.
    pub account: String,
    /// The client's region.
    pub region: String,
    /// For all requests.
    pub budget: Budget,
}

#[async_trait]
impl VpcCollector for Ec2Vpcs {
    async fn account(&self, needed: &Needed) -> NetworkAccount {
        in_time(Box::pin(network_account(self, needed))).await
    }

    async fn vpcs(&self, targets: &[Target], needed: &Needed) -> Vec<Vpc> {
        // A filter without values would ask for nothing in particular.
        if targets.is_empty() {
            return Vec::new();
        }
        // On the heap, for it holds all calls at once.
        in_time(Box::pin(self.read(targets, needed))).await
    }
}

impl Ec2Vpcs {
    async fn read(&self, targets: &[Target], needed: &Needed) -> Vec<Vpc> {
        let ids: Vec<String> = targets.iter().map(|target| target.id.clone()).collect();
        let subnets_and_endpoints = async {
            let subnets = needed.call(subnets::ACTION, subnets(self, &ids)).await;
            let endpoints = needed.call(vpc_endpoints::ACTION, vpc_endpoints(self, &ids, &subnets, needed)).await;
            (subnets, endpoints)
        };
        let (mut flow_logs, mut groups, mut acls, (mut subnets, mut endpoints), mut tables) = futures::join!(
            needed.call(flow_logs::ACTION, flow_logs(self, &ids)),
            needed.call(security_groups::ACTION, security_groups(self, &ids, needed)),
            needed.call(network_acls::ACTION, network_acls(self, &ids)),
            subnets_and_endpoints,
            needed.call(route_tables::ACTION, route_tables(self, &ids)),
        );
        // Asked last: of a VPC that is no more EC2 lists nothing, which looks like one in which there is nothing. One that
        // is still there was there all the time.
        let mut tags = self.tags(&ids).await;
        let vpc = |target: &Target| {
            let Target { id, owner, .. } = target.clone();
            let tags = match &mut tags {
                Ok(tags) => tags.remove(&id)?,
                // Nobody knows whether the VPC is still there; what depends on its tags says so.
                Err(why) => Reading::Unreadable(why.clone()),
            };
            let name = match &tags {
                Reading::Seen { value: tags } => tags::name(tags, &id),
                _ => &id,
            };
            Some(Vpc {
                identity: self.identity("vpc", &id, owner.as_deref(), name),
                audited_account: self.account.clone(),
                flow_logs: of(&mut flow_logs, &id),
                security_groups: of(&mut groups, &id),
                network_acls: of(&mut acls, &id),
                subnets: of(&mut subnets, &id),
                route_tables: of(&mut tables, &id),
                endpoints: of(&mut endpoints, &id),
                tags,
                id,
            })
        };
        targets.iter().filter_map(vpc).collect()
    }

    /// The tags of the VPCs that are there.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html>
    async fn tags(&self, vpc_ids: &[String]) -> Result<BTreeMap<String, Reading<Tags>>, Unreadable> {
        let page = |token: Option<String>| {
            let call = self.client.describe_vpcs().filters(filter("vpc-id", vpc_ids)).max_results(PAGE_SIZE);
            let call = call.set_next_token(token).send();
            async { call.await.map(|page| (page.vpcs, page.next_token)) }
        };
        let lacking = || Reading::Unreadable(Unreadable::malformed(ACTION, "a tag lacks its key or value"));
        let read = |vpc: types::Vpc| (vpc.vpc_id, tags::tags(vpc.tags).map_or_else(lacking, Reading::seen));
        listed(ACTION, &self.budget, page, read).await
    }

    /// What names a resource of EC2. Where AWS tells no owner it is the account's; in a shared VPC it may be another's.
    pub(super) fn identity(&self, kind: &str, id: &str, owner: Option<&str>, name: &str) -> Identity {
        let account = owner.unwrap_or(&self.account);
        Identity {
            name: name.to_owned(),
            arn: format!("arn:aws:ec2:{}:{account}:{kind}/{id}", self.region),
            account: account.to_owned(),
            region: self.region.clone(),
        }
    }
}

/// What one call listed of a VPC, or why the call failed.
fn of<T>(listed: &mut Result<PerVpc<T>, Unreadable>, vpc_id: &str) -> Reading<Vec<T>> {
    match listed {
        Ok(listed) => listed.take(vpc_id),
        Err(why) => Reading::Unreadable(why.clone()),
    }
}
