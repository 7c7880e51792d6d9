//! Writes the HTML and JSON reports of made-up scans into a folder, for `tests/report`, which opens them in a browser.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use audit_artifacts::{ArtifactStoreExt, MemoryStore, keys, sample};
use audit_model::remediation::{RemediationOutcome, RemediationRecord};
use audit_model::summary::{Changes, Comparison, ExceptionState, ExceptionUse, Gap, ScanStatus, Summary};
use audit_model::task::{CaughtError, DeliverInput, RemediationResult};
use audit_model::{
    Change, ExceptionMark, Finding, History, PastScan, Plan, PolicyException, Service, Severity, Status, Tags,
    Unreadable, UnreadableCause,
};
use audit_rules::{CATALOGUE, Rule};
use jiff::{Timestamp, ToSpan, civil::date};
use write_html_report::Deployment;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What people who mean no good write into names, tags and policies, and what only looks strange.
const HOSTILE: [&str; 8] = [
    "</td></tr></table></main><h1>Compliant</h1>",
    "<script>document.title='taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    "\"><svg onload=alert(1)>",
    "{{ 7 * 7 }} {% include \"/etc/passwd\" %} ${7*7}",
    "javascript:alert(1)//&lt;b&gt;&amp;",
    "ledger\u{202e}fdp.exe\u{200b}\u{0}\u{7}",
    "\u{1f4b0} Zahlungs\u{fc}bersicht \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{6f22}\u{5b57} e\u{301}\u{301}\u{301}",
];

/// A scan, as its aggregation and its remediation leave it.
struct Scan {
    plan: Plan,
    summary: Summary,
    findings: Vec<Finding>,
    records: Vec<RemediationRecord>,
    remediation: Option<RemediationResult>,
    history: History,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let folder = PathBuf::from(env::args().nth(1).ok_or("usage: made_up_reports FOLDER")?);
    fs::create_dir_all(&folder)?;
    write(&folder, "empty", Scan::of(Vec::new())?).await?;
    write(&folder, "one", Scan::of(vec![finding(bucket_rule(0)?, "ledger", Status::Compliant)])?).await?;
    write(&folder, "many", many()?).await?;
    write(&folder, "hostile", hostile()?).await?;
    write(&folder, "partial", partial()?).await
}

/// Writes both reports of a scan.
async fn write(folder: &Path, name: &str, scan: Scan) -> Outcome<()> {
    let store: MemoryStore = sample::store(&scan.plan, &scan.summary, &scan.findings, &scan.records).await?;
    store.replace_json(&keys::rules(sample::SCAN_ID), &audit_rules::in_force(&scan.plan.policy)).await?;
    store.replace_json(keys::HISTORY, &scan.history).await?;
    let input = DeliverInput { scan_id: sample::SCAN_ID.to_owned(), remediation: scan.remediation };
    let deployment =
        Deployment { system: "dev-pr42".to_owned(), bucket: Some("compliance-reports-123456789012".to_owned()) };
    let now = sample::AGGREGATED_AT.checked_add(2.minutes())?;
    let html = write_html_report::handle(&input, &store, &deployment, now).await?;
    let json = write_json_report::handle(&input, &store, &deployment.system, now).await?;
    for (form, key) in [("html", html.key), ("json", json.key)] {
        fs::write(folder.join(format!("{name}.{form}")), store.text(&key).ok_or("the report is not text")?)?;
    }
    Ok(())
}

impl Scan {
    /// A complete scan of all services that came to these findings, after 90 days of others.
    fn of(mut findings: Vec<Finding>) -> Outcome<Self> {
        findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        let mut summary = sample::summary(&findings);
        let arns: BTreeSet<&str> = findings.iter().map(|finding| finding.resource.arn.as_str()).collect();
        summary.resources.insert(Service::S3, arns.len() as u64);
        for (service, comparison) in &mut summary.comparison {
            if let Comparison::Compared { changes, .. } = comparison {
                *changes = Changes::default();
                findings
                    .iter()
                    .filter(|finding| finding.service == *service)
                    .filter_map(|finding| finding.change)
                    .for_each(|change| changes.count(change));
            }
        }
        let plan = sample::plan();
        let history = history(&plan, &summary)?;
        Ok(Self { plan, summary, findings, records: Vec::new(), remediation: None, history })
    }

    fn remediated(mut self, records: Vec<RemediationRecord>) -> Self {
        self.remediation = Some(RemediationResult::Ran(sample::remediation_counts(&records)));
        Self { records, ..self }
    }
}

/// A rule on buckets.
fn bucket_rule(number: usize) -> Outcome<&'static Rule> {
    let mut rules = CATALOGUE.iter().filter(|rule| rule.check.resource_type() == "AWS::S3::Bucket");
    Ok(rules.nth(number).ok_or("there are not so many rules on buckets")?)
}

