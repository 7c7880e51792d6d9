//! Writes the CSV report of one scan: one finding a row, for people with a spreadsheet.

mod row;
mod spreadsheet;

use audit_artifacts::{ArtifactStore, Outcomes, ScanRecord, keys, write_object};
use audit_model::task::{DeliverInput, WriteReportOutput};
use audit_task::TaskError;

use row::Rows;

/// Writes the report of a scan into `store`. The report appears whole or not at all, and takes the memory of one
/// resource's findings and of one word for each bucket that remediation looked at.
///
/// # Errors
/// `NotFound` when the scan was not aggregated, `Corrupt` when what it left cannot be understood or is not all there,
/// and those of the store.
pub async fn handle(input: &DeliverInput, store: &dyn ArtifactStore) -> Result<WriteReportOutput, TaskError> {
    let record = ScanRecord::load(store, &input.scan_id).await?;
    let outcomes = Outcomes::read(record.remediation_records(store, input.remediation.as_ref()).await?).await?;
    let mut findings = record.findings(store).await?;
    let mut rows = Rows::new(&record, record.rules(store).await?);
    let key = keys::csv_report(&input.scan_id, record.plan.started_at);
    let written = write_object(store, &key, "text/csv; charset=utf-8; header=present", async |writer| {
        writer.write(spreadsheet::BYTE_ORDER_MARK).await?;
        writer.write(Rows::header().as_bytes()).await?;
        while let Some(findings) = findings.next_resource().await? {
            writer.write(rows.of_resource(&findings, &outcomes)?).await?;
        }
        Ok(())
    })
    .await?;
    Ok(WriteReportOutput { scan_id: input.scan_id.clone(), key, bytes: written.bytes, sha256: written.sha256 })
}

#[cfg(test)]
mod tests;
