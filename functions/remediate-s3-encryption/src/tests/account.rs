//! An account in memory, whose calls can be counted, refused, paused and be the last.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use audit_artifacts::sample;
use audit_model::resource::{AclGrant, BucketAcl, BucketEncryption, ObjectOwnership};
use audit_model::{Reading, Tags, Unreadable, UnreadableCause};
use audit_task::TaskError;
use bucket_encryption::Answered;
use bucket_encryption::memory::{Interruption, MemoryEncryption};

use crate::ports::{Buckets, Key, Keys, Readings, key_alias};

/// A bucket that only its account uses.
pub(crate) fn bucket(encryption: BucketEncryption) -> Readings {
    let grant = AclGrant { grantee: "owner".to_owned(), permission: "FULL_CONTROL".to_owned() };
    Readings {
        encryption: Reading::seen(encryption),
        tags: Reading::Absent,
        policy: Reading::Absent,
        acl: Reading::seen(BucketAcl { owner_id: "owner".to_owned(), grants: vec![grant] }),
        object_ownership: Reading::seen(ObjectOwnership::BucketOwnerEnforced),
        ignores_public_acls: Reading::seen(true),
        website: Reading::Absent,
        replication: Reading::Absent,
    }
}

/// A bucket with the tag of the sample plan's policy.
pub(crate) fn opted_out() -> Readings {
    let tag = sample::plan().policy.remediation.opt_out_tag;
    Readings { tags: Reading::seen(Tags::from([(tag.key, tag.value)])), ..bucket(sample::sse_s3()) }
}

pub(crate) fn denied<T>(action: &str) -> Reading<T> {
    Reading::Unreadable(Unreadable {
        action: action.to_owned(),
        cause: UnreadableCause::AccessDenied,
        detail: "AccessDenied".to_owned(),
    })
}

#[derive(Default)]
pub(crate) struct Account {
    /// The buckets' encryptions, and the calls of every port.
    pub(crate) encryption: MemoryEncryption,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    buckets: BTreeMap<String, Readings>,
    keys: Vec<FakeKey>,
    /// How creating a key fails, though the key is made.
    answer_is_lost: bool,
    hides_new_keys: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FakeKey {
    pub(crate) arn: String,
    pub(crate) bucket: String,
    pub(crate) named: bool,
    pub(crate) rotates: bool,
    pub(crate) state: String,
}

impl FakeKey {
    fn described(&self) -> Key {
        Key {
            arn: self.arn.clone(),
            state: self.state.clone(),
            manager: "CUSTOMER".to_owned(),
            spec: "SYMMETRIC_DEFAULT".to_owned(),
        }
    }
}

impl Account {
    pub(crate) fn new<const N: usize>(buckets: [(&str, Readings); N]) -> Self {
        let account = Self::default();
        for (name, readings) in buckets {
            account.add(name, readings);
        }
        account
    }

    pub(crate) fn add(&self, name: &str, readings: Readings) {
        self.encryption.put(name, readings.encryption.clone());
        self.with(|state| state.buckets.insert(name.to_owned(), readings));
    }

    /// A key of the bucket's own, as an earlier run has left it.
    pub(crate) fn add_key(&self, bucket: &str, named: bool, key_state: &str) -> String {
        self.with(|state| state.add_key(bucket, named, key_state))
    }

    pub(crate) fn change_readings(&self, name: &str, f: impl FnOnce(&mut Readings)) {
        self.with(|state| f(state.buckets.get_mut(name).unwrap()));
    }

    /// From now on AWS KMS makes keys and its answers get lost.
    pub(crate) fn lose_answers_of_kms(&self) {
        self.with(|state| state.answer_is_lost = true);
    }

    /// AWS KMS shows new keys in no listing, which is so for a while.
    pub(crate) fn hide_new_keys(&self, hides: bool) {
        self.with(|state| state.hides_new_keys = hides);
    }

    pub(crate) fn set_key_state(&self, arn: &str, key_state: &str) {
        self.with(|state| key_state.clone_into(&mut state.key(arn).state));
    }

    pub(crate) fn interruption(&self) -> &Interruption {
        &self.encryption.interruption
    }

    pub(crate) fn keys(&self) -> Vec<FakeKey> {
        self.with(|state| state.keys.clone())
    }

