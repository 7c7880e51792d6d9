//! A bucket's access control lists are switched off.

use audit_model::resource::{Bucket, ObjectOwnership};
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-acl-prohibited",
    title: "S3 bucket has access control lists disabled",
    severity: Severity::Medium,
    rationale: "Access control lists on the bucket and on single objects give access that no policy shows, and with \
        them an object can belong to the account that wrote it. Security Hub's S3.12 fails lists that give users \
        access, and AWS advises to disable lists. This rule asks for just that, as Prowler does: enabled lists fail \
        even where they give nobody access.",
    expected: "The Object Ownership setting is BucketOwnerEnforced",
    remediation: "Move what the lists grant, also to log delivery, into the bucket policy, take the grants to others \
        out of the bucket's own list, and set Object Ownership to BucketOwnerEnforced. Look first for clients that \
        send lists with their objects: they are refused unless the list is bucket-owner-full-control.",
    console: "In the Amazon S3 console, open the bucket, choose Permissions, then Edit under Object Ownership, choose \
        ACLs disabled and save.",
    cli: "aws s3api get-bucket-acl --bucket BUCKET\n\
        aws s3api put-bucket-acl --bucket BUCKET --acl private\n\
        aws s3api put-bucket-ownership-controls --bucket BUCKET --ownership-controls \
        'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-ownership-existing-bucket.html",
    parameters: &[],
    references: &[
        fsbp::S3_12,
        nist_800_53_r5::AC_2_1,
        nist_800_53_r5::AC_3,
        nist_800_53_r5::AC_3_7,
        nist_800_53_r5::AC_3_15,
        nist_800_53_r5::AC_6,
    ],
    reads: &["s3:GetBucketOwnershipControls"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(match bucket.object_ownership.known()? {
        Some(ObjectOwnership::BucketOwnerEnforced) => Outcome::compliant("Object Ownership is BucketOwnerEnforced"),
        Some(enabled) => Outcome::non_compliant(format!("Object Ownership is {enabled:?}: access control lists apply")),
        // Buckets made before April 2023 have no such setting unless somebody made one, and their lists apply.
        None => Outcome::non_compliant("Object Ownership is not configured: access control lists apply"),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn only_lists_that_are_switched_off_pass_however_harmless_they_are() {
        let cases = [
            (
                Reading::seen(ObjectOwnership::BucketOwnerEnforced),
                Outcome::compliant("Object Ownership is BucketOwnerEnforced"),
            ),
            (
                Reading::seen(ObjectOwnership::BucketOwnerPreferred),
                Outcome::non_compliant("Object Ownership is BucketOwnerPreferred: access control lists apply"),
            ),
            (
                Reading::seen(ObjectOwnership::ObjectWriter),
                Outcome::non_compliant("Object Ownership is ObjectWriter: access control lists apply"),
            ),
            (Reading::Absent, Outcome::non_compliant("Object Ownership is not configured: access control lists apply")),
        ];
        for (object_ownership, expected) in cases {
            let bucket = Bucket { object_ownership, acl: fixtures::acl("AllUsers", &[]), ..fixtures::good_bucket() };
            assert_eq!(evaluate(&bucket, &fixtures::policy()), Ok(expected));
        }
    }
}
