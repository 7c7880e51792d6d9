use std::num::NonZeroU32;

use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::*;

const ARN: &str = "arn:aws:kms:us-east-1:123456789012:key/1";

fn kms_answering(answers: &[Value]) -> (KmsKeys, StaticReplayClient) {
    let answers = answers.iter().map(|answer| {
        let status = match answer.get("__type") {
            None => 200,
            Some(fault) if fault == "KMSInternalException" => 500,
            Some(_) => 400,
        };
        (status, answer.to_string())
    });
    kms_sending(answers.collect())
}

/// AWS KMS as it answers with a status and a body.
fn kms_sending(answers: Vec<(u16, String)>) -> (KmsKeys, StaticReplayClient) {
    let events = answers.into_iter().map(|(status, body)| {
        ReplayEvent::new(
            http::Request::builder().body("".into()).unwrap(),
            http::Response::builder().status(status).body(body.into()).unwrap(),
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
    let budget = Budget::new(NonZeroU32::MAX);
    let keys = KmsKeys::new(Client::from_conf(config), tags, "123456789012".to_owned(), "us-east-1".to_owned(), budget);
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
    assert_eq!(keys.create("ledger").await.result, Ok(ARN.to_owned()));
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

/// A request that made a key, and whose answer was lost, must not be sent again.
#[tokio::test]
async fn making_a_key_is_tried_once() {
    let fault = json!({ "__type": "KMSInternalException" });
    let (keys, http) = kms_answering(&[fault.clone(), fault.clone(), fault]);
    assert_eq!(keys.create("ledger").await.result.unwrap_err().name(), "Unavailable");
    assert_eq!(sent(&http).len(), 1);
    // Other calls are tried again: this one is an exception.
    let (keys, http) = kms_answering(&[json!({ "__type": "KMSInternalException" }), json!({})]);
    assert_eq!((keys.rotate(ARN).await.result, sent(&http).len()), (Ok(()), 2));
    // A refusal made nothing; whatever else is wrong with the answer, the key may be there.
    let (keys, _) = kms_answering(&[json!({ "__type": "LimitExceededException" })]);
    assert_eq!(keys.create("ledger").await.result.unwrap_err().name(), "Throttled");
    for (status, body) in
        [(200, r#"{"KeyMetadata":{"Arn":"arn:aws"#), (502, "Bad gateway"), (503, r#"{"__type":"Odd"}"#)]
    {
        let (keys, _) = kms_sending(vec![(status, body.to_owned())]);
        assert_eq!(keys.create("ledger").await.result.unwrap_err().name(), "Unavailable", "{status} {body}");
    }
    let (keys, _) = kms_answering(&[json!({ "KeyMetadata": { "KeyId": "1" } })]);
    assert_eq!(keys.create("ledger").await.result.unwrap_err().name(), "Unavailable");
}

fn alias(name: &str, key: &str) -> Value {
    json!({ "AliasName": name, "TargetKeyId": key })
}

fn tags(tags: &[(&str, &str)]) -> Value {
    let tags: Vec<_> = tags.iter().map(|(key, value)| json!({ "TagKey": key, "TagValue": value })).collect();
    json!({ "Tags": tags, "Truncated": false })
}

/// A key's policy denies what the role may do.
fn kept_out() -> Value {
    let message = "User: a is not authorized to perform: kms:ListResourceTags on this resource because no resource-based \
                   policy allows the kms:ListResourceTags action";
    json!({ "__type": "AccessDeniedException", "message": message })
}

/// The role itself may not.
fn denied() -> Value {
    let message = "User: a is not authorized to perform: kms:ListResourceTags on resource: b because no identity-based \
                   policy allows the kms:ListResourceTags action";
    json!({ "__type": "AccessDeniedException", "message": message })
}

fn own() -> Value {
    tags(&[("Owner", "platform"), ("compliance-audit:bucket", "ledger")])
}

#[tokio::test]
async fn a_key_is_found_by_its_alias_on_whatever_page_and_must_be_tagged_as_the_bucket_s_own() {
    let described = json!({
        "KeyId": "1", "Arn": ARN, "KeyState": "Enabled", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT"
    });
    let (keys, http) = kms_answering(&[
        json!({ "Aliases": [alias("alias/aws/s3", "0")], "Truncated": true, "NextMarker": "more" }),
        json!({ "Aliases": [alias("alias/compliance-audit-ledger", "1")], "Truncated": false }),
        own(),
        json!({ "KeyMetadata": described }),
    ]);
    let key = Key {
        arn: ARN.to_owned(),
        state: "Enabled".to_owned(),
        manager: "CUSTOMER".to_owned(),
        spec: "SYMMETRIC_DEFAULT".to_owned(),
    };
    assert_eq!(keys.named("ledger").await, Reading::seen(key));
    assert_eq!(sent(&http)[3], ("TrentService.DescribeKey".to_owned(), json!({ "KeyId": "1" })));

    for foreign in [tags(&[]), tags(&[("compliance-audit:bucket", "payments")]), kept_out()] {
        let aliases = json!({ "Aliases": [alias("alias/compliance-audit-ledger", "1")], "Truncated": false });
        let (keys, _) = kms_answering(&[aliases, foreign]);
        let reading = keys.named("ledger").await;
        assert!(matches!(&reading, Reading::Unreadable(why) if why.detail.contains("delete the alias")), "{reading:?}");
    }
}

#[tokio::test]
async fn no_alias_is_no_key_and_half_an_answer_is_no_value() {
    let (keys, _) = kms_answering(&[json!({ "Aliases": [{ "AliasName": "alias/compliance-audit-ledger2" }] })]);
    assert_eq!(keys.named("ledger").await, Reading::Absent);

    // A key that KMS does not know leaves its alias: to take that for no key would be to make a second one.
    for described in [json!({ "KeyMetadata": { "KeyId": "1", "Arn": ARN } }), json!({ "__type": "NotFoundException" })]
    {
        let aliases = json!({ "Aliases": [alias("alias/compliance-audit-ledger", "1")] });
        let (keys, _) = kms_answering(&[aliases, own(), described]);
        assert!(matches!(keys.named("ledger").await, Reading::Unreadable(_)));
    }
}

#[tokio::test]
async fn keys_without_an_alias_are_found_by_their_tag_on_whatever_page() {
    let listed = |arns: &[&str]| arns.iter().map(|arn| json!({ "KeyArn": arn })).collect::<Vec<_>>();
    let (keys, http) = kms_answering(&[
        json!({ "Keys": listed(&["foreign", "locked"]), "Truncated": true, "NextMarker": "more" }),
        tags(&[("Owner", "platform")]),
        // A key that keeps this account's IAM out was not made here as it is.
        kept_out(),
        json!({ "Keys": listed(&["first", "gone", "second"]), "Truncated": false }),
        json!({ "Tags": [{ "TagKey": "Owner", "TagValue": "platform" }], "Truncated": true, "NextMarker": "more" }),
        own(),
        json!({ "__type": "NotFoundException" }),
        own(),
    ]);
    let expected = BTreeMap::from([("ledger".to_owned(), vec!["first".to_owned(), "second".to_owned()])]);
    assert_eq!(keys.tagged().await, Ok(expected));
    assert_eq!(sent(&http).len(), 8);

    // Not to know all keys is to know nothing of the one that is missing.
    for unknown in [json!({ "__type": "InvalidArnException" }), denied(), json!({ "__type": "AccessDeniedException" })]
    {
        let (keys, _) = kms_answering(&[json!({ "Keys": listed(&["first"]) }), unknown]);
        assert_eq!(keys.tagged().await.unwrap_err().action, "kms:ListResourceTags");
    }
    let (keys, _) = kms_answering(&[json!({ "__type": "AccessDeniedException" })]);
    assert_eq!(keys.tagged().await.unwrap_err().action, "kms:ListKeys");
}

#[tokio::test]
async fn a_key_gets_its_alias_and_its_rotation_and_is_tried_out_for_its_bucket() {
    let (keys, http) = kms_answering(&[json!({}), json!({}), json!({ "CiphertextBlob": "AA==", "KeyId": ARN })]);
    assert_eq!(keys.name(ARN, "ledger").await.result, Ok(()));
    assert_eq!(keys.rotate(ARN).await.result, Ok(()));
    assert_eq!(keys.try_out(ARN, "ledger").await, Ok(()));
    let named = json!({ "AliasName": "alias/compliance-audit-ledger", "TargetKeyId": ARN });
    let tried =
        json!({ "KeyId": ARN, "KeySpec": "AES_256", "EncryptionContext": { "aws:s3:arn": "arn:aws:s3:::ledger" } });
    let expected = [
        ("TrentService.CreateAlias".to_owned(), named),
        ("TrentService.EnableKeyRotation".to_owned(), json!({ "KeyId": ARN })),
        ("TrentService.GenerateDataKeyWithoutPlaintext".to_owned(), tried),
    ];
    assert_eq!(sent(&http), expected);

    let (keys, _) = kms_answering(&[json!({ "__type": "DisabledException" })]);
    assert!(keys.try_out(ARN, "ledger").await.unwrap_err().to_string().contains("DisabledException"));
}
