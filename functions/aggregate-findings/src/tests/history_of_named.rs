//! Scans of everything and of named resources, one after the other and side by side: each violation is new once, keeps when it
//! was first seen, and is resolved once, as a person would count who watches one bucket.

use pretty_assertions::assert_eq;

use super::*;

const BUCKET: &str = "ledger";

/// What a scan sees of the bucket, and when it reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sees {
    /// It is wrong.
    Wrong,
    /// It is right.
    Right,
    /// It cannot be judged.
    Unreadable,
    /// It is not there.
    Gone,
    /// The shard is not scanned.
    Nothing,
}

/// A scan that starts at a minute of the day, reads a minute later, and is put together when it is its turn in the table.
#[derive(Debug, Clone, Copy)]
struct Turn {
    scoped: bool,
    starts: i64,
    reads: i64,
    sees: Sees,
    /// What it tells of the bucket: what has changed, and the minute since when it is known to be wrong.
    tells: (Option<Change>, Option<i64>),
}

const fn all(starts: i64, sees: Sees, change: Option<Change>, first_seen: Option<i64>) -> Turn {
    Turn { scoped: false, starts, reads: starts + 1, sees, tells: (change, first_seen) }
}

const fn named(starts: i64, sees: Sees, change: Option<Change>, first_seen: Option<i64>) -> Turn {
    Turn { scoped: true, ..all(starts, sees, change, first_seen) }
}

fn at(minute: i64) -> Timestamp {
    sample::STARTED_AT + jiff::SignedDuration::from_mins(minute)
}

/// The scan with its shard, in the store, a minute after it has read.
async fn scan_of(store: &MemoryStore, turn: Turn, seed: usize) -> Scan {
    NOW.set(at(turn.reads + 1));
    let mut scan = Scan::of(&[Service::S3]);
    scan.store = store.clone();
    scan.plan.scan_id = format!("scan-{seed:02}");
    scan.plan.started_at = at(turn.starts);
    // Other buckets, which nobody names and which are always right, so that there is something to read past.
    let others = ["a", "z"].map(|bucket| versioning(bucket, Status::Compliant));
    let of_bucket = match turn.sees {
        Sees::Wrong => Some(Status::NonCompliant),
        Sees::Right => Some(Status::Compliant),
        Sees::Unreadable => Some(Status::InsufficientData),
        Sees::Gone | Sees::Nothing => None,
    };
    let mut findings: Vec<Finding> = of_bucket.map(|status| versioning(BUCKET, status)).into_iter().collect();
    if turn.scoped {
        scan.plan.resources = vec![format!("arn:aws:s3:::{BUCKET}").parse().unwrap()];
    } else {
        findings.extend(others);
        findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    }
    for finding in &mut findings {
        finding.evaluated_at = at(turn.reads);
    }
    scan.list(Service::S3, &[findings.len() as u64]).await;
    if turn.sees != Sees::Nothing {
        scan.scan(Service::S3, 1, findings.len() as u64, &findings).await;
    }
    scan
}

/// What the aggregation tells of the bucket.
async fn told(scan: &Scan, turn: Turn) -> (Option<Change>, Option<i64>) {
    let summary = scan.summary().await;
    let changes = summary.changes().unwrap_or_default();
    let findings = scan.findings().await;
    let finding = findings.iter().find(|finding| finding.resource.name == BUCKET && finding.rule_id == VERSIONING);
    // A resource that is gone has no finding; the count of resolved ones tells of it.
    let gone = (finding.is_none() && changes.resolved == 1).then_some(Change::Resolved);
    let since = finding.and_then(|finding| finding.first_seen);
    let counted = [
        (Change::New, changes.new),
        (Change::StillOpen, changes.still_open),
        (Change::Resolved, changes.resolved),
        (Change::NotLookedAt, changes.not_looked_at),
    ];
    let change = finding.map_or(gone, |finding| finding.change);
    for (which, count) in counted {
        assert_eq!(count, u64::from(change == Some(which)), "{which:?} of {turn:?}");
    }
    assert_eq!(summary.scope.is_full(), !turn.scoped);
    let minute = |first_seen: Timestamp| first_seen.duration_since(sample::STARTED_AT).as_mins();
    (change, since.map(minute))
}

