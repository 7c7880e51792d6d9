//! Sends the alert of one scan: one message that says what is wrong, where, since when, how it shows, what to do, and what
//! the scan did not look at.

mod body;
mod gathered;
mod layout;
mod listing;
mod sns;
mod subject;
mod violation;

use async_trait::async_trait;
use audit_artifacts::{ArtifactStore, ArtifactStoreExt, Condition, PutOutcome, keys};
use audit_model::AlertReceipt;
use audit_model::task::{NotifyInput, NotifyOutput};
use audit_task::TaskError;

pub use sns::SnsTopic;

use gathered::Gathered;

/// Where alerts go.
#[async_trait]
pub trait Topic: Send + Sync {
    /// Publishes a message and gives its id.
    ///
    /// # Errors
    /// Those of the service.
    async fn publish(&self, subject: &str, body: &str) -> Result<String, TaskError>;
}

/// Which deployment speaks.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// `<environment>-<suffix>`.
    pub system: String,
    /// Name of the reports bucket.
    pub reports_bucket: String,
}

/// Sends the alert of a scan, once: a receipt in `store` keeps a repeated task from sending it again.
///
/// # Errors
/// `NotFound` when the scan was not aggregated, `Corrupt` when what it left cannot be understood or is not all there,
/// and those of the store and of `topic`.
pub async fn handle(
    input: &NotifyInput,
    store: &dyn ArtifactStore,
    topic: &dyn Topic,
    deployment: &Deployment,
) -> Result<NotifyOutput, TaskError> {
    let output = |message_id| NotifyOutput { scan_id: input.scan_id.clone(), message_id };
    let key = keys::alert(&input.scan_id);
    if let Some(AlertReceipt { message_id, .. }) = store.find_json(&key).await? {
        tracing::info!(message_id, "the alert was sent before");
        return Ok(output(message_id));
    }
    let gathered = Gathered::read(store, input).await?;
    let subject = subject::subject(&gathered, deployment);
    let message_id = topic.publish(&subject, &body::body(&gathered, deployment)).await?;
    let announced = gathered.announced.named().to_vec();
    let receipt = AlertReceipt { message_id: message_id.clone(), subject, announced };
    // The message is out: an error here would only have it sent a second time.
    match store.put_json(&key, &receipt, Condition::IfAbsent).await {
        Ok(PutOutcome::Written) => {}
        Ok(PutOutcome::ConditionFailed) => tracing::warn!("another task sent this alert at the same time"),
        Err(error) => tracing::warn!(%error, "the receipt of the alert was not kept; a repeated task sends it again"),
    }
    Ok(output(message_id))
}

#[cfg(test)]
mod tests;
