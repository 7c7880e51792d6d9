//! Tests of the message as people get it, and of the task.

use std::sync::{Arc, Mutex};

use audit_artifacts::{ArtifactWriter, MemoryStore, Stored, sample};
use audit_model::policy::RuleSetting;
use audit_model::remediation::{ReasonCode, RemediationOutcome, RemediationRecord};
use audit_model::summary::{Changes, Comparison, ExceptionState, ExceptionUse, Gap, ScanStatus, Scope, Summary};
use audit_model::task::{CaughtError, Execution, RemediateOutput, RemediationResult, Subscriptions};
use audit_model::{
    AccountChange, AlertState, Change, ExceptionMark, Finding, Plan, PolicyException, Reading, RemediationMode,
    Service, Severity, Status, Unreadable,
};
use evidence_chain::{Head, Link};
use jiff::civil::date;
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::message::LARGEST;
use schema::assert_valid;

mod schema;

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

/// A critical violation that nobody was told of.
fn critical(bucket: &str) -> Finding {
    Finding { change: Some(Change::New), ..known(bucket) }
}

/// A critical violation that people know.
fn known(bucket: &str) -> Finding {
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
    messages: Mutex<Vec<Message>>,
    refuses: bool,
}

impl Mailbox {
    fn only(self) -> Message {
        let [message] = self.messages.into_inner().unwrap().try_into().unwrap();
        message
    }

    fn kinds(&self) -> Vec<Kind> {
        self.messages.lock().unwrap().iter().map(|message| message.attributes.kind).collect()
    }
}

/// What subscribers of a protocol get.
fn form(message: &Message, protocol: &str) -> String {
    let forms: Value = serde_json::from_str(&message.forms).unwrap();
    forms[protocol].as_str().unwrap_or_else(|| panic!("no form for {protocol}")).to_owned()
}

fn json_form(message: &Message, protocol: &str) -> Value {
    serde_json::from_str(&form(message, protocol)).unwrap()
}

