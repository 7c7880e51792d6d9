//! An interface endpoint does not hang on one Availability Zone.

use audit_model::resource::VpcEndpoint;
use audit_model::{Policy, Severity, Unreadable};

use crate::availability_zones::availability_zones;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-endpoint-multi-az",
    title: "VPC interface endpoint is in more than one Availability Zone",
    severity: Severity::Low,
    rationale: "When the only Availability Zone of an interface endpoint fails, nothing in the VPC reaches the service \
        any more, not even from the other zones.",
    expected: "The interface endpoint has network interfaces in two Availability Zones or more",
    remediation: "Add a subnet in another Availability Zone to the endpoint. An endpoint costs its hourly price once \
        for each zone.",
    console: "In the Amazon VPC console, open Endpoints, choose the endpoint, then Actions, Manage subnets. Choose a \
        subnet in another Availability Zone and save.",
    cli: "aws ec2 modify-vpc-endpoint --vpc-endpoint-id ENDPOINT_ID --add-subnet-ids SUBNET_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/privatelink/interface-endpoints.html",
    parameters: &[],
    references: &[],
    reads: &["ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints"],
    remediable: false,
    check: Check::VpcEndpoint(evaluate),
    source: file!(),
};

fn evaluate(endpoint: &VpcEndpoint, _: &Policy) -> Result<Outcome, Unreadable> {
    if !endpoint.kind.eq_ignore_ascii_case("Interface") {
        let why = format!("the rule is about interface endpoints, and this is one of type {}", endpoint.kind);
        return Ok(Outcome::not_applicable(why));
    }
    let zones = endpoint.availability_zones.known()?.into_iter().flatten();
    Ok(match availability_zones(&endpoint.identity.region, zones).as_slice() {
        [] => Outcome::non_compliant("the endpoint is in no Availability Zone"),
        [only] => Outcome::non_compliant(format!("the endpoint is in one Availability Zone only, {only}")),
        several => Outcome::compliant(format!("the endpoint is in {}", several.join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    fn judge(kind: &str, availability_zones: Reading<Vec<String>>) -> Result<Outcome, Unreadable> {
        let kind = kind.to_owned();
        let endpoint = VpcEndpoint { kind, availability_zones, ..fixtures::endpoint(Reading::Absent) };
        evaluate(&endpoint, &fixtures::policy())
    }

    #[test]
    fn an_interface_endpoint_needs_two_zones() {
        let zones = |zones: &[&str]| Reading::seen(zones.iter().map(ToString::to_string).collect());
        let none = || Outcome::non_compliant("the endpoint is in no Availability Zone");
        let only = || Outcome::non_compliant("the endpoint is in one Availability Zone only, us-east-1a");
        let cases = [
            (zones(&["us-east-1a", "us-east-1b"]), Outcome::compliant("the endpoint is in us-east-1a, us-east-1b")),
            (zones(&["us-east-1a"]), only()),
            (zones(&["us-east-1a", "us-east-1a"]), only()),
            (zones(&["us-east-1-bos-1a", "us-east-1a"]), only()),
            (zones(&["us-east-1-bos-1a"]), none()),
            (zones(&[]), none()),
            (Reading::Absent, none()),
        ];
        for (zones, expected) in cases {
            assert_eq!(judge("Interface", zones), Ok(expected));
        }
        let action = "ec2:DescribeSubnets";
        assert_eq!(judge("Interface", fixtures::unreadable(action)), Err(fixtures::denied(action)));
    }

    #[test]
    fn other_endpoints_are_left_out() {
        for kind in ["Gateway", "GatewayLoadBalancer", "Resource", "ServiceNetwork"] {
            let answer = judge(kind, fixtures::unreadable("ec2:DescribeSubnets"));
            assert!(matches!(answer, Ok(Outcome::NotApplicable { .. })), "{kind} {answer:?}");
        }
    }
}
