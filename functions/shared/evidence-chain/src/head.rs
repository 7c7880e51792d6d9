//! The last link of the chain, whole: what the next one builds on, and what is left to do if its maker stopped half-way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::canonical::{NotCanonical, canonical};
use crate::digest::{hex, sha256};
use crate::manifest::{Manifest, Previous};
use crate::places::Subject;

/// A manifest as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The manifest.
    pub manifest: Manifest,
    /// Its canonical form.
    pub text: String,
    /// SHA-256 of that.
    pub sha256: [u8; 32],
    /// The signature, in DER.
    pub signature: Vec<u8>,
}

impl Link {
    /// A link of a manifest and its signature; `text` is the manifest's canonical form.
    ///
    /// # Errors
    /// When the text is no manifest.
    pub fn new(text: String, signature: Vec<u8>) -> Result<Self, serde_json::Error> {
        let manifest = serde_json::from_str(&text)?;
        let sha256 = sha256(text.as_bytes());
        Ok(Self { manifest, text, sha256, signature })
    }

    /// What the next link holds of this one.
    pub fn as_previous(&self) -> Previous {
        Previous {
            number: self.manifest.number,
            subject: self.manifest.subject.clone(),
            sealed_at: self.manifest.sealed_at,
            sha256: hex(&self.sha256),
            signature: BASE64.encode(&self.signature),
        }
    }
}

/// The head as it is stored. It holds the whole link, for it is written first: whoever comes next can finish what its maker
/// could not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Head {
    number: u64,
    subject: Subject,
    sealed_at: Timestamp,
    sha256: String,
    signature: String,
    manifest: String,
}

impl Head {
    /// The head that names a link.
    pub fn of(link: &Link) -> Self {
        let Previous { number, subject, sealed_at, sha256, signature } = link.as_previous();
        Self { number, subject, sealed_at, sha256, signature, manifest: link.text.clone() }
    }

    /// What is stored.
    ///
    /// # Errors
    /// When it has no canonical form.
    pub fn canonical(&self) -> Result<String, NotCanonical> {
        canonical(self)
    }

    /// The link that is stored.
    ///
    /// # Errors
    /// What is wrong with it, in words, when it is no head or what it says of its link is not so.
    pub fn read(content: &[u8]) -> Result<Link, String> {
        let head: Self =
            serde_json::from_slice(content).map_err(|error| format!("it cannot be understood: {error}"))?;
        let signature =
            BASE64.decode(&head.signature).map_err(|error| format!("its signature is no Base64: {error}"))?;
        let link = Link::new(head.manifest.clone(), signature)
            .map_err(|error| format!("its manifest cannot be understood: {error}"))?;
        if Self::of(&link) == head { Ok(link) } else { Err("what it says of its manifest is not so".to_owned()) }
    }
}
