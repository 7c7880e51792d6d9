//! No other account may change who reaches a bucket, or how it is encrypted.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::parameter::TRUSTED_ORGANIZATIONS;
use crate::resource_policy::{ActionKind, Outsider, PolicyDocument, Question, audience, organization_not_known};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-policy-grantee-restricted",
    title: "S3 bucket policy keeps other accounts from changing access and encryption",
    severity: Severity::High,
    rationale: "Whoever may change a bucket's policy, access control lists or encryption can give its data to anybody, \
        or lock its owner out. Security Hub's S3.6 names five such actions, and so does this rule, which heeds \
        conditions and denials; Prowler's check looks for any access by another account. The accounts of an \
        organization that the audit policy trusts are no others here, and what comes in through the account's own \
        access points is let in by their policies.",
    expected: "The bucket policy allows no principal of another account s3:DeleteBucketPolicy, s3:PutBucketAcl, \
        s3:PutBucketPolicy, s3:PutEncryptionConfiguration or s3:PutObjectAcl",
    remediation: "Remove these actions, and wildcards that include them, such as s3:* and s3:Put*, from the statements \
        that let in other accounts, and grant the actions that are needed one by one. The AWS CLI replaces the whole \
        policy: keep its other statements.",
    console: "In the Amazon S3 console, open the bucket, choose Permissions, then Edit under Bucket policy, replace \
        the wildcards in statements for other accounts by the actions that are needed, and save.",
    cli: "aws s3api get-bucket-policy --bucket BUCKET --query Policy --output text > policy.json\n\
        aws s3api put-bucket-policy --bucket BUCKET --policy file://policy.json",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html",
    parameters: &[TRUSTED_ORGANIZATIONS],
    references: &[fsbp::S3_6, nist_800_53_r5::CA_9_1, nist_800_53_r5::CM_2],
    reads: &["s3:GetBucketPolicy"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

/// The actions that [control S3.6][page] denies to other accounts.
///
/// [page]: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-6
const SENSITIVE: ActionKind = ActionKind::of(&[
    "s3:deletebucketpolicy",
    "s3:putbucketacl",
    "s3:putbucketpolicy",
    "s3:putencryptionconfiguration",
    "s3:putobjectacl",
]);

const ACTION: &str = "s3:GetBucketPolicy";

fn evaluate(bucket: &Bucket, policy: &Policy) -> Result<Outcome, Unreadable> {
    let Some(text) = bucket.policy.known()? else {
        return Ok(Outcome::compliant("there is no bucket policy"));
    };
    let document = PolicyDocument::parse(text, ACTION)?.trusting(&policy.parameters.trusted_organizations);
    let arn = &bucket.identity.arn;
    let question = Question { actions: SENSITIVE, resources: &[arn.clone(), format!("{arn}/?*")] };
    let audience = audience(&document, &bucket.identity.account, &question);
    let mut missing = audience.missing(ACTION);
    for (outsider, statement) in &audience.outsiders {
        match outsider {
            Outsider::Organization(organization) if organization.is_trusted => {}
            Outsider::Organization(_) if policy.parameters.trusted_organizations.is_empty() => {
                missing.push(Unreadable::undecidable(ACTION, organization_not_known(statement, outsider)));
            }
            Outsider::Anyone | Outsider::Account(_) | Outsider::Organization(_) | Outsider::AccessPointsOf(_) => {
                return Ok(Outcome::non_compliant(format!("{statement} of the bucket policy lets in {outsider}")));
            }
            // A service is no principal of another account.
            Outsider::Service(_) | Outsider::Services => {}
            Outsider::Other(_) => missing.push(Unreadable::undecidable(
                ACTION,
                format!("{statement} lets in {outsider}, and whether that is another account is not known"),
            )),
        }
    }
    Ok(if missing.is_empty() {
        Outcome::compliant("the bucket policy gives other accounts none of these actions")
    } else {
        Outcome::insufficient_data(missing)
    })
}

#[cfg(test)]
mod tests {
    use audit_model::{Reading, Status};

    use super::*;
    use crate::fixtures;

    fn judge(policy: Reading<String>) -> Status {
        let bucket = Bucket { policy, ..fixtures::good_bucket() };
        fixtures::status(&evaluate(&bucket, &fixtures::policy()))
    }

    fn statement(effect: &str, principal: &str, action: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect":"{effect}","Principal":{principal},"Action":"{action}",
                "Resource":["arn:aws:s3:::ledger","arn:aws:s3:::ledger/*"],"Condition":{condition}}}"#
        )
    }

    #[test]
    fn other_accounts_must_not_change_access_or_encryption() {
        let other = r#"{"AWS":"arn:aws:iam::777788889999:root"}"#;
        let own = r#"{"AWS":"arn:aws:iam::111122223333:role/admin"}"#;
        let organization = r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#;
        let own_account = r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#;
        let other_organization = r#"{"StringEquals":{"aws:PrincipalOrgID":"o-z9y8x7w6v5"}}"#;
        let source_organization = r#"{"StringEquals":{"aws:SourceOrgID":"o-z9y8x7w6v5"}}"#;
        // As the page on access points has it.
        // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html#access-points-delegating-control>
        let own_access_points = r#"{"StringEquals":{"s3:DataAccessPointAccount":"111122223333"}}"#;
        let other_access_points = r#"{"StringEquals":{"s3:DataAccessPointAccount":"777788889999"}}"#;
        let network = r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#;
        let any_service = r#"{"Bool":{"aws:PrincipalIsAWSService":"true"}}"#;
        let service = r#"{"Service":"cloudtrail.amazonaws.com"}"#;
        let cases = [
            (other, "s3:DeleteBucketPolicy", "{}", Status::NonCompliant),
            (other, "s3:PutBucketAcl", "{}", Status::NonCompliant),
            (other, "s3:PutBucketPolicy", "{}", Status::NonCompliant),
            (other, "s3:PutEncryptionConfiguration", "{}", Status::NonCompliant),
            (other, "s3:PutObjectAcl", "{}", Status::NonCompliant),
            (other, "s3:Put*", "{}", Status::NonCompliant),
            (other, "*", "{}", Status::NonCompliant),
            (other, "s3:PutObject", "{}", Status::Compliant),
            (other, "s3:Get*", "{}", Status::Compliant),
            (own, "s3:*", "{}", Status::Compliant),
            (r#""*""#, "s3:PutBucketAcl", "{}", Status::NonCompliant),
            (r#""*""#, "s3:PutBucketAcl", own_account, Status::Compliant),
            (r#""*""#, "s3:PutBucketAcl", organization, Status::Compliant),
            (r#""*""#, "s3:PutBucketAcl", other_organization, Status::NonCompliant),
            (r#""*""#, "*", own_access_points, Status::Compliant),
            (r#""*""#, "*", other_access_points, Status::NonCompliant),
            (other, "*", own_access_points, Status::NonCompliant),
            (r#""*""#, "s3:PutBucketAcl", network, Status::InsufficientData),
            (r#""*""#, "s3:PutBucketAcl", any_service, Status::Compliant),
            (service, "s3:PutObjectAcl", source_organization, Status::Compliant),
            (service, "s3:PutObjectAcl", "{}", Status::Compliant),
        ];
        for (principal, action, condition, expected) in cases {
            let allow = statement("Allow", principal, action, condition);
            assert_eq!(judge(fixtures::policy_text(&[&allow])), expected, "{principal} {action} {condition}");
        }
    }

    #[test]
    fn a_denial_takes_back_what_it_covers() {
        let other = r#"{"AWS":"arn:aws:iam::777788889999:root"}"#;
        let allow = statement("Allow", other, "s3:*", "{}");
        let cases = [
            (statement("Deny", r#""*""#, "s3:*", "{}"), Status::Compliant),
            (statement("Deny", r#""*""#, "s3:PutBucketAcl", "{}"), Status::NonCompliant),
        ];
        for (denial, expected) in cases {
            assert_eq!(judge(fixtures::policy_text(&[&allow, &denial])), expected, "{denial}");
        }
    }

    #[test]
    fn an_organization_of_which_nobody_has_said_anything_gives_no_verdict() {
        let organization = r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#;
        let allow = statement("Allow", r#""*""#, "s3:PutBucketAcl", organization);
        let bucket = Bucket { policy: fixtures::policy_text(&[&allow]), ..fixtures::good_bucket() };
        let mut policy = fixtures::policy();
        policy.parameters.trusted_organizations.clear();
        let Ok(Outcome::InsufficientData { missing }) = evaluate(&bucket, &policy) else { panic!("nobody knows") };
        assert!(missing[0].detail.contains("trusted_organizations"), "{}", missing[0].detail);
    }

    #[test]
    fn without_a_policy_nobody_else_is_let_in() {
        assert_eq!(judge(Reading::Absent), Status::Compliant);
    }
}
