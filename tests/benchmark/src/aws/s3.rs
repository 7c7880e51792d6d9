//! Amazon S3, S3 Control and S3 Express One Zone: the listings, the settings of buckets, access points and the account.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html>

use super::{Call, Dialect};
use crate::account::{
    ACCOUNT, Account, REGION, REGIONS, REPORTS, access_point_name, bucket_name, choice, directory_bucket_name, key_arn,
    number,
};
use crate::http::{Answer, Request};

/// A bucket's settings by the parameter that asks for them, with the IAM action that allows it.
const SETTINGS: [(&str, &str); 15] = [
    ("acl", "GetBucketAcl"),
    ("encryption", "GetEncryptionConfiguration"),
    ("lifecycle", "GetLifecycleConfiguration"),
    ("location", "GetBucketLocation"),
    ("logging", "GetBucketLogging"),
    ("notification", "GetBucketNotification"),
    ("object-lock", "GetBucketObjectLockConfiguration"),
    ("ownershipControls", "GetBucketOwnershipControls"),
    ("policy", "GetBucketPolicy"),
    ("policyStatus", "GetBucketPolicyStatus"),
    ("publicAccessBlock", "GetBucketPublicAccessBlock"),
    ("replication", "GetReplicationConfiguration"),
    ("requestPayment", "GetBucketRequestPayment"),
    ("tagging", "GetBucketTagging"),
    ("versioning", "GetBucketVersioning"),
];

/// Whether this parameter of a query asks for a setting of a bucket.
pub(super) fn is_setting(parameter: &str) -> bool {
    SETTINGS.iter().any(|(known, _)| *known == parameter)
}

/// A bucket's settings are told by the endpoint of its region; another one sends its caller there.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html>
pub(super) fn answer(account: &Account, region: &str, request: &Request) -> (Call, Answer) {
    let bucket = request.path.trim_matches('/');
    let call = |api: &str, target: &str| Call {
        api: format!("s3:{api}"),
        target: target.to_owned(),
        dialect: Dialect::S3,
        of_the_account: true,
    };
    if bucket.is_empty() && request.method == "GET" {
        let token = request.parameter("continuation-token").unwrap_or_default();
        return (call("ListAllMyBuckets", token), list(account, request));
    }
    let asked = SETTINGS.iter().find(|(parameter, _)| request.parameter(parameter).is_some());
    let Some((parameter, api)) = asked.filter(|_| request.method == "GET") else {
        return (call(&format!("{} ?", request.method), bucket), Dialect::S3.unknown());
    };
    let answer = match number(bucket).filter(|number| *number < account.buckets && bucket_name(*number) == bucket) {
        Some(number) => match account.region_of_bucket(number) {
            // Where a bucket lies is told in us-east-1, too.
            lies_in if region == lies_in || (region == REGION && *parameter == "location") => {
                setting(parameter, lies_in, number)
            }
            lies_in => Dialect::S3.error(301, "PermanentRedirect").with("x-amz-bucket-region", lies_in),
        },
        None if bucket == REPORTS => setting(parameter, REGION, 0),
        None => Dialect::S3.error(404, "NoSuchBucket"),
    };
    (call(api, bucket), answer)
}

fn xml(body: String) -> Answer {
    Answer::new(200, "application/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}"))
}

fn list(account: &Account, request: &Request) -> Answer {
    let first: u64 = request.parameter("continuation-token").and_then(|token| token.parse().ok()).unwrap_or(0);
    let most: u64 = request.parameter("max-buckets").and_then(|most| most.parse().ok()).unwrap_or(10_000);
    let end = account.buckets.min(first + most);
    let mut buckets = String::new();
    for number in first..end {
        buckets.push_str(&format!(
            "<Bucket><Name>{}</Name><CreationDate>2024-01-01T00:00:00.000Z</CreationDate>\
             <BucketRegion>{}</BucketRegion></Bucket>",
            bucket_name(number),
            account.region_of_bucket(number)
        ));
    }
    let token =
        if end < account.buckets { format!("<ContinuationToken>{end}</ContinuationToken>") } else { String::new() };
    xml(format!(
        "<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>{OWNER}</ID></Owner>\
         <Buckets>{buckets}</Buckets>{token}</ListAllMyBucketsResult>"
    ))
}

/// The account's canonical user.
const OWNER: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";

const LIFECYCLE: &str = "<LifecycleConfiguration><Rule><ID>expire</ID><Filter><Prefix></Prefix></Filter>\
    <Status>Enabled</Status><Expiration><Days>365</Days></Expiration></Rule></LifecycleConfiguration>";

