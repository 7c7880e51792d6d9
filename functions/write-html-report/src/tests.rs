use std::sync::Arc;

use audit_artifacts::{Condition, MemoryStore, PutOutcome, sample};
use audit_model::remediation::{RemediationOutcome, RemediationRecord};
use audit_model::summary::{Comparison, Gap, ScanStatus, Scope, Summary};
use audit_model::task::RemediationResult;
use audit_model::{Change, Finding, PastScan, Plan, Service, Severity, Status, Trigger, TriggerKind};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::ToSpan;
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

/// Two minutes after the aggregation.
const NOW: Timestamp = Timestamp::constant(1_795_413_780, 0);
const KEY: &str = "reports/date=2026-11-23/20261123T060000Z-1f2e3d4c.html";
const LIMIT: usize = 8 * 1024 * 1024;

fn deployment() -> Deployment {
    Deployment { system: "dev-pr42".to_owned(), bucket: Some("reports-bucket".to_owned()) }
}

async fn write(store: &MemoryStore, remediation: Option<RemediationResult>) -> Result<String, TaskError> {
    let input = DeliverInput { scan_id: sample::SCAN_ID.to_owned(), remediation };
    let output = handle(&input, store, &deployment(), NOW).await?;
    let text = store.text(KEY).unwrap();
    assert_eq!((output.key.as_str(), output.bytes), (KEY, text.len() as u64));
    Ok(text)
}

async fn report_of(summary: &Summary, findings: &[Finding], records: &[RemediationRecord]) -> String {
    let store = sample::store(&sample::plan(), summary, findings, records).await.unwrap();
    let remediation = (!records.is_empty()).then(|| RemediationResult::Ran(sample::remediation_counts(records)));
    write(&store, remediation).await.unwrap()
}

async fn report(findings: &[Finding]) -> String {
    report_of(&sample::summary(findings), findings, &[]).await
}

fn violation(bucket: &str, severity: Severity) -> Finding {
    sample::finding(bucket, "s3-bucket-versioning-enabled", severity, Status::NonCompliant)
}

/// What stands between two texts, the first time.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from)
        .and_then(|(_, rest)| rest.split_once(to))
        .map(|(between, _)| between)
        .unwrap_or_else(|| panic!("{from} … {to}"))
}

#[tokio::test]
async fn the_file_stands_alone() {
    let text = report(&[violation("ledger", Severity::Critical)]).await;
    for loads in ["src=", "@import", "url(", "<iframe", "<object", "<embed", "srcset", "<base", "<form action"] {
        assert!(!text.contains(loads), "{loads}");
    }
    let links: Vec<&str> =
        text.split("<link ").skip(1).map(|link| link.split('>').next().unwrap_or_default()).collect();
    assert_eq!(links, ["rel=\"icon\" href=\"data:,\""]);
    let hash = |tag: &str| {
        let content = between(&text, &format!("<{tag}>"), &format!("</{tag}>"));
        format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(content)))
    };
    let allowed = between(&text, "<meta http-equiv=\"Content-Security-Policy\" content=\"", "\"").replace("&#39;", "'");
    let expected = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash("style"),
        hash("script")
    );
    assert_eq!(allowed, expected);
    assert!(!text.contains(" style="), "the policy would not let a style attribute count");
}

/// More violations than the page has room for, so that it names the CSV report as well.
async fn page_of(plan: &Plan, deployment: &Deployment) -> String {
    let findings: Vec<Finding> =
        (0..5_001).map(|number| violation(&format!("bucket-{number:04}"), Severity::Low)).collect();
    let store = sample::store(plan, &sample::summary(&findings), &findings, &[]).await.unwrap();
    let input = DeliverInput { scan_id: sample::SCAN_ID.to_owned(), remediation: None };
    handle(&input, &store, deployment, NOW).await.unwrap();
    store.text(KEY).unwrap()
}

