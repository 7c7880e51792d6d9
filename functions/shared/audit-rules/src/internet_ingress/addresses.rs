//! Which addresses belong to the internet, and how many of them make something open to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use audit_model::policy::Parameters;
use ipnet::IpNet;

/// The internet as the audit policy has it: without the ranges that it trusts, and open to it is what lets in more of
/// its addresses than the policy bears.
#[derive(Debug)]
pub(crate) struct Internet {
    /// What does not belong to it, by family.
    outside: [Addresses; 2],
    /// The length of the prefix whose range holds as many addresses of the family as may be let in.
    prefixes: [u8; 2],
}

impl Internet {
    pub(crate) fn of(parameters: &Parameters) -> Self {
        let trusted: Vec<IpNet> = parameters.trusted_cidrs.iter().filter_map(|range| range.parse().ok()).collect();
        let outside = Family::BOTH.map(|family| {
            let trusted = trusted.iter().filter(|range| Family::of(range) == family);
            family.outside_of_internet().iter().chain(trusted).collect()
        });
        Self { outside, prefixes: [parameters.internet_ipv4_prefix, parameters.internet_ipv6_prefix] }
    }

    /// Whether the range holds an address of the internet.
    pub(crate) fn overlaps(&self, range: &IpNet) -> bool {
        let (first, last) = ends(range);
        // What does not belong to it lies in ranges that do not touch: all of this one does not, or one of them holds it.
        let outside = &self.outside[Family::of(range) as usize].0;
        let next = outside.partition_point(|(begin, _)| *begin <= first);
        next.checked_sub(1).is_none_or(|place| last > outside[place].1)
    }

    /// The addresses of the internet that lie in the ranges.
    pub(super) fn share_of<'a>(&self, ranges: impl IntoIterator<Item = &'a IpNet>) -> Share {
        let ranges: Vec<&IpNet> = ranges.into_iter().collect();
        Share(Family::BOTH.map(|family| {
            let of_family: Addresses = ranges.iter().copied().filter(|range| Family::of(range) == family).collect();
            of_family.but(&self.outside[family as usize])
        }))
    }

    /// By which families this is so much of the internet that whatever lets it in is open: by each of which it holds
    /// more than a range of the policy's length, or else by both, if it does together.
    pub(super) fn opened_by(&self, share: &Share) -> Vec<Family> {
        let exceeded: Vec<Family> =
            Family::BOTH.into_iter().filter(|family| share.count(*family) > self.most(*family)).collect();
        if exceeded.is_empty() && self.is_too_much_together(share) { Family::BOTH.into() } else { exceeded }
    }

    /// Whether the two parts of what may be let in are more than the whole, where neither is by itself. What may be let
    /// in is a power of two in both families, so that one part can be told in the other's measure.
    fn is_too_much_together(&self, share: &Share) -> bool {
        let [v4, v6] = Family::BOTH.map(|family| share.count(family));
        let left = self.most(Family::V4).saturating_sub(v4);
        match self.spare_bits(Family::V6).checked_sub(self.spare_bits(Family::V4)) {
            Some(bits) => v6 > left << bits,
            None => v6 << (self.spare_bits(Family::V4) - self.spare_bits(Family::V6)) > left,
        }
    }

    /// How many addresses may be let in.
    fn most(&self, family: Family) -> u128 {
        1 << self.spare_bits(family)
    }

    fn spare_bits(&self, family: Family) -> u8 {
        family.bits().saturating_sub(self.prefixes[family as usize]).min(127)
    }
}

/// Addresses of the internet, by family.
#[derive(Debug, Clone, Default)]
pub(super) struct Share([Addresses; 2]);

impl Share {
    /// The addresses that are in either.
    pub(super) fn of_all<'a>(shares: impl IntoIterator<Item = &'a Self>) -> Self {
        let shares: Vec<&Self> = shares.into_iter().collect();
        Self(Family::BOTH.map(|family| {
            Addresses::united(shares.iter().flat_map(|share| share.0[family as usize].0.iter().copied()).collect())
        }))
    }

    /// These without the others.
    pub(super) fn but(&self, others: &Self) -> Self {
        Self(Family::BOTH.map(|family| self.0[family as usize].but(&others.0[family as usize])))
    }

    pub(super) fn of_family(&self, family: Family) -> Self {
        let mut alone = Self::default();
        alone.0[family as usize].clone_from(&self.0[family as usize]);
        alone
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|addresses| addresses.0.is_empty())
    }

    fn count(&self, family: Family) -> u128 {
        self.0[family as usize].0.iter().fold(0, |count, (first, last)| count.saturating_add(last - first + 1))
    }
}

/// A set of addresses of one family, as numbers: the first and the last of ranges in order that neither overlap nor
/// touch.
#[derive(Debug, Clone, Default)]
struct Addresses(Vec<(u128, u128)>);

