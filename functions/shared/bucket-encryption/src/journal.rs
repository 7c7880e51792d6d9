//! The journal `state/remediation.json`: the changes under way, how many there were today, what bears on the next ones, and
//! where the next scan goes on. It is replaced by conditional writes only, so that of two runs at once one sees what the
//! other begins.

use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, amend_json, keys};
use audit_model::remediation::{AwsCall, Decision, Reason, ReasonCode, RemediationOutcome, RemediationRecord};
use audit_model::resource::BucketEncryption;
use audit_model::{Reading, RemediationMode};
use audit_task::TaskError;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::compare::{shows, took};

/// So long after somebody was last seen to be at a change, they are gone: AWS Lambda stops a function after 15 minutes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>
pub const LEASE: SignedDuration = SignedDuration::from_mins(16);

/// How long a bucket whose change was taken back is left alone, an announcement stands, and a bucket that was changed is
/// remembered. The reports bucket keeps what it holds for as long.
const MEMORY: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A bucket that was changed so often, and needs it again, is drifting.
const ROUNDS_OF_DRIFT: u32 = 2;

/// How often a conditional write is tried. It fails only while another run writes, which each does a few times a bucket.
const ATTEMPTS: u32 = 10;

/// What is under way, and what bears on the next change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Journal {
    /// The changes that were begun and are not recorded yet.
    open: Vec<OpenChange>,
    /// The changes that were begun today and yesterday, by id, but for those by which nothing was done.
    begun: BTreeMap<String, BegunChange>,
    /// The buckets that were taken back, by name.
    held: BTreeMap<String, Hold>,
    /// The changes that a scan has announced and none has made, by bucket.
    #[serde(default)]
    announced: BTreeMap<String, Announcement>,
    /// The buckets that were changed, by name.
    #[serde(default)]
    rounds: BTreeMap<String, Rounds>,
    /// The bucket that was decided about last: the next scan goes on behind it.
    #[serde(default)]
    cursor: Option<String>,
}

/// A change that was begun and is not recorded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenChange {
    /// The scan or the rollback that began it.
    pub run_id: String,
    /// What it is.
    pub kind: ChangeKind,
    /// The bucket's name.
    pub bucket: String,
    /// The bucket's ARN.
    pub bucket_arn: String,
    /// The rules that failed.
    pub rules: Vec<String>,
    /// Default encryption before; `None` when there was none.
    pub before: Option<BucketEncryption>,
    /// The default encryption that is about to be set; `None` when none is to be. A remediation has no key in it before
    /// `key_arn` is known.
    pub intended: Option<BucketEncryption>,
    /// ARN of the bucket's own key, once it is known.
    pub key_arn: Option<String>,
    /// The writing calls so far.
    pub calls: Vec<AwsCall>,
    /// Who asked and why, in words.
    pub requested_by: String,
    /// ARN of the execution that began it.
    pub execution_arn: String,
    /// When it was decided.
    pub begun_at: Timestamp,
    /// When somebody was last seen to be at it.
    pub touched_at: Timestamp,
}

/// A change that was begun, and may have ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BegunChange {
    run_id: String,
    bucket: String,
    kind: ChangeKind,
    /// When the journal was told, which is after the bucket was looked at.
    at: Timestamp,
}

/// A change that a scan has announced: what people were told, if the alert of the scan has named the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Announcement {
    /// The scan.
    pub scan_id: String,
    /// When it was decided.
    pub at: Timestamp,
    /// Default encryption as it was then; `None` when there was none.
    pub before: Option<BucketEncryption>,
    /// The default encryption that is to be set.
    pub intended: Option<BucketEncryption>,
}

impl Announcement {
    /// Whether this change is the one that was announced.
    pub fn is_of(&self, change: &OpenChange) -> bool {
        shows(self.before.as_ref(), change.before.as_ref()) && self.intended == change.intended
    }
}

/// How often a bucket was given its key since somebody last asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rounds {
    applied: u32,
    /// When it was changed last, or found to drift.
    last: Timestamp,
    /// The scan that found it drifting.
    noticed_by: Option<String>,
}

