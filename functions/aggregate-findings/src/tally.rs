//! The figures of a scan, counted finding by finding.

use std::collections::BTreeMap;

use audit_model::summary::{AlertViolations, AlertingRule, Changes, Comparison, Counts, ScanStatus, Scope, Summary};
use audit_model::{
    AlertState, Change, Finding, Plan, Resolution, ResolvedViolation, Service, Severity, Status, Unreadable,
    to_the_second,
};
use audit_rules::Rule;
use jiff::Timestamp;

use crate::coverage::ServiceCoverage;
use crate::earlier::{Before, EarlierScan};
use crate::exceptions::Exceptions;
use crate::sight::Fate;
use crate::worst::Worst;

/// How many violations that are news, known ones that could not be looked at, and resolved ones are kept for the alert. The
/// first take more than 128 bytes of the message each, as do the second, so that the message's own limits come first; of the
/// third it needs a few.
const ALERT_NEWS: usize = 512;
const ALERT_LOST_SIGHT: usize = 64;
const ALERT_RESOLVED: usize = 16;

/// What becomes of a violation that the earlier scan knew and of which this one has no finding.
pub(crate) enum Missed {
    /// Nobody could look: the finding that this scan has of it.
    Carried(Finding),
    /// Its resource is gone.
    Resolved(ResolvedViolation),
}

/// The figures of a scan while its findings go by, in their order.
pub(crate) struct Tally<'a> {
    plan: &'a Plan,
    now: Timestamp,
    summary: Summary,
    exceptions: Exceptions,
    /// The scan that the service that is being counted is compared with.
    earlier: Option<EarlierScan>,
    changes: Changes,
    /// What people know.
    told: &'a AlertState,
    news: Worst<Finding>,
    by_rule: BTreeMap<String, AlertingRule>,
    lost_sight: Worst<Finding>,
    resolved: Worst<ResolvedViolation>,
    /// The bucket that was counted last as remediable.
    remediable_bucket: Option<String>,
}

