//! The figures of a scan, counted finding by finding.

use audit_model::summary::{AlertViolations, Changes, Comparison, Counts, ScanStatus, Summary};
use audit_model::{Change, Finding, Plan, Service, Severity, Status, Unreadable};
use audit_rules::Rule;
use jiff::Timestamp;

use crate::coverage::ServiceCoverage;
use crate::earlier::{Before, EarlierScan};
use crate::exceptions::Exceptions;
use crate::sight::Fate;
use crate::worst::Worst;

/// How many open violations, and how many known ones that could not be looked at, are kept for the alert. An entry of the
/// message takes more than 256 bytes, and an item more than 128, so that the message's own limits come first.
const ALERT_OPEN: usize = 256;
const ALERT_LOST_SIGHT: usize = 64;

/// The figures of a scan while its findings go by, in their order.
pub(crate) struct Tally<'a> {
    plan: &'a Plan,
    now: Timestamp,
    summary: Summary,
    exceptions: Exceptions,
    /// The scan that the service that is being counted is compared with.
    earlier: Option<EarlierScan>,
    changes: Changes,
    open: Worst,
    lost_sight: Worst,
    /// The bucket that was counted last as remediable.
    remediable_bucket: Option<String>,
}

impl<'a> Tally<'a> {
    /// Begins to count, at the time `now`.
    pub(crate) fn new(plan: &'a Plan, now: Timestamp) -> Self {
        let on = |rule: &&&Rule| plan.services.contains(&rule.service()) && rule.is_on(&plan.policy);
        let evaluated = audit_rules::CATALOGUE.iter().filter(on);
        Self {
            summary: Summary {
                scan_id: plan.scan_id.clone(),
                status: ScanStatus::Complete,
                gaps: Vec::new(),
                started_at: plan.started_at,
                aggregated_at: now,
                resources: plan.services.iter().map(|service| (*service, 0)).collect(),
                of_others: 0,
                totals: Counts::default(),
                by_service: plan.services.iter().map(|service| (*service, Counts::default())).collect(),
                by_rule: evaluated.map(|rule| (rule.id.to_owned(), Counts::default())).collect(),
                violations_by_severity: Severity::ALL.map(|severity| (severity, 0)).into(),
                comparison: [].into(),
                alerting_violations: 0,
                lost_sight: 0,
                exceptions: Vec::new(),
                remediable_buckets: 0,
            },
            plan,
            now,
            exceptions: Exceptions::new(plan),
            earlier: None,
            changes: Changes::default(),
            open: Worst::new(ALERT_OPEN),
            lost_sight: Worst::new(ALERT_LOST_SIGHT),
            remediable_bucket: None,
        }
    }

    /// Begins with a service, which is compared with what comes `before`.
    pub(crate) fn begin(&mut self, service: Service, covered: &ServiceCoverage, before: &Before) {
        let resources = covered.scanned.iter().map(|receipt| receipt.resources).sum();
        self.summary.resources.insert(service, resources);
        self.summary.of_others += covered.scanned.iter().map(|receipt| receipt.of_others).sum::<u64>();
        self.summary.gaps.extend(covered.gaps.iter().cloned());
        self.changes = Changes::default();
        self.earlier = match before {
            Before::Scan(earlier) => Some(earlier.clone()),
            Before::Nothing(_) => None,
        };
    }

    /// Counts a finding of this scan, and says in it what has changed and whether an exception covers it. `known` is the
    /// violation that the earlier scan knew there.
    pub(crate) fn add(&mut self, finding: &mut Finding, known: Option<&Finding>) {
        let known_since = known.and_then(Finding::known_since);
        finding.first_seen = match finding.status {
            Status::NonCompliant => known_since.or(Some(finding.evaluated_at)),
            Status::InsufficientData => known_since,
            Status::Compliant | Status::NotApplicable => None,
        };
        if finding.status == Status::InsufficientData {
            finding.last_seen = known.and_then(Finding::known_until);
        }
        self.exceptions.mark(finding);
        finding.change = self.change(finding, known_since.is_some());
        self.count(finding);
    }

