//! Violations in the message.

use audit_model::summary::AlertingRule;
use audit_model::{Change, Finding, ResolvedViolation, ResourceRef, RuleInForce, Rules, console, to_the_second};
use jiff::Timestamp;

use crate::layout::{clipped, count, day, field, item, minute, resource_noun, wrapped};

/// What stands once above the violations of one rule that people are told of for the first time: `number` of them, of which
/// this is one.
pub(crate) fn heading(finding: &Finding, rule: Option<&RuleInForce>, number: u64) -> String {
    let title = rule.map_or(&finding.rule_id, |rule| &rule.title);
    let resources = count(number, resource_noun(&finding.resource.resource_type));
    let head = format!("[{}] {title}: {resources} ({})", finding.severity, finding.rule_id);
    let mut heading = format!("\n{}", wrapped("", "  ", &head));
    if let Some(RuleInForce { expected, remediation, .. }) = rule {
        heading.push_str(&field(2, "Expected", expected));
        heading.push_str(&field(2, "To do", &remediation.text));
    }
    heading
}

/// One violation under its rule: which resource, since when if an earlier scan saw it, what was observed, and where to mend
/// it. The scan started at `started_at`.
pub(crate) fn item_of(finding: &Finding, started_at: Timestamp) -> String {
    let since = match (finding.change, finding.first_seen) {
        (Some(Change::FirstEvaluated), _) | (_, None) => " (since when is not known)".to_owned(),
        // Findings have their times to the second.
        (_, Some(first_seen)) if first_seen >= to_the_second(started_at) => String::new(),
        (_, Some(first_seen)) => format!(" (first seen {})", minute(first_seen)),
    };
    let link = console::resource(&finding.resource);
    let place = link.as_deref().unwrap_or(&finding.resource.arn);
    let text = format!("{}{since}: {}", named(&finding.resource), finding.evidence.observed);
    format!("{}    {}\n", item(&text), place)
}

/// How many more of a rule there are than are told of one by one.
pub(crate) fn and_more(number: u64) -> String {
    item(&format!("and {number} more, which the reports name"))
}

/// Characters of a name, which may be a tag: what was observed must not be cut off behind it.
const NAME: usize = 200;

/// The resource's name, with its id where the name does not tell it.
fn named(resource: &ResourceRef) -> String {
    let id = resource.arn.rsplit([':', '/']).next().unwrap_or_default();
    let name = clipped(&resource.name, NAME);
    if id == resource.name || id.is_empty() { name } else { format!("{name}, {id}") }
}

/// The open violations of one rule that people know of, in one line.
pub(crate) fn still_open(title: &str, rule: &AlertingRule) -> String {
    let AlertingRule { severity, resource_type, still_open, since, .. } = rule;
    let resources = count(*still_open, resource_noun(resource_type));
    let since = match (since, still_open) {
        (None, _) => String::new(),
        (Some(since), 1) => format!(", open since {}", day(*since)),
        (Some(since), _) => format!(", the oldest open since {}", day(*since)),
    };
    item(&format!("[{severity}] {title}: {resources}{since}"))
}

/// A violation that was seen resolved.
pub(crate) fn resolved(violation: &ResolvedViolation, rules: &Rules) -> String {
    let ResolvedViolation { severity, rule_id, resource, first_seen, resolution, .. } = violation;
    let title = rules.get(&**rule_id).map_or(rule_id.as_str(), |rule| &*rule.title);
    let since = first_seen.map(|since| format!(", open since {}", day(since))).unwrap_or_default();
    let gone = if *resolution == audit_model::Resolution::Gone { "; the resource is gone" } else { "" };
    item(&format!("[{severity}] {title}: {}{since}{gone}", named(resource)))
}

/// A known violation that could not be looked at: which one, since when it is known, and why nobody could look.
pub(crate) fn out_of_sight(finding: &Finding, rules: &Rules) -> String {
    let Finding { severity, rule_id, resource, .. } = finding;
    let title = rules.get(&**rule_id).map_or(rule_id, |rule| &rule.title);
    let mut text = format!("[{severity}] {title}: {}", named(resource));
    for (word, time) in [("first", finding.first_seen), ("last", finding.last_seen)] {
        if let Some(time) = time {
            text.push_str(&format!(", {word} seen {}", minute(time)));
        }
    }
    for missing in &finding.missing {
        text.push_str(&format!("; {missing}"));
    }
    item(&text)
}
