//! Whether a resource carries the tags that the audit policy requires.

use audit_model::{Policy, Reading, Tags, Unreadable};

use crate::rule::Outcome;

/// What every rule on tags expects.
pub(crate) const EXPECTED: &str = "Every tag key that the audit policy requires, each with a value";

/// Judges a resource's tags. Tag keys are case-sensitive.
///
/// # Errors
/// The tags could not be read, and some are required.
pub(crate) fn require(tags: &Reading<Tags>, policy: &Policy) -> Result<Outcome, Unreadable> {
    if policy.parameters.required_tags.is_empty() {
        return Ok(Outcome::not_applicable("the audit policy requires no tags"));
    }
    let none = Tags::new();
    let tags = tags.known()?.unwrap_or(&none);
    let mut faults = Vec::new();
    for key in &policy.parameters.required_tags {
        match tags.get(key).map(|value| value.trim()) {
            None => faults.push(format!("{key} is missing")),
            Some("") => faults.push(format!("{key} has no value")),
            Some(_) => {}
        }
    }
    Ok(if faults.is_empty() {
        Outcome::compliant(format!("tagged with {}", policy.parameters.required_tags.join(", ")))
    } else {
        Outcome::non_compliant(faults.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn with(tags: &[(&str, &str)]) -> Reading<Tags> {
        Reading::seen(tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
    }

    #[test]
    fn every_required_tag_needs_a_value() {
        let policy = fixtures::policy_requiring(&["Owner", "CostCenter"]);
        let cases = [
            (
                with(&[("Owner", "a"), ("CostCenter", "1"), ("Name", "n")]),
                Outcome::compliant("tagged with Owner, CostCenter"),
            ),
            (with(&[("Owner", "a")]), Outcome::non_compliant("CostCenter is missing")),
            (
                with(&[("Owner", ""), ("costcenter", "1")]),
                Outcome::non_compliant("Owner has no value, CostCenter is missing"),
            ),
            (with(&[("Owner", " "), ("CostCenter", "1")]), Outcome::non_compliant("Owner has no value")),
            (Reading::Absent, Outcome::non_compliant("Owner is missing, CostCenter is missing")),
        ];
        for (tags, expected) in cases {
            assert_eq!(require(&tags, &policy), Ok(expected));
        }
    }

    #[test]
    fn nothing_is_missed_where_nothing_is_required() {
        let denied = Reading::Unreadable(fixtures::denied("s3:GetBucketTagging"));
        let outcome = require(&denied, &fixtures::policy_requiring(&[]));
        assert!(matches!(outcome, Ok(Outcome::NotApplicable { .. })));
        assert_eq!(require(&denied, &fixtures::policy()), Err(fixtures::denied("s3:GetBucketTagging")));
    }
}
