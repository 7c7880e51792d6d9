//! A change of the account, from the events of its calls to whom it concerns.

use audit_model::summary::ScanStatus;
use audit_model::{Change, Finding, Status, TriggerKind};
use aws_sdk_ec2::types::{AttributeBooleanValue, PortRange, RuleAction};
use aws_sdk_lambda::types::FunctionUrlAuthType;
use aws_sdk_s3::types::{Tag, Tagging};
use jiff::{SignedDuration, Timestamp};
use pipeline_tests::System;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::alerts::{block, make_public, public_access};
use super::{assert_succeeded, without_remediation, words};

const BUCKET: &str = "changed-123456789012";
const PRINCIPAL: &str = "arn:aws:sts::123456789012:assumed-role/deployer/alex";

/// An event of a call in the form of CloudTrail, as EventBridge hands it on. Each `window` is settled by itself.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>
fn event(window: i64, source: &str, name: &str, parameters: &Value) -> Value {
    let time = Timestamp::now() - SignedDuration::from_mins(30 - window);
    json!({
        "version": "0",
        "id": format!("9d1b6d3a-0000-4000-8000-{window:012}"),
        "detail-type": "AWS API Call via CloudTrail",
        "source": format!("aws.{source}"),
        "account": "123456789012",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": "AROAEXAMPLEEXAMPLE:alex",
                "arn": PRINCIPAL,
                "accountId": "123456789012",
                "sessionContext": { "sessionIssuer": { "type": "Role", "userName": "deployer" } },
            },
            "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": format!("{source}.amazonaws.com"),
            "eventName": name,
            "awsRegion": "us-east-1",
            "sourceIPAddress": "198.51.100.7",
            "requestParameters": parameters,
            "responseElements": null,
            "eventID": format!("0f5a3f6e-0000-4000-8000-{window:012}"),
            "readOnly": false,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": "123456789012",
        },
    })
}