impl Addresses {
    fn united(mut ranges: Vec<(u128, u128)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    fn but(&self, others: &Self) -> Self {
        let mut left = Vec::new();
        for (first, last) in &self.0 {
            let mut from = Some(*first);
            for (begin, end) in others.0.iter().filter(|(begin, end)| begin <= last && first <= end) {
                let Some(start) = from else { break };
                if start < *begin {
                    left.push((start, begin - 1));
                }
                from = end.checked_add(1);
            }
            left.extend(from.filter(|start| start <= last).map(|start| (start, *last)));
        }
        Self(left)
    }
}

impl<'a> FromIterator<&'a IpNet> for Addresses {
    fn from_iter<I: IntoIterator<Item = &'a IpNet>>(ranges: I) -> Self {
        Self::united(ranges.into_iter().map(ends).collect())
    }
}

/// The first and the last address of a range, as numbers.
fn ends(range: &IpNet) -> (u128, u128) {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    (number(range.network()), number(range.broadcast()))
}

/// What is wrong with a range for the audit policy's `trusted_cidrs`; `None` where nothing is. A range as wide as much of
/// the internet is nobody's alone.
pub fn flaw_of_trusted_range(text: &str) -> Option<&'static str> {
    let Ok(range) = text.parse::<IpNet>() else {
        return Some("it is not in CIDR notation, for instance 198.51.100.0/24");
    };
    if range.trunc() != range {
        return Some("its address has bits beyond the prefix, as 198.51.100.7/24 has");
    }
    let widest = if Family::of(&range) == Family::V4 { 8 } else { 16 };
    (range.prefix_len() < widest).then_some("it is wider than /8 of IPv4 or /16 of IPv6")
}

/// A version of the Internet Protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) const BOTH: [Self; 2] = [Self::V4, Self::V6];

    pub(super) fn of(range: &IpNet) -> Self {
        match range {
            IpNet::V4(_) => Self::V4,
            IpNet::V6(_) => Self::V6,
        }
    }

    /// How many bits an address has.
    const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    pub(super) fn outside_of_internet(self) -> &'static [IpNet] {
        match self {
            Self::V4 => OUTSIDE_OF_INTERNET_V4,
            Self::V6 => OUTSIDE_OF_INTERNET_V6,
        }
    }
}

/// What IANA's [registry of special-purpose addresses][special] has as not globally reachable, and
/// [multicast][multicast], from which nobody sends.
///
/// [special]: https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml
/// [multicast]: https://www.iana.org/assignments/multicast-addresses/multicast-addresses.xhtml
const OUTSIDE_OF_INTERNET_V4: &[IpNet] = &[
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// All but [2000::/3][unicast], and within that the ranges for benchmarking and documentation of IANA's
/// [registry of special-purpose addresses][special].
///
/// [unicast]: https://www.iana.org/assignments/ipv6-unicast-address-assignments/ipv6-unicast-address-assignments.xhtml
/// [special]: https://www.iana.org/assignments/iana-ipv6-special-registry/iana-ipv6-special-registry.xhtml
const OUTSIDE_OF_INTERNET_V6: &[IpNet] = &[
    v6([0, 0, 0, 0], 3),
    v6([0x4000, 0, 0, 0], 2),
    v6([0x8000, 0, 0, 0], 1),
    v6([0x2001, 0x0002, 0, 0], 48),
    v6([0x2001, 0x0db8, 0, 0], 32),
    v6([0x3fff, 0, 0, 0], 20),
];

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> IpNet {
    IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), length)
}

