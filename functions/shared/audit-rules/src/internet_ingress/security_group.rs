//! Which ports a security group opens to the whole internet.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use audit_model::Unreadable;
use audit_model::resource::{IpPermission, SecurityGroup};
use ipnet::IpNet;

use super::addresses::{Family, cover_internet};
use super::ports::pieces;
use super::{Ports, Protocol, in_words, open_in_words, ports_from_internet, ports_of};

/// A security group's inbound rules, as far as they are for one protocol.
///
/// Address ranges and port ranges of all rules count together: 0.0.0.0/1 and 128.0.0.0/1 are everywhere, in one rule or
/// in two, and so is a prefix list that says so. A security group as a source is never the internet: it stands for the
/// [private addresses][page] of its network interfaces.
///
/// [page]: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
pub(crate) struct GroupIngress<'a> {
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
    /// As the rule names it.
    name: &'a str,
    ranges: Vec<IpNet>,
}

impl<'a> GroupIngress<'a> {
    pub(crate) fn of(group: &'a SecurityGroup, protocol: Protocol) -> Self {
        let (mut sources, mut in_doubt) = (Vec::new(), Vec::new());
        for permission in group.ingress.iter().filter(|rule| protocol.is_matched_by(&rule.protocol)) {
            let ports = ports_of(&permission.protocol, permission.from_port, permission.to_port);
            let mut add = |name, ranges| sources.push(Source { permission, ports: ports.clone(), name, ranges });
            let mut doubt = |why| in_doubt.push((Ports::from_iter([ports.clone()]), why));
            for range in permission.ipv4_ranges.iter().chain(&permission.ipv6_ranges) {
                match parse(range, "ec2:DescribeSecurityGroups") {
                    Ok(net) => add(range.as_str(), vec![net]),
                    Err(why) => doubt(why),
                }
            }
            for list in &permission.prefix_lists {
                let entries = match list.entries.known() {
                    Ok(entries) => entries.map(Vec::as_slice).unwrap_or_default(),
                    Err(why) => {
                        doubt(why);
                        continue;
                    }
                };
                let mut ranges = Vec::new();
                for entry in entries {
                    match parse(entry, "ec2:GetManagedPrefixListEntries") {
                        Ok(net) => ranges.push(net),
                        Err(why) => doubt(why),
                    }
                }
                add(list.id.as_str(), ranges);
            }
        }
        let borders: Vec<_> = sources.iter().map(|source| source.ports.clone()).collect();
        let open = Family::BOTH.map(|family| {
            let ranges_at = |port: u16| {
                let there = sources.iter().filter(|source| source.ports.contains(&port));
                there.flat_map(|source| source.ranges.iter().copied()).collect()
            };
            (family, ports_from_internet(family, &borders, ranges_at))
        });
        Self { protocol, sources, open, in_doubt }
    }

    /// Which of the ports the whole internet reaches, and through what, in words; `None` if it reaches none of them.
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

    /// Through what the whole internet reaches each of the ports by IPv4, or each by IPv6, in words; `None` if it does
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

    /// The sources that are the whole internet at one of these ports, alone, or where none is, together.
    fn that_open(&self, family: Family, open: &Ports) -> Vec<&Source<'a>> {
        let borders: Vec<_> = self.sources.iter().map(|source| source.ports.clone()).collect();
        let mut opening = BTreeSet::new();
        for piece in pieces(&borders).iter().filter(|piece| open.overlap(piece)) {
            let there = |source: &Source<'_>| {
                source.ports.contains(piece.start()) && source.ranges.iter().any(|range| Family::of(range) == family)
            };
            let (alone, partly): (Vec<_>, Vec<_>) = (0..self.sources.len())
                .filter(|index| there(&self.sources[*index]))
                .partition(|index| cover_internet(&self.sources[*index].ranges, family));
            opening.extend(if alone.is_empty() { partly } else { alone });
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

fn parse(range: &str, action: &str) -> Result<IpNet, Unreadable> {
    range.parse().map_err(|_| Unreadable::malformed(action, "a range is not in CIDR notation"))
}

#[cfg(test)]
mod tests {
    use audit_model::resource::PrefixList;
    use audit_model::{Reading, UnreadableCause};
    use proptest::prelude::*;

    use super::super::small_space as small;
    use super::*;
    use crate::fixtures;

    /// The ports of 0 to 8, and the last one, that are open to the internet, by family, and those that may be.
    fn open(permissions: &[IpPermission]) -> [Vec<u16>; 3] {
        let group = fixtures::security_group("sg-1", permissions.to_vec());
        let ingress = GroupIngress::of(&group, Protocol::Tcp);
        let among = |ports: &Ports| small::PORTS.into_iter().filter(|port| ports.overlap(&(*port..=*port))).collect();
        let doubtful = ingress.in_doubt.iter().fold(Ports::from_iter(Vec::<u16>::new()), |all, (more, _)| all.or(more));
        [among(&ingress.open[0].1), among(&ingress.open[1].1), among(&doubtful)]
    }

    /// Tries out every small port and address.
    fn open_by_trial(permissions: &[IpPermission], family: Family) -> Vec<u16> {
        let lets_in = |permission: &IpPermission, port: u16, address: &IpNet| {
            let port_matches = permission.protocol == "-1"
                || (permission.protocol == "tcp"
                    && permission.from_port.is_none_or(|first| first <= i32::from(port))
                    && permission.to_port.is_none_or(|last| i32::from(port) <= last));
            let listed = permission.prefix_lists.iter().filter_map(|list| list.entries.known().unwrap()).flatten();
            let mut ranges = permission.ipv4_ranges.iter().chain(&permission.ipv6_ranges).chain(listed);
            port_matches && ranges.any(|range| range.parse::<IpNet>().unwrap().contains(address))
        };
        let from_all = |port: &u16| {
            let addresses = small::addresses(family);
            addresses.iter().all(|address| permissions.iter().any(|permission| lets_in(permission, *port, address)))
        };
        small::PORTS.into_iter().filter(from_all).collect()
    }

