//! What sealing and verification read from: the reports bucket, a copy of it in a folder, memory.

use std::io;

use async_trait::async_trait;
use tokio::io::AsyncBufRead;

/// A store that can be listed and read.
///
/// An object or a list that could not be read is an error and never an absence: a seal of what could be seen just now, or a
/// verification that took a denied answer for a missing object, would say what is not so.
#[async_trait]
pub trait EvidenceStore: Send + Sync {
    /// The keys of all objects that begin with `prefix`, sorted.
    async fn list_objects(&self, prefix: &str) -> io::Result<Vec<String>>;

    /// The names of the folders in a folder, sorted. Its name ends with `/`, and theirs do not.
    async fn folders(&self, folder: &str) -> io::Result<Vec<String>>;

    /// An object as a stream, or `None` when there is none.
    async fn open(&self, key: &str) -> io::Result<Option<Opened>>;
}

/// An object that is being read.
pub struct Opened {
    /// Its content.
    pub content: Box<dyn AsyncBufRead + Send + Sync + Unpin>,
    /// The version that is read; `None` where the store keeps none.
    pub version_id: Option<String>,
}
