//! Which ports a security group opens to the internet.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::slice;

use audit_model::Unreadable;
use audit_model::resource::{IpPermission, SecurityGroup};
use ipnet::IpNet;

use super::addresses::{Family, Internet, Share};
use super::ports::pieces;
use super::{Ports, Protocol, in_words, open_in_words, ports_from_internet, ports_of, that_open};
use crate::listing::first_of;

/// A security group's inbound rules, as far as they are for one protocol.
///
/// Address ranges and port ranges of all rules count together: 0.0.0.0/1 and 128.0.0.0/1 are everywhere, in one rule or
/// in two, and so is a prefix list that says so. What is open is a question of the share of the internet's addresses
/// that they let in. A security group as a source is never the internet: it stands for the
/// [private addresses][page] of its network interfaces.
///
/// [page]: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
pub(crate) struct GroupIngress<'a> {
    internet: &'a Internet,
    protocol: Protocol,
    sources: Vec<Source<'a>>,
    open: [(Family, Ports); 2],
    /// Ports with a source that could not be read, and why not.
    in_doubt: Vec<(Ports, Unreadable)>,
}

/// A range or a prefix list of a rule.
struct Source<'a> {
    permission: &'a IpPermission,
    ports: RangeInclusive<u16>,
    /// As the rule names it, with the public ranges of a list.
    name: String,
    share: Share,
}

impl<'a> GroupIngress<'a> {
    pub(crate) fn of(group: &'a SecurityGroup, protocol: Protocol, internet: &'a Internet) -> Self {
        let (mut sources, mut in_doubt) = (Vec::new(), Vec::new());
        for permission in group.ingress.iter().filter(|rule| protocol.is_matched_by(&rule.protocol)) {
            let ports = ports_of(&permission.protocol, permission.from_port, permission.to_port);
            let mut add = |name, ranges: &[IpNet]| {
                sources.push(Source { permission, ports: ports.clone(), name, share: internet.share_of(ranges) });
            };
            for range in permission.ranges.iter().filter(|range| internet.overlaps(range)) {
                add(range.to_string(), slice::from_ref(range));
            }
            for list in &permission.prefix_lists {
                match list.entries.known() {
                    Ok(entries) => {
                        let ranges = entries.map(Vec::as_slice).unwrap_or_default();
                        let public = ranges.iter().filter(|range| internet.overlaps(range));
                        let public: Vec<String> = public.map(ToString::to_string).collect();
                        add(format!("{} ({})", list.id, first_of(&public)), ranges);
                    }
                    Err(why) => in_doubt.push((Ports::from_iter([ports.clone()]), why)),
                }
            }
        }
        let borders: Vec<_> = sources.iter().map(|source| source.ports.clone()).collect();
        let open = ports_from_internet(internet, &borders, |port| {
            let there = sources.iter().filter(|source| source.ports.contains(&port));
            Share::of_all(there.map(|source| &source.share))
        });
        Self { internet, protocol, sources, open, in_doubt }
    }

    /// Which of the ports the internet reaches, and through what, in words; `None` if it reaches none of them.
    ///
    /// # Errors
    /// None of them is known to be open, and a source that could not be read may open one.
    pub(crate) fn any_of(&self, ports: &Ports) -> Result<Option<String>, Unreadable> {
        let found = self.open.clone().map(|(family, open)| (family, open.and(ports)));
        if found.iter().any(|(_, found)| !found.is_empty()) {
            return Ok(Some(self.in_words(&found)));
        }
        self.doubt_about(ports)
    }

    /// Through what the internet reaches each of the ports by IPv4, or each by IPv6, in words; `None` if it does
    /// not.
    ///
    /// # Errors
    /// They are not known to be open, and sources that could not be read may open those that are missing.
    pub(crate) fn all_of(&self, ports: &Ports) -> Result<Option<String>, Unreadable> {
        let complete: Vec<(Family, Ports)> = self
            .open
            .iter()
            .filter(|(_, open)| open.contain_all(ports))
            .map(|(family, open)| (*family, open.and(ports)))
            .collect();
        if !complete.is_empty() {
            return Ok(Some(self.in_words(&complete)));
        }
        let possible = |open: &Ports| self.in_doubt.iter().fold(open.clone(), |all, (ports, _)| all.or(ports));
        if self.open.iter().any(|(_, open)| possible(open).contain_all(ports)) {
            return self.doubt_about(ports);
        }
        Ok(None)
    }

