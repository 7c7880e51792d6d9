//! What programs get: a small JSON document. Its schema is `message.schema.json` in this package.

use audit_artifacts::keys;
use audit_model::summary::{AlertingRule, ScanStatus, Scope};
use audit_model::{Finding, Service, Severity, console, to_the_second};
use jiff::Timestamp;
use serde::Serialize;

use crate::change::ChangeMade;
use crate::evidence::LastLink;
use crate::layout::clipped;
use crate::message::Attributes;
use crate::{Deployment, Gathered, Kind, change};

/// The version of the document's form; the first number rises when a field changes its meaning or goes.
pub(crate) const SCHEMA_VERSION: &str = "1.1";

/// Bytes that the new violations may take, and the rules that are still open. The document stands in the message several times.
const NEWS_BUDGET: usize = 8 * 1024;
const STILL_OPEN_BUDGET: usize = 3 * 1024;
/// Bytes that changes may take.
const CHANGES_BUDGET: usize = 3 * 1024;

/// Characters of a text that others wrote.
const TEXT: usize = 500;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    schema_version: &'static str,
    kind: Kind,
    /// `NONE` when it tells of no violation.
    severity: &'static str,
    services: &'a [Service],
    account: &'a str,
    region: &'a str,
    system: &'a str,
    scan: Scan<'a>,
    counts: Counts,
    /// In percent; null when nothing was judged.
    score: Option<f64>,
    coverage: Option<f64>,
    /// The worst first, as many as there is room for; `counts.new` says how many there are.
    new_violations: Vec<NewViolation<'a>>,
    /// The changes that may have opened them, where the scan looks at what was changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<ChangeMade<'a>>,
    /// The worst first, as many as there is room for.
    still_open: Vec<StillOpen<'a>>,
    links: Links,
    /// The last link of the chain of evidence before this scan's; absent before there is one, and where it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a LastLink>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Scan<'a> {
    id: &'a str,
    status: ScanStatus,
    /// Absent in a scan of all that its services have.
    #[serde(skip_serializing_if = "Scope::is_full")]
    scope: &'a Scope,
    started_at: Timestamp,
    execution_arn: &'a str,
}

/// Violations are those at or above the policy's threshold that no exception covers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    open: u64,
    new: u64,
    resolved: u64,
    out_of_sight: u64,
    not_looked_at: u64,
    not_delivered: u64,
    buckets_announced: u64,
    remediation_failed: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewViolation<'a> {
    rule_id: &'a str,
    title: &'a str,
    severity: Severity,
    service: Service,
    resource_arn: &'a str,
    resource_type: &'a str,
    resource_name: String,
    first_seen: Option<Timestamp>,
    observed: String,
    console: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StillOpen<'a> {
    rule_id: &'a str,
    severity: Severity,
    service: Service,
    violations: u64,
    since: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Links {
    execution: String,
    reports: Vec<Report>,
}

/// A report: where it lies, and its page in the console.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// `html`, `json` or `csv`.
    pub(crate) format: &'static str,
    /// The state of the machine that writes it.
    #[serde(skip)]
    pub(crate) written_by: &'static str,
    pub(crate) uri: String,
    pub(crate) console: String,
}

/// The reports of the scan, also those that were not written.
pub(crate) fn reports(gathered: &Gathered<'_>, deployment: &Deployment) -> [Report; 3] {
    let plan = &gathered.record.plan;
    let bucket = &deployment.reports_bucket;
    let report = |format, written_by, key: String| Report {
        format,
        written_by,
        uri: format!("s3://{bucket}/{key}"),
        console: console::object(bucket, &key, &plan.region),
    };
    let (scan_id, started_at) = (&plan.scan_id, plan.started_at);
    [
        report("html", "WriteHtmlReport", keys::html_report(scan_id, started_at)),
        report("csv", "WriteCsvReport", keys::csv_report(scan_id, started_at)),
        report("json", "WriteJsonReport", keys::json_report(scan_id, started_at)),
    ]
}

/// Whether a report was not written.
pub(crate) fn is_missing(gathered: &Gathered<'_>, report: &Report) -> bool {
    gathered.input.failed_deliveries.iter().any(|failed| failed.state == report.written_by)
}

pub(crate) fn document<'a>(
    gathered: &'a Gathered<'a>,
    attributes: &'a Attributes,
    deployment: &'a Deployment,
) -> Document<'a> {
    let (plan, summary) = (&gathered.record.plan, &gathered.record.summary);
    Document {
        schema_version: SCHEMA_VERSION,
        kind: attributes.kind,
        severity: attributes.severity(),
        services: &attributes.services,
        account: &plan.account,
        region: &plan.region,
        system: &deployment.system,
        scan: Scan {
            id: &plan.scan_id,
            status: summary.status,
            scope: &summary.scope,
            started_at: to_the_second(plan.started_at),
            execution_arn: &plan.execution_arn,
        },
        counts: Counts {
            open: summary.alerting_violations,
            new: summary.alerting_news,
            resolved: summary.alerting_resolved,
            out_of_sight: summary.lost_sight,
            not_looked_at: summary.gaps.len() as u64,
            not_delivered: gathered.input.failed_deliveries.len() as u64,
            buckets_announced: gathered.announced.entries.all(),
            remediation_failed: gathered.remediation_failed(),
        },
        score: summary.score(),
        coverage: summary.coverage(),
        new_violations: within(NEWS_BUDGET, gathered.named.news.iter().map(|finding| new_violation(gathered, finding))),
        changes: within(CHANGES_BUDGET, change::to_blame(gathered).into_iter().map(ChangeMade::from)),
        still_open: within(STILL_OPEN_BUDGET, gathered.still_open().map(still_open)),
        links: Links {
            execution: gathered.execution(),
            reports: reports(gathered, deployment).into_iter().filter(|report| !is_missing(gathered, report)).collect(),
        },
        evidence: gathered.last_link.as_ref().ok().and_then(Option::as_ref),
    }
}

fn new_violation<'a>(gathered: &'a Gathered<'_>, finding: &'a Finding) -> NewViolation<'a> {
    let Finding { service, rule_id, severity, resource, evidence, first_seen, .. } = finding;
    NewViolation {
        rule_id,
        title: gathered.title(rule_id),
        severity: *severity,
        service: *service,
        resource_arn: &resource.arn,
        resource_type: &resource.resource_type,
        resource_name: clipped(&resource.name, TEXT),
        first_seen: *first_seen,
        observed: clipped(&evidence.observed, TEXT),
        console: console::resource(resource),
    }
}

fn still_open<'a>((rule_id, rule): (&'a str, &'a AlertingRule)) -> StillOpen<'a> {
    let AlertingRule { service, severity, still_open, since, .. } = rule;
    StillOpen { rule_id, severity: *severity, service: *service, violations: *still_open, since: *since }
}

/// The first items that take no more bytes than these.
fn within<T: Serialize>(bytes: usize, items: impl Iterator<Item = T>) -> Vec<T> {
    let mut used = 0;
    items
        .take_while(|item| {
            used += serde_json::to_string(item).map_or(bytes + 1, |text| text.len());
            used <= bytes
        })
        .collect()
}
