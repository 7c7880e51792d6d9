//! No security group lets the whole internet reach port 22.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::internet_ingress::{Protocol, from_internet, opens_ports};
use crate::rule::{Check, Outcome, Rule, nist_r5, pci_4_0_1, security_hub};

pub(super) const RULE: Rule = Rule {
    id: "security-group-ssh-from-internet-prohibited",
    title: "Security group does not open SSH to the internet",
    severity: Severity::High,
    rationale: "An SSH port that the whole internet reaches is tried with stolen and guessed credentials within minutes.",
    expected: "No inbound rule opens TCP port 22 to 0.0.0.0/0 or ::/0",
    remediation: "Remove the rule, or limit it to known addresses. AWS Systems Manager Session Manager and EC2 Instance \
        Connect need no open port.",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    references: &[
        security_hub("EC2.13"),
        pci_4_0_1("1.3.1"),
        nist_r5("AC-4"),
        nist_r5("AC-4(21)"),
        nist_r5("CM-7"),
        nist_r5("SC-7"),
        nist_r5("SC-7(4)"),
        nist_r5("SC-7(5)"),
        nist_r5("SC-7(11)"),
        nist_r5("SC-7(16)"),
        nist_r5("SC-7(21)"),
    ],
    remediable: false,
    check: Check::SecurityGroup(evaluate),
    source: file!(),
};

fn evaluate(group: &SecurityGroup, _: &Policy) -> Result<Outcome, Unreadable> {
    let open = from_internet(group, |permission| opens_ports(permission, Protocol::Tcp, SSH, SSH))?;
    Ok(match open {
        Some(through) => Outcome::non_compliant(through),
        None => Outcome::compliant("port 22 is not open to the whole internet"),
    })
}

const SSH: i32 = 22;

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
        assert_eq!(judge("tcp", Some((22, 22)), "0.0.0.0/0"), Outcome::non_compliant("tcp 22 from 0.0.0.0/0"));
        assert_eq!(judge("tcp", Some((20, 25)), "::/0"), Outcome::non_compliant("tcp 20-25 from ::/0"));
        let everything = judge("-1", None, "0.0.0.0/0");
        assert_eq!(everything, Outcome::non_compliant("all protocols and ports from 0.0.0.0/0"));
    }

    #[test]
    fn other_ports_and_other_places_pass() {
        let cases =
            [("tcp", Some((443, 443)), "0.0.0.0/0"), ("udp", Some((22, 22)), "::/0"), ("-1", None, "10.0.0.0/8")];
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
