//! Somebody changes what was sealed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use evidence_chain::{HEAD, Head, Kind, Link, Manifest, Problem, Subject, Witness};
use futures::executor::block_on;
use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;

/// The subject of the link of that number.
fn subject(number: i64) -> Subject {
    Subject { kind: Kind::Scan, id: id(number - 1) }
}

async fn content(store: &MemoryStore, key: &str) -> Vec<u8> {
    store.get(key).await.unwrap().unwrap_or_else(|| panic!("{key}")).content.to_vec()
}

async fn swap(store: &MemoryStore, one: &str, other: &str) {
    let (of_one, of_other) = (content(store, one).await, content(store, other).await);
    put(store, one, of_other).await;
    put(store, other, of_one).await;
}

/// Writes the chain anew from its links, each changed and signed with a key.
async fn sign_again(world: &World, key: &Key, change: impl Fn(&mut Manifest)) {
    let mut previous = None;
    for number in 1..=4 {
        let subject = subject(number);
        let mut manifest: Manifest = world.store.get_json(&subject.manifest()).await.unwrap();
        change(&mut manifest);
        manifest.previous = previous;
        let text = manifest.canonical().unwrap();
        let signature = key.signature(&evidence_chain::sha256(text.as_bytes()));
        let link = Link::new(text, signature).unwrap();
        world.put(&subject.manifest(), &link.text).await;
        world.put(&subject.signature(), &link.signature).await;
        world.put(HEAD, Head::of(&link).canonical().unwrap()).await;
        previous = Some(link.as_previous());
    }
}

/// What is wrong with a link, and with no single one, each named by the link's number, or 0.
fn found(verification: &Verification) -> Vec<(u64, Problem)> {
    let of_links = verification.links.iter().flat_map(|link| link.problems.iter().map(|it| (link.number, it.clone())));
    of_links.chain(verification.problems.iter().map(|problem| (0, problem.clone()))).collect()
}

/// Asserts that after a change, and not before, verification finds these problems, by link.
async fn assert_found(change: impl AsyncFnOnce(&World), expected: &[(u64, Problem)]) {
    let world = World::with_chain().await;
    assert!(world.verify().await.is_whole());
    change(&world).await;
    assert_eq!(found(&world.verify().await), expected);
}

fn fingerprint(key: &Key) -> String {
    key.public().fingerprint().to_owned()
}

#[tokio::test]
async fn a_byte_of_a_finding() {
    let key = keys::findings(&id(2));
    let change = async |world: &World| {
        let mut bytes = content(&world.store, &key).await;
        bytes[7] ^= 1;
        world.put(&key, bytes).await;
    };
    assert_found(change, &[(3, Problem::Changed { key: key.clone() })]).await;
}

#[tokio::test]
async fn a_report_replaced() {
    let key = keys::html_report(&id(0), start(0));
    assert_found(async |world| world.put(&key, b"<html>\n").await, &[(1, Problem::Changed { key: key.clone() })]).await;
}

#[tokio::test]
async fn an_object_deleted() {
    let key = keys::shard_findings(&id(0), Service::S3, 1);
    assert_found(async |world| world.store.remove(&key), &[(1, Problem::Missing { key: key.clone() })]).await;
}

#[tokio::test]
async fn an_object_added() {
    for key in [format!("scans/{}/findings/s3/0002.jsonl.zst", id(0)), keys::json_report(&id(1), start(1))] {
        let number = if key.contains(&id(0)) { 1 } else { 2 };
        assert_found(async |world| world.put(&key, b"").await, &[(number, Problem::Added { key: key.clone() })]).await;
    }
    // Under the id of a scan that never was.
    let key = "reports/date=2026-11-24/20261124T000000Z-00000000.json";
    let unknown = Subject { kind: Kind::Scan, id: "20261124T000000Z-00000000".to_owned() };
    assert_found(async |world| world.put(key, b"").await, &[(0, Problem::WithoutLink { subject: unknown })]).await;
}

