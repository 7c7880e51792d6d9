//! Writes under a condition, whose answers get lost.

use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::test_util::infallible_client_fn;
use pretty_assertions::assert_eq;

use super::super::*;

const KEY: &str = "state/remediation.json";

/// One object of Amazon S3: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
#[derive(Debug, Default)]
struct Object {
    /// Content, attempt, and how often it was written, which is its ETag.
    stored: Option<(String, Option<String>, u32)>,
    /// The writes that are done, or refused, and not answered.
    unanswered: u32,
    requests: Vec<String>,
}

impl Object {
    fn answer(&mut self, request: &http::Request<SdkBody>) -> http::Response<SdkBody> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        self.requests.push(request.method().to_string());
        let etag = self.stored.as_ref().map(|(.., version)| version.to_string());
        if request.method() != "PUT" {
            let response = http::Response::builder();
            return match &self.stored {
                None => response.status(404).body(SdkBody::from("<Error><Code>NoSuchKey</Code></Error>")).unwrap(),
                Some((_, None, _)) => response.status(200).body(SdkBody::empty()).unwrap(),
                Some((_, Some(attempt), _)) => {
                    response.status(200).header("x-amz-meta-attempt", attempt).body(SdkBody::empty()).unwrap()
                }
            };
        }
        let holds = match (header("if-none-match"), header("if-match")) {
            (Some(_), _) => etag.is_none(),
            (None, Some(wanted)) => etag == Some(wanted),
            (None, None) => true,
        };
        if holds {
            let content = String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap();
            let version = self.stored.as_ref().map_or(0, |(.., version)| *version) + 1;
            self.stored = Some((content, header("x-amz-meta-attempt"), version));
        }
        let (status, body) = if self.unanswered > 0 {
            self.unanswered -= 1;
            (503, "<Error><Code>ServiceUnavailable</Code></Error>")
        } else if holds {
            (200, "")
        } else {
            (412, "<Error><Code>PreconditionFailed</Code></Error>")
        };
        http::Response::builder().status(status).body(SdkBody::from(body)).unwrap()
    }
}

fn bucket_with(object: &Arc<Mutex<Object>>) -> S3Store {
    let object = Arc::clone(object);
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .retry_config(RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(1)))
        .http_client(infallible_client_fn(move |request| object.lock().unwrap().answer(&request)))
        .build();
    S3Store::new(Client::from_conf(config), "reports".to_owned(), "123456789012".to_owned())
}

async fn put(store: &S3Store, content: &'static str, condition: Condition) -> Result<PutOutcome, TaskError> {
    store.put(KEY, "application/json", content.into(), condition).await
}

/// The answer to a write was lost, and the SDK repeats it: by then its own object is in the way.
#[tokio::test]
async fn a_write_that_had_landed_and_was_repeated_is_told_from_somebody_else_s() {
    let object = Arc::new(Mutex::new(Object { unanswered: 1, ..Object::default() }));
    let store = bucket_with(&object);
    assert_eq!(put(&store, "ours", Condition::IfAbsent).await, Ok(PutOutcome::Written));
    assert_eq!(object.lock().unwrap().requests, ["PUT", "PUT", "GET"]);
    object.lock().unwrap().unanswered = 1;
    assert_eq!(put(&store, "ours again", Condition::IfMatch("1".to_owned())).await, Ok(PutOutcome::Written));
    let stored = object.lock().unwrap().stored.clone().unwrap();
    assert_eq!((stored.0.as_str(), stored.2), ("ours again", 2));

    // Somebody else's object is theirs, be it written by another attempt of the same code with the same content, or be it
    // older than these names.
    for condition in [Condition::IfAbsent, Condition::IfMatch("1".to_owned())] {
        assert_eq!(put(&store, "ours again", condition).await, Ok(PutOutcome::ConditionFailed));
    }
    object.lock().unwrap().stored = Some(("old".to_owned(), None, 7));
    assert_eq!(put(&store, "old", Condition::IfAbsent).await, Ok(PutOutcome::ConditionFailed));
    // Nothing is there: somebody has taken it away, or another write is under way.
    object.lock().unwrap().stored = None;
    assert_eq!(put(&store, "ours", Condition::IfMatch("7".to_owned())).await, Ok(PutOutcome::ConditionFailed));
}

#[tokio::test]
async fn what_is_written_without_a_condition_needs_no_name() {
    let object = Arc::new(Mutex::new(Object { unanswered: 1, ..Object::default() }));
    assert_eq!(put(&bucket_with(&object), "ours", Condition::None).await, Ok(PutOutcome::Written));
    let object = object.lock().unwrap();
    assert_eq!((&object.stored, object.requests.len()), (&Some(("ours".to_owned(), None, 2)), 2));
}
