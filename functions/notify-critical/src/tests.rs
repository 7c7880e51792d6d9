//! Tests of the message as people get it, and of the task.

use std::sync::{Arc, Mutex};

use audit_artifacts::{MemoryStore, sample};
use audit_model::policy::RuleSetting;
use audit_model::remediation::{ReasonCode, RemediationOutcome, RemediationRecord};
use audit_model::summary::{Changes, Comparison, ExceptionState, ExceptionUse, Gap, ScanStatus, Summary};
use audit_model::task::{CaughtError, Execution, RemediateOutput, RemediationResult, Subscriptions};
use audit_model::{
    Change, ExceptionMark, Finding, Plan, PolicyException, Reading, RemediationMode, Service, Severity, Status,
    Unreadable,
};
use jiff::civil::date;
use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;

const PUBLIC_READ: &str = "s3-bucket-public-read-prohibited";

fn deployment() -> Deployment {
    Deployment {
        system: "dev-pr42".to_owned(),
        reports_bucket: "compliance-audit-reports-bucket-123456789012-dev-pr42".to_owned(),
    }
}

fn input() -> NotifyInput {
    let machine = "compliance-audit-state-machine-dev-pr42";
    NotifyInput {
        scan_id: sample::SCAN_ID.to_owned(),
        execution: Execution {
            id: format!("arn:aws:states:us-east-1:123456789012:execution:{machine}:run"),
            name: "run".to_owned(),
            start_time: sample::STARTED_AT,
            state_machine_arn: format!("arn:aws:states:us-east-1:123456789012:stateMachine:{machine}"),
        },
        remediation: None,
        failed_deliveries: Vec::new(),
        subscriptions: None,
    }
}

fn critical(bucket: &str) -> Finding {
    sample::finding(bucket, PUBLIC_READ, Severity::Critical, Status::NonCompliant)
}

fn low(bucket: &str) -> Finding {
    sample::finding(bucket, "s3-bucket-versioning-enabled", Severity::Low, Status::NonCompliant)
}

fn partial(summary: Summary) -> Summary {
    let gap = |shard: Option<u32>, resources, reason: &str| Gap {
        service: if shard.is_some() { Service::S3 } else { Service::Lambda },
        shard,
        resources,
        resource_type: None,
        reason: reason.to_owned(),
    };
    Summary {
        status: ScanStatus::Partial,
        gaps: vec![
            gap(None, None, "ListLambdas failed with AccessDenied: lambda:ListFunctions was denied"),
            gap(Some(3), Some(100), "ScanS3 failed with States.Timeout"),
        ],
        ..summary
    }
}

/// A topic that keeps what is published, or refuses it.
#[derive(Default)]
struct Mailbox {
    messages: Mutex<Vec<(String, String)>>,
    refuses: bool,
}

#[async_trait]
impl Topic for Mailbox {
    async fn publish(&self, subject: &str, body: &str) -> Result<String, TaskError> {
        if self.refuses {
            return Err(TaskError::Throttled("sns:Publish was throttled (Throttling)".to_owned()));
        }
        let mut messages = self.messages.lock().unwrap();
        messages.push((subject.to_owned(), body.to_owned()));
        Ok(format!("message-{}", messages.len()))
    }
}

/// A scan and what led to its message; everything that is not said is as in the sample.
struct Case {
    plan: Plan,
    summary: Summary,
    findings: Vec<Finding>,
    records: Vec<RemediationRecord>,
    input: NotifyInput,
    deployment: Deployment,
}

fn caught(state: &str, error: &str, cause: &str) -> CaughtError {
    CaughtError { state: state.to_owned(), error: error.to_owned(), cause: cause.to_owned() }
}

impl Case {
    fn of(findings: Vec<Finding>) -> Self {
        Self {
            plan: sample::plan(),
            summary: sample::summary(&findings),
            findings,
            records: Vec::new(),
            input: input(),
            deployment: deployment(),
        }
    }

    /// Alerts from this severity on.
    fn threshold(mut self, severity: Severity) -> Self {
        self.plan.policy.alert.threshold = severity;
        let alerting = self.findings.iter().filter(|finding| finding.is_open() && finding.severity >= severity);
        self.summary.alerting_violations = alerting.count() as u64;
        self
    }

