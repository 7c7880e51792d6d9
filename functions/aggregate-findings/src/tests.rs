use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use audit_artifacts::{ArtifactReader, ArtifactWriter, Condition, MemoryStore, PutOutcome, Stored, sample};
use audit_model::plan::{Hidden, Inventory, ShardReceipt};
use audit_model::policy::RuleSetting;
use audit_model::summary::{Changes, Comparison, Counts, ExceptionState, Gap, LatestScan, LatestScans, Scope};
use audit_model::task::{BranchFailure, CaughtError, Execution};
use audit_model::{
    Change, ExceptionMark, Finding, PolicyException, Resolution, RuleInForce, Rules, Service, Status, Told, Unreadable,
    UnreadableCause,
};
use audit_rules::CLOUD_TRAIL;
use bytes::Bytes;
use jiff::civil::{Date, date};
use pretty_assertions::assert_eq;
use serde_json::json;

use super::*;

mod coverage;
mod history_of_named;
mod properties;
mod weeks;

/// A rule that remediation does not repair, and one that it does.
const VERSIONING: &str = "s3-bucket-versioning-enabled";
const ENCRYPTION: &str = "s3-bucket-customer-managed-key-encrypted";
const EARLIER_SCAN_ID: &str = "20261123T000000Z-00000000";
const EARLIER_START: &str = "2026-11-23T00:00:00Z";

thread_local! {
    /// The clock of the aggregation.
    static NOW: Cell<Timestamp> = const { Cell::new(sample::AGGREGATED_AT) };
}

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
        self.store.replace_json(&keys::inventory(&self.plan.scan_id, inventory.service), inventory).await.unwrap();
    }

    async fn scan(&self, service: Service, shard: u32, resources: u64, findings: &[Finding]) {
        self.write_findings(service, shard, findings).await;
        let first = findings.first().map(|finding| finding.resource.arn.clone());
        let unlisted = findings.iter().filter_map(|finding| finding.missing.first());
        let unlisted = unlisted.filter(|why| why.action == "ec2:DescribeSecurityGroups");
        let hidden = unlisted.clone().next().map(|why| Hidden {
            resource_type: "AWS::EC2::SecurityGroup".to_owned(),
            parents: unlisted.count() as u64,
            reason: why.to_string(),
        });
        let hidden = hidden.into_iter().collect();
        self.write_receipt(&ShardReceipt {
            first,
            hidden,
            ..receipt(service, shard, resources, findings.len() as u64)
        })
        .await;
    }

    async fn write_findings(&self, service: Service, shard: u32, findings: &[Finding]) {
        write_findings_to(&self.store, &keys::shard_findings(&self.plan.scan_id, service, shard), findings).await;
    }

    async fn write_receipt(&self, receipt: &ShardReceipt) {
        let key = keys::shard_receipt(&self.plan.scan_id, receipt.service, receipt.shard);
        self.store.replace_json(&key, receipt).await.unwrap();
    }

    /// Makes `findings` those of the scan before, six hours ago.
    async fn follows(&self, findings: &[Finding]) {
        write_findings_to(&self.store, &keys::findings(EARLIER_SCAN_ID), findings).await;
        self.points_to(EARLIER_SCAN_ID, EARLIER_START).await;
    }

    /// Points to a scan of all services.
    async fn points_to(&self, scan_id: &str, started_at: &str) {
        self.store.replace_json(keys::LATEST, &pointers(&Service::ALL, scan_id, started_at)).await.unwrap();
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
        self.store.replace_json(&keys::plan(&self.plan.scan_id), &self.plan).await.unwrap();
        let input = AggregateFindingsInput {
            scan_id: self.plan.scan_id.clone(),
            execution: Execution {
                id: self.plan.execution_arn.clone(),
                name: "run".to_owned(),
                start_time: sample::STARTED_AT,
                state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:audit".to_owned(),
            },
            branches: self.branches.clone(),
        };
        handle(input, &Ports { store, now: || NOW.get() }).await
    }

    /// The summary of a scan that must come to its end.
    async fn summary(&self) -> Summary {
        self.aggregate().await.unwrap();
        self.store.get_json(&keys::summary(&self.plan.scan_id)).await.unwrap()
    }

    async fn findings(&self) -> Vec<Finding> {
        sample::findings(&self.store, &keys::findings(&self.plan.scan_id)).await.unwrap()
    }

    /// The scans that are pointed to, by service.
    async fn latest(&self) -> BTreeMap<Service, String> {
        let latest = latest::find(&self.store).await.unwrap();
        latest.into_iter().map(|(service, latest)| (service, latest.scan_id)).collect()
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
    let (listing, hidden) = (sample::LISTING.to_owned(), Vec::new());
    ShardReceipt { service, listing, shard, resources, gone: 0, of_others: 0, findings, first: None, hidden }
}

/// Pointers of these services to a scan.
fn pointers(services: &[Service], scan_id: &str, started_at: &str) -> LatestScans {
    let latest = LatestScan { scan_id: scan_id.to_owned(), started_at: started_at.parse().unwrap() };
    services.iter().map(|service| (*service, latest.clone())).collect()
}

/// Every service with the scan that it is pointed to.
fn all_at(scan_id: &str) -> BTreeMap<Service, String> {
    Service::ALL.map(|service| (service, scan_id.to_owned())).into()
}

/// What a comparison with the scan of six hours ago came to.
fn compared(changes: Changes) -> Comparison {
    let started_at = EARLIER_START.parse().unwrap();
    Comparison::Compared { scan_id: EARLIER_SCAN_ID.to_owned(), started_at, changes }
}

/// The changes of a scan that must have been compared.
fn changes(summary: &Summary) -> Changes {
    summary.changes().unwrap()
}

