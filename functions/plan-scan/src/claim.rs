//! The claim on an event: EventBridge may deliver an event more than once, and it must be scanned once.
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html>

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, Condition, PutOutcome, keys};
use audit_model::Trigger;
use audit_task::TaskError;
use serde::{Deserialize, Serialize};

/// What `claims/<event-id>` says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claim {
    execution_arn: String,
    scan_id: String,
}

/// Claims the event that asks, if one does, for the execution. `Some` is the reason why the scan must not go on: another
/// execution has it.
pub(crate) async fn lost(
    store: &dyn ArtifactStore,
    trigger: &Trigger,
    execution_arn: &str,
    scan_id: &str,
) -> Result<Option<String>, TaskError> {
    let Some(event_id) = &trigger.event_id else {
        return Ok(None);
    };
    let key = keys::claim(event_id);
    let claim = Claim { execution_arn: execution_arn.to_owned(), scan_id: scan_id.to_owned() };
    if store.put_json(&key, &claim, Condition::IfAbsent).await? == PutOutcome::Written {
        return Ok(None);
    }
    // S3 also refuses a conditional write while another one is under way; then there may be nothing to read yet.
    let holder: Claim = store.find_json(&key).await?.ok_or_else(|| {
        TaskError::Unavailable(format!("the object {key} is being written by another execution; try again"))
    })?;
    Ok((holder != claim).then(|| {
        format!(
            "the event {event_id} was delivered more than once: the execution {} has it, as scan {}",
            holder.execution_arn, holder.scan_id
        )
    }))
}