fn of_bucket(window: i64, name: &str) -> Value {
    event(window, "s3", name, &json!({ "bucketName": BUCKET }))
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_bucket_that_becomes_public_is_told_with_who_did_it_and_one_that_is_put_right_in_time_is_not() {
    let system = System::find().await;
    system.forget_alerts().await;
    assert_succeeded(&system.execute(&without_remediation()).await);
    system.take_emails().await;

    make_public(&system, BUCKET).await;
    let changed = of_bucket(1, "PutBucketPolicy");
    let ended = system.execute(&json!([of_bucket(0, "CreateBucket"), changed])).await;
    assert_succeeded(&ended);
    let plan = system.plan(ended.scan_id()).await;
    assert_eq!((plan.trigger.kind, plan.changes.len()), (TriggerKind::Change, 2));
    let [email] = system.take_emails().await.try_into().unwrap();
    assert!(email.subject.starts_with("[CRITICAL] 1 new, 1 open in changed resources of account"), "{}", email.subject);
    let body = words(&email.body);
    for told in [
        format!("PutBucketPolicy by {PRINCIPAL} from 198.51.100.7"),
        "event 0f5a3f6e-0000-4000-8000-000000000001".to_owned(),
        format!("- {BUCKET}: in the bucket policy statement \"EverybodyReads\" lets anyone in"),
    ] {
        assert!(body.contains(&told), "{told}: {}", email.body);
    }

    // Delivered once more.
    let again = system.execute(&json!([changed])).await;
    assert!(again.output["reason"].as_str().unwrap_or_default().contains("another scan looks at it"), "{again:?}");

    // Put right: it is resolved, and nobody is told of what is better.
    block(&system, BUCKET, Some(public_access(true))).await;
    let mended = system.execute(&json!([of_bucket(2, "PutBucketPublicAccessBlock")])).await;
    assert_succeeded(&mended);
    let findings = system.findings(mended.scan_id()).await;
    let public = findings.iter().find(|it| it.rule_id == "s3-bucket-public-read-prohibited").unwrap();
    assert_eq!((public.status, public.change), (Status::Compliant, Some(Change::Resolved)));

    // Opened, and put right before it was looked at.
    let events = json!([of_bucket(3, "DeletePublicAccessBlock"), of_bucket(3, "PutBucketPublicAccessBlock")]);
    assert_succeeded(&system.execute(&events).await);
    assert_eq!(system.take_emails().await, []);

    // Gone: what was open of it has ended, and the next scan of everything knows nothing of it.
    system.s3.delete_bucket_policy().bucket(BUCKET).send().await.unwrap();
    system.s3.delete_bucket().bucket(BUCKET).send().await.unwrap();
    assert_succeeded(&system.execute(&json!([of_bucket(4, "DeleteBucket")])).await);
    assert_eq!(system.take_emails().await, []);
}

fn verdict(findings: &[Finding], arn: &str, rule: &str) -> Option<(Status, Option<Change>)> {
    let found = findings.iter().find(|it| it.resource.arn == arn && it.rule_id == rule);
    found.map(|it| (it.status, it.change))
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn groups_acls_subnets_functions_and_tags_are_judged_after_a_change() {
    const FUNCTION: &str = "settle-batch";
    let system = System::find().await;
    let System { ec2, lambda, s3, .. } = &system;
    let vpc = ec2.create_vpc().cidr_block("10.99.0.0/16").send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
    let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block("10.99.1.0/24").send().await.unwrap();
    let subnet = subnet.subnet.unwrap().subnet_id.unwrap();
    let acl = ec2.create_network_acl().vpc_id(&vpc).send().await.unwrap();
    let acl = acl.network_acl.unwrap().network_acl_id.unwrap();
    let group = ec2.create_security_group().vpc_id(&vpc).group_name("changed").description("changed").send().await;
    let group = group.unwrap().group_id.unwrap();
    s3.create_bucket().bucket(BUCKET).send().await.unwrap();
    let tag = |key: &str| Tag::builder().key(key).value("payments").build().unwrap();
    let tags = ["Environment", "Owner", "CostCenter", "ComplianceLevel"].map(tag);
    let tags = Tagging::builder().set_tag_set(Some(tags.into())).build().unwrap();
    s3.put_bucket_tagging().bucket(BUCKET).tagging(tags).send().await.unwrap();
    assert_succeeded(&system.execute(&without_remediation()).await);

    let open = ec2.authorize_security_group_ingress().group_id(&group).ip_protocol("tcp").from_port(22).to_port(22);
    open.cidr_ip("0.0.0.0/0").send().await.unwrap();
    let entry = ec2.create_network_acl_entry().network_acl_id(&acl).rule_number(100).protocol("6").egress(false);
    let ports = PortRange::builder().from(22).to(22).build();
    entry.rule_action(RuleAction::Allow).cidr_block("0.0.0.0/0").port_range(ports).send().await.unwrap();
    let on = AttributeBooleanValue::builder().value(true).build();
    ec2.modify_subnet_attribute().subnet_id(&subnet).map_public_ip_on_launch(on).send().await.unwrap();
    let permission = lambda.add_permission().function_name(FUNCTION).statement_id("everybody").principal("*");
    permission.action("lambda:InvokeFunction").send().await.unwrap();
    let url = lambda.create_function_url_config().function_name(FUNCTION).auth_type(FunctionUrlAuthType::None);
    url.send().await.unwrap();
    s3.delete_bucket_tagging().bucket(BUCKET).send().await.unwrap();

    let events = json!([
        event(10, "ec2", "AuthorizeSecurityGroupIngress", &json!({ "groupId": group })),
        event(10, "ec2", "CreateNetworkAclEntry", &json!({ "networkAclId": acl, "ruleNumber": 100 })),
        event(10, "ec2", "ModifySubnetAttribute", &json!({ "subnetId": subnet })),
        event(10, "lambda", "AddPermission20150331v2", &json!({ "functionName": FUNCTION, "principal": "*" })),
        event(10, "lambda", "CreateFunctionUrlConfig", &json!({ "functionName": FUNCTION, "authType": "NONE" })),
        of_bucket(10, "DeleteBucketTagging"),
    ]);
    let ended = system.execute(&events).await;
    assert_succeeded(&ended);
    let summary = system.summary(ended.scan_id()).await;
    assert_eq!(summary.status, ScanStatus::Complete, "{:?}", summary.gaps);
    let findings = system.findings(ended.scan_id()).await;
    let in_ec2 = |kind: &str, id: &str| format!("arn:aws:ec2:us-east-1:123456789012:{kind}/{id}");
    let function = format!("arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}");
    let new = Some((Status::NonCompliant, Some(Change::New)));
    for (arn, rule) in [
        (in_ec2("security-group", &group), "security-group-ssh-from-internet-prohibited"),
        (in_ec2("network-acl", &acl), "network-acl-admin-ports-from-internet-prohibited"),
        (in_ec2("subnet", &subnet), "subnet-auto-assign-public-ip-disabled"),
        (function.clone(), "lambda-function-public-access-prohibited"),
        (function.clone(), "lambda-function-url-authenticated"),
        (format!("arn:aws:s3:::{BUCKET}"), "s3-bucket-required-tags"),
    ] {
        assert_eq!(verdict(&findings, &arn, rule), new, "{rule}");
    }

    let url = lambda.delete_function_url_config().function_name(FUNCTION);
    url.send().await.unwrap();
    lambda.remove_permission().function_name(FUNCTION).statement_id("everybody").send().await.unwrap();
    s3.delete_bucket().bucket(BUCKET).send().await.unwrap();
    ec2.delete_security_group().group_id(&group).send().await.unwrap();
    ec2.delete_network_acl().network_acl_id(&acl).send().await.unwrap();
    ec2.delete_subnet().subnet_id(&subnet).send().await.unwrap();
    ec2.delete_vpc().vpc_id(&vpc).send().await.unwrap();
    // What is no more is told by the same calls.
    let gone = json!([
        event(20, "ec2", "DeleteSecurityGroup", &json!({ "groupId": group })),
        event(20, "lambda", "RemovePermission20150331v2", &json!({ "functionName": FUNCTION })),
        event(20, "lambda", "DeleteFunctionUrlConfig", &json!({ "functionName": FUNCTION })),
    ]);
    let ended = system.execute(&gone).await;
    assert_succeeded(&ended);
    let findings = system.findings(ended.scan_id()).await;
    let resolved = Some((Status::Compliant, Some(Change::Resolved)));
    assert_eq!(verdict(&findings, &function, "lambda-function-public-access-prohibited"), resolved);
    system.take_emails().await;
}

/// As the pipe hands it on: a thousand events in ten batches, by turns over 200 buckets, while all of the account is read.
#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_storm_of_changes_ends_in_few_scans_and_disturbs_no_scan_of_everything() {
    const BUCKETS: usize = 200;
    let system = System::find().await;
    let name = |number: usize| format!("storm-{:03}", number % BUCKETS);
    for number in 0..BUCKETS {
        system.s3.create_bucket().bucket(name(number)).send().await.unwrap();
    }
    let everything = system.start(&without_remediation()).await;
    let batches = (0..10).map(|batch| {
        // Each bucket is changed five times within a minute: in the last window of this test.
        let call = |number: usize| event(29, "s3", "PutBucketTagging", &json!({ "bucketName": name(number) }));
        (batch * 100..(batch + 1) * 100).map(call).collect::<Value>()
    });
    let mut executions = Vec::new();
    for batch in batches {
        executions.push(system.start(&batch).await);
    }

    let full = system.end_of(&everything).await;
    assert_succeeded(&full);
    assert_eq!(system.summary(full.scan_id()).await.status, ScanStatus::Complete);
    let mut judged = Vec::new();
    let mut scans = 0;
    for execution in &executions {
        let ended = system.end_of(execution).await;
        assert_succeeded(&ended);
        if ended.output.get("reason").is_some() {
            continue;
        }
        scans += 1;
        let summary = system.summary(ended.scan_id()).await;
        assert_eq!(summary.status, ScanStatus::Complete, "{:?}", summary.gaps);
        let named = system.plan(ended.scan_id()).await.resources;
        judged.extend(named.iter().map(|named| named.id().to_owned()));
    }
    judged.sort();
    assert_eq!(judged, (0..BUCKETS).map(name).collect::<Vec<_>>(), "each once, after the window of its changes");
    assert_eq!(scans, 2, "a hundred buckets each");

    for number in 0..BUCKETS {
        system.s3.delete_bucket().bucket(name(number)).send().await.unwrap();
    }
    system.take_emails().await;
}
