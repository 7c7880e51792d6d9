//! Resources for tests: one that passes every rule, one that fails every rule, one of which nothing could be read.

use audit_model::policy::{AlertPolicy, OptOutTag, RemediationPolicy};
use audit_model::resource::{
    AclGrant, Bucket, BucketAcl, BucketEncryption, FlowLog, Function, FunctionConfiguration, Identity, IpPermission,
    ObjectOwnership, PrefixList, PublicAccessBlock, SecurityGroup, Versioning, Vpc,
};
use audit_model::{Policy, Reading, RemediationMode, Severity, Tags, Unreadable, UnreadableCause};
use jiff::Timestamp;

use crate::Judge;

pub(crate) const ACCOUNT: &str = "111122223333";

/// A judge with a fixed time.
pub(crate) fn judge(policy: &Policy) -> Judge<'_> {
    Judge { scan_id: "20261101T000000Z-0001", policy, evaluated_at: Timestamp::UNIX_EPOCH }
}

pub(crate) fn policy() -> Policy {
    policy_requiring(&["Environment", "Owner"])
}

pub(crate) fn policy_requiring(tags: &[&str]) -> Policy {
    Policy {
        alert: AlertPolicy { threshold: Severity::Critical },
        remediation: RemediationPolicy {
            mode: RemediationMode::DryRun,
            max_buckets_per_run: 10,
            opt_out_tag: OptOutTag { key: "remediation".to_owned(), value: "off".to_owned() },
        },
        required_tags: tags.iter().map(ToString::to_string).collect(),
    }
}

pub(crate) fn denied(action: &str) -> Unreadable {
    Unreadable { action: action.to_owned(), cause: UnreadableCause::AccessDenied, detail: "not authorized".to_owned() }
}

fn unreadable<T>(action: &str) -> Reading<T> {
    Reading::Unreadable(denied(action))
}

fn identity(name: &str, arn: String) -> Identity {
    Identity { name: name.to_owned(), arn, account: ACCOUNT.to_owned(), region: "us-east-1".to_owned() }
}

fn tags() -> Reading<Tags> {
    let tags = [("Environment", "production"), ("Owner", "ledger-team")];
    Reading::seen(tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into())
}

/// A block public access configuration with all four settings on or off.
pub(crate) fn public_access_block(on: bool) -> Reading<PublicAccessBlock> {
    Reading::seen(PublicAccessBlock {
        block_public_acls: on,
        ignore_public_acls: on,
        block_public_policy: on,
        restrict_public_buckets: on,
    })
}

/// An access control list that grants these permissions to a group.
pub(crate) fn acl(group: &str, permissions: &[&str]) -> Reading<BucketAcl> {
    let owner = AclGrant { grantee: "owner".to_owned(), permission: "FULL_CONTROL".to_owned() };
    let grants = permissions.iter().map(|permission| AclGrant {
        grantee: format!("http://acs.amazonaws.com/groups/global/{group}"),
        permission: permission.to_string(),
    });
    Reading::seen(BucketAcl { owner_id: "owner".to_owned(), grants: std::iter::once(owner).chain(grants).collect() })
}

/// A bucket policy of these statements.
pub(crate) fn policy_text(statements: &[&str]) -> Reading<String> {
    Reading::seen(format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(",")))
}

/// Denies what does not come over TLS, on the bucket `ledger` and its objects.
pub(crate) const TLS_ONLY: &str = r#"{"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*",
    "Resource":["arn:aws:s3:::ledger","arn:aws:s3:::ledger/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#;

/// Allows everybody everything.
pub(crate) const PUBLIC: &str = r#"{"Sid":"Everybody","Effect":"Allow","Principal":"*","Action":"s3:*",
    "Resource":["arn:aws:s3:::ledger","arn:aws:s3:::ledger/*"]}"#;

pub(crate) fn encryption(algorithm: &str, key: Option<&str>) -> Reading<BucketEncryption> {
    Reading::seen(BucketEncryption {
        algorithm: algorithm.to_owned(),
        kms_key_id: key.map(ToOwned::to_owned),
        bucket_key_enabled: true,
        blocked_encryption_types: Vec::new(),
    })
}

