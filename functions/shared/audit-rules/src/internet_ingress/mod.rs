//! What of a network the internet reaches: which ports of a protocol a security group, and a network ACL, lets it in
//! to. Open is what lets in more of the internet's addresses than the audit policy bears, be it by one range or by many.

mod addresses;
mod network_acl;
mod ports;
mod security_group;
#[cfg(test)]
mod small_space;

use std::ops::RangeInclusive;

use crate::listing::first_of;

pub(crate) use addresses::Internet;
pub use addresses::flaw_of_trusted_range;
pub(crate) use network_acl::AclIngress;
pub(crate) use ports::Ports;
pub(crate) use security_group::{GroupIngress, any_open};

use addresses::{Family, Share};
use ports::pieces;

/// The protocols that are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    /// Whether a rule for `protocol` (a name, a number, or `-1` for all of them) matches this one.
    fn is_matched_by(self, protocol: &str) -> bool {
        protocol == ALL_PROTOCOLS
            || match self {
                Self::Tcp => matches!(protocol, "tcp" | "6"),
                Self::Udp => matches!(protocol, "udp" | "17"),
            }
    }
}

/// How AWS writes that a rule is for all protocols. It then is for all ports, [whatever ports it names][page].
///
/// [page]: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
const ALL_PROTOCOLS: &str = "-1";

/// The ports of a rule, whose first and last port AWS leaves out, or gives as -1, where all are meant.
fn ports_of(protocol: &str, first: Option<i32>, last: Option<i32>) -> RangeInclusive<u16> {
    if protocol == ALL_PROTOCOLS {
        return 0..=u16::MAX;
    }
    let port = |port: Option<i32>, all: u16| match port {
        None | Some(-1) => all,
        Some(port) => u16::try_from(port.max(0)).unwrap_or(u16::MAX),
    };
    port(first, 0)..=port(last, u16::MAX)
}

/// The ports that are open by each family. What `share_at` answers changes at `borders` only.
fn ports_from_internet(
    internet: &Internet,
    borders: &[RangeInclusive<u16>],
    share_at: impl Fn(u16) -> Share,
) -> [(Family, Ports); 2] {
    let pieces = pieces(borders).into_iter().map(|piece| (internet.opened_by(&share_at(*piece.start())), piece));
    let pieces: Vec<_> = pieces.collect();
    Family::BOTH.map(|family| {
        let open = pieces.iter().filter(|(opened, _)| opened.contains(&family));
        (family, open.map(|(_, piece)| piece.clone()).collect())
    })
}

/// Of what lets the internet in by a family, each with its share, what opens by itself, or where nothing does, all of
/// it.
fn that_open<T>(internet: &Internet, family: Family, sources: Vec<(T, Share)>) -> Vec<T> {
    let of_family = sources.into_iter().map(|(source, share)| (source, share.of_family(family)));
    let there = of_family.filter(|(_, share)| !share.is_empty());
    let (alone, partly): (Vec<_>, Vec<_>) = there.partition(|(_, share)| !internet.opened_by(share).is_empty());
    let named = if alone.is_empty() { partly } else { alone };
    named.into_iter().map(|(source, _)| source).collect()
}

/// What a rule is for, in words.
fn in_words(protocol: &str, ports: &RangeInclusive<u16>) -> String {
    let name = match protocol {
        ALL_PROTOCOLS => return "all protocols and ports".to_owned(),
        "6" => "tcp",
        "17" => "udp",
        name => name,
    };
    match (*ports.start(), *ports.end()) {
        (0, u16::MAX) => format!("{name}, all ports"),
        _ => format!("{name} {}", ports::in_words(ports)),
    }
}

/// Ports that are open, and what lets the internet in to them.
fn open_in_words(protocol: Protocol, ports: &Ports, through: &[String]) -> String {
    let protocol = match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    };
    let open = if ports.contain_all(&Ports::every()) {
        format!("every {protocol} port is open")
    } else if ports.is_single() {
        format!("{protocol} {ports} is open")
    } else {
        format!("{protocol} {ports} are open")
    };
    format!("{open} to the internet: {}", first_of(through))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_match_by_name_by_number_or_all() {
        // (protocol of the rule, whether it matches TCP, UDP)
        let cases = [
            ("-1", [true, true]),
            ("tcp", [true, false]),
            ("6", [true, false]),
            ("udp", [false, true]),
            ("17", [false, true]),
            ("icmp", [false, false]),
            ("1", [false, false]),
            ("58", [false, false]),
            ("50", [false, false]),
        ];
        for (protocol, expected) in cases {
            let found = [Protocol::Tcp, Protocol::Udp].map(|asked| asked.is_matched_by(protocol));
            assert_eq!(found, expected, "{protocol}");
        }
    }

    #[test]
    fn ports_left_out_or_minus_one_are_all() {
        let cases = [
            ("tcp", Some(22), Some(22), 22..=22),
            ("6", Some(0), Some(65_535), 0..=u16::MAX),
            ("tcp", None, None, 0..=u16::MAX),
            ("tcp", Some(-1), Some(-1), 0..=u16::MAX),
            ("udp", Some(1024), None, 1024..=u16::MAX),
            ("-1", Some(22), Some(22), 0..=u16::MAX),
        ];
        for (protocol, first, last, expected) in cases {
            assert_eq!(ports_of(protocol, first, last), expected, "{protocol} {first:?} {last:?}");
        }
    }

    #[test]
    fn what_a_rule_is_for_is_told_by_name() {
        let cases = [
            ("tcp", 22..=22, "tcp 22"),
            ("6", 20..=25, "tcp 20-25"),
            ("17", 0..=u16::MAX, "udp, all ports"),
            ("-1", 0..=u16::MAX, "all protocols and ports"),
        ];
        for (protocol, ports, expected) in cases {
            assert_eq!(in_words(protocol, &ports), expected);
        }
    }
}