    /// Counts a violation that the earlier scan knew and of which this one has no finding. Unless its resource is gone, it
    /// is carried over: the finding that this scan has of it.
    pub(crate) fn miss(&mut self, known: Finding, fate: Fate) -> Option<Finding> {
        let (change, reason) = match fate {
            Fate::Gone => {
                self.changes.count(Change::Resolved);
                return None;
            }
            Fate::NotLookedAt(reason) => (Change::NotLookedAt, reason),
            Fate::NotEvaluated(reason) => (Change::NotEvaluated, reason.to_owned()),
        };
        let rule = audit_rules::rule(&known.rule_id);
        let mut carried = Finding {
            severity: rule.map_or(known.severity, |rule| rule.severity_under(&self.plan.policy)),
            status: Status::InsufficientData,
            missing: vec![Unreadable::not_looked_at(reason)],
            evaluated_at: self.now,
            first_seen: known.known_since(),
            last_seen: known.known_until(),
            change: Some(change),
            exception: None,
            ..known
        };
        self.exceptions.mark(&mut carried);
        self.count(&carried);
        Some(carried)
    }

    /// What has changed about a finding of this scan. `known` tells whether the earlier scan knew a violation there.
    fn change(&self, finding: &Finding, known: bool) -> Option<Change> {
        let earlier = self.earlier.as_ref()?;
        match (finding.status, known) {
            (Status::NonCompliant, _) if finding.exception.is_some() => None,
            (Status::NonCompliant, true) => Some(Change::StillOpen),
            (Status::NonCompliant, false) if earlier.evaluated(&finding.rule_id) => Some(Change::New),
            (Status::NonCompliant, false) => Some(Change::FirstEvaluated),
            (Status::InsufficientData, true) => Some(Change::NotLookedAt),
            (Status::Compliant | Status::NotApplicable, true) => Some(Change::Resolved),
            (_, false) => None,
        }
    }

    fn count(&mut self, finding: &Finding) {
        self.summary.totals.add(finding);
        self.summary.by_service.entry(finding.service).or_default().add(finding);
        if finding.change != Some(Change::NotEvaluated) {
            match self.summary.by_rule.get_mut(&*finding.rule_id) {
                Some(counts) => counts.add(finding),
                None => self.summary.by_rule.entry(finding.rule_id.to_string()).or_default().add(finding),
            }
        }
        if let Some(change) = finding.change {
            self.changes.count(change);
        }
        let alerts = finding.severity >= self.plan.policy.alert.threshold;
        if finding.is_open() {
            *self.summary.violations_by_severity.entry(finding.severity).or_default() += 1;
            self.count_remediable(finding);
            if alerts {
                self.open.offer(finding);
            }
        } else if finding.change == Some(Change::NotLookedAt) && finding.exception.is_none() && alerts {
            self.lost_sight.offer(finding);
        }
    }

    fn count_remediable(&mut self, finding: &Finding) {
        let remediable = audit_rules::rule(&finding.rule_id).is_some_and(|rule| rule.remediable);
        // The findings about one bucket come one after the other.
        if remediable && self.remediable_bucket.as_ref() != Some(&finding.resource.arn) {
            self.summary.remediable_buckets += 1;
            self.remediable_bucket = Some(finding.resource.arn.clone());
        }
    }

    /// Ends with a service, which was compared with what comes `before`.
    pub(crate) fn end(&mut self, service: Service, before: &Before) {
        let comparison = match before {
            Before::Scan(earlier) => Comparison::Compared {
                scan_id: earlier.scan.scan_id.clone(),
                started_at: earlier.scan.started_at,
                changes: self.changes,
            },
            Before::Nothing(why) => why.clone(),
        };
        self.summary.comparison.insert(service, comparison);
    }

    /// The figures, and what the alert may name.
    pub(crate) fn finish(self) -> (Summary, AlertViolations) {
        let summary = Summary {
            status: if self.summary.gaps.is_empty() { ScanStatus::Complete } else { ScanStatus::Partial },
            alerting_violations: self.open.seen(),
            lost_sight: self.lost_sight.seen(),
            exceptions: self.exceptions.uses(self.plan, &self.summary.gaps),
            ..self.summary
        };
        let named = AlertViolations { open: self.open.into_findings(), lost_sight: self.lost_sight.into_findings() };
        (summary, named)
    }
}
