use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use audit_artifacts::{
    ArtifactReader, ArtifactWriter, Condition, JsonLinesReader, MemoryStore, PutOutcome, Stored, sample,
};
use audit_model::plan::{Inventory, ShardReceipt};
use audit_model::policy::RuleSetting;
use audit_model::summary::{Comparison, Counts, ExceptionState, Gap};
use audit_model::task::{BranchFailure, CaughtError, Execution};
use audit_model::{ExceptionMark, Finding, PolicyException, Service, Status, Unreadable, UnreadableCause};
use bytes::Bytes;
use jiff::civil::{Date, date};
use pretty_assertions::assert_eq;

use super::*;

mod coverage;
mod properties;

/// A rule that remediation does not repair, and one that it does.
const VERSIONING: &str = "s3-bucket-versioning-enabled";
const ENCRYPTION: &str = "s3-bucket-customer-managed-key-encrypted";
const EARLIER_SCAN_ID: &str = "20261123T000000Z-00000000";

/// A scan between its scanners and its aggregation.
struct Scan {
    store: MemoryStore,
    plan: Plan,
    branches: Vec<Branch>,
}

impl Scan {
    /// A scan of the services, of which nothing is listed yet.
    fn of(services: &[Service]) -> Self {
        let plan = Plan { services: services.to_vec(), ..sample::plan() };
        let branch =
            |service| Branch { service, planned: services.contains(&service), shards: None, failures: Vec::new() };
        Self { store: MemoryStore::default(), plan, branches: Service::ALL.map(branch).to_vec() }
    }

    /// A scan of all services, of which only S3 has resources: one shard of `findings`, a resource for each.
    async fn of_buckets(findings: &[Finding]) -> Self {
        let scan = Self::of(&Service::ALL);
        let resources = findings.len() as u64;
        scan.list(Service::S3, &[resources]).await;
        scan.list(Service::Vpc, &[]).await;
        scan.list(Service::Lambda, &[]).await;
        scan.scan(Service::S3, 1, resources, findings).await;
        scan
    }

    async fn list(&self, service: Service, shards: &[u64]) {
        self.write_inventory(&inventory(service, shards)).await;
    }

    async fn write_inventory(&self, inventory: &Inventory) {
        self.store.replace_json(&keys::inventory(sample::SCAN_ID, inventory.service), inventory).await.unwrap();
    }

    async fn scan(&self, service: Service, shard: u32, resources: u64, findings: &[Finding]) {
        self.write_findings(service, shard, findings).await;
        self.write_receipt(&receipt(service, shard, resources, findings.len() as u64)).await;
    }

    async fn write_findings(&self, service: Service, shard: u32, findings: &[Finding]) {
        write_lines(&self.store, &keys::shard_findings(sample::SCAN_ID, service, shard), findings).await;
    }

    async fn write_receipt(&self, receipt: &ShardReceipt) {
        let key = keys::shard_receipt(sample::SCAN_ID, receipt.service, receipt.shard);
        self.store.replace_json(&key, receipt).await.unwrap();
    }

    /// Makes `findings` those of the last complete scan, six hours ago.
    async fn follows(&self, findings: &[Finding]) {
        write_lines(&self.store, &keys::findings(EARLIER_SCAN_ID), findings).await;
        self.points_to(EARLIER_SCAN_ID, "2026-11-23T00:00:00Z").await;
    }

    async fn points_to(&self, scan_id: &str, started_at: &str) {
        let latest = LatestScan { scan_id: scan_id.to_owned(), started_at: started_at.parse().unwrap() };
        self.store.replace_json(keys::LATEST, &latest).await.unwrap();
    }

    fn failed(&mut self, service: Service, state: &str, shard: Option<u32>, cause: &str) {
        let caught = CaughtError { state: state.to_owned(), error: "AccessDenied".to_owned(), cause: cause.to_owned() };
        let failure = BranchFailure { shard, caught };
        self.branches.iter_mut().find(|branch| branch.service == service).unwrap().failures.push(failure);
    }

    async fn aggregate(&self) -> Result<AggregateFindingsOutput, TaskError> {
        self.aggregate_in(&self.store).await
    }

    async fn aggregate_in(&self, store: &dyn ArtifactStore) -> Result<AggregateFindingsOutput, TaskError> {
        self.store.replace_json(&keys::plan(sample::SCAN_ID), &self.plan).await.unwrap();
        let input = AggregateFindingsInput {
            scan_id: sample::SCAN_ID.to_owned(),
            execution: Execution {
                id: self.plan.execution_arn.clone(),
                name: "run".to_owned(),
                start_time: sample::STARTED_AT,
                state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:audit".to_owned(),
            },
            branches: self.branches.clone(),
        };
        handle(input, &Ports { store, now: || sample::AGGREGATED_AT }).await
    }

    /// The summary of a scan that must come to its end.
    async fn summary(&self) -> Summary {
        self.aggregate().await.unwrap();
        self.store.get_json(&keys::summary(sample::SCAN_ID)).await.unwrap()
    }

