//! A function has executions set aside for it, and no more than these.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-reserved-concurrency-configured",
    title: "Lambda function has reserved concurrency",
    severity: Severity::Low,
    rationale: "A function without a reservation can use up the account's concurrency and stop all others, or be \
        stopped by them.",
    expected: "A reserved concurrency, of whatever size",
    remediation: "Reserve as many concurrent executions as the function needs at its busiest: beyond that it is \
        throttled, and with 0 it does not run at all. What is reserved is lost to all other functions.",
    console: "In the Lambda console, open the function, then Configuration, Concurrency, Edit. Choose Reserve \
        concurrency, enter the number and save.",
    cli: "aws lambda put-function-concurrency --function-name FUNCTION --reserved-concurrent-executions NUMBER",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
    parameters: &[],
    references: &[],
    reads: &["lambda:GetFunction"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(match function.reserved_concurrency.known()? {
        Some(executions) => Outcome::compliant(format!("the reserved concurrency is {executions}")),
        None => Outcome::non_compliant("there is no reserved concurrency"),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn any_reservation_passes() {
        let cases = [
            (Reading::seen(5), Outcome::compliant("the reserved concurrency is 5")),
            (Reading::seen(0), Outcome::compliant("the reserved concurrency is 0")),
            (Reading::Absent, Outcome::non_compliant("there is no reserved concurrency")),
        ];
        for (reserved_concurrency, expected) in cases {
            let function = Function { reserved_concurrency, ..fixtures::good_function() };
            assert_eq!(evaluate(&function, &fixtures::policy()), Ok(expected));
        }
    }
}
