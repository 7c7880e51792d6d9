//! Nobody from the public invokes a function.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable, UnreadableCause};

use crate::iam_policy::{Condition, Effect, PolicyDocument};
use crate::public_access::{Exposure, Narrowing, exposure, narrowing_of};
use crate::rule::{Check, Outcome, Rule, fsbp, nist_r5, pci_4_0_1};

pub(super) const RULE: Rule = Rule {
    id: "lambda-function-public-access-prohibited",
    title: "Lambda function policy prohibits public access",
    severity: Severity::Critical,
    rationale: "Anyone can run a function whose policy lets in the public: read what it returns, write what it writes, \
        and run up its bill. A function that Amazon S3 may invoke for whatever account can be called by a \
        stranger who takes over a deleted bucket name.",
    expected: "The function policy lets in named principals only, and Amazon S3 only under a condition on \
        aws:SourceAccount",
    remediation: "Remove the permission, or name the accounts, roles or services that may invoke the function. For Amazon \
        S3, add the account id as source account.",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html",
    references: &[
        fsbp("Lambda.1"),
        pci_4_0_1("7.2.1"),
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
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    let Some(text) = function.policy.known()? else {
        return Ok(Outcome::compliant("there is no function policy"));
    };
    let document = PolicyDocument::parse(text, ACTION)?;
    let for_any_bucket = document.statements(Effect::Allow).find(|(_, allow)| {
        allow.principals.name_service("s3.amazonaws.com") && !allow.conditions.iter().any(fixes_source_account)
    });
    Ok(match (exposure(&document, |_| true), for_any_bucket) {
        (Exposure::Public(how), _) => Outcome::non_compliant(format!("in the function policy {how}")),
        (_, Some((name, _))) => Outcome::non_compliant(format!(
            "in the function policy {name} lets in Amazon S3 without a condition on aws:SourceAccount"
        )),
        (Exposure::Undecided(how), None) => Outcome::insufficient_data(vec![Unreadable {
            action: ACTION.to_owned(),
            cause: UnreadableCause::Malformed,
            detail: format!("{how}: whether that is public cannot be told from the policy alone"),
        }]),
        (Exposure::NotPublic, None) => Outcome::compliant("the function policy lets in named principals only"),
    })
}

const ACTION: &str = "lambda:GetPolicy";

fn fixes_source_account(condition: &Condition) -> bool {
    condition.key == "aws:sourceaccount" && narrowing_of(condition) == Narrowing::Fixed
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    fn judge(principal: &str, condition: &str) -> Result<Outcome, Unreadable> {
        let statement = format!(
            r#"{{"Sid":"s","Effect":"Allow","Principal":{principal},"Action":"lambda:InvokeFunction",
                "Resource":"arn:aws:lambda:us-east-1:111122223333:function:settle","Condition":{condition}}}"#
        );
        let function = Function { policy: fixtures::policy_text(&[&statement]), ..fixtures::good_function() };
        evaluate(&function, &fixtures::policy())
    }

    #[test]
    fn the_public_is_kept_out() {
        let s3 = r#"{"Service":"s3.amazonaws.com"}"#;
        let any_bucket = r#"{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::ledger"}}"#;
        let own_bucket = r#"{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::ledger"},
            "StringEquals":{"AWS:SourceAccount":"111122223333"}}"#;
        let cases = [
            (r#""*""#, "{}", "violation"),
            (r#"{"AWS":"*"}"#, "{}", "violation"),
            (r#"{"AWS":""}"#, "{}", "violation"),
            (r#""*""#, r#"{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}"#, "violation"),
            (r#""*""#, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1"}}"#, "pass"),
            (r#""*""#, r#"{"StringLike":{"aws:SourceAccount":"1111*"}}"#, "violation"),
            (r#""*""#, r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#, "no verdict"),
            (s3, "{}", "violation"),
            (s3, any_bucket, "violation"),
            (s3, own_bucket, "pass"),
            (s3, r#"{"StringEqualsIfExists":{"AWS:SourceAccount":"111122223333"}}"#, "violation"),
            (r#"{"Service":"events.amazonaws.com"}"#, "{}", "pass"),
            (r#"{"AWS":"arn:aws:iam::444455556666:root"}"#, "{}", "pass"),
        ];
        for (principal, condition, expected) in cases {
            let verdict = match judge(principal, condition).unwrap() {
                Outcome::Compliant { .. } => "pass",
                Outcome::NonCompliant { .. } => "violation",
                Outcome::NotApplicable { .. } => "not applicable",
                Outcome::InsufficientData { .. } => "no verdict",
            };
            assert_eq!(verdict, expected, "{principal} {condition}");
        }
    }

    #[test]
    fn no_policy_lets_in_nobody_and_nonsense_gives_no_verdict() {
        let with = |policy| Function { policy, ..fixtures::good_function() };
        let none = evaluate(&with(Reading::Absent), &fixtures::policy());
        assert_eq!(none, Ok(Outcome::compliant("there is no function policy")));
        let nonsense = evaluate(&with(Reading::seen("nonsense".to_owned())), &fixtures::policy());
        assert_eq!(nonsense.unwrap_err().cause, UnreadableCause::Malformed);
    }
}
