use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use audit_artifacts::sample;
use audit_model::plan::{Target, TargetKind};
use audit_model::resource::{
    AccessPoint, AclGrant, Bucket, BucketAcl, BucketEncryption, DataResource, DirectoryBucket, EventSelector,
    FieldSelector, KmsKey, LifecycleRule, LoggingTarget, LoggingTargetSettings, Notifications, ObjectLock,
    ObjectOwnership, PublicAccessBlock, ReplicationRule, Retention, Trail, Versioning, VersioningStatus,
};
use audit_model::task::ScanShardInput;
use audit_model::{Reading, Service, UnreadableCause};
use audit_rules::Needed;
use audit_task::Budget;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::test_util::{capture_request, infallible_client_fn};
use bucket_readings::s3_client;
use http::{Request, Response};
use jiff::Timestamp;
use pretty_assertions::assert_eq;

use super::{S3Collector, S3Resources, Shared, settings};
use crate::{Ports, handle};

const ACCOUNT: &str = "111122223333";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/0a1b";

/// The bucket that is read, the one that its logs go to, and the one that its objects are replicated to.
const BUCKET: &str = "payments";
const LOG_TARGET: &str = "access-logs";
const REPLICA: &str = "payments-copy";
/// Whom a request to S3 Control or KMS asks, where a request to S3 asks a bucket.
const CONTROL: &str = "S3 Control";
const EXPRESS: &str = "S3 Express One Zone";
const KMS: &str = "KMS";
const CLOUDTRAIL: &str = "CloudTrail";

/// The trail of a configured account.
const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
/// What CloudTrail is asked about it.
const TRAIL_STATUS: &str = "GetTrailStatus arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
const TRAIL_SELECTORS: &str = "GetEventSelectors arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";

const DIRECTORY_BUCKET: &str = "ticks--use1-az4--x-s3";

/// The settings of a bucket: the parameter in a request's address, the IAM action, and S3's answer for a bucket of
/// which everything is configured. The forms are those of each call's page in the API reference, the actions those of
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>.
const SETTINGS: [(&str, &str, &str); 13] = [
    (
        "encryption",
        "s3:GetEncryptionConfiguration",
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms\
         </SSEAlgorithm><KMSMasterKeyID>arn:aws:kms:us-east-1:111122223333:key/0a1b</KMSMasterKeyID>\
         </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
    ),
    ("policy", "s3:GetBucketPolicy", r#"{"Version":"2012-10-17","Statement":[]}"#),
    ("policyStatus", "s3:GetBucketPolicyStatus", "<PolicyStatus><IsPublic>true</IsPublic></PolicyStatus>"),
    (
        "acl",
        "s3:GetBucketAcl",
        "<AccessControlPolicy><Owner><ID>owner</ID></Owner><AccessControlList><Grant><Grantee \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>owner</ID></Grantee>\
         <Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>",
    ),
    ("publicAccessBlock", "s3:GetBucketPublicAccessBlock", BLOCK),
    (
        "ownershipControls",
        "s3:GetBucketOwnershipControls",
        "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule></OwnershipControls>",
    ),
    (
        "versioning",
        "s3:GetBucketVersioning",
        "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
    ),
    (
        "logging",
        "s3:GetBucketLogging",
        "<BucketLoggingStatus><LoggingEnabled><TargetBucket>access-logs</TargetBucket><TargetPrefix>payments/\
         </TargetPrefix></LoggingEnabled></BucketLoggingStatus>",
    ),
    (
        "lifecycle",
        "s3:GetLifecycleConfiguration",
        "<LifecycleConfiguration><Rule><ID>archive</ID><Filter><Prefix/></Filter><Status>Enabled</Status>\
         <Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition>\
         <Expiration><Days>365</Days></Expiration></Rule>\
         <Rule><ID>uploads</ID><Filter><Prefix/></Filter><Status>Disabled</Status><AbortIncompleteMultipartUpload>\
         <DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>",
    ),
    (
        "replication",
        "s3:GetReplicationConfiguration",
        "<ReplicationConfiguration><Role>arn:aws:iam::111122223333:role/replication</Role><Rule><Status>Enabled\
         </Status><Destination><Bucket>arn:aws:s3:::payments-copy</Bucket></Destination></Rule>\
         </ReplicationConfiguration>",
    ),
    (
        "notification",
        "s3:GetBucketNotification",
        "<NotificationConfiguration><TopicConfiguration><Topic>arn:aws:sns:us-east-1:111122223333:uploads</Topic>\
         <Event>s3:ObjectCreated:*</Event></TopicConfiguration><EventBridgeConfiguration/></NotificationConfiguration>",
    ),
    (
        "object-lock",
        "s3:GetBucketObjectLockConfiguration",
        "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
         <Mode>COMPLIANCE</Mode><Days>30</Days></DefaultRetention></Rule></ObjectLockConfiguration>",
    ),
    (
        "tagging",
        "s3:GetBucketTagging",
        "<Tagging><TagSet><Tag><Key>Owner</Key><Value>ledger</Value></Tag></TagSet></Tagging>",
    ),
];

const BLOCK: &str = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>false\
     </IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>false\
     </RestrictPublicBuckets></PublicAccessBlockConfiguration>";

/// The meaning of [`BLOCK`].
const BLOCKED: PublicAccessBlock = PublicAccessBlock {
    block_public_acls: true,
    ignore_public_acls: false,
    block_public_policy: true,
    restrict_public_buckets: false,
};

/// An answer of AWS: the status and the body.
type Answer = (u16, String);

fn ok(body: &str) -> Answer {
    (200, body.to_owned())
}

fn error(status: u16, code: &str) -> Answer {
    (status, format!("<Error><Code>{code}</Code><Message>said so</Message></Error>"))
}

/// S3 Control wraps its errors, which S3 does not.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html>
fn control_error(status: u16, code: &str) -> Answer {
    let (status, error) = error(status, code);
    (status, format!("<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"))
}

fn kms_error(code: &str) -> Answer {
    (400, format!(r#"{{"__type":"{code}","message":"said so"}}"#))
}

fn described(state: &str) -> String {
    format!(
        r#"{{"KeyMetadata":{{"KeyId":"0a1b","Arn":"{KEY}","KeyState":"{state}","KeyManager":"CUSTOMER",
            "KeySpec":"SYMMETRIC_DEFAULT"}}}}"#
    )
}

/// What `DescribeTrails` says of trails, by ARN, and whether they record in all regions.
fn trails(listed: &[(&str, bool)]) -> String {
    let trail = |(arn, all): &(&str, bool)| format!(r#"{{"TrailARN":"{arn}","IsMultiRegionTrail":{all}}}"#);
    format!(r#"{{"trailList":[{}]}}"#, listed.iter().map(trail).collect::<Vec<_>>().join(","))
}

/// The selectors of a trail for which nobody has set any.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html>
const MANAGEMENT_EVENTS: &str = r#"{"EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":true,
    "DataResources":[],"ExcludeManagementEventSources":[]}]}"#;

fn payer(who: &str) -> Answer {
    ok(&format!("<RequestPaymentConfiguration><Payer>{who}</Payer></RequestPaymentConfiguration>"))
}

/// A bucket in an account in which everything is configured.
fn configured(whom: &str, what: &str) -> Answer {
    match (whom, what) {
        (CONTROL, "configuration/publicAccessBlock") => ok(BLOCK),
        (CONTROL, "accesspoint/reporting") => ok(&format!(
            "<GetAccessPointResult><Name>reporting</Name><Bucket>payments</Bucket><NetworkOrigin>Internet\
             </NetworkOrigin>{BLOCK}</GetAccessPointResult>"
        )),
        (EXPRESS, DIRECTORY_BUCKET) => configured(BUCKET, "lifecycle"),
        (KMS, KEY) => ok(&described("Enabled")),
        (CLOUDTRAIL, "DescribeTrails") => ok(&trails(&[(TRAIL, true)])),
        (CLOUDTRAIL, TRAIL_STATUS) => ok(r#"{"IsLogging":true}"#),
        (CLOUDTRAIL, TRAIL_SELECTORS) => ok(MANAGEMENT_EVENTS),
        (LOG_TARGET, "object-lock") => error(404, "ObjectLockConfigurationNotFoundError"),
        (LOG_TARGET, "requestPayment") => payer("BucketOwner"),
        (REPLICA, "location") => ok("<LocationConstraint>eu-central-1</LocationConstraint>"),
        // What S3 says of a bucket in us-east-1.
        (BUCKET | LOG_TARGET, "location") => ok("<LocationConstraint/>"),
        (_, setting) => {
            let body = SETTINGS.iter().find(|(name, _, _)| *name == setting).map(|(_, _, body)| *body);
            ok(body.unwrap_or_else(|| panic!("{whom} has no {setting}")))
        }
    }
}

/// A request: whom it asks for what, and the account that it says the bucket belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    whom: String,
    what: String,
    owner: Option<String>,
}

