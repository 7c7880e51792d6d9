use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::*;

const ARN: &str = "arn:aws:kms:us-east-1:123456789012:key/1";

fn kms_answering(answers: &[Value]) -> (KmsKeys, StaticReplayClient) {
    let events = answers.iter().map(|answer| {
        let status = if answer.get("__type").is_some() { 400 } else { 200 };
        ReplayEvent::new(
            http::Request::builder().body("".into()).unwrap(),
            http::Response::builder().status(status).body(answer.to_string().into()).unwrap(),
        )
    });
    let http = StaticReplayClient::new(events.collect());
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .http_client(http.clone())
        .build();
    let tags = BTreeMap::from([("Owner".to_owned(), "platform".to_owned())]);
    let keys = KmsKeys::new(Client::from_conf(config), tags, "123456789012".to_owned(), "us-east-1".to_owned());
    (keys, http)
}

/// The requests that were sent: operation and JSON.
fn sent(http: &StaticReplayClient) -> Vec<(String, Value)> {
    let requests = http.actual_requests().map(|request| {
        let operation = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        (operation, serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap())
    });
    requests.collect()
}

#[tokio::test]
async fn a_key_says_whose_it_is_and_lets_the_account_use_it_through_s3() {
    let (keys, http) = kms_answering(&[json!({ "KeyMetadata": { "KeyId": "1", "Arn": ARN } })]);
    assert_eq!(keys.create("ledger").await, Ok(ARN.to_owned()));
    let expected = json!({
        "BypassPolicyLockoutSafetyCheck": true,
        "Description": "Encrypts the S3 bucket ledger. Data is lost if this key is deleted.",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": false,
        "Origin": "AWS_KMS",
        "Tags": [
            { "TagKey": "Owner", "TagValue": "platform" },
            { "TagKey": "compliance-audit:bucket", "TagValue": "ledger" },
        ],
    });
    let (operation, mut request) = sent(&http).remove(0);
    let policy = request.as_object_mut().unwrap().remove("Policy").unwrap();
    assert_eq!((operation.as_str(), request), ("TrentService.CreateKey", expected));

    let policy: Value = serde_json::from_str(policy.as_str().unwrap()).unwrap();
    let [control, usage] = policy["Statement"].as_array().unwrap().as_slice() else { panic!("{policy}") };
    assert_eq!(control["Principal"], json!({ "AWS": "arn:aws:iam::123456789012:root" }));
    assert_eq!(control["Action"], "kms:*");
    // Whoever else is let in is of this account and comes through S3.
    let through_s3 = json!({ "kms:CallerAccount": "123456789012", "kms:ViaService": "s3.us-east-1.amazonaws.com" });
    assert_eq!(usage["Condition"], json!({ "StringEquals": through_s3 }));
    assert!(usage["Action"].as_array().unwrap().iter().all(|action| action != "kms:*"), "{usage}");
}

#[tokio::test]
async fn a_key_is_found_by_its_alias_on_whatever_page() {
    let alias = |name: &str, key: &str| json!({ "AliasName": name, "TargetKeyId": key });
    let described = json!({ "KeyId": "1", "Arn": ARN, "KeyState": "Enabled", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT" });
    let (keys, http) = kms_answering(&[
        json!({ "Aliases": [alias("alias/aws/s3", "0")], "Truncated": true, "NextMarker": "more" }),
        json!({ "Aliases": [alias("alias/compliance-audit-ledger", "1")], "Truncated": false }),
        json!({ "KeyMetadata": described }),
    ]);
    let key = Key {
        arn: ARN.to_owned(),
        state: "Enabled".to_owned(),
        manager: "CUSTOMER".to_owned(),
        spec: "SYMMETRIC_DEFAULT".to_owned(),
    };
    assert_eq!(keys.find("alias/compliance-audit-ledger").await, Reading::seen(key));
    assert_eq!(sent(&http)[2], ("TrentService.DescribeKey".to_owned(), json!({ "KeyId": "1" })));
}

#[tokio::test]
async fn no_alias_is_no_key_and_half_an_answer_is_no_value() {
    let (keys, _) = kms_answering(&[json!({ "Aliases": [{ "AliasName": "alias/compliance-audit-ledger2" }] })]);
    assert_eq!(keys.find("alias/compliance-audit-ledger").await, Reading::Absent);

    // A key that KMS does not know leaves its alias: to take that for no key would be to make a second one.
    for described in [json!({ "KeyMetadata": { "KeyId": "1", "Arn": ARN } }), json!({ "__type": "NotFoundException" })]
    {
        let (keys, _) = kms_answering(&[
            json!({ "Aliases": [{ "AliasName": "alias/compliance-audit-ledger", "TargetKeyId": "1" }] }),
            described,
        ]);
        assert!(matches!(keys.find("alias/compliance-audit-ledger").await, Reading::Unreadable(_)));
    }
}

#[tokio::test]
async fn a_key_gets_its_alias_and_its_rotation() {
    let (keys, http) = kms_answering(&[json!({}), json!({})]);
    keys.name(ARN, "alias/compliance-audit-ledger").await.unwrap();
    keys.rotate(ARN).await.unwrap();
    let named = json!({ "AliasName": "alias/compliance-audit-ledger", "TargetKeyId": ARN });
    let expected = [
        ("TrentService.CreateAlias".to_owned(), named),
        ("TrentService.EnableKeyRotation".to_owned(), json!({ "KeyId": ARN })),
    ];
    assert_eq!(sent(&http), expected);
}
