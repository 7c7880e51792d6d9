//! Whoever calls a function by its URL has to say who they are.

use audit_model::resource::{Function, FunctionUrl};
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::nist_800_53_r5;
use crate::lambda::{in_words, urls};
use crate::listing::first_of;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-function-url-authenticated",
    title: "Lambda function URL requires authentication",
    severity: Severity::High,
    rationale: "A URL of type NONE leaves nothing but the function policy between the internet and the function: \
        anyone can call it as soon as the policy lets them. The policy is not weighed here, for a permission that is \
        missing today may be added tomorrow.",
    expected: "Every URL of the function and its aliases has the authentication type AWS_IAM",
    remediation: "Set the authentication type to AWS_IAM, allow callers lambda:InvokeFunctionUrl and \
        lambda:InvokeFunction, and let them sign their requests; or delete the URL. Where the public has to reach the \
        function, put Amazon CloudFront or an API with an authorizer in front of it.",
    console: "In the Lambda console, open the function, then Configuration, Function URL, Edit. Choose the auth type \
        AWS_IAM and save. The URL of an alias is under Aliases, the alias, Configuration.",
    cli: "aws lambda list-function-url-configs --function-name FUNCTION\n\
        aws lambda update-function-url-config --function-name FUNCTION --auth-type AWS_IAM\n\
        aws lambda update-function-url-config --function-name FUNCTION --qualifier ALIAS --auth-type AWS_IAM",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html",
    parameters: &[],
    references: &[
        nist_800_53_r5::AC_2_6,
        nist_800_53_r5::AC_3,
        nist_800_53_r5::AC_3_7,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::AC_6,
        nist_800_53_r5::AC_17,
        nist_800_53_r5::AC_17_1,
        nist_800_53_r5::AC_17_4,
        nist_800_53_r5::AC_17_9,
        nist_800_53_r5::AC_17_10,
        nist_800_53_r5::MP_2,
        nist_800_53_r5::SC_7,
        nist_800_53_r5::SC_7_3,
        nist_800_53_r5::SC_7_7,
        nist_800_53_r5::SC_7_9,
        nist_800_53_r5::SC_7_11,
        nist_800_53_r5::SC_7_12,
        nist_800_53_r5::SC_7_16,
        nist_800_53_r5::SC_7_20,
        nist_800_53_r5::SC_7_21,
        nist_800_53_r5::SC_7_24,
        nist_800_53_r5::SC_7_25,
        nist_800_53_r5::SC_7_26,
        nist_800_53_r5::SC_7_27,
        nist_800_53_r5::SC_7_28,
        nist_800_53_r5::SC_25,
    ],
    reads: &["lambda:ListFunctionUrlConfigs"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    let urls = urls(function)?;
    let those = |is_meant: fn(&FunctionUrl) -> bool| -> Vec<String> {
        urls.iter().filter(|url| is_meant(url)).map(in_words).collect()
    };
    let open = those(|url| url.auth_type == "NONE");
    let unknown = those(|url| !matches!(url.auth_type.as_str(), "NONE" | "AWS_IAM"));
    if urls.is_empty() {
        Ok(Outcome::not_applicable("the function has no URL"))
    } else if !open.is_empty() {
        Ok(Outcome::non_compliant(format!("without authentication: {}", first_of(&open))))
    } else if !unknown.is_empty() {
        let detail = format!("an authentication type that AWS does not document: {}", first_of(&unknown));
        Err(Unreadable::undecidable("lambda:ListFunctionUrlConfigs", detail))
    } else {
        Ok(Outcome::compliant(format!("by AWS_IAM: {}", first_of(&those(|_| true)))))
    }
}

#[cfg(test)]
mod tests {
    use audit_model::{Reading, Status};

    use super::*;
    use crate::fixtures;

    fn judge(urls: Reading<Vec<FunctionUrl>>) -> Result<Outcome, Unreadable> {
        evaluate(&Function { urls, ..fixtures::good_function() }, &fixtures::policy())
    }

    #[test]
    fn every_url_needs_authentication() {
        let cases: [(&[&str], Status); 7] = [
            (&["AWS_IAM"], Status::Compliant),
            (&["AWS_IAM", "AWS_IAM"], Status::Compliant),
            (&["NONE"], Status::NonCompliant),
            (&["AWS_IAM", "NONE"], Status::NonCompliant),
            (&["JWT", "NONE"], Status::NonCompliant),
            (&["JWT", "AWS_IAM"], Status::InsufficientData),
            (&[], Status::NotApplicable),
        ];
        for (types, expected) in cases {
            let answer = judge(Reading::seen(types.iter().map(|kind| fixtures::url(kind, &[])).collect()));
            assert_eq!(fixtures::status(&answer), expected, "{types:?} {answer:?}");
        }
        assert_eq!(fixtures::status(&judge(Reading::Absent)), Status::NotApplicable);
        let action = "lambda:ListFunctionUrlConfigs";
        assert_eq!(judge(fixtures::unreadable(action)), Err(fixtures::denied(action)));
    }

    #[test]
    fn neither_the_function_policy_nor_its_absence_makes_an_open_url_pass() {
        for policy in [Reading::Absent, fixtures::unreadable("lambda:GetPolicy")] {
            let open = Reading::seen(vec![fixtures::url("NONE", &[])]);
            let function = Function { urls: open, policy, ..fixtures::good_function() };
            let answer = evaluate(&function, &fixtures::policy());
            assert_eq!(answer, Ok(Outcome::non_compliant("without authentication: the URL of the function")));
        }
    }

    #[test]
    fn the_alias_is_named() {
        let live = FunctionUrl { alias: Some("live".to_owned()), ..fixtures::url("NONE", &[]) };
        let answer = judge(Reading::seen(vec![fixtures::url("AWS_IAM", &[]), live]));
        assert_eq!(answer, Ok(Outcome::non_compliant("without authentication: the URL of alias live")));
    }
}
