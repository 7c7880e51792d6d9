//! One scan, walked through as the state machine walks it: plan, listings and shards, aggregation, reports, metrics,
//! alert, seal.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit_artifacts::{S3Store, ScanRecord};
use audit_model::Service;
use audit_model::summary::Summary;
use audit_model::task::{
    AggregateFindingsInput, AggregateFindingsOutput, Branch, BranchFailure, CaughtError, DeliverInput, Execution,
    ListTargetsInput, ListTargetsOutput, NotifyInput, NotifyOutput, PlanScanInput, PlanScanOutput, PublishMetricsInput,
    PublishMetricsOutput, ScanShardInput, ScanShardOutput, SealEvidenceInput, SealEvidenceOutput, WriteReportOutput,
};
use audit_task::TaskError;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::Problem;
use crate::account::{ACCOUNT, Account, REGION, REPORTS};
use crate::aws::{BackDoor, FakeAws};
use crate::faults::Conditions;
use crate::http::Server;
use crate::limits;
use crate::machine::Retriers;
use crate::runtime::{Failure, Functions, Invocation};
use crate::unbudgeted::Unbudgeted;

/// What is scanned, and how.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    pub(crate) account: Account,
    pub(crate) services: Vec<Service>,
    /// The setting `mapConcurrency`: how many shards of a service are scanned at once.
    pub(crate) concurrency: u32,
    /// How long the lists of a service are waited for.
    pub(crate) listing: Duration,
    pub(crate) conditions: Conditions,
    /// Whether S3 is scanned here, without request budgets: for what happens behind the scanners only the findings
    /// matter.
    pub(crate) unbudgeted: bool,
    /// How often a task that fails is repeated at the most, where the machine would repeat it more often.
    pub(crate) repetitions: usize,
}

/// What came of a scan.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) scan_id: String,
    pub(crate) wall: Duration,
    pub(crate) invocations: Vec<Invocation>,
    /// Calls by API.
    pub(crate) calls: BTreeMap<String, u64>,
    /// The figures, or `None` when the scan failed before there were any.
    pub(crate) summary: Option<Summary>,
    /// States that failed for good.
    pub(crate) failures: Vec<CaughtError>,
    /// Sizes of the reports in bytes, by the function that wrote it.
    pub(crate) reports: BTreeMap<&'static str, u64>,
    aws: Arc<FakeAws>,
    /// The reports bucket.
    pub(crate) store: S3Store,
    /// Answers for as long as somebody may read it.
    _back_door: Server,
}

impl Outcome {
    /// The time that the requests take if every budget is used up to the end.
    pub(crate) fn limit(&self) -> Duration {
        limits::limit(&self.calls)
    }

    pub(crate) fn requests(&self) -> u64 {
        self.calls.values().sum()
    }

    pub(crate) fn verdicts(&self) -> u64 {
        self.summary.as_ref().map_or(0, |summary| summary.totals.all())
    }

    /// The size of an object of the reports bucket in bytes.
    pub(crate) fn size(&self, key: &str) -> u64 {
        self.aws.objects.size(key).unwrap_or_default() as u64
    }
}

/// When every scan is said to have started, so that two runs ask for the same.
pub(crate) const STARTED_AT: Timestamp = Timestamp::constant(1_767_225_600, 0);

pub(crate) fn execution() -> Execution {
    let machine = format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:compliance-audit-bench-bench");
    Execution {
        id: format!("{}:benchmark", machine.replace("stateMachine", "execution")),
        name: "benchmark".to_owned(),
        start_time: STARTED_AT,
        state_machine_arn: machine,
    }
}