/// The range whose addresses begin with these 64 bits, as far as `length` goes.
const fn v6([a, b, c, d]: [u16; 4], length: u8) -> IpNet {
    IpNet::new_assert(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)), length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn internet(prefixes: (u8, u8), trusted: &[&str]) -> Internet {
        let mut parameters = fixtures::policy().parameters;
        (parameters.internet_ipv4_prefix, parameters.internet_ipv6_prefix) = prefixes;
        parameters.trusted_cidrs = trusted.iter().map(ToString::to_string).collect();
        Internet::of(&parameters)
    }

    fn opened(internet: &Internet, texts: &[&str]) -> Vec<Family> {
        let ranges: Vec<IpNet> = texts.iter().map(|text| net(text)).collect();
        internet.opened_by(&internet.share_of(&ranges))
    }

    #[test]
    fn open_is_what_lets_in_more_than_the_policy_bears() {
        use Family::{V4, V6};
        let cases: [(&[&str], &[Family]); 22] = [
            (&["0.0.0.0/0"], &[V4]),
            (&["::/0"], &[V6]),
            (&["0.0.0.0/0", "::/0"], &[V4, V6]),
            (&["0.0.0.0/1", "128.0.0.0/2"], &[V4]),
            (&["0.0.0.0/1"], &[V4]),
            (&["2000::/3"], &[V6]),
            (&["2600::/12"], &[V6]),
            // The very size, and one address more.
            (&["54.0.0.0/8"], &[]),
            (&["54.0.0.0/8", "9.9.9.9/32"], &[V4]),
            (&["2600::/16"], &[]),
            (&["2600::/16", "2a00::1/128"], &[V6]),
            (&["54.0.0.0/9", "54.128.0.0/9"], &[]),
            (&["54.0.0.0/9", "55.0.0.0/9", "56.0.0.0/24"], &[V4]),
            // What comes twice counts once, and what is not of the internet does not count.
            (&["54.0.0.0/8", "54.0.0.0/9", "54.1.2.3/32"], &[]),
            (&["54.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "240.0.0.0/4"], &[]),
            (&["fc00::/7", "4000::/2", "8000::/1"], &[]),
            (&["224.0.0.0/3"], &[]),
            // Halves of both families make a whole, and a bit more is too much.
            (&["54.0.0.0/9", "2600::/17"], &[]),
            (&["54.0.0.0/9", "2600::/17", "9.9.9.9/32"], &[V4, V6]),
            (&["54.0.0.0/9", "2600::/17", "2a00::1/128"], &[V4, V6]),
            (&["54.0.0.0/8", "2a00::1/128"], &[V4, V6]),
            (&[], &[]),
        ];
        let internet = internet((8, 16), &[]);
        for (texts, expected) in cases {
            assert_eq!(opened(&internet, texts), expected, "{texts:?}");
        }
    }

    #[test]
    fn the_policy_says_how_much_is_too_much() {
        use Family::{V4, V6};
        // (prefix of IPv4, of IPv6, ranges, by which families they open)
        let cases: [(u8, u8, &[&str], &[Family]); 8] = [
            (32, 128, &["9.9.9.9/32"], &[]),
            (32, 128, &["9.9.9.9/32", "9.9.9.8/32"], &[V4]),
            (32, 128, &["2a00::1/128", "2a00::2/128"], &[V6]),
            (32, 128, &["9.9.9.9/32", "2a00::1/128"], &[V4, V6]),
            (1, 128, &["0.0.0.0/1", "2a00::1/128"], &[V4, V6]),
            (32, 4, &["9.9.9.9/32", "2a00::1/128"], &[V4, V6]),
            (1, 4, &["0.0.0.0/1", "64.0.0.0/2"], &[]),
            (1, 4, &["0.0.0.0/1", "128.0.0.0/3"], &[V4]),
        ];
        for (v4, v6, texts, expected) in cases {
            assert_eq!(opened(&internet((v4, v6), &[]), texts), expected, "/{v4} /{v6} {texts:?}");
        }
    }

    #[test]
    fn trusted_ranges_do_not_belong_to_the_internet() {
        let internet = internet((8, 16), &["54.0.0.0/8", "55.0.0.0/8", "2600::/16"]);
        assert_eq!(opened(&internet, &["54.0.0.0/7", "2600::/16"]), []);
        assert_eq!(opened(&internet, &["54.0.0.0/7", "2600::/16", "9.0.0.0/8", "8.8.8.8/32"]), [Family::V4]);
        assert_eq!(opened(&internet, &["0.0.0.0/0"]), [Family::V4]);
        assert!(!internet.overlaps(&net("55.1.0.0/16")) && internet.overlaps(&net("52.0.0.0/6")));
    }

    #[test]
    fn a_trusted_range_is_somebodys() {
        for text in ["198.51.100.0/24", "54.0.0.0/8", "10.0.0.0/8", "9.9.9.9/32", "2600::/16", "2001:db8::1/128"] {
            assert_eq!(flaw_of_trusted_range(text), None, "{text}");
        }
        for text in ["0.0.0.0/0", "54.0.0.0/7", "::/0", "2600::/15", "54.1.0.0/8", "54.0.0.0", "everywhere", ""] {
            assert!(flaw_of_trusted_range(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_range_is_public_if_any_of_it_is() {
        let internet = internet((8, 16), &[]);
        let public = [
            "0.0.0.0/0",
            "8.0.0.0/8",
            "10.0.0.0/7",
            "54.239.0.0/16",
            "100.0.0.0/8",
            "172.0.0.0/8",
            "192.0.0.0/23",
            "203.0.112.0/23",
            "192.0.0.0/8",
            "::/0",
            "2600::/12",
            "2001:db8::/31",
        ];
        let not_public = [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "10.20.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.2.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "fc00::/7",
            "fe80::/10",
            "2001:db8::/32",
        ];
        for text in public {
            assert!(internet.overlaps(&net(text)), "{text}");
        }
        for text in not_public {
            assert!(!internet.overlaps(&net(text)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_range_overlaps_the_internet_when_it_has_a_share_of_it(bits in any::<u32>(), length in 0_u8..=32) {
            let range = IpNet::new(IpAddr::V4(Ipv4Addr::from_bits(bits)), length).unwrap().trunc();
            let internet = internet((8, 16), &["54.0.0.0/8"]);
            prop_assert_eq!(internet.overlaps(&range), !internet.share_of([&range]).is_empty());
        }
    }
}