#[tokio::test]
async fn a_scan_in_a_folder_has_its_keys_and_no_link_to_a_bucket() {
    let folder = Deployment { bucket: None, ..deployment() };
    for (text, in_bucket) in
        [(page_of(&sample::plan(), &deployment()).await, true), (page_of(&sample::plan(), &folder).await, false)]
    {
        assert_eq!(text.contains("console.aws.amazon.com/s3/object/"), in_bucket);
        assert_eq!(text.contains("aws s3 cp"), in_bucket);
        assert_eq!(text.contains("noncurrent versions"), in_bucket);
        assert_eq!(text.contains("in the folder that holds"), !in_bucket);
        assert_eq!(between(&text, "All are in the CSV report, <", " ").starts_with('a'), in_bucket);
        for key in ["plan.json", "manifest.json", "summary.json", "rules.json", "findings.jsonl.zst"] {
            assert!(text.contains(&format!("scans/{}/{key}", sample::SCAN_ID)), "{key}");
        }
        assert!(text.contains(&KEY.replace(".html", ".csv")));
        assert!(text.contains("/states/home"), "its execution can still be looked up");
    }
}

#[tokio::test]
async fn a_scan_of_the_command_names_no_execution_and_no_manifest() {
    let trigger = Trigger { kind: TriggerKind::Command, event_id: None, ..sample::plan().trigger };
    let plan = Plan { trigger, execution_arn: "compliance-audit:2026-11-23T06:00:00Z".to_owned(), ..sample::plan() };
    let command = Deployment { system: "compliance-audit".to_owned(), bucket: None };
    let text = page_of(&plan, &command).await;
    for untrue in ["/states/home", "<dt>Execution</dt>", "manifest", "/s3/object/"] {
        assert!(!text.contains(untrue), "{untrue}");
    }
    assert!(text.contains("<dt>Asked for by</dt><dd>the command compliance-audit</dd>"));
    assert!(text.contains(&format!("scans/{}/plan.json", sample::SCAN_ID)));
}

#[tokio::test]
async fn the_verdict_is_never_better_than_what_was_looked_at() {
    let finding = |bucket, severity, status| sample::finding(bucket, "s3-rule", severity, status);
    let good = finding("good", Severity::Low, Status::Compliant);
    let gap =
        Gap { service: Service::Vpc, shard: None, resources: None, resource_type: None, reason: "denied".to_owned() };
    let excepted = {
        let mark = audit_model::ExceptionMark {
            reason: "agreed".to_owned(),
            approver: "the officer".to_owned(),
            expires: jiff::civil::date(2026, 12, 31),
        };
        Finding { exception: Some(mark), change: None, ..violation("excepted", Severity::High) }
    };
    let cases = [
        (vec![], vec![], "Nothing was there to be judged."),
        (vec![good.clone()], vec![], "Compliant: everything was looked at, and nothing is wrong."),
        (vec![good.clone(), excepted], vec![], "No violation is open; 1 is covered by exceptions."),
        (
            vec![good.clone()],
            vec![gap],
            "Not known: no open violation was found, but there is more to look at. Not everything was looked at.",
        ),
        (
            vec![good.clone(), finding("unread", Severity::Low, Status::InsufficientData)],
            vec![],
            "Not known: no open violation was found, but there is more to look at. 1 evaluation came to no verdict.",
        ),
        (
            vec![violation("a", Severity::Critical), violation("b", Severity::Low), good],
            vec![],
            "Not compliant: 2 open violations, 1 of them critical.",
        ),
    ];
    for (mut findings, gaps, verdict) in cases {
        findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        let status = if gaps.is_empty() { ScanStatus::Complete } else { ScanStatus::Partial };
        let summary = Summary { status, gaps, ..sample::summary(&findings) };
        let text = report_of(&summary, &findings, &[]).await;
        let told = text.split("<p class=\"verdict ").nth(1).unwrap();
        assert_eq!(between(told, ">", "</p>"), verdict);
    }
}

/// Of a first scan nobody can say that nothing is new.
#[tokio::test]
async fn without_a_scan_before_nothing_is_said_to_be_new_or_not() {
    let findings = [Finding { change: Some(Change::StillOpen), ..violation("ledger", Severity::Critical) }];
    let mut summary = sample::summary(&findings);
    for (is_first, told) in [(false, "No violation is new."), (true, "With nothing to compare with")] {
        if is_first {
            summary.comparison.values_mut().for_each(|comparison| *comparison = Comparison::FirstScan);
        }
        let changes =
            between(&report_of(&summary, &findings, &[]).await, "<h3>New</h3>", "<h3>Resolved</h3>").to_owned();
        assert!(changes.contains(told), "{changes}");
    }
}

