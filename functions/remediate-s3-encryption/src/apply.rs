//! Gives one bucket its key: the only place that changes anything in the account.

use std::collections::BTreeMap;

use audit_model::Reading;
use audit_model::remediation::{Reason, RemediationOutcome};
use audit_task::TaskError;
use bucket_encryption::{Begun, Calls, Changes, OpenChange, Records, shows};
use tokio::sync::OnceCell;

use crate::decide::{USABLE_STATE, changed_meanwhile, key_appeared, key_pending, missing};
use crate::ports::{Key, Keys};

/// A key that a bucket has of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnKey {
    pub(crate) key: Key,
    /// Whether its alias is there.
    pub(crate) named: bool,
}

/// Finds the keys that buckets have of their own. All keys are looked through at most once a run, and only when a
/// bucket without the alias is to be changed.
pub(crate) struct OwnKeys<'a> {
    keys: &'a dyn Keys,
    tagged: OnceCell<BTreeMap<String, Vec<String>>>,
}

impl<'a> OwnKeys<'a> {
    pub(crate) const fn new(keys: &'a dyn Keys) -> Self {
        Self { keys, tagged: OnceCell::const_new() }
    }

    /// The bucket's own key: by its alias, or by its tag where an earlier run died before it gave the alias. A usable key
    /// goes before others.
    pub(crate) async fn find(&self, bucket: &str) -> Reading<OwnKey> {
        match self.keys.named(bucket).await {
            Reading::Absent => {}
            named => return named.map(|key| OwnKey { key, named: true }),
        }
        let tagged = match self.tagged.get_or_try_init(|| self.keys.tagged()).await {
            Ok(tagged) => tagged.get(bucket).map(Vec::as_slice).unwrap_or_default(),
            Err(why) => return Reading::Unreadable(why),
        };
        let mut found = Reading::Absent;
        for arn in tagged {
            match self.keys.describe(arn).await {
                Reading::Seen { value } if value.state == USABLE_STATE => {
                    return Reading::seen(OwnKey { key: value, named: false });
                }
                Reading::Absent => {}
                other => found = other.map(|key| OwnKey { key, named: false }),
            }
        }
        found
    }
}

/// Applies one decision.
pub(crate) struct Application<'a> {
    pub(crate) changes: Changes<'a>,
    pub(crate) keys: &'a dyn Keys,
    pub(crate) run_id: &'a str,
}

/// What keeps a change from its end.
enum Obstacle {
    /// It is recorded as failed.
    Failed(String),
    /// It is recorded as failed and stays open: a key may have been made.
    KeyUnknown(String),
    /// It waits for the next run, and stays open.
    Wait(Reason),
    /// It is not to be made any more.
    Moot(Reason),
    /// Another attempt of this run has ended it.
    Ended,
}

