//! A function traces the requests that reach it.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{nist_800_53_r5, security_hub};
use crate::lambda::configuration;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-xray-tracing-active",
    title: "Lambda function has active X-Ray tracing",
    severity: Severity::Low,
    rationale: "Without a trace, nobody sees what a function called and how long it took when something went wrong.",
    expected: "The tracing mode is Active",
    remediation: "Give the function's role the rights to write to X-Ray, and set the tracing mode to Active.",
    console: "In the Lambda console, open the function, then Configuration, Monitoring and operations tools, Edit. \
        Turn on active tracing with AWS X-Ray and save; the console gives the role the rights.",
    cli: "aws iam attach-role-policy --role-name ROLE --policy-arn arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess\n\
        aws lambda update-function-configuration --function-name FUNCTION --tracing-config Mode=Active",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html",
    parameters: &[],
    references: &[security_hub::LAMBDA_7, nist_800_53_r5::CA_7],
    reads: &["lambda:GetFunction"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    let mode = configuration(function)?.tracing_mode.as_str();
    let observed = format!("the tracing mode is {mode}");
    Ok(if mode == "Active" { Outcome::compliant(observed) } else { Outcome::non_compliant(observed) })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::FunctionConfiguration;

    use super::*;
    use crate::fixtures;

    fn judge(configuration: FunctionConfiguration) -> Outcome {
        let function = Function { configuration: Reading::seen(configuration), ..fixtures::good_function() };
        evaluate(&function, &fixtures::policy()).unwrap()
    }

    #[test]
    fn only_active_passes() {
        let with = |mode: &str| FunctionConfiguration { tracing_mode: mode.to_owned(), ..fixtures::configuration() };
        assert_eq!(judge(with("Active")), Outcome::compliant("the tracing mode is Active"));
        assert_eq!(judge(with("PassThrough")), Outcome::non_compliant("the tracing mode is PassThrough"));
    }
}