impl Scan {
    /// Runs the scan with the binaries that lie in `bundles`.
    ///
    /// # Errors
    /// What keeps the benchmark from running; a scan that fails is an outcome.
    pub(crate) async fn run(&self, bundles: &Path) -> Result<Outcome, Problem> {
        let aws = Arc::new(FakeAws::new(self.account, self.conditions.clone()));
        let (endpoint, server) = Server::start(Arc::clone(&aws)).await?;
        let functions = Functions::new(bundles.to_owned(), endpoint.clone(), self.concurrency, self.listing);
        // The benchmark's own requests meet no fault; they go to a door of their own.
        let (back_endpoint, back_door) = Server::start(Arc::new(BackDoor(Arc::clone(&aws)))).await?;
        let own = Unbudgeted::new(&back_endpoint).await;

        let started = Instant::now();
        let mut walk =
            Walk { scan: self, functions: &functions, own: &own, failures: Vec::new(), reports: BTreeMap::new() };
        let scan_id = walk.walk().await?;
        let (wall, failures, reports) = (started.elapsed(), walk.failures, walk.reports);
        let calls = aws.take_calls();
        drop(server);

        let store = own.store();
        let summary = match ScanRecord::load(&store, &scan_id).await {
            Ok(record) => Some(record.summary),
            Err(TaskError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Outcome {
            scan_id,
            wall,
            invocations: functions.take_invocations(),
            calls,
            summary,
            failures,
            reports,
            aws,
            store,
            _back_door: back_door,
        })
    }
}

/// The last state.
pub(crate) const SEAL: &str = "SealEvidence";

struct Walk<'a> {
    scan: &'a Scan,
    functions: &'a Functions,
    own: &'a Unbudgeted,
    failures: Vec<CaughtError>,
    reports: BTreeMap<&'static str, u64>,
}

