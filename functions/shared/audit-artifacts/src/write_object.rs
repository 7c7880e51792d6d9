//! Writing a large object that appears whole or not at all.

use audit_task::TaskError;

use crate::{ArtifactStore, ArtifactWriter, Written};

/// Stores what `content` writes. The object appears only when `content` comes to its end: after an error nothing is
/// left of it.
///
/// # Errors
/// The error of `content`, and those of the store.
pub async fn write_object(
    store: &dyn ArtifactStore,
    key: &str,
    content_type: &str,
    content: impl AsyncFnOnce(&mut dyn ArtifactWriter) -> Result<(), TaskError>,
) -> Result<Written, TaskError> {
    let mut writer = store.create(key, content_type).await?;
    match content(writer.as_mut()).await {
        Ok(()) => writer.finish().await,
        Err(error) => {
            if let Err(left_over) = writer.abort().await {
                // The bucket's lifecycle removes what is left of an upload; the first error is the one to tell.
                tracing::warn!(key, error = %left_over, "the unfinished upload was not removed");
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    #[tokio::test]
    async fn an_object_appears_whole_or_not_at_all() {
        let store = MemoryStore::default();
        let written = write_object(&store, "good", "text/plain", async |writer| {
            writer.write(b"ab").await?;
            writer.write(b"c").await
        });
        assert_eq!(written.await.map(|written| written.bytes), Ok(3));

        let broke = TaskError::Corrupt("line 7".to_owned());
        let written = write_object(&store, "bad", "text/plain", async |writer| {
            writer.write(b"ab").await?;
            Err(TaskError::Corrupt("line 7".to_owned()))
        });
        assert_eq!(written.await, Err(broke));

        assert_eq!(store.text("good").as_deref(), Some("abc"));
        assert_eq!(store.keys(), ["good"]);
    }
}
