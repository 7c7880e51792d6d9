//! A small scan, for tests of the functions that read one.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use audit_model::plan::{Inventory, Target, TargetKind};
use audit_model::policy::{AlertPolicy, FrameworkPolicy, OptOutTag, Parameters, RemediationPolicy};
use audit_model::remediation::{Decision, Reason, ReasonCode, RemediationOutcome, RemediationRecord};
use audit_model::resource::BucketEncryption;
use audit_model::summary::{AlertViolations, AlertingRule, Changes, Comparison, Counts, ScanStatus, Scope, Summary};
use audit_model::task::RemediateOutput;
use audit_model::{
    Change, Evidence, Finding, FrameworkReference, Guidance, Plan, Policy, Reading, RemediationMode, Resolution,
    ResolvedViolation, ResourceRef, RuleInForce, Rules, Service, Severity, Shard, Status, Tags, Trigger, TriggerKind,
};
use audit_task::TaskError;
use jiff::Timestamp;

use crate::{ArtifactStoreExt, FindingsReader, FindingsWriter, JsonLinesWriter, MemoryStore, keys, sha256};

/// The scan's id.
pub const SCAN_ID: &str = "20261123T060000Z-1f2e3d4c";
/// When the scan started: 2026-11-23T06:00:00Z.
pub const STARTED_AT: Timestamp = Timestamp::constant(1_795_413_600, 0);
/// When its findings were put together: a minute later.
pub const AGGREGATED_AT: Timestamp = Timestamp::constant(1_795_413_660, 0);
/// A day before the scan: since when the sample's violations have been open.
pub const DAY_BEFORE: Timestamp = Timestamp::constant(1_795_327_200, 0);
/// The listing that a service's shards are of.
pub const LISTING: &str = "0f1e2d3c4b5a6978";
/// The audited account.
pub const ACCOUNT: &str = "123456789012";

/// The plan of a scheduled scan of all services that alerts on critical violations.
pub fn plan() -> Plan {
    Plan {
        scan_id: SCAN_ID.to_owned(),
        trigger: Trigger {
            kind: TriggerKind::Schedule,
            event_id: Some("17793124-05d4-b198-2fde-7ededc63b103".to_owned()),
            requested_by: None,
            reason: None,
        },
        account: ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
        services: Service::ALL.to_vec(),
        resources: Vec::new(),
        remediation: RemediationMode::Apply,
        remediation_requested: false,
        reapply: Vec::new(),
        changes: Vec::new(),
        missing_settings: Vec::new(),
        policy: Policy {
            alert: AlertPolicy { threshold: Severity::Critical, remind_hours: 24 },
            remediation: RemediationPolicy {
                mode: RemediationMode::Apply,
                announce_first: true,
                max_buckets_per_run: 10,
                max_buckets_per_day: 20,
                stop_after_failures: 1,
                opt_out_tag: OptOutTag { key: "compliance:remediation".to_owned(), value: "off".to_owned() },
            },
            frameworks: FrameworkPolicy::default(),
            parameters: Parameters {
                required_tags: vec!["Owner".to_owned()],
                resource_tagging_keys: Vec::new(),
                trusted_accounts: Vec::new(),
                trusted_organizations: Vec::new(),
                trusted_layer_accounts: Vec::new(),
                trusted_cidrs: Vec::new(),
                internet_ipv4_prefix: 8,
                internet_ipv6_prefix: 16,
                high_risk_ports: vec![22, 3389],
                authorized_tcp_ports: vec![443],
                authorized_udp_ports: Vec::new(),
                supported_runtimes: vec!["python3.13".to_owned()],
                lambda_availability_zones: 2,
                lifecycle_expiration_days: None,
                object_lock_retention_days: None,
            },
            rules: [].into(),
            exceptions: Vec::new(),
        },
        started_at: STARTED_AT,
        execution_arn: format!(
            "arn:aws:states:us-east-1:{ACCOUNT}:execution:compliance-audit-state-machine-dev-pr42:run"
        ),
    }
}

