//! What several resources of a shard have in common, read once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use audit_model::Reading;
use audit_model::resource::{KmsKey, LoggingTargetSettings, PublicAccessBlock};
use audit_rules::Needed;
use tokio::sync::{Mutex, OnceCell};

/// What the resources of one shard have in common, kept for as long as that shard is read. The next shard asks anew: a
/// function that stays warm must not answer with what an earlier scan has seen.
#[derive(Debug, Default)]
pub struct Shared {
    /// What is read at all.
    pub(super) needed: Needed,
    /// The account's block public access settings, which count for every bucket.
    pub(super) account_block: OnceCell<Reading<PublicAccessBlock>>,
    /// KMS keys, by id, ARN or alias as buckets name them.
    pub(super) keys: Remembered<String, Reading<KmsKey>>,
    /// What decides whether server access logs arrive in a bucket, by its name; `None` where there is no such bucket.
    pub(super) log_targets: Remembered<String, Option<LoggingTargetSettings>>,
    /// The regions of buckets that objects are replicated to, by name and the account that must own the bucket.
    pub(super) locations: Remembered<(String, Option<String>), Reading<String>>,
}

impl Shared {
    /// Of a shard of which no more is read than this.
    pub fn new(needed: Needed) -> Self {
        Self { needed, ..Self::default() }
    }
}

/// Values by key, each read once, also where several ask for it at the same time. What failed is remembered, too: it
/// was tried as often as the client tries. A resource of a shard adds a handful at most.
#[derive(Debug)]
pub(super) struct Remembered<K, V> {
    values: Mutex<HashMap<K, Arc<OnceCell<V>>>>,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self { values: Mutex::default() }
    }
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// The value for this key, which `read` reads the first time.
    pub(super) async fn get_or_read(&self, key: K, read: impl Future<Output = V>) -> V {
        let value = Arc::clone(self.values.lock().await.entry(key).or_default());
        value.get_or_init(|| read).await.clone()
    }
}