#[tokio::test]
async fn a_violation_is_new_once_and_resolved_once_whoever_looks() {
    use Change::{New, NotLookedAt, Resolved, StillOpen};
    use Sees::{Gone, Nothing, Right, Unreadable, Wrong};
    let begun = all(0, Right, None, None);
    let begun_wrong = all(0, Wrong, None, Some(1));
    // (what it is about, the scans in the order in which they are put together)
    let cases: [(&str, Vec<Turn>); 18] = [
        (
            "found by name, and known to the scan of everything",
            vec![begun, named(60, Wrong, Some(New), Some(61)), all(360, Wrong, Some(StillOpen), Some(61))],
        ),
        (
            "mended, seen by name, and not resolved twice",
            vec![begun_wrong, named(60, Right, Some(Resolved), None), all(360, Right, None, None)],
        ),
        (
            "found and mended between two scans of everything, which tell nothing of it",
            vec![
                begun,
                named(60, Wrong, Some(New), Some(61)),
                named(90, Wrong, Some(StillOpen), Some(61)),
                named(120, Right, Some(Resolved), None),
                named(150, Right, None, None),
                all(360, Right, None, None),
            ],
        ),
        (
            "wrong again after it was mended",
            vec![
                begun_wrong,
                named(60, Right, Some(Resolved), None),
                named(90, Wrong, Some(New), Some(91)),
                all(360, Wrong, Some(StillOpen), Some(91)),
                all(720, Wrong, Some(StillOpen), Some(91)),
                named(780, Wrong, Some(StillOpen), Some(91)),
                all(1080, Right, Some(Resolved), None),
            ],
        ),
        (
            "mended, and wrong again when all are looked at",
            vec![begun_wrong, named(60, Right, Some(Resolved), None), all(360, Wrong, Some(New), Some(361))],
        ),
        (
            "deleted, told by name, and not told again",
            vec![
                begun_wrong,
                named(60, Gone, Some(Resolved), None),
                named(90, Gone, None, None),
                all(360, Gone, None, None),
            ],
        ),
        ("deleted before it was ever wrong", vec![begun, named(60, Gone, None, None), all(360, Gone, None, None)]),
        (
            "found by name, and deleted when all are looked at",
            vec![
                begun,
                named(60, Wrong, Some(New), Some(61)),
                all(360, Gone, Some(Resolved), None),
                all(720, Gone, None, None),
            ],
        ),
        (
            "found by name, and out of sight of the scan of everything, twice",
            vec![
                begun,
                named(60, Wrong, Some(New), Some(61)),
                all(360, Nothing, Some(NotLookedAt), Some(61)),
                all(720, Unreadable, Some(NotLookedAt), Some(61)),
                all(1080, Wrong, Some(StillOpen), Some(61)),
            ],
        ),
        (
            "mended, and out of sight of the scan of everything: it is not known any more",
            vec![
                begun_wrong,
                named(60, Right, Some(Resolved), None),
                all(360, Nothing, None, None),
                all(720, Right, None, None),
            ],
        ),
        (
            "out of sight by name: it stays known",
            vec![
                begun_wrong,
                named(60, Unreadable, Some(NotLookedAt), Some(1)),
                named(90, Nothing, Some(NotLookedAt), Some(1)),
                named(120, Wrong, Some(StillOpen), Some(1)),
                all(360, Right, Some(Resolved), None),
            ],
        ),
        (
            "before the first scan of everything there is nothing to compare with, and nothing is forgotten",
            vec![
                named(0, Wrong, None, Some(1)),
                all(60, Wrong, None, Some(1)),
                all(360, Wrong, Some(StillOpen), Some(1)),
            ],
        ),
        (
            "a scan by name reads after a scan of everything has, and ends before it: its word is the later one",
            vec![
                begun_wrong,
                named(365, Right, Some(Resolved), None),
                all(360, Wrong, Some(StillOpen), Some(1)),
                named(400, Right, None, None),
                all(720, Right, None, None),
            ],
        ),
        (
            "the same, of what was found",
            vec![
                begun,
                named(365, Wrong, Some(New), Some(366)),
                all(360, Right, None, None),
                named(400, Wrong, Some(StillOpen), Some(366)),
                all(720, Wrong, Some(StillOpen), Some(366)),
            ],
        ),
        (
            "made after a scan of everything has listed, and found by name before that one ends",
            vec![
                all(0, Gone, None, None),
                named(365, Wrong, Some(New), Some(366)),
                all(360, Gone, None, None),
                all(720, Wrong, Some(StillOpen), Some(366)),
            ],
        ),
        (
            "a scan by name begins before a scan of everything and ends after it: what both saw is new once",
            vec![
                begun,
                all(360, Wrong, Some(New), Some(361)),
                named(355, Wrong, Some(StillOpen), Some(361)),
                all(720, Wrong, Some(StillOpen), Some(361)),
            ],
        ),
        (
            "the same, of what was right when it read and wrong since: it has nothing to say",
            vec![
                begun,
                all(360, Wrong, Some(New), Some(361)),
                named(355, Right, None, None),
                all(720, Right, Some(Resolved), None),
            ],
        ),
        (
            "two scans of everything side by side know the same",
            vec![
                begun_wrong,
                named(60, Right, Some(Resolved), None),
                all(361, Right, None, None),
                all(360, Right, None, None),
                all(720, Wrong, Some(New), Some(721)),
            ],
        ),
    ];
    for (about, turns) in cases {
        let store = MemoryStore::default();
        for (seed, turn) in turns.into_iter().enumerate() {
            let scan = scan_of(&store, turn, seed).await;
            let before = (scan.latest().await, store.get(keys::HISTORY).await.unwrap());
            assert_eq!(told(&scan, turn).await, turn.tells, "{about}: {turn:?}");
            if turn.scoped {
                let after = (scan.latest().await, store.get(keys::HISTORY).await.unwrap());
                assert_eq!(after, before, "{about}: neither pointers nor trend are touched");
                // A task that is repeated tells the same, and keeps the same.
                let kept = store.get(keys::SCOPED).await.unwrap().map(|stored| stored.content);
                assert_eq!(told(&scan, turn).await, turn.tells, "{about}, again: {turn:?}");
                assert_eq!(store.get(keys::SCOPED).await.unwrap().map(|stored| stored.content), kept, "{about}");
            }
        }
    }
}

