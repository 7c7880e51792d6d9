//! The audit records of one run: lines that are added, each bound to the one before by its SHA-256.

use std::collections::{BTreeMap, BTreeSet};

use audit_artifacts::{ArtifactStore, Condition, PutOutcome, sha256};
use audit_model::remediation::{Decision, Reason, RemediationOutcome, RemediationRecord};
use audit_model::resource::BucketEncryption;
use audit_model::{Reading, RemediationMode};
use audit_task::TaskError;
use jiff::Timestamp;

use crate::journal::{ChangeKind, OpenChange};

/// How often a conditional write is tried. It fails only while another attempt of the same run writes.
const ATTEMPTS: usize = 10;

/// A run that leaves records: a scan's remediation, or a rollback.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The scan's or the rollback's id.
    pub id: &'a str,
    /// The mode it runs in.
    pub mode: RemediationMode,
    /// Who asked and why, in words.
    pub requested_by: &'a str,
    /// ARN of its execution.
    pub execution_arn: &'a str,
}

/// A bucket that a run decides about.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The run.
    pub run: Run<'a>,
    /// The bucket's name.
    pub bucket: &'a str,
    /// Its ARN.
    pub arn: &'a str,
    /// The rules that failed.
    pub rules: &'a [String],
    /// When it is decided.
    pub at: Timestamp,
}

impl Case<'_> {
    /// The change as it is about to be begun, from what the bucket shows to what it is to have.
    pub fn change(
        &self,
        kind: ChangeKind,
        shown: &Reading<BucketEncryption>,
        intended: Option<BucketEncryption>,
        key_arn: Option<&str>,
    ) -> OpenChange {
        OpenChange {
            run_id: self.run.id.to_owned(),
            kind,
            bucket: self.bucket.to_owned(),
            bucket_arn: self.arn.to_owned(),
            rules: self.rules.to_vec(),
            before: shown.known().ok().flatten().cloned(),
            intended,
            key_arn: key_arn.map(str::to_owned),
            calls: Vec::new(),
            requested_by: self.run.requested_by.to_owned(),
            execution_arn: self.run.execution_arn.to_owned(),
            begun_at: self.at,
            touched_at: self.at,
        }
    }

    /// The record of a decision by which nothing was tried.
    pub fn record(&self, decision: Decision, outcome: RemediationOutcome, reasons: Vec<Reason>) -> RemediationRecord {
        RemediationRecord {
            sequence: 0,
            previous_sha256: None,
            run_id: self.run.id.to_owned(),
            change_id: None,
            bucket_arn: self.arn.to_owned(),
            bucket: self.bucket.to_owned(),
            rules: self.rules.to_vec(),
            mode: self.run.mode,
            decision,
            outcome,
            reasons,
            result: None,
            before: None,
            intended: None,
            after: None,
            key_arn: None,
            calls: Vec::new(),
            requested_by: self.run.requested_by.to_owned(),
            execution_arn: self.run.execution_arn.to_owned(),
            decided_at: self.at,
            ended_at: self.at,
        }
    }
}

/// The records of one run. What is stored is never changed; what is added is stored with the next [`Records::save`].
///
/// A line takes about a kilobyte, and a run has one for each bucket that fails an encryption rule: 10 MB under Amazon
/// S3's default quota of 10,000 buckets.
#[derive(Debug)]
pub struct Records {
    key: String,
    stored: Lines,
    added: Vec<RemediationRecord>,
    /// What came of each bucket, by its last record.
    outcomes: BTreeMap<String, RemediationOutcome>,
    /// How many buckets came to each.
    counts: BTreeMap<RemediationOutcome, u64>,
}

/// The lines of an object as it was read or written last.
#[derive(Debug, Default)]
struct Lines {
    content: Vec<u8>,
    etag: Option<String>,
    count: u64,
    /// SHA-256 of the last line.
    last: Option<String>,
    records: Vec<RemediationRecord>,
}

impl Records {
    /// Loads what earlier attempts of the run have recorded, if anything.
    ///
    /// # Errors
    /// `Corrupt` when a line cannot be understood or does not follow from the one before, and those of the store.
    pub async fn load(store: &dyn ArtifactStore, key: String) -> Result<Self, TaskError> {
        let mut records = Self {
            key,
            stored: Lines::default(),
            added: Vec::new(),
            outcomes: BTreeMap::new(),
            counts: BTreeMap::new(),
        };
        records.refresh(store).await?;
        Ok(records)
    }

