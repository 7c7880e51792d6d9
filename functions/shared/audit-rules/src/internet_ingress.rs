//! Whether a security group lets in the whole internet.

use audit_model::resource::{IpPermission, SecurityGroup};
use audit_model::{Unreadable, UnreadableCause};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Where the whole internet comes in through the group's inbound rules that `opens` picks, in words; `None` where it
/// does not. Ranges count together: 0.0.0.0/1 and 128.0.0.0/1 are everywhere, and so is a prefix list that says so.
///
/// # Errors
/// A prefix list that the answer hangs on could not be read, or a range could not be understood.
pub(crate) fn from_internet(
    group: &SecurityGroup,
    opens: impl Fn(&IpPermission) -> bool,
) -> Result<Option<String>, Unreadable> {
    let (mut v4, mut v6): (Vec<Ipv4Net>, Vec<Ipv6Net>) = (Vec::new(), Vec::new());
    let mut missing = None;
    let mut through: Vec<String> = Vec::new();
    for permission in group.ingress.iter().filter(|permission| opens(permission)) {
        through.push(in_words(permission));
        let mut ranges: Vec<(&str, &str)> = Vec::new();
        let direct = permission.ipv4_ranges.iter().chain(&permission.ipv6_ranges);
        ranges.extend(direct.map(|range| ("ec2:DescribeSecurityGroups", range.as_str())));
        for list in &permission.prefix_lists {
            match list.entries.known() {
                Ok(entries) => {
                    let entries = entries.into_iter().flatten();
                    ranges.extend(entries.map(|range| ("ec2:GetManagedPrefixListEntries", range.as_str())));
                }
                Err(why) => missing = Some(why),
            }
        }
        for (action, range) in ranges {
            match range.parse::<IpNet>() {
                Ok(IpNet::V4(net)) => v4.push(net.trunc()),
                Ok(IpNet::V6(net)) => v6.push(net.trunc()),
                Err(_) => missing = Some(not_a_range(action)),
            }
        }
    }
    let mut everywhere = Vec::new();
    if Ipv4Net::aggregate(&v4).iter().any(|net| net.prefix_len() == 0) {
        everywhere.push("0.0.0.0/0");
    }
    if Ipv6Net::aggregate(&v6).iter().any(|net| net.prefix_len() == 0) {
        everywhere.push("::/0");
    }
    match (everywhere.is_empty(), missing) {
        (false, _) => {
            through.dedup();
            Ok(Some(format!("{} from {}", through.join(", "), everywhere.join(" and "))))
        }
        (true, Some(why)) => Err(why),
        (true, None) => Ok(None),
    }
}

fn not_a_range(action: &str) -> Unreadable {
    Unreadable {
        action: action.to_owned(),
        cause: UnreadableCause::Malformed,
        detail: "a range is not in CIDR notation".to_owned(),
    }
}

/// Whether the permission opens all of these ports of `tcp` or `udp`.
pub(crate) fn opens_ports(permission: &IpPermission, protocol: Protocol, first: i32, last: i32) -> bool {
    match permission.protocol.as_str() {
        "-1" => true,
        name if name == protocol.name() || name == protocol.number() => {
            let from = permission.from_port.filter(|port| *port != -1).unwrap_or(0);
            let to = permission.to_port.filter(|port| *port != -1).unwrap_or(LAST_PORT);
            from <= first && last <= to
        }
        _ => false,
    }
}

/// The highest port number.
pub(crate) const LAST_PORT: i32 = 65_535;

/// The protocols with ports.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// The number that IANA assigned.
    fn number(self) -> &'static str {
        match self {
            Self::Tcp => "6",
            Self::Udp => "17",
        }
    }
}

fn in_words(permission: &IpPermission) -> String {
    match (permission.protocol.as_str(), permission.from_port, permission.to_port) {
        ("-1", _, _) => "all protocols and ports".to_owned(),
        (protocol, Some(from), Some(to)) if from == to && from != -1 => format!("{protocol} {from}"),
        (protocol, Some(from), Some(to)) if from != -1 && to != -1 => format!("{protocol} {from}-{to}"),
        (protocol, _, _) => format!("{protocol}, all ports"),
    }
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::PrefixList;

    use super::*;
    use crate::fixtures;

    fn open(permissions: Vec<IpPermission>) -> Result<Option<String>, Unreadable> {
        let group = fixtures::security_group("sg-1", permissions);
        from_internet(&group, |permission| opens_ports(permission, Protocol::Tcp, 22, 22))
    }

    fn behind(entries: Reading<Vec<String>>) -> IpPermission {
        let prefix_lists = vec![PrefixList { id: "pl-1".to_owned(), entries }];
        IpPermission { prefix_lists, ..fixtures::permission("tcp", Some((22, 22)), &[]) }
    }

    #[test]
    fn ports_are_open_by_number_name_or_altogether() {
        let cases = [
            ("tcp", Some((22, 22)), true),
            ("6", Some((22, 22)), true),
            ("tcp", Some((20, 1024)), true),
            ("tcp", Some((0, 65_535)), true),
            ("tcp", Some((-1, -1)), true),
            ("tcp", None, true),
            ("-1", None, true),
            ("tcp", Some((23, 65_535)), false),
            ("tcp", Some((0, 21)), false),
            ("udp", Some((22, 22)), false),
            ("icmp", Some((-1, -1)), false),
            ("50", None, false),
        ];
        for (protocol, ports, expected) in cases {
            let found = open(vec![fixtures::permission(protocol, ports, &["0.0.0.0/0"])]).unwrap();
            assert_eq!(found.is_some(), expected, "{protocol} {ports:?}");
        }
    }

    #[test]
    fn ranges_count_together_and_nothing_less_counts() {
        let cases: [(&[&str], bool); 6] = [
            (&["0.0.0.0/0"], true),
            (&["::/0"], true),
            (&["0.0.0.0/1", "128.0.0.0/1"], true),
            (&["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"], false),
            (&["10.0.0.0/8"], false),
            (&[], false),
        ];
        for (ranges, expected) in cases {
            let each = ranges.iter().map(|range| fixtures::permission("tcp", Some((22, 22)), &[range])).collect();
            assert_eq!(open(each).unwrap().is_some(), expected, "{ranges:?}");
        }
    }

    #[test]
    fn a_prefix_list_matters_only_where_nothing_else_is_open() {
        let denied = fixtures::denied("ec2:GetManagedPrefixListEntries");
        let unreadable = || behind(Reading::Unreadable(denied.clone()));
        let https = IpPermission { from_port: Some(443), to_port: Some(443), ..unreadable() };
        let open_to_all = fixtures::permission("tcp", Some((22, 22)), &["0.0.0.0/0"]);
        assert_eq!(open(vec![unreadable()]), Err(denied.clone()));
        assert!(open(vec![unreadable(), open_to_all]).unwrap().is_some());
        assert_eq!(open(vec![https]), Ok(None));
        assert!(open(vec![behind(Reading::seen(vec!["0.0.0.0/0".to_owned()]))]).unwrap().is_some());
        assert_eq!(open(vec![behind(Reading::seen(vec!["10.0.0.0/8".to_owned()]))]), Ok(None));
    }

    #[test]
    fn a_range_that_is_none_is_no_verdict() {
        let why = open(vec![fixtures::permission("tcp", Some((22, 22)), &["everywhere"])]).unwrap_err();
        assert_eq!((why.action.as_str(), why.cause), ("ec2:DescribeSecurityGroups", UnreadableCause::Malformed));
    }
}
