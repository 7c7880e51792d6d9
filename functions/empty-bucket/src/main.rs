//! The Lambda function `empty-bucket`.

use audit_task::aws_config;
use custom_resource::run;
use empty_bucket::{EmptyBucket, S3VersionedBucket};
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let s3 = aws_sdk_s3::Client::new(&aws_config().await);
    run(EmptyBucket { bucket: |name: &str| S3VersionedBucket::new(s3.clone(), name.to_owned()) }).await
}
