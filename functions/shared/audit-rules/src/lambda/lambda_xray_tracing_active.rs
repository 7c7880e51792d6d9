//! A function traces the requests that reach it.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::lambda::configuration;
use crate::rule::{Check, Outcome, Rule, nist_r5, security_hub};

pub(super) const RULE: Rule = Rule {
    id: "lambda-xray-tracing-active",
    title: "Lambda function has active X-Ray tracing",
    severity: Severity::Low,
    rationale: "Without a trace, nobody sees what a function called and how long it took when something went wrong.",
    expected: "The tracing mode is Active",
    remediation: "Set the tracing mode to Active and give the function's role the right to write to X-Ray.",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html",
    references: &[security_hub("Lambda.7"), nist_r5("CA-7")],
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
