//! AWS services invoke a function on behalf of named accounts, organizations or resources only.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::lambda::{FunctionPolicy, policies};
use crate::listing::first_of;
use crate::resource_policy::{ActionKind, PolicyDocument, Question, services};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-function-service-principals-source-bounded",
    title: "Lambda function lets in AWS services on behalf of named sources only",
    severity: Severity::Medium,
    rationale: "An AWS service acts for every account that uses it. One that may invoke a function whatever the source \
        can be made to do so by a stranger, with a topic, a rule or an API of their own: the service is a confused \
        deputy. AWS's Lambda.1 asks that of Amazon S3 only, and as a matter of public access. An ARN as source is \
        enough here, as is the token of an Alexa skill; a condition with IfExists is not, since it is passed without a \
        source. Each published version and each alias has a policy of its own, which counts as the function's does.",
    expected: "Every statement of the function policies that lets in an AWS service to invoke the function demands an \
        aws:SourceAccount, aws:SourceArn, aws:SourceOrgID or aws:SourceOrgPaths",
    remediation: "Add a permission that names the source, its account or its organization, and then remove the one \
        that does not. The source ARN is that of the topic, rule, API, bucket or user pool that invokes the function.",
    console: "In the Lambda console, open the function, then Configuration, Permissions. Under Resource-based policy \
        statements add one for the service with the source ARN or the source account, and delete the one without.",
    cli: "aws lambda get-policy --function-name FUNCTION\n\
        aws lambda add-permission --function-name FUNCTION --statement-id NEW_STATEMENT_ID --action \
        lambda:InvokeFunction --principal SERVICE --source-arn SOURCE_ARN --source-account ACCOUNT_ID\n\
        aws lambda remove-permission --function-name FUNCTION --statement-id STATEMENT_ID",
    documentation: "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
    parameters: &[],
    references: &[],
    reads: &["lambda:GetPolicy", "lambda:ListAliases", "lambda:ListFunctions"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

const ACTION: &str = "lambda:GetPolicy";

const INVOCATIONS: ActionKind =
    ActionKind::of(&["lambda:invokefunction", "lambda:invokefunctionurl", "lambda:invokeasync", "lambda:invoke*"]);

fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    let (policies, mut missing) = policies(function);
    let (mut open, mut is_let_in) = (Vec::new(), false);
    for FunctionPolicy { place, text, resources } in policies {
        let document = match text.known().and_then(|text| text.map(|it| PolicyDocument::parse(it, ACTION)).transpose())
        {
            Ok(Some(document)) => document,
            Ok(None) => continue,
            Err(why) => {
                missing.push(why);
                continue;
            }
        };
        let services = services(&document, &Question { actions: INVOCATIONS, resources: &resources });
        open.extend(services.for_anyone.iter().map(|how| format!("in {place} {how}")));
        missing
            .extend(services.undecided.iter().map(|how| Unreadable::undecidable(ACTION, format!("in {place} {how}"))));
        is_let_in |= services.for_some;
    }
    Ok(if !open.is_empty() {
        Outcome::non_compliant(first_of(&open))
    } else if !missing.is_empty() {
        Outcome::insufficient_data(missing)
    } else if is_let_in {
        Outcome::compliant("AWS services are let in on behalf of named sources only")
    } else {
        Outcome::not_applicable("no policy lets in an AWS service to invoke the function")
    })
}

#[cfg(test)]
mod tests {
    use audit_model::resource::VersionPolicy;
    use audit_model::{Reading, Status};

    use super::*;
    use crate::fixtures;

    fn judge(function: &Function) -> Status {
        fixtures::status(&evaluate(function, &fixtures::policy()))
    }

    fn with(statements: &[&str]) -> Function {
        Function { policy: fixtures::policy_text(statements), ..fixtures::good_function() }
    }

