//! Gives buckets back the default encryption that they had before a scan's remediation changed them, if nobody has
//! changed it since. Keys are not touched: what was written meanwhile stays encrypted with them.

mod decide;

use std::collections::{BTreeMap, BTreeSet};

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, keys};
use audit_model::remediation::{Decision, Reason, ReasonCode, RemediationOutcome, RemediationRecord, RollbackPlan};
use audit_model::resource::BucketEncryption;
use audit_model::task::{RollbackInput, RollbackOutput};
use audit_model::{Reading, RemediationMode};
use audit_task::TaskError;
use bucket_encryption::{
    Begun, Calls, Case, ChangeKind, Changes, DefaultEncryption, Described, Hold, Journal, OpenChange, Patience,
    Records, Resumed, Run, Terms, change_id, finish_abandoned,
};
use jiff::{SignedDuration, Timestamp};

use crate::decide::{Made, not_changed, objection, time_used_up};

/// What the rollback works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Where plans and records lie.
    pub store: &'a dyn ArtifactStore,
    /// The account's buckets.
    pub encryption: &'a dyn DefaultEncryption,
    /// The time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
}

/// How patient to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// After so long no further bucket is begun, so that the function is not stopped in the middle of one.
    pub time_limit: SignedDuration,
    /// How long to wait until a bucket shows what was written.
    pub patience: Patience,
}

/// Takes back what a scan's remediation has changed, as far as the plan asks for it.
///
/// # Errors
/// `NotFound` when the rollback was not planned or the scan has no records, `Corrupt` when they cannot be understood,
/// and those of the store. What goes wrong with one bucket is a record and no error.
pub async fn handle(input: &RollbackInput, ports: Ports<'_>, settings: &Settings) -> Result<RollbackOutput, TaskError> {
    let plan: RollbackPlan = ports.store.get_json(&keys::rollback_plan(&input.rollback_id)).await?;
    let changes =
        Changes { store: ports.store, encryption: ports.encryption, now: ports.now, patience: settings.patience };
    finish_abandoned(changes, &plan.rollback_id).await?;
    let scan = records_of_scan(ports.store, &plan.scan_id).await?;
    // The last record of a bucket tells what the scan left.
    let changed: BTreeMap<&str, Made<'_>> =
        scan.all().filter_map(|record| Some((record.bucket.as_str(), Made::of(record)?))).collect();
    let asked: BTreeSet<&str> = match &plan.buckets {
        Some(buckets) => buckets.iter().map(String::as_str).collect(),
        None => changed.keys().copied().collect(),
    };
    let requested_by = plan.trigger.to_string();
    let run =
        Run { id: &plan.rollback_id, mode: plan.mode, requested_by: &requested_by, execution_arn: &plan.execution_arn };
    let records_key = keys::rollback(run.id);
    let mut records = Records::load(ports.store, records_key.clone()).await?;
    let started = (ports.now)();
    for bucket in asked {
        if records.contain(bucket) {
            continue;
        }
        let made = changed.get(bucket).copied();
        let arn = made.map_or_else(|| format!("arn:aws:s3:::{bucket}"), |made| made.record.bucket_arn.clone());
        let rules = made.map(|made| made.record.rules.as_slice()).unwrap_or_default();
        let case = Case { run, bucket, arn: &arn, rules, at: (ports.now)() };
        let out_of_time = case.at.duration_since(started) >= settings.time_limit;
        Turn { plan: &plan, changes, made, case }.run(out_of_time, &mut records).await?;
    }
    records.save(ports.store).await?;
    Ok(RollbackOutput {
        rolled_back: records.count(&[RemediationOutcome::RolledBack]),
        would_roll_back: records.count(&[RemediationOutcome::WouldRollBack]),
        skipped: records.count(&[RemediationOutcome::Skipped]),
        failed: records.count(&[RemediationOutcome::Failed]),
        ended_at: (ports.now)(),
        records: records_key,
        records_sha256: records.sha256(),
        rollback_id: plan.rollback_id,
        scan_id: plan.scan_id,
        mode: plan.mode,
    })
}

async fn records_of_scan(store: &dyn ArtifactStore, scan_id: &str) -> Result<Records, TaskError> {
    let key = keys::remediation(scan_id);
    let records = Records::load(store, key.clone()).await?;
    if records.all().next().is_none() {
        return Err(TaskError::NotFound(format!(
            "{key} is not in the reports bucket, or empty: the scan {scan_id} changed nothing, never was, or is more than \
             90 days old; give the id of the scan whose report shows the change"
        )));
    }
    Ok(records)
}

/// One bucket's turn.
struct Turn<'a> {
    plan: &'a RollbackPlan,
    changes: Changes<'a>,
    made: Option<Made<'a>>,
    case: Case<'a>,
}

