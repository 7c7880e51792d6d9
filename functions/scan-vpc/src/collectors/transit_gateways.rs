use audit_model::resource::TransitGateway;
use audit_model::{Reading, Unreadable};
use audit_task::listed;
use aws_sdk_ec2::types;

use super::{Ec2Vpcs, PAGE_SIZE, filter, tags};

pub(super) const ACTION: &str = "ec2:DescribeTransitGateways";

/// The transit gateways that the account owns in the region, in any state. EC2 would also list those that others share.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTransitGateways.html>
pub(super) async fn transit_gateways(ec2: &Ec2Vpcs) -> Result<Vec<TransitGateway>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_transit_gateways();
        let call = call.filters(filter("owner-id", std::slice::from_ref(&ec2.account)));
        let call = call.max_results(PAGE_SIZE).set_next_token(token).send();
        async { call.await.map(|page| (page.transit_gateways, page.next_token)) }
    };
    let read = |gateway: types::TransitGateway| {
        let id = gateway.transit_gateway_id.clone();
        let gateway = id.as_deref().and_then(|id| transit_gateway(ec2, id, gateway));
        (id, gateway)
    };
    let gateways = listed(ACTION, &ec2.budget, page, read).await?.into_values();
    let lacking = || Unreadable::malformed(ACTION, "a transit gateway lacks its state or options, or part of a tag");
    gateways.collect::<Option<_>>().ok_or_else(lacking)
}

fn transit_gateway(ec2: &Ec2Vpcs, id: &str, gateway: types::TransitGateway) -> Option<TransitGateway> {
    let tags = tags::tags(gateway.tags)?;
    Some(TransitGateway {
        identity: ec2.identity("transit-gateway", id, None, tags::name(&tags, id)),
        id: id.to_owned(),
        tags: Reading::seen(tags),
        state: gateway.state?.as_str().to_owned(),
        auto_accept_shared_attachments: gateway.options?.auto_accept_shared_attachments?.as_str().to_owned(),
    })
}
