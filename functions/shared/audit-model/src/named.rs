//! Resources that a scan is asked for by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Service;
use crate::plan::TargetKind;
use crate::resource::{Audited, NetworkAcl, RouteTable, SecurityGroup, Subnet, VpcEndpoint};

/// The forms of the ARNs that can be named, as people read them.
pub const NAMED_FORMS: &str = "arn:aws:s3:::BUCKET, arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME, \
    arn:aws:s3express:REGION:ACCOUNT:bucket/NAME, arn:aws:ec2:REGION:ACCOUNT:TYPE/ID with the type vpc, security-group, \
    network-acl, subnet, route-table or vpc-endpoint, and arn:aws:lambda:REGION:ACCOUNT:function:NAME without a version";

/// A resource that a scan is asked for by its ARN.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamedResource {
    arn: String,
    kind: NamedKind,
    /// Where in the ARN the name or id begins.
    id: usize,
}

/// What a named resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamedKind {
    /// One that is listed and read by itself.
    Target(TargetKind),
    /// One that hangs on a VPC, and is read with it.
    PartOfVpc(VpcPart),
}

/// The types of what hangs on a VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VpcPart {
    /// A security group.
    SecurityGroup,
    /// A network ACL.
    NetworkAcl,
    /// A subnet.
    Subnet,
    /// A route table.
    RouteTable,
    /// An endpoint.
    VpcEndpoint,
}

impl VpcPart {
    /// Every type, with its name in an ARN.
    const ALL: [(&'static str, Self); 5] = [
        ("security-group", Self::SecurityGroup),
        ("network-acl", Self::NetworkAcl),
        ("subnet", Self::Subnet),
        ("route-table", Self::RouteTable),
        ("vpc-endpoint", Self::VpcEndpoint),
    ];

    /// CloudFormation's name of the type.
    pub const fn resource_type(self) -> &'static str {
        match self {
            Self::SecurityGroup => SecurityGroup::TYPE,
            Self::NetworkAcl => NetworkAcl::TYPE,
            Self::Subnet => Subnet::TYPE,
            Self::RouteTable => RouteTable::TYPE,
            Self::VpcEndpoint => VpcEndpoint::TYPE,
        }
    }
}

impl NamedResource {
    /// Its ARN, which is that of the findings about it.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// What it is.
    pub const fn kind(&self) -> NamedKind {
        self.kind
    }

    /// Its name, or its id where it has no name.
    pub fn id(&self) -> &str {
        self.arn.get(self.id..).unwrap_or_default()
    }

    /// The region and the account that the ARN names; `None` for a bucket's, which names neither.
    pub fn place(&self) -> Option<(&str, &str)> {
        let mut parts = self.arn.splitn(6, ':').skip(3);
        let (region, account) = (parts.next()?, parts.next()?);
        (!account.is_empty()).then_some((region, account))
    }

    /// The service whose scan looks at it.
    pub const fn service(&self) -> Service {
        match self.kind {
            NamedKind::Target(TargetKind::Function) => Service::Lambda,
            NamedKind::Target(TargetKind::Vpc) | NamedKind::PartOfVpc(_) => Service::Vpc,
            NamedKind::Target(_) => Service::S3,
        }
    }

    /// CloudFormation's name of its type.
    pub const fn resource_type(&self) -> &'static str {
        match self.kind {
            NamedKind::Target(kind) => kind.resource_type(),
            NamedKind::PartOfVpc(part) => part.resource_type(),
        }
    }
}

/// The text is no ARN of a resource that can be named: see [`NAMED_FORMS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotNamed;

impl fmt::Display for NotNamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not one of {NAMED_FORMS}")
    }
}

impl FromStr for NamedResource {
    type Err = NotNamed;

    fn from_str(arn: &str) -> Result<Self, NotNamed> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let &["arn", "aws", service, region, account, resource] = parts.as_slice() else { return Err(NotNamed) };
        let is_placed = !region.is_empty() && account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let (kind, id) = match (service, region, account) {
            ("s3", "", "") => (NamedKind::Target(TargetKind::Bucket), resource),
            _ if !is_placed => return Err(NotNamed),
            _ => {
                let of_type = |separator| resource.split_once(separator).ok_or(NotNamed);
                let (kind, id) = if service == "lambda" { of_type(':')? } else { of_type('/')? };
                let part = VpcPart::ALL.into_iter().find(|(name, _)| *name == kind);
                let kind = match (service, kind, part) {
                    ("s3", "accesspoint", _) => NamedKind::Target(TargetKind::AccessPoint),
                    ("s3express", "bucket", _) => NamedKind::Target(TargetKind::DirectoryBucket),
                    ("ec2", "vpc", _) => NamedKind::Target(TargetKind::Vpc),
                    ("ec2", _, Some((_, part))) => NamedKind::PartOfVpc(part),
                    ("lambda", "function", _) => NamedKind::Target(TargetKind::Function),
                    _ => return Err(NotNamed),
                };
                (kind, id)
            }
        };
        if !is_name(kind, id) {
            return Err(NotNamed);
        }
        Ok(Self { arn: arn.to_owned(), kind, id: arn.len() - id.len() })
    }
}