/// What a change must keep to when it is begun.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// How many remediations may be begun on one day; `None` for any number.
    pub day_limit: Option<u32>,
    /// Whether a person has named the bucket, so that it is changed although an earlier change was taken back, and counted
    /// anew.
    pub named: bool,
}

/// What a scan has decided, as its stored records say, and what it has looked at.
#[derive(Debug, Clone, Copy)]
pub struct Settled<'a> {
    /// The scan.
    pub run_id: &'a str,
    /// The buckets whose announcement by an earlier scan counted.
    pub told: &'a BTreeMap<String, Announcement>,
    /// Whether every bucket that needs a change has a record, so that the others need none.
    pub is_whole: bool,
    /// The bucket that was decided about last, if one was.
    pub cursor: Option<&'a str>,
}

/// What came of the attempt to begin a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It may be made.
    New(OpenChange),
    /// An earlier attempt of the run had begun it; it is as the journal has it.
    Resumed(OpenChange),
    /// Another attempt of the run has made and recorded it.
    Ended,
    /// It must not be made, for this reason.
    Refused(Reason),
}

/// What a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeKind {
    /// Remediation: a bucket gets its key.
    Apply,
    /// A bucket gets back what it had.
    Rollback,
}

/// A bucket that was taken back: no scan changes it again by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hold {
    /// The rollback.
    pub rollback_id: String,
    /// Who asked for it and why, in words.
    pub requested_by: String,
    /// When it was done.
    pub since: Timestamp,
}

impl Hold {
    /// Until when the bucket is left alone.
    pub fn until(&self) -> Timestamp {
        remembered_until(self.since)
    }
}

/// How a bucket with an open change was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// As it was before.
    Untouched,
    /// As it was to be.
    Done,
    /// With its new key, and otherwise not as it was to be.
    Half,
    /// With something else.
    Other,
}

/// The id of a run's change of a bucket.
pub fn change_id(run_id: &str, bucket: &str) -> String {
    format!("{run_id}/{bucket}")
}

impl OpenChange {
    /// Its id.
    pub fn id(&self) -> String {
        change_id(&self.run_id, &self.bucket)
    }

    /// Key of the records of the run that began it.
    pub(crate) fn records_key(&self) -> String {
        match self.kind {
            ChangeKind::Apply => keys::remediation(&self.run_id),
            ChangeKind::Rollback => keys::rollback(&self.run_id),
        }
    }

    /// Whether whoever began it is gone.
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        now.duration_since(self.touched_at) >= LEASE
    }

    /// How far it got, by what the bucket shows.
    pub fn found(&self, shown: Option<&BucketEncryption>) -> Found {
        let has_key =
            self.key_arn.is_some() && shown.and_then(|shown| shown.kms_key_id.as_ref()) == self.key_arn.as_ref();
        match self.kind {
            ChangeKind::Apply if !has_key && shows(self.before.as_ref(), shown) => Found::Untouched,
            ChangeKind::Apply if !has_key => Found::Other,
            ChangeKind::Apply if took(self.intended.as_ref(), shown) => Found::Done,
            ChangeKind::Apply => Found::Half,
            ChangeKind::Rollback if shows(self.intended.as_ref(), shown) => Found::Done,
            ChangeKind::Rollback if shows(self.before.as_ref(), shown) => Found::Untouched,
            ChangeKind::Rollback if took(self.intended.as_ref(), shown) => Found::Done,
            ChangeKind::Rollback => Found::Other,
        }
    }

    /// Its outcome when it has been done and verified.
    pub const fn success(&self) -> RemediationOutcome {
        match self.kind {
            ChangeKind::Apply => RemediationOutcome::Applied,
            ChangeKind::Rollback => RemediationOutcome::RolledBack,
        }
    }

    /// Its record in the file of the run `run_id`.
    pub fn record(
        &self,
        run_id: &str,
        outcome: RemediationOutcome,
        result: String,
        after: Option<Reading<BucketEncryption>>,
        ended_at: Timestamp,
    ) -> RemediationRecord {
        RemediationRecord {
            sequence: 0,
            previous_sha256: None,
            run_id: run_id.to_owned(),
            change_id: Some(self.id()),
            bucket_arn: self.bucket_arn.clone(),
            bucket: self.bucket.clone(),
            rules: self.rules.clone(),
            mode: RemediationMode::Apply,
            decision: match self.kind {
                ChangeKind::Apply => Decision::Apply,
                ChangeKind::Rollback => Decision::RollBack,
            },
            outcome,
            reasons: Vec::new(),
            result: Some(result),
            before: Some(self.before.clone().map_or(Reading::Absent, Reading::seen)),
            intended: self.intended.clone(),
            after,
            key_arn: self.key_arn.clone(),
            calls: self.calls.clone(),
            requested_by: self.requested_by.clone(),
            execution_arn: self.execution_arn.clone(),
            decided_at: self.begun_at,
            ended_at,
        }
    }
}

