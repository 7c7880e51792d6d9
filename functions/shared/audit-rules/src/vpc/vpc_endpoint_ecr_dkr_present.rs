//! The Docker registry of Amazon ECR is reached from a VPC without leaving Amazon's network.

use audit_model::resource::Vpc;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::interface_endpoint::leads_to;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-endpoint-ecr-dkr-present",
    title: "VPC has an interface endpoint for the Docker registry of Amazon ECR",
    severity: Severity::Medium,
    rationale: "Without an endpoint, images are pulled and pushed through an internet gateway or a NAT device, which \
        then has to be there, and no endpoint policy says which registries are reached. As in Security Hub's \
        EC2.56 every VPC is judged, whether anything in it uses the service or not.",
    expected: "An interface endpoint for the region's service ecr.dkr, or its FIPS variant, in the state available",
    remediation: "Create an interface endpoint for the service with private DNS, in subnets of at least two Availability \
        Zones, and with a security group that lets in HTTPS from the VPC. Pulling an image also takes the \
        endpoint for the ECR API, and a gateway endpoint for Amazon S3, where the layers lie.",
    console: "In the Amazon VPC console, open Endpoints and choose Create endpoint. Choose AWS services and \
        com.amazonaws.REGION.ecr.dkr, then the VPC, subnets in two Availability Zones and a security group that \
        lets in port 443 from the VPC.",
    cli: "aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --vpc-id VPC_ID --service-name \
        com.amazonaws.REGION.ecr.dkr --subnet-ids SUBNET_ID_1 SUBNET_ID_2 --security-group-ids SECURITY_GROUP_ID \
        --private-dns-enabled",
    documentation: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
    parameters: &[],
    references: &[
        fsbp::EC2_56,
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
    leads_to(vpc, "ecr.dkr", "the Docker registry of Amazon ECR")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn an_endpoint_for_the_service_and_no_other_counts() {
        let leads = evaluate(&fixtures::good_vpc(), &fixtures::policy());
        assert_eq!(leads, Ok(Outcome::compliant("vpce-ecr.dkr leads to com.amazonaws.us-east-1.ecr.dkr")));
        let none = evaluate(&fixtures::bad_vpc(), &fixtures::policy());
        assert_eq!(
            none,
            Ok(Outcome::non_compliant("there is no interface endpoint for the Docker registry of Amazon ECR"))
        );
    }
}
