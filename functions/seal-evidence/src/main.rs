//! The Lambda function `seal-evidence`.

use audit_artifacts::S3Store;
use audit_model::task::SealEvidenceInput;
use audit_task::{aws_config, required, run};
use evidence_key::KmsSigner;
use jiff::Timestamp;
use lambda_runtime::Error;
use seal_evidence::{Ports, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let s3 = aws_sdk_s3::Client::new(&config);
    let store = &S3Store::new(s3, required("REPORTS_BUCKET")?, required("ACCOUNT_ID")?);
    let signer = &KmsSigner::new(aws_sdk_kms::Client::new(&config), required("EVIDENCE_KEY_ARN")?);
    let ports = &Ports { store, evidence: store, signer, now: &Timestamp::now };
    run(|input: SealEvidenceInput| async move { handle(&input, ports).await }).await
}
