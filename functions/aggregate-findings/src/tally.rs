//! The figures of a scan, counted finding by finding.

use std::collections::BTreeSet;

use audit_model::summary::{Comparison, Counts, Gap, ScanStatus, Summary};
use audit_model::{Finding, Plan, Service, Severity, Status};
use audit_rules::Rule;
use jiff::Timestamp;

use crate::coverage::ServiceCoverage;
use crate::earlier::EarlierFinding;
use crate::exceptions::Exceptions;
use crate::unlisted::Unlisted;

/// The figures of a scan while its findings go by, in their order.
pub(crate) struct Tally<'a> {
    plan: &'a Plan,
    summary: Summary,
    exceptions: Exceptions,
    comparison: Comparison,
    /// The rules that the earlier scan evaluated; `None` when that is not known.
    evaluated_before: Option<BTreeSet<String>>,
    /// Violations of the earlier scan whose resource has no finding now, of the service that is being counted.
    vanished: u64,
    /// What could not be listed, of the service that is being counted.
    unlisted: Unlisted,
    /// The bucket that was counted last as remediable.
    remediable_bucket: Option<String>,
}

impl<'a> Tally<'a> {
    /// Begins to count. `evaluated_before` are the rules that the earlier scan evaluated.
    pub(crate) fn new(plan: &'a Plan, evaluated_before: Option<BTreeSet<String>>) -> Self {
        let on = |rule: &&&Rule| plan.services.contains(&rule.service()) && plan.policy.is_on(rule.id);
        let evaluated = audit_rules::CATALOGUE.iter().filter(on);
        Self {
            summary: Summary {
                scan_id: plan.scan_id.clone(),
                status: ScanStatus::Complete,
                gaps: Vec::new(),
                started_at: plan.started_at,
                aggregated_at: plan.started_at,
                resources: plan.services.iter().map(|service| (*service, 0)).collect(),
                totals: Counts::default(),
                by_service: plan.services.iter().map(|service| (*service, Counts::default())).collect(),
                by_rule: evaluated.map(|rule| (rule.id.to_owned(), Counts::default())).collect(),
                violations_by_severity: Severity::ALL.map(|severity| (severity, 0)).into(),
                comparison: None,
                alerting_violations: 0,
                lost_sight: 0,
                exceptions: Vec::new(),
                remediable_buckets: 0,
            },
            plan,
            exceptions: Exceptions::new(plan),
            comparison: Comparison {
                scan_id: String::new(),
                new: 0,
                first_evaluated: 0,
                still_open: 0,
                resolved: 0,
                not_verified: 0,
            },
            evaluated_before,
            vanished: 0,
            unlisted: Unlisted::default(),
            remediable_bucket: None,
        }
    }

    /// Begins with a service.
    pub(crate) fn begin(&mut self, service: Service, covered: ServiceCoverage) {
        let resources = covered.scanned.iter().map(|receipt| receipt.resources).sum();
        self.summary.resources.insert(service, resources);
        self.summary.gaps.extend(covered.gaps);
    }

    /// Counts a finding, and says in it since when it has been open and whether an exception covers it. `before` is what
    /// the earlier scan found there.
    pub(crate) fn add(&mut self, finding: &mut Finding, before: Option<&EarlierFinding>) {
        let open_since = before.and_then(EarlierFinding::open_since);
        finding.first_seen = match finding.status {
            Status::NonCompliant => open_since.or(Some(finding.evaluated_at)),
            Status::InsufficientData => open_since,
            Status::Compliant | Status::NotApplicable => None,
        };
        let evaluated_before = self.evaluated_before.as_ref().is_none_or(|rules| rules.contains(&finding.rule_id));
        match (finding.status, open_since) {
            (Status::NonCompliant, None) if evaluated_before => self.comparison.new += 1,
            (Status::NonCompliant, None) => self.comparison.first_evaluated += 1,
            (Status::NonCompliant, Some(_)) => self.comparison.still_open += 1,
            (Status::InsufficientData, Some(_)) => self.comparison.not_verified += 1,
            (Status::Compliant | Status::NotApplicable, Some(_)) => self.comparison.resolved += 1,
            (_, None) => {}
        }
        self.unlisted.add(finding);
        self.exceptions.mark(finding);
        self.summary.totals.add(finding);
        self.summary.by_service.entry(finding.service).or_default().add(finding);
        match self.summary.by_rule.get_mut(&finding.rule_id) {
            Some(counts) => counts.add(finding),
            None => self.summary.by_rule.entry(finding.rule_id.clone()).or_default().add(finding),
        }
        if finding.status == Status::NonCompliant && finding.exception.is_none() {
            self.add_violation(finding);
        }
        if finding.status == Status::InsufficientData && open_since.is_some() && self.alerts_on(finding) {
            self.summary.lost_sight += 1;
        }
    }

    fn alerts_on(&self, finding: &Finding) -> bool {
        finding.severity >= self.plan.policy.alert.threshold
    }

    fn add_violation(&mut self, finding: &Finding) {
        *self.summary.violations_by_severity.entry(finding.severity).or_default() += 1;
        if self.alerts_on(finding) {
            self.summary.alerting_violations += 1;
        }
        let remediable = audit_rules::rule(&finding.rule_id).is_some_and(|rule| rule.remediable);
        // The findings about one bucket come one after the other.
        if remediable && self.remediable_bucket.as_ref() != Some(&finding.resource.arn) {
            self.summary.remediable_buckets += 1;
            self.remediable_bucket = Some(finding.resource.arn.clone());
        }
    }

    /// Counts what the earlier scan found where this one has no finding.
    pub(crate) fn vanished(&mut self, before: &EarlierFinding) {
        if before.open_since().is_none() {
            return;
        }
        if audit_rules::rule(&before.rule_id).is_some() && self.plan.policy.is_on(&before.rule_id) {
            self.vanished += 1;
        } else {
            // The rule has left the catalogue or was switched off: nobody looked.
            self.comparison.not_verified += 1;
        }
    }

    /// Ends with a service. `gaps` are those that showed while its findings were read.
    pub(crate) fn end(&mut self, service: Service, gaps: Vec<Gap>) {
        self.summary.gaps.extend(gaps);
        self.summary.gaps.extend(std::mem::take(&mut self.unlisted).gaps(service));
        self.summary
            .gaps
            .sort_by(|a, b| (a.service, a.shard, &a.resource_type).cmp(&(b.service, b.shard, &b.resource_type)));
        let whole = self.summary.gaps.iter().all(|gap| gap.service != service);
        // With a gap, nobody knows whether a resource is no more or was not looked at.
        let settled = if whole { &mut self.comparison.resolved } else { &mut self.comparison.not_verified };
        *settled += std::mem::take(&mut self.vanished);
    }

    /// The figures. `compared` is the scan that this one was compared with.
    pub(crate) fn summary(self, aggregated_at: Timestamp, compared: Option<String>) -> Summary {
        Summary {
            status: if self.summary.gaps.is_empty() { ScanStatus::Complete } else { ScanStatus::Partial },
            aggregated_at,
            comparison: compared.map(|scan_id| Comparison { scan_id, ..self.comparison }),
            exceptions: self.exceptions.uses(self.plan, &self.summary.gaps),
            ..self.summary
        }
    }
}
