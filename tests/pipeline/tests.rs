#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

//! The deployed system, driven as its users drive it. The tests share one deployment and run one after the other.

mod alerts;
mod changes;
mod command;
mod evidence;
mod remediation;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use audit_model::summary::{Comparison, LatestScans, ScanStatus, Scope};
use audit_model::{Change, Finding, Rules, Service, Severity, Status, TriggerKind, UnreadableCause};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use aws_sdk_sfn::types::ExecutionStatus;
use pipeline_tests::{Ended, System};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

/// A scan that changes nothing in the account.
fn without_remediation() -> Value {
    json!({ "remediation": "off" })
}

/// Whether a scan could not look, and only says what was known before.
fn is_carried(finding: &Finding) -> bool {
    finding.status == Status::InsufficientData
        && finding.missing.iter().any(|missing| missing.cause == UnreadableCause::NotLookedAt)
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

/// What is left of an execution that scanned nothing.
const SEAL: [&str; 2] = ["manifest.json", "manifest.sig"];

/// The objects that a scan left under its id.
async fn left(system: &System, scan_id: &str) -> Vec<String> {
    let folder = format!("scans/{scan_id}/");
    system.keys(&folder).await.into_iter().map(|key| key[folder.len()..].to_owned()).collect()
}

/// Verdicts by resource and rule.
fn verdicts(findings: &[Finding]) -> BTreeMap<(&str, &str), Status> {
    findings.iter().map(|f| ((f.resource.arn.as_str(), &*f.rule_id), f.status)).collect()
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_scan_starts_in_three_ways_and_each_is_complete() {
    let system = System::find().await;
    let by_clock = system.execute(&scheduled_event("11111111-2222-4333-8444-555555555555")).await;
    let asked = json!({ "requestedBy": "security-engineering", "remediation": "off", "system": system.name });
    let by_event = system.request(&asked).await;
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
    assert_eq!(left(&system, second.scan_id()).await, SEAL);
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
    let cases: [(Value, &[&str]); 4] = [
        (json!({ "system": "prod-main" }), &["system", "prod-main", "which is this deployment"]),
        (json!({ "services": ["ec3"] }), &["services", "ec3", "s3", "vpc", "lambda"]),
        (json!({ "requestedBy": 7 }), &["requestedBy", "text"]),
        (json!({ "service": ["s3"] }), &["service", "services", "remediation", "requestedBy", "reason", "force"]),
    ];
    for (request, told) in cases {
        let plans = system.plans().await;
        system.take_emails().await;
        let ended = system.execute(&request).await;
        assert_eq!((&ended.status, ended.error.as_str()), (&ExecutionStatus::Failed, "InvalidRequest"), "{ended:?}");
        for word in told {
            assert!(ended.cause.contains(word), "{request}: {word:?} is missing in {:?}", ended.cause);
        }
        assert_eq!(system.plans().await, plans, "{request}: something was planned");
        let emails = system.take_emails().await;
        assert!(emails.iter().any(|email| email.body.contains("InvalidRequest")), "{request}: {emails:?}");
    }
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_scanner_that_fails_leaves_a_partial_scan_that_says_so_and_the_other_services_findings() {
    let system = System::find().await;
    let function = format!("scan-lambda-function-{}", system.name);
    let variables = system.variables(&function).await;
    let mut broken = variables.clone();
    broken.remove("REPORTS_BUCKET");
    system.set_variables(&function, broken).await;
    system.take_emails().await;
    let ended = system.execute(&without_remediation()).await;
    system.set_variables(&function, variables).await;

    assert_succeeded(&ended);
    assert_eq!(ended.output["status"], "PARTIAL");
    let summary = system.summary(ended.scan_id()).await;
    assert_eq!(summary.status, ScanStatus::Partial);
    assert!(summary.gaps.iter().all(|gap| gap.service == Service::Lambda), "{:?}", summary.gaps);
    let findings = system.findings(ended.scan_id()).await;
    for (service, judged) in [(Service::S3, true), (Service::Vpc, true), (Service::Lambda, false)] {
        let of_service = || findings.iter().filter(|finding| finding.service == service);
        assert_eq!(of_service().any(|finding| !is_carried(finding)), judged, "{service}");
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
    let denial = system.deny("scan-s3", "s3:Get*", BUCKET).await;
    let denied = system.execute(&without_remediation()).await;
    system.lift(denial).await;

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
async fn a_scan_of_one_service_says_so_and_moves_the_pointer_of_that_service_only() {
    let system = System::find().await;
    let whole = system.execute(&without_remediation()).await;
    assert_succeeded(&whole);
    assert_eq!(system.json::<LatestScans>("state/latest.json").await[&Service::Vpc].scan_id, whole.scan_id());

    let ended = system.execute(&json!({ "services": ["vpc"], "remediation": "off" })).await;
    assert_succeeded(&ended);
    let findings = system.findings(ended.scan_id()).await;
    assert!(!findings.is_empty() && findings.iter().all(|finding| finding.service == Service::Vpc));
    let comparison = system.summary(ended.scan_id()).await.comparison;
    assert_eq!(comparison.keys().copied().collect::<Vec<_>>(), [Service::Vpc]);
    let Comparison::Compared { scan_id, changes, .. } = &comparison[&Service::Vpc] else { panic!("{comparison:?}") };
    assert_eq!((scan_id.as_str(), changes.new, changes.resolved), (whole.scan_id(), 0, 0));
    let pointers = system.json::<LatestScans>("state/latest.json").await;
    let pointers: Vec<_> = pointers.values().map(|latest| latest.scan_id.as_str()).collect();
    assert_eq!(pointers, [whole.scan_id(), ended.scan_id(), whole.scan_id()]);
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_scan_that_cannot_list_functions_carries_what_was_known_of_them() {
    let system = System::find().await;
    let before = system.execute(&without_remediation()).await;
    let denial = system.deny("list-targets", "lambda:ListFunctions", "*").await;
    let denied = system.execute(&without_remediation()).await;
    system.lift(denial).await;
    let after = system.execute(&without_remediation()).await;

    let known = |findings: &[Finding]| -> BTreeMap<(String, String), _> {
        let of_functions = findings.iter().filter(|finding| finding.service == Service::Lambda);
        of_functions
            .filter_map(|finding| {
                Some(((finding.resource.arn.clone(), finding.rule_id.to_string()), finding.first_seen?))
            })
            .collect()
    };
    let of_before = known(&system.findings(before.scan_id()).await);
    assert!(!of_before.is_empty());
    let carried = system.findings(denied.scan_id()).await;
    for finding in carried.iter().filter(|finding| finding.service == Service::Lambda) {
        assert!(is_carried(finding), "{finding:?}");
    }
    assert_eq!(known(&carried), of_before);
    assert_eq!(known(&system.findings(after.scan_id()).await), of_before);
    let changes = system.summary(after.scan_id()).await.changes().unwrap();
    assert_eq!((changes.new, changes.resolved, changes.not_looked_at), (0, 0, 0));
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn the_reports_hold_every_finding_and_a_checksum() {
    let system = System::find().await;
    let ended = system.execute(&without_remediation()).await;
    assert_succeeded(&ended);
    let findings = system.findings(ended.scan_id()).await;
    let report = system.json_report(ended.scan_id()).await;
    assert_eq!(report["findings"].as_array().unwrap().len(), findings.len());
    assert_frameworks_follow_from(&findings, &report);

    let csv_key = system.report_key(ended.scan_id(), "csv").await;
    let csv_text = system.text(&csv_key).await;
    let mut reader = csv::Reader::from_reader(csv_text.trim_start_matches('\u{feff}').as_bytes());
    assert_eq!(reader.records().map(Result::unwrap).count(), findings.len());

    let html_key = system.report_key(ended.scan_id(), "html").await;
    assert!(system.text(&html_key).await.starts_with("<!doctype html>"));
    for key in [csv_key, html_key, system.report_key(ended.scan_id(), "json").await] {
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
    let summary = system.summary(second.scan_id()).await;
    for comparison in summary.comparison.values() {
        assert_eq!(comparison.to_string(), format!("since scan {}", first.scan_id()));
    }
    let changes = summary.changes().unwrap();
    assert_eq!((changes.new, changes.resolved, changes.not_looked_at), (0, 0, 0));
    let since = |findings: &[Finding]| -> BTreeMap<(String, String), _> {
        findings
            .iter()
            .filter(|finding| finding.status == Status::NonCompliant)
            .map(|finding| ((finding.resource.arn.clone(), finding.rule_id.to_string()), finding.first_seen))
            .collect()
    };
    let then = since(&system.findings(first.scan_id()).await);
    assert!(!then.is_empty() && then.values().all(Option::is_some));
    assert_eq!(since(&system.findings(second.scan_id()).await), then);
}

/// Why a violation of ours is right as it is; what it is, the rule, the reason.
const ACCEPTED: [(&str, &str, &str); 10] = [
    (
        "reports bucket",
        "s3-bucket-logging-enabled",
        "Amazon S3 delivers access logs only to buckets with SSE-S3, and the customer demands a key for every bucket",
    ),
    (
        "reports bucket",
        "s3-bucket-cross-region-replication-enabled",
        "the customer keeps the auditor in us-east-1, and the next scan writes a whole report again",
    ),
    (
        "reports bucket",
        "s3-bucket-object-lock-enabled",
        "Object Lock keeps objects from being deleted, and the customer demands that the stack can be destroyed",
    ),
    (
        "function",
        "lambda-dlq-configured",
        "the state machine and CloudFormation wait for the answer, and tell people when none comes",
    ),
    (
        "gateway endpoint of Amazon S3",
        "vpc-endpoint-policy-trust-bounded",
        "CloudFormation has answers written to a bucket of AWS's, under URLs that an account of AWS's has signed",
    ),
    ("VPC", "vpc-endpoint-ecr-api-present", NOT_USED),
    ("VPC", "vpc-endpoint-ecr-dkr-present", NOT_USED),
    ("VPC", "vpc-endpoint-ssm-present", NOT_USED),
    ("VPC", "vpc-endpoint-ssm-contacts-present", NOT_USED),
    ("VPC", "vpc-endpoint-ssm-incidents-present", NOT_USED),
];

const NOT_USED: &str =
    "the auditor's network reaches the APIs that the functions call, and an endpoint costs by the hour";

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn what_the_auditor_says_against_itself_is_accepted_for_a_reason() {
    let system = System::find().await;
    let own = system.own_resources().await;
    let mut numbers = BTreeMap::new();
    for what in own.values() {
        *numbers.entry(*what).or_insert(0) += 1;
    }
    // The default group is one of the three security groups.
    let expected = [
        ("VPC", 1),
        ("function", 17),
        ("gateway endpoint of Amazon S3", 1),
        ("gateway endpoint of S3 Express One Zone", 1),
        ("interface endpoint", 7),
        ("network ACL", 1),
        ("reports bucket", 1),
        ("security group", 3),
        ("subnet", 2),
    ];
    assert_eq!(numbers, BTreeMap::from(expected), "{own:?}");

    let ended = system.execute(&without_remediation()).await;
    assert_succeeded(&ended);
    let findings = system.findings(ended.scan_id()).await;
    let on_us: Vec<_> = findings.iter().filter(|finding| own.contains_key(&finding.resource.arn)).collect();
    let judged: BTreeSet<_> = on_us.iter().map(|finding| &finding.resource.arn).collect();
    assert_eq!(judged, own.keys().collect());
    let against: BTreeSet<_> = on_us
        .iter()
        .filter(|finding| matches!(finding.status, Status::NonCompliant | Status::InsufficientData))
        .map(|finding| (finding.resource.arn.as_str(), &*finding.rule_id, finding.status))
        .collect();
    let accepted = own.iter().flat_map(|(arn, is)| {
        let rules = ACCEPTED.iter().filter(move |(what, ..)| what == is);
        rules.map(move |(_, rule, _)| (arn.as_str(), *rule, Status::NonCompliant))
    });
    assert_eq!(against, accepted.collect());
}

/// A secret in a variable of a function.
struct Planted {
    variable: &'static str,
    kind: &'static str,
    secret: String,
    /// What stands around the secret in the value, and is the same in everybody's.
    frame: (&'static str, &'static str),
}

impl Planted {
    fn value(&self) -> String {
        let (before, after) = self.frame;
        format!("{before}{}{after}", self.secret)
    }

    /// Whether any 8 consecutive characters of the secret stand in the text.
    fn shows_in(&self, text: &str) -> bool {
        (0..=self.secret.len() - 8).any(|start| text.contains(&self.secret[start..start + 8]))
    }
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_secret_is_found_and_no_part_of_it_is_written_anywhere() {
    const FUNCTION: &str = "authorize-payment";
    let system = System::find().await;
    let planted = [
        Planted { variable: "DB_PASSWORD", kind: "password in plain text", secret: random_text(20), frame: ("", "") },
        // These names are neutral: the values give themselves away.
        Planted {
            variable: "PARTNER_REFERENCE",
            kind: "GitHub token",
            secret: format!("ghp_{}", random_text(36)),
            frame: ("", ""),
        },
        Planted {
            variable: "STATEMENT_LAYOUT",
            kind: "private key in PEM form",
            secret: random_text(64),
            frame: ("-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----\n"),
        },
    ];
    let variables = system.variables(FUNCTION).await;
    let mut with_secrets = variables.clone();
    with_secrets.extend(planted.iter().map(|planted| (planted.variable.to_owned(), planted.value())));
    system.take_emails().await;
    let then = SystemTime::now();
    system.set_variables(FUNCTION, with_secrets).await;
    let ended = system.execute(&json!({ "services": ["lambda"], "remediation": "off" })).await;
    system.set_variables(FUNCTION, variables).await;

    assert_succeeded(&ended);
    let findings = system.findings(ended.scan_id()).await;
    let found =
        |finding: &&Finding| finding.rule_id == "lambda-environment-no-secrets" && finding.resource.name == FUNCTION;
    let finding = findings.iter().find(found).unwrap();
    assert_eq!(finding.status, Status::NonCompliant);
    let mut written = system.written_since(then, &ended).await;
    let [email] = system.take_emails().await.try_into().unwrap();
    written.insert("e-mail".to_owned(), format!("{}\n{}", email.subject, email.body));
    for Planted { variable, kind, .. } in &planted {
        let told = format!("{variable} ({kind})");
        assert!(finding.evidence.observed.contains(&told), "{told}: {}", finding.evidence.observed);
        assert!(words(&email.body).contains(&told), "{told}: {}", email.body);
    }

    // The search is worth something only where the scan has left its traces.
    let log = |function: &str| format!("log group /aws/lambda/{function}-function-{}", system.name);
    for place in ["history", "e-mail", &log("scan-lambda"), &log("write-json-report"), &log("notify-critical")] {
        assert!(written[place].contains(ended.scan_id()), "nothing of the scan is in {place}");
    }
    let scan = ended.scan_id();
    for key in [
        format!("scans/{scan}/plan.json"),
        format!("scans/{scan}/findings/lambda/0001.jsonl.zst"),
        format!("scans/{scan}/findings.jsonl.zst"),
        format!("scans/{scan}/summary.json"),
        system.report_key(scan, "json").await,
        system.report_key(scan, "csv").await,
        system.report_key(scan, "html").await,
    ] {
        let object = format!("object {key}, version ");
        assert!(written.keys().any(|place| place.starts_with(&object)), "{key} is not among {:?}", written.keys());
    }
    for Planted { variable, .. } in &planted {
        assert!(written.iter().any(|(place, text)| place.contains(".csv") && text.contains(variable)), "{variable}");
    }

    // The texts themselves must not be shown.
    let shown: Vec<_> = planted
        .iter()
        .flat_map(|planted| {
            let places = written.iter().filter(|(_, text)| planted.shows_in(text));
            places.map(|(place, _)| (planted.variable, place))
        })
        .collect();
    assert!(shown.is_empty(), "{shown:#?}");
}

/// Letters and digits that are new in every run.
fn random_text(length: usize) -> String {
    const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    (0..length).map(|place| char::from(ALPHANUMERIC[(RandomState::new().hash_one(place) % 62) as usize])).collect()
}

/// A text without its line breaks and indentation.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn exceptions_are_marked_counted_apart_and_followed_up() {
    const PUBLIC_ACCESS: &str = "lambda-function-public-access-prohibited";
    let function = |name: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:{name}");
    let system = System::find().await;
    system.take_emails().await;
    system.use_policy("exceptions").await;
    let ended = system.execute(&json!({ "services": ["lambda"], "remediation": "off" })).await;
    system.use_policy("shipped").await;
    assert_succeeded(&ended);

    let in_force = json!({
        "rule": PUBLIC_ACCESS,
        "resource": function("merchant-*"),
        "reason": "Merchants call these, \"everybody\" included; a firewall stands before them",
        "approver": "head of security engineering",
        "expires": system.exceptions_expire,
    });
    let expired = json!({
        "rule": "lambda-environment-no-secrets",
        "resource": function("capture-refund"),
        "reason": "The ledger learns to read its password from AWS Secrets Manager",
        "approver": "head of ledger",
        "expires": "2020-01-31",
    });
    let unmatched = json!({
        "rule": "lambda-inside-vpc",
        "resource": function("decommissioned-*"),
        "reason": "Goes with the old data centre",
        "approver": "head of platform",
        "expires": system.exceptions_expire,
    });

    // The violations stay. Those of the exception in force are marked, and no others.
    let findings = system.findings(ended.scan_id()).await;
    let verdicts = verdicts(&findings);
    for (name, rule) in [
        ("merchant-portal", PUBLIC_ACCESS),
        ("merchant-webhook", PUBLIC_ACCESS),
        ("statement-import", PUBLIC_ACCESS),
        ("notify-merchant", PUBLIC_ACCESS),
        ("convert-currency", PUBLIC_ACCESS),
        ("capture-refund", "lambda-environment-no-secrets"),
        ("rotate-api-keys", "lambda-runtime-supported"),
        ("send-receipts", "lambda-runtime-supported"),
    ] {
        assert_eq!(verdicts[&(function(name).as_str(), rule)], Status::NonCompliant, "{name}, {rule}");
    }
    let excepted: Vec<_> = findings.iter().filter(|finding| finding.exception.is_some()).collect();
    let names: Vec<_> = excepted.iter().map(|finding| finding.resource.name.as_str()).collect();
    assert_eq!(names, ["merchant-portal", "merchant-webhook"]);
    for finding in &excepted {
        assert_eq!(finding.rule_id, PUBLIC_ACCESS);
        let mark = serde_json::to_value(&finding.exception).unwrap();
        for field in ["reason", "approver", "expires"] {
            assert_eq!(mark[field], in_force[field]);
        }
    }
    assert!(
        findings
            .iter()
            .filter(|finding| finding.rule_id == "lambda-vpc-multi-az")
            .all(|finding| finding.change == Some(Change::NotEvaluated)),
        "a rule that is off was evaluated"
    );
    let severities = findings.iter().filter(|finding| finding.rule_id == "lambda-runtime-supported");
    assert!(severities.map(|finding| finding.severity).all(|severity| severity == Severity::Critical));

    // Two are excepted of five; with the secret and the two runtimes, which are critical now, six are open.
    let summary = system.summary(ended.scan_id()).await;
    let of_rule = summary.by_rule[PUBLIC_ACCESS];
    assert_eq!((of_rule.non_compliant, of_rule.excepted, summary.totals.excepted), (5, 2, 2));
    assert_eq!((summary.violations_by_severity[&Severity::Critical], summary.alerting_violations), (6, 6));
    assert_eq!(summary.violations_by_severity.values().sum::<u64>(), summary.totals.open());
    assert_eq!(summary.totals.open() + 2, summary.totals.non_compliant);

    let report = system.json_report(ended.scan_id()).await;
    assert_eq!(report["policy"]["exceptions"], json!([in_force, expired, unmatched]));
    assert_eq!(report["policy"]["rules"]["lambda-vpc-multi-az"]["enabled"], false);
    assert_eq!(report["policy"]["rules"]["lambda-runtime-supported"]["severity"], "CRITICAL");
    let uses = report["summary"]["exceptions"].as_array().unwrap();
    let uses: Vec<_> = uses.iter().map(|used| (&used["exception"], &used["state"], &used["violations"])).collect();
    assert_eq!(
        uses,
        [
            (&in_force, &json!("IN_FORCE"), &json!(2)),
            (&expired, &json!("EXPIRED"), &json!(1)),
            (&unmatched, &json!("MATCHES_NOTHING"), &json!(0)),
        ]
    );
    assert_frameworks_follow_from(&findings, &report);
    let public_access = control(&report, "Lambda.1");
    assert_eq!(public_access["result"], "NON_COMPLIANT");
    assert_eq!(public_access["rules"][PUBLIC_ACCESS]["counts"]["excepted"], 2);
    assert_eq!(control(&report, "Lambda.5")["result"], "NOT_EVALUATED");

    let csv = system.text(&system.report_key(ended.scan_id(), "csv").await).await;
    let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let mut marked = Vec::new();
    for row in &rows {
        let mark = ["exception_approver", "exception_expires", "exception_reason"].map(|column| row[column].as_str());
        if mark != [""; 3] {
            assert_eq!(mark, ["approver", "expires", "reason"].map(|field| in_force[field].as_str().unwrap()));
            marked.push((row["resource_name"].as_str(), row["rule_id"].as_str(), row["status"].as_str()));
        }
    }
    let row = |name| (name, PUBLIC_ACCESS, "NON_COMPLIANT");
    assert_eq!(marked, [row("merchant-portal"), row("merchant-webhook")]);

    let [email] = system.take_emails().await.try_into().unwrap();
    assert!(email.subject.starts_with("[CRITICAL] ") && email.subject.contains(", 6 open"), "{}", email.subject);
    let body = words(&email.body);
    for told in [
        format!("lambda-environment-no-secrets for {} EXPIRED on 2020-01-31", function("capture-refund")),
        format!("lambda-inside-vpc for {} matches nothing", function("decommissioned-*")),
        "Rules off lambda-vpc-multi-az".to_owned(),
    ] {
        assert!(body.contains(&told), "{told}: {body}");
    }
    assert!(!body.contains(":merchant-"), "an excepted violation raised the alert: {body}");
}

/// What the JSON report says of a control of AWS FSBP.
fn control<'a>(report: &'a Value, id: &str) -> &'a Value {
    let frameworks = report["frameworks"].as_array().unwrap();
    let fsbp = frameworks.iter().find(|framework| framework["framework"] == "AWS FSBP").unwrap();
    fsbp["controls"].as_array().unwrap().iter().find(|control| control["id"] == id).unwrap()
}

/// The worst of several results; what was not evaluated has not passed.
fn worst<'a>(results: impl IntoIterator<Item = &'a str>) -> &'a str {
    let from_the_best = ["NOT_APPLICABLE", "COMPLIANT", "NOT_EVALUATED", "INSUFFICIENT_DATA", "NON_COMPLIANT"];
    let place = |result: &&str| from_the_best.iter().position(|known| known == result).unwrap();
    results.into_iter().max_by_key(place).unwrap()
}

/// Every control has the worst result among its rules' findings, and every reference of a finding's rule stands in the report.
/// A rule that is on, of a service that was scanned, and without findings had nothing to judge; any other was not evaluated.
fn assert_frameworks_follow_from(findings: &[Finding], report: &Value) {
    let rules: Rules = serde_json::from_value(report["rules"].clone()).unwrap();
    let mut by_rule: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut referring: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
    for finding in findings.iter().filter(|finding| finding.change != Some(Change::NotEvaluated)) {
        by_rule.entry(&finding.rule_id).or_default().push(finding.status.to_string());
        let references = rules[&*finding.rule_id].references.iter();
        referring.extend(references.map(|to| (&*to.framework, &*to.control, &*finding.rule_id)));
    }
    let scanned: BTreeSet<Service> = findings.iter().map(|finding| finding.service).collect();
    let without_findings = |rule: &str| {
        let is_evaluated = rules.get(rule).is_some_and(|rule| rule.enabled && scanned.contains(&rule.service));
        if is_evaluated { "NOT_APPLICABLE" } else { "NOT_EVALUATED" }
    };
    let mut reported = BTreeSet::new();
    for framework in report["frameworks"].as_array().unwrap() {
        for control in framework["controls"].as_array().unwrap() {
            let (framework, id) = (framework["framework"].as_str().unwrap(), control["id"].as_str().unwrap());
            let mut results = Vec::new();
            for (rule, result) in control["rules"].as_object().unwrap() {
                let expected = by_rule.get(rule.as_str()).map_or_else(
                    || without_findings(rule),
                    |statuses| {
                        reported.insert((framework, id, rule.as_str()));
                        worst(statuses.iter().map(String::as_str))
                    },
                );
                assert_eq!(result["result"], expected, "{framework} {id}, {rule}");
                results.push(expected);
            }
            assert_eq!(control["result"], worst(results), "{framework} {id}");
        }
    }
    assert_eq!(reported, referring);
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_control_is_not_compliant_as_long_as_a_reading_is_denied() {
    const RULE: &str = "lambda-function-public-access-prohibited";
    let system = System::find().await;
    // What can still be read is as it should be.
    let wrong = ["merchant-portal", "merchant-webhook", "statement-import", "notify-merchant", "convert-currency"];
    // Their aliases and versions, too.
    let wrong = wrong.map(|name| format!("arn:aws:lambda:us-east-1:123456789012:function:{name}*"));
    let denial = system.deny("scan-lambda", "lambda:GetPolicy", &wrong).await;
    let denied = system.execute(&json!({ "services": ["lambda"], "remediation": "off" })).await;
    system.lift(denial).await;

    let report = system.json_report(denied.scan_id()).await;
    assert_frameworks_follow_from(&system.findings(denied.scan_id()).await, &report);
    let public_access = control(&report, "Lambda.1");
    assert_eq!(public_access["result"], "INSUFFICIENT_DATA");
    let counts = &public_access["rules"][RULE]["counts"];
    assert_eq!((&counts["nonCompliant"], &counts["insufficientData"]), (&json!(0), &json!(wrong.len())));
    assert!(counts["compliant"].as_u64() > Some(0), "{counts}");
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_bucket_that_was_just_mended_is_seen_to_pass_and_nothing_else_is_read() {
    const VERSIONING: &str = "s3-bucket-versioning-enabled";
    let system = System::find().await;
    assert_succeeded(&system.execute(&without_remediation()).await);
    let bucket = format!("named-{:016x}", RandomState::new().hash_one(SystemTime::now()));
    let arn = format!("arn:aws:s3:::{bucket}");
    system.s3.create_bucket().bucket(&bucket).send().await.unwrap();
    let (latest, history) = (system.text("state/latest.json").await, system.text("state/history.json").await);
    let scan = async || {
        let ended = system.execute(&json!({ "resources": [&arn], "remediation": "off" })).await;
        assert_succeeded(&ended);
        let id = ended.scan_id().to_owned();
        (system.summary(&id).await, system.findings(&id).await)
    };
    let seen = |findings: &[Finding]| {
        assert!(findings.iter().all(|finding| finding.resource.arn == arn), "nothing else was read");
        findings.iter().find(|finding| finding.rule_id == VERSIONING).map(|finding| (finding.status, finding.change))
    };

    let (summary, findings) = scan().await;
    assert_eq!((summary.status, summary.resources), (ScanStatus::Complete, [(Service::S3, 1)].into()));
    assert_eq!(summary.scope, Scope::Scoped { named: 1, not_found: Vec::new() });
    assert_eq!(seen(&findings), Some((Status::NonCompliant, Some(Change::New))));
    let first_seen = findings.iter().find(|finding| finding.rule_id == VERSIONING).unwrap().first_seen;

    // The scan of everything knows it from there.
    let everything = system.execute(&json!({ "services": ["s3"], "remediation": "off" })).await;
    let findings = system.findings(everything.scan_id()).await;
    let known = findings.iter().find(|it| it.resource.arn == arn && it.rule_id == VERSIONING).unwrap();
    assert_eq!((known.change, known.first_seen), (Some(Change::StillOpen), first_seen));
    assert_ne!(system.text("state/latest.json").await, latest);
    assert_ne!(system.text("state/history.json").await, history);
    let (latest, history) = (system.text("state/latest.json").await, system.text("state/history.json").await);

    let enabled = BucketVersioningStatus::Enabled;
    let versioning = VersioningConfiguration::builder().status(enabled).build();
    let mended = system.s3.put_bucket_versioning().bucket(&bucket).versioning_configuration(versioning);
    mended.send().await.unwrap();
    assert_eq!(seen(&scan().await.1), Some((Status::Compliant, Some(Change::Resolved))));
    assert_eq!(seen(&scan().await.1), Some((Status::Compliant, None)), "it is resolved once");

    system.s3.delete_bucket().bucket(&bucket).send().await.unwrap();
    let (summary, findings) = scan().await;
    assert_eq!(summary.scope, Scope::Scoped { named: 1, not_found: vec![arn.clone()] });
    assert_eq!(findings, []);
    assert_eq!(system.text("state/latest.json").await, latest);
    assert_eq!(system.text("state/history.json").await, history);
}

/// A group, a subnet and its route table are read with their VPC, and a function with its versions; nothing else is told of.
#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn what_hangs_on_a_vpc_is_judged_by_it_and_reported_alone() {
    let system = System::find().await;
    let own = system.own_resources().await;
    let of_kind = |kind: &str| own.keys().find(|arn| arn.contains(kind)).unwrap().clone();
    let named = [":security-group/", ":network-acl/", ":subnet/", ":vpc-endpoint/", ":function:"].map(of_kind);
    let ended = system.execute(&json!({ "resources": named, "remediation": "off" })).await;
    assert_succeeded(&ended);
    let summary = system.summary(ended.scan_id()).await;
    assert_eq!(summary.status, ScanStatus::Complete, "{:?}", summary.gaps);
    assert_eq!(summary.scope, Scope::Scoped { named: named.len() as u64, not_found: Vec::new() });
    let findings = system.findings(ended.scan_id()).await;
    let told: BTreeSet<&str> = findings.iter().map(|finding| finding.resource.arn.as_str()).collect();
    assert_eq!(told, named.iter().map(String::as_str).collect());
    assert!(findings.iter().all(|finding| finding.status != Status::InsufficientData), "{findings:?}");
}
