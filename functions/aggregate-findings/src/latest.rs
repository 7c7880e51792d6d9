//! The pointer to the last complete scan of all services.

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, Condition, PutOutcome, keys};
use audit_model::summary::LatestScan;
use audit_task::TaskError;

/// How often the pointer is tried to be moved while others move it too.
const ATTEMPTS: u32 = 5;

/// The last complete scan, or `None` when there has been none.
///
/// # Errors
/// `Corrupt` when the pointer cannot be understood, and those of the store.
pub(crate) async fn find(store: &dyn ArtifactStore) -> Result<Option<LatestScan>, TaskError> {
    Ok(read(store).await?.map(|(latest, _)| latest))
}

/// Moves the pointer to `scan`, unless it points to a scan that started later or at the same time.
///
/// # Errors
/// `Conflict` when others keep moving it, `Corrupt` when it cannot be understood, and those of the store.
pub(crate) async fn advance(store: &dyn ArtifactStore, scan: &LatestScan) -> Result<(), TaskError> {
    for _ in 0..ATTEMPTS {
        let condition = match read(store).await? {
            Some((latest, _)) if latest.started_at >= scan.started_at => {
                tracing::info!(latest = latest.scan_id, "the pointer stays with a scan that is no older");
                return Ok(());
            }
            Some((_, etag)) => Condition::IfMatch(etag),
            None => Condition::IfAbsent,
        };
        if store.put_json(keys::LATEST, scan, condition).await? == PutOutcome::Written {
            return Ok(());
        }
    }
    Err(TaskError::Conflict(format!(
        "the object {} was moved by somebody else {ATTEMPTS} times; the scan is written, but the next one will not be \
         compared with it",
        keys::LATEST
    )))
}

async fn read(store: &dyn ArtifactStore) -> Result<Option<(LatestScan, String)>, TaskError> {
    let Some(stored) = store.get(keys::LATEST).await? else {
        return Ok(None);
    };
    let latest = serde_json::from_slice(&stored.content).map_err(|error| {
        TaskError::Corrupt(format!(
            "the object {} cannot be understood: {error}; delete it to begin anew, without a scan to compare with",
            keys::LATEST
        ))
    })?;
    Ok(Some((latest, stored.etag)))
}
