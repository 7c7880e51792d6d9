//! Tells CloudFormation the public half of the key that signs the evidence: the function behind the custom resource
//! `Custom::EvidencePublicKey`.
//!
//! Of a key in AWS KMS CloudFormation gives the ARN and the id, and no public half:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html>

use async_trait::async_trait;
use custom_resource::{Attributes, CustomResource, required_text};
use evidence_key::Signer;
use serde_json::Value;

/// The custom resource. Its subject is the key's ARN; its attributes are `PublicKey`, the key in DER and Base64, and
/// `Fingerprint`, the SHA-256 of it in DER, in lowercase hexadecimal.
pub struct PublishEvidenceKey<F> {
    /// Gives access to the key of that ARN.
    pub key: F,
}

#[async_trait]
impl<F, S> CustomResource for PublishEvidenceKey<F>
where
    F: Fn(&str) -> S + Sync,
    S: Signer,
{
    fn subject(properties: &Value) -> Result<String, String> {
        required_text(properties, "KeyArn", "the ARN of the key that signs the evidence")
    }

    /// Another key is another resource, and a key never gets another public half.
    fn physical_id(key: &str) -> String {
        format!("public-half-of-{key}")
    }

    async fn create_or_update(&self, key: &str) -> Result<Attributes, String> {
        let public = (self.key)(key).public_key().await;
        let public = public.map_err(|error| format!("the public half of key {key} could not be read: {error}"))?;
        Ok(Attributes::from([("PublicKey", public.base64()), ("Fingerprint", public.fingerprint().to_owned())]))
    }

    /// Nothing was made.
    async fn delete(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