#[async_trait]
impl Topic for Mailbox {
    async fn publish(&self, message: &Message) -> Result<String, TaskError> {
        if self.refuses {
            return Err(TaskError::Throttled("sns:Publish was throttled (Throttling)".to_owned()));
        }
        let mut messages = self.messages.lock().unwrap();
        messages.push(message.clone());
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
        let alerting = || self.findings.iter().filter(|finding| finding.is_open() && finding.severity >= severity);
        self.summary.alerting_violations = alerting().count() as u64;
        let news = alerting().filter(|finding| finding.change != Some(Change::StillOpen));
        self.summary.alerting_news = news.count() as u64;
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

    /// The scan is one of so many hours later, with its own id.
    async fn later(&self, hours: i64, store: &MemoryStore, mailbox: &Mailbox) -> NotifyOutput {
        let scan_id = format!("later-{hours}");
        let after = |time: Timestamp| time + jiff::SignedDuration::from_hours(hours);
        let plan = Plan { scan_id: scan_id.clone(), started_at: after(self.plan.started_at), ..self.plan.clone() };
        let aggregated_at = after(self.summary.aggregated_at);
        let summary = Summary { scan_id: scan_id.clone(), aggregated_at, ..self.summary.clone() };
        let of_sample = self.store().await;
        let copied = [
            (keys::alert_violations(sample::SCAN_ID), keys::alert_violations(&scan_id)),
            (keys::rules(sample::SCAN_ID), keys::rules(&scan_id)),
            (keys::remediation(sample::SCAN_ID), keys::remediation(&scan_id)),
        ];
        for (from, to) in copied {
            if let Some(Stored { content, .. }) = of_sample.get(&from).await.unwrap() {
                let _ = store.put(&to, "application/json", content, Condition::None).await.unwrap();
            }
        }
        store.replace_json(&keys::plan(&scan_id), &plan).await.unwrap();
        store.replace_json(&keys::summary(&scan_id), &summary).await.unwrap();
        let input = NotifyInput { scan_id, ..self.input.clone() };
        tell(&input, store, mailbox, &self.deployment).await.unwrap()
    }

    async fn whole_message(self) -> Message {
        let mailbox = Mailbox::default();
        tell(&self.input, &self.store().await, &mailbox, &self.deployment).await.unwrap();
        mailbox.only()
    }

    async fn message(self) -> (String, String) {
        let message = self.whole_message().await;
        (message.subject.clone(), form(&message, "email"))
    }
}

async fn tell(
    input: &NotifyInput,
    store: &dyn ArtifactStore,
    topic: &dyn Topic,
    deployment: &Deployment,
) -> Result<NotifyOutput, TaskError> {
    handle(input, &Ports { store, topic, now: || sample::AGGREGATED_AT }, deployment).await
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
async fn a_complete_scan_with_a_new_violation_and_one_that_people_know() {
    let mut new = critical("payroll");
    new.first_seen = Some(sample::AGGREGATED_AT);
    let case = Case::of(vec![known("ledger"), low("ledger"), new]).remediated(vec![]);
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[CRITICAL] 1 new, 2 open in account 123456789012 (dev-pr42)");
    let expected = "\
Compliance scan of account 123456789012 in us-east-1, by dev-pr42.

2 open violations of severity CRITICAL, 1 of them new.

NEW: 1 violation, first seen by this scan unless it is said

[CRITICAL] Title of s3-bucket-public-read-prohibited: 1 bucket (s3-bucket-public-read-prohibited)
  Expected   what should be
  To do      Mend it.
  - payroll: what was seen
    https://us-east-1.console.aws.amazon.com/s3/buckets/payroll?region=us-east-1

REMEDIATION of the default encryption of S3 buckets
  Nothing to do: no bucket was found to fail an encryption rule.

STILL OPEN: 1 violation that you know of
  - [CRITICAL] Title of s3-bucket-public-read-prohibited: 1 bucket, open since 22 November 2026

SUMMARY
  Status     COMPLETE
  Score      0.0 % of the verdicts are compliant
  Coverage   100.0 % of the evaluations came to a verdict
  Open       2 critical, 0 high, 0 medium, 1 low
  Scan       20261123T060000Z-1f2e3d4c, started at 2026-11-23T06:00:00Z, by the schedule
  Changes    1 new, 2 still open, 3 resolved since scan 20261122T180000Z-0a1b2c3d
  Resources  3 s3, 0 vpc, 0 lambda

REPORTS, in the console and with the AWS CLI
  HTML       https://us-east-1.console.aws.amazon.com/s3/object/compliance-audit-reports-bucket-123456789012-dev-pr42?region=us-east-1&prefix=reports/date%3D2026-11-23/20261123T060000Z-1f2e3d4c.html
  CSV        https://us-east-1.console.aws.amazon.com/s3/object/compliance-audit-reports-bucket-123456789012-dev-pr42?region=us-east-1&prefix=reports/date%3D2026-11-23/20261123T060000Z-1f2e3d4c.csv
  JSON       https://us-east-1.console.aws.amazon.com/s3/object/compliance-audit-reports-bucket-123456789012-dev-pr42?region=us-east-1&prefix=reports/date%3D2026-11-23/20261123T060000Z-1f2e3d4c.json
  All        aws s3 cp --recursive s3://compliance-audit-reports-bucket-123456789012-dev-pr42/reports/date=2026-11-23/ . --exclude '*' --include '20261123T060000Z-1f2e3d4c.*'
  Execution  https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/arn:aws:states:us-east-1:123456789012:execution:compliance-audit-state-machine-dev-pr42:run
  Scan anew  aws stepfunctions start-execution --input '{}' --state-machine-arn arn:aws:states:us-east-1:123456789012:stateMachine:compliance-audit-state-machine-dev-pr42

EVIDENCE
  Last link  none yet; what this scan leaves is sealed after this message, in
             scans/20261123T060000Z-1f2e3d4c/manifest.json
";
    assert_eq!(body, expected);
}

/// Each rule's words stand once, its resources under it.
#[tokio::test]
async fn new_violations_stand_under_their_rule_the_worst_rule_first() {
    let tls = |bucket: &str| Finding {
        change: Some(Change::New),
        ..sample::finding(bucket, "s3-bucket-ssl-requests-only", Severity::High, Status::NonCompliant)
    };
    let mut named = critical("sg");
    let group = Arc::make_mut(&mut named.resource);
    group.arn = "arn:aws:ec2:us-east-1:123456789012:security-group/sg-0abc".to_owned();
    group.resource_type = "AWS::EC2::SecurityGroup".into();
    group.name = "bastion".to_owned();
    named.rule_id = "security-group-ports".into();
    let many = (0..12).map(|number| critical(&format!("b-{number:02}")));
    let findings: Vec<_> = [tls("web"), named].into_iter().chain(many).chain([tls("shop")]).collect();
    let (subject, body) = Case::of(findings).threshold(Severity::High).message().await;
    assert_eq!(subject, "[CRITICAL] 15 new, 15 open in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &[
            "15 open violations of severity HIGH or above, all of them new.",
            "NEW: 15 violations (8 are named here, the worst first; the reports name all)",
            "[CRITICAL] Title of s3-bucket-public-read-prohibited: 12 buckets (s3-bucket-public-read-prohibited) Expected",
            "- b-00 (first seen 22 November 2026, 06:00 UTC): what was seen https://us-east-1.console",
            "- b-04 (first seen",
            "- and 7 more, which the reports name",
            "[CRITICAL] Title of security-group-ports: 1 security group",
            "- bastion, sg-0abc (first seen",
            "[HIGH] Title of s3-bucket-ssl-requests-only: 2 buckets",
            "- web (first",
            "- shop (first",
            "REMEDIATION",
        ],
    );
    for once in ["Title of s3-bucket-public-read-prohibited:", "Title of s3-bucket-ssl-requests-only"] {
        assert_eq!(body.matches(once).count(), 1, "{body}");
    }
    assert!(!body.contains("b-05"), "{body}");
}

#[tokio::test]
async fn a_partial_scan_says_so_before_it_names_violations() {
    let (subject, body) = Case::of(vec![critical("ledger")]).partial().message().await;
    assert_eq!(subject, "[CRITICAL] 1 new, 1 open in account 123456789012 (dev-pr42), scan incomplete");
    assert_says(
        &body,
        &[
            "THIS SCAN IS PARTIAL",
            "- all of lambda: ListLambdas failed with AccessDenied: lambda:ListFunctions was denied",
            "- part 3 of s3 (100 resources): ScanS3 failed with States.Timeout",
            "1 open violation of severity CRITICAL, all of them new.",
            "NEW: 1 violation",
            "Status PARTIAL",
        ],
    );
}

#[tokio::test]
async fn a_partial_scan_without_violations_does_not_read_as_a_clean_one() {
    let mut case = Case::of(vec![low("ledger")]).partial();
    case.summary.totals.insufficient_data = 0;
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[PARTIAL] Compliance scan incomplete, 0 open in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &["THIS SCAN IS PARTIAL", "No open violation of severity CRITICAL was found in what was looked at.", "PARTIAL"],
    );
    assert!(!body.contains("NEW:") && !body.contains("STILL OPEN"), "{body}");
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
    assert_eq!(subject, "[CRITICAL] 1 new, 1 open in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &[
            "1 open violation of severity CRITICAL, all of them new.",
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
            "OUT OF SIGHT - [CRITICAL] Title of s3-bucket-public-read-prohibited: vault, first seen 22 November 2026, 06:00 \
             UTC, last seen 23 November 2026, 06:00 UTC; it was not looked at: part 3 of s3 (100 resources): ScanS3 failed",
            "REMEDIATION",
            "Rules off s3-bucket-required-tags",
            "Unwatched 1 known violation of rules that are off, or in the catalogue no more",
            "Of others 3 resources of other accounts, not judged",
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
            "CSV was not written; see NOT DELIVERED",
            "JSON https://",
        ],
    );
    assert!(!body.contains(".csv"), "{body}");
    let (_, body) = Case::of(vec![]).undelivered("PublishMetrics").message().await;
    assert_says(&body, &["PublishMetrics: the dashboard and the alarms on metrics miss this scan.", ".csv", ".json"]);
}