impl Asked {
    fn of(request: &Request<SdkBody>) -> Self {
        let uri = request.uri();
        let host = uri.host().unwrap();
        let (whom, what) = if host.contains("s3-control") {
            (CONTROL, uri.path().trim_start_matches("/v20180820/"))
        } else if host.starts_with("s3express-control.") {
            assert_eq!(uri.query(), Some("lifecycle"), "the only setting that is read");
            (EXPRESS, uri.path().trim_matches('/'))
        } else if host.starts_with("kms.") {
            let body = std::str::from_utf8(request.body().bytes().unwrap()).unwrap();
            (KMS, body.trim_start_matches(r#"{"KeyId":""#).trim_end_matches(r#""}"#))
        } else if host.starts_with("cloudtrail.") {
            return Self::of_trails(request);
        } else {
            let query = uri.query().unwrap().split('&').find(|it| !it.starts_with("x-id")).unwrap();
            (host.split(".s3.").next().unwrap(), query.trim_end_matches('='))
        };
        let owner = request.headers().get("x-amz-expected-bucket-owner").map(|it| it.to_str().unwrap().to_owned());
        Self { whom: whom.to_owned(), what: what.to_owned(), owner }
    }

    /// CloudTrail is asked for an operation, and about a trail.
    fn of_trails(request: &Request<SdkBody>) -> Self {
        let target = request.headers().get("x-amz-target").unwrap().to_str().unwrap();
        let body: serde_json::Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let operation = target.rsplit('.').next().unwrap();
        let what = match body.get("Name").or_else(|| body.get("TrailName")) {
            Some(trail) => format!("{operation} {}", trail.as_str().unwrap()),
            None => operation.to_owned(),
        };
        Self { whom: CLOUDTRAIL.to_owned(), what, owner: None }
    }
}

#[derive(Clone, Default)]
struct Requests(Arc<Mutex<Vec<Asked>>>);

impl Requests {
    /// Whom was asked for what, in the order of the letters.
    fn made(&self) -> Vec<Asked> {
        let mut made = self.0.lock().unwrap().clone();
        made.sort();
        made
    }

    /// How often one was asked for something.
    fn count(&self, whom: &str, what: &str) -> usize {
        self.made().iter().filter(|asked| asked.whom == whom && asked.what == what).count()
    }
}

/// The account, with AWS answering as `answer` says to who is asked for what.
fn account(answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> (S3Resources, Requests) {
    let requests = Requests::default();
    let seen = requests.clone();
    let http_client = infallible_client_fn(move |request: Request<SdkBody>| {
        let asked = Asked::of(&request);
        let (status, body) = answer(&asked.whom, &asked.what);
        seen.0.lock().unwrap().push(asked);
        Response::builder().status(status).body(body).unwrap()
    });
    macro_rules! client {
        ($sdk:ident) => {
            $sdk::Client::from_conf(
                $sdk::Config::builder()
                    .behavior_version(BehaviorVersion::latest())
                    .region(Region::new("us-east-1"))
                    .credentials_provider(Credentials::for_tests())
                    .retry_config(RetryConfig::disabled())
                    .http_client(http_client.clone())
                    .build(),
            )
        };
    }
    let resources = S3Resources {
        s3: client!(aws_sdk_s3),
        s3_control: client!(aws_sdk_s3control),
        kms: client!(aws_sdk_kms),
        cloudtrail: client!(aws_sdk_cloudtrail),
        account: ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
        budget: a_second(10_000),
        key_budget: a_second(10_000),
        trail_budget: a_second(10_000),
    };
    (resources, requests)
}

fn a_second(requests: u32) -> Budget {
    Budget::new(NonZeroU32::new(requests).unwrap())
}

fn target(region: Option<&str>) -> Target {
    Target {
        kind: TargetKind::Bucket,
        id: BUCKET.to_owned(),
        region: region.map(ToOwned::to_owned),
        owner: None,
        only: Vec::new(),
    }
}

/// The bucket of the home region, read in an account in which everything is configured but what `answer` says.
async fn read_but(answer: impl Fn(&str, &str) -> Option<Answer> + Send + Sync + 'static) -> Option<Bucket> {
    let (resources, _) = account(move |whom, what| answer(whom, what).unwrap_or_else(|| configured(whom, what)));
    resources.bucket(&target(Some("us-east-1")), &Shared::default()).await
}

/// The bucket, with S3 answering this about one of its settings.
async fn read_with(setting: &'static str, body: &str) -> Bucket {
    let answer = ok(body);
    read_but(move |whom, what| ((whom, what) == (BUCKET, setting)).then(|| answer.clone())).await.unwrap()
}

/// The IAM action of an unreadable reading with its cause, `absent`, or `seen`.
fn state<T>(reading: &Reading<T>) -> String {
    match reading {
        Reading::Seen { .. } => "seen".to_owned(),
        Reading::Absent => "absent".to_owned(),
        Reading::Unreadable(why) => format!("{} {:?}", why.action, why.cause),
    }
}

/// The state of every reading that is made of a bucket itself, by its setting.
fn states(bucket: &Bucket) -> Vec<(&'static str, String)> {
    vec![
        ("encryption", state(&bucket.encryption)),
        ("policy", state(&bucket.policy)),
        ("policyStatus", state(&bucket.policy_is_public)),
        ("acl", state(&bucket.acl)),
        ("publicAccessBlock", state(&bucket.public_access_block)),
        ("ownershipControls", state(&bucket.object_ownership)),
        ("versioning", state(&bucket.versioning)),
        ("logging", state(&bucket.logging)),
        ("lifecycle", state(&bucket.lifecycle)),
        ("replication", state(&bucket.replication)),
        ("notification", state(&bucket.notifications)),
        ("object-lock", state(&bucket.object_lock)),
        ("tagging", state(&bucket.tags)),
    ]
}

/// The state of every reading that is made of something else than the bucket.
fn borrowed_states(bucket: &Bucket) -> Vec<(&'static str, String)> {
    let Reading::Seen { value: logging } = &bucket.logging else { panic!("there is a log target") };
    let Some(log_target) = &logging.settings else { panic!("the log target exists") };
    let Reading::Seen { value: replication } = &bucket.replication else { panic!("there is a replica") };
    vec![
        ("account block", state(&bucket.account_public_access_block)),
        ("key", state(&bucket.encryption_key)),
        ("log target's encryption", state(&log_target.encryption)),
        ("log target's Object Lock", state(&log_target.object_lock)),
        ("log target's region", state(&log_target.region)),
        ("log target's payer", state(&log_target.requester_pays)),
        ("log target's policy", state(&log_target.policy)),
        ("log target's ownership", state(&log_target.object_ownership)),
        ("log target's list", state(&log_target.acl)),
        ("replica's region", state(&replication[0].destination_region)),
    ]
}

/// The states of a bucket of which all is seen but one setting.
fn all_but(setting: &str, state: &str) -> Vec<(&'static str, String)> {
    SETTINGS.iter().map(|(name, _, _)| (*name, if *name == setting { state } else { "seen" }.to_owned())).collect()
}

#[tokio::test]
async fn what_is_configured_is_read_whole_with_one_call_for_each_thing() {
    let (resources, requests) = account(configured);
    let bucket = resources.bucket(&target(Some("us-east-1")), &Shared::default()).await.unwrap();

    let kms = BucketEncryption {
        algorithm: "aws:kms".to_owned(),
        kms_key_id: Some(KEY.to_owned()),
        bucket_key_enabled: false,
        blocked_encryption_types: Vec::new(),
    };
    assert_eq!(bucket.identity.arn, "arn:aws:s3:::payments");
    assert_eq!(bucket.encryption, Reading::seen(kms.clone()));
    assert_eq!(
        bucket.encryption_key,
        Reading::seen(KmsKey {
            arn: KEY.to_owned(),
            state: "Enabled".to_owned(),
            manager: "CUSTOMER".to_owned(),
            spec: "SYMMETRIC_DEFAULT".to_owned(),
        })
    );
    assert_eq!(bucket.policy, Reading::seen(r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned()));
    assert_eq!(bucket.policy_is_public, Reading::seen(true));
    assert_eq!(
        bucket.acl,
        Reading::seen(BucketAcl {
            owner_id: "owner".to_owned(),
            grants: vec![AclGrant { grantee: "owner".to_owned(), permission: "FULL_CONTROL".to_owned() }],
        })
    );
    assert_eq!(bucket.public_access_block, Reading::seen(BLOCKED));
    assert_eq!(bucket.account_public_access_block, Reading::seen(BLOCKED));
    assert_eq!(bucket.object_ownership, Reading::seen(ObjectOwnership::BucketOwnerPreferred));
    assert_eq!(bucket.versioning, Reading::seen(Versioning { status: VersioningStatus::Suspended, mfa_delete: false }));
    assert_eq!(
        bucket.logging,
        Reading::seen(LoggingTarget {
            bucket: LOG_TARGET.to_owned(),
            prefix: "payments/".to_owned(),
            settings: Some(LoggingTargetSettings {
                encryption: Reading::seen(kms),
                object_lock: Reading::Absent,
                region: Reading::seen("us-east-1".to_owned()),
                requester_pays: Reading::seen(false),
                policy: bucket.policy.clone(),
                object_ownership: bucket.object_ownership.clone(),
                acl: bucket.acl.clone(),
            }),
        })
    );
    assert_eq!(
        bucket.lifecycle,
        Reading::seen(vec![
            LifecycleRule { enabled: true, whole_bucket: true, expiration_days: Some(365) },
            LifecycleRule { enabled: false, whole_bucket: true, expiration_days: None },
        ])
    );
    assert_eq!(
        bucket.replication,
        Reading::seen(vec![ReplicationRule {
            enabled: true,
            destination: REPLICA.to_owned(),
            destination_region: Reading::seen("eu-central-1".to_owned()),
        }])
    );
    assert_eq!(
        bucket.notifications,
        Reading::seen(Notifications { event_bridge: true, event_types: vec!["s3:ObjectCreated:*".to_owned()] })
    );
    assert_eq!(
        bucket.object_lock,
        Reading::seen(ObjectLock { default_retention: Some(Retention { mode: "COMPLIANCE".to_owned(), days: 30 }) })
    );
    assert_eq!(bucket.tags, Reading::seen([("Owner".to_owned(), "ledger".to_owned())].into()));

    // A bucket of that name in another account must not be taken for one of this account.
    let of = |whom: &str, what: &str, owner: Option<&str>| Asked {
        whom: whom.to_owned(),
        what: what.to_owned(),
        owner: owner.map(ToOwned::to_owned),
    };
    let mut expected: Vec<Asked> = SETTINGS.iter().map(|(setting, _, _)| of(BUCKET, setting, Some(ACCOUNT))).collect();
    expected.extend([
        of(LOG_TARGET, "encryption", Some(ACCOUNT)),
        of(LOG_TARGET, "object-lock", Some(ACCOUNT)),
        of(LOG_TARGET, "location", Some(ACCOUNT)),
        of(LOG_TARGET, "requestPayment", Some(ACCOUNT)),
        of(LOG_TARGET, "policy", Some(ACCOUNT)),
        of(LOG_TARGET, "ownershipControls", Some(ACCOUNT)),
        of(LOG_TARGET, "acl", Some(ACCOUNT)),
        of(REPLICA, "location", None),
        of(CONTROL, "configuration/publicAccessBlock", None),
        of(KMS, KEY, None),
    ]);
    expected.sort();
    assert_eq!(requests.made(), expected);
}

#[tokio::test]
async fn each_setting_has_its_own_way_to_be_absent() {
    let cases = [
        ("encryption", error(404, "ServerSideEncryptionConfigurationNotFoundError")),
        ("policy", error(404, "NoSuchBucketPolicy")),
        ("policyStatus", error(404, "NoSuchBucketPolicy")),
        ("publicAccessBlock", error(404, "NoSuchPublicAccessBlockConfiguration")),
        ("ownershipControls", error(404, "OwnershipControlsNotFoundError")),
        ("versioning", ok("<VersioningConfiguration/>")),
        ("logging", ok("<BucketLoggingStatus/>")),
        ("lifecycle", error(404, "NoSuchLifecycleConfiguration")),
        ("replication", error(404, "ReplicationConfigurationNotFoundError")),
        ("notification", ok("<NotificationConfiguration/>")),
        ("object-lock", error(404, "ObjectLockConfigurationNotFoundError")),
        ("tagging", error(404, "NoSuchTagSet")),
    ];
    for (absent, answer) in cases {
        let bucket = read_but(move |whom, what| ((whom, what) == (BUCKET, absent)).then(|| answer.clone())).await;
        let also: &[&str] = match absent {
            "policy" => &["policyStatus"],
            "versioning" => &["object-lock"],
            _ => &[],
        };
        let state = |name| if name == absent || also.contains(&name) { "absent" } else { "seen" };
        let expected: Vec<_> = SETTINGS.iter().map(|(name, _, _)| (*name, state(*name).to_owned())).collect();
        assert_eq!(states(&bucket.unwrap()), expected, "{absent}");
    }
}

#[tokio::test]
async fn what_is_settled_is_not_asked_and_what_may_not_be_known_is() {
    let block = |setting: &str| ok(&BLOCK.replace(&format!("<{setting}>false"), &format!("<{setting}>true")));
    let (restricts, ignores) = ("RestrictPublicBuckets", "IgnorePublicAcls");
    let of_account = (CONTROL, "configuration/publicAccessBlock");
    let ownership = |it: &str| ok(&SETTINGS[5].2.replace("BucketOwnerPreferred", it));
    // (whom is asked for what, the answer, what is not asked then, what stands in its place)
    let unlooked = |action: &str| format!("{action} NotLookedAt");
    let (no_status, no_acl) = (unlooked("s3:GetBucketPolicyStatus"), unlooked("s3:GetBucketAcl"));
    let (absent, denied) = ("absent".to_owned(), || error(403, "AccessDenied"));
    type Case<'a> = ((&'static str, &'static str), Answer, &'a [&'a str], &'a str);
    let cases: [Case<'_>; 13] = [
        ((BUCKET, "policy"), error(404, "NoSuchBucketPolicy"), &["policyStatus"], &absent),
        ((BUCKET, "publicAccessBlock"), block(restricts), &["policyStatus"], &no_status),
        (of_account, block(restricts), &["policyStatus"], &no_status),
        ((BUCKET, "ownershipControls"), ownership("BucketOwnerEnforced"), &["acl"], &no_acl),
        ((BUCKET, "publicAccessBlock"), block(ignores), &["acl"], &no_acl),
        (of_account, block(ignores), &["acl"], &no_acl),
        ((BUCKET, "versioning"), ok("<VersioningConfiguration/>"), &["object-lock"], &absent),
        ((BUCKET, "ownershipControls"), ownership("ObjectWriter"), &[], ""),
        ((BUCKET, "ownershipControls"), error(404, "OwnershipControlsNotFoundError"), &[], ""),
        ((BUCKET, "ownershipControls"), denied(), &[], ""),
        ((BUCKET, "policy"), denied(), &[], ""),
        ((BUCKET, "publicAccessBlock"), denied(), &[], ""),
        ((BUCKET, "versioning"), denied(), &[], ""),
    ];
    for (asked, answer, settled, state) in cases {
        let told = format!("{asked:?} {}", answer.1);
        let (resources, requests) =
            account(move |whom, what| if (whom, what) == asked { answer.clone() } else { configured(whom, what) });
        let bucket = resources.bucket(&target(Some("us-east-1")), &Shared::default()).await.unwrap();
        for (name, is) in states(&bucket) {
            assert_eq!(requests.count(BUCKET, name), usize::from(!settled.contains(&name)), "{told}: {name}");
            if settled.contains(&name) {
                assert_eq!(is, state, "{told}: {name}");
            }
        }
    }
}

#[tokio::test]
async fn one_refused_read_spoils_no_other() {
    let refusals = [
        (error(403, "AccessDenied"), UnreadableCause::AccessDenied),
        (error(503, "SlowDown"), UnreadableCause::Throttled),
        (error(500, "InternalError"), UnreadableCause::Failed),
        (error(404, "NoSuchBucket"), UnreadableCause::Gone),
        // What one setting says when it is absent says nothing about another.
        (error(404, "NoSuchCORSConfiguration"), UnreadableCause::Failed),
    ];
    for (refused, action, _) in SETTINGS {
        for (answer, cause) in refusals.clone() {
            let bucket = read_but(move |whom, what| ((whom, what) == (BUCKET, refused)).then(|| answer.clone())).await;
            let state = format!("{action} {cause:?}");
            assert_eq!(states(&bucket.unwrap()), all_but(refused, &state), "{refused} {cause:?}");
        }
    }
}

#[tokio::test]
async fn one_refused_read_of_what_belongs_to_a_bucket_spoils_no_other() {
    let seen = borrowed_states(&read_but(|_, _| None).await.unwrap());
    let absent = ["log target's Object Lock"];
    assert!(seen.iter().all(|(name, state)| state == if absent.contains(name) { "absent" } else { "seen" }));

    let denied = error(403, "AccessDenied");
    let gone = error(404, "NoSuchBucket");
    let cases = [
        (
            CONTROL,
            "configuration/publicAccessBlock",
            control_error(403, "AccessDenied"),
            "account block",
            "s3:GetAccountPublicAccessBlock AccessDenied",
        ),
        (KMS, KEY, kms_error("AccessDeniedException"), "key", "kms:DescribeKey AccessDenied"),
        (KMS, KEY, kms_error("ThrottlingException"), "key", "kms:DescribeKey Throttled"),
        (KMS, KEY, kms_error("KMSInternalException"), "key", "kms:DescribeKey Failed"),
        (
            LOG_TARGET,
            "encryption",
            denied.clone(),
            "log target's encryption",
            "s3:GetEncryptionConfiguration AccessDenied",
        ),
        (LOG_TARGET, "encryption", gone, "log target's encryption", "s3:GetEncryptionConfiguration Gone"),
        (
            LOG_TARGET,
            "object-lock",
            denied.clone(),
            "log target's Object Lock",
            "s3:GetBucketObjectLockConfiguration AccessDenied",
        ),
        (LOG_TARGET, "location", denied.clone(), "log target's region", "s3:GetBucketLocation AccessDenied"),
        (LOG_TARGET, "requestPayment", denied.clone(), "log target's payer", "s3:GetBucketRequestPayment AccessDenied"),
        (LOG_TARGET, "requestPayment", payer("Nobody"), "log target's payer", "s3:GetBucketRequestPayment Malformed"),
        (LOG_TARGET, "policy", denied.clone(), "log target's policy", "s3:GetBucketPolicy AccessDenied"),
        (LOG_TARGET, "policy", error(404, "NoSuchBucketPolicy"), "log target's policy", "absent"),
        (
            LOG_TARGET,
            "ownershipControls",
            denied.clone(),
            "log target's ownership",
            "s3:GetBucketOwnershipControls AccessDenied",
        ),
        (LOG_TARGET, "acl", denied.clone(), "log target's list", "s3:GetBucketAcl AccessDenied"),
        (REPLICA, "location", denied, "replica's region", "s3:GetBucketLocation AccessDenied"),
        (REPLICA, "location", error(404, "NoSuchBucket"), "replica's region", "absent"),
        (REPLICA, "location", error(301, "PermanentRedirect"), "replica's region", "s3:GetBucketLocation Failed"),
    ];
    for (refused, refused_what, answer, name, expected_state) in cases {
        let bucket =
            read_but(move |whom, what| ((whom, what) == (refused, refused_what)).then(|| answer.clone())).await;
        let bucket = bucket.unwrap();
        let mut expected = seen.clone();
        expected.iter_mut().find(|(it, _)| *it == name).unwrap().1 = expected_state.to_owned();
        assert_eq!(borrowed_states(&bucket), expected);
        assert_eq!(states(&bucket), all_but("none", ""), "{name}");
    }
}

#[tokio::test]
async fn a_log_target_that_does_not_exist_has_no_settings() {
    let gone = || error(404, "NoSuchBucket");
    let denied = || error(403, "AccessDenied");
    let unlocked = || error(404, "ObjectLockConfigurationNotFoundError");
    // (the answer about its encryption, that about its Object Lock, whether it exists for all that is known)
    let cases = [
        (gone(), gone(), false),
        (gone(), denied(), false),
        (denied(), gone(), false),
        (denied(), denied(), true),
        // Had it gone, it would not have answered.
        (gone(), unlocked(), true),
    ];
    for (encryption, object_lock, exists) in cases {
        let answers = (encryption.clone(), object_lock.clone());
        let bucket = read_but(move |whom, what| match (whom, what) {
            (LOG_TARGET, "encryption") => Some(answers.0.clone()),
            (LOG_TARGET, "object-lock") => Some(answers.1.clone()),
            (LOG_TARGET, _) => Some(error(403, "AccessDenied")),
            _ => None,
        });
        let Reading::Seen { value: logging } = bucket.await.unwrap().logging else { panic!("logging is on") };
        assert_eq!(logging.bucket, LOG_TARGET);
        assert_eq!(logging.settings.is_some(), exists, "{encryption:?} {object_lock:?}");
    }
}

#[tokio::test]
async fn who_pays_for_a_log_target_is_read_and_a_list_that_does_not_count_is_not() {
    const ENFORCED: &str = "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>\
        </OwnershipControls>";
    let (resources, requests) = account(|whom, what| match (whom, what) {
        (LOG_TARGET, "requestPayment") => payer("Requester"),
        (LOG_TARGET, "ownershipControls") => ok(ENFORCED),
        (LOG_TARGET, "location") => ok("<LocationConstraint>eu-west-1</LocationConstraint>"),
        _ => configured(whom, what),
    });
    let bucket = resources.bucket(&target(Some("us-east-1")), &Shared::default()).await.unwrap();
    let Reading::Seen { value: logging } = bucket.logging else { panic!("logging is on") };
    let settings = logging.settings.unwrap();
    assert_eq!(settings.requester_pays, Reading::seen(true));
    assert_eq!(settings.region, Reading::seen("eu-west-1".to_owned()));
    assert_eq!(state(&settings.acl), "s3:GetBucketAcl NotLookedAt");
    assert_eq!(requests.count(LOG_TARGET, "acl"), 0);
}

#[tokio::test]
async fn a_lifecycle_rule_is_for_the_whole_bucket_unless_something_narrows_it() {
    // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-filters.html>
    let tag = "<Tag><Key>class</Key><Value>raw</Value></Tag>";
    let (larger, smaller) =
        ("<ObjectSizeGreaterThan>500</ObjectSizeGreaterThan>", "<ObjectSizeLessThan>64000</ObjectSizeLessThan>");
    let filter = |inner: &str| format!("<Filter>{inner}</Filter>");
    let and = |inner: &str| filter(&format!("<And>{inner}</And>"));
    let logs = "<Prefix>logs/</Prefix>";
    let cases = [
        (filter(""), true),
        (filter("<Prefix></Prefix>"), true),
        (filter("<Prefix/>"), true),
        // As rules were written before there were filters.
        ("<Prefix></Prefix>".to_owned(), true),
        (logs.to_owned(), false),
        (filter(logs), false),
        (filter(tag), false),
        (filter(larger), false),
        (filter(smaller), false),
        (and(&[logs, tag].concat()), false),
        (and(&["<Prefix/>", tag].concat()), false),
        (and(&[larger, smaller].concat()), false),
        (and(larger), false),
        (and(smaller), false),
        (and(logs), false),
    ];
    for (scope, whole_bucket) in cases {
        let body = format!(
            "<LifecycleConfiguration><Rule>{scope}<Status>Enabled</Status><Expiration><Days>30</Days></Expiration>\
             </Rule></LifecycleConfiguration>"
        );
        let expected = LifecycleRule { enabled: true, whole_bucket, expiration_days: Some(30) };
        assert_eq!(read_with("lifecycle", &body).await.lifecycle, Reading::seen(vec![expected]), "{scope}");
    }
}

#[tokio::test]
async fn a_transition_that_is_not_told_whole_hides_no_rule() {
    let body = "<LifecycleConfiguration><Rule><Filter/><Status>Enabled</Status><Transition><Days>30</Days></Transition>\
                </Rule></LifecycleConfiguration>";
    let expected = LifecycleRule { enabled: true, whole_bucket: true, expiration_days: None };
    assert_eq!(read_with("lifecycle", body).await.lifecycle, Reading::seen(vec![expected]));
}

#[tokio::test]
async fn an_answer_that_lacks_what_it_must_hold_is_not_understood() {
    let rule = |status: &str, rest: &str| {
        format!("<LifecycleConfiguration><Rule><Status>{status}</Status>{rest}</Rule></LifecycleConfiguration>")
    };
    let replica = |status: &str, destination: &str| {
        format!(
            "<ReplicationConfiguration><Rule><Status>{status}</Status><Destination>{destination}</Destination></Rule>\
             </ReplicationConfiguration>"
        )
    };
    let copy = "<Bucket>arn:aws:s3:::copy</Bucket>";
    let lock = |rest: &str| {
        format!(
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>{rest}</ObjectLockConfiguration>"
        )
    };
    let retention = |rest: &str| lock(&format!("<Rule><DefaultRetention>{rest}</DefaultRetention></Rule>"));
    let cases = [
        ("policyStatus", "<PolicyStatus/>".to_owned()),
        ("ownershipControls", "<OwnershipControls/>".to_owned()),
        (
            "ownershipControls",
            "<OwnershipControls><Rule><ObjectOwnership>Nobody</ObjectOwnership></Rule></OwnershipControls>".to_owned(),
        ),
        ("versioning", "<VersioningConfiguration><Status>Perhaps</Status></VersioningConfiguration>".to_owned()),
        (
            "versioning",
            "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Perhaps</MfaDelete></VersioningConfiguration>"
                .to_owned(),
        ),
        ("logging", "<BucketLoggingStatus><LoggingEnabled/></BucketLoggingStatus>".to_owned()),
        ("lifecycle", "<LifecycleConfiguration/>".to_owned()),
        ("lifecycle", "<LifecycleConfiguration><Rule/></LifecycleConfiguration>".to_owned()),
        ("lifecycle", rule("Perhaps", "")),
        ("replication", "<ReplicationConfiguration/>".to_owned()),
        ("replication", replica("Perhaps", copy)),
        ("replication", replica("Enabled", "")),
        ("replication", replica("Enabled", "<Bucket>arn:aws:s3:::</Bucket>")),
        ("replication", replica("Enabled", "<Bucket>copy</Bucket>")),
        ("object-lock", "<ObjectLockConfiguration/>".to_owned()),
        ("object-lock", retention("<Mode>COMPLIANCE</Mode>")),
        ("object-lock", retention("<Days>30</Days>")),
        ("object-lock", retention("<Mode>COMPLIANCE</Mode><Days>30</Days><Years>1</Years>")),
        ("object-lock", retention("<Mode>COMPLIANCE</Mode><Years>2147483647</Years>")),
    ];
    for (strange, body) in cases {
        let bucket = read_with(strange, &body).await;
        let action = SETTINGS.iter().find(|(name, _, _)| *name == strange).map(|(_, action, _)| action).unwrap();
        assert_eq!(states(&bucket), all_but(strange, &format!("{action} Malformed")), "{body}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_value() {
    // The policy is handed on as it comes; the rules read it.
    for (broken, action, _) in SETTINGS.iter().filter(|(setting, _, _)| *setting != "policy") {
        let bucket = read_with(broken, "<").await;
        let state = states(&bucket).into_iter().find(|(setting, _)| setting == broken).unwrap().1;
        assert!(state.starts_with(action), "{broken}: {state}");
    }
}

#[tokio::test]
async fn versioning_tells_of_mfa_delete() {
    let cases = [
        ("<Status>Enabled</Status>", VersioningStatus::Enabled, false),
        ("<Status>Enabled</Status><MfaDelete>Disabled</MfaDelete>", VersioningStatus::Enabled, false),
        ("<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>", VersioningStatus::Enabled, true),
        ("<Status>Suspended</Status><MfaDelete>Enabled</MfaDelete>", VersioningStatus::Suspended, true),
    ];
    for (answer, status, mfa_delete) in cases {
        let body = format!("<VersioningConfiguration>{answer}</VersioningConfiguration>");
        let bucket = read_with("versioning", &body).await;
        assert_eq!(bucket.versioning, Reading::seen(Versioning { status, mfa_delete }), "{answer}");
    }
}

#[tokio::test]
async fn notifications_go_to_topics_queues_functions_and_eventbridge() {
    let event = |kind: &str, to: &str, event: &str| {
        format!("<{kind}Configuration><{kind}>arn:aws:{to}</{kind}><Event>{event}</Event></{kind}Configuration>")
    };
    let topic = event("Topic", "sns:us-east-1:111122223333:t", "s3:ObjectRemoved:*");
    let queue = event("Queue", "sqs:us-east-1:111122223333:q", "s3:ObjectCreated:Put");
    let function = event("CloudFunction", "lambda:us-east-1:111122223333:function:f", "s3:ObjectCreated:Put");
    let event_bridge = "<EventBridgeConfiguration></EventBridgeConfiguration>".to_owned();
    let cases: [(&[&String], bool, &[&str]); 5] = [
        (&[&topic], false, &["s3:ObjectRemoved:*"]),
        (&[&queue], false, &["s3:ObjectCreated:Put"]),
        (&[&function], false, &["s3:ObjectCreated:Put"]),
        (&[&event_bridge], true, &[]),
        (&[&topic, &queue, &function, &event_bridge], true, &["s3:ObjectCreated:Put", "s3:ObjectRemoved:*"]),
    ];
    for (parts, event_bridge, event_types) in cases {
        let parts: String = parts.iter().map(|part| part.as_str()).collect();
        let body = format!("<NotificationConfiguration>{parts}</NotificationConfiguration>");
        let event_types = event_types.iter().map(|it| (*it).to_owned()).collect();
        let bucket = read_with("notification", &body).await;
        assert_eq!(bucket.notifications, Reading::seen(Notifications { event_bridge, event_types }), "{body}");
    }
}

#[tokio::test]
async fn object_lock_keeps_new_objects_for_days_for_years_or_not_by_default() {
    let retention = |mode: &str, days| Some(Retention { mode: mode.to_owned(), days });
    let cases = [
        ("", None),
        (
            "<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>90</Days></DefaultRetention></Rule>",
            retention("GOVERNANCE", 90),
        ),
        (
            "<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Years>7</Years></DefaultRetention></Rule>",
            retention("COMPLIANCE", 7 * 365),
        ),
    ];
    for (rule, default_retention) in cases {
        let body = format!(
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>{rule}</ObjectLockConfiguration>"
        );
        let bucket = read_with("object-lock", &body).await;
        assert_eq!(bucket.object_lock, Reading::seen(ObjectLock { default_retention }), "{rule}");
    }
}

#[tokio::test]
async fn a_replica_s_region_is_read_in_all_its_spellings() {
    // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>
    let constraint = |text: &str| {
        format!("<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{text}</LocationConstraint>")
    };
    let cases = [
        (constraint(""), "us-east-1"),
        ("<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>".to_owned(), "us-east-1"),
        (constraint("EU"), "eu-west-1"),
        (constraint("us-west-2"), "us-west-2"),
        (constraint("xx-new-1"), "xx-new-1"),
    ];
    for (body, region) in cases {
        let answer = ok(&body);
        let bucket = read_but(move |whom, what| ((whom, what) == (REPLICA, "location")).then(|| answer.clone())).await;
        let Reading::Seen { value: rules } = bucket.unwrap().replication else { panic!("there is a replica") };
        assert_eq!(rules[0].destination_region, Reading::seen(region.to_owned()), "{body}");
    }
}

#[tokio::test]
async fn a_bucket_s_region_is_what_s3_tells_and_nothing_else() {
    let cases = [
        (ok("<LocationConstraint>eu-west-1</LocationConstraint>"), Some("eu-west-1")),
        (ok("<LocationConstraint/>"), Some("us-east-1")),
        (error(403, "AccessDenied"), None),
        (error(404, "NoSuchBucket"), None),
    ];
    for (answer, region) in cases {
        let (resources, requests) = account(move |_, _| answer.clone());
        assert_eq!(resources.region_of(BUCKET).await.as_deref(), region);
        let asked = Asked { whom: BUCKET.to_owned(), what: "location".to_owned(), owner: Some(ACCOUNT.to_owned()) };
        assert_eq!(requests.made(), [asked]);
    }
}

#[tokio::test]
async fn a_replica_must_belong_to_the_account_that_its_rule_names() {
    let rule = |status: &str, bucket: &str, account: &str| {
        format!(
            "<Rule><Status>{status}</Status><Destination><Bucket>arn:aws:s3:::{bucket}</Bucket>{account}\
             </Destination></Rule>"
        )
    };
    let partner = "<Account>444455556666</Account>";
    let body = format!(
        "<ReplicationConfiguration>{}{}{}</ReplicationConfiguration>",
        rule("Enabled", REPLICA, ""),
        rule("Disabled", REPLICA, ""),
        rule("Enabled", "partner-copy", partner)
    );
    let (resources, requests) = account(move |whom, what| match (whom, what) {
        (BUCKET, "replication") => ok(&body),
        ("partner-copy", "location") => error(403, "AccessDenied"),
        _ => configured(whom, what),
    });
    let bucket = resources.bucket(&target(Some("us-east-1")), &Shared::default()).await.unwrap();
    let Reading::Seen { value: rules } = bucket.replication else { panic!("there are replicas") };
    let rules: Vec<(bool, &str, String)> =
        rules.iter().map(|rule| (rule.enabled, rule.destination.as_str(), state(&rule.destination_region))).collect();
    let expected = [
        (true, REPLICA, "seen"),
        (false, REPLICA, "seen"),
        (true, "partner-copy", "s3:GetBucketLocation AccessDenied"),
    ];
    assert_eq!(rules, expected.map(|(enabled, bucket, state)| (enabled, bucket, state.to_owned())));
    let owners: Vec<(String, Option<String>)> = requests
        .made()
        .into_iter()
        .filter(|asked| asked.what == "location" && asked.whom != LOG_TARGET)
        .map(|asked| (asked.whom, asked.owner))
        .collect();
    let partner = ("partner-copy".to_owned(), Some("444455556666".to_owned()));
    assert_eq!(owners, [partner, (REPLICA.to_owned(), None)]);
}

#[tokio::test]
async fn kms_is_asked_about_keys_of_this_region_that_aws_does_not_manage() {
    let arn = "arn:aws:kms:us-east-1:111122223333";
    // (algorithm, key, what KMS is asked for, the reading)
    let cases = [
        ("AES256", None, None, "absent"),
        ("aws:kms", None, None, "absent"),
        ("aws:kms", Some(String::new()), None, "absent"),
        ("aws:kms", Some("alias/aws/s3".to_owned()), None, "absent"),
        ("aws:kms", Some(format!("{arn}:alias/aws/s3")), None, "absent"),
        (
            "aws:kms",
            Some("arn:aws:kms:eu-west-1:111122223333:key/0a1b".to_owned()),
            None,
            "kms:DescribeKey OtherRegion",
        ),
        ("aws:kms", Some(KEY.to_owned()), Some(KEY.to_owned()), "seen"),
        ("aws:kms:dsse", Some(KEY.to_owned()), Some(KEY.to_owned()), "seen"),
        ("aws:kms", Some("0a1b".to_owned()), Some("0a1b".to_owned()), "seen"),
        ("aws:kms", Some("alias/ledger".to_owned()), Some("alias/ledger".to_owned()), "seen"),
        ("aws:kms", Some(format!("{arn}:key/none")), Some(format!("{arn}:key/none")), "absent"),
        ("aws:kms", Some(format!("{arn}:key/half")), Some(format!("{arn}:key/half")), "kms:DescribeKey Malformed"),
    ];
    for (algorithm, key, asked, expected) in cases {
        let id = key.as_ref().map(|key| format!("<KMSMasterKeyID>{key}</KMSMasterKeyID>")).unwrap_or_default();
        let encryption = format!(
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}\
             </SSEAlgorithm>{id}</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
        );
        let (resources, requests) = account(move |whom, what| match (whom, what) {
            (BUCKET, "encryption") => ok(&encryption),
            (KMS, key) if key.ends_with("/none") => kms_error("NotFoundException"),
            (KMS, key) if key.ends_with("/half") => ok(r#"{"KeyMetadata":{"KeyId":"half"}}"#),
            (KMS, _) => ok(&described("Enabled")),
            _ => configured(whom, what),
        });
        let bucket = resources.bucket(&target(Some("us-east-1")), &Shared::default()).await.unwrap();
        assert_eq!(state(&bucket.encryption_key), expected, "{algorithm} {key:?}");
        let asked_for: Vec<String> =
            requests.made().into_iter().filter(|asked| asked.whom == KMS).map(|asked| asked.what).collect();
        assert_eq!(asked_for, Vec::from_iter(asked), "{algorithm} {key:?}");
    }
}

#[tokio::test]
async fn which_key_it_is_that_nobody_knows_kms_is_not_asked() {
    let (resources, requests) = account(|whom, what| match (whom, what) {
        (BUCKET, "encryption") => error(403, "AccessDenied"),
        (KMS, _) => panic!("KMS was asked"),
        _ => configured(whom, what),
    });
    let bucket = resources.bucket(&target(Some("us-east-1")), &Shared::default()).await.unwrap();
    assert_eq!(state(&bucket.encryption_key), "s3:GetEncryptionConfiguration AccessDenied");
    assert_eq!(requests.count(KMS, KEY), 0);
}

#[tokio::test]
async fn a_bucket_has_gone_when_nothing_but_that_is_answered() {
    let of_bucket = |answer: fn(&str) -> Answer| read_but(move |whom, what| (whom == BUCKET).then(|| answer(what)));
    assert_eq!(of_bucket(|_| error(404, "NoSuchBucket")).await, None);
    // Some reads are denied, and the others find no bucket.
    let denied_too = of_bucket(|what| error(404, if what == "acl" { "AccessDenied" } else { "NoSuchBucket" }));
    assert_eq!(denied_too.await, None);
    // Nobody said that it has gone.
    assert!(of_bucket(|_| error(403, "AccessDenied")).await.is_some());
}

#[tokio::test]
async fn a_bucket_that_answered_has_gone_when_it_is_not_found_once_more() {
    // (what S3 says when it is asked once more, whether the bucket is there for all that is known)
    let cases = [
        (error(404, "NoSuchBucket"), false),
        (ok("<LocationConstraint/>"), true),
        (error(403, "AccessDenied"), true),
        (error(503, "SlowDown"), true),
    ];
    for (once_more, there) in cases {
        // Deleted after each setting in turn had been answered alone.
        for (answered, _, body) in SETTINGS {
            let once_more = once_more.clone();
            let bucket = read_but(move |whom, what| match (whom, what) {
                (BUCKET, "location") => Some(once_more.clone()),
                (BUCKET, what) if what == answered => Some(ok(body)),
                (BUCKET, _) => Some(error(404, "NoSuchBucket")),
                _ => None,
            });
            assert_eq!(bucket.await.is_some(), there, "{answered}");
        }
    }
}

#[tokio::test]
async fn nothing_is_asked_about_a_bucket_of_another_region() {
    let (resources, requests) = account(configured);
    let bucket = resources.bucket(&target(Some("eu-west-1")), &Shared::default()).await.unwrap();
    let expected: Vec<(&str, String)> =
        SETTINGS.iter().map(|(setting, action, _)| (*setting, format!("{action} OtherRegion"))).collect();
    assert_eq!(states(&bucket), expected);
    assert_eq!(state(&bucket.encryption_key), "kms:DescribeKey OtherRegion");
    assert_eq!(bucket.identity.region, "eu-west-1");
    let Reading::Unreadable(why) = &bucket.policy else { panic!("a bucket out of reach has no policy") };
    assert!(why.detail.contains("eu-west-1"), "{why}");
    // The account's own settings count for it all the same.
    assert_eq!(bucket.account_public_access_block, Reading::seen(BLOCKED));
    assert_eq!(requests.made().len(), requests.count(CONTROL, "configuration/publicAccessBlock"));
}

#[tokio::test]
async fn a_bucket_of_no_told_region_is_read_here_and_its_redirection_is_no_value() {
    let (resources, _) = account(configured);
    let here = resources.bucket(&target(None), &Shared::default()).await.unwrap();
    assert_eq!((here.identity.region.as_str(), states(&here)), ("us-east-1", all_but("none", "")));

    let (resources, _) = account(|whom, what| match whom {
        BUCKET => error(301, "PermanentRedirect"),
        _ => configured(whom, what),
    });
    let elsewhere = resources.bucket(&target(None), &Shared::default()).await.unwrap();
    assert_eq!(elsewhere.identity.region, "unknown");
    assert!(states(&elsewhere).iter().all(|(_, state)| state.ends_with("Failed")), "{:?}", states(&elsewhere));
}

#[tokio::test]
async fn the_account_s_own_settings_are_read_absent_or_refused() {
    let cases = [
        (ok(BLOCK), "seen"),
        (control_error(404, "NoSuchPublicAccessBlockConfiguration"), "absent"),
        (control_error(403, "AccessDenied"), "s3:GetAccountPublicAccessBlock AccessDenied"),
    ];
    for (answer, expected) in cases {
        let (resources, _) = account(move |_, _| answer.clone());
        let found = resources.account(&Shared::default()).await;
        assert_eq!(state(&found.public_access_block), expected);
        assert_eq!(found.identity.arn, "arn:aws:iam::111122223333:root");
        assert_eq!((found.identity.name.as_str(), found.identity.region.as_str()), (ACCOUNT, "us-east-1"));
    }
}

/// The access point `reporting`, with S3 Control answering this.
async fn access_point(answer: Answer) -> Option<AccessPoint> {
    let (resources, _) = account(move |whom, what| match (whom, what) {
        (CONTROL, "accesspoint/reporting") => answer.clone(),
        _ => panic!("{whom} was asked for {what}"),
    });
    resources.access_point(&sample::target(TargetKind::AccessPoint, "reporting"), &Shared::default()).await
}

#[tokio::test]
async fn an_access_point_is_read_refused_or_gone() {
    let found = access_point(configured(CONTROL, "accesspoint/reporting")).await.unwrap();
    assert_eq!(found.public_access_block, Reading::seen(BLOCKED));
    assert_eq!(found.bucket, Reading::seen(BUCKET.to_owned()));
    assert_eq!(found.identity.arn, "arn:aws:s3:us-east-1:111122223333:accesspoint/reporting");
    assert_eq!((found.identity.name.as_str(), found.identity.region.as_str()), ("reporting", "us-east-1"));

    assert_eq!(access_point(control_error(404, "NoSuchAccessPoint")).await, None);

    // (the answer, the state of the block public access settings, that of the bucket)
    let point = |inner: &str| ok(&format!("<GetAccessPointResult>{inner}</GetAccessPointResult>"));
    let (denied, failed, malformed) =
        ("s3:GetAccessPoint AccessDenied", "s3:GetAccessPoint Failed", "s3:GetAccessPoint Malformed");
    let cases = [
        (control_error(403, "AccessDenied"), denied, denied),
        (control_error(404, "NoSuchPublicAccessBlockConfiguration"), failed, failed),
        (point(BLOCK), "seen", malformed),
        (point("<Bucket>payments</Bucket>"), malformed, "seen"),
    ];
    for (answer, block, bucket) in cases {
        let found = access_point(answer.clone()).await.unwrap();
        assert_eq!((state(&found.public_access_block).as_str(), state(&found.bucket).as_str()), (block, bucket));
    }
}

/// The directory bucket, with S3 Express One Zone answering this, and what was asked.
async fn directory_bucket(answer: Answer) -> (Option<DirectoryBucket>, Vec<Asked>) {
    let (resources, requests) = account(move |whom, what| match (whom, what) {
        (EXPRESS, DIRECTORY_BUCKET) => answer.clone(),
        _ => panic!("{whom} was asked for {what}"),
    });
    let target = sample::target(TargetKind::DirectoryBucket, DIRECTORY_BUCKET);
    (resources.directory_bucket(&target, &Shared::default()).await, requests.made())
}

#[tokio::test]
async fn a_directory_bucket_is_read_refused_or_gone() {
    let (found, asked) = directory_bucket(configured(BUCKET, "lifecycle")).await;
    let found = found.unwrap();
    let rule = |enabled, expiration_days| LifecycleRule { enabled, whole_bucket: true, expiration_days };
    assert_eq!(found.lifecycle, Reading::seen(vec![rule(true, Some(365)), rule(false, None)]));
    assert_eq!(found.identity.arn, format!("arn:aws:s3express:us-east-1:111122223333:bucket/{DIRECTORY_BUCKET}"));
    assert_eq!((found.identity.name.as_str(), found.identity.region.as_str()), (DIRECTORY_BUCKET, "us-east-1"));
    // One request, without a session before it, and without the owner, which S3 Express One Zone does not take.
    let only = Asked { whom: EXPRESS.to_owned(), what: DIRECTORY_BUCKET.to_owned(), owner: None };
    assert_eq!(asked, [only]);

    assert_eq!(directory_bucket(error(404, "NoSuchBucket")).await.0, None);

    let rules = |inner: &str| ok(&format!("<LifecycleConfiguration>{inner}</LifecycleConfiguration>"));
    let malformed = "s3express:GetLifecycleConfiguration Malformed";
    let cases = [
        (error(404, "NoSuchLifecycleConfiguration"), "absent"),
        (error(403, "AccessDenied"), "s3express:GetLifecycleConfiguration AccessDenied"),
        (error(404, "NoSuchBucketPolicy"), "s3express:GetLifecycleConfiguration Failed"),
        (rules(""), malformed),
        (rules("<Rule><Filter><Prefix/></Filter></Rule>"), malformed),
    ];
    for (answer, expected) in cases {
        let found = directory_bucket(answer.clone()).await.0.unwrap();
        assert_eq!(state(&found.lifecycle), expected, "{answer:?}");
    }
}

#[tokio::test]
async fn no_session_is_begun_with_a_directory_bucket_wherever_s3_is() {
    let cases = [
        (None, "https://s3express-control.us-east-1.amazonaws.com"),
        (Some("http://127.0.0.1:4566"), "http://127.0.0.1:4566"),
    ];
    for (endpoint, host) in cases {
        let (http_client, request) = capture_request(None);
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .retry_config(RetryConfig::disabled())
            .http_client(http_client);
        config.set_endpoint_url(endpoint.map(ToOwned::to_owned));
        // Only the first request matters; its answer is empty.
        drop(settings::lifecycle_of_directory_bucket(&s3_client(config), DIRECTORY_BUCKET).await);
        let first = request.expect_request();
        assert_eq!(first.uri(), format!("{host}/{DIRECTORY_BUCKET}/?lifecycle"), "{endpoint:?}");
        let signed = first.headers().get("authorization").unwrap();
        assert!(signed.contains("/us-east-1/s3express/aws4_request"), "{endpoint:?}: {signed}");
    }
}

#[tokio::test]
async fn three_of_the_four_block_settings_are_no_answer() {
    const SETTINGS: [&str; 4] = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
    for left_out in SETTINGS {
        let given = SETTINGS.iter().filter(|setting| **setting != left_out);
        let given: String = given.map(|setting| format!("<{setting}>true</{setting}>")).collect();
        let body = format!("<PublicAccessBlockConfiguration>{given}</PublicAccessBlockConfiguration>");
        let point = format!("<GetAccessPointResult><Bucket>payments</Bucket>{body}</GetAccessPointResult>");
        let (resources, _) = account(move |whom, what| match (whom, what) {
            (CONTROL, "accesspoint/reporting") => ok(&point),
            (CONTROL, _) | (_, "publicAccessBlock") => ok(&body),
            _ => configured(whom, what),
        });
        let shared = Shared::default();
        let bucket = resources.bucket(&target(Some("us-east-1")), &shared).await.unwrap();
        let expected = all_but("publicAccessBlock", "s3:GetBucketPublicAccessBlock Malformed");
        assert_eq!(states(&bucket), expected, "{left_out}");
        let itself = resources.account(&shared).await;
        assert_eq!(state(&itself.public_access_block), "s3:GetAccountPublicAccessBlock Malformed", "{left_out}");
        assert_eq!(itself.public_access_block, bucket.account_public_access_block);
        let access_point = sample::target(TargetKind::AccessPoint, "reporting");
        let found = resources.access_point(&access_point, &shared).await.unwrap();
        assert_eq!(state(&found.public_access_block), "s3:GetAccessPoint Malformed", "{left_out}");
    }
}

/// What no rule needs cannot change a verdict. Where logs and replicas go the remediation needs, and tags every finding tells.
#[tokio::test]
async fn what_no_rule_judges_by_that_is_switched_on_is_not_asked_for() {
    const ALWAYS: [(&str, &str); 3] = [(BUCKET, "logging"), (BUCKET, "replication"), (BUCKET, "tagging")];
    let cases: [(&str, &[(&str, &str)]); 10] = [
        ("s3-bucket-required-tags", &[]),
        ("s3-event-notifications-enabled", &[(BUCKET, "notification")]),
        ("s3-bucket-encryption-key-usable", &[(BUCKET, "encryption"), (KMS, KEY), (LOG_TARGET, "encryption")]),
        ("s3-bucket-cross-region-replication-enabled", &[(LOG_TARGET, "location"), (REPLICA, "location")]),
        ("s3-bucket-mfa-delete-enabled", &[(BUCKET, "lifecycle"), (BUCKET, "versioning")]),
        ("s3-bucket-public-access-blocked", &[(BUCKET, "publicAccessBlock")]),
        ("s3-account-public-access-blocked", &[(CONTROL, "configuration/publicAccessBlock")]),
        ("s3-access-point-public-access-blocked", &[(CONTROL, "accesspoint/reporting")]),
        (
            "cloudtrail-all-read-s3-data-event-check",
            &[(CLOUDTRAIL, "DescribeTrails"), (CLOUDTRAIL, TRAIL_STATUS), (CLOUDTRAIL, TRAIL_SELECTORS)],
        ),
        ("s3-directory-bucket-lifecycle-configured", &[(EXPRESS, DIRECTORY_BUCKET)]),
    ];
    for (only, expected) in cases {
        let (resources, requests) = account(configured);
        let shared = Shared::new(Needed::by(|rule| rule == only));
        let bucket = resources.bucket(&target(Some("us-east-1")), &shared).await.unwrap();
        assert_eq!(state(&bucket.policy), "s3:GetBucketPolicy NotLookedAt", "{only}");
        resources.account(&shared).await;
        let access_point = sample::target(TargetKind::AccessPoint, "reporting");
        assert!(resources.access_point(&access_point, &shared).await.is_some(), "{only}");
        let directory_bucket = sample::target(TargetKind::DirectoryBucket, DIRECTORY_BUCKET);
        assert!(resources.directory_bucket(&directory_bucket, &shared).await.is_some(), "{only}");
        let mut expected = [&ALWAYS[..], expected].concat();
        expected.sort_unstable();
        let asked = requests.made();
        let asked: Vec<(&str, &str)> = asked.iter().map(|it| (it.whom.as_str(), it.what.as_str())).collect();
        assert_eq!(asked, expected, "{only}");
    }
}

/// A shard of the account, three buckets, an access point and a directory bucket, read whole.
async fn scan_shard(resources: &S3Resources) {
    let targets = [
        (TargetKind::Account, ACCOUNT),
        (TargetKind::Bucket, "cards"),
        (TargetKind::Bucket, "ledger"),
        (TargetKind::Bucket, BUCKET),
        (TargetKind::AccessPoint, "reporting"),
        (TargetKind::DirectoryBucket, DIRECTORY_BUCKET),
    ];
    let targets = targets.map(|(kind, id)| sample::target(kind, id)).to_vec();
    let store = sample::store_with_targets(Service::S3, 1, targets).await.unwrap();
    let input = ScanShardInput {
        scan_id: sample::SCAN_ID.to_owned(),
        service: Service::S3,
        listing: sample::LISTING.to_owned(),
        shard: 1,
        at_once: NonZeroU32::MIN,
    };
    let output = handle(input, &Ports { store: &store, resources, now: || Timestamp::UNIX_EPOCH }).await.unwrap();
    assert_eq!(output.resources, 6);
}

#[tokio::test]
async fn what_a_shard_s_buckets_share_is_asked_for_once_and_by_the_next_shard_anew() {
    let (resources, requests) = account(configured);
    let shared = [
        (CONTROL, "configuration/publicAccessBlock"),
        (KMS, KEY),
        (LOG_TARGET, "encryption"),
        (LOG_TARGET, "object-lock"),
        (LOG_TARGET, "location"),
        (LOG_TARGET, "requestPayment"),
        (LOG_TARGET, "policy"),
        (LOG_TARGET, "ownershipControls"),
        (LOG_TARGET, "acl"),
        (REPLICA, "location"),
        (CLOUDTRAIL, "DescribeTrails"),
        (CLOUDTRAIL, TRAIL_STATUS),
        (CLOUDTRAIL, TRAIL_SELECTORS),
    ];
    for shards in 1..=2 {
        scan_shard(&resources).await;
        for (whom, what) in shared {
            assert_eq!(requests.count(whom, what), shards, "{whom} {what}");
        }
        // What is shared, 13 settings of each of three buckets, the access point, and the directory bucket.
        assert_eq!(requests.made().len(), shards * (shared.len() + 3 * SETTINGS.len() + 2));
    }
}

#[tokio::test]
async fn every_request_waits_for_its_budget() {
    // Requests are spread evenly: the first goes at once, and each further one waits its part of a second.
    let (mut resources, requests) = account(configured);
    resources.budget = a_second(50);
    let started = Instant::now();
    scan_shard(&resources).await;
    let to_others = requests.made().iter().filter(|asked| [KMS, CLOUDTRAIL].contains(&asked.whom.as_str())).count();
    let to_s3 = u32::try_from(requests.made().len() - to_others).unwrap();
    assert!(started.elapsed() >= Duration::from_millis(20) * (to_s3 - 1), "{to_s3} requests");

    // Three buckets, each with a key of its own.
    let (mut resources, _) = account(|whom, what| match (whom, what) {
        (KMS, _) => ok(&described("Enabled")),
        (bucket, "encryption") => ok(&SETTINGS[0].2.replace("0a1b", bucket)),
        _ => configured(whom, what),
    });
    resources.key_budget = a_second(2);
    let started = Instant::now();
    scan_shard(&resources).await;
    assert!(started.elapsed() >= Duration::from_secs(1));

    // One request for the list, and two for its trail.
    let (mut resources, _) = account(configured);
    resources.trail_budget = a_second(2);
    let started = Instant::now();
    resources.account(&Shared::default()).await;
    assert!(started.elapsed() >= Duration::from_secs(1));
}

/// What the account's trails are, with CloudTrail answering this.
async fn trails_with(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> (Reading<Vec<Trail>>, Requests) {
    let (resources, requests) = account(move |whom, what| match whom {
        CLOUDTRAIL => answer(what),
        _ => configured(whom, what),
    });
    (resources.account(&Shared::default()).await.trails, requests)
}

/// The only trail of the account, with CloudTrail saying this of it.
async fn the_trail(status: Answer, selectors: Answer) -> Trail {
    let (trails, _) = trails_with(move |what| match what {
        TRAIL_STATUS => status.clone(),
        TRAIL_SELECTORS => selectors.clone(),
        _ => configured(CLOUDTRAIL, what),
    })
    .await;
    trails.listed().unwrap().first().unwrap().clone()
}

#[tokio::test]
async fn trails_are_read_with_what_they_select() {
    let selectors = ok(r#"{"TrailARN":"a","EventSelectors":[
        {"ReadWriteType":"WriteOnly","IncludeManagementEvents":true,"DataResources":[
            {"Type":"AWS::S3::Object","Values":["arn:aws:s3"]},{"Type":"AWS::Lambda::Function","Values":["arn:aws:lambda"]}]},
        {"ReadWriteType":"ReadOnly","IncludeManagementEvents":false,"DataResources":[]}]}"#);
    let of = |resource_type: &str, value: &str| DataResource {
        resource_type: resource_type.to_owned(),
        values: vec![value.to_owned()],
    };
    let basic = vec![
        EventSelector::Basic {
            reads: false,
            writes: true,
            data_resources: vec![of("AWS::S3::Object", "arn:aws:s3"), of("AWS::Lambda::Function", "arn:aws:lambda")],
        },
        EventSelector::Basic { reads: true, writes: false, data_resources: Vec::new() },
    ];
    let expected = Trail {
        arn: TRAIL.to_owned(),
        is_multi_region: true,
        is_logging: Reading::seen(false),
        selectors: Reading::seen(basic),
    };
    assert_eq!(the_trail(ok(r#"{"IsLogging":false}"#), selectors).await, expected);

    let selectors = ok(r#"{"AdvancedEventSelectors":[{"Name":"objects","FieldSelectors":[
        {"Field":"eventCategory","Equals":["Data"]},
        {"Field":"resources.ARN","StartsWith":["a"],"EndsWith":["b"],"NotEquals":["c"],"NotStartsWith":["d"],
         "NotEndsWith":["e"]}]}]}"#);
    let one = |value: &str| vec![value.to_owned()];
    let category = FieldSelector { field: "eventCategory".to_owned(), equals: one("Data"), ..FieldSelector::default() };
    let arn = FieldSelector {
        field: "resources.ARN".to_owned(),
        equals: Vec::new(),
        starts_with: one("a"),
        ends_with: one("b"),
        not_equals: one("c"),
        not_starts_with: one("d"),
        not_ends_with: one("e"),
    };
    let advanced = the_trail(ok(r#"{"IsLogging":true}"#), selectors).await.selectors;
    assert_eq!(advanced, Reading::seen(vec![EventSelector::Advanced(vec![category, arn])]));
}

#[tokio::test]
async fn of_a_trail_of_one_region_no_more_is_asked_and_no_trail_is_an_answer() {
    let (trails, requests) = trails_with(|what| match what {
        "DescribeTrails" => ok(&self::trails(&[(TRAIL, false)])),
        _ => panic!("CloudTrail was asked for {what}"),
    })
    .await;
    let trail = &trails.listed().unwrap()[0];
    assert!(!trail.is_multi_region);
    assert_eq!(state(&trail.is_logging), "cloudtrail:GetTrailStatus NotLookedAt");
    assert_eq!(state(&trail.selectors), "cloudtrail:GetEventSelectors NotLookedAt");
    assert_eq!(requests.count(CLOUDTRAIL, "DescribeTrails"), 1);

    let (trails, _) = trails_with(|_| ok(r#"{"trailList":[]}"#)).await;
    assert_eq!(trails, Reading::seen(Vec::new()));
}

/// Members of an organization are told that its trail is there. What they were answered about it: [by its ARN][577].
///
/// [577]: https://github.com/turbot/steampipe-plugin-aws/issues/577
#[tokio::test]
async fn a_refusal_about_the_organization_s_trail_names_whom_to_ask_and_is_no_value() {
    const THEIRS: &str = "arn:aws:cloudtrail:us-west-2:444455556666:trail/organization";
    let (trails, _) = trails_with(|what| match what {
        "DescribeTrails" => ok(&self::trails(&[(THEIRS, true), (TRAIL, true)])),
        "GetTrailStatus arn:aws:cloudtrail:us-west-2:444455556666:trail/organization" => ok(r#"{"IsLogging":true}"#),
        "GetEventSelectors arn:aws:cloudtrail:us-west-2:444455556666:trail/organization" => {
            kms_error("CloudTrailARNInvalidException")
        }
        _ => configured(CLOUDTRAIL, what),
    })
    .await;
    let trails = trails.listed().unwrap();
    assert_eq!(trails[0].is_logging, Reading::seen(true));
    let Reading::Unreadable(why) = &trails[0].selectors else { panic!("a refusal is no value") };
    assert_eq!((why.action.as_str(), why.cause), ("cloudtrail:GetEventSelectors", UnreadableCause::Failed));
    let told = "CloudTrailARNInvalidException; the trail is account 444455556666's, which alone may be told";
    assert_eq!(why.detail, told);
    assert_eq!(state(&trails[1].selectors), "seen");
}

#[tokio::test]
async fn what_cloudtrail_does_not_answer_is_no_value() {
    let no_list = [
        (ok("{}"), "cloudtrail:DescribeTrails Malformed"),
        (ok(r#"{"trailList":[{"TrailARN":"a"}]}"#), "cloudtrail:DescribeTrails Malformed"),
        (ok(r#"{"trailList":[{"IsMultiRegionTrail":true}]}"#), "cloudtrail:DescribeTrails Malformed"),
        (kms_error("AccessDeniedException"), "cloudtrail:DescribeTrails AccessDenied"),
        (kms_error("ThrottlingException"), "cloudtrail:DescribeTrails Throttled"),
    ];
    for (answer, expected) in no_list {
        let (trails, _) = trails_with(move |_| answer.clone()).await;
        assert_eq!(state(&trails), expected);
    }
    let status = the_trail(ok("{}"), ok(MANAGEMENT_EVENTS)).await.is_logging;
    assert_eq!(state(&status), "cloudtrail:GetTrailStatus Malformed");
    let no_selectors = [
        "{}",
        r#"{"EventSelectors":[]}"#,
        r#"{"AdvancedEventSelectors":[]}"#,
        r#"{"EventSelectors":[{"DataResources":[]}]}"#,
        r#"{"EventSelectors":[{"ReadWriteType":"Some","DataResources":[]}]}"#,
        r#"{"EventSelectors":[{"ReadWriteType":"All"}]}"#,
        r#"{"EventSelectors":[{"ReadWriteType":"All","DataResources":[{"Type":"AWS::S3::Object"}]}]}"#,
        r#"{"AdvancedEventSelectors":[{"FieldSelectors":[]}]}"#,
        r#"{"AdvancedEventSelectors":[{"FieldSelectors":[{"Field":"readOnly"}]}]}"#,
    ];
    for answer in no_selectors {
        let selectors = the_trail(ok(r#"{"IsLogging":true}"#), ok(answer)).await.selectors;
        assert_eq!(state(&selectors), "cloudtrail:GetEventSelectors Malformed", "{answer}");
    }
}