fn finding(rule: &Rule, bucket: &str, status: Status) -> Finding {
    sample::finding(bucket, rule.id, rule.severity, status)
}

/// Four scans a day for 90 days, ever better; each week a partial one, and each third day one of a single service, whose figures
/// are no figures of the account.
fn history(plan: &Plan, summary: &Summary) -> Outcome<History> {
    let mut scans = Vec::new();
    for number in 1_u32..360 {
        let started_at = plan.started_at.checked_sub((6 * i64::from(360 - number)).hours())?;
        let (status, services) = match number {
            _ if number % 28 == 5 => (ScanStatus::Partial, Service::ALL.to_vec()),
            _ if number % 12 == 7 => (ScanStatus::Complete, vec![Service::S3]),
            _ => (ScanStatus::Complete, Service::ALL.to_vec()),
        };
        let whole = status == ScanStatus::Complete && services.len() == Service::ALL.len();
        let open = |at_first: u32| u64::from(at_first - at_first * number / 420 + number * 7 % 5);
        scans.push(PastScan {
            scan_id: format!("{}-{number:08x}", started_at.strftime("%Y%m%dT%H%M%SZ")),
            started_at,
            status,
            services,
            score: Some(if whole { 78.0 + f64::from(number) / 25.0 + f64::from(number * 13 % 7) / 10.0 } else { 20.0 }),
            coverage: Some(if whole { 98.5 + f64::from(number * 5 % 9) / 10.0 } else { 40.0 }),
            open: [
                (Severity::Critical, open(24)),
                (Severity::High, open(40)),
                (Severity::Medium, open(90)),
                (Severity::Low, open(60)),
            ]
            .into(),
            excepted: 4,
            new: Some(u64::from(number * 7 % 11 / 8)),
            resolved: Some(u64::from(number * 5 % 13 / 10)),
        });
    }
    scans.push(PastScan::of(plan, summary));
    Ok(History { scans })
}

/// 100,000 findings about 5,000 buckets, of which 10,000 are violations: more than the file has room for.
fn many() -> Outcome<Scan> {
    let mut findings = Vec::new();
    let mut excepted = 0;
    for bucket in 0_u32..5000 {
        for rule in 0_u32..20 {
            let draw = (bucket * 31 + rule * 17) % 100;
            let status = match draw {
                0..10 => Status::NonCompliant,
                10..12 => Status::InsufficientData,
                12..20 => Status::NotApplicable,
                _ => Status::Compliant,
            };
            let mut finding = finding(bucket_rule(rule.try_into()?)?, &format!("payments-{bucket:04}"), status);
            let resource = Arc::make_mut(&mut finding.resource);
            resource.tags =
                (bucket % 7 != 0).then(|| Tags::from([("Owner".to_owned(), format!("team-{}", bucket % 12))]));
            if status == Status::NonCompliant {
                let first_seen: Timestamp =
                    sample::STARTED_AT.checked_sub(i64::from((bucket * 7 + rule) % 2000).hours())?;
                finding.first_seen = Some(first_seen);
                finding.change = Some(match bucket % 40 {
                    0 => Change::New,
                    1 => Change::FirstEvaluated,
                    _ => Change::StillOpen,
                });
                if bucket % 100 == 50 {
                    excepted += 1;
                    finding.change = None;
                    finding.exception = Some(mark("accepted by the risk board", "the compliance officer"));
                }
            } else if status == Status::InsufficientData {
                finding.missing = vec![denied("s3:GetBucketPolicy", "User is not authorized to perform this action")];
            } else if draw == 99 {
                finding.change = Some(Change::Resolved);
            }
            findings.push(finding);
        }
    }
    let mut scan = Scan::of(findings)?;
    for (state, violations) in
        [(ExceptionState::InForce, excepted), (ExceptionState::Expired, 3), (ExceptionState::MatchesNothing, 0)]
    {
        let exception = PolicyException {
            rule: bucket_rule(1)?.id.to_owned(),
            resource: "arn:aws:s3:::payments-*50".to_owned(),
            reason: "accepted by the risk board".to_owned(),
            approver: "the compliance officer".to_owned(),
            expires: if state == ExceptionState::Expired { date(2026, 11, 1) } else { date(2026, 12, 31) },
        };
        scan.plan.policy.exceptions.push(exception.clone());
        scan.summary.exceptions.push(ExceptionUse { exception, state, looked_at: true, violations });
    }
    let records = (0..700)
        .map(|number| {
            let (outcome, told) = match number % 50 {
                0 => (RemediationOutcome::Failed, "kms:CreateKey was throttled; what was there before was put back"),
                1 | 2 => (RemediationOutcome::Applied, "written and read back"),
                3..10 => (RemediationOutcome::Announced, "the next scan changes it"),
                _ => (RemediationOutcome::Skipped, "it is a website"),
            };
            sample::remediation_record(&format!("payments-{number:04}"), outcome, &[told])
        })
        .collect();
    Ok(scan.remediated(records))
}

