//! Gives buckets that fail the encryption rules a default encryption with a key of their own.
//!
//! For each of them: read again just now, decide (`decide.rs`), and either say why it is left alone, announce that a later
//! scan changes it, or change it (`apply.rs`) and look whether it is so. Every decision becomes a record. A dry run is the
//! same but for the change.

mod announced;
mod apply;
mod candidates;
mod decide;
mod deliverers;
mod kms;
mod neighbours;
mod ports;
mod s3;

use std::collections::{BTreeMap, BTreeSet};

use audit_artifacts::{ScanRecord, keys};
use audit_model::remediation::{Decision, Reason, ReasonCode, RemediationOutcome, RemediationRecord};
use audit_model::resource::BucketEncryption;
use audit_model::summary::ScanStatus;
use audit_model::task::{RemediateInput, RemediateOutput};
use audit_model::{Plan, Reading, RemediationMode, Service};
use audit_task::TaskError;
use bucket_encryption::{
    Announcement, Calls, Case, ChangeKind, Changes, Journal, OpenChange, Records, Resumed, Run, Settled, Terms,
    change_id, finish_abandoned,
};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use jiff::Timestamp;

pub use kms::KmsKeys;
pub use ports::{Buckets, Key, Keys, Ports, Readings, Settings};
pub use s3::S3Buckets;

use crate::announced::{in_turn, told};
use crate::apply::{Application, OwnKey, OwnKeys};
use crate::candidates::{Candidate, candidates};
use crate::decide::{
    KnownBefore, Progress, Step, after_reading, announcements_reached, before_reading, by_own_key, intended,
    key_to_describe, missing,
};
use crate::neighbours::Neighbours;
use crate::ports::key_alias;

/// How many decisions by which nothing was tried wait to be stored: so many are lost at the most when the function dies.
const MOST_WAITING: usize = 200;

/// How many buckets are read at once.
const CONCURRENCY: usize = 16;

/// The reasons by which a bucket's turn did not come, so that the next scan begins with it.
const NOT_REACHED: [ReasonCode; 7] = [
    ReasonCode::Off,
    ReasonCode::NotJudged,
    ReasonCode::OtherRegion,
    ReasonCode::RunLimit,
    ReasonCode::DayLimit,
    ReasonCode::Stopped,
    ReasonCode::TimeUsedUp,
];

/// Repairs the buckets of one aggregated scan, as far as its plan allows, and records what earlier runs that died have
/// left unrecorded.
///
/// # Errors
/// `NotFound` and `Corrupt` when the scan cannot be read, and those of the store. What goes wrong with one bucket is a
/// record and no error.
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
    let records = Records::load(ports.store, keys::remediation(run.id)).await?;
    let started = (ports.now)();
    let reads = is_on && candidates.iter().any(|candidate| candidate.region == plan.region);
    let neighbours =
        if reads { Neighbours::known_to(ports.store, plan, started).await? } else { Neighbours::default() };
    let own_keys = OwnKeys::new(ports.keys);
    let journal = Journal::load(ports.store).await?;
    let told = if is_on { told(ports.store, &journal, run.id).await? } else { BTreeMap::new() };
    let order = in_turn(&candidates, journal.cursor(), &told);
    let scene = Scene {
        ports,
        settings,
        plan,
        run,
        started,
        neighbours: &neighbours,
        own_keys: &own_keys,
        changes,
        told: &told,
    };
    let mut course = Course { journal, records, put_off: BTreeSet::new(), cursor: None };
    decide(scene, &order, &mut course).await?;
    let Course { mut records, cursor, .. } = course;
    records.save(ports.store).await?;
    let drifted = if plan.remediation == RemediationMode::Apply {
        let is_whole =
            !plan.is_scoped() && plan.services.contains(&Service::S3) && scan.summary.status == ScanStatus::Complete;
        // The turn goes round all buckets, and named ones are out of turn.
        let cursor = cursor.as_deref().filter(|_| !plan.is_scoped());
        let settled = Settled { run_id: run.id, told: &told, is_whole, cursor };
        changes.settle(settled, &records).await?
    } else {
        0
    };
    Ok(RemediateOutput {
        scan_id: plan.scan_id.clone(),
        mode: plan.remediation,
        applied: records.count(&[RemediationOutcome::Applied]),
        announced: records.count(&[RemediationOutcome::Announced]),
        would_apply: records.count(&[RemediationOutcome::WouldApply]),
        skipped: records.count(&[RemediationOutcome::Skipped]),
        drifted,
        failed: records.count(&[RemediationOutcome::Failed]),
        records_sha256: records.sha256(),
    })
}

