//! The Lambda function `write-json-report`.

use audit_artifacts::S3Store;
use audit_model::task::DeliverInput;
use audit_task::{aws_config, required, run};
use jiff::Timestamp;
use lambda_runtime::Error;
use write_json_report::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let s3 = aws_sdk_s3::Client::new(&aws_config().await);
    let store = &S3Store::new(s3, required("REPORTS_BUCKET")?, required("ACCOUNT_ID")?);
    let system = &required("SYSTEM_NAME")?;
    run(|input: DeliverInput| async move { handle(&input, store, system, Timestamp::now()).await }).await
}
