//! The figures of a scan, counted finding by finding.

use audit_model::summary::{Comparison, Counts, Gap, ScanStatus, Summary};
use audit_model::{Finding, Plan, Service, Severity, Status};
use jiff::Timestamp;

use crate::coverage::ServiceCoverage;
use crate::earlier::EarlierFinding;

/// The figures of a scan while its findings go by, in their order.
pub(crate) struct Tally {
    summary: Summary,
    threshold: Severity,
    comparison: Comparison,
    /// Violations of the earlier scan whose resource has no finding now, of the service that is being counted.
    vanished: u64,
    /// The bucket that was counted last as remediable.
    remediable_bucket: Option<String>,
}

impl Tally {
    /// Begins to count.
    pub(crate) fn new(plan: &Plan) -> Self {
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
                by_rule: [].into(),
                violations_by_severity: Severity::ALL.map(|severity| (severity, 0)).into(),
                comparison: None,
                alerting_violations: 0,
                remediable_buckets: 0,
            },
            threshold: plan.policy.alert.threshold,
            comparison: Comparison { scan_id: String::new(), new: 0, still_open: 0, resolved: 0, not_verified: 0 },
            vanished: 0,
            remediable_bucket: None,
        }
    }

    /// Begins with a service.
    pub(crate) fn begin(&mut self, service: Service, covered: ServiceCoverage) {
        let resources = covered.scanned.iter().map(|receipt| receipt.resources).sum();
        self.summary.resources.insert(service, resources);
        self.summary.gaps.extend(covered.gaps);
    }

    /// Counts a finding, and says in it since when it has been open. `before` is what the earlier scan found there.
    pub(crate) fn add(&mut self, finding: &mut Finding, before: Option<&EarlierFinding>) {
        let open_since = before.and_then(EarlierFinding::open_since);
        finding.first_seen = match finding.status {
            Status::NonCompliant => open_since.or(Some(finding.evaluated_at)),
            Status::InsufficientData => open_since,
            Status::Compliant | Status::NotApplicable => None,
        };
        match (finding.status, open_since) {
            (Status::NonCompliant, None) => self.comparison.new += 1,
            (Status::NonCompliant, Some(_)) => self.comparison.still_open += 1,
            (Status::InsufficientData, Some(_)) => self.comparison.not_verified += 1,
            (Status::Compliant | Status::NotApplicable, Some(_)) => self.comparison.resolved += 1,
            (_, None) => {}
        }
        self.summary.totals.add(finding.status);
        self.summary.by_service.entry(finding.service).or_default().add(finding.status);
        match self.summary.by_rule.get_mut(&finding.rule_id) {
            Some(counts) => counts.add(finding.status),
            None => self.summary.by_rule.entry(finding.rule_id.clone()).or_default().add(finding.status),
        }
        if finding.status == Status::NonCompliant {
            self.add_violation(finding);
        }
    }

    fn add_violation(&mut self, finding: &Finding) {
        *self.summary.violations_by_severity.entry(finding.severity).or_default() += 1;
        if finding.severity >= self.threshold {
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
        if audit_rules::rule(&before.rule_id).is_some() {
            self.vanished += 1;
        } else {
            // The rule has left the catalogue: nobody looked.
            self.comparison.not_verified += 1;
        }
    }

    /// Ends with a service. `gaps` are those that showed while its findings were read.
    pub(crate) fn end(&mut self, service: Service, gaps: Vec<Gap>) {
        self.summary.gaps.extend(gaps);
        self.summary.gaps.sort_by_key(|gap| (gap.service, gap.shard));
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
            ..self.summary
        }
    }
}
