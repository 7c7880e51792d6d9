//! The resources as the collectors read them. What may fail to be read on its own is a [`Reading`] of its own.

mod bucket;
mod function;
mod network;
mod trail;

use serde::{Deserialize, Serialize};

pub use bucket::*;
pub use function::*;
pub use network::*;
pub use trail::*;

use crate::finding::ResourceRef;
use crate::{Reading, Tags};

/// What names a resource: enough to say which one it is, whatever else could be read of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The resource's name, or its id where it has no name.
    pub name: String,
    /// Amazon Resource Name.
    pub arn: String,
    /// The 12 digits of the account.
    pub account: String,
    /// The resource's region, for instance `us-east-1`.
    pub region: String,
}

/// A resource that findings are about.
pub trait Audited {
    /// CloudFormation's name of the type, for instance `AWS::S3::Bucket`.
    const TYPE: &'static str;

    /// What names it.
    fn identity(&self) -> &Identity;

    /// Its tags; `None` when they are not read.
    fn tags(&self) -> Option<&Reading<Tags>>;

    /// The reference that a finding carries.
    fn reference(&self) -> ResourceRef {
        let Identity { name, arn, account, region } = self.identity().clone();
        let tags = match self.tags() {
            Some(Reading::Seen { value }) => Some(value.clone()),
            Some(Reading::Absent) => Some(Tags::new()),
            Some(Reading::Unreadable(_)) | None => None,
        };
        ResourceRef { arn, resource_type: Self::TYPE.into(), name, region, account, tags }
    }
}

macro_rules! audited {
    ($($resource:ty, $type:literal, $tags:expr;)*) => {$(
        impl Audited for $resource {
            const TYPE: &'static str = $type;

            fn identity(&self) -> &Identity {
                &self.identity
            }

            fn tags(&self) -> Option<&Reading<Tags>> {
                let tags: fn(&Self) -> Option<&Reading<Tags>> = $tags;
                tags(self)
            }
        }
    )*};
}

audited! {
    Bucket, "AWS::S3::Bucket", |it| Some(&it.tags);
    AccessPoint, "AWS::S3::AccessPoint", |_| None;
    DirectoryBucket, "AWS::S3Express::DirectoryBucket", |_| None;
    S3Account, "AWS::::Account", |_| None;
    Vpc, "AWS::EC2::VPC", |it| Some(&it.tags);
    SecurityGroup, "AWS::EC2::SecurityGroup", |it| Some(&it.tags);
    NetworkAcl, "AWS::EC2::NetworkAcl", |it| Some(&it.tags);
    Subnet, "AWS::EC2::Subnet", |it| Some(&it.tags);
    RouteTable, "AWS::EC2::RouteTable", |it| Some(&it.tags);
    VpcEndpoint, "AWS::EC2::VPCEndpoint", |it| Some(&it.tags);
    NetworkAccount, "AWS::::Account", |_| None;
    EndpointService, "AWS::EC2::VPCEndpointService", |it| Some(&it.tags);
    PeeringConnection, "AWS::EC2::VPCPeeringConnection", |it| Some(&it.tags);
    ElasticIp, "AWS::EC2::EIP", |it| Some(&it.tags);
    NetworkInterface, "AWS::EC2::NetworkInterface", |it| Some(&it.tags);
    LaunchTemplate, "AWS::EC2::LaunchTemplate", |_| None;
    VpnConnection, "AWS::EC2::VPNConnection", |it| Some(&it.tags);
    ClientVpnEndpoint, "AWS::EC2::ClientVpnEndpoint", |it| Some(&it.tags);
    TransitGateway, "AWS::EC2::TransitGateway", |it| Some(&it.tags);
    Function, "AWS::Lambda::Function", |it| Some(&it.tags);
}
