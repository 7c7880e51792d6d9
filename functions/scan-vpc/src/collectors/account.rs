use audit_model::resource::{Identity, NetworkAccount, VpcBlockPublicAccess};
use audit_model::{Reading, Unreadable};
use audit_rules::Needed;
use audit_task::unreadable;

use super::client_vpn_endpoints::{self, client_vpn_endpoints};
use super::elastic_ips::{self, elastic_ips};
use super::endpoint_services::{self, endpoint_services};
use super::launch_templates::{self, launch_templates};
use super::peering_connections::{self, peering_connections};
use super::transit_gateways::{self, transit_gateways};
use super::user_managed_interfaces::user_managed_interfaces;
use super::vpn_connections::{self, vpn_connections};
use super::{Ec2Vpcs, network_interfaces};

const BLOCK_PUBLIC_ACCESS: &str = "ec2:DescribeVpcBlockPublicAccessOptions";

/// What the account has of its own in the region's network.
pub(super) async fn network_account(ec2: &Ec2Vpcs, needed: &Needed) -> NetworkAccount {
    let (
        block_public_access,
        endpoint_services,
        peering_connections,
        elastic_ips,
        interfaces,
        launch_templates,
        vpn_connections,
        client_vpn_endpoints,
        transit_gateways,
    ) = futures::join!(
        needed.read(BLOCK_PUBLIC_ACCESS, block_public_access(ec2)),
        needed.call(endpoint_services::LIST, endpoint_services(ec2)),
        needed.call(peering_connections::ACTION, peering_connections(ec2)),
        needed.call(elastic_ips::ACTION, elastic_ips(ec2)),
        needed.call(network_interfaces::ACTION, user_managed_interfaces(ec2)),
        needed.call(launch_templates::ACTION, launch_templates(ec2)),
        needed.call(vpn_connections::ACTION, vpn_connections(ec2)),
        needed.call(client_vpn_endpoints::ACTION, client_vpn_endpoints(ec2)),
        needed.call(transit_gateways::ACTION, transit_gateways(ec2)),
    );
    NetworkAccount {
        identity: Identity {
            name: ec2.account.clone(),
            arn: format!("arn:aws:iam::{}:root", ec2.account),
            account: ec2.account.clone(),
            region: ec2.region.clone(),
        },
        block_public_access,
        endpoint_services: read(endpoint_services),
        peering_connections: read(peering_connections),
        elastic_ips: read(elastic_ips),
        network_interfaces: read(interfaces),
        launch_templates: read(launch_templates),
        vpn_connections: read(vpn_connections),
        client_vpn_endpoints: read(client_vpn_endpoints),
        transit_gateways: read(transit_gateways),
    }
}

fn read<T>(listed: Result<T, Unreadable>) -> Reading<T> {
    listed.map_or_else(Reading::Unreadable, Reading::seen)
}

/// EC2 answers with the mode `off` where nobody has ever set one.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcBlockPublicAccessOptions.html>
async fn block_public_access(ec2: &Ec2Vpcs) -> Reading<VpcBlockPublicAccess> {
    match ec2.budget.spend(ec2.client.describe_vpc_block_public_access_options().send()).await {
        Ok(answer) => match answer.vpc_block_public_access_options.and_then(|it| it.internet_gateway_block_mode) {
            Some(mode) => Reading::seen(VpcBlockPublicAccess { internet_gateway_block_mode: mode.as_str().to_owned() }),
            None => Reading::Unreadable(Unreadable::malformed(BLOCK_PUBLIC_ACCESS, "the answer has no mode")),
        },
        Err(error) => Reading::Unreadable(unreadable(BLOCK_PUBLIC_ACCESS, &error)),
    }
}
