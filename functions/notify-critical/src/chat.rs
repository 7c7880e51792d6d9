//! What chat channels get: a custom notification of Amazon Q Developer in chat applications, which shows it in Slack and
//! Microsoft Teams and drops whatever has another form.
//! <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>

use std::collections::BTreeMap;

use serde::Serialize;

use crate::body;
use crate::document::{is_missing, reports};
use crate::layout::{clipped, count, resource_noun};
use crate::message::Attributes;
use crate::{Deployment, Gathered, Kind};

/// How many rules are named. Slack shows 3,000 characters of one block of text.
const RULES: usize = 10;

/// How many resources are named beside the text.
const RESOURCES: usize = 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification<'a> {
    version: &'static str,
    source: &'static str,
    id: &'a str,
    content: Content,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    text_type: &'static str,
    title: String,
    description: String,
    next_steps: Vec<String>,
    keywords: Vec<String>,
}

/// What is not shown, but to the channel's custom actions; and to whoever else has subscribed by HTTPS.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    summary: String,
    event_type: Kind,
    related_resources: Vec<&'a str>,
    additional_context: BTreeMap<&'static str, String>,
}

pub(crate) fn notification<'a>(
    gathered: &'a Gathered<'_>,
    attributes: &Attributes,
    subject: &str,
    deployment: &Deployment,
) -> Notification<'a> {
    let (plan, summary) = (&gathered.record.plan, &gathered.record.summary);
    let services = attributes.services.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut next_steps: Vec<String> = reports(gathered, deployment)
        .iter()
        .filter(|report| report.format != "json" && !is_missing(gathered, report))
        .map(|report| format!("Read the {} report: {}", report.format.to_uppercase(), report.console))
        .collect();
    next_steps.push(format!("See the execution: {}", gathered.execution()));
    let context = [
        ("kind", attributes.kind.to_string()),
        ("severity", attributes.severity().to_owned()),
        ("services", services.join(",")),
        ("account", plan.account.clone()),
        ("system", deployment.system.clone()),
        ("scanId", plan.scan_id.clone()),
        ("scanStatus", summary.status.to_string()),
        ("open", summary.alerting_violations.to_string()),
        ("new", summary.alerting_news.to_string()),
    ];
    Notification {
        version: "1.0",
        source: "custom",
        id: &plan.scan_id,
        content: Content {
            text_type: "client-markdown",
            title: plain(subject),
            description: description(gathered, attributes.kind),
            next_steps,
            keywords: [attributes.kind.to_string(), attributes.severity().to_owned()]
                .into_iter()
                .chain(services)
                .collect(),
        },
        metadata: Metadata {
            summary: plain(subject),
            event_type: attributes.kind,
            related_resources: gathered.named.news.iter().take(RESOURCES).map(|it| it.resource.arn.as_str()).collect(),
            additional_context: context.into(),
        },
    }
}

/// What is new, rule by rule, then what else there is. No text that others wrote stands in it: in a chat it could mention
/// people or dress up a link.
fn description(gathered: &Gathered<'_>, kind: Kind) -> String {
    let mut lines = vec![plain(&body::verdict(gathered, kind).join(" "))];
    let mut new: Vec<_> = gathered.named.by_rule.iter().filter(|(_, rule)| rule.news > 0).collect();
    new.sort_by(|(_, one), (_, other)| other.severity.cmp(&one.severity).then(other.news.cmp(&one.news)));
    for (id, rule) in new.iter().take(RULES) {
        let resources = count(rule.news, resource_noun(&rule.resource_type));
        lines.push(plain(&format!("- NEW {}: {}: {resources}", rule.severity, gathered.title(id))));
    }
    if new.len() > RULES {
        lines.push(format!("- and new violations of {}", count((new.len() - RULES) as u64, "more rule")));
    }
    lines.join("\n")
}

/// A text in which neither Slack nor Teams takes anything for markup.
/// <https://api.slack.com/reference/surfaces/formatting#escaping>
fn plain(text: &str) -> String {
    let shown = |char: char| match char {
        '<' | '>' | '&' | '*' | '_' | '~' | '`' | '|' | '@' | '\\' => ' ',
        other => other,
    };
    clipped(text, 250).chars().map(shown).collect()
}
