//! Default encryptions and a store in memory, whose calls can be counted, refused, paused, slow, and be the last.

mod time;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use audit_artifacts::{ArtifactReader, ArtifactStore, ArtifactWriter, Condition, PutOutcome, Stored};
use audit_model::resource::BucketEncryption;
use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_task::TaskError;
use tokio::sync::{Notify, watch};

pub use time::SimulatedTime;

use crate::{Answered, DefaultEncryption};

/// Stops whoever makes its nth call from now on: the call is done, and its caller does not hear of it, or not yet.
/// Clones stop together.
#[derive(Debug, Clone)]
pub struct Interruption {
    calls_left: Arc<Mutex<Option<usize>>>,
    at: watch::Sender<Option<String>>,
    resumed: Arc<Notify>,
    /// How long each call takes, by this clock.
    latency: Option<(SimulatedTime, Duration)>,
}

impl Default for Interruption {
    fn default() -> Self {
        Self { calls_left: Arc::default(), at: watch::Sender::new(None), resumed: Arc::default(), latency: None }
    }
}

impl Interruption {
    /// Stops nobody, and has every call take so long by this clock.
    pub fn slow(time: &SimulatedTime, latency: Duration) -> Self {
        Self { latency: Some((time.clone(), latency)), ..Self::default() }
    }

    /// Stops the caller after so many further calls, once.
    pub fn after(&self, calls: usize) {
        *self.calls_left.lock().unwrap_or_else(PoisonError::into_inner) = Some(calls);
    }

    /// Waits until somebody was stopped, and gives the call.
    pub async fn happened(&self) -> String {
        let mut at = self.at.subscribe();
        let seen = at.wait_for(Option::is_some).await.map(|seen| seen.clone());
        seen.ok().flatten().unwrap_or_default()
    }

    /// Lets whoever was stopped go on.
    pub fn resume(&self) {
        self.resumed.notify_one();
    }

    /// A call was made.
    pub async fn tick(&self, call: &str) {
        if let Some((time, latency)) = &self.latency {
            time.sleep(*latency).await;
        }
        let stops = {
            let mut left = self.calls_left.lock().unwrap_or_else(PoisonError::into_inner);
            let stops = *left == Some(0);
            *left = if stops { None } else { left.map(|left| left - 1) };
            stops
        };
        if stops {
            self.at.send_replace(Some(call.to_owned()));
            self.resumed.notified().await;
        }
    }
}

/// The default encryptions of buckets in memory. Clones share their content.
#[derive(Debug, Clone, Default)]
pub struct MemoryEncryption {
    state: Arc<Mutex<State>>,
    /// What stops its callers.
    pub interruption: Interruption,
}

#[derive(Debug, Default)]
struct State {
    buckets: BTreeMap<String, Reading<BucketEncryption>>,
    calls: Vec<String>,
    refused: BTreeSet<String>,
    losing_bucket_keys: BTreeSet<String>,
    shown_first: BTreeMap<String, VecDeque<Reading<BucketEncryption>>>,
    request: u32,
}

impl MemoryEncryption {
    /// Gives a bucket an encryption.
    pub fn put(&self, bucket: &str, encryption: Reading<BucketEncryption>) {
        self.with(|state| state.buckets.insert(bucket.to_owned(), encryption));
    }

    /// What a bucket has, without a call. A bucket that is not there is unreadable.
    pub fn of(&self, bucket: &str) -> Reading<BucketEncryption> {
        self.with(|state| state.of(bucket))
    }

    /// Has the next readings of a bucket, by whatever port, show these before what it has.
    pub fn show_first(&self, bucket: &str, readings: impl IntoIterator<Item = Reading<BucketEncryption>>) {
        self.with(|state| state.shown_first.insert(bucket.to_owned(), readings.into_iter().collect()));
    }

    /// What a bucket shows to a call that reads it.
    pub fn shown(&self, bucket: &str) -> Reading<BucketEncryption> {
        let first = self.with(|state| state.shown_first.get_mut(bucket).and_then(VecDeque::pop_front));
        first.unwrap_or_else(|| self.of(bucket))
    }

