//! The EC2 API is reached from a VPC without leaving Amazon's network.

use audit_model::resource::{Vpc, VpcEndpoint};
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::listing::first_of;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-endpoint-ec2-present",
    title: "VPC has an interface endpoint for Amazon EC2",
    severity: Severity::Medium,
    rationale: "Without an endpoint, calls of the EC2 API leave the VPC through an internet gateway or a NAT device, \
        which then has to be there, and no endpoint policy limits them. As in Security Hub's EC2.10 every VPC is \
        judged, even one without subnets; Prowler takes any endpoint whose service name contains ec2, such as \
        ec2messages.",
    expected: "An interface endpoint for the region's service ec2 or ec2-fips in the state available",
    remediation: "Create an interface endpoint for Amazon EC2 with private DNS, in subnets of at least two \
        Availability Zones, and with a security group that lets in HTTPS from the VPC. Delete a VPC that is not in use \
        instead.",
    console: "In the Amazon VPC console, open Endpoints and choose Create endpoint. Choose AWS services and \
        com.amazonaws.REGION.ec2, then the VPC, subnets in two Availability Zones and a security group that lets in \
        port 443 from the VPC.",
    cli: "aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --vpc-id VPC_ID --service-name \
        com.amazonaws.REGION.ec2 --subnet-ids SUBNET_ID_1 SUBNET_ID_2 --security-group-ids SECURITY_GROUP_ID \
        --private-dns-enabled",
    documentation: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/interface-vpc-endpoints.html",
    parameters: &[],
    references: &[
        fsbp::EC2_10,
        nist_800_53_r5::AC_3,
        nist_800_53_r5::AC_3_7,
        nist_800_53_r5::AC_4,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::AC_6,
        nist_800_53_r5::AC_21,
        nist_800_53_r5::SC_7,
        nist_800_53_r5::SC_7_3,
        nist_800_53_r5::SC_7_4,
        nist_800_53_r5::SC_7_11,
        nist_800_53_r5::SC_7_16,
        nist_800_53_r5::SC_7_20,
        nist_800_53_r5::SC_7_21,
    ],
    reads: &["ec2:DescribeVpcEndpoints"],
    remediable: false,
    check: Check::Vpc(evaluate),
    source: file!(),
};

fn evaluate(vpc: &Vpc, _: &Policy) -> Result<Outcome, Unreadable> {
    let endpoints = vpc.endpoints.listed()?;
    let for_ec2: Vec<&VpcEndpoint> = endpoints.iter().filter(|it| leads_to_ec2(it, &vpc.identity.region)).collect();
    Ok(if let Some(endpoint) = for_ec2.iter().find(|it| it.state.eq_ignore_ascii_case("available")) {
        Outcome::compliant(format!("{} leads to {}", endpoint.id, endpoint.service_name))
    } else if for_ec2.is_empty() {
        Outcome::non_compliant("there is no interface endpoint for Amazon EC2")
    } else {
        let states: Vec<String> = for_ec2.iter().map(|it| format!("{} is {}", it.id, it.state)).collect();
        Outcome::non_compliant(first_of(&states))
    })
}

/// Whether this is an interface endpoint for the EC2 API of the region. The [FIPS variant][services] is as good, as AWS
/// Config's newer rule [`vpc-endpoint-enabled`][config] says. In China the name begins with `cn.com.amazonaws`.
///
/// [services]: https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
/// [config]: https://docs.aws.amazon.com/config/latest/developerguide/vpc-endpoint-enabled.html
fn leads_to_ec2(endpoint: &VpcEndpoint, region: &str) -> bool {
    let service = endpoint.service_name.strip_prefix("cn.").unwrap_or(&endpoint.service_name);
    let service = service.strip_prefix("com.amazonaws.").and_then(|rest| rest.strip_prefix(region));
    endpoint.kind.eq_ignore_ascii_case("Interface") && matches!(service, Some(".ec2" | ".ec2-fips"))
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    fn endpoint(service: &str, kind: &str, state: &str) -> VpcEndpoint {
        VpcEndpoint {
            service_name: service.to_owned(),
            kind: kind.to_owned(),
            state: state.to_owned(),
            ..fixtures::endpoint(Reading::Absent)
        }
    }

    fn judge(endpoints: Reading<Vec<VpcEndpoint>>) -> Result<Outcome, Unreadable> {
        evaluate(&Vpc { endpoints, ..fixtures::good_vpc() }, &fixtures::policy())
    }

    #[test]
    fn it_must_be_the_service_of_the_region_and_in_use() {
        let ec2 = "com.amazonaws.us-east-1.ec2";
        let cases = [
            (ec2, "Interface", "available", true),
            (ec2, "Interface", "Available", true),
            ("com.amazonaws.us-east-1.ec2-fips", "Interface", "available", true),
            ("com.amazonaws.us-east-1.ec2messages", "Interface", "available", false),
            ("com.amazonaws.eu-west-1.ec2", "Interface", "available", false),
            ("com.example.us-east-1.ec2", "Interface", "available", false),
            ("com.amazonaws.us-east-1.s3", "Gateway", "available", false),
            (ec2, "Gateway", "available", false),
            (ec2, "Interface", "pending", false),
            (ec2, "Interface", "deleting", false),
        ];
        for (service, kind, state, passes) in cases {
            let answer = judge(Reading::seen(vec![endpoint(service, kind, state)])).unwrap();
            assert_eq!(matches!(answer, Outcome::Compliant { .. }), passes, "{service} {kind} {state} {answer:?}");
            assert_eq!(matches!(answer, Outcome::NonCompliant { .. }), !passes, "{service} {kind} {state} {answer:?}");
        }
        let mut chinese = fixtures::good_vpc();
        chinese.identity.region = "cn-north-1".to_owned();
        chinese.endpoints = Reading::seen(vec![endpoint("cn.com.amazonaws.cn-north-1.ec2", "Interface", "available")]);
        assert!(matches!(evaluate(&chinese, &fixtures::policy()), Ok(Outcome::Compliant { .. })));
    }

    #[test]
    fn every_vpc_needs_one_even_without_subnets() {
        let none = Ok(Outcome::non_compliant("there is no interface endpoint for Amazon EC2"));
        let empty = Vpc { subnets: Reading::Absent, endpoints: Reading::Absent, ..fixtures::good_vpc() };
        assert_eq!(evaluate(&empty, &fixtures::policy()), none);
        assert_eq!(judge(Reading::seen(Vec::new())), none);
        let action = "ec2:DescribeVpcEndpoints";
        assert_eq!(judge(fixtures::unreadable(action)), Err(fixtures::denied(action)));
    }
}
