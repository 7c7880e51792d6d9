//! The document's form: its head with the rules at once, then the remediation records, the findings and the tags, one a line.

use std::slice;

use audit_artifacts::{ArtifactWriter, Findings, JsonLinesReader, ScanRecord};
use audit_model::remediation::RemediationRecord;
use audit_model::summary::{Changes, ScanStatus, Summary};
use audit_model::task::RemediationResult;
use audit_model::{
    AccountChange, NamedResource, Policy, RemediationMode, ResolvedViolation, ResourceTags, Rules, Service, Trigger,
    to_the_second,
};
use audit_rules::{FrameworkCoverage, framework_coverage};
use audit_task::TaskError;
use evidence_chain::Subject;
use jiff::Timestamp;
use serde::Serialize;

/// The version of the report's form; it rises when a field changes its meaning or goes.
pub const SCHEMA_VERSION: &str = "5.2";

/// The document but for its lists.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head<'a> {
    schema_version: &'static str,
    scan: Scan<'a>,
    policy: &'a Policy,
    summary: Figures<'a>,
    frameworks: Vec<FrameworkCoverage>,
    rules: &'a Rules,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Scan<'a> {
    scan_id: &'a str,
    /// The deployment that speaks, `<environment>-<suffix>`; without one, the command's name.
    system: &'a str,
    status: ScanStatus,
    trigger: &'a Trigger,
    account: &'a str,
    region: &'a str,
    services: &'a [Service],
    /// The only resources that were looked at, by ARN; absent in a scan of all that its services have.
    #[serde(skip_serializing_if = "<[NamedResource]>::is_empty")]
    resources: &'a [NamedResource],
    /// The calls for which they were looked at; absent unless changes of the account started the scan.
    #[serde(skip_serializing_if = "<[AccountChange]>::is_empty")]
    changes: &'a [AccountChange],
    remediation: RemediationMode,
    started_at: Timestamp,
    aggregated_at: Timestamp,
    reported_at: Timestamp,
    /// Absent in a scan that the command made.
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_arn: Option<&'a str>,
    /// Where the manifest will lie by which all of this can be checked; absent where no deployment seals it.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<String>,
}

/// The summary with what follows from it. `score` and `coverage` are percentages, null when nothing was judged.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures<'a> {
    #[serde(flatten)]
    summary: Summary,
    score: Option<f64>,
    coverage: Option<f64>,
    /// Over all services that could be compared, null when none could.
    changes: Option<Changes>,
    /// The counts by outcome, the error that stopped it, or null when it did not run.
    remediation: Option<&'a RemediationResult>,
}

impl<'a> Head<'a> {
    pub(crate) fn new(
        ScanRecord { plan, summary }: &'a ScanRecord,
        rules: &'a Rules,
        remediation: Option<&'a RemediationResult>,
        system: &'a str,
        now: Timestamp,
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            scan: Scan {
                scan_id: &plan.scan_id,
                system,
                status: summary.status,
                trigger: &plan.trigger,
                account: &plan.account,
                region: &plan.region,
                services: &plan.services,
                resources: &plan.resources,
                changes: &plan.changes,
                remediation: plan.remediation,
                started_at: to_the_second(plan.started_at),
                aggregated_at: to_the_second(summary.aggregated_at),
                reported_at: to_the_second(now),
                execution_arn: plan.is_of_deployment().then_some(plan.execution_arn.as_str()),
                manifest: plan.is_of_deployment().then(|| Subject::of_scan(&plan.scan_id).manifest()),
            },
            policy: &plan.policy,
            frameworks: framework_coverage(plan, summary),
            rules,
            summary: Figures {
                summary: summary.to_the_second(),
                score: summary.score(),
                coverage: summary.coverage(),
                changes: summary.changes(),
                remediation,
            },
        }
    }
}

/// Writes the head and leaves the document open for its lists.
pub(crate) async fn write(writer: &mut dyn ArtifactWriter, head: &Head<'_>) -> Result<(), TaskError> {
    let mut text = serde_json::to_vec_pretty(head).map_err(not_json)?;
    // The lists go inside the document: its last brace and the line break before it wait until they are written.
    text.truncate(text.len().saturating_sub("\n}".len()));
    writer.write(&text).await
}

