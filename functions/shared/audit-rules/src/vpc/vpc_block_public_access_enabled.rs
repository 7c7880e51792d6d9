//! The account's VPCs of the region cannot be reached through internet gateways.

use audit_model::resource::NetworkAccount;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::fsbp;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-block-public-access-enabled",
    title: "VPC block public access stops traffic from internet gateways",
    severity: Severity::Medium,
    rationale: "One wrong route and one wrong security group open a VPC to the internet. This one setting of the \
        account holds for all its VPCs in the region, whatever their routes and groups say. As in Security Hub's \
        EC2.172, VPCs and subnets that are excluded from it are not looked at.",
    expected: "The mode of VPC block public access is block-bidirectional or block-ingress",
    remediation: "Exclude the few VPCs or subnets that must face the internet, then turn on block public access for \
        the rest: block-ingress keeps NAT gateways and egress-only internet gateways working. Find out first, with \
        flow logs or Network Access Analyzer, what it will stop.",
    console: "In the Amazon VPC console, open Settings, choose Create exclusions for what must face the internet, then \
        Edit public access settings: turn on block public access, choose ingress-only or bidirectional, and save.",
    cli: "aws ec2 create-vpc-block-public-access-exclusion --vpc-id PUBLIC_VPC_ID --internet-gateway-exclusion-mode \
        allow-bidirectional\n\
        aws ec2 modify-vpc-block-public-access-options --internet-gateway-block-mode block-ingress",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html",
    parameters: &[],
    references: &[fsbp::EC2_172],
    reads: &["ec2:DescribeVpcBlockPublicAccessOptions"],
    remediable: false,
    check: Check::NetworkAccount(evaluate),
    source: file!(),
};

/// Security Hub's control has a parameter that asks for one of the two modes; without it, [both pass][page].
///
/// [page]: https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-172
fn evaluate(account: &NetworkAccount, _: &Policy) -> Result<Outcome, Unreadable> {
    // AWS answers `off` where nobody ever set a mode.
    let Some(options) = account.block_public_access.known()? else {
        return Err(Unreadable::malformed(ACTION, "the answer came without the mode"));
    };
    let mode = options.internet_gateway_block_mode.as_str();
    let observed = format!("the mode is {mode}");
    match mode {
        "block-bidirectional" | "block-ingress" => Ok(Outcome::compliant(observed)),
        "off" => Ok(Outcome::non_compliant(observed)),
        _ => Err(Unreadable::undecidable(ACTION, format!("{observed}, which is not among those that AWS documents"))),
    }
}

const ACTION: &str = "ec2:DescribeVpcBlockPublicAccessOptions";

#[cfg(test)]
mod tests {
    use audit_model::resource::VpcBlockPublicAccess;
    use audit_model::{Reading, Status};

    use super::*;
    use crate::fixtures;

    #[test]
    fn either_mode_of_blocking_passes() {
        let mode = |mode: &str| Reading::seen(VpcBlockPublicAccess { internet_gateway_block_mode: mode.to_owned() });
        let cases = [
            (mode("block-bidirectional"), Status::Compliant),
            (mode("block-ingress"), Status::Compliant),
            (mode("off"), Status::NonCompliant),
            (mode("block-egress"), Status::InsufficientData),
            (Reading::Absent, Status::InsufficientData),
            (fixtures::unreadable(ACTION), Status::InsufficientData),
        ];
        for (block_public_access, expected) in cases {
            let account = NetworkAccount { block_public_access, ..fixtures::good_network_account() };
            let answer = evaluate(&account, &fixtures::policy());
            assert_eq!(fixtures::status(&answer), expected, "{answer:?}");
        }
    }
}
