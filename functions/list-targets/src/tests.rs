use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use audit_artifacts::{ArtifactStoreExt, MemoryStore, keys, sample};
use audit_model::plan::{Inventory, Target, TargetKind, Unlisted, Versions};
use audit_model::task::{ListTargetsInput, ListTargetsOutput};
use audit_model::{Plan, Reading, Service, Shard, TriggerKind, Unreadable, UnreadableCause, VpcPart};
use audit_task::TaskError;
use jiff::Timestamp;
use pretty_assertions::assert_eq;

use crate::{NetworkLookup, Patience, Ports, TargetLister, VersionLister, handle};

const SCAN: &str = "20261123T060000Z-1f2e3d4c";

const ACCOUNT: &str = "111122223333";

const LISTING: &str = "1";

const PATIENCE: Patience = Patience { attempts: 3, pause: Duration::ZERO, limit: Duration::from_millis(200) };

const AT_ONCE: NonZeroU32 = NonZeroU32::new(4).unwrap();

/// Resources of one kind with these ids, or resources that cannot be listed.
struct Listing(TargetKind, Result<Vec<String>, TaskError>);

#[async_trait]
impl TargetLister for Listing {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        let ids = self.1.clone()?;
        Ok(ids.into_iter().map(|id| Target { kind: self.0, id, region: None, owner: None, only: Vec::new() }).collect())
    }
}

/// Functions without versions.
#[async_trait]
impl VersionLister for Listing {
    async fn versions(&self) -> Result<Versions, TaskError> {
        Ok(self.1.clone()?.into_iter().map(|id| (id, Vec::new())).collect())
    }

    async fn versions_of(&self, functions: &[String]) -> Result<Versions, TaskError> {
        self.1.clone()?;
        Ok(functions.iter().map(|id| (id.clone(), vec!["1".to_owned()])).collect())
    }
}

/// The parts of the listed VPCs: `x-1` hangs on `vpc-1`.
#[async_trait]
impl NetworkLookup for Listing {
    async fn vpcs_of(&self, _: VpcPart, ids: &[String]) -> Result<BTreeMap<String, String>, TaskError> {
        let there = self.1.clone()?;
        let vpc = |id: &String| {
            let vpc = format!("vpc-{}", id.rsplit('-').next().unwrap());
            there.contains(&vpc).then(|| (id.clone(), vpc))
        };
        Ok(ids.iter().filter_map(vpc).collect())
    }

    async fn vpcs(&self, ids: &[String]) -> Result<Vec<Target>, TaskError> {
        let all = self.list().await?;
        Ok(all.into_iter().filter(|target| ids.contains(&target.id)).collect())
    }
}

/// What the listing calls answer, by the kind of resource. What is not set cannot be listed.
struct Account {
    buckets: Listing,
    access_points: Listing,
    directory_buckets: Listing,
    vpcs: Listing,
    functions: Listing,
}

fn denied() -> TaskError {
    TaskError::AccessDenied("not allowed".to_owned())
}