    pub(crate) fn only_key(&self) -> FakeKey {
        let [key] = &self.keys()[..] else { panic!("{:?}", self.keys()) };
        key.clone()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.with(|state| state.buckets.keys().cloned().collect())
    }

    /// The buckets that a scan finds without a key of the customer's, by name.
    pub(crate) fn names_without_a_key(&self) -> Vec<String> {
        let has_key = |name: &String| self.encryption_of(name).is_some_and(|shown| shown.kms_key_id.is_some());
        self.names().into_iter().filter(|name| !has_key(name)).collect()
    }

    pub(crate) fn encryption_of(&self, bucket: &str) -> Option<BucketEncryption> {
        self.encryption.of(bucket).known().unwrap().cloned()
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap())
    }
}

impl State {
    fn add_key(&mut self, bucket: &str, named: bool, key_state: &str) -> String {
        let arn = format!("arn:aws:kms:us-east-1:123456789012:key/{}", self.keys.len());
        self.keys.push(FakeKey {
            arn: arn.clone(),
            bucket: bucket.to_owned(),
            named,
            rotates: false,
            state: key_state.to_owned(),
        });
        arn
    }

    fn key(&mut self, arn: &str) -> &mut FakeKey {
        self.keys.iter_mut().find(|key| key.arn == arn).unwrap()
    }
}

#[async_trait]
impl Buckets for Account {
    async fn readings(&self, bucket: &str) -> Readings {
        let readings = || {
            let readings = self.with(|state| state.buckets[bucket].clone());
            Readings { encryption: self.encryption.shown(bucket), ..readings }
        };
        self.encryption.reading("readings", readings).await
    }
}

#[async_trait]
impl Keys for Account {
    async fn describe(&self, key: &str) -> Reading<Key> {
        let describe = || {
            let found = self.with(|state| state.keys.iter().find(|its| its.arn == key).map(FakeKey::described));
            found.map_or(Reading::Absent, Reading::seen)
        };
        self.encryption.reading("kms:DescribeKey", describe).await
    }

    async fn named(&self, bucket: &str) -> Reading<Key> {
        let find = || {
            let of = |key: &&FakeKey| key.named && key.bucket == bucket;
            let found = self.with(|state| state.keys.iter().find(of).map(FakeKey::described));
            found.map_or(Reading::Absent, Reading::seen)
        };
        self.encryption.reading("kms:ListAliases", find).await
    }

    async fn tagged(&self) -> Result<BTreeMap<String, Vec<String>>, Unreadable> {
        let list = || {
            let mut tagged: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for key in self.with(|state| if state.hides_new_keys { Vec::new() } else { state.keys.clone() }) {
                tagged.entry(key.bucket).or_default().push(key.arn);
            }
            tagged
        };
        Ok(self.encryption.reading("kms:ListKeys", list).await)
    }

    async fn create(&self, bucket: &str) -> Answered<String> {
        let mut answered = self
            .encryption
            .writing("kms:CreateKey", || self.with(|state| state.add_key(bucket, false, "Enabled")))
            .await;
        if self.with(|state| state.answer_is_lost) {
            answered.result = Err(TaskError::Unavailable("kms:CreateKey failed (no answer in time)".to_owned()));
        }
        answered
    }

    async fn name(&self, key_arn: &str, bucket: &str) -> Answered<()> {
        let alias = key_alias(bucket);
        let taken = self.with(|state| state.keys.iter().any(|key| key.named && key_alias(&key.bucket) == alias));
        let name = || {
            if !taken {
                self.with(|state| state.key(key_arn).named = true);
            }
        };
        let mut answered = self.encryption.writing("kms:CreateAlias", name).await;
        if taken {
            answered.result =
                Err(TaskError::Internal("kms:CreateAlias was refused (AlreadyExistsException)".to_owned()));
        }
        answered
    }

    async fn rotate(&self, key_arn: &str) -> Answered<()> {
        let rotate = || self.with(|state| state.key(key_arn).rotates = true);
        self.encryption.writing("kms:EnableKeyRotation", rotate).await
    }

    async fn try_out(&self, key_arn: &str, _bucket: &str) -> Result<(), TaskError> {
        let state = || self.with(|state| state.key(key_arn).state.clone());
        let call = "kms:GenerateDataKeyWithoutPlaintext";
        match self.encryption.reading(call, state).await.as_str() {
            "Enabled" => Ok(()),
            other => Err(TaskError::Internal(format!("{call} was refused ({other})"))),
        }
    }
}