#[tokio::test]
async fn the_worst_come_first_and_of_them_the_newest_and_the_rest_is_counted() {
    let seen = |hours: i64| sample::DAY_BEFORE.checked_add(hours.hours()).unwrap();
    let mut findings: Vec<Finding> = (0..5100)
        .map(|number| {
            let severity = if number % 3 == 0 { Severity::High } else { Severity::Low };
            Finding { first_seen: Some(seen(i64::from(number % 20))), ..violation(&format!("b-{number:05}"), severity) }
        })
        .collect();
    findings.push(violation("c", Severity::Critical));
    let text = report(&findings).await;
    let rows: Vec<(&str, &str)> = text
        .split("<tr id=\"v")
        .skip(1)
        .map(|row| (between(row, "data-s=\"", "\""), between(row, "data-t=\"", "\"")))
        .collect();
    assert_eq!(rows.len(), 5000);
    let worst = |severity: &str| ["critical", "high", "low"].iter().position(|name| *name == severity);
    assert!(rows.is_sorted_by(|(a, a_seen), (b, b_seen)| (worst(a), b_seen) <= (worst(b), a_seen)), "not sorted");
    assert_eq!(between(&text, "id=\"omitted\"><strong>", "<"), "101");
    assert_eq!(between(&text, "id=\"open-violations\">", "<"), "5,101");
    assert!(text.len() < LIMIT);
}

/// Whatever is found and however long the texts are, the file has its limit, and all violations are listed or counted.
#[tokio::test]
async fn the_file_has_a_limit() {
    let long = "<&\"'>".repeat(400);
    let statuses = [Status::NonCompliant, Status::NonCompliant, Status::InsufficientData, Status::Compliant];
    let findings: Vec<Finding> = (0..8000_usize)
        .map(|number| {
            let status = statuses[number % 4];
            let mut finding =
                sample::finding(&format!("b-{number:05}"), &format!("s3-rule-{}", number % 50), Severity::High, status);
            finding.evidence.observed = long.clone().into();
            let resource = Arc::make_mut(&mut finding.resource);
            resource.name.clone_from(&long);
            resource.tags = Some([(long.clone(), long.clone())].into());
            finding.change = match status {
                Status::NonCompliant => Some(Change::New),
                Status::InsufficientData => Some(Change::NotLookedAt),
                _ => Some(Change::Resolved),
            };
            finding
        })
        .collect();
    let records: Vec<RemediationRecord> = (0..3000)
        .map(|number| sample::remediation_record(&format!("b-{number:05}"), RemediationOutcome::Skipped, &[&long]))
        .collect();
    let text = report_of(&sample::summary(&findings), &findings, &records).await;
    assert!(text.len() < LIMIT, "{} bytes", text.len());
    let listed = text.matches("<tr id=\"v").count();
    let omitted: usize = between(&text, "id=\"omitted\"><strong>", "<").replace(',', "").parse().unwrap();
    assert_eq!((listed + omitted, listed > 400), (4000, true));
}

#[tokio::test]
async fn what_failed_comes_first_of_what_remediation_did() {
    let record = |bucket, outcome, text| sample::remediation_record(bucket, outcome, &[text]);
    let records = [
        record("web", RemediationOutcome::Skipped, "it is a website"),
        record("ledger", RemediationOutcome::Applied, "verified"),
        record("payroll", RemediationOutcome::Failed, "kms:CreateKey was denied"),
    ];
    let text = report_of(&sample::summary(&[]), &[], &records).await;
    let places: Vec<_> = ["kms:CreateKey was denied", "verified", "it is a website"].map(|told| text.find(told)).into();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
    assert!(text.contains("Mode apply: 1 applied, 1 skipped, 1 failed."));
    assert!(report(&[]).await.contains("Remediation was switched off for this scan."));
}

