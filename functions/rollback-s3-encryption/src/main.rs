//! The Lambda function `rollback-s3-encryption`.

use std::num::NonZeroU32;

use audit_artifacts::S3Store;
use audit_model::task::RollbackInput;
use audit_task::{Budget, aws_config, required, run};
use bucket_encryption::{Patience, S3DefaultEncryption};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Error;
use rollback_s3_encryption::{Ports, Settings, handle};

/// Requests per second to Amazon S3. It publishes no quota for reading configurations.
const S3_REQUESTS: NonZeroU32 = NonZeroU32::new(100).unwrap();

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = &aws_sdk_s3::Client::new(&aws_config().await);
    let (account, reports_bucket) = (&required("ACCOUNT_ID")?, required("REPORTS_BUCKET")?);
    let store = &S3Store::new(client.clone(), reports_bucket, account.clone());
    let budget = &Budget::new(S3_REQUESTS);
    let encryption = &S3DefaultEncryption { client, account, budget };
    let settings = &Settings { time_limit: SignedDuration::from_mins(10), patience: Patience::USUAL };
    let ports = Ports { store, encryption, now: &Timestamp::now };
    run(|input: RollbackInput| async move { handle(&input, ports, settings).await }).await
}
