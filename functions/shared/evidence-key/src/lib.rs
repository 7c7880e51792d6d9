//! The key that signs the chain of evidence: what is asked of it, and the adapter that asks AWS KMS.

mod kms;

use async_trait::async_trait;
use audit_task::TaskError;
use evidence_chain::PublicKey;

pub use kms::KmsSigner;

/// The key that signs.
#[async_trait]
pub trait Signer: Send + Sync {
    /// Its ARN.
    fn arn(&self) -> &str;

    /// Its public half.
    ///
    /// # Errors
    /// Those of the service, and `Internal` when it is a key of another kind.
    async fn public_key(&self) -> Result<PublicKey, TaskError>;

    /// Signs what has this SHA-256. The signature is in DER, and another one each time.
    ///
    /// # Errors
    /// Those of the service.
    async fn sign(&self, sha256: &[u8; 32]) -> Result<Vec<u8>, TaskError>;
}

#[cfg(test)]
mod tests;