    fn allow(principal: &str, action: &str, condition: &str) -> String {
        format!(
            r#"{{"Sid":"s","Effect":"Allow","Principal":{principal},"Action":"{action}",
                "Resource":"arn:aws:lambda:us-east-1:111122223333:function:settle","Condition":{condition}}}"#
        )
    }

    /// The examples of <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html> and
    /// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html>, and what follows from them.
    #[test]
    fn a_service_needs_a_source() {
        let sns = r#"{"Service":"sns.amazonaws.com"}"#;
        let cases = [
            ("{}", Status::NonCompliant),
            (r#"{"ArnLike":{"AWS:SourceArn":"arn:aws:sns:us-east-1:111122223333:orders"}}"#, Status::Compliant),
            (r#"{"ArnLike":{"AWS:SourceArn":"arn:aws:sns:us-east-1:111122223333:*"}}"#, Status::Compliant),
            (r#"{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::ledger"}}"#, Status::Compliant),
            (r#"{"StringEquals":{"AWS:SourceAccount":"111122223333"}}"#, Status::Compliant),
            (r#"{"StringEquals":{"aws:SourceOrgID":"o-z9y8x7w6v5"}}"#, Status::Compliant),
            (r#"{"ForAnyValue:StringLike":{"aws:SourceOrgPaths":"o-z9y8x7w6v5/*"}}"#, Status::Compliant),
            // Anybody can have such a topic, bucket or account, or no source at all.
            (r#"{"ArnLike":{"AWS:SourceArn":"arn:aws:sns:us-east-1:*:orders"}}"#, Status::NonCompliant),
            (r#"{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::*"}}"#, Status::NonCompliant),
            (r#"{"StringLike":{"AWS:SourceAccount":"1111*"}}"#, Status::NonCompliant),
            (r#"{"StringEqualsIfExists":{"AWS:SourceAccount":"111122223333"}}"#, Status::NonCompliant),
            (r#"{"StringNotEquals":{"AWS:SourceAccount":"777788889999"}}"#, Status::NonCompliant),
            (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, Status::NonCompliant),
            (r#"{"StringEquals":{"AWS:SourceAccount":"1111*"}}"#, Status::InsufficientData),
        ];
        for (condition, expected) in cases {
            assert_eq!(judge(&with(&[&allow(sns, "lambda:InvokeFunction", condition)])), expected, "{condition}");
        }
    }

    #[test]
    fn a_service_may_be_named_by_conditions_and_others_are_not_asked_about() {
        let is_service = r#"{"Bool":{"aws:PrincipalIsAWSService":"true"}}"#;
        let named = r#"{"StringEquals":{"aws:PrincipalServiceName":"sns.amazonaws.com"}}"#;
        let named_and_bound = r#"{"StringEquals":{"aws:PrincipalServiceName":"sns.amazonaws.com",
            "aws:SourceAccount":"111122223333"}}"#;
        let skill = r#"{"StringEquals":{"lambda:EventSourceToken":"amzn1.ask.skill.a1b2"}}"#;
        let any_skill = r#"{"StringLike":{"lambda:EventSourceToken":"*"}}"#;
        let alexa = r#"{"Service":"alexa-appkit.amazon.com"}"#;
        let cases = [
            (r#""*""#, "lambda:InvokeFunction", is_service, Status::NonCompliant),
            (r#""*""#, "lambda:InvokeFunction", named, Status::NonCompliant),
            (r#""*""#, "lambda:InvokeFunction", named_and_bound, Status::Compliant),
            (r#""*""#, "lambda:InvokeFunction", "{}", Status::NotApplicable),
            (r#"{"AWS":"777788889999"}"#, "lambda:InvokeFunction", "{}", Status::NotApplicable),
            (alexa, "lambda:InvokeFunction", skill, Status::Compliant),
            (alexa, "lambda:InvokeFunction", any_skill, Status::NonCompliant),
            // What Lambda@Edge needs to copy a function, and nothing that runs it.
            // <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-permissions.html>
            (r#"{"Service":"replicator.lambda.amazonaws.com"}"#, "lambda:GetFunction", "{}", Status::NotApplicable),
            (r#"{"Service":["sns.amazonaws.com","events.amazonaws.com"]}"#, "lambda:*", "{}", Status::NonCompliant),
        ];
        for (principal, action, condition, expected) in cases {
            assert_eq!(judge(&with(&[&allow(principal, action, condition)])), expected, "{principal} {condition}");
        }
    }

    #[test]
    fn a_denial_of_other_sources_bounds_as_well() {
        let sns = allow(r#"{"Service":"sns.amazonaws.com"}"#, "lambda:InvokeFunction", "{}");
        let deny = |who: &str, action: &str, condition: &str| {
            format!(r#"{{"Effect":"Deny",{who},"Action":"{action}","Resource":"*","Condition":{condition}}}"#)
        };
        let all = r#""Principal":"*""#;
        let other_accounts = r#"{"StringNotEquals":{"aws:SourceAccount":"111122223333"}}"#;
        let of_services = r#"{"StringNotEqualsIfExists":{"aws:SourceOrgID":"o-z9y8x7w6v5"},
            "Bool":{"aws:PrincipalIsAWSService":"true"}}"#;
        let over_http =
            r#"{"StringNotEquals":{"aws:SourceAccount":"111122223333"},"Bool":{"aws:SecureTransport":"false"}}"#;
        let cases = [
            (deny(all, "lambda:*", other_accounts), Status::Compliant),
            (deny(all, "lambda:*", of_services), Status::Compliant),
            (deny(all, "lambda:GetFunction", other_accounts), Status::NonCompliant),
            (deny(all, "lambda:*", over_http), Status::NonCompliant),
            (deny(r#""Principal":{"Service":"events.amazonaws.com"}"#, "*", other_accounts), Status::NonCompliant),
            (deny(r#""NotPrincipal":{"Service":"sns.amazonaws.com"}"#, "*", other_accounts), Status::NonCompliant),
            (deny(r#""NotPrincipal":{"Service":"events.amazonaws.com"}"#, "*", other_accounts), Status::Compliant),
            (deny(all, "lambda:*", "{}"), Status::NotApplicable),
        ];
        for (denial, expected) in cases {
            assert_eq!(judge(&with(&[&sns, &denial])), expected, "{denial}");
        }
    }

    #[test]
    fn the_policy_of_each_version_counts_and_one_that_was_not_asked_for_leaves_it_open() {
        let sns = allow(r#"{"Service":"sns.amazonaws.com"}"#, "lambda:InvokeFunction", "{}");
        let open = fixtures::policy_text(&[&sns.replace("function:settle", "function:settle:2")]);
        let of = |policy: Reading<String>| Function {
            policy: Reading::Absent,
            versions: Reading::seen(vec!["2".to_owned()]),
            version_policies: vec![VersionPolicy { version: "2".to_owned(), policy }],
            ..fixtures::good_function()
        };
        assert_eq!(judge(&of(open)), Status::NonCompliant);
        assert_eq!(judge(&of(Reading::Absent)), Status::NotApplicable);
        let not_asked = Function { version_policies: Vec::new(), ..of(Reading::Absent) };
        assert_eq!(judge(&not_asked), Status::InsufficientData);
    }

    #[test]
    fn the_policy_of_each_alias_counts_and_what_could_not_be_read_leaves_it_open() {
        let open =
            fixtures::policy_text(&[&allow(r#"{"Service":"sns.amazonaws.com"}"#, "lambda:InvokeFunction", "{}")
                .replace("function:settle", "function:settle:live")]);
        let denied = || fixtures::unreadable("lambda:GetPolicy");
        let of = |policy, alias_policy| {
            let alias_policies = Reading::seen(vec![fixtures::alias_policy("live", alias_policy)]);
            judge(&Function { policy, alias_policies, ..fixtures::good_function() })
        };
        assert_eq!(of(Reading::Absent, open.clone()), Status::NonCompliant);
        assert_eq!(of(denied(), open), Status::NonCompliant);
        assert_eq!(of(denied(), Reading::Absent), Status::InsufficientData);
        assert_eq!(of(Reading::Absent, denied()), Status::InsufficientData);
        assert_eq!(of(Reading::Absent, Reading::Absent), Status::NotApplicable);
        let no_aliases = Function {
            policy: Reading::Absent,
            alias_policies: fixtures::unreadable("lambda:ListAliases"),
            ..fixtures::good_function()
        };
        assert_eq!(judge(&no_aliases), Status::InsufficientData);
    }
}
