//! A function is attached to a VPC of the account.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{nist_800_53_r5, security_hub};
use crate::lambda::{configuration, in_network_of};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-inside-vpc",
    title: "Lambda function is in a VPC",
    severity: Severity::Low,
    rationale: "Outside of the account's VPCs no security group and no endpoint policy limits what a function talks \
        to, and no flow log records it. A function on managed instances, which AWS's rule fails, is left out: it runs in \
        the VPC of its capacity provider.",
    expected: "The function is attached to a VPC",
    remediation: "Attach the function to subnets and security groups of a VPC. From there it reaches AWS only through \
        endpoints or a NAT gateway, and the internet only through the latter; its role needs the rights to manage \
        network interfaces.",
    console: "In the Lambda console, open the function, then Configuration, VPC, Edit. Choose the VPC, subnets in at \
        least two Availability Zones and a security group, and save.",
    cli: "aws iam attach-role-policy --role-name ROLE --policy-arn \
        arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole\n\
        aws lambda update-function-configuration --function-name FUNCTION --vpc-config \
        SubnetIds=SUBNET_ID_1,SUBNET_ID_2,SecurityGroupIds=SECURITY_GROUP_ID",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
    parameters: &[],
    references: &[
        security_hub::LAMBDA_3,
        nist_800_53_r5::AC_3,
        nist_800_53_r5::AC_3_7,
        nist_800_53_r5::AC_4,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::AC_6,
        nist_800_53_r5::AC_21,
        nist_800_53_r5::SC_7,
        nist_800_53_r5::SC_7_3,
        nist_800_53_r5::SC_7_4,
        nist_800_53_r5::SC_7_9,
        nist_800_53_r5::SC_7_11,
        nist_800_53_r5::SC_7_16,
        nist_800_53_r5::SC_7_20,
        nist_800_53_r5::SC_7_21,
    ],
    reads: &["lambda:GetFunction"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    let configuration = configuration(function)?;
    Ok(match (&configuration.vpc_id, &configuration.capacity_provider) {
        (Some(vpc), _) => Outcome::compliant(format!("the function is attached to {vpc}")),
        (None, Some(provider)) => Outcome::not_applicable(in_network_of(provider)),
        (None, None) => Outcome::non_compliant("the function is attached to no VPC"),
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
            (None, Outcome::non_compliant("the function is attached to no VPC")),
        ];
        for (vpc, expected) in cases {
            let vpc_id = vpc.map(ToOwned::to_owned);
            assert_eq!(judge(FunctionConfiguration { vpc_id, ..fixtures::configuration() }), expected);
        }
    }

    /// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-capacity-providers.html>
    #[test]
    fn managed_instances_are_in_the_vpc_of_their_capacity_provider() {
        let told = "the function runs in the VPC of arn:aws:lambda:us-east-1:111122223333:capacity-provider:pool";
        assert_eq!(judge(fixtures::configuration_on_managed_instances()), Outcome::not_applicable(told));
    }
}
