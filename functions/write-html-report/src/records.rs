//! What is kept of remediation's records.

use audit_artifacts::JsonLinesReader;
use audit_model::Reading;
use audit_model::remediation::{RemediationOutcome, RemediationRecord};
use audit_model::resource::BucketEncryption;
use audit_task::TaskError;
use jiff::Timestamp;

use crate::text::shown;
use crate::top::Top;

/// How many records the report shows, those that matter most first.
const ROOM: usize = 500;

/// Characters of what is told.
const TEXT: usize = 1000;

/// The records that are shown, and how many there are.
pub(crate) type Records = Top<u8, Record>;

/// A record, as much of it as the report shows.
pub(crate) struct Record {
    pub(crate) outcome: RemediationOutcome,
    pub(crate) bucket: String,
    /// Why the bucket was left alone, or what came of the change.
    pub(crate) told: String,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) decided_at: Timestamp,
}

/// Reads the records, of which there may be none.
///
/// # Errors
/// Those of the records' reader.
pub(crate) async fn read(records: Option<JsonLinesReader<RemediationRecord>>) -> Result<Records, TaskError> {
    let mut top = Top::new(ROOM);
    if let Some(mut records) = records {
        while let Some(record) = records.next().await? {
            top.offer(rank(record.outcome), || Record::of(&record));
        }
    }
    Ok(top)
}

/// What failed comes first, then what was changed, then what will be.
const fn rank(outcome: RemediationOutcome) -> u8 {
    match outcome {
        RemediationOutcome::Failed => 0,
        RemediationOutcome::Applied | RemediationOutcome::RolledBack => 1,
        RemediationOutcome::Announced => 2,
        RemediationOutcome::WouldApply | RemediationOutcome::WouldRollBack => 3,
        RemediationOutcome::Skipped => 4,
    }
}

impl Record {
    fn of(record: &RemediationRecord) -> Self {
        let reasons = record.reasons.iter().map(|reason| reason.text.as_str());
        let told: Vec<&str> = reasons.chain(record.result.as_deref()).collect();
        let after = match (&record.after, &record.intended) {
            (Some(after), _) => encryption(after),
            (None, Some(intended)) => format!("intended: {}", in_words(intended)),
            (None, None) => "unchanged".to_owned(),
        };
        Self {
            outcome: record.outcome,
            bucket: shown(&record.bucket, TEXT),
            told: shown(&told.join("; "), TEXT),
            before: shown(&record.before.as_ref().map_or_else(|| "not read".to_owned(), encryption), TEXT),
            after: shown(&after, TEXT),
            decided_at: record.decided_at,
        }
    }
}

fn encryption(reading: &Reading<BucketEncryption>) -> String {
    match reading {
        Reading::Seen { value } => in_words(value),
        Reading::Absent => "none".to_owned(),
        Reading::Unreadable(why) => why.to_string(),
    }
}

fn in_words(encryption: &BucketEncryption) -> String {
    match &encryption.kms_key_id {
        Some(key) => format!("{} with {key}", encryption.algorithm),
        None => encryption.algorithm.clone(),
    }
}
