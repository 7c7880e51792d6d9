//! What earlier scans have announced, and so in which order buckets are taken.

use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, keys};
use audit_model::AlertReceipt;
use audit_task::TaskError;
use bucket_encryption::{Announcement, Journal};

use crate::candidates::Candidate;

/// The announcements of earlier scans that people were told: the alert of the scan was sent, and named the bucket.
///
/// # Errors
/// Those of the store.
pub(crate) async fn told(
    store: &dyn ArtifactStore,
    journal: &Journal,
    scan_id: &str,
) -> Result<BTreeMap<String, Announcement>, TaskError> {
    let mut named: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut told = BTreeMap::new();
    let of_others = journal.announced().iter().filter(|(_, announcement)| announcement.scan_id != scan_id);
    for (bucket, announcement) in of_others {
        let announcing = announcement.scan_id.as_str();
        if !named.contains_key(announcing) {
            let receipt: Option<AlertReceipt> = store.find_json(&keys::alert(announcing)).await?;
            named.insert(announcing, receipt.map(|receipt| receipt.announced).unwrap_or_default());
        }
        if named.get(announcing).is_some_and(|names| names.contains(bucket)) {
            told.insert(bucket.clone(), announcement.clone());
        }
    }
    Ok(told)
}

/// The order in which buckets are taken: what was announced first, for that is a promise; then all others, from the one
/// behind the one that was decided about last, to that one. What fails at every turn is so the last of the next one.
pub(crate) fn in_turn<'a>(
    candidates: &'a [Candidate],
    cursor: Option<&str>,
    told: &BTreeMap<String, Announcement>,
) -> Vec<&'a Candidate> {
    let is_done = |candidate: &Candidate| cursor.is_some_and(|cursor| candidate.bucket.as_str() <= cursor);
    let (done, next) = candidates.split_at(candidates.partition_point(is_done));
    let (promised, others): (Vec<_>, Vec<_>) =
        next.iter().chain(done).partition(|candidate| told.contains_key(&candidate.bucket));
    promised.into_iter().chain(others).collect()
}