impl Walk<'_> {
    /// Walks through the states and gives the scan's id. What fails on the way is noted.
    async fn walk(&mut self) -> Result<String, Problem> {
        let request = json!({"services": self.scan.services, "remediation": "off", "force": true});
        let input = PlanScanInput { input: request, execution: execution() };
        let (plan, scan_id, failure) = match self.task("PlanScan", "plan-scan", &input).await? {
            Ok(PlanScanOutput::Proceed { scan_id, services, remediation }) => {
                let failure = self.planned(&scan_id).await?;
                let plan = PlanScanOutput::Proceed { scan_id: scan_id.clone(), services, remediation };
                (Some(plan), scan_id, failure)
            }
            Ok(other) => return Err(format!("the plan is {other:?}, and not to scan").into()),
            Err(failure) => (None, String::new(), Some(failure)),
        };
        self.failures.extend(failure.clone());
        let input = SealEvidenceInput { execution: execution(), plan, failure };
        let sealed = self.task::<_, SealEvidenceOutput>(SEAL, "seal-evidence", &input).await?;
        self.failures.extend(sealed.err());
        Ok(scan_id)
    }

    /// Walks through the states between plan and seal, and gives what broke the scan off.
    async fn planned(&mut self, scan_id: &str) -> Result<Option<CaughtError>, Problem> {
        let branch = |service| self.branch(scan_id, service);
        let (s3, vpc, lambda) = futures::join!(branch(Service::S3), branch(Service::Vpc), branch(Service::Lambda));
        let branches = vec![s3?, vpc?, lambda?];
        self.failures.extend(branches.iter().flat_map(|branch| &branch.failures).map(|failure| failure.caught.clone()));

        let input = AggregateFindingsInput { scan_id: scan_id.to_owned(), execution: execution(), branches };
        let aggregated: AggregateFindingsOutput =
            match self.task("AggregateFindings", "aggregate-findings", &input).await? {
                Ok(aggregated) => aggregated,
                Err(failure) => return Ok(Some(failure)),
            };

        let input = DeliverInput { scan_id: scan_id.to_owned(), remediation: None };
        let metrics = PublishMetricsInput::Scan(input.clone());
        let (json, csv, html, metrics) = futures::join!(
            self.task::<_, WriteReportOutput>("WriteJsonReport", "write-json-report", &input),
            self.task::<_, WriteReportOutput>("WriteCsvReport", "write-csv-report", &input),
            self.task::<_, WriteReportOutput>("WriteHtmlReport", "write-html-report", &input),
            self.task::<_, PublishMetricsOutput>("PublishMetrics", "publish-metrics", &metrics),
        );
        let (mut failed_deliveries, mut subscriptions) = (Vec::new(), None);
        let written = [("write-json-report", json?), ("write-csv-report", csv?), ("write-html-report", html?)];
        for (function, written) in written {
            match written {
                Ok(report) => {
                    self.reports.insert(function, report.bytes);
                }
                Err(failure) => failed_deliveries.push(failure),
            }
        }
        match metrics? {
            Ok(published) => subscriptions = published.subscriptions,
            Err(failure) => failed_deliveries.push(failure),
        }
        self.failures.extend(failed_deliveries.iter().cloned());

        if aggregated.alert || !failed_deliveries.is_empty() {
            let input = NotifyInput {
                scan_id: scan_id.to_owned(),
                execution: execution(),
                remediation: None,
                failed_deliveries,
                subscriptions,
            };
            let notified = self.task::<_, NotifyOutput>("NotifyCritical", "notify-critical", &input).await?;
            return Ok(notified.err());
        }
        Ok(None)
    }

    async fn branch(&self, scan_id: &str, service: Service) -> Result<Branch, Problem> {
        let (list, scan, scanner) = match service {
            Service::S3 => ("ListS3Buckets", "ScanS3", "scan-s3"),
            Service::Vpc => ("ListVpcs", "ScanVpc", "scan-vpc"),
            Service::Lambda => ("ListLambdas", "ScanLambda", "scan-lambda"),
        };
        let planned = self.scan.services.contains(&service);
        let branch = |shards, failures| Branch { service, planned, shards, failures };
        if !planned {
            return Ok(branch(None, Vec::new()));
        }
        let input = ListTargetsInput { scan_id: scan_id.to_owned(), service };
        let listed: ListTargetsOutput = match self.task(list, "list-targets", &input).await? {
            Ok(listed) => listed,
            Err(caught) => return Ok(branch(None, vec![BranchFailure { shard: None, caught }])),
        };
        let listing = listed.listing.as_str();
        let shards = listed.shards.iter().map(|shard| async move {
            let (scan_id, listing) = (scan_id.to_owned(), listing.to_owned());
            let input = ScanShardInput { scan_id, service, listing, shard: *shard, at_once: listed.at_once };
            let scanned: Result<ScanShardOutput, CaughtError> = if self.scan.unbudgeted && service == Service::S3 {
                self.own.scan(input).await.map_err(|error| CaughtError {
                    state: scan.to_owned(),
                    error: error.name().to_owned(),
                    cause: error.to_string(),
                })
            } else {
                self.task(scan, scanner, &input).await?
            };
            Ok::<_, Problem>(scanned.err().map(|caught| BranchFailure { shard: Some(*shard), caught }))
        });
        let at_once = self.scan.concurrency as usize;
        let ended: Vec<_> = stream::iter(shards).buffered(at_once).collect().await;
        let failures = ended.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(branch(u32::try_from(listed.shards.len()).ok(), failures))
    }

    /// A task of the machine, retried as the machine retries it, and caught.
    async fn task<I, O>(
        &self,
        state: &str,
        function: &'static str,
        input: &I,
    ) -> Result<Result<O, CaughtError>, Problem>
    where
        I: Serialize,
        O: DeserializeOwned,
    {
        let mut retriers = Retriers::of(state)?;
        let mut repetition = 0;
        loop {
            let failure = match self.functions.invoke(function, input).await? {
                Ok(output) => return Ok(Ok(output)),
                Err(failure) => failure,
            };
            let delay = retriers.delay(&failure).filter(|_| repetition < self.scan.repetitions);
            let Some(delay) = delay else {
                let Failure { error, cause } = failure;
                return Ok(Err(CaughtError { state: state.to_owned(), error, cause }));
            };
            tokio::time::sleep(delay).await;
            repetition += 1;
        }
    }
}

/// The reports bucket's name and its owner, for whoever reads it from outside of the functions.
pub(crate) fn store(client: aws_sdk_s3::Client) -> S3Store {
    S3Store::new(client, REPORTS.to_owned(), ACCOUNT.to_owned())
}
