//! How far the chain of evidence had come when the message was written. So a copy of its state lies in every mailbox, and
//! whoever cuts links off its end can be found out.

use audit_artifacts::ArtifactStore;
use evidence_chain::{HEAD, Head, Previous, Subject};
use jiff::Timestamp;
use serde::Serialize;

use crate::Gathered;
use crate::layout::{field, item};

/// Digits of a digest that are enough to tell one link from another.
const DIGITS: usize = 16;

/// The last link of the chain, as programs get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastLink {
    number: u64,
    sealed_at: Timestamp,
    sha256: String,
}

/// The last link that is sealed; `None` before the first one is, and why where it cannot be told. That keeps no message back.
pub(crate) async fn last_link(store: &dyn ArtifactStore) -> Result<Option<LastLink>, String> {
    let stored = store.get(HEAD).await.map_err(|error| error.to_string())?;
    let Some(stored) = stored else { return Ok(None) };
    let Previous { number, sealed_at, sha256, .. } = Head::read(&stored.content)?.as_previous();
    Ok(Some(LastLink { number, sealed_at, sha256 }))
}

/// The part of the text for people.
pub(crate) fn section(gathered: &Gathered<'_>) -> String {
    let manifest = Subject::of_scan(&gathered.record.plan.scan_id).manifest();
    let sealed = format!("what this scan leaves is sealed after this message, in {manifest}");
    let said = match &gathered.last_link {
        Ok(Some(LastLink { number, sealed_at, sha256 })) => {
            let digits = sha256.get(..DIGITS).unwrap_or(sha256);
            format!("number {number}, sealed at {sealed_at}, SHA-256 {digits}…; {sealed}")
        }
        Ok(None) => format!("none yet; {sealed}"),
        Err(why) => return format!("EVIDENCE\n{}", item(&format!("The last link of the chain cannot be told: {why}"))),
    };
    format!("EVIDENCE\n{}", field(2, "Last link", &said))
}
