use std::collections::{BTreeMap, BTreeSet};

use audit_model::resource::{Subnet, VpcEndpoint};
use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_rules::Needed;
use audit_task::listed;
use aws_sdk_ec2::types;

use super::per_vpc::PerVpc;
use super::policy_support::{self, PolicySupport, policy_support};
use super::subnets::availability_zones;
use super::{Ec2Vpcs, PAGE_SIZE, filter, tags};

pub(super) const ACTION: &str = "ec2:DescribeVpcEndpoints";

/// The endpoints in these VPCs, in the zones of `subnets`, with what their services take.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html>
pub(super) async fn vpc_endpoints(
    ec2: &Ec2Vpcs,
    vpc_ids: &[String],
    subnets: &Result<PerVpc<Subnet>, Unreadable>,
    needed: &Needed,
) -> Result<PerVpc<VpcEndpoint>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_vpc_endpoints().filters(filter("vpc-id", vpc_ids)).max_results(PAGE_SIZE);
        let call = call.set_next_token(token).send();
        async { call.await.map(|page| (page.vpc_endpoints, page.next_token)) }
    };
    let read = |it: types::VpcEndpoint| {
        let (id, vpc_id, region) = (it.vpc_endpoint_id.clone(), it.vpc_id.clone(), it.service_region.clone());
        (id, (vpc_id, region, vpc_endpoint(ec2, it, subnets)))
    };
    let listed = listed(ACTION, &ec2.budget, page, read).await?;
    // Of those whose policy is judged, by the region that their service lies in.
    let mut services = BTreeMap::<String, BTreeSet<String>>::new();
    for (_, region, endpoint) in listed.values() {
        if let Some(endpoint) = endpoint.as_ref().filter(|it| may_have_policy(it)) {
            let region = region.as_ref().unwrap_or(&ec2.region);
            services.entry(region.clone()).or_default().insert(endpoint.service_name.clone());
        }
    }
    let support = needed.call(policy_support::ACTION, policy_support(ec2, &services)).await;
    let with_support = |(vpc_id, _, endpoint): (Option<String>, Option<String>, Option<VpcEndpoint>)| {
        (vpc_id, endpoint.map(|endpoint| VpcEndpoint { policy_supported: supported(&endpoint, &support), ..endpoint }))
    };
    PerVpc::new(ACTION, "an endpoint", listed.into_values().map(with_support))
}

fn may_have_policy(endpoint: &VpcEndpoint) -> bool {
    endpoint.is_of_type_with_policy() && endpoint.leads_to_aws()
}

/// Whether the endpoint's service takes policies.
fn supported(endpoint: &VpcEndpoint, support: &Result<PolicySupport, Unreadable>) -> Reading<bool> {
    if !may_have_policy(endpoint) {
        return Reading::Absent;
    }
    match support {
        Err(why) => Reading::Unreadable(why.clone()),
        Ok(support) => support.of(endpoint).map_or_else(
            || {
                Reading::Unreadable(Unreadable {
                    action: policy_support::ACTION.to_owned(),
                    cause: UnreadableCause::Gone,
                    detail: format!("{} is not among the services that were listed", endpoint.service_name),
                })
            },
            Reading::seen,
        ),
    }
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
        policy_supported: Reading::Absent,
        availability_zones: zones.map_or_else(Reading::Unreadable, Reading::seen),
    })
}

/// The state as EC2 answers it, `available`, where the reference that the SDK is made from has `Available`.
fn as_answered(state: &str) -> String {
    let mut letters = state.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_lowercase(), letters.as_str()))
}
