//! An account in memory, whose calls can be counted, refused and be the last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use audit_artifacts::{
    ArtifactReader, ArtifactStore, ArtifactWriter, Condition, MemoryStore, PutOutcome, Stored, sample,
};
use audit_model::resource::{AclGrant, BucketAcl, BucketEncryption};
use audit_model::{Reading, Tags, Unreadable, UnreadableCause};
use audit_task::TaskError;
use tokio::sync::watch;

use crate::ports::{Buckets, Key, Keys, ListedBucket, Readings};

pub(crate) fn aes256() -> BucketEncryption {
    BucketEncryption {
        algorithm: "AES256".to_owned(),
        kms_key_id: None,
        bucket_key_enabled: false,
        blocked_encryption_types: Vec::new(),
    }
}

/// A bucket that only its account uses.
pub(crate) fn bucket(encryption: BucketEncryption) -> Readings {
    let grant = AclGrant { grantee: "owner".to_owned(), permission: "FULL_CONTROL".to_owned() };
    Readings {
        encryption: Reading::seen(encryption),
        tags: Reading::Absent,
        policy: Reading::Absent,
        acl: Reading::seen(BucketAcl { owner_id: "owner".to_owned(), grants: vec![grant] }),
        ignores_public_acls: Reading::seen(true),
        website: Reading::Absent,
        replication: Reading::Absent,
    }
}

/// A bucket with the tag of the sample plan's policy.
pub(crate) fn opted_out() -> Readings {
    let tag = sample::plan().policy.remediation.opt_out_tag;
    Readings { tags: Reading::seen(Tags::from([(tag.key, tag.value)])), ..bucket(aes256()) }
}

pub(crate) fn denied<T>(action: &str) -> Reading<T> {
    Reading::Unreadable(Unreadable {
        action: action.to_owned(),
        cause: UnreadableCause::AccessDenied,
        detail: "AccessDenied".to_owned(),
    })
}

pub(crate) struct Account {
    state: Mutex<State>,
    crash: Crash,
}

#[derive(Default)]
struct State {
    buckets: BTreeMap<String, FakeBucket>,
    keys: Vec<FakeKey>,
    calls: Vec<String>,
    refused: BTreeSet<String>,
    read_only: bool,
}

struct FakeBucket {
    readings: Readings,
    region: String,
    log_target: Reading<String>,
    /// S3 forgets what it was told of the bucket key.
    loses_bucket_key: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct FakeKey {
    pub(crate) arn: String,
    pub(crate) alias: Option<String>,
    pub(crate) rotates: bool,
    state: String,
}

impl Account {
    pub(crate) fn new<const N: usize>(buckets: [(&str, Readings); N]) -> Self {
        let mut account = Self { state: Mutex::default(), crash: Crash::never() };
        for (name, readings) in buckets {
            account.add(name, readings);
        }
        account
    }

    pub(crate) fn add(&mut self, name: &str, readings: Readings) {
        let region = "us-east-1".to_owned();
        let bucket = FakeBucket { readings, region, log_target: Reading::Absent, loses_bucket_key: false };
        self.with(|state| state.buckets.insert(name.to_owned(), bucket));
    }

    pub(crate) fn add_key(&self, alias: &str, key_state: &str) {
        self.with(|state| state.add_key(Some(alias.to_owned()), key_state));
    }

    pub(crate) fn log_into(&mut self, source: &str, target: Reading<String>) {
        self.change(source, |bucket| bucket.log_target = target);
    }

    pub(crate) fn move_to(&mut self, bucket: &str, region: &str) {
        self.change(bucket, |bucket| bucket.region = region.to_owned());
    }

    pub(crate) fn lose_bucket_keys_of(&mut self, bucket: &str) {
        self.change(bucket, |bucket| bucket.loses_bucket_key = true);
    }

    pub(crate) fn reset(&self, bucket: &str, encryption: BucketEncryption) {
        self.change(bucket, |bucket| bucket.readings.encryption = Reading::seen(encryption));
    }

    pub(crate) fn refuse(&mut self, action: &str) {
        self.with(|state| state.refused.insert(action.to_owned()));
    }

    /// From now on a writing call stops the test.
    pub(crate) fn forbid_writing(&self) {
        self.with(|state| state.read_only = true);
    }

    pub(crate) fn crash_after(&self, calls: usize) -> Crash {
        self.crash.set(Some(calls));
        self.crash.clone()
    }

    pub(crate) fn never_crash(&self) {
        self.crash.set(None);
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.with(|state| state.calls.clone())
    }

    pub(crate) fn keys(&self) -> Vec<FakeKey> {
        self.with(|state| state.keys.clone())
    }

    pub(crate) fn only_key(&self) -> FakeKey {
        let [key] = &self.keys()[..] else { panic!("{:?}", self.keys()) };
        key.clone()
    }

    pub(crate) fn encryption_of(&self, bucket: &str) -> Option<BucketEncryption> {
        self.with(|state| match &state.buckets[bucket].readings.encryption {
            Reading::Seen { value } => Some(value.clone()),
            Reading::Absent | Reading::Unreadable(_) => None,
        })
    }

    fn change(&self, bucket: &str, f: impl FnOnce(&mut FakeBucket)) {
        self.with(|state| f(state.buckets.get_mut(bucket).unwrap()));
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap())
    }

    /// A call that reads.
    async fn read<T>(&self, action: &str, f: impl FnOnce(&mut State) -> T) -> T {
        let answer = self.with(|state| {
            state.calls.push(action.to_owned());
            f(state)
        });
        self.crash.tick(action).await;
        answer
    }

