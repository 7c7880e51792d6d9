use std::num::NonZeroU32;

use async_trait::async_trait;
use audit_artifacts::sample::{self, LISTING, SCAN_ID as SCAN};
use audit_artifacts::{ArtifactStoreExt, MemoryStore, keys};
use audit_model::plan::{ShardReceipt, Target};
use audit_model::resource::{Function, Identity};
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_model::{Finding, Reading, Service, Status, Unreadable, UnreadableCause};
use audit_task::TaskError;
use jiff::Timestamp;
use pretty_assertions::assert_eq;

use crate::{FunctionCollector, Ports, Shared, handle};

const ACCOUNT: &str = "111122223333";

/// An account whose functions have neither a policy nor a URL and are otherwise unread, but for those that have gone.
struct Functions {
    gone: &'static [&'static str],
}

fn denied() -> Unreadable {
    Unreadable { action: "lambda:Get".to_owned(), cause: UnreadableCause::AccessDenied, detail: "no".to_owned() }
}

#[async_trait]
impl FunctionCollector for Functions {
    async fn room(&self) {}

    async fn function(&self, target: &Target, _: &Shared) -> Option<Function> {
        // The function that is asked for first is the last to answer.
        if target.id == "a" {
            tokio::task::yield_now().await;
        }
        (!self.gone.contains(&target.id.as_str())).then(|| Function {
            identity: Identity {
                name: target.id.clone(),
                arn: format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{}", target.id),
                account: ACCOUNT.to_owned(),
                region: "us-east-1".to_owned(),
            },
            configuration: Reading::Unreadable(denied()),
            reserved_concurrency: Reading::Unreadable(denied()),
            policy: Reading::Absent,
            aliases: Reading::seen(Vec::new()),
            alias_policies: Reading::seen(Vec::new()),
            versions: Reading::seen(Vec::new()),
            version_policies: Vec::new(),
            urls: Reading::seen(Vec::new()),
            availability_zones: Reading::Unreadable(denied()),
            tags: Reading::Unreadable(denied()),
        })
    }
}

/// A store with a plan and a shard of these functions.
async fn store(functions: &[&str]) -> MemoryStore {
    sample::store_with_shard(Service::Lambda, 2, functions).await.unwrap()
}

async fn scan(
    store: &MemoryStore,
    service: Service,
    gone: &'static [&'static str],
) -> Result<ScanShardOutput, TaskError> {
    let ports = Ports { store, functions: &Functions { gone }, now: || Timestamp::UNIX_EPOCH };
    let (scan_id, listing) = (SCAN.to_owned(), LISTING.to_owned());
    let input = ScanShardInput { scan_id, service, listing, shard: 2, at_once: NonZeroU32::MIN };
    handle(input, &ports).await
}

async fn findings(store: &MemoryStore) -> Vec<Finding> {
    sample::shard_findings(store, Service::Lambda, 2).await.unwrap()
}

#[tokio::test]
async fn findings_are_in_order_and_the_receipt_counts_them() {
    let store = store(&["a", "b", "c"]).await;
    let output = scan(&store, Service::Lambda, &[]).await.unwrap();
    let findings = findings(&store).await;

    assert!(findings.is_sorted_by(|one, next| one.sort_key() < next.sort_key()));
    let closed: Vec<(&str, Status)> = findings
        .iter()
        .filter(|finding| finding.rule_id == "lambda-function-public-access-prohibited")
        .map(|finding| (finding.resource.name.as_str(), finding.status))
        .collect();
    assert_eq!(closed, [("a", Status::Compliant), ("b", Status::Compliant), ("c", Status::Compliant)]);

    let count = findings.len() as u64;
    let receipt: ShardReceipt = store.get_json(&keys::shard_receipt(SCAN, Service::Lambda, 2)).await.unwrap();
    let expected = ShardReceipt {
        service: Service::Lambda,
        listing: LISTING.to_owned(),
        shard: 2,
        resources: 3,
        gone: 0,
        of_others: 0,
        findings: count,
        first: Some(findings[0].resource.arn.clone()),
        hidden: Vec::new(),
    };
    assert_eq!(receipt, expected);
    assert_eq!(
        output,
        ScanShardOutput { scan_id: SCAN.to_owned(), service: Service::Lambda, shard: 2, resources: 3, findings: count }
    );
}

#[tokio::test]
async fn a_function_that_has_gone_is_counted_and_not_judged() {
    let store = store(&["a", "b"]).await;
    let output = scan(&store, Service::Lambda, &["a"]).await.unwrap();
    assert_eq!(output.resources, 1);
    let receipt: ShardReceipt = store.get_json(&keys::shard_receipt(SCAN, Service::Lambda, 2)).await.unwrap();
    assert_eq!((receipt.resources, receipt.gone), (1, 1));
    assert!(findings(&store).await.iter().all(|finding| finding.resource.name == "b"));
}

#[tokio::test]
async fn a_shard_whose_functions_have_all_gone_has_findings_that_are_empty() {
    let store = store(&["a"]).await;
    let output = scan(&store, Service::Lambda, &["a"]).await.unwrap();
    assert_eq!((output.resources, output.findings), (0, 0));
    assert_eq!(findings(&store).await, []);
}

#[tokio::test]
async fn a_repetition_writes_the_same() {
    let store = store(&["a", "b"]).await;
    let first = (scan(&store, Service::Lambda, &[]).await.unwrap(), findings(&store).await);
    let second = (scan(&store, Service::Lambda, &[]).await.unwrap(), findings(&store).await);
    assert_eq!(first, second);
}

#[tokio::test]
async fn nothing_is_written_without_a_plan_a_shard_or_the_right_service() {
    let whole = store(&["a"]).await;
    assert_eq!(scan(&whole, Service::Vpc, &[]).await.unwrap_err().name(), "InvalidRequest");
    for key in [keys::plan(SCAN), keys::shard(SCAN, Service::Lambda, LISTING, 2)] {
        let store = store(&["a"]).await;
        store.remove(&key);
        let before = store.keys();
        assert_eq!(scan(&store, Service::Lambda, &[]).await.unwrap_err().name(), "NotFound", "{key}");
        assert_eq!(store.keys(), before);
    }
}
