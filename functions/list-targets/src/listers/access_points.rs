use async_trait::async_trait;
use audit_model::plan::{Target, TargetKind};
use audit_task::{TaskError, task_error};
use aws_sdk_s3control::Client;

use super::{TargetLister, nameless, without_list};

const ACTION: &str = "s3:ListAccessPoints";

/// Access points on a page, the most that S3 Control gives.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListAccessPoints.html>
const PAGE_SIZE: i32 = 1_000;

/// The account's access points in its region that lead to buckets. S3 Control leaves out those of file systems unless
/// it is asked for them.
#[derive(Debug, Clone)]
pub struct AccessPoints {
    /// The client.
    pub client: Client,
    /// The 12 digits of the account.
    pub account: String,
    /// The client's region.
    pub region: String,
}

#[async_trait]
impl TargetLister for AccessPoints {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        let mut targets = Vec::new();
        let listing = self.client.list_access_points().account_id(&self.account);
        let mut pages = listing.into_paginator().page_size(PAGE_SIZE).send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| task_error(ACTION, &error))?;
            for access_point in page.access_point_list.ok_or_else(|| without_list(ACTION))? {
                // The SDK puts an empty name where the answer has none.
                if access_point.name.is_empty() {
                    return Err(nameless(ACTION));
                }
                targets.push(Target {
                    kind: TargetKind::AccessPoint,
                    id: access_point.name,
                    region: Some(self.region.clone()),
                    owner: None,
                    only: Vec::new(),
                });
            }
        }
        Ok(targets)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3control::config::{BehaviorVersion, Credentials, Region};
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::listers::replay::{Answers, answers};

    fn s3_control_answering(answers: &Answers) -> AccessPoints {
        let config = aws_sdk_s3control::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .http_client(answers.clone())
            .build();
        AccessPoints {
            client: Client::from_conf(config),
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }

    /// A page with one access point of this name, and the token of the next page.
    fn page(name: &str, token: &str) -> String {
        format!(
            "<ListAccessPointsResult><AccessPointList><AccessPoint>{name}<NetworkOrigin>Internet</NetworkOrigin>\
             <Bucket>ledger</Bucket></AccessPoint></AccessPointList>{token}</ListAccessPointsResult>"
        )
    }

    #[tokio::test]
    async fn every_page_is_read() {
        let first = page("<Name>reporting</Name>", "<NextToken>more</NextToken>");
        let second = page("<Name>audit</Name>", "");
        let answers = answers(&[(200, &first), (200, &second)]);
        let target = |id: &str| Target {
            kind: TargetKind::AccessPoint,
            id: id.to_owned(),
            region: Some("us-east-1".to_owned()),
            owner: None,
            only: Vec::new(),
        };
        assert_eq!(s3_control_answering(&answers).list().await, Ok(vec![target("reporting"), target("audit")]));
        let asked: Vec<String> = answers.actual_requests().map(|request| request.uri().to_owned()).collect();
        let host = "https://111122223333.s3-control.us-east-1.amazonaws.com/v20180820/accesspoint?";
        assert!(asked[0].starts_with(host) && asked[0].contains("maxResults=1000"), "{asked:?}");
        assert!(asked[1].contains("nextToken=more"), "{asked:?}");
    }

    #[tokio::test]
    async fn an_account_without_access_points_has_none() {
        let nothing = "<ListAccessPointsResult><AccessPointList/></ListAccessPointsResult>";
        assert_eq!(s3_control_answering(&answers(&[(200, nothing)])).list().await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn a_list_that_lacks_something_is_an_error() {
        let denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        let first = page("<Name>reporting</Name>", "<NextToken>more</NextToken>");
        let cases: [(&[(u16, &str)], &str); 4] = [
            (&[(403, denied)], "AccessDenied"),
            (&[(200, &first), (403, denied)], "AccessDenied"),
            (&[(200, &page("", ""))], "Corrupt"),
            (&[(200, "<ListAccessPointsResult></ListAccessPointsResult>")], "Corrupt"),
        ];
        for (given, name) in cases {
            let error = s3_control_answering(&answers(given)).list().await.unwrap_err();
            assert_eq!(error.name(), name, "{given:?}");
            assert!(error.to_string().contains("s3:ListAccessPoints"), "{error}");
        }
    }
}
