//! A store in memory, for tests.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use audit_task::TaskError;
use bytes::Bytes;

use crate::s3::{Digest, hex};
use crate::store::{ArtifactReader, ArtifactStore, ArtifactWriter, Condition, PutOutcome, Stored, Written};

/// A store in memory. Clones share their content.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
}

impl MemoryStore {
    /// The keys that are there, sorted.
    pub fn keys(&self) -> Vec<String> {
        self.with(|objects| objects.keys().cloned().collect())
    }

    /// An object's content as text, for assertions; `None` when it is not there or not UTF-8.
    pub fn text(&self, key: &str) -> Option<String> {
        self.with(|objects| objects.get(key).and_then(|content| String::from_utf8(content.to_vec()).ok()))
    }

    /// Takes an object away.
    pub fn remove(&self, key: &str) {
        self.with(|objects| objects.remove(key));
    }

    fn with<T>(&self, f: impl FnOnce(&mut BTreeMap<String, Bytes>) -> T) -> T {
        f(&mut self.objects.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn etag(content: &[u8]) -> String {
    hex(&Digest::of(content))
}

#[async_trait]
impl ArtifactStore for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
        Ok(self
            .with(|objects| objects.get(key).map(|content| Stored { content: content.clone(), etag: etag(content) })))
    }

    async fn open(&self, key: &str) -> Result<Option<ArtifactReader>, TaskError> {
        Ok(self
            .with(|objects| objects.get(key).map(|content| Box::new(Cursor::new(content.clone())) as ArtifactReader)))
    }

    async fn put(
        &self,
        key: &str,
        _content_type: &str,
        content: Bytes,
        condition: Condition,
    ) -> Result<PutOutcome, TaskError> {
        Ok(self.with(|objects| {
            let there = objects.get(key);
            let holds = match condition {
                Condition::None => true,
                Condition::IfAbsent => there.is_none(),
                Condition::IfMatch(wanted) => there.is_some_and(|content| etag(content) == wanted),
            };
            if holds {
                objects.insert(key.to_owned(), content);
                PutOutcome::Written
            } else {
                PutOutcome::ConditionFailed
            }
        }))
    }

    async fn create(&self, key: &str, _content_type: &str) -> Result<Box<dyn ArtifactWriter>, TaskError> {
        Ok(Box::new(MemoryWriter { store: self.clone(), key: key.to_owned(), content: Vec::new() }))
    }
}

struct MemoryWriter {
    store: MemoryStore,
    key: String,
    content: Vec<u8>,
}

#[async_trait]
impl ArtifactWriter for MemoryWriter {
    async fn write(&mut self, content: &[u8]) -> Result<(), TaskError> {
        self.content.extend_from_slice(content);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Written, TaskError> {
        let written = Written { bytes: self.content.len() as u64, sha256: hex(&Digest::of(&self.content)) };
        let Self { store, key, content } = *self;
        store.with(|objects| objects.insert(key, content.into()));
        Ok(written)
    }

    async fn abort(self: Box<Self>) -> Result<(), TaskError> {
        Ok(())
    }
}