/// A bucket that passes every rule, through its policy and access control list alone: no block hides a fault in them.
pub(crate) fn good_bucket() -> Bucket {
    Bucket {
        identity: identity("ledger", "arn:aws:s3:::ledger".to_owned()),
        encryption: encryption("aws:kms", Some("arn:aws:kms:us-east-1:111122223333:key/0a1b")),
        policy: policy_text(&[TLS_ONLY]),
        policy_is_public: Reading::seen(false),
        acl: acl("AllUsers", &[]),
        public_access_block: public_access_block(false),
        account_public_access_block: Reading::Absent,
        object_ownership: Reading::seen(ObjectOwnership::ObjectWriter),
        versioning: Reading::seen(Versioning::Enabled),
        tags: tags(),
    }
}

/// A bucket that fails every rule.
pub(crate) fn bad_bucket() -> Bucket {
    Bucket {
        encryption: Reading::Absent,
        policy: policy_text(&[PUBLIC]),
        policy_is_public: Reading::seen(true),
        acl: acl("AllUsers", &["READ", "WRITE"]),
        public_access_block: Reading::Absent,
        versioning: Reading::Absent,
        tags: Reading::Absent,
        ..good_bucket()
    }
}

/// A bucket of which nothing but the name is known.
pub(crate) fn unreadable_bucket() -> Bucket {
    BUCKET_READINGS.iter().fold(good_bucket(), |mut bucket, deny| {
        deny(&mut bucket);
        bucket
    })
}

/// Takes away one reading.
pub(crate) type Deny<R> = fn(&mut R);

/// Every reading of a bucket.
pub(crate) const BUCKET_READINGS: &[Deny<Bucket>] = &[
    |bucket| bucket.encryption = unreadable("s3:GetEncryptionConfiguration"),
    |bucket| bucket.policy = unreadable("s3:GetBucketPolicy"),
    |bucket| bucket.policy_is_public = unreadable("s3:GetBucketPolicyStatus"),
    |bucket| bucket.acl = unreadable("s3:GetBucketAcl"),
    |bucket| bucket.public_access_block = unreadable("s3:GetBucketPublicAccessBlock"),
    |bucket| bucket.account_public_access_block = unreadable("s3:GetAccountPublicAccessBlock"),
    |bucket| bucket.object_ownership = unreadable("s3:GetBucketOwnershipControls"),
    |bucket| bucket.versioning = unreadable("s3:GetBucketVersioning"),
    |bucket| bucket.tags = unreadable("s3:GetBucketTagging"),
];

pub(crate) fn flow_log(traffic_type: &str, status: &str) -> FlowLog {
    FlowLog {
        id: "fl-1".to_owned(),
        traffic_type: traffic_type.to_owned(),
        status: status.to_owned(),
        deliver_logs_status: Some("SUCCESS".to_owned()),
    }
}

pub(crate) fn permission(protocol: &str, ports: Option<(i32, i32)>, ranges: &[&str]) -> IpPermission {
    let (v6, v4): (Vec<String>, Vec<String>) =
        ranges.iter().map(ToString::to_string).partition(|range| range.contains(':'));
    IpPermission {
        protocol: protocol.to_owned(),
        from_port: ports.map(|(from, _)| from),
        to_port: ports.map(|(_, to)| to),
        ipv4_ranges: v4,
        ipv6_ranges: v6,
        prefix_lists: Vec::new(),
        security_groups: Vec::new(),
    }
}

/// A security group with these inbound rules and no outbound ones.
pub(crate) fn security_group(id: &str, ingress: Vec<IpPermission>) -> SecurityGroup {
    SecurityGroup {
        identity: identity("web", format!("arn:aws:ec2:us-east-1:{ACCOUNT}:security-group/{id}")),
        id: id.to_owned(),
        vpc_id: "vpc-1".to_owned(),
        tags: Reading::Absent,
        ingress,
        egress: Vec::new(),
    }
}

/// The VPC's default group with these inbound rules.
pub(crate) fn default_group(ingress: Vec<IpPermission>) -> SecurityGroup {
    let mut group = security_group("sg-0", ingress);
    group.identity.name = "default".to_owned();
    group
}

/// A VPC that passes every rule; a prefix list of its default group's kind would be a violation there.
pub(crate) fn good_vpc() -> Vpc {
    let office = PrefixList { id: "pl-1".to_owned(), entries: Reading::seen(vec!["203.0.113.0/24".to_owned()]) };
    let web = vec![
        permission("tcp", Some((443, 443)), &["0.0.0.0/0", "::/0"]),
        IpPermission { prefix_lists: vec![office], ..permission("-1", None, &["10.0.0.0/8"]) },
    ];
    Vpc {
        identity: identity("production", format!("arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/vpc-1")),
        id: "vpc-1".to_owned(),
        tags: tags(),
        flow_logs: Reading::seen(vec![flow_log("ALL", "ACTIVE")]),
        security_groups: Reading::seen(vec![default_group(Vec::new()), security_group("sg-1", web)]),
    }
}