    /// The records, in their order.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &RemediationRecord> {
        self.stored.records.iter().chain(&self.added)
    }

    /// Those that are stored.
    pub fn stored(&self) -> &[RemediationRecord] {
        &self.stored.records
    }

    /// Whether there is a record about the bucket.
    pub fn contain(&self, bucket: &str) -> bool {
        self.outcomes.contains_key(bucket)
    }

    /// The record of a change.
    pub fn of_change(&self, change_id: &str) -> Option<&RemediationRecord> {
        self.all().find(|record| record.change_id.as_deref() == Some(change_id))
    }

    /// How many records wait to be stored.
    pub const fn waiting(&self) -> usize {
        self.added.len()
    }

    /// What came of a bucket, by its last record.
    pub fn outcome(&self, bucket: &str) -> Option<RemediationOutcome> {
        self.outcomes.get(bucket).copied()
    }

    /// How many buckets came to one of these.
    pub fn count(&self, outcomes: &[RemediationOutcome]) -> u64 {
        outcomes.iter().filter_map(|outcome| self.counts.get(outcome)).sum()
    }

    /// Adds a record.
    pub fn add(&mut self, record: RemediationRecord) {
        let before = self.outcomes.insert(record.bucket.clone(), record.outcome);
        if let Some(count) = before.and_then(|before| self.counts.get_mut(&before)) {
            *count -= 1;
        }
        *self.counts.entry(record.outcome).or_default() += 1;
        self.added.push(record);
    }

    /// Stores what was added, behind whatever another attempt of the run has stored in the meantime. A change that is
    /// recorded by then is not recorded twice, and a bucket that is decided about not left alone afterwards. The object
    /// is there then, be it empty.
    ///
    /// # Errors
    /// `Unavailable` while another attempt writes, and those of [`Records::load`].
    pub async fn save(&mut self, store: &dyn ArtifactStore) -> Result<(), TaskError> {
        for _ in 0..ATTEMPTS {
            let stored = &self.stored.records;
            let changes: BTreeSet<&String> = stored.iter().filter_map(|record| record.change_id.as_ref()).collect();
            let buckets: BTreeSet<&String> = stored.iter().map(|record| &record.bucket).collect();
            let new = |record: &&RemediationRecord| match &record.change_id {
                Some(id) => !changes.contains(id),
                None => !buckets.contains(&record.bucket),
            };
            let added: Vec<_> = self.added.iter().filter(new).cloned().collect();
            if added.is_empty() && self.stored.etag.is_some() {
                self.added.clear();
                return self.refresh(store).await;
            }
            let content = self.stored.followed_by(&added)?;
            let condition = self.stored.etag.clone().map_or(Condition::IfAbsent, Condition::IfMatch);
            let put = store.put(&self.key, "application/x-ndjson", content.into(), condition).await?;
            if put == PutOutcome::Written {
                self.added.clear();
                added.iter().try_for_each(log)?;
            }
            self.refresh(store).await?;
            if put == PutOutcome::Written {
                return Ok(());
            }
        }
        Err(TaskError::Unavailable(format!("the object {} is being written by another attempt; try again", self.key)))
    }

    /// Reads again what is stored, for another attempt of the run may have added to it.
    ///
    /// # Errors
    /// Those of [`Records::load`].
    pub async fn refresh(&mut self, store: &dyn ArtifactStore) -> Result<(), TaskError> {
        self.stored = Lines::read(store, &self.key).await?;
        self.outcomes = self.all().map(|record| (record.bucket.clone(), record.outcome)).collect();
        self.counts.clear();
        for outcome in self.outcomes.values() {
            *self.counts.entry(*outcome).or_default() += 1;
        }
        Ok(())
    }

    /// SHA-256 of the object as it was stored last, in lowercase hexadecimal.
    pub fn sha256(&self) -> String {
        sha256(&self.stored.content)
    }
}

impl Lines {
    async fn read(store: &dyn ArtifactStore, key: &str) -> Result<Self, TaskError> {
        let Some(stored) = store.get(key).await? else {
            return Ok(Self::default());
        };
        let mut lines = Self { etag: Some(stored.etag), ..Self::default() };
        for line in stored.content.split_inclusive(|byte| *byte == b'\n') {
            let number = lines.count + 1;
            let corrupt = |what: String| TaskError::Corrupt(format!("the object {key}, line {number}: {what}"));
            let Some(text) = line.strip_suffix(b"\n") else {
                return Err(corrupt("it is cut short".to_owned()));
            };
            let record: RemediationRecord = serde_json::from_slice(text).map_err(|error| corrupt(error.to_string()))?;
            if (record.sequence, &record.previous_sha256) != (number, &lines.last) {
                let what = "it does not follow from the line before: a line was altered, taken out or put in";
                return Err(corrupt(what.to_owned()));
            }
            lines.count = number;
            lines.last = Some(sha256(text));
            lines.records.push(record);
        }
        lines.content = stored.content.to_vec();
        Ok(lines)
    }

    /// The content with these records behind it.
    fn followed_by(&self, added: &[RemediationRecord]) -> Result<Vec<u8>, TaskError> {
        let mut content = self.content.clone();
        let (mut sequence, mut previous_sha256) = (self.count, self.last.clone());
        for record in added {
            sequence += 1;
            let line = serde_json::to_vec(&RemediationRecord { sequence, previous_sha256, ..record.clone() })
                .map_err(not_json)?;
            previous_sha256 = Some(sha256(&line));
            content.extend(line);
            content.push(b'\n');
        }
        Ok(content)
    }
}

/// Tells the log what was recorded, all of it.
fn log(record: &RemediationRecord) -> Result<(), TaskError> {
    let told = serde_json::to_string(record).map_err(not_json)?;
    tracing::info!(bucket = record.bucket, outcome = record.outcome.as_str(), record = told, "recorded");
    Ok(())
}

fn not_json(error: serde_json::Error) -> TaskError {
    TaskError::Internal(format!("a record cannot be written as JSON: {error}"))
}

#[cfg(test)]
mod tests;
