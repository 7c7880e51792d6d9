use audit_artifacts::{ArtifactStoreExt, MemoryStore, sample};
use pretty_assertions::assert_eq;

use super::*;

const KEY: &str = "scans/s/remediation.jsonl";

fn skipped(bucket: &str) -> RemediationRecord {
    sample::remediation_record(bucket, RemediationOutcome::Skipped, &["it is a website"])
}

fn applied(bucket: &str) -> RemediationRecord {
    RemediationRecord {
        change_id: Some(format!("s/{bucket}")),
        ..sample::remediation_record(bucket, RemediationOutcome::Applied, &["set"])
    }
}

async fn load(store: &MemoryStore) -> Records {
    Records::load(store, KEY.to_owned()).await.unwrap()
}

fn lines(store: &MemoryStore) -> Vec<String> {
    store.text(KEY).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn what_is_stored_stays_and_each_line_is_bound_to_the_one_before() {
    let store = MemoryStore::default();
    let mut records = load(&store).await;
    records.add(skipped("a"));
    records.add(applied("b"));
    records.save(&store).await.unwrap();
    let first = store.text(KEY).unwrap();
    records.add(skipped("c"));
    records.save(&store).await.unwrap();

    let text = store.text(KEY).unwrap();
    assert!(text.starts_with(&first));
    assert_eq!(records.sha256(), sha256(text.as_bytes()));
    let read: Vec<RemediationRecord> = lines(&store).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read.iter().map(|record| record.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    let hashes: Vec<_> = lines(&store).iter().map(|line| sha256(line.as_bytes())).collect();
    let bound: Vec<_> = read.into_iter().map(|record| record.previous_sha256).collect();
    assert_eq!(bound, [None, Some(hashes[0].clone()), Some(hashes[1].clone())]);
    assert_eq!(load(&store).await.all().count(), 3);
}

#[tokio::test]
async fn a_file_that_somebody_has_altered_is_not_gone_on_with() {
    let store = MemoryStore::default();
    let mut records = load(&store).await;
    for bucket in ["a", "b", "c"] {
        records.add(skipped(bucket));
    }
    records.save(&store).await.unwrap();
    let lines = lines(&store);
    let altered = lines[0].replace("it is a website", "it is no website");
    let cases = [
        ("a line altered", format!("{altered}\n{}\n{}\n", lines[1], lines[2])),
        ("a line taken out", format!("{}\n{}\n", lines[0], lines[2])),
        ("lines in another order", format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1])),
        ("the first line taken out", format!("{}\n{}\n", lines[1], lines[2])),
        ("a line cut short", format!("{}\n{}", lines[0], &lines[1][..20])),
    ];
    for (what, content) in cases {
        let _ = store.put(KEY, "application/x-ndjson", content.into(), Condition::None).await.unwrap();
        let error = Records::load(&store, KEY.to_owned()).await.unwrap_err();
        assert_eq!(error.name(), "Corrupt", "{what}: {error}");
    }
}

#[tokio::test]
async fn two_attempts_of_one_run_add_to_the_same_file_and_record_a_change_once() {
    let store = MemoryStore::default();
    let (mut one, mut other) = (load(&store).await, load(&store).await);
    one.add(applied("ledger"));
    one.save(&store).await.unwrap();
    other.add(skipped("web"));
    other.add(applied("ledger"));
    // It came too late, and found the bucket changed.
    other.add(skipped("ledger"));
    other.save(&store).await.unwrap();
    one.add(skipped("logs"));
    one.save(&store).await.unwrap();

    let all = load(&store).await;
    let buckets: Vec<_> = all.all().map(|record| record.bucket.as_str()).collect();
    assert_eq!(buckets, ["ledger", "web", "logs"]);
    assert!(all.of_change("s/ledger").is_some() && all.of_change("s/web").is_none() && all.contain("web"));
}

#[tokio::test]
async fn a_run_without_a_decision_leaves_an_empty_file_and_the_last_record_of_a_bucket_counts() {
    let store = MemoryStore::default();
    let mut records = load(&store).await;
    records.save(&store).await.unwrap();
    assert_eq!(store.text(KEY).as_deref(), Some(""));

    records.add(skipped("ledger"));
    records.add(applied("ledger"));
    records.add(skipped("web"));
    records.save(&store).await.unwrap();
    let of = |outcome| records.count(&[outcome]);
    assert_eq!((of(RemediationOutcome::Applied), of(RemediationOutcome::Skipped)), (1, 1));
    assert_eq!((records.outcome("ledger"), records.outcome("x")), (Some(RemediationOutcome::Applied), None));
    // Nothing new is not written again.
    let before = store.get(KEY).await.unwrap().unwrap().etag;
    records.save(&store).await.unwrap();
    assert_eq!(store.get(KEY).await.unwrap().unwrap().etag, before);
    assert!(store.find_json::<serde_json::Value>("none").await.unwrap().is_none());
}
