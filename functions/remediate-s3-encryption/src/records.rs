//! The audit records of one scan's remediation, and the intents that outlive a crash.

use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, JsonLinesReader, JsonLinesWriter, keys};
use audit_model::RemediationMode;
use audit_model::remediation::{RemediationOutcome, RemediationRecord};
use audit_model::resource::BucketEncryption;
use audit_model::task::RemediateOutput;
use audit_task::TaskError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The records of one scan, by bucket. The object is written anew after every change: S3 knows no appending.
pub(crate) struct Records {
    scan_id: String,
    by_bucket: BTreeMap<String, RemediationRecord>,
}

impl Records {
    /// Loads what an earlier attempt of this task changed, or tried to. What it only decided is decided again.
    pub(crate) async fn load(store: &dyn ArtifactStore, scan_id: &str) -> Result<Self, TaskError> {
        let mut records = Self { scan_id: scan_id.to_owned(), by_bucket: BTreeMap::new() };
        if let Some(mut reader) = JsonLinesReader::find(store, &keys::remediation(scan_id)).await? {
            while let Some(record) = reader.next().await? {
                if touched(&record) {
                    records.add(record);
                }
            }
        }
        Ok(records)
    }

    pub(crate) fn contain(&self, bucket: &str) -> bool {
        self.by_bucket.contains_key(bucket)
    }

    pub(crate) fn add(&mut self, record: RemediationRecord) {
        self.by_bucket.insert(record.bucket.clone(), record);
    }

    /// How many buckets count against the policy's limit: those that were changed or would have been, and those of
    /// which a change was tried.
    pub(crate) fn changes(&self) -> u32 {
        let counts = |record: &&RemediationRecord| record.outcome != RemediationOutcome::Skipped;
        u32::try_from(self.by_bucket.values().filter(counts).count()).unwrap_or(u32::MAX)
    }

    /// Stores all records, in the order of the buckets' names.
    pub(crate) async fn save(&self, store: &dyn ArtifactStore) -> Result<(), TaskError> {
        let mut writer = JsonLinesWriter::create(store, &keys::remediation(&self.scan_id)).await?;
        for record in self.by_bucket.values() {
            writer.write(record).await?;
        }
        writer.finish().await.map(|_| ())
    }

    /// The figures.
    pub(crate) fn output(&self, mode: RemediationMode) -> RemediateOutput {
        let mut output =
            RemediateOutput { scan_id: self.scan_id.clone(), mode, applied: 0, would_apply: 0, skipped: 0, failed: 0 };
        for record in self.by_bucket.values() {
            *match record.outcome {
                RemediationOutcome::Applied => &mut output.applied,
                RemediationOutcome::WouldApply => &mut output.would_apply,
                RemediationOutcome::Skipped => &mut output.skipped,
                RemediationOutcome::Failed => &mut output.failed,
            } += 1;
        }
        output
    }
}

/// Whether a record tells of a bucket that was written to, or may have been.
pub(crate) fn touched(record: &RemediationRecord) -> bool {
    matches!(record.outcome, RemediationOutcome::Applied | RemediationOutcome::Failed)
}

/// What is about to be done to a bucket. It is stored before the bucket is written to: were the function to die in
/// between, its next attempt would find the bucket changed, and here what it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Intent {
    /// The bucket's name.
    pub(crate) bucket: String,
    /// Default encryption before; `None` when there was none.
    pub(crate) before: Option<BucketEncryption>,
    /// The encryption that is about to be set.
    pub(crate) intended: BucketEncryption,
    /// ARN of the key.
    pub(crate) key_arn: String,
    /// When it was decided.
    pub(crate) at: Timestamp,
}

impl Intent {
    /// What an earlier attempt of this task was about to do to the bucket, if it came so far.
    pub(crate) async fn find(
        store: &dyn ArtifactStore,
        scan_id: &str,
        bucket: &str,
    ) -> Result<Option<Self>, TaskError> {
        store.find_json(&keys::remediation_intent(scan_id, bucket)).await
    }

    /// Stores it.
    pub(crate) async fn save(&self, store: &dyn ArtifactStore, scan_id: &str) -> Result<(), TaskError> {
        store.replace_json(&keys::remediation_intent(scan_id, &self.bucket), self).await
    }
}
