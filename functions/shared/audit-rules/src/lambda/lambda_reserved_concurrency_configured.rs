//! A function has executions set aside for it, and no more than these.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::lambda::configuration;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-reserved-concurrency-configured",
    title: "Lambda function has reserved concurrency",
    severity: Severity::Low,
    rationale: "A function without a reservation can use up the account's concurrency and stop all others, or be \
        stopped by them. One on managed instances is left out: it draws on its capacity provider, which limits it.",
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
    if let Some(executions) = function.reserved_concurrency.known()? {
        return Ok(Outcome::compliant(format!("the reserved concurrency is {executions}")));
    }
    Ok(match &configuration(function)?.capacity_provider {
        None => Outcome::non_compliant("there is no reserved concurrency"),
        Some(provider) => Outcome::not_applicable(format!(
            "the function runs on instances of {provider}, and draws nothing from the account's concurrency"
        )),
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

    /// Its execution environments run on the instances of the capacity provider, and how many there are at the most is said
    /// there: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-scaling.html>
    #[test]
    fn managed_instances_draw_on_their_capacity_provider() {
        let function = fixtures::function_on_managed_instances();
        let told = "the function runs on instances of arn:aws:lambda:us-east-1:111122223333:capacity-provider:pool, and \
                    draws nothing from the account's concurrency";
        assert_eq!(evaluate(&function, &fixtures::policy()), Ok(Outcome::not_applicable(told)));

        let action = "lambda:GetFunction";
        let unread = Function { configuration: fixtures::unreadable(action), ..function };
        assert_eq!(evaluate(&unread, &fixtures::policy()), Err(fixtures::denied(action)));
    }
}
