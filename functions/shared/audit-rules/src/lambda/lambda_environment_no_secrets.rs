//! A function's environment holds no secrets.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::lambda::configuration;
use crate::listing::first_of;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-environment-no-secrets",
    title: "Lambda environment variables hold no secrets",
    severity: Severity::Critical,
    rationale: "Whoever may read a function's configuration reads its environment variables, and consoles, templates \
        and logs show them as well. A secret there is known to many, and is rarely changed.",
    expected: "No environment variable has a value that looks like a key, a token or a password",
    remediation: "Store a new secret in AWS Secrets Manager, let the function read it when it runs, remove the \
        variable, and revoke the old secret, for it must be taken as known. Published versions keep their variables: \
        delete those that hold it. The AWS CLI replaces all variables: keep the others, and delete the files that it \
        reads afterwards.",
    console: "In the AWS Secrets Manager console, choose Store a new secret. In the Lambda console, open the function, \
        then Configuration, Environment variables, Edit: remove the variable, or let it name the secret, and save.",
    cli: "aws secretsmanager create-secret --name SECRET_NAME --secret-string file://SECRET_FILE\n\
        aws lambda get-function-configuration --function-name FUNCTION --query '{Variables: Environment.Variables}' > \
        environment.json\n\
        aws lambda update-function-configuration --function-name FUNCTION --environment file://environment.json",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/with-secrets-manager.html",
    parameters: &[],
    references: &[],
    reads: &["kms:Decrypt", "lambda:GetFunction"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    let variables = configuration(function)?.environment_variables.listed()?;
    let secrets: Vec<String> = variables
        .iter()
        .filter_map(|variable| Some(format!("{} ({})", variable.name, variable.secret.as_deref()?)))
        .collect();
    Ok(if !secrets.is_empty() {
        Outcome::non_compliant(format!("what looks like a secret in {}", first_of(&secrets)))
    } else if variables.is_empty() {
        Outcome::compliant("there are no environment variables")
    } else {
        Outcome::compliant(format!("environment variables without a recognizable secret: {}", variables.len()))
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::{EnvironmentVariable, FunctionConfiguration};

    use super::*;
    use crate::fixtures;

    fn judge(environment_variables: Reading<Vec<EnvironmentVariable>>) -> Result<Outcome, Unreadable> {
        let configuration = FunctionConfiguration { environment_variables, ..fixtures::configuration() };
        let function = Function { configuration: Reading::seen(configuration), ..fixtures::good_function() };
        evaluate(&function, &fixtures::policy())
    }

    #[test]
    fn one_secret_is_too_many() {
        let none = || Ok(Outcome::compliant("there are no environment variables"));
        let table = || fixtures::variable("TABLE", None);
        let token = || fixtures::variable("API_TOKEN", Some("Stripe live key"));
        let key = || fixtures::variable("KEY_ID", Some("AWS access key id"));
        let hidden = "kms:Decrypt";
        let cases = [
            (
                Reading::seen(vec![table()]),
                Ok(Outcome::compliant("environment variables without a recognizable secret: 1")),
            ),
            (
                Reading::seen(vec![table(), token()]),
                Ok(Outcome::non_compliant("what looks like a secret in API_TOKEN (Stripe live key)")),
            ),
            (
                Reading::seen(vec![token(), key()]),
                Ok(Outcome::non_compliant(
                    "what looks like a secret in API_TOKEN (Stripe live key), KEY_ID (AWS access key id)",
                )),
            ),
            (Reading::seen(Vec::new()), none()),
            (Reading::Absent, none()),
            (fixtures::unreadable(hidden), Err(fixtures::denied(hidden))),
        ];
        for (variables, expected) in cases {
            assert_eq!(judge(variables), expected);
        }
    }
}
