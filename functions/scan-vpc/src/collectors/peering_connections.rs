use std::collections::BTreeMap;

use audit_model::resource::{PeeredVpc, PeeringConnection, PeeringRoute};
use audit_model::{Reading, Unreadable};
use audit_task::listed;
use aws_sdk_ec2::types::{VpcPeeringConnection, VpcPeeringConnectionVpcInfo};

use super::route_tables::peering_routes;
use super::{Ec2Vpcs, PAGE_SIZE, tags};

pub(super) const ACTION: &str = "ec2:DescribeVpcPeeringConnections";

/// The account's peering connections in the region in any state, with its routes into them. A connection that was
/// deleted, rejected or has expired stays on AWS's list for a while.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcPeeringConnections.html>
pub(super) async fn peering_connections(ec2: &Ec2Vpcs) -> Result<Vec<PeeringConnection>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_vpc_peering_connections().max_results(PAGE_SIZE);
        let call = call.set_next_token(token).send();
        async { call.await.map(|page| (page.vpc_peering_connections, page.next_token)) }
    };
    let read = |connection: VpcPeeringConnection| (connection.vpc_peering_connection_id.clone(), connection);
    let listed = listed(ACTION, &ec2.budget, page, read).await?;
    let mut routes = if listed.is_empty() { Ok(BTreeMap::new()) } else { peering_routes(ec2).await };
    let connections = listed.into_values().map(|it| peering_connection(ec2, it, &mut routes));
    let lacking =
        || Unreadable::malformed(ACTION, "a peering connection lacks its status or a VPC, or part of a tag or range");
    connections.collect::<Option<_>>().ok_or_else(lacking)
}

fn peering_connection(
    ec2: &Ec2Vpcs,
    connection: VpcPeeringConnection,
    routes: &mut Result<BTreeMap<String, Vec<PeeringRoute>>, Unreadable>,
) -> Option<PeeringConnection> {
    let id = connection.vpc_peering_connection_id?;
    let tags = tags::tags(connection.tags)?;
    Some(PeeringConnection {
        identity: ec2.identity("vpc-peering-connection", &id, None, tags::name(&tags, &id)),
        tags: Reading::seen(tags),
        status: connection.status?.code?.as_str().to_owned(),
        requester: peered_vpc(connection.requester_vpc_info?)?,
        accepter: peered_vpc(connection.accepter_vpc_info?)?,
        routes: match routes {
            Ok(routes) => Reading::seen(routes.remove(&id).unwrap_or_default()),
            Err(why) => Reading::Unreadable(why.clone()),
        },
        id,
    })
}

/// The VPC with all of its ranges, of which `CidrBlock` is the first.
fn peered_vpc(vpc: VpcPeeringConnectionVpcInfo) -> Option<PeeredVpc> {
    let ipv4 = vpc.cidr_block_set.unwrap_or_default().into_iter().map(|block| block.cidr_block);
    let ipv6 = vpc.ipv6_cidr_block_set.unwrap_or_default().into_iter().map(|block| block.ipv6_cidr_block);
    let mut ranges = ipv4.chain(ipv6).collect::<Option<Vec<_>>>()?;
    if let Some(first) = vpc.cidr_block.filter(|first| !ranges.contains(first)) {
        ranges.insert(0, first);
    }
    Some(PeeredVpc { vpc_id: vpc.vpc_id?, ranges })
}
