//! Which addresses belong to the internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Whether the range holds an address of the internet.
pub(crate) fn is_public(range: &IpNet) -> bool {
    !covers(&[], range)
}

/// Whether each of the family's addresses that belong to the internet lies in one of the ranges.
pub(super) fn cover_internet(ranges: &[IpNet], family: Family) -> bool {
    covers(ranges, &family.everything())
}

/// Whether each address of `range` that belongs to the internet lies in one of the ranges.
pub(super) fn covers(ranges: &[IpNet], range: &IpNet) -> bool {
    let family = Family::of(range);
    let mut covered = family.outside_of_internet().to_vec();
    covered.extend(ranges.iter().filter(|range| Family::of(range) == family));
    IpNet::aggregate(&covered).iter().any(|net| net.contains(range))
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

    /// The range of all addresses.
    fn everything(self) -> IpNet {
        match self {
            Self::V4 => v4([0, 0, 0, 0], 0),
            Self::V6 => v6([0, 0, 0, 0], 0),
        }
    }

    fn outside_of_internet(self) -> &'static [IpNet] {
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
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_cover_the_internet_alone_or_together() {
        let all_but_private: &[&str] = &[
            "0.0.0.0/5",
            "8.0.0.0/7",
            "11.0.0.0/8",
            "12.0.0.0/6",
            "16.0.0.0/4",
            "32.0.0.0/3",
            "64.0.0.0/2",
            "128.0.0.0/3",
            "160.0.0.0/5",
            "168.0.0.0/6",
            "172.0.0.0/12",
            "172.32.0.0/11",
            "172.64.0.0/10",
            "172.128.0.0/9",
            "173.0.0.0/8",
            "174.0.0.0/7",
            "176.0.0.0/4",
            "192.0.0.0/9",
            "192.128.0.0/11",
            "192.160.0.0/13",
            "192.169.0.0/16",
            "192.170.0.0/15",
            "192.172.0.0/14",
            "192.176.0.0/12",
            "192.192.0.0/10",
            "193.0.0.0/8",
            "194.0.0.0/7",
            "196.0.0.0/6",
            "200.0.0.0/5",
            "208.0.0.0/4",
        ];
        let cases: [(&[&str], [bool; 2]); 12] = [
            (&["0.0.0.0/0"], [true, false]),
            (&["::/0"], [false, true]),
            (&["0.0.0.0/0", "::/0"], [true, true]),
            (&["0.0.0.0/1", "128.0.0.0/1"], [true, false]),
            (&["::/1", "8000::/1"], [false, true]),
            (&["2000::/3"], [false, true]),
            (&["2000::/4"], [false, false]),
            (&["0.0.0.0/1", "8000::/1"], [false, false]),
            (&["0.0.0.0/1", "128.0.0.0/2"], [false, false]),
            (&["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"], [true, false]),
            (all_but_private, [true, false]),
            (&all_but_private[1..], [false, false]),
        ];
        for (texts, expected) in cases {
            let ranges: Vec<IpNet> = texts.iter().map(|text| net(text)).collect();
            assert_eq!(Family::BOTH.map(|family| cover_internet(&ranges, family)), expected, "{texts:?}");
        }
    }

    #[test]
    fn a_range_is_public_if_any_of_it_is() {
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
            assert!(is_public(&net(text)), "{text}");
        }
        for text in not_public {
            assert!(!is_public(&net(text)), "{text}");
        }
    }
}