/// The sightings that are kept.
async fn kept(store: &MemoryStore) -> usize {
    let stored: Option<serde_json::Value> = store.find_json(keys::SCOPED).await.unwrap();
    stored.map_or(0, |stored| stored["sightings"].as_array().unwrap().len())
}

#[tokio::test]
async fn what_the_scan_before_knew_is_dropped_and_what_cannot_be_understood_begins_anew() {
    let store = MemoryStore::default();
    let turns = [
        (all(0, Sees::Right, None, None), 0),
        (named(60, Sees::Wrong, None, None), 1),
        // Another scan of everything may be at work that is compared with the first one.
        (all(360, Sees::Wrong, None, None), 1),
        (named(420, Sees::Right, None, None), 1),
        (all(720, Sees::Right, None, None), 1),
        (all(1080, Sees::Right, None, None), 0),
    ];
    for (seed, (turn, left)) in turns.into_iter().enumerate() {
        scan_of(&store, turn, seed).await.summary().await;
        assert_eq!(kept(&store).await, left, "{turn:?}");
    }
    let _ = store.put(keys::SCOPED, "application/json", "{".into(), Condition::None).await.unwrap();
    let turn = named(1100, Sees::Wrong, Some(Change::New), Some(1101));
    assert_eq!(told(&scan_of(&store, turn, 10).await, turn).await, turn.tells);
    assert_eq!(kept(&store).await, 1);
}

