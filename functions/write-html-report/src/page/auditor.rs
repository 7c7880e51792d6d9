//! What an auditor wants to know: each framework and control, each rule, under which policy, and where the evidence lies.

use audit_artifacts::{ScanRecord, keys};
use audit_model::summary::Summary;
use audit_model::task::DeliverInput;
use audit_model::{Plan, Rules};
use audit_rules::{ControlResult, FrameworkCoverage};
use audit_task::TaskError;
use evidence_chain::Subject;

use super::engineer::Violations;
use super::{POLICY, TEXT, room, severity_class};
use crate::Deployment;
use crate::chart::{Part, bar};
use crate::text::{count, shown};

/// A framework.
pub(super) struct FrameworkView {
    pub(super) name: &'static str,
    pub(super) in_scope: usize,
    pub(super) compliant: usize,
    pub(super) non_compliant: usize,
    pub(super) insufficient: usize,
    pub(super) not_evaluated: usize,
    pub(super) not_applicable: usize,
    pub(super) bar: Vec<Part>,
    pub(super) controls: Vec<ControlView>,
    pub(super) not_covered: Vec<audit_rules::UncoveredControl>,
    /// Why the policy has none of it evaluated, where it has.
    pub(super) switched_off: Option<&'static str>,
}

/// A control that rules answer to.
pub(super) struct ControlView {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) result: &'static str,
    pub(super) class: &'static str,
    pub(super) violations: String,
    pub(super) rules: Vec<RuleOfControl>,
}

pub(super) struct RuleOfControl {
    pub(super) id: &'static str,
    /// Its result, where it is not the control's.
    pub(super) apart: Option<&'static str>,
}

impl FrameworkView {
    pub(super) fn new(
        FrameworkCoverage { framework, switched_off, controls, not_covered }: &FrameworkCoverage,
    ) -> Self {
        let of = |result| controls.iter().filter(|control| control.result == result).count();
        let number = |result| of(result) as u64;
        Self {
            name: *framework,
            in_scope: controls.len() + not_covered.len(),
            compliant: of(ControlResult::Compliant),
            non_compliant: of(ControlResult::NonCompliant),
            insufficient: of(ControlResult::InsufficientData),
            not_evaluated: of(ControlResult::NotEvaluated),
            not_applicable: of(ControlResult::NotApplicable),
            bar: bar(&[
                ("good", number(ControlResult::Compliant)),
                ("critical", number(ControlResult::NonCompliant)),
                ("unknown", number(ControlResult::InsufficientData) + number(ControlResult::NotEvaluated)),
                ("none", number(ControlResult::NotApplicable)),
            ]),
            controls: controls
                .iter()
                .map(|control| ControlView {
                    id: control.id,
                    title: control.title,
                    result: name(control.result),
                    class: class(control.result),
                    violations: count(control.rules.values().map(|rule| rule.counts.non_compliant).sum()),
                    rules: control
                        .rules
                        .iter()
                        .map(|(id, rule)| RuleOfControl {
                            id,
                            apart: (rule.result != control.result).then_some(told(rule.result)),
                        })
                        .collect(),
                })
                .collect(),
            not_covered: not_covered.clone(),
            switched_off: *switched_off,
        }
    }
}

/// As in the JSON report.
const fn name(result: ControlResult) -> &'static str {
    match result {
        ControlResult::NotApplicable => "NOT_APPLICABLE",
        ControlResult::Compliant => "COMPLIANT",
        ControlResult::NotEvaluated => "NOT_EVALUATED",
        ControlResult::InsufficientData => "INSUFFICIENT_DATA",
        ControlResult::NonCompliant => "NON_COMPLIANT",
    }
}

const fn told(result: ControlResult) -> &'static str {
    match result {
        ControlResult::NotApplicable => "not applicable",
        ControlResult::Compliant => "compliant",
        ControlResult::NotEvaluated => "not evaluated",
        ControlResult::InsufficientData => "no data",
        ControlResult::NonCompliant => "non-compliant",
    }
}

