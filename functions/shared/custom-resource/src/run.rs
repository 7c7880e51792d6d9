//! The loop that the Lambda function of a custom resource runs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use audit_task::start_log;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use tracing::Instrument;

use crate::send::{ATTEMPT_TIMEOUT, FIRST_PAUSE, send};
use crate::{CustomResource, Request, handle};

/// Does for `resource` what every request asks, and answers it. Log lines carry the request's id, and the scan `none`.
///
/// # Errors
/// Those of the Lambda runtime interface; what goes wrong with the resource is an answer.
pub async fn run(resource: impl CustomResource) -> Result<(), Error> {
    start_log();
    let http = reqwest::Client::builder().timeout(ATTEMPT_TIMEOUT).build()?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Request>| {
        let deadline = UNIX_EPOCH + Duration::from_millis(event.context.deadline);
        let time_left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        let span = tracing::info_span!("task", scan_id = "none", request_id = event.context.request_id);
        async {
            let request = event.payload;
            let answer = handle(&resource, &request, time_left).await;
            send(&http, &request.response_url, &answer, FIRST_PAUSE).await
        }
        .instrument(span)
        .await
    }))
    .await
}
