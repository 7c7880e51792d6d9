//! The deployed system, driven as its users drive it. The tests share one deployment and run one after the other.

use std::collections::{BTreeMap, BTreeSet};

use audit_model::summary::ScanStatus;
use audit_model::{Finding, Service, Status, TriggerKind, UnreadableCause};
use aws_sdk_sfn::types::ExecutionStatus;
use pipeline_tests::{Ended, System};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

/// A scan that changes nothing in the account.
fn without_remediation() -> Value {
    json!({ "remediation": "off" })
}

fn scheduled_event(id: &str) -> Value {
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-23T06:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/every-six-hours"],
        "detail": {},
    })
}

fn assert_succeeded(ended: &Ended) {
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{}: {}", ended.error, ended.cause);
}

/// Verdicts by resource and rule.
fn verdicts(findings: &[Finding]) -> BTreeMap<(&str, &str), Status> {
    findings.iter().map(|f| ((f.resource.arn.as_str(), f.rule_id.as_str()), f.status)).collect()
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_scan_starts_in_three_ways_and_each_is_complete() {
    let system = System::find().await;
    let by_clock = system.execute(&scheduled_event("11111111-2222-4333-8444-555555555555")).await;
    let by_event = system.request(&json!({ "requestedBy": "security-engineering", "remediation": "off" })).await;
    let by_hand = system.execute(&json!({})).await;
    for (ended, kind) in
        [(by_clock, TriggerKind::Schedule), (by_event, TriggerKind::Event), (by_hand, TriggerKind::Execution)]
    {
        assert_succeeded(&ended);
        assert_eq!(system.plan(ended.scan_id()).await.trigger.kind, kind);
        let summary = system.summary(ended.scan_id()).await;
        assert_eq!(summary.status, ScanStatus::Complete, "{:?}", summary.gaps);
        assert!(summary.totals.compliant > 0 && summary.totals.non_compliant > 0, "{summary:?}");
    }
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn an_event_that_is_delivered_twice_is_scanned_once() {
    let system = System::find().await;
    let event = scheduled_event("22222222-2222-4333-8444-555555555555");
    let first = system.execute(&event).await;
    let second = system.execute(&event).await;
    assert_succeeded(&first);
    assert_succeeded(&second);
    let reason = second.output["reason"].as_str().unwrap();
    assert!(reason.contains(&first.arn), "{reason}");
    assert_eq!(system.keys(&format!("scans/{}/", second.scan_id())).await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_scan_steps_aside_for_an_older_one_unless_it_is_forced() {
    let system = System::find().await;
    let plans = system.plans().await;
    let older = system.start(&without_remediation()).await;
    system.await_plan(plans).await;
    let aside = system.execute(&without_remediation()).await;
    let forced = system.execute(&json!({ "force": true, "remediation": "off", "services": ["vpc"] })).await;
    let older = system.end_of(&older).await;

    assert_succeeded(&aside);
    let reason = aside.output["reason"].as_str().unwrap();
    assert!(reason.contains(&older.arn) && reason.contains("force"), "{reason}");
    for scan in [&older, &forced] {
        assert_succeeded(scan);
        assert_eq!(scan.output["status"], "COMPLETE");
    }
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn malformed_requests_are_refused_with_the_field_and_what_is_allowed_and_nothing_is_scanned() {
    let system = System::find().await;
    let cases: [(Value, &[&str]); 3] = [
        (json!({ "services": ["ec3"] }), &["services", "ec3", "s3", "vpc", "lambda"]),
        (json!({ "requestedBy": 7 }), &["requestedBy", "text"]),
        (json!({ "service": ["s3"] }), &["service", "services", "remediation", "requestedBy", "reason", "force"]),
    ];
    for (request, told) in cases {
        let scans = system.keys("scans/").await;
        system.take_emails().await;
        let ended = system.execute(&request).await;
        assert_eq!((&ended.status, ended.error.as_str()), (&ExecutionStatus::Failed, "InvalidRequest"), "{ended:?}");
        for word in told {
            assert!(ended.cause.contains(word), "{request}: {word:?} is missing in {:?}", ended.cause);
        }
        assert_eq!(system.keys("scans/").await, scans, "{request}: something was scanned");
        let emails = system.take_emails().await;
        assert!(emails.iter().any(|email| email.body.contains("InvalidRequest")), "{request}: {emails:?}");
    }
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_scanner_that_fails_leaves_a_partial_scan_that_says_so_and_the_other_services_findings() {
    let system = System::find().await;
    let function = format!("scan-lambda-function-{}", system.name);
    let configuration = system.lambda.get_function_configuration().function_name(&function).send().await.unwrap();
    let variables = configuration.environment.and_then(|environment| environment.variables).unwrap();
    let set = async |variables: Option<std::collections::HashMap<String, String>>| {
        let environment = aws_sdk_lambda::types::Environment::builder().set_variables(variables).build();
        let update = system.lambda.update_function_configuration().function_name(&function);
        update.environment(environment).send().await.unwrap();
    };
    let mut broken = variables.clone();
    broken.remove("REPORTS_BUCKET");
    set(Some(broken)).await;
    system.take_emails().await;
    let ended = system.execute(&without_remediation()).await;
    set(Some(variables)).await;

    assert_succeeded(&ended);
    assert_eq!(ended.output["status"], "PARTIAL");
    let summary = system.summary(ended.scan_id()).await;
    assert_eq!(summary.status, ScanStatus::Partial);
    assert!(summary.gaps.iter().all(|gap| gap.service == Service::Lambda), "{:?}", summary.gaps);
    let findings = system.findings(ended.scan_id()).await;
    for (service, reported) in [(Service::S3, true), (Service::Vpc, true), (Service::Lambda, false)] {
        assert_eq!(findings.iter().any(|finding| finding.service == service), reported, "{service}");
    }
    assert_eq!(system.json_report(ended.scan_id()).await["summary"]["status"], "PARTIAL");
    let emails = system.take_emails().await;
    assert_eq!(emails.len(), 1, "{emails:?}");
    assert!(emails[0].body.contains("PARTIAL") && emails[0].body.contains("lambda"), "{}", emails[0].body);
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn denied_reads_of_one_bucket_are_missing_data_and_change_nothing_else() {
    const BUCKET: &str = "arn:aws:s3:::payments-card-vault-123456789012";
    let system = System::find().await;
    let before = system.execute(&without_remediation()).await;
    let role = format!("scan-s3-role-{}", system.name);
    let denial = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Deny", "Action": "s3:Get*", "Resource": BUCKET }],
    });
    let policy = system.iam.create_policy().policy_name("deny-one-bucket").policy_document(denial.to_string());
    let policy = policy.send().await.unwrap().policy.and_then(|policy| policy.arn).unwrap();
    system.iam.attach_role_policy().role_name(&role).policy_arn(&policy).send().await.unwrap();
    let denied = system.execute(&without_remediation()).await;
    system.iam.detach_role_policy().role_name(&role).policy_arn(&policy).send().await.unwrap();
    system.iam.delete_policy().policy_arn(&policy).send().await.unwrap();

    assert_succeeded(&before);
    assert_succeeded(&denied);
    let before = system.findings(before.scan_id()).await;
    let denied = system.findings(denied.scan_id()).await;
    let (of_bucket, of_others): (Vec<_>, Vec<_>) =
        denied.into_iter().partition(|finding| finding.resource.arn == BUCKET);
    assert!(!of_bucket.is_empty());
    for finding in &of_bucket {
        assert_eq!(finding.status, Status::InsufficientData, "{}", finding.rule_id);
        assert!(
            finding
                .missing
                .iter()
                .any(|missing| missing.cause == UnreadableCause::AccessDenied && missing.action.starts_with("s3:Get")),
            "{finding:?}"
        );
    }
    let unchanged: Vec<_> = before.into_iter().filter(|finding| finding.resource.arn != BUCKET).collect();
    assert_eq!(verdicts(&of_others), verdicts(&unchanged));
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_scan_of_one_service_says_so_and_leaves_the_pointer_to_the_last_whole_scan() {
    let system = System::find().await;
    let whole = system.execute(&without_remediation()).await;
    assert_succeeded(&whole);
    let pointer = system.text("state/latest.json").await;
    assert!(pointer.contains(whole.scan_id()), "{pointer}");

    let ended = system.execute(&json!({ "services": ["vpc"], "remediation": "off" })).await;
    assert_succeeded(&ended);
    let findings = system.findings(ended.scan_id()).await;
    assert!(!findings.is_empty() && findings.iter().all(|finding| finding.service == Service::Vpc));
    let comparison = system.summary(ended.scan_id()).await.comparison.unwrap();
    assert_eq!((comparison.scan_id.as_str(), comparison.new, comparison.resolved), (whole.scan_id(), 0, 0));
    assert_eq!(system.text("state/latest.json").await, pointer);
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn both_reports_hold_every_finding_and_a_checksum() {
    let system = System::find().await;
    let ended = system.execute(&without_remediation()).await;
    assert_succeeded(&ended);
    let findings = system.findings(ended.scan_id()).await;
    let report = system.json_report(ended.scan_id()).await;
    assert_eq!(report["findings"].as_array().unwrap().len(), findings.len());

    let csv_key = system.report_key(ended.scan_id(), "csv").await;
    let csv_text = system.text(&csv_key).await;
    let mut reader = csv::Reader::from_reader(csv_text.trim_start_matches('\u{feff}').as_bytes());
    assert_eq!(reader.records().map(Result::unwrap).count(), findings.len());

    for key in [csv_key, system.report_key(ended.scan_id(), "json").await] {
        let head = system.s3.head_object().bucket(&system.reports).key(&key);
        let head = head.checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled).send().await.unwrap();
        assert!(head.checksum_sha256.is_some(), "{key} has no checksum");
    }
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn the_same_account_scanned_twice_has_nothing_new_and_keeps_since_when() {
    let system = System::find().await;
    let first = system.execute(&without_remediation()).await;
    let second = system.execute(&without_remediation()).await;
    let comparison = system.summary(second.scan_id()).await.comparison.unwrap();
    assert_eq!(
        (comparison.scan_id.as_str(), comparison.new, comparison.resolved, comparison.not_verified),
        (first.scan_id(), 0, 0, 0)
    );
    let since = |findings: &[Finding]| -> BTreeMap<(String, String), _> {
        findings
            .iter()
            .filter(|finding| finding.status == Status::NonCompliant)
            .map(|finding| ((finding.resource.arn.clone(), finding.rule_id.clone()), finding.first_seen))
            .collect()
    };
    let then = since(&system.findings(first.scan_id()).await);
    assert!(!then.is_empty() && then.values().all(Option::is_some));
    assert_eq!(since(&system.findings(second.scan_id()).await), then);
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn the_auditor_has_nothing_to_say_against_itself() {
    let system = System::find().await;
    let own = system.own_resources().await;
    let of_type = |part: &str| own.iter().filter(|arn| arn.contains(part)).count();
    // The default group is one of the three.
    assert_eq!((of_type(":vpc/"), of_type(":security-group/")), (1, 3), "{own:?}");
    assert!(of_type(":function:scan-") == 3 && of_type(":s3:::") == 1, "{own:?}");

    let ended = system.execute(&without_remediation()).await;
    assert_succeeded(&ended);
    let findings = system.findings(ended.scan_id()).await;
    let on_us: Vec<_> = findings.into_iter().filter(|finding| own.contains(&finding.resource.arn)).collect();
    let judged: BTreeSet<_> = on_us.iter().map(|finding| finding.resource.arn.clone()).collect();
    assert_eq!(judged, own);
    let against: Vec<_> = on_us
        .iter()
        .filter(|finding| matches!(finding.status, Status::NonCompliant | Status::InsufficientData))
        .map(|finding| (&finding.resource.arn, &finding.rule_id, finding.status))
        .collect();
    assert!(against.is_empty(), "{against:#?}");
}