/// Takes the buckets that have no record yet, one after the other, and reads those ahead at the same time.
async fn decide(scene: Scene<'_>, order: &[&Candidate], course: &mut Course) -> Result<(), TaskError> {
    let (decided, undecided): (Vec<&Candidate>, Vec<&Candidate>) =
        order.iter().partition(|candidate| course.records.contain(&candidate.bucket));
    for candidate in decided {
        course.note(&candidate.bucket, scene.told);
    }
    let mut ahead = undecided.into_iter();
    let mut looking = FuturesOrdered::new();
    loop {
        while looking.len() < CONCURRENCY
            && let Some(candidate) = ahead.next()
        {
            let turn = Turn { scene, candidate };
            // What an earlier attempt has begun is gone on with when its turn comes.
            let is_new = course.journal.find(&turn.change_id()).is_none();
            let known = is_new.then(|| turn.known_before(course));
            looking.push_back(turn.look(known));
        }
        let Some((turn, looked)) = looking.next().await else {
            return Ok(());
        };
        turn.run(looked, course).await?;
        course.note(&turn.candidate.bucket, scene.told);
        if course.records.waiting() >= MOST_WAITING {
            course.records.save(scene.ports.store).await?;
        }
    }
}

/// What is the same for all buckets of a run.
#[derive(Clone, Copy)]
struct Scene<'a> {
    ports: Ports<'a>,
    settings: &'a Settings,
    plan: &'a Plan,
    run: Run<'a>,
    started: Timestamp,
    neighbours: &'a Neighbours,
    own_keys: &'a OwnKeys<'a>,
    changes: Changes<'a>,
    /// What earlier scans have announced, and people were told.
    told: &'a BTreeMap<String, Announcement>,
}

/// How far a run has come.
struct Course {
    journal: Journal,
    records: Records,
    /// The announced buckets about which nothing was decided: their announcement stands.
    put_off: BTreeSet<String>,
    /// The bucket that was decided about last.
    cursor: Option<String>,
}

impl Course {
    /// Notes what came of a bucket's turn.
    fn note(&mut self, bucket: &str, told: &BTreeMap<String, Announcement>) {
        let record = self.records.all().rfind(|record| record.bucket == bucket);
        let is_any = |of: fn(ReasonCode) -> bool| {
            record.is_some_and(|record| record.reasons.iter().any(|reason| of(reason.code)))
        };
        if told.contains_key(bucket) && is_any(ReasonCode::is_undecided) {
            self.put_off.insert(bucket.to_owned());
        }
        if !is_any(|code| NOT_REACHED.contains(&code)) {
            self.cursor = Some(bucket.to_owned());
        }
    }
}

/// One bucket's turn.
#[derive(Clone, Copy)]
struct Turn<'a> {
    scene: Scene<'a>,
    candidate: &'a Candidate,
}

/// What a bucket's turn comes to before anything is written.
enum Verdict {
    /// It is left alone, and shows this, as far as it was read.
    Leave(Vec<Reason>, Option<Reading<BucketEncryption>>),
    /// It may be changed: what it shows, and its own key if there is one.
    Change(Reading<BucketEncryption>, Option<OwnKey>),
}

/// A verdict on a bucket ahead of its turn.
struct Looked<'a> {
    case: Case<'a>,
    verdict: Verdict,
}

impl<'a> Turn<'a> {
    /// Looks at the bucket ahead of its turn, given what is known of it; an earlier attempt's change is not looked at.
    async fn look(self, known: Option<KnownBefore>) -> (Self, Option<Looked<'a>>) {
        let Some(known) = known else {
            return (self, None);
        };
        let case = self.case();
        (self, Some(Looked { case, verdict: self.verdict(known).await }))
    }

    /// Decides by what was seen ahead of the turn, unless something is to be written: that is decided by what is seen now.
    async fn run(self, looked: Option<Looked<'a>>, course: &mut Course) -> Result<(), TaskError> {
        let Some(Looked { case, verdict }) = looked else {
            return self.decide_now(course).await;
        };
        let known = self.known_before(course);
        if !known.reads {
            course.records.add(skipped(self.case(), known.reasons, None));
            return Ok(());
        }
        match verdict {
            Verdict::Leave(reasons, _) if self.may_be_ours(&reasons) => self.decide_now(course).await?,
            Verdict::Leave(reasons, before) => course.records.add(skipped(case, reasons, before)),
            Verdict::Change(before, own_key) => match self.next_step(case, &before, own_key.as_ref()) {
                Some(outcome) => self.foretell(case, before, own_key.as_ref(), outcome, course),
                None => self.decide_now(course).await?,
            },
        }
        Ok(())
    }