    fn partial(self) -> Self {
        Self { summary: partial(self.summary), ..self }
    }

    fn remediated(mut self, records: Vec<RemediationRecord>) -> Self {
        self.input.remediation = Some(RemediationResult::Ran(sample::remediation_counts(&records)));
        Self { records, ..self }
    }

    fn broken_remediation(mut self) -> Self {
        let broke = caught("RemediateS3Encryption", "AccessDenied", "kms:CreateKey was denied");
        self.input.remediation = Some(RemediationResult::Broke(broke));
        self
    }

    fn undelivered(mut self, delivery: &str) -> Self {
        let failed = caught(delivery, "Unavailable", "s3:PutObject failed (no answer in time)");
        self.input.failed_deliveries.push(failed);
        self
    }

    async fn store(&self) -> MemoryStore {
        let store = sample::store(&self.plan, &self.summary, &self.findings, &self.records).await.unwrap();
        if matches!(self.input.remediation, Some(RemediationResult::Ran(_))) && self.records.is_empty() {
            // Remediation that had nothing to decide leaves an empty object.
            let key = keys::remediation(sample::SCAN_ID);
            let _ = store.put(&key, "application/x-ndjson", "".into(), Condition::None).await.unwrap();
        }
        store
    }

    async fn message(self) -> (String, String) {
        let mailbox = Mailbox::default();
        handle(&self.input, &self.store().await, &mailbox, &self.deployment).await.unwrap();
        mailbox.messages.into_inner().unwrap().remove(0)
    }
}

/// Asserts that the parts stand in the text, in this order. Line breaks count as blanks, for lines are wrapped.
#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let whole = words(text);
    let mut from = 0;
    for part in parts {
        let at = whole[from..].find(&words(part));
        from += at.unwrap_or_else(|| panic!("{part:?} does not stand here, or not in its place:\n{text}"));
    }
}

#[tokio::test]
async fn a_complete_scan_with_a_critical_violation() {
    let mut new = critical("payroll");
    new.first_seen = Some(sample::AGGREGATED_AT);
    new.change = Some(Change::New);
    let case = Case::of(vec![critical("ledger"), low("ledger"), new]).remediated(vec![]);
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[CRITICAL] 2 critical violations in account 123456789012 (dev-pr42)");
    let expected = "\
Compliance scan of account 123456789012 in us-east-1, by dev-pr42.

2 open violations of severity CRITICAL.

SUMMARY
  Status     COMPLETE
  Score      0.0 % of the verdicts are compliant
  Coverage   100.0 % of the evaluations came to a verdict
  Open       2 critical, 0 high, 0 medium, 1 low
  Changes    1 new, 2 still open, 3 resolved since scan
             20261122T180000Z-0a1b2c3d
  Services   s3, vpc, lambda
  Resources  3 s3, 0 vpc, 0 lambda
  Scan       20261123T060000Z-1f2e3d4c, started at 2026-11-23T06:00:00Z, by
             the schedule

VIOLATIONS
1. [CRITICAL] Title of s3-bucket-public-read-prohibited
  Rule       s3-bucket-public-read-prohibited
  Resource   arn:aws:s3:::ledger
  Console    https://us-east-1.console.aws.amazon.com/s3/buckets/ledger?region=us-east-1
  Since      2026-11-22T06:00:00Z
  Observed   what was seen
  Expected   what should be
  To do      Mend it.
  See        https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html

2. [CRITICAL] Title of s3-bucket-public-read-prohibited
  Rule       s3-bucket-public-read-prohibited
  Resource   arn:aws:s3:::payroll
  Console    https://us-east-1.console.aws.amazon.com/s3/buckets/payroll?region=us-east-1
  Since      new in this scan
  Observed   what was seen
  Expected   what should be
  To do      Mend it.
  See        https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html

REMEDIATION of the default encryption of S3 buckets
  Nothing to do: no bucket was found to fail an encryption rule.

REPORTS
  JSON       s3://compliance-audit-reports-bucket-123456789012-dev-pr42/reports/date=2026-11-23/20261123T060000Z-1f2e3d4c.json
             aws s3 cp s3://compliance-audit-reports-bucket-123456789012-dev-pr42/reports/date=2026-11-23/20261123T060000Z-1f2e3d4c.json .
  CSV        s3://compliance-audit-reports-bucket-123456789012-dev-pr42/reports/date=2026-11-23/20261123T060000Z-1f2e3d4c.csv
             aws s3 cp s3://compliance-audit-reports-bucket-123456789012-dev-pr42/reports/date=2026-11-23/20261123T060000Z-1f2e3d4c.csv .

THE EXECUTION
  https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/arn:aws:states:us-east-1:123456789012:execution:compliance-audit-state-machine-dev-pr42:run

TO SCAN AGAIN
  aws stepfunctions start-execution --input '{}' \\
    --state-machine-arn arn:aws:states:us-east-1:123456789012:stateMachine:compliance-audit-state-machine-dev-pr42
";
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_partial_scan_says_so_before_it_names_violations() {
    let (subject, body) = Case::of(vec![critical("ledger")]).partial().message().await;
    assert_eq!(subject, "[CRITICAL] 1 critical violation in account 123456789012 (dev-pr42), scan incomplete");
    assert_says(
        &body,
        &[
            "THIS SCAN IS PARTIAL",
            "- all of lambda: ListLambdas failed with AccessDenied: lambda:ListFunctions was denied",
            "- part 3 of s3 (100 resources): ScanS3 failed with States.Timeout",
            "1 open violation of severity CRITICAL.",
            "Status PARTIAL",
            "1. [CRITICAL]",
        ],
    );
}

#[tokio::test]
async fn a_partial_scan_without_violations_does_not_read_as_a_clean_one() {
    let mut case = Case::of(vec![low("ledger")]).partial();
    case.summary.totals.insufficient_data = 0;
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[PARTIAL] Compliance scan incomplete in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &["THIS SCAN IS PARTIAL", "No open violation of severity CRITICAL was found in what was looked at.", "PARTIAL"],
    );
    assert!(!body.contains("VIOLATIONS"), "{body}");
}

