//! A function is attached to a VPC of the account.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::lambda::configuration;
use crate::rule::{Check, Outcome, Rule, nist_r5, security_hub};

pub(super) const RULE: Rule = Rule {
    id: "lambda-inside-vpc",
    title: "Lambda function is in a VPC",
    severity: Severity::Low,
    rationale: "Outside a VPC of the account no security group, no endpoint policy and no flow log sees what a function \
        talks to.",
    expected: "The function is attached to a VPC",
    remediation: "Attach the function to subnets and security groups of a VPC, with the endpoints that it needs to reach \
        AWS.",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
    references: &[
        security_hub("Lambda.3"),
        nist_r5("AC-3"),
        nist_r5("AC-3(7)"),
        nist_r5("AC-4"),
        nist_r5("AC-4(21)"),
        nist_r5("AC-6"),
        nist_r5("AC-21"),
        nist_r5("SC-7"),
        nist_r5("SC-7(3)"),
        nist_r5("SC-7(4)"),
        nist_r5("SC-7(9)"),
        nist_r5("SC-7(11)"),
        nist_r5("SC-7(16)"),
        nist_r5("SC-7(20)"),
        nist_r5("SC-7(21)"),
    ],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    // AWS answers with an empty id for a function that was detached.
    Ok(match configuration(function)?.vpc_id.as_deref() {
        None | Some("") => Outcome::non_compliant("the function is attached to no VPC"),
        Some(vpc) => Outcome::compliant(format!("the function is attached to {vpc}")),
    })
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
    fn a_vpc_is_asked_for() {
        let cases = [
            (Some("vpc-1"), Outcome::compliant("the function is attached to vpc-1")),
            (Some(""), Outcome::non_compliant("the function is attached to no VPC")),
            (None, Outcome::non_compliant("the function is attached to no VPC")),
        ];
        for (vpc, expected) in cases {
            let vpc_id = vpc.map(ToOwned::to_owned);
            assert_eq!(judge(FunctionConfiguration { vpc_id, ..fixtures::configuration() }), expected);
        }
    }
}
