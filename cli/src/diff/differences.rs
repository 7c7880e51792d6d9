//! What differs about one resource.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use audit_model::summary::Summary;
use audit_model::{Finding, Plan, ResourceRef, Service, Severity, Status};

/// What kind of a difference something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    New,
    FirstLookedAt,
    Changed,
    NotLookedAt,
    Resolved,
    Gone,
}

impl Kind {
    /// Every kind, in the order in which they are told.
    pub(super) const ALL: [Self; 6] =
        [Self::New, Self::FirstLookedAt, Self::Changed, Self::NotLookedAt, Self::Resolved, Self::Gone];

    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::New => "New violations",
            Self::FirstLookedAt => "Violations that the scan before did not look for",
            Self::Changed => "Changed",
            Self::NotLookedAt => "No longer looked at",
            Self::Resolved => "Resolved violations",
            Self::Gone => "Resources that are gone",
        }
    }
}

/// Something that differs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference<'a> {
    pub(super) kind: Kind,
    /// The severity of the rule; of a resource that is gone, the worst of its violations, if it had any.
    pub(super) severity: Option<Severity>,
    /// Absent of a resource that is gone.
    pub(super) rule: Option<&'a str>,
    pub(super) resource: &'a ResourceRef,
    pub(super) details: Vec<String>,
}

impl Difference<'_> {
    /// Where it is told: by kind, the worst first.
    pub(super) fn place(&self) -> (Kind, Reverse<Option<Severity>>) {
        (self.kind, Reverse(self.severity))
    }
}

/// What a scan looked at: whether it says anything that it has no finding of something.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) plan: &'a Plan,
    pub(super) summary: &'a Summary,
}

impl Sight<'_> {
    /// Whether it looked at all that a service has.
    fn is_whole(&self, service: Service) -> bool {
        let has_gap = self.summary.gaps.iter().any(|gap| gap.service == service);
        self.plan.services.contains(&service) && !self.plan.is_scoped() && !has_gap
    }

    /// Whether it evaluated a rule over all that a service has.
    fn evaluated(&self, service: Service, rule: &str) -> bool {
        self.is_whole(service) && self.summary.by_rule.contains_key(rule)
    }
}

/// What differs about one resource, by rule. Of one that a scan has no findings about there are none.
pub(super) fn differences<'a>(
    before: &'a [Finding],
    after: &'a [Finding],
    sight_before: Sight<'_>,
    sight_after: Sight<'_>,
) -> Vec<Difference<'a>> {
    // A rule that finds nothing to judge any more tells that the resource is gone; one that was not evaluated does not.
    if let ([first, ..], []) = (before, after)
        && before.iter().any(|finding| sight_after.evaluated(finding.service, &finding.rule_id))
    {
        let known = || before.iter().filter(|finding| finding.known_since().is_some());
        let details = match known().count() {
            0 => Vec::new(),
            1 => vec!["1 violation with it".to_owned()],
            many => vec![format!("{many} violations with it")],
        };
        let severity = known().map(|finding| finding.severity).max();
        return vec![Difference { kind: Kind::Gone, severity, rule: None, resource: &first.resource, details }];
    }
    let mut by_rule: BTreeMap<&str, (Option<&Finding>, Option<&Finding>)> = BTreeMap::new();
    for finding in before {
        by_rule.entry(&finding.rule_id).or_default().0 = Some(finding);
    }
    for finding in after {
        by_rule.entry(&finding.rule_id).or_default().1 = Some(finding);
    }
    let of_rule = |(rule, (before, after)): (_, (Option<&'a Finding>, Option<&'a Finding>))| {
        let finding = after.or(before)?;
        let (kind, details) = compare(before, after, sight_before.evaluated(finding.service, rule))?;
        let (severity, resource) = (Some(finding.severity), &*finding.resource);
        Some(Difference { kind, severity, rule: Some(rule), resource, details })
    };
    by_rule.into_iter().filter_map(of_rule).collect()
}

/// What differs between two verdicts of a rule on a resource, and in words how; `None` when nothing does that people ask for.
fn compare(before: Option<&Finding>, after: Option<&Finding>, was_evaluated: bool) -> Option<(Kind, Vec<String>)> {
    let observed = |finding: &Finding| finding.evidence.observed.to_string();
    let (before, after) = match (before, after) {
        (Some(before), Some(after)) => (before, after),
        (None, Some(after)) => {
            let kind = if was_evaluated { Kind::New } else { Kind::FirstLookedAt };
            return after.is_open().then(|| (kind, vec![observed(after)]));
        }
        (Some(before), None) => {
            let details = || vec![format!("was {}", before.status), "the scan after did not evaluate it".to_owned()];
            return before.known_since().map(|_| (Kind::NotLookedAt, details()));
        }
        (None, None) => return None,
    };
    match (before.status, after.status) {
        (Status::InsufficientData, Status::InsufficientData) => None,
        (was, Status::InsufficientData) => {
            let why = after.missing.iter().map(ToString::to_string);
            Some((Kind::NotLookedAt, [format!("was {was}")].into_iter().chain(why).collect()))
        }
        (_, Status::Compliant | Status::NotApplicable) if before.known_since().is_some() => Some((
            Kind::Resolved,
            vec![format!("{}: {}", after.status, observed(after)), format!("was: {}", observed(before))],
        )),
        (Status::Compliant | Status::NotApplicable, Status::NonCompliant) if after.is_open() => {
            Some((Kind::New, vec![observed(after)]))
        }
        _ => {
            let details = changes(before, after);
            (!details.is_empty()).then_some((Kind::Changed, details))
        }
    }
}

/// What has changed about a verdict, in words. What a rule observes where nothing is wrong changes every day, and says nothing.
fn changes(before: &Finding, after: &Finding) -> Vec<String> {
    let mut changes = Vec::new();
    let mut differs = |what: &str, was: String, is: String| {
        if was != is {
            changes.push(format!("{what}: {is}; was: {was}"));
        }
    };
    differs("verdict", before.status.to_string(), after.status.to_string());
    if after.status == Status::NonCompliant {
        differs("severity", before.severity.to_string(), after.severity.to_string());
        if before.status == Status::NonCompliant {
            differs("excepted", yes_or_no(before.exception.is_some()), yes_or_no(after.exception.is_some()));
        }
        differs("observed", before.evidence.observed.to_string(), after.evidence.observed.to_string());
    }
    changes
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
