//! The audit records of what remediation decided and did, and of what was taken back: from them alone one can say what
//! this system has made of a bucket's encryption, when, for whom and why.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::resource::BucketEncryption;
use crate::{Reading, RemediationMode, Trigger};

/// One decision about one bucket, and what came of it: a line of `remediation.jsonl`.
///
/// The file is appended to and never rewritten. Each line carries the SHA-256 of the line before, so that a line that was
/// altered, taken out or put in shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemediationRecord {
    /// The line's number in its file, from 1.
    pub sequence: u64,
    /// SHA-256 of the line before without its line break, in lowercase hexadecimal; `None` in the first line.
    pub previous_sha256: Option<String>,
    /// The scan or the rollback that the file belongs to.
    pub run_id: String,
    /// Which change of a bucket this is the record of; `None` when nothing was tried. There is one record for a change.
    pub change_id: Option<String>,
    /// The bucket's ARN.
    pub bucket_arn: String,
    /// The bucket's name.
    pub bucket: String,
    /// The rules that failed. In a rollback, those that had failed before the change that is taken back.
    pub rules: Vec<String>,
    /// The mode it ran in.
    pub mode: RemediationMode,
    /// What was decided.
    pub decision: Decision,
    /// What came of it.
    pub outcome: RemediationOutcome,
    /// Every reason that holds for leaving the bucket alone; empty when that was not decided.
    pub reasons: Vec<Reason>,
    /// What came of a decision to change, in words; `None` when the bucket was left alone.
    pub result: Option<String>,
    /// Default encryption as it was read for the decision; `None` when the bucket was not read.
    pub before: Option<Reading<BucketEncryption>>,
    /// The default encryption that was or would be set; `None` when none was to be. Its key is not there yet when it would
    /// be made, in a dry run or after an announcement.
    pub intended: Option<BucketEncryption>,
    /// Default encryption as read back last after a write; `None` when nothing was written.
    pub after: Option<Reading<BucketEncryption>>,
    /// ARN of the key that was or would be set, or that objects stay encrypted with after a rollback.
    pub key_arn: Option<String>,
    /// The writing calls that this took, in their order, as far as the one who made them lived to tell.
    pub calls: Vec<AwsCall>,
    /// Who asked and why, in words.
    pub requested_by: String,
    /// ARN of the execution in which it was decided.
    pub execution_arn: String,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When it was done.
    pub ended_at: Timestamp,
}

/// What was decided about a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Decision {
    /// Give it a key of its own.
    Apply,
    /// Restore what was there before an earlier change.
    RollBack,
    /// Leave it alone.
    Skip,
}

/// What came of one decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RemediationOutcome {
    /// Written and verified. Where the run that wrote it died, a later one has seen it written: it was so at `endedAt`, and
    /// since when after `decidedAt` is not known.
    Applied,
    /// Told to people, and left as it is: a later scan writes it, unless it is decided otherwise until then.
    Announced,
    /// A dry run that would have written.
    WouldApply,
    /// What was there before was written and verified.
    RolledBack,
    /// A dry run of a rollback that would have written.
    WouldRollBack,
    /// Left alone, with reasons.
    Skipped,
    /// Tried and failed; the result says what and what was put back.
    Failed,
}

impl RemediationOutcome {
    /// Those of a scan's remediation.
    pub const OF_A_SCAN: [Self; 5] = [Self::Applied, Self::Announced, Self::WouldApply, Self::Skipped, Self::Failed];
    /// Those of a rollback.
    pub const OF_A_ROLLBACK: [Self; 4] = [Self::RolledBack, Self::WouldRollBack, Self::Skipped, Self::Failed];

    /// The name in records, reports and metric dimensions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "APPLIED",
            Self::Announced => "ANNOUNCED",
            Self::WouldApply => "WOULD_APPLY",
            Self::RolledBack => "ROLLED_BACK",
            Self::WouldRollBack => "WOULD_ROLL_BACK",
            Self::Skipped => "SKIPPED",
            Self::Failed => "FAILED",
        }
    }
}