    async fn findings(&self) -> Vec<Finding> {
        let mut reader = JsonLinesReader::open(&self.store, &keys::findings(sample::SCAN_ID)).await.unwrap();
        let mut findings = Vec::new();
        while let Some(finding) = reader.next().await.unwrap() {
            findings.push(finding);
        }
        findings
    }

    async fn latest(&self) -> Option<String> {
        latest::find(&self.store).await.unwrap().map(|latest| latest.scan_id)
    }
}

fn inventory(service: Service, shards: &[u64]) -> Inventory {
    Inventory {
        service,
        listing: sample::LISTING.to_owned(),
        resources: shards.iter().sum(),
        shards: shards.to_vec(),
        unlisted: Vec::new(),
        listed_at: sample::STARTED_AT,
    }
}

fn receipt(service: Service, shard: u32, resources: u64, findings: u64) -> ShardReceipt {
    ShardReceipt { service, listing: sample::LISTING.to_owned(), shard, resources, gone: 0, findings }
}

async fn write_lines(store: &MemoryStore, key: &str, findings: &[Finding]) {
    let mut writer = JsonLinesWriter::create(store, key).await.unwrap();
    for finding in findings {
        writer.write(finding).await.unwrap();
    }
    writer.finish().await.unwrap();
}

/// What a scanner writes: it knows nothing of the scans before.
fn found(bucket: &str, rule: &str, severity: Severity, status: Status) -> Finding {
    Finding { first_seen: None, ..sample::finding(bucket, rule, severity, status) }
}

fn versioning(bucket: &str, status: Status) -> Finding {
    found(bucket, VERSIONING, Severity::Low, status)
}

fn gap(service: Service, shard: Option<u32>, resources: Option<u64>, reason: &str) -> Gap {
    Gap { service, shard, resources, resource_type: None, reason: reason.to_owned() }
}

#[tokio::test]
async fn figures_count_what_is_found() {
    use Severity::{Critical, High, Low};
    let mut scan = Scan::of(&Service::ALL);
    scan.plan.policy.alert.threshold = High;
    scan.list(Service::S3, &[2, 1]).await;
    scan.list(Service::Vpc, &[1]).await;
    scan.list(Service::Lambda, &[]).await;
    let first = [
        found("a", ENCRYPTION, High, Status::NonCompliant),
        found("a", "s3-bucket-server-side-encryption-enabled", Critical, Status::NonCompliant),
        found("a", VERSIONING, Low, Status::NonCompliant),
        found("c", ENCRYPTION, High, Status::InsufficientData),
        found("c", VERSIONING, Low, Status::Compliant),
    ];
    scan.scan(Service::S3, 1, 2, &first).await;
    scan.scan(Service::S3, 2, 1, &[found("b", ENCRYPTION, High, Status::NonCompliant)]).await;
    let flow_logs = Finding {
        service: Service::Vpc,
        ..found("vpc-1", "vpc-flow-logs-enabled", Severity::Medium, Status::NotApplicable)
    };
    scan.scan(Service::Vpc, 1, 1, &[flow_logs]).await;

    let output = scan.aggregate().await.unwrap();

    let mut summary: Summary = scan.store.get_json(&keys::summary(sample::SCAN_ID)).await.unwrap();
    // A rule that had nothing to judge is there, too.
    assert_eq!(summary.by_rule.len(), audit_rules::CATALOGUE.len());
    summary.by_rule.retain(|_, counts| counts.all() > 0);
    let counts = |compliant, non_compliant, not_applicable, insufficient_data| Counts {
        compliant,
        non_compliant,
        not_applicable,
        insufficient_data,
        excepted: 0,
    };
    assert_eq!(
        summary,
        Summary {
            scan_id: sample::SCAN_ID.to_owned(),
            status: ScanStatus::Complete,
            gaps: Vec::new(),
            started_at: sample::STARTED_AT,
            aggregated_at: sample::AGGREGATED_AT,
            resources: [(Service::S3, 3), (Service::Vpc, 1), (Service::Lambda, 0)].into(),
            totals: counts(1, 4, 1, 1),
            by_service: [
                (Service::S3, counts(1, 4, 0, 1)),
                (Service::Vpc, counts(0, 0, 1, 0)),
                (Service::Lambda, counts(0, 0, 0, 0)),
            ]
            .into(),
            by_rule: [
                (ENCRYPTION.to_owned(), counts(0, 2, 0, 1)),
                ("s3-bucket-server-side-encryption-enabled".to_owned(), counts(0, 1, 0, 0)),
                (VERSIONING.to_owned(), counts(1, 1, 0, 0)),
                ("vpc-flow-logs-enabled".to_owned(), counts(0, 0, 1, 0)),
            ]
            .into(),
            violations_by_severity: [(Critical, 1), (High, 2), (Severity::Medium, 0), (Low, 1)].into(),
            comparison: None,
            lost_sight: 0,
            exceptions: Vec::new(),
            // One critical and two high ones, at the policy's threshold of high.
            alerting_violations: 3,
            // Bucket a fails both encryption rules and counts once; c could not be read.
            remediable_buckets: 2,
        }
    );
    assert_eq!(
        output,
        AggregateFindingsOutput {
            scan_id: sample::SCAN_ID.to_owned(),
            status: ScanStatus::Complete,
            alert: true,
            critical_violations: 1,
            violations: 4,
            remediable: 2,
        }
    );
    let order: Vec<String> = scan
        .findings()
        .await
        .into_iter()
        .map(|finding| format!("{} {}", finding.resource.name, finding.rule_id))
        .collect();
    assert_eq!(
        order,
        [
            "a s3-bucket-customer-managed-key-encrypted",
            "a s3-bucket-server-side-encryption-enabled",
            "a s3-bucket-versioning-enabled",
            "b s3-bucket-customer-managed-key-encrypted",
            "c s3-bucket-customer-managed-key-encrypted",
            "c s3-bucket-versioning-enabled",
            "vpc-1 vpc-flow-logs-enabled",
        ]
    );
}

