use async_trait::async_trait;
use audit_artifacts::{ArtifactStoreExt, MemoryStore, keys};
use audit_model::plan::{Inventory, Target, TargetKind};
use audit_model::task::{ListTargetsInput, ListTargetsOutput};
use audit_model::{Service, Shard};
use audit_task::TaskError;
use jiff::Timestamp;
use pretty_assertions::assert_eq;

use crate::{Ports, TargetLister, handle};

const SCAN: &str = "20261123T060000Z-1f2e3d4c";

const ACCOUNT: &str = "111122223333";

/// Resources of one kind with these ids, or resources that cannot be listed.
struct Listing(TargetKind, Result<Vec<String>, TaskError>);

#[async_trait]
impl TargetLister for Listing {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        let ids = self.1.clone()?;
        Ok(ids.into_iter().map(|id| Target { kind: self.0, id, region: None }).collect())
    }
}

/// What the listing calls answer, by the kind of resource. What is not set cannot be listed.
struct Account {
    buckets: Listing,
    access_points: Listing,
    vpcs: Listing,
    functions: Listing,
}

impl Default for Account {
    fn default() -> Self {
        let unlisted = |kind| Listing(kind, Err(TaskError::AccessDenied("not allowed".to_owned())));
        Self {
            buckets: unlisted(TargetKind::Bucket),
            access_points: unlisted(TargetKind::AccessPoint),
            vpcs: unlisted(TargetKind::Vpc),
            functions: unlisted(TargetKind::Function),
        }
    }
}

impl Account {
    fn with(mut self, kind: TargetKind, ids: &[&str]) -> Self {
        let listing = Listing(kind, Ok(ids.iter().map(|id| (*id).to_owned()).collect()));
        *match kind {
            TargetKind::Bucket => &mut self.buckets,
            TargetKind::AccessPoint => &mut self.access_points,
            TargetKind::Vpc => &mut self.vpcs,
            TargetKind::Function => &mut self.functions,
            TargetKind::Account => panic!("nobody lists the account"),
        } = listing;
        self
    }
}