/// The figures of a complete scan that came to `findings`, one resource of S3 for each of them.
pub fn summary(findings: &[Finding]) -> Summary {
    let mut totals = Counts::default();
    let mut summary = Summary {
        scan_id: SCAN_ID.to_owned(),
        status: ScanStatus::Complete,
        scope: Scope::Full,
        gaps: Vec::new(),
        started_at: STARTED_AT,
        aggregated_at: AGGREGATED_AT,
        resources: Service::ALL.into_iter().map(|service| (service, 0)).collect(),
        of_others: 0,
        totals,
        by_service: Service::ALL.into_iter().map(|service| (service, Counts::default())).collect(),
        by_rule: [].into(),
        violations_by_severity: Severity::ALL.into_iter().map(|severity| (severity, 0)).collect(),
        comparison: Service::ALL.map(|service| (service, compared(service))).into(),
        alerting_violations: 0,
        alerting_news: 0,
        alerting_resolved: 0,
        lost_sight: 0,
        lost_sight_news: 0,
        exceptions: Vec::new(),
        remediable_buckets: 0,
    };
    for finding in findings {
        totals.add(finding);
        summary.by_service.entry(finding.service).or_default().add(finding);
        summary.by_rule.entry(finding.rule_id.to_string()).or_default().add(finding);
        *summary.resources.entry(finding.service).or_default() += 1;
        if finding.is_open() {
            *summary.violations_by_severity.entry(finding.severity).or_default() += 1;
            let alerts = finding.severity == Severity::Critical;
            summary.alerting_violations += u64::from(alerts);
            summary.alerting_news += u64::from(alerts && is_news(finding));
        }
    }
    Summary { totals, ..summary }
}

/// What changed in a service since the scan of the evening before.
fn compared(service: Service) -> Comparison {
    let changes = match service {
        Service::S3 => Changes { new: 1, still_open: 2, resolved: 3, ..Changes::default() },
        Service::Vpc | Service::Lambda => Changes::default(),
    };
    Comparison::Compared {
        scan_id: "20261122T180000Z-0a1b2c3d".to_owned(),
        // 2026-11-22T18:00:00Z
        started_at: Timestamp::constant(1_795_370_400, 0),
        changes,
    }
}

/// The finding of one rule about one bucket; a violation is known since [`DAY_BEFORE`].
pub fn finding(bucket: &str, rule_id: &str, severity: Severity, status: Status) -> Finding {
    Finding {
        service: Service::S3,
        rule_id: rule_id.to_owned().into(),
        severity,
        status,
        resource: Arc::new(ResourceRef {
            arn: format!("arn:aws:s3:::{bucket}"),
            resource_type: "AWS::S3::Bucket".into(),
            name: bucket.to_owned(),
            region: "us-east-1".to_owned(),
            account: ACCOUNT.to_owned(),
            tags: Some(Tags::from([("Owner".to_owned(), "payments".to_owned())])),
        }),
        evidence: Evidence { observed: "what was seen".into() },
        missing: Vec::new(),
        evaluated_at: AGGREGATED_AT,
        first_seen: (status == Status::NonCompliant).then_some(DAY_BEFORE),
        last_seen: None,
        change: (status == Status::NonCompliant).then_some(Change::StillOpen),
        exception: None,
    }
}

/// A violation that the scan saw mended.
fn resolved(bucket: &str) -> ResolvedViolation {
    let known = finding(bucket, "s3-bucket-versioning-enabled", Severity::Low, Status::NonCompliant);
    ResolvedViolation::new(&known, Severity::Low, Resolution::Mended, AGGREGATED_AT)
}

/// The rules that `findings` are of, as they were in force.
pub fn rules(findings: &[Finding]) -> Rules {
    let rule = |Finding { rule_id, service, severity, resource, .. }: &Finding| RuleInForce {
        service: *service,
        title: format!("Title of {rule_id}").into(),
        severity: *severity,
        enabled: true,
        resource_type: resource.resource_type.clone(),
        rationale: "Why it matters.".into(),
        expected: "what should be".into(),
        remediation: Guidance {
            text: "Mend it.".into(),
            console: "Open the console.".into(),
            cli: "aws s3api mend --bucket BUCKET".into(),
            url: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html".into(),
        },
        references: vec![FrameworkReference { framework: "PCI DSS 4.0.1".into(), control: "1.4.4".into() }],
    };
    findings.iter().map(|finding| (finding.rule_id.to_string(), rule(finding))).collect()
}