/// A reason to leave a bucket alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reason {
    /// Which reason it is.
    pub code: ReasonCode,
    /// The reason in words.
    pub text: String,
}

impl Reason {
    /// A reason in words.
    pub fn new(code: ReasonCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The reasons to leave a bucket alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReasonCode {
    /// Remediation is switched off.
    Off,
    /// The scan could not judge the bucket.
    NotJudged,
    /// An exception of the audit policy covers the violation.
    Excepted,
    /// The bucket lies in a region that this system does not reach.
    OtherRegion,
    /// The bucket belongs to this system.
    OwnBucket,
    /// As many buckets were changed as one scan may change.
    RunLimit,
    /// As many buckets were changed as may be changed on one day.
    DayLimit,
    /// Too many changes of this run have failed.
    Stopped,
    /// The function has no time left to begin another bucket.
    TimeUsedUp,
    /// A change of this bucket was taken back.
    RolledBack,
    /// What was set was set back, and set back again after it was set anew.
    Drift,
    /// Another run is changing the bucket.
    BeingChanged,
    /// The bucket is gone.
    Gone,
    /// A reading that the decision needs is missing.
    Unreadable,
    /// The bucket carries the tag that keeps remediation away.
    OptedOut,
    /// The bucket is encrypted with a customer-managed key by now.
    HasKey,
    /// The bucket names a customer-managed key that cannot be used.
    KeyUnusable,
    /// The default encryption is of a type that is not known.
    UnknownAlgorithm,
    /// The bucket takes server access logs.
    LogTarget,
    /// Whether the bucket takes server access logs is not known.
    LogTargetUnknown,
    /// A service of AWS delivers into the bucket, or may.
    Delivery,
    /// Somebody of another account is let in.
    OtherAccount,
    /// Everybody is let in.
    Anonymous,
    /// Single objects may let others in, of which the bucket shows nothing.
    ObjectAcls,
    /// The bucket is a website.
    Website,
    /// The bucket is replicated.
    ReplicationSource,
    /// Another bucket is replicated into this one.
    ReplicationDestination,
    /// Whether another bucket is replicated into this one is not known.
    ReplicationDestinationUnknown,
    /// The key that this system gave to the bucket cannot be used.
    OwnKeyUnusable,
    /// A key may have been made that AWS KMS does not show yet.
    KeyPending,
    /// The scan whose changes are to be taken back did not change the bucket.
    NotChanged,
    /// Somebody has changed the encryption since.
    ChangedSince,
    /// The bucket has the earlier encryption already.
    AlreadyAsBefore,
}

impl ReasonCode {
    /// Whether nothing was decided about the bucket itself: its turn did not come, somebody else was at it, or a reading is
    /// missing.
    pub const fn is_undecided(self) -> bool {
        matches!(
            self,
            Self::Off
                | Self::NotJudged
                | Self::RunLimit
                | Self::DayLimit
                | Self::Stopped
                | Self::TimeUsedUp
                | Self::BeingChanged
                | Self::Unreadable
                | Self::LogTargetUnknown
                | Self::ReplicationDestinationUnknown
                | Self::KeyPending
        )
    }
}

/// A call that wrote, or tried to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsCall {
    /// The IAM action.
    pub action: String,
    /// AWS's id of the request, by which AWS CloudTrail knows it; `None` when AWS did not answer.
    pub request_id: Option<String>,
    /// When it was answered.
    pub at: Timestamp,
    /// What went wrong; `None` when it was done.
    pub error: Option<String>,
}

/// What a rollback sets out to do, and why: `rollbacks/<id>/plan.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackPlan {
    /// The rollback's id, of the same form as a scan's.
    pub rollback_id: String,
    /// Who asked.
    pub trigger: Trigger,
    /// The 12 digits of the account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The scan whose changes are to be taken back.
    pub scan_id: String,
    /// The buckets, by name; `None` for all that the scan changed.
    pub buckets: Option<Vec<String>>,
    /// `Apply`, or `DryRun` to be told what would be done.
    pub mode: RemediationMode,
    /// When the execution started.
    pub started_at: Timestamp,
    /// ARN of the execution.
    pub execution_arn: String,
}
