//! Writes the HTML report of one scan: one file for people, with everything in it, that loads nothing and sends nothing.

mod chart;
mod gathered;
mod page;
mod records;
mod text;
mod top;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, Condition, Outcomes, PutOutcome, ScanRecord, keys, sha256};
use audit_model::task::{DeliverInput, WriteReportOutput};
use audit_model::{History, console};
use audit_task::TaskError;
use jiff::Timestamp;

use gathered::Gathered;
use page::Sources;

/// Who writes the report, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The deployment, `<environment>-<suffix>`; without one, the command's name.
    pub system: String,
    /// The name of the reports bucket, for links; `None` where the objects lie in a folder.
    pub bucket: Option<String>,
}

impl Deployment {
    /// The page of an object in the console, where the objects lie in a bucket.
    fn link(&self, key: &str, region: &str) -> Option<String> {
        self.bucket.as_ref().map(|bucket| console::object(bucket, key, region))
    }
}

/// Writes the report of a scan into `store`, at the time `now`. The report appears whole or not at all. It takes the memory of
/// what it shows, which has its limits, and of one resource's findings.
///
/// # Errors
/// `NotFound` when the scan was not aggregated, `Corrupt` when what it left cannot be understood or is not all there,
/// and those of the store.
pub async fn handle(
    input: &DeliverInput,
    store: &dyn ArtifactStore,
    deployment: &Deployment,
    now: Timestamp,
) -> Result<WriteReportOutput, TaskError> {
    let record = ScanRecord::load(store, &input.scan_id).await?;
    let rules = record.rules(store).await?;
    let records = async || record.remediation_records(store, input.remediation.as_ref()).await;
    let outcomes = Outcomes::read(records().await?).await?;
    let gathered = Gathered::read(record.findings(store).await?, &outcomes).await?;
    let records = records::read(records().await?).await?;
    let sources = Sources {
        record: &record,
        rules: &rules,
        history: history(store).await?,
        gathered,
        records,
        input,
        deployment,
        now,
    };
    let text = page::render(sources)?;
    let key = keys::html_report(&input.scan_id, record.plan.started_at);
    let (bytes, sha256) = (text.len() as u64, sha256(text.as_bytes()));
    match store.put(&key, "text/html; charset=utf-8", text.into(), Condition::None).await? {
        PutOutcome::Written => Ok(WriteReportOutput { scan_id: input.scan_id.clone(), key, bytes, sha256 }),
        PutOutcome::ConditionFailed => Err(TaskError::Conflict(format!("the object {key} could not be replaced"))),
    }
}

/// The scans before, or `None` when what is kept of them cannot be understood: a report without a trend says so, and is better
/// than none.
async fn history(store: &dyn ArtifactStore) -> Result<Option<History>, TaskError> {
    match store.find_json(keys::HISTORY).await {
        Err(TaskError::Corrupt(what)) => {
            tracing::error!(what, "there is no trend in the report");
            Ok(None)
        }
        found => Ok(Some(found?.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests;
