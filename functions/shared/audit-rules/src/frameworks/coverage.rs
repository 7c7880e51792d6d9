//! Which controls of the frameworks a scan answered to, with which result.

use std::collections::BTreeMap;

use audit_model::summary::{Counts, Summary};
use audit_model::{Plan, Service};
use serde::Serialize;

use super::{Control, Framework};
use crate::catalogue::CATALOGUE;
use crate::rule::Rule;

/// What a scan came to for every framework, in their order.
pub fn framework_coverage(plan: &Plan, summary: &Summary) -> Vec<FrameworkCoverage> {
    let of = |framework: Framework| {
        let evaluated = |control: &'static Control| {
            let mut rules = control.rules();
            rules.retain(|rule| rule.misses(&plan.missing_settings).is_none());
            (control, rules)
        };
        let controls = framework.controls().iter().map(evaluated);
        let (covered, not_covered): (Vec<_>, Vec<_>) = controls.partition(|(_, rules)| !rules.is_empty());
        let controls = covered.into_iter().map(|(control, rules)| {
            let rules: BTreeMap<&'static str, RuleResult> =
                rules.into_iter().map(|rule| (rule.id, RuleResult::of(rule, plan, summary))).collect();
            let result = rules.values().map(|rule| rule.result).max().unwrap_or(ControlResult::NotEvaluated);
            CoveredControl { id: control.id, title: control.title, result, rules }
        });
        let not_covered = not_covered.iter().map(|(control, _)| UncoveredControl {
            id: control.id,
            title: control.title,
            reason: control.not_covered.or_else(|| control.without()),
        });
        FrameworkCoverage {
            framework: framework.name(),
            switched_off: framework.off_under(&plan.policy),
            controls: controls.collect(),
            not_covered: not_covered.collect(),
        }
    };
    Framework::ALL.into_iter().map(of).collect()
}

impl Control {
    /// The rules that answer to it, in the order of the catalogue.
    pub fn rules(&self) -> Vec<&'static Rule> {
        CATALOGUE.iter().copied().filter(|rule| rule.references.contains(self)).collect()
    }

    /// What its rules are without, where all of them need a setting of the deployment.
    pub fn without(&self) -> Option<&'static str> {
        let needed: Option<Vec<_>> = self.rules().into_iter().map(Rule::needs).collect();
        needed?.first().map(|setting| setting.without)
    }
}

/// What a scan came to for one framework.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FrameworkCoverage {
    /// The framework's name and version.
    pub framework: &'static str,
    /// Why the policy has none of its controls evaluated, where it has.
    pub switched_off: Option<&'static str>,
    /// The controls that rules answer to.
    pub controls: Vec<CoveredControl>,
    /// The controls on S3, EC2 networking and Lambda that no rule answers to, or none without a setting that the deployment
    /// lacks.
    pub not_covered: Vec<UncoveredControl>,
}

/// A control that rules answer to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoveredControl {
    /// The control's id.
    pub id: &'static str,
    /// What it demands.
    pub title: &'static str,
    /// The worst result of its rules.
    pub result: ControlResult,
    /// The result of each of its rules, by rule id.
    pub rules: BTreeMap<&'static str, RuleResult>,
}

/// A control that no rule answers to, or none that the deployment can evaluate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UncoveredControl {
    /// The control's id.
    pub id: &'static str,
    /// What it demands.
    pub title: &'static str,
    /// Why not; every such control has a reason.
    pub reason: Option<&'static str>,
}

/// What a scan came to for one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleResult {
    /// The result.
    pub result: ControlResult,
    /// The rule's verdicts, counted.
    pub counts: Counts,
}

/// A result, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ControlResult {
    /// There was nothing to judge.
    NotApplicable,
    /// Everything was judged, and nothing is wrong.
    Compliant,
    /// The rule or its framework is off, its service was not part of the scan, or nothing that it judges was named.
    NotEvaluated,
    /// Nothing was found to be wrong, and not everything could be judged.
    InsufficientData,
    /// Something is wrong, excepted or not.
    NonCompliant,
}

impl RuleResult {
    fn of(rule: &Rule, plan: &Plan, summary: &Summary) -> Self {
        let counts = summary.by_rule.get(rule.id).copied().unwrap_or_default();
        let service: Service = rule.service();
        // A scan of named resources has not looked at the others, whatever it found.
        let incomplete =
            plan.is_scoped() || counts.insufficient_data > 0 || summary.gaps.iter().any(|gap| gap.service == service);
        let result = if counts.non_compliant > 0 {
            ControlResult::NonCompliant
        } else if !plan.services.contains(&service)
            || !rule.is_on(&plan.policy)
            || (plan.is_scoped() && counts.all() == 0)
        {
            ControlResult::NotEvaluated
        } else if incomplete {
            ControlResult::InsufficientData
        } else if counts.compliant > 0 {
            ControlResult::Compliant
        } else {
            ControlResult::NotApplicable
        };
        Self { result, counts }
    }
}

