//! Sets of ports.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use crate::listing::first_of;

/// A set of ports of one protocol: ranges in order that neither overlap nor touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ports(Vec<RangeInclusive<u16>>);

impl Ports {
    /// Every port that something can listen on. Port 0 is reserved: without it, everything is still open.
    pub(crate) fn every() -> Self {
        Self(vec![1..=u16::MAX])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether each of the other ports is one of these.
    pub(crate) fn contain_all(&self, others: &Self) -> bool {
        self.and(others) == *others
    }

    /// The ports that are in both sets.
    pub(crate) fn and(&self, others: &Self) -> Self {
        let overlap = |one: &RangeInclusive<u16>, other: &RangeInclusive<u16>| {
            *one.start().max(other.start())..=*one.end().min(other.end())
        };
        self.0.iter().flat_map(|one| others.0.iter().map(move |other| overlap(one, other))).collect()
    }

    /// The ports that are in either set.
    pub(crate) fn or(&self, others: &Self) -> Self {
        self.0.iter().chain(&others.0).cloned().collect()
    }

    /// All ports but these.
    pub(crate) fn complement(&self) -> Self {
        let outside = |piece: &RangeInclusive<u16>| !self.0.iter().any(|range| range.contains(piece.start()));
        pieces(&self.0).into_iter().filter(outside).collect()
    }

    /// Whether one of the range's ports is one of these.
    pub(super) fn overlap(&self, range: &RangeInclusive<u16>) -> bool {
        self.0.iter().any(|own| own.start() <= range.end() && range.start() <= own.end())
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u16>> {
        self.0.iter().cloned()
    }

    /// Whether there is one port alone.
    pub(super) fn is_single(&self) -> bool {
        matches!(self.0.as_slice(), [range] if range.start() == range.end())
    }
}

impl FromIterator<RangeInclusive<u16>> for Ports {
    fn from_iter<I: IntoIterator<Item = RangeInclusive<u16>>>(ranges: I) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        ranges.sort_by_key(|range| *range.start());
        let mut merged: Vec<RangeInclusive<u16>> = Vec::new();
        for range in ranges {
            match merged.last_mut() {
                Some(last) if *range.start() <= last.end().saturating_add(1) => {
                    *last = *last.start()..=*last.end().max(range.end());
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }
}

impl FromIterator<u16> for Ports {
    fn from_iter<I: IntoIterator<Item = u16>>(ports: I) -> Self {
        ports.into_iter().map(|port| port..=port).collect()
    }
}

/// The first ranges, and how many more there are.
impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&first_of(&self.0.iter().map(in_words).collect::<Vec<_>>()))
    }
}

/// A range of ports in words.
pub(super) fn in_words(range: &RangeInclusive<u16>) -> String {
    match (range.start(), range.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    }
}

/// All ports, cut at every border of the ranges.
pub(super) fn pieces(ranges: &[RangeInclusive<u16>]) -> Vec<RangeInclusive<u16>> {
    let mut starts = BTreeSet::from([0]);
    starts.extend(ranges.iter().map(|range| *range.start()));
    starts.extend(ranges.iter().filter_map(|range| range.end().checked_add(1)));
    let ends = starts.iter().skip(1).map(|next| next - 1).chain([u16::MAX]);
    starts.iter().zip(ends).map(|(start, end)| *start..=end).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ports(ranges: &[RangeInclusive<u16>]) -> Ports {
        ranges.iter().cloned().collect()
    }

    /// Ranges near both ends of the port numbers, where one too many would overflow.
    fn some_ports() -> impl Strategy<Value = Vec<RangeInclusive<u16>>> {
        let port = prop_oneof![0_u16..12, 65_524_u16..=65_535];
        let range = (port.clone(), port).prop_map(|(one, other)| one.min(other)..=one.max(other));
        prop::collection::vec(range, 0..5)
    }

    proptest! {
        #[test]
        fn sets_hold_the_ports_that_their_ranges_hold(one in some_ports(), other in some_ports()) {
            let holds = |set: &Ports, port: u16| set.overlap(&(port..=port));
            let in_one_of = |ranges: &[RangeInclusive<u16>], port| ranges.iter().any(|range| range.contains(&port));
            let (left, right) = (ports(&one), ports(&other));
            let (both, either, rest) = (left.and(&right), left.or(&right), left.complement());
            let mut left_contains_right = true;
            for port in (0..16).chain(65_520..=65_535) {
                let (in_left, in_right) = (in_one_of(&one, port), in_one_of(&other, port));
                prop_assert_eq!(holds(&left, port), in_left);
                prop_assert_eq!(holds(&both, port), in_left && in_right);
                prop_assert_eq!(holds(&either, port), in_left || in_right);
                prop_assert_eq!(holds(&rest, port), !in_left);
                left_contains_right &= in_left || !in_right;
            }
            prop_assert_eq!(left.contain_all(&right), left_contains_right);
            prop_assert_eq!(rest.complement(), left);
        }
    }

    #[test]
    fn all_ports_are_cut_at_every_border() {
        assert_eq!(pieces(&[]), [0..=u16::MAX]);
        assert_eq!(pieces(&[0..=u16::MAX, 22..=22]), [0..=21, 22..=22, 23..=u16::MAX]);
        assert_eq!(pieces(&[20..=25, 22..=u16::MAX]), [0..=19, 20..=21, 22..=25, 26..=u16::MAX]);
    }

    #[test]
    fn ports_are_told_as_ranges() {
        assert_eq!(ports(&[22..=22, 20..=20, 21..=21, 3389..=3389]).to_string(), "20-22, 3389");
        assert_eq!(
            (1..=9).map(|port| port * 1000).collect::<Ports>().to_string(),
            "1000, 2000, 3000, 4000, 5000 and 4 more"
        );
    }
}