#[tokio::test]
async fn a_manifest_deleted_in_the_middle() {
    let missing = Problem::LinksMissing { first: 3, last: 3, subject: Some(subject(3)) };
    assert_found(
        async |world| world.store.remove(&subject(3).manifest()),
        &[(4, missing.clone()), (0, Problem::WithoutLink { subject: subject(3) })],
    )
    .await;
    // With all that it was about.
    let everything = async |world: &World| {
        for key in world.store.keys().iter().filter(|key| key.contains(&id(2))) {
            world.store.remove(key);
        }
    };
    assert_found(everything, &[(4, missing)]).await;
}

#[tokio::test]
async fn a_manifest_deleted_at_the_beginning() {
    let missing = Problem::LinksMissing { first: 1, last: 1, subject: Some(subject(1)) };
    let without = Problem::WithoutLink { subject: subject(1) };
    assert_found(async |world| world.store.remove(&subject(1).manifest()), &[(2, missing), (0, without)]).await;
}

#[tokio::test]
async fn a_manifest_deleted_at_the_end() {
    let missing = Problem::EndMissing { first: 4, last: 4, subject: subject(4) };
    assert_found(
        async |world| world.store.remove(&subject(4).manifest()),
        &[(0, Problem::WithoutLink { subject: subject(4) }), (0, missing.clone())],
    )
    .await;
    let with_its_signature = async |world: &World| {
        world.store.remove(&subject(4).manifest());
        world.store.remove(&subject(4).signature());
    };
    assert_found(with_its_signature, &[(0, missing)]).await;
    let everything = async |world: &World| {
        for key in world.store.keys().iter().filter(|key| *key != HEAD) {
            world.store.remove(key);
        }
    };
    let all = Problem::EndMissing { first: 1, last: 4, subject: subject(4) };
    assert_found(everything, &[(0, Problem::NoLink), (0, all)]).await;
}

/// With the head set back nothing in the bucket tells that there was more: what people were told does.
#[tokio::test]
async fn the_end_cut_off_and_the_head_set_back() {
    let world = World::with_chain().await;
    let told = world.verify().await.links[3].sha256[..16].to_owned();
    let earlier = World::new();
    earlier.leave_scan(0).await;
    earlier.leave_scan(2).await;
    world.store.remove(&subject(4).manifest());
    world.store.remove(&subject(4).signature());
    let third = Link::new(
        world.store.text(&subject(3).manifest()).unwrap(),
        content(&world.store, &subject(3).signature()).await,
    );
    world.put(HEAD, Head::of(&third.unwrap()).canonical().unwrap()).await;
    let (keys, witnesses) = ([world.key.public()], [Witness { number: 4, sha256: told.clone() }]);
    let expected = Expectations { keys: &keys, witnesses: &witnesses, ..Expectations::default() };
    let verification = verify(&world.store, &expected).await.unwrap();
    assert_eq!(found(&verification), [(0, Problem::NotAsTold { number: 4, sha256: told })]);
}

