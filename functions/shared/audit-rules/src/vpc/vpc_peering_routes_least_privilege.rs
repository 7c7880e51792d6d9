//! Routes into a peering connection lead to a part of the other VPC, not to all of it.

use std::collections::BTreeMap;

use audit_model::resource::{PeeredVpc, PeeringConnection, PeeringRoute};
use audit_model::{Policy, Severity, Unreadable};
use ipnet::IpNet;

use crate::frameworks::{cis_3_0, cis_5_0};
use crate::listing::first_of;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-peering-routes-least-privilege",
    title: "Routes into a VPC peering connection are limited to what is needed",
    severity: Severity::Medium,
    rationale: "A route to a whole VPC lets whoever got into one network look for a way into everything in the other \
        one. Beyond Prowler's check, which compares with the first IPv4 range of each VPC, all IPv4 and IPv6 ranges \
        count, wider routes, and routes of one table that cover a range together.",
    expected: "No route into the connection, and no routes of one table together, cover 0.0.0.0/0, ::/0 or a whole \
        range of one of the two VPCs",
    remediation: "Replace the route by routes to the subnets or hosts that are needed. Add these first, so that \
        traffic goes on while the wide one is removed.",
    console: "In the Amazon VPC console, open Route tables, choose the table, then Routes, Edit routes. Add routes to \
        the subnets or hosts that are needed with the peering connection as target, remove the wide one, and save.",
    cli: "aws ec2 create-route --route-table-id ROUTE_TABLE_ID --destination-cidr-block SUBNET_CIDR \
        --vpc-peering-connection-id CONNECTION_ID\n\
        aws ec2 delete-route --route-table-id ROUTE_TABLE_ID --destination-cidr-block WIDE_CIDR",
    documentation: "https://docs.aws.amazon.com/vpc/latest/peering/peering-configurations-partial-access.html",
    parameters: &[],
    references: &[cis_5_0::C5_6, cis_3_0::C5_5],
    reads: &["ec2:DescribeRouteTables", "ec2:DescribeVpcPeeringConnections"],
    remediable: false,
    check: Check::PeeringConnection(evaluate),
    source: file!(),
};

fn evaluate(connection: &PeeringConnection, _: &Policy) -> Result<Outcome, Unreadable> {
    if connection.status != "active" {
        return Ok(Outcome::not_applicable(format!("no traffic passes: the connection is {}", connection.status)));
    }
    let routes = connection.routes.listed()?;
    if routes.is_empty() {
        return Ok(Outcome::compliant("no route leads into the connection"));
    }
    let (wholes, mut missing) = whole_networks(connection);
    let (reached, undecided) = reached_networks(routes);
    missing.extend(undecided);
    let mut too_wide = Vec::new();
    for (table, nets) in &reached {
        let aggregated = IpNet::aggregate(nets);
        let covered = |whole: &&Whole| aggregated.iter().any(|net| net.contains(&whole.range));
        if let Some(whole) = wholes.iter().find(covered) {
            too_wide.push(format!("{table} leads {} into the connection", whole.in_words));
        }
    }
    Ok(if !too_wide.is_empty() {
        Outcome::non_compliant(first_of(&too_wide))
    } else if !missing.is_empty() {
        Outcome::insufficient_data(missing)
    } else {
        let destinations: Vec<&str> = routes.iter().map(|route| route.destination.as_str()).collect();
        Outcome::compliant(format!("routes into the connection lead to {}", first_of(&destinations)))
    })
}

/// A range that no route may cover.
struct Whole {
    range: IpNet,
    in_words: String,
}

/// The whole internet and the ranges of both VPCs, the widest first, and what is not known of them.
fn whole_networks(connection: &PeeringConnection) -> (Vec<Whole>, Vec<Unreadable>) {
    let everywhere = [IpNet::V4(ipnet::Ipv4Net::default()), IpNet::V6(ipnet::Ipv6Net::default())];
    let mut wholes: Vec<Whole> = everywhere.map(|range| Whole { range, in_words: range.to_string() }).into();
    let mut missing = Vec::new();
    for PeeredVpc { vpc_id, ranges } in [&connection.requester, &connection.accepter] {
        if ranges.is_empty() {
            missing.push(Unreadable::undecidable(CONNECTIONS, format!("no ranges of {vpc_id} were told")));
        }
        for range in ranges {
            match range.parse::<IpNet>() {
                Ok(range) => wholes.push(Whole { range, in_words: format!("all of {range} of {vpc_id}") }),
                Err(_) => missing
                    .push(Unreadable::malformed(CONNECTIONS, format!("a range of {vpc_id} is not in CIDR notation"))),
            }
        }
    }
    (wholes, missing)
}

/// The destinations of the routes by route table, and what is not known of them.
fn reached_networks(routes: &[PeeringRoute]) -> (BTreeMap<&str, Vec<IpNet>>, Vec<Unreadable>) {
    let mut reached: BTreeMap<&str, Vec<IpNet>> = BTreeMap::new();
    let mut missing = Vec::new();
    for PeeringRoute { route_table, destination, .. } in routes {
        match destination.parse::<IpNet>() {
            Ok(net) => reached.entry(route_table).or_default().push(net.trunc()),
            Err(_) if destination.starts_with("pl-") => {
                let detail =
                    format!("{route_table} leads {destination} into the connection, whose entries are not read");
                missing.push(Unreadable::undecidable(ROUTES, detail));
            }
            Err(_) => {
                missing.push(Unreadable::malformed(
                    ROUTES,
                    format!("a destination in {route_table} is not in CIDR notation"),
                ));
            }
        }
    }
    (reached, missing)
}

const CONNECTIONS: &str = "ec2:DescribeVpcPeeringConnections";
const ROUTES: &str = "ec2:DescribeRouteTables";