/// What the alert may name of `findings`, the worst first.
fn alert_violations(plan: &Plan, findings: &[Finding]) -> AlertViolations {
    let alerting = findings.iter().filter(|finding| finding.severity >= plan.policy.alert.threshold);
    let mut alerting: Vec<Finding> = alerting.cloned().collect();
    alerting.sort_by_key(|finding| Reverse(finding.severity));
    let (open, others): (Vec<_>, Vec<_>) = alerting.into_iter().partition(Finding::is_open);
    let lost_sight = |finding: &Finding| finding.change == Some(Change::NotLookedAt) && finding.exception.is_none();
    let mut by_rule: BTreeMap<String, AlertingRule> = BTreeMap::new();
    for finding in &open {
        let rule = by_rule.entry(finding.rule_id.to_string()).or_insert_with(|| AlertingRule {
            service: finding.service,
            severity: finding.severity,
            resource_type: finding.resource.resource_type.to_string(),
            news: 0,
            still_open: 0,
            since: None,
        });
        if is_news(finding) {
            rule.news += 1;
        } else {
            rule.still_open += 1;
            rule.since = [rule.since, finding.first_seen].into_iter().flatten().min();
        }
    }
    AlertViolations {
        news: open.into_iter().filter(is_news).collect(),
        by_rule,
        lost_sight: others.into_iter().filter(lost_sight).collect(),
        resolved: Vec::new(),
    }
}

/// Whether nobody was told of an open violation, where all others were told of.
fn is_news(finding: &Finding) -> bool {
    finding.change != Some(Change::StillOpen)
}

/// The record of one decision about one bucket that failed the rule of a customer-managed key. `texts` are the reasons of a
/// bucket that was left alone, and otherwise what came of the change.
pub fn remediation_record(bucket: &str, outcome: RemediationOutcome, texts: &[&str]) -> RemediationRecord {
    let skipped = outcome == RemediationOutcome::Skipped;
    let reason = |&text: &&str| Reason::new(ReasonCode::Website, text);
    RemediationRecord {
        sequence: 1,
        previous_sha256: None,
        run_id: SCAN_ID.to_owned(),
        change_id: None,
        bucket_arn: format!("arn:aws:s3:::{bucket}"),
        bucket: bucket.to_owned(),
        rules: vec!["s3-bucket-customer-managed-key-encrypted".to_owned()],
        mode: RemediationMode::Apply,
        decision: if skipped { Decision::Skip } else { Decision::Apply },
        outcome,
        reasons: if skipped { texts.iter().map(reason).collect() } else { Vec::new() },
        result: (!skipped && !texts.is_empty()).then(|| texts.join("; ")),
        before: Some(Reading::seen(sse_s3())),
        intended: None,
        after: None,
        key_arn: None,
        calls: Vec::new(),
        requested_by: "the schedule".to_owned(),
        execution_arn: plan().execution_arn,
        decided_at: AGGREGATED_AT,
        ended_at: AGGREGATED_AT,
    }
}

/// The default encryption that Amazon S3 gives every bucket: SSE-S3.
pub fn sse_s3() -> BucketEncryption {
    BucketEncryption {
        algorithm: "AES256".to_owned(),
        kms_key_id: None,
        bucket_key_enabled: false,
        blocked_encryption_types: Vec::new(),
    }
}

/// What the remediation state says when it has written `records`.
pub fn remediation_counts(records: &[RemediationRecord]) -> RemediateOutput {
    let count = |outcome| records.iter().filter(|record| record.outcome == outcome).fold(0_u64, |count, _| count + 1);
    RemediateOutput {
        scan_id: SCAN_ID.to_owned(),
        mode: RemediationMode::Apply,
        applied: count(RemediationOutcome::Applied),
        announced: count(RemediationOutcome::Announced),
        would_apply: count(RemediationOutcome::WouldApply),
        skipped: count(RemediationOutcome::Skipped),
        drifted: 0,
        failed: count(RemediationOutcome::Failed),
        records_sha256: sha256(b""),
    }
}

