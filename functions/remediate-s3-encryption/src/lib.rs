//! Gives buckets that fail the encryption rules a default encryption with a key of their own.
//!
//! For each of them: read again just now, decide (`decide.rs`), and either say why it is left alone or change it
//! (`apply.rs`) and look whether it is so. Every decision becomes a record. A dry run is the same but for the change.

mod apply;
mod candidates;
mod decide;
mod deliverers;
mod kms;
mod neighbours;
mod ports;
mod s3;

use audit_artifacts::{ScanRecord, keys};
use audit_model::remediation::{Decision, Reason, RemediationOutcome, RemediationRecord};
use audit_model::resource::BucketEncryption;
use audit_model::task::{RemediateInput, RemediateOutput};
use audit_model::{Plan, Reading, RemediationMode};
use audit_task::TaskError;
use bucket_encryption::{
    Calls, Case, ChangeKind, Changes, Journal, OpenChange, Records, Resumed, Run, change_id, finish_abandoned,
};
use jiff::Timestamp;

pub use kms::KmsKeys;
pub use ports::{Buckets, Key, Keys, ListedBucket, Ports, Readings, Settings};
pub use s3::S3Buckets;

use crate::apply::{Application, OwnKey, OwnKeys};
use crate::candidates::{Candidate, candidates};
use crate::decide::{
    KnownBefore, Progress, after_reading, before_reading, by_own_key, intended, key_to_describe, missing,
};
use crate::neighbours::Neighbours;
use crate::ports::key_alias;

/// How many decisions by which nothing was tried wait to be stored: so many are lost at the most when the function dies.
const MOST_WAITING: usize = 200;

/// Repairs the buckets of one aggregated scan, as far as its plan allows, and records what earlier runs that died have
/// left unrecorded.
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
    let plan = &scan.plan;
    let requested_by = plan.trigger.to_string();
    let run = Run {
        id: &plan.scan_id,
        mode: plan.remediation,
        requested_by: &requested_by,
        execution_arn: &plan.execution_arn,
    };
    let changes =
        Changes { store: ports.store, encryption: ports.encryption, now: ports.now, patience: settings.patience };
    let is_on = plan.remediation != RemediationMode::Off;
    if is_on {
        finish_abandoned(changes, run.id).await?;
    }
    let mut records = Records::load(ports.store, keys::remediation(run.id)).await?;
    let started = (ports.now)();
    let reads = is_on && candidates.iter().any(|candidate| candidate.region == plan.region);
    let neighbours = if reads { Neighbours::read(ports.buckets, &plan.region).await? } else { Neighbours::default() };
    let own_keys = OwnKeys::new(ports.keys);
    let mut journal = Journal::load(ports.store).await?;
    let undecided: Vec<_> = candidates.iter().filter(|candidate| !records.contain(&candidate.bucket)).collect();
    for candidate in undecided {
        let case =
            Case { run, bucket: &candidate.bucket, arn: &candidate.arn, rules: &candidate.rules, at: (ports.now)() };
        let turn =
            Turn { ports, settings, plan, neighbours: &neighbours, own_keys: &own_keys, changes, candidate, case };
        turn.run(started, &mut journal, &mut records).await?;
        if records.waiting() >= MOST_WAITING {
            records.save(ports.store).await?;
        }
    }
    records.save(ports.store).await?;
    Ok(RemediateOutput {
        scan_id: plan.scan_id.clone(),
        mode: plan.remediation,
        applied: records.count(&[RemediationOutcome::Applied]),
        would_apply: records.count(&[RemediationOutcome::WouldApply]),
        skipped: records.count(&[RemediationOutcome::Skipped]),
        failed: records.count(&[RemediationOutcome::Failed]),
        records_sha256: records.sha256(),
    })
}

/// One bucket's turn.
struct Turn<'a> {
    ports: Ports<'a>,
    settings: &'a Settings,
    plan: &'a Plan,
    neighbours: &'a Neighbours,
    own_keys: &'a OwnKeys<'a>,
    changes: Changes<'a>,
    candidate: &'a Candidate,
    case: Case<'a>,
}

/// What a bucket's turn comes to before anything is written.
enum Verdict {
    /// It is left alone, and shows this, as far as it was read.
    Leave(Vec<Reason>, Option<Reading<BucketEncryption>>),
    /// It may be changed: what it shows, and its own key if there is one.
    Change(Reading<BucketEncryption>, Option<OwnKey>),
}