/// An exception of versioning, for buckets that match.
fn exception(bucket: &str, expires: Date) -> PolicyException {
    PolicyException {
        rule: VERSIONING.to_owned(),
        resource: format!("arn:aws:s3:::{bucket}"),
        reason: "rebuilt every night".to_owned(),
        approver: "Head of data".to_owned(),
        expires,
    }
}

/// The day of the scan, in UTC.
const TODAY: Date = date(2026, 11, 23);
const YESTERDAY: Date = date(2026, 11, 22);

#[tokio::test]
async fn an_excepted_violation_stays_and_is_counted_apart() {
    let findings = [
        versioning("scratch-1", Status::NonCompliant),
        versioning("scratch-2", Status::Compliant),
        versioning("vault", Status::NonCompliant),
    ];
    let mut scan = Scan::of_buckets(&findings).await;
    scan.plan.policy.alert.threshold = Severity::Low;
    scan.plan.policy.exceptions = vec![exception("scratch-*", TODAY), exception("scratch-1", date(2030, 1, 1))];
    let summary = scan.summary().await;

    let mark = ExceptionMark {
        reason: "rebuilt every night".to_owned(),
        approver: "Head of data".to_owned(),
        // The first exception that covers it is the one that is named.
        expires: TODAY,
    };
    let findings = scan.findings().await;
    let marks: Vec<_> =
        findings.iter().map(|finding| (finding.status, finding.exception.clone(), finding.first_seen)).collect();
    assert_eq!(
        marks,
        [
            (Status::NonCompliant, Some(mark), Some(sample::AGGREGATED_AT)),
            (Status::Compliant, None, None),
            (Status::NonCompliant, None, Some(sample::AGGREGATED_AT)),
        ]
    );
    assert_eq!((summary.totals.non_compliant, summary.totals.excepted), (2, 1));
    // The score is that of the resources as they are: 1 of 3.
    assert_eq!(summary.score(), Some(33.3));
    assert_eq!((summary.violations_by_severity[&Severity::Low], summary.alerting_violations), (1, 1));
    let uses: Vec<_> = summary.exceptions.iter().map(|use_| (use_.state, use_.violations)).collect();
    assert_eq!(uses, [(ExceptionState::InForce, 1), (ExceptionState::InForce, 1)]);
}

#[tokio::test]
async fn an_expired_exception_covers_nothing_and_raises_the_alert_while_it_is_needed() {
    for (status, violations) in [(Status::NonCompliant, 1), (Status::Compliant, 0), (Status::InsufficientData, 0)] {
        let mut scan = Scan::of_buckets(&[versioning("scratch", status)]).await;
        scan.plan.policy.exceptions = vec![exception("scratch", YESTERDAY)];
        let output = scan.aggregate().await.unwrap();
        let summary: Summary = scan.store.get_json(&keys::summary(sample::SCAN_ID)).await.unwrap();
        assert_eq!(output.alert, violations > 0, "{status}");
        assert_eq!(summary.totals.excepted, 0);
        let [used] = summary.exceptions.as_slice() else { panic!("one exception") };
        assert_eq!((used.state, used.violations), (ExceptionState::Expired, violations));
        assert!(scan.findings().await.iter().all(|finding| finding.exception.is_none()));
    }
}