impl Application<'_> {
    /// Finds or makes the key, tries it out, writes, reads back, puts back what was there if that is not what was
    /// written, and records it. `Some` is the reason why the bucket is left alone for now, which is not recorded yet.
    ///
    /// # Errors
    /// Those of the journal and of the records. What goes wrong with the bucket or its key is no error but a record.
    pub(crate) async fn run(
        &self,
        begun: Begun,
        own_key: Option<&OwnKey>,
        records: &mut Records,
    ) -> Result<Option<Reason>, TaskError> {
        let (mut change, resumed) = match begun {
            Begun::New(change) => (change, false),
            Begun::Resumed(change) => (change, true),
            Begun::Refused(reason) => return Ok(Some(reason)),
            Begun::Ended => {
                records.refresh(self.changes.store).await?;
                return Ok(None);
            }
        };
        let mut calls = Calls::after(change.calls.clone());
        let (obstacle, stays_open) = match self.prepare(&mut change, resumed, own_key, &mut calls).await? {
            Ok(()) => {
                self.write(change, calls, records).await?;
                return Ok(None);
            }
            Err(Obstacle::Wait(reason)) => return Ok(Some(reason)),
            Err(Obstacle::Moot(reason)) => {
                change.calls = calls.noted().to_vec();
                let reasons = std::slice::from_ref(&reason);
                let is_recorded = self.changes.give_up(self.run_id, &change, reasons, records).await?;
                return Ok((!is_recorded).then_some(reason));
            }
            Err(Obstacle::Ended) => {
                records.refresh(self.changes.store).await?;
                return Ok(None);
            }
            Err(Obstacle::Failed(obstacle)) => (obstacle, false),
            Err(Obstacle::KeyUnknown(obstacle)) => (obstacle, true),
        };
        change.calls = calls.noted().to_vec();
        let result = format!("{obstacle}; the bucket was not changed");
        let now = (self.changes.now)();
        let record = change.record(self.run_id, RemediationOutcome::Failed, result, None, now);
        if stays_open {
            records.add(record);
            records.save(self.changes.store).await?;
        } else {
            self.changes.conclude(record, records).await?;
        }
        Ok(None)
    }

    /// Writes what a change is about, verifies it, and records it. An earlier attempt may have written it already.
    ///
    /// # Errors
    /// Those of the journal and of the records.
    pub(crate) async fn write(
        &self,
        mut change: OpenChange,
        mut calls: Calls,
        records: &mut Records,
    ) -> Result<(), TaskError> {
        let key_arn = change.key_arn.clone().unwrap_or_default();
        let works = async || {
            let tried = self.try_out(&key_arn, &change.bucket).await;
            tried.map_err(|why| format!("after the write {why}"))
        };
        let Some(verified) = self.changes.write(&change, &mut calls, works).await? else {
            return records.refresh(self.changes.store).await;
        };
        let (outcome, result) = match verified.outcome {
            Ok(()) => (RemediationOutcome::Applied, "set, read back as it was set, and the key works".to_owned()),
            Err(complaint) => (RemediationOutcome::Failed, complaint),
        };
        change.calls = calls.noted().to_vec();
        let record = change.record(self.run_id, outcome, result, Some(verified.after), (self.changes.now)());
        self.changes.conclude(record, records).await
    }

    /// Everything before the write to the bucket.
    async fn prepare(
        &self,
        change: &mut OpenChange,
        resumed: bool,
        own_key: Option<&OwnKey>,
        calls: &mut Calls,
    ) -> Result<Result<(), Obstacle>, TaskError> {
        let bucket = change.bucket.clone();
        let bucket = bucket.as_str();
        let known = change.key_arn.clone().or_else(|| own_key.map(|own| own.key.arn.clone()));
        let key_arn = match known {
            Some(arn) => arn,
            None if resumed => return Ok(Err(Obstacle::Wait(key_pending(change)))),
            None => {
                // Looking through all keys may have taken minutes.
                if self.changes.touch(change).await?.is_none() {
                    return Ok(Err(Obstacle::Ended));
                }
                match self.keys.named(bucket).await.known() {
                    Ok(None) => {}
                    Ok(Some(_)) => return Ok(Err(Obstacle::Moot(key_appeared()))),
                    Err(why) => return Ok(Err(Obstacle::Moot(missing(&why)))),
                }
                let created = self.keys.create(bucket).await;
                match calls.note((self.changes.now)(), created) {
                    Ok(arn) => arn,
                    Err(error @ TaskError::Unavailable(_)) => {
                        let why = format!("whether its key was made is not known: {error}");
                        return Ok(Err(Obstacle::KeyUnknown(why)));
                    }
                    Err(error) => return Ok(Err(Obstacle::Failed(format!("its key could not be made: {error}")))),
                }
            }
        };
        // The key is in the journal before it has its alias: should the function die here, its next attempt finds it.
        match self.changes.keep_key(change, &key_arn, calls).await? {
            Some(noted) => *change = noted,
            None => {
                // It is found by its tag when the bucket is to get a key again.
                tracing::warn!(
                    bucket,
                    key = key_arn,
                    "another attempt has ended the change for which this key was found"
                );
                return Ok(Err(Obstacle::Ended));
            }
        }
        if !own_key.is_some_and(|own| own.named) && !self.is_named(&key_arn, bucket).await {
            let named = self.keys.name(&key_arn, bucket).await;
            if let Err(error) = calls.note((self.changes.now)(), named)
                && !self.is_named(&key_arn, bucket).await
            {
                return Ok(Err(Obstacle::Failed(format!("the key {key_arn} could not be given its alias: {error}"))));
            }
        }
        let rotating = self.keys.rotate(&key_arn).await;
        if let Err(error) = calls.note((self.changes.now)(), rotating) {
            let why = format!("the rotation of the key {key_arn} could not be switched on: {error}");
            return Ok(Err(Obstacle::Failed(why)));
        }
        if let Err(why) = self.try_out(&key_arn, bucket).await {
            return Ok(Err(Obstacle::Failed(why)));
        }
        // A key may have taken seconds: the bucket must still be as it was decided about.
        let shown = self.changes.encryption.read(bucket).await;
        match shown.known() {
            Ok(shown) if shows(change.before.as_ref(), shown) => {}
            Ok(shown) => return Ok(Err(Obstacle::Moot(changed_meanwhile(shown)))),
            Err(why) => return Ok(Err(Obstacle::Failed(format!("it could not be read again: {why}")))),
        }
        Ok(Ok(()))
    }

    /// Whether the alias names the key, whatever came of the call that should do it.
    async fn is_named(&self, key_arn: &str, bucket: &str) -> bool {
        matches!(self.keys.named(bucket).await, Reading::Seen { value } if value.arn == key_arn)
    }

    /// A new key, and its policy, take a moment to be known everywhere in AWS KMS.
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/programming-eventual-consistency.html>
    async fn try_out(&self, key_arn: &str, bucket: &str) -> Result<(), String> {
        let look = async || {
            let state = self.keys.describe(key_arn).await.known().map(|key| key.map(|key| key.state.clone()));
            match state {
                Ok(Some(state)) if state == USABLE_STATE => {}
                Ok(Some(state)) => return Err(format!("the key {key_arn} is {state}")),
                Ok(None) => return Err(format!("AWS KMS does not know the key {key_arn}")),
                Err(why) => return Err(format!("the key {key_arn} could not be described: {why}")),
            }
            let tried = self.keys.try_out(key_arn, bucket).await;
            tried.map_err(|error| format!("the key {key_arn} makes no data key for the bucket: {error}"))
        };
        self.changes.patience.until(look).await
    }
}