#[cfg(test)]
mod tests {
    use audit_model::policy::RuleSetting;
    use audit_model::summary::{Gap, ScanStatus, Scope};
    use audit_model::{RemediationMode, Trigger, TriggerKind};
    use jiff::Timestamp;

    use super::*;
    use crate::fixtures;
    use crate::setting::CLOUD_TRAIL;

    fn plan() -> Plan {
        Plan {
            scan_id: "20261101T000000Z-0001".to_owned(),
            trigger: Trigger { kind: TriggerKind::Schedule, event_id: None, requested_by: None, reason: None },
            account: fixtures::ACCOUNT.to_owned(),
            region: "us-east-1".to_owned(),
            services: Service::ALL.to_vec(),
            resources: Vec::new(),
            remediation: RemediationMode::Off,
            remediation_requested: false,
            reapply: Vec::new(),
            changes: Vec::new(),
            policy: fixtures::policy(),
            missing_settings: Vec::new(),
            started_at: Timestamp::UNIX_EPOCH,
            execution_arn: "arn:aws:states:us-east-1:111122223333:execution:audit:run".to_owned(),
        }
    }

    fn summary(by_rule: &[(&str, Counts)]) -> Summary {
        Summary {
            scan_id: "20261101T000000Z-0001".to_owned(),
            status: ScanStatus::Complete,
            scope: Scope::Full,
            gaps: Vec::new(),
            started_at: Timestamp::UNIX_EPOCH,
            aggregated_at: Timestamp::UNIX_EPOCH,
            resources: BTreeMap::new(),
            of_others: 0,
            totals: Counts::default(),
            by_service: BTreeMap::new(),
            by_rule: by_rule.iter().map(|(rule, counts)| (rule.to_string(), *counts)).collect(),
            violations_by_severity: BTreeMap::new(),
            comparison: [].into(),
            alerting_violations: 0,
            alerting_news: 0,
            alerting_resolved: 0,
            lost_sight: 0,
            lost_sight_news: 0,
            exceptions: Vec::new(),
            remediable_buckets: 0,
        }
    }

    const READ: &str = "s3-bucket-public-read-prohibited";

    fn result(plan: &Plan, summary: &Summary, framework: &str, id: &str) -> ControlResult {
        let coverage = framework_coverage(plan, summary);
        let framework = coverage.iter().find(|covered| covered.framework == framework).unwrap();
        framework.controls.iter().find(|control| control.id == id).unwrap().result
    }

    #[test]
    fn a_control_is_as_good_as_what_was_seen() {
        let counts = |compliant, non_compliant, not_applicable, insufficient_data| Counts {
            compliant,
            non_compliant,
            not_applicable,
            insufficient_data,
            ..Counts::default()
        };
        // S3.2 is answered by one rule alone.
        let of = |counts| result(&plan(), &summary(&[(READ, counts)]), "AWS FSBP", "S3.2");
        assert_eq!(of(counts(2, 0, 1, 0)), ControlResult::Compliant);
        assert_eq!(of(counts(2, 1, 1, 1)), ControlResult::NonCompliant);
        assert_eq!(of(counts(2, 0, 1, 1)), ControlResult::InsufficientData);
        assert_eq!(of(counts(0, 0, 1, 0)), ControlResult::NotApplicable);
        assert_eq!(of(Counts { excepted: 1, ..counts(2, 1, 0, 0) }), ControlResult::NonCompliant);
        assert_eq!(result(&plan(), &summary(&[]), "AWS FSBP", "S3.2"), ControlResult::NotApplicable);
    }

    #[test]
    fn nothing_passes_that_was_not_looked_at() {
        let passed = summary(&[(READ, Counts { compliant: 1, ..Counts::default() })]);
        let gap = Gap {
            service: Service::S3,
            shard: None,
            resources: None,
            resource_type: None,
            reason: "denied".to_owned(),
        };
        let partial = Summary { gaps: vec![gap], ..passed.clone() };
        assert_eq!(result(&plan(), &partial, "AWS FSBP", "S3.2"), ControlResult::InsufficientData);
        let without_s3 = Plan { services: vec![Service::Vpc], ..plan() };
        assert_eq!(result(&without_s3, &summary(&[]), "AWS FSBP", "S3.2"), ControlResult::NotEvaluated);
        // A scan of one bucket has not looked at the others; nor at anything that another control is about.
        let of_one = Plan { resources: vec!["arn:aws:s3:::ledger".parse().unwrap()], ..plan() };
        assert_eq!(result(&of_one, &passed, "AWS FSBP", "S3.2"), ControlResult::InsufficientData);
        assert_eq!(result(&of_one, &summary(&[]), "AWS FSBP", "S3.2"), ControlResult::NotEvaluated);
        let mut off = plan();
        off.policy.rules.insert(READ.to_owned(), RuleSetting { enabled: false, severity: None });
        assert_eq!(result(&off, &summary(&[]), "AWS FSBP", "S3.2"), ControlResult::NotEvaluated);
    }