#[tokio::test]
async fn an_exception_that_matches_nothing_is_told_from_one_that_nobody_looked_for() {
    let use_of_elsewhere = async |change: fn(&mut Scan)| {
        let mut scan = Scan::of_buckets(&[versioning("vault", Status::NonCompliant)]).await;
        scan.plan.policy.exceptions = vec![exception("elsewhere", TODAY)];
        change(&mut scan);
        scan.summary().await.exceptions[0].state
    };
    assert_eq!(use_of_elsewhere(|_| {}).await, ExceptionState::MatchesNothing);
    let off = |scan: &mut Scan| {
        let setting = RuleSetting { enabled: false, severity: None };
        scan.plan.policy.rules.insert(VERSIONING.to_owned(), setting);
    };
    assert_eq!(use_of_elsewhere(off).await, ExceptionState::NotLookedAt);
    assert_eq!(use_of_elsewhere(|scan| scan.plan.services = vec![Service::Vpc]).await, ExceptionState::NotLookedAt);
    let incomplete = |scan: &mut Scan| scan.store.remove(&keys::shard_receipt(sample::SCAN_ID, Service::S3, 1));
    assert_eq!(use_of_elsewhere(incomplete).await, ExceptionState::NotLookedAt);
}

/// A security-group rule's finding about a VPC whose groups could not be listed.
fn unlisted(vpc: &str) -> Finding {
    let ssh = "security-group-ssh-from-internet-prohibited";
    let mut finding = found(vpc, ssh, Severity::High, Status::InsufficientData);
    finding.service = Service::Vpc;
    finding.resource.resource_type = "AWS::EC2::VPC".to_owned();
    finding.missing = vec![Unreadable {
        action: "ec2:DescribeSecurityGroups".to_owned(),
        cause: UnreadableCause::AccessDenied,
        detail: "UnauthorizedOperation".to_owned(),
    }];
    finding
}

#[tokio::test]
async fn what_could_not_be_listed_is_a_gap_that_resolves_nothing_and_leaves_no_exception_without_a_match() {
    let open = Finding {
        service: Service::Vpc,
        ..found("sg-1", &unlisted("v").rule_id, Severity::High, Status::NonCompliant)
    };
    let mut scan = Scan::of(&Service::ALL);
    scan.plan.policy.exceptions = vec![PolicyException { rule: open.rule_id.clone(), ..exception("sg-1", TODAY) }];
    scan.follows(&[open]).await;
    scan.list(Service::S3, &[]).await;
    scan.list(Service::Vpc, &[2]).await;
    scan.list(Service::Lambda, &[]).await;
    scan.scan(Service::Vpc, 1, 2, &[unlisted("vpc-1"), unlisted("vpc-2")]).await;

    let summary = scan.summary().await;

    assert_eq!(summary.status, ScanStatus::Partial);
    let reason = "ec2:DescribeSecurityGroups was denied: UnauthorizedOperation (and so for 1 others)";
    let expected =
        Gap { resource_type: Some("AWS::EC2::SecurityGroup".to_owned()), ..gap(Service::Vpc, None, None, reason) };
    assert_eq!(summary.gaps, [expected]);
    let comparison = summary.comparison.unwrap();
    assert_eq!((comparison.resolved, comparison.not_verified), (0, 1));
    assert_eq!(summary.exceptions[0].state, ExceptionState::NotLookedAt);
    assert_eq!(scan.latest().await.as_deref(), Some(EARLIER_SCAN_ID));
}

#[tokio::test]
async fn a_known_violation_that_is_out_of_sight_raises_the_alert() {
    for (known, alert) in [(Status::NonCompliant, true), (Status::Compliant, false)] {
        let critical = |status| found("a", "s3-bucket-public-read-prohibited", Severity::Critical, status);
        let scan = Scan::of_buckets(&[critical(Status::InsufficientData)]).await;
        scan.follows(&[critical(known)]).await;
        let output = scan.aggregate().await.unwrap();
        assert_eq!(output.alert, alert, "{known}");
        let summary: Summary = scan.store.get_json(&keys::summary(sample::SCAN_ID)).await.unwrap();
        assert_eq!(summary.lost_sight, u64::from(alert));
    }
}

#[tokio::test]
async fn violations_of_a_rule_that_was_not_evaluated_then_are_not_new() {
    let scan = Scan::of_buckets(&[
        found("a", ENCRYPTION, Severity::High, Status::NonCompliant),
        versioning("a", Status::NonCompliant),
    ])
    .await;
    scan.follows(&[versioning("b", Status::Compliant)]).await;
    let earlier = sample::summary(&[versioning("b", Status::Compliant)]);
    scan.store.replace_json(&keys::summary(EARLIER_SCAN_ID), &earlier).await.unwrap();
    let comparison = scan.summary().await.comparison.unwrap();
    assert_eq!((comparison.new, comparison.first_evaluated), (1, 1));
}

#[tokio::test]
async fn a_violation_under_another_exception_does_not_miss_the_expired_one() {
    let mut scan = Scan::of_buckets(&[versioning("scratch", Status::NonCompliant)]).await;
    scan.plan.policy.exceptions = vec![exception("scratch", YESTERDAY), exception("scr*", TODAY)];
    let output = scan.aggregate().await.unwrap();
    let summary: Summary = scan.store.get_json(&keys::summary(sample::SCAN_ID)).await.unwrap();
    assert!(!output.alert);
    let uses: Vec<_> = summary.exceptions.iter().map(|used| (used.state, used.violations)).collect();
    assert_eq!(uses, [(ExceptionState::Expired, 0), (ExceptionState::InForce, 1)]);
}

