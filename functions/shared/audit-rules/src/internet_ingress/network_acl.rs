//! Which ports a network ACL opens to the internet.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use audit_model::Unreadable;
use audit_model::resource::{NetworkAcl, NetworkAclEntry};
use ipnet::IpNet;

use super::addresses::{Family, Internet, Share};
use super::ports::pieces;
use super::{ALL_PROTOCOLS, Ports, Protocol, in_words, open_in_words, ports_from_internet, ports_of, that_open};
use crate::listing::first_of;

/// A network ACL's entries for inbound traffic.
///
/// The [first entry, by number,][page] that matches a packet decides. So an entry lets in what it allows without what
/// the denials before it take away, and a port is open where the entries together let in too much of the internet: an
/// ACL that lets in 0.0.0.0/0 after it denied a few addresses is open.
///
/// [page]: https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
pub(crate) struct AclIngress<'a> {
    internet: &'a Internet,
    /// By number.
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    entry: &'a NetworkAclEntry,
    ports: RangeInclusive<u16>,
    share: Share,
}

impl<'a> AclIngress<'a> {
    /// # Errors
    /// An entry's range could not be understood: it may be a denial of everything that the others allow.
    pub(crate) fn of(acl: &'a NetworkAcl, internet: &'a Internet) -> Result<Self, Unreadable> {
        let entries = acl.ingress.iter().map(|entry| {
            let (first, last) = entry.ports.unzip();
            let range: IpNet = (entry.range.parse())
                .map_err(|_| Unreadable::malformed("ec2:DescribeNetworkAcls", "a range is not in CIDR notation"))?;
            Ok(Entry { entry, ports: ports_of(&entry.protocol, first, last), share: internet.share_of([&range]) })
        });
        let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(|entry| entry.entry.number);
        Ok(Self { internet, entries })
    }

    /// Which of the ports the internet reaches, and through what, in words; `None` if it reaches none of them.
    pub(crate) fn any_of(&self, protocol: Protocol, ports: &Ports) -> Option<String> {
        let found = self.open(Some(protocol)).map(|(family, open)| (family, open.and(ports)));
        let all: Ports = found.iter().flat_map(|(_, ports)| ports.ranges()).collect();
        let through = found.iter().flat_map(|(family, ports)| self.that_open(Some(protocol), *family, ports)).collect();
        (!all.is_empty()).then(|| open_in_words(protocol, &all, &unique(through)))
    }

    /// Through what the internet reaches everything, in words: by entries for all protocols, whatever else is denied
    /// before them, or by entries for every port of TCP and of UDP. `None` if it does not.
    pub(crate) fn everything(&self) -> Option<String> {
        let every = Ports::every();
        let by_all = |protocol: Option<Protocol>| {
            self.open(protocol).map(|(family, open)| match open.contain_all(&every) {
                true => self.that_open(protocol, family, &every),
                false => Vec::new(),
            })
        };
        let (all_protocols, tcp, udp) = (by_all(None), by_all(Some(Protocol::Tcp)), by_all(Some(Protocol::Udp)));
        let families = all_protocols.into_iter().zip(tcp.into_iter().zip(udp));
        let through = families.flat_map(|(all_protocols, (tcp, udp))| {
            match (all_protocols.is_empty(), tcp.is_empty() || udp.is_empty()) {
                (false, _) => all_protocols,
                (true, false) => [tcp, udp].concat(),
                (true, true) => Vec::new(),
            }
        });
        let through = unique(through.collect());
        (!through.is_empty()).then(|| format!("the internet is let in: {}", first_of(&through)))
    }

    /// The ports of the protocol (`None` for one that no entry names) that are open to the internet, by family.
    fn open(&self, protocol: Option<Protocol>) -> [(Family, Ports); 2] {
        let share_at = |port| Share::of_all(self.let_in(protocol, port).iter().map(|(_, share)| share));
        ports_from_internet(self.internet, &self.borders(), share_at)
    }

    /// The entries that let the internet in to one of these ports.
    fn that_open(&self, protocol: Option<Protocol>, family: Family, open: &Ports) -> Vec<String> {
        let pieces = pieces(&self.borders());
        let opened = pieces.iter().filter(|piece| open.overlap(piece));
        let entries = opened.flat_map(|piece| that_open(self.internet, family, self.let_in(protocol, *piece.start())));
        entries.map(Entry::in_words).collect()
    }

