//! Tells people of one scan, if there is something that they do not know, or have not heard of for a while: one message that
//! says what is wrong, where, since when, how it shows, what to do, and what the scan did not look at.

mod body;
mod change;
mod chat;
mod decide;
mod document;
mod evidence;
mod gathered;
mod layout;
mod listing;
mod message;
mod sns;
mod subject;
mod violation;

use async_trait::async_trait;
use audit_artifacts::{ArtifactStore, ArtifactStoreExt, Condition, PutOutcome, keys};
use audit_model::AlertReceipt;
use audit_model::task::{NotifyInput, NotifyOutput};
use audit_task::TaskError;
use jiff::Timestamp;

pub use message::{Attributes, Kind, Message};
pub use sns::SnsTopic;

use gathered::Gathered;

/// Where alerts go.
#[async_trait]
pub trait Topic: Send + Sync {
    /// Publishes a message and gives its id.
    ///
    /// # Errors
    /// Those of the service.
    async fn publish(&self, message: &Message) -> Result<String, TaskError>;
}

/// What the task works with.
pub struct Ports<'a> {
    /// The reports bucket.
    pub store: &'a dyn ArtifactStore,
    /// Where alerts go.
    pub topic: &'a dyn Topic,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Which deployment speaks.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// `<environment>-<suffix>`.
    pub system: String,
    /// Name of the reports bucket.
    pub reports_bucket: String,
}

/// Sends the alert of a scan, if one is due, once: a receipt in the store keeps a repeated task from sending it again.
///
/// # Errors
/// `NotFound` when the scan was not aggregated, `Corrupt` when what it left cannot be understood or is not all there,
/// `Conflict` when others keep replacing what people know, and those of the store and of the topic.
pub async fn handle(
    input: &NotifyInput,
    Ports { store, topic, now }: &Ports<'_>,
    deployment: &Deployment,
) -> Result<NotifyOutput, TaskError> {
    let output = |message_id| NotifyOutput { scan_id: input.scan_id.clone(), message_id };
    let key = keys::alert(&input.scan_id);
    if let Some(AlertReceipt { message_id, .. }) = store.find_json(&key).await? {
        tracing::info!(message_id, "the alert was sent before");
        return Ok(output(Some(message_id)));
    }
    let gathered = Gathered::read(*store, input).await?;
    let Some(kind) = decide::due(*store, &gathered, now()).await? else {
        tracing::info!("people know all that this scan found");
        return Ok(output(None));
    };
    let message = Message::new(&gathered, kind, deployment)?;
    let message_id = topic.publish(&message).await?;
    let announced = gathered.announced.named().to_vec();
    let receipt = AlertReceipt { message_id: message_id.clone(), subject: message.subject, announced };
    // The message is out: an error here would only have it sent a second time.
    match store.put_json(&key, &receipt, Condition::IfAbsent).await {
        Ok(PutOutcome::Written) => {}
        Ok(PutOutcome::ConditionFailed) => tracing::warn!("another task sent this alert at the same time"),
        Err(error) => tracing::warn!(%error, "the receipt of the alert was not kept; a repeated task sends it again"),
    }
    if let Err(error) = decide::keep(*store, &gathered).await {
        tracing::warn!(%error, "what people were told was not kept; the next scan tells them once more");
    }
    Ok(output(Some(message_id)))
}

#[cfg(test)]
mod tests;
