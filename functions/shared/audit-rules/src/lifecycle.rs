//! Whether a lifecycle rule is active that does what the audit policy asks for: of a general purpose or a directory bucket.

use audit_model::resource::LifecycleRule;
use audit_model::{Policy, Reading, Unreadable};

use crate::rule::Outcome;

/// What every rule on a lifecycle expects.
pub(crate) const EXPECTED: &str = "An active lifecycle rule; where the audit policy sets lifecycle_expiration_days, one \
    for all objects that expires them within that time";

/// Demands an active rule, of whatever kind; where the policy names days, one that expires all objects within them.
///
/// # Errors
/// The lifecycle could not be read.
pub(crate) fn require_active(lifecycle: &Reading<Vec<LifecycleRule>>, policy: &Policy) -> Result<Outcome, Unreadable> {
    let rules = lifecycle.known()?.into_iter().flatten();
    let active: Vec<&LifecycleRule> = rules.filter(|rule| rule.enabled).collect();
    if active.is_empty() {
        return Ok(Outcome::non_compliant("there is no active lifecycle rule"));
    }
    let Some(limit) = policy.parameters.lifecycle_expiration_days else {
        return Ok(Outcome::compliant(format!("active lifecycle rules: {}", active.len())));
    };
    // What a rule for some of the objects does to these, the others outlive.
    let for_all = active.iter().filter(|rule| rule.whole_bucket);
    Ok(match for_all.filter_map(|rule| rule.expiration_days).min() {
        None => Outcome::non_compliant("no active lifecycle rule expires all objects after a number of days"),
        Some(days) => {
            let observed = format!("the earliest active lifecycle rule for all objects expires them after {days} days");
            if days <= i32::from(limit) { Outcome::compliant(observed) } else { Outcome::non_compliant(observed) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn an_active_rule_must_expire_objects_as_early_as_the_policy_asks_for() {
        // (each rule's state and expiration, the days that the policy asks for, whether it passes)
        let cases = [
            (vec![(true, None)], None, true),
            (vec![(true, Some(3650))], None, true),
            (vec![(false, Some(30)), (true, None)], None, true),
            (vec![(false, Some(30))], None, false),
            (vec![], None, false),
            (vec![(true, Some(365))], Some(365), true),
            (vec![(true, Some(30))], Some(365), true),
            (vec![(true, Some(366))], Some(365), false),
            (vec![(true, Some(366)), (true, Some(90))], Some(365), true),
            (vec![(true, Some(366)), (false, Some(90))], Some(365), false),
            (vec![(true, None)], Some(365), false),
            (vec![], Some(365), false),
        ];
        for (rules, limit, passes) in cases {
            let mut policy = fixtures::policy();
            policy.parameters.lifecycle_expiration_days = limit;
            let rules = rules.into_iter().map(|(enabled, days)| fixtures::lifecycle_rule(enabled, days)).collect();
            let lifecycle = Reading::seen(rules);
            let outcome = require_active(&lifecycle, &policy).unwrap();
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{lifecycle:?} {limit:?}");
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes, "{lifecycle:?} {limit:?}");
        }
    }

    #[test]
    fn an_expiration_of_some_objects_counts_only_where_the_policy_asks_for_no_days() {
        let all = |days| fixtures::lifecycle_rule(true, days);
        let some = |days| LifecycleRule { whole_bucket: false, ..all(days) };
        // (the rules, the days that the policy asks for, whether it passes)
        let cases = [
            (vec![some(Some(30))], None, true),
            (vec![some(Some(30))], Some(365), false),
            (vec![some(Some(30)), all(None)], Some(365), false),
            (vec![some(Some(30)), all(Some(366))], Some(365), false),
            (vec![some(Some(366)), all(Some(365))], Some(365), true),
        ];
        for (rules, limit, passes) in cases {
            let mut policy = fixtures::policy();
            policy.parameters.lifecycle_expiration_days = limit;
            let outcome = require_active(&Reading::seen(rules), &policy).unwrap();
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{outcome:?} {limit:?}");
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes, "{outcome:?} {limit:?}");
        }
    }

    #[test]
    fn what_is_not_configured_fails_and_what_is_not_readable_does_neither() {
        let policy = fixtures::policy();
        let none = Outcome::non_compliant("there is no active lifecycle rule");
        assert_eq!(require_active(&Reading::Absent, &policy), Ok(none));
        let action = "s3:GetLifecycleConfiguration";
        assert_eq!(require_active(&fixtures::unreadable(action), &policy), Err(fixtures::denied(action)));
    }
}
