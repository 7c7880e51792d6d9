//! A bucket can keep objects from being deleted or overwritten.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{nist_800_53_r5, pci_dss_4_0_1, security_hub};
use crate::parameter::OBJECT_LOCK_RETENTION_DAYS;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-object-lock-enabled",
    title: "S3 bucket has Object Lock enabled",
    severity: Severity::Medium,
    rationale: "Records that must be kept can be deleted or overwritten, by mistake, by ransomware or by an insider, \
        unless they are locked. Security Hub's S3.15 asks for Object Lock and can ask for a mode; here the audit \
        policy can ask for a period. A bucket that receives server access logs must have no default retention: give it \
        an exception where a period is asked for.",
    expected: "Object Lock is enabled, with a default retention of at least the audit policy's \
        object_lock_retention_days, if that is set",
    remediation: "Enable versioning and Object Lock, and set a default retention in days or years. Object Lock cannot \
        be disabled again, and nobody, the root user included, can delete what the mode COMPLIANCE keeps: try the mode \
        GOVERNANCE first. Objects that are already stored stay unlocked.",
    console: "In the Amazon S3 console, open the bucket, choose Properties, then Edit under Object Lock, choose \
        Enable, acknowledge, and enable Default retention with a mode and a period.",
    cli: "aws s3api put-bucket-versioning --bucket BUCKET --versioning-configuration Status=Enabled\n\
        aws s3api put-object-lock-configuration --bucket BUCKET --object-lock-configuration \
        'ObjectLockEnabled=Enabled,Rule={DefaultRetention={Mode=MODE,Days=DAYS}}'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html",
    parameters: &[OBJECT_LOCK_RETENTION_DAYS],
    references: &[security_hub::S3_15, pci_dss_4_0_1::R10_5_1, nist_800_53_r5::CP_6_2],
    reads: &["s3:GetBucketObjectLockConfiguration"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, policy: &Policy) -> Result<Outcome, Unreadable> {
    let Some(lock) = bucket.object_lock.known()? else {
        return Ok(Outcome::non_compliant("Object Lock is not enabled"));
    };
    let observed = lock.default_retention.as_ref().map_or_else(
        || "Object Lock is enabled without a default retention".to_owned(),
        |retention| format!("Object Lock keeps new objects for {} days in {} mode", retention.days, retention.mode),
    );
    let kept_for = lock.default_retention.as_ref().map(|retention| retention.days);
    let long_enough = match policy.parameters.object_lock_retention_days {
        None => true,
        Some(required) => kept_for.is_some_and(|days| days >= i32::from(required)),
    };
    Ok(if long_enough { Outcome::compliant(observed) } else { Outcome::non_compliant(observed) })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::ObjectLock;

    use super::*;
    use crate::fixtures;

    #[test]
    fn the_default_retention_must_be_as_long_as_the_policy_asks_for() {
        let without_retention = Reading::seen(ObjectLock { default_retention: None });
        // (Object Lock, the days that the policy asks for, whether it passes)
        let cases = [
            (without_retention.clone(), None, true),
            (without_retention, Some(1), false),
            (fixtures::object_lock("COMPLIANCE", 30), None, true),
            (fixtures::object_lock("COMPLIANCE", 30), Some(30), true),
            (fixtures::object_lock("GOVERNANCE", 30), Some(30), true),
            (fixtures::object_lock("COMPLIANCE", 30), Some(31), false),
            (fixtures::object_lock("COMPLIANCE", 7 * 365), Some(2555), true),
            (Reading::Absent, None, false),
            (Reading::Absent, Some(30), false),
        ];
        for (object_lock, required, passes) in cases {
            let mut policy = fixtures::policy();
            policy.parameters.object_lock_retention_days = required;
            let bucket = Bucket { object_lock, ..fixtures::good_bucket() };
            let outcome = evaluate(&bucket, &policy).unwrap();
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{required:?} {outcome:?}");
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes, "{required:?} {outcome:?}");
        }
    }
}
