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

fn fast() -> Budget {
    Budget::new(NonZeroU32::MAX)
}

const fn adapter<'a>(client: &'a Client, budget: &'a Budget) -> S3Buckets<'a> {
    S3Buckets { client, account: ACCOUNT, budget }
}

/// The queries of the requests that were sent. Each must name the expected owner.
fn queries(http: &StaticReplayClient) -> Vec<String> {
    let requests = http.actual_requests().map(|request| {
        assert_eq!(request.headers().get("x-amz-expected-bucket-owner"), Some(ACCOUNT));
        request.uri().split_once('?').map_or_else(String::new, |(_, query)| query.to_owned())
    });
    requests.collect()
}

#[tokio::test]
async fn a_website_and_a_replication_are_seen_or_absent_by_their_own_codes() {
    let budget = fast();
    let error = |code: &str| format!("<Error><Code>{code}</Code><Message>none</Message></Error>");
    let (client, http) = s3_answering(&[
        (200, "<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument></WebsiteConfiguration>"),
        (404, &error("NoSuchWebsiteConfiguration")),
        (404, &error("ReplicationConfigurationNotFoundError")),
    ]);
    let buckets = adapter(&client, &budget);
    assert_eq!(buckets.website("a").await, Reading::seen(()));
    assert_eq!(buckets.website("b").await, Reading::Absent);
    assert!(matches!(buckets.website("c").await, Reading::Unreadable(_)));
    assert_eq!(queries(&http), ["website"; 3]);

    let (client, http) = s3_answering(&[
        (
            200,
            "<ReplicationConfiguration><Role>r</Role><Rule><Status>Enabled</Status><Destination><Bucket>\
             arn:aws:s3:::copy</Bucket></Destination></Rule></ReplicationConfiguration>",
        ),
        (404, &error("ReplicationConfigurationNotFoundError")),
        (404, &error("NoSuchWebsiteConfiguration")),
    ]);
    let buckets = adapter(&client, &budget);
    assert_eq!(buckets.replicated_into("a").await, Reading::seen(vec!["copy".to_owned()]));
    assert_eq!(buckets.replicated_into("b").await, Reading::Absent);
    assert!(matches!(buckets.replicated_into("c").await, Reading::Unreadable(_)));
    assert_eq!(queries(&http), ["replication"; 3]);
}

#[tokio::test]
async fn public_grants_are_ignored_only_when_the_bucket_says_so() {
    let budget = fast();
    let block = |ignored: &str| {
        format!(
            "<PublicAccessBlockConfiguration><IgnorePublicAcls>{ignored}</IgnorePublicAcls>\
             </PublicAccessBlockConfiguration>"
        )
    };
    let (client, _) = s3_answering(&[
        (200, &block("true")),
        (200, &block("false")),
        (404, "<Error><Code>NoSuchPublicAccessBlockConfiguration</Code></Error>"),
    ]);
    let buckets = adapter(&client, &budget);
    assert_eq!(buckets.ignores_public_acls("a").await, Reading::seen(true));
    assert_eq!(buckets.ignores_public_acls("b").await, Reading::seen(false));
    assert_eq!(buckets.ignores_public_acls("c").await, Reading::Absent);
}
