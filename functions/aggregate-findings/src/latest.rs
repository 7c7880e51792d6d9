//! The pointers to the last scan of each service.

use audit_artifacts::{ArtifactStore, amend_json, keys};
use audit_model::summary::{LatestScan, LatestScans};
use audit_model::{Plan, Service};
use audit_task::TaskError;
use serde::Deserialize;

/// How often the pointers are tried to be moved while others move them too.
const ATTEMPTS: u32 = 5;

/// The last scan of each service; a service that was never scanned has none.
///
/// # Errors
/// `Corrupt` when the pointers cannot be understood, and those of the store.
pub(crate) async fn find(store: &dyn ArtifactStore) -> Result<LatestScans, TaskError> {
    let stored = store.get(keys::LATEST).await?;
    Ok(stored.map(|stored| understood(&stored.content)).transpose()?.unwrap_or_default())
}

/// Moves the pointers of the planned services to this scan, all at once, but for those that point to a scan that started
/// later or at the same time.
///
/// # Errors
/// `Conflict` when others keep moving them, `Corrupt` when they cannot be understood, and those of the store.
pub(crate) async fn advance(store: &dyn ArtifactStore, plan: &Plan) -> Result<(), TaskError> {
    let advanced = amend_json(store, keys::LATEST, ATTEMPTS, |content| {
        let mut latest = content.map(understood).transpose()?.unwrap_or_default();
        let older = |service: &&Service| latest.get(service).is_none_or(|scan| scan.started_at < plan.started_at);
        let moved: Vec<Service> = plan.services.iter().filter(older).copied().collect();
        if moved.is_empty() {
            tracing::info!("every pointer stays with a scan that is no older");
            return Ok((None, ()));
        }
        let scan = LatestScan { scan_id: plan.scan_id.clone(), started_at: plan.started_at };
        latest.extend(moved.into_iter().map(|service| (service, scan.clone())));
        Ok((Some(latest), ()))
    });
    advanced.await?.ok_or_else(|| {
        TaskError::Conflict(format!(
            "the object {} was moved by somebody else {ATTEMPTS} times; the scan is written, but the next one will not be \
             compared with it",
            keys::LATEST
        ))
    })
}

/// The object as it is stored.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    /// An earlier version of this system kept one pointer, to the last complete scan of all services.
    OfAll(LatestScan),
    ByService(LatestScans),
}

fn understood(content: &[u8]) -> Result<LatestScans, TaskError> {
    match serde_json::from_slice(content) {
        Ok(Stored::OfAll(scan)) => Ok(Service::ALL.map(|service| (service, scan.clone())).into()),
        Ok(Stored::ByService(latest)) if !latest.is_empty() => Ok(latest),
        Ok(Stored::ByService(_)) => Err(not_understood("it names no scan")),
        Err(error) => Err(not_understood(&error.to_string())),
    }
}

fn not_understood(what: &str) -> TaskError {
    TaskError::Corrupt(format!(
        "the object {} cannot be understood: {what}; restore its previous version to go on from there, or delete it to \
         begin anew, without a scan to compare with and with every violation first seen by the next scan",
        keys::LATEST
    ))
}
