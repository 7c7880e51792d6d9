use audit_model::resource::EndpointService;
use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_task::listed;
use aws_sdk_ec2::types::{AllowedPrincipal, ServiceConfiguration};

use super::{Ec2Vpcs, PAGE_SIZE, tags};

pub(super) const LIST: &str = "ec2:DescribeVpcEndpointServiceConfigurations";
const PERMISSIONS: &str = "ec2:DescribeVpcEndpointServicePermissions";

/// The endpoint services that the account offers, with who may make endpoints to them.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointServiceConfigurations.html>
pub(super) async fn endpoint_services(ec2: &Ec2Vpcs) -> Result<Vec<EndpointService>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_vpc_endpoint_service_configurations().max_results(PAGE_SIZE);
        let call = call.set_next_token(token).send();
        async { call.await.map(|page| (page.service_configurations, page.next_token)) }
    };
    let read = |configuration: ServiceConfiguration| (configuration.service_id.clone(), configuration);
    let mut services = Vec::new();
    for (id, configuration) in listed(LIST, &ec2.budget, page, read).await? {
        let lacking = || Unreadable::malformed(LIST, "an endpoint service lacks its name, or part of a tag");
        let principals = match allowed_principals(ec2, &id).await {
            Ok(principals) => Reading::seen(principals),
            // It was deleted since it was listed.
            Err(why) if why.cause == UnreadableCause::Gone => continue,
            Err(why) => Reading::Unreadable(why),
        };
        services.push(endpoint_service(ec2, id, configuration, principals).ok_or_else(lacking)?);
    }
    Ok(services)
}

fn endpoint_service(
    ec2: &Ec2Vpcs,
    id: String,
    configuration: ServiceConfiguration,
    allowed_principals: Reading<Vec<String>>,
) -> Option<EndpointService> {
    Some(EndpointService {
        identity: ec2.identity("vpc-endpoint-service", &id, None, &configuration.service_name?),
        tags: Reading::seen(tags::tags(configuration.tags)?),
        allowed_principals,
        id,
    })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointServicePermissions.html>
async fn allowed_principals(ec2: &Ec2Vpcs, service_id: &str) -> Result<Vec<String>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_vpc_endpoint_service_permissions().service_id(service_id);
        let call = call.max_results(PAGE_SIZE).set_next_token(token).send();
        async { call.await.map(|page| (page.allowed_principals, page.next_token)) }
    };
    // A permission is its principal.
    let principals =
        listed(PERMISSIONS, &ec2.budget, page, |allowed: AllowedPrincipal| (allowed.principal, ())).await?;
    Ok(principals.into_keys().collect())
}
