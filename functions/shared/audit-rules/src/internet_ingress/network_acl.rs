//! Which ports a network ACL opens to the whole internet.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use audit_model::Unreadable;
use audit_model::resource::{NetworkAcl, NetworkAclEntry};
use ipnet::IpNet;

use super::addresses::{Family, covers};
use super::ports::pieces;
use super::{ALL_PROTOCOLS, Ports, Protocol, in_words, open_in_words, ports_from_internet, ports_of};
use crate::listing::first_of;

/// A network ACL's entries for inbound traffic.
///
/// The [first entry, by number,][page] that matches a packet decides. Still, an ACL that lets in 0.0.0.0/0 after it
/// denied a few addresses is open to the internet. So an entry that allows counts unless the denials before it take
/// away everything that it allows, and a port is open where the entries that count cover the internet together.
/// Wherever everybody gets in, the port is open; wherever nobody does, it is closed.
///
/// [page]: https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
pub(crate) struct AclIngress<'a>(Vec<Entry<'a>>);

struct Entry<'a> {
    entry: &'a NetworkAclEntry,
    ports: RangeInclusive<u16>,
    range: IpNet,
}

impl<'a> AclIngress<'a> {
    /// # Errors
    /// An entry's range could not be understood: it may be a denial of everything that the others allow.
    pub(crate) fn of(acl: &'a NetworkAcl) -> Result<Self, Unreadable> {
        let entries = acl.ingress.iter().map(|entry| {
            let (first, last) = entry.ports.unzip();
            let range = entry.range.parse();
            let range = range
                .map_err(|_| Unreadable::malformed("ec2:DescribeNetworkAcls", "a range is not in CIDR notation"))?;
            Ok(Entry { entry, ports: ports_of(&entry.protocol, first, last), range })
        });
        Ok(Self(entries.collect::<Result<_, _>>()?))
    }

    /// Which of the ports the whole internet reaches, and through what, in words; `None` if it reaches none of them.
    pub(crate) fn any_of(&self, protocol: Protocol, ports: &Ports) -> Option<String> {
        let found = Family::BOTH.map(|family| (family, self.open(Some(protocol), family).and(ports)));
        let all: Ports = found.iter().flat_map(|(_, ports)| ports.ranges()).collect();
        let through = found.iter().flat_map(|(family, ports)| self.that_open(Some(protocol), *family, ports)).collect();
        (!all.is_empty()).then(|| open_in_words(protocol, &all, &unique(through)))
    }

    /// Through what the whole internet reaches everything, in words: by entries for all protocols, whatever else is
    /// denied before them, or by entries for every port of TCP and of UDP. `None` if it does not.
    pub(crate) fn everything(&self) -> Option<String> {
        let through = Family::BOTH.into_iter().flat_map(|family| {
            let opens = |protocol| self.that_open(protocol, family, &self.every_port_if_open(protocol, family));
            let all_protocols = opens(None);
            let (tcp, udp) = (opens(Some(Protocol::Tcp)), opens(Some(Protocol::Udp)));
            match (all_protocols.is_empty(), tcp.is_empty() || udp.is_empty()) {
                (false, _) => all_protocols,
                (true, false) => [tcp, udp].concat(),
                (true, true) => Vec::new(),
            }
        });
        let through = unique(through.collect());
        (!through.is_empty()).then(|| format!("the internet is let in: {}", first_of(&through)))
    }

    fn every_port_if_open(&self, protocol: Option<Protocol>, family: Family) -> Ports {
        let (open, every) = (self.open(protocol, family), Ports::every());
        if open.contain_all(&every) { every } else { Ports::none() }
    }

    /// The ports of the protocol (`None` for one that no entry names) that are open to the internet.
    fn open(&self, protocol: Option<Protocol>, family: Family) -> Ports {
        let ranges_at = |port| self.that_count(protocol, family, port).map(|entry| entry.range).collect();
        ports_from_internet(family, &self.borders(), ranges_at)
    }

    /// The entries that let the internet in to one of these ports.
    fn that_open(&self, protocol: Option<Protocol>, family: Family, open: &Ports) -> Vec<String> {
        let pieces = pieces(&self.borders());
        let opened = pieces.iter().filter(|piece| open.overlap(piece));
        opened.flat_map(|piece| self.that_count(protocol, family, *piece.start())).map(Entry::in_words).collect()
    }