fn use_of(resource: &str, state: ExceptionState, violations: u64) -> ExceptionUse {
    let exception = PolicyException {
        rule: PUBLIC_READ.to_owned(),
        resource: resource.to_owned(),
        reason: "the company's website".to_owned(),
        approver: "Head of security".to_owned(),
        expires: date(2026, 11, 22),
    };
    ExceptionUse { exception, state, looked_at: state != ExceptionState::NotLookedAt, violations }
}

#[tokio::test]
async fn expired_exceptions_are_named_and_excepted_violations_only_counted() {
    let excepted = Finding {
        exception: Some(ExceptionMark {
            reason: "the company's website".to_owned(),
            approver: "Head of security".to_owned(),
            expires: date(2026, 12, 31),
        }),
        ..critical("website")
    };
    let mut case = Case::of(vec![critical("ledger"), excepted]);
    case.summary.exceptions = vec![
        use_of("arn:aws:s3:::website", ExceptionState::InForce, 1),
        use_of("arn:aws:s3:::nowhere", ExceptionState::MatchesNothing, 0),
        use_of("arn:aws:s3:::ledger", ExceptionState::Expired, 1),
        use_of("arn:aws:s3:::unseen", ExceptionState::NotLookedAt, 0),
        use_of("arn:aws:s3:::mended", ExceptionState::Expired, 0),
        ExceptionUse { looked_at: false, ..use_of("arn:aws:s3:::hidden", ExceptionState::Expired, 0) },
    ];
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[CRITICAL] 1 critical violation in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &[
            "1 open violation of severity CRITICAL.",
            "EXCEPTIONS FROM THE AUDIT POLICY",
            "- s3-bucket-public-read-prohibited for arn:aws:s3:::ledger EXPIRED on 2026-11-22, 1 violation open again",
            "Approved by Head of security: the company's website",
            "for arn:aws:s3:::mended EXPIRED on 2026-11-22, and nothing is wrong any more: take it out",
            "for arn:aws:s3:::hidden EXPIRED on 2026-11-22; this scan did not look at everything",
            "- s3-bucket-public-read-prohibited for arn:aws:s3:::nowhere matches nothing",
            "Open 1 critical, 0 high",
            "Excepted 1 more violation, counted as violations in the score",
        ],
    );
    assert!(!body.contains("arn:aws:s3:::website") && !body.contains("arn:aws:s3:::unseen"), "{body}");
}