    /// Has writing calls of this action, of other ports too, be refused.
    pub fn refuse(&self, action: &str) {
        self.with(|state| state.refused.insert(action.to_owned()));
    }

    /// Has a bucket forget what it is told of the bucket key.
    pub fn lose_bucket_key_of(&self, bucket: &str) {
        self.with(|state| state.losing_bucket_keys.insert(bucket.to_owned()));
    }

    /// Every call so far, of other ports too.
    pub fn calls(&self) -> Vec<String> {
        self.with(|state| state.calls.clone())
    }

    /// The writing calls so far, of other ports too: they have ids.
    pub fn writes(&self) -> u32 {
        self.with(|state| state.request)
    }

    /// A call of this or another port that reads.
    pub async fn reading<T>(&self, call: &str, f: impl FnOnce() -> T) -> T {
        self.with(|state| state.calls.push(call.to_owned()));
        let answer = f();
        self.interruption.tick(call).await;
        answer
    }

    /// A call of this or another port that writes.
    pub async fn writing<T>(&self, action: &'static str, f: impl FnOnce() -> T) -> Answered<T> {
        let (refused, request) = self.with(|state| {
            state.calls.push(action.to_owned());
            state.request += 1;
            (state.refused.contains(action), state.request)
        });
        let result = if refused { Err(TaskError::AccessDenied(format!("{action} was denied"))) } else { Ok(f()) };
        self.interruption.tick(action).await;
        Answered { action, request_id: Some(format!("request-{request}")), result }
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn of(&self, bucket: &str) -> Reading<BucketEncryption> {
        self.buckets.get(bucket).cloned().unwrap_or_else(|| {
            Reading::Unreadable(Unreadable {
                action: "s3:GetEncryptionConfiguration".to_owned(),
                cause: UnreadableCause::Gone,
                detail: "NoSuchBucket".to_owned(),
            })
        })
    }
}

#[async_trait]
impl DefaultEncryption for MemoryEncryption {
    async fn read(&self, bucket: &str) -> Reading<BucketEncryption> {
        self.reading("s3:GetEncryptionConfiguration", || self.shown(bucket)).await
    }

    async fn set(&self, bucket: &str, encryption: &BucketEncryption) -> Answered<()> {
        self.writing("s3:PutEncryptionConfiguration", || {
            self.with(|state| {
                let mut encryption = encryption.clone();
                encryption.bucket_key_enabled &= !state.losing_bucket_keys.contains(bucket);
                state.buckets.insert(bucket.to_owned(), Reading::seen(encryption));
            });
        })
        .await
    }

    async fn clear(&self, bucket: &str) -> Answered<()> {
        let clear = || self.put(bucket, Reading::Absent);
        self.writing("s3:PutEncryptionConfiguration", clear).await
    }
}

/// A store whose calls can be the last, or whose writes fail.
#[derive(Debug, Clone)]
pub struct InterruptedStore<S> {
    /// What it stands before.
    pub store: S,
    /// What stops its callers.
    pub interruption: Interruption,
    /// Whether it refuses to write.
    pub refuses: bool,
}

#[async_trait]
impl<S: ArtifactStore> ArtifactStore for InterruptedStore<S> {
    async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
        let stored = self.store.get(key).await;
        self.interruption.tick(&format!("get {key}")).await;
        stored
    }

    async fn open(&self, key: &str) -> Result<Option<ArtifactReader>, TaskError> {
        self.store.open(key).await
    }

    async fn put(
        &self,
        key: &str,
        content_type: &str,
        content: bytes::Bytes,
        condition: Condition,
    ) -> Result<PutOutcome, TaskError> {
        if self.refuses {
            return Err(TaskError::Unavailable("s3:PutObject failed".to_owned()));
        }
        let outcome = self.store.put(key, content_type, content, condition).await;
        self.interruption.tick(&format!("put {key}")).await;
        outcome
    }

    async fn create(&self, key: &str, content_type: &str) -> Result<Box<dyn ArtifactWriter>, TaskError> {
        self.store.create(key, content_type).await
    }
}
