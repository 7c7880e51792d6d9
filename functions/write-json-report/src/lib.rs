//! Writes the JSON report of one scan: one document that says what was scanned under which policy, what came of it, and
//! every finding with its evidence; what each rule demands and how each resource is tagged stands once. It is what an auditor
//! files.

mod document;
mod filed;

use audit_artifacts::{ArtifactStore, ScanRecord, keys, write_object};
use audit_model::task::{DeliverInput, WriteReportOutput};
use audit_task::TaskError;
use jiff::Timestamp;

pub use document::SCHEMA_VERSION;
pub use filed::Filed;

/// Writes the report of a scan into `store`, as the deployment `system` and at the time `now`. The report appears
/// whole or not at all, and takes the memory of one resource's findings.
///
/// # Errors
/// `NotFound` when the scan was not aggregated, `Corrupt` when what it left cannot be understood or is not all there,
/// and those of the store.
pub async fn handle(
    input: &DeliverInput,
    store: &dyn ArtifactStore,
    system: &str,
    now: Timestamp,
) -> Result<WriteReportOutput, TaskError> {
    let record = ScanRecord::load(store, &input.scan_id).await?;
    let rules = record.rules(store).await?;
    let key = keys::json_report(&input.scan_id, record.plan.started_at);
    let written = write_object(store, &key, "application/json", async |writer| {
        document::write(writer, &document::Head::new(&record, &rules, input.remediation.as_ref(), system, now)).await?;
        document::write_remediation(writer, record.remediation_records(store, input.remediation.as_ref()).await?)
            .await?;
        document::write_findings(writer, record.findings(store).await?).await?;
        document::write_resolved(writer, record.resolved(store).await?, &record.summary).await?;
        document::write_tags(writer, record.tags(store).await?).await
    })
    .await?;
    Ok(WriteReportOutput { scan_id: input.scan_id.clone(), key, bytes: written.bytes, sha256: written.sha256 })
}

#[cfg(test)]
mod tests;
