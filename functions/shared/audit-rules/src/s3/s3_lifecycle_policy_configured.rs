//! A bucket's objects are moved or deleted when their time has come.

use audit_model::resource::{Bucket, LifecycleRule};
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::parameter::LIFECYCLE_EXPIRATION_DAYS;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-lifecycle-policy-configured",
    title: "S3 bucket has an active lifecycle rule",
    severity: Severity::Low,
    rationale: "What nobody deletes stays forever: it costs money, and personal data outlives the time for which it \
        may be kept. A disabled rule does nothing and does not count, as in the AWS Config rule behind Security Hub's \
        S3.13. A rule for some of the objects counts, unless the audit policy asks for an expiration. Amazon S3 does \
        not allow a lifecycle configuration together with MFA delete.",
    expected: "An active lifecycle rule; where the audit policy sets lifecycle_expiration_days, one for all objects that \
        expires them within that time",
    remediation: "Write a lifecycle rule that moves objects to a cheaper storage class or expires them, and enable it. \
        Without versioning, expired objects are gone: agree on prefix and days with the owner of the data. The AWS CLI \
        replaces all rules of the bucket: keep those that are there.",
    console: "In the Amazon S3 console, open the bucket, choose Management, then Create lifecycle rule, choose its \
        scope and actions, and save it as Enabled.",
    cli: "aws s3api get-bucket-lifecycle-configuration --bucket BUCKET\n\
        aws s3api put-bucket-lifecycle-configuration --bucket BUCKET --lifecycle-configuration \
        '{\"Rules\":[{\"ID\":\"expire\",\"Status\":\"Enabled\",\"Filter\":{\"Prefix\":\"PREFIX\"},\
        \"Expiration\":{\"Days\":DAYS}}]}'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html",
    parameters: &[LIFECYCLE_EXPIRATION_DAYS],
    references: &[
        fsbp::S3_13,
        nist_800_53_r5::CP_6_2,
        nist_800_53_r5::CP_9,
        nist_800_53_r5::CP_10,
        nist_800_53_r5::SC_5_2,
        nist_800_53_r5::SI_13_5,
    ],
    reads: &["s3:GetLifecycleConfiguration"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, policy: &Policy) -> Result<Outcome, Unreadable> {
    let rules = bucket.lifecycle.known()?.into_iter().flatten();
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
    use audit_model::Reading;

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
            let bucket = Bucket { lifecycle: Reading::seen(rules), ..fixtures::good_bucket() };
            let outcome = evaluate(&bucket, &policy).unwrap();
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{:?} {limit:?}", bucket.lifecycle);
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes, "{:?} {limit:?}", bucket.lifecycle);
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
            let bucket = Bucket { lifecycle: Reading::seen(rules), ..fixtures::good_bucket() };
            let outcome = evaluate(&bucket, &policy).unwrap();
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{outcome:?} {limit:?}");
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes, "{outcome:?} {limit:?}");
        }
    }

    #[test]
    fn no_configuration_fails() {
        let bucket = Bucket { lifecycle: Reading::Absent, ..fixtures::good_bucket() };
        let outcome = evaluate(&bucket, &fixtures::policy());
        assert_eq!(outcome, Ok(Outcome::non_compliant("there is no active lifecycle rule")));
    }
}