impl Journal {
    /// Reads the journal. There is none before the first change, and none after 90 days without one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn load(store: &dyn ArtifactStore) -> Result<Self, TaskError> {
        Ok(store.find_json(keys::JOURNAL).await?.unwrap_or_default())
    }

    /// Changes the journal. `edit` may be called more than once, each time on what is there by then.
    ///
    /// # Errors
    /// `Unavailable` while other runs write it, and those of the store.
    pub(crate) async fn update<T>(
        store: &dyn ArtifactStore,
        now: Timestamp,
        edit: impl Fn(&mut Self) -> T,
    ) -> Result<T, TaskError> {
        let edited = amend_json(store, keys::JOURNAL, ATTEMPTS, |content| {
            let before: Self = match content {
                None => Self::default(),
                Some(content) => serde_json::from_slice(content).map_err(|error| {
                    TaskError::Corrupt(format!("the object {} cannot be understood: {error}", keys::JOURNAL))
                })?,
            };
            let mut after = before.clone();
            let result = edit(&mut after);
            after.forget(now);
            Ok(((after != before).then_some(after), result))
        });
        edited.await?.ok_or_else(|| {
            TaskError::Unavailable(format!("the object {} is being written by other runs; try again", keys::JOURNAL))
        })
    }

    /// The changes that were begun and are not recorded yet.
    pub fn open(&self) -> &[OpenChange] {
        &self.open
    }

    /// The open change of that id.
    pub fn find(&self, change_id: &str) -> Option<&OpenChange> {
        self.open.iter().find(|change| change.id() == change_id)
    }

    /// How many remediations other than this change were begun on the day of `now`, in UTC.
    pub fn begun_on_day_of(&self, now: Timestamp, but_for: &str) -> u32 {
        let today = day(now);
        let begun = self
            .begun
            .iter()
            .filter(|(id, begun)| begun.kind == ChangeKind::Apply && day(begun.at) == today && id.as_str() != but_for);
        u32::try_from(begun.count()).unwrap_or(u32::MAX)
    }

    /// Why a bucket whose change was taken back is left alone, if it is.
    pub fn hold(&self, bucket: &str, now: Timestamp) -> Option<&Hold> {
        self.held.get(bucket).filter(|hold| now < hold.until())
    }

    /// The changes that were announced and not made, by bucket.
    pub const fn announced(&self) -> &BTreeMap<String, Announcement> {
        &self.announced
    }

    /// The bucket that was decided about last.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Why a bucket that needs the change again is left to a person, if it was changed too often.
    pub fn drift(&self, bucket: &str, now: Timestamp) -> Option<Reason> {
        let remembered = |rounds: &&Rounds| now < remembered_until(rounds.last);
        let rounds = self.rounds.get(bucket).filter(remembered)?;
        (rounds.applied >= ROUNDS_OF_DRIFT).then(|| drifting(rounds))
    }

    /// Begins a change, unless another run is changing the bucket, has changed it since this one began to look at it, it was
    /// taken back, or the day's limit is reached. A change of that id that is open already is gone on with.
    pub(crate) fn begin(&mut self, change: &OpenChange, terms: Terms, now: Timestamp) -> Begun {
        let id = change.id();
        if let Some(open) = self.open.iter_mut().find(|open| open.bucket == change.bucket) {
            if open.id() != id {
                return Begun::Refused(being_changed(open));
            }
            open.touched_at = now;
            return Begun::Resumed(open.clone());
        }
        if self.begun.contains_key(&id) {
            return Begun::Ended;
        }
        let faster = |begun: &&BegunChange| begun.bucket == change.bucket && begun.at >= change.begun_at;
        if let Some(begun) = self.begun.values().find(faster) {
            return Begun::Refused(changed_by_another(begun));
        }
        if change.kind == ChangeKind::Apply
            && !terms.named
            && let Some(hold) = self.hold(&change.bucket, now)
        {
            return Begun::Refused(taken_back(hold));
        }
        if let Some(limit) = terms.day_limit
            && self.begun_on_day_of(now, &id) >= limit
        {
            return Begun::Refused(day_limit_reached(limit));
        }
        let change = OpenChange { touched_at: now, ..change.clone() };
        let OpenChange { run_id, bucket, kind, .. } = change.clone();
        if terms.named {
            self.rounds.remove(&bucket);
        }
        self.begun.insert(id, BegunChange { run_id, bucket, kind, at: now });
        self.open.push(change.clone());
        Begun::New(change)
    }

    pub(crate) fn find_mut(&mut self, change_id: &str) -> Option<&mut OpenChange> {
        self.open.iter_mut().find(|change| change.id() == change_id)
    }

    /// Ends a change that is recorded, if nobody has: a bucket that was given back what it had is held, one that was
    /// changed is not any more, and one that could not be changed is announced again before it is tried again.
    pub(crate) fn end(&mut self, record: &RemediationRecord) {
        let Some(place) = self.open.iter().position(|open| Some(open.id()) == record.change_id) else {
            return;
        };
        let change = self.open.remove(place);
        match record.outcome {
            RemediationOutcome::RolledBack => {
                self.hold_back(
                    &change.bucket,
                    Hold { rollback_id: change.run_id, requested_by: change.requested_by, since: record.ended_at },
                );
            }
            RemediationOutcome::Applied => {
                self.held.remove(&change.bucket);
                self.announced.remove(&change.bucket);
                let applied = self.rounds.get(&change.bucket).map_or(0, |rounds| rounds.applied).saturating_add(1);
                self.rounds.insert(change.bucket, Rounds { applied, last: record.ended_at, noticed_by: None });
            }
            RemediationOutcome::Failed => {
                self.announced.remove(&change.bucket);
            }
            _ => {}
        }
    }

    /// Ends a change by which nothing was done.
    pub(crate) fn abandon(&mut self, change_id: &str) {
        self.open.retain(|change| change.id() != change_id);
        self.begun.remove(change_id);
    }

    /// Keeps scans from changing a bucket by themselves.
    pub(crate) fn hold_back(&mut self, bucket: &str, hold: Hold) {
        self.announced.remove(bucket);
        self.rounds.remove(bucket);
        self.held.insert(bucket.to_owned(), hold);
    }

    /// Takes over what a scan has decided: what it announced, what it found drifting, and where the next one goes on. Of
    /// earlier announcements those stay that people were told and about which it was not decided otherwise. Gives the
    /// number of buckets that this scan was the first to find drifting.
    pub(crate) fn settle(&mut self, scan: Settled<'_>, records: &[RemediationRecord], now: Timestamp) -> u64 {
        let by_bucket: BTreeMap<&str, &RemediationRecord> =
            records.iter().map(|record| (record.bucket.as_str(), record)).collect();
        self.announced.retain(|bucket, announcement| {
            let otherwise = match by_bucket.get(bucket.as_str()) {
                Some(record) => !record.reasons.iter().all(|reason| reason.code.is_undecided()),
                None => scan.is_whole,
            };
            announcement.scan_id == scan.run_id || (scan.told.contains_key(bucket) && !otherwise)
        });
        for record in by_bucket.values() {
            if record.outcome == RemediationOutcome::Announced {
                self.announce(record);
            }
            if record.reasons.iter().any(|reason| reason.code == ReasonCode::Drift)
                && let Some(rounds) = self.rounds.get_mut(&record.bucket)
                && rounds.noticed_by.is_none()
            {
                rounds.noticed_by = Some(scan.run_id.to_owned());
                rounds.last = now;
            }
        }
        if let Some(cursor) = scan.cursor {
            self.cursor = Some(cursor.to_owned());
        }
        let noticed = |rounds: &&Rounds| rounds.noticed_by.as_deref() == Some(scan.run_id);
        self.rounds.values().filter(noticed).fold(0, |count, _| count + 1)
    }

    /// Keeps an announcement, unless the bucket was changed or taken back since, or announced anew: an attempt may come late.
    fn announce(&mut self, record: &RemediationRecord) {
        let RemediationRecord { bucket, run_id, before, intended, decided_at, .. } = record;
        let is_late = self.begun.values().any(|begun| begun.bucket == *bucket && begun.at >= *decided_at)
            || self.held.contains_key(bucket)
            || self.announced.get(bucket).is_some_and(|announcement| announcement.at > *decided_at);
        if !is_late {
            let before = before.as_ref().and_then(|before| before.known().ok().flatten().cloned());
            let announcement =
                Announcement { scan_id: run_id.clone(), at: *decided_at, before, intended: intended.clone() };
            self.announced.insert(bucket.clone(), announcement);
        }
    }

    /// Drops what no longer bears on anything, so that the journal does not grow.
    fn forget(&mut self, now: Timestamp) {
        let yesterday = day(now).yesterday().unwrap_or(Date::MIN);
        self.begun.retain(|_, begun| day(begun.at) >= yesterday);
        self.held.retain(|_, hold| now < hold.until());
        self.announced.retain(|_, announcement| now < remembered_until(announcement.at));
        self.rounds.retain(|_, rounds| now < remembered_until(rounds.last));
    }
}

