//! No security group lets the internet reach port 3389.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0, pci_dss_4_0_1, security_hub};
use crate::internet_ingress::{GroupIngress, Internet, Ports, Protocol, any_open};
use crate::parameter::{INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "security-group-rdp-from-internet-prohibited",
    title: "Security group does not open Remote Desktop to the internet",
    severity: Severity::High,
    rationale: "Ransomware comes in through Remote Desktop ports that the internet reaches: passwords are tried \
        there all day, and a flaw in the service needs no password. Remote Desktop uses UDP, too; CIS and Security \
        Hub's EC2.53 and EC2.54 ask about both, EC2.14 and Prowler's check about TCP. Beyond them, ranges \
        count that together let in more of the internet than the audit policy bears, and so do prefix lists.",
    expected: "No inbound rule opens TCP or UDP port 3389 to 0.0.0.0/0, ::/0 or another large part of the \
        internet, and no rules together do",
    remediation: "Remove the rule, or limit it to known addresses. AWS Systems Manager Fleet Manager gives a Remote \
        Desktop without an open port.",
    console: "In the Amazon VPC console, open Security groups, choose the group, then Inbound rules, Edit inbound \
        rules. Delete the rule, or replace its source by known addresses, and save.",
    cli: "aws ec2 describe-security-group-rules --filters Name=group-id,Values=GROUP_ID\n\
        aws ec2 authorize-security-group-ingress --group-id GROUP_ID --protocol tcp --port 3389 --cidr KNOWN_CIDR\n\
        aws ec2 revoke-security-group-ingress --group-id GROUP_ID --security-group-rule-ids RULE_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/working-with-security-group-rules.html",
    parameters: &[INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS],
    references: &[
        security_hub::EC2_14,
        security_hub::EC2_53,
        security_hub::EC2_54,
        cis_5_0::C5_3,
        cis_5_0::C5_4,
        cis_3_0::C5_2,
        cis_3_0::C5_3,
        pci_dss_4_0_1::R1_3_1,
    ],
    reads: &["ec2:DescribeSecurityGroups", "ec2:GetManagedPrefixListEntries"],
    remediable: false,
    check: Check::SecurityGroup(evaluate),
    source: file!(),
};

fn evaluate(group: &SecurityGroup, policy: &Policy) -> Result<Outcome, Unreadable> {
    let internet = Internet::of(&policy.parameters);
    let any_of = |protocol| GroupIngress::of(group, protocol, &internet).any_of(&Ports::from_iter([REMOTE_DESKTOP]));
    Ok(match any_open([any_of(Protocol::Tcp), any_of(Protocol::Udp)])? {
        Some(open) => Outcome::non_compliant(open),
        None => Outcome::compliant("port 3389 is not open to the internet"),
    })
}

const REMOTE_DESKTOP: u16 = 3389;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn remote_desktop_is_closed_to_the_internet() {
        let cases = [
            ("tcp", Some((3389, 3389)), "0.0.0.0/0", true),
            ("tcp", Some((3000, 4000)), "::/0", true),
            ("-1", None, "2000::/3", true),
            // <https://docs.aws.amazon.com/config/latest/developerguide/vpc-sg-port-restriction-check.html>
            ("udp", Some((3389, 3389)), "0.0.0.0/0", true),
            ("17", Some((1024, 65_535)), "::/0", true),
            ("icmp", Some((3389, 3389)), "0.0.0.0/0", false),
            ("tcp", Some((3390, 65_535)), "0.0.0.0/0", false),
            ("tcp", Some((3389, 3389)), "54.239.0.0/16", false),
        ];
        for (protocol, ports, range, open) in cases {
            let group = fixtures::security_group("sg-1", vec![fixtures::permission(protocol, ports, &[range])]);
            let outcome = evaluate(&group, &fixtures::policy()).unwrap();
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), open, "{protocol} {ports:?} {range}");
        }
    }

    #[test]
    fn an_unreadable_prefix_list_is_no_verdict() {
        let group = fixtures::security_group_behind_unreadable_list("sg-1", (3389, 3389));
        let denied = fixtures::denied("ec2:GetManagedPrefixListEntries");
        assert_eq!(evaluate(&group, &fixtures::policy()), Err(denied));
    }
}
