//! No stranger's code runs in a function by way of a layer.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::lambda::configuration;
use crate::listing::first_of;
use crate::parameter::TRUSTED_LAYER_ACCOUNTS;
use crate::resource_policy::is_account;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-layers-trusted-accounts-only",
    title: "Lambda function uses layers of trusted accounts only",
    severity: Severity::High,
    rationale: "A layer's code runs inside the function, with its rights and its data, and nobody here reviewed what \
        another account put into it. Prowler refuses every other account; here the audit policy can name those that \
        are trusted.",
    expected: "Every layer belongs to the function's own account or to one that the audit policy trusts",
    remediation: "Publish the layer in this account after a review, and use that version. The AWS CLI replaces all \
        layers of the function: name those that stay, in their order. If the layer's owner is to be trusted, add the \
        account to the audit policy; AWS's own layers, such as Lambda Insights or Powertools, belong to accounts of \
        AWS, which have to be listed like any other.",
    console: "In the Lambda console, open the function, then Code, Layers, Edit. Remove the layer, choose Add a layer \
        and take the reviewed one from the custom layers of your account.",
    cli: "aws lambda publish-layer-version --layer-name LAYER --zip-file fileb://LAYER_ZIP\n\
        aws lambda get-function-configuration --function-name FUNCTION --query 'Layers[].Arn'\n\
        aws lambda update-function-configuration --function-name FUNCTION --layers LAYER_VERSION_ARN_1 \
        LAYER_VERSION_ARN_2",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/adding-layers.html",
    parameters: &[TRUSTED_LAYER_ACCOUNTS],
    references: &[],
    reads: &["lambda:GetFunction"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, policy: &Policy) -> Result<Outcome, Unreadable> {
    let layers = &configuration(function)?.layers;
    let is_trusted = |account: &str| {
        account == function.identity.account || policy.parameters.trusted_layer_accounts.iter().any(|it| it == account)
    };
    let (mut foreign, mut without_owner) = (Vec::new(), 0_usize);
    for layer in layers {
        match owner(layer) {
            Some(account) if is_trusted(account) => {}
            Some(_) => foreign.push(layer.as_str()),
            None => without_owner += 1,
        }
    }
    if !foreign.is_empty() {
        Ok(Outcome::non_compliant(format!("layers of accounts that are not trusted: {}", first_of(&foreign))))
    } else if without_owner > 0 {
        Err(Unreadable::malformed(
            "lambda:GetFunction",
            format!("layers without the ARN of a layer version: {without_owner}"),
        ))
    } else if layers.is_empty() {
        Ok(Outcome::compliant("the function uses no layers"))
    } else {
        Ok(Outcome::compliant(format!("layers of trusted accounts: {}", first_of(layers))))
    }
}

/// The account in a layer version's ARN, [`arn:PARTITION:lambda:REGION:ACCOUNT:layer:NAME:VERSION`][page].
///
/// [page]: https://docs.aws.amazon.com/lambda/latest/api/API_Layer.html
fn owner(layer: &str) -> Option<&str> {
    match layer.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "lambda", _, account, "layer", _, _] if is_account(account) => Some(account),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use audit_model::resource::FunctionConfiguration;
    use audit_model::{Reading, Status};

    use super::*;
    use crate::fixtures::{self, ACCOUNT, OTHER_ACCOUNT, TRUSTED_ACCOUNT};

    fn layer(account: &str) -> String {
        format!("arn:aws:lambda:us-east-1:{account}:layer:common:3")
    }

    fn judge(layers: Vec<String>) -> Result<Outcome, Unreadable> {
        let configuration = Reading::seen(FunctionConfiguration { layers, ..fixtures::configuration() });
        evaluate(&Function { configuration, ..fixtures::good_function() }, &fixtures::policy())
    }

    #[test]
    fn the_owner_of_each_layer_must_be_trusted() {
        let nonsense = || "arn:aws:lambda:us-east-1:common:3".to_owned();
        let cases = [
            (vec![], Status::Compliant),
            (vec![layer(ACCOUNT)], Status::Compliant),
            (vec![layer(ACCOUNT), layer(TRUSTED_ACCOUNT)], Status::Compliant),
            (vec![format!("arn:aws-cn:lambda:cn-north-1:{ACCOUNT}:layer:common:3")], Status::Compliant),
            (vec![layer(OTHER_ACCOUNT)], Status::NonCompliant),
            (vec![layer(ACCOUNT), layer(OTHER_ACCOUNT)], Status::NonCompliant),
            (vec![nonsense(), layer(OTHER_ACCOUNT)], Status::NonCompliant),
            (vec![layer(ACCOUNT), nonsense()], Status::InsufficientData),
            (vec![layer("11112222333")], Status::InsufficientData),
            (vec![format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:common:3")], Status::InsufficientData),
        ];
        for (layers, expected) in cases {
            let answer = judge(layers.clone());
            assert_eq!(fixtures::status(&answer), expected, "{layers:?} {answer:?}");
        }
        let action = "lambda:GetFunction";
        let unread = Function { configuration: fixtures::unreadable(action), ..fixtures::good_function() };
        assert_eq!(evaluate(&unread, &fixtures::policy()), Err(fixtures::denied(action)));
    }

    #[test]
    fn the_foreign_layer_is_named() {
        let answer = judge(vec![layer(ACCOUNT), layer(OTHER_ACCOUNT)]);
        let foreign = layer(OTHER_ACCOUNT);
        let expected = format!("layers of accounts that are not trusted: {foreign}");
        assert_eq!(answer, Ok(Outcome::non_compliant(expected)));
    }
}
