use std::num::NonZeroU32;

use audit_model::{Unreadable, UnreadableCause};
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
async fn the_target_of_logs_is_read_and_its_absence_told_from_a_denial() {
    let budget = fast();
    let target = "<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix/>\
                  </LoggingEnabled></BucketLoggingStatus>";
    let (client, http) = s3_answering(&[(200, target)]);
    let buckets = adapter(&client, &budget);
    assert_eq!(buckets.log_target("ledger").await, Reading::seen("logs".to_owned()));
    assert_eq!(sent(&http).1, "?logging");

    let (client, _) = s3_answering(&[(200, "<BucketLoggingStatus/>")]);
    let buckets = adapter(&client, &budget);
    assert_eq!(buckets.log_target("ledger").await, Reading::Absent);

    let (client, _) = s3_answering(&[(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")]);
    let buckets = adapter(&client, &budget);
    let denied = Unreadable {
        action: "s3:GetBucketLogging".to_owned(),
        cause: UnreadableCause::AccessDenied,
        detail: "AccessDenied: no".to_owned(),
    };
    assert_eq!(buckets.log_target("ledger").await, Reading::Unreadable(denied));
}

#[tokio::test]
async fn a_website_and_a_replication_are_seen_or_absent_by_their_own_codes() {
    let budget = fast();
    let error = |code: &str| format!("<Error><Code>{code}</Code><Message>none</Message></Error>");
    let (client, _) = s3_answering(&[
        (200, "<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument></WebsiteConfiguration>"),
        (404, &error("NoSuchWebsiteConfiguration")),
        (404, &error("ReplicationConfigurationNotFoundError")),
    ]);
    let buckets = adapter(&client, &budget);
    assert_eq!(buckets.website("a").await, Reading::seen(()));
    assert_eq!(buckets.website("b").await, Reading::Absent);
    assert!(matches!(buckets.website("c").await, Reading::Unreadable(_)));

    let (client, _) = s3_answering(&[
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

#[tokio::test]
async fn the_listing_goes_on_to_its_last_page_and_keeps_regions() {
    let budget = fast();
    let page = |name: &str, rest: &str| {
        format!(
            "<ListAllMyBucketsResult><Buckets><Bucket><Name>{name}</Name><BucketRegion>us-east-1</BucketRegion>\
             </Bucket></Buckets>{rest}</ListAllMyBucketsResult>"
        )
    };
    let first = page("a", "<ContinuationToken>next</ContinuationToken>");
    let (client, http) = s3_answering(&[(200, &first), (200, &page("b", ""))]);
    let buckets = adapter(&client, &budget);
    let listed = |name: &str| ListedBucket { name: name.to_owned(), region: Some("us-east-1".to_owned()) };
    assert_eq!(buckets.list().await, Ok(vec![listed("a"), listed("b")]));
    let uris: Vec<_> = http.actual_requests().map(|request| request.uri().to_owned()).collect();
    assert!(uris[0].contains("max-buckets=1000") && uris[1].contains("continuation-token=next"), "{uris:?}");
}
