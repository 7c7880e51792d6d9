//! The audit record of remediation: one for every decision, skips included.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::RemediationMode;
use crate::resource::BucketEncryption;

/// One decision about one bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemediationRecord {
    /// The scan that asked for it.
    pub scan_id: String,
    /// The bucket's ARN.
    pub bucket_arn: String,
    /// The bucket's name.
    pub bucket: String,
    /// The rules that failed.
    pub rules: Vec<String>,
    /// The mode it ran in.
    pub mode: RemediationMode,
    /// What came of it.
    pub outcome: RemediationOutcome,
    /// Every reason that holds, in words.
    pub reasons: Vec<String>,
    /// Default encryption before; `None` when there was none or it could not be read (then a reason says so).
    pub before: Option<BucketEncryption>,
    /// Default encryption as read back after a write.
    pub after: Option<BucketEncryption>,
    /// ARN of the key that was or would be set.
    pub key_arn: Option<String>,
    /// Who asked: the trigger of the scan in words.
    pub requested_by: String,
    /// When it was decided and done.
    pub at: Timestamp,
}

/// What came of one decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RemediationOutcome {
    /// Written and verified.
    Applied,
    /// A dry run that would have written.
    WouldApply,
    /// Left alone, with reasons.
    Skipped,
    /// Tried and failed; the reasons say what and what was put back.
    Failed,
}

impl RemediationOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Applied, Self::WouldApply, Self::Skipped, Self::Failed];

    /// The name in records, reports and metric dimensions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "APPLIED",
            Self::WouldApply => "WOULD_APPLY",
            Self::Skipped => "SKIPPED",
            Self::Failed => "FAILED",
        }
    }
}
