//! Publishes the metrics of one scan or rollback: what the dashboard shows and the alarms watch.

mod cloudwatch;
mod data_points;
mod figures;
mod sns;

use async_trait::async_trait;
use audit_artifacts::{ArtifactStore, ScanRecord};
use audit_model::Reading;
use audit_model::task::{DeliverInput, PublishMetricsInput, PublishMetricsOutput, Subscriptions};
use audit_task::TaskError;
use jiff::Timestamp;

pub use cloudwatch::CloudWatchMetrics;
pub use data_points::{DataPoint, Dimension, Unit, data_points, data_points_of_rollback};
pub use figures::{Compared, Figures};
pub use sns::SnsTopic;

use data_points::says_how_the_account_stands;

/// Where metrics go.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// Publishes data points of one moment.
    ///
    /// # Errors
    /// Those of the service.
    async fn publish(&self, at: Timestamp, points: &[DataPoint]) -> Result<(), TaskError>;
}

/// Where alerts go.
#[async_trait]
pub trait AlertsTopic: Send + Sync {
    /// Who gets them.
    async fn subscriptions(&self) -> Reading<Subscriptions>;
}

/// What the task works with.
pub struct Ports<'a> {
    /// The reports bucket.
    pub store: &'a dyn ArtifactStore,
    /// CloudWatch.
    pub metrics: &'a dyn Metrics,
    /// The alerts topic.
    pub topic: &'a dyn AlertsTopic,
}

/// Publishes the metrics of a scan whose reports are being delivered, or of a rollback that has ended. They carry the time
/// `now`: alarms look at the last minutes, and remediation may have taken long since the findings were put together.
///
/// # Errors
/// `NotFound` when the scan was not aggregated, `Corrupt` when what it left cannot be understood, `Conflict` when others
/// keep replacing what is kept of the last complete scan, and those of the store and of the metrics. Who gets the alerts may
/// stay unknown.
pub async fn handle(
    input: &PublishMetricsInput,
    ports: &Ports<'_>,
    now: Timestamp,
) -> Result<PublishMetricsOutput, TaskError> {
    let (id, points, subscriptions) = match input {
        PublishMetricsInput::Scan(input) => {
            let (points, subscriptions) = of_scan(input, ports, now).await?;
            (&input.scan_id, points, Some(subscriptions))
        }
        PublishMetricsInput::Rollback { rollback } => (&rollback.rollback_id, data_points_of_rollback(rollback), None),
    };
    ports.metrics.publish(now, &points).await?;
    Ok(PublishMetricsOutput { scan_id: id.clone(), metrics: points.len() as u64, subscriptions })
}

async fn of_scan(
    input: &DeliverInput,
    ports: &Ports<'_>,
    now: Timestamp,
) -> Result<(Vec<DataPoint>, Reading<Subscriptions>), TaskError> {
    let record = ScanRecord::load(ports.store, &input.scan_id).await?;
    let compared =
        if says_how_the_account_stands(&record) { figures::compare(ports.store, &record.summary).await? } else { None };
    let subscriptions = ports.topic.subscriptions().await;
    if let Reading::Unreadable(why) = &subscriptions {
        tracing::warn!(%why, "nobody knows who gets the alerts");
    }
    let points = data_points(&record, input.remediation.as_ref(), compared.as_ref(), &subscriptions, now);
    Ok((points, subscriptions))
}

#[cfg(test)]
mod tests;
