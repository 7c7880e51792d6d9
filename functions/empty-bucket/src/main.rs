//! The Lambda function `empty-bucket`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use audit_task::{TaskError, aws_config, start_log};
use aws_lambda_events::event::cloudformation::CloudFormationCustomResourceRequest as Request;
use empty_bucket::{S3VersionedBucket, handle, send};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tracing::Instrument;

#[tokio::main]
async fn main() -> Result<(), Error> {
    start_log();
    let s3 = aws_sdk_s3::Client::new(&aws_config().await);
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    run(service_fn(async |event: LambdaEvent<Request>| {
        let deadline = UNIX_EPOCH + Duration::from_millis(event.context.deadline);
        let time_left = || deadline.duration_since(SystemTime::now()).unwrap_or_default();
        let span = tracing::info_span!("task", scan_id = "none", request_id = event.context.request_id);
        async {
            let bucket = |name: &str| S3VersionedBucket::new(s3.clone(), name.to_owned());
            let answer = handle(&event.payload, bucket, time_left).await;
            send(&http, &answer).await?;
            Ok::<_, TaskError>(())
        }
        .instrument(span)
        .await
    }))
    .await
}
