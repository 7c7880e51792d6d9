use async_trait::async_trait;
use audit_artifacts::{ArtifactStoreExt, MemoryStore, keys};
use audit_model::plan::{Inventory, Target};
use audit_model::task::{ListTargetsInput, ListTargetsOutput};
use audit_model::{Service, Shard};
use audit_task::TaskError;
use jiff::Timestamp;
use pretty_assertions::assert_eq;

use crate::{Ports, TargetLister, handle};

const SCAN: &str = "20261123T060000Z-1f2e3d4c";

/// A service with resources of these ids, or one that cannot be listed.
struct Listing(Result<Vec<String>, TaskError>);

#[async_trait]
impl TargetLister for Listing {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        let ids = self.0.clone()?;
        Ok(ids.into_iter().map(|id| Target { id, region: None }).collect())
    }
}

fn unlisted() -> Listing {
    Listing(Err(TaskError::AccessDenied("not allowed".to_owned())))
}

async fn run(store: &MemoryStore, service: Service, listing: Listing) -> Result<ListTargetsOutput, TaskError> {
    let other = &unlisted();
    let pick = |wanted| if wanted == service { &listing as &dyn TargetLister } else { other };
    let ports = Ports {
        store,
        buckets: pick(Service::S3),
        vpcs: pick(Service::Vpc),
        functions: pick(Service::Lambda),
        now: || Timestamp::UNIX_EPOCH,
    };
    handle(ListTargetsInput { scan_id: SCAN.to_owned(), service }, &ports).await
}

fn ids(count: usize) -> Listing {
    // The last comes first, so that somebody has to sort.
    Listing(Ok((0..count).rev().map(|number| format!("id-{number:05}")).collect()))
}

#[tokio::test]
async fn each_service_is_cut_into_shards_of_its_size() {
    let cases: [(Service, usize, &[u64]); 9] = [
        (Service::S3, 0, &[]),
        (Service::S3, 1, &[1]),
        (Service::S3, 100, &[100]),
        (Service::S3, 101, &[100, 1]),
        (Service::Vpc, 20, &[20]),
        (Service::Vpc, 41, &[20, 20, 1]),
        (Service::Lambda, 99, &[99]),
        (Service::Lambda, 100, &[100]),
        (Service::Lambda, 250, &[100, 100, 50]),
    ];
    for (service, count, sizes) in cases {
        let store = MemoryStore::default();
        let output = run(&store, service, ids(count)).await.unwrap();
        let numbers: Vec<u32> = (1..).take(sizes.len()).collect();
        assert_eq!((output.resources, &output.shards), (count as u64, &numbers), "{service} {count}");

        let inventory: Inventory = store.get_json(&keys::inventory(SCAN, service)).await.unwrap();
        assert_eq!(
            inventory,
            Inventory { service, resources: count as u64, shards: sizes.to_vec(), listed_at: Timestamp::UNIX_EPOCH }
        );
        let mut seen = Vec::new();
        for number in numbers {
            let shard: Shard = store.get_json(&keys::shard(SCAN, service, number)).await.unwrap();
            assert_eq!((shard.service, shard.number), (service, number));
            seen.extend(shard.targets.into_iter().map(|target| target.id));
        }
        let expected: Vec<String> = (0..count).map(|number| format!("id-{number:05}")).collect();
        assert_eq!(seen, expected, "{service} {count}");
    }
}

#[tokio::test]
async fn a_resource_listed_twice_is_scanned_once() {
    let twice = Listing(Ok(["b", "a", "b"].map(ToOwned::to_owned).to_vec()));
    let output = run(&MemoryStore::default(), Service::S3, twice).await.unwrap();
    assert_eq!(output.resources, 2);
}

#[tokio::test]
async fn a_service_that_cannot_be_listed_leaves_nothing_behind() {
    let store = MemoryStore::default();
    let error = run(&store, Service::Vpc, unlisted()).await.unwrap_err();
    assert_eq!(error.name(), "AccessDenied");
    assert_eq!(store.keys(), Vec::<String>::new());
}

#[tokio::test]
async fn a_repetition_answers_the_same_and_changes_no_shard() {
    let store = MemoryStore::default();
    let first = run(&store, Service::S3, ids(150)).await.unwrap();
    let shard = store.text(&keys::shard(SCAN, Service::S3, 1));
    // By now the account has changed, but scanners may be at work already.
    let second = run(&store, Service::S3, ids(3)).await.unwrap();
    assert_eq!(second, first);
    assert_eq!(store.text(&keys::shard(SCAN, Service::S3, 1)), shard);
}

#[tokio::test]
async fn a_listing_that_broke_off_is_done_again() {
    let store = MemoryStore::default();
    run(&store, Service::S3, ids(150)).await.unwrap();
    store.remove(&keys::inventory(SCAN, Service::S3));
    let output = run(&store, Service::S3, ids(3)).await.unwrap();
    assert_eq!((output.resources, output.shards), (3, vec![1]));
    let shard: Shard = store.get_json(&keys::shard(SCAN, Service::S3, 1)).await.unwrap();
    assert_eq!(shard.targets.len(), 3);
}