    /// An error if one of the ports has a source that could not be read.
    fn doubt_about(&self, ports: &Ports) -> Result<Option<String>, Unreadable> {
        match self.in_doubt.iter().find(|(doubtful, _)| !doubtful.and(ports).is_empty()) {
            Some((_, why)) => Err(why.clone()),
            None => Ok(None),
        }
    }

    fn in_words(&self, found: &[(Family, Ports)]) -> String {
        let all = found.iter().flat_map(|(_, ports)| ports.ranges()).collect();
        let mut through: Vec<String> = Vec::new();
        for source in found.iter().flat_map(|(family, ports)| self.that_open(*family, ports)) {
            let words = format!("{} from {}", in_words(&source.permission.protocol, &source.ports), source.name);
            if !through.contains(&words) {
                through.push(words);
            }
        }
        open_in_words(self.protocol, &all, &through)
    }

    /// The sources that let the internet in to one of these ports.
    fn that_open(&self, family: Family, open: &Ports) -> Vec<&Source<'a>> {
        let borders: Vec<_> = self.sources.iter().map(|source| source.ports.clone()).collect();
        let mut opening = BTreeSet::new();
        for piece in pieces(&borders).iter().filter(|piece| open.overlap(piece)) {
            let there = self.sources.iter().enumerate().filter(|(_, source)| source.ports.contains(piece.start()));
            let there = there.map(|(index, source)| (index, source.share.clone())).collect();
            opening.extend(that_open(self.internet, family, there));
        }
        opening.into_iter().map(|index| &self.sources[index]).collect()
    }
}