impl Turn<'_> {
    async fn run(&self, started: Timestamp, journal: &mut Journal, records: &mut Records) -> Result<(), TaskError> {
        // Thousands of buckets may be left unread when a limit is reached: for them the journal need not be read again.
        if self.known_before(journal, self.progress(journal, started, records)).reads {
            *journal = Journal::load(self.ports.store).await?;
        }
        let begun_before = journal.find(&self.change_id());
        if let Some(change) = begun_before {
            let shown = self.ports.encryption.read(self.case.bucket).await;
            if self.go_on(change, &shown, records).await? {
                return Ok(());
            }
        }
        let (before, own_key) = match self.verdict(journal, self.progress(journal, started, records)).await {
            Verdict::Change(before, own_key) => (before, own_key),
            Verdict::Leave(reasons, before) => {
                return self.leave(reasons, before, begun_before, records).await;
            }
        };
        if self.plan.remediation != RemediationMode::Apply {
            records.add(self.would_apply(before, own_key.as_ref()));
            return Ok(());
        }
        let day_limit = Some(self.plan.policy.remediation.max_buckets_per_day);
        let begun = self.changes.begin(&self.change(&before, own_key.as_ref()), day_limit).await?;
        let left_alone = self.application().run(begun, own_key.as_ref(), records).await?;
        if let Some(reason) = left_alone {
            records.add(RemediationRecord { before: Some(before), ..self.skipped(vec![reason]) });
        }
        Ok(())
    }

    /// Goes on with what an earlier attempt of this task has begun, as far as the bucket shows that it was reached. Says
    /// whether the bucket's turn is over; otherwise it is decided about anew, for that attempt was some time ago.
    async fn go_on(
        &self,
        change: &OpenChange,
        shown: &Reading<BucketEncryption>,
        records: &mut Records,
    ) -> Result<bool, TaskError> {
        match self.changes.resume(self.case.run.id, change, shown, records).await? {
            Resumed::NotReached => return Ok(false),
            Resumed::Recorded => {}
            Resumed::Reached => {
                let calls = Calls::after(change.calls.clone());
                self.application().write(change.clone(), calls, records).await?;
            }
            Resumed::Unknown(why) => {
                records.add(RemediationRecord { before: Some(shown.clone()), ..self.skipped(vec![missing(&why)]) });
            }
        }
        Ok(true)
    }

    /// Leaves the bucket alone. A change that an earlier attempt has begun is given up only when the bucket, read for this
    /// decision, shows that it was not reached: what is read right after a write may be what was there before it.
    async fn leave(
        &self,
        reasons: Vec<Reason>,
        before: Option<Reading<BucketEncryption>>,
        begun_before: Option<&OpenChange>,
        records: &mut Records,
    ) -> Result<(), TaskError> {
        if let (Some(change), Some(shown)) = (begun_before, &before)
            && (self.go_on(change, shown, records).await?
                || self.changes.give_up(self.case.run.id, change, &reasons, records).await?)
        {
            return Ok(());
        }
        records.add(RemediationRecord { before, ..self.skipped(reasons) });
        Ok(())
    }

    async fn verdict(&self, journal: &Journal, progress: Progress) -> Verdict {
        let KnownBefore { mut reasons, reads } = self.known_before(journal, progress);
        if !reads {
            return Verdict::Leave(reasons, None);
        }
        let readings = self.ports.buckets.readings(self.case.bucket).await;
        let named_key = match key_to_describe(&readings.encryption, &self.plan.account) {
            Some(key) => self.ports.keys.describe(key).await,
            None => Reading::Absent,
        };
        reasons.extend(after_reading(self.case.bucket, &readings, &named_key, self.neighbours, self.plan));
        if !reasons.is_empty() {
            return Verdict::Leave(reasons, Some(readings.encryption));
        }
        let own_key = self.own_keys.find(self.case.bucket).await;
        if let Some(reason) = by_own_key(&own_key.clone().map(|own| own.key), self.case.bucket) {
            return Verdict::Leave(vec![reason], Some(readings.encryption));
        }
        Verdict::Change(readings.encryption, own_key.known().ok().flatten().cloned())
    }

    fn known_before(&self, journal: &Journal, progress: Progress) -> KnownBefore {
        before_reading(self.candidate, self.plan, self.settings, journal, progress, self.case.at)
    }

    fn progress(&self, journal: &Journal, started: Timestamp, records: &Records) -> Progress {
        use RemediationOutcome::{Applied, Failed, WouldApply};
        let count = |outcomes: &[RemediationOutcome]| u32::try_from(records.count(outcomes)).unwrap_or(u32::MAX);
        Progress {
            changed: count(&[Applied, Failed, WouldApply]),
            changed_today: journal
                .begun_on_day_of(self.case.at, &self.change_id())
                .saturating_add(count(&[WouldApply])),
            failed: count(&[Failed]),
            time_used_up: self.case.at.duration_since(started) >= self.settings.time_limit,
        }
    }

    fn change_id(&self) -> String {
        change_id(self.case.run.id, self.case.bucket)
    }

    fn application(&self) -> Application<'_> {
        Application { changes: self.changes, keys: self.ports.keys, run_id: &self.plan.scan_id }
    }

    /// The change as it is about to be begun.
    fn change(&self, shown: &Reading<BucketEncryption>, own_key: Option<&OwnKey>) -> OpenChange {
        let key_arn = own_key.map(|own| own.key.arn.as_str());
        let intended = intended(shown.known().ok().flatten(), key_arn);
        self.case.change(ChangeKind::Apply, shown, Some(intended), key_arn)
    }

    /// The record of what would be done: as the change, and what it would take.
    fn would_apply(&self, before: Reading<BucketEncryption>, own_key: Option<&OwnKey>) -> RemediationRecord {
        let OpenChange { intended, key_arn, .. } = self.change(&before, own_key);
        let alias = key_alias(self.case.bucket);
        let result = match own_key {
            Some(OwnKey { named: true, .. }) => format!("a dry run: the bucket would get the key that {alias} names"),
            Some(OwnKey { named: false, .. }) => {
                format!("a dry run: the bucket would get its own key, which would be named {alias}")
            }
            None => format!("a dry run: the bucket would get a new key, named {alias}"),
        };
        RemediationRecord {
            before: Some(before),
            intended,
            key_arn,
            result: Some(result),
            ..self.case.record(Decision::Apply, RemediationOutcome::WouldApply, Vec::new())
        }
    }

    fn skipped(&self, reasons: Vec<Reason>) -> RemediationRecord {
        self.case.record(Decision::Skip, RemediationOutcome::Skipped, reasons)
    }
}

#[cfg(test)]
mod tests;
