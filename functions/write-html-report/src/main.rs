//! The Lambda function `write-html-report`.

use audit_artifacts::S3Store;
use audit_model::task::DeliverInput;
use audit_task::{aws_config, required, run};
use jiff::Timestamp;
use lambda_runtime::Error;
use write_html_report::{Deployment, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let s3 = aws_sdk_s3::Client::new(&aws_config().await);
    let bucket: String = required("REPORTS_BUCKET")?;
    let store = &S3Store::new(s3, bucket.clone(), required("ACCOUNT_ID")?);
    let deployment = &Deployment { system: required("SYSTEM_NAME")?, bucket: Some(bucket) };
    run(|input: DeliverInput| async move { handle(&input, store, deployment, Timestamp::now()).await }).await
}
