//! The versions that a bucket keeps are not kept forever.

use audit_model::resource::{Bucket, VersioningStatus};
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{nist_800_53_r5, security_hub};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-version-lifecycle-policy-configured",
    title: "S3 bucket with versioning has an active lifecycle rule",
    severity: Severity::Medium,
    rationale: "With versioning, overwriting and deleting free nothing: old versions pile up unseen, cost money, and \
        hold data that was meant to be gone. Any active rule passes, as AWS does not say of Security Hub's S3.10 what \
        the rule must do; a disabled rule does nothing and does not count. AWS asks this of buckets with versioning \
        enabled; versions that a suspended bucket still holds are left to s3-lifecycle-policy-configured.",
    expected: "An active lifecycle rule",
    remediation: "Write a lifecycle rule that expires noncurrent versions after the time for which they must be kept, \
        and enable it: expired versions are gone. The AWS CLI replaces all rules of the bucket: keep those that are \
        there.",
    console: "In the Amazon S3 console, open the bucket, choose Management, then Create lifecycle rule, select \
        Permanently delete noncurrent versions of objects with a number of days, and save it as Enabled.",
    cli: "aws s3api get-bucket-lifecycle-configuration --bucket BUCKET\n\
        aws s3api put-bucket-lifecycle-configuration --bucket BUCKET --lifecycle-configuration \
        '{\"Rules\":[{\"ID\":\"expire-noncurrent\",\"Status\":\"Enabled\",\"Filter\":{},\
        \"NoncurrentVersionExpiration\":{\"NoncurrentDays\":DAYS}}]}'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html",
    parameters: &[],
    references: &[
        security_hub::S3_10,
        nist_800_53_r5::CP_6_2,
        nist_800_53_r5::CP_9,
        nist_800_53_r5::CP_10,
        nist_800_53_r5::SC_5_2,
        nist_800_53_r5::SI_13_5,
    ],
    reads: &["s3:GetBucketVersioning", "s3:GetLifecycleConfiguration"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    match bucket.versioning.known()?.map(|versioning| versioning.status) {
        None => return Ok(Outcome::not_applicable("versioning was never switched on")),
        Some(VersioningStatus::Suspended) => return Ok(Outcome::not_applicable("versioning is Suspended")),
        Some(VersioningStatus::Enabled) => {}
    }
    let active = bucket.lifecycle.known()?.into_iter().flatten().filter(|rule| rule.enabled).count();
    Ok(if active > 0 {
        Outcome::compliant(format!("versioning is Enabled; active lifecycle rules: {active}"))
    } else {
        Outcome::non_compliant("versioning is Enabled, and there is no active lifecycle rule")
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::VersioningStatus::{Enabled, Suspended};

    use super::*;
    use crate::fixtures;

    #[test]
    fn where_versioning_is_enabled_a_rule_must_be_active() {
        let rules = |states: &[bool]| {
            Reading::seen(states.iter().map(|enabled| fixtures::lifecycle_rule(*enabled, None)).collect())
        };
        let enabled = || fixtures::versioning(Enabled, false);
        let suspended = || fixtures::versioning(Suspended, false);
        let none_active = Outcome::non_compliant("versioning is Enabled, and there is no active lifecycle rule");
        let cases = [
            (enabled(), rules(&[true]), Outcome::compliant("versioning is Enabled; active lifecycle rules: 1")),
            (enabled(), rules(&[false, true]), Outcome::compliant("versioning is Enabled; active lifecycle rules: 1")),
            (enabled(), rules(&[false]), none_active.clone()),
            (enabled(), rules(&[]), none_active.clone()),
            (enabled(), Reading::Absent, none_active),
            (suspended(), Reading::Absent, Outcome::not_applicable("versioning is Suspended")),
            (suspended(), rules(&[true]), Outcome::not_applicable("versioning is Suspended")),
            (Reading::Absent, Reading::Absent, Outcome::not_applicable("versioning was never switched on")),
        ];
        for (versioning, lifecycle, expected) in cases {
            let bucket = Bucket { versioning, lifecycle, ..fixtures::good_bucket() };
            assert_eq!(evaluate(&bucket, &fixtures::policy()), Ok(expected), "{bucket:?}");
        }
    }

    #[test]
    fn the_lifecycle_counts_only_where_versioning_is_enabled() {
        for (status, decided) in [(Enabled, false), (Suspended, true)] {
            let bucket = Bucket {
                versioning: fixtures::versioning(status, false),
                lifecycle: fixtures::unreadable("s3:GetLifecycleConfiguration"),
                ..fixtures::good_bucket()
            };
            assert_eq!(evaluate(&bucket, &fixtures::policy()).is_ok(), decided, "{status:?}");
        }
    }
}
