//! A function in a VPC does not hang on one Availability Zone.

use std::collections::BTreeSet;

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::availability_zones::availability_zones;
use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::lambda::{configuration, in_network_of};
use crate::parameter::LAMBDA_AVAILABILITY_ZONES;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-vpc-multi-az",
    title: "Lambda function in a VPC operates in several Availability Zones",
    severity: Severity::Medium,
    rationale: "A function whose subnets lie in one Availability Zone cannot be invoked when that zone fails, though \
        Lambda itself runs in all of them. A function outside of a VPC, which Prowler can fail here, too, is left out: \
        Lambda spreads it itself. So is one on managed instances, whose subnets are those of its capacity provider.",
    expected: "The function's subnets lie in at least as many Availability Zones as the audit policy asks for",
    remediation: "Attach the function to subnets of further Availability Zones, with the same routes and endpoints. \
        The AWS CLI replaces the subnets and security groups: name those that stay as well.",
    console: "In the Lambda console, open the function, then Configuration, VPC, Edit. Choose subnets in further \
        Availability Zones and save.",
    cli: "aws lambda get-function-configuration --function-name FUNCTION --query VpcConfig\n\
        aws lambda update-function-configuration --function-name FUNCTION --vpc-config \
        SubnetIds=SUBNET_ID_1,SUBNET_ID_2,SecurityGroupIds=SECURITY_GROUP_ID",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
    parameters: &[LAMBDA_AVAILABILITY_ZONES],
    references: &[
        fsbp::LAMBDA_5,
        nist_800_53_r5::CP_6_2,
        nist_800_53_r5::CP_10,
        nist_800_53_r5::SC_5_2,
        nist_800_53_r5::SC_36,
        nist_800_53_r5::SI_13_5,
    ],
    reads: &["ec2:DescribeSubnets", "lambda:GetFunction"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, policy: &Policy) -> Result<Outcome, Unreadable> {
    let configuration = configuration(function)?;
    match (&configuration.vpc_id, &configuration.capacity_provider) {
        (Some(_), _) => {}
        (None, Some(provider)) => return Ok(Outcome::not_applicable(in_network_of(provider))),
        (None, None) => return Ok(Outcome::not_applicable("the function is attached to no VPC")),
    }
    let asked = usize::from(policy.parameters.lambda_availability_zones);
    let subnets: BTreeSet<&str> = configuration.subnet_ids.iter().map(String::as_str).collect();
    let told = match function.availability_zones.known() {
        Ok(zones) => zones.map(Vec::as_slice).unwrap_or_default(),
        // A subnet lies in one zone, so there are no more zones than subnets.
        Err(_) if (1..asked).contains(&subnets.len()) => {
            let observed = format!("the function's subnets are {}, where {asked} zones are asked for", subnets.len());
            return Ok(Outcome::non_compliant(observed));
        }
        Err(why) => return Err(why),
    };
    if told.is_empty() {
        return Err(Unreadable::malformed("ec2:DescribeSubnets", "no zone was told of a function in a VPC"));
    }
    let zones = availability_zones(&function.identity.region, told);
    let place = if zones.is_empty() { "no Availability Zone".to_owned() } else { zones.join(", ") };
    Ok(if zones.len() < asked {
        Outcome::non_compliant(format!("the function's subnets lie in {place}, where {asked} zones are asked for"))
    } else {
        Outcome::compliant(format!("the function's subnets lie in {place}"))
    })
}

#[cfg(test)]
mod tests {
    use audit_model::resource::FunctionConfiguration;
    use audit_model::{Reading, Status};

    use super::*;
    use crate::fixtures;

    fn zones(zones: &[&str]) -> Reading<Vec<String>> {
        Reading::seen(zones.iter().map(ToString::to_string).collect())
    }

    fn judge(
        asked: u8,
        vpc: Option<&str>,
        subnets: &[&str],
        availability_zones: Reading<Vec<String>>,
    ) -> Result<Outcome, Unreadable> {
        let configuration = Reading::seen(FunctionConfiguration {
            vpc_id: vpc.map(ToOwned::to_owned),
            subnet_ids: subnets.iter().map(ToString::to_string).collect(),
            ..fixtures::configuration()
        });
        let function = Function { configuration, availability_zones, ..fixtures::good_function() };
        let mut policy = fixtures::policy();
        policy.parameters.lambda_availability_zones = asked;
        evaluate(&function, &policy)
    }

    #[test]
    fn as_many_zones_as_the_policy_asks_for() {
        let (two, three): (&[&str], &[&str]) = (&["s-1", "s-2"], &["s-1", "s-2", "s-3"]);
        let (a, b, c, boston) = ("us-east-1a", "us-east-1b", "us-east-1c", "us-east-1-bos-1a");
        let unread = || fixtures::unreadable("ec2:DescribeSubnets");
        let cases = [
            (2, Some("vpc-1"), two, zones(&[a, b]), Status::Compliant),
            (2, Some("vpc-1"), two, zones(&[a, a]), Status::NonCompliant),
            (2, Some("vpc-1"), &two[..1], zones(&[a]), Status::NonCompliant),
            (3, Some("vpc-1"), two, zones(&[a, b]), Status::NonCompliant),
            (3, Some("vpc-1"), three, zones(&[a, b, c]), Status::Compliant),
            (2, Some("vpc-1"), two, zones(&[a, boston]), Status::NonCompliant),
            (1, Some("vpc-1"), &two[..1], zones(&[boston]), Status::NonCompliant),
            (2, None, &[], Reading::Absent, Status::NotApplicable),
            (2, None, &[], unread(), Status::NotApplicable),
            (2, Some("vpc-1"), two, Reading::Absent, Status::InsufficientData),
            (2, Some("vpc-1"), two, zones(&[]), Status::InsufficientData),
            (2, Some("vpc-1"), two, unread(), Status::InsufficientData),
            // One subnet is in one zone, whatever zone it is.
            (2, Some("vpc-1"), &two[..1], unread(), Status::NonCompliant),
            (3, Some("vpc-1"), two, unread(), Status::NonCompliant),
            (2, Some("vpc-1"), &[], unread(), Status::InsufficientData),
        ];
        for (asked, vpc, subnets, zones, expected) in cases {
            let answer = judge(asked, vpc, subnets, zones);
            assert_eq!(fixtures::status(&answer), expected, "{asked} {vpc:?} {subnets:?} {answer:?}");
        }
    }

    /// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-capacity-providers.html>
    #[test]
    fn managed_instances_are_in_the_subnets_of_their_capacity_provider() {
        let told = "the function runs in the VPC of arn:aws:lambda:us-east-1:111122223333:capacity-provider:pool";
        let answer = evaluate(&fixtures::function_on_managed_instances(), &fixtures::policy());
        assert_eq!(answer, Ok(Outcome::not_applicable(told)));
    }
}