async fn write_findings_to(store: &MemoryStore, key: &str, findings: &[Finding]) {
    let mut writer = FindingsWriter::create(store, key).await.unwrap();
    writer.write(findings).await.unwrap();
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
    // A rule that had nothing to judge is there, too, and none that is off with its framework.
    let on = audit_rules::CATALOGUE.iter().filter(|rule| rule.is_on(&scan.plan.policy));
    assert_eq!(summary.by_rule.len(), on.count());
    summary.by_rule.retain(|_, counts| counts.all() > 0);
    let counts = |compliant, non_compliant, not_applicable, insufficient_data| Counts {
        compliant,
        non_compliant,
        not_applicable,
        insufficient_data,
        ..Counts::default()
    };
    assert_eq!(
        summary,
        Summary {
            scan_id: sample::SCAN_ID.to_owned(),
            status: ScanStatus::Complete,
            scope: Scope::Full,
            gaps: Vec::new(),
            started_at: sample::STARTED_AT,
            aggregated_at: sample::AGGREGATED_AT,
            resources: [(Service::S3, 3), (Service::Vpc, 1), (Service::Lambda, 0)].into(),
            of_others: 0,
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
            comparison: Service::ALL.map(|service| (service, Comparison::FirstScan)).into(),
            // Nobody was told of anything yet.
            alerting_news: 3,
            alerting_resolved: 0,
            lost_sight: 0,
            lost_sight_news: 0,
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
    Arc::make_mut(&mut finding.resource).resource_type = "AWS::EC2::VPC".to_owned().into();
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
    scan.plan.policy.exceptions = vec![PolicyException { rule: open.rule_id.to_string(), ..exception("sg-1", TODAY) }];
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
    assert_eq!((changes(&summary).resolved, changes(&summary).not_looked_at), (0, 1));
    // It is carried over, and so the exception matches something that could not be looked at.
    assert_eq!((summary.exceptions[0].state, summary.exceptions[0].looked_at), (ExceptionState::InForce, false));
    assert_eq!(scan.latest().await, all_at(sample::SCAN_ID));
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
    let changes = changes(&scan.summary().await);
    assert_eq!((changes.new, changes.first_evaluated), (1, 1));
    let told: Vec<_> = scan.findings().await.into_iter().map(|finding| finding.change).collect();
    assert_eq!(told, [Some(Change::FirstEvaluated), Some(Change::New)]);
}

/// A version of this system brings rules with it. What they find was there before, for all that anybody knows, and the scan
/// after that knows it.
#[tokio::test]
async fn a_catalogue_that_has_grown_makes_nothing_new() {
    let encryption = |bucket: &str| found(bucket, ENCRYPTION, Severity::High, Status::NonCompliant);
    let open = |bucket: &str| versioning(bucket, Status::NonCompliant);
    let scan = Scan::of_buckets(&[encryption("a"), open("a"), encryption("b")]).await;
    scan.follows(&[open("a")]).await;
    let mut earlier = sample::summary(&[]);
    let then = audit_rules::CATALOGUE.iter().filter(|rule| rule.id != ENCRYPTION);
    earlier.by_rule = then.map(|rule| (rule.id.to_owned(), Counts::default())).collect();
    scan.store.replace_json(&keys::summary(EARLIER_SCAN_ID), &earlier).await.unwrap();
    let first = changes(&scan.summary().await);
    assert_eq!((first.new, first.first_evaluated, first.still_open), (0, 2, 1));

    let mut next = Scan { store: scan.store, ..Scan::of(&Service::ALL) };
    next.plan.scan_id = "20261123T120000Z-0a1b2c3d".to_owned();
    next.plan.started_at = sample::STARTED_AT + jiff::SignedDuration::from_hours(6);
    next.list(Service::S3, &[4]).await;
    next.list(Service::Vpc, &[]).await;
    next.list(Service::Lambda, &[]).await;
    next.scan(Service::S3, 1, 4, &[encryption("a"), open("a"), encryption("b"), encryption("c")]).await;
    let second = changes(&next.summary().await);
    assert_eq!((second.new, second.first_evaluated, second.still_open), (1, 0, 3));
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

/// A known violation of a rule that nobody evaluates any more stays while its resource is there, and nobody is told of it
/// again and again.
#[tokio::test]
async fn the_violations_of_a_rule_that_is_not_evaluated_any_more_stay_while_the_resource_is_there() {
    // (the rule, what the finding says)
    let without = format!("it was not looked at: {}", CLOUD_TRAIL.without);
    let cases = [
        ("cloudtrail-all-read-s3-data-event-check", &*without),
        (VERSIONING, "it was not looked at: the audit policy switches the rule off"),
        ("s3-no-such-rule", "it was not looked at: the rule is not in the catalogue any more"),
        (
            "lambda-function-tagged",
            "it was not looked at: the audit policy does not switch the standard on, as resource_tagging = true in \
             [frameworks] would",
        ),
    ];
    for (rule, told) in cases {
        for is_there in [true, false] {
            let there = found("vault", ENCRYPTION, Severity::High, Status::Compliant);
            let mut scan = Scan::of_buckets(if is_there { std::slice::from_ref(&there) } else { &[] }).await;
            scan.plan.policy.alert.threshold = Severity::Low;
            let off = RuleSetting { enabled: false, severity: None };
            scan.plan.policy.rules.insert(VERSIONING.to_owned(), off);
            scan.plan.missing_settings = vec![CLOUD_TRAIL.name.to_owned()];
            CLOUD_TRAIL.switch_off(&mut scan.plan.policy);
            scan.follows(&[found("vault", rule, Severity::Critical, Status::NonCompliant)]).await;
            let output = scan.aggregate().await.unwrap();
            let summary: Summary = scan.store.get_json(&keys::summary(sample::SCAN_ID)).await.unwrap();
            assert!(!output.alert && summary.status == ScanStatus::Complete, "{rule}");
            assert_eq!((changes(&summary).resolved, changes(&summary).not_looked_at), (u64::from(!is_there), 0));
            assert_eq!(
                (summary.totals.not_evaluated, summary.by_service[&Service::S3].not_evaluated),
                (u64::from(is_there), u64::from(is_there))
            );
            assert!(summary.by_rule.get(rule).is_none_or(|counts| counts.all() == 0), "{rule} was not evaluated");
            let findings = scan.findings().await;
            let [carried] = findings.iter().filter(|finding| finding.rule_id == rule).collect::<Vec<_>>()[..] else {
                assert!(!is_there, "{findings:?}");
                continue;
            };
            assert_eq!(summary.coverage(), Some(100.0));
            assert_eq!((carried.change, carried.first_seen), (Some(Change::NotEvaluated), Some(sample::AGGREGATED_AT)));
            assert_eq!(carried.missing[0].to_string(), told);
        }
    }
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
async fn resources_of_others_are_counted_and_are_no_gap() {
    let scan = Scan::of(&[Service::S3, Service::Vpc]);
    scan.list(Service::S3, &[0]).await;
    scan.list(Service::Vpc, &[0, 0]).await;
    for (service, shard, of_others) in [(Service::S3, 1, 0), (Service::Vpc, 1, 2), (Service::Vpc, 2, 5)] {
        scan.write_findings(service, shard, &[]).await;
        scan.write_receipt(&ShardReceipt { of_others, ..receipt(service, shard, 0, 0) }).await;
    }
    let summary = scan.summary().await;
    assert_eq!((summary.of_others, summary.gaps), (7, Vec::new()));
}

#[tokio::test]
async fn a_receipt_must_account_for_every_resource_and_every_finding() {
    let findings = [versioning("a", Status::Compliant), versioning("b", Status::NonCompliant)];
    let first = Some(findings[0].resource.arn.clone());
    let receipt = |resources, gone, findings| ShardReceipt {
        gone,
        first: first.clone(),
        ..receipt(Service::S3, 1, resources, findings)
    };
    let short = |resources, reason| vec![gap(Service::S3, Some(1), resources, reason)];
    // (the receipt of a shard of 5 resources with 2 findings, the gaps)
    let cases = [
        (receipt(5, 0, 2), vec![]),
        (receipt(2, 3, 2), vec![]),
        (receipt(4, 0, 2), short(Some(1), "the scanner accounts for 4 resources, and 5 were listed")),
        (receipt(4, 2, 2), short(Some(0), "the scanner accounts for 6 resources, and 5 were listed")),
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
    // What the receipt does not tell alike cannot be trusted.
    let elsewhere = ShardReceipt { first: Some("arn:aws:s3:::b".to_owned()), ..receipt(5, 0, 2) };
    let cases = [
        (receipt(5, 0, 3), &findings[..], "the receipt tells of 3 findings, and 2 are there"),
        (receipt(5, 0, 1), &findings, "the receipt tells of 1 findings, and 2 are there"),
        (elsewhere, &findings, "it does not begin with arn:aws:s3:::b, as the receipt tells"),
        (receipt(5, 0, 2), &[], "the receipt tells of 2 findings, and 0 are there"),
    ];
    for (receipt, findings, complaint) in cases {
        let scan = Scan::of(&[Service::S3]);
        scan.list(Service::S3, &[5]).await;
        scan.write_findings(Service::S3, 1, findings).await;
        scan.write_receipt(&receipt).await;
        let summary = scan.summary().await;
        let [gap] = &summary.gaps[..] else { panic!("{:?}", summary.gaps) };
        assert!(gap.resources == Some(5) && gap.reason.ends_with(complaint), "{gap:?}");
        assert_eq!(summary.totals.all(), 0);
    }
    let scan = Scan::of(&[Service::S3]);
    scan.list(Service::S3, &[5]).await;
    scan.write_receipt(&receipt(5, 0, 2)).await;
    let gaps = scan.summary().await.gaps;
    assert!(gaps[0].reason.ends_with("0001.jsonl.zst: the scanner left a receipt and no findings"), "{gaps:?}");
}

#[tokio::test]
async fn a_shard_whose_findings_cannot_be_trusted_is_a_gap_and_its_violations_are_carried() {
    let other = Finding { service: Service::Vpc, ..versioning("a", Status::Compliant) };
    let (a, b) = (versioning("a", Status::NonCompliant), versioning("b", Status::Compliant));
    let cases = [
        (vec![b.clone(), a.clone()], "0001.jsonl.zst: a finding about arn:aws:s3:::a is not in the order"),
        (vec![a.clone(), a.clone()], "about arn:aws:s3:::a is there twice"),
        (vec![other], "about arn:aws:s3:::a belongs to another service"),
    ];
    for (findings, complaint) in cases {
        let scan = Scan::of(&[Service::S3]);
        scan.list(Service::S3, &[3, 1]).await;
        scan.scan(Service::S3, 1, 3, &findings).await;
        scan.scan(Service::S3, 2, 1, &[versioning("z", Status::Compliant)]).await;
        scan.follows(&[a.clone(), versioning("y", Status::NonCompliant), versioning("z", Status::NonCompliant)]).await;

        let summary = scan.summary().await;

        let [gap] = &summary.gaps[..] else { panic!("{:?}", summary.gaps) };
        assert_eq!((gap.shard, gap.resources), (Some(1), Some(3)));
        assert!(gap.reason.contains(complaint), "{}", gap.reason);
        // Nothing of the shard is used, what it may hide is carried, and the other shard counts.
        let seen: Vec<_> =
            scan.findings().await.into_iter().map(|finding| (finding.resource.name.clone(), finding.status)).collect();
        let carried = Status::InsufficientData;
        assert_eq!(seen, [("a".into(), carried), ("y".into(), carried), ("z".into(), Status::Compliant)]);
        assert_eq!((changes(&summary).resolved, changes(&summary).not_looked_at), (1, 2));
        assert_eq!(summary.resources[&Service::S3], 1);
    }

    let broken = Scan::of(&[Service::S3]);
    broken.list(Service::S3, &[1]).await;
    broken.scan(Service::S3, 1, 1, &[versioning("a", Status::Compliant)]).await;
    let key = keys::shard_findings(sample::SCAN_ID, Service::S3, 1);
    let _ = broken.store.put(&key, "application/x-ndjson", "{}\n".into(), Condition::None).await.unwrap();
    assert!(broken.summary().await.gaps[0].reason.contains("cannot be decompressed at line 1"));
}

#[tokio::test]
async fn the_same_finding_of_two_shards_counts_once_and_the_later_shard_is_a_gap() {
    let scan = Scan::of(&[Service::S3]);
    scan.list(Service::S3, &[1, 2]).await;
    scan.scan(Service::S3, 1, 1, &[versioning("b", Status::NonCompliant)]).await;
    scan.scan(Service::S3, 2, 2, &[versioning("a", Status::Compliant), versioning("b", Status::Compliant)]).await;
    // It was known, and it comes before the place at which the second shard shows its flaw.
    scan.follows(&[versioning("a", Status::NonCompliant)]).await;
    let summary = scan.summary().await;
    let [gap] = &summary.gaps[..] else { panic!("{:?}", summary.gaps) };
    assert!(gap.shard == Some(2) && gap.reason.contains("is there twice"), "{gap:?}");
    assert_eq!((summary.totals.non_compliant, summary.totals.compliant), (1, 0));
    assert_eq!((changes(&summary).resolved, changes(&summary).not_looked_at), (0, 1));
}

#[tokio::test]
async fn the_rules_in_force_are_kept_and_the_words_of_retired_ones_are_handed_on() {
    let violation = |bucket, rule| found(bucket, rule, Severity::Low, Status::NonCompliant);
    let (told, untold) = (violation("a", "s3-retired"), violation("b", "s3-retired-long-ago"));
    let encrypted = |bucket| found(bucket, ENCRYPTION, Severity::Medium, Status::Compliant);
    let mut scan = Scan::of_buckets(&[encrypted("a"), encrypted("b")]).await;
    let off = RuleSetting { enabled: false, severity: Some(Severity::Critical) };
    scan.plan.policy.rules.insert(VERSIONING.to_owned(), off);
    scan.follows(&[told.clone(), untold, violation("gone", "s3-retired-and-gone")]).await;
    let of_then = sample::rules(&[told]);
    scan.store.replace_json(&keys::rules(EARLIER_SCAN_ID), &of_then).await.unwrap();

    assert_eq!(changes(&scan.summary().await), Changes { resolved: 1, ..Changes::default() });

    let rules: Rules = scan.store.get_json(&keys::rules(sample::SCAN_ID)).await.unwrap();
    assert_eq!(rules.len(), audit_rules::CATALOGUE.len() + 2);
    let declared = audit_rules::rule(VERSIONING).unwrap();
    let RuleInForce { title, severity, enabled, expected, .. } = &rules[VERSIONING];
    assert_eq!((&**title, &**expected), (declared.title, declared.expected));
    assert_eq!((*severity, *enabled), (Severity::Critical, false));
    assert!(rules[ENCRYPTION].enabled);
    assert_eq!(rules["s3-retired"], RuleInForce { enabled: false, ..of_then["s3-retired"].clone() });
    assert_eq!(rules["s3-retired-long-ago"].title, "s3-retired-long-ago");
    assert!(rules["s3-retired-long-ago"].expected.starts_with("not known"));
}

#[tokio::test]
async fn inventories_and_receipts_that_contradict_themselves_stop_the_scan() {
    let scan = Scan::of_buckets(&[]).await;
    scan.write_inventory(&Inventory { resources: 7, ..inventory(Service::S3, &[3, 3]) }).await;
    assert_eq!(scan.aggregate().await.unwrap_err().name(), "Corrupt");
    assert!(!scan.store.keys().contains(&keys::findings(sample::SCAN_ID)));
    assert_eq!(scan.latest().await, BTreeMap::new());

    let scan = Scan::of_buckets(&[]).await;
    let first = Some("arn:aws:s3:::a".to_owned());
    // One of another shard, one that would hide findings, and one that tells of a first finding where there is none.
    let (of_another, hiding) = (receipt(Service::S3, 2, 0, 0), receipt(Service::S3, 1, 0, 1));
    for stray in [of_another, hiding, ShardReceipt { first, ..receipt(Service::S3, 1, 0, 0) }] {
        scan.store.replace_json(&keys::shard_receipt(sample::SCAN_ID, Service::S3, 1), &stray).await.unwrap();
        assert_eq!(scan.aggregate().await.unwrap_err().name(), "Corrupt", "{stray:?}");
    }
}

/// One finding of then, one of now, what the comparison makes of them, and since when it is open.
#[tokio::test]
async fn a_violation_is_open_until_somebody_sees_it_mended() {
    use Status::{Compliant, InsufficientData, NonCompliant, NotApplicable};
    let (new, still_open, resolved, not_looked_at, nothing) =
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
        (Some((NonCompliant, then)), Some(InsufficientData), not_looked_at, then),
        (Some((InsufficientData, then)), Some(NonCompliant), still_open, then),
        (Some((InsufficientData, then)), Some(InsufficientData), not_looked_at, then),
        (Some((InsufficientData, then)), Some(Compliant), resolved, None),
        (Some((InsufficientData, then)), None, resolved, None),
        (Some((InsufficientData, None)), None, nothing, None),
        (Some((Compliant, None)), None, nothing, None),
    ];
    for (before, after, (new, still_open, resolved, not_looked_at), first_seen) in cases {
        let findings: Vec<Finding> = after.map(|status| versioning("a", status)).into_iter().collect();
        let scan = Scan::of_buckets(&findings).await;
        let earlier =
            before.map(|(status, first_seen)| Finding { first_seen, evaluated_at: seen, ..versioning("a", status) });
        scan.follows(earlier.as_slice()).await;
        let changes = Changes { new, first_evaluated: 0, still_open, resolved, not_looked_at };
        let comparison = scan.summary().await.comparison;
        assert_eq!(comparison[&Service::S3], compared(changes), "{before:?} -> {after:?}");
        assert_eq!(comparison[&Service::Vpc], compared(Changes::default()));
        let found: Vec<_> = scan.findings().await.into_iter().map(|finding| finding.first_seen).collect();
        assert_eq!(found, vec![first_seen; findings.len()], "{before:?} -> {after:?}");
    }
}

/// The scan before is of a version that wrote a finding a line, whole, and did not compress them.
#[tokio::test]
async fn across_the_change_of_the_findings_form_nothing_is_new_and_nothing_resolved() {
    let (status, names) = ([Status::NonCompliant, Status::NonCompliant, Status::Compliant], ["a", "b", "c"]);
    let seen = |name: &str| format!("2026-11-{}T06:00:00Z", if name == "a" { "20" } else { "21" });
    let lines = names.into_iter().zip(status).map(|(name, status)| {
        let mut line = json!({
            "schemaVersion": "2.0", "scanId": EARLIER_SCAN_ID, "service": "s3", "ruleId": VERSIONING, "title": "A title",
            "severity": "LOW", "status": status, "references": [], "evaluatedAt": "2026-11-23T00:01:00Z",
            "resource": {"arn": format!("arn:aws:s3:::{name}"), "type": "AWS::S3::Bucket", "name": name,
                "region": "us-east-1", "account": "123456789012", "tags": {"Owner": "payments"}},
            "evidence": {"observed": "what was seen", "expected": "what should be"},
            "remediation": {"text": "Mend it.", "url": "https://docs.aws.amazon.com/"},
        });
        if status == Status::NonCompliant {
            line["firstSeen"] = json!(seen(name));
        }
        format!("{line}\n")
    });
    let scan = Scan::of_buckets(&[0, 1, 2].map(|nth| versioning(names[nth], status[nth]))).await;
    let key = format!("scans/{EARLIER_SCAN_ID}/findings.jsonl");
    let put = scan.store.put(&key, "", lines.collect::<String>().into(), Condition::None).await;
    assert_eq!(put, Ok(PutOutcome::Written));
    scan.points_to(EARLIER_SCAN_ID, EARLIER_START).await;
    assert_eq!(changes(&scan.summary().await), Changes { still_open: 2, ..Changes::default() });
    let first_seen: Vec<_> = scan.findings().await.into_iter().map(|finding| finding.first_seen).collect();
    assert_eq!(first_seen, [Some(seen("a").parse().unwrap()), Some(seen("b").parse().unwrap()), None]);
}

/// The changes of a scan, and who carries what: name and status of each finding.
async fn seen(scan: &Scan) -> (Changes, Vec<String>) {
    let changes = changes(&scan.summary().await);
    let seen = scan.findings().await.into_iter().map(|finding| format!("{} {}", finding.resource.name, finding.status));
    (changes, seen.collect())
}

#[tokio::test]
async fn what_a_gap_may_hide_is_carried() {
    let violations = [versioning("a", Status::NonCompliant), versioning("b", Status::NonCompliant)];
    let expected = Changes { resolved: 1, not_looked_at: 1, ..Changes::default() };
    let names = vec!["a COMPLIANT".to_owned(), "b INSUFFICIENT_DATA".to_owned()];

    let scan = Scan::of(&[Service::S3]);
    scan.follows(&violations).await;
    scan.list(Service::S3, &[1, 1]).await;
    scan.scan(Service::S3, 1, 1, &[versioning("a", Status::Compliant)]).await;
    assert_eq!(seen(&scan).await, (expected, names));

    // A gap that shows only when the findings are read to their end hides just as well, and nothing of them is used.
    let scan = Scan::of(&[Service::S3]);
    scan.follows(&violations).await;
    scan.list(Service::S3, &[2]).await;
    scan.write_findings(Service::S3, 1, &[versioning("a", Status::Compliant)]).await;
    let first = Some("arn:aws:s3:::a".to_owned());
    scan.write_receipt(&ShardReceipt { first, ..receipt(Service::S3, 1, 2, 2) }).await;
    let expected = Changes { not_looked_at: 2, ..Changes::default() };
    let names = vec!["a INSUFFICIENT_DATA".to_owned(), "b INSUFFICIENT_DATA".to_owned()];
    assert_eq!(seen(&scan).await, (expected, names));
}

#[tokio::test]
async fn a_carried_finding_says_what_is_known_and_why_nobody_looked() {
    let mut scan = Scan::of(&[Service::S3]);
    scan.failed(Service::S3, "ListS3Buckets", None, "s3:ListAllMyBuckets was denied");
    scan.plan.policy.rules.insert(VERSIONING.to_owned(), RuleSetting { enabled: true, severity: Some(Severity::High) });
    let seen: Timestamp = "2026-11-23T00:01:00Z".parse().unwrap();
    let known =
        Finding { first_seen: Some(sample::DAY_BEFORE), evaluated_at: seen, ..versioning("a", Status::NonCompliant) };
    scan.follows(std::slice::from_ref(&known)).await;

    let summary = scan.summary().await;

    let expected = Finding {
        // As the policy has it now.
        severity: Severity::High,
        status: Status::InsufficientData,
        missing: vec![Unreadable {
            action: String::new(),
            cause: UnreadableCause::NotLookedAt,
            detail: "all of s3: ListS3Buckets failed: AccessDenied: s3:ListAllMyBuckets was denied".to_owned(),
        }],
        evaluated_at: sample::AGGREGATED_AT,
        last_seen: Some(seen),
        change: Some(Change::NotLookedAt),
        ..known
    };
    assert_eq!(scan.findings().await, [expected]);
    assert_eq!((summary.totals.insufficient_data, summary.coverage()), (1, Some(0.0)));
    assert_eq!(summary.resources[&Service::S3], 0, "it was not evaluated");
}

#[tokio::test]
async fn a_gap_of_a_type_hides_that_type_and_what_hangs_on_it() {
    let of = |resource_type: &str, name: &str, rule: &str| {
        let mut finding = Finding { service: Service::Vpc, ..found(name, rule, Severity::High, Status::NonCompliant) };
        Arc::make_mut(&mut finding.resource).resource_type = resource_type.to_owned().into();
        finding
    };
    let ssh = unlisted("v").rule_id;
    let scan = Scan::of(&[Service::Vpc]);
    scan.follows(&[
        of("AWS::EC2::SecurityGroup", "sg-1", &ssh),
        of("AWS::EC2::Subnet", "subnet-1", "subnet-auto-assign-public-ip-disabled"),
        of("AWS::EC2::VPC", "vpc-2", "vpc-flow-logs-enabled"),
    ])
    .await;
    scan.list(Service::Vpc, &[1]).await;
    scan.scan(Service::Vpc, 1, 1, &[unlisted("vpc-1")]).await;
    let expected = Changes { resolved: 2, not_looked_at: 1, ..Changes::default() };
    assert_eq!(seen(&scan).await, (expected, vec!["sg-1 INSUFFICIENT_DATA".into(), "vpc-1 INSUFFICIENT_DATA".into()]));

    // Where VPCs could not be listed, nothing is known of what hangs on them.
    let gap = Gap { resource_type: Some("AWS::EC2::VPC".to_owned()), ..gap(Service::Vpc, None, None, "denied") };
    let sight = Sight::new(&scan.plan, Service::Vpc, std::slice::from_ref(&gap));
    let hidden = |resource_type: &str| {
        let known = of(resource_type, "x", "vpc-flow-logs-enabled");
        sight.fate(&known, false) != sight::Fate::Gone
    };
    let types =
        ["VPC", "SecurityGroup", "NetworkAcl", "Subnet", "VPCEndpoint", "VPCPeeringConnection", "VPCEndpointService"];
    let hidden: Vec<_> = types.into_iter().filter(|name| hidden(&format!("AWS::EC2::{name}"))).collect();
    assert_eq!(hidden, ["VPC", "SecurityGroup", "NetworkAcl", "Subnet", "VPCEndpoint"]);
}

#[tokio::test]
async fn an_excepted_violation_that_could_not_be_looked_at_raises_no_alert() {
    for (expires, lost_sight, marked) in [(TODAY, 0, true), (YESTERDAY, 1, false)] {
        let mut scan = Scan::of_buckets(&[versioning("scratch", Status::InsufficientData)]).await;
        scan.follows(&[versioning("scratch", Status::NonCompliant)]).await;
        scan.plan.policy.alert.threshold = Severity::Low;
        scan.plan.policy.exceptions = vec![exception("scratch", expires)];
        let summary = scan.summary().await;
        assert_eq!((summary.lost_sight, summary.totals.excepted), (lost_sight, 0));
        assert_eq!(scan.findings().await[0].exception.is_some(), marked);
        // Nobody knows whether it is needed still.
        assert!(!summary.exceptions[0].looked_at);
    }
}

#[tokio::test]
async fn open_violations_are_those_without_an_exception_and_the_changes_add_up_to_them() {
    let names = ["excepted", "known", "new"];
    let mut scan = Scan::of_buckets(&names.map(|name| versioning(name, Status::NonCompliant))).await;
    scan.follows(&names[..2].iter().map(|name| versioning(name, Status::NonCompliant)).collect::<Vec<_>>()).await;
    scan.plan.policy.exceptions = vec![exception("excepted", TODAY)];
    let output = scan.aggregate().await.unwrap();
    let summary: Summary = scan.store.get_json(&keys::summary(sample::SCAN_ID)).await.unwrap();
    assert_eq!((output.violations, summary.totals.open()), (2, 2));
    assert_eq!(changes(&summary), Changes { new: 1, still_open: 1, ..Changes::default() });
    let told: Vec<_> = scan.findings().await.into_iter().map(|finding| finding.change).collect();
    assert_eq!(told, [None, Some(Change::StillOpen), Some(Change::New)]);
}

#[tokio::test]
async fn what_the_alert_needs_lies_apart_the_worst_first_and_bounded() {
    use Severity::{Critical, High, Low};
    let many: Vec<Finding> = (0..1000)
        .map(|number| {
            let severity = [High, Low, Critical][number % 3];
            found(&format!("b-{number:04}"), VERSIONING, severity, Status::NonCompliant)
        })
        .collect();
    let mut scan = Scan::of_buckets(&many).await;
    scan.plan.policy.alert.threshold = High;
    scan.follows(&[found("x", VERSIONING, High, Status::NonCompliant)]).await;
    scan.list(Service::S3, &[1000, 1]).await;
    scan.plan.policy.rules.insert(VERSIONING.to_owned(), RuleSetting { enabled: true, severity: Some(High) });

    let summary = scan.summary().await;

    let named: AlertViolations = scan.store.get_json(&keys::alert_violations(sample::SCAN_ID)).await.unwrap();
    assert_eq!((summary.alerting_violations, summary.alerting_news), (667, 667));
    assert_eq!((summary.lost_sight, summary.lost_sight_news), (1, 1));
    // 333 are critical; of the 334 high ones the first in the order of the findings are kept.
    let critical = (0..333).map(|place| 2 + 3 * place);
    let expected: Vec<String> =
        critical.chain((0..179).map(|place| 3 * place)).map(|number| format!("b-{number:04}")).collect();
    let names: Vec<_> = named.news.iter().map(|finding| finding.resource.name.clone()).collect();
    assert_eq!(names, expected);
    assert_eq!((named.by_rule[VERSIONING].news, named.by_rule[VERSIONING].still_open), (667, 0));
    assert!(named.lost_sight.iter().map(|finding| finding.resource.name.as_str()).eq(["x"]));
}

/// What people were told of S3 by a scan whose findings were put together then.
fn told(through: &str, rules: &[&str]) -> AlertState {
    let told = Told {
        scan_id: EARLIER_SCAN_ID.to_owned(),
        started_at: EARLIER_START.parse().unwrap(),
        through: through.parse().unwrap(),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        lost_sight: 0,
        gaps: [].into(),
        expired: [].into(),
        since: [].into(),
    };
    AlertState { told: [(Service::S3, told)].into(), claim: None }
}

#[tokio::test]
async fn news_is_what_nobody_was_told_of() {
    let known = |bucket: &str, first_seen: &str| Finding {
        first_seen: Some(first_seen.parse().unwrap()),
        ..versioning(bucket, Status::NonCompliant)
    };
    let excepted = ExceptionMark { reason: "r".to_owned(), approver: "a".to_owned(), expires: date(2026, 11, 22) };
    let before = [
        known("a-known", "2026-11-20T00:00:00Z"),
        known("b-known", "2026-11-21T00:00:00Z"),
        Finding { exception: Some(excepted), ..known("c-excepted", "2026-11-21T00:00:00Z") },
        // The message of the scan that saw it first did not go out.
        known("d-untold", "2026-11-22T18:00:00Z"),
        Finding { rule_id: ENCRYPTION.into(), ..known("f-rule-came-up", "2026-11-21T00:00:00Z") },
    ];
    let names = ["a-known", "b-known", "c-excepted", "d-untold", "e-new"];
    let mut now: Vec<Finding> = names.iter().map(|name| versioning(name, Status::NonCompliant)).collect();
    now.push(found("f-rule-came-up", ENCRYPTION, Severity::Low, Status::NonCompliant));
    // (what people were told, which violations are news)
    let cases: [(Option<AlertState>, &[&str]); 3] = [
        (Some(told("2026-11-22T12:01:00Z", &[VERSIONING])), &["c-excepted", "d-untold", "e-new", "f-rule-came-up"]),
        (Some(told("2026-11-23T00:01:00Z", &[VERSIONING, ENCRYPTION])), &["c-excepted", "e-new"]),
        (None, &["a-known", "b-known", "c-excepted", "d-untold", "e-new", "f-rule-came-up"]),
    ];
    for (state, news) in cases {
        let mut scan = Scan::of_buckets(&now).await;
        scan.plan.policy.alert.threshold = Severity::Low;
        scan.follows(&before).await;
        if let Some(state) = &state {
            scan.store.replace_json(keys::ALERTS, state).await.unwrap();
        }
        let summary = scan.summary().await;
        let named: AlertViolations = scan.store.get_json(&keys::alert_violations(sample::SCAN_ID)).await.unwrap();
        let names: Vec<_> = named.news.iter().map(|finding| finding.resource.name.as_str()).collect();
        assert_eq!((names.as_slice(), summary.alerting_violations), (news, 6));
        if news.len() == 2 {
            let versioning = &named.by_rule[VERSIONING];
            assert_eq!((versioning.news, versioning.still_open), (2, 3));
            assert_eq!(versioning.since, Some("2026-11-20T00:00:00Z".parse().unwrap()));
        }
    }
}

/// A state that cannot be understood stops no scan; what it would have said is news.
#[tokio::test]
async fn what_people_were_told_may_be_broken() {
    let scan = Scan::of_buckets(&[found("a", VERSIONING, Severity::Critical, Status::NonCompliant)]).await;
    let _ = scan.store.put(keys::ALERTS, "application/json", "{".into(), Condition::None).await.unwrap();
    assert_eq!(scan.summary().await.alerting_news, 1);
}

#[tokio::test]
async fn people_are_to_hear_of_a_scan_that_finds_nothing_of_what_they_were_told() {
    let scan = Scan::of_buckets(&[versioning("a", Status::Compliant)]).await;
    assert!(!scan.aggregate().await.unwrap().alert);
    let scan = Scan::of_buckets(&[versioning("a", Status::Compliant)]).await;
    scan.store.replace_json(keys::ALERTS, &told(EARLIER_START, &[VERSIONING])).await.unwrap();
    assert!(scan.aggregate().await.unwrap().alert);
}

#[tokio::test]
async fn what_is_resolved_is_a_list_of_its_own_mended_or_gone() {
    let excepted = ExceptionMark { reason: "r".to_owned(), approver: "a".to_owned(), expires: date(2026, 11, 30) };
    let before = [
        versioning("a-gone", Status::NonCompliant),
        Finding { exception: Some(excepted.clone()), ..versioning("b-excepted", Status::NonCompliant) },
        versioning("c-mended", Status::NonCompliant),
        versioning("d-open", Status::NonCompliant),
    ];
    let now = [
        versioning("b-excepted", Status::Compliant),
        versioning("c-mended", Status::Compliant),
        versioning("d-open", Status::NonCompliant),
    ];
    let mut scan = Scan::of_buckets(&now).await;
    scan.plan.policy.alert.threshold = Severity::Low;
    scan.follows(&before).await;
    let summary = scan.summary().await;
    let mut reader =
        audit_artifacts::JsonLinesReader::<ResolvedViolation>::open(&scan.store, &keys::resolved(sample::SCAN_ID))
            .await
            .unwrap();
    let mut resolved = Vec::new();
    while let Some(violation) = reader.next().await.unwrap() {
        resolved.push((violation.resource.name.clone(), violation.resolution, violation.exception));
    }
    let of = |name: &str, how, exception| (name.to_owned(), how, exception);
    let expected = [
        of("a-gone", Resolution::Gone, None),
        of("b-excepted", Resolution::Mended, Some(excepted)),
        of("c-mended", Resolution::Mended, None),
    ];
    assert_eq!(resolved, expected);
    // What an exception covered raised no alert.
    assert_eq!((changes(&summary).resolved, summary.alerting_resolved), (3, 2));
    let named: AlertViolations = scan.store.get_json(&keys::alert_violations(sample::SCAN_ID)).await.unwrap();
    let names: Vec<_> = named.resolved.iter().map(|violation| violation.resource.name.as_str()).collect();
    assert_eq!(names, ["a-gone", "c-mended"]);
}

/// Nothing compares the times of findings more closely, and spreadsheets cannot read more.
#[tokio::test]
async fn times_of_findings_are_to_the_second() {
    let at = |time: &str| time.parse::<Timestamp>().unwrap();
    let now = [Status::NonCompliant, Status::InsufficientData].map(|status| Finding {
        evaluated_at: at("2026-11-23T06:00:30.999999999Z"),
        ..versioning(if status == Status::NonCompliant { "a" } else { "b" }, status)
    });
    let before = ["a", "b", "c"].map(|bucket| Finding {
        evaluated_at: at("2026-11-23T00:00:30.5Z"),
        first_seen: Some(at("2026-11-20T00:00:00.000000001Z")),
        ..versioning(bucket, Status::NonCompliant)
    });
    let scan = Scan::of_buckets(&now).await;
    scan.follows(&before).await;
    scan.list(Service::S3, &[2, 1]).await;
    scan.aggregate().await.unwrap();
    let findings = scan.findings().await;
    assert_eq!(findings.len(), 3);
    for Finding { evaluated_at, first_seen, last_seen, .. } in findings {
        assert_eq!(evaluated_at.subsec_nanosecond(), 0);
        assert_eq!(first_seen, Some(at("2026-11-20T00:00:00Z")));
        assert!(last_seen.is_none_or(|last_seen| last_seen == at("2026-11-23T00:00:30Z")), "{last_seen:?}");
    }
}

#[tokio::test]
async fn only_what_is_planned_is_compared_and_its_pointer_moves() {
    let of = |service, finding| Finding { service, ..finding };
    let scan = Scan::of(&[Service::Vpc]);
    scan.list(Service::Vpc, &[]).await;
    scan.follows(&[
        versioning("a", Status::NonCompliant),
        of(Service::Vpc, typed("vpc-1", "vpc-flow-logs-enabled", "AWS::EC2::VPC")),
        of(Service::Lambda, found("f", "lambda-inside-vpc", Severity::Low, Status::NonCompliant)),
    ])
    .await;
    let summary = scan.summary().await;
    let resolved = Changes { resolved: 1, ..Changes::default() };
    assert_eq!(summary.comparison, [(Service::Vpc, compared(resolved))].into());
    let mut expected = all_at(EARLIER_SCAN_ID);
    expected.insert(Service::Vpc, sample::SCAN_ID.to_owned());
    assert_eq!(scan.latest().await, expected);
}

/// A violation of a resource of this type.
fn typed(name: &str, rule: &str, resource_type: &str) -> Finding {
    let mut finding = found(name, rule, Severity::High, Status::NonCompliant);
    Arc::make_mut(&mut finding.resource).resource_type = resource_type.to_owned().into();
    finding
}

#[tokio::test]
async fn each_service_is_compared_with_its_own_last_scan() {
    const OF_VPCS: &str = "20261123T030000Z-11111111";
    let flow_logs = Finding { service: Service::Vpc, ..typed("vpc-1", "vpc-flow-logs-enabled", "AWS::EC2::VPC") };
    let of_all = Finding { first_seen: Some(sample::DAY_BEFORE), ..flow_logs.clone() };
    let of_vpcs = Finding { first_seen: Some(sample::STARTED_AT), ..flow_logs.clone() };
    let scan = Scan::of_buckets(&[versioning("a", Status::NonCompliant)]).await;
    scan.list(Service::Vpc, &[1]).await;
    scan.scan(Service::Vpc, 1, 1, &[flow_logs]).await;
    scan.follows(&[versioning("a", Status::NonCompliant), of_all]).await;
    write_findings_to(&scan.store, &keys::findings(OF_VPCS), &[of_vpcs]).await;
    let mut latest = pointers(&Service::ALL, EARLIER_SCAN_ID, EARLIER_START);
    latest.extend(pointers(&[Service::Vpc], OF_VPCS, "2026-11-23T03:00:00Z"));
    scan.store.replace_json(keys::LATEST, &latest).await.unwrap();

    let summary = scan.summary().await;

    let still_open = Changes { still_open: 1, ..Changes::default() };
    assert_eq!(summary.comparison[&Service::S3], compared(still_open));
    let with_its_own = Comparison::Compared {
        scan_id: OF_VPCS.to_owned(),
        started_at: "2026-11-23T03:00:00Z".parse().unwrap(),
        changes: still_open,
    };
    assert_eq!(summary.comparison[&Service::Vpc], with_its_own);
    assert_eq!(summary.comparison[&Service::Lambda], compared(Changes::default()));
    assert_eq!(scan.findings().await[1].first_seen, Some(sample::STARTED_AT));
}

#[tokio::test]
async fn a_pointer_of_an_earlier_version_stands_for_every_service() {
    let scan = Scan::of_buckets(&[versioning("a", Status::NonCompliant)]).await;
    let known = Finding { first_seen: Some(sample::DAY_BEFORE), ..versioning("a", Status::NonCompliant) };
    scan.follows(&[known]).await;
    let pointer = format!(r#"{{"scanId": "{EARLIER_SCAN_ID}", "startedAt": "{EARLIER_START}"}}"#);
    let _ = scan.store.put(keys::LATEST, "application/json", pointer.into(), Condition::None).await.unwrap();
    // Its summary had another form of comparison.
    let summary = format!(r#"{{"byRule": {{"{ENCRYPTION}": {{}}}}, "comparison": {{"scanId": "x", "new": 1}}}}"#);
    let key = keys::summary(EARLIER_SCAN_ID);
    let _ = scan.store.put(&key, "application/json", summary.into(), Condition::None).await.unwrap();
    let summary = scan.summary().await;
    assert_eq!(changes(&summary), Changes { still_open: 1, ..Changes::default() });
    assert_eq!(scan.findings().await[0].first_seen, Some(sample::DAY_BEFORE));
    assert_eq!(scan.latest().await, all_at(sample::SCAN_ID));
}

#[tokio::test]
async fn of_two_scans_side_by_side_the_older_one_is_compared_with_what_came_before_both() {
    const YOUNGER: &str = "20261123T060100Z-22222222";
    let scan = Scan::of_buckets(&[versioning("a", Status::NonCompliant)]).await;
    scan.follows(&[versioning("a", Status::NonCompliant)]).await;
    scan.points_to(YOUNGER, "2026-11-23T06:01:00Z").await;
    let comparison: BTreeMap<_, _> = Service::ALL.map(|service| (service, compared(Changes::default()))).into();
    let younger = Summary { scan_id: YOUNGER.to_owned(), comparison, ..sample::summary(&[]) };
    scan.store.replace_json(&keys::summary(YOUNGER), &younger).await.unwrap();

    let summary = scan.summary().await;
    assert_eq!(summary.comparison[&Service::S3], compared(Changes { still_open: 1, ..Changes::default() }));
    assert_eq!(scan.latest().await, all_at(YOUNGER), "the pointers never move back in time");

    // A repeated task finds that the younger scan was compared with this one.
    let with_this = Comparison::Compared {
        scan_id: sample::SCAN_ID.to_owned(),
        started_at: sample::STARTED_AT,
        changes: Changes::default(),
    };
    let comparison = Service::ALL.map(|service| (service, with_this.clone())).into();
    scan.store.replace_json(&keys::summary(YOUNGER), &Summary { comparison, ..younger }).await.unwrap();
    scan.store.remove(&keys::findings(sample::SCAN_ID));
    assert_eq!(scan.summary().await, summary);
    assert!(!scan.store.keys().contains(&keys::findings(sample::SCAN_ID)), "nothing was done again");
}

/// Each reason to compare with nothing has words of its own, and the pointer moves on.
#[tokio::test]
async fn without_a_scan_to_compare_with_the_summary_says_why() {
    let violation = [versioning("a", Status::NonCompliant)];
    let scan_id = EARLIER_SCAN_ID.to_owned();
    let (expired, broken) = (Comparison::Expired { scan_id: scan_id.clone() }, Comparison::Broken { scan_id });

    let first = Scan::of_buckets(&violation).await;

    let gone = Scan::of_buckets(&violation).await;
    gone.follows(&violation).await;
    gone.store.remove(&keys::findings(EARLIER_SCAN_ID));

    let not_json = Scan::of_buckets(&violation).await;
    not_json.follows(&violation).await;
    let key = keys::findings(EARLIER_SCAN_ID);
    let _ = not_json.store.put(&key, "application/x-ndjson", "{}\n".into(), Condition::None).await.unwrap();

    // The flaw shows behind a violation that this scan does not see: none of it may be left in the findings.
    let disordered = Scan::of_buckets(&violation).await;
    disordered.list(Service::S3, &[1, 1]).await;
    let backwards = ["c", "b", "a"].map(|name| versioning(name, Status::NonCompliant));
    disordered.follows(&backwards).await;

    // A younger scan that does not tell what it was compared with leads nowhere.
    let lost = Scan::of_buckets(&violation).await;
    lost.follows(&violation).await;
    lost.points_to(EARLIER_SCAN_ID, "2026-11-23T06:00:01Z").await;

    for (scan, why, pointer) in [
        (first, Comparison::FirstScan, sample::SCAN_ID),
        (gone, expired, sample::SCAN_ID),
        (not_json, broken.clone(), sample::SCAN_ID),
        (disordered, broken.clone(), sample::SCAN_ID),
        (lost, broken, EARLIER_SCAN_ID),
    ] {
        let summary = scan.summary().await;
        assert_eq!(summary.comparison, Service::ALL.map(|service| (service, why.clone())).into());
        assert_eq!(summary.changes(), None);
        let findings = scan.findings().await;
        assert_eq!(findings.len(), 1, "{why:?}");
        assert_eq!((findings[0].first_seen, findings[0].change), (Some(sample::AGGREGATED_AT), None));
        assert_eq!(scan.latest().await, all_at(pointer), "{why:?}");
    }
}

#[tokio::test]
async fn a_repeated_task_says_the_same_and_does_not_compare_the_scan_with_itself() {
    let scan = Scan::of_buckets(&[versioning("a", Status::NonCompliant)]).await;
    scan.follows(&[]).await;
    let (output, first) = (scan.aggregate().await, scan.summary().await);
    assert_eq!(changes(&first).new, 1);
    assert_eq!(scan.aggregate().await, output);
    assert_eq!(scan.summary().await, first);
    assert_eq!(scan.latest().await, all_at(sample::SCAN_ID));
}

#[tokio::test]
async fn a_partial_scan_moves_the_pointers_for_it_forgets_nothing() {
    let scan = Scan::of_buckets(&[]).await;
    scan.follows(&[]).await;
    scan.store.remove(&keys::inventory(sample::SCAN_ID, Service::Vpc));
    assert_eq!(scan.summary().await.status, ScanStatus::Partial);
    assert_eq!(scan.latest().await, all_at(sample::SCAN_ID));
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
            let others: LatestScans = Service::ALL.map(|service| (service, other.clone())).into();
            self.store.replace_json(keys::LATEST, &others).await?;
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
                assert_eq!(scan.latest().await, all_at(pointer), "{interferences} {others_start} {there}");
            }
            Err(name) => assert_eq!(outcome, Err(name)),
        }
        assert!(scan.store.text(&keys::summary(sample::SCAN_ID)).is_some(), "the summary is there before the pointer");
    }
}

#[tokio::test]
async fn a_pointer_that_cannot_be_understood_is_an_error_that_says_what_to_do() {
    for content in ["{", "{}", r#"{"s3": {}}"#, r#"{"iam": {"scanId": "x", "startedAt": "2026-11-23T00:00:00Z"}}"#] {
        let scan = Scan::of_buckets(&[]).await;
        let _ = scan.store.put(keys::LATEST, "application/json", content.into(), Condition::None).await.unwrap();
        let error = scan.aggregate().await.unwrap_err();
        let says = ["state/latest.json", "restore its previous version", "delete it"];
        assert!(error.name() == "Corrupt" && says.iter().all(|part| error.to_string().contains(part)), "{error}");
    }
}
