//! A security group opens to the internet only ports that the audit policy authorizes.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::internet_ingress::{GroupIngress, Internet, Ports, Protocol, any_open};
use crate::parameter::{
    AUTHORIZED_TCP_PORTS, AUTHORIZED_UDP_PORTS, INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS,
};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "security-group-internet-ports-authorized-only",
    title: "Security group opens only authorized ports to the internet",
    severity: Severity::High,
    rationale: "A port that nobody authorized is open for something that nobody looks after, and the internet finds it \
        before its owner does. Security Hub's EC2.18 speaks of TCP and UDP ports; ICMP and other protocols have none \
        and are not asked about here, unless a rule opens all protocols. Prowler's check takes any open port for a \
        violation.",
    expected: "Every TCP and UDP port that is open to the internet, by IPv4 or by IPv6, is one of the audit policy's \
        authorized_tcp_ports or authorized_udp_ports",
    remediation: "Close the other ports, or limit them to known addresses. A port that everybody is meant to reach \
        belongs among the audit policy's authorized ports.",
    console: "In the Amazon VPC console, open Security groups, choose the group, then Inbound rules, Edit inbound \
        rules. Delete the rule, or replace its source by known addresses or its ports by authorized ones, and save.",
    cli: "aws ec2 describe-security-group-rules --filters Name=group-id,Values=GROUP_ID\n\
        aws ec2 revoke-security-group-ingress --group-id GROUP_ID --security-group-rule-ids RULE_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/working-with-security-group-rules.html",
    parameters: &[
        AUTHORIZED_TCP_PORTS,
        AUTHORIZED_UDP_PORTS,
        INTERNET_IPV4_PREFIX,
        INTERNET_IPV6_PREFIX,
        TRUSTED_CIDRS,
    ],
    references: &[
        fsbp::EC2_18,
        nist_800_53_r5::AC_4,
        nist_800_53_r5::AC_4_21,
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
    let [tcp, udp] = [Protocol::Tcp, Protocol::Udp].map(|protocol| GroupIngress::of(group, protocol, &internet));
    let but = |authorized: &[u16]| authorized.iter().copied().collect::<Ports>().complement();
    let beyond = any_open([
        tcp.any_of(&but(&policy.parameters.authorized_tcp_ports)),
        udp.any_of(&but(&policy.parameters.authorized_udp_ports)),
    ])?;
    if let Some(open) = beyond {
        return Ok(Outcome::non_compliant(open));
    }
    Ok(match any_open([tcp.any_of(&Ports::every()), udp.any_of(&Ports::every())])? {
        Some(authorized) => Outcome::compliant(authorized),
        None => Outcome::not_applicable("no TCP or UDP port is open to the internet"),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Status;
    use audit_model::resource::IpPermission;

    use super::*;
    use crate::fixtures;

    /// Judges with TCP 80 and 443 authorized, and nothing of UDP.
    fn judge(permissions: Vec<IpPermission>) -> Result<Outcome, Unreadable> {
        evaluate(&fixtures::security_group("sg-1", permissions), &fixtures::policy())
    }

    #[test]
    fn the_internet_reaches_authorized_ports_only() {
        let cases = [
            ("tcp", Some((443, 443)), "0.0.0.0/0", Status::Compliant),
            ("6", Some((80, 80)), "::/0", Status::Compliant),
            ("tcp", Some((8443, 8443)), "10.0.0.0/8", Status::NotApplicable),
            ("icmp", Some((-1, -1)), "0.0.0.0/0", Status::NotApplicable),
            ("58", None, "::/0", Status::NotApplicable),
            ("50", None, "0.0.0.0/0", Status::NotApplicable),
            ("tcp", Some((80, 443)), "0.0.0.0/0", Status::NonCompliant),
            ("tcp", Some((8443, 8443)), "::/0", Status::NonCompliant),
            ("tcp", Some((0, 0)), "0.0.0.0/0", Status::NonCompliant),
            ("udp", Some((443, 443)), "0.0.0.0/0", Status::NonCompliant),
            ("-1", None, "0.0.0.0/0", Status::NonCompliant),
        ];
        for (protocol, ports, range, expected) in cases {
            let answer = judge(vec![fixtures::permission(protocol, ports, &[range])]);
            assert_eq!(fixtures::status(&answer), expected, "{protocol} {ports:?} {range}");
        }
    }

    #[test]
    fn what_is_open_beyond_is_told_by_protocol() {
        let outcome = judge(vec![fixtures::permission("-1", None, &["0.0.0.0/0"])]);
        let expected = "TCP 0-79, 81-442, 444-65535 are open to the internet: all protocols and ports from 0.0.0.0/0; \
                        every UDP port is open to the internet: all protocols and ports from 0.0.0.0/0";
        assert_eq!(outcome, Ok(Outcome::non_compliant(expected)));
    }

    #[test]
    fn the_policy_authorizes_ports() {
        let mut policy = fixtures::policy();
        policy.parameters.authorized_tcp_ports.clear();
        policy.parameters.authorized_udp_ports.push(443);
        let judge = |protocol| {
            let permission = fixtures::permission(protocol, Some((443, 443)), &["0.0.0.0/0"]);
            evaluate(&fixtures::security_group("sg-1", vec![permission]), &policy)
        };
        assert!(matches!(judge("udp"), Ok(Outcome::Compliant { .. })));
        assert!(matches!(judge("tcp"), Ok(Outcome::NonCompliant { .. })));
    }

    #[test]
    fn an_unreadable_prefix_list_matters_only_where_nothing_else_decides() {
        let judge = |ports, more: &[IpPermission]| {
            let mut group = fixtures::security_group_behind_unreadable_list("sg-1", ports);
            group.ingress.extend(more.iter().cloned());
            evaluate(&group, &fixtures::policy())
        };
        let https = || fixtures::permission("tcp", Some((443, 443)), &["0.0.0.0/0"]);
        let denied = || Err(fixtures::denied("ec2:GetManagedPrefixListEntries"));
        assert_eq!(judge((8443, 8443), &[]), denied());
        assert_eq!(judge((8443, 8443), &[https()]), denied());
        assert_eq!(judge((443, 443), &[]), denied());
        assert!(matches!(judge((443, 443), &[https()]), Ok(Outcome::Compliant { .. })));
    }
}
