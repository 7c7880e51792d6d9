//! The exceptions of the audit policy: what each of them covers in one scan.

use audit_model::summary::{ExceptionState, ExceptionUse, Gap};
use audit_model::{ExceptionMark, Finding, Plan, PolicyException, Service, Status};
use audit_rules::speaks_of;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The policy's exceptions, and what was found of each so far.
pub(crate) struct Exceptions {
    today: Date,
    uses: Vec<Use>,
}

struct Use {
    exception: PolicyException,
    judged: u64,
    violations: u64,
    /// Known violations that it speaks of and that could not be looked at.
    unseen: u64,
}

impl Exceptions {
    /// Begins to count. An exception holds, or does not, on the day on which the scan started.
    pub(crate) fn new(plan: &Plan) -> Self {
        let uses = plan.policy.exceptions.iter().cloned();
        Self {
            today: TimeZone::UTC.to_datetime(plan.started_at).date(),
            uses: uses.map(|exception| Use { exception, judged: 0, violations: 0, unseen: 0 }).collect(),
        }
    }

    /// Counts a finding, and gives a known violation the mark of the first exception that covers it, whether it could be
    /// looked at again or not.
    pub(crate) fn mark(&mut self, finding: &mut Finding) {
        let today = self.today;
        let (rule, arn) = (&*finding.rule_id, finding.resource.arn.as_str());
        let mut speaking: Vec<&mut Use> =
            self.uses.iter_mut().filter(|used| speaks_of(&used.exception, rule, arn)).collect();
        let unseen = finding.status == Status::InsufficientData;
        for used in &mut speaking {
            used.judged += 1;
            used.unseen += u64::from(unseen && finding.first_seen.is_some());
        }
        if finding.known_since().is_none() {
            return;
        }
        let in_force = speaking.iter().find(|used| !used.exception.has_expired(today));
        finding.exception = in_force.map(|used| {
            let PolicyException { reason, approver, expires, .. } = used.exception.clone();
            ExceptionMark { reason, approver, expires }
        });
        if unseen {
            return;
        }
        // An expired exception is missed only where no other one covers the violation.
        for used in
            speaking.into_iter().filter(|used| finding.exception.is_none() || !used.exception.has_expired(today))
        {
            used.violations += 1;
        }
    }

    /// What became of each exception.
    pub(crate) fn uses(self, plan: &Plan, gaps: &[Gap]) -> Vec<ExceptionUse> {
        let whole = |rule_id: &str| {
            audit_rules::rule(rule_id).is_some_and(|rule| {
                let service: Service = rule.service();
                let is_looked_at = !plan.is_scoped() && plan.services.contains(&service) && rule.is_on(&plan.policy);
                is_looked_at && gaps.iter().all(|gap| gap.service != service)
            })
        };
        let uses = self.uses.into_iter().map(|Use { exception, judged, violations, unseen }| {
            let looked_at = whole(&exception.rule) && unseen == 0;
            let state = if exception.has_expired(self.today) {
                ExceptionState::Expired
            } else if judged > 0 {
                ExceptionState::InForce
            } else if looked_at {
                ExceptionState::MatchesNothing
            } else {
                ExceptionState::NotLookedAt
            };
            ExceptionUse { exception, state, looked_at, violations }
        });
        uses.collect()
    }
}
