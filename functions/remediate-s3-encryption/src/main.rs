//! The Lambda function `remediate-s3-encryption`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use audit_artifacts::S3Store;
use audit_model::task::RemediateInput;
use audit_task::{Budget, TaskError, aws_config, required, run};
use bucket_encryption::{Patience, S3DefaultEncryption};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Error;
use remediate_s3_encryption::{KmsKeys, Ports, S3Buckets, Settings, handle};

/// Requests per second to Amazon S3. It publishes no quota for reading configurations.
const S3_REQUESTS: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// Requests per second to AWS KMS, of the 100 at the least that it allows for each of what is asked.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>
const KMS_REQUESTS: NonZeroU32 = NonZeroU32::new(50).unwrap();

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let client = &aws_sdk_s3::Client::new(&config);
    let (account, reports_bucket) = (&required("ACCOUNT_ID")?, required("REPORTS_BUCKET")?);
    let store = &S3Store::new(client.clone(), reports_bucket.clone(), account.clone());
    let kms = aws_sdk_kms::Client::new(&config);
    let budget = Budget::new(KMS_REQUESTS);
    let keys = &KmsKeys::new(kms, key_tags()?, account.clone(), required("AWS_REGION")?, budget);
    let budget = &Budget::new(S3_REQUESTS);
    let settings = &Settings {
        reports_bucket,
        system: required("SYSTEM_NAME")?,
        time_limit: SignedDuration::from_mins(10),
        patience: Patience::USUAL,
    };
    let buckets = &S3Buckets { client, account, budget };
    let encryption = &S3DefaultEncryption { client, account, budget };
    let ports = Ports { store, buckets, encryption, keys, now: &Timestamp::now };
    run(|input: RemediateInput| async move { handle(&input, ports, settings).await }).await
}

fn key_tags() -> Result<BTreeMap<String, String>, TaskError> {
    serde_json::from_str(&required("KEY_TAGS")?)
        .map_err(|error| TaskError::Internal(format!("KEY_TAGS must be a JSON object of tag keys and values: {error}")))
}