/// A setting of the bucket of this number in this region. Half of the buckets have no policy, and one in twenty lets access control
/// lists count.
fn setting(parameter: &str, region: &str, number: u64) -> Answer {
    let one_in = |of: u64| choice(parameter, number, of) == 0;
    let name = bucket_name(number);
    let missing = |code: &str| Dialect::S3.error(404, code);
    match parameter {
        "acl" => acl(number),
        "encryption" => encryption(region, number),
        "lifecycle" if one_in(3) => missing("NoSuchLifecycleConfiguration"),
        "lifecycle" => xml(LIFECYCLE.to_owned()),
        // Only buckets outside of us-east-1 have a constraint.
        "location" => {
            let constraint = if region == REGION { "" } else { region };
            xml(format!(
                "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{constraint}</LocationConstraint>"
            ))
        }
        "logging" if one_in(4) => xml("<BucketLoggingStatus/>".to_owned()),
        "logging" => xml(format!(
            "<BucketLoggingStatus><LoggingEnabled><TargetBucket>{}</TargetBucket><TargetPrefix>{name}/</TargetPrefix>\
             </LoggingEnabled></BucketLoggingStatus>",
            first_bucket_in(region)
        )),
        "notification" if one_in(3) => {
            xml("<NotificationConfiguration><EventBridgeConfiguration></EventBridgeConfiguration>\
             </NotificationConfiguration>"
                .to_owned())
        }
        "notification" => xml("<NotificationConfiguration/>".to_owned()),
        "requestPayment" => {
            xml("<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>".to_owned())
        }
        "object-lock" if is_versioned(number) && one_in(10) => {
            xml("<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
                .to_owned())
        }
        "object-lock" => missing("ObjectLockConfigurationNotFoundError"),
        "ownershipControls" => {
            let ownership = if acl_counts(number) { "ObjectWriter" } else { "BucketOwnerEnforced" };
            xml(format!(
                "<OwnershipControls><Rule><ObjectOwnership>{ownership}</ObjectOwnership></Rule></OwnershipControls>"
            ))
        }
        "policy" | "policyStatus" if number.is_multiple_of(2) => missing("NoSuchBucketPolicy"),
        "policy" => policy(number, &name),
        "policyStatus" => {
            let is_public = if is_public(number) { "TRUE" } else { "FALSE" };
            xml(format!("<PolicyStatus><IsPublic>{is_public}</IsPublic></PolicyStatus>"))
        }
        "publicAccessBlock" if one_in(8) => missing("NoSuchPublicAccessBlockConfiguration"),
        "publicAccessBlock" => xml(public_access_block("PublicAccessBlockConfiguration", !one_in(5))),
        "replication" if is_versioned(number) && one_in(10) => xml(format!(
            "<ReplicationConfiguration><Role>arn:aws:iam::{ACCOUNT}:role/replicate</Role><Rule><ID>all</ID>\
             <Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::{}</Bucket></Destination></Rule>\
             </ReplicationConfiguration>",
            bucket_name(number / 100)
        )),
        "replication" => missing("ReplicationConfigurationNotFoundError"),
        "tagging" if one_in(6) => missing("NoSuchTagSet"),
        "tagging" => xml(format!(
            "<Tagging><TagSet><Tag><Key>Owner</Key><Value>team-{}</Value></Tag><Tag><Key>Environment</Key>\
             <Value>prod</Value></Tag></TagSet></Tagging>",
            choice("team", number, 40)
        )),
        "versioning" if !is_versioned(number) => xml("<VersioningConfiguration/>".to_owned()),
        "versioning" => xml("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>".to_owned()),
        _ => Dialect::S3.unknown(),
    }
}

/// Logs go to a bucket of the same region.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html>
fn first_bucket_in(region: &str) -> String {
    bucket_name((0..).zip(REGIONS).find(|(_, known)| *known == region).map_or(0, |(number, _)| number))
}

/// Object Lock and replication need versioning.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html>
const fn is_versioned(number: u64) -> bool {
    choice("versioning", number, 4) > 0
}

const fn acl_counts(number: u64) -> bool {
    number % 20 == 7
}

const fn is_public(number: u64) -> bool {
    number % 2 == 1 && choice("public", number, 25) == 0
}

fn acl(number: u64) -> Answer {
    let grant = |kind: &str, grantee: &str, permission: &str| {
        format!(
            "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"{kind}\">{grantee}\
             </Grantee><Permission>{permission}</Permission></Grant>"
        )
    };
    let mut grants = grant("CanonicalUser", &format!("<ID>{OWNER}</ID>"), "FULL_CONTROL");
    if acl_counts(number) {
        grants.push_str(&grant("Group", "<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>", "READ"));
    }
    xml(format!(
        "<AccessControlPolicy><Owner><ID>{OWNER}</ID></Owner><AccessControlList>{grants}</AccessControlList>\
         </AccessControlPolicy>"
    ))
}

fn encryption(region: &str, number: u64) -> Answer {
    let default = match choice("encryption", number, 3) {
        0 => "<SSEAlgorithm>AES256</SSEAlgorithm>".to_owned(),
        _ => {
            format!("<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>{}</KMSMasterKeyID>", key_arn(region, number))
        }
    };
    xml(format!(
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>{default}\
         </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>{}</BucketKeyEnabled></Rule>\
         </ServerSideEncryptionConfiguration>",
        choice("bucket-key", number, 3) > 0
    ))
}

