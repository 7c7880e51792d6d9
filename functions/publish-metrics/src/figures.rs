//! What has changed between two complete scans of all services, by the rules that both of them evaluated: a rule that is new
//! in the catalogue, or was switched on or off, changes what is asked and not how the account stands.
//!
//! Which scan was the last complete one is kept here and not taken from the comparison of findings, which is made service by
//! service and with partial scans too: a score of what was looked at then would not be the account's.

use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, amend_json, keys};
use audit_model::summary::{Counts, Summary};
use audit_task::TaskError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How often what is kept is tried to be replaced while others replace it too.
const ATTEMPTS: u32 = 5;

/// What a scan comes to, in percent to one decimal; `None` when nothing was judged, or nothing evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// The compliance score.
    pub score: Option<f64>,
    /// The coverage.
    pub coverage: Option<f64>,
}

impl Figures {
    /// Those of the rules that `other` has, too.
    fn of(by_rule: &BTreeMap<String, Counts>, other: &BTreeMap<String, Counts>) -> Self {
        let mut all = Counts::default();
        for (_, counts) in by_rule.iter().filter(|(rule, _)| other.contains_key(*rule)) {
            all.compliant += counts.compliant;
            all.non_compliant += counts.non_compliant;
            all.not_applicable += counts.not_applicable;
            all.insufficient_data += counts.insufficient_data;
        }
        Self { score: all.score(), coverage: all.coverage() }
    }
}

/// What two complete scans of all services come to by the rules that both evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// The scan before.
    pub before: Figures,
    /// This one.
    pub now: Figures,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    scan_id: String,
    started_at: Timestamp,
    /// The complete scan before, for a task that is repeated.
    #[serde(default)]
    compared_with: Option<String>,
}

/// What is asked of an earlier scan's summary.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Earlier {
    by_rule: BTreeMap<String, Counts>,
}

/// Keeps which scan is the last complete one of all services, and compares it with the one before. `None` when there is
/// none: it is the first one, a younger one was faster, or what the one before left has expired.
///
/// # Errors
/// `Conflict` when others keep replacing what is kept, and those of the store.
pub(crate) async fn compare(store: &dyn ArtifactStore, summary: &Summary) -> Result<Option<Compared>, TaskError> {
    let Some(before) = exchange(store, summary).await? else { return Ok(None) };
    let earlier: Option<Earlier> = match store.find_json(&keys::summary(&before)).await {
        Err(TaskError::Corrupt(what)) => {
            tracing::warn!(scan = before, what, "the summary of the complete scan before is broken; no change is told");
            None
        }
        found => found?,
    };
    Ok(earlier.map(|Earlier { by_rule }| Compared {
        before: Figures::of(&by_rule, &summary.by_rule),
        now: Figures::of(&summary.by_rule, &by_rule),
    }))
}

/// Keeps which scan it is, and tells the one before.
async fn exchange(store: &dyn ArtifactStore, summary: &Summary) -> Result<Option<String>, TaskError> {
    let exchanged = amend_json(store, keys::FIGURES, ATTEMPTS, |content| {
        let kept = content.and_then(understood);
        match &kept {
            Some(kept) if kept.scan_id == summary.scan_id => return Ok((None, kept.compared_with.clone())),
            Some(kept) if kept.started_at >= summary.started_at => {
                tracing::info!(scan = kept.scan_id, "a younger complete scan was faster; no change is told");
                return Ok((None, None));
            }
            _ => {}
        }
        let before = kept.map(|kept| kept.scan_id);
        let now =
            Kept { scan_id: summary.scan_id.clone(), started_at: summary.started_at, compared_with: before.clone() };
        Ok((Some(now), before))
    });
    exchanged.await?.ok_or_else(|| {
        TaskError::Conflict(format!("the object {} was replaced by somebody else {ATTEMPTS} times", keys::FIGURES))
    })
}

/// What is kept. An object that cannot be understood is replaced: it must not stop every scan that comes after it.
fn understood(content: &[u8]) -> Option<Kept> {
    serde_json::from_slice(content)
        .inspect_err(|error| tracing::warn!(%error, key = keys::FIGURES, "what was kept is broken"))
        .ok()
}
