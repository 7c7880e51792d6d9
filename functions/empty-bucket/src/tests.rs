use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::config::{Credentials, Region};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use custom_resource::{Answer, Request, TIME_TO_ANSWER, handle};
use pretty_assertions::assert_eq;
use serde_json::json;

use super::bucket::{Upload, Version};
use super::*;

/// A bucket in memory that lists two things at a time.
#[derive(Default)]
struct FakeBucket {
    uploads: Mutex<VecDeque<Upload>>,
    versions: Mutex<VecDeque<Version>>,
    refuses: bool,
    /// With so many versions left it does not answer any more.
    hangs_at: Option<usize>,
}

#[async_trait]
impl VersionedBucket for &FakeBucket {
    async fn unfinished_uploads(&self) -> Result<Vec<Upload>, TaskError> {
        Ok(self.uploads.lock().unwrap().iter().take(2).cloned().collect())
    }

    async fn abort(&self, upload: &Upload) -> Result<(), TaskError> {
        self.uploads.lock().unwrap().retain(|there| there != upload);
        Ok(())
    }

    async fn versions(&self) -> Result<Vec<Version>, TaskError> {
        Ok(self.versions.lock().unwrap().iter().take(2).cloned().collect())
    }

    async fn remove(&self, versions: &[Version]) -> Result<(), TaskError> {
        if self.refuses {
            return Err(TaskError::AccessDenied("s3:DeleteObjectVersion was denied".to_owned()));
        }
        let left = self.versions.lock().unwrap().len();
        if self.hangs_at == Some(left) {
            std::future::pending::<()>().await;
        }
        self.versions.lock().unwrap().retain(|there| !versions.contains(there));
        Ok(())
    }
}

fn full_bucket() -> FakeBucket {
    let uploads = (0..3).map(|n| Upload { key: format!("half/{n}"), id: n.to_string() }).collect();
    let versions = (0..5).map(|n| Version { key: "report".to_owned(), id: n.to_string() }).collect();
    FakeBucket { uploads: Mutex::new(uploads), versions: Mutex::new(versions), ..FakeBucket::default() }
}

fn request(kind: &str, properties: &Value) -> Request {
    serde_json::from_value(json!({
        "RequestType": kind,
        "ResponseURL": "http://127.0.0.1/answer?signature=secret",
        "StackId": "stack",
        "RequestId": "request",
        "ResourceType": "Custom::EmptyBucket",
        "LogicalResourceId": "EmptyReports",
        "PhysicalResourceId": "empty-reports",
        "ResourceProperties": properties,
        "OldResourceProperties": {},
    }))
    .unwrap()
}

/// What the custom resource answers about that bucket, with a moment to work.
async fn answer(request: &Request, bucket: &FakeBucket) -> Answer {
    handle(&EmptyBucket { bucket: |_: &str| bucket }, request, TIME_TO_ANSWER + Duration::from_millis(50)).await
}

#[tokio::test]
async fn only_a_deletion_empties_the_bucket() {
    let properties = json!({ "BucketName": "reports" });
    for (kind, left) in [("Create", 5), ("Update", 5), ("Delete", 0)] {
        let bucket = full_bucket();
        let answer = answer(&request(kind, &properties), &bucket).await;
        assert_eq!((answer.status(), answer.physical_resource_id()), ("SUCCESS", "empty-reports"), "{kind}");
        assert_eq!(bucket.versions.lock().unwrap().len(), left, "{kind}");
        assert_eq!(bucket.uploads.lock().unwrap().is_empty(), left == 0, "{kind}");
    }
}

#[tokio::test]
async fn a_bucket_that_refuses_fails_the_deletion_with_the_reason() {
    let bucket = FakeBucket { refuses: true, ..full_bucket() };
    let answer = answer(&request("Delete", &json!({ "BucketName": "reports" })), &bucket).await;
    assert_eq!(answer.status(), "FAILED");
    assert_eq!(answer.reason(), "bucket reports could not be emptied: s3:DeleteObjectVersion was denied");
}

#[tokio::test]
async fn it_stops_in_time_to_answer_and_a_second_try_goes_on() {
    let bucket = FakeBucket { hangs_at: Some(1), ..full_bucket() };
    let deletion = request("Delete", &json!({ "BucketName": "reports" }));
    let first = answer(&deletion, &bucket).await;
    assert_eq!(first.status(), "FAILED");
    assert!(first.reason().contains("delete the stack once more"), "{}", first.reason());
    assert_eq!(bucket.versions.lock().unwrap().len(), 1);

    let bucket = FakeBucket { hangs_at: None, ..bucket };
    assert_eq!(answer(&deletion, &bucket).await.status(), "SUCCESS");
    assert!(bucket.versions.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_request_without_a_bucket_is_refused_with_the_property_s_name() {
    for properties in [json!({}), json!({ "BucketName": "" }), json!({ "BucketName": 3 })] {
        let bucket = full_bucket();
        let answer = answer(&request("Delete", &properties), &bucket).await;
        assert_eq!(answer.status(), "FAILED");
        assert!(answer.reason().contains("BucketName"), "{}", answer.reason());
        assert_eq!(bucket.versions.lock().unwrap().len(), 5);
    }
}

/// S3 as it answers once, in its XML.
fn s3_answering(status: u16, body: &'static str) -> S3VersionedBucket {
    let event = ReplayEvent::new(
        http::Request::builder().body(SdkBody::empty()).unwrap(),
        http::Response::builder().status(status).body(SdkBody::from(body)).unwrap(),
    );
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .http_client(StaticReplayClient::new(vec![event]))
        .build();
    S3VersionedBucket::new(aws_sdk_s3::Client::from_conf(config), "reports".to_owned())
}

#[tokio::test]
async fn versions_and_delete_markers_are_both_removed() {
    let bucket = s3_answering(
        200,
        "<ListVersionsResult><IsTruncated>false</IsTruncated>\
         <Version><Key>a</Key><VersionId>1</VersionId></Version>\
         <DeleteMarker><Key>b</Key><VersionId>2</VersionId></DeleteMarker></ListVersionsResult>",
    );
    let version = |key: &str, id: &str| Version { key: key.to_owned(), id: id.to_owned() };
    assert_eq!(bucket.versions().await, Ok(vec![version("a", "1"), version("b", "2")]));
}

#[tokio::test]
async fn a_deletion_that_s3_refuses_in_part_is_a_failure() {
    let bucket = s3_answering(
        200,
        "<DeleteResult><Error><Key>a</Key><VersionId>1</VersionId><Code>AccessDenied</Code>\
         <Message>Access Denied</Message></Error></DeleteResult>",
    );
    let versions = [Version { key: "a".to_owned(), id: "1".to_owned() }];
    let error = bucket.remove(&versions).await.unwrap_err();
    assert_eq!(error.to_string(), "S3 refused to delete 1 of 1 versions, the first with AccessDenied: Access Denied");
}

#[tokio::test]
async fn a_bucket_that_is_gone_is_empty() {
    let gone = "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>";
    assert_eq!(s3_answering(404, gone).versions().await, Ok(Vec::new()));
    assert_eq!(s3_answering(404, gone).unfinished_uploads().await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_listing_that_is_denied_is_not_an_empty_bucket() {
    let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    assert_eq!(s3_answering(403, denied).versions().await.unwrap_err().name(), "AccessDenied");
    assert_eq!(s3_answering(403, denied).unfinished_uploads().await.unwrap_err().name(), "AccessDenied");
}
