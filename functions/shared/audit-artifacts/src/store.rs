//! The store as the functions see it.

use async_trait::async_trait;
use audit_task::TaskError;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncBufRead;

/// A stream of a stored object's bytes.
pub type ArtifactReader = Box<dyn AsyncBufRead + Send + Sync + Unpin>;

/// Where plans, findings and reports lie.
#[async_trait]
pub trait ArtifactStore: Send + Sync {
    /// A small object whole, or `None` when there is none.
    async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError>;

    /// An object as a stream, or `None` when there is none.
    async fn open(&self, key: &str) -> Result<Option<ArtifactReader>, TaskError>;

    /// Stores a small object whole, under a condition.
    async fn put(
        &self,
        key: &str,
        content_type: &str,
        content: Bytes,
        condition: Condition,
    ) -> Result<PutOutcome, TaskError>;

    /// Begins a large object. It appears only when the writer is finished.
    async fn create(&self, key: &str, content_type: &str) -> Result<Box<dyn ArtifactWriter>, TaskError>;
}

/// A stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What is stored.
    pub content: Bytes,
    /// The state of the object, for [`Condition::IfMatch`].
    pub etag: String,
}

/// When an object may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Always.
    None,
    /// Only when there is no object of that key yet.
    IfAbsent,
    /// Only when the object is still the one with this etag.
    IfMatch(String),
}

/// What came of a write under a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum PutOutcome {
    /// It was written.
    Written,
    /// The condition did not hold; nothing was written.
    ConditionFailed,
}

/// A large object being written.
#[async_trait]
pub trait ArtifactWriter: Send {
    /// Adds bytes.
    async fn write(&mut self, content: &[u8]) -> Result<(), TaskError>;

    /// Makes the object appear.
    async fn finish(self: Box<Self>) -> Result<Written, TaskError>;

    /// Drops what was written; the object does not appear.
    async fn abort(self: Box<Self>) -> Result<(), TaskError>;
}

/// A large object that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, in lowercase hexadecimal.
    pub sha256: String,
}

/// Whole JSON documents in a store.
#[async_trait]
pub trait ArtifactStoreExt: ArtifactStore {
    /// A JSON document, or `None` when there is none.
    async fn find_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, TaskError> {
        let Some(stored) = self.get(key).await? else {
            return Ok(None);
        };
        serde_json::from_slice(&stored.content)
            .map(Some)
            .map_err(|error| TaskError::Corrupt(format!("the object {key} cannot be understood: {error}")))
    }

    /// A JSON document that must be there.
    async fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<T, TaskError> {
        self.find_json(key).await?.ok_or_else(|| {
            TaskError::NotFound(format!(
                "the object {key} is not in the reports bucket; an earlier task should have written it"
            ))
        })
    }

    /// Stores a JSON document, under a condition.
    async fn put_json<T: Serialize + Sync>(
        &self,
        key: &str,
        document: &T,
        condition: Condition,
    ) -> Result<PutOutcome, TaskError> {
        let content = serde_json::to_vec_pretty(document)
            .map_err(|error| TaskError::Internal(format!("the object {key} cannot be written as JSON: {error}")))?;
        self.put(key, "application/json", content.into(), condition).await
    }

    /// Stores a JSON document whatever is there.
    async fn replace_json<T: Serialize + Sync>(&self, key: &str, document: &T) -> Result<(), TaskError> {
        match self.put_json(key, document, Condition::None).await? {
            PutOutcome::Written => Ok(()),
            PutOutcome::ConditionFailed => Err(TaskError::Conflict(format!("the object {key} could not be replaced"))),
        }
    }
}

impl<S: ArtifactStore + ?Sized> ArtifactStoreExt for S {}

/// Replaces a JSON document by what `edit` makes of the content that is there, if there is any, unless somebody else
/// replaces it meanwhile: then `edit` is asked again, about what is there by then. It gives the document, or `None` to
/// leave everything as it is, and what to hand on. `None` when others were faster at each of so many attempts.
///
/// # Errors
/// Those of `edit` and of the store.
pub async fn amend_json<T: Serialize + Sync, R>(
    store: &dyn ArtifactStore,
    key: &str,
    attempts: u32,
    edit: impl Fn(Option<&[u8]>) -> Result<(Option<T>, R), TaskError>,
) -> Result<Option<R>, TaskError> {
    for _ in 0..attempts {
        let stored = store.get(key).await?;
        let (document, result) = edit(stored.as_ref().map(|stored| &stored.content[..]))?;
        let Some(document) = document else {
            return Ok(Some(result));
        };
        let condition = stored.map_or(Condition::IfAbsent, |stored| Condition::IfMatch(stored.etag));
        if store.put_json(key, &document, condition).await? == PutOutcome::Written {
            return Ok(Some(result));
        }
    }
    Ok(None)
}