    /// The entries that allow something at this port, and what the denials before them leave of it.
    fn let_in(&self, protocol: Option<Protocol>, port: u16) -> Vec<(&Entry<'a>, Share)> {
        let (mut allowed, mut denied) = (Vec::new(), Share::default());
        for entry in self.entries.iter().filter(|entry| entry.is_for(protocol) && entry.ports.contains(&port)) {
            if entry.entry.allow {
                allowed.push((entry, entry.share.but(&denied)));
            } else {
                denied = Share::of_all([&denied, &entry.share]);
            }
        }
        allowed
    }

    fn borders(&self) -> Vec<RangeInclusive<u16>> {
        self.entries.iter().map(|entry| entry.ports.clone()).collect()
    }
}

impl Entry<'_> {
    fn is_for(&self, protocol: Option<Protocol>) -> bool {
        match protocol {
            Some(protocol) => protocol.is_matched_by(&self.entry.protocol),
            None => self.entry.protocol == ALL_PROTOCOLS,
        }
    }

    fn in_words(&self) -> String {
        let NetworkAclEntry { number, protocol, range, .. } = self.entry;
        format!("entry {number} allows {} from {range}", in_words(protocol, &self.ports))
    }
}

fn unique(mut texts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    texts
}

#[cfg(test)]
mod tests {
    use audit_model::UnreadableCause;
    use proptest::prelude::*;

    use super::super::small_space as small;
    use super::*;
    use crate::fixtures::{self, acl_entry};

    fn acl(entries: Vec<NetworkAclEntry>) -> NetworkAcl {
        fixtures::network_acl("acl-1", entries)
    }

    /// The ports of 0 to 8, and the last one, that are open to the internet by TCP.
    fn open(entries: &[NetworkAclEntry], family: Family, prefixes: (u8, u8)) -> Vec<u16> {
        let (acl, internet) = (acl(entries.to_vec()), small::internet(prefixes));
        let open = AclIngress::of(&acl, &internet).unwrap().open(Some(Protocol::Tcp));
        small::PORTS.into_iter().filter(|port| open[family as usize].1.overlap(&(*port..=*port))).collect()
    }

    fn matches(entry: &NetworkAclEntry, port: u16, address: &IpNet) -> bool {
        let port_matches = entry.protocol == "-1"
            || (entry.protocol == "6"
                && entry.ports.is_none_or(|(first, last)| (first..=last).contains(&i32::from(port))));
        port_matches && entry.range.parse::<IpNet>().unwrap().contains(address)
    }

    /// Whether a packet gets in: the first entry that matches decides, and without any it is denied.
    fn gets_in(entries: &[NetworkAclEntry], port: u16, address: &IpNet) -> bool {
        let matching = entries.iter().filter(|entry| matches(entry, port, address));
        matching.min_by_key(|entry| entry.number).is_some_and(|entry| entry.allow)
    }

    fn entries() -> impl Strategy<Value = Vec<NetworkAclEntry>> {
        let protocol = prop_oneof![6 => Just("6"), 2 => Just("-1"), 1 => Just("17")];
        let entry = (any::<bool>(), protocol, small::port_range(), small::range());
        prop::collection::vec(entry, 0..7).prop_map(|entries| {
            let numbered = (100..).step_by(10).zip(entries);
            numbered
                .map(|(number, (allow, protocol, ports, range))| acl_entry(number, allow, protocol, ports, &range))
                .collect()
        })
    }

    fn is_subset(some: &[u16], all: &[u16]) -> bool {
        some.iter().all(|port| all.contains(port))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn the_open_ports_are_those_that_trial_finds(entries in entries(), prefixes in small::prefixes()) {
            for family in Family::BOTH {
                let is_open = |port: &u16| {
                    small::opened_by(|address| gets_in(&entries, *port, address), prefixes).contains(&family)
                };
                let expected: Vec<u16> = small::PORTS.into_iter().filter(is_open).collect();
                prop_assert_eq!(open(&entries, family, prefixes), expected);
            }
        }

        #[test]
        fn allowing_closes_nothing_and_denying_opens_nothing(
            entries in entries(), chosen in any::<prop::sample::Index>(), prefixes in small::prefixes(),
        ) {
            if entries.is_empty() {
                return Ok(());
            }
            let mut fewer = entries.clone();
            let one = fewer.remove(chosen.index(entries.len()));
            let open = |entries: &[NetworkAclEntry]| Family::BOTH.map(|family| open(entries, family, prefixes)).concat();
            let (with, without) = (open(&entries), open(&fewer));
            let (fewer_open, more_open) = if one.allow { (without, with) } else { (with, without) };
            prop_assert!(is_subset(&fewer_open, &more_open));
        }

        #[test]
        fn entries_count_by_their_numbers_alone(
            (one, other) in entries().prop_flat_map(|entries| (Just(entries.clone()), Just(entries).prop_shuffle()))
        ) {
            for family in Family::BOTH {
                prop_assert_eq!(open(&one, family, (8, 16)), open(&other, family, (8, 16)));
            }
        }
    }

