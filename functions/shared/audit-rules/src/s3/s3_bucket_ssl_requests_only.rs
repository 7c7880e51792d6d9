//! A bucket policy denies requests that do not come over TLS.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0, fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::resource_policy::{Comparison, Condition, Effect, PolicyDocument, Reach, Share, Statement};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-ssl-requests-only",
    title: "S3 bucket requires requests to use TLS",
    severity: Severity::Medium,
    rationale: "Requests over plain HTTP can be read and changed by anyone on the way between client and Amazon S3.",
    expected: "The bucket policy denies s3:* on the bucket and its objects to everybody when aws:SecureTransport is \
        false",
    remediation: "Add a statement to the bucket policy: Effect Deny, Principal *, Action s3:*, Resource the ARN of the \
        bucket and the same with /* behind it, Condition Bool aws:SecureTransport false. The AWS CLI replaces the \
        whole policy: keep its other statements; where there is no policy yet, get-bucket-policy fails. Website \
        endpoints of Amazon S3 speak HTTP only: serve such a bucket through Amazon CloudFront.",
    console: "In the Amazon S3 console, open the bucket, choose Permissions, then Edit under Bucket policy, add the \
        statement and save.",
    cli: "aws s3api get-bucket-policy --bucket BUCKET --query Policy --output text > policy.json\n\
        aws s3api put-bucket-policy --bucket BUCKET --policy file://policy.json",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html",
    parameters: &[],
    references: &[
        fsbp::S3_5,
        cis_5_0::C2_1_1,
        cis_3_0::C2_1_1,
        pci_dss_4_0_1::R4_2_1,
        nist_800_53_r5::AC_4,
        nist_800_53_r5::AC_17_2,
        nist_800_53_r5::IA_5_1,
        nist_800_53_r5::SC_7_4,
        nist_800_53_r5::SC_8,
        nist_800_53_r5::SC_8_1,
        nist_800_53_r5::SC_8_2,
        nist_800_53_r5::SC_12_3,
        nist_800_53_r5::SC_13,
        nist_800_53_r5::SC_23,
        nist_800_53_r5::SC_23_3,
        nist_800_53_r5::SI_7_6,
    ],
    reads: &["s3:GetBucketPolicy"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let Some(text) = bucket.policy.known()? else {
        return Ok(Outcome::non_compliant("there is no bucket policy"));
    };
    let document = PolicyDocument::parse(text, "s3:GetBucketPolicy")?;
    let denials: Vec<(String, &Statement)> =
        document.statements(Effect::Deny).filter(|(_, deny)| denies_everything_without_tls(deny)).collect();
    let names: Vec<&str> = denials.iter().map(|(name, _)| name.as_str()).collect();
    let arn = &bucket.identity.arn;
    let covers = |share: Share| denials.iter().any(|(_, deny)| deny.resources.reach(&share) == Reach::Whole);
    let covers_bucket = covers(Share::resources(arn));
    let covers_objects = covers(Share::resources(&format!("{arn}/?*")));
    Ok(match (names.is_empty(), covers_bucket, covers_objects) {
        (true, _, _) => {
            Outcome::non_compliant("no statement denies s3:* to everybody on the sole condition that TLS is missing")
        }
        (_, true, true) => Outcome::compliant(format!("{} denies requests without TLS", names.join(" and "))),
        (_, false, true) => Outcome::non_compliant("requests without TLS are denied on the objects only"),
        (_, true, false) => Outcome::non_compliant("requests without TLS are denied on the bucket itself only"),
        (_, false, false) => {
            Outcome::non_compliant("requests without TLS are denied neither on the bucket nor on all of its objects")
        }
    })
}

fn denies_everything_without_tls(deny: &Statement) -> bool {
    let everything = deny.actions.reach(&Share::actions("s3:?*")) == Reach::Whole;
    let [only] = deny.conditions.as_slice() else { return false };
    deny.principals.are_everyone() && everything && without_tls(only)
}

