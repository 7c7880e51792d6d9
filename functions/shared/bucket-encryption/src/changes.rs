//! The course of one change: begun in the journal, written, verified or put back, recorded.

use audit_artifacts::ArtifactStore;
use audit_model::remediation::{Reason, RemediationOutcome, RemediationRecord};
use audit_model::resource::BucketEncryption;
use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_task::TaskError;
use jiff::Timestamp;

use crate::compare::{Described, shows, took};
use crate::{Begun, Calls, DefaultEncryption, Found, Hold, Journal, OpenChange, Patience, Records, Settled, Terms};

/// What every change needs.
#[derive(Clone, Copy)]
pub struct Changes<'a> {
    /// Where journal and records lie.
    pub store: &'a dyn ArtifactStore,
    /// The account's buckets.
    pub encryption: &'a dyn DefaultEncryption,
    /// The time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// How long to wait until a bucket shows what was written.
    pub patience: Patience,
}

/// How a write went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// `Ok` when the bucket was seen to have what was to be set; otherwise what went wrong, and what was put back.
    pub outcome: Result<(), String>,
    /// Default encryption as read back last.
    pub after: Reading<BucketEncryption>,
}

/// How a change that an earlier attempt of the run has begun is gone on with.
#[derive(Debug)]
pub enum Resumed {
    /// It has reached the bucket: it is to be written again, and verified.
    Reached,
    /// It has not, as far as the bucket shows it: it is to be decided about anew.
    NotReached,
    /// The bucket cannot be read, and the change stays open.
    Unknown(Unreadable),
    /// Somebody else has changed the bucket, or it is gone: the change is recorded as failed.
    Recorded,
}

