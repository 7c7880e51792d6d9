//! Nobody from the public reads a bucket.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::bucket_access::{Access, prohibit};
use crate::rule::{Check, Outcome, Rule, fsbp, nist_r5};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-public-read-prohibited",
    title: "S3 bucket does not allow public read access",
    severity: Severity::Critical,
    rationale: "Anyone on the internet, or anyone with an AWS account, can list or download what a publicly readable \
        bucket holds. Open buckets are searched for and emptied by machines.",
    expected: "Neither the bucket policy nor the access control list lets the public read, or block public access \
        settings keep the public out",
    remediation: "Switch on all four block public access settings of the bucket, better of the account. Where content is \
        meant to be public, serve it through Amazon CloudFront with origin access control and keep the bucket \
        closed.",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    references: &[
        fsbp("S3.2"),
        nist_r5("AC-3"),
        nist_r5("AC-3(7)"),
        nist_r5("AC-4"),
        nist_r5("AC-4(21)"),
        nist_r5("AC-6"),
        nist_r5("AC-21"),
        nist_r5("SC-7"),
        nist_r5("SC-7(3)"),
        nist_r5("SC-7(4)"),
        nist_r5("SC-7(9)"),
        nist_r5("SC-7(11)"),
        nist_r5("SC-7(16)"),
        nist_r5("SC-7(20)"),
        nist_r5("SC-7(21)"),
    ],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(prohibit(Access::Read, bucket))
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::{BucketAcl, ObjectOwnership, PublicAccessBlock};

    use super::*;
    use crate::fixtures;

    const MATTERS: &str =
        r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::ledger/*"}"#;
    const DOES_NOT: &str =
        r#"{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::ledger/*"}"#;
    const TEAM: &str = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}"#;

    fn judge(bucket: &Bucket) -> &'static str {
        match evaluate(bucket, &fixtures::policy()).unwrap() {
            Outcome::Compliant { .. } => "pass",
            Outcome::NonCompliant { .. } => "violation",
            Outcome::NotApplicable { .. } => "not applicable",
            Outcome::InsufficientData { missing } => {
                assert!(!missing.is_empty());
                "no verdict"
            }
        }
    }

    fn with_policy(statement: &str, is_public: Reading<bool>) -> Bucket {
        Bucket { policy: fixtures::policy_text(&[statement]), policy_is_public: is_public, ..fixtures::good_bucket() }
    }

    fn with_acl(acl: Reading<BucketAcl>) -> Bucket {
        Bucket { acl, ..fixtures::good_bucket() }
    }

    fn denied<T>(action: &str) -> Reading<T> {
        Reading::Unreadable(fixtures::denied(action))
    }

    #[test]
    fn the_bucket_policy_decides_with_what_s3_calls_public() {
        let status = || denied("s3:GetBucketPolicyStatus");
        let cases = [
            (MATTERS, Reading::seen(true), "violation"),
            (MATTERS, status(), "violation"),
            (MATTERS, Reading::seen(false), "pass"),
            (DOES_NOT, Reading::seen(true), "pass"),
            (DOES_NOT, status(), "pass"),
            (TEAM, Reading::seen(false), "pass"),
            (TEAM, Reading::seen(true), "violation"),
            (TEAM, status(), "no verdict"),
            (fixtures::TLS_ONLY, Reading::seen(false), "pass"),
            // S3 sees something public that was not found here: somebody is wrong, and nobody knows who.
            (fixtures::TLS_ONLY, Reading::seen(true), "no verdict"),
            ("nonsense", Reading::seen(true), "no verdict"),
            ("nonsense", Reading::seen(false), "pass"),
        ];
        for (statement, is_public, expected) in cases {
            assert_eq!(judge(&with_policy(statement, is_public.clone())), expected, "{statement} {is_public:?}");
        }
        let none = Bucket { policy: Reading::Absent, policy_is_public: Reading::Absent, ..fixtures::good_bucket() };
        assert_eq!(judge(&none), "pass");
    }

    #[test]
    fn grants_to_the_predefined_groups_are_public() {
        let cases = [
            ("AllUsers", "READ", "violation"),
            ("AuthenticatedUsers", "READ", "violation"),
            ("AllUsers", "READ_ACP", "violation"),
            ("AllUsers", "WRITE", "pass"),
            ("AllUsers", "WRITE_ACP", "pass"),
            ("AllUsers", "FULL_CONTROL", "violation"),
            ("AuthenticatedUsers", "FULL_CONTROL", "violation"),
            ("LogDelivery", "FULL_CONTROL", "pass"),
            ("AllUsers", "SOMETHING_NEW", "no verdict"),
        ];
        for (group, permission, expected) in cases {
            assert_eq!(judge(&with_acl(fixtures::acl(group, &[permission]))), expected, "{group} {permission}");
        }
    }

    #[test]
    fn one_setting_that_closes_is_enough_whatever_else_is_unreadable() {
        let on = || fixtures::public_access_block(true);
        let dark = fixtures::unreadable_bucket();
        let open = fixtures::bad_bucket();
        for bucket in [open, dark] {
            let by_bucket = Bucket { public_access_block: on(), ..bucket.clone() };
            let by_account = Bucket { account_public_access_block: on(), ..bucket.clone() };
            assert_eq!(judge(&by_bucket), "pass");
            assert_eq!(judge(&by_account), "pass");
        }
    }

    #[test]
    fn each_setting_closes_its_own_way_only() {
        let off = PublicAccessBlock {
            block_public_acls: true,
            ignore_public_acls: false,
            block_public_policy: true,
            restrict_public_buckets: false,
        };
        let by_policy = with_policy(MATTERS, Reading::seen(true));
        let by_acl = with_acl(fixtures::acl("AllUsers", &["FULL_CONTROL"]));
        let cases = [
            (off, "violation", "violation"),
            (PublicAccessBlock { ignore_public_acls: true, ..off }, "violation", "pass"),
            (PublicAccessBlock { restrict_public_buckets: true, ..off }, "pass", "violation"),
        ];
        for (block, policy_verdict, acl_verdict) in cases {
            let block = || Reading::seen(block);
            assert_eq!(judge(&Bucket { public_access_block: block(), ..by_policy.clone() }), policy_verdict);
            assert_eq!(judge(&Bucket { public_access_block: block(), ..by_acl.clone() }), acl_verdict);
        }
        let enforced = Reading::seen(ObjectOwnership::BucketOwnerEnforced);
        assert_eq!(judge(&Bucket { object_ownership: enforced.clone(), ..by_acl }), "pass");
        assert_eq!(judge(&Bucket { object_ownership: enforced, ..by_policy }), "violation");
    }

    #[test]
    fn a_setting_that_cannot_be_read_matters_only_where_it_could_close() {
        let block = || denied("s3:GetBucketPublicAccessBlock");
        let closed = Bucket { public_access_block: block(), ..fixtures::good_bucket() };
        assert_eq!(judge(&closed), "pass");
        let open = Bucket { public_access_block: block(), ..with_policy(MATTERS, Reading::seen(true)) };
        assert_eq!(judge(&open), "no verdict");
        let ownership = denied("s3:GetBucketOwnershipControls");
        let by_acl = with_acl(fixtures::acl("AllUsers", &["FULL_CONTROL"]));
        assert_eq!(judge(&Bucket { object_ownership: ownership.clone(), ..by_acl }), "no verdict");
        // The policy is open for certain, so that the verdict does not hang on the access control list.
        let by_policy = with_policy(MATTERS, Reading::seen(true));
        assert_eq!(
            judge(&Bucket { object_ownership: ownership, acl: denied("s3:GetBucketAcl"), ..by_policy }),
            "violation"
        );
    }
}
