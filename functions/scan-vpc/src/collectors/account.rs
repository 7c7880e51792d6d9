use audit_model::resource::{Identity, NetworkAccount, VpcBlockPublicAccess};
use audit_model::{Reading, Unreadable};
use audit_rules::Needed;
use audit_task::unreadable;

use super::Ec2Vpcs;
use super::endpoint_services::{self, endpoint_services};
use super::peering_connections::{self, peering_connections};

const BLOCK_PUBLIC_ACCESS: &str = "ec2:DescribeVpcBlockPublicAccessOptions";

/// What the account has of its own in the region's network.
pub(super) async fn network_account(ec2: &Ec2Vpcs, needed: &Needed) -> NetworkAccount {
    let (block_public_access, services, connections) = futures::join!(
        needed.read(BLOCK_PUBLIC_ACCESS, block_public_access(ec2)),
        needed.call(endpoint_services::LIST, endpoint_services(ec2)),
        needed.call(peering_connections::ACTION, peering_connections(ec2)),
    );
    NetworkAccount {
        identity: Identity {
            name: ec2.account.clone(),
            arn: format!("arn:aws:iam::{}:root", ec2.account),
            account: ec2.account.clone(),
            region: ec2.region.clone(),
        },
        block_public_access,
        endpoint_services: services.map_or_else(Reading::Unreadable, Reading::seen),
        peering_connections: connections.map_or_else(Reading::Unreadable, Reading::seen),
    }
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