/// A store that holds a scan as its aggregation and its remediation leave it. Without records there is no object of
/// them.
///
/// # Errors
/// Those of the store.
pub async fn store(
    plan: &Plan,
    summary: &Summary,
    findings: &[Finding],
    records: &[RemediationRecord],
) -> Result<MemoryStore, TaskError> {
    let store = MemoryStore::default();
    store.replace_json(&keys::plan(SCAN_ID), plan).await?;
    store.replace_json(&keys::summary(SCAN_ID), summary).await?;
    let named = AlertViolations {
        resolved: (0..summary.alerting_resolved).map(|number| resolved(&format!("resolved-{number}"))).collect(),
        ..alert_violations(plan, findings)
    };
    store.replace_json(&keys::alert_violations(SCAN_ID), &named).await?;
    store.replace_json(&keys::rules(SCAN_ID), &rules(findings)).await?;
    let mut writer = FindingsWriter::create(&store, &keys::findings(SCAN_ID)).await?;
    writer.write(findings).await?;
    writer.finish().await?;
    let mut writer = JsonLinesWriter::create(&store, &keys::resolved(SCAN_ID)).await?;
    for number in 0..summary.changes().map_or(0, |changes| changes.resolved) {
        writer.write(&resolved(&format!("resolved-{number}"))).await?;
    }
    writer.finish().await?;
    if !records.is_empty() {
        let mut writer = JsonLinesWriter::create(&store, &keys::remediation(SCAN_ID)).await?;
        for record in records {
            writer.write(record).await?;
        }
        writer.finish().await?;
    }
    Ok(store)
}

/// A store with the sample's plan and one shard of the buckets, VPCs or functions with these ids.
///
/// # Errors
/// Those of the store.
pub async fn store_with_shard(service: Service, number: u32, ids: &[&str]) -> Result<MemoryStore, TaskError> {
    let kind = match service {
        Service::S3 => TargetKind::Bucket,
        Service::Vpc => TargetKind::Vpc,
        Service::Lambda => TargetKind::Function,
    };
    store_with_targets(service, number, ids.iter().map(|id| target(kind, id)).collect()).await
}

/// A store with the sample's plan and one shard of these targets, which are all that was listed; functions have no version.
///
/// # Errors
/// Those of the store.
pub async fn store_with_targets(service: Service, number: u32, targets: Vec<Target>) -> Result<MemoryStore, TaskError> {
    let store = MemoryStore::default();
    store.replace_json(&keys::plan(SCAN_ID), &plan()).await?;
    let inventory = Inventory {
        service,
        listing: LISTING.to_owned(),
        resources: targets.len() as u64,
        shards: vec![targets.len() as u64],
        unlisted: Vec::new(),
        listed_at: STARTED_AT,
    };
    store.replace_json(&keys::inventory(SCAN_ID, service), &inventory).await?;
    let versions = (service == Service::Lambda)
        .then(|| Reading::seen(targets.iter().map(|target| (target.id.clone(), Vec::new())).collect()));
    let key = keys::shard(SCAN_ID, service, LISTING, number);
    store.replace_json(&key, &Shard { service, number, targets, versions }).await?;
    Ok(store)
}

/// A target of this kind in the audited region.
pub fn target(kind: TargetKind, id: &str) -> Target {
    Target { kind, id: id.to_owned(), region: Some("us-east-1".to_owned()), owner: None, only: Vec::new() }
}

/// The findings of one shard, in the order in which they lie there.
///
/// # Errors
/// `NotFound` when the shard has none, and those of the store.
pub async fn shard_findings(store: &MemoryStore, service: Service, number: u32) -> Result<Vec<Finding>, TaskError> {
    findings(store, &keys::shard_findings(SCAN_ID, service, number)).await
}

/// The findings of the object of that key, in the order in which they lie there.
///
/// # Errors
/// `NotFound` when there is no such object, and those of the store.
pub async fn findings(store: &MemoryStore, key: &str) -> Result<Vec<Finding>, TaskError> {
    let mut reader = FindingsReader::open(store, key).await?;
    let mut findings = Vec::new();
    while let Some(of_one) = reader.next_resource().await? {
        findings.extend(of_one);
    }
    Ok(findings)
}