#[tokio::test]
async fn the_lines_are_bent_by_whole_scans_only_and_end_with_this_one() {
    let at = |hours: i64| sample::STARTED_AT.checked_add(hours.hours()).unwrap();
    let past = |hours, status, services: &[Service], score| {
        let plan = Plan { services: services.to_vec(), ..sample::plan() };
        let summary = Summary { scan_id: format!("at {hours}"), started_at: at(hours), status, ..sample::summary(&[]) };
        PastScan { score: Some(score), ..PastScan::of(&plan, &summary) }
    };
    let scans = vec![
        past(-60, ScanStatus::Complete, &Service::ALL, 81.5),
        past(-48, ScanStatus::Partial, &Service::ALL, 12.5),
        past(-24, ScanStatus::Complete, &[Service::S3], 13.5),
        past(0, ScanStatus::Complete, &Service::ALL, 90.5),
        past(6, ScanStatus::Complete, &Service::ALL, 95.5),
    ];
    let store = sample::store(&sample::plan(), &sample::summary(&[]), &[], &[]).await.unwrap();
    store.replace_json(keys::HISTORY, &History { scans }).await.unwrap();
    let text = write(&store, None).await.unwrap();
    let chart = between(&text, "aria-labelledby=\"score-t score-d\"", "</svg>");
    let points: Vec<&str> = chart
        .split("score ")
        .skip(1)
        .filter_map(|rest| rest.split_once(" %</title>"))
        .map(|(value, _)| value)
        .collect();
    assert_eq!(points, ["81.5", "90.5"]);
    assert_eq!(chart.matches("<g class=\"mark\">").count(), 2);
    let table = between(&text, "The last scans in figures", "</table>");
    assert!(["12.5 %", "13.5 %", "only s3", "partial"].iter().all(|told| table.contains(told)), "{table}");
    assert!(!text.contains("95.5"), "what came later is not this report's");

    let put = store.put(keys::HISTORY, "application/json", "{".into(), Condition::None).await.unwrap();
    assert_eq!(put, PutOutcome::Written);
    assert!(write(&store, None).await.unwrap().contains("The history of the scans cannot be read"));
}

#[tokio::test]
async fn no_report_appears_when_findings_or_their_rules_are_missing() {
    let findings = [violation("ledger", Severity::High), violation("payroll", Severity::High)];
    let store = sample::store(&sample::plan(), &sample::summary(&findings), &findings[..1], &[]).await.unwrap();
    assert_eq!(write(&store, None).await.unwrap_err().name(), "Corrupt");
    let store = sample::store(&sample::plan(), &sample::summary(&findings), &findings, &[]).await.unwrap();
    store.replace_json(&keys::rules(sample::SCAN_ID), &audit_model::Rules::new()).await.unwrap();
    assert_eq!(write(&store, None).await.unwrap_err().name(), "Corrupt");
    store.remove(&keys::findings(sample::SCAN_ID));
    assert_eq!(write(&store, None).await.unwrap_err().name(), "NotFound");
    assert_eq!(store.text(KEY), None);
}

proptest! {
    /// Whatever people name and tag their resources, it is text on the page.
    #[test]
    fn a_text_from_outside_is_no_markup(texts in prop::collection::vec("[<>&\"'a-z/= \u{202e}\u{0}]{0,24}", 1..4)) {
        let findings: Vec<Finding> = texts
            .iter()
            .enumerate()
            .map(|(number, text)| {
                let mut finding = violation(&format!("b-{number}"), Severity::High);
                finding.evidence.observed = format!("{text}<script>").into();
                let resource = Arc::make_mut(&mut finding.resource);
                resource.name = format!("{text}</th><img onerror=x>");
                resource.tags = Some([(text.clone(), format!("\"><b {text}"))].into());
                finding
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let text = runtime.block_on(report(&findings));
        prop_assert_eq!(text.matches("<script>").count(), 1);
        prop_assert!(!text.contains("<img") && !text.contains("<b "));
        let controls = text.contains(['\u{202e}', '\0']);
        prop_assert!(!controls);
        prop_assert_eq!(text.matches("<tr id=\"v").count(), texts.len());
    }
}

#[tokio::test]
async fn the_verdict_on_named_resources_is_not_the_account_s() {
    let good = [sample::finding("good", "s3-rule", Severity::Low, Status::Compliant)];
    let not_found = vec!["arn:aws:s3:::gone".to_owned()];
    let summary = Summary { scope: Scope::Scoped { named: 2, not_found }, ..sample::summary(&good) };
    let text = report_of(&summary, &good, &[]).await;
    let told = text.split("<p class=\"verdict ").nth(1).unwrap();
    assert_eq!(
        between(told, ">", "</p>"),
        "Looked at: 2 named resources only, of which arn:aws:s3:::gone was not there. Of the account this says nothing. \
         Compliant: nothing is wrong with what was named."
    );
    assert!(text.contains("Score of what was named") && text.contains("Everything but what was asked for by name."));
}
