//! Changes whose run died: whoever comes after looks at the bucket, and records what was done to it.

use audit_model::UnreadableCause;
use audit_model::remediation::RemediationOutcome;
use audit_task::TaskError;

use crate::Records;
use crate::changes::Changes;
use crate::compare::Described;
use crate::journal::{Found, Journal, OpenChange};

/// Ends the changes that were begun by runs that are gone, and those of which the record was stored and no more. Nothing is
/// written to a bucket: what was done and is not recorded yet is recorded, in the records of the run that did it; what was
/// not done is forgotten; and a bucket that cannot be read waits for the next run.
///
/// # Errors
/// Those of the journal and of the records.
pub async fn finish_abandoned(changes: Changes<'_>, run_id: &str) -> Result<(), TaskError> {
    for change in Journal::load(changes.store).await?.open() {
        let is_abandoned = change.is_abandoned((changes.now)());
        if change.run_id != run_id && !is_abandoned {
            continue;
        }
        let mut records = Records::load(changes.store, change.records_key()).await?;
        match records.of_change(&change.id()) {
            // A key that may have been made without its answer keeps the change open for a while.
            Some(record) if change.key_arn.is_some() || is_abandoned => changes.end(record).await?,
            Some(_) => {}
            None if change.run_id == run_id => {}
            None => finish(changes, change, &mut records).await?,
        }
    }
    Ok(())
}

async fn finish(changes: Changes<'_>, change: &OpenChange, records: &mut Records) -> Result<(), TaskError> {
    let shown = changes.encryption.read(&change.bucket).await;
    let by = "the run did not come to its end, and a later one looked";
    let (outcome, result) = match shown.known().map(|known| (change.found(known), known)) {
        Ok((Found::Untouched, _)) => {
            return changes.give_up(&change.run_id, change, &[], records).await.map(|_| ());
        }
        Ok((Found::Done, _)) => (change.success(), format!("{by}: found as it was to be; the key was not tried again")),
        Ok((Found::Half | Found::Other, known)) => {
            (RemediationOutcome::Failed, format!("{by}: found with {}, which was left as it is", Described(known)))
        }
        Err(why) if why.cause == UnreadableCause::Gone => {
            (RemediationOutcome::Failed, format!("{by}: the bucket is gone, and whether it was changed is not known"))
        }
        Err(why) => {
            tracing::warn!(bucket = change.bucket, change = change.id(), %why, "an unfinished change waits");
            return Ok(());
        }
    };
    let record = change.record(&change.run_id, outcome, result, Some(shown), (changes.now)());
    changes.conclude(record, records).await
}

#[cfg(test)]
mod tests;
