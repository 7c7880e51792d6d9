//! What the functions ask of AWS KMS, AWS CloudTrail, AWS Step Functions, Amazon SNS and Amazon CloudWatch.

use serde_json::{Value, json};

use super::{Call, Dialect, signed_for, signing};
use crate::account::ACCOUNT;
use crate::http::{Answer, Request, value};

/// The account's trail.
const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";

pub(super) fn answer(service: &str, region: &str, request: &Request) -> (Call, Answer) {
    let call = |service: &str, api: &str, target: &str, dialect| Call {
        api: format!("{service}:{api}"),
        target: target.to_owned(),
        dialect,
        of_the_account: ["kms", "cloudtrail"].contains(&service),
    };
    match service {
        // The operation stands behind a dot: TrentService.DescribeKey
        "kms" | "cloudtrail" | "states" => {
            let api = request.header("x-amz-target").and_then(|it| it.rsplit('.').next()).unwrap_or_default();
            let input: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let target =
                ["KeyId", "Name", "TrailName"].into_iter().find_map(|it| input[it].as_str()).unwrap_or_default();
            let answer = match api {
                // A key is known in its region only: https://docs.aws.amazon.com/kms/latest/developerguide/overview.html
                "DescribeKey" if target.starts_with("arn:") && target.split(':').nth(3) != Some(region) => {
                    Dialect::Json.error(400, "NotFoundException")
                }
                "DescribeKey" => json_of(&described_key(region, target)),
                "ListAliases" => json_of(&json!({"Aliases": [], "Truncated": false})),
                "ListKeys" => json_of(&json!({"Keys": [], "Truncated": false})),
                "GetPublicKey" => signing::get_public_key().map_or_else(|_| Dialect::Json.unknown(), |it| json_of(&it)),
                "Sign" => signing::sign(&input).map_or_else(|_| Dialect::Json.unknown(), |it| json_of(&it)),
                "ListResourceTags" => json_of(&json!({"Tags": [], "Truncated": false})),
                "DescribeTrails" => json_of(&json!({"trailList": [{"TrailARN": TRAIL, "IsMultiRegionTrail": true}]})),
                "GetTrailStatus" => json_of(&json!({"IsLogging": true})),
                // What is written to objects is recorded, and what is read is not.
                "GetEventSelectors" => json_of(&json!({"TrailARN": TRAIL, "EventSelectors": [{
                    "ReadWriteType": "WriteOnly", "IncludeManagementEvents": true,
                    "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
                }]})),
                "ListExecutions" => json_of(&json!({"executions": []})),
                _ => Dialect::Json.unknown(),
            };
            (call(service, api, target, Dialect::Json), answer)
        }
        // The operation ends the path: /service/GraniteServiceVersion20100801/operation/PutMetricData
        "monitoring" => {
            let api = request.path.rsplit('/').next().unwrap_or_default();
            let nothing =
                Answer::new(200, "application/cbor", b"\xa0".as_slice()).with("smithy-protocol", "rpc-v2-cbor");
            (call("cloudwatch", api, "", Dialect::Cbor), nothing)
        }
        _ => {
            // Every key is that of a user of its name.
            let ([key, ..], form) = (signed_for(request), request.form());
            let api = value(&form, "Action").unwrap_or_default();
            let answer = match api {
                "GetTopicAttributes" => query(
                    api,
                    "<Attributes><entry><key>SubscriptionsConfirmed</key><value>1</value></entry><entry>\
                     <key>SubscriptionsPending</key><value>0</value></entry></Attributes>",
                ),
                "Publish" => query(api, "<MessageId>message-1</MessageId>"),
                "GetCallerIdentity" => query(
                    api,
                    &format!(
                        "<Arn>arn:aws:iam::{ACCOUNT}:user/{key}</Arn><UserId>AIDA</UserId><Account>{ACCOUNT}</Account>"
                    ),
                ),
                _ => Dialect::Query.unknown(),
            };
            (call(service, api, "", Dialect::Query), answer)
        }
    }
}

fn json_of(body: &Value) -> Answer {
    Answer::new(200, "application/x-amz-json-1.1", body.to_string())
}

fn query(api: &str, result: &str) -> Answer {
    Answer::new(200, "text/xml", format!("<{api}Response><{api}Result>{result}</{api}Result></{api}Response>"))
}

/// A key that the account manages, or the one that AWS manages for S3.
fn described_key(region: &str, key: &str) -> Value {
    let (arn, id) = match key.rsplit_once('/') {
        Some((_, id)) => (key.to_owned(), id),
        None => (format!("arn:aws:kms:{region}:{ACCOUNT}:key/{key}"), key),
    };
    json!({"KeyMetadata": {
        "AWSAccountId": ACCOUNT, "KeyId": id, "Arn": arn, "Enabled": true, "KeyState": "Enabled",
        "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS",
    }})
}