impl<'a> Tally<'a> {
    /// Begins to count, at the time `now`, what people who were `told` so much do not know.
    pub(crate) fn new(plan: &'a Plan, told: &'a AlertState, now: Timestamp) -> Self {
        let on = |rule: &&&Rule| plan.services.contains(&rule.service()) && rule.is_on(&plan.policy);
        let named = plan.resources.len() as u64;
        let evaluated = audit_rules::CATALOGUE.iter().filter(on);
        Self {
            summary: Summary {
                scan_id: plan.scan_id.clone(),
                status: ScanStatus::Complete,
                scope: if plan.is_scoped() { Scope::Scoped { named, not_found: Vec::new() } } else { Scope::Full },
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
                alerting_news: 0,
                alerting_resolved: 0,
                lost_sight: 0,
                lost_sight_news: 0,
                exceptions: Vec::new(),
                remediable_buckets: 0,
            },
            plan,
            now,
            exceptions: Exceptions::new(plan),
            earlier: None,
            changes: Changes::default(),
            told,
            news: Worst::new(ALERT_NEWS),
            by_rule: BTreeMap::new(),
            lost_sight: Worst::new(ALERT_LOST_SIGHT),
            resolved: Worst::new(ALERT_RESOLVED),
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
    /// violation that the earlier scan knew there; if it is seen mended, it is given back as resolved.
    ///
    /// The times of findings are to the second from here on: nothing compares them more closely.
    pub(crate) fn add(&mut self, finding: &mut Finding, known: Option<&Finding>) -> Option<ResolvedViolation> {
        finding.evaluated_at = to_the_second(finding.evaluated_at);
        let known_since = known.and_then(Finding::known_since).map(to_the_second);
        finding.first_seen = match finding.status {
            Status::NonCompliant => known_since.or(Some(finding.evaluated_at)),
            Status::InsufficientData => known_since,
            Status::Compliant | Status::NotApplicable => None,
        };
        if finding.status == Status::InsufficientData {
            finding.last_seen = known.and_then(Finding::known_until).map(to_the_second);
        }
        self.exceptions.mark(finding);
        finding.change = self.change(finding, known_since.is_some());
        self.count(finding, known);
        let known = known.filter(|_| finding.change == Some(Change::Resolved))?;
        Some(self.resolve(known, finding.severity, Resolution::Mended, finding.evaluated_at))
    }

    /// Counts a violation that the earlier scan knew and of which this one has no finding. Unless its resource is gone, it
    /// is carried over.
    pub(crate) fn miss(&mut self, known: Finding, fate: Fate) -> Missed {
        let rule = audit_rules::rule(&known.rule_id);
        let severity = rule.map_or(known.severity, |rule| rule.severity_under(&self.plan.policy));
        let (change, reason) = match fate {
            Fate::Gone => {
                self.changes.count(Change::Resolved);
                return Missed::Resolved(self.resolve(&known, severity, Resolution::Gone, self.now));
            }
            Fate::NotLookedAt(reason) => (Change::NotLookedAt, reason),
            Fate::NotEvaluated(reason) => (Change::NotEvaluated, reason.to_owned()),
        };
        let before = known.clone();
        let mut carried = Finding {
            severity,
            status: Status::InsufficientData,
            missing: vec![Unreadable::not_looked_at(reason)],
            evaluated_at: to_the_second(self.now),
            first_seen: known.known_since().map(to_the_second),
            last_seen: known.known_until().map(to_the_second),
            change: Some(change),
            exception: None,
            ..known
        };
        self.exceptions.mark(&mut carried);
        self.count(&carried, Some(&before));
        Missed::Carried(carried)
    }

    /// Notes that a named resource is not there.
    pub(crate) fn not_found(&mut self, arn: &str) {
        if let Scope::Scoped { not_found, .. } = &mut self.summary.scope {
            not_found.push(arn.to_owned());
        }
    }

    fn resolve(&mut self, known: &Finding, severity: Severity, how: Resolution, at: Timestamp) -> ResolvedViolation {
        let resolved = ResolvedViolation::new(known, severity, how, at);
        if severity >= self.plan.policy.alert.threshold && known.exception.is_none() {
            self.resolved.offer(severity, || resolved.clone());
        }
        resolved
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

    /// Counts a finding whose violation the earlier scan knew as `known`, if it did.
    fn count(&mut self, finding: &Finding, known: Option<&Finding>) {
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
                self.count_alerting(finding, known);
            }
        } else if finding.change == Some(Change::NotLookedAt) && finding.exception.is_none() && alerts {
            self.lost_sight.offer(finding.severity, || finding.clone());
            self.summary.lost_sight_news += u64::from(known.is_some_and(|known| known.status == Status::NonCompliant));
        }
    }

    /// Counts an open violation that raises the alert, as news or as one that people know of.
    fn count_alerting(&mut self, finding: &Finding, known: Option<&Finding>) {
        self.summary.alerting_violations += 1;
        let rule = self.by_rule.entry(finding.rule_id.to_string()).or_insert_with(|| AlertingRule {
            service: finding.service,
            severity: finding.severity,
            resource_type: finding.resource.resource_type.to_string(),
            news: 0,
            still_open: 0,
            since: None,
        });
        let is_news = matches!(finding.change, Some(Change::New | Change::FirstEvaluated))
            || self.told.is_untold(finding)
            || known.is_some_and(|known| known.exception.is_some());
        if is_news {
            rule.news += 1;
            self.news.offer(finding.severity, || finding.clone());
        } else {
            rule.still_open += 1;
            rule.since = [rule.since, finding.first_seen].into_iter().flatten().min();
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
            alerting_news: self.news.seen(),
            alerting_resolved: self.resolved.seen(),
            lost_sight: self.lost_sight.seen(),
            exceptions: self.exceptions.uses(self.plan, &self.summary.gaps),
            ..self.summary
        };
        let named = AlertViolations {
            news: self.news.into_kept(),
            by_rule: self.by_rule,
            lost_sight: self.lost_sight.into_kept(),
            resolved: self.resolved.into_kept(),
        };
        (summary, named)
    }
}