/// `IfExists` changes nothing: every request says whether it came over TLS.
fn without_tls(condition: &Condition) -> bool {
    condition.key == "aws:securetransport"
        && condition.operator.comparison == Comparison::Bool
        && condition.values.iter().any(|value| value.written.eq_ignore_ascii_case("false"))
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    fn judge(statements: &[&str]) -> Result<Outcome, Unreadable> {
        let bucket = Bucket { policy: fixtures::policy_text(statements), ..fixtures::good_bucket() };
        evaluate(&bucket, &fixtures::policy())
    }

    fn deny(principal: &str, action: &str, resource: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect":"Deny","Principal":{principal},"Action":{action},"Resource":{resource},
                "Condition":{condition}}}"#
        )
    }

    const BOTH: &str = r#"["arn:aws:s3:::ledger","arn:aws:s3:::ledger/*"]"#;
    const NO_TLS: &str = r#"{"Bool":{"aws:SecureTransport":"false"}}"#;

    #[test]
    fn a_denial_without_gaps_passes() {
        let passes = [
            deny(r#""*""#, r#""s3:*""#, BOTH, NO_TLS),
            deny(r#"{"AWS":"*"}"#, r#"["*"]"#, r#""*""#, NO_TLS),
            deny(r#""*""#, r#""s3:*""#, r#""arn:aws:s3:::ledger*""#, NO_TLS),
            deny(r#""*""#, r#""S3:*""#, BOTH, r#"{"BoolIfExists":{"AWS:SecureTransport":[false]}}"#),
            deny(r#""*""#, r#""iam:*""#, r#""arn:aws:s3:::other""#, NO_TLS)
                .replace("Action", "NotAction")
                .replace("Resource", "NotResource"),
        ];
        for statement in passes {
            assert!(matches!(judge(&[&statement]), Ok(Outcome::Compliant { .. })), "{statement}");
        }
        let bucket = deny(r#""*""#, r#""s3:*""#, r#""arn:aws:s3:::ledger""#, NO_TLS);
        let objects = deny(r#""*""#, r#""s3:*""#, r#""arn:aws:s3:::ledger/*""#, NO_TLS);
        assert!(matches!(judge(&[&bucket, &objects]), Ok(Outcome::Compliant { .. })));
    }

    #[test]
    fn a_denial_with_a_gap_fails() {
        let fails = [
            deny(r#""*""#, r#""s3:*""#, r#""arn:aws:s3:::ledger/*""#, NO_TLS),
            deny(r#""*""#, r#""s3:*""#, r#""arn:aws:s3:::ledger""#, NO_TLS),
            deny(r#""*""#, r#""s3:*""#, r#"["arn:aws:s3:::ledger","arn:aws:s3:::ledger/public/*"]"#, NO_TLS),
            deny(r#""*""#, r#""s3:*""#, r#"["arn:aws:s3:::other","arn:aws:s3:::other/*"]"#, NO_TLS),
            deny(r#""*""#, r#""s3:*""#, r#"["arn:aws:s3:::ledger","arn:aws:s3:::ledger/${aws:username}"]"#, NO_TLS),
            deny(r#""*""#, r#"["s3:GetObject","s3:PutObject"]"#, BOTH, NO_TLS),
            deny(r#""*""#, r#""s3:Get*""#, BOTH, NO_TLS),
            deny(r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, r#""s3:*""#, BOTH, NO_TLS),
            deny(r#""*""#, r#""s3:*""#, BOTH, r#"{"Bool":{"aws:SecureTransport":"true"}}"#),
            deny(r#""*""#, r#""s3:*""#, BOTH, r#"{"NumericLessThan":{"s3:TlsVersion":"1.2"}}"#),
            deny(
                r#""*""#,
                r#""s3:*""#,
                BOTH,
                r#"{"Bool":{"aws:SecureTransport":"false"},"StringEquals":{"aws:PrincipalOrgID":"o-a1"}}"#,
            ),
            deny(r#""*""#, r#""s3:*""#, BOTH, NO_TLS).replace("Deny", "Allow"),
            deny(r#""*""#, r#""s3:*""#, BOTH, NO_TLS).replace("Principal", "NotPrincipal"),
            deny(r#""*""#, r#""s3:*""#, BOTH, NO_TLS).replace("Resource", "NotResource"),
        ];
        for statement in fails {
            assert!(matches!(judge(&[&statement]), Ok(Outcome::NonCompliant { .. })), "{statement}");
        }
        let none = Bucket { policy: Reading::Absent, ..fixtures::good_bucket() };
        let outcome = evaluate(&none, &fixtures::policy());
        assert_eq!(outcome, Ok(Outcome::non_compliant("there is no bucket policy")));
    }

    #[test]
    fn a_policy_that_cannot_be_understood_gives_no_verdict() {
        assert!(judge(&["nonsense"]).is_err());
    }
}
