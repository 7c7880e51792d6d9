//! The key in AWS KMS that signs evidence: `GetPublicKey` and `Sign`, as `seal-evidence` asks for them.
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::EncodePublicKey;
use serde_json::{Value, json};

use crate::Problem;

/// The key.
pub(crate) const KEY_ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/evidence";

/// Its public half, for whoever verifies.
#[cfg(test)]
pub(crate) fn public_key() -> evidence_chain::PublicKey {
    evidence_chain::PublicKey::from_der(&der().unwrap()).unwrap()
}

pub(super) fn get_public_key() -> Result<Value, Problem> {
    let key = BASE64.encode(der()?);
    Ok(json!({
        "KeyId": KEY_ARN, "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY", "PublicKey": key,
        "SigningAlgorithms": ["ECDSA_SHA_256"],
    }))
}

/// # Errors
/// When AWS would refuse it, too: of the message type `DIGEST` the message is a digest of the algorithm's length.
pub(super) fn sign(asked: &Value) -> Result<Value, Problem> {
    if (&asked["MessageType"], &asked["SigningAlgorithm"]) != (&json!("DIGEST"), &json!("ECDSA_SHA_256")) {
        return Err("the fake AWS signs digests only, by ECDSA_SHA_256".into());
    }
    let digest: [u8; 32] = BASE64.decode(asked["Message"].as_str().unwrap_or_default())?.as_slice().try_into()?;
    let signature: DerSignature = key()?.sign_prehash(&digest)?;
    let signature = BASE64.encode(signature.as_bytes());
    Ok(json!({"KeyId": KEY_ARN, "Signature": signature, "SigningAlgorithm": "ECDSA_SHA_256"}))
}

fn der() -> Result<Vec<u8>, Problem> {
    Ok(key()?.verifying_key().to_public_key_der()?.into_vec())
}

fn key() -> Result<SigningKey, Problem> {
    Ok(SigningKey::from_slice(&[7; 32])?)
}
