use async_trait::async_trait;
use audit_model::plan::{Target, TargetKind};
use audit_task::{TaskError, task_error};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::describe_vpcs::builders::DescribeVpcsFluentBuilder;

use super::{TargetLister, nameless, without_list};

const ACTION: &str = "ec2:DescribeVpcs";

/// VPCs on a page, the most that EC2 gives. Paginated calls have the larger request quota.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html>
const PAGE_SIZE: i32 = 1_000;

/// The VPCs of the account in its region: those that it owns, and those in which others share subnets with it. `DescribeVpcs`
/// lists both, with their owners.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html>
#[derive(Debug, Clone)]
pub struct Vpcs {
    /// The client.
    pub client: Client,
    /// The 12 digits of the account.
    pub account: String,
    /// The client's region.
    pub region: String,
}

#[async_trait]
impl TargetLister for Vpcs {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        self.described(self.client.describe_vpcs()).await
    }
}

impl Vpcs {
    /// What a call describes, page by page.
    pub(super) async fn described(&self, call: DescribeVpcsFluentBuilder) -> Result<Vec<Target>, TaskError> {
        let mut targets = Vec::new();
        let mut pages = call.into_paginator().page_size(PAGE_SIZE).send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| task_error(ACTION, &error))?;
            for vpc in page.vpcs.ok_or_else(|| without_list(ACTION))? {
                let id = vpc.vpc_id.ok_or_else(|| nameless(ACTION))?;
                let owner = vpc.owner_id.filter(|owner| *owner != self.account);
                targets.push(Target {
                    kind: TargetKind::Vpc,
                    id,
                    region: Some(self.region.clone()),
                    owner,
                    only: Vec::new(),
                });
            }
        }
        Ok(targets)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::listers::replay::{Answers, answers};

    pub(in crate::listers) fn ec2_answering(answers: &Answers) -> Vpcs {
        let config = aws_sdk_ec2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .http_client(answers.clone())
            .build();
        Vpcs { client: Client::from_conf(config), account: "111122223333".to_owned(), region: "us-east-1".to_owned() }
    }

    #[tokio::test]
    async fn every_page_is_read_and_shared_vpcs_name_their_owners() {
        let answers = answers(&[
            (
                200,
                "<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-2</vpcId><ownerId>111122223333</ownerId></item>\
                 <item><vpcId>vpc-9</vpcId><ownerId>444455556666</ownerId></item></vpcSet>\
                 <nextToken>more</nextToken></DescribeVpcsResponse>",
            ),
            (
                200,
                "<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId><ownerId>111122223333</ownerId></item>\
                 </vpcSet></DescribeVpcsResponse>",
            ),
        ]);
        let targets = ec2_answering(&answers).list().await.unwrap();
        let targets: Vec<_> = targets.iter().map(|target| (target.id.as_str(), target.owner.as_deref())).collect();
        assert_eq!(targets, [("vpc-2", None), ("vpc-9", Some("444455556666")), ("vpc-1", None)]);
        let second = answers.actual_requests().nth(1).unwrap();
        let body = String::from_utf8_lossy(second.body().bytes().unwrap());
        assert!(body.contains("NextToken=more"), "{body}");
    }

    #[tokio::test]
    async fn a_list_that_lacks_something_is_an_error() {
        let denied = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error>\
                      </Errors><RequestID>r</RequestID></Response>";
        let nameless = "<DescribeVpcsResponse><vpcSet><item></item></vpcSet></DescribeVpcsResponse>";
        let hollow = "<DescribeVpcsResponse></DescribeVpcsResponse>";
        for (given, name) in [((403, denied), "AccessDenied"), ((200, nameless), "Corrupt"), ((200, hollow), "Corrupt")]
        {
            let error = ec2_answering(&answers(&[given])).list().await.unwrap_err();
            assert_eq!(error.name(), name, "{given:?}");
            assert!(error.to_string().contains("ec2:DescribeVpcs"), "{error}");
        }
    }
}
