use async_trait::async_trait;
use audit_model::plan::{Target, TargetKind};
use audit_task::{TaskError, task_error};
use aws_sdk_s3::Client;

use super::{TargetLister, nameless, without_list};

const ACTION: &str = "s3:ListAllMyBuckets";

/// Buckets on a page. S3 refuses unpaginated requests of accounts with more than 10,000 buckets, and tells a
/// bucket's region in paginated answers only.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html>
const PAGE_SIZE: i32 = 1_000;

/// The account's general purpose buckets, of all regions.
#[derive(Debug, Clone)]
pub struct S3Buckets {
    /// The client.
    pub client: Client,
}

#[async_trait]
impl TargetLister for S3Buckets {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        let mut targets = Vec::new();
        let mut pages = self.client.list_buckets().max_buckets(PAGE_SIZE).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| task_error(ACTION, &error))?;
            for bucket in page.buckets.ok_or_else(|| without_list(ACTION))? {
                let id = bucket.name.ok_or_else(|| nameless(ACTION))?;
                targets.push(Target {
                    kind: TargetKind::Bucket,
                    id,
                    region: bucket.bucket_region,
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
    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::listers::replay::{Answers, answers};

    fn s3_answering(answers: &Answers) -> S3Buckets {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .http_client(answers.clone())
            .build();
        S3Buckets { client: Client::from_conf(config) }
    }

    #[tokio::test]
    async fn every_page_is_read_and_regions_are_kept() {
        let answers = answers(&[
            (
                200,
                "<ListAllMyBucketsResult><Buckets>\
                 <Bucket><Name>ledger</Name><BucketRegion>us-east-1</BucketRegion></Bucket>\
                 <Bucket><Name>archive</Name><BucketRegion>eu-west-1</BucketRegion></Bucket>\
                 </Buckets><ContinuationToken>more</ContinuationToken></ListAllMyBucketsResult>",
            ),
            (
                200,
                "<ListAllMyBucketsResult><Buckets><Bucket><Name>cards</Name></Bucket></Buckets>\
                 </ListAllMyBucketsResult>",
            ),
        ]);
        let target = |id: &str, region: Option<&str>| Target {
            kind: TargetKind::Bucket,
            id: id.to_owned(),
            region: region.map(ToOwned::to_owned),
            owner: None,
            only: Vec::new(),
        };
        assert_eq!(
            s3_answering(&answers).list().await,
            Ok(vec![target("ledger", Some("us-east-1")), target("archive", Some("eu-west-1")), target("cards", None)])
        );
        let asked: Vec<String> = answers.actual_requests().map(|request| request.uri().to_owned()).collect();
        assert!(asked[0].contains("max-buckets=1000"), "{asked:?}");
        assert!(asked[1].contains("continuation-token=more"), "{asked:?}");
    }

    #[tokio::test]
    async fn a_list_that_lacks_something_is_an_error() {
        let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        let first = "<ListAllMyBucketsResult><Buckets><Bucket><Name>a</Name></Bucket></Buckets>\
                     <ContinuationToken>more</ContinuationToken></ListAllMyBucketsResult>";
        let nameless = "<ListAllMyBucketsResult><Buckets><Bucket></Bucket></Buckets></ListAllMyBucketsResult>";
        let hollow = "<ListAllMyBucketsResult></ListAllMyBucketsResult>";
        let cases: [(&[(u16, &str)], &str); 5] = [
            (&[(403, denied)], "AccessDenied"),
            (&[(200, first), (403, denied)], "AccessDenied"),
            (&[(200, nameless)], "Corrupt"),
            (&[(200, hollow)], "Corrupt"),
            (&[(200, first), (200, hollow)], "Corrupt"),
        ];
        for (given, name) in cases {
            let error = s3_answering(&answers(given)).list().await.unwrap_err();
            assert_eq!(error.name(), name, "{given:?}");
            assert!(error.to_string().contains("s3:ListAllMyBuckets"), "{error}");
        }
    }
}
