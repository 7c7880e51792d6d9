//! Browsers may call a function's URL from known websites only.

use audit_model::resource::{Function, FunctionUrl};
use audit_model::{Policy, Severity, Unreadable};

use crate::lambda::{in_words, urls};
use crate::listing::first_of;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-function-url-cors-restricted",
    title: "Lambda function URL allows named origins only",
    severity: Severity::Medium,
    rationale: "With the origin * the scripts of any website can call the function from their visitors' browsers and \
        read its answers.",
    expected: "No URL of the function or its aliases allows the origin *",
    remediation: "List the origins of the websites that call the function, or remove the CORS settings if no browser \
        does. The AWS CLI sets all CORS settings of a URL at once: name those that stay.",
    console: "In the Lambda console, open the function, then Configuration, Function URL, Edit. Under cross-origin \
        resource sharing replace * in Allow origin by the origins that are needed, and save. The URL of an alias is \
        under Aliases, the alias, Configuration.",
    cli: "aws lambda list-function-url-configs --function-name FUNCTION\n\
        aws lambda update-function-url-config --function-name FUNCTION --cors AllowOrigins=https://ORIGIN\n\
        aws lambda update-function-url-config --function-name FUNCTION --qualifier ALIAS --cors \
        AllowOrigins=https://ORIGIN",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html",
    parameters: &[],
    references: &[],
    reads: &["lambda:ListFunctionUrlConfigs"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

/// AWS documents the [wildcard `*` alone][page]. What Lambda makes of one within an origin, such as `https://*`, it
/// does not say.
///
/// [page]: https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html
fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    let urls = urls(function)?;
    let allowing = |is_meant: fn(&str) -> bool| -> Vec<String> {
        let allows = |url: &&FunctionUrl| url.allowed_origins.iter().any(|origin| is_meant(origin));
        urls.iter().filter(allows).map(in_words).collect()
    };
    let any = allowing(|origin| origin == "*");
    let patterns = allowing(|origin| origin != "*" && origin.contains('*'));
    if urls.is_empty() {
        Ok(Outcome::not_applicable("the function has no URL"))
    } else if !any.is_empty() {
        Ok(Outcome::non_compliant(format!("the origin * is allowed by {}", first_of(&any))))
    } else if !patterns.is_empty() {
        let detail = format!("an origin with a wildcard in it is allowed by {}", first_of(&patterns));
        Err(Unreadable::undecidable("lambda:ListFunctionUrlConfigs", detail))
    } else {
        let origins: Vec<&str> = urls.iter().flat_map(|url| url.allowed_origins.iter().map(String::as_str)).collect();
        Ok(Outcome::compliant(if origins.is_empty() {
            "no other origin is allowed".to_owned()
        } else {
            format!("the allowed origins are {}", first_of(&origins))
        }))
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
    fn the_wildcard_is_refused() {
        let named = "https://pay.example.com";
        let cases: [(&[&[&str]], Status); 9] = [
            (&[&[named]], Status::Compliant),
            (&[&[named, "http://localhost:60905"], &[]], Status::Compliant),
            (&[&[]], Status::Compliant),
            (&[&["*"]], Status::NonCompliant),
            (&[&[named, "*"]], Status::NonCompliant),
            (&[&[named], &["https://*", "*"]], Status::NonCompliant),
            (&[&["https://*"]], Status::InsufficientData),
            (&[&[named, "https://*.example.com"]], Status::InsufficientData),
            (&[], Status::NotApplicable),
        ];
        for (urls, expected) in cases {
            let answer = judge(Reading::seen(urls.iter().map(|origins| fixtures::url("AWS_IAM", origins)).collect()));
            assert_eq!(fixtures::status(&answer), expected, "{urls:?} {answer:?}");
        }
        assert_eq!(fixtures::status(&judge(Reading::Absent)), Status::NotApplicable);
        let action = "lambda:ListFunctionUrlConfigs";
        assert_eq!(judge(fixtures::unreadable(action)), Err(fixtures::denied(action)));
    }

    #[test]
    fn the_alias_is_named() {
        let live = FunctionUrl { alias: Some("live".to_owned()), ..fixtures::url("AWS_IAM", &["*"]) };
        let answer = judge(Reading::seen(vec![fixtures::url("AWS_IAM", &[]), live]));
        assert_eq!(answer, Ok(Outcome::non_compliant("the origin * is allowed by the URL of alias live")));
    }
}
