use std::collections::BTreeMap;

use audit_model::resource::{PeeringRoute, Route, RouteTable};
use audit_model::{Reading, Unreadable};
use audit_task::listed;
use aws_sdk_ec2::types::{self, Filter};

use super::per_vpc::PerVpc;
use super::{Ec2Vpcs, filter, tags};

pub(super) const ACTION: &str = "ec2:DescribeRouteTables";

/// Tables on a page, the most that EC2 gives.
const PAGE_SIZE: i32 = 100;

/// The route tables of these VPCs.
pub(super) async fn route_tables(ec2: &Ec2Vpcs, vpc_ids: &[String]) -> Result<PerVpc<RouteTable>, Unreadable> {
    let read = |table: types::RouteTable| (table.vpc_id.clone(), route_table(ec2, table));
    let listed = describe(ec2, filter("vpc-id", vpc_ids), read).await?;
    PerVpc::new(ACTION, "a route table", listed.into_values())
}

/// The account's routes into peering connections, by the connection's id.
pub(super) async fn peering_routes(ec2: &Ec2Vpcs) -> Result<BTreeMap<String, Vec<PeeringRoute>>, Unreadable> {
    let mut routes = BTreeMap::<String, Vec<PeeringRoute>>::new();
    // A wildcard, for EC2 takes 200 values in a filter and an account may have more connections:
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
    let filter = filter("route.vpc-peering-connection-id", &["pcx-*".to_owned()]);
    for of_table in describe(ec2, filter, routes_into_peering).await?.into_values() {
        for (connection, route) in of_table.ok_or_else(|| {
            Unreadable::malformed(ACTION, "a route table lacks its VPC or its routes, or a route its destination")
        })? {
            routes.entry(connection).or_default().push(route);
        }
    }
    Ok(routes)
}

/// What `read` keeps of each table, by the table's id.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html>
async fn describe<T>(
    ec2: &Ec2Vpcs,
    filter: Filter,
    read: impl Fn(types::RouteTable) -> T,
) -> Result<BTreeMap<String, T>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_route_tables().filters(filter.clone()).max_results(PAGE_SIZE);
        let call = call.set_next_token(token).send();
        async { call.await.map(|page| (page.route_tables, page.next_token)) }
    };
    listed(ACTION, &ec2.budget, page, |table: types::RouteTable| (table.route_table_id.clone(), read(table))).await
}

fn route_table(ec2: &Ec2Vpcs, table: types::RouteTable) -> Option<RouteTable> {
    let (id, associations) = (table.route_table_id?, table.associations?);
    let tags = tags::tags(table.tags)?;
    Some(RouteTable {
        identity: ec2.identity("route-table", &id, table.owner_id.as_deref(), tags::name(&tags, &id)),
        id,
        tags: Reading::seen(tags),
        is_main: associations.iter().any(|association| association.main == Some(true)),
        // The main table's association names no subnet, and one may be with a gateway.
        subnets: associations.into_iter().filter_map(|association| association.subnet_id).collect(),
        routes: table.routes?.into_iter().map(route).collect::<Option<_>>()?,
    })
}

/// A route whose target is not available at the moment (a black hole) is a route nevertheless: it leads there again
/// as soon as the target is back.
fn route(route: types::Route) -> Option<Route> {
    let destination = destination(&route)?;
    let target = route
        .gateway_id
        .or(route.nat_gateway_id)
        .or(route.vpc_peering_connection_id)
        .or(route.transit_gateway_id)
        .or(route.egress_only_internet_gateway_id)
        // An instance is given with its network interface, which is the target proper.
        .or(route.network_interface_id)
        .or(route.instance_id)
        .or(route.local_gateway_id)
        .or(route.carrier_gateway_id)
        .or(route.core_network_arn)
        .or(route.odb_network_arn)
        .or(route.ip_address)?;
    Some(Route { destination, target })
}

fn routes_into_peering(table: types::RouteTable) -> Option<Vec<(String, PeeringRoute)>> {
    let (route_table, vpc_id) = (table.route_table_id?, table.vpc_id?);
    let mut routes = Vec::new();
    for route in table.routes? {
        if let Some(connection) = &route.vpc_peering_connection_id {
            let (route_table, vpc_id) = (route_table.clone(), vpc_id.clone());
            routes.push((connection.clone(), PeeringRoute { route_table, vpc_id, destination: destination(&route)? }));
        }
    }
    Some(routes)
}

fn destination(route: &types::Route) -> Option<String> {
    let ranges = [&route.destination_cidr_block, &route.destination_ipv6_cidr_block, &route.destination_prefix_list_id];
    ranges.into_iter().flatten().next().cloned()
}