    /// Reads journal and bucket again, and changes the bucket if it still may be.
    async fn decide_now(self, course: &mut Course) -> Result<(), TaskError> {
        course.journal = Journal::load(self.scene.ports.store).await?;
        let case = self.case();
        let begun_before = course.journal.find(&self.change_id()).cloned();
        if let Some(change) = &begun_before {
            let shown = self.scene.ports.encryption.read(case.bucket).await;
            if self.go_on(case, change, &shown, &mut course.records).await? {
                return Ok(());
            }
        }
        let (before, own_key) = match self.verdict(self.known_before(course)).await {
            Verdict::Change(before, own_key) => (before, own_key),
            Verdict::Leave(reasons, before) => {
                return self.leave(case, reasons, before, begun_before.as_ref(), &mut course.records).await;
            }
        };
        // Whoever has begun was allowed to.
        if begun_before.is_none()
            && let Some(outcome) = self.next_step(case, &before, own_key.as_ref())
        {
            self.foretell(case, before, own_key.as_ref(), outcome, course);
            return Ok(());
        }
        let plan = self.scene.plan;
        let terms = Terms {
            day_limit: Some(plan.policy.remediation.max_buckets_per_day),
            named: plan.reapply.contains(&self.candidate.bucket),
        };
        let begun = self.scene.changes.begin(&change(case, &before, own_key.as_ref()), terms).await?;
        let left_alone = self.application().run(begun, own_key.as_ref(), &mut course.records).await?;
        if let Some(reason) = left_alone {
            course.records.add(skipped(case, vec![reason], Some(before)));
        }
        Ok(())
    }

    /// Goes on with what an earlier attempt of this task has begun, as far as the bucket shows that it was reached. Says
    /// whether the bucket's turn is over; otherwise it is decided about anew, for that attempt was some time ago.
    async fn go_on(
        self,
        case: Case<'a>,
        change: &OpenChange,
        shown: &Reading<BucketEncryption>,
        records: &mut Records,
    ) -> Result<bool, TaskError> {
        match self.scene.changes.resume(case.run.id, change, shown, records).await? {
            Resumed::NotReached => return Ok(false),
            Resumed::Recorded => {}
            Resumed::Reached => {
                let calls = Calls::after(change.calls.clone());
                self.application().write(change.clone(), calls, records).await?;
            }
            Resumed::Unknown(why) => {
                records.add(skipped(case, vec![missing(&why)], Some(shown.clone())));
            }
        }
        Ok(true)
    }

    /// Leaves the bucket alone. A change that an earlier attempt has begun is given up only when the bucket, read for this
    /// decision, shows that it was not reached: what is read right after a write may be what was there before it.
    async fn leave(
        self,
        case: Case<'a>,
        reasons: Vec<Reason>,
        before: Option<Reading<BucketEncryption>>,
        begun_before: Option<&OpenChange>,
        records: &mut Records,
    ) -> Result<(), TaskError> {
        if let (Some(change), Some(shown)) = (begun_before, &before)
            && (self.go_on(case, change, shown, records).await?
                || self.scene.changes.give_up(case.run.id, change, &reasons, records).await?)
        {
            return Ok(());
        }
        records.add(skipped(case, reasons, before));
        Ok(())
    }

    async fn verdict(self, known: KnownBefore) -> Verdict {
        let KnownBefore { mut reasons, reads, drift } = known;
        if !reads {
            return Verdict::Leave(reasons, None);
        }
        let Scene { ports, plan, neighbours, own_keys, .. } = self.scene;
        let bucket = self.candidate.bucket.as_str();
        let readings = ports.buckets.readings(bucket).await;
        let named_key = match key_to_describe(&readings.encryption, &plan.account) {
            Some(key) => ports.keys.describe(key).await,
            None => Reading::Absent,
        };
        reasons.extend(after_reading(bucket, &readings, &named_key, neighbours, plan));
        if !reasons.is_empty() {
            return Verdict::Leave(reasons, Some(readings.encryption));
        }
        let own_key = own_keys.find(bucket).await;
        let objection = by_own_key(&own_key.clone().map(|own| own.key), bucket).or(drift);
        if let Some(reason) = objection {
            return Verdict::Leave(vec![reason], Some(readings.encryption));
        }
        Verdict::Change(readings.encryption, own_key.known().ok().flatten().cloned())
    }

    /// What is to be told of a change in place of making it; `None` when it is to be made.
    fn next_step(
        self,
        case: Case<'a>,
        before: &Reading<BucketEncryption>,
        own_key: Option<&OwnKey>,
    ) -> Option<RemediationOutcome> {
        if self.scene.plan.remediation != RemediationMode::Apply {
            return Some(RemediationOutcome::WouldApply);
        }
        let is_announced =
            || self.scene.told.get(case.bucket).is_some_and(|told| told.is_of(&change(case, before, own_key)));
        (!self.is_asked_for() && !is_announced()).then_some(RemediationOutcome::Announced)
    }