    fn permission() -> impl Strategy<Value = IpPermission> {
        let protocol = prop_oneof![6 => Just("tcp"), 1 => Just("-1"), 1 => Just("udp")];
        let ranges = || prop::collection::vec(small::range(), 0..4);
        (protocol, small::port_range(), ranges(), prop::option::of(ranges())).prop_map(
            |(protocol, ports, ranges, listed)| {
                let ranges: Vec<&str> = ranges.iter().map(String::as_str).collect();
                let list = |entries| PrefixList { id: "pl-1".to_owned(), entries: Reading::seen(entries) };
                let prefix_lists = listed.map(list).into_iter().collect();
                IpPermission { prefix_lists, ..fixtures::permission(protocol, ports, &ranges) }
            },
        )
    }

    fn is_subset(some: &[u16], all: &[u16]) -> bool {
        some.iter().all(|port| all.contains(port))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_open_ports_are_those_that_trial_finds(permissions in prop::collection::vec(permission(), 0..5)) {
            let [v4, v6, _] = open(&permissions);
            prop_assert_eq!(v4, open_by_trial(&permissions, Family::V4));
            prop_assert_eq!(v6, open_by_trial(&permissions, Family::V6));
        }

        #[test]
        fn one_more_rule_closes_nothing(permissions in prop::collection::vec(permission(), 1..5)) {
            let ([v4, v6, _], [v4_before, v6_before, _]) = (open(&permissions), open(&permissions[1..]));
            prop_assert!(is_subset(&v4_before, &v4) && is_subset(&v6_before, &v6));
        }

        #[test]
        fn the_order_of_rules_does_not_matter(
            (one, other) in prop::collection::vec(permission(), 0..5)
                .prop_flat_map(|permissions| (Just(permissions.clone()), Just(permissions).prop_shuffle()))
        ) {
            prop_assert_eq!(open(&one), open(&other));
        }

        #[test]
        fn what_an_unreadable_list_may_open_is_in_doubt(permissions in prop::collection::vec(permission(), 0..5)) {
            let [v4, v6, _] = open(&permissions);
            let mut poorer = permissions;
            for list in poorer.iter_mut().flat_map(|permission| &mut permission.prefix_lists) {
                list.entries = fixtures::unreadable("ec2:GetManagedPrefixListEntries");
            }
            let [v4_known, v6_known, doubtful] = open(&poorer);
            for (known, all) in [(v4_known, v4), (v6_known, v6)] {
                prop_assert!(is_subset(&known, &all) && is_subset(&all, &[known, doubtful.clone()].concat()));
            }
        }
    }

    fn behind(entries: Reading<Vec<String>>, ports: (i32, i32)) -> IpPermission {
        let prefix_lists = vec![PrefixList { id: "pl-1".to_owned(), entries }];
        IpPermission { prefix_lists, ..fixtures::permission("tcp", Some(ports), &[]) }
    }

    fn tcp(ports: (i32, i32), ranges: &[&str]) -> IpPermission {
        fixtures::permission("tcp", Some(ports), ranges)
    }

    #[test]
    fn what_opens_a_port_is_told_and_no_more() {
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
                vec![behind(Reading::seen(vec!["0.0.0.0/0".to_owned()]), (0, 79))],
                "TCP 22 is open to the internet: tcp 0-79 from pl-1",
            ),
        ];
        for (permissions, expected) in cases {
            let group = fixtures::security_group("sg-1", permissions);
            let found = GroupIngress::of(&group, Protocol::Tcp).any_of(&Ports::from_iter([22, 80]));
            assert_eq!(found, Ok(Some(expected.to_owned())));
        }
    }

    #[test]
    fn an_unreadable_list_matters_only_where_the_answer_hangs_on_it() {
        let denied = fixtures::denied("ec2:GetManagedPrefixListEntries");
        let unreadable = |ports| behind(Reading::Unreadable(denied.clone()), ports);
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
            let ingress = GroupIngress::of(&group, Protocol::Tcp);
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
            let found = GroupIngress::of(&group, Protocol::Tcp).all_of(&Ports::every()).unwrap();
            assert_eq!(found.is_some(), expected, "{second}");
        }
    }

    #[test]
    fn a_range_that_is_none_leaves_in_doubt_what_is_not_open_otherwise() {
        let group = fixtures::security_group("sg-1", vec![tcp((22, 22), &["everywhere"]), tcp((23, 23), &["::/0"])]);
        let ingress = GroupIngress::of(&group, Protocol::Tcp);
        let why = ingress.any_of(&Ports::from_iter([22])).unwrap_err();
        assert_eq!((why.action.as_str(), why.cause), ("ec2:DescribeSecurityGroups", UnreadableCause::Malformed));
        assert!(ingress.any_of(&Ports::from_iter([22, 23])).unwrap().is_some());
    }

    #[test]
    fn a_security_group_as_a_source_is_not_the_internet() {
        let from_group = IpPermission { security_groups: vec!["sg-2".to_owned()], ..tcp((22, 22), &[]) };
        let group = fixtures::security_group("sg-1", vec![from_group]);
        assert_eq!(GroupIngress::of(&group, Protocol::Tcp).any_of(&Ports::from_iter([22])), Ok(None));
    }
}
