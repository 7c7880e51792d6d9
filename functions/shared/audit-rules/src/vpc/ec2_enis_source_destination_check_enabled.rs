//! Network interfaces check the source and destination of their traffic.

use audit_model::resource::NetworkInterface;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::fsbp;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "ec2-enis-source-destination-check-enabled",
    title: "Network interface checks the source and destination of its traffic",
    severity: Severity::Medium,
    rationale: "Without the check an instance can send under addresses that are not its own, and receive what is \
        meant for others: it routes. NAT instances, firewalls and some container networks have to, and take \
        an exception. As in Security Hub's EC2.180 these types of interface are judged: interface, lambda, \
        branch, efa, quicksight and aws_codestar_connections_managed.",
    expected: "The source/destination check of the interface is on",
    remediation: "Switch the check on. Use a NAT gateway in place of a NAT instance. Make an exception for an \
        appliance that has to route.",
    console: "In the Amazon EC2 console, open Network Interfaces, choose the interface, then Actions, Change \
        source/dest. check. Choose Enable and save.",
    cli: "aws ec2 modify-network-interface-attribute --network-interface-id NETWORK_INTERFACE_ID \
        --source-dest-check",
    documentation: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/modify-network-interface-attributes.html",
    parameters: &[],
    references: &[fsbp::EC2_180],
    reads: &["ec2:DescribeNetworkInterfaces"],
    remediable: false,
    check: Check::NetworkInterface(evaluate),
    source: file!(),
};

fn evaluate(interface: &NetworkInterface, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(if interface.checks_source_and_destination {
        Outcome::compliant("the source/destination check is on")
    } else {
        Outcome::non_compliant("the source/destination check is off")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_check_must_be_on() {
        let judge = |checks| evaluate(&fixtures::network_interface(checks), &fixtures::policy());
        assert_eq!(judge(true), Ok(Outcome::compliant("the source/destination check is on")));
        assert_eq!(judge(false), Ok(Outcome::non_compliant("the source/destination check is off")));
    }
}
