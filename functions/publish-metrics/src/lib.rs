//! Publishes the metrics of one scan or rollback: what the dashboard shows and the alarms watch.

mod cloudwatch;
mod data_points;

use async_trait::async_trait;
use audit_artifacts::{ArtifactStore, ScanRecord};
use audit_model::task::{PublishMetricsInput, PublishMetricsOutput};
use audit_task::TaskError;
use jiff::Timestamp;

pub use cloudwatch::CloudWatchMetrics;
pub use data_points::{DataPoint, Dimension, Unit, data_points, data_points_of_rollback};

/// Where metrics go.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// Publishes data points of one moment.
    ///
    /// # Errors
    /// Those of the service.
    async fn publish(&self, at: Timestamp, points: &[DataPoint]) -> Result<(), TaskError>;
}

/// Publishes the metrics of a scan whose reports are being delivered at the time `now`, or of a rollback that has ended.
/// They carry the time at which the findings were put together or the rollback ended, so that a task that is repeated does
/// not move them.
///
/// # Errors
/// `NotFound` when the scan was not aggregated, `Corrupt` when what it left cannot be understood, and those of the
/// store and of `metrics`.
pub async fn handle(
    input: &PublishMetricsInput,
    store: &dyn ArtifactStore,
    metrics: &dyn Metrics,
    now: Timestamp,
) -> Result<PublishMetricsOutput, TaskError> {
    let (id, at, points) = match input {
        PublishMetricsInput::Scan(input) => {
            let record = ScanRecord::load(store, &input.scan_id).await?;
            let points = data_points(&record.plan, &record.summary, input.remediation.as_ref(), now);
            (&input.scan_id, record.summary.aggregated_at, points)
        }
        PublishMetricsInput::Rollback { rollback } => {
            (&rollback.rollback_id, rollback.ended_at, data_points_of_rollback(rollback))
        }
    };
    metrics.publish(at, &points).await?;
    Ok(PublishMetricsOutput { scan_id: id.clone(), metrics: points.len() as u64 })
}

#[cfg(test)]
mod tests;
