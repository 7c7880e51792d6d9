use audit_model::resource::ClientVpnEndpoint;
use audit_model::{Reading, Unreadable};
use audit_task::listed;
use aws_sdk_ec2::types;

use super::{Ec2Vpcs, PAGE_SIZE, tags};

pub(super) const ACTION: &str = "ec2:DescribeClientVpnEndpoints";

/// The account's Client VPN endpoints in the region, in any state.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeClientVpnEndpoints.html>
pub(super) async fn client_vpn_endpoints(ec2: &Ec2Vpcs) -> Result<Vec<ClientVpnEndpoint>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_client_vpn_endpoints().max_results(PAGE_SIZE).set_next_token(token).send();
        async { call.await.map(|page| (page.client_vpn_endpoints, page.next_token)) }
    };
    let read = |endpoint: types::ClientVpnEndpoint| {
        let id = endpoint.client_vpn_endpoint_id.clone();
        let endpoint = id.as_deref().and_then(|id| client_vpn_endpoint(ec2, id, endpoint));
        (id, endpoint)
    };
    let endpoints = listed(ACTION, &ec2.budget, page, read).await?.into_values();
    let lacking =
        || Unreadable::malformed(ACTION, "a Client VPN endpoint lacks its status or log options, or part of a tag");
    endpoints.collect::<Option<_>>().ok_or_else(lacking)
}

fn client_vpn_endpoint(ec2: &Ec2Vpcs, id: &str, endpoint: types::ClientVpnEndpoint) -> Option<ClientVpnEndpoint> {
    let tags = tags::tags(endpoint.tags)?;
    Some(ClientVpnEndpoint {
        identity: ec2.identity("client-vpn-endpoint", id, None, tags::name(&tags, id)),
        id: id.to_owned(),
        tags: Reading::seen(tags),
        status: endpoint.status?.code?.as_str().to_owned(),
        logs_connections: endpoint.connection_log_options?.enabled?,
    })
}
