//! The Lambda function `notify-critical`.

use audit_artifacts::S3Store;
use audit_model::task::NotifyInput;
use audit_task::{aws_config, required, run};
use jiff::Timestamp;
use lambda_runtime::Error;
use notify_critical::{Deployment, Ports, SnsTopic, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let deployment = &Deployment { system: required("SYSTEM_NAME")?, reports_bucket: required("REPORTS_BUCKET")? };
    let s3 = aws_sdk_s3::Client::new(&config);
    let store = &S3Store::new(s3, deployment.reports_bucket.clone(), required("ACCOUNT_ID")?);
    let topic = &SnsTopic::new(aws_sdk_sns::Client::new(&config), required("ALERTS_TOPIC_ARN")?);
    let ports = &Ports { store, topic, now: Timestamp::now };
    run(|input: NotifyInput| async move { handle(&input, ports, deployment).await }).await
}
