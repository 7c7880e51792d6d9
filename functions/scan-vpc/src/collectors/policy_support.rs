use std::collections::{BTreeMap, BTreeSet};

use audit_model::Unreadable;
use audit_model::resource::VpcEndpoint;
use audit_task::listed;
use aws_sdk_ec2::types::{ServiceDetail, ServiceTypeDetail};

use super::{Ec2Vpcs, FILTER_VALUES, PAGE_SIZE, filter};

pub(super) const ACTION: &str = "ec2:DescribeVpcEndpointServices";

/// Which services take endpoint policies.
#[derive(Debug)]
pub(super) struct PolicySupport(Vec<Service>);

#[derive(Debug)]
struct Service {
    name: String,
    /// The types of the endpoints that lead to it. Amazon S3 has a service for each of its two types, both of one name.
    endpoint_types: Vec<String>,
    takes_policies: bool,
}

impl PolicySupport {
    /// Whether the endpoint's service takes policies; `None` when it was not listed.
    pub(super) fn of(&self, endpoint: &VpcEndpoint) -> Option<bool> {
        let leads_there =
            |it: &&Service| it.name == endpoint.service_name && it.endpoint_types.contains(&endpoint.kind);
        self.0.iter().find(leads_there).map(|service| service.takes_policies)
    }
}

/// What these services take, given by the region that they lie in. Where endpoints lead nowhere, nothing is asked.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointServices.html>
pub(super) async fn policy_support(
    ec2: &Ec2Vpcs,
    services: &BTreeMap<String, BTreeSet<String>>,
) -> Result<PolicySupport, Unreadable> {
    let mut support = Vec::new();
    for (region, names) in services {
        let elsewhere = (*region != ec2.region).then(|| vec![region.clone()]);
        let names: Vec<String> = names.iter().cloned().collect();
        for names in names.chunks(FILTER_VALUES) {
            let page = |token: Option<String>| {
                let call = ec2.client.describe_vpc_endpoint_services().filters(filter("service-name", names));
                let call = call.set_service_regions(elsewhere.clone()).max_results(PAGE_SIZE);
                let call = call.set_next_token(token).send();
                async { call.await.map(|page| (page.service_details, page.next_token)) }
            };
            let read = |detail: ServiceDetail| (detail.service_id.clone(), service(detail));
            let listed = listed(ACTION, &ec2.budget, page, read).await?;
            let lacking =
                || Unreadable::malformed(ACTION, "a service lacks its name, its types or whether it takes policies");
            support.extend(listed.into_values().collect::<Option<Vec<_>>>().ok_or_else(lacking)?);
        }
    }
    Ok(PolicySupport(support))
}

fn service(detail: ServiceDetail) -> Option<Service> {
    let endpoint_type = |it: ServiceTypeDetail| it.service_type.map(|it| it.as_str().to_owned());
    Some(Service {
        name: detail.service_name?,
        endpoint_types: detail.service_type?.into_iter().map(endpoint_type).collect::<Option<_>>()?,
        takes_policies: detail.vpc_endpoint_policy_supported?,
    })
}
