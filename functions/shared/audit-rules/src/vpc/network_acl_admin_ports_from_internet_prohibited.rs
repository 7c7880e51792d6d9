//! No network ACL lets the internet reach ports 22 and 3389.

use audit_model::resource::NetworkAcl;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0, fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::internet_ingress::{AclIngress, Internet, Ports, Protocol};
use crate::parameter::{INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "network-acl-admin-ports-from-internet-prohibited",
    title: "Network ACL does not open SSH or Remote Desktop to the internet",
    severity: Severity::Medium,
    rationale: "A network ACL is the second wall behind security groups: where it lets in SSH or Remote Desktop from \
        everywhere, one mistake in one group is enough. What a denial in an entry with a lower number leaves of an \
        entry counts, as a share of the internet. Like Security Hub's EC2.21, this rule asks about TCP and \
        UDP. EC2.21 leaves out a VPC's default ACL, which lets in everything as AWS creates it; the CIS benchmark does \
        not, and neither does this rule.",
    expected: "No entries in effect open TCP or UDP port 22 or 3389 to the internet, by IPv4 or by IPv6",
    remediation: "Delete the entry, limit it to known addresses or other ports, or deny the two ports of \
        both protocols to 0.0.0.0/0 and ::/0 in entries with lower numbers.",
    console: "In the Amazon VPC console, open Network ACLs, choose the ACL, then Inbound rules, Edit inbound rules. \
        Remove the entry, or add one with a lower rule number that denies the port to 0.0.0.0/0 (and one for ::/0), \
        for TCP (6) and for UDP (17), and save.",
    cli: "aws ec2 describe-network-acls --network-acl-ids ACL_ID\n\
        aws ec2 create-network-acl-entry --network-acl-id ACL_ID --ingress --rule-number LOWER_NUMBER --protocol 6 \
        --port-range From=22,To=22 --cidr-block 0.0.0.0/0 --rule-action deny\n\
        aws ec2 delete-network-acl-entry --network-acl-id ACL_ID --ingress --rule-number NUMBER",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html",
    parameters: &[INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS],
    references: &[
        fsbp::EC2_21,
        cis_5_0::C5_2,
        cis_3_0::C5_1,
        pci_dss_4_0_1::R1_3_1,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::CA_9_1,
        nist_800_53_r5::CM_2,
        nist_800_53_r5::CM_2_2,
        nist_800_53_r5::CM_7,
        nist_800_53_r5::SC_7,
        nist_800_53_r5::SC_7_5,
        nist_800_53_r5::SC_7_21,
    ],
    reads: &["ec2:DescribeNetworkAcls"],
    remediable: false,
    check: Check::NetworkAcl(evaluate),
    source: file!(),
};

fn evaluate(acl: &NetworkAcl, policy: &Policy) -> Result<Outcome, Unreadable> {
    let internet = Internet::of(&policy.parameters);
    let ingress = AclIngress::of(acl, &internet)?;
    let any_of = |protocol| ingress.any_of(protocol, &Ports::from_iter([SSH, REMOTE_DESKTOP]));
    let open: Vec<String> = [Protocol::Tcp, Protocol::Udp].into_iter().filter_map(any_of).collect();
    Ok(match open.is_empty() {
        false => Outcome::non_compliant(open.join("; ")),
        true => Outcome::compliant("ports 22 and 3389 are not open to the internet"),
    })
}

const SSH: u16 = 22;
const REMOTE_DESKTOP: u16 = 3389;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{self, acl_entry};

    #[test]
    fn both_ports_are_closed_to_the_internet() {
        let cases = [
            ("6", Some((22, 22)), "0.0.0.0/0", true),
            ("6", Some((3389, 3389)), "::/0", true),
            ("6", Some((1024, 65_535)), "0.0.0.0/0", true),
            ("6", None, "0.0.0.0/0", true),
            ("-1", None, "0.0.0.0/0", true),
            ("6", Some((443, 443)), "0.0.0.0/0", false),
            // <https://docs.aws.amazon.com/config/latest/developerguide/nacl-no-unrestricted-ssh-rdp.html>
            ("17", Some((22, 22)), "0.0.0.0/0", true),
            ("17", Some((3389, 3389)), "::/0", true),
            ("17", Some((23, 3388)), "0.0.0.0/0", false),
            ("1", None, "0.0.0.0/0", false),
            ("6", Some((22, 22)), "54.239.0.0/16", false),
        ];
        for (protocol, ports, range, open) in cases {
            let acl = fixtures::network_acl("acl-1", vec![acl_entry(100, true, protocol, ports, range)]);
            let outcome = evaluate(&acl, &fixtures::policy()).unwrap();
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), open, "{protocol} {ports:?} {range}");
        }
    }

    #[test]
    fn both_ports_have_to_be_denied_before_everything_is_allowed() {
        let judge = |denied: &[(&str, i32)]| {
            let numbered = (10..).zip(denied);
            let deny = numbered.map(|(number, (protocol, port))| {
                acl_entry(number, false, protocol, Some((*port, *port)), "0.0.0.0/0")
            });
            let allow = acl_entry(100, true, "-1", None, "0.0.0.0/0");
            evaluate(&fixtures::network_acl("acl-1", deny.chain([allow]).collect()), &fixtures::policy()).unwrap()
        };
        let (tcp, udp) = ([("6", 22), ("6", 3389)], [("17", 22), ("17", 3389)]);
        assert!(matches!(judge(&[tcp, udp].concat()), Outcome::Compliant { .. }));
        let open =
            |port| format!("{port} is open to the internet: entry 100 allows all protocols and ports from 0.0.0.0/0");
        assert_eq!(judge(&[&tcp[..1], &udp].concat()), Outcome::non_compliant(open("TCP 3389")));
        assert_eq!(judge(&[&tcp, &udp[1..]].concat()), Outcome::non_compliant(open("UDP 22")));
    }

    #[test]
    fn the_default_acl_is_judged_like_any_other() {
        let outcome = evaluate(&fixtures::default_network_acl(), &fixtures::policy());
        assert!(matches!(outcome, Ok(Outcome::NonCompliant { .. })));
    }

    #[test]
    fn an_entry_that_cannot_be_understood_is_no_verdict() {
        let acl = fixtures::network_acl("acl-1", vec![acl_entry(100, true, "-1", None, "everywhere")]);
        assert!(evaluate(&acl, &fixtures::policy()).is_err());
    }
}
