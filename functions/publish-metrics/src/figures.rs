//! The figures of the last complete scan of all services, to tell what the next one changed.
//!
//! They are kept here and not taken from the comparison of findings, which is made service by service and with partial scans
//! too: a score of what was looked at then would not be the account's.

use audit_artifacts::{ArtifactStore, amend_json, keys};
use audit_model::summary::Summary;
use audit_task::TaskError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How often the figures are tried to be replaced while others replace them too.
const ATTEMPTS: u32 = 5;

/// What a scan comes to, in percent to one decimal; `None` when nothing was judged, or nothing evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// The compliance score.
    pub score: Option<f64>,
    /// The coverage.
    pub coverage: Option<f64>,
}

impl Figures {
    /// Those of a scan.
    pub fn of(summary: &Summary) -> Self {
        Self { score: summary.score(), coverage: summary.coverage() }
    }
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    scan_id: String,
    started_at: Timestamp,
    figures: Figures,
    /// Those of the scan before, for a task that is repeated.
    before: Option<Figures>,
}

/// Keeps the figures of a complete scan of all services, and gives those of the one before. `None` when there is none:
/// it is the first one, or a younger one was faster.
///
/// # Errors
/// `Conflict` when others keep replacing them, and those of the store.
pub(crate) async fn exchange(store: &dyn ArtifactStore, summary: &Summary) -> Result<Option<Figures>, TaskError> {
    let exchanged = amend_json(store, keys::FIGURES, ATTEMPTS, |content| {
        let kept = content.and_then(understood);
        match &kept {
            Some(kept) if kept.scan_id == summary.scan_id => return Ok((None, kept.before)),
            Some(kept) if kept.started_at >= summary.started_at => {
                tracing::info!(scan = kept.scan_id, "a younger complete scan was faster; no change is told");
                return Ok((None, None));
            }
            _ => {}
        }
        let before = kept.map(|kept| kept.figures);
        let now = Kept {
            scan_id: summary.scan_id.clone(),
            started_at: summary.started_at,
            figures: Figures::of(summary),
            before,
        };
        Ok((Some(now), before))
    });
    exchanged.await?.ok_or_else(|| {
        TaskError::Conflict(format!("the object {} was replaced by somebody else {ATTEMPTS} times", keys::FIGURES))
    })
}

/// What is kept. An object that cannot be understood is replaced: it must not stop every scan that comes after it.
fn understood(content: &[u8]) -> Option<Kept> {
    serde_json::from_slice(content)
        .inspect_err(|error| tracing::warn!(%error, key = keys::FIGURES, "the figures before are broken"))
        .ok()
}