#[tokio::test]
async fn an_expired_exception_alone_is_reason_enough_for_a_message() {
    let mut case = Case::of(vec![low("ledger")]);
    case.summary.exceptions = vec![use_of("arn:aws:s3:::ledger", ExceptionState::Expired, 1)];
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[ACTION] An exception from the audit policy has expired in account 123456789012 (dev-pr42)");
    assert_says(&body, &["No open violation of severity CRITICAL was found.", "EXPIRED on 2026-11-22"]);
}

#[tokio::test]
async fn violations_that_are_out_of_sight_are_named_and_rules_that_are_off_are_told() {
    let lost = Finding {
        status: Status::InsufficientData,
        missing: vec![Unreadable::not_looked_at("part 3 of s3 (100 resources): ScanS3 failed")],
        last_seen: Some(sample::STARTED_AT),
        change: Some(Change::NotLookedAt),
        ..critical("vault")
    };
    let mut case = Case::of(vec![low("ledger"), lost]);
    case.summary.lost_sight = 1;
    case.summary.totals.not_evaluated = 1;
    case.summary.of_others = 3;
    let off = RuleSetting { enabled: false, severity: None };
    case.plan.policy.rules.insert("s3-bucket-required-tags".to_owned(), off);
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[ACTION] Known violations could not be looked at in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &[
            "1 known violation of severity CRITICAL could not be looked at again and may still be open; see OUT OF SIGHT.",
            "Rules off s3-bucket-required-tags",
            "Unwatched 1 known violation of rules that are off, or in the catalogue no more",
            "Of others 3 resources of other accounts, not judged",
            "OUT OF SIGHT - [CRITICAL] Title of s3-bucket-public-read-prohibited: s3-bucket-public-read-prohibited, \
             arn:aws:s3:::vault, first seen at 2026-11-22T06:00:00Z, last seen at 2026-11-23T06:00:00Z; it was not \
             looked at: part 3 of s3 (100 resources): ScanS3 failed",
            "REMEDIATION",
        ],
    );
}

#[tokio::test]
async fn what_could_not_be_listed_is_named_by_its_type() {
    let mut case = Case::of(vec![]).partial();
    case.summary.gaps[0].resource_type = Some("AWS::EC2::SecurityGroup".to_owned());
    assert_says(&case.message().await.1, &["- AWS::EC2::SecurityGroup of lambda: ListLambdas failed"]);
}

#[tokio::test]
async fn a_report_that_was_not_written_is_not_offered() {
    let (subject, body) = Case::of(vec![]).undelivered("WriteCsvReport").message().await;
    assert_eq!(subject, "[ACTION] Report delivery failed in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &[
            "No open violation of severity CRITICAL was found.",
            "NOT DELIVERED - WriteCsvReport: the report is missing. Unavailable: s3:PutObject failed (no answer in time)",
            "JSON s3://",
            "CSV was not written; see NOT DELIVERED",
        ],
    );
    assert!(!body.contains(".csv"), "{body}");
    let (_, body) = Case::of(vec![]).undelivered("PublishMetrics").message().await;
    assert_says(&body, &["PublishMetrics: the dashboard and the alarms on metrics miss this scan.", ".json", ".csv"]);
}

#[tokio::test]
async fn whoever_is_not_told_is_told_of() {
    let seen = |confirmed, pending| Some(Reading::seen(Subscriptions { confirmed, pending }));
    let unread = Reading::Unreadable(Unreadable::malformed("sns:GetTopicAttributes", "it has no numbers"));
    for (subscriptions, said) in [
        (None, None),
        (seen(2, 0), None),
        (seen(1, 1), Some("No alert reaches 1 recipient of 2, for want of a confirmation.")),
        (seen(0, 2), Some("No alert reaches 2 recipients of 2, for want of a confirmation.")),
        (seen(0, 0), Some("Nobody was subscribed to the alerts")),
        (Some(unread), Some("Who gets the alerts could not be read. sns:GetTopicAttributes gave an answer that")),
    ] {
        let mut case = Case::of(vec![critical("ledger")]);
        case.input.subscriptions.clone_from(&subscriptions);
        let (_, body) = case.message().await;
        match said {
            Some(said) => assert_says(&body, &["1 open violation", "RECIPIENTS -", said, "SUMMARY"]),
            None => assert!(!body.contains("RECIPIENTS"), "{subscriptions:?}: {body}"),
        }
    }
}

