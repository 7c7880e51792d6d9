use std::num::NonZeroU32;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use pretty_assertions::assert_eq;

use super::*;

const ACCOUNT: &str = "123456789012";

/// Amazon S3 as it answers, one answer after the other.
fn s3_answering(answers: &[(u16, &str)]) -> (Client, StaticReplayClient) {
    let events = answers.iter().map(|(status, body)| {
        ReplayEvent::new(
            http::Request::builder().body(SdkBody::empty()).unwrap(),
            http::Response::builder().status(*status).body(SdkBody::from(*body)).unwrap(),
        )
    });
    let http = StaticReplayClient::new(events.collect());
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .http_client(http.clone())
        .build();
    (Client::from_conf(config), http)
}

/// The only request that was sent: method, path with query, and body. It must name the expected owner.
fn sent(http: &StaticReplayClient) -> (String, String, String) {
    let requests: Vec<_> = http.actual_requests().collect();
    let [request] = requests.as_slice() else { panic!("{} requests", requests.len()) };
    assert_eq!(request.headers().get("x-amz-expected-bucket-owner"), Some(ACCOUNT));
    let uri = request.uri().splitn(4, '/').nth(3).unwrap_or_default().to_owned();
    let body = String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap();
    (request.method().to_owned(), uri, body)
}

#[tokio::test]
async fn the_whole_encryption_is_written_and_only_to_a_bucket_of_the_account() {
    let (client, http) = s3_answering(&[(200, "")]);
    let budget = Budget::new(NonZeroU32::MAX);
    let buckets = S3DefaultEncryption { client: &client, account: ACCOUNT, budget: &budget };
    let encryption = BucketEncryption {
        algorithm: "aws:kms".to_owned(),
        kms_key_id: Some("arn:aws:kms:us-east-1:123456789012:key/1".to_owned()),
        bucket_key_enabled: true,
        blocked_encryption_types: vec!["SSE-C".to_owned()],
    };
    buckets.set("ledger", &encryption).await.result.unwrap();
    let (method, uri, body) = sent(&http);
    assert_eq!((method.as_str(), uri.as_str()), ("PUT", "?encryption"));
    for element in [
        "<SSEAlgorithm>aws:kms</SSEAlgorithm>",
        "<KMSMasterKeyID>arn:aws:kms:us-east-1:123456789012:key/1</KMSMasterKeyID>",
        "<BucketKeyEnabled>true</BucketKeyEnabled>",
        "<BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes>",
    ] {
        assert!(body.contains(element), "{element} is missing in {body}");
    }
}

#[tokio::test]
async fn what_was_not_blocked_is_not_mentioned() {
    let (client, http) = s3_answering(&[(200, "")]);
    let budget = Budget::new(NonZeroU32::MAX);
    let buckets = S3DefaultEncryption { client: &client, account: ACCOUNT, budget: &budget };
    let encryption = BucketEncryption {
        algorithm: "AES256".to_owned(),
        kms_key_id: None,
        bucket_key_enabled: false,
        blocked_encryption_types: Vec::new(),
    };
    buckets.set("ledger", &encryption).await.result.unwrap();
    let (_, _, body) = sent(&http);
    assert!(!body.contains("KMSMasterKeyID") && !body.contains("BlockedEncryptionTypes"), "{body}");
}

#[tokio::test]
async fn an_encryption_is_cleared_only_from_a_bucket_of_the_account() {
    let (client, http) = s3_answering(&[(204, "")]);
    let budget = Budget::new(NonZeroU32::MAX);
    let buckets = S3DefaultEncryption { client: &client, account: ACCOUNT, budget: &budget };
    buckets.clear("ledger").await.result.unwrap();
    let (method, uri, _) = sent(&http);
    assert_eq!((method.as_str(), uri.as_str()), ("DELETE", "?encryption"));
}

#[tokio::test]
async fn the_ids_of_requests_are_kept_be_they_done_or_refused() {
    let error = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    for (status, body, name) in [(200, "", None), (403, error, Some("AccessDenied"))] {
        let event = ReplayEvent::new(
            http::Request::builder().body(SdkBody::empty()).unwrap(),
            http::Response::builder()
                .status(status)
                .header("x-amz-request-id", "79104EXAMPLEB723")
                .body(SdkBody::from(body))
                .unwrap(),
        );
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("a", "b", None, None, "test"))
            .http_client(StaticReplayClient::new(vec![event]))
            .build();
        let (client, budget) = (Client::from_conf(config), Budget::new(NonZeroU32::MAX));
        let buckets = S3DefaultEncryption { client: &client, account: ACCOUNT, budget: &budget };
        let answered = buckets.clear("ledger").await;
        assert_eq!(answered.request_id.as_deref(), Some("79104EXAMPLEB723"));
        assert_eq!(
            (answered.action, answered.result.err().map(|error| error.name())),
            ("s3:PutEncryptionConfiguration", name)
        );
    }
}
