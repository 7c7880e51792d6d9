//! The key that signs, in AWS KMS. Types of its SDK stop here.

use async_trait::async_trait;
use audit_task::{TaskError, task_error};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use evidence_chain::PublicKey;

use crate::Signer;

/// A key of the spec `ECC_NIST_P256` whose use is `SIGN_VERIFY`.
#[derive(Debug)]
pub struct KmsSigner {
    client: Client,
    arn: String,
}

impl KmsSigner {
    /// The key of that ARN.
    pub const fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }
}

#[async_trait]
impl Signer for KmsSigner {
    fn arn(&self) -> &str {
        &self.arn
    }

    async fn public_key(&self) -> Result<PublicKey, TaskError> {
        let answer = self.client.get_public_key().key_id(&self.arn).send().await;
        let answer = answer.map_err(|error| task_error("kms:GetPublicKey", &error))?;
        let der = answer.public_key.unwrap_or_default().into_inner();
        PublicKey::from_der(&der).map_err(|error| {
            TaskError::Internal(format!("the key {} cannot seal evidence: {error}; it must be ECC_NIST_P256", self.arn))
        })
    }

    /// With the message type `DIGEST` "KMS skips the hashing step in the signing algorithm":
    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>
    async fn sign(&self, sha256: &[u8; 32]) -> Result<Vec<u8>, TaskError> {
        let answer = self
            .client
            .sign()
            .key_id(&self.arn)
            .message(Blob::new(sha256))
            .message_type(MessageType::Digest)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
            .send()
            .await
            .map_err(|error| task_error("kms:Sign", &error))?;
        answer
            .signature
            .map(Blob::into_inner)
            .ok_or_else(|| TaskError::Corrupt("kms:Sign answered without a signature".to_owned()))
    }
}