/// Texts that try to be more than texts, wherever somebody else writes one.
fn hostile() -> Outcome<Scan> {
    let mut findings = Vec::new();
    for (number, text) in HOSTILE.iter().enumerate() {
        for (rule, status) in [
            (0, Status::NonCompliant),
            (1, Status::NonCompliant),
            (2, Status::InsufficientData),
            (3, Status::Compliant),
        ] {
            let mut finding = finding(bucket_rule(rule)?, &format!("hostile-{number}"), status);
            finding.evidence.observed = format!("the policy says {text}").into();
            let resource = Arc::make_mut(&mut finding.resource);
            (*text).clone_into(&mut resource.name);
            resource.tags = Some(Tags::from([((*text).to_owned(), (*text).to_owned())]));
            match rule {
                1 => (finding.exception, finding.change) = (Some(mark(text, text)), None),
                2 => {
                    finding.missing = vec![denied("s3:GetBucketPolicy", text)];
                    finding.change = Some(Change::NotLookedAt);
                    finding.first_seen = Some(sample::DAY_BEFORE);
                }
                3 => finding.change = Some(Change::Resolved),
                _ => finding.change = Some(Change::New),
            }
            findings.push(finding);
        }
    }
    let mut scan = Scan::of(findings)?;
    scan.plan.trigger.requested_by = Some(HOSTILE[1].to_owned());
    scan.plan.trigger.reason = Some(HOSTILE[0].to_owned());
    for text in HOSTILE {
        let exception = PolicyException {
            rule: bucket_rule(1)?.id.to_owned(),
            resource: text.to_owned(),
            reason: text.to_owned(),
            approver: text.to_owned(),
            expires: date(2026, 12, 31),
        };
        scan.plan.policy.exceptions.push(exception.clone());
        scan.summary.exceptions.push(ExceptionUse {
            exception,
            state: ExceptionState::InForce,
            looked_at: true,
            violations: 1,
        });
        scan.summary.gaps.push(Gap {
            service: Service::Vpc,
            shard: None,
            resources: None,
            resource_type: None,
            reason: text.to_owned(),
        });
    }
    scan.summary.status = ScanStatus::Partial;
    let records = HOSTILE.map(|text| sample::remediation_record(text, RemediationOutcome::Failed, &[text]));
    Ok(scan.remediated(records.into()))
}

/// A first scan of one service, of which not everything could be looked at, with a remediation that broke off.
fn partial() -> Outcome<Scan> {
    let mut findings = Vec::new();
    for (bucket, status) in [("a", Status::NonCompliant), ("b", Status::InsufficientData), ("c", Status::Compliant)] {
        let mut finding = finding(bucket_rule(4)?, bucket, status);
        finding.change = None;
        Arc::make_mut(&mut finding.resource).tags = None;
        if status == Status::InsufficientData {
            finding.missing = vec![denied("s3:GetBucketAcl", "Access Denied")];
        }
        findings.push(finding);
    }
    let mut scan = Scan::of(findings)?;
    scan.plan.services = vec![Service::S3];
    let summary = &mut scan.summary;
    summary.resources.retain(|service, _| *service == Service::S3);
    summary.by_service.retain(|service, _| *service == Service::S3);
    summary.comparison = [(Service::S3, Comparison::FirstScan)].into();
    summary.status = ScanStatus::Partial;
    summary.of_others = 3;
    let reason = "ScanS3 failed: Throttled: s3:GetBucketPolicy was throttled".to_owned();
    summary.gaps =
        vec![Gap { service: Service::S3, shard: Some(2), resources: Some(250), resource_type: None, reason }];
    scan.history = History { scans: vec![PastScan::of(&scan.plan, &scan.summary)] };
    scan.remediation = Some(RemediationResult::Broke(CaughtError {
        state: "RemediateS3Encryption".to_owned(),
        error: "Throttled".to_owned(),
        cause: "kms:CreateKey was throttled".to_owned(),
    }));
    Ok(scan)
}

fn mark(reason: &str, approver: &str) -> ExceptionMark {
    ExceptionMark { reason: reason.to_owned(), approver: approver.to_owned(), expires: date(2026, 12, 31) }
}

fn denied(action: &str, detail: &str) -> Unreadable {
    Unreadable { action: action.to_owned(), cause: UnreadableCause::AccessDenied, detail: detail.to_owned() }
}