    fn allow(number: i32, range: &str) -> NetworkAclEntry {
        acl_entry(number, true, "6", Some((22, 22)), range)
    }

    fn deny(number: i32, range: &str) -> NetworkAclEntry {
        acl_entry(number, false, "6", Some((20, 25)), range)
    }

    #[test]
    fn denials_close_what_they_take_away_altogether() {
        let cases = [
            (vec![allow(100, "0.0.0.0/0")], true),
            (vec![allow(100, "::/0")], true),
            (vec![allow(100, "0.0.0.0/1"), allow(110, "128.0.0.0/1")], true),
            (vec![allow(100, "0.0.0.0/1")], true),
            (vec![allow(100, "54.0.0.0/8")], false),
            (vec![allow(100, "54.0.0.0/8"), allow(110, "9.9.9.9/32")], true),
            (vec![deny(90, "54.0.0.0/9"), allow(100, "54.0.0.0/8"), allow(110, "9.0.0.0/9")], false),
            (vec![deny(90, "0.0.0.0/1"), allow(100, "0.0.0.0/0")], true),
            (vec![deny(90, "0.0.0.0/0"), allow(100, "0.0.0.0/0")], false),
            (vec![allow(100, "0.0.0.0/0"), deny(110, "0.0.0.0/0")], true),
            (vec![deny(90, "54.0.0.0/8"), allow(100, "0.0.0.0/0")], true),
            (vec![deny(80, "0.0.0.0/1"), deny(90, "128.0.0.0/1"), allow(100, "0.0.0.0/0")], false),
            (vec![deny(90, "::/0"), allow(100, "0.0.0.0/0")], true),
            (vec![allow(80, "54.239.1.2/32"), deny(90, "0.0.0.0/0"), allow(100, "0.0.0.0/0")], false),
            (vec![allow(80, "54.0.0.0/8"), deny(90, "0.0.0.0/0"), allow(100, "128.0.0.0/1")], false),
            (vec![allow(80, "0.0.0.0/1"), deny(90, "0.0.0.0/0"), allow(100, "128.0.0.0/1")], true),
        ];
        for (entries, expected) in cases {
            let acl = acl(entries.clone());
            let internet = small::internet((8, 16));
            let found = AclIngress::of(&acl, &internet).unwrap().any_of(Protocol::Tcp, &Ports::from_iter([22]));
            assert_eq!(found.is_some(), expected, "{entries:?}");
        }
    }

    #[test]
    fn the_entries_that_open_a_port_are_told() {
        let entries = vec![
            deny(90, "54.0.0.0/8"),
            allow(100, "0.0.0.0/0"),
            acl_entry(110, true, "-1", None, "::/0"),
            acl_entry(120, true, "6", Some((443, 443)), "0.0.0.0/0"),
        ];
        let acl = acl(entries);
        let internet = small::internet((8, 16));
        let found = AclIngress::of(&acl, &internet).unwrap().any_of(Protocol::Tcp, &Ports::from_iter([22, 3389]));
        let expected = "TCP 22, 3389 are open to the internet: entry 100 allows tcp 22 from 0.0.0.0/0, entry 110 \
                        allows all protocols and ports from ::/0";
        assert_eq!(found.as_deref(), Some(expected));
    }

    #[test]
    fn an_entry_that_cannot_be_understood_leaves_all_in_doubt() {
        let acl = acl(vec![acl_entry(90, false, "-1", None, "everywhere"), allow(100, "0.0.0.0/0")]);
        let why = AclIngress::of(&acl, &small::internet((8, 16))).err().unwrap();
        assert_eq!((why.action.as_str(), why.cause), ("ec2:DescribeNetworkAcls", UnreadableCause::Malformed));
    }
}
