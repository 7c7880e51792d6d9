//! Gives buckets that fail the encryption rules a default encryption with a key of their own.
//!
//! For each of them: read again just now, decide (`decide.rs`), and either say why it is left alone or change it
//! (`repair.rs`) and look whether it is so. Every decision becomes a record.

mod candidates;
mod decide;
mod kms;
mod log_targets;
mod ports;
mod records;
mod repair;
mod s3;

use audit_artifacts::ScanRecord;
use audit_model::remediation::{RemediationOutcome, RemediationRecord};
use audit_model::resource::BucketEncryption;
use audit_model::task::{RemediateInput, RemediateOutput};
use audit_model::{Plan, Reading, RemediationMode, Trigger, TriggerKind};
use audit_task::TaskError;
use jiff::Timestamp;

pub use kms::KmsKeys;
pub use ports::{Buckets, Key, Keys, ListedBucket, Ports, Readings, Settings};
pub use s3::S3Buckets;

use crate::candidates::{Candidate, candidates};
use crate::decide::{Reason, after_reading, before_reading, by_key, same};
use crate::log_targets::LogTargets;
use crate::ports::key_alias;
use crate::records::{Intent, Records, touched};
use crate::repair::Repair;

/// Repairs the buckets of one aggregated scan, as far as its plan allows.
///
/// # Errors
/// `NotFound` and `Corrupt` when the scan cannot be read, those of listing the buckets, and those of the store. What
/// goes wrong with one bucket is a record and no error.
pub async fn handle(
    input: &RemediateInput,
    ports: Ports<'_>,
    settings: &Settings,
) -> Result<RemediateOutput, TaskError> {
    let scan = ScanRecord::load(ports.store, &input.scan_id).await?;
    let candidates = candidates(&scan, ports.store).await?;
    let mut records = Records::load(ports.store, &input.scan_id).await?;
    let plan = &scan.plan;
    let looks = plan.remediation != RemediationMode::Off && !candidates.is_empty();
    let started = (ports.now)();
    let log_targets = if looks { LogTargets::read(ports.buckets, &plan.region).await? } else { LogTargets::default() };
    for candidate in candidates.iter().filter(|candidate| !records.contain(&candidate.bucket)).collect::<Vec<_>>() {
        let treatment = Treatment { ports, settings, plan, log_targets: &log_targets, started, candidate };
        let record = treatment.run(records.changes()).await?;
        tracing::info!(bucket = record.bucket, outcome = record.outcome.as_str(), "decided");
        let changed = touched(&record);
        records.add(record);
        if changed {
            records.save(ports.store).await?;
        }
    }
    records.save(ports.store).await?;
    Ok(records.output(plan.remediation))
}

/// One bucket's turn.
struct Treatment<'a> {
    ports: Ports<'a>,
    settings: &'a Settings,
    plan: &'a Plan,
    log_targets: &'a LogTargets,
    started: Timestamp,
    candidate: &'a Candidate,
}