#[cfg(test)]
mod tests {
    use audit_model::{Reading, Status};
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures;

    fn judge(connection: &PeeringConnection) -> Result<Outcome, Unreadable> {
        evaluate(connection, &fixtures::policy())
    }

    /// A connection of 10.0.0.0/16 with 10.1.0.0/16 and 2001:db8::/56.
    fn connection(destinations: &[&str]) -> PeeringConnection {
        let mut connection = fixtures::peering_connection(destinations);
        connection.accepter.ranges.push("2001:db8::/56".to_owned());
        connection
    }

    #[test]
    fn routes_must_not_cover_a_whole_network() {
        let cases: [(&[&str], Status); 16] = [
            (&[], Status::Compliant),
            (&["10.1.4.0/24"], Status::Compliant),
            (&["10.1.4.7/32", "2001:db8:0:1::/64"], Status::Compliant),
            (&["10.1.0.0/17"], Status::Compliant),
            (&["10.1.0.0/16"], Status::NonCompliant),
            (&["10.1.4.0/24", "10.0.0.0/8"], Status::NonCompliant),
            (&["10.0.0.0/16"], Status::NonCompliant),
            (&["2001:db8::/56"], Status::NonCompliant),
            (&["2001:db8::/32"], Status::NonCompliant),
            (&["0.0.0.0/0"], Status::NonCompliant),
            (&["::/0"], Status::NonCompliant),
            (&["10.1.0.0/17", "10.1.128.0/17"], Status::NonCompliant),
            (&["pl-1"], Status::InsufficientData),
            (&["pl-1", "10.1.4.0/24"], Status::InsufficientData),
            (&["pl-1", "10.1.0.0/16"], Status::NonCompliant),
            (&["nonsense"], Status::InsufficientData),
        ];
        for (destinations, expected) in cases {
            let answer = judge(&connection(destinations));
            assert_eq!(fixtures::status(&answer), expected, "{destinations:?} {answer:?}");
        }
    }

    #[test]
    fn tables_do_not_add_up() {
        let mut halves = connection(&["10.1.0.0/17", "10.1.128.0/17"]);
        let Reading::Seen { value: routes } = &mut halves.routes else { panic!("the fixture has routes") };
        routes[1].route_table = "rtb-1".to_owned();
        assert_eq!(fixtures::status(&judge(&halves)), Status::Compliant);
    }

    #[test]
    fn the_table_and_the_network_are_named() {
        let whole = judge(&connection(&["10.1.0.0/16"]));
        assert_eq!(whole, Ok(Outcome::non_compliant("rtb-0 leads all of 10.1.0.0/16 of vpc-2 into the connection")));
        let everything = judge(&connection(&["0.0.0.0/0"]));
        assert_eq!(everything, Ok(Outcome::non_compliant("rtb-0 leads 0.0.0.0/0 into the connection")));
    }

    #[test]
    fn a_connection_that_is_not_active_lets_nothing_pass() {
        for status in ["pending-acceptance", "failed", "expired", "provisioning", "deleting", "deleted", "rejected"] {
            let mut inactive = connection(&["10.1.0.0/16"]);
            inactive.status = status.to_owned();
            assert_eq!(fixtures::status(&judge(&inactive)), Status::NotApplicable, "{status}");
            inactive.routes = fixtures::unreadable(ROUTES);
            assert_eq!(fixtures::status(&judge(&inactive)), Status::NotApplicable, "{status}");
        }
    }

    #[test]
    fn what_is_not_told_matters_only_where_the_verdict_hangs_on_it() {
        let unknown_ranges: [fn(&mut PeeredVpc); 2] =
            [|side| side.ranges.clear(), |side| side.ranges = vec!["nonsense".to_owned()]];
        for forget in unknown_ranges {
            let cases: [(&[&str], Status); 4] = [
                (&[], Status::Compliant),
                (&["0.0.0.0/0"], Status::NonCompliant),
                (&["10.0.0.0/16"], Status::NonCompliant),
                (&["10.1.4.0/24"], Status::InsufficientData),
            ];
            for (destinations, expected) in cases {
                let mut half_known = connection(destinations);
                forget(&mut half_known.accepter);
                assert_eq!(fixtures::status(&judge(&half_known)), expected, "{destinations:?}");
            }
        }
        let mut denied = connection(&[]);
        denied.routes = fixtures::unreadable(ROUTES);
        assert_eq!(judge(&denied), Err(fixtures::denied(ROUTES)));
        denied.routes = Reading::Absent;
        assert_eq!(fixtures::status(&judge(&denied)), Status::Compliant);
    }

    proptest! {
        /// Splitting a route in two halves never makes it pass, and a further route never takes a violation away.
        #[test]
        fn splitting_and_adding_hide_nothing(prefix in 0_u8..=24, more in "10\\.[01]\\.[0-9]\\.0/24|pl-[0-9]") {
            let net: ipnet::Ipv4Net = format!("10.1.0.0/{prefix}").parse().unwrap();
            let net = net.trunc();
            let whole = judge(&connection(&[&net.to_string()]));
            let violated = fixtures::status(&whole) == Status::NonCompliant;
            prop_assert_eq!(violated, prefix <= 16);
            let halves: Vec<String> = net.subnets(prefix + 1).unwrap().map(|half| half.to_string()).collect();
            let halves = judge(&connection(&halves.iter().map(String::as_str).collect::<Vec<_>>()));
            prop_assert_eq!(fixtures::status(&halves), fixtures::status(&whole));
            let with_more = judge(&connection(&[&net.to_string(), &more]));
            prop_assert!(!violated || fixtures::status(&with_more) == Status::NonCompliant);
        }
    }
}