    /// Whether a change needs no announcement: a person has asked for it, or the policy wants none.
    fn is_asked_for(self) -> bool {
        self.scene.plan.remediation_requested || !self.scene.plan.policy.remediation.announce_first
    }

    /// Records what is to be done, and what it takes: what a dry run would do, or what is announced.
    fn foretell(
        self,
        case: Case<'a>,
        before: Reading<BucketEncryption>,
        own_key: Option<&OwnKey>,
        outcome: RemediationOutcome,
        course: &mut Course,
    ) {
        let policy = &self.scene.plan.policy.remediation;
        let is_announcement = outcome == RemediationOutcome::Announced;
        let reached = announcements_reached(self.progress(course).announced, policy);
        if let Some(reason) = reached.filter(|_| is_announcement) {
            course.records.add(skipped(case, vec![reason], Some(before)));
            return;
        }
        let alias = key_alias(case.bucket);
        let key = match own_key {
            Some(OwnKey { named: true, .. }) => format!("the key that {alias} names"),
            Some(OwnKey { named: false, .. }) => format!("its own key, which would be named {alias}"),
            None => format!("a new key, named {alias}"),
        };
        let result = match (is_announcement, policy.announce_first) {
            (true, _) => format!("the next scan gives the bucket {key}, unless it is decided otherwise until then"),
            (false, true) => {
                format!("a dry run: the bucket would get {key}; a scan that nobody asks to apply it announces it first")
            }
            (false, false) => format!("a dry run: the bucket would get {key}"),
        };
        let OpenChange { intended, key_arn, .. } = change(case, &before, own_key);
        course.records.add(RemediationRecord {
            before: Some(before),
            intended,
            key_arn,
            result: Some(result),
            ..case.record(Decision::Apply, outcome, Vec::new())
        });
    }

    /// Whether the bucket may show what another attempt of this task has set just now.
    fn may_be_ours(self, reasons: &[Reason]) -> bool {
        self.scene.plan.remediation == RemediationMode::Apply
            && reasons.iter().any(|reason| matches!(reason.code, ReasonCode::HasKey | ReasonCode::KeyUnusable))
    }

    fn known_before(self, course: &Course) -> KnownBefore {
        let Scene { plan, settings, ports, told, .. } = self.scene;
        let is_change = plan.remediation != RemediationMode::Apply
            || self.is_asked_for()
            || told.contains_key(&self.candidate.bucket);
        let step = if is_change { Step::Change } else { Step::Announce };
        before_reading(self.candidate, plan, settings, &course.journal, (step, self.progress(course)), (ports.now)())
    }

    fn progress(self, course: &Course) -> Progress {
        use RemediationOutcome::{Announced, Applied, Failed, WouldApply};
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let count = |outcomes: &[RemediationOutcome]| u32::try_from(course.records.count(outcomes)).unwrap_or(u32::MAX);
        let now = (self.scene.ports.now)();
        Progress {
            changed: count(&[Applied, Failed, WouldApply]),
            changed_today: course.journal.begun_on_day_of(now, &self.change_id()).saturating_add(count(&[WouldApply])),
            failed: count(&[Failed]),
            announced: count(&[Announced]).saturating_add(number(course.put_off.len())),
            time_used_up: now.duration_since(self.scene.started) >= self.scene.settings.time_limit,
        }
    }

    fn change_id(self) -> String {
        change_id(self.scene.run.id, &self.candidate.bucket)
    }

    /// The bucket, to be decided about now.
    fn case(self) -> Case<'a> {
        let Candidate { bucket, arn, rules, .. } = self.candidate;
        Case { run: self.scene.run, bucket, arn, rules, at: (self.scene.ports.now)() }
    }

    fn application(self) -> Application<'a> {
        Application { changes: self.scene.changes, keys: self.scene.ports.keys, run_id: &self.scene.plan.scan_id }
    }
}

/// The change as it is about to be begun.
fn change(case: Case<'_>, shown: &Reading<BucketEncryption>, own_key: Option<&OwnKey>) -> OpenChange {
    let key_arn = own_key.map(|own| own.key.arn.as_str());
    let intended = intended(shown.known().ok().flatten(), key_arn);
    case.change(ChangeKind::Apply, shown, Some(intended), key_arn)
}

fn skipped(case: Case<'_>, reasons: Vec<Reason>, before: Option<Reading<BucketEncryption>>) -> RemediationRecord {
    RemediationRecord { before, ..case.record(Decision::Skip, RemediationOutcome::Skipped, reasons) }
}

#[cfg(test)]
mod tests;
