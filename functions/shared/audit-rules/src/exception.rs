//! Whether an exception of the audit policy speaks of a finding.

use audit_model::PolicyException;

use crate::resource_policy::covers;

/// Whether the exception names the rule and its pattern matches the resource's ARN, whatever its last day.
pub fn speaks_of(exception: &PolicyException, rule_id: &str, arn: &str) -> bool {
    exception.rule == rule_id && covers(&exception.resource, arn)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn rule_and_pattern_must_both_match() {
        let exception = |resource: &str| PolicyException {
            rule: "s3-bucket-versioning-enabled".to_owned(),
            resource: resource.to_owned(),
            reason: "rebuilt every night".to_owned(),
            approver: "Head of data".to_owned(),
            expires: date(2027, 3, 31),
        };
        let cases = [
            ("arn:aws:s3:::scratch-1", "s3-bucket-versioning-enabled", true),
            ("arn:aws:s3:::scratch-?", "s3-bucket-versioning-enabled", true),
            ("arn:aws:s3:::scratch-*", "s3-bucket-versioning-enabled", true),
            ("arn:aws:s3:::scratch", "s3-bucket-versioning-enabled", false),
            ("arn:aws:s3:::scratch-1?", "s3-bucket-versioning-enabled", false),
            ("arn:aws:s3:::scratch-*", "s3-bucket-mfa-delete-enabled", false),
        ];
        for (pattern, rule, expected) in cases {
            assert_eq!(speaks_of(&exception(pattern), rule, "arn:aws:s3:::scratch-1"), expected, "{pattern} {rule}");
        }
    }
}
