//! No security group lets the internet reach port 445.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::cis_5_0;
use crate::internet_ingress::{GroupIngress, Internet, Ports, Protocol, any_open};
use crate::parameter::{INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "security-group-cifs-from-internet-prohibited",
    title: "Security group does not open CIFS to the internet",
    severity: Severity::High,
    rationale: "File shares of Windows (CIFS, today SMB) answer on port 445, and worms such as WannaCry spread by it. \
        SMB is TCP; CIS names the port without a protocol, so that UDP counts, too. Beyond it, ranges count that \
        together let in more of the internet than the audit policy bears, and so do prefix lists.",
    expected: "No inbound rule opens TCP or UDP port 445 to 0.0.0.0/0, ::/0 or another large part of the \
        internet, and no rules together do",
    remediation: "Remove the rule, or limit it to trusted networks. Reach file shares through a VPN or AWS Direct \
        Connect instead.",
    console: "In the Amazon VPC console, open Security groups, choose the group, then Inbound rules, Edit inbound \
        rules. Delete the rule, or replace its source by trusted networks, and save.",
    cli: "aws ec2 describe-security-group-rules --filters Name=group-id,Values=GROUP_ID\n\
        aws ec2 authorize-security-group-ingress --group-id GROUP_ID --protocol tcp --port 445 --cidr TRUSTED_CIDR\n\
        aws ec2 revoke-security-group-ingress --group-id GROUP_ID --security-group-rule-ids RULE_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/working-with-security-group-rules.html",
    parameters: &[INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS],
    references: &[cis_5_0::C5_1_2],
    reads: &["ec2:DescribeSecurityGroups", "ec2:GetManagedPrefixListEntries"],
    remediable: false,
    check: Check::SecurityGroup(evaluate),
    source: file!(),
};

fn evaluate(group: &SecurityGroup, policy: &Policy) -> Result<Outcome, Unreadable> {
    let internet = Internet::of(&policy.parameters);
    let any_of = |protocol| GroupIngress::of(group, protocol, &internet).any_of(&Ports::from_iter([CIFS]));
    Ok(match any_open([any_of(Protocol::Tcp), any_of(Protocol::Udp)])? {
        Some(open) => Outcome::non_compliant(open),
        None => Outcome::compliant("port 445 is not open to the internet"),
    })
}

const CIFS: u16 = 445;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn judge(protocol: &str, ports: Option<(i32, i32)>, range: &str) -> Outcome {
        let group = fixtures::security_group("sg-1", vec![fixtures::permission(protocol, ports, &[range])]);
        evaluate(&group, &fixtures::policy()).unwrap()
    }

    #[test]
    fn cifs_from_everywhere_fails() {
        // CIS AWS Foundations Benchmark 5.0.0, 5.1.2: no rule with port 445 and the source 0.0.0.0/0 or ::/0.
        let cases = [
            (("tcp", Some((445, 445)), "0.0.0.0/0"), "TCP 445 is open to the internet: tcp 445 from 0.0.0.0/0"),
            (("6", Some((400, 500)), "::/0"), "TCP 445 is open to the internet: tcp 400-500 from ::/0"),
            (("udp", Some((445, 445)), "::/0"), "UDP 445 is open to the internet: udp 445 from ::/0"),
        ];
        for ((protocol, ports, range), expected) in cases {
            assert_eq!(judge(protocol, ports, range), Outcome::non_compliant(expected));
        }
        assert!(matches!(judge("-1", None, "0.0.0.0/0"), Outcome::NonCompliant { .. }));
    }

    #[test]
    fn other_ports_and_other_places_pass() {
        let cases = [
            ("tcp", Some((443, 443)), "0.0.0.0/0"),
            ("tcp", Some((139, 139)), "0.0.0.0/0"),
            ("icmp", Some((445, 445)), "::/0"),
            ("tcp", Some((445, 445)), "10.0.0.0/8"),
        ];
        for (protocol, ports, range) in cases {
            assert!(matches!(judge(protocol, ports, range), Outcome::Compliant { .. }), "{protocol} {ports:?} {range}");
        }
    }

    #[test]
    fn a_prefix_list_that_could_not_be_read_leaves_no_verdict() {
        let hidden = fixtures::security_group_behind_unreadable_list("sg-1", (445, 445));
        let missing = fixtures::denied("ec2:GetManagedPrefixListEntries");
        assert_eq!(evaluate(&hidden, &fixtures::policy()), Err(missing));
    }
}