/// A VPC that fails every rule, through prefix lists where that is possible.
pub(crate) fn bad_vpc() -> Vpc {
    let everywhere = PrefixList { id: "pl-1".to_owned(), entries: Reading::seen(vec!["0.0.0.0/0".to_owned()]) };
    let open = IpPermission { prefix_lists: vec![everywhere], ..permission("-1", None, &[]) };
    Vpc {
        tags: Reading::Absent,
        flow_logs: Reading::seen(Vec::new()),
        security_groups: Reading::seen(vec![default_group(vec![open])]),
        ..good_vpc()
    }
}

/// A VPC of which nothing but the name is known.
pub(crate) fn unreadable_vpc() -> Vpc {
    VPC_READINGS.iter().fold(good_vpc(), |mut vpc, deny| {
        deny(&mut vpc);
        vpc
    })
}

/// Every reading of a VPC and of its security groups.
pub(crate) const VPC_READINGS: &[Deny<Vpc>] = &[
    |vpc| vpc.tags = unreadable("ec2:DescribeVpcs"),
    |vpc| vpc.flow_logs = unreadable("ec2:DescribeFlowLogs"),
    |vpc| {
        let Reading::Seen { value: groups } = &mut vpc.security_groups else { return };
        for permission in groups.iter_mut().flat_map(|group| &mut group.ingress) {
            for list in &mut permission.prefix_lists {
                list.entries = unreadable("ec2:GetManagedPrefixListEntries");
            }
        }
    },
    |vpc| vpc.security_groups = unreadable("ec2:DescribeSecurityGroups"),
];

pub(crate) fn configuration() -> FunctionConfiguration {
    FunctionConfiguration {
        package_type: "Zip".to_owned(),
        runtime: Some("python3.13".to_owned()),
        vpc_id: Some("vpc-1".to_owned()),
        subnet_ids: vec!["subnet-1".to_owned()],
        tracing_mode: "Active".to_owned(),
        kms_key_arn: Some("arn:aws:kms:us-east-1:111122223333:key/0a1b".to_owned()),
        environment_variables: Reading::seen(vec!["TABLE".to_owned()]),
    }
}

/// A function that passes every rule.
pub(crate) fn good_function() -> Function {
    let events = r#"{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},
        "Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111122223333:function:settle"}"#;
    Function {
        identity: identity("settle", format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:settle")),
        configuration: Reading::seen(configuration()),
        reserved_concurrency: Reading::seen(5),
        policy: policy_text(&[events]),
        tags: tags(),
    }
}

/// A function that fails every rule.
pub(crate) fn bad_function() -> Function {
    let everybody = r#"{"Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction",
        "Resource":"arn:aws:lambda:us-east-1:111122223333:function:settle"}"#;
    Function {
        configuration: Reading::seen(FunctionConfiguration {
            runtime: Some("python3.8".to_owned()),
            vpc_id: None,
            subnet_ids: Vec::new(),
            tracing_mode: "PassThrough".to_owned(),
            kms_key_arn: None,
            ..configuration()
        }),
        reserved_concurrency: Reading::Absent,
        policy: policy_text(&[everybody]),
        tags: Reading::Absent,
        ..good_function()
    }
}

/// A function of which nothing but the name is known.
pub(crate) fn unreadable_function() -> Function {
    FUNCTION_READINGS.iter().fold(good_function(), |mut function, deny| {
        deny(&mut function);
        function
    })
}

/// Every reading of a function.
pub(crate) const FUNCTION_READINGS: &[Deny<Function>] = &[
    |function| {
        let Reading::Seen { value } = &mut function.configuration else { return };
        value.environment_variables = unreadable("lambda:GetFunction");
    },
    |function| function.configuration = unreadable("lambda:GetFunction"),
    |function| function.reserved_concurrency = unreadable("lambda:GetFunction"),
    |function| function.policy = unreadable("lambda:GetPolicy"),
    |function| function.tags = unreadable("lambda:GetFunction"),
];