#[tokio::test]
async fn an_excepted_bucket_is_not_for_repair() {
    let mut scan = Scan::of_buckets(&[found("ledger", ENCRYPTION, Severity::High, Status::NonCompliant)]).await;
    scan.plan.policy.exceptions = vec![PolicyException { rule: ENCRYPTION.to_owned(), ..exception("ledger", TODAY) }];
    assert_eq!(scan.summary().await.remediable_buckets, 0);
}

#[tokio::test]
async fn the_violations_of_a_rule_that_was_switched_off_are_not_resolved() {
    let mut scan = Scan::of_buckets(&[]).await;
    scan.follows(&[versioning("vault", Status::NonCompliant)]).await;
    scan.plan.policy.rules.insert(VERSIONING.to_owned(), RuleSetting { enabled: false, severity: None });
    let comparison = scan.summary().await.comparison.unwrap();
    assert_eq!((comparison.resolved, comparison.not_verified), (0, 1));
}

#[tokio::test]
async fn an_alert_takes_a_violation_at_the_threshold_or_a_gap() {
    use Severity::{Critical, High};
    // (threshold, severity of the one violation, alert)
    for (threshold, severity, alert) in [(Critical, Critical, true), (Critical, High, false), (High, Critical, true)] {
        let mut scan = Scan::of_buckets(&[found("a", VERSIONING, severity, Status::NonCompliant)]).await;
        scan.plan.policy.alert.threshold = threshold;
        assert_eq!(scan.aggregate().await.unwrap().alert, alert, "{threshold} {severity}");
    }
    let scan = Scan::of_buckets(&[]).await;
    assert!(!scan.aggregate().await.unwrap().alert);
    scan.store.remove(&keys::inventory(sample::SCAN_ID, Service::Lambda));
    scan.store.remove(keys::LATEST);
    assert!(scan.aggregate().await.unwrap().alert);
}

#[tokio::test]
async fn a_service_that_was_not_listed_is_a_gap_with_the_machine_s_reason() {
    let mut scan = Scan::of_buckets(&[versioning("a", Status::Compliant)]).await;
    scan.store.remove(&keys::inventory(sample::SCAN_ID, Service::Vpc));
    scan.store.remove(&keys::inventory(sample::SCAN_ID, Service::Lambda));
    scan.failed(Service::Vpc, "ListVpcs", None, "ec2:DescribeVpcs was denied");

    let summary = scan.summary().await;

    assert_eq!(summary.status, ScanStatus::Partial);
    assert_eq!(
        summary.gaps,
        [
            gap(Service::Vpc, None, None, "ListVpcs failed: AccessDenied: ec2:DescribeVpcs was denied"),
            gap(Service::Lambda, None, None, "the listing left no inventory"),
        ]
    );
    assert_eq!(summary.totals.compliant, 1, "the other services are reported");
}

#[tokio::test]
async fn a_shard_without_a_receipt_is_a_gap_and_its_findings_are_not_used() {
    let mut scan = Scan::of(&[Service::S3]);
    scan.list(Service::S3, &[100, 100, 20]).await;
    scan.scan(Service::S3, 2, 100, &[versioning("b", Status::Compliant)]).await;
    scan.write_findings(Service::S3, 3, &[versioning("c", Status::NonCompliant)]).await;
    scan.failed(Service::S3, "ScanS3", Some(1), "s3:GetBucketPolicy was denied");

    let summary = scan.summary().await;

    assert_eq!(
        summary.gaps,
        [
            gap(Service::S3, Some(1), Some(100), "ScanS3 failed: AccessDenied: s3:GetBucketPolicy was denied"),
            gap(Service::S3, Some(3), Some(20), "the scanner left no receipt"),
        ]
    );
    assert_eq!((summary.resources[&Service::S3], summary.totals.all()), (100, 1));
}

#[tokio::test]
async fn the_bucket_is_trusted_and_not_the_payload() {
    // The machine caught a failure of a shard that was written to its end all the same, and knows nothing of a plan.
    let mut scan = Scan::of_buckets(&[versioning("a", Status::Compliant)]).await;
    scan.failed(Service::S3, "ScanS3", Some(1), "time-out");
    assert_eq!(scan.summary().await.gaps, []);

    let mut scan = Scan::of(&[Service::Vpc]);
    scan.branches.clear();
    assert_eq!(scan.summary().await.gaps, [gap(Service::Vpc, None, None, "the listing left no inventory")]);
}

