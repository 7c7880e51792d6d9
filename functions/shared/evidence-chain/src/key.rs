//! Signatures: ECDSA with SHA-256 over the curve NIST P-256, which AWS KMS calls `ECDSA_SHA_256` and `ECC_NIST_P256`.

use std::fmt;

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use p256::pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding};
use thiserror::Error;

use crate::digest::{hex, sha256};

/// Why something is no public key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "this is no public key of the curve NIST P-256 in the form SubjectPublicKeyInfo (DER, or PEM: BEGIN PUBLIC KEY)"
)]
pub struct NotAKey;

/// The public half of the key that signs.
#[derive(Clone)]
pub struct PublicKey {
    key: VerifyingKey,
    pem: String,
    fingerprint: String,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.fingerprint).finish()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl PublicKey {
    /// A key as AWS KMS gives it out: "a DER-encoded X.509 public key, also known as SubjectPublicKeyInfo".
    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html>
    ///
    /// # Errors
    /// When it is no such key.
    pub fn from_der(der: &[u8]) -> Result<Self, NotAKey> {
        Self::new(VerifyingKey::from_public_key_der(der).map_err(|_| NotAKey)?)
    }

    /// A key as it lies in a file.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn from_pem(pem: &str) -> Result<Self, NotAKey> {
        Self::new(VerifyingKey::from_public_key_pem(pem.trim()).map_err(|_| NotAKey)?)
    }

    fn new(key: VerifyingKey) -> Result<Self, NotAKey> {
        let der = key.to_public_key_der().map_err(|_| NotAKey)?;
        let pem = key.to_public_key_pem(LineEnding::LF).map_err(|_| NotAKey)?;
        Ok(Self { key, pem, fingerprint: hex(&sha256(der.as_bytes())) })
    }

    /// The key as text for a file.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The key in DER, in Base64 on one line: what `aws kms get-public-key --query PublicKey --output text` prints.
    pub fn base64(&self) -> String {
        self.pem.lines().filter(|line| !line.starts_with('-')).collect()
    }

    /// SHA-256 of the key in DER, in lowercase hexadecimal: what people compare.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether this key's other half has signed what has this SHA-256. Signatures come as AWS KMS makes them: "a DER-encoded
    /// object as defined by ANSI X9.62-2005 and RFC 3279 Section 2.2.3".
    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>
    pub fn has_signed(&self, sha256: &[u8; 32], signature: &[u8]) -> bool {
        DerSignature::from_bytes(signature).is_ok_and(|signature| self.key.verify_prehash(sha256, &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use pretty_assertions::assert_eq;

    use super::*;

    /// RFC 6979, appendix A.2.5: the public key, and the signature of "sample" with SHA-256, here in DER.
    const POINT: &str = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
                         7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
    const R: &str = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716";
    const S: &str = "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

    fn bytes(digits: &str) -> Vec<u8> {
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    }

    /// RFC 5480: the algorithm `ecPublicKey` on the curve `secp256r1`, and the point.
    fn der() -> Vec<u8> {
        [bytes("3059301306072a8648ce3d020106082a8648ce3d030107034200"), bytes(POINT)].concat()
    }

    #[test]
    fn signatures_are_those_of_the_standard() {
        let key = PublicKey::from_der(&der()).unwrap();
        // Both begin with a set bit, and so with a zero byte that makes them positive.
        let signature = bytes(&format!("3046022100{R}022100{S}"));
        assert!(key.has_signed(&sha256(b"sample"), &signature));
        assert!(!key.has_signed(&sha256(b"simple"), &signature));
        assert!(!key.has_signed(&sha256(b"sample"), &[&signature[..], &[0]].concat()));
        assert!(!key.has_signed(&sha256(b"sample"), b""));
    }

    #[test]
    fn a_key_is_the_same_in_all_forms() {
        let key = PublicKey::from_der(&der()).unwrap();
        assert!(
            key.pem().starts_with("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"),
            "{}",
            key.pem()
        );
        assert_eq!(PublicKey::from_pem(key.pem()), Ok(key.clone()));
        assert_eq!(BASE64.decode(key.base64()).unwrap(), der());
        assert_eq!(key.fingerprint(), hex(&sha256(&der())));
        assert_eq!(PublicKey::from_der(&der()[1..]), Err(NotAKey));
        assert_eq!(PublicKey::from_pem("a key"), Err(NotAKey));
    }
}
