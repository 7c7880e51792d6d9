use audit_model::resource::{Subnet, VpcEndpoint};
use audit_model::{Reading, Unreadable};
use audit_task::listed;
use aws_sdk_ec2::types;

use super::per_vpc::PerVpc;
use super::subnets::availability_zones;
use super::{Ec2Vpcs, PAGE_SIZE, filter, tags};

pub(super) const ACTION: &str = "ec2:DescribeVpcEndpoints";

/// The endpoints in these VPCs, in the zones of `subnets`.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html>
pub(super) async fn vpc_endpoints(
    ec2: &Ec2Vpcs,
    vpc_ids: &[String],
    subnets: &Result<PerVpc<Subnet>, Unreadable>,
) -> Result<PerVpc<VpcEndpoint>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_vpc_endpoints().filters(filter("vpc-id", vpc_ids)).max_results(PAGE_SIZE);
        let call = call.set_next_token(token).send();
        async { call.await.map(|page| (page.vpc_endpoints, page.next_token)) }
    };
    let read =
        |it: types::VpcEndpoint| (it.vpc_endpoint_id.clone(), (it.vpc_id.clone(), vpc_endpoint(ec2, it, subnets)));
    let listed = listed(ACTION, &ec2.budget, page, read).await?;
    PerVpc::new(ACTION, "an endpoint", listed.into_values())
}

fn vpc_endpoint(
    ec2: &Ec2Vpcs,
    endpoint: types::VpcEndpoint,
    subnets: &Result<PerVpc<Subnet>, Unreadable>,
) -> Option<VpcEndpoint> {
    let id = endpoint.vpc_endpoint_id?;
    let tags = tags::tags(endpoint.tags)?;
    let zones = availability_zones(subnets, &endpoint.vpc_id?, &endpoint.subnet_ids.unwrap_or_default());
    Some(VpcEndpoint {
        identity: ec2.identity("vpc-endpoint", &id, endpoint.owner_id.as_deref(), tags::name(&tags, &id)),
        id,
        tags: Reading::seen(tags),
        // Endpoints of the kinds `Resource` and `ServiceNetwork` lead to no service, but to what these ARNs name.
        service_name: endpoint.service_name.or(endpoint.resource_configuration_arn).or(endpoint.service_network_arn)?,
        kind: endpoint.vpc_endpoint_type?.as_str().to_owned(),
        state: as_answered(endpoint.state?.as_str()),
        policy: endpoint.policy_document.filter(|it| !it.is_empty()).map_or(Reading::Absent, Reading::seen),
        availability_zones: zones.map_or_else(Reading::Unreadable, Reading::seen),
    })
}

/// The state as EC2 answers it, `available`, where the reference that the SDK is made from has `Available`.
fn as_answered(state: &str) -> String {
    let mut letters = state.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_lowercase(), letters.as_str()))
}
