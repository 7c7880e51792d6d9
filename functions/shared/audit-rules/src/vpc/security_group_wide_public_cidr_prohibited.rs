//! No rule of a security group names a wide range of public addresses.

use audit_model::resource::{IpPermission, SecurityGroup};
use audit_model::{Policy, Severity, Unreadable};
use ipnet::IpNet;

use crate::internet_ingress::Internet;
use crate::listing::first_of;
use crate::parameter::TRUSTED_CIDRS;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "security-group-wide-public-cidr-prohibited",
    title: "Security group has no rules for wide public ranges",
    severity: Severity::High,
    rationale: "Nobody knows who is behind hundreds or millions of public addresses: such a range lets in, or lets \
        data out to, far more hosts than were meant, and rules against the internet do not see it. 0.0.0.0/0 and ::/0 \
        themselves are left to those rules, for they are common outbound rules. Wide is what is shorter than the \
        narrowest range that can be announced on the internet, /24 of IPv4 and /48 of IPv6; Prowler's check reads IPv4 \
        only. The audit policy's trusted_cidrs are not wide, for it is known who is behind them. Prefix lists are left out, as in Prowler's check: those \
        of AWS, for instance of Amazon S3 and CloudFront, hold wide public ranges and are the narrowest way to name \
        the service.",
    expected: "No inbound or outbound rule has a range of public addresses from /1 to /23 of IPv4 or from /1 to /47 of IPv6, \
        but for the audit policy's trusted_cidrs",
    remediation: "Replace the range by the addresses that are needed, /24 or narrower (/48 of IPv6), or by the prefix list of the \
        AWS service that is meant. Add these rules first, so that traffic goes on while the wide one is removed.",
    console: "In the Amazon VPC console, open Security groups, choose the group, then Inbound rules, Edit inbound \
        rules, or the same for outbound rules. Replace the range by narrower ones or by a prefix list, and save.",
    cli: "aws ec2 describe-security-group-rules --filters Name=group-id,Values=GROUP_ID\n\
        aws ec2 authorize-security-group-ingress --group-id GROUP_ID --protocol tcp --port PORT --cidr NARROW_CIDR\n\
        aws ec2 revoke-security-group-ingress --group-id GROUP_ID --security-group-rule-ids INBOUND_RULE_ID\n\
        aws ec2 revoke-security-group-egress --group-id GROUP_ID --security-group-rule-ids OUTBOUND_RULE_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/working-with-security-group-rules.html",
    parameters: &[TRUSTED_CIDRS],
    references: &[],
    reads: &["ec2:DescribeSecurityGroups"],
    remediable: false,
    check: Check::SecurityGroup(evaluate),
    source: file!(),
};

fn evaluate(group: &SecurityGroup, policy: &Policy) -> Result<Outcome, Unreadable> {
    let internet = Internet::of(&policy.parameters);
    let ranges = of(&group.ingress, "inbound").chain(of(&group.egress, "outbound"));
    let wide = ranges.filter(|(_, range)| is_wide(range) && internet.overlaps(range));
    let mut wide: Vec<String> = wide.map(|(direction, range)| format!("{direction} {range}")).collect();
    wide.dedup();
    Ok(if wide.is_empty() {
        Outcome::compliant("no rule names a wide range of public addresses")
    } else {
        Outcome::non_compliant(first_of(&wide))
    })
}

/// Whether the prefix is shorter than that of [the narrowest range that AWS announces][byoip]. A prefix of length 0 is
/// another rule's matter.
///
/// [byoip]: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ProvisionByoipCidr.html
fn is_wide(range: &IpNet) -> bool {
    match range {
        IpNet::V4(range) => (1..=23).contains(&range.prefix_len()),
        IpNet::V6(range) => (1..=47).contains(&range.prefix_len()),
    }
}

fn of<'a>(permissions: &'a [IpPermission], direction: &'a str) -> impl Iterator<Item = (&'a str, &'a IpNet)> {
    permissions.iter().flat_map(|permission| &permission.ranges).map(move |range| (direction, range))
}

#[cfg(test)]
mod tests {
    use audit_model::resource::PrefixList;

    use super::*;
    use crate::fixtures;

    fn judge(ranges: &[&str]) -> [Result<Outcome, Unreadable>; 2] {
        let permission = || vec![fixtures::permission("tcp", Some((443, 443)), ranges)];
        let inbound = fixtures::security_group("sg-1", permission());
        let outbound = SecurityGroup { egress: permission(), ..fixtures::security_group("sg-1", Vec::new()) };
        [inbound, outbound].map(|group| evaluate(&group, &fixtures::policy()))
    }

    #[test]
    fn public_ranges_from_1_to_23_and_47_fail_in_both_directions() {
        let ipv4 = ["0.0.0.0/1", "54.0.0.0/8", "10.0.0.0/7", "100.0.0.0/8", "52.95.110.0/23", "192.0.0.0/8"];
        let ipv6 = ["::/1", "2000::/3", "2600::/12", "2a05:d000::/25", "2001:db8::/31", "2600:1f00::/47"];
        // One half of it is not trusted.
        for range in ipv4.into_iter().chain(ipv6).chain(["9.10.0.0/15", "2a09:8000::/31"]) {
            let expected = ["inbound", "outbound"].map(|way| Ok(Outcome::non_compliant(format!("{way} {range}"))));
            assert_eq!(judge(&[range]), expected);
        }
    }

    #[test]
    fn narrow_ranges_special_ones_trusted_ones_and_everything_pass() {
        let ranges = [
            "0.0.0.0/0",
            "52.95.110.0/24",
            "54.239.1.2/32",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "::/0",
            "2600:1f00::/48",
            "fc00::/7",
            "2001:db8::/32",
            // The policy trusts these.
            "9.10.0.0/16",
            "9.10.64.0/18",
            "2a09:8000::/32",
            "2a09:8000:4000::/36",
        ];
        for outcome in judge(&ranges) {
            assert!(matches!(outcome, Ok(Outcome::Compliant { .. })), "{outcome:?}");
        }
    }

    #[test]
    fn prefix_lists_are_left_out() {
        let known = fixtures::prefix_list(&["52.216.0.0/15"]);
        let entries = fixtures::unreadable("ec2:GetManagedPrefixListEntries");
        for list in [PrefixList { entries, ..known.clone() }, known] {
            let permission =
                IpPermission { prefix_lists: vec![list], ..fixtures::permission("tcp", Some((443, 443)), &[]) };
            let group = fixtures::security_group("sg-1", vec![permission]);
            assert!(matches!(evaluate(&group, &fixtures::policy()), Ok(Outcome::Compliant { .. })));
        }
    }
}
