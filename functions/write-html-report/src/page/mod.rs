//! The page: what stands in which place of the templates.
//!
//! The templates only lay out. askama escapes whatever they are given; the two texts that it does not escape are the style sheet
//! and the script of this crate.

mod auditor;
mod engineer;
mod officer;
mod room;

use askama::Template;
use audit_artifacts::ScanRecord;
use audit_model::summary::ScanStatus;
use audit_model::task::DeliverInput;
use audit_model::{History, Rules, Service, Severity, console};
use audit_rules::framework_coverage;
use audit_task::TaskError;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::Deployment;
use crate::gathered::Gathered;
use crate::records::Records;
use crate::text::{count, shown, time};

use auditor::{Evidence, FrameworkView, RuleRow};
use engineer::{RemediationView, Resources, Violations};
use officer::{Changes, Exceptions, Overview, Trend, Unseen};

const STYLE: &str = include_str!("../../assets/style.css");
const SCRIPT: &str = include_str!("../../assets/script.js");

/// Characters of a text that others wrote, such as a reason.
const TEXT: usize = 1000;

/// Bytes of the audit policy that are shown; all of it stands in the plan and in the JSON report.
const POLICY: usize = 256 * 1024;

/// What the report is made of.
pub(crate) struct Sources<'a> {
    pub(crate) record: &'a ScanRecord,
    pub(crate) rules: &'a Rules,
    /// `None` when it cannot be understood.
    pub(crate) history: Option<History>,
    pub(crate) gathered: Gathered,
    pub(crate) records: Records,
    pub(crate) input: &'a DeliverInput,
    pub(crate) deployment: &'a Deployment,
    pub(crate) now: Timestamp,
}

/// The whole report.
#[derive(Template)]
#[template(path = "report.html")]
pub(crate) struct Page {
    csp: String,
    style: &'static str,
    script: &'static str,
    scan: Identity,
    overview: Overview,
    trend: Trend,
    changes: Changes,
    exceptions: Exceptions,
    unseen: Unseen,
    frameworks: Vec<FrameworkView>,
    rules: Vec<RuleRow>,
    policy: String,
    evidence: Vec<Evidence>,
    violations: Violations,
    resources: Resources,
    remediation: RemediationView,
}

/// The execution that made the scan.
struct Execution {
    arn: String,
    link: String,
}

/// The scan's identity.
struct Identity {
    id: String,
    account: String,
    region: String,
    services: String,
    system: String,
    bucket: Option<String>,
    status: ScanStatus,
    status_class: &'static str,
    trigger: String,
    day: String,
    started: String,
    started_shown: String,
    aggregated_shown: String,
    reported: String,
    reported_shown: String,
    execution: Option<Execution>,
    evaluations: String,
    non_compliant: String,
    not_applicable: String,
}

/// Writes the report into one text.
///
/// # Errors
/// `Corrupt` when the scan's rules do not tell of a finding's, `Internal` when the templates fail.
pub(crate) fn render(sources: Sources<'_>) -> Result<String, TaskError> {
    let page = Page::new(sources)?;
    page.render().map_err(not_rendered)
}

fn not_rendered(error: askama::Error) -> TaskError {
    TaskError::Internal(format!("the HTML report cannot be put together: {error}"))
}

impl Page {
    fn new(sources: Sources<'_>) -> Result<Self, TaskError> {
        let Sources { record, rules, history, gathered, records, input, deployment, now } = sources;
        let ScanRecord { plan, summary } = record;
        let frameworks = framework_coverage(plan, summary);
        let Gathered { open, resolved, not_looked_at, excepted, unread } = gathered;
        let violations = Violations::new(open, rules, record, deployment)?;
        Ok(Self {
            csp: policy_of_content(),
            style: STYLE,
            script: SCRIPT,
            scan: Identity::new(record, deployment, now),
            overview: Overview::new(record),
            trend: Trend::new(history, record),
            changes: Changes::new(record, &violations, resolved, rules)?,
            exceptions: Exceptions::new(summary, excepted, rules)?,
            unseen: Unseen::new(record, not_looked_at, unread, rules)?,
            frameworks: frameworks.iter().map(FrameworkView::new).collect(),
            rules: auditor::rows(rules, summary, &violations),
            policy: auditor::policy(plan)?,
            evidence: auditor::evidence(record, input, deployment),
            resources: Resources::new(&violations),
            remediation: RemediationView::new(records, input),
            violations,
        })
    }
}

/// Nothing may be loaded from anywhere, and no style or script counts but the two that are here. The icon, which is none, keeps
/// browsers from asking a server for one. <https://www.w3.org/TR/CSP3/>
fn policy_of_content() -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

impl Identity {
    fn new(ScanRecord { plan, summary }: &ScanRecord, deployment: &Deployment, now: Timestamp) -> Self {
        Self {
            id: plan.scan_id.clone(),
            account: plan.account.clone(),
            region: plan.region.clone(),
            services: list(plan.services.iter().map(|service| service_name(*service))),
            system: deployment.system.clone(),
            bucket: deployment.bucket.clone(),
            status: summary.status,
            status_class: match summary.status {
                ScanStatus::Complete => "complete",
                ScanStatus::Partial => "partial",
            },
            trigger: shown(&plan.trigger.to_string(), TEXT),
            day: crate::text::day(plan.started_at),
            started: machine_time(plan.started_at),
            started_shown: time(plan.started_at),
            aggregated_shown: time(summary.aggregated_at),
            reported: machine_time(now),
            reported_shown: time(now),
            execution: plan.is_of_deployment().then(|| Execution {
                arn: plan.execution_arn.clone(),
                link: console::execution(&plan.execution_arn, &plan.region),
            }),
            evaluations: count(summary.totals.all()),
            non_compliant: count(summary.totals.non_compliant),
            not_applicable: count(summary.totals.not_applicable),
        }
    }
}

/// A time to the second as machines read it, and as texts are sorted.
fn machine_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn severity_class(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

fn service_name(service: Service) -> &'static str {
    match service {
        Service::S3 => "Amazon S3",
        Service::Vpc => "Amazon VPC",
        Service::Lambda => "AWS Lambda",
    }
}

fn list(items: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut list = String::new();
    for item in items {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(item.as_ref());
    }
    list
}

/// The title of a finding's rule.
fn title(rules: &Rules, rule_id: &str) -> Result<String, TaskError> {
    let rule = rules.get(rule_id).ok_or_else(|| {
        TaskError::Corrupt(format!(
            "the rules of the scan do not tell of {rule_id}, of which there is a finding; run the scan again"
        ))
    })?;
    Ok(rule.title.to_string())
}
