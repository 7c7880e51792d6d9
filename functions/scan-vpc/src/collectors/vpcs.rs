use std::collections::BTreeMap;

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_model::resource::{Identity, Vpc};
use audit_model::{Reading, Tags, Unreadable};
use audit_task::{Budget, unreadable};
use aws_sdk_ec2::Client;

use super::flow_logs::flow_logs;
use super::per_vpc::PerVpc;
use super::security_groups::security_groups;
use super::{PAGE_SIZE, VpcCollector, filter, malformed, tags};

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
    async fn vpcs(&self, targets: &[Target]) -> Vec<Vpc> {
        let ids: Vec<String> = targets.iter().map(|target| target.id.clone()).collect();
        let (mut tags, mut flow_logs, mut groups) = futures::join!(
            self.tags(&ids),
            flow_logs(&self.client, &self.budget, &ids),
            security_groups(&self.client, &self.budget, &ids, |group, owner, name| {
                self.identity("security-group", group, owner.unwrap_or(&self.account), name)
            }),
        );
        let vpc = |id: String| {
            let tags = match &mut tags {
                Ok(tags) => tags.remove(&id)?,
                // Nobody knows whether the VPC is still there; what depends on its tags says so.
                Err(why) => Reading::Unreadable(why.clone()),
            };
            let name = match &tags {
                Reading::Seen { value: tags } => tags.get("Name").filter(|name| !name.is_empty()).unwrap_or(&id),
                _ => &id,
            };
            Some(Vpc {
                identity: self.identity("vpc", &id, &self.account, name),
                flow_logs: of(&mut flow_logs, &id),
                security_groups: of(&mut groups, &id),
                tags,
                id,
            })
        };
        ids.into_iter().filter_map(vpc).collect()
    }
}

impl Ec2Vpcs {
    /// The tags of the VPCs that are there.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html>
    async fn tags(&self, vpc_ids: &[String]) -> Result<BTreeMap<String, Reading<Tags>>, Unreadable> {
        let mut found = BTreeMap::new();
        let mut next_token = None;
        loop {
            self.budget.acquire().await;
            let request = self.client.describe_vpcs().filters(filter("vpc-id", vpc_ids)).max_results(PAGE_SIZE);
            let page = request.set_next_token(next_token).send().await.map_err(|error| unreadable(ACTION, &error))?;
            for vpc in page.vpcs.unwrap_or_default() {
                let id = vpc.vpc_id.ok_or_else(|| malformed(ACTION, "a VPC has no id"))?;
                let tags = tags::tags(vpc.tags).map_or_else(
                    || Reading::Unreadable(malformed(ACTION, "a tag lacks its key or value")),
                    Reading::seen,
                );
                found.insert(id, tags);
            }
            next_token = page.next_token.filter(|token| !token.is_empty());
            if next_token.is_none() {
                return Ok(found);
            }
        }
    }

    fn identity(&self, kind: &str, id: &str, account: &str, name: &str) -> Identity {
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
