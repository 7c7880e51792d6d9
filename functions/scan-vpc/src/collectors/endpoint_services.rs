use audit_model::resource::EndpointService;
use audit_model::{Reading, Unreadable};
use aws_sdk_ec2::types::{AllowedPrincipal, ServiceConfiguration};

use super::paging::each;
use super::{Ec2Vpcs, PAGE_SIZE, tags};

const LIST: &str = "ec2:DescribeVpcEndpointServiceConfigurations";
const PERMISSIONS: &str = "ec2:DescribeVpcEndpointServicePermissions";

/// The endpoint services that the account offers, with who may make endpoints to them.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointServiceConfigurations.html>
pub(super) async fn endpoint_services(ec2: &Ec2Vpcs) -> Result<Vec<EndpointService>, Unreadable> {
    let mut configurations = Vec::new();
    let page = |token: Option<String>| {
        let call = ec2.client.describe_vpc_endpoint_service_configurations().max_results(PAGE_SIZE);
        let call = call.set_next_token(token).send();
        async { call.await.map(|page| (page.service_configurations, page.next_token)) }
    };
    each(LIST, &ec2.budget, page, |configuration: ServiceConfiguration| {
        configurations.push(configuration);
        Ok(())
    })
    .await?;
    let mut services = Vec::new();
    for configuration in configurations {
        let lacking = || Unreadable::malformed(LIST, "an endpoint service lacks its id or name, or part of a tag");
        services.push(endpoint_service(ec2, configuration).await.ok_or_else(lacking)?);
    }
    Ok(services)
}

async fn endpoint_service(ec2: &Ec2Vpcs, configuration: ServiceConfiguration) -> Option<EndpointService> {
    let id = configuration.service_id?;
    Some(EndpointService {
        identity: ec2.identity("vpc-endpoint-service", &id, None, &configuration.service_name?),
        tags: Reading::seen(tags::tags(configuration.tags)?),
        allowed_principals: allowed_principals(ec2, &id).await.map_or_else(Reading::Unreadable, Reading::seen),
        id,
    })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointServicePermissions.html>
async fn allowed_principals(ec2: &Ec2Vpcs, service_id: &str) -> Result<Vec<String>, Unreadable> {
    let mut principals = Vec::new();
    let page = |token: Option<String>| {
        let call = ec2.client.describe_vpc_endpoint_service_permissions().service_id(service_id);
        let call = call.max_results(PAGE_SIZE).set_next_token(token).send();
        async { call.await.map(|page| (page.allowed_principals, page.next_token)) }
    };
    each(PERMISSIONS, &ec2.budget, page, |allowed: AllowedPrincipal| {
        principals.push(
            allowed.principal.ok_or_else(|| Unreadable::malformed(PERMISSIONS, "a permission has no principal"))?,
        );
        Ok(())
    })
    .await?;
    Ok(principals)
}