/// What is open of several protocols, in words. What is open of one is told whatever could not be read of another.
///
/// # Errors
/// Nothing is known to be open, and something could not be read.
pub(crate) fn any_open<const N: usize>(
    answers: [Result<Option<String>, Unreadable>; N],
) -> Result<Option<String>, Unreadable> {
    let open: Vec<&str> = answers.iter().flatten().flatten().map(String::as_str).collect();
    if !open.is_empty() {
        return Ok(Some(open.join("; ")));
    }
    answers.into_iter().find_map(Result::err).map_or(Ok(None), Err)
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::PrefixList;
    use proptest::prelude::*;

    use super::super::small_space as small;
    use super::*;
    use crate::fixtures;

    /// The ports of 0 to 8, and the last one, that are open to the internet, by family, and those that may be.
    fn open(permissions: &[IpPermission], prefixes: (u8, u8)) -> [Vec<u16>; 3] {
        let (group, internet) = (fixtures::security_group("sg-1", permissions.to_vec()), small::internet(prefixes));
        let ingress = GroupIngress::of(&group, Protocol::Tcp, &internet);
        let among = |ports: &Ports| small::PORTS.into_iter().filter(|port| ports.overlap(&(*port..=*port))).collect();
        let doubtful = ingress.in_doubt.iter().fold(Ports::from_iter(Vec::<u16>::new()), |all, (more, _)| all.or(more));
        [among(&ingress.open[0].1), among(&ingress.open[1].1), among(&doubtful)]
    }

    /// Tries out every small port and every eighth.
    fn open_by_trial(permissions: &[IpPermission], family: Family, prefixes: (u8, u8)) -> Vec<u16> {
        let lets_in = |permission: &IpPermission, port: u16, address: &IpNet| {
            let port_matches = permission.protocol == "-1"
                || (permission.protocol == "tcp"
                    && permission.from_port.is_none_or(|first| first <= i32::from(port))
                    && permission.to_port.is_none_or(|last| i32::from(port) <= last));
            let listed = permission.prefix_lists.iter().filter_map(|list| list.entries.known().unwrap()).flatten();
            let mut ranges = permission.ranges.iter().chain(listed);
            port_matches && ranges.any(|range| range.contains(address))
        };
        let is_open = |port: &u16| {
            let let_in = |address: &IpNet| permissions.iter().any(|permission| lets_in(permission, *port, address));
            small::opened_by(let_in, prefixes).contains(&family)
        };
        small::PORTS.into_iter().filter(is_open).collect()
    }

    fn permission() -> impl Strategy<Value = IpPermission> {
        let protocol = prop_oneof![6 => Just("tcp"), 1 => Just("-1"), 1 => Just("udp")];
        let ranges = || prop::collection::vec(small::range(), 0..4);
        (protocol, small::port_range(), ranges(), prop::option::of(ranges())).prop_map(
            |(protocol, ports, ranges, listed)| {
                let ranges: Vec<&str> = ranges.iter().map(String::as_str).collect();
                let prefix_lists = listed.map(|entries| fixtures::prefix_list(&entries)).into_iter().collect();
                IpPermission { prefix_lists, ..fixtures::permission(protocol, ports, &ranges) }
            },
        )
    }

    fn is_subset(some: &[u16], all: &[u16]) -> bool {
        some.iter().all(|port| all.contains(port))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn the_open_ports_are_those_that_trial_finds(
            permissions in prop::collection::vec(permission(), 0..5), prefixes in small::prefixes(),
        ) {
            let [v4, v6, _] = open(&permissions, prefixes);
            prop_assert_eq!(v4, open_by_trial(&permissions, Family::V4, prefixes));
            prop_assert_eq!(v6, open_by_trial(&permissions, Family::V6, prefixes));
        }

        #[test]
        fn one_more_rule_closes_nothing(
            permissions in prop::collection::vec(permission(), 1..5), prefixes in small::prefixes(),
        ) {
            let ([v4, v6, _], [v4_before, v6_before, _]) = (open(&permissions, prefixes), open(&permissions[1..], prefixes));
            let (before, after) = ([v4_before, v6_before].concat(), [v4, v6].concat());
            prop_assert!(is_subset(&before, &after));
        }

        #[test]
        fn the_order_of_rules_does_not_matter(
            (one, other) in prop::collection::vec(permission(), 0..5)
                .prop_flat_map(|permissions| (Just(permissions.clone()), Just(permissions).prop_shuffle())),
            prefixes in small::prefixes(),
        ) {
            prop_assert_eq!(open(&one, prefixes), open(&other, prefixes));
        }

        #[test]
        fn what_an_unreadable_list_may_open_is_in_doubt(
            permissions in prop::collection::vec(permission(), 0..5), prefixes in small::prefixes(),
        ) {
            let [v4, v6, _] = open(&permissions, prefixes);
            let mut poorer = permissions;
            for list in poorer.iter_mut().flat_map(|permission| &mut permission.prefix_lists) {
                list.entries = fixtures::unreadable("ec2:GetManagedPrefixListEntries");
            }
            let [v4_known, v6_known, doubtful] = open(&poorer, prefixes);
            let (known, all) = ([v4_known, v6_known].concat(), [v4, v6].concat());
            prop_assert!(is_subset(&known, &all) && is_subset(&all, &[known, doubtful].concat()));
        }
    }

    fn behind(list: PrefixList, ports: (i32, i32)) -> IpPermission {
        IpPermission { prefix_lists: vec![list], ..fixtures::permission("tcp", Some(ports), &[]) }
    }

    fn tcp(ports: (i32, i32), ranges: &[&str]) -> IpPermission {
        fixtures::permission("tcp", Some(ports), ranges)
    }

    #[test]
    fn what_opens_a_port_is_told_and_no_more() {
        let internet = small::internet((8, 16));
        let cases = [
            (
                vec![tcp((22, 22), &["10.0.0.0/8", "0.0.0.0/0"])],
                "TCP 22 is open to the internet: tcp 22 from 0.0.0.0/0",
            ),
            (
                vec![tcp((22, 22), &["0.0.0.0/1"]), tcp((20, 25), &["128.0.0.0/1"])],
                "TCP 22 is open to the internet: tcp 22 from 0.0.0.0/1, tcp 20-25 from 128.0.0.0/1",
            ),
            (
                vec![fixtures::permission("-1", None, &["0.0.0.0/0", "::/0"])],
                "TCP 22, 80 are open to the internet: all protocols and ports from 0.0.0.0/0, all protocols and ports \
                 from ::/0",
            ),
            (
                vec![behind(fixtures::prefix_list(&["0.0.0.0/0"]), (0, 79))],
                "TCP 22 is open to the internet: tcp 0-79 from pl-1 (0.0.0.0/0)",
            ),
            // Half of the internet, in a list and without one.
            (
                vec![
                    tcp((22, 22), &["0.0.0.0/1"]),
                    behind(fixtures::prefix_list(&["10.0.0.0/8", "128.0.0.0/2"]), (22, 22)),
                ],
                "TCP 22 is open to the internet: tcp 22 from 0.0.0.0/1, tcp 22 from pl-1 (128.0.0.0/2)",
            ),
            (vec![tcp((22, 22), &["2000::/3"])], "TCP 22 is open to the internet: tcp 22 from 2000::/3"),
            // None of these is much by itself.
            (
                vec![
                    tcp((22, 22), &["54.0.0.0/9", "10.0.0.0/8", "55.0.0.0/9"]),
                    behind(fixtures::prefix_list(&["9.9.9.9/32"]), (22, 22)),
                ],
                "TCP 22 is open to the internet: tcp 22 from 54.0.0.0/9, tcp 22 from 55.0.0.0/9, tcp 22 from pl-1 \
                 (9.9.9.9/32)",
            ),
            (
                vec![tcp((22, 22), &["54.0.0.0/9", "2600::/17", "2a00::/64"])],
                "TCP 22 is open to the internet: tcp 22 from 54.0.0.0/9, tcp 22 from 2600::/17, tcp 22 from 2a00::/64",
            ),
        ];
        for (permissions, expected) in cases {
            let group = fixtures::security_group("sg-1", permissions);
            let found = GroupIngress::of(&group, Protocol::Tcp, &internet).any_of(&Ports::from_iter([22, 80]));
            assert_eq!(found, Ok(Some(expected.to_owned())));
        }
    }

    #[test]
    fn an_unreadable_list_matters_only_where_the_answer_hangs_on_it() {
        let denied = fixtures::denied("ec2:GetManagedPrefixListEntries");
        let unreadable = |ports| {
            let entries = Reading::Unreadable(denied.clone());
            behind(PrefixList { entries, ..fixtures::prefix_list(&[""; 0]) }, ports)
        };
        let everywhere = |ports| tcp(ports, &["0.0.0.0/0"]);
        // (rules, is port 22 open, are 22 and 23 open)
        let (no, yes, unknown) = (Ok(false), Ok(true), Err(denied.clone()));
        let cases = [
            (vec![unreadable((22, 22))], [&unknown, &no]),
            (vec![unreadable((22, 23))], [&unknown, &unknown]),
            (vec![unreadable((443, 443))], [&no, &no]),
            (vec![unreadable((22, 22)), everywhere((22, 22))], [&yes, &no]),
            (vec![unreadable((22, 22)), everywhere((23, 23))], [&unknown, &unknown]),
            (vec![unreadable((22, 22)), everywhere((22, 23))], [&yes, &yes]),
        ];
        for (permissions, expected) in cases {
            let group = fixtures::security_group("sg-1", permissions.clone());
            let internet = small::internet((8, 16));
            let ingress = GroupIngress::of(&group, Protocol::Tcp, &internet);
            let found = [ingress.any_of(&Ports::from_iter([22])), ingress.all_of(&Ports::from_iter([22, 23]))];
            assert_eq!(
                found.map(|found| found.map(|open| open.is_some())),
                expected.map(Clone::clone),
                "{permissions:?}"
            );
        }
    }

    #[test]
    fn ports_open_by_ipv4_and_ports_open_by_ipv6_are_not_all_ports() {
        let halves = |second: &str| vec![tcp((0, 1023), &["0.0.0.0/0"]), tcp((1024, 65_535), &[second])];
        for (second, expected) in [("0.0.0.0/0", true), ("::/0", false)] {
            let group = fixtures::security_group("sg-1", halves(second));
            let internet = small::internet((8, 16));
            let found = GroupIngress::of(&group, Protocol::Tcp, &internet).all_of(&Ports::every()).unwrap();
            assert_eq!(found.is_some(), expected, "{second}");
        }
    }

    #[test]
    fn a_security_group_as_a_source_is_not_the_internet() {
        let from_group = IpPermission { security_groups: vec!["sg-2".to_owned()], ..tcp((22, 22), &[]) };
        let group = fixtures::security_group("sg-1", vec![from_group]);
        let internet = small::internet((8, 16));
        assert_eq!(GroupIngress::of(&group, Protocol::Tcp, &internet).any_of(&Ports::from_iter([22])), Ok(None));
    }
}
