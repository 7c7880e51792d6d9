//! AWS as it answers in tests.

use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use http::{Request, Response};

/// Answers given one after the other, and the requests that were made.
pub(super) type Answers = StaticReplayClient;

/// AWS that answers with these statuses and bodies, in this order.
pub(super) fn answers(given: &[(u16, &str)]) -> Answers {
    let event = |(status, body): &(u16, &str)| {
        ReplayEvent::new(
            Request::builder().body("".into()).unwrap(),
            Response::builder().status(*status).body((*body).into()).unwrap(),
        )
    };
    StaticReplayClient::new(given.iter().map(event).collect())
}
