//! No security group lets the internet reach every port.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0};
use crate::internet_ingress::{GroupIngress, Internet, Ports, Protocol, any_open};
use crate::parameter::{INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "security-group-all-ports-from-internet-prohibited",
    title: "Security group does not open all ports to the internet",
    severity: Severity::Critical,
    rationale: "Behind a group that opens every port, every service that listens, known or forgotten, is on the \
        internet.",
    expected: "No inbound rule opens all protocols, all TCP ports or all UDP ports to 0.0.0.0/0, ::/0 or another \
        large part of the internet, and no rules together do",
    remediation: "Replace the rule by rules for the ports that are meant to be reached, from where they are meant to \
        be reached. Add these first, so that traffic goes on while the wide one is removed.",
    console: "In the Amazon VPC console, open Security groups, choose the group, then Inbound rules, Edit inbound \
        rules. Add rules for the ports that are meant to be reached, delete the ones that open all ports, and save.",
    cli: "aws ec2 describe-security-group-rules --filters Name=group-id,Values=GROUP_ID\n\
        aws ec2 authorize-security-group-ingress --group-id GROUP_ID --protocol tcp --port PORT --cidr CIDR\n\
        aws ec2 revoke-security-group-ingress --group-id GROUP_ID --security-group-rule-ids RULE_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/working-with-security-group-rules.html",
    parameters: &[INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS],
    references: &[cis_5_0::C5_3, cis_5_0::C5_4, cis_3_0::C5_2, cis_3_0::C5_3],
    reads: &["ec2:DescribeSecurityGroups", "ec2:GetManagedPrefixListEntries"],
    remediable: false,
    check: Check::SecurityGroup(evaluate),
    source: file!(),
};

fn evaluate(group: &SecurityGroup, policy: &Policy) -> Result<Outcome, Unreadable> {
    let internet = Internet::of(&policy.parameters);
    let all_of = |protocol| GroupIngress::of(group, protocol, &internet).all_of(&Ports::every());
    Ok(match any_open([all_of(Protocol::Tcp), all_of(Protocol::Udp)])? {
        Some(open) => Outcome::non_compliant(open),
        None => Outcome::compliant("the rules do not open all ports to the internet"),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::{IpPermission, PrefixList};

    use super::*;
    use crate::fixtures;

    fn judge(permissions: Vec<IpPermission>) -> Result<Outcome, Unreadable> {
        evaluate(&fixtures::security_group("sg-1", permissions), &fixtures::policy())
    }

    #[test]
    fn all_ports_from_everywhere_fail() {
        let cases = [
            ("-1", None, "0.0.0.0/0"),
            ("-1", None, "::/0"),
            ("tcp", Some((0, 65_535)), "0.0.0.0/0"),
            ("udp", Some((0, 65_535)), "::/0"),
            ("tcp", Some((1, 65_535)), "0.0.0.0/0"),
        ];
        for (protocol, ports, range) in cases {
            let outcome = judge(vec![fixtures::permission(protocol, ports, &[range])]);
            assert!(matches!(outcome, Ok(Outcome::NonCompliant { .. })), "{protocol} {ports:?} {range}");
        }
    }

    #[test]
    fn port_ranges_of_several_rules_count_together() {
        let rules = |first: (i32, i32), second: (i32, i32)| {
            let open = |ports| fixtures::permission("tcp", Some(ports), &["0.0.0.0/0"]);
            judge(vec![open(first), open(second)])
        };
        let all = "every TCP port is open to the internet: tcp 0-1023 from 0.0.0.0/0, tcp 1024-65535 from 0.0.0.0/0";
        assert_eq!(rules((0, 1023), (1024, 65_535)), Ok(Outcome::non_compliant(all)));
        assert!(matches!(rules((0, 1023), (1025, 65_535)), Ok(Outcome::Compliant { .. })));
    }

    #[test]
    fn fewer_ports_and_other_places_pass() {
        let cases = [
            ("tcp", Some((1024, 65_535)), "0.0.0.0/0"),
            ("tcp", Some((0, 1024)), "0.0.0.0/0"),
            ("icmp", Some((-1, -1)), "0.0.0.0/0"),
            ("-1", None, "10.0.0.0/8"),
        ];
        for (protocol, ports, range) in cases {
            let outcome = judge(vec![fixtures::permission(protocol, ports, &[range])]);
            assert!(matches!(outcome, Ok(Outcome::Compliant { .. })), "{protocol} {ports:?} {range}");
        }
    }

    #[test]
    fn an_unreadable_prefix_list_matters_unless_the_other_protocol_is_open() {
        let denied = fixtures::denied("ec2:GetManagedPrefixListEntries");
        let list = PrefixList { id: "pl-1".to_owned(), entries: Reading::Unreadable(denied.clone()) };
        let tcp = IpPermission { prefix_lists: vec![list], ..fixtures::permission("tcp", Some((0, 65_535)), &[]) };
        let udp = fixtures::permission("udp", Some((0, 65_535)), &["0.0.0.0/0"]);
        assert_eq!(judge(vec![tcp.clone()]), Err(denied));
        assert!(matches!(judge(vec![tcp, udp]), Ok(Outcome::NonCompliant { .. })));
    }
}