#[tokio::test]
async fn the_newest_five_thousand_are_kept() {
    let store = MemoryStore::default();
    scan_of(&store, all(0, Sees::Right, None, None), 0).await.summary().await;
    for (number, count) in [(1_i64, 3_000_u64), (2, 3_000)] {
        let mut scan = Scan::of(&[Service::S3]);
        scan.store = store.clone();
        scan.plan.scan_id = format!("many-{number}");
        scan.plan.started_at = at(60 * number);
        scan.plan.resources = vec!["arn:aws:s3:::b-1-0000".parse().unwrap()];
        let mut findings: Vec<Finding> =
            (0..count).map(|it| versioning(&format!("b-{number}-{it:04}"), Status::NonCompliant)).collect();
        findings.iter_mut().for_each(|finding| finding.evaluated_at = at(60 * number));
        scan.list(Service::S3, &[count]).await;
        scan.scan(Service::S3, 1, count, &findings).await;
        scan.summary().await;
    }
    assert_eq!(kept(&store).await, 5_000);
    let between = crate::between::Between::find(&store).await.unwrap();
    let is_kept = |arn: &str| between.of(Service::S3, arn).rules().count() == 1;
    assert!(is_kept("arn:aws:s3:::b-2-0000") && is_kept("arn:aws:s3:::b-2-2999"));
}

#[tokio::test]
async fn a_named_resource_that_is_not_there_is_told() {
    let store = MemoryStore::default();
    scan_of(&store, all(0, Sees::Right, None, None), 0).await.summary().await;
    let there = scan_of(&store, named(60, Sees::Right, None, None), 1).await.summary().await;
    assert_eq!(there.scope, Scope::Scoped { named: 1, not_found: Vec::new() });
    let gone = scan_of(&store, named(61, Sees::Gone, None, None), 2).await.summary().await;
    assert_eq!(gone.scope, Scope::Scoped { named: 1, not_found: vec!["arn:aws:s3:::ledger".to_owned()] });
    // Nobody looked: whether it is there is not known.
    let hidden = scan_of(&store, named(62, Sees::Nothing, None, None), 3).await.summary().await;
    assert_eq!((hidden.scope, hidden.status), (Scope::Scoped { named: 1, not_found: Vec::new() }, ScanStatus::Partial));
}

#[tokio::test]
async fn the_findings_of_a_few_resources_are_found_in_the_pieces_of_many() {
    let store = MemoryStore::default();
    let mut scan = Scan::of(&[Service::S3]);
    scan.store = store.clone();
    scan.plan.scan_id = "many".to_owned();
    let mut findings: Vec<Finding> = (0..600)
        .map(|it| versioning(&format!("b-{it:04}"), if it % 2 == 0 { Status::NonCompliant } else { Status::Compliant }))
        .collect();
    findings.iter_mut().for_each(|finding| finding.evaluated_at = at(1));
    scan.list(Service::S3, &[600]).await;
    scan.scan(Service::S3, 1, 600, &findings).await;
    scan.summary().await;
    let pieces = store.keys().into_iter().filter(|key| key.starts_with("scans/many/pieces/")).collect::<Vec<_>>();
    assert_eq!(pieces.len(), 4, "three pieces and their index: {pieces:?}");
    // Only the pieces in which these are may be read: the middle one, and all findings, are gone.
    store.remove(&keys::piece("many", 2));
    store.remove(&keys::findings("many"));
    let mut scan = Scan::of(&[Service::S3]);
    scan.store = store.clone();
    (scan.plan.scan_id, scan.plan.started_at) = ("few".to_owned(), at(60));
    let names = ["a-new", "b-0000", "b-0001", "b-0255", "b-0512", "b-0598", "b-0599", "z-new"];
    scan.plan.resources = names.map(|name| format!("arn:aws:s3:::{name}").parse().unwrap()).into();
    let findings = names.map(|name| Finding { evaluated_at: at(61), ..versioning(name, Status::NonCompliant) });
    scan.list(Service::S3, &[names.len() as u64]).await;
    scan.scan(Service::S3, 1, names.len() as u64, &findings).await;
    let summary = scan.summary().await;
    assert_eq!(changes(&summary), Changes { new: 5, still_open: 3, ..Changes::default() });
}
