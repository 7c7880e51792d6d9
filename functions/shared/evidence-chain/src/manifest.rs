//! A link of the chain.

use std::collections::BTreeMap;
use std::fmt;

use audit_model::summary::{Counts, ScanStatus};
use audit_model::{Service, Severity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::canonical::{NotCanonical, canonical};
use crate::places::Subject;

/// The version of the manifest's form.
pub const SCHEMA_VERSION: &str = "1.0";

/// What one scan or rollback left, and what it stands on. It is stored in its canonical form, and that is what is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// [`SCHEMA_VERSION`].
    pub schema_version: String,
    /// Its number in the chain, from 1.
    pub number: u64,
    /// What it is about.
    pub subject: Subject,
    /// How that ended.
    pub outcome: Outcome,
    /// Why it ended so, where it did not come to its end.
    pub reason: Option<String>,
    /// The execution.
    pub execution: Execution,
    /// When it was sealed, to the second.
    pub sealed_at: Timestamp,
    /// The plan; `None` when there is none.
    pub plan: Option<Plan>,
    /// What judged.
    pub catalogue: Catalogue,
    /// What was found; `None` when the findings were never put together.
    pub figures: Option<Figures>,
    /// Every object that was left, by key, but for the manifest and its signature.
    pub objects: Vec<SealedObject>,
    /// What started between the link before and this one and had no link when this one was made: it broke off without a seal, or
    /// was still running.
    pub without_link: Vec<Subject>,
    /// The key that signs.
    pub key: SigningKey,
    /// The link before; `None` of the first.
    pub previous: Option<Previous>,
}

impl Manifest {
    /// What is stored and signed.
    ///
    /// # Errors
    /// When it has no canonical form.
    pub fn canonical(&self) -> Result<String, NotCanonical> {
        canonical(self)
    }

    /// All bytes of its objects.
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.bytes).sum()
    }
}

/// How a scan or a rollback ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// A scan that looked at all that it had planned.
    Complete,
    /// A scan that did not.
    Partial,
    /// A rollback that came to its end; its records say what it did.
    RolledBack,
    /// Nothing was done, because another execution was at it.
    SteppedAside,
    /// The request or the policy was wrong, and nothing was done.
    Refused,
    /// It broke off.
    BrokeOff,
}

impl From<ScanStatus> for Outcome {
    fn from(status: ScanStatus) -> Self {
        match status {
            ScanStatus::Complete => Self::Complete,
            ScanStatus::Partial => Self::Partial,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Complete => "COMPLETE",
            Self::Partial => "PARTIAL",
            Self::RolledBack => "ROLLED_BACK",
            Self::SteppedAside => "STEPPED_ASIDE",
            Self::Refused => "REFUSED",
            Self::BrokeOff => "BROKE_OFF",
        })
    }
}

/// The execution of the state machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Its ARN.
    pub arn: String,
    /// When it started.
    pub started_at: Timestamp,
}

/// The plan's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// SHA-256 of the plan's object, in lowercase hexadecimal.
    pub sha256: String,
    /// SHA-256 of the canonical form of the audit policy in it; `None` of a rollback's, which needs none, and where the plan
    /// is not understood.
    pub policy_sha256: Option<String>,
}

/// What judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    /// The version of the catalogue and of the system that it is a part of.
    pub version: String,
    /// SHA-256 of `rules.json`, the rules as they were in force; `None` when it was not written.
    pub rules_sha256: Option<String>,
}

/// The counts of a scan, as its summary has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Whether everything that was planned was looked at.
    pub status: ScanStatus,
    /// Resources evaluated, by service.
    pub resources: BTreeMap<Service, u64>,
    /// Rule evaluations.
    pub totals: Counts,
    /// Open violations by severity.
    pub violations_by_severity: BTreeMap<Severity, u64>,
}

/// An object as it lay there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedObject {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, in lowercase hexadecimal.
    pub sha256: String,
    /// The version that was read; `None` where the store keeps none.
    pub version_id: Option<String>,
}

/// The key that signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SigningKey {
    /// Its ARN.
    pub arn: String,
    /// SHA-256 of its public half in DER, in lowercase hexadecimal.
    pub fingerprint: String,
}

/// The link before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    /// Its number.
    pub number: u64,
    /// What it is about.
    pub subject: Subject,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// SHA-256 of its manifest, in lowercase hexadecimal.
    pub sha256: String,
    /// Its signature, in Base64.
    pub signature: String,
}
