//! One violation in the message.

use audit_model::Finding;
use audit_model::summary::Summary;

use crate::console;
use crate::layout::{field, wrapped};

/// All that somebody needs who is to mend it.
pub(crate) fn entry(finding: &Finding, summary: &Summary) -> String {
    let Finding { resource, evidence, remediation, .. } = finding;
    let mut entry = wrapped(&format!("[{}] ", finding.severity), "  ", &finding.title);
    let mut tell = |label, text: &str| entry.push_str(&field(2, label, text));
    tell("Rule", &finding.rule_id);
    tell("Resource", &resource.arn);
    if !resource.arn.ends_with(&resource.name) {
        tell("Name", &resource.name);
    }
    if let Some(link) = console::resource(resource) {
        tell("Console", &link);
    }
    tell("Since", &since(finding, summary));
    tell("Observed", &evidence.observed);
    tell("Expected", &evidence.expected);
    tell("To do", &remediation.text);
    tell("See", &remediation.url);
    entry
}

fn since(finding: &Finding, summary: &Summary) -> String {
    match finding.first_seen {
        None => "not known".to_owned(),
        Some(first) if first < summary.started_at => first.to_string(),
        Some(_) if summary.comparison.is_some() => "new in this scan".to_owned(),
        Some(_) => "first seen by this scan; there is no earlier one to compare with".to_owned(),
    }
}
