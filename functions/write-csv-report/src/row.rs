//! The columns.

use audit_model::remediation::RemediationOutcome;
use audit_model::summary::ScanStatus;
use audit_model::{Change, ExceptionMark, Finding, Tags};

/// How many columns there are.
const COLUMNS: usize = 28;

/// The names of the columns.
pub(crate) const HEADER: [&str; COLUMNS] = [
    "scan_id",
    "scan_status",
    "service",
    "rule_id",
    "title",
    "severity",
    "status",
    "resource_type",
    "resource_name",
    "resource_arn",
    "region",
    "account",
    "first_seen",
    "last_seen",
    "change",
    "evaluated_at",
    "observed",
    "expected",
    "missing",
    "remediation",
    "documentation_url",
    "references",
    "tags",
    "remediation_outcome",
    "exception_approver",
    "exception_expires",
    "exception_reason",
    "schema_version",
];

/// What stands in the column of tags when they were not read: an empty cell would say that there are none.
pub(crate) const TAGS_UNREADABLE: &str = "(not read)";

/// The cells of one finding, in the order of [`HEADER`].
pub(crate) fn cells(
    finding: &Finding,
    scan_status: ScanStatus,
    outcome: Option<RemediationOutcome>,
) -> [String; COLUMNS] {
    let Finding { resource, evidence, remediation, exception, .. } = finding;
    let excepted = |part: fn(&ExceptionMark) -> String| exception.as_ref().map(part).unwrap_or_default();
    [
        finding.scan_id.clone(),
        scan_status.to_string(),
        finding.service.to_string(),
        finding.rule_id.clone(),
        finding.title.clone(),
        finding.severity.to_string(),
        finding.status.to_string(),
        resource.resource_type.clone(),
        resource.name.clone(),
        resource.arn.clone(),
        resource.region.clone(),
        resource.account.clone(),
        shown(finding.first_seen),
        shown(finding.last_seen),
        finding.change.map(Change::as_str).unwrap_or_default().to_owned(),
        finding.evaluated_at.to_string(),
        evidence.observed.clone(),
        evidence.expected.clone(),
        list(finding.missing.iter().map(ToString::to_string)),
        remediation.text.clone(),
        remediation.url.clone(),
        list(finding.references.iter().map(|reference| format!("{} {}", reference.framework, reference.control))),
        resource.tags.as_ref().map_or_else(|| TAGS_UNREADABLE.to_owned(), tags),
        outcome.map(RemediationOutcome::as_str).unwrap_or_default().to_owned(),
        excepted(|mark| mark.approver.clone()),
        excepted(|mark| mark.expires.to_string()),
        excepted(|mark| mark.reason.clone()),
        finding.schema_version.clone(),
    ]
}

fn shown(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn tags(tags: &Tags) -> String {
    list(tags.iter().map(|(key, value)| format!("{key}={value}")))
}

/// Several things in one cell.
fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join("; ")
}
