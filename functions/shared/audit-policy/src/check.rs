//! The check of a policy file before it is shipped or scanned by.

use audit_model::Policy;
use audit_rules::{CATALOGUE, Framework};
use jiff::civil::Date;

use crate::{PolicyError, parse};

/// Checks a policy file's text on a day, in UTC, and says in words what it tunes.
///
/// # Errors
/// The first mistake.
pub fn check(text: &str, today: Date) -> Result<String, PolicyError> {
    parse(text, today).map(|policy| in_words(&policy, today))
}

fn in_words(policy: &Policy, today: Date) -> String {
    let on = CATALOGUE.iter().filter(|rule| rule.is_on(policy)).count();
    let off = Framework::ALL.into_iter().filter(|framework| framework.off_under(policy).is_some());
    let off: Vec<String> = off.map(|framework| format!("\n  not switched on: {}", framework.name())).collect();
    let expired: Vec<String> = policy
        .exceptions
        .iter()
        .filter(|exception| exception.has_expired(today))
        .map(|exception| format!("\n  expired on {}: {} for {}", exception.expires, exception.rule, exception.resource))
        .collect();
    format!(
        "The audit policy is right: {on} of {} rules are on, {} exceptions, {} of them expired.{}{}",
        CATALOGUE.len(),
        policy.exceptions.len(),
        expired.len(),
        off.concat(),
        expired.concat()
    )
}