    /// A call that writes.
    async fn write<T>(&self, action: &str, f: impl FnOnce(&mut State) -> T) -> Result<T, TaskError> {
        let answer = self.with(|state| {
            assert!(!state.read_only, "{action} was called");
            state.calls.push(action.to_owned());
            if state.refused.contains(action) {
                Err(TaskError::AccessDenied(format!("{action} was denied")))
            } else {
                Ok(f(state))
            }
        });
        self.crash.tick(action).await;
        answer
    }
}

impl State {
    fn add_key(&mut self, alias: Option<String>, key_state: &str) -> String {
        let arn = format!("arn:aws:kms:us-east-1:123456789012:key/{}", self.keys.len());
        self.keys.push(FakeKey { arn: arn.clone(), alias, rotates: false, state: key_state.to_owned() });
        arn
    }

    fn key(&mut self, arn: &str) -> &mut FakeKey {
        self.keys.iter_mut().find(|key| key.arn == arn).unwrap()
    }

    fn bucket(&mut self, name: &str) -> &mut FakeBucket {
        self.buckets.get_mut(name).unwrap()
    }
}

#[async_trait]
impl Buckets for Account {
    async fn list(&self) -> Result<Vec<ListedBucket>, TaskError> {
        let listed = |(name, bucket): (&String, &FakeBucket)| ListedBucket {
            name: name.clone(),
            region: Some(bucket.region.clone()),
        };
        Ok(self.read("s3:ListAllMyBuckets", |state| state.buckets.iter().map(listed).collect()).await)
    }

    async fn log_target(&self, bucket: &str) -> Reading<String> {
        self.read("s3:GetBucketLogging", |state| state.bucket(bucket).log_target.clone()).await
    }

    async fn readings(&self, bucket: &str) -> Readings {
        self.read("readings", |state| state.bucket(bucket).readings.clone()).await
    }

    async fn encryption(&self, bucket: &str) -> Reading<BucketEncryption> {
        let action = "s3:GetEncryptionConfiguration";
        self.read(action, |state| state.bucket(bucket).readings.encryption.clone()).await
    }

    async fn set_encryption(&self, bucket: &str, encryption: &BucketEncryption) -> Result<(), TaskError> {
        let mut encryption = encryption.clone();
        self.write("s3:PutEncryptionConfiguration", |state| {
            let bucket = state.bucket(bucket);
            encryption.bucket_key_enabled &= !bucket.loses_bucket_key;
            bucket.readings.encryption = Reading::seen(encryption);
        })
        .await
    }

    async fn clear_encryption(&self, bucket: &str) -> Result<(), TaskError> {
        let action = "s3:PutEncryptionConfiguration (delete)";
        self.write(action, |state| state.bucket(bucket).readings.encryption = Reading::Absent).await
    }
}

#[async_trait]
impl Keys for Account {
    async fn find(&self, alias: &str) -> Reading<Key> {
        self.read("kms:ListAliases", |state| {
            let key = state.keys.iter().find(|key| key.alias.as_deref() == Some(alias));
            key.map_or(Reading::Absent, |key| {
                Reading::seen(Key {
                    arn: key.arn.clone(),
                    state: key.state.clone(),
                    manager: "CUSTOMER".to_owned(),
                    spec: "SYMMETRIC_DEFAULT".to_owned(),
                })
            })
        })
        .await
    }

    async fn create(&self, _bucket: &str) -> Result<String, TaskError> {
        self.write("kms:CreateKey", |state| state.add_key(None, "Enabled")).await
    }

    async fn name(&self, key_arn: &str, alias: &str) -> Result<(), TaskError> {
        self.write("kms:CreateAlias", |state| state.key(key_arn).alias = Some(alias.to_owned())).await
    }

    async fn rotate(&self, key_arn: &str) -> Result<(), TaskError> {
        self.write("kms:EnableKeyRotation", |state| state.key(key_arn).rotates = true).await
    }
}

/// Stops whoever calls too often: the call is done, and its caller never hears of it.
#[derive(Clone)]
pub(crate) struct Crash {
    calls_left: Arc<Mutex<Option<usize>>>,
    last_call: watch::Sender<Option<String>>,
}

impl Crash {
    fn never() -> Self {
        Self { calls_left: Arc::default(), last_call: watch::Sender::new(None) }
    }

    fn set(&self, calls: Option<usize>) {
        *self.calls_left.lock().unwrap() = calls;
    }

    /// The call after which the caller was stopped.
    pub(crate) async fn happened(&self) -> String {
        let mut last_call = self.last_call.subscribe();
        let seen = last_call.wait_for(Option::is_some).await.unwrap();
        seen.clone().unwrap()
    }

    async fn tick(&self, call: &str) {
        let stops = match &mut *self.calls_left.lock().unwrap() {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        if stops {
            self.last_call.send_replace(Some(call.to_owned()));
            std::future::pending::<()>().await;
        }
    }
}

/// A store whose writes can be the last, or fail.
pub(crate) struct CrashingStore {
    store: MemoryStore,
    crash: Crash,
    refuses: bool,
}

impl CrashingStore {
    pub(crate) const fn crashing(store: MemoryStore, crash: Crash) -> Self {
        Self { store, crash, refuses: false }
    }

    pub(crate) fn refusing_puts(store: MemoryStore) -> Self {
        Self { store, crash: Crash::never(), refuses: true }
    }
}

#[async_trait]
impl ArtifactStore for CrashingStore {
    async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
        self.store.get(key).await
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
        self.crash.tick("put").await;
        outcome
    }

    async fn create(&self, key: &str, content_type: &str) -> Result<Box<dyn ArtifactWriter>, TaskError> {
        self.crash.tick("create").await;
        self.store.create(key, content_type).await
    }
}