/// The reason to leave a bucket alone whose change is open.
pub fn being_changed(open: &OpenChange) -> Reason {
    let OpenChange { run_id, begun_at, .. } = open;
    Reason::new(
        ReasonCode::BeingChanged,
        format!("the run {run_id} has been changing the bucket since {begun_at} and has not recorded it yet"),
    )
}

fn changed_by_another(begun: &BegunChange) -> Reason {
    let BegunChange { run_id, at, .. } = begun;
    Reason::new(
        ReasonCode::BeingChanged,
        format!("the run {run_id} has changed the bucket, at {at}, while this one was looking at it"),
    )
}

/// The reason to leave a bucket alone when as many were changed as may be on one day.
pub fn day_limit_reached(limit: u32) -> Reason {
    Reason::new(
        ReasonCode::DayLimit,
        format!("the policy's limit of {limit} changed buckets on one day, in UTC, is reached"),
    )
}

/// The reason to leave a bucket alone whose change was taken back.
pub fn taken_back(hold: &Hold) -> Reason {
    let Hold { rollback_id, requested_by, since } = hold;
    let text = format!(
        "its change was taken back at {since} by the rollback {rollback_id} ({requested_by}); it is left alone until {} \
         unless a request names it in reapply",
        hold.until()
    );
    Reason::new(ReasonCode::RolledBack, text)
}

fn drifting(rounds: &Rounds) -> Reason {
    let Rounds { applied, last, .. } = rounds;
    let text = format!(
        "it was given its key {applied} times, and each time its encryption was set back afterwards, by a template or a tool \
         perhaps; it is left to a person until {}: state the key there, tag the bucket or except it, or have it changed once \
         more by a request that names it in reapply",
        remembered_until(*last)
    );
    Reason::new(ReasonCode::Drift, text)
}

fn remembered_until(since: Timestamp) -> Timestamp {
    since.saturating_add(MEMORY).unwrap_or(Timestamp::MAX)
}

fn day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

#[cfg(test)]
mod tests;