#[tokio::test]
async fn a_receipt_must_account_for_every_resource_and_every_finding() {
    let findings = [versioning("a", Status::Compliant), versioning("b", Status::NonCompliant)];
    let receipt = |resources, gone, findings| ShardReceipt { gone, ..receipt(Service::S3, 1, resources, findings) };
    let short = |resources, reason| vec![gap(Service::S3, Some(1), resources, reason)];
    // (the receipt of a shard of 5 resources with 2 findings, the gaps)
    let cases = [
        (receipt(5, 0, 2), vec![]),
        (receipt(2, 3, 2), vec![]),
        (receipt(4, 0, 2), short(Some(1), "the scanner accounts for 4 resources, and 5 were listed")),
        (receipt(4, 2, 2), short(Some(0), "the scanner accounts for 6 resources, and 5 were listed")),
        (receipt(5, 0, 3), short(None, "the receipt tells of 3 findings, and 2 are there")),
        (receipt(5, 0, 1), short(None, "the receipt tells of 1 findings, and 2 are there")),
    ];
    for (receipt, gaps) in cases {
        let scan = Scan::of(&[Service::S3]);
        scan.list(Service::S3, &[5]).await;
        scan.write_findings(Service::S3, 1, &findings).await;
        scan.write_receipt(&receipt).await;
        let summary = scan.summary().await;
        assert_eq!(summary.gaps, gaps, "{receipt:?}");
        assert_eq!(summary.totals.all(), 2, "what a scanner ended with a receipt is used: {receipt:?}");
    }
    let scan = Scan::of(&[Service::S3]);
    scan.list(Service::S3, &[5]).await;
    scan.write_receipt(&receipt(5, 0, 0)).await;
    assert_eq!(scan.summary().await.gaps, short(None, "the scanner left a receipt and no findings"));
}

#[tokio::test]
async fn objects_that_contradict_themselves_stop_the_scan_and_leave_no_findings() {
    let stray = Finding { scan_id: EARLIER_SCAN_ID.to_owned(), ..versioning("a", Status::Compliant) };
    let other = Finding { service: Service::Vpc, ..versioning("a", Status::Compliant) };
    let (a, b) = (versioning("a", Status::Compliant), versioning("b", Status::Compliant));
    let cases = [
        (vec![b.clone(), a.clone()], "in the order"),
        (vec![a.clone(), a.clone()], "there twice"),
        (vec![a, b, stray], "another scan"),
        (vec![other], "another scan or service"),
    ];
    for (findings, complaint) in cases {
        let scan = Scan::of_buckets(&findings).await;
        let error = scan.aggregate().await.unwrap_err();
        assert_eq!(error.name(), "Corrupt");
        assert!(error.to_string().contains(complaint) && error.to_string().contains("0001.jsonl"), "{error}");
        assert_eq!(scan.store.text(&keys::findings(sample::SCAN_ID)), None);
        assert_eq!(scan.latest().await, None);
    }

    let scan = Scan::of_buckets(&[]).await;
    scan.write_inventory(&Inventory { resources: 7, ..inventory(Service::S3, &[3, 3]) }).await;
    assert_eq!(scan.aggregate().await.unwrap_err().name(), "Corrupt");

    let scan = Scan::of_buckets(&[]).await;
    let stray = receipt(Service::S3, 2, 0, 0);
    scan.store.replace_json(&keys::shard_receipt(sample::SCAN_ID, Service::S3, 1), &stray).await.unwrap();
    assert_eq!(scan.aggregate().await.unwrap_err().name(), "Corrupt");
}

#[tokio::test]
async fn the_same_finding_of_two_shards_is_an_error() {
    let scan = Scan::of(&[Service::S3]);
    scan.list(Service::S3, &[1, 1]).await;
    scan.scan(Service::S3, 1, 1, &[versioning("a", Status::Compliant)]).await;
    scan.scan(Service::S3, 2, 1, &[versioning("a", Status::NonCompliant)]).await;
    let error = scan.aggregate().await.unwrap_err();
    assert!(error.name() == "Corrupt" && error.to_string().contains("there twice"), "{error}");
}

