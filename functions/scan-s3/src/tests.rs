use std::num::NonZeroU32;

use async_trait::async_trait;
use audit_artifacts::sample::{self, LISTING, SCAN_ID as SCAN};
use audit_artifacts::{ArtifactStoreExt, MemoryStore, keys};
use audit_model::plan::{ShardReceipt, Target, TargetKind};
use audit_model::resource::{
    AccessPoint, Bucket, DirectoryBucket, Identity, LoggingTarget, ReplicationRule, S3Account, Versioning,
    VersioningStatus,
};
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_model::{BucketDeliveries, Finding, Reading, Service, Status, Unreadable, UnreadableCause};
use audit_task::TaskError;
use jiff::Timestamp;
use pretty_assertions::assert_eq;

use crate::{Ports, S3Collector, Shared, handle};

const ACCOUNT: &str = "111122223333";

/// An account whose buckets are versioned and otherwise unread, but for what has gone.
struct Account {
    gone: &'static [&'static str],
}

fn unread<T>() -> Reading<T> {
    Reading::Unreadable(Unreadable {
        action: "s3:Get".to_owned(),
        cause: UnreadableCause::AccessDenied,
        detail: "no".to_owned(),
    })
}

fn identity(name: &str, arn: String) -> Identity {
    Identity { name: name.to_owned(), arn, account: ACCOUNT.to_owned(), region: "us-east-1".to_owned() }
}

#[async_trait]
impl S3Collector for Account {
    async fn room(&self) {}

    async fn account(&self, _: &Shared) -> S3Account {
        S3Account {
            identity: identity(ACCOUNT, format!("arn:aws:iam::{ACCOUNT}:root")),
            public_access_block: unread(),
            trails: unread(),
        }
    }

    async fn bucket(&self, target: &Target, _: &Shared) -> Option<Bucket> {
        // The bucket that is asked for first is the last to answer.
        if target.id == "a" {
            tokio::task::yield_now().await;
        }
        (!self.gone.contains(&target.id.as_str())).then(|| Bucket {
            identity: identity(&target.id, format!("arn:aws:s3:::{}", target.id)),
            encryption: unread(),
            policy: unread(),
            policy_is_public: unread(),
            acl: unread(),
            public_access_block: unread(),
            account_public_access_block: unread(),
            object_ownership: unread(),
            versioning: Reading::seen(Versioning { status: VersioningStatus::Enabled, mfa_delete: false }),
            logging: Reading::seen(LoggingTarget { bucket: "logs".to_owned(), prefix: String::new(), settings: None }),
            lifecycle: unread(),
            replication: Reading::seen(vec![ReplicationRule {
                enabled: false,
                destination: "copy".to_owned(),
                destination_region: unread(),
            }]),
            notifications: unread(),
            object_lock: unread(),
            encryption_key: unread(),
            tags: unread(),
        })
    }

    async fn access_point(&self, target: &Target, _: &Shared) -> Option<AccessPoint> {
        (!self.gone.contains(&target.id.as_str())).then(|| AccessPoint {
            identity: identity(&target.id, format!("arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/{}", target.id)),
            public_access_block: unread(),
            bucket: unread(),
        })
    }

    async fn directory_bucket(&self, target: &Target, _: &Shared) -> Option<DirectoryBucket> {
        (!self.gone.contains(&target.id.as_str())).then(|| DirectoryBucket {
            identity: identity(&target.id, format!("arn:aws:s3express:us-east-1:{ACCOUNT}:bucket/{}", target.id)),
            lifecycle: unread(),
        })
    }
}

/// A store with a plan and a shard of these buckets.
async fn store(buckets: &[&str]) -> MemoryStore {
    sample::store_with_shard(Service::S3, 2, buckets).await.unwrap()
}

async fn scan(
    store: &MemoryStore,
    service: Service,
    gone: &'static [&'static str],
) -> Result<ScanShardOutput, TaskError> {
    let ports = Ports { store, resources: &Account { gone }, now: || Timestamp::UNIX_EPOCH };
    let (scan_id, listing) = (SCAN.to_owned(), LISTING.to_owned());
    let input = ScanShardInput { scan_id, service, listing, shard: 2, at_once: NonZeroU32::MIN };
    handle(input, &ports).await
}

async fn findings(store: &MemoryStore) -> Vec<Finding> {
    sample::shard_findings(store, Service::S3, 2).await.unwrap()
}

#[tokio::test]
async fn findings_are_in_order_and_the_receipt_counts_them() {
    let store = store(&["a", "b", "c"]).await;
    let output = scan(&store, Service::S3, &[]).await.unwrap();
    let findings = findings(&store).await;

    assert!(findings.is_sorted_by(|one, next| one.sort_key() < next.sort_key()));
    let versioned: Vec<(&str, Status)> = findings
        .iter()
        .filter(|finding| finding.rule_id == "s3-bucket-versioning-enabled")
        .map(|finding| (finding.resource.name.as_str(), finding.status))
        .collect();
    assert_eq!(versioned, [("a", Status::Compliant), ("b", Status::Compliant), ("c", Status::Compliant)]);

    let count = findings.len() as u64;
    let receipt: ShardReceipt = store.get_json(&keys::shard_receipt(SCAN, Service::S3, 2)).await.unwrap();
    let expected = ShardReceipt {
        service: Service::S3,
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
        ScanShardOutput { scan_id: SCAN.to_owned(), service: Service::S3, shard: 2, resources: 3, findings: count }
    );
}

