//! A function's environment variables are encrypted with a KMS key of the customer's own.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::kms_key::is_aws_managed;
use crate::lambda::configuration;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-environment-customer-managed-key",
    title: "Lambda environment variables are encrypted with a customer-managed KMS key",
    severity: Severity::Medium,
    rationale: "With the AWS-managed key, whoever may read a function's configuration reads its variables. With a \
        customer-managed key, the key's policy says who may.",
    expected: "The environment variables, where there are any, are encrypted with a customer-managed KMS key",
    remediation: "Name a customer-managed key in the function's configuration, and let the function's role decrypt \
        with it. Keep secrets in AWS Secrets Manager rather than in variables.",
    console: "In the Lambda console, open the function, then Configuration, Environment variables, Edit, Encryption \
        configuration. Choose Use a customer master key, then the key, and save.",
    cli: "aws lambda update-function-configuration --function-name FUNCTION --kms-key-arn KEY_ARN",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html",
    parameters: &[],
    references: &[],
    reads: &["kms:Decrypt", "lambda:GetFunction"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

/// The key is judged first: AWS hides the variables from whoever may not decrypt with a key of the customer's own, and
/// whatever variables such a function has are encrypted with it.
fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    let configuration = configuration(function)?;
    let own_key = configuration.kms_key_arn.as_deref().filter(|key| !key.is_empty() && !is_aws_managed(key));
    let variables = match (configuration.environment_variables.known(), own_key) {
        (Ok(variables), _) => variables.map_or(0, Vec::len),
        (Err(_), Some(key)) => {
            return Ok(Outcome::compliant(format!("the environment is encrypted with {key}")));
        }
        (Err(why), None) => return Err(why),
    };
    Ok(match own_key {
        _ if variables == 0 => Outcome::not_applicable("the function has no environment variables"),
        Some(key) => Outcome::compliant(format!("{variables} environment variables, encrypted with {key}")),
        None => Outcome::non_compliant(format!(
            "{variables} environment variables, encrypted with the AWS-managed key aws/lambda"
        )),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::resource::{EnvironmentVariable, FunctionConfiguration};
    use audit_model::{Reading, UnreadableCause};

    use super::*;
    use crate::fixtures;

    fn judge(configuration: FunctionConfiguration) -> Outcome {
        let function = Function { configuration: Reading::seen(configuration), ..fixtures::good_function() };
        evaluate(&function, &fixtures::policy()).unwrap()
    }

    fn with(variables: Reading<Vec<EnvironmentVariable>>, key: Option<&str>) -> FunctionConfiguration {
        FunctionConfiguration {
            environment_variables: variables,
            kms_key_arn: key.map(ToOwned::to_owned),
            ..fixtures::configuration()
        }
    }

    #[test]
    fn variables_need_a_key_of_ones_own() {
        let one = || Reading::seen(vec![fixtures::variable("TABLE", None)]);
        let own = "arn:aws:kms:us-east-1:111122223333:key/0a1b";
        assert_eq!(
            judge(with(one(), Some(own))),
            Outcome::compliant(format!("1 environment variables, encrypted with {own}"))
        );
        for key in [None, Some(""), Some("arn:aws:kms:us-east-1:111122223333:alias/aws/lambda")] {
            assert!(matches!(judge(with(one(), key)), Outcome::NonCompliant { .. }), "{key:?}");
        }
    }

    #[test]
    fn variables_that_may_not_be_seen_are_judged_by_their_key() {
        let hidden = || {
            Reading::Unreadable(Unreadable {
                action: "kms:Decrypt".to_owned(),
                cause: UnreadableCause::AccessDenied,
                detail: "AccessDeniedException".to_owned(),
            })
        };
        let own = "arn:aws:kms:us-east-1:111122223333:key/0a1b";
        assert!(matches!(judge(with(hidden(), Some(own))), Outcome::Compliant { .. }));
        let without_key = Function { configuration: Reading::seen(with(hidden(), None)), ..fixtures::good_function() };
        assert!(evaluate(&without_key, &fixtures::policy()).is_err());
    }

    #[test]
    fn no_variables_need_no_key() {
        for variables in [Reading::Absent, Reading::seen(Vec::new())] {
            assert!(matches!(judge(with(variables, None)), Outcome::NotApplicable { .. }));
        }
    }
}