/// Writes the list of remediation records, which is empty when there are none.
pub(crate) async fn write_remediation(
    writer: &mut dyn ArtifactWriter,
    records: Option<JsonLinesReader<RemediationRecord>>,
) -> Result<(), TaskError> {
    let mut list = List::begin(writer, "remediation", Brackets::Square).await?;
    if let Some(mut records) = records {
        while let Some(record) = records.next().await? {
            list.add(slice::from_ref(&record)).await?;
        }
    }
    list.end().await
}

/// Writes the list of what the scan saw resolved, which must be as many as its summary counts.
///
/// # Errors
/// `Corrupt` when they are not, and those of the store.
pub(crate) async fn write_resolved(
    writer: &mut dyn ArtifactWriter,
    mut resolved: JsonLinesReader<ResolvedViolation>,
    summary: &Summary,
) -> Result<(), TaskError> {
    let mut list = List::begin(writer, "resolved", Brackets::Square).await?;
    let mut read = 0_u64;
    while let Some(violation) = resolved.next().await? {
        read += 1;
        list.add(slice::from_ref(&violation)).await?;
    }
    let counted = summary.changes().map_or(0, |changes| changes.resolved);
    if read != counted {
        return Err(TaskError::Corrupt(format!(
            "there are {read} resolved violations where the summary counts {counted}; run the scan again"
        )));
    }
    list.end().await
}

/// Writes the list of findings.
pub(crate) async fn write_findings(writer: &mut dyn ArtifactWriter, mut findings: Findings) -> Result<(), TaskError> {
    let mut list = List::begin(writer, "findings", Brackets::Square).await?;
    while let Some(findings) = findings.next_resource().await? {
        list.add(&findings).await?;
    }
    list.end().await
}

/// Writes the tags of the resources, by ARN, without those whose tags were not read, and closes the document.
pub(crate) async fn write_tags(
    writer: &mut dyn ArtifactWriter,
    mut resources: JsonLinesReader<ResourceTags>,
) -> Result<(), TaskError> {
    let mut list = List::begin(writer, "tags", Brackets::Curly).await?;
    while let Some(resource) = resources.next().await? {
        list.add_tags(&resource).await?;
    }
    list.end().await?;
    writer.write(b"\n}\n").await
}

/// A list of the document that is written some items at a time, each on a line of its own.
struct List<'a> {
    writer: &'a mut dyn ArtifactWriter,
    brackets: Brackets,
    lines: Vec<u8>,
    empty: bool,
}

/// What encloses a list.
#[derive(Clone, Copy)]
enum Brackets {
    Square,
    Curly,
}

impl Brackets {
    const fn open(self) -> char {
        match self {
            Self::Square => '[',
            Self::Curly => '{',
        }
    }

    const fn close(self) -> char {
        match self {
            Self::Square => ']',
            Self::Curly => '}',
        }
    }
}

impl<'a> List<'a> {
    async fn begin(writer: &'a mut dyn ArtifactWriter, name: &str, brackets: Brackets) -> Result<Self, TaskError> {
        writer.write(format!(",\n  \"{name}\": {}", brackets.open()).as_bytes()).await?;
        Ok(Self { writer, brackets, lines: Vec::new(), empty: true })
    }

    async fn add(&mut self, items: &[impl Serialize + Sync]) -> Result<(), TaskError> {
        for item in items {
            self.begin_line();
            serde_json::to_writer(&mut self.lines, item).map_err(not_json)?;
        }
        self.write().await
    }

    async fn add_tags(&mut self, resource: &ResourceTags) -> Result<(), TaskError> {
        if let Some(tags) = &resource.tags {
            self.begin_line();
            serde_json::to_writer(&mut self.lines, resource.arn()).map_err(not_json)?;
            self.lines.extend_from_slice(b": ");
            serde_json::to_writer(&mut self.lines, tags).map_err(not_json)?;
        }
        self.write().await
    }

    async fn write(&mut self) -> Result<(), TaskError> {
        let written = self.writer.write(&self.lines).await;
        self.lines.clear();
        written
    }

    fn begin_line(&mut self) {
        self.lines.extend_from_slice(if self.empty { b"\n    " } else { b",\n    " });
        self.empty = false;
    }

    async fn end(self) -> Result<(), TaskError> {
        let indent = if self.empty { "" } else { "\n  " };
        self.writer.write(format!("{indent}{}", self.brackets.close()).as_bytes()).await
    }
}

fn not_json(error: serde_json::Error) -> TaskError {
    TaskError::Internal(format!("a part of the report cannot be written as JSON: {error}"))
}