    #[test]
    fn a_framework_that_is_switched_off_says_so_and_none_of_its_controls_passes() {
        let tagging = |plan: &Plan| {
            let passed = summary(&[("ec2-subnet-tagged", Counts { compliant: 1, ..Counts::default() })]);
            let coverage = framework_coverage(plan, &passed);
            let off: Vec<&str> =
                coverage.iter().filter(|it| it.switched_off.is_some()).map(|it| it.framework).collect();
            (off, coverage.into_iter().find(|it| it.framework == "AWS Resource Tagging Standard").unwrap())
        };
        let on = plan();
        let (off, coverage) = tagging(&on);
        assert!(off.is_empty());
        let subnets = coverage.controls.iter().find(|control| control.id == "EC2.44").unwrap();
        assert_eq!(subnets.result, ControlResult::Compliant);

        let mut without = plan();
        without.policy.frameworks.resource_tagging = false;
        let (off, coverage) = tagging(&without);
        assert_eq!(off, ["AWS Resource Tagging Standard"]);
        assert!(coverage.switched_off.unwrap().contains("resource_tagging"));
        assert!(!coverage.controls.is_empty());
        assert!(coverage.controls.iter().all(|control| control.result == ControlResult::NotEvaluated));
    }

    #[test]
    fn what_a_deployment_cannot_read_is_not_covered_and_the_reason_names_the_setting() {
        let counted =
            summary(&[("cloudtrail-all-write-s3-data-event-check", Counts { compliant: 1, ..Counts::default() })]);
        let hub = |plan: &Plan| {
            let coverage = framework_coverage(plan, &counted).into_iter();
            coverage.into_iter().find(|covered| covered.framework == "AWS Security Hub CSPM").unwrap()
        };
        let with = hub(&plan());
        assert!(with.not_covered.is_empty(), "{:?}", with.not_covered);
        assert_eq!(result(&plan(), &counted, "AWS Security Hub CSPM", "S3.22"), ControlResult::Compliant);

        let mut without = plan();
        without.missing_settings = vec![CLOUD_TRAIL.name.to_owned()];
        CLOUD_TRAIL.switch_off(&mut without.policy);
        let told = hub(&without).not_covered;
        assert_eq!(told.iter().map(|control| control.id).collect::<Vec<_>>(), ["S3.22", "S3.23"]);
        assert!(
            told.iter().all(|control| control.reason.is_some_and(|reason| reason.contains("cloudTrail"))),
            "{told:?}"
        );
        // Other rules answer to this control, too.
        assert_eq!(result(&without, &summary(&[]), "PCI DSS 4.0.1", "10.2.1"), ControlResult::NotApplicable);
    }

    /// The policy may switch off what the deployment could read: that is somebody's decision, and told as one.
    #[test]
    fn what_the_policy_switches_off_is_not_evaluated() {
        let mut off = plan();
        CLOUD_TRAIL.switch_off(&mut off.policy);
        assert_eq!(result(&off, &summary(&[]), "AWS Security Hub CSPM", "S3.23"), ControlResult::NotEvaluated);
    }

    #[test]
    fn a_control_has_rules_or_a_reason_why_it_has_none() {
        for control in Framework::ALL.into_iter().flat_map(Framework::controls) {
            assert_eq!(control.not_covered.is_some(), control.rules().is_empty(), "{control:?}");
            assert!(
                control.not_covered.is_none_or(|reason| reason.len() > 20 && !reason.ends_with('.')),
                "{control:?}"
            );
        }
        let coverage = framework_coverage(&plan(), &summary(&[]));
        let told = coverage.iter().flat_map(|framework| &framework.not_covered);
        assert!(told.clone().count() > 0 && told.clone().all(|control| control.reason.is_some()));
    }

    #[test]
    fn every_control_in_scope_is_covered_or_not_and_never_both() {
        for (framework, coverage) in Framework::ALL.into_iter().zip(framework_coverage(&plan(), &summary(&[]))) {
            assert_eq!(coverage.framework, framework.name());
            let covered = coverage.controls.iter().map(|control| control.id);
            let mut ids: Vec<&str> = covered.chain(coverage.not_covered.iter().map(|control| control.id)).collect();
            let mut all: Vec<&str> = framework.controls().iter().map(|control| control.id).collect();
            ids.sort_unstable();
            all.sort_unstable();
            assert_eq!(ids, all);
        }
    }
}
