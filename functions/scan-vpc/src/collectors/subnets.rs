use audit_model::resource::Subnet;
use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_task::listed;
use aws_sdk_ec2::types;

use super::per_vpc::PerVpc;
use super::{Ec2Vpcs, PAGE_SIZE, filter, tags};

pub(super) const ACTION: &str = "ec2:DescribeSubnets";

/// The subnets of these VPCs.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>
pub(super) async fn subnets(ec2: &Ec2Vpcs, vpc_ids: &[String]) -> Result<PerVpc<Subnet>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_subnets().filters(filter("vpc-id", vpc_ids)).max_results(PAGE_SIZE);
        let call = call.set_next_token(token).send();
        async { call.await.map(|page| (page.subnets, page.next_token)) }
    };
    let read = |it: types::Subnet| (it.subnet_id.clone(), (it.vpc_id.clone(), subnet(ec2, it)));
    let listed = listed(ACTION, &ec2.budget, page, read).await?;
    PerVpc::new(ACTION, "a subnet", listed.into_values())
}

/// The Availability Zones of these subnets of a VPC, each once.
///
/// # Errors
/// The VPC's subnets cannot be read, or one of these is not among them.
pub(super) fn availability_zones(
    subnets: &Result<PerVpc<Subnet>, Unreadable>,
    vpc_id: &str,
    subnet_ids: &[String],
) -> Result<Vec<String>, Unreadable> {
    if subnet_ids.is_empty() {
        return Ok(Vec::new());
    }
    let subnets = subnets.as_ref().map_err(Clone::clone)?.of(vpc_id)?;
    let zone = |id: &String| {
        let subnet = subnets.iter().find(|subnet| subnet.id == *id);
        subnet.map(|subnet| subnet.availability_zone.clone()).ok_or_else(|| Unreadable {
            action: ACTION.to_owned(),
            cause: UnreadableCause::Gone,
            detail: format!("{id} is not among the VPC's subnets"),
        })
    };
    let mut zones = subnet_ids.iter().map(zone).collect::<Result<Vec<_>, _>>()?;
    zones.sort_unstable();
    zones.dedup();
    Ok(zones)
}

fn subnet(ec2: &Ec2Vpcs, subnet: types::Subnet) -> Option<Subnet> {
    let id = subnet.subnet_id?;
    let tags = tags::tags(subnet.tags)?;
    Some(Subnet {
        identity: ec2.identity("subnet", &id, subnet.owner_id.as_deref(), tags::name(&tags, &id)),
        id,
        tags: Reading::seen(tags),
        availability_zone: subnet.availability_zone?,
        assigns_public_ipv4: subnet.map_public_ip_on_launch?,
        assigns_ipv6: subnet.assign_ipv6_address_on_creation?,
    })
}