    /// The entries that allow something at this port, and do not come to nothing by the denials before them.
    fn that_count(&self, protocol: Option<Protocol>, family: Family, port: u16) -> impl Iterator<Item = &Entry<'a>> {
        let matching = move |entry: &&Entry<'a>| {
            entry.is_for(protocol) && Family::of(&entry.range) == family && entry.ports.contains(&port)
        };
        self.0.iter().filter(matching).filter(move |candidate| {
            let denied: Vec<IpNet> = self
                .0
                .iter()
                .filter(matching)
                .filter(|other| !other.entry.allow && other.entry.number < candidate.entry.number)
                .map(|other| other.range)
                .collect();
            candidate.entry.allow && !covers(&denied, &candidate.range)
        })
    }

    fn borders(&self) -> Vec<RangeInclusive<u16>> {
        self.0.iter().map(|entry| entry.ports.clone()).collect()
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
    fn open(entries: &[NetworkAclEntry], family: Family) -> Vec<u16> {
        let acl = acl(entries.to_vec());
        let ports = AclIngress::of(&acl).unwrap().open(Some(Protocol::Tcp), family);
        small::PORTS.into_iter().filter(|port| ports.overlap(&(*port..=*port))).collect()
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
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn whoever_gets_in_is_found_by_trial(entries in entries()) {
            for family in Family::BOTH {
                let addresses = small::addresses(family);
                let open = open(&entries, family);
                for port in small::PORTS {
                    let admitted = addresses.iter().filter(|address| gets_in(&entries, port, address)).count();
                    if open.contains(&port) {
                        prop_assert!(admitted > 0, "{port} is said to be open, and nobody gets in");
                    } else {
                        prop_assert!(admitted < addresses.len(), "{port} is said to be closed, and everybody gets in");
                    }
                }
            }
        }

        #[test]
        fn without_denials_a_port_is_open_if_everybody_gets_in(entries in entries()) {
            let allows: Vec<NetworkAclEntry> = entries.into_iter().filter(|entry| entry.allow).collect();
            for family in Family::BOTH {
                let everybody =
                    |port: &u16| small::addresses(family).iter().all(|address| gets_in(&allows, *port, address));
                let expected: Vec<u16> = small::PORTS.into_iter().filter(everybody).collect();
                prop_assert_eq!(open(&allows, family), expected);
            }
        }

        #[test]
        fn allowing_closes_nothing_and_denying_opens_nothing(
            entries in entries(), chosen in any::<prop::sample::Index>()
        ) {
            if entries.is_empty() {
                return Ok(());
            }
            let mut fewer = entries.clone();
            let one = fewer.remove(chosen.index(entries.len()));
            for family in Family::BOTH {
                let (with, without) = (open(&entries, family), open(&fewer, family));
                let (fewer_open, more_open) = if one.allow { (without, with) } else { (with, without) };
                prop_assert!(is_subset(&fewer_open, &more_open));
            }
        }

        #[test]
        fn entries_count_by_their_numbers_alone(
            (one, other) in entries().prop_flat_map(|entries| (Just(entries.clone()), Just(entries).prop_shuffle()))
        ) {
            for family in Family::BOTH {
                prop_assert_eq!(open(&one, family), open(&other, family));
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
            (vec![allow(100, "0.0.0.0/1")], false),
            (vec![deny(90, "0.0.0.0/0"), allow(100, "0.0.0.0/0")], false),
            (vec![allow(100, "0.0.0.0/0"), deny(110, "0.0.0.0/0")], true),
            (vec![deny(90, "54.0.0.0/8"), allow(100, "0.0.0.0/0")], true),
            (vec![deny(80, "0.0.0.0/1"), deny(90, "128.0.0.0/1"), allow(100, "0.0.0.0/0")], false),
            (vec![deny(90, "::/0"), allow(100, "0.0.0.0/0")], true),
            (vec![allow(80, "54.239.1.2/32"), deny(90, "0.0.0.0/0"), allow(100, "0.0.0.0/0")], false),
            (vec![allow(80, "0.0.0.0/1"), deny(90, "0.0.0.0/0"), allow(100, "128.0.0.0/1")], false),
        ];
        for (entries, expected) in cases {
            let acl = acl(entries.clone());
            let found = AclIngress::of(&acl).unwrap().any_of(Protocol::Tcp, &Ports::from_iter([22]));
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
        let found = AclIngress::of(&acl).unwrap().any_of(Protocol::Tcp, &Ports::from_iter([22, 3389]));
        let expected = "TCP 22, 3389 are open to the internet: entry 100 allows tcp 22 from 0.0.0.0/0, entry 110 \
                        allows all protocols and ports from ::/0";
        assert_eq!(found.as_deref(), Some(expected));
    }

    #[test]
    fn an_entry_that_cannot_be_understood_leaves_all_in_doubt() {
        let acl = acl(vec![acl_entry(90, false, "-1", None, "everywhere"), allow(100, "0.0.0.0/0")]);
        let why = AclIngress::of(&acl).err().unwrap();
        assert_eq!((why.action.as_str(), why.cause), ("ec2:DescribeNetworkAcls", UnreadableCause::Malformed));
    }
}
