//! Whether a bucket may be given back what it had: pure, from the record of its change and what it shows now.

use audit_model::remediation::{Decision, Reason, ReasonCode, RemediationOutcome, RemediationRecord};
use audit_model::resource::BucketEncryption;
use audit_model::{Reading, UnreadableCause};
use bucket_encryption::{Described, shows, took};

/// What a scan's remediation made of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Made<'a> {
    /// Its record.
    pub(crate) record: &'a RemediationRecord,
    /// Default encryption before; `None` when there was none.
    pub(crate) before: Option<&'a BucketEncryption>,
    /// Default encryption after; `None` when there was none.
    pub(crate) after: Option<&'a BucketEncryption>,
}

impl<'a> Made<'a> {
    /// What the record says was made of the bucket. `None` when nothing was, or it was put back. A change that failed
    /// counts only where its own key was left on the bucket, or may have been and could not be read: what else a bucket
    /// showed then was somebody else's.
    pub(crate) fn of(record: &'a RemediationRecord) -> Option<Self> {
        let before = match record.before.as_ref()? {
            Reading::Seen { value } => Some(value),
            Reading::Absent => None,
            Reading::Unreadable(_) => return None,
        };
        let after = match record.after.as_ref()? {
            Reading::Seen { value } => Some(value),
            Reading::Absent => None,
            Reading::Unreadable(_) => record.intended.as_ref(),
        };
        let has_key = after.is_some_and(|after| after.kms_key_id.is_some() && after.kms_key_id == record.key_arn);
        let changed = match record.outcome {
            RemediationOutcome::Applied => true,
            RemediationOutcome::Failed => record.decision == Decision::Apply && has_key,
            _ => false,
        };
        (changed && !shows(before, after)).then_some(Self { record, before, after })
    }
}

/// Why a bucket is left alone; `None` when it may be given back what it had.
pub(crate) fn objection(made: Made<'_>, scan_id: &str, shown: &Reading<BucketEncryption>) -> Option<Reason> {
    match shown.known() {
        Err(why) if why.cause == UnreadableCause::Gone => Some(Reason::new(ReasonCode::Gone, "the bucket is gone")),
        Err(why) => {
            let text = format!("what the bucket has now could not be read: {why}");
            Some(Reason::new(ReasonCode::Unreadable, text))
        }
        // Beyond what it had, it may have what Amazon S3 filled in when it was given back.
        Ok(shown) if shows(made.before, shown) || took(made.before, shown) && !shows(made.after, shown) => {
            let text = "the bucket has the earlier default encryption already; scans leave it alone from now on";
            Some(Reason::new(ReasonCode::AlreadyAsBefore, text))
        }
        Ok(shown) if shows(made.after, shown) => None,
        Ok(shown) => {
            let text = format!(
                "somebody has changed it since: the scan {scan_id} left {}, and now it shows {}",
                Described(made.after),
                Described(shown)
            );
            Some(Reason::new(ReasonCode::ChangedSince, text))
        }
    }
}

/// The reason to leave a bucket alone that the scan did not change.
pub(crate) fn not_changed(scan_id: &str) -> Reason {
    let text = format!("the records of the scan {scan_id} hold no change of this bucket that could be taken back");
    Reason::new(ReasonCode::NotChanged, text)
}

/// The reason when there is no time left.
pub(crate) fn time_used_up() -> Reason {
    let text = "the time of one rollback is used up; the bucket was not read: ask again, what was done is not repeated";
    Reason::new(ReasonCode::TimeUsedUp, text)
}

#[cfg(test)]
mod tests;