/// An account in which nothing but `count` resources of the service can be listed; in S3 they are buckets.
fn with_resources(service: Service, count: usize) -> Account {
    // The last comes first, so that somebody has to sort.
    let ids: Vec<String> = (0..count).rev().map(|number| format!("id-{number:05}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    match service {
        Service::S3 => Account::default().with(TargetKind::Bucket, &ids).with(TargetKind::AccessPoint, &[]),
        Service::Vpc => Account::default().with(TargetKind::Vpc, &ids),
        Service::Lambda => Account::default().with(TargetKind::Function, &ids),
    }
}

async fn run(store: &MemoryStore, service: Service, account: &Account) -> Result<ListTargetsOutput, TaskError> {
    let ports = Ports {
        store,
        account: ACCOUNT,
        region: "us-east-1",
        buckets: &account.buckets,
        access_points: &account.access_points,
        vpcs: &account.vpcs,
        functions: &account.functions,
        now: || Timestamp::UNIX_EPOCH,
    };
    handle(ListTargetsInput { scan_id: SCAN.to_owned(), service }, &ports).await
}

/// Kind and id of the targets of the first shards, as they lie there.
async fn targets(store: &MemoryStore, service: Service, shards: &[u32]) -> Vec<(TargetKind, String)> {
    let mut targets = Vec::new();
    for &number in shards {
        let shard: Shard = store.get_json(&keys::shard(SCAN, service, number)).await.unwrap();
        assert_eq!((shard.service, shard.number), (service, number));
        targets.extend(shard.targets.into_iter().map(|target| (target.kind, target.id)));
    }
    targets
}

#[tokio::test]
async fn each_service_is_cut_into_shards_of_its_size() {
    // The account itself is one of the resources of S3 and of the network.
    let cases: [(Service, usize, &[u64]); 10] = [
        (Service::S3, 0, &[1]),
        (Service::S3, 99, &[100]),
        (Service::S3, 100, &[100, 1]),
        (Service::Vpc, 0, &[1]),
        (Service::Vpc, 19, &[20]),
        (Service::Vpc, 40, &[20, 20, 1]),
        (Service::Lambda, 0, &[]),
        (Service::Lambda, 99, &[99]),
        (Service::Lambda, 100, &[100]),
        (Service::Lambda, 250, &[100, 100, 50]),
    ];
    for (service, count, sizes) in cases {
        let store = MemoryStore::default();
        let output = run(&store, service, &with_resources(service, count)).await.unwrap();
        let numbers: Vec<u32> = (1..).take(sizes.len()).collect();
        let resources = sizes.iter().sum();
        assert_eq!((output.resources, &output.shards), (resources, &numbers), "{service} {count}");

        let inventory: Inventory = store.get_json(&keys::inventory(SCAN, service)).await.unwrap();
        assert_eq!(
            inventory,
            Inventory { service, resources, shards: sizes.to_vec(), listed_at: Timestamp::UNIX_EPOCH }
        );
        let (itself, kind) = match service {
            Service::S3 => (Some((TargetKind::Account, ACCOUNT.to_owned())), TargetKind::Bucket),
            Service::Vpc => (Some((TargetKind::Account, ACCOUNT.to_owned())), TargetKind::Vpc),
            Service::Lambda => (None, TargetKind::Function),
        };
        let others = (0..count).map(|number| (kind, format!("id-{number:05}")));
        let expected: Vec<(TargetKind, String)> = itself.into_iter().chain(others).collect();
        assert_eq!(targets(&store, service, &numbers).await, expected, "{service} {count}");
    }
}

#[tokio::test]
async fn the_account_stands_before_the_buckets_and_these_before_the_access_points() {
    let store = MemoryStore::default();
    let account = Account::default()
        .with(TargetKind::Bucket, &["audit", "000-first"])
        .with(TargetKind::AccessPoint, &["zebra", "audit"]);
    let output = run(&store, Service::S3, &account).await.unwrap();
    assert_eq!((output.resources, output.shards), (5, vec![1]));
    let expected = [
        (TargetKind::Account, ACCOUNT),
        (TargetKind::Bucket, "000-first"),
        (TargetKind::Bucket, "audit"),
        (TargetKind::AccessPoint, "audit"),
        (TargetKind::AccessPoint, "zebra"),
    ];
    assert_eq!(
        targets(&store, Service::S3, &[1]).await,
        expected.map(|(kind, id)| (kind, id.to_owned())),
        "an access point may be called like a bucket"
    );
    let shard: Shard = store.get_json(&keys::shard(SCAN, Service::S3, 1)).await.unwrap();
    assert_eq!(shard.targets[0].region.as_deref(), Some("us-east-1"));
}

#[tokio::test]
async fn a_resource_listed_twice_is_scanned_once() {
    let twice = Account::default().with(TargetKind::Function, &["b", "a", "b"]);
    let output = run(&MemoryStore::default(), Service::Lambda, &twice).await.unwrap();
    assert_eq!(output.resources, 2);
}

#[tokio::test]
async fn a_service_that_cannot_be_listed_whole_leaves_nothing_behind() {
    let cases = [
        (Service::Vpc, Account::default()),
        (Service::S3, Account::default().with(TargetKind::AccessPoint, &["audit"])),
        (Service::S3, Account::default().with(TargetKind::Bucket, &["ledger"])),
    ];
    for (service, account) in cases {
        let store = MemoryStore::default();
        let error = run(&store, service, &account).await.unwrap_err();
        assert_eq!(error.name(), "AccessDenied", "{service}");
        assert_eq!(store.keys(), Vec::<String>::new(), "{service}");
    }
}

#[tokio::test]
async fn a_repetition_answers_the_same_and_changes_no_shard() {
    let store = MemoryStore::default();
    let first = run(&store, Service::S3, &with_resources(Service::S3, 150)).await.unwrap();
    let shard = store.text(&keys::shard(SCAN, Service::S3, 1));
    // By now the account has changed, but scanners may be at work already.
    let second = run(&store, Service::S3, &with_resources(Service::S3, 3)).await.unwrap();
    assert_eq!(second, first);
    assert_eq!(store.text(&keys::shard(SCAN, Service::S3, 1)), shard);
}

#[tokio::test]
async fn a_listing_that_broke_off_is_done_again() {
    let store = MemoryStore::default();
    run(&store, Service::S3, &with_resources(Service::S3, 150)).await.unwrap();
    store.remove(&keys::inventory(SCAN, Service::S3));
    let output = run(&store, Service::S3, &with_resources(Service::S3, 3)).await.unwrap();
    assert_eq!((output.resources, output.shards), (4, vec![1]));
    assert_eq!(targets(&store, Service::S3, &[1]).await.len(), 4);
}