#[tokio::test]
async fn two_manifests_swapped() {
    let misplaced = |place| Problem::Misplaced { place: subject(place) };
    let with_signatures = async |world: &World| {
        swap(&world.store, &subject(1).manifest(), &subject(3).manifest()).await;
        swap(&world.store, &subject(1).signature(), &subject(3).signature()).await;
    };
    assert_found(with_signatures, &[(1, misplaced(3)), (3, misplaced(1))]).await;
    let alone = async |world: &World| swap(&world.store, &subject(1).manifest(), &subject(3).manifest()).await;
    // Each stands beside the signature of the other, and the link after each holds its own.
    assert_found(
        alone,
        &[
            (1, misplaced(3)),
            (1, Problem::NotItsSignature),
            (2, Problem::NotLinked),
            (3, misplaced(1)),
            (3, Problem::NotItsSignature),
            (4, Problem::NotLinked),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_signature_of_another_key_or_of_nobody() {
    let other = async |world: &World| {
        let digest = evidence_chain::sha256(&content(&world.store, &subject(2).manifest()).await);
        world.put(&subject(2).signature(), Key::new(9).signature(&digest)).await;
    };
    assert_found(other, &[(2, Problem::NotItsSignature), (3, Problem::NotLinked)]).await;
    assert_found(
        async |world| world.store.remove(&subject(2).signature()),
        &[(2, Problem::NotSigned), (3, Problem::NotLinked)],
    )
    .await;
}

#[tokio::test]
async fn a_chain_signed_again_with_another_key() {
    let key = Key::new(9);
    let honest = Problem::OtherKey { fingerprint: fingerprint(&key) };
    let named = async |world: &World| sign_again(world, &key, |it| it.key.fingerprint = fingerprint(&key)).await;
    assert_found(named, &[1, 2, 3, 4].map(|number| (number, honest.clone()))).await;
    let lying = async |world: &World| sign_again(world, &key, |_| ()).await;
    assert_found(lying, &[1, 2, 3, 4].map(|number| (number, Problem::NotItsSignature))).await;
}

#[tokio::test]
async fn a_policy_changed() {
    let key = keys::plan(&id(2));
    let change = async |world: &World| {
        let mut plan = world.plan(2);
        plan.policy.alert.remind_hours += 1;
        world.store.replace_json(&key, &plan).await.unwrap();
    };
    assert_found(change, &[(3, Problem::Changed { key: key.clone() }), (3, Problem::PolicyChanged)]).await;
    // A policy that was deployed is no tampering, and is told.
    let world = World::new();
    for number in 0..3 {
        let mut plan = world.plan(number);
        plan.policy.alert.remind_hours = if number == 0 { 12 } else { 24 };
        world.store.replace_json(&keys::plan(&id(number)), &plan).await.unwrap();
        world.after(number).seal(&done(number)).await.unwrap();
    }
    let verification = world.verify().await;
    assert!(verification.is_whole());
    assert_eq!(verification.links.iter().map(|link| link.new_policy).collect::<Vec<_>>(), [false, true, false]);
    assert!(verification.links[1].to_string().ends_with("as sealed; another audit policy than before"));
}

#[tokio::test]
async fn clocks_that_run_back() {
    let world = World::new();
    world.after(0).seal(&stepped_aside(0)).await.unwrap();
    world.after(2).seal(&stepped_aside(1)).await.unwrap();
    world.after(1).seal(&stepped_aside(2)).await.unwrap();
    let before = |after: &str| Problem::RunsBack { after: after.parse().unwrap() };
    let expected = [(3, before("2026-11-23T12:00:00Z")), (3, before("2026-11-23T12:30:00Z"))];
    assert_eq!(found(&world.verify().await), expected);
}

#[tokio::test]
async fn the_head_changed_or_deleted() {
    assert_found(async |world| world.store.remove(HEAD), &[(0, Problem::NoHead)]).await;
    let padded = async |world: &World| {
        let head = world.store.text(HEAD).unwrap();
        world.put(HEAD, format!("{head}\n")).await;
    };
    assert_found(padded, &[(0, Problem::HeadElsewhere { number: 4 })]).await;
}

#[tokio::test]
async fn the_same_number_twice() {
    let twin = async |world: &World| {
        let text = world.store.text(&subject(2).manifest()).unwrap().replace(&id(1), &id(7));
        let link = Link::new(text.clone(), world.key.signature(&evidence_chain::sha256(text.as_bytes()))).unwrap();
        world.put(&link.manifest.subject.manifest(), link.text).await;
        world.put(&link.manifest.subject.signature(), link.signature).await;
    };
    // Whoever may sign can begin another branch, and only one of two can be what the next link holds.
    assert_found(twin, &[(2, Problem::SameNumber { other: subject(2) }), (3, Problem::NotLinked)]).await;
}

#[tokio::test]
async fn gaps_in_time_are_told_where_none_is_allowed() {
    let world = World::new();
    for number in [0, 1, 4] {
        world.after(number).seal(&stepped_aside(number)).await.unwrap();
    }
    let keys = [world.key.public()];
    let expected = Expectations {
        keys: &keys,
        longest_gap: Some(SignedDuration::from_hours(7)),
        until: Some(start(6)),
        ..Expectations::default()
    };
    let gap = |from, to| Problem::Gap { from: start(from), to: start(to) };
    assert_eq!(found(&verify(&world.store, &expected).await.unwrap()), [(3, gap(1, 4)), (0, gap(4, 6))]);
    assert!(world.verify().await.is_whole());
}

#[tokio::test]
async fn what_has_expired_is_not_missing() {
    let world = World::with_chain().await;
    world.leave_scan(5).await;
    // Ninety days after the third scan has started. Its objects were written before its manifest, and expire before it.
    for key in world.store.keys().iter().filter(|key| key.contains(&id(0)) || key.contains(&id(1))) {
        world.store.remove(key);
    }
    world.store.remove(&keys::findings(&id(2)));
    let keys = [world.key.public()];
    let expected = Expectations {
        keys: &keys,
        kept_since: Some(start(2) + SignedDuration::from_mins(31)),
        // And the last one is still running.
        runs_since: Some(start(5) - SignedDuration::from_secs(1)),
        ..Expectations::default()
    };
    let verification = verify(&world.store, &expected).await.unwrap();
    assert_eq!(found(&verification), []);
    // What is kept for longer must be there.
    let longer = Expectations { kept_since: Some(start(0)), ..expected };
    let problems = found(&verify(&world.store, &longer).await.unwrap());
    assert_eq!(
        problems,
        [
            (3, Problem::Missing { key: keys::findings(&id(2)) }),
            (3, Problem::LinksMissing { first: 1, last: 2, subject: Some(subject(2)) }),
        ]
    );
}

#[tokio::test]
async fn the_objects_of_a_time_are_read_and_the_chain_is_looked_at_whole() {
    let world = World::with_chain().await;
    world.put(&keys::findings(&id(0)), b"").await;
    world.put(&keys::findings(&id(2)), b"").await;
    world.store.remove(&subject(2).signature());
    let keys = [world.key.public()];
    let expected = Expectations { keys: &keys, from: Some(start(1)), to: Some(start(3)), ..Expectations::default() };
    let verification = verify(&world.store, &expected).await.unwrap();
    assert_eq!(verification.links.iter().map(|link| link.read).collect::<Vec<_>>(), [false, true, true, false]);
    let changed = Problem::Changed { key: keys::findings(&id(2)) };
    assert_eq!(found(&verification), [(2, Problem::NotSigned), (3, changed), (3, Problem::NotLinked)]);
}

#[tokio::test]
async fn nothing_is_not_whole() {
    assert_eq!(found(&World::new().verify().await), [(0, Problem::NoLink)]);
}

/// The content of a whole chain, by key, but for the copy of the public key, which nobody trusts.
static CHAIN: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    block_on(async {
        let world = World::with_chain().await;
        let keys = world.store.keys().into_iter().filter(|key| !key.starts_with(evidence_chain::KEYS));
        let mut objects = BTreeMap::new();
        for key in keys {
            let content = content(&world.store, &key).await;
            objects.insert(key, content);
        }
        objects
    })
});

/// What verification finds where one byte of the chain is another.
fn with_byte(key: &str, at: usize, flip: u8) -> Vec<(u64, Problem)> {
    block_on(async {
        let world = World::new();
        for (name, content) in &*CHAIN {
            let mut content = content.clone();
            if name == key {
                content[at] ^= flip;
            }
            world.put(name, content).await;
        }
        found(&world.verify().await)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_changed_byte_of_any_object_is_found(
        object in 0..CHAIN.len(),
        place in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
    ) {
        let (key, content) = CHAIN.iter().nth(object).unwrap();
        let at = place.index(content.len());
        prop_assert!(!with_byte(key, at, flip).is_empty(), "{key}: byte {at}");
    }
}

#[test]
fn any_changed_bit_of_a_signature_is_found() {
    let key = subject(4).signature();
    for at in 0..CHAIN[&key].len() {
        for bit in 0..8 {
            let problems = with_byte(&key, at, 1 << bit);
            assert!(problems.contains(&(4, Problem::NotItsSignature)), "byte {at}, bit {bit}: {problems:?}");
        }
    }
}
