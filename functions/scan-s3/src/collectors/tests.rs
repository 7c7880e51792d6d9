use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use audit_model::plan::Target;
use audit_model::resource::{
    AclGrant, Bucket, BucketAcl, BucketEncryption, ObjectOwnership, PublicAccessBlock, Versioning,
};
use audit_model::{Reading, UnreadableCause};
use audit_task::Budget;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::test_util::infallible_client_fn;
use http::{Request, Response};
use pretty_assertions::assert_eq;

use super::{BucketCollector, S3Buckets, s3_control_client};

const ACCOUNT: &str = "111122223333";

/// The parameter in a request's address that says which setting is asked for, and S3's answer for a bucket of
/// which everything is configured. The forms are those of each call's page in the API reference.
const CONFIGURED: [(&str, &str); 8] = [
    (
        "encryption",
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256\
         </SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
    ),
    ("policy", r#"{"Version":"2012-10-17","Statement":[]}"#),
    ("policyStatus", "<PolicyStatus><IsPublic>true</IsPublic></PolicyStatus>"),
    (
        "acl",
        "<AccessControlPolicy><Owner><ID>owner</ID></Owner><AccessControlList><Grant><Grantee \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>owner</ID></Grantee>\
         <Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>",
    ),
    (
        "publicAccessBlock",
        "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>false\
         </IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>false\
         </RestrictPublicBuckets></PublicAccessBlockConfiguration>",
    ),
    (
        "ownershipControls",
        "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule></OwnershipControls>",
    ),
    ("versioning", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"),
    ("tagging", "<Tagging><TagSet><Tag><Key>Owner</Key><Value>ledger</Value></Tag></TagSet></Tagging>"),
];

/// An answer of S3: the status and the body.
type Answer = (u16, String);

fn error(status: u16, code: &str) -> Answer {
    (status, format!("<Error><Code>{code}</Code><Message>said so</Message></Error>"))
}

/// S3 Control wraps its errors, which S3 does not.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html>
fn control_error(status: u16, code: &str) -> Answer {
    let (status, error) = error(status, code);
    (status, format!("<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"))
}

/// A bucket of which everything is configured.
fn configured(setting: &str) -> Answer {
    let body = CONFIGURED.iter().find(|(name, _)| *name == setting).map(|(_, body)| (*body).to_owned());
    (200, body.unwrap_or_else(|| panic!("{setting} is no setting")))
}

/// The setting that a request asks for.
fn setting(uri: &http::Uri) -> &str {
    let named = |(name, _): &&(&'static str, _)| {
        uri.query().unwrap_or_default().split('&').any(|parameter| parameter.trim_end_matches('=') == *name)
    };
    CONFIGURED.iter().find(named).map_or_else(|| panic!("{uri} asks for no setting"), |(name, _)| name)
}

/// The address of a request, and the account that it says the bucket belongs to.
type Asked = (String, Option<String>);

#[derive(Clone, Default)]
struct Requests(Arc<Mutex<Vec<Asked>>>);

impl Requests {
    fn made(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }
}

/// The account's buckets, with S3 answering as `answer` says; S3 Control is asked under `endpoint`.
fn buckets_at(
    endpoint: Option<&str>,
    answer: impl Fn(&http::Uri) -> Answer + Send + Sync + 'static,
) -> (S3Buckets, Requests) {
    let requests = Requests::default();
    let seen = requests.clone();
    let http_client = infallible_client_fn(move |request: Request<_>| {
        let owner = request.headers().get("x-amz-expected-bucket-owner").map(|it| it.to_str().unwrap().to_owned());
        seen.0.lock().unwrap().push((request.uri().to_string(), owner));
        let (status, body) = answer(request.uri());
        Response::builder().status(status).body(body).unwrap()
    });
    let s3 = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .retry_config(RetryConfig::disabled())
        .http_client(http_client.clone())
        .build();
    let s3_control = aws_sdk_s3control::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .retry_config(RetryConfig::disabled())
        .http_client(http_client);
    let buckets = S3Buckets {
        s3: aws_sdk_s3::Client::from_conf(s3),
        s3_control: s3_control_client(s3_control, endpoint.map(ToOwned::to_owned)),
        account: ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
        budget: Budget::share(NonZeroU32::new(10_000).unwrap(), NonZeroU32::MIN),
    };
    (buckets, requests)
}

fn target(region: Option<&str>) -> Target {
    Target { id: "payments".to_owned(), region: region.map(ToOwned::to_owned) }
}

/// A bucket of the home region, read with S3 answering as `answer` says for each setting.
async fn read(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Option<Bucket> {
    let (buckets, _) = buckets_at(None, move |uri| answer(setting(uri)));
    buckets.bucket(&target(Some("us-east-1")), &Reading::Absent).await
}

/// Every reading of a bucket of its own, by the setting it comes from: the IAM action if it is unreadable with its
/// cause, `absent`, or `seen`.
fn states(bucket: &Bucket) -> Vec<(&'static str, String)> {
    fn state<T>(reading: &Reading<T>) -> String {
        match reading {
            Reading::Seen { .. } => "seen".to_owned(),
            Reading::Absent => "absent".to_owned(),
            Reading::Unreadable(why) => format!("{} {:?}", why.action, why.cause),
        }
    }
    vec![
        ("encryption", state(&bucket.encryption)),
        ("policy", state(&bucket.policy)),
        ("policyStatus", state(&bucket.policy_is_public)),
        ("acl", state(&bucket.acl)),
        ("publicAccessBlock", state(&bucket.public_access_block)),
        ("ownershipControls", state(&bucket.object_ownership)),
        ("versioning", state(&bucket.versioning)),
        ("tagging", state(&bucket.tags)),
    ]
}

/// The IAM action of each setting.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>
const ACTIONS: [(&str, &str); 8] = [
    ("encryption", "s3:GetEncryptionConfiguration"),
    ("policy", "s3:GetBucketPolicy"),
    ("policyStatus", "s3:GetBucketPolicyStatus"),
    ("acl", "s3:GetBucketAcl"),
    ("publicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ("ownershipControls", "s3:GetBucketOwnershipControls"),
    ("versioning", "s3:GetBucketVersioning"),
    ("tagging", "s3:GetBucketTagging"),
];

/// The states of a bucket that is `usual` in all settings but one.
fn all_but(usual: &str, setting: &str, state: &str) -> Vec<(&'static str, String)> {
    ACTIONS.iter().map(|(name, _)| (*name, if *name == setting { state } else { usual }.to_owned())).collect()
}

#[tokio::test]
async fn what_is_configured_is_read_whole() {
    let block = |on| PublicAccessBlock {
        block_public_acls: on,
        ignore_public_acls: !on,
        block_public_policy: on,
        restrict_public_buckets: !on,
    };
    let (buckets, requests) = buckets_at(None, |uri| configured(setting(uri)));
    let bucket = buckets.bucket(&target(Some("us-east-1")), &Reading::seen(block(false))).await.unwrap();

    assert_eq!(bucket.identity.arn, "arn:aws:s3:::payments");
    assert_eq!(
        bucket.encryption,
        Reading::seen(BucketEncryption {
            algorithm: "AES256".to_owned(),
            kms_key_id: None,
            bucket_key_enabled: false,
            blocked_encryption_types: Vec::new(),
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
    assert_eq!(bucket.public_access_block, Reading::seen(block(true)));
    assert_eq!(bucket.account_public_access_block, Reading::seen(block(false)));
    assert_eq!(bucket.object_ownership, Reading::seen(ObjectOwnership::BucketOwnerPreferred));
    assert_eq!(bucket.versioning, Reading::seen(Versioning::Suspended));
    assert_eq!(bucket.tags, Reading::seen([("Owner".to_owned(), "ledger".to_owned())].into()));

    // A bucket of that name in another account must not be taken for this one.
    let requests = requests.made();
    assert_eq!(requests.len(), 8);
    assert!(requests.iter().all(|(_, owner)| owner.as_deref() == Some(ACCOUNT)), "{requests:?}");
}

#[tokio::test]
async fn each_setting_has_its_own_way_to_be_absent() {
    let cases = [
        ("encryption", error(404, "ServerSideEncryptionConfigurationNotFoundError")),
        ("policy", error(404, "NoSuchBucketPolicy")),
        ("policyStatus", error(404, "NoSuchBucketPolicy")),
        ("publicAccessBlock", error(404, "NoSuchPublicAccessBlockConfiguration")),
        ("ownershipControls", error(404, "OwnershipControlsNotFoundError")),
        ("versioning", (200, "<VersioningConfiguration/>".to_owned())),
        ("tagging", error(404, "NoSuchTagSet")),
    ];
    for (absent, answer) in cases {
        let bucket = read(move |setting| if setting == absent { answer.clone() } else { configured(setting) }).await;
        assert_eq!(states(&bucket.unwrap()), all_but("seen", absent, "absent"), "{absent}");
    }
}

#[tokio::test]
async fn one_refused_read_spoils_no_other() {
    let refusals = [
        (error(403, "AccessDenied"), UnreadableCause::AccessDenied),
        (error(503, "SlowDown"), UnreadableCause::Throttled),
        (error(500, "InternalError"), UnreadableCause::Failed),
        (error(404, "NoSuchBucket"), UnreadableCause::Gone),
    ];
    for (refused, action) in ACTIONS {
        for (answer, cause) in refusals.clone() {
            let bucket =
                read(move |setting| if setting == refused { answer.clone() } else { configured(setting) }).await;
            let state = format!("{action} {cause:?}");
            assert_eq!(states(&bucket.unwrap()), all_but("seen", refused, &state), "{refused} {cause:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_lacks_what_it_must_hold_is_not_understood() {
    let cases = [
        ("policyStatus", "<PolicyStatus/>"),
        ("ownershipControls", "<OwnershipControls/>"),
        (
            "ownershipControls",
            "<OwnershipControls><Rule><ObjectOwnership>Nobody</ObjectOwnership></Rule></OwnershipControls>",
        ),
        ("versioning", "<VersioningConfiguration><Status>Perhaps</Status></VersioningConfiguration>"),
    ];
    for (strange, body) in cases {
        let bucket =
            read(move |setting| if setting == strange { (200, body.to_owned()) } else { configured(setting) }).await;
        let action = ACTIONS.iter().find(|(name, _)| *name == strange).map(|(_, action)| action).unwrap();
        assert_eq!(states(&bucket.unwrap()), all_but("seen", strange, &format!("{action} Malformed")), "{body}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_value() {
    // The policy is handed on as it comes; the rules read it.
    for (broken, action) in ACTIONS.iter().filter(|(setting, _)| *setting != "policy") {
        let answer = |setting: &str| if setting == *broken { (200, "<".to_owned()) } else { configured(setting) };
        let bucket = read(answer).await.unwrap();
        let state = states(&bucket).into_iter().find(|(setting, _)| setting == broken).unwrap().1;
        assert!(state.starts_with(action), "{broken}: {state}");
    }
}

#[tokio::test]
async fn a_bucket_has_gone_when_nothing_but_that_is_answered() {
    assert_eq!(read(|_| error(404, "NoSuchBucket")).await, None);
    // Some reads are denied, and the others find no bucket.
    let denied_too = |setting: &str| error(404, if setting == "acl" { "AccessDenied" } else { "NoSuchBucket" });
    assert_eq!(read(denied_too).await, None);
    // Nobody said that it has gone.
    let denied = read(|_| error(403, "AccessDenied")).await;
    assert!(denied.is_some());
}

#[tokio::test]
async fn nothing_is_asked_about_a_bucket_of_another_region() {
    let (buckets, requests) = buckets_at(None, |uri| panic!("{uri} was asked for"));
    let bucket = buckets.bucket(&target(Some("eu-west-1")), &Reading::Absent).await.unwrap();
    let expected: Vec<(&str, String)> =
        ACTIONS.iter().map(|(setting, action)| (*setting, format!("{action} OtherRegion"))).collect();
    assert_eq!(states(&bucket), expected);
    assert_eq!(bucket.identity.region, "eu-west-1");
    let Reading::Unreadable(why) = &bucket.policy else { panic!("a bucket out of reach has no policy") };
    assert!(why.detail.contains("eu-west-1"), "{why}");
    assert_eq!(requests.made(), []);
}

#[tokio::test]
async fn a_bucket_of_no_told_region_is_read_here_and_its_redirection_is_no_value() {
    let (buckets, _) = buckets_at(None, |uri| configured(setting(uri)));
    let here = buckets.bucket(&target(None), &Reading::Absent).await.unwrap();
    assert_eq!((here.identity.region.as_str(), here.versioning), ("us-east-1", Reading::seen(Versioning::Suspended)));

    let (buckets, _) = buckets_at(None, |_| error(301, "PermanentRedirect"));
    let elsewhere = buckets.bucket(&target(None), &Reading::Absent).await.unwrap();
    assert_eq!(elsewhere.identity.region, "unknown");
    assert!(states(&elsewhere).iter().all(|(_, state)| state.ends_with("Failed")), "{:?}", states(&elsewhere));
}

#[tokio::test]
async fn the_account_s_own_settings_are_read_absent_or_refused() {
    let block = PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: false,
        block_public_policy: true,
        restrict_public_buckets: false,
    };
    let (buckets, requests) = buckets_at(None, |_| configured("publicAccessBlock"));
    assert_eq!(buckets.account_public_access_block().await, Reading::seen(block));
    let asked = &requests.made()[0].0;
    assert_eq!(
        asked,
        "https://111122223333.s3-control.us-east-1.amazonaws.com/v20180820/configuration/publicAccessBlock"
    );

    let (buckets, _) = buckets_at(None, |_| control_error(404, "NoSuchPublicAccessBlockConfiguration"));
    assert_eq!(buckets.account_public_access_block().await, Reading::Absent);

    let (buckets, _) = buckets_at(None, |_| control_error(403, "AccessDenied"));
    let Reading::Unreadable(why) = buckets.account_public_access_block().await else { panic!("a denial is no value") };
    assert_eq!((why.action.as_str(), why.cause), ("s3:GetAccountPublicAccessBlock", UnreadableCause::AccessDenied));
}

#[tokio::test]
async fn three_of_the_four_block_settings_are_no_answer() {
    const SETTINGS: [&str; 4] = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
    for left_out in SETTINGS {
        let given = SETTINGS.iter().filter(|setting| **setting != left_out);
        let given: String = given.map(|setting| format!("<{setting}>true</{setting}>")).collect();
        let body = format!("<PublicAccessBlockConfiguration>{given}</PublicAccessBlockConfiguration>");
        let (buckets, _) = buckets_at(None, move |uri| match uri.host() {
            Some(host) if host.contains("s3-control") => (200, body.clone()),
            _ if setting(uri) == "publicAccessBlock" => (200, body.clone()),
            _ => configured(setting(uri)),
        });
        let account_block = buckets.account_public_access_block().await;
        let Reading::Unreadable(why) = &account_block else { panic!("{left_out} is not known of the account") };
        assert_eq!(why.cause, UnreadableCause::Malformed, "{left_out}");
        let bucket = buckets.bucket(&target(Some("us-east-1")), &account_block).await.unwrap();
        let expected = all_but("seen", "publicAccessBlock", "s3:GetBucketPublicAccessBlock Malformed");
        assert_eq!(states(&bucket), expected, "{left_out}");
    }
}

#[tokio::test]
async fn a_local_s3_control_is_called_as_it_stands() {
    let (buckets, requests) =
        buckets_at(Some("http://127.0.0.1:4566"), |_| control_error(404, "NoSuchPublicAccessBlockConfiguration"));
    assert_eq!(buckets.account_public_access_block().await, Reading::Absent);
    assert_eq!(requests.made()[0].0, "http://127.0.0.1:4566/v20180820/configuration/publicAccessBlock");
}