fn policy(number: u64, name: &str) -> Answer {
    let tls_only = format!(
        r#"{{"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::{name}","arn:aws:s3:::{name}/*"],"Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}"#
    );
    let reader =
        if is_public(number) { r#""*""#.to_owned() } else { format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}}"#) };
    let read = format!(
        r#"{{"Sid":"Read","Effect":"Allow","Principal":{reader},"Action":"s3:GetObject","Resource":"arn:aws:s3:::{name}/*"}}"#
    );
    let statements = if choice("tls", number, 4) == 0 { read } else { format!("{tls_only},{read}") };
    Answer::new(200, "application/json", format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#))
}

fn public_access_block(root: &str, all: bool) -> String {
    format!(
        "<{root}><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
         <BlockPublicPolicy>{all}</BlockPublicPolicy><RestrictPublicBuckets>{all}</RestrictPublicBuckets></{root}>"
    )
}

/// The Regional endpoint of S3 Express One Zone: half of the directory buckets have a lifecycle.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-differences.html>
pub(super) fn answer_express(account: &Account, request: &Request) -> (Call, Answer) {
    let call = |api: &str, target: &str| Call {
        api: format!("s3express:{api}"),
        target: target.to_owned(),
        dialect: Dialect::S3,
        of_the_account: true,
    };
    let bucket = request.path.trim_matches('/');
    if bucket.is_empty() && request.method == "GET" {
        let token = request.parameter("continuation-token").unwrap_or_default();
        return (call("ListAllMyDirectoryBuckets", token), directory_buckets(account, request, token));
    }
    if request.method != "GET" || request.parameter("lifecycle").is_none() {
        return (call(&format!("{} ?", request.method), bucket), Dialect::S3.unknown());
    }
    let answer = match number(bucket).filter(|number| *number < account.directory_buckets()) {
        None => Dialect::S3.error(404, "NoSuchBucket"),
        Some(number) if number.is_multiple_of(2) => Dialect::S3.error(404, "NoSuchLifecycleConfiguration"),
        Some(_) => xml(LIFECYCLE.to_owned()),
    };
    (call("GetLifecycleConfiguration", bucket), answer)
}

fn directory_buckets(account: &Account, request: &Request, token: &str) -> Answer {
    let (first, count) = (token.parse().unwrap_or(0), account.directory_buckets());
    let most = request.parameter("max-directory-buckets").and_then(|it| it.parse().ok()).unwrap_or(1_000);
    let end = count.min(first + most);
    let listed: String =
        (first..end).map(|number| format!("<Bucket><Name>{}</Name></Bucket>", directory_bucket_name(number))).collect();
    let token = if end < count { format!("<ContinuationToken>{end}</ContinuationToken>") } else { String::new() };
    xml(format!(
        "<ListAllMyDirectoryBucketsResult><Buckets>{listed}</Buckets>{token}</ListAllMyDirectoryBucketsResult>"
    ))
}

/// S3 Control. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_AWS_S3_Control.html>
pub(super) fn answer_control(account: &Account, request: &Request) -> (Call, Answer) {
    let path = request.path.strip_prefix("/v20180820/").unwrap_or_default();
    let (api, target, answer) = match path.split_once('/') {
        Some(("configuration", "publicAccessBlock")) => (
            "GetAccountPublicAccessBlock",
            "",
            // The account blocks nothing that its buckets do not block.
            Answer::new(200, "application/xml", public_access_block("PublicAccessBlockConfiguration", false)),
        ),
        None if path == "accesspoint" => {
            let token = request.parameter("nextToken").unwrap_or_default();
            ("ListAccessPoints", token, access_points(account, request, token))
        }
        Some(("accesspoint", name)) => ("GetAccessPoint", name, access_point(account, name)),
        _ => ("?", path, Dialect::Query.unknown()),
    };
    let (api, target) = (format!("s3:{api}"), target.to_owned());
    (Call { api, target, dialect: Dialect::Query, of_the_account: true }, answer)
}

fn access_points(account: &Account, request: &Request, token: &str) -> Answer {
    let (first, count) = (token.parse().unwrap_or(0), account.access_points());
    let end = count.min(first + request.parameter("maxResults").and_then(|it| it.parse().ok()).unwrap_or(1_000));
    let listed: String = (first..end)
        .map(|number| {
            format!(
                "<AccessPoint><Name>{}</Name><NetworkOrigin>Internet</NetworkOrigin><Bucket>{}</Bucket></AccessPoint>",
                access_point_name(number),
                bucket_name(number * 50)
            )
        })
        .collect();
    let token = if end < count { format!("<NextToken>{end}</NextToken>") } else { String::new() };
    xml(format!("<ListAccessPointsResult><AccessPointList>{listed}</AccessPointList>{token}</ListAccessPointsResult>"))
}

fn access_point(account: &Account, name: &str) -> Answer {
    match number(name).filter(|number| *number < account.access_points()) {
        None => Dialect::Query.error(404, "NoSuchAccessPoint"),
        Some(number) => xml(format!(
            "<GetAccessPointResult><Name>{name}</Name><Bucket>{}</Bucket>{}</GetAccessPointResult>",
            bucket_name(number * 50),
            public_access_block("PublicAccessBlockConfiguration", choice("access-point", number, 4) > 0)
        )),
    }
}
