//! A VPC that faces the internet keeps a part of itself away from it.

use audit_model::resource::{RouteTable, Vpc};
use audit_model::{Policy, Severity, Unreadable};

use crate::listing::first_of;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-subnets-public-private-separated",
    title: "VPC with public subnets has private subnets as well",
    severity: Severity::Low,
    rationale: "Where every subnet has a route to an internet gateway, databases and back ends are one public address \
        and one open port away from the internet. A VPC without public subnets, or without any, has nothing to \
        separate and is left out, though Prowler fails it.",
    expected: "Beside the subnets with a route to an internet gateway there are subnets without one",
    remediation: "Create subnets whose route table has no route to an internet gateway, and move into them what need \
        not be reached from the internet. A NAT gateway or endpoints lead outwards from there.",
    console: "In the Amazon VPC console, open Route tables and create one without a route to an internet gateway. Open \
        Subnets, create a subnet, and under Actions, Edit route table association, give it that table.",
    cli: "aws ec2 create-subnet --vpc-id VPC_ID --availability-zone ZONE --cidr-block FREE_CIDR\n\
        aws ec2 create-route-table --vpc-id VPC_ID\n\
        aws ec2 associate-route-table --subnet-id SUBNET_ID --route-table-id ROUTE_TABLE_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html",
    parameters: &[],
    references: &[],
    reads: &["ec2:DescribeRouteTables", "ec2:DescribeSubnets"],
    remediable: false,
    check: Check::Vpc(evaluate),
    source: file!(),
};

fn evaluate(vpc: &Vpc, _: &Policy) -> Result<Outcome, Unreadable> {
    let subnets = vpc.subnets.listed()?;
    if subnets.is_empty() {
        return Ok(Outcome::not_applicable("the VPC has no subnets"));
    }
    let tables = vpc.route_tables.listed()?;
    let main = tables.iter().find(|table| table.is_main);
    let (mut public, mut private, mut without_table) = (Vec::new(), Vec::new(), Vec::new());
    for subnet in subnets {
        let own = tables.iter().find(|table| table.subnets.contains(&subnet.id));
        let kind = match own.or(main) {
            Some(table) if leads_to_internet_gateway(table) => &mut public,
            Some(_) => &mut private,
            None => &mut without_table,
        };
        kind.push(subnet.id.as_str());
    }
    if !public.is_empty() && !private.is_empty() {
        let observed = format!("public subnets: {}; private subnets: {}", first_of(&public), first_of(&private));
        return Ok(Outcome::compliant(observed));
    }
    if !without_table.is_empty() {
        let detail = format!("no main route table was listed, which counts for {}", first_of(&without_table));
        return Err(Unreadable::malformed("ec2:DescribeRouteTables", detail));
    }
    Ok(if public.is_empty() {
        Outcome::not_applicable("no subnet is public")
    } else {
        Outcome::non_compliant(format!("all subnets are public: {}", first_of(&public)))
    })
}

/// Whether the table makes its subnets public, [as AWS defines it][page]. Egress-only internet gateways (`eigw-`) and
/// NAT gateways (`nat-`) let nobody in.
///
/// [page]: https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html#subnet-types
fn leads_to_internet_gateway(table: &RouteTable) -> bool {
    table.routes.iter().any(|route| route.target.starts_with("igw-"))
}

#[cfg(test)]
mod tests {
    use audit_model::{Reading, Status};

    use super::*;
    use crate::fixtures;

    fn judge(subnets: &[&str], route_tables: Vec<RouteTable>) -> Result<Outcome, Unreadable> {
        let subnets = subnets.iter().map(|id| fixtures::subnet(id, "us-east-1a")).collect();
        let vpc =
            Vpc { subnets: Reading::seen(subnets), route_tables: Reading::seen(route_tables), ..fixtures::good_vpc() };
        evaluate(&vpc, &fixtures::policy())
    }

    #[test]
    fn the_table_that_counts_makes_a_subnet_public() {
        let main = |target| fixtures::route_table("rtb-0", true, &[], "0.0.0.0/0", target);
        let own = |subnets: &[&str], target| fixtures::route_table("rtb-1", false, subnets, "0.0.0.0/0", target);
        let ipv6 = fixtures::route_table("rtb-1", false, &["a"], "::/0", "igw-1");
        let cases: Vec<(&[&str], Vec<RouteTable>, Status)> = vec![
            (&["a", "b"], vec![main("nat-1"), own(&["a"], "igw-1")], Status::Compliant),
            (&["a", "b"], vec![main("igw-1"), own(&["a"], "nat-1")], Status::Compliant),
            (&["a", "b"], vec![main("nat-1"), ipv6], Status::Compliant),
            (&["a", "b"], vec![main("igw-1")], Status::NonCompliant),
            (&["a", "b"], vec![main("nat-1"), own(&["a", "b"], "igw-1")], Status::NonCompliant),
            (&["a"], vec![main("nat-1")], Status::NotApplicable),
            (&["a"], vec![main("eigw-1")], Status::NotApplicable),
            (&["a"], vec![main("nat-1"), own(&[], "igw-1")], Status::NotApplicable),
            (&[], vec![main("igw-1")], Status::NotApplicable),
            // Without the main table: what the subnets' own tables say is certain, the rest is not.
            (&["a", "b", "c"], vec![own(&["a"], "igw-1"), own(&["b"], "nat-1")], Status::Compliant),
            (&["a", "b"], vec![own(&["a"], "igw-1")], Status::InsufficientData),
            (&["a"], vec![own(&["a"], "igw-1")], Status::NonCompliant),
            (&["a"], vec![], Status::InsufficientData),
        ];
        for (subnets, tables, expected) in cases {
            let answer = judge(subnets, tables.clone());
            assert_eq!(fixtures::status(&answer), expected, "{subnets:?} {tables:?} {answer:?}");
        }
    }

    #[test]
    fn routes_are_needed_only_where_there_are_subnets() {
        let action = "ec2:DescribeRouteTables";
        let vpc = Vpc { route_tables: fixtures::unreadable(action), ..fixtures::good_vpc() };
        assert_eq!(evaluate(&vpc, &fixtures::policy()), Err(fixtures::denied(action)));
        let empty = Vpc { subnets: Reading::Absent, ..vpc };
        assert_eq!(evaluate(&empty, &fixtures::policy()), Ok(Outcome::not_applicable("the VPC has no subnets")));
    }
}
