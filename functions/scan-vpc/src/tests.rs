use async_trait::async_trait;
use audit_artifacts::sample::{self, SCAN_ID as SCAN};
use audit_artifacts::{ArtifactStoreExt, MemoryStore, keys};
use audit_model::plan::{ShardReceipt, Target};
use audit_model::resource::{FlowLog, Identity, SecurityGroup, Vpc};
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_model::{Finding, Reading, Service, Status, Unreadable, UnreadableCause};
use audit_task::TaskError;
use jiff::Timestamp;
use pretty_assertions::assert_eq;

use crate::{Ports, VpcCollector, handle};

const ACCOUNT: &str = "111122223333";

/// VPCs with flow logs and one security group each and otherwise unread, but for those that have gone.
struct Vpcs {
    gone: &'static [&'static str],
}

fn identity(kind: &str, id: &str) -> Identity {
    Identity {
        name: id.to_owned(),
        arn: format!("arn:aws:ec2:us-east-1:{ACCOUNT}:{kind}/{id}"),
        account: ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
    }
}

fn denied() -> Unreadable {
    Unreadable { action: "ec2:Describe".to_owned(), cause: UnreadableCause::AccessDenied, detail: "no".to_owned() }
}

fn vpc(id: &str) -> Vpc {
    // The groups' ids run against the VPCs'.
    let group_id = match id {
        "vpc-a" => "sg-9",
        "vpc-b" => "sg-5",
        _ => "sg-1",
    };
    let group = SecurityGroup {
        identity: identity("security-group", group_id),
        id: group_id.to_owned(),
        vpc_id: id.to_owned(),
        tags: Reading::Absent,
        ingress: Vec::new(),
        egress: Vec::new(),
    };
    let flow_log = FlowLog {
        id: "fl-1".to_owned(),
        traffic_type: "ALL".to_owned(),
        status: "ACTIVE".to_owned(),
        deliver_logs_status: Some("SUCCESS".to_owned()),
    };
    Vpc {
        identity: identity("vpc", id),
        id: id.to_owned(),
        tags: Reading::Unreadable(denied()),
        flow_logs: Reading::seen(vec![flow_log]),
        security_groups: Reading::seen(vec![group]),
    }
}

#[async_trait]
impl VpcCollector for Vpcs {
    async fn vpcs(&self, targets: &[Target]) -> Vec<Vpc> {
        let there = targets.iter().filter(|target| !self.gone.contains(&target.id.as_str()));
        there.map(|target| vpc(&target.id)).collect()
    }
}

/// A store with a plan and a shard of these VPCs.
async fn store(vpcs: &[&str]) -> MemoryStore {
    sample::store_with_shard(Service::Vpc, 2, vpcs).await.unwrap()
}

async fn scan(
    store: &MemoryStore,
    service: Service,
    gone: &'static [&'static str],
) -> Result<ScanShardOutput, TaskError> {
    let ports = Ports { store, vpcs: &Vpcs { gone }, now: || Timestamp::UNIX_EPOCH };
    handle(ScanShardInput { scan_id: SCAN.to_owned(), service, shard: 2 }, &ports).await
}

async fn findings(store: &MemoryStore) -> Vec<Finding> {
    sample::shard_findings(store, Service::Vpc, 2).await.unwrap()
}

#[tokio::test]
async fn findings_are_in_order_over_the_whole_shard_and_the_receipt_counts_them() {
    let store = store(&["vpc-a", "vpc-b", "vpc-c"]).await;
    let output = scan(&store, Service::Vpc, &[]).await.unwrap();
    let findings = findings(&store).await;

    assert!(findings.is_sorted_by(|one, next| one.sort_key() < next.sort_key()));
    let mut names: Vec<&str> = findings.iter().map(|finding| finding.resource.name.as_str()).collect();
    names.dedup();
    assert_eq!(names, ["sg-1", "sg-5", "sg-9", "vpc-a", "vpc-b", "vpc-c"]);
    let logged: Vec<Status> = findings
        .iter()
        .filter(|finding| finding.rule_id == "vpc-flow-logs-enabled")
        .map(|finding| finding.status)
        .collect();
    assert_eq!(logged, [Status::Compliant; 3]);

    let count = findings.len() as u64;
    let receipt: ShardReceipt = store.get_json(&keys::shard_receipt(SCAN, Service::Vpc, 2)).await.unwrap();
    assert_eq!(receipt, ShardReceipt { service: Service::Vpc, shard: 2, resources: 3, gone: 0, findings: count });
    assert_eq!(
        output,
        ScanShardOutput { scan_id: SCAN.to_owned(), service: Service::Vpc, shard: 2, resources: 3, findings: count }
    );
}

#[tokio::test]
async fn a_vpc_that_has_gone_is_counted_and_not_judged() {
    let store = store(&["vpc-a", "vpc-b"]).await;
    let output = scan(&store, Service::Vpc, &["vpc-a"]).await.unwrap();
    assert_eq!(output.resources, 1);
    let receipt: ShardReceipt = store.get_json(&keys::shard_receipt(SCAN, Service::Vpc, 2)).await.unwrap();
    assert_eq!((receipt.resources, receipt.gone), (1, 1));
    assert!(findings(&store).await.iter().all(|finding| ["sg-5", "vpc-b"].contains(&finding.resource.name.as_str())));
}

#[tokio::test]
async fn a_shard_whose_vpcs_have_all_gone_has_findings_that_are_empty() {
    let store = store(&["vpc-a"]).await;
    let output = scan(&store, Service::Vpc, &["vpc-a"]).await.unwrap();
    assert_eq!((output.resources, output.findings), (0, 0));
    assert_eq!(findings(&store).await, []);
}

#[tokio::test]
async fn a_repetition_writes_the_same() {
    let store = store(&["vpc-a", "vpc-b"]).await;
    let first = (scan(&store, Service::Vpc, &[]).await.unwrap(), findings(&store).await);
    let second = (scan(&store, Service::Vpc, &[]).await.unwrap(), findings(&store).await);
    assert_eq!(first, second);
}

#[tokio::test]
async fn nothing_is_written_without_a_plan_a_shard_or_the_right_service() {
    let whole = store(&["vpc-a"]).await;
    assert_eq!(scan(&whole, Service::Lambda, &[]).await.unwrap_err().name(), "InvalidRequest");
    for key in [keys::plan(SCAN), keys::shard(SCAN, Service::Vpc, 2)] {
        let store = store(&["vpc-a"]).await;
        store.remove(&key);
        let before = store.keys();
        assert_eq!(scan(&store, Service::Vpc, &[]).await.unwrap_err().name(), "NotFound", "{key}");
        assert_eq!(store.keys(), before);
    }
}
