//! Merges the shards' findings into one sorted set and its summary, and compares them with the last complete scan.
//!
//! What was scanned is what lies in the reports bucket, whatever the machine's payload says; the payload only explains
//! what is missing. Everything is streamed: memory does not grow with the number of findings.

mod coverage;
mod earlier;
mod exceptions;
mod latest;
mod merge;
mod tally;
mod unlisted;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, JsonLinesWriter, keys};
use audit_model::summary::{ExceptionUse, LatestScan, ScanStatus, Summary};
use audit_model::task::{AggregateFindingsInput, AggregateFindingsOutput, Branch};
use audit_model::{Plan, Severity};
use audit_task::TaskError;
use jiff::Timestamp;

use coverage::ServiceCoverage;
use earlier::EarlierScan;
use merge::Merge;
use tally::Tally;

/// What the aggregation works with.
pub struct Ports<'a> {
    /// The reports bucket.
    pub store: &'a dyn ArtifactStore,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Writes the scan's findings, sorted, and its summary, and moves the pointer to the last complete scan.
///
/// # Errors
/// `NotFound` when the scan has no plan, `Corrupt` when an object cannot be understood or findings are not in order,
/// `Conflict` when others keep moving the pointer, and those of the store.
pub async fn handle(input: AggregateFindingsInput, ports: &Ports<'_>) -> Result<AggregateFindingsOutput, TaskError> {
    let store = ports.store;
    let plan: Plan = store.get_json(&keys::plan(&input.scan_id)).await?;
    let latest = latest::find(store).await?;
    if latest.as_ref().is_some_and(|latest| latest.scan_id == plan.scan_id) {
        // An earlier attempt of this task came to its end. The scan must not be compared with itself.
        return store.get_json::<Summary>(&keys::summary(&plan.scan_id)).await.map(output);
    }
    let earlier = match latest {
        Some(latest) => EarlierScan::find(store, latest, &plan).await?,
        None => None,
    };
    let summary = write_findings(ports, &plan, &input.branches, earlier).await?;
    store.replace_json(&keys::summary(&plan.scan_id), &summary).await?;
    if summary.status == ScanStatus::Complete && plan.covers_all_services() {
        latest::advance(store, &LatestScan { scan_id: plan.scan_id, started_at: plan.started_at }).await?;
    }
    Ok(output(summary))
}

fn output(summary: Summary) -> AggregateFindingsOutput {
    let exception_ran_out = summary.exceptions.iter().any(ExceptionUse::ran_out);
    AggregateFindingsOutput {
        alert: summary.alerting_violations > 0
            || summary.lost_sight > 0
            || summary.status == ScanStatus::Partial
            || exception_ran_out,
        critical_violations: summary.violations_by_severity.get(&Severity::Critical).copied().unwrap_or_default(),
        violations: summary.totals.non_compliant,
        remediable: summary.remediable_buckets,
        status: summary.status,
        scan_id: summary.scan_id,
    }
}

/// Writes the scan's findings. They appear whole or not at all.
async fn write_findings(
    ports: &Ports<'_>,
    plan: &Plan,
    branches: &[Branch],
    earlier: Option<EarlierScan>,
) -> Result<Summary, TaskError> {
    let key = keys::findings(&plan.scan_id);
    let mut writer = JsonLinesWriter::create(ports.store, &key).await?;
    match merge_services(ports, plan, branches, earlier, &mut writer).await {
        Ok(summary) => writer.finish().await.map(|_| summary),
        Err(error) => {
            if let Err(left_over) = writer.abort().await {
                // The bucket's lifecycle removes what is left of an upload; the first error is the one to tell.
                tracing::warn!(key, error = %left_over, "the unfinished upload was not removed");
            }
            Err(error)
        }
    }
}

/// Goes once through the findings of this scan and, side by side, through those of the earlier one. Both are in the
/// order of services, resources and rules.
async fn merge_services(
    ports: &Ports<'_>,
    plan: &Plan,
    branches: &[Branch],
    mut earlier: Option<EarlierScan>,
    writer: &mut JsonLinesWriter,
) -> Result<Summary, TaskError> {
    let mut tally = Tally::new(plan, earlier.as_ref().and_then(|earlier| earlier.evaluated().cloned()));
    for &service in &plan.services {
        let branch = branches.iter().find(|branch| branch.service == service);
        let covered = ServiceCoverage::of(ports.store, &plan.scan_id, service, branch).await?;
        let mut merge = Merge::open(ports.store, &plan.scan_id, service, &covered.scanned).await?;
        tally.begin(service, covered);
        if let Some(earlier) = &mut earlier {
            earlier.skip_to(service).await?;
        }
        while let Some(mut finding) = merge.next().await? {
            let mut before = None;
            if let Some(earlier) = &mut earlier {
                while let Some(vanished) = earlier.next_before(&finding).await? {
                    tally.vanished(&vanished);
                }
                before = earlier.next_equal(&finding).await?;
            }
            tally.add(&mut finding, before.as_ref());
            writer.write(&finding).await?;
        }
        if let Some(earlier) = &mut earlier {
            while let Some(vanished) = earlier.next_of(service).await? {
                tally.vanished(&vanished);
            }
        }
        tally.end(service, merge.gaps());
    }
    Ok(tally.summary((ports.now)(), earlier.and_then(EarlierScan::into_compared)))
}

#[cfg(test)]
mod tests;
