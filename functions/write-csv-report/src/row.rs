//! The columns.

use audit_model::remediation::RemediationOutcome;
use audit_model::summary::ScanStatus;
use audit_model::{Finding, Tags};

/// How many columns there are.
const COLUMNS: usize = 23;

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
    "evaluated_at",
    "observed",
    "expected",
    "missing",
    "remediation",
    "documentation_url",
    "references",
    "tags",
    "remediation_outcome",
    "schema_version",
];

/// What stands in the column of tags when they could not be read: an empty cell would say that there are none.
pub(crate) const TAGS_UNREADABLE: &str = "(could not be read)";

/// The cells of one finding, in the order of [`HEADER`].
pub(crate) fn cells(
    finding: &Finding,
    scan_status: ScanStatus,
    outcome: Option<RemediationOutcome>,
) -> [String; COLUMNS] {
    let Finding { resource, evidence, remediation, .. } = finding;
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
        finding.first_seen.map(|since| since.to_string()).unwrap_or_default(),
        finding.evaluated_at.to_string(),
        evidence.observed.clone(),
        evidence.expected.clone(),
        list(finding.missing.iter().map(ToString::to_string)),
        remediation.text.clone(),
        remediation.url.clone(),
        list(finding.references.iter().map(|reference| format!("{} {}", reference.framework, reference.control))),
        resource.tags.as_ref().map_or_else(|| TAGS_UNREADABLE.to_owned(), tags),
        outcome.map(RemediationOutcome::as_str).unwrap_or_default().to_owned(),
        finding.schema_version.clone(),
    ]
}

fn tags(tags: &Tags) -> String {
    list(tags.iter().map(|(key, value)| format!("{key}={value}")))
}

/// Several things in one cell.
fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join("; ")
}
