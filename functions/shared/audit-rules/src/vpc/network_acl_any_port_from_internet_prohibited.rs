//! No network ACL lets the internet in to everything.

use audit_model::resource::NetworkAcl;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0, nist_800_53_r5};
use crate::internet_ingress::{AclIngress, Internet};
use crate::parameter::{INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "network-acl-any-port-from-internet-prohibited",
    title: "Network ACL does not open everything to the internet",
    severity: Severity::Medium,
    rationale: "An ACL that lets in everything from everywhere protects nothing: whatever a security group opens by \
        mistake is on the internet. ACLs keep no state, and answers from the internet need open ports; so only an ACL \
        that opens everything fails, by entries for all protocols (whatever single ports are denied before them) or, \
        beyond Prowler's check, by entries for every port of TCP and of UDP. A VPC's default ACL is judged like any \
        other.",
    expected: "The internet reaches some ports at most, and not everything, by IPv4 and by IPv6",
    remediation: "Replace the entry by entries for the ports that are served, for all traffic from the VPC's own \
        networks, and for the ephemeral ports 1024-65535 that answers to outgoing connections come in to. Port 3389 \
        lies among these: deny it in an entry with a lower number. Add all of them before the wide entry is removed.",
    console: "In the Amazon VPC console, open Network ACLs, choose the ACL, then Inbound rules, Edit inbound rules. \
        Add entries for what is needed, remove the one for all traffic, and save.",
    cli: "aws ec2 describe-network-acls --network-acl-ids ACL_ID\n\
        aws ec2 create-network-acl-entry --network-acl-id ACL_ID --ingress --rule-number NEW_NUMBER --protocol 6 \
        --port-range From=443,To=443 --cidr-block 0.0.0.0/0 --rule-action allow\n\
        aws ec2 delete-network-acl-entry --network-acl-id ACL_ID --ingress --rule-number NUMBER",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html",
    parameters: &[INTERNET_IPV4_PREFIX, INTERNET_IPV6_PREFIX, TRUSTED_CIDRS],
    references: &[
        cis_5_0::C5_2,
        cis_3_0::C5_1,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::AC_17,
        nist_800_53_r5::AC_17_1,
        nist_800_53_r5::AC_17_4,
        nist_800_53_r5::AC_17_9,
        nist_800_53_r5::AC_17_10,
        nist_800_53_r5::CM_2,
        nist_800_53_r5::CM_2_2,
        nist_800_53_r5::CM_6,
        nist_800_53_r5::CM_7,
        nist_800_53_r5::CM_8_6,
        nist_800_53_r5::CM_9,
        nist_800_53_r5::SC_7,
        nist_800_53_r5::SC_7_5,
        nist_800_53_r5::SC_7_7,
        nist_800_53_r5::SC_7_11,
        nist_800_53_r5::SC_7_12,
        nist_800_53_r5::SC_7_16,
        nist_800_53_r5::SC_7_21,
        nist_800_53_r5::SC_7_24,
        nist_800_53_r5::SC_7_25,
        nist_800_53_r5::SC_7_26,
        nist_800_53_r5::SC_7_27,
        nist_800_53_r5::SC_7_28,
    ],
    reads: &["ec2:DescribeNetworkAcls"],
    remediable: false,
    check: Check::NetworkAcl(evaluate),
    source: file!(),
};

fn evaluate(acl: &NetworkAcl, policy: &Policy) -> Result<Outcome, Unreadable> {
    Ok(match AclIngress::of(acl, &Internet::of(&policy.parameters))?.everything() {
        Some(open) => Outcome::non_compliant(open),
        None => Outcome::compliant("not everything is open to the internet"),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::resource::NetworkAclEntry;

    use super::*;
    use crate::fixtures::{self, acl_entry};

    fn judge(entries: Vec<NetworkAclEntry>) -> Result<Outcome, Unreadable> {
        evaluate(&fixtures::network_acl("acl-1", entries), &fixtures::policy())
    }

    #[test]
    fn an_acl_that_lets_in_everything_fails() {
        let allow = |number, protocol, range| acl_entry(number, true, protocol, None, range);
        let deny = |number, protocol, ports, range| acl_entry(number, false, protocol, ports, range);
        let cases = [
            (vec![allow(100, "-1", "0.0.0.0/0")], true),
            (vec![allow(100, "-1", "::/0")], true),
            (vec![allow(100, "-1", "0.0.0.0/1"), allow(110, "-1", "128.0.0.0/1")], true),
            (vec![deny(90, "6", Some((22, 22)), "0.0.0.0/0"), allow(100, "-1", "0.0.0.0/0")], true),
            (vec![deny(90, "-1", None, "54.0.0.0/8"), allow(100, "-1", "0.0.0.0/0")], true),
            (vec![allow(100, "6", "0.0.0.0/0"), allow(110, "17", "0.0.0.0/0")], true),
            (vec![allow(100, "6", "0.0.0.0/0"), allow(110, "17", "::/0")], false),
            (vec![allow(100, "6", "0.0.0.0/0")], false),
            (vec![allow(100, "17", "0.0.0.0/0"), acl_entry(110, true, "6", Some((1024, 65_535)), "0.0.0.0/0")], false),
            (vec![deny(90, "-1", None, "0.0.0.0/0"), allow(100, "-1", "0.0.0.0/0")], false),
            (vec![allow(100, "-1", "10.0.0.0/8")], false),
            (vec![], false),
        ];
        for (entries, fails) in cases {
            let outcome = judge(entries.clone()).unwrap();
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), fails, "{entries:?}");
        }
    }

    #[test]
    fn the_default_acl_is_judged_like_any_other() {
        let outcome = evaluate(&fixtures::default_network_acl(), &fixtures::policy());
        let expected = "the internet is let in: entry 100 allows all protocols and ports from 0.0.0.0/0";
        assert_eq!(outcome, Ok(Outcome::non_compliant(expected)));
    }

    #[test]
    fn an_entry_that_cannot_be_understood_is_no_verdict() {
        assert!(judge(vec![acl_entry(100, true, "-1", None, "everywhere")]).is_err());
    }
}
