//! What an engineer wants to know: what is wrong where, since when, how it shows, what to do, and what was done.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use audit_artifacts::{ScanRecord, keys};
use audit_model::remediation::RemediationOutcome;
use audit_model::summary::Counts;
use audit_model::task::{DeliverInput, RemediationResult};
use audit_model::{Change, FrameworkReference, RuleInForce, Rules, Severity};
use audit_task::TaskError;

use super::{TEXT, list, machine_time, not_rendered, room, severity_class};
use crate::Deployment;
use crate::gathered::{Judged, Resource};
use crate::records::{Record, Records};
use crate::text::{count, day, shown, things, time};
use crate::top::Top;

/// Every open violation that there is room for, by rule.
pub(super) struct Violations {
    pub(super) told: String,
    pub(super) omitted: u64,
    pub(super) omitted_told: String,
    pub(super) csv: String,
    pub(super) csv_link: Option<String>,
    /// The rule with the worst and newest violation first.
    pub(super) rules: Vec<RuleView>,
}

/// A rule with its violations.
pub(super) struct RuleView {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) severity: &'static str,
    pub(super) severity_class: &'static str,
    pub(super) number: String,
    pub(super) controls: String,
    pub(super) rationale: String,
    pub(super) expected: String,
    pub(super) advice: String,
    pub(super) console: String,
    pub(super) cli: String,
    pub(super) url: String,
    pub(super) violations: Vec<ViolationView>,
}

/// A violation.
pub(super) struct ViolationView {
    /// Its number, from 1, the worst and newest first.
    pub(super) number: usize,
    pub(super) severity: Severity,
    pub(super) severity_class: &'static str,
    pub(super) service: &'static str,
    pub(super) kind: Option<Change>,
    pub(super) change: &'static str,
    pub(super) change_told: Option<&'static str>,
    pub(super) first_seen: String,
    pub(super) since: String,
    pub(super) observed: String,
    pub(super) outcome: Option<&'static str>,
    pub(super) resource: Arc<Resource>,
}

/// A row, to know how much room it takes.
#[derive(Template)]
#[template(path = "violation.html")]
struct Row<'a> {
    it: &'a ViolationView,
}

impl Violations {
    pub(super) fn new<R: Ord>(
        open: Top<R, Judged>,
        rules: &Rules,
        ScanRecord { plan, summary }: &ScanRecord,
        deployment: &Deployment,
    ) -> Result<Self, TaskError> {
        let (kept, _) = open.into_kept();
        let mut left = room::VIOLATIONS;
        let mut by_rule: Vec<RuleView> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut listed = 0_usize;
        for judged in kept {
            let rule_id = judged.rule_id.clone();
            let view = ViolationView::new(listed + 1, judged);
            let Some(rest) = left.checked_sub(Row { it: &view }.render().map_err(not_rendered)?.len()) else { break };
            left = rest;
            listed += 1;
            let place = match places.get(&rule_id) {
                Some(place) => *place,
                None => {
                    let number = summary.by_rule.get(&rule_id).map(Counts::open).unwrap_or_default();
                    by_rule.push(RuleView::new(&rule_id, rules, number)?);
                    places.insert(rule_id, by_rule.len() - 1);
                    by_rule.len() - 1
                }
            };
            if let Some(rule) = by_rule.get_mut(place) {
                rule.violations.push(view);
            }
        }
        let omitted = summary.totals.open().saturating_sub(listed as u64);
        let csv = keys::csv_report(&plan.scan_id, plan.started_at);
        Ok(Self {
            told: format!(
                "{} of {}, the worst and newest first.",
                things(listed as u64, "violation"),
                things(by_rule.len() as u64, "rule")
            ),
            omitted,
            omitted_told: count(omitted),
            csv_link: deployment.link(&csv, &plan.region),
            csv,
            rules: by_rule,
        })
    }
}

impl RuleView {
    fn new(id: &str, rules: &Rules, number: u64) -> Result<Self, TaskError> {
        let title = super::title(rules, id)?;
        let Some(RuleInForce { severity, rationale, expected, remediation, references, .. }) = rules.get(id) else {
            return Err(TaskError::Internal(format!("the rule {id} has a title and is not there")));
        };
        let of_one = |controls: &[FrameworkReference]| {
            let framework = controls.first().map(|first| &*first.framework).unwrap_or_default();
            format!("{framework} {}", list(controls.iter().map(|control| &*control.control)))
        };
        let frameworks = references.chunk_by(|one, next| one.framework == next.framework);
        let controls: Vec<String> = frameworks.map(of_one).collect();
        Ok(Self {
            id: id.to_owned(),
            title,
            severity: severity.as_str(),
            severity_class: severity_class(*severity),
            number: things(number, "open violation"),
            controls: controls.join("; "),
            rationale: rationale.to_string(),
            expected: expected.to_string(),
            advice: remediation.text.to_string(),
            console: remediation.console.to_string(),
            cli: remediation.cli.to_string(),
            url: remediation.url.to_string(),
            violations: Vec::new(),
        })
    }
}

impl ViolationView {
    fn new(number: usize, judged: Judged) -> Self {
        let told = match judged.change {
            Some(Change::New) => Some("new"),
            Some(Change::FirstEvaluated) => Some("first evaluated"),
            _ => None,
        };
        Self {
            number,
            severity: judged.severity,
            severity_class: severity_class(judged.severity),
            service: judged.service.as_str(),
            kind: judged.change,
            change: judged.change.map(Change::as_str).unwrap_or_default(),
            change_told: told,
            first_seen: judged.first_seen.map(machine_time).unwrap_or_default(),
            since: judged.first_seen.map_or_else(|| "not known".to_owned(), day),
            observed: judged.observed,
            outcome: judged.outcome.map(told_outcome),
            resource: judged.resource,
        }
    }
}

