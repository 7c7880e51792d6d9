//! The columns.
//!
//! What stands in the rows of one rule, or of one resource, alike is made ready once.

use std::borrow::Cow;
use std::collections::HashMap;

use audit_artifacts::{Outcomes, ScanRecord};
use audit_model::finding::SCHEMA_VERSION;
use audit_model::remediation::RemediationOutcome;
use audit_model::{Change, ExceptionMark, Finding, ResourceRef, RuleInForce, Rules, Tags};
use audit_task::TaskError;

use crate::spreadsheet::Cells;

/// The names of the columns.
const HEADER: [&str; 28] = [
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
const TAGS_UNREADABLE: &str = "(not read)";

/// The rows of one scan.
pub(crate) struct Rows {
    scan: Cells,
    rules: HashMap<String, OfRule>,
    rows: Cells,
}

/// What the rows of one rule have alike.
struct OfRule {
    service_rule_and_title: Cells,
    expected: Cells,
    remediation_to_references: Cells,
}

/// What the rows of one resource have alike.
struct OfResource {
    type_to_account: Cells,
    tags: Cells,
}

impl OfResource {
    fn new(resource: &ResourceRef) -> Self {
        let ResourceRef { arn, resource_type, name, region, account, tags } = resource;
        let tags = tags.as_ref().map_or_else(|| TAGS_UNREADABLE.to_owned(), in_one_cell);
        Self { type_to_account: Cells::of([&**resource_type, name, arn, region, account]), tags: Cells::of([tags]) }
    }
}

impl Rows {
    pub(crate) fn new(ScanRecord { plan, summary }: &ScanRecord, rules: Rules) -> Self {
        let of_rule = |(id, rule): (String, RuleInForce)| {
            let controls = rule.references.iter().map(|control| format!("{} {}", control.framework, control.control));
            let references = list(controls);
            let of_rule = OfRule {
                service_rule_and_title: Cells::of([rule.service.as_str(), &id, &rule.title]),
                expected: Cells::of([rule.expected]),
                remediation_to_references: Cells::of([&*rule.remediation.text, &rule.remediation.url, &references]),
            };
            (id, of_rule)
        };
        Self {
            scan: Cells::of([plan.scan_id.as_str(), &summary.status.to_string()]),
            rules: rules.into_iter().map(of_rule).collect(),
            rows: Cells::default(),
        }
    }

    /// The line of the columns' names.
    pub(crate) fn header() -> Cells {
        let mut header = Cells::of(HEADER);
        header.end_line();
        header
    }

    /// The rows of the findings about one resource.
    ///
    /// # Errors
    /// `Corrupt` when the scan's rules do not tell of a finding's.
    pub(crate) fn of_resource(&mut self, findings: &[Finding], outcomes: &Outcomes) -> Result<&[u8], TaskError> {
        self.rows.clear();
        if let Some(first) = findings.first() {
            let resource = OfResource::new(&first.resource);
            for finding in findings {
                self.add(finding, &resource, outcomes.of(finding))?;
            }
        }
        Ok(self.rows.as_bytes())
    }

    /// Adds the row of one finding, in the order of [`HEADER`].
    fn add(
        &mut self,
        finding: &Finding,
        resource: &OfResource,
        outcome: Option<RemediationOutcome>,
    ) -> Result<(), TaskError> {
        let Some(rule) = self.rules.get(&*finding.rule_id) else {
            return Err(TaskError::Corrupt(format!(
                "the rules of the scan do not tell of {}, of which there is a finding; run the scan again",
                finding.rule_id
            )));
        };
        let row = &mut self.rows;
        row.append(&self.scan);
        row.append(&rule.service_rule_and_title);
        row.add(finding.severity.as_str());
        row.add(finding.status.as_str());
        row.append(&resource.type_to_account);
        row.add(&shown(finding.first_seen));
        row.add(&shown(finding.last_seen));
        row.add(finding.change.map(Change::as_str).unwrap_or_default());
        row.add(&finding.evaluated_at.to_string());
        row.add(&finding.evidence.observed);
        row.append(&rule.expected);
        row.add(&list(finding.missing.iter().map(ToString::to_string)));
        row.append(&rule.remediation_to_references);
        row.append(&resource.tags);
        row.add(outcome.map(RemediationOutcome::as_str).unwrap_or_default());
        let excepted =
            |part: fn(&ExceptionMark) -> Cow<'_, str>| finding.exception.as_ref().map(part).unwrap_or_default();
        row.add(&excepted(|mark| Cow::Borrowed(&mark.approver)));
        row.add(&excepted(|mark| Cow::Owned(mark.expires.to_string())));
        row.add(&excepted(|mark| Cow::Borrowed(&mark.reason)));
        row.add(SCHEMA_VERSION);
        row.end_line();
        Ok(())
    }
}

fn shown(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn in_one_cell(tags: &Tags) -> String {
    list(tags.iter().map(|(key, value)| format!("{key}={value}")))
}

/// Several things in one cell.
fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join("; ")
}