/// One finding of then, one of now, what the comparison makes of them, and since when it is open.
#[tokio::test]
async fn a_violation_is_open_until_somebody_sees_it_mended() {
    use Status::{Compliant, InsufficientData, NonCompliant, NotApplicable};
    let (new, still_open, resolved, not_verified, nothing) =
        ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (0, 0, 0, 0));
    let now = Some(sample::AGGREGATED_AT);
    let then = Some(sample::DAY_BEFORE);
    let seen: Timestamp = "2026-11-23T00:01:00Z".parse().unwrap();
    // (status and first-seen then, status now, comparison, first-seen now)
    let cases = [
        (None, Some(NonCompliant), new, now),
        (None, Some(Compliant), nothing, None),
        (None, Some(InsufficientData), nothing, None),
        (Some((Compliant, None)), Some(NonCompliant), new, now),
        (Some((NotApplicable, None)), Some(NonCompliant), new, now),
        (Some((InsufficientData, None)), Some(NonCompliant), new, now),
        (Some((NonCompliant, then)), Some(NonCompliant), still_open, then),
        // A violation of a version of this system that kept no first-seen has been open since it was evaluated.
        (Some((NonCompliant, None)), Some(NonCompliant), still_open, Some(seen)),
        (Some((NonCompliant, then)), Some(Compliant), resolved, None),
        (Some((NonCompliant, then)), Some(NotApplicable), resolved, None),
        (Some((NonCompliant, then)), None, resolved, None),
        (Some((NonCompliant, then)), Some(InsufficientData), not_verified, then),
        (Some((InsufficientData, then)), Some(NonCompliant), still_open, then),
        (Some((InsufficientData, then)), Some(InsufficientData), not_verified, then),
        (Some((InsufficientData, then)), Some(Compliant), resolved, None),
        (Some((InsufficientData, then)), None, resolved, None),
        (Some((InsufficientData, None)), None, nothing, None),
        (Some((Compliant, None)), None, nothing, None),
    ];
    for (before, after, (new, still_open, resolved, not_verified), first_seen) in cases {
        let findings: Vec<Finding> = after.map(|status| versioning("a", status)).into_iter().collect();
        let scan = Scan::of_buckets(&findings).await;
        let earlier = before.map(|(status, first_seen)| Finding {
            first_seen,
            evaluated_at: seen,
            scan_id: EARLIER_SCAN_ID.to_owned(),
            ..versioning("a", status)
        });
        scan.follows(earlier.as_slice()).await;
        let scan_id = EARLIER_SCAN_ID.to_owned();
        let comparison = Comparison { scan_id, new, first_evaluated: 0, still_open, resolved, not_verified };
        assert_eq!(scan.summary().await.comparison, Some(comparison), "{before:?} -> {after:?}");
        let found: Vec<_> = scan.findings().await.into_iter().map(|finding| finding.first_seen).collect();
        assert_eq!(found, vec![first_seen; findings.len()], "{before:?} -> {after:?}");
    }
}

#[tokio::test]
async fn what_a_gap_may_hide_is_not_resolved() {
    let violations = [versioning("a", Status::NonCompliant), versioning("b", Status::NonCompliant)];
    let scan = Scan::of(&[Service::S3]);
    scan.follows(&violations).await;
    scan.list(Service::S3, &[1, 1]).await;
    scan.scan(Service::S3, 1, 1, &[versioning("a", Status::Compliant)]).await;
    let comparison = scan.summary().await.comparison.unwrap();
    assert_eq!((comparison.resolved, comparison.not_verified), (1, 1));

    // A gap that shows only when the findings have been read hides just as well.
    let scan = Scan::of(&[Service::S3]);
    scan.follows(&violations).await;
    scan.list(Service::S3, &[2]).await;
    scan.write_findings(Service::S3, 1, &[versioning("a", Status::Compliant)]).await;
    scan.write_receipt(&receipt(Service::S3, 1, 2, 2)).await;
    let comparison = scan.summary().await.comparison.unwrap();
    assert_eq!((comparison.resolved, comparison.not_verified), (1, 1));
}

#[tokio::test]
async fn a_rule_that_left_the_catalogue_resolves_nothing() {
    let scan = Scan::of_buckets(&[]).await;
    scan.follows(&[found("a", "s3-no-such-rule", Severity::High, Status::NonCompliant)]).await;
    let comparison = scan.summary().await.comparison.unwrap();
    assert_eq!((comparison.resolved, comparison.not_verified), (0, 1));
}

#[tokio::test]
async fn only_what_is_planned_is_compared() {
    let of = |service, finding| Finding { service, ..finding };
    let scan = Scan::of(&[Service::Vpc]);
    scan.list(Service::Vpc, &[]).await;
    scan.follows(&[
        versioning("a", Status::NonCompliant),
        of(Service::Vpc, found("vpc-1", "vpc-flow-logs-enabled", Severity::High, Status::NonCompliant)),
        of(Service::Lambda, found("f", "lambda-inside-vpc", Severity::Low, Status::NonCompliant)),
    ])
    .await;
    let comparison = scan.summary().await.comparison.unwrap();
    assert_eq!((comparison.resolved, comparison.not_verified), (1, 0));
    assert_eq!(
        scan.latest().await.as_deref(),
        Some(EARLIER_SCAN_ID),
        "a scan of one service is not the last whole one"
    );
}

#[tokio::test]
async fn without_a_scan_to_compare_with_there_is_no_comparison() {
    let violation = [versioning("a", Status::NonCompliant)];
    let expired = Scan::of_buckets(&violation).await;
    expired.follows(&violation).await;
    expired.store.remove(&keys::findings(EARLIER_SCAN_ID));

    let younger = Scan::of_buckets(&violation).await;
    younger.follows(&violation).await;
    younger.points_to(EARLIER_SCAN_ID, "2026-11-23T06:00:01Z").await;

    let broken = Scan::of_buckets(&violation).await;
    broken.follows(&violation).await;
    let key = keys::findings(EARLIER_SCAN_ID);
    let _ = broken.store.put(&key, "application/x-ndjson", "{}\n".into(), Condition::None).await.unwrap();

    let disordered = Scan::of_buckets(&violation).await;
    disordered.follows(&[versioning("b", Status::NonCompliant), versioning("a", Status::NonCompliant)]).await;

    for (scan, pointer) in [
        (expired, sample::SCAN_ID),
        (younger, EARLIER_SCAN_ID),
        (broken, sample::SCAN_ID),
        (disordered, sample::SCAN_ID),
    ] {
        assert_eq!(scan.summary().await.comparison, None);
        assert_eq!(scan.findings().await[0].first_seen, Some(sample::AGGREGATED_AT));
        assert_eq!(scan.latest().await.as_deref(), Some(pointer), "the pointer never moves back in time");
    }
}

