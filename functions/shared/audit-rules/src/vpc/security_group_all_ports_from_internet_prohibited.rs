//! No security group lets the whole internet reach every port.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::internet_ingress::{LAST_PORT, Protocol, from_internet, opens_ports};
use crate::rule::{Check, Outcome, Rule, cis_3_0, cis_5_0};

pub(super) const RULE: Rule = Rule {
    id: "security-group-all-ports-from-internet-prohibited",
    title: "Security group does not open all ports to the internet",
    severity: Severity::Critical,
    rationale: "Behind a group that opens every port, every service that listens, known or forgotten, is on the \
        internet.",
    expected: "No inbound rule opens all protocols, or all TCP or all UDP ports, to 0.0.0.0/0 or ::/0",
    remediation: "Replace the rule by rules for the ports that are meant to be reached, from where they are meant to be \
        reached.",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    references: &[cis_5_0("5.3"), cis_5_0("5.4"), cis_3_0("5.2"), cis_3_0("5.3")],
    remediable: false,
    check: Check::SecurityGroup(evaluate),
    source: file!(),
};

fn evaluate(group: &SecurityGroup, _: &Policy) -> Result<Outcome, Unreadable> {
    let all_of = |protocol| from_internet(group, |permission| opens_ports(permission, protocol, FIRST_PORT, LAST_PORT));
    match (all_of(Protocol::Tcp), all_of(Protocol::Udp)) {
        (Ok(Some(through)), _) | (_, Ok(Some(through))) => Ok(Outcome::non_compliant(through)),
        (Err(why), _) | (_, Err(why)) => Err(why),
        (Ok(None), Ok(None)) => Ok(Outcome::compliant("no rule opens all ports to the whole internet")),
    }
}

/// Port 0 is reserved and nothing listens there: without it, a range still opens everything.
const FIRST_PORT: i32 = 1;

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