impl Default for Account {
    fn default() -> Self {
        let unlisted = |kind| Listing(kind, Err(denied()));
        Self {
            buckets: unlisted(TargetKind::Bucket),
            access_points: unlisted(TargetKind::AccessPoint),
            directory_buckets: unlisted(TargetKind::DirectoryBucket),
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
            TargetKind::DirectoryBucket => &mut self.directory_buckets,
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
        Service::S3 => Account::default()
            .with(TargetKind::Bucket, &ids)
            .with(TargetKind::AccessPoint, &[])
            .with(TargetKind::DirectoryBucket, &[]),
        Service::Vpc => Account::default().with(TargetKind::Vpc, &ids),
        Service::Lambda => Account::default().with(TargetKind::Function, &ids),
    }
}

async fn run(store: &MemoryStore, service: Service, account: &Account) -> Result<ListTargetsOutput, TaskError> {
    run_for(store, service, account, &[]).await
}

/// Lists for a scan of the named resources; of all when there are none.
async fn run_for(
    store: &MemoryStore,
    service: Service,
    account: &Account,
    named: &[&str],
) -> Result<ListTargetsOutput, TaskError> {
    run_planned(store, service, account, named, TriggerKind::Event).await
}

async fn run_planned(
    store: &MemoryStore,
    service: Service,
    account: &Account,
    named: &[&str],
    kind: TriggerKind,
) -> Result<ListTargetsOutput, TaskError> {
    let resources = named.iter().map(|arn| arn.parse().unwrap()).collect();
    let mut plan = Plan { resources, ..sample::plan() };
    plan.trigger.kind = kind;
    store.replace_json(&keys::plan(SCAN), &plan).await.unwrap();
    let ports = Ports {
        store,
        account: ACCOUNT,
        region: "us-east-1",
        buckets: &account.buckets,
        access_points: &account.access_points,
        directory_buckets: &account.directory_buckets,
        vpcs: &account.vpcs,
        networks: &account.vpcs,
        functions: &account.functions,
        versions: &account.functions,
        patience: PATIENCE,
        map_concurrency: AT_ONCE,
        listing: || LISTING.to_owned(),
        now: || Timestamp::UNIX_EPOCH,
    };
    handle(ListTargetsInput { scan_id: SCAN.to_owned(), service }, &ports).await
}

async fn inventory(store: &MemoryStore, service: Service) -> Inventory {
    store.get_json(&keys::inventory(SCAN, service)).await.unwrap()
}

/// Kind and id of the targets of the first shards, as they lie there.
async fn targets(store: &MemoryStore, service: Service, shards: &[u32]) -> Vec<(TargetKind, String)> {
    let mut targets = Vec::new();
    for &number in shards {
        let shard: Shard = store.get_json(&keys::shard(SCAN, service, LISTING, number)).await.unwrap();
        assert_eq!((shard.service, shard.number), (service, number));
        targets.extend(shard.targets.into_iter().map(|target| (target.kind, target.id)));
    }
    targets
}

#[tokio::test]
async fn each_service_is_cut_into_equal_shards_for_all_that_scan_at_once() {
    // The account itself is one of the resources of S3 and of the network. Four shards are scanned at once.
    let cases: [(Service, usize, &[u64], u32); 12] = [
        (Service::S3, 0, &[1], 1),
        (Service::S3, 127, &[128], 1),
        (Service::S3, 128, &[65, 64], 2),
        (Service::S3, 511, &[128; 4], 4),
        // A fifth one would be scanned alone.
        (Service::S3, 512, &[65, 64, 64, 64, 64, 64, 64, 64], 4),
        (Service::Vpc, 0, &[1], 1),
        (Service::Vpc, 19, &[20], 1),
        (Service::Vpc, 40, &[14, 14, 13], 3),
        // All VPCs of a shard are asked about at once, so that no shard more than is needed is made of them.
        (Service::Vpc, 99, &[20, 20, 20, 20, 20], 4),
        (Service::Lambda, 0, &[], 1),
        (Service::Lambda, 128, &[128], 1),
        (Service::Lambda, 250, &[125, 125], 2),
    ];
    for (service, count, sizes, at_once) in cases {
        let store = MemoryStore::default();
        let output = run(&store, service, &with_resources(service, count)).await.unwrap();
        let numbers: Vec<u32> = (1..).take(sizes.len()).collect();
        let resources = sizes.iter().sum();
        assert_eq!((output.resources, &output.shards), (resources, &numbers), "{service} {count}");
        assert_eq!(output.at_once.get(), at_once, "{service} {count}");

        let expected = Inventory {
            service,
            listing: LISTING.to_owned(),
            resources,
            shards: sizes.to_vec(),
            unlisted: Vec::new(),
            listed_at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!((inventory(&store, service).await, output.listing.as_str()), (expected, LISTING));
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
async fn the_account_stands_before_the_buckets_these_before_the_access_points_and_directory_buckets_last() {
    let store = MemoryStore::default();
    let account = Account::default()
        .with(TargetKind::Bucket, &["audit", "000-first"])
        .with(TargetKind::AccessPoint, &["zebra", "audit"])
        .with(TargetKind::DirectoryBucket, &["a--use1-az4--x-s3"]);
    let output = run(&store, Service::S3, &account).await.unwrap();
    assert_eq!((output.resources, output.shards), (6, vec![1]));
    let expected = [
        (TargetKind::Account, ACCOUNT),
        (TargetKind::Bucket, "000-first"),
        (TargetKind::Bucket, "audit"),
        (TargetKind::AccessPoint, "audit"),
        (TargetKind::AccessPoint, "zebra"),
        (TargetKind::DirectoryBucket, "a--use1-az4--x-s3"),
    ];
    assert_eq!(
        targets(&store, Service::S3, &[1]).await,
        expected.map(|(kind, id)| (kind, id.to_owned())),
        "an access point may be called like a bucket"
    );
    let shard: Shard = store.get_json(&keys::shard(SCAN, Service::S3, LISTING, 1)).await.unwrap();
    assert_eq!(shard.targets[0].region.as_deref(), Some("us-east-1"));
}

#[tokio::test]
async fn of_a_resource_listed_twice_the_copy_that_was_read_last_counts() {
    struct Moved;

    #[async_trait]
    impl TargetLister for Moved {
        async fn list(&self) -> Result<Vec<Target>, TaskError> {
            let bucket = |region: Option<&str>| Target {
                kind: TargetKind::Bucket,
                id: "ledger".to_owned(),
                region: region.map(ToOwned::to_owned),
                owner: None,
                only: Vec::new(),
            };
            Ok(vec![bucket(None), bucket(Some("eu-west-1"))])
        }
    }

    let store = MemoryStore::default();
    run_listing(&store, &Moved, || LISTING.to_owned()).await.unwrap();
    let shard: Shard = store.get_json(&keys::shard(SCAN, Service::S3, LISTING, 1)).await.unwrap();
    assert_eq!(shard.targets.len(), 2, "the account and the bucket");
    assert_eq!(shard.targets[1].region.as_deref(), Some("eu-west-1"));
}

/// Lists S3 with these buckets and nothing else.
async fn run_listing(
    store: &MemoryStore,
    buckets: &dyn TargetLister,
    listing: fn() -> String,
) -> Result<ListTargetsOutput, TaskError> {
    let account = Account::default().with(TargetKind::AccessPoint, &[]).with(TargetKind::DirectoryBucket, &[]);
    store.replace_json(&keys::plan(SCAN), &sample::plan()).await.unwrap();
    let ports = Ports {
        store,
        account: ACCOUNT,
        region: "us-east-1",
        buckets,
        access_points: &account.access_points,
        directory_buckets: &account.directory_buckets,
        vpcs: &account.vpcs,
        networks: &account.vpcs,
        functions: &account.functions,
        versions: &account.functions,
        patience: PATIENCE,
        map_concurrency: AT_ONCE,
        listing,
        now: || Timestamp::UNIX_EPOCH,
    };
    handle(ListTargetsInput { scan_id: SCAN.to_owned(), service: Service::S3 }, &ports).await
}

#[tokio::test]
async fn what_cannot_be_listed_is_said_and_everything_else_is_scanned() {
    use TargetKind::{AccessPoint, Account as Itself, Bucket, DirectoryBucket};
    let nothing = Account::default;
    // (the service, what can be listed, what is listed, the types that are not)
    type Case<'a> = (Service, Account, &'a [(TargetKind, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        (
            Service::S3,
            nothing().with(Bucket, &["ledger"]),
            &[(Itself, ACCOUNT), (Bucket, "ledger")],
            &["AWS::S3::AccessPoint", "AWS::S3Express::DirectoryBucket"],
        ),
        (
            Service::S3,
            nothing().with(AccessPoint, &["audit"]),
            &[(Itself, ACCOUNT), (AccessPoint, "audit")],
            &["AWS::S3::Bucket", "AWS::S3Express::DirectoryBucket"],
        ),
        (
            Service::S3,
            nothing().with(DirectoryBucket, &["a--use1-az4--x-s3"]),
            &[(Itself, ACCOUNT), (DirectoryBucket, "a--use1-az4--x-s3")],
            &["AWS::S3::Bucket", "AWS::S3::AccessPoint"],
        ),
        (
            Service::S3,
            nothing(),
            &[(Itself, ACCOUNT)],
            &["AWS::S3::Bucket", "AWS::S3::AccessPoint", "AWS::S3Express::DirectoryBucket"],
        ),
        (Service::Vpc, nothing(), &[(Itself, ACCOUNT)], &["AWS::EC2::VPC"]),
        (Service::Lambda, nothing(), &[], &["AWS::Lambda::Function"]),
    ];
    for (service, account, listed, unlisted) in cases {
        let store = MemoryStore::default();
        let output = run(&store, service, &account).await.unwrap();
        assert_eq!(output.resources, listed.len() as u64, "{unlisted:?}");
        let expected: Vec<_> = listed.iter().map(|(kind, id)| (*kind, (*id).to_owned())).collect();
        assert_eq!(targets(&store, service, &output.shards).await, expected, "{unlisted:?}");
        let expected: Vec<Unlisted> = unlisted
            .iter()
            .map(|&type_| Unlisted { resource_type: type_.to_owned(), reason: denied().to_string() })
            .collect();
        assert_eq!(inventory(&store, service).await.unlisted, expected);
    }
}

/// Versions of functions, or why they cannot be listed. `None`: the list does not come to its end.
struct OfFunctions(Option<Result<Versions, TaskError>>);

#[async_trait]
impl VersionLister for OfFunctions {
    async fn versions(&self) -> Result<Versions, TaskError> {
        match self.0.clone() {
            Some(versions) => versions,
            None => std::future::pending().await,
        }
    }

    async fn versions_of(&self, _: &[String]) -> Result<Versions, TaskError> {
        self.versions().await
    }
}

/// The shards of an account with these functions and versions, and what is not listed.
async fn shards_of_functions(functions: &Listing, versions: OfFunctions) -> (Vec<Shard>, Vec<Unlisted>) {
    let (store, account) = (MemoryStore::default(), Account::default());
    store.replace_json(&keys::plan(SCAN), &sample::plan()).await.unwrap();
    let ports = Ports {
        store: &store,
        account: ACCOUNT,
        region: "us-east-1",
        buckets: &account.buckets,
        access_points: &account.access_points,
        directory_buckets: &account.directory_buckets,
        vpcs: &account.vpcs,
        networks: &account.vpcs,
        functions,
        versions: &versions,
        patience: PATIENCE,
        map_concurrency: AT_ONCE,
        listing: || LISTING.to_owned(),
        now: || Timestamp::UNIX_EPOCH,
    };
    let service = Service::Lambda;
    let output = handle(ListTargetsInput { scan_id: SCAN.to_owned(), service }, &ports).await.unwrap();
    let mut shards = Vec::new();
    for number in output.shards {
        shards.push(store.get_json(&keys::shard(SCAN, service, LISTING, number)).await.unwrap());
    }
    (shards, inventory(&store, service).await.unlisted)
}

fn ids(shard: &Shard) -> Vec<&str> {
    shard.targets.iter().map(|target| target.id.as_str()).collect()
}

#[tokio::test]
async fn each_shard_of_functions_has_their_versions_and_no_others() {
    let name = |number: usize| format!("id-{number:05}");
    let versions: Versions = (0..250).map(|number| (name(number), vec![number.to_string()])).collect();
    let nobody_asks = Listing(TargetKind::Function, Err(denied()));
    let (shards, unlisted) = shards_of_functions(&nobody_asks, OfFunctions(Some(Ok(versions.clone())))).await;
    assert_eq!((shards.len(), unlisted), (2, Vec::new()));
    for (shard, from) in shards.iter().zip([0, 125]) {
        let names: Vec<String> = (from..from + 125).map(name).collect();
        assert_eq!(ids(shard), names);
        let of_shard: Versions = names.iter().map(|name| (name.clone(), versions[name].clone())).collect();
        assert_eq!(shard.versions, Some(Reading::seen(of_shard)));
        assert!(shard.targets.iter().all(|target| target.region.as_deref() == Some("us-east-1")));
    }
}

#[tokio::test]
async fn functions_are_listed_although_their_versions_cannot_be() {
    let functions = Listing(TargetKind::Function, Ok(vec!["settle".to_owned(), "refund".to_owned()]));
    let throttled = TaskError::Throttled("slow down".to_owned());
    let cases = [
        (Some(Err(denied())), UnreadableCause::AccessDenied, "not allowed"),
        (Some(Err(throttled)), UnreadableCause::Throttled, "slow down"),
        (Some(Err(TaskError::Corrupt("versionless".to_owned()))), UnreadableCause::Malformed, "versionless"),
        // Too many for the time.
        (None, UnreadableCause::Failed, "the list did not come to its end within 0 s"),
    ];
    for (versions, cause, told) in cases {
        let (shards, unlisted) = shards_of_functions(&functions, OfFunctions(versions)).await;
        assert_eq!((ids(&shards[0]), unlisted), (vec!["refund", "settle"], Vec::new()), "{told}");
        let detail = format!("the versions of the account's functions are not known: {told}");
        let unreadable = Unreadable { action: "lambda:ListFunctions".to_owned(), cause, detail };
        assert_eq!(shards[0].versions, Some(Reading::Unreadable(unreadable)));
    }
    let neither = Listing(TargetKind::Function, Err(denied()));
    let (shards, unlisted) = shards_of_functions(&neither, OfFunctions(Some(Err(denied())))).await;
    assert_eq!((shards, unlisted.len()), (Vec::new(), 1));
}

/// Answers of a listing call, one after the other, and then no more.
struct Answers(Mutex<Vec<Result<Vec<Target>, TaskError>>>);

impl Answers {
    fn new(answers: impl IntoIterator<Item = Result<Vec<Target>, TaskError>>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Self(Mutex::new(answers))
    }
}

#[async_trait]
impl TargetLister for Answers {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        let answer = self.0.lock().unwrap().pop();
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn what_may_go_away_by_itself_is_waited_for_and_nothing_else_is() {
    let throttled = || Err(TaskError::Throttled("slow down".to_owned()));
    let unavailable = || Err(TaskError::Unavailable("no answer".to_owned()));
    let ledger =
        || Target { kind: TargetKind::Bucket, id: "ledger".to_owned(), region: None, owner: None, only: Vec::new() };
    let internal = || Err(TaskError::Internal("refused".to_owned()));
    let corrupt = || Err(TaskError::Corrupt("nameless".to_owned()));
    let cases = [
        (vec![throttled(), unavailable(), Ok(vec![ledger()])], Ok(1)),
        (vec![throttled(), throttled(), unavailable(), Ok(vec![ledger()])], Err("no answer")),
        (vec![Err(denied()), Ok(vec![ledger()])], Err("not allowed")),
        (vec![internal(), Ok(vec![ledger()])], Err("refused")),
        (vec![corrupt(), Ok(vec![ledger()])], Err("nameless")),
        // A list that is begun and never ends.
        (vec![throttled()], Err("slow down")),
        (vec![], Err("the list did not come to its end within 0 s")),
    ];
    for (answers, expected) in cases {
        let store = MemoryStore::default();
        let told = format!("{answers:?}");
        let output = run_listing(&store, &Answers::new(answers), || LISTING.to_owned()).await.unwrap();
        let unlisted = inventory(&store, Service::S3).await.unlisted;
        match expected {
            Ok(buckets) => assert_eq!((output.resources, unlisted), (1 + buckets, Vec::new()), "{told}"),
            Err(reason) => {
                assert_eq!(output.resources, 1, "{told}");
                assert_eq!(unlisted.iter().map(|it| it.reason.as_str()).collect::<Vec<_>>(), [reason], "{told}");
            }
        }
    }
}

#[tokio::test]
async fn a_mistake_of_this_program_is_no_gap() {
    let store = MemoryStore::default();
    let mistaken = Answers::new([Err(TaskError::InvalidRequest("no such parameter".to_owned()))]);
    let error = run_listing(&store, &mistaken, || LISTING.to_owned()).await.unwrap_err();
    assert_eq!((error.name(), store.keys()), ("InvalidRequest", vec![keys::plan(SCAN)]));
}

#[tokio::test]
async fn of_two_attempts_the_first_that_ends_counts_and_the_other_answers_with_it() {
    /// A list that takes so long that another attempt is made of the task, and ends.
    struct Slow<'a> {
        store: &'a MemoryStore,
        faster: Listing,
        own: Listing,
    }

    #[async_trait]
    impl TargetLister for Slow<'_> {
        async fn list(&self) -> Result<Vec<Target>, TaskError> {
            run_listing(self.store, &self.faster, || "second".to_owned()).await?;
            self.own.list().await
        }
    }

    let buckets = |ids: &[&str]| Listing(TargetKind::Bucket, Ok(ids.iter().map(|id| (*id).to_owned()).collect()));
    let store = MemoryStore::default();
    let slow = Slow { store: &store, faster: buckets(&["ledger", "new"]), own: buckets(&["ledger"]) };
    let output = run_listing(&store, &slow, || "first".to_owned()).await.unwrap();
    assert_eq!((output.listing.as_str(), output.resources), ("second", 3));
    assert_eq!(inventory(&store, Service::S3).await.listing, "second");
    // A scanner of the second attempt may be reading its shard.
    let shard: Shard = store.get_json(&keys::shard(SCAN, Service::S3, "second", 1)).await.unwrap();
    assert_eq!(shard.targets.len(), 3);
}

#[tokio::test]
async fn a_repetition_answers_the_same_and_changes_no_shard() {
    let store = MemoryStore::default();
    let first = run(&store, Service::S3, &with_resources(Service::S3, 150)).await.unwrap();
    let shard = store.text(&keys::shard(SCAN, Service::S3, LISTING, 1));
    // By now the account has changed, but scanners may be at work already.
    let second = run(&store, Service::S3, &with_resources(Service::S3, 3)).await.unwrap();
    assert_eq!(second, first);
    assert_eq!(store.text(&keys::shard(SCAN, Service::S3, LISTING, 1)), shard);
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

#[tokio::test]
async fn named_resources_are_looked_up_and_nothing_is_listed() {
    const VPC: &str = "arn:aws:ec2:us-east-1:123456789012";
    // Buckets, access points and functions cannot be listed here, and nobody asks for the list.
    let account = Account::default()
        .with(TargetKind::Vpc, &["vpc-1", "vpc-2", "vpc-3"])
        .with(TargetKind::Function, &["settle", "another"]);
    let (group, subnet) = (format!("{VPC}:security-group/sg-2"), format!("{VPC}:subnet/subnet-2"));
    let (of_whole, gone) = (format!("{VPC}:security-group/sg-1"), format!("{VPC}:network-acl/acl-9"));
    let (whole, gone_vpc) = (format!("{VPC}:vpc/vpc-1"), format!("{VPC}:vpc/vpc-8"));
    let named = [
        "arn:aws:s3:::ledger",
        "arn:aws:s3:us-east-1:123456789012:accesspoint/audit",
        "arn:aws:lambda:us-east-1:123456789012:function:settle",
        &group,
        &subnet,
        &of_whole,
        &gone,
        &whole,
        &gone_vpc,
    ];
    let store = MemoryStore::default();
    let target = |kind, id: &str, region: Option<&str>| Target {
        kind,
        id: id.to_owned(),
        region: region.map(str::to_owned),
        owner: None,
        only: Vec::new(),
    };
    let cases = [
        (
            Service::S3,
            vec![
                // The scanner reads what it answers, wherever it lies.
                target(TargetKind::Bucket, "ledger", None),
                target(TargetKind::AccessPoint, "audit", Some("us-east-1")),
            ],
            None,
        ),
        (
            Service::Vpc,
            vec![
                target(TargetKind::Vpc, "vpc-1", None),
                Target { only: vec![group.clone(), subnet.clone()], ..target(TargetKind::Vpc, "vpc-2", None) },
            ],
            None,
        ),
        (
            Service::Lambda,
            vec![target(TargetKind::Function, "settle", Some("us-east-1"))],
            Some(Reading::seen(Versions::from([("settle".to_owned(), vec!["1".to_owned()])]))),
        ),
    ];
    for (service, targets, versions) in cases {
        let output = run_for(&store, service, &account, &named).await.unwrap();
        assert_eq!((output.resources, output.shards), (targets.len() as u64, vec![1]), "{service}");
        // One share of the request budgets, as one more scanner of a scan of everything has.
        assert_eq!(output.at_once, AT_ONCE, "{service}");
        assert_eq!(inventory(&store, service).await.unlisted, []);
        let shard: Shard = store.get_json(&keys::shard(SCAN, service, LISTING, 1)).await.unwrap();
        assert_eq!((shard.targets, shard.versions), (targets, versions), "{service}");
    }
}

/// A route that somebody adds makes a subnet public, which is said of the VPC.
#[tokio::test]
async fn after_a_change_of_a_part_all_of_its_vpc_is_reported() {
    let account = Account::default().with(TargetKind::Vpc, &["vpc-1", "vpc-2"]);
    let table = "arn:aws:ec2:us-east-1:123456789012:route-table/rtb-2";
    for (kind, only) in [(TriggerKind::Event, vec![table.to_owned()]), (TriggerKind::Change, Vec::new())] {
        let store = MemoryStore::default();
        run_planned(&store, Service::Vpc, &account, &[table], kind).await.unwrap();
        let shard: Shard = store.get_json(&keys::shard(SCAN, Service::Vpc, LISTING, 1)).await.unwrap();
        let [target] = &shard.targets[..] else { panic!("{:?}", shard.targets) };
        assert_eq!((target.id.as_str(), &target.only), ("vpc-2", &only));
    }
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_said_to_be_unlisted() {
    let (store, account) = (MemoryStore::default(), Account::default());
    let group = "arn:aws:ec2:us-east-1:123456789012:security-group/sg-1";
    let output = run_for(&store, Service::Vpc, &account, &[group]).await.unwrap();
    assert_eq!((output.resources, output.shards), (0, Vec::new()));
    let unlisted = Unlisted { resource_type: "AWS::EC2::SecurityGroup".to_owned(), reason: denied().to_string() };
    assert_eq!(inventory(&store, Service::Vpc).await.unlisted, [unlisted]);

    let function = "arn:aws:lambda:us-east-1:123456789012:function:settle";
    run_for(&store, Service::Lambda, &account, &[function]).await.unwrap();
    let shard: Shard = store.get_json(&keys::shard(SCAN, Service::Lambda, LISTING, 1)).await.unwrap();
    assert!(matches!(shard.versions, Some(Reading::Unreadable(_))), "{:?}", shard.versions);
}