#[tokio::test]
async fn a_repeated_task_says_the_same_and_does_not_compare_the_scan_with_itself() {
    let scan = Scan::of_buckets(&[versioning("a", Status::NonCompliant)]).await;
    scan.follows(&[]).await;
    let (output, first) = (scan.aggregate().await, scan.summary().await);
    assert_eq!(first.comparison.as_ref().map(|comparison| comparison.new), Some(1));
    assert_eq!(scan.aggregate().await, output);
    assert_eq!(scan.summary().await, first);
    assert_eq!(scan.latest().await.as_deref(), Some(sample::SCAN_ID));
}

#[tokio::test]
async fn a_partial_scan_does_not_move_the_pointer() {
    let scan = Scan::of_buckets(&[]).await;
    scan.follows(&[]).await;
    scan.store.remove(&keys::inventory(sample::SCAN_ID, Service::Vpc));
    assert_eq!(scan.summary().await.status, ScanStatus::Partial);
    assert_eq!(scan.latest().await.as_deref(), Some(EARLIER_SCAN_ID));
}

/// A store in which another scan moves the pointer just before we do, so many times, and in which findings can only
/// be read as a stream.
struct Contested<'a> {
    store: &'a MemoryStore,
    interferences: AtomicU32,
    others_start: Timestamp,
}

#[async_trait]
impl ArtifactStore for Contested<'_> {
    async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
        assert!(!key.ends_with(".jsonl"), "{key} is read whole");
        self.store.get(key).await
    }

    async fn open(&self, key: &str) -> Result<Option<ArtifactReader>, TaskError> {
        self.store.open(key).await
    }

    async fn put(
        &self,
        key: &str,
        content_type: &str,
        content: Bytes,
        condition: Condition,
    ) -> Result<PutOutcome, TaskError> {
        assert!(!key.ends_with(".jsonl"), "{key} is written whole");
        let left = self.interferences.load(Ordering::Relaxed);
        if key == keys::LATEST && left > 0 {
            self.interferences.store(left - 1, Ordering::Relaxed);
            let other = LatestScan { scan_id: format!("other-{left}"), started_at: self.others_start };
            self.store.replace_json(keys::LATEST, &other).await?;
        }
        self.store.put(key, content_type, content, condition).await
    }

    async fn create(&self, key: &str, content_type: &str) -> Result<Box<dyn ArtifactWriter>, TaskError> {
        self.store.create(key, content_type).await
    }
}

#[tokio::test]
async fn the_pointer_survives_others_that_move_it_at_the_same_time() {
    let (earlier, later) = ("2026-11-23T05:59:59Z", "2026-11-23T06:00:01Z");
    // (how often others move it, to a scan that started then, whether there was a pointer, the pointer or the error)
    let cases = [
        (0, earlier, false, Ok(sample::SCAN_ID)),
        (4, earlier, false, Ok(sample::SCAN_ID)),
        (4, earlier, true, Ok(sample::SCAN_ID)),
        (1, later, false, Ok("other-1")),
        (1, later, true, Ok("other-1")),
        (1, "2026-11-23T06:00:00Z", true, Ok("other-1")),
        (5, earlier, true, Err("Conflict")),
    ];
    for (interferences, others_start, there, expected) in cases {
        let scan = Scan::of_buckets(&[versioning("a", Status::NonCompliant)]).await;
        if there {
            scan.follows(&[]).await;
        }
        let contested = Contested {
            store: &scan.store,
            interferences: interferences.into(),
            others_start: others_start.parse().unwrap(),
        };
        let outcome = scan.aggregate_in(&contested).await.map_err(|error| error.name());
        match expected {
            Ok(pointer) => {
                assert!(outcome.is_ok(), "{outcome:?}");
                assert_eq!(scan.latest().await.as_deref(), Some(pointer), "{interferences} {others_start} {there}");
            }
            Err(name) => assert_eq!(outcome, Err(name)),
        }
        assert!(scan.store.text(&keys::summary(sample::SCAN_ID)).is_some(), "the summary is there before the pointer");
    }
}

#[tokio::test]
async fn a_pointer_that_cannot_be_understood_is_an_error_that_says_what_to_do() {
    let scan = Scan::of_buckets(&[]).await;
    let _ = scan.store.put(keys::LATEST, "application/json", "{".into(), Condition::None).await.unwrap();
    let error = scan.aggregate().await.unwrap_err();
    assert!(error.name() == "Corrupt" && error.to_string().contains("delete it"), "{error}");
}