impl Treatment<'_> {
    async fn run(&self, changed: u32) -> Result<RemediationRecord, TaskError> {
        let time_used_up = (self.ports.now)().duration_since(self.started) >= self.settings.time_limit;
        let reasons = before_reading(self.candidate, self.plan, self.settings, changed, time_used_up);
        if !reasons.is_empty() {
            return Ok(self.skipped(&reasons, None));
        }

        let bucket = self.candidate.bucket.as_str();
        let readings = self.ports.buckets.readings(bucket).await;
        let before = match &readings.encryption {
            Reading::Seen { value } => Some(value),
            Reading::Absent | Reading::Unreadable(_) => None,
        };
        let opt_out = &self.plan.policy.remediation.opt_out_tag;
        let reasons = after_reading(bucket, &readings, self.log_targets, &self.plan.account, opt_out);
        if let Some(record) = self.done_before(before, &reasons).await? {
            return Ok(record);
        }
        if !reasons.is_empty() {
            return Ok(self.skipped(&reasons, before));
        }

        let key = self.ports.keys.find(&key_alias(bucket)).await;
        if let Some(reason) = by_key(&key) {
            return Ok(self.skipped(&[reason], before));
        }
        let key = match &key {
            Reading::Seen { value } => Some(value),
            Reading::Absent | Reading::Unreadable(_) => None,
        };
        match self.plan.remediation {
            RemediationMode::Apply => self.applied(before, key).await,
            RemediationMode::DryRun | RemediationMode::Off => Ok(self.would_apply(before, key)),
        }
    }

    /// The record of what an earlier attempt of this task did to the bucket before it died.
    async fn done_before(
        &self,
        now: Option<&BucketEncryption>,
        reasons: &[Reason],
    ) -> Result<Option<RemediationRecord>, TaskError> {
        let has_key = reasons.iter().any(|reason| matches!(reason, Reason::HasKey(_)));
        let (RemediationMode::Apply, true, Some(now)) = (self.plan.remediation, has_key, now) else {
            return Ok(None);
        };
        let Some(intent) = Intent::find(self.ports.store, &self.plan.scan_id, &self.candidate.bucket).await? else {
            return Ok(None);
        };
        if now.kms_key_id.as_ref() != Some(&intent.key_arn) {
            return Ok(None);
        }
        let (outcome, reason) = if same(&intent.intended, now) {
            (RemediationOutcome::Applied, "set by an earlier attempt of this task that did not come to its end")
        } else {
            (RemediationOutcome::Failed, "an earlier attempt of this task set the key; the rest is not as it should be")
        };
        Ok(Some(RemediationRecord {
            after: Some(now.clone()),
            key_arn: Some(intent.key_arn),
            at: intent.at,
            ..self.record(outcome, vec![reason.to_owned()], intent.before)
        }))
    }

    async fn applied(
        &self,
        before: Option<&BucketEncryption>,
        key: Option<&Key>,
    ) -> Result<RemediationRecord, TaskError> {
        let repair = Repair {
            ports: self.ports,
            settings: self.settings,
            scan_id: &self.plan.scan_id,
            bucket: &self.candidate.bucket,
            before,
            key,
        };
        let repaired = repair.run().await?;
        let (outcome, reason) = match repaired.outcome {
            Ok(()) => (RemediationOutcome::Applied, "set, and read back as it was set".to_owned()),
            Err(complaint) => (RemediationOutcome::Failed, complaint),
        };
        Ok(RemediationRecord {
            after: repaired.after,
            key_arn: repaired.key_arn,
            ..self.record(outcome, vec![reason], before.cloned())
        })
    }

    fn would_apply(&self, before: Option<&BucketEncryption>, key: Option<&Key>) -> RemediationRecord {
        let alias = key_alias(&self.candidate.bucket);
        let reason = match key {
            Some(_) => format!("a dry run: the bucket would get the key that {alias} names"),
            None => format!("a dry run: the bucket would get a new key, named {alias}"),
        };
        RemediationRecord {
            key_arn: key.map(|key| key.arn.clone()),
            ..self.record(RemediationOutcome::WouldApply, vec![reason], before.cloned())
        }
    }

    fn skipped(&self, reasons: &[Reason], before: Option<&BucketEncryption>) -> RemediationRecord {
        let reasons = reasons.iter().map(ToString::to_string).collect();
        self.record(RemediationOutcome::Skipped, reasons, before.cloned())
    }

    fn record(
        &self,
        outcome: RemediationOutcome,
        reasons: Vec<String>,
        before: Option<BucketEncryption>,
    ) -> RemediationRecord {
        RemediationRecord {
            scan_id: self.plan.scan_id.clone(),
            bucket_arn: self.candidate.arn.clone(),
            bucket: self.candidate.bucket.clone(),
            rules: self.candidate.rules.clone(),
            mode: self.plan.remediation,
            outcome,
            reasons,
            before,
            after: None,
            key_arn: None,
            requested_by: in_words(&self.plan.trigger),
            at: (self.ports.now)(),
        }
    }
}

/// Who asked for the scan.
fn in_words(trigger: &Trigger) -> String {
    let way = match trigger.kind {
        TriggerKind::Schedule => "the schedule",
        TriggerKind::Event => "a custom event",
        TriggerKind::Execution => "an execution started by hand",
    };
    let who = trigger.requested_by.as_ref().map(|who| format!(", requested by {who}")).unwrap_or_default();
    let why = trigger.reason.as_ref().map(|why| format!(", because: {why}")).unwrap_or_default();
    format!("{way}{who}{why}")
}

#[cfg(test)]
mod tests;