#[tokio::test]
async fn a_bucket_that_has_gone_is_counted_and_not_judged() {
    let store = store(&["a", "b"]).await;
    let output = scan(&store, Service::S3, &["a"]).await.unwrap();
    assert_eq!(output.resources, 1);
    let receipt: ShardReceipt = store.get_json(&keys::shard_receipt(SCAN, Service::S3, 2)).await.unwrap();
    assert_eq!((receipt.resources, receipt.gone), (1, 1));
    assert!(findings(&store).await.iter().all(|finding| finding.resource.name == "b"));
}

#[tokio::test]
async fn what_the_buckets_deliver_into_others_is_left_for_the_remediation() {
    let targets = [
        (TargetKind::Account, ACCOUNT),
        (TargetKind::Bucket, "a"),
        (TargetKind::Bucket, "b"),
        (TargetKind::Bucket, "gone"),
        (TargetKind::AccessPoint, "a-point"),
        // Nothing is delivered into or out of it, and no remediation may take it for a bucket that has an encryption.
        (TargetKind::DirectoryBucket, "a--use1-az4--x-s3"),
    ];
    let targets = targets.map(|(kind, id)| sample::target(kind, id)).to_vec();
    let store = sample::store_with_targets(Service::S3, 2, targets).await.unwrap();
    scan(&store, Service::S3, &["gone"]).await.unwrap();
    let left: Vec<BucketDeliveries> = store.get_json(&keys::deliveries(SCAN, LISTING, 2)).await.unwrap();
    let expected = ["a", "b"].map(|bucket| BucketDeliveries {
        bucket: bucket.to_owned(),
        log_target: Reading::seen("logs".to_owned()),
        replicated_into: Reading::seen(vec!["copy".to_owned()]),
    });
    assert_eq!(left, expected);
}

#[tokio::test]
async fn a_shard_whose_buckets_have_all_gone_has_findings_that_are_empty() {
    let store = store(&["a"]).await;
    let output = scan(&store, Service::S3, &["a"]).await.unwrap();
    assert_eq!((output.resources, output.findings), (0, 0));
    assert_eq!(findings(&store).await, []);
    let left: Vec<BucketDeliveries> = store.get_json(&keys::deliveries(SCAN, LISTING, 2)).await.unwrap();
    assert_eq!(left, []);
}

#[tokio::test]
async fn the_account_comes_before_its_buckets_these_before_its_access_points_and_directory_buckets_last() {
    let targets = [
        (TargetKind::Account, ACCOUNT),
        (TargetKind::Bucket, "a"),
        (TargetKind::Bucket, "b"),
        (TargetKind::AccessPoint, "a-point"),
        (TargetKind::AccessPoint, "gone"),
        (TargetKind::DirectoryBucket, "a--use1-az4--x-s3"),
        (TargetKind::DirectoryBucket, "gone"),
    ];
    let targets = targets.map(|(kind, id)| sample::target(kind, id)).to_vec();
    let store = sample::store_with_targets(Service::S3, 2, targets).await.unwrap();
    let output = scan(&store, Service::S3, &["gone"]).await.unwrap();
    assert_eq!(output.resources, 5);
    let receipt: ShardReceipt = store.get_json(&keys::shard_receipt(SCAN, Service::S3, 2)).await.unwrap();
    assert_eq!((receipt.resources, receipt.gone), (5, 2));
    let findings = findings(&store).await;
    assert!(findings.is_sorted_by(|one, next| one.sort_key() < next.sort_key()));
    let of_directory_buckets =
        findings.iter().filter(|it| it.resource.resource_type == "AWS::S3Express::DirectoryBucket");
    let judged: Vec<(&str, &str)> = of_directory_buckets.map(|it| (it.resource.name.as_str(), &*it.rule_id)).collect();
    assert_eq!(judged, [("a--use1-az4--x-s3", "s3-directory-bucket-lifecycle-configured")]);
}

#[tokio::test]
async fn a_shard_with_a_resource_of_another_service_is_not_scanned() {
    for kind in [TargetKind::Vpc, TargetKind::Function] {
        let targets = vec![sample::target(TargetKind::Bucket, "a"), sample::target(kind, "stray")];
        let store = sample::store_with_targets(Service::S3, 2, targets).await.unwrap();
        let error = scan(&store, Service::S3, &[]).await.unwrap_err();
        assert_eq!(error.name(), "Corrupt", "{kind:?}");
        assert_eq!(store.text(&keys::shard_receipt(SCAN, Service::S3, 2)), None, "{kind:?}");
    }
}

#[tokio::test]
async fn a_repetition_writes_the_same() {
    let store = store(&["a", "b"]).await;
    let first = (scan(&store, Service::S3, &[]).await.unwrap(), findings(&store).await);
    let second = (scan(&store, Service::S3, &[]).await.unwrap(), findings(&store).await);
    assert_eq!(first, second);
}

#[tokio::test]
async fn nothing_is_written_without_a_plan_a_shard_or_the_right_service() {
    let whole = store(&["a"]).await;
    assert_eq!(scan(&whole, Service::Vpc, &[]).await.unwrap_err().name(), "InvalidRequest");
    for key in [keys::plan(SCAN), keys::shard(SCAN, Service::S3, LISTING, 2)] {
        let store = store(&["a"]).await;
        store.remove(&key);
        let before = store.keys();
        assert_eq!(scan(&store, Service::S3, &[]).await.unwrap_err().name(), "NotFound", "{key}");
        assert_eq!(store.keys(), before);
    }
}
