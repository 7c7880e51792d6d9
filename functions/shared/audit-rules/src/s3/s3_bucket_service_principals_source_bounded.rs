//! AWS services reach a bucket on behalf of named accounts, organizations or resources only.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::listing::first_of;
use crate::resource_policy::{ActionKind, PolicyDocument, Question, services};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-service-principals-source-bounded",
    title: "S3 bucket policy lets in AWS services on behalf of named sources only",
    severity: Severity::Medium,
    rationale: "An AWS service acts for every account that uses it. One that a bucket lets in whatever the source can \
        be made to write its logs there, or to read, by a stranger who names the bucket in a trail, a flow log or a \
        distribution of their own: the service is a confused deputy. A condition with IfExists does not prevent that, \
        since it is passed without a source.",
    expected: "Every statement of the bucket policy that lets in an AWS service demands an aws:SourceAccount, \
        aws:SourceArn, aws:SourceOrgID or aws:SourceOrgPaths",
    remediation: "Add a condition on aws:SourceAccount, aws:SourceArn or aws:SourceOrgID to the statements that let in \
        AWS services, with the accounts or resources whose deliveries are meant. The AWS CLI replaces the whole \
        policy: keep its other statements. Elastic Load Balancing writes into the folder AWSLogs/ACCOUNT_ID of the \
        load balancer's own account: where a statement is for such a folder only, an exception does no harm.",
    console: "In the Amazon S3 console, open the bucket, choose Permissions, then Edit under Bucket policy, add the \
        condition to the statements whose principal is a service, and save.",
    cli: "aws s3api get-bucket-policy --bucket BUCKET --query Policy --output text > policy.json\n\
        aws s3api put-bucket-policy --bucket BUCKET --policy file://policy.json",
    documentation: "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
    parameters: &[],
    references: &[],
    reads: &["s3:GetBucketPolicy"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

const ACTION: &str = "s3:GetBucketPolicy";

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let Some(text) = bucket.policy.known()? else {
        return Ok(Outcome::not_applicable("there is no bucket policy"));
    };
    let document = PolicyDocument::parse(text, ACTION)?;
    let arn = &bucket.identity.arn;
    let question = Question { actions: ActionKind::ALL, resources: &[arn.clone(), format!("{arn}/?*")] };
    let services = services(&document, &question);
    let open: Vec<&String> = services.for_anyone.iter().collect();
    Ok(if !open.is_empty() {
        Outcome::non_compliant(format!("in the bucket policy {}", first_of(&open)))
    } else if !services.undecided.is_empty() {
        let undecided = services.undecided.iter();
        Outcome::insufficient_data(undecided.map(|how| Unreadable::undecidable(ACTION, how.clone())).collect())
    } else if services.for_some {
        Outcome::compliant("the bucket policy lets in AWS services on behalf of named sources only")
    } else {
        Outcome::not_applicable("the bucket policy lets in no AWS service")
    })
}

#[cfg(test)]
mod tests {
    use audit_model::{Reading, Status};

    use super::*;
    use crate::fixtures;

    fn judge(statements: &[&str]) -> Status {
        let bucket = Bucket { policy: fixtures::policy_text(statements), ..fixtures::good_bucket() };
        fixtures::status(&evaluate(&bucket, &fixtures::policy()))
    }

    fn allow(principal: &str, action: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"{action}",
                "Resource":["arn:aws:s3:::ledger","arn:aws:s3:::ledger/*"],"Condition":{condition}}}"#
        )
    }

    /// As the guides of these services have it, with and without what they add against confused deputies.
    #[test]
    fn a_delivery_needs_a_source() {
        let cases = [
            // <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html>
            (
                "cloudtrail.amazonaws.com",
                r#"{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control",
                    "aws:SourceArn":"arn:aws:cloudtrail:us-east-1:111122223333:trail/payments"}}"#,
                Status::Compliant,
            ),
            (
                "cloudtrail.amazonaws.com",
                r#"{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}"#,
                Status::NonCompliant,
            ),
            // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>
            (
                "logging.s3.amazonaws.com",
                r#"{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::payments"},"StringEquals":{"aws:SourceAccount":"111122223333"}}"#,
                Status::Compliant,
            ),
            // <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html>
            (
                "cloudfront.amazonaws.com",
                r#"{"StringEquals":{"AWS:SourceArn":"arn:aws:cloudfront::111122223333:distribution/E1A2B3"}}"#,
                Status::Compliant,
            ),
            ("cloudfront.amazonaws.com", "{}", Status::NonCompliant),
            (
                "delivery.logs.amazonaws.com",
                r#"{"ArnLike":{"aws:SourceArn":"arn:aws:logs:us-east-1:111122223333:*"}}"#,
                Status::Compliant,
            ),
            (
                "delivery.logs.amazonaws.com",
                r#"{"StringEquals":{"aws:SourceOrgID":"o-z9y8x7w6v5"}}"#,
                Status::Compliant,
            ),
            (
                "delivery.logs.amazonaws.com",
                r#"{"ArnLike":{"aws:SourceArn":"arn:aws:logs:*:*:*"}}"#,
                Status::NonCompliant,
            ),
        ];
        for (service, condition, expected) in cases {
            let statement = allow(&format!(r#"{{"Service":"{service}"}}"#), "s3:PutObject", condition);
            assert_eq!(judge(&[&statement]), expected, "{service} {condition}");
        }
    }

    #[test]
    fn one_statement_without_a_source_is_enough_and_without_services_there_is_nothing_to_ask() {
        let bound = allow(
            r#"{"Service":"config.amazonaws.com"}"#,
            "s3:PutObject",
            r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#,
        );
        let open = allow(r#"{"Service":"config.amazonaws.com"}"#, "s3:GetBucketAcl", "{}");
        assert_eq!(judge(&[&bound]), Status::Compliant);
        assert_eq!(judge(&[&bound, &open]), Status::NonCompliant);
        assert_eq!(judge(&[fixtures::TLS_ONLY]), Status::NotApplicable);
        assert_eq!(judge(&[&allow(r#""*""#, "s3:GetObject", "{}")]), Status::NotApplicable);
        let none = Bucket { policy: Reading::Absent, ..fixtures::good_bucket() };
        assert_eq!(fixtures::status(&evaluate(&none, &fixtures::policy())), Status::NotApplicable);
    }

    #[test]
    fn what_hangs_on_more_than_the_policy_says_gives_no_verdict() {
        let open = allow(r#"{"Service":"config.amazonaws.com"}"#, "s3:*", "{}");
        let some_folders = r#"{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*"}"#;
        let wildcard = r#"{"StringEquals":{"aws:SourceAccount":"1111*"}}"#;
        assert_eq!(judge(&[&open.replace("s3:*", "s3:Put*"), some_folders]), Status::InsufficientData);
        assert_eq!(
            judge(&[&allow(r#"{"Service":"config.amazonaws.com"}"#, "s3:*", wildcard)]),
            Status::InsufficientData
        );
    }

    #[test]
    fn the_statement_and_the_service_are_named() {
        let open = allow(r#"{"Service":"config.amazonaws.com"}"#, "s3:PutObject", "{}");
        let bucket = Bucket { policy: fixtures::policy_text(&[&open]), ..fixtures::good_bucket() };
        let expected = "in the bucket policy statement 1 lets in the service config.amazonaws.com on anyone's behalf";
        assert_eq!(evaluate(&bucket, &fixtures::policy()), Ok(Outcome::non_compliant(expected)));
    }
}