impl Changes<'_> {
    /// Writes into the journal what is about to be done, if it may be.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn begin(&self, change: &OpenChange, terms: Terms) -> Result<Begun, TaskError> {
        let now = (self.now)();
        Journal::update(self.store, now, |journal| journal.begin(change, terms, now)).await
    }

    /// Goes on with a change that an earlier attempt of the run `run_id` has begun, by what the bucket shows now.
    ///
    /// # Errors
    /// Those of the records and of the journal.
    pub async fn resume(
        &self,
        run_id: &str,
        change: &OpenChange,
        shown: &Reading<BucketEncryption>,
        records: &mut Records,
    ) -> Result<Resumed, TaskError> {
        let by = "begun by an earlier attempt of this task";
        let result = match shown.known().map(|known| (change.found(known), known)) {
            Ok((Found::Untouched, _)) => return Ok(Resumed::NotReached),
            Ok((Found::Done | Found::Half, _)) => return Ok(Resumed::Reached),
            Ok((Found::Other, known)) => {
                format!("{by}; now the bucket shows {}, which was left as it is", Described(known))
            }
            Err(why) if why.cause == UnreadableCause::Gone => {
                format!("{by}; the bucket is gone, and whether it was changed is not known")
            }
            Err(why) => return Ok(Resumed::Unknown(why)),
        };
        let record = change.record(run_id, RemediationOutcome::Failed, result, Some(shown.clone()), (self.now)());
        self.conclude(record, records).await?;
        Ok(Resumed::Recorded)
    }

    /// Writes into the journal that somebody is at the change. `None` when another attempt has ended it.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn touch(&self, change: &OpenChange) -> Result<Option<OpenChange>, TaskError> {
        self.edit(change, |_| {}).await
    }

    /// Writes into the journal which key the bucket gets. `None` when another attempt has ended the change.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn keep_key(
        &self,
        change: &OpenChange,
        key_arn: &str,
        calls: &Calls,
    ) -> Result<Option<OpenChange>, TaskError> {
        self.edit(change, |open| {
            if let Some(intended) = &mut open.intended {
                intended.kms_key_id = Some(key_arn.to_owned());
            }
            open.key_arn = Some(key_arn.to_owned());
            open.calls = calls.noted().to_vec();
        })
        .await
    }

    async fn edit(&self, change: &OpenChange, edit: impl Fn(&mut OpenChange)) -> Result<Option<OpenChange>, TaskError> {
        let (id, now) = (change.id(), (self.now)());
        Journal::update(self.store, now, |journal| {
            let open = journal.find_mut(&id)?;
            edit(open);
            open.touched_at = now;
            Some(open.clone())
        })
        .await
    }

    /// Gives up a change that has not reached the bucket. If calls were made for it, a key that was made for instance,
    /// there is a record of it with these reasons; otherwise nothing was done, and nothing is left of it. Says which.
    ///
    /// # Errors
    /// Those of the records and of the journal.
    pub async fn give_up(
        &self,
        run_id: &str,
        change: &OpenChange,
        reasons: &[Reason],
        records: &mut Records,
    ) -> Result<bool, TaskError> {
        if change.calls.is_empty() {
            let (id, now) = (change.id(), (self.now)());
            Journal::update(self.store, now, |journal| journal.abandon(&id)).await?;
            return Ok(false);
        }
        let result = "its key was prepared, and the bucket was not changed".to_owned();
        let skipped = change.record(run_id, RemediationOutcome::Skipped, result, None, (self.now)());
        self.conclude(RemediationRecord { reasons: reasons.to_vec(), ..skipped }, records).await?;
        Ok(true)
    }

    /// Takes a change out of the journal of which this is the stored record.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn end(&self, record: &RemediationRecord) -> Result<(), TaskError> {
        Journal::update(self.store, (self.now)(), |journal| journal.end(record)).await
    }

    /// Stores the record of a change, and then takes it out of the journal.
    ///
    /// # Errors
    /// Those of the records and of the journal.
    pub async fn conclude(&self, record: RemediationRecord, records: &mut Records) -> Result<(), TaskError> {
        records.add(record.clone());
        records.save(self.store).await?;
        self.end(&record).await
    }

    /// Keeps scans from changing a bucket by themselves that has what it had before.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn hold(&self, bucket: &str, hold: &Hold) -> Result<(), TaskError> {
        Journal::update(self.store, (self.now)(), |journal| journal.hold_back(bucket, hold.clone())).await
    }

    /// Takes over into the journal what a scan's records have decided, all of which are stored: an announcement that is not
    /// recorded would count. Gives the number of buckets that this scan was the first to find drifting.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn settle(&self, scan: Settled<'_>, records: &Records) -> Result<u64, TaskError> {
        let now = (self.now)();
        Journal::update(self.store, now, |journal| journal.settle(scan, records.stored(), now)).await
    }

    /// Writes what is to be set and reads it back, unless another attempt has ended the change: then `None`. What the
    /// bucket shows decides, and not the answer to the write: a write that timed out may have been done. `works` is asked
    /// last; if it is not content, or the bucket shows half of what was written, what was there before is put back. What
    /// somebody else has set meanwhile is left alone.
    ///
    /// # Errors
    /// Those of the journal. What goes wrong with the bucket is no error but an outcome.
    pub async fn write(
        &self,
        change: &OpenChange,
        calls: &mut Calls,
        works: impl AsyncFn() -> Result<(), String>,
    ) -> Result<Option<Verified>, TaskError> {
        // The last thing before the write: whoever was stopped for long must not undo what came after.
        if self.touch(change).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(self.write_and_verify(change, calls, works).await))
    }

    async fn write_and_verify(
        &self,
        change: &OpenChange,
        calls: &mut Calls,
        works: impl AsyncFn() -> Result<(), String>,
    ) -> Verified {
        let OpenChange { bucket, before, intended, .. } = change;
        let written = self.set(bucket, intended.as_ref(), calls).await;
        let shown = self.read_back(bucket, intended.as_ref()).await;
        let seen = match &shown {
            Ok(reading) => match works().await {
                Ok(()) => return Verified { outcome: Ok(()), after: reading.clone() },
                Err(complaint) => return self.put_back(change, complaint, calls).await,
            },
            Err(reading) => reading.clone(),
        };
        let complaint = match &written {
            Ok(()) => format!("after the write the bucket {}", Shown(&seen)),
            Err(error) => format!("the write failed ({error}) and the bucket {}", Shown(&seen)),
        };
        let Ok(shown) = seen.known() else {
            return self.put_back(change, complaint, calls).await;
        };
        // Of a write that was not answered nobody knows whether it will show: it is overwritten.
        let is_refused = |error: &TaskError| !matches!(error, TaskError::Unavailable(_) | TaskError::Corrupt(_));
        if written.as_ref().is_err_and(is_refused) && shows(before.as_ref(), shown) {
            let complaint = format!("the write was refused and nothing changed: {complaint}");
            return Verified { outcome: Err(complaint), after: seen };
        }
        let half = shown.is_some_and(|shown| shown.kms_key_id.is_some() && shown.kms_key_id == change.key_arn);
        if half || shows(before.as_ref(), shown) {
            return self.put_back(change, complaint, calls).await;
        }
        let complaint = format!("{complaint}: somebody else has changed it meanwhile, and it was left as it is");
        Verified { outcome: Err(complaint), after: seen }
    }

    async fn put_back(&self, change: &OpenChange, complaint: String, calls: &mut Calls) -> Verified {
        let before = change.before.as_ref();
        let written = self.set(&change.bucket, before, calls).await;
        let (restored, after) = match (self.read_back(&change.bucket, before).await, written) {
            (Ok(shown), _) => ("what was there before was put back".to_owned(), shown),
            (Err(shown), Err(error)) => {
                (format!("what was there before could not be put back: {error}; the bucket {}", Shown(&shown)), shown)
            }
            (Err(shown), Ok(())) => {
                (format!("what was there before was put back, but the bucket {}", Shown(&shown)), shown)
            }
        };
        Verified { outcome: Err(format!("{complaint}; {restored}")), after }
    }

    async fn set(
        &self,
        bucket: &str,
        encryption: Option<&BucketEncryption>,
        calls: &mut Calls,
    ) -> Result<(), TaskError> {
        let answered = match encryption {
            Some(encryption) => self.encryption.set(bucket, encryption).await,
            None => self.encryption.clear(bucket).await,
        };
        calls.note((self.now)(), answered)
    }

    /// Reads until the bucket shows what is wanted; an error is what it showed last.
    async fn read_back(
        &self,
        bucket: &str,
        wanted: Option<&BucketEncryption>,
    ) -> Result<Reading<BucketEncryption>, Reading<BucketEncryption>> {
        self.patience
            .until(async || {
                let shown = self.encryption.read(bucket).await;
                if shown.known().is_ok_and(|shown| took(wanted, shown)) { Ok(shown) } else { Err(shown) }
            })
            .await
    }
}

/// What a bucket shows, in words.
struct Shown<'a>(&'a Reading<BucketEncryption>);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.known() {
            Ok(shown) => write!(f, "shows {}", Described(shown)),
            Err(why) => write!(f, "could not be read ({why})"),
        }
    }
}

#[cfg(test)]
mod tests;