#[tokio::test]
async fn whoever_is_not_told_is_told_of() {
    let seen = |confirmed, pending| Some(Reading::seen(Subscriptions { confirmed, pending }));
    let unread = Reading::Unreadable(Unreadable::malformed("sns:GetTopicAttributes", "it has no numbers"));
    for (subscriptions, said) in [
        (None, None),
        (seen(2, 0), None),
        (seen(1, 1), Some("No alert reaches 1 recipient of 2, for want of a confirmation;")),
        (seen(0, 2), Some("No alert reaches 2 recipients of 2, for want of a confirmation;")),
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
async fn what_remediation_did_is_told_failures_first_and_what_it_left_alone_is_counted() {
    let mut applied = sample::remediation_record("ledger", RemediationOutcome::Applied, &[]);
    applied.key_arn = Some("arn:aws:kms:us-east-1:123456789012:key/0a1b".to_owned());
    let records = vec![
        sample::remediation_record("web", RemediationOutcome::Skipped, &["it is a website", "it is opted out"]),
        applied,
        sample::remediation_record("stuck", RemediationOutcome::Failed, &["the key could not be made"]),
    ];
    let (subject, body) = Case::of(vec![critical("ledger")]).remediated(records).message().await;
    assert_eq!(subject, "[CRITICAL] 1 new, 1 open in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &[
            "Remediation failed; see REMEDIATION.",
            "Mode apply: 1 bucket changed, 0 announced, 1 left alone, 1 failed; the JSON report says why each.",
            "A change can be taken back",
            "- FAILED stuck could not be changed: the key could not be made",
            "- APPLIED ledger now encrypts with arn:aws:kms:us-east-1:123456789012:key/0a1b",
        ],
    );
    assert!(!body.contains("website"), "{body}");
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
    tell(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    let message = mailbox.only();
    let (subject, body) = (&message.subject, &form(&message, "email"));
    assert_eq!(subject, "[ACTION] The next scan changes 2 buckets in account 123456789012 (dev-pr42)");
    assert_says(
        body,
        &[
            "No open violation of severity CRITICAL was found.",
            "The next scan changes 2 buckets, unless you object; see REMEDIATION.",
            "Mode apply: 0 buckets changed, 2 announced, 0 left alone, 0 failed;",
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
        tell(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
        let receipt: AlertReceipt = store.find_json(&keys::alert(sample::SCAN_ID)).await.unwrap().unwrap();
        let body = form(&mailbox.only(), "email");
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
    let output = tell(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    assert_eq!((output.message_id.as_deref(), mailbox.messages.into_inner().unwrap().len()), (Some("message-0"), 0));
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
            "2 left alone",
            "- SKIPPED ledger was left alone: it was set back",
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
    let high = Finding {
        change: Some(Change::New),
        ..sample::finding("web", "s3-bucket-ssl-requests-only", Severity::High, Status::NonCompliant)
    };
    let passes = sample::finding("good", PUBLIC_READ, Severity::Critical, Status::Compliant);
    let case = Case::of(vec![high.clone(), low("ledger"), passes, critical("ledger")]).threshold(Severity::High);
    let (subject, body) = case.message().await;
    assert_eq!(subject, "[CRITICAL] 2 new, 2 open in account 123456789012 (dev-pr42)");
    assert_says(
        &body,
        &[
            "2 open violations of severity HIGH or above, all of them new.",
            "[CRITICAL]",
            "- ledger",
            "[HIGH]",
            "- web",
            "REMEDIATION",
        ],
    );
    assert!(!body.contains("[LOW]") && !body.contains("good"), "{body}");

    let case = Case::of(vec![high]).threshold(Severity::High);
    assert_eq!(case.message().await.0, "[HIGH] 1 new, 1 open in account 123456789012 (dev-pr42)");
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
            "- ledger (since when is not known)",
            "- payroll: what was seen",
            "- vault (since when is not known)",
            "Coverage 50.0 % of the evaluations came to a verdict; 3 withheld for want of data, as the reports say",
            "asked for by the on-call engineer",
            "Changes nothing to compare with, for no scan looked at it before",
            "only these services, as was asked",
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
            "Changes 0 new, 7 of rules that were not evaluated then, 0 still open, 3 resolved, 4 not looked at again since scan one Resources",
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
    // What must be escaped to stand in JSON, and once more in the JSON of all forms.
    let long = "\\\"ünbelievable\" ".repeat(200);
    let findings: Vec<_> = (0..100_000)
        .map(|number| {
            let mut finding = critical(&format!("bucket-{number:06}"));
            if number < 512 {
                finding.rule_id = format!("rule-{:03}", number % 100).into();
                finding.evidence.observed = long.clone().into();
            }
            if number < 20 {
                Arc::make_mut(&mut finding.resource).name.clone_from(&long);
            }
            finding
        })
        .collect();
    let failed = |number: u32| sample::remediation_record(&format!("b{number}"), RemediationOutcome::Failed, &[&long]);
    let mut case = Case::of(findings).partial().remediated((0..1000).map(failed).collect());
    for delivery in ["WriteCsvReport", "WriteJsonReport", "PublishMetrics"] {
        case = case.undelivered(delivery);
        case.input.failed_deliveries.last_mut().unwrap().cause = long.clone();
    }
    case.summary.gaps = vec![Gap { reason: long.clone(), ..case.summary.gaps[0].clone() }; 5000];
    case.summary.exceptions = vec![use_of(&long, ExceptionState::Expired, 1); 200];
    case.plan.trigger.reason = Some(long.repeat(10));
    let message = case.whole_message().await;
    let body = form(&message, "email");
    assert_eq!(
        message.subject,
        "[CRITICAL] 100000 new, 100000 open in account 123456789012 (dev-pr42), scan incomplete"
    );
    assert!(message.forms.len() < LARGEST - 1024, "{} bytes", message.forms.len());
    assert!(body.len() < 80 * 1024, "{} bytes", body.len());
    let named = body.split_whitespace().collect::<Vec<_>>().join(" ").matches("(first seen").count();
    assert!(named > 10, "{named}");
    assert_says(
        &body,
        &[
            "- all of lambda",
            "more",
            &format!("NEW: 100000 violations ({named} are named here, the worst first; the reports name all)"),
            "[CRITICAL] Title of",
            "and",
            "more, which the JSON report names",
            "REPORTS",
        ],
    );
    let document = json_form(&message, "sqs");
    // Each has two texts of 500 characters, and half as much beside them.
    assert!(document["newViolations"].as_array().unwrap().len() >= 3);
    assert_eq!(document["counts"]["new"], 100_000);
    assert_valid(&document);
}

#[tokio::test]
async fn the_worst_violation_is_named_even_when_it_comes_last() {
    let mut findings: Vec<_> =
        (0..1000).map(|number| Finding { change: Some(Change::New), ..low(&format!("bucket-{number:04}")) }).collect();
    findings.push(critical("zebra"));
    let case = Case::of(findings).threshold(Severity::Low);
    let (_, body) = case.message().await;
    assert_says(&body, &["1001 open violations", "[CRITICAL]", "- zebra", "[LOW]", "bucket-0000"]);
}

/// What the test of documents takes for wrong.
#[tokio::test]
async fn the_schema_refuses_what_is_not_so() {
    let document = json_form(&Case::of(vec![critical("ledger")]).whole_message().await, "sqs");
    let schema: Value = serde_json::from_str(include_str!("../message.schema.json")).unwrap();
    assert_eq!(schema::flaw(&document, &schema, &schema, "$"), None);
    for (field, wrong) in [
        ("/kind", "news".into()),
        ("/schemaVersion", "2.0".into()),
        ("/account", "1234".into()),
        ("/counts/new", serde_json::json!(-1)),
        ("/counts", serde_json::json!({})),
        ("/score", 101.into()),
        ("/services", serde_json::json!([])),
        ("/services/0", "ec2".into()),
        ("/scan/startedAt", "2026-11-23T06:00:00.454Z".into()),
        ("/newViolations/0/severity", "NONE".into()),
        ("/newViolations/0/console", "http://example.com".into()),
        ("/links/reports/0/format", "pdf".into()),
    ] {
        let mut document = document.clone();
        *document.pointer_mut(field).unwrap() = wrong;
        assert!(schema::flaw(&document, &schema, &schema, "$").is_some(), "{field}");
    }
}

#[tokio::test]
async fn programs_get_a_document_and_chat_channels_a_notification() {
    let mut observed = critical("payroll");
    observed.evidence.observed = "a policy of <!channel> & *everybody*".into();
    let mut case = Case::of(vec![observed, known("ledger")]).undelivered("WriteCsvReport");
    case.plan.services = vec![Service::S3, Service::Lambda];
    let message = case.whole_message().await;
    assert_eq!(
        message.attributes,
        Attributes {
            kind: Kind::Violations,
            severity: Some(Severity::Critical),
            services: vec![Service::S3, Service::Lambda]
        }
    );
    let document = json_form(&message, "sqs");
    assert_valid(&document);
    for protocol in ["lambda", "http"] {
        assert_eq!(json_form(&message, protocol), document);
    }
    for (field, expected) in [
        ("/schemaVersion", "1.1".into()),
        ("/kind", "violations".into()),
        ("/severity", "CRITICAL".into()),
        ("/services", serde_json::json!(["s3", "lambda"])),
        ("/account", sample::ACCOUNT.into()),
        ("/scan/id", sample::SCAN_ID.into()),
        ("/counts/open", 2.into()),
        ("/counts/new", 1.into()),
        ("/counts/notDelivered", 1.into()),
        ("/newViolations/0/resourceArn", "arn:aws:s3:::payroll".into()),
        ("/newViolations/0/observed", "a policy of <!channel> & *everybody*".into()),
        ("/stillOpen/0/violations", 1.into()),
        ("/links/reports/0/format", "html".into()),
        ("/links/reports/1/format", "json".into()),
    ] {
        assert_eq!(document.pointer(field), Some(&expected), "{field} of {document:#}");
    }

    let chat = json_form(&message, "https");
    assert_eq!((&chat["version"], &chat["source"]), (&"1.0".into(), &"custom".into()));
    assert_eq!(chat["content"]["textType"], "client-markdown");
    assert_eq!(chat["content"]["title"], message.subject);
    let description = chat["content"]["description"].as_str().unwrap();
    assert_says(description, &["2 open violations", "1 of them new", "- NEW CRITICAL: Title of", "1 bucket"]);
    assert!(!form(&message, "https").contains("channel"), "{chat:#}");
    let context = &chat["metadata"]["additionalContext"];
    assert_eq!((&context["kind"], &context["services"]), (&"violations".into(), &"s3,lambda".into()));
    let next: Vec<_> = chat["content"]["nextSteps"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert!(next[0].starts_with("Read the HTML report: https://") && next.len() == 2, "{next:?}");
    assert_says(&form(&message, "default"), &["[CRITICAL] 1 new, 2 open", "https://"]);
}

/// What the message is for, by what a scan came to.
#[tokio::test]
async fn every_kind_of_message_says_so_and_has_a_valid_document() {
    let lost = || {
        let mut case = Case::of(vec![Finding {
            status: Status::InsufficientData,
            change: Some(Change::NotLookedAt),
            ..known("vault")
        }]);
        (case.summary.lost_sight, case.summary.lost_sight_news) = (1, 1);
        case
    };
    let expired = || {
        let mut case = Case::of(vec![low("ledger")]);
        case.summary.exceptions = vec![use_of("arn:aws:s3:::ledger", ExceptionState::Expired, 1)];
        case
    };
    let cases: [(Case, Kind, &str); 9] = [
        (Case::of(vec![critical("a")]).partial().broken_remediation(), Kind::Violations, "CRITICAL"),
        (lost(), Kind::Violations, "NONE"),
        (expired(), Kind::Violations, "NONE"),
        (Case::of(vec![known("a")]).partial(), Kind::Partial, "CRITICAL"),
        (Case::of(vec![low("a")]).broken_remediation(), Kind::Failure, "NONE"),
        (Case::of(vec![known("a")]).undelivered("PublishMetrics"), Kind::Failure, "CRITICAL"),
        (Case::of(vec![]).remediated(announced(["a".to_owned()])), Kind::Remediation, "NONE"),
        (Case::of(vec![known("a")]), Kind::Reminder, "CRITICAL"),
        (Case::of(vec![known("a")]).partial().threshold(Severity::High), Kind::Partial, "CRITICAL"),
    ];
    for (case, kind, severity) in cases {
        let message = case.whole_message().await;
        assert_eq!((message.attributes.kind, message.attributes.severity()), (kind, severity), "{}", message.subject);
        assert_valid(&json_form(&message, "sqs"));
    }
    for kind in Kind::ALL {
        let mut document = json_form(&Case::of(vec![critical("a")]).whole_message().await, "sqs");
        document["kind"] = kind.as_str().into();
        assert_valid(&document);
    }
}

/// Four scans a day: the first tells, the next three are silent, the fifth reminds.
#[tokio::test]
async fn people_are_not_told_the_same_again_but_reminded_once_a_day() {
    let (store, mailbox) = (MemoryStore::default(), Mailbox::default());
    Case::of(vec![critical("ledger")]).later(0, &store, &mailbox).await;
    for hours in [6, 12, 18] {
        let output = Case::of(vec![known("ledger")]).later(hours, &store, &mailbox).await;
        assert_eq!(output.message_id, None, "{hours}");
    }
    Case::of(vec![known("ledger")]).later(24, &store, &mailbox).await;
    Case::of(vec![known("ledger")]).later(30, &store, &mailbox).await;
    // A new one comes at once, and puts the next reminder off.
    Case::of(vec![known("ledger"), critical("payroll")]).later(36, &store, &mailbox).await;
    Case::of(vec![known("ledger"), known("payroll")]).later(48, &store, &mailbox).await;
    Case::of(vec![known("ledger"), known("payroll")]).later(60, &store, &mailbox).await;
    assert_eq!(mailbox.kinds(), [Kind::Violations, Kind::Reminder, Kind::Violations, Kind::Reminder]);
    let messages = mailbox.messages.into_inner().unwrap();
    assert_eq!(messages[1].subject, "[REMINDER] 1 still open in account 123456789012 (dev-pr42)");
    let body = form(&messages[1], "email");
    assert_says(
        &body,
        &[
            "1 open violation of severity CRITICAL, none of them new.",
            "You know of all this. It is said again every 24 hours for as long as it is so.",
            "STILL OPEN: 1 violation that you know of - [CRITICAL] Title of",
            "1 bucket, open since 22 November 2026",
            "Score",
            "REPORTS",
        ],
    );
    assert!(body.lines().count() < 40 && !body.contains("what was seen"), "{body}");
}

#[tokio::test]
async fn who_wants_it_is_told_with_every_scan() {
    let (store, mailbox) = (MemoryStore::default(), Mailbox::default());
    for hours in [0, 6, 12] {
        let mut case = Case::of(vec![if hours == 0 { critical("ledger") } else { known("ledger") }]);
        case.plan.policy.alert.remind_hours = 0;
        case.later(hours, &store, &mailbox).await;
    }
    assert_eq!(mailbox.kinds(), [Kind::Violations, Kind::Reminder, Kind::Reminder]);
}

#[tokio::test]
async fn what_is_no_more_is_told_once() {
    let (store, mailbox) = (MemoryStore::default(), Mailbox::default());
    Case::of(vec![critical("ledger")]).later(0, &store, &mailbox).await;
    let mut mended = Case::of(vec![]);
    mended.summary.alerting_resolved = 1;
    mended.later(6, &store, &mailbox).await;
    Case::of(vec![]).later(12, &store, &mailbox).await;
    Case::of(vec![critical("ledger")]).later(18, &store, &mailbox).await;
    assert_eq!(mailbox.kinds(), [Kind::Violations, Kind::Resolved, Kind::Violations]);
    let messages = mailbox.messages.into_inner().unwrap();
    assert_eq!(messages[1].subject, "[RESOLVED] Nothing is open any more in account 123456789012 (dev-pr42)");
    assert_says(
        &form(&messages[1], "email"),
        &[
            "Nothing is left of what you were told: no violation of severity CRITICAL is open any more",
            "RESOLVED since",
        ],
    );
    assert_valid(&json_form(&messages[1], "sqs"));
    assert_eq!(messages[1].attributes.severity(), "NONE");
}

/// A scan of one service ends nothing of another, and reminds of nothing there.
#[tokio::test]
async fn a_service_that_was_not_scanned_stays_as_it_was_told() {
    let (store, mailbox) = (MemoryStore::default(), Mailbox::default());
    Case::of(vec![critical("ledger")]).later(0, &store, &mailbox).await;
    let mut of_functions = Case::of(vec![]);
    of_functions.plan.services = vec![Service::Lambda];
    let output = of_functions.later(48, &store, &mailbox).await;
    assert_eq!(output.message_id, None);
    Case::of(vec![known("ledger")]).later(54, &store, &mailbox).await;
    assert_eq!(mailbox.kinds(), [Kind::Violations, Kind::Reminder]);
}

/// A scan of some named resources.
fn scoped(mut case: Case) -> Case {
    case.plan.resources = vec!["arn:aws:s3:::shop".parse().unwrap()];
    case.summary.scope = Scope::Scoped { named: 1, not_found: Vec::new() };
    case
}

#[tokio::test]
async fn a_scan_of_named_resources_tells_what_is_new_and_nothing_of_what_it_did_not_look_at() {
    let (store, mailbox) = (MemoryStore::default(), Mailbox::default());
    Case::of(vec![critical("ledger")]).later(0, &store, &mailbox).await;
    // It sees nothing wrong: of what is open elsewhere it neither reminds, nor says that nothing is left.
    assert_eq!(scoped(Case::of(vec![])).later(48, &store, &mailbox).await.message_id, None);
    assert_eq!(scoped(Case::of(vec![known("shop")])).later(49, &store, &mailbox).await.message_id, None);
    // News is told, and no scan after it tells it anew: not the next one of the same bucket, and not the next one of all.
    let found_at = sample::AGGREGATED_AT + jiff::SignedDuration::from_hours(50);
    let news = Finding { first_seen: Some(found_at), ..critical("shop") };
    scoped(Case::of(vec![news.clone()])).later(50, &store, &mailbox).await;
    let state: AlertState = store.get_json(keys::ALERTS).await.unwrap();
    assert_eq!(state.told[&Service::S3].scan_id, "later-0", "the message about everything is another one");
    assert!(!state.is_untold(&news));
    assert!(state.is_untold(&Finding { first_seen: Some(found_at), ..critical("other") }));
    assert_eq!(mailbox.kinds(), [Kind::Violations, Kind::Violations]);
}

#[tokio::test]
async fn a_message_about_named_resources_says_that_it_is() {
    let message = scoped(Case::of(vec![critical("shop")])).whole_message().await;
    assert_eq!(message.subject, "[CRITICAL] 1 new, 1 open in named resources of account 123456789012 (dev-pr42)");
    assert_says(
        &form(&message, "email"),
        &[
            "IT LOOKED AT 1 named resource only. What it says",
            "Score 0.0 % of the verdicts on what was named are compliant",
            "Resources",
            "1 named resource only, as was asked",
        ],
    );
    let document = json_form(&message, "sqs");
    schema::assert_valid(&document);
    assert_eq!(document["scan"]["scope"], json!({ "state": "SCOPED", "named": 1, "notFound": [] }));
}

/// A copy of the chain's state lies in every mailbox, and one that cannot be read keeps no message back.
#[tokio::test]
async fn every_message_tells_how_far_the_chain_of_evidence_has_come() {
    let manifest = json!({
        "schemaVersion": "1.0",
        "number": 41,
        "subject": { "kind": "SCAN", "id": "20261123T000000Z-0a1b2c3d" },
        "outcome": "COMPLETE",
        "execution": { "arn": "arn:aws:states:us-east-1:123456789012:execution:m:e", "startedAt": "2026-11-23T00:00:00Z" },
        "sealedAt": "2026-11-23T00:03:00Z",
        "catalogue": { "version": "1.0.0" },
        "objects": [],
        "withoutLink": [],
        "key": { "arn": "arn:aws:kms:us-east-1:123456789012:key/0a1b", "fingerprint": "00" },
    });
    let link = Link::new(manifest.to_string(), vec![0x30]).unwrap();
    let digits = link.as_previous().sha256[..16].to_owned();
    let last = format!("Last link number 41, sealed at 2026-11-23T00:03:00Z, SHA-256 {digits}…");
    let case = Case::of(vec![critical("ledger")]);
    for (head, told) in [
        (Head::of(&link).canonical().unwrap(), last.as_str()),
        ("{}".to_owned(), "The last link of the chain cannot be told: it cannot be understood"),
    ] {
        let (store, mailbox) = (case.store().await, Mailbox::default());
        let _ = store.put(evidence_chain::HEAD, "application/json", head.into(), Condition::None).await.unwrap();
        tell(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
        let message = mailbox.only();
        assert_says(&form(&message, "email"), &["EVIDENCE", told]);
        assert_valid(&json_form(&message, "sqs"));
    }
}

fn change(event_id: &str, bucket: &str) -> AccountChange {
    AccountChange {
        event_id: event_id.to_owned(),
        event_name: "PutBucketPolicy".to_owned(),
        event_time: sample::STARTED_AT - jiff::SignedDuration::from_secs(130),
        principal: "arn:aws:sts::123456789012:assumed-role/deployer/alex".to_owned(),
        source_address: "198.51.100.7".to_owned(),
        resources: vec![format!("arn:aws:s3:::{bucket}")],
    }
}

#[tokio::test]
async fn a_message_after_a_change_says_who_made_it_and_what_it_opened() {
    let mut case = scoped(Case::of(vec![critical("shop")]));
    case.plan.changes = vec![change("0d1f", "harmless"), change("7ab3-0c", "shop")];
    let message = case.whole_message().await;
    assert_eq!(message.subject, "[CRITICAL] 1 new, 1 open in changed resources of account 123456789012 (dev-pr42)");
    let text = form(&message, "email");
    assert_says(
        &text,
        &[
            "CHANGED BY",
            "- PutBucketPolicy by arn:aws:sts::123456789012:assumed-role/deployer/alex from 198.51.100.7 at \
             2026-11-23T05:57:50Z, of arn:aws:s3:::shop; event 7ab3-0c",
            "https://us-east-1.console.aws.amazon.com/cloudtrailv2/home?region=us-east-1#/events/7ab3-0c",
            "To undo a change",
            "NEW: 1 violation",
            "- shop",
        ],
    );
    assert!(!text.contains("0d1f"), "{text}");
    let document = json_form(&message, "sqs");
    schema::assert_valid(&document);
    assert_eq!(document["changes"][0]["eventId"], "7ab3-0c");
    assert_eq!(document["changes"].as_array().unwrap().len(), 1);
}

/// A scan of one bucket may be over within the second in which it started.
#[tokio::test]
async fn what_this_scan_saw_first_needs_no_time() {
    let mut case = Case::of(vec![Finding { first_seen: Some(sample::STARTED_AT), ..critical("shop") }]);
    case.plan.started_at = sample::STARTED_AT + jiff::SignedDuration::from_millis(900);
    assert_says(&case.message().await.1, &["- shop: what was seen"]);
}

/// A violation of what hangs on the changed resource may come of any of the changes.
#[tokio::test]
async fn where_a_violation_is_of_no_changed_resource_all_changes_are_told() {
    let mut case = scoped(Case::of(vec![critical("shop"), critical("hangs-on-it")]));
    case.plan.changes = vec![change("0d1f", "other"), change("7ab3", "shop")];
    assert_says(&form(&case.whole_message().await, "email"), &["CHANGED BY", "event 0d1f", "event 7ab3", "NEW"]);
}

#[tokio::test]
async fn a_change_that_made_nothing_worse_makes_no_message() {
    let (store, mailbox) = (MemoryStore::default(), Mailbox::default());
    Case::of(vec![critical("shop")]).later(0, &store, &mailbox).await;
    let mut case = scoped(Case::of(vec![known("shop")]));
    case.plan.changes = vec![change("7ab3", "shop")];
    assert_eq!(case.later(1, &store, &mailbox).await.message_id, None);
    assert_eq!(mailbox.kinds(), [Kind::Violations]);
}

/// (what the second scan, six hours after one with a violation, finds on top, whether it speaks)
#[tokio::test]
async fn only_what_people_do_not_know_makes_a_message_before_a_day_is_over() {
    let gaps = |case: Case, gaps: &[usize]| {
        let mut case = case.partial();
        case.summary.gaps = gaps.iter().map(|gap| case.summary.gaps[*gap].clone()).collect();
        case
    };
    let expired = |mut case: Case, resource: &str| {
        case.summary.exceptions = vec![use_of(resource, ExceptionState::Expired, 1)];
        case
    };
    let case = || Case::of(vec![known("ledger")]);
    let first = || expired(gaps(Case::of(vec![critical("ledger")]), &[1]), "arn:aws:s3:::ledger");
    let lost = |mut case: Case| {
        case.findings.push(Finding {
            status: Status::InsufficientData,
            change: Some(Change::NotLookedAt),
            ..known("vault")
        });
        case.summary.lost_sight = 1;
        case
    };
    let cases: [(Case, Option<Kind>); 9] = [
        (first_again(first()), None),
        // The gap is another shard of the same service, for another reason.
        (gaps(expired(case(), "arn:aws:s3:::ledger"), &[1]), None),
        (gaps(case(), &[0, 1]), Some(Kind::Partial)),
        (expired(case(), "arn:aws:s3:::website"), Some(Kind::Violations)),
        (lost(case()), Some(Kind::Violations)),
        (case().broken_remediation(), Some(Kind::Failure)),
        (case().undelivered("WriteCsvReport"), Some(Kind::Failure)),
        (case().remediated(announced(["ledger".to_owned()])), Some(Kind::Remediation)),
        (case(), None),
    ];
    for (place, (second, kind)) in cases.into_iter().enumerate() {
        let (store, mailbox) = (MemoryStore::default(), Mailbox::default());
        first().later(0, &store, &mailbox).await;
        second.later(6, &store, &mailbox).await;
        let told: Vec<_> = mailbox.kinds().into_iter().skip(1).collect();
        assert_eq!(told, kind.into_iter().collect::<Vec<_>>(), "case {place}");
    }
}

/// The same once more, as a later scan finds it.
fn first_again(mut case: Case) -> Case {
    case.findings = vec![known("ledger")];
    case.summary.alerting_news = 0;
    case
}

/// What was not looked at, was looked at again, and is hidden once more is told anew.
#[tokio::test]
async fn what_comes_again_is_told_again() {
    let (store, mailbox) = (MemoryStore::default(), Mailbox::default());
    Case::of(vec![critical("ledger")]).partial().later(0, &store, &mailbox).await;
    Case::of(vec![known("ledger")]).later(6, &store, &mailbox).await;
    Case::of(vec![known("ledger")]).partial().later(12, &store, &mailbox).await;
    assert_eq!(mailbox.kinds(), [Kind::Violations, Kind::Partial]);
}

/// Two scans side by side want to remind; one of them has set out to.
#[tokio::test]
async fn of_two_scans_one_reminds_and_a_claim_of_a_dead_one_ends() {
    for (minutes_ago, reminds) in [(0, false), (14, false), (16, true)] {
        let (store, mailbox) = (MemoryStore::default(), Mailbox::default());
        Case::of(vec![critical("ledger")]).later(0, &store, &mailbox).await;
        let mut state: AlertState = store.get_json(keys::ALERTS).await.unwrap();
        let at = sample::AGGREGATED_AT - jiff::SignedDuration::from_mins(minutes_ago);
        state.claim = Some(audit_model::AlertClaim { scan_id: "beside".to_owned(), at });
        store.replace_json(keys::ALERTS, &state).await.unwrap();
        Case::of(vec![known("ledger")]).later(24, &store, &mailbox).await;
        assert_eq!(mailbox.kinds().len(), if reminds { 2 } else { 1 }, "{minutes_ago}");
        // News is not held back.
        Case::of(vec![known("ledger"), critical("payroll")]).later(30, &store, &mailbox).await;
        assert_eq!(mailbox.kinds().last(), Some(&Kind::Violations));
    }
}

/// A store that refuses to keep what people were told.
struct Forgetful(MemoryStore);

#[async_trait]
impl ArtifactStore for Forgetful {
    async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
        self.0.get(key).await
    }

    async fn open(&self, key: &str) -> Result<Option<audit_artifacts::ArtifactReader>, TaskError> {
        self.0.open(key).await
    }

    async fn put(
        &self,
        key: &str,
        content_type: &str,
        content: bytes::Bytes,
        condition: Condition,
    ) -> Result<PutOutcome, TaskError> {
        if key == keys::ALERTS {
            return Err(TaskError::Unavailable("s3:PutObject failed (no answer in time)".to_owned()));
        }
        self.0.put(key, content_type, content, condition).await
    }

    async fn create(&self, key: &str, content_type: &str) -> Result<Box<dyn ArtifactWriter>, TaskError> {
        self.0.create(key, content_type).await
    }
}

/// News goes out whatever becomes of the state. A reminder that cannot be claimed fails the task, which is tried again.
#[tokio::test]
async fn a_state_that_cannot_be_kept_keeps_no_news_from_people() {
    let case = Case::of(vec![critical("ledger")]);
    let (store, mailbox) = (Forgetful(case.store().await), Mailbox::default());
    tell(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    assert_eq!(mailbox.kinds(), [Kind::Violations]);

    let case = Case::of(vec![known("ledger")]);
    let (store, mailbox) = (Forgetful(case.store().await), Mailbox::default());
    let error = tell(&case.input, &store, &mailbox, &case.deployment).await.unwrap_err();
    assert_eq!((error.name(), mailbox.kinds()), ("Unavailable", vec![]));
}

/// A broken state must stop no scan: people are told once more.
#[tokio::test]
async fn a_state_that_cannot_be_understood_is_replaced() {
    let case = Case::of(vec![known("ledger")]);
    let (store, mailbox) = (case.store().await, Mailbox::default());
    let _ = store.put(keys::ALERTS, "application/json", "{".into(), Condition::None).await.unwrap();
    tell(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    assert_eq!(mailbox.kinds(), [Kind::Reminder]);
    let state: AlertState = store.get_json(keys::ALERTS).await.unwrap();
    assert_eq!(state.told[&Service::S3].scan_id, sample::SCAN_ID);
    assert_eq!((state.told[&Service::S3].rules.len(), state.claim), (1, None));
}

#[tokio::test]
async fn a_repeated_task_sends_nothing_and_gives_the_same_answer() {
    let case = Case::of(vec![critical("ledger")]);
    let (store, mailbox) = (case.store().await, Mailbox::default());
    let first = tell(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    let second = tell(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    assert_eq!(first, NotifyOutput { scan_id: sample::SCAN_ID.to_owned(), message_id: Some("message-1".to_owned()) });
    assert_eq!(second, first);
    assert_eq!(mailbox.messages.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_alert_that_was_refused_leaves_no_receipt() {
    let case = Case::of(vec![critical("ledger")]);
    let store = case.store().await;
    let refusing = Mailbox { refuses: true, ..Mailbox::default() };
    assert_eq!(tell(&case.input, &store, &refusing, &case.deployment).await.unwrap_err().name(), "Throttled");
    let mailbox = Mailbox::default();
    tell(&case.input, &store, &mailbox, &case.deployment).await.unwrap();
    assert_eq!(mailbox.messages.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_text_from_outside_cannot_write_lines_of_its_own() {
    let mut finding = critical("ledger");
    finding.evidence.observed = "a\n\nNo violations.\r\nREPORTS\u{202e}x".into();
    let (_, body) = Case::of(vec![finding]).message().await;
    assert_says(&body, &["a No violations. REPORTS x"]);
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
        let mut case = Case::of(vec![critical("ledger")]);
        case.deployment.system = system;
        case.plan.account = account;
        (case.summary.alerting_violations, case.summary.alerting_news) = (violations.max(1), violations.max(1));
        case = if is_partial { case.partial() } else { case };
        case = if broke { case.broken_remediation() } else { case };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (subject, _) = runtime.block_on(case.message());
        prop_assert!((1..100).contains(&subject.len()), "{subject:?}");
        prop_assert!(subject.chars().all(|char| char == ' ' || char.is_ascii_graphic()), "{subject:?}");
        prop_assert!(subject.starts_with(|first: char| first.is_ascii_graphic()), "{subject:?}");
    }
}
