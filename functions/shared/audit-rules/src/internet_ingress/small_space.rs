//! For tests: so few addresses and ports that they can all be tried out, and nothing is left undecided between them.

use ipnet::IpNet;
use proptest::prelude::*;

use super::addresses::Family;

/// The ports that are tried out: ranges end below 8, or have no end.
pub(super) const PORTS: [u16; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, u16::MAX];

/// A range of the first eight ports, or all ports.
pub(super) fn port_range() -> impl Strategy<Value = Option<(i32, i32)>> {
    prop_oneof![
        1 => Just(None),
        4 => (0_i32..8, 0_i32..8).prop_map(|(one, other)| Some((one.min(other), one.max(other)))),
    ]
}

/// A range that is up to three bits longer than 0.0.0.0/0 or 2000::/3, so that it holds some of the [`addresses`].
pub(super) fn range() -> impl Strategy<Value = String> {
    (any::<bool>(), 0_u8..=3, 0_u8..8).prop_map(|(v6, length, block)| {
        let start = block >> (3 - length) << (3 - length);
        if v6 {
            format!("{:x}::/{}", 0x2000 + u16::from(start) * 0x400, 3 + length)
        } else {
            format!("{}.0.0.0/{length}", start * 32)
        }
    })
}

/// One address of each eighth of the family's internet. The last of IPv4 is multicast and reserved, so that nobody
/// comes from there.
pub(super) fn addresses(family: Family) -> Vec<IpNet> {
    let texts: Vec<String> = match family {
        Family::V4 => (0..7).map(|block| format!("{}.1.1.1/32", block * 32 + 1)).collect(),
        Family::V6 => (0..8).map(|block| format!("{:x}::1/128", 0x2003 + block * 0x400)).collect(),
    };
    texts.iter().map(|text| text.parse().unwrap()).collect()
}
