//! For tests: so few blocks of addresses, and so few ports, that they can all be tried out.

use std::sync::LazyLock;

use ipnet::IpNet;
use proptest::prelude::*;

use super::addresses::{Family, Internet};
use crate::fixtures;

/// The ports that are tried out: ranges end below 8, or have no end.
pub(super) const PORTS: [u16; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, u16::MAX];

/// A range of the first eight ports, or all ports.
pub(super) fn port_range() -> impl Strategy<Value = Option<(i32, i32)>> {
    prop_oneof![
        1 => Just(None),
        4 => (0_i32..8, 0_i32..8).prop_map(|(one, other)| Some((one.min(other), one.max(other)))),
    ]
}

/// A range that is up to three bits longer than 0.0.0.0/0 or 2000::/3, so that it holds all of some [`EIGHTHS`] and
/// nothing of the others.
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

/// The internet under a policy that bears a range of each of these lengths, and trusts nobody.
pub(super) fn internet((v4, v6): (u8, u8)) -> Internet {
    let mut parameters = fixtures::policy().parameters;
    (parameters.internet_ipv4_prefix, parameters.internet_ipv6_prefix) = (v4, v6);
    parameters.trusted_cidrs.clear();
    Internet::of(&parameters)
}

/// Lengths of which the eighths are more, less, or as much.
pub(super) fn prefixes() -> impl Strategy<Value = (u8, u8)> {
    prop::sample::select(vec![(8, 16), (8, 16), (2, 5), (1, 4), (2, 4), (3, 6), (8, 4)])
}

/// One address of each eighth of the families' internets, and how many of its addresses belong to the internet.
static EIGHTHS: LazyLock<[Vec<(IpNet, u128)>; 2]> = LazyLock::new(|| {
    let ipv4 = (0..8).map(|block| format!("{}.0.0.0/3", block * 32)).collect();
    let ipv6 = (0..8).map(|block| format!("{:x}::/6", 0x2000 + block * 0x400)).collect();
    [eighths(Family::V4, ipv4, 32), eighths(Family::V6, ipv6, 128)]
});

fn eighths(family: Family, blocks: Vec<String>, bits: u8) -> Vec<(IpNet, u128)> {
    let size = |range: &IpNet| 1_u128 << (bits - range.prefix_len());
    let with_size = blocks.iter().map(|block| block.parse::<IpNet>().unwrap()).map(|block| {
        let special = family.outside_of_internet().iter().filter(|special| block.contains(*special));
        (IpNet::from(block.addr()), size(&block) - special.map(size).sum::<u128>())
    });
    with_size.collect()
}

/// By which families it is open to let in these addresses, under a policy that bears a range of each of these lengths.
pub(super) fn opened_by(lets_in: impl Fn(&IpNet) -> bool, prefixes: (u8, u8)) -> Vec<Family> {
    let let_in = |eighths: &Vec<(IpNet, u128)>| {
        eighths.iter().filter(|(address, _)| lets_in(address)).map(|(_, size)| size).sum::<u128>()
    };
    let counts = [let_in(&EIGHTHS[0]), let_in(&EIGHTHS[1])];
    let most = [1_u128 << (32 - prefixes.0), 1_u128 << (128 - prefixes.1)];
    let alone: Vec<Family> =
        Family::BOTH.into_iter().filter(|family| counts[*family as usize] > most[*family as usize]).collect();
    let parts = [0, 1].map(|index| counts[index] as f64 / most[index] as f64);
    if alone.is_empty() && parts[0] + parts[1] > 1.0 { Family::BOTH.into() } else { alone }
}
