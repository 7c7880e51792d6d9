//! The walk of a scan through one region, in the order of the state machine and with its payloads.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use audit_artifacts::{ArtifactStore, ScanRecord, scan_id};
use audit_model::task::{
    AggregateFindingsInput, Branch, BranchFailure, COMMAND, CaughtError, DeliverInput, Execution, ListTargetsInput,
    PlanScanInput, PlanScanOutput, ScanShardInput,
};
use audit_model::{NamedResource, Service};
use audit_task::TaskError;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use plan_scan::{RunningExecution, RunningExecutions};
use serde_json::json;
use write_html_report::Deployment;

use super::places::Place;
use super::progress::{Counting, Progress};
use super::region::{AT_ONCE, Region};
use super::tally::Tally;
use crate::clients::Caller;
use crate::end::Failure;

/// What reports name as the auditor.
pub(super) const SYSTEM: &str = concat!("compliance-audit ", env!("CARGO_PKG_VERSION"));

/// Characters of a name that a request may have. A user's path may be longer.
const REQUESTED_BY: usize = 256;

/// What is asked for in every region.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) caller: Caller,
    /// The text of the audit policy.
    pub(super) policy: String,
    pub(super) started_at: Timestamp,
}

/// What the scan of one region came to.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) record: ScanRecord,
    pub(super) tally: Tally,
    /// The paths of the reports; none where nothing is kept.
    pub(super) reports: Vec<PathBuf>,
}

impl Asked {
    /// What stands for the execution of the state machine.
    pub(super) fn execution(&self) -> Execution {
        let id = format!("{COMMAND}:{}", self.started_at);
        Execution { name: id.clone(), id, start_time: self.started_at, state_machine_arn: String::new() }
    }

    /// The scan's id, the same in every region.
    pub(super) fn id(&self) -> String {
        scan_id::of(self.started_at, &self.execution().id)
    }

    /// The request, as the state machine would get it.
    fn request(&self, place: &Place) -> serde_json::Value {
        let mut request = json!({
            "services": place.services,
            "remediation": "off",
            "requestedBy": self.caller.arn.chars().take(REQUESTED_BY).collect::<String>(),
            "force": true,
        });
        if !place.resources.is_empty() {
            request["resources"] = place.resources.iter().map(NamedResource::arn).collect();
        }
        request
    }
}

/// Scans a region into `store`, and writes reports where they are kept.
///
/// # Errors
/// Those of planning, of aggregating, of the reports and of the store. What cannot be listed or read is no error: it is a gap, or
/// a finding without a verdict.
pub(super) async fn scan(
    asked: &Asked,
    place: &Place,
    region: &Region,
    store: &dyn ArtifactStore,
    root: Option<&Path>,
    progress: &Progress,
) -> Result<Ended, Failure> {
    let scan_id = plan(asked, place, store).await?;
    let services = Service::ALL.map(|service| branch(&scan_id, service, place, region, store, progress));
    let branches = join_all(services).await;
    let input = AggregateFindingsInput { scan_id: scan_id.clone(), execution: asked.execution(), branches };
    aggregate_findings::handle(input, &aggregate_findings::Ports { store, now: Timestamp::now }).await?;
    let record = ScanRecord::load(store, &scan_id).await?;
    let tally = Tally::of(record.findings(store).await?, place.is_first).await?;
    let reports = match root {
        None => Vec::new(),
        Some(root) => write_reports(&record, store, root).await?,
    };
    Ok(Ended { record, tally, reports })
}

async fn plan(asked: &Asked, place: &Place, store: &dyn ArtifactStore) -> Result<String, Failure> {
    let ports = plan_scan::Ports {
        store,
        executions: &NoOther,
        policy_text: Ok(asked.policy.clone()),
        account: asked.caller.account.clone(),
        region: place.region.clone(),
        system: SYSTEM.to_owned(),
        missing_settings: Vec::new(),
        settling: SignedDuration::ZERO,
    };
    let input = PlanScanInput { input: asked.request(place), execution: asked.execution() };
    match plan_scan::handle(input, &ports).await? {
        PlanScanOutput::Proceed { scan_id, .. } => Ok(scan_id),
        PlanScanOutput::Skip { reason, .. } => Err(Failure::new(format!("the scan steps aside: {reason}"))),
        PlanScanOutput::Rollback { .. } => Err(Failure::new("the request was taken for one of a rollback")),
    }
}

/// Every scan here is the only one: another one of the same folder is kept out by its lock.
struct NoOther;

#[async_trait]
impl RunningExecutions for NoOther {
    async fn running(&self, _: &str) -> Result<Vec<RunningExecution>, TaskError> {
        Ok(Vec::new())
    }
}

/// Lists a service and scans its shards, one after the other. What fails is a gap of this scan.
async fn branch(
    scan_id: &str,
    service: Service,
    place: &Place,
    region: &Region,
    store: &dyn ArtifactStore,
    progress: &Progress,
) -> Branch {
    let mut branch = Branch { service, planned: place.services.contains(&service), shards: None, failures: Vec::new() };
    if !branch.planned {
        return branch;
    }
    let failure = |shard, state: &str, error: &TaskError| BranchFailure {
        shard,
        caught: CaughtError { state: state.to_owned(), error: error.name().to_owned(), cause: error.to_string() },
    };
    let input = ListTargetsInput { scan_id: scan_id.to_owned(), service };
    let listed = list_targets::handle(input, &region.listing(store)).await;
    progress.listed(service, listed.as_ref().map_or(0, |listed| listed.resources));
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => {
            branch.failures.push(failure(None, "the listing", &error));
            return branch;
        }
    };
    branch.shards = Some(listed.shards.len() as u32);
    for shard in listed.shards {
        let input = ScanShardInput {
            scan_id: scan_id.to_owned(),
            service,
            listing: listed.listing.clone(),
            shard,
            at_once: AT_ONCE,
        };
        if let Err(error) = scan_shard(input, region, store, progress).await {
            branch.failures.push(failure(Some(shard), "the scan", &error));
        }
    }
    branch
}

async fn scan_shard(
    input: ScanShardInput,
    region: &Region,
    store: &dyn ArtifactStore,
    progress: &Progress,
) -> Result<(), TaskError> {
    let now = Timestamp::now;
    match input.service {
        Service::S3 => {
            let resources = &Counting { inner: &region.s3, progress };
            scan_s3::handle(input, &scan_s3::Ports { store, resources, now }).await
        }
        Service::Vpc => {
            let vpcs = &Counting { inner: &region.vpcs, progress };
            scan_vpc::handle(input, &scan_vpc::Ports { store, vpcs, now }).await
        }
        Service::Lambda => {
            let functions = &Counting { inner: &region.functions, progress };
            scan_lambda::handle(input, &scan_lambda::Ports { store, functions, now }).await
        }
    }
    .map(drop)
}

async fn write_reports(record: &ScanRecord, store: &dyn ArtifactStore, root: &Path) -> Result<Vec<PathBuf>, TaskError> {
    let input = &DeliverInput { scan_id: record.plan.scan_id.clone(), remediation: None };
    let deployment = &Deployment { system: SYSTEM.to_owned(), bucket: None };
    let written = [
        write_html_report::handle(input, store, deployment, Timestamp::now()).await?,
        write_csv_report::handle(input, store).await?,
        write_json_report::handle(input, store, SYSTEM, Timestamp::now()).await?,
    ];
    Ok(written.map(|report| root.join(report.key)).into())
}