const fn class(result: ControlResult) -> &'static str {
    match result {
        ControlResult::NotApplicable => "none",
        ControlResult::Compliant => "good",
        ControlResult::NotEvaluated | ControlResult::InsufficientData => "unknown",
        ControlResult::NonCompliant => "bad",
    }
}

/// A rule as it was in force.
pub(super) struct RuleRow {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) severity: &'static str,
    pub(super) severity_class: &'static str,
    /// The higher, the worse.
    pub(super) rank: usize,
    pub(super) enabled: bool,
    /// `None` when it was not evaluated.
    pub(super) counts: Option<CountsView>,
    /// Whether violations of it are listed.
    pub(super) listed: bool,
}

pub(super) struct CountsView {
    pub(super) open: String,
    pub(super) excepted: String,
    pub(super) compliant: String,
    pub(super) not_applicable: String,
    pub(super) insufficient: String,
}

pub(super) fn rows(rules: &Rules, summary: &Summary, violations: &Violations) -> Vec<RuleRow> {
    let row = |(id, rule): (&String, &audit_model::RuleInForce)| RuleRow {
        id: id.clone(),
        title: rule.title.to_string(),
        severity: rule.severity.as_str(),
        severity_class: severity_class(rule.severity),
        rank: rule.severity as usize,
        enabled: rule.enabled,
        counts: summary.by_rule.get(id).map(|counts| CountsView {
            open: count(counts.open()),
            excepted: count(counts.excepted),
            compliant: count(counts.compliant),
            not_applicable: count(counts.not_applicable),
            insufficient: count(counts.insufficient_data),
        }),
        listed: violations.rules.iter().any(|listed| listed.id == *id),
    };
    rules.iter().map(row).collect()
}

/// The audit policy as JSON.
pub(super) fn policy(plan: &Plan) -> Result<String, TaskError> {
    let text = serde_json::to_string_pretty(&plan.policy)
        .map_err(|error| TaskError::Internal(format!("the audit policy cannot be written as JSON: {error}")))?;
    let lines = text.lines().map(|line| shown(line, TEXT)).collect();
    let (mut lines, omitted) = room::within(lines, POLICY, |line: &String| room::escaped(line));
    if omitted > 0 {
        lines.push("[…] The rest is in the plan and in the JSON report.".to_owned());
    }
    Ok(lines.join("\n"))
}

/// An object that the scan left.
pub(super) struct Evidence {
    pub(super) key: String,
    pub(super) link: Option<String>,
    pub(super) holds: &'static str,
}

pub(super) fn evidence(record: &ScanRecord, input: &DeliverInput, deployment: &Deployment) -> Vec<Evidence> {
    let (scan, plan) = (record.plan.scan_id.as_str(), &record.plan);
    let mut objects = vec![
        (keys::plan(scan), "the plan, with the audit policy in force"),
        (keys::rules(scan), "the rules with their texts, as they were in force"),
        (keys::summary(scan), "the figures"),
        (keys::findings(scan), "every finding with its evidence, a resource a line, compressed with Zstandard"),
        (keys::json_report(scan, plan.started_at), "this report for programs: everything in one JSON document"),
        (keys::csv_report(scan, plan.started_at), "this report for spreadsheets: a finding a row"),
    ];
    if input.remediation.is_some() {
        objects.push((
            keys::remediation(scan),
            "what remediation decided and did, each line with the digest of the one before",
        ));
    }
    if plan.is_of_deployment() {
        objects.push((Subject::of_scan(scan).manifest(), "the manifest that seals all of these, written last of all"));
    }
    let object = |(key, holds): (String, &'static str)| Evidence {
        link: deployment.link(&key, &plan.region),
        key: shown(&key, TEXT),
        holds,
    };
    objects.into_iter().map(object).collect()
}
