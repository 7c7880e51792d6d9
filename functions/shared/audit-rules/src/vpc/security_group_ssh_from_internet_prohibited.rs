//! No security group lets the internet reach port 22.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0, nist_800_53_r5, pci_dss_4_0_1, security_hub};
use crate::internet_ingress::{GroupIngress, Internet, Ports, Protocol, any_open};
use crate::parameter::{INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "security-group-ssh-from-internet-prohibited",
    title: "Security group does not open SSH to the internet",
    severity: Severity::High,
    rationale: "An SSH port that the internet reaches is tried with stolen and guessed credentials within \
        minutes. SSH is TCP; CIS and Security Hub's EC2.53 and EC2.54 ask about UDP, too, EC2.13 and Prowler's check do \
        not. Beyond them, ranges count that together let in more of the internet than the audit policy bears, and so \
        do prefix lists.",
    expected: "No inbound rule opens TCP or UDP port 22 to 0.0.0.0/0, ::/0 or another large part of the \
        internet, and no rules together do",
    remediation: "Remove the rule, or limit it to known addresses. AWS Systems Manager Session Manager needs no open \
        port, and an EC2 Instance Connect Endpoint reaches the port from inside the VPC.",
    console: "In the Amazon VPC console, open Security groups, choose the group, then Inbound rules, Edit inbound \
        rules. Delete the rule, or replace its source by known addresses, and save.",
    cli: "aws ec2 describe-security-group-rules --filters Name=group-id,Values=GROUP_ID\n\
        aws ec2 authorize-security-group-ingress --group-id GROUP_ID --protocol tcp --port 22 --cidr KNOWN_CIDR\n\
        aws ec2 revoke-security-group-ingress --group-id GROUP_ID --security-group-rule-ids RULE_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/working-with-security-group-rules.html",
    parameters: &[INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS],
    references: &[
        security_hub::EC2_13,
        security_hub::EC2_53,
        security_hub::EC2_54,
        cis_5_0::C5_3,
        cis_5_0::C5_4,
        cis_3_0::C5_2,
        cis_3_0::C5_3,
        pci_dss_4_0_1::R1_3_1,
        nist_800_53_r5::AC_4,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::CM_7,
        nist_800_53_r5::SC_7,
        nist_800_53_r5::SC_7_4,
        nist_800_53_r5::SC_7_5,
        nist_800_53_r5::SC_7_11,
        nist_800_53_r5::SC_7_16,
        nist_800_53_r5::SC_7_21,
    ],
    reads: &["ec2:DescribeSecurityGroups", "ec2:GetManagedPrefixListEntries"],
    remediable: false,
    check: Check::SecurityGroup(evaluate),
    source: file!(),
};

fn evaluate(group: &SecurityGroup, policy: &Policy) -> Result<Outcome, Unreadable> {
    let internet = Internet::of(&policy.parameters);
    let any_of = |protocol| GroupIngress::of(group, protocol, &internet).any_of(&Ports::from_iter([SSH]));
    Ok(match any_open([any_of(Protocol::Tcp), any_of(Protocol::Udp)])? {
        Some(open) => Outcome::non_compliant(open),
        None => Outcome::compliant("port 22 is not open to the internet"),
    })
}

const SSH: u16 = 22;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn judge(protocol: &str, ports: Option<(i32, i32)>, range: &str) -> Outcome {
        let group = fixtures::security_group("sg-1", vec![fixtures::permission(protocol, ports, &[range])]);
        evaluate(&group, &fixtures::policy()).unwrap()
    }

    #[test]
    fn ssh_from_everywhere_fails() {
        let cases = [
            (("tcp", Some((22, 22)), "0.0.0.0/0"), "TCP 22 is open to the internet: tcp 22 from 0.0.0.0/0"),
            (("6", Some((20, 25)), "::/0"), "TCP 22 is open to the internet: tcp 20-25 from ::/0"),
            (
                ("-1", None, "0.0.0.0/0"),
                "TCP 22 is open to the internet: all protocols and ports from 0.0.0.0/0; UDP 22 is open to the internet: \
                 all protocols and ports from 0.0.0.0/0",
            ),
            // <https://docs.aws.amazon.com/config/latest/developerguide/vpc-sg-port-restriction-check.html>
            (("udp", Some((22, 22)), "::/0"), "UDP 22 is open to the internet: udp 22 from ::/0"),
        ];
        for ((protocol, ports, range), expected) in cases {
            assert_eq!(judge(protocol, ports, range), Outcome::non_compliant(expected));
        }
    }

    #[test]
    fn other_ports_and_other_places_pass() {
        let cases =
            [("tcp", Some((443, 443)), "0.0.0.0/0"), ("icmp", Some((22, 22)), "::/0"), ("-1", None, "10.0.0.0/8")];
        for (protocol, ports, range) in cases {
            assert!(matches!(judge(protocol, ports, range), Outcome::Compliant { .. }), "{protocol} {ports:?} {range}");
        }
    }

    #[test]
    fn outbound_rules_do_not_matter() {
        let open = fixtures::permission("-1", None, &["0.0.0.0/0"]);
        let group = SecurityGroup { egress: vec![open], ..fixtures::security_group("sg-1", Vec::new()) };
        assert!(matches!(evaluate(&group, &fixtures::policy()), Ok(Outcome::Compliant { .. })));
    }
}