#[tokio::test]
async fn a_remediation_that_broke_is_told_with_what_it_did_before() {
    let mut case = Case::of(vec![]).broken_remediation();
    case.records = vec![sample::remediation_record("ledger", RemediationOutcome::Applied, &[])];
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[ACTION] Remediation failed in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &[
            "Remediation failed; see REMEDIATION.",
            "REMEDIATION of the default encryption",
            "It broke, and may have changed buckets",
            "AccessDenied: kms:CreateKey was denied",
            "- APPLIED ledger was changed",
        ],
    );
    let (subject, _) = Case::of(vec![]).broken_remediation().undelivered("WriteJsonReport").message().await;
    assert_eq!(subject, "[ACTION] Remediation and report delivery failed in account 123456789012 (dev-pr42)");
}

#[tokio::test]
async fn every_decision_of_remediation_is_told_failures_first() {
    let mut applied = sample::remediation_record("ledger", RemediationOutcome::Applied, &[]);
    applied.key_arn = Some("arn:aws:kms:us-east-1:123456789012:key/0a1b".to_owned());
    let records = vec![
        sample::remediation_record("web", RemediationOutcome::Skipped, &["it is a website", "it is opted out"]),
        applied,
        sample::remediation_record("stuck", RemediationOutcome::Failed, &["the key could not be made"]),
    ];
    let (subject, body) = Case::of(vec![critical("ledger")]).remediated(records).message().await;
    assert_eq!(subject, "[CRITICAL] 1 critical violation in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &[
            "Remediation failed; see REMEDIATION.",
            "Mode apply: 1 bucket changed, 0 announced, 1 left alone, 1 failed.",
            "- FAILED stuck could not be changed: the key could not be made",
            "- APPLIED ledger now encrypts with arn:aws:kms:us-east-1:123456789012:key/0a1b",
            "- SKIPPED web was left alone: it is a website; it is opted out",
        ],
    );
}

fn announced(buckets: impl IntoIterator<Item = String>) -> Vec<RemediationRecord> {
    let record =
        |bucket: String| sample::remediation_record(&bucket, RemediationOutcome::Announced, &["it is announced"]);
    buckets.into_iter().map(record).collect()
}

