//! One violation in the message.

use audit_model::summary::Summary;
use audit_model::{Change, Finding, RuleInForce, Rules, console};

use crate::layout::{field, item, wrapped};

/// All that somebody needs who is to mend it.
pub(crate) fn entry(finding: &Finding, rules: &Rules, summary: &Summary) -> String {
    let Finding { resource, evidence, .. } = finding;
    let rule = rules.get(&*finding.rule_id);
    let title = rule.map_or(&finding.rule_id, |rule| &rule.title);
    let mut entry = wrapped(&format!("[{}] ", finding.severity), "  ", title);
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
    if let Some(RuleInForce { expected, remediation, .. }) = rule {
        tell("Expected", expected);
        tell("To do", &remediation.text);
        tell("See", &remediation.url);
    }
    entry
}

/// A known violation that could not be looked at: which one, since when it is known, and why nobody could look.
pub(crate) fn out_of_sight(finding: &Finding, rules: &Rules) -> String {
    let Finding { severity, rule_id, resource, .. } = finding;
    let title = rules.get(&**rule_id).map_or(rule_id, |rule| &rule.title);
    let mut text = format!("[{severity}] {title}: {rule_id}, {}", resource.arn);
    for (word, time) in [("first", finding.first_seen), ("last", finding.last_seen)] {
        if let Some(time) = time {
            text.push_str(&format!(", {word} seen at {time}"));
        }
    }
    for missing in &finding.missing {
        text.push_str(&format!("; {missing}"));
    }
    item(&text)
}

fn since(finding: &Finding, summary: &Summary) -> String {
    let Some(first_seen) = finding.first_seen else {
        return "not known".to_owned();
    };
    match (finding.change, summary.comparison.get(&finding.service)) {
        (Some(Change::New), _) => "new in this scan".to_owned(),
        (Some(Change::FirstEvaluated), _) => "not known: the scan before did not evaluate the rule".to_owned(),
        (None, Some(nothing)) => format!("first seen by this scan; {nothing}"),
        _ => first_seen.to_string(),
    }
}
