//! The resources as the collectors read them. What may fail to be read on its own is a [`Reading`] of its own.

use serde::{Deserialize, Serialize};

use crate::finding::ResourceRef;
use crate::{Reading, Tags};

/// An S3 general purpose bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// Name, account and region.
    pub identity: Identity,
    /// Default encryption (`GetBucketEncryption`).
    pub encryption: Reading<BucketEncryption>,
    /// The bucket policy's JSON text (`GetBucketPolicy`).
    pub policy: Reading<String>,
    /// Whether S3 itself calls the bucket policy public (`GetBucketPolicyStatus`).
    pub policy_is_public: Reading<bool>,
    /// Access control list (`GetBucketAcl`).
    pub acl: Reading<BucketAcl>,
    /// The bucket's own block public access settings (`GetPublicAccessBlock`).
    pub public_access_block: Reading<PublicAccessBlock>,
    /// The account's block public access settings (S3 Control `GetPublicAccessBlock`).
    pub account_public_access_block: Reading<PublicAccessBlock>,
    /// Object ownership (`GetBucketOwnershipControls`).
    pub object_ownership: Reading<ObjectOwnership>,
    /// Versioning (`GetBucketVersioning`); absent when it was never switched on.
    pub versioning: Reading<Versioning>,
    /// Tags (`GetBucketTagging`).
    pub tags: Reading<Tags>,
}

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

impl Identity {
    /// The reference that a finding carries.
    pub fn reference(&self, resource_type: &str, tags: &Reading<Tags>) -> ResourceRef {
        ResourceRef {
            arn: self.arn.clone(),
            resource_type: resource_type.to_owned(),
            name: self.name.clone(),
            region: self.region.clone(),
            account: self.account.clone(),
            tags: match tags {
                Reading::Seen { value } => Some(value.clone()),
                Reading::Absent => Some(Tags::new()),
                Reading::Unreadable(_) => None,
            },
        }
    }
}

/// A bucket's default encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketEncryption {
    /// `AES256`, `aws:kms`, `aws:kms:dsse`, or what S3 may say one day.
    pub algorithm: String,
    /// Id, ARN or alias of the KMS key as configured; `None` means the AWS-managed key when the algorithm is KMS.
    pub kms_key_id: Option<String>,
    /// Whether an S3 Bucket Key is used.
    pub bucket_key_enabled: bool,
    /// Encryption types whose writes are blocked, for instance `SSE-C`.
    pub blocked_encryption_types: Vec<String>,
}

/// A bucket's access control list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketAcl {
    /// Canonical user id of the owner.
    pub owner_id: String,
    /// Who may do what.
    pub grants: Vec<AclGrant>,
}

/// One line of an access control list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AclGrant {
    /// Canonical user id, group URI or e-mail address.
    pub grantee: String,
    /// `READ`, `WRITE`, `READ_ACP`, `WRITE_ACP` or `FULL_CONTROL`.
    pub permission: String,
}

/// The four block public access settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicAccessBlock {
    /// Refuses new public ACLs.
    pub block_public_acls: bool,
    /// Ignores public ACLs that are there.
    pub ignore_public_acls: bool,
    /// Refuses new public bucket policies.
    pub block_public_policy: bool,
    /// Lets only the account and AWS services into buckets with a public policy.
    pub restrict_public_buckets: bool,
}

/// A bucket's object ownership setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectOwnership {
    /// ACLs are switched off.
    BucketOwnerEnforced,
    /// ACLs count; objects written with `bucket-owner-full-control` belong to the bucket's owner.
    BucketOwnerPreferred,
    /// ACLs count; an object belongs to its writer.
    ObjectWriter,
}

/// A bucket's versioning state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// Every write makes a version.
    Enabled,
    /// It was on once and is off now.
    Suspended,
}

/// A VPC with what hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vpc {
    /// The `Name` tag (or the id without one), account and region.
    pub identity: Identity,
    /// VPC id, for instance `vpc-0abc`.
    pub id: String,
    /// Tags (`DescribeVpcs`).
    pub tags: Reading<Tags>,
    /// Flow logs of the VPC (`DescribeFlowLogs`); an empty list when there are none.
    pub flow_logs: Reading<Vec<FlowLog>>,
    /// Security groups of the VPC, the default one included (`DescribeSecurityGroups`).
    pub security_groups: Reading<Vec<SecurityGroup>>,
}

/// A VPC's flow log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowLog {
    /// Flow log id, for instance `fl-0abc`.
    pub id: String,
    /// `ACCEPT`, `REJECT` or `ALL`.
    pub traffic_type: String,
    /// `ACTIVE` when it is in use.
    pub status: String,
    /// `SUCCESS` or `FAILED`; `None` when nothing was delivered yet.
    pub deliver_logs_status: Option<String>,
}

/// A security group with its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroup {
    /// The group's name, account and region.
    pub identity: Identity,
    /// Group id, for instance `sg-0abc`.
    pub id: String,
    /// The VPC it belongs to.
    pub vpc_id: String,
    /// Tags.
    pub tags: Reading<Tags>,
    /// Inbound rules.
    pub ingress: Vec<IpPermission>,
    /// Outbound rules.
    pub egress: Vec<IpPermission>,
}

impl SecurityGroup {
    /// Whether this is the group that AWS made with the VPC. Its name cannot be given to another group.
    pub fn is_default(&self) -> bool {
        self.identity.name == "default"
    }
}

/// One permission of a security group, as `DescribeSecurityGroups` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpPermission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol number, or `-1` for all protocols and ports.
    pub protocol: String,
    /// First port (or ICMP type); `None` or -1 means all.
    pub from_port: Option<i32>,
    /// Last port (or ICMP code); `None` or -1 means all.
    pub to_port: Option<i32>,
    /// IPv4 ranges in CIDR notation.
    pub ipv4_ranges: Vec<String>,
    /// IPv6 ranges in CIDR notation.
    pub ipv6_ranges: Vec<String>,
    /// Prefix lists.
    pub prefix_lists: Vec<PrefixList>,
    /// Ids of the security groups referred to.
    pub security_groups: Vec<String>,
}

/// A prefix list that a security group refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrefixList {
    /// Prefix list id, for instance `pl-0abc`.
    pub id: String,
    /// Its ranges in CIDR notation (`GetManagedPrefixListEntries`).
    pub entries: Reading<Vec<String>>,
}

/// A Lambda function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// Name, account and region.
    pub identity: Identity,
    /// Configuration (`GetFunction`).
    pub configuration: Reading<FunctionConfiguration>,
    /// Reserved concurrency (`GetFunction`); absent when the function draws from the account's pool.
    pub reserved_concurrency: Reading<u32>,
    /// The function policy's JSON text (`GetPolicy`).
    pub policy: Reading<String>,
    /// Tags (`GetFunction`).
    pub tags: Reading<Tags>,
}

/// What `GetFunction` says of a function's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionConfiguration {
    /// `Zip` or `Image`.
    pub package_type: String,
    /// Runtime identifier, for instance `python3.13`; `None` for container images.
    pub runtime: Option<String>,
    /// The VPC it is attached to.
    pub vpc_id: Option<String>,
    /// The subnets it is attached to.
    pub subnet_ids: Vec<String>,
    /// X-Ray mode, `Active` or `PassThrough`.
    pub tracing_mode: String,
    /// ARN of the customer-managed key of the environment; `None` means the AWS-managed key.
    pub kms_key_arn: Option<String>,
    /// Names of the environment variables; their values are never kept.
    pub environment_variables: Reading<Vec<String>>,
}
