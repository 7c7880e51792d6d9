//! What events say, whole and cut down.

use audit_model::Service;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::rules::cut_down;
use super::{Recorded, event, refused, understood};
use crate::Changed;

const BUCKET: &str = "s3.amazonaws.com";
const EC2: &str = "ec2.amazonaws.com";

fn put_policy() -> Value {
    event(BUCKET, "PutBucketPolicy", &json!({"bucketName": "ledger"}), &Value::Null)
}

fn tags(ids: impl IntoIterator<Item = String>) -> Value {
    let items: Vec<Value> = ids.into_iter().map(|id| json!({"resourceId": id})).collect();
    event(EC2, "CreateTags", &json!({"resourcesSet": {"items": items}}), &json!({"_return": true}))
}

#[test]
fn every_call_says_what_it_changed() {
    for recorded in Recorded::all() {
        let change = understood(&recorded.event()).unwrap_or_else(|| panic!("{recorded:?} changed nothing"));
        assert_eq!(change.resources, recorded.changed(), "{recorded:?}");
        assert_eq!(change.deleted, recorded.deleted, "{recorded:?}");
    }
}

#[test]
fn an_event_that_was_cut_down_says_the_same() {
    for recorded in Recorded::all() {
        let whole = recorded.event();
        let less = cut_down(recorded.call().rule, &whole);
        assert_eq!(understood(&less), understood(&whole), "{less}");
    }
}

#[test]
fn a_change_says_who_did_what_when_and_from_where() {
    let change = understood(&put_policy()).unwrap();
    assert_eq!(change.event_id, "b1a2c3d4-0000-4000-8000-0123456789ab");
    assert_eq!(change.event_name, "PutBucketPolicy");
    assert_eq!(change.event_time.to_string(), "2026-03-01T06:01:02Z");
    assert_eq!(change.principal, "arn:aws:sts::123456789012:assumed-role/Engineer/jane");
    assert_eq!(change.source_address, "203.0.113.7");
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>
#[test]
fn everybody_has_a_name() {
    let cases = [
        (
            json!({"type": "Root", "principalId": "123456789012", "accountId": "123456789012"}),
            "arn:aws:iam::123456789012:root",
        ),
        (
            json!({"type": "IAMUser", "principalId": "AIDAEXAMPLE", "accountId": "123456789012", "userName": "jane"}),
            "arn:aws:iam::123456789012:user/jane",
        ),
        (json!({"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}), "cloudformation.amazonaws.com"),
        (
            json!({"type": "AWSAccount", "principalId": "AROAEXAMPLE:jane", "accountId": "210987654321"}),
            "AWSAccount AROAEXAMPLE:jane 210987654321",
        ),
        (json!({"type": "Unknown"}), "Unknown"),
        (json!({"type": "", "arn": ""}), "nobody that CloudTrail names"),
    ];
    for (identity, expected) in cases {
        let mut event = put_policy();
        event["detail"]["userIdentity"] = identity;
        assert_eq!(understood(&event).unwrap().principal, expected);
    }
}

#[test]
fn a_call_that_failed_changed_nothing() {
    let mut event = put_policy();
    event["detail"]["errorCode"] = json!("AccessDenied");
    assert_eq!(understood(&event), None);
}

#[test]
fn what_the_auditor_does_itself_is_no_change() {
    let by = |role: &str, account: &str| {
        let mut event = put_policy();
        let identity = &mut event["detail"]["userIdentity"];
        identity["arn"] = json!(format!("arn:aws:sts::{account}:assumed-role/{role}/session"));
        identity["accountId"] = json!(account);
        identity["sessionContext"]["sessionIssuer"]["userName"] = json!(role);
        understood(&event)
    };
    for role in ["remediate-s3-encryption", "rollback-s3-encryption", "empty-bucket", "close-default-security-group"] {
        assert_eq!(by(&format!("{role}-role-dev-pr42"), "123456789012"), None);
    }
    // Roles that anybody could make who wants to be taken for the auditor, and another deployment's.
    for role in
        ["thief-role-dev-pr42", "remediate-s3-encryption-role-dev-pr42-x", "remediate-s3-encryption-role-dev-pr4"]
    {
        assert!(by(role, "123456789012").is_some(), "{role}");
    }
    assert!(by("remediate-s3-encryption-role-dev-pr42", "210987654321").is_some(), "a role of another account");
}

#[test]
fn what_is_of_another_account_is_no_change_here() {
    let mut event = put_policy();
    event["detail"]["resources"] = json!([{"accountId": "210987654321", "type": "AWS::S3::Bucket"}]);
    assert_eq!(understood(&event), None);
    let name = "arn:aws:lambda:us-east-1:210987654321:function:settle";
    let request = json!({"functionName": name});
    let event = super::event("lambda.amazonaws.com", "AddPermission20150331v2", &request, &Value::Null);
    assert_eq!(understood(&event), None);
}

#[test]
fn tags_of_what_no_finding_is_about_are_no_change() {
    assert_eq!(understood(&tags(["i-0a1b2c3d4e5f60718".into(), "vol-0a1b2c3d4e5f60718".into()])), None);
    let event = event(
        "lambda.amazonaws.com",
        "TagResource20170331v2",
        &json!({"resource": "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:1"}),
        &Value::Null,
    );
    assert_eq!(understood(&event), None);
}

#[test]
fn who_names_more_than_five_has_everything_looked_at() {
    let ids = |count: usize| (0..count).map(|number| format!("vpc-0a1b2c3d4e5f6071{number:x}"));
    let changed = |count: usize| {
        let whole = tags(ids(count));
        let change = understood(&whole).unwrap();
        assert_eq!(understood(&cut_down(crate::call::Rule::NetworkTags, &whole)).unwrap(), change);
        change.resources
    };
    assert_eq!(changed(5).len(), 5);
    assert_eq!(changed(6), [Changed::Service(Service::Vpc)]);
    assert_eq!(changed(9), [Changed::Service(Service::Vpc)]);
}

#[test]
fn an_event_that_is_not_understood_is_an_error_with_its_id() {
    let without = |path: &str| {
        let mut event = put_policy();
        let (parent, name) = path.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        refused(&event)
    };
    let id = "b1a2c3d4-0000-4000-8000-0123456789ab";
    for path in [
        "/account",
        "/detail/eventName",
        "/detail/eventTime",
        "/detail/eventSource",
        "/detail/awsRegion",
        "/detail/requestParameters",
        "/detail/requestParameters/bucketName",
    ] {
        let error = without(path);
        assert_eq!(error.event_id.as_deref(), Some(id), "{path}");
        assert!(error.to_string().contains(id), "{error}");
    }
    assert_eq!(without("/detail/eventID").event_id, None);
    assert_eq!(without("/detail/requestParameters").service, Some(Service::S3));
    assert_eq!(
        without("/detail/requestParameters/bucketName").to_string(),
        "the event b1a2c3d4-0000-4000-8000-0123456789ab is not understood: PutBucketPolicy names nothing of the kind that \
         it is about in any of detail.requestParameters.bucketName. What it changed is seen by the next scan of everything; \
         look at the event in CloudTrail by its id"
    );
    let unknown = event(BUCKET, "PutBucketCors", &json!({"bucketName": "ledger"}), &Value::Null);
    assert!(
        refused(&unknown).to_string().contains("\"PutBucketCors\" of \"s3.amazonaws.com\" is no call"),
        "{unknown}"
    );
    // What the pipe makes of a message that is no JSON.
    assert_eq!(refused(&json!("no event")).event_id, None);
}
