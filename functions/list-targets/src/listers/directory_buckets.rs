use async_trait::async_trait;
use audit_model::plan::{Target, TargetKind};
use audit_task::{TaskError, task_error};
use aws_sdk_s3::Client;

use super::{TargetLister, nameless, without_list};

const ACTION: &str = "s3express:ListAllMyDirectoryBuckets";

/// Directory buckets on a page, the most that S3 gives.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListDirectoryBuckets.html>
const PAGE_SIZE: i32 = 1_000;

/// What the name of every directory bucket ends with, and of no other bucket may.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
const SUFFIX: &str = "--x-s3";

/// The account's directory buckets in its region. The SDK asks the Regional endpoint of S3 Express One Zone for them, with
/// the function's own credentials: sessions are for objects.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-networking.html>
#[derive(Debug, Clone)]
pub struct DirectoryBuckets {
    /// The client of S3.
    pub client: Client,
    /// The client's region.
    pub region: String,
}

#[async_trait]
impl TargetLister for DirectoryBuckets {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        let mut targets = Vec::new();
        let mut pages = self.client.list_directory_buckets().max_directory_buckets(PAGE_SIZE).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| task_error(ACTION, &error))?;
            for bucket in page.buckets.ok_or_else(|| without_list(ACTION))? {
                let id = bucket.name.ok_or_else(|| nameless(ACTION))?;
                // The SDK tells by the name which API a bucket has.
                if !id.ends_with(SUFFIX) {
                    return Err(TaskError::Corrupt(format!(
                        "{ACTION} listed {id}, and the name of a directory bucket ends with {SUFFIX}"
                    )));
                }
                let region = Some(self.region.clone());
                targets.push(Target { kind: TargetKind::DirectoryBucket, id, region, owner: None, only: Vec::new() });
            }
        }
        Ok(targets)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
    use bucket_readings::s3_client;
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::listers::replay::{Answers, answers};

    fn s3_answering(answers: &Answers) -> DirectoryBuckets {
        s3_at(None, answers)
    }

    fn s3_at(endpoint: Option<&str>, answers: &Answers) -> DirectoryBuckets {
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .http_client(answers.clone());
        config.set_endpoint_url(endpoint.map(ToOwned::to_owned));
        DirectoryBuckets { client: s3_client(config), region: "us-east-1".to_owned() }
    }

    /// A page with these elements of buckets, and the token of the next page.
    fn page(buckets: &str, token: &str) -> String {
        format!(
            "<ListAllMyDirectoryBucketsResult><Buckets>{buckets}</Buckets>{token}</ListAllMyDirectoryBucketsResult>"
        )
    }

    const TICKS: &str =
        "<Bucket><Name>ticks--use1-az4--x-s3</Name><CreationDate>2026-11-01T00:00:00Z</CreationDate></Bucket>";

    #[tokio::test]
    async fn every_page_is_asked_of_the_regional_endpoint_without_a_session() {
        let first = page(TICKS, "<ContinuationToken>more</ContinuationToken>");
        let second = page("<Bucket><Name>quotes--use1-az6--x-s3</Name></Bucket>", "");
        let answers = answers(&[(200, &first), (200, &second)]);
        let target = |id: &str| Target {
            kind: TargetKind::DirectoryBucket,
            id: id.to_owned(),
            region: Some("us-east-1".to_owned()),
            owner: None,
            only: Vec::new(),
        };
        assert_eq!(
            s3_answering(&answers).list().await,
            Ok(vec![target("ticks--use1-az4--x-s3"), target("quotes--use1-az6--x-s3")])
        );
        let requests: Vec<_> = answers.actual_requests().collect();
        assert_eq!(requests.len(), 2, "no session is created");
        for request in &requests {
            assert!(request.uri().starts_with("https://s3express-control.us-east-1.amazonaws.com/?"), "{request:?}");
            let signed = request.headers().get("authorization").unwrap();
            assert!(signed.contains("/us-east-1/s3express/aws4_request"), "{signed}");
            assert_eq!(request.headers().get("x-amz-s3session-token"), None);
        }
        assert!(requests[0].uri().contains("max-directory-buckets=1000"), "{:?}", requests[0].uri());
        assert!(requests[1].uri().contains("continuation-token=more"), "{:?}", requests[1].uri());
    }

    #[tokio::test]
    async fn no_session_is_begun_where_an_endpoint_is_named_either() {
        let answers = answers(&[(200, &page("", ""))]);
        assert_eq!(s3_at(Some("http://127.0.0.1:4566"), &answers).list().await, Ok(Vec::new()));
        let uris: Vec<String> = answers.actual_requests().map(|request| request.uri().to_owned()).collect();
        assert!(uris.len() == 1 && uris[0].starts_with("http://127.0.0.1:4566/?"), "{uris:?}");
    }

    #[tokio::test]
    async fn an_account_without_directory_buckets_has_none() {
        assert_eq!(s3_answering(&answers(&[(200, &page("", ""))])).list().await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn a_list_that_lacks_something_is_an_error() {
        let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        let first = page(TICKS, "<ContinuationToken>more</ContinuationToken>");
        let cases: [(&[(u16, &str)], &str); 5] = [
            (&[(403, denied)], "AccessDenied"),
            (&[(200, &first), (403, denied)], "AccessDenied"),
            (&[(200, &page("<Bucket></Bucket>", ""))], "Corrupt"),
            // A general purpose bucket has no business here: its settings are another API's.
            (&[(200, &page("<Bucket><Name>ledger</Name></Bucket>", ""))], "Corrupt"),
            (&[(200, "<ListAllMyDirectoryBucketsResult></ListAllMyDirectoryBucketsResult>")], "Corrupt"),
        ];
        for (given, name) in cases {
            let error = s3_answering(&answers(given)).list().await.unwrap_err();
            assert_eq!(error.name(), name, "{given:?}");
            assert!(error.to_string().contains("s3express:ListAllMyDirectoryBuckets"), "{error}");
        }
    }
}