/// Whether a text may be the name or the id of such a resource. It becomes part of requests and of what people read.
fn is_name(kind: NamedKind, id: &str) -> bool {
    let is_of = |extra: &[u8]| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte));
    let longest = match kind {
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, which once allowed 255 characters
        NamedKind::Target(TargetKind::Bucket) => return (3..=255).contains(&id.len()) && is_of(b".-_"),
        // https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
        NamedKind::Target(TargetKind::Function) => return (1..=64).contains(&id.len()) && is_of(b"-_"),
        NamedKind::Target(_) | NamedKind::PartOfVpc(_) => 63,
    };
    (1..=longest).contains(&id.len()) && is_of(b"-")
}

impl TryFrom<String> for NamedResource {
    type Error = NotNamed;

    fn try_from(arn: String) -> Result<Self, NotNamed> {
        arn.parse()
    }
}

impl From<NamedResource> for String {
    fn from(named: NamedResource) -> Self {
        named.arn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_what_is_named_and_where() {
        let (here, target) = (Some(("us-east-1", "123456789012")), NamedKind::Target);
        let cases = [
            ("arn:aws:s3:::ledger", target(TargetKind::Bucket), Service::S3, "ledger", None),
            (
                "arn:aws:s3:us-east-1:123456789012:accesspoint/audit",
                target(TargetKind::AccessPoint),
                Service::S3,
                "audit",
                here,
            ),
            (
                "arn:aws:s3express:us-east-1:123456789012:bucket/ticks--use1-az4--x-s3",
                target(TargetKind::DirectoryBucket),
                Service::S3,
                "ticks--use1-az4--x-s3",
                here,
            ),
            ("arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1", target(TargetKind::Vpc), Service::Vpc, "vpc-1", here),
            (
                "arn:aws:ec2:us-east-1:123456789012:security-group/sg-1",
                NamedKind::PartOfVpc(VpcPart::SecurityGroup),
                Service::Vpc,
                "sg-1",
                here,
            ),
            (
                "arn:aws:lambda:us-east-1:123456789012:function:settle",
                target(TargetKind::Function),
                Service::Lambda,
                "settle",
                here,
            ),
        ];
        for (arn, kind, service, id, place) in cases {
            let named: NamedResource = arn.parse().unwrap();
            assert_eq!((named.kind(), named.service(), named.id(), named.place()), (kind, service, id, place), "{arn}");
            assert_eq!(serde_json::to_value(&named).unwrap(), serde_json::json!(arn));
        }
        for (name, part) in VpcPart::ALL {
            let named: NamedResource = format!("arn:aws:ec2:eu-west-1:123456789012:{name}/x-1").parse().unwrap();
            assert_eq!(named.kind(), NamedKind::PartOfVpc(part));
        }
    }

    #[test]
    fn what_is_no_such_arn_is_not_guessed_at() {
        for text in [
            "",
            "ledger",
            "arn:aws:s3:::",
            "arn:aws:s3:::ledger/key",
            "arn:aws-cn:s3:::ledger",
            "arn:aws:s3:us-east-1::ledger",
            "arn:aws:s3:us-east-1:123456789012:bucket/ledger",
            "arn:aws:ec2:us-east-1:123456789012:instance/i-1",
            "arn:aws:ec2:us-east-1:123456789012:vpc/",
            "arn:aws:ec2:us-east-1:1234:vpc/vpc-1",
            "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1\n",
            "arn:aws:lambda:us-east-1:123456789012:function:settle:7",
            "arn:aws:lambda:us-east-1:123456789012:layer:settle",
            "arn:aws:iam::123456789012:root",
        ] {
            assert_eq!(text.parse::<NamedResource>(), Err(NotNamed), "{text}");
        }
    }
}