#[tokio::test]
async fn what_the_next_scan_changes_is_announced_with_every_way_to_keep_it_from_that() {
    let mut records = announced(["ledger".to_owned(), "payments".to_owned()]);
    records[1].key_arn = Some("arn:aws:kms:us-east-1:123456789012:key/0a1b".to_owned());
    let case = Case::of(vec![]).remediated(records);
    let (store, mailbox) = (case.store().await, Mailbox::default());
    handle(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    let [(subject, body)] = &mailbox.messages.into_inner().unwrap()[..] else { panic!("one message") };
    assert_eq!(subject, "[ACTION] The next scan changes 2 buckets in account 123456789012 (dev-pr42)");
    assert_says(
        body,
        &[
            "No open violation of severity CRITICAL was found.",
            "The next scan changes 2 buckets, unless you object; see REMEDIATION.",
            "Mode apply: 0 buckets changed, 2 announced, 0 left alone, 0 failed.",
            "ANNOUNCED: the next scan will change the default encryption of 2 buckets, unless",
            "tagged compliance:remediation=off",
            "the audit policy excepts the violation",
            "dry-run or off",
            "customer-managed key by hand",
            "announced, anew",
            "asks for a scan with \"remediation\": \"apply\"",
            "- ledger gets a new key of its own",
            "- payments gets the key that it has of its own",
        ],
    );
    let receipt: AlertReceipt = store.find_json(&keys::alert(sample::SCAN_ID)).await.unwrap().unwrap();
    assert_eq!(receipt.announced, ["ledger", "payments"]);
}

/// What the message does not name nobody has heard of, and as many as remediation announces it names.
#[tokio::test]
async fn the_receipt_names_exactly_the_announcements_that_the_message_names() {
    let longest = |number: u32| format!("{number:063}");
    for (buckets, all_are_named) in [(50, true), (1_000, false)] {
        let failures = (0..100).map(|number| {
            sample::remediation_record(&format!("f{number}"), RemediationOutcome::Failed, &[&"why ".repeat(200)])
        });
        let records = failures.chain(announced((0..buckets).map(longest))).collect();
        let case = Case::of(vec![]).remediated(records);
        let (store, mailbox) = (case.store().await, Mailbox::default());
        handle(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
        let receipt: AlertReceipt = store.find_json(&keys::alert(sample::SCAN_ID)).await.unwrap().unwrap();
        let (_, body) = mailbox.messages.into_inner().unwrap().remove(0);
        let named: Vec<_> = (0..buckets).map(longest).filter(|name| body.contains(&format!("- {name} gets"))).collect();
        assert_eq!(receipt.announced, named);
        assert_eq!(named.len() == buckets as usize, all_are_named, "{} of {buckets}", named.len());
        if !all_are_named {
            let left = buckets as usize - named.len();
            assert_says(&body, &[&format!("and {left} more, which found no room here")]);
        }
    }
}

/// A receipt of an earlier version names nothing.
#[tokio::test]
async fn a_receipt_of_an_earlier_version_is_understood() {
    let case = Case::of(vec![critical("ledger")]);
    let (store, mailbox) = (case.store().await, Mailbox::default());
    let earlier = r#"{ "messageId": "message-0", "subject": "s" }"#;
    let _ =
        store.put(&keys::alert(sample::SCAN_ID), "application/json", earlier.into(), Condition::None).await.unwrap();
    let output = handle(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    assert_eq!((output.message_id.as_str(), mailbox.messages.into_inner().unwrap().len()), ("message-0", 0));
}

#[tokio::test]
async fn what_is_set_back_again_and_again_is_told_before_what_else_was_left_alone() {
    let mut drifting = sample::remediation_record("ledger", RemediationOutcome::Skipped, &["it was set back"]);
    drifting.reasons[0].code = ReasonCode::Drift;
    let other = sample::remediation_record("atlas", RemediationOutcome::Skipped, &["it is a website"]);
    let mut case = Case::of(vec![]).remediated(vec![other, drifting]);
    if let Some(RemediationResult::Ran(counts)) = &mut case.input.remediation {
        counts.drifted = 1;
    }
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[ACTION] Encryption was set back again of 1 bucket in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &[
            "The encryption of 1 bucket was set back again and again, and is left to you; see REMEDIATION.",
            "- SKIPPED ledger was left alone: it was set back",
            "- SKIPPED atlas was left alone",
        ],
    );
}

#[tokio::test]
async fn a_dry_run_says_that_nothing_was_changed() {
    let records = vec![sample::remediation_record("ledger", RemediationOutcome::WouldApply, &[])];
    let mut case = Case::of(vec![critical("ledger")]).remediated(records);
    if let Some(RemediationResult::Ran(RemediateOutput { mode, .. })) = &mut case.input.remediation {
        *mode = RemediationMode::DryRun;
    }
    let (_, body) = case.message().await;
    assert_says(
        &body,
        &[
            "Mode dry-run, nothing was changed: 1 bucket would be",
            "- WOULD_APPLY ledger would encrypt with a key of its own",
        ],
    );
    assert!(!body.contains("Remediation failed"), "{body}");
}

#[tokio::test]
async fn remediation_that_found_nothing_to_do_says_so() {
    let case = || Case::of(vec![critical("ledger")]).remediated(vec![]);
    assert_says(&case().message().await.1, &["Nothing to do: no bucket was found to fail an encryption rule."]);
    let mut of_functions = case();
    of_functions.plan.services = vec![Service::Lambda];
    assert_says(&of_functions.message().await.1, &["Nothing to do: this scan did not look at buckets."]);
}

#[tokio::test]
async fn remediation_that_did_not_run_says_why() {
    for (mode, remediable, words) in [
        (RemediationMode::Off, 2, "Switched off for this scan."),
        (RemediationMode::Apply, 2, "It did not run. Of 2 buckets it is known that they fail an encryption rule."),
    ] {
        let mut case = Case::of(vec![critical("ledger")]);
        case.plan.remediation = mode;
        case.summary.remediable_buckets = remediable;
        assert_says(&case.message().await.1, &[words]);
    }
}

#[tokio::test]
async fn the_policy_s_threshold_decides_what_is_named_the_worst_first() {
    let high = sample::finding("web", "s3-bucket-ssl-requests-only", Severity::High, Status::NonCompliant);
    let passes = sample::finding("good", PUBLIC_READ, Severity::Critical, Status::Compliant);
    let case = Case::of(vec![high.clone(), low("ledger"), passes, critical("ledger")]).threshold(Severity::High);
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[CRITICAL] 1 critical violation in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &[
            "2 open violations of severity HIGH or above.",
            "1. [CRITICAL]",
            ":ledger",
            "2. [HIGH]",
            ":web",
            "REMEDIATION",
        ],
    );
    assert!(!body.contains("[LOW]") && !body.contains("good"), "{body}");

    let case = Case::of(vec![high]).threshold(Severity::High);
    assert_eq!(case.message().await.0, "[HIGH] 1 high violation in account 123456789012 (dev-pr42)");
}

#[tokio::test]
async fn what_cannot_be_said_is_not_made_up() {
    let mut unknown = critical("ledger");
    unknown.first_seen = None;
    let mut first = critical("payroll");
    first.first_seen = Some(sample::AGGREGATED_AT);
    first.change = None;
    let mut evaluated = critical("vault");
    evaluated.change = Some(Change::FirstEvaluated);
    let mut case = Case::of(vec![unknown, first, evaluated]);
    case.summary.comparison = [(Service::S3, Comparison::FirstScan)].into();
    case.summary.totals.insufficient_data = 3;
    case.findings.extend([0; 3].map(|_| sample::finding("x", "r", Severity::Low, Status::InsufficientData)));
    case.plan.services = vec![Service::S3];
    case.plan.trigger.requested_by = Some("the on-call engineer".to_owned());
    let (_, body) = case.message().await;
    assert_says(
        &body,
        &[
            "Coverage 50.0 % of the evaluations came to a verdict; 3 could not be judged for want of data",
            "Changes nothing to compare with, for no scan looked at it before",
            "Services s3 only, as was asked",
            "asked for by the on-call engineer",
            "Since not known",
            "Since first seen by this scan; nothing to compare with, for no scan looked at it before",
            "Since not known: the scan before did not evaluate the rule",
        ],
    );
}

#[tokio::test]
async fn what_has_changed_is_told_for_each_scan_that_was_compared_with() {
    let compared = |scan_id: &str, changes| Comparison::Compared {
        scan_id: scan_id.to_owned(),
        started_at: sample::DAY_BEFORE,
        changes,
    };
    let some = Changes { new: 0, first_evaluated: 7, still_open: 0, resolved: 1, not_looked_at: 4 };
    let few = Changes { resolved: 1, ..Changes::default() };
    let gone = |scan_id: &str| Comparison::Expired { scan_id: scan_id.to_owned() };
    // (the comparison of S3, VPC and Lambda, what is said)
    let cases = [
        (
            [compared("one", some), compared("one", few), compared("one", few)],
            "Changes 0 new, 7 of rules that were not evaluated then, 0 still open, 3 resolved, 4 not looked at again since scan one Services",
        ),
        (
            [compared("one", few), compared("two", few), compared("one", few)],
            "Changes s3, lambda: 0 new, 0 still open, 2 resolved since scan one; vpc: 0 new, 0 still open, 1 resolved since scan two",
        ),
        (
            [compared("one", few), gone("two"), Comparison::Broken { scan_id: "three".to_owned() }],
            "Changes s3: 0 new, 0 still open, 1 resolved since scan one; vpc: nothing to compare with, for the findings of the \
             scan before, two, have expired; lambda: nothing to compare with, for what the scan before, three, left cannot be \
             understood",
        ),
    ];
    for (comparison, told) in cases {
        let mut case = Case::of(vec![]).partial();
        case.summary.comparison = Service::ALL.into_iter().zip(comparison).collect();
        assert_says(&case.message().await.1, &["Score none, for nothing was judged", told]);
    }
}

#[tokio::test]
async fn a_hundred_thousand_violations_fit_into_a_message_that_counts_the_rest() {
    let long = "ünbelievable ".repeat(200);
    let findings: Vec<_> = (0..100_000)
        .map(|number| {
            let mut finding = critical(&format!("bucket-{number:06}"));
            if number < 20 {
                Arc::make_mut(&mut finding.resource).name.clone_from(&long);
                finding.evidence.observed = long.clone().into();
            }
            finding
        })
        .collect();
    let records = (0..1000)
        .map(|number| sample::remediation_record(&format!("b{number}"), RemediationOutcome::Skipped, &[&long]))
        .collect();
    let mut case = Case::of(findings).partial().remediated(records).undelivered("WriteCsvReport");
    case.summary.gaps = vec![case.summary.gaps[0].clone(); 5000];
    case.plan.trigger.reason = Some(long.repeat(10));
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[CRITICAL] 100000 critical violations in account 123456789012 (dev-pr42), scan incomplete");
    assert!(body.len() < 100 * 1024, "{} bytes", body.len());
    let named = body.matches("[CRITICAL]").count();
    assert!(named > 10, "{named}");
    assert_says(
        &body,
        &[
            "- all of lambda",
            "more",
            &format!(
                "VIOLATIONS (the first {named} of 100000, the worst first; the reports name the other {})",
                100_000 - named
            ),
            "1. [CRITICAL]",
            "arn:aws:s3:::bucket-000000",
            &format!("{named}. [CRITICAL]"),
            "more, which the JSON report names",
            "REPORTS",
        ],
    );
}

#[tokio::test]
async fn the_worst_violation_is_named_even_when_it_comes_last() {
    let mut findings: Vec<_> = (0..1000).map(|number| low(&format!("bucket-{number:04}"))).collect();
    findings.push(critical("zebra"));
    let case = Case::of(findings).threshold(Severity::Low);
    let (_, body) = case.message().await;
    assert_says(&body, &["1001 open violations", "1. [CRITICAL]", "arn:aws:s3:::zebra", "2. [LOW]", "bucket-0000"]);
}

#[tokio::test]
async fn a_repeated_task_sends_nothing_and_gives_the_same_answer() {
    let case = Case::of(vec![critical("ledger")]);
    let (store, mailbox) = (case.store().await, Mailbox::default());
    let first = handle(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    let second = handle(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    assert_eq!(first, NotifyOutput { scan_id: sample::SCAN_ID.to_owned(), message_id: "message-1".to_owned() });
    assert_eq!(second, first);
    assert_eq!(mailbox.messages.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_alert_that_was_refused_leaves_no_receipt() {
    let case = Case::of(vec![critical("ledger")]);
    let store = case.store().await;
    let refusing = Mailbox { refuses: true, ..Mailbox::default() };
    assert_eq!(handle(&case.input, &store, &refusing, &case.deployment).await.unwrap_err().name(), "Throttled");
    let mailbox = Mailbox::default();
    handle(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    assert_eq!(mailbox.messages.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_text_from_outside_cannot_write_lines_of_its_own() {
    let mut finding = critical("ledger");
    finding.evidence.observed = "a\n\nNo violations.\r\nREPORTS\u{202e}x".into();
    let (_, body) = Case::of(vec![finding]).message().await;
    assert_says(&body, &["Observed a No violations. REPORTS x"]);
    assert_eq!(body.lines().filter(|line| line.starts_with("REPORTS") || line.starts_with("No ")).count(), 1, "{body}");
}

proptest! {
    /// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
    #[test]
    fn sns_takes_every_subject(
        system in any::<String>(),
        account in any::<String>(),
        violations in any::<u64>(),
        is_partial in any::<bool>(),
        broke in any::<bool>(),
    ) {
        let mut case = Case::of(vec![]);
        case.deployment.system = system;
        case.plan.account = account;
        case.summary.violations_by_severity.insert(Severity::Critical, violations);
        case = if is_partial { case.partial() } else { case };
        case = if broke { case.broken_remediation() } else { case };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (subject, _) = runtime.block_on(case.message());
        prop_assert!((1..100).contains(&subject.len()), "{subject:?}");
        prop_assert!(subject.chars().all(|char| char == ' ' || char.is_ascii_graphic()), "{subject:?}");
        prop_assert!(subject.starts_with(|first: char| first.is_ascii_graphic()), "{subject:?}");
    }
}