/// The resources of the listed violations.
pub(super) struct Resources {
    pub(super) told: String,
    pub(super) omitted: u64,
    pub(super) omitted_told: String,
    pub(super) rows: Vec<ResourceView>,
}

pub(super) struct ResourceView {
    pub(super) resource: Arc<Resource>,
    pub(super) numbers: Vec<NumberView>,
    pub(super) violations: Vec<Reference>,
}

pub(super) struct NumberView {
    pub(super) name: &'static str,
    pub(super) open: usize,
}

pub(super) struct Reference {
    pub(super) number: usize,
    pub(super) rule: String,
}

impl Resources {
    pub(super) fn new(violations: &Violations) -> Self {
        let mut all: Vec<(&RuleView, &ViolationView)> = violations
            .rules
            .iter()
            .flat_map(|rule| rule.violations.iter().map(move |violation| (rule, violation)))
            .collect();
        all.sort_by_key(|(_, violation)| violation.number);
        let mut by_arn: BTreeMap<&str, Vec<(&RuleView, &ViolationView)>> = BTreeMap::new();
        for violation in all {
            by_arn.entry(&violation.1.resource.arn).or_default().push(violation);
        }
        let mut rows: Vec<ResourceView> = by_arn.into_values().filter_map(|of_it| ResourceView::new(&of_it)).collect();
        rows.sort_by_key(|row| Reverse(row.numbers.iter().map(|number| number.open).collect::<Vec<_>>()));
        let number = rows.len() as u64;
        let (rows, omitted) = room::within(rows, room::RESOURCES, ResourceView::takes);
        Self {
            told: format!("{} with the violations that are listed above, the worst first.", things(number, "resource")),
            omitted,
            omitted_told: match omitted {
                1 => "1 resource is".to_owned(),
                more => format!("{} resources are", count(more)),
            },
            rows,
        }
    }
}

impl ResourceView {
    fn new(violations: &[(&RuleView, &ViolationView)]) -> Option<Self> {
        let (_, first) = violations.first()?;
        let number = |severity: Severity| NumberView {
            name: severity_name(severity),
            open: violations.iter().filter(|(_, violation)| violation.severity == severity).count(),
        };
        let reference = |(rule, violation): &(&RuleView, &ViolationView)| Reference {
            number: violation.number,
            rule: rule.id.clone(),
        };
        Some(Self {
            resource: Arc::clone(&first.resource),
            numbers: Severity::ALL.map(number).into(),
            violations: violations.iter().map(reference).collect(),
        })
    }

    fn takes(&self) -> usize {
        const REFERENCE: usize = 32;
        let Resource { name, resource_type, console, .. } = &*self.resource;
        let references: usize = self.violations.iter().map(|reference| REFERENCE + reference.rule.len()).sum();
        room::row([&**name, &**resource_type, console.as_deref().unwrap_or_default()]) + references
    }
}

const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
    }
}

/// What remediation did, announced and left alone, and why.
pub(super) struct RemediationView {
    pub(super) told: String,
    pub(super) error: Option<String>,
    pub(super) records: Vec<RecordView>,
    pub(super) omitted: u64,
}

pub(super) struct RecordView {
    pub(super) outcome: &'static str,
    pub(super) class: &'static str,
    pub(super) bucket: String,
    pub(super) told: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) decided: String,
}

impl RemediationView {
    pub(super) fn new(records: Records, input: &DeliverInput) -> Self {
        let (told, error) = match &input.remediation {
            None => ("Remediation was switched off for this scan.".to_owned(), None),
            Some(RemediationResult::Broke(caught)) => (
                "Remediation broke off. The records tell what it had done by then.".to_owned(),
                Some(shown(&format!("{}: {}: {}", caught.state, caught.error, caught.cause), TEXT)),
            ),
            Some(RemediationResult::Ran(ran)) => {
                let outcomes = [
                    (ran.applied, "applied"),
                    (ran.announced, "announced"),
                    (ran.would_apply, "would be applied"),
                    (ran.skipped, "skipped"),
                    (ran.failed, "failed"),
                ];
                let there = outcomes.into_iter().filter(|(number, _)| *number > 0);
                let told = list(there.map(|(number, what)| format!("{} {what}", count(number))));
                let told = if told.is_empty() { "nothing was to be done".to_owned() } else { told };
                (
                    format!(
                        "Mode {}: {told}. The figures of this report are those of the scan, before remediation.",
                        ran.mode
                    ),
                    None,
                )
            }
        };
        let (records, omitted) = records.into_kept();
        let views = records.into_iter().map(RecordView::new).collect();
        let (records, no_room) = room::within(views, room::LIST, |it: &RecordView| {
            room::row([&*it.bucket, &*it.told, &*it.before, &*it.after])
        });
        Self { told, error, records, omitted: omitted + no_room }
    }
}

impl RecordView {
    fn new(record: Record) -> Self {
        Self {
            outcome: record.outcome.as_str(),
            class: match record.outcome {
                RemediationOutcome::Failed => "bad",
                RemediationOutcome::Applied => "good",
                _ => "none",
            },
            bucket: record.bucket,
            told: record.told,
            before: record.before,
            after: record.after,
            decided: time(record.decided_at),
        }
    }
}

const fn told_outcome(outcome: RemediationOutcome) -> &'static str {
    match outcome {
        RemediationOutcome::Applied => "applied",
        RemediationOutcome::Announced => "announced",
        RemediationOutcome::WouldApply => "would be applied",
        RemediationOutcome::RolledBack => "rolled back",
        RemediationOutcome::WouldRollBack => "would be rolled back",
        RemediationOutcome::Skipped => "skipped",
        RemediationOutcome::Failed => "failed",
    }
}