impl Turn<'_> {
    async fn run(&self, out_of_time: bool, records: &mut Records) -> Result<(), TaskError> {
        let Some(made) = self.made else {
            records.add(self.skipped(not_changed(&self.plan.scan_id), None));
            return Ok(());
        };
        if out_of_time {
            records.add(self.skipped(time_used_up(), None));
            return Ok(());
        }
        let shown = self.changes.encryption.read(self.case.bucket).await;
        let journal = Journal::load(self.changes.store).await?;
        let begun_before = journal.find(&change_id(self.case.run.id, self.case.bucket));
        if let Some(change) = begun_before {
            match self.changes.resume(self.case.run.id, change, &shown, records).await? {
                Resumed::NotReached | Resumed::Unknown(_) => {}
                Resumed::Recorded => return Ok(()),
                Resumed::Reached => return self.write(change.clone(), made, records).await,
            }
        }
        if let Some(reason) = objection(made, &self.plan.scan_id, &shown) {
            return self.leave(reason, shown, records).await;
        }
        if self.plan.mode != RemediationMode::Apply {
            records.add(self.would_roll_back(made, shown));
            return Ok(());
        }
        match self.changes.begin(&self.change(made, &shown), Terms::default()).await? {
            Begun::New(change) | Begun::Resumed(change) => self.write(change, made, records).await,
            Begun::Ended => records.refresh(self.changes.store).await,
            Begun::Refused(reason) => {
                records.add(self.skipped(reason, Some(shown)));
                Ok(())
            }
        }
    }

    /// Leaves the bucket alone. If it has what is asked for, scans do so as well from now on. A change that an earlier
    /// attempt has begun stays open, and is looked at by the next run.
    async fn leave(
        &self,
        reason: Reason,
        shown: Reading<BucketEncryption>,
        records: &mut Records,
    ) -> Result<(), TaskError> {
        if reason.code == ReasonCode::AlreadyAsBefore && self.plan.mode == RemediationMode::Apply {
            let Case { run, bucket, at, .. } = self.case;
            let (rollback_id, requested_by) = (run.id.to_owned(), run.requested_by.to_owned());
            self.changes.hold(bucket, &Hold { rollback_id, requested_by, since: at }).await?;
        }
        records.add(self.skipped(reason, Some(shown)));
        Ok(())
    }

    async fn write(&self, mut change: OpenChange, made: Made<'_>, records: &mut Records) -> Result<(), TaskError> {
        let mut calls = Calls::after(change.calls.clone());
        let Some(verified) = self.changes.write(&change, &mut calls, async || Ok(())).await? else {
            return records.refresh(self.changes.store).await;
        };
        let now = (self.changes.now)();
        let (outcome, result) = match verified.outcome {
            Ok(()) => (
                RemediationOutcome::RolledBack,
                format!("restored, and read back as it was before; {}", stays_encrypted(made, now)),
            ),
            Err(complaint) => (RemediationOutcome::Failed, complaint),
        };
        change.calls = calls.noted().to_vec();
        let record = change.record(self.case.run.id, outcome, result, Some(verified.after), now);
        self.changes.conclude(record, records).await
    }

    fn change(&self, made: Made<'_>, shown: &Reading<BucketEncryption>) -> OpenChange {
        self.case.change(ChangeKind::Rollback, shown, made.before.cloned(), made.record.key_arn.as_deref())
    }

    fn would_roll_back(&self, made: Made<'_>, shown: Reading<BucketEncryption>) -> RemediationRecord {
        let result = format!(
            "a dry run: the bucket would get back {}; {}",
            Described(made.before),
            stays_encrypted(made, self.case.at)
        );
        RemediationRecord {
            before: Some(shown),
            intended: made.before.cloned(),
            key_arn: made.record.key_arn.clone(),
            result: Some(result),
            ..self.case.record(Decision::RollBack, RemediationOutcome::WouldRollBack, Vec::new())
        }
    }

    fn skipped(&self, reason: Reason, before: Option<Reading<BucketEncryption>>) -> RemediationRecord {
        RemediationRecord { before, ..self.case.record(Decision::Skip, RemediationOutcome::Skipped, vec![reason]) }
    }
}

/// Which objects stay encrypted with the bucket's key. Their names are not read: this system may not list what a bucket
/// holds, so it says when they were written and how their owner lists them. The AWS CLI tells times in whole seconds.
fn stays_encrypted(made: Made<'_>, until: Timestamp) -> String {
    let RemediationRecord { bucket, key_arn, decided_at, .. } = made.record;
    let key = key_arn.as_deref().unwrap_or("the key of the change");
    let (from, until) = (decided_at.strftime("%Y-%m-%dT%H:%M:%S"), until.strftime("%Y-%m-%dT%H:%M:%SZ"));
    format!(
        "of the objects written from {from}Z to {until} without an encryption of their own, those that came after the change \
         stay encrypted with {key}, which is not deleted and must not be; to list them: aws s3api list-object-versions \
         --bucket {bucket} --query \"Versions[?LastModified>='{from}' && LastModified<='{until}'].[Key,VersionId]\""
    )
}

#[cfg(test)]
mod tests;
