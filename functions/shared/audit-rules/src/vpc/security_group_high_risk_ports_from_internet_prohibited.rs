//! No security group lets the internet reach a port of high risk.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::internet_ingress::{GroupIngress, Internet, Ports, Protocol};
use crate::parameter::{HIGH_RISK_PORTS, INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "security-group-high-risk-ports-from-internet-prohibited",
    title: "Security group does not open high-risk ports to the internet",
    severity: Severity::Critical,
    rationale: "Databases, file shares, mail and remote administration listen on these ports, often without encryption \
        or with default passwords. Open to the internet, they are found by scanners and emptied. The audit policy's \
        default list is that of Security Hub's EC2.19, which is longer than Prowler's; both speak of TCP. Beyond \
        Prowler's check, ranges count that together let in more of the internet than the audit policy bears, and so \
        do prefix lists.",
    expected: "No TCP port of the audit policy's high_risk_ports is open to the internet, by IPv4 or by IPv6",
    remediation: "Remove the rules that open these ports, or limit them to known addresses or to the security groups \
        of the clients.",
    console: "In the Amazon VPC console, open Security groups, choose the group, then Inbound rules, Edit inbound \
        rules. Delete each rule that opens one of the ports, or replace its source by the clients' addresses or \
        security group, and save.",
    cli: "aws ec2 describe-security-group-rules --filters Name=group-id,Values=GROUP_ID\n\
        aws ec2 authorize-security-group-ingress --group-id GROUP_ID --protocol tcp --port PORT --source-group \
        CLIENTS_GROUP_ID\n\
        aws ec2 revoke-security-group-ingress --group-id GROUP_ID --security-group-rule-ids RULE_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/working-with-security-group-rules.html",
    parameters: &[HIGH_RISK_PORTS, INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS],
    references: &[
        fsbp::EC2_19,
        nist_800_53_r5::AC_4,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::CA_9_1,
        nist_800_53_r5::CM_2,
        nist_800_53_r5::CM_2_2,
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
    let high_risk: Ports = policy.parameters.high_risk_ports.iter().copied().collect();
    if high_risk.is_empty() {
        return Ok(Outcome::not_applicable("the audit policy lists no ports of high risk"));
    }
    let internet = Internet::of(&policy.parameters);
    Ok(match GroupIngress::of(group, Protocol::Tcp, &internet).any_of(&high_risk)? {
        Some(open) => Outcome::non_compliant(open),
        None => Outcome::compliant("no port of high risk is open to the internet"),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::resource::IpPermission;

    use super::*;
    use crate::fixtures;

    /// Judges with 22, 3306 and 3389 as ports of high risk.
    fn judge(permissions: Vec<IpPermission>) -> Result<Outcome, Unreadable> {
        evaluate(&fixtures::security_group("sg-1", permissions), &fixtures::policy())
    }

    #[test]
    fn each_listed_port_is_closed_to_the_internet() {
        let cases = [
            ("tcp", Some((22, 22)), "0.0.0.0/0", true),
            ("tcp", Some((3300, 3310)), "::/0", true),
            ("-1", None, "0.0.0.0/0", true),
            ("tcp", Some((23, 3305)), "0.0.0.0/0", false),
            ("udp", Some((22, 22)), "0.0.0.0/0", false),
            ("tcp", Some((22, 22)), "10.0.0.0/8", false),
        ];
        for (protocol, ports, range, open) in cases {
            let outcome = judge(vec![fixtures::permission(protocol, ports, &[range])]).unwrap();
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), open, "{protocol} {ports:?} {range}");
        }
    }

    #[test]
    fn the_open_ones_are_named() {
        let outcome = judge(vec![fixtures::permission("tcp", Some((22, 3306)), &["0.0.0.0/0"])]);
        let expected = "TCP 22, 3306 are open to the internet: tcp 22-3306 from 0.0.0.0/0";
        assert_eq!(outcome, Ok(Outcome::non_compliant(expected)));
    }

    #[test]
    fn without_listed_ports_there_is_nothing_to_ask() {
        let mut policy = fixtures::policy();
        policy.parameters.high_risk_ports.clear();
        let group = fixtures::security_group_behind_unreadable_list("sg-1", (22, 22));
        assert!(matches!(evaluate(&group, &policy), Ok(Outcome::NotApplicable { .. })));
    }

    #[test]
    fn an_unreadable_prefix_list_matters_only_for_listed_ports() {
        let judge =
            |ports| evaluate(&fixtures::security_group_behind_unreadable_list("sg-1", ports), &fixtures::policy());
        assert_eq!(judge((3306, 3306)), Err(fixtures::denied("ec2:GetManagedPrefixListEntries")));
        assert!(matches!(judge((443, 443)), Ok(Outcome::Compliant { .. })));
    }
}
