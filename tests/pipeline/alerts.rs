//! What people and programs hear of, scan after scan.

use audit_model::{AlertState, Severity};
use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use pipeline_tests::System;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{assert_succeeded, without_remediation, words};

#[path = "../../functions/notify-critical/src/tests/schema.rs"]
mod schema;

const MENDED: &str = "payments-website-123456789012";
const NEW: &str = "second-scan-123456789012";

pub(super) fn public_access(blocked: bool) -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .block_public_acls(blocked)
        .ignore_public_acls(blocked)
        .block_public_policy(blocked)
        .restrict_public_buckets(blocked)
        .build()
}

/// Puts a bucket's settings, and answers with those of before.
pub(super) async fn block(
    system: &System,
    bucket: &str,
    settings: Option<PublicAccessBlockConfiguration>,
) -> Option<PublicAccessBlockConfiguration> {
    let before = system.s3.get_public_access_block().bucket(bucket).send().await;
    let before = before.ok().and_then(|answer| answer.public_access_block_configuration);
    match settings {
        Some(settings) => {
            let put = system.s3.put_public_access_block().bucket(bucket).public_access_block_configuration(settings);
            put.send().await.unwrap();
        }
        None => {
            system.s3.delete_public_access_block().bucket(bucket).send().await.unwrap();
        }
    }
    before
}

/// Makes a bucket that anybody may read.
pub(super) async fn make_public(system: &System, bucket: &str) {
    system.s3.create_bucket().bucket(bucket).send().await.unwrap();
    block(system, bucket, Some(public_access(false))).await;
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "EverybodyReads",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": format!("arn:aws:s3:::{bucket}/*"),
        }],
    });
    system.s3.put_bucket_policy().bucket(bucket).policy(policy.to_string()).send().await.unwrap();
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_scan_tells_what_is_new_and_mended_then_nothing_then_a_reminder() {
    let system = System::find().await;
    let new_and_critical = json!({ "kind": ["violations"], "severity": ["CRITICAL"] });
    let queue = system.subscribe_queue("new-and-critical", &new_and_critical).await;
    system.forget_alerts().await;
    system.take_emails().await;

    let first = system.execute(&without_remediation()).await;
    assert_succeeded(&first);
    let open = system.summary(first.scan_id()).await.alerting_violations;
    let [email] = system.take_emails().await.try_into().unwrap();
    assert!(email.subject.starts_with(&format!("[CRITICAL] {open} new, {open} open")), "{}", email.subject);

    make_public(&system, NEW).await;
    let before = block(&system, MENDED, Some(public_access(true))).await;
    let second = system.execute(&without_remediation()).await;
    let third = system.execute(&without_remediation()).await;
    assert_succeeded(&second);
    let emails = system.take_emails().await;
    let [email] = &emails[..] else { panic!("{:?}", emails.iter().map(|it| &it.subject).collect::<Vec<_>>()) };
    println!("Subject: {}\n\n{}", email.subject, email.body);
    assert!(email.subject.starts_with(&format!("[CRITICAL] 1 new, {open} open")), "{}", email.subject);
    let body = words(&email.body);
    for told in [
        "1 of them new.".to_owned(),
        "NEW: 1 violation, first seen by this scan unless it is said [CRITICAL] S3 bucket does not allow public read access: 1 bucket".to_owned(),
        format!("- {NEW}: "),
        format!("STILL OPEN: {} violations that you know of", open - 1),
        "RESOLVED since the scan before: 1 violation".to_owned(),
        format!("{MENDED}, open since"),
    ] {
        assert!(body.contains(&told), "{told}: {}", email.body);
    }
    let report = system.json_report(second.scan_id()).await;
    let resolved = report["resolved"].as_array().unwrap();
    let website = |it: &&Value| it["resource"]["name"] == MENDED && it["severity"] == "CRITICAL";
    assert!(resolved.iter().any(|it| website(&it) && it["resolution"] == "MENDED"), "{resolved:#?}");
    assert!(third.output["violations"].as_u64() > Some(0), "{third:?}");

    // A day later, as far as the system knows.
    let mut state: AlertState = system.json("state/alerts.json").await;
    for told in state.told.values_mut() {
        told.started_at -= jiff::SignedDuration::from_hours(24);
    }
    system.put("state/alerts.json", &state).await;
    assert_succeeded(&system.execute(&without_remediation()).await);
    let [email] = system.take_emails().await.try_into().unwrap();
    println!("Subject: {}\n\n{}", email.subject, email.body);
    assert!(email.subject.starts_with(&format!("[REMINDER] {open} still open")), "{}", email.subject);
    assert!(email.body.lines().count() < 40, "{}", email.body);

    // The queue got the first two, and not the reminder.
    let documents: Vec<Value> = system
        .take(&queue)
        .await
        .iter()
        .map(|it| serde_json::from_str(it["Message"].as_str().unwrap()).unwrap())
        .collect();
    let told: Vec<_> = documents.iter().map(|it| (&it["kind"], &it["counts"]["new"], &it["scan"]["id"])).collect();
    let violations = json!("violations");
    assert_eq!(
        told,
        [(&violations, &json!(open), &json!(first.scan_id())), (&violations, &json!(1), &json!(second.scan_id())),]
    );
    for document in &documents {
        schema::assert_valid(document);
        assert_eq!(document["severity"], Severity::Critical.as_str());
    }

    system.s3.delete_bucket_policy().bucket(NEW).send().await.unwrap();
    system.s3.delete_bucket().bucket(NEW).send().await.unwrap();
    block(&system, MENDED, before).await;
}
