//! The Lambda function `publish-metrics`.

use audit_artifacts::S3Store;
use audit_model::task::PublishMetricsInput;
use audit_task::{aws_config, required, run};
use jiff::Timestamp;
use lambda_runtime::Error;
use publish_metrics::{CloudWatchMetrics, Ports, SnsTopic, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let s3 = aws_sdk_s3::Client::new(&config);
    let store = &S3Store::new(s3, required("REPORTS_BUCKET")?, required("ACCOUNT_ID")?);
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
    let metrics = &CloudWatchMetrics::new(cloudwatch, required("METRICS_NAMESPACE")?);
    let topic = &SnsTopic::new(aws_sdk_sns::Client::new(&config), required("ALERTS_TOPIC_ARN")?);
    let ports = &Ports { store, metrics, topic };
    run(|input: PublishMetricsInput| async move { handle(&input, ports, Timestamp::now()).await }).await
}
