use audit_model::resource::ElasticIp;
use audit_model::{Reading, Unreadable};
use audit_task::listed;
use aws_sdk_ec2::types::Address;

use super::{Ec2Vpcs, tags};

pub(super) const ACTION: &str = "ec2:DescribeAddresses";

/// The account's Elastic IP addresses in the region. EC2 gives them all at once.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAddresses.html>
pub(super) async fn elastic_ips(ec2: &Ec2Vpcs) -> Result<Vec<ElasticIp>, Unreadable> {
    let page = |_: Option<String>| {
        let call = ec2.client.describe_addresses().send();
        async { call.await.map(|answer| (answer.addresses, None)) }
    };
    let read = |address: Address| (address.allocation_id.clone(), address);
    let listed = listed(ACTION, &ec2.budget, page, read).await?;
    let addresses = listed.into_iter().map(|(id, address)| elastic_ip(ec2, id, address));
    addresses
        .collect::<Option<_>>()
        .ok_or_else(|| Unreadable::malformed(ACTION, "an Elastic IP address lacks part of a tag"))
}

fn elastic_ip(ec2: &Ec2Vpcs, id: String, address: Address) -> Option<ElasticIp> {
    let tags = tags::tags(address.tags)?;
    Some(ElasticIp {
        identity: ec2.identity("elastic-ip", &id, None, tags::name(&tags, &id)),
        tags: Reading::seen(tags),
        association: address.association_id.filter(|association| !association.is_empty()),
        id,
    })
}
