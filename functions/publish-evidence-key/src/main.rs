//! The Lambda function `publish-evidence-key`.

use audit_task::aws_config;
use custom_resource::run;
use evidence_key::KmsSigner;
use lambda_runtime::Error;
use publish_evidence_key::PublishEvidenceKey;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let kms = aws_sdk_kms::Client::new(&aws_config().await);
    run(PublishEvidenceKey { key: |arn: &str| KmsSigner::new(kms.clone(), arn.to_owned()) }).await
}
