use audit_artifacts::{Condition, MemoryStore, PutOutcome, sample};
use pretty_assertions::assert_eq;

use super::*;
use crate::memory::{InterruptedStore, Interruption};

const NOW: Timestamp = sample::AGGREGATED_AT;

fn change(run_id: &str, bucket: &str) -> OpenChange {
    OpenChange {
        run_id: run_id.to_owned(),
        kind: ChangeKind::Apply,
        bucket: bucket.to_owned(),
        bucket_arn: format!("arn:aws:s3:::{bucket}"),
        rules: Vec::new(),
        before: Some(sample::sse_s3()),
        intended: Some(kms(None)),
        key_arn: None,
        calls: Vec::new(),
        requested_by: "the schedule".to_owned(),
        execution_arn: "execution".to_owned(),
        begun_at: NOW,
        touched_at: NOW,
    }
}

fn kms(key: Option<&str>) -> BucketEncryption {
    BucketEncryption {
        algorithm: "aws:kms".to_owned(),
        kms_key_id: key.map(str::to_owned),
        bucket_key_enabled: true,
        blocked_encryption_types: Vec::new(),
    }
}

const ANY: Terms = Terms { day_limit: None, named: false };

/// Begins a change right after it was decided.
fn begin_at_once(journal: &mut Journal, change: &OpenChange, day_limit: Option<u32>) -> Begun {
    journal.begin(change, Terms { day_limit, ..ANY }, change.begun_at)
}

fn recorded(change: &OpenChange) -> RemediationRecord {
    change.record(&change.run_id, change.success(), "set".to_owned(), None, NOW)
}

/// What came of the attempt to begin: the reason why it was refused, or a word.
fn told(begun: Begun) -> String {
    match begun {
        Begun::New(_) => "new".to_owned(),
        Begun::Resumed(_) => "resumed".to_owned(),
        Begun::Ended => "ended".to_owned(),
        Begun::Refused(reason) => format!("{:?}", reason.code),
    }
}

#[test]
fn of_two_runs_one_changes_a_bucket_and_an_attempt_of_the_same_run_goes_on() {
    let mut journal = Journal::default();
    let mut begin = |run, bucket| told(journal.begin(&change(run, bucket), ANY, NOW));
    assert_eq!(begin("a", "ledger"), "new");
    assert_eq!(begin("b", "ledger"), "BeingChanged");
    assert_eq!(begin("b", "payments"), "new");
    assert_eq!(begin("a", "ledger"), "resumed");
    let soon = NOW + SignedDuration::from_secs(1);
    let looked_later = OpenChange { begun_at: soon, ..change("b", "ledger") };
    assert_eq!(told(begin_at_once(&mut journal, &looked_later, None)), "BeingChanged", "it is not recorded yet");
    journal.end(&recorded(&change("a", "ledger")));
    // Whoever looked at the bucket before does not know of the change; whoever looks at it later does.
    assert_eq!(told(begin_at_once(&mut journal, &change("a", "ledger"), None)), "ended");
    assert_eq!(told(begin_at_once(&mut journal, &change("b", "ledger"), None)), "BeingChanged");
    assert_eq!(told(begin_at_once(&mut journal, &looked_later, None)), "new");
}

/// It looked at the bucket later than the other run did, and before that one told the journal.
#[test]
fn whoever_looked_before_another_run_began_may_not_change_the_bucket() {
    let seconds = |seconds| NOW + SignedDuration::from_secs(seconds);
    let mut journal = Journal::default();
    let other = OpenChange { begun_at: NOW, ..change("b", "ledger") };
    assert_eq!(told(journal.begin(&other, ANY, seconds(10))), "new");
    journal.end(&recorded(&other));
    let looked = |at| OpenChange { begun_at: at, ..change("a", "ledger") };
    assert_eq!(told(journal.begin(&looked(seconds(5)), ANY, seconds(20))), "BeingChanged");
    assert_eq!(told(journal.begin(&looked(seconds(11)), ANY, seconds(20))), "new");
}

/// Whoever is at a change is not gone, however long ago it was decided.
#[test]
fn a_change_is_abandoned_by_the_time_at_which_somebody_was_last_at_it() {
    let mut journal = Journal::default();
    let minutes = |minutes| NOW + SignedDuration::from_mins(minutes);
    assert_eq!(told(journal.begin(&change("a", "ledger"), ANY, NOW)), "new");
    assert_eq!(told(journal.begin(&change("a", "ledger"), ANY, minutes(20))), "resumed");
    let open = journal.find("a/ledger").unwrap();
    assert!(!open.is_abandoned(minutes(35)) && open.is_abandoned(minutes(36)));
}

#[test]
fn a_record_ends_its_change_and_says_whether_the_bucket_is_held() {
    let rollback = OpenChange { kind: ChangeKind::Rollback, ..change("r", "ledger") };
    let mut journal = Journal::default();
    assert_eq!(told(journal.begin(&rollback, ANY, NOW)), "new");
    journal.end(&recorded(&rollback));
    assert_eq!(journal.hold("ledger", NOW).map(|hold| hold.rollback_id.as_str()), Some("r"));
    // Who comes too late with the record of another change takes no hold away.
    journal.end(&recorded(&change("a", "ledger")));
    assert!(journal.hold("ledger", NOW).is_some());
    // No scan changes it by itself, be it one that has decided before the rollback ended.
    let later = OpenChange { begun_at: NOW + SignedDuration::from_secs(1), ..change("b", "ledger") };
    assert_eq!(told(begin_at_once(&mut journal, &later, None)), "RolledBack");
    let named = Terms { named: true, ..ANY };
    assert_eq!(told(journal.begin(&later, named, later.begun_at)), "new");
    journal.end(&recorded(&later));
    assert_eq!((journal.hold("ledger", NOW), journal.open().len()), (None, 0));
    // A rollback is no change of a scan's.
    journal.hold_back("ledger", Hold { rollback_id: "r".to_owned(), requested_by: "someone".to_owned(), since: NOW });
    let again =
        OpenChange { run_id: "r2".to_owned(), begun_at: later.begun_at + SignedDuration::from_secs(1), ..rollback };
    assert_eq!(told(begin_at_once(&mut journal, &again, None)), "new");
}

#[test]
fn a_change_by_which_nothing_was_done_stands_in_nobody_s_way() {
    let mut journal = Journal::default();
    assert_eq!(told(begin_at_once(&mut journal, &change("a", "ledger"), Some(1))), "new");
    journal.abandon("a/ledger");
    assert_eq!(journal, Journal::default());
    assert_eq!(told(begin_at_once(&mut journal, &change("b", "ledger"), Some(1))), "new");
}

#[test]
fn the_day_s_limit_counts_remediations_of_all_runs_until_midnight() {
    let mut journal = Journal::default();
    for (run, bucket) in [("a", "1"), ("b", "2")] {
        assert_eq!(told(begin_at_once(&mut journal, &change(run, bucket), Some(2))), "new");
        journal.end(&recorded(&change(run, bucket)));
    }
    assert_eq!(journal.begun_on_day_of(NOW, ""), 2);
    assert_eq!(told(begin_at_once(&mut journal, &change("c", "3"), Some(2))), "DayLimit");
    // Taking back is not limited.
    let later = NOW + SignedDuration::from_secs(1);
    let rollback = OpenChange { kind: ChangeKind::Rollback, begun_at: later, ..change("r", "2") };
    assert_eq!(told(begin_at_once(&mut journal, &rollback, None)), "new");
    assert_eq!(journal.begun_on_day_of(NOW, ""), 2);
    let tomorrow = NOW + SignedDuration::from_hours(24);
    assert_eq!(
        told(begin_at_once(&mut journal, &OpenChange { begun_at: tomorrow, ..change("c", "3") }, Some(2))),
        "new"
    );
}

#[test]
fn what_bears_on_nothing_any_more_is_forgotten() {
    let mut journal = Journal::default();
    assert_eq!(told(begin_at_once(&mut journal, &change("a", "ledger"), None)), "new");
    let hold = Hold { rollback_id: "r".to_owned(), requested_by: "someone".to_owned(), since: NOW };
    journal.hold_back("payments", hold);
    let days = |days: i64| NOW + SignedDuration::from_hours(24 * days);
    journal.forget(days(1));
    assert_eq!((journal.begun.len(), journal.hold("payments", days(89)).is_some()), (1, true));
    assert!(journal.hold("payments", days(90)).is_none());
    settle(&mut journal, "a", (&[], true), &[announced("a", "web")], NOW);
    journal.forget(days(90) - SignedDuration::from_secs(1));
    assert_eq!(journal.announced().len(), 1);
    journal.forget(days(90));
    assert_eq!((journal.begun.len(), journal.held.len(), journal.announced().len()), (0, 0, 0));
    // An open change waits for somebody to look at the bucket.
    assert_eq!(journal.open().len(), 1);
}

#[test]
fn a_change_is_abandoned_when_its_function_cannot_live_any_more() {
    let minutes = |minutes| NOW + SignedDuration::from_mins(minutes);
    assert!(!change("a", "ledger").is_abandoned(minutes(15)));
    assert!(change("a", "ledger").is_abandoned(minutes(16)));
}

#[test]
fn how_far_a_change_got_is_seen_by_the_bucket() {
    let begun = change("a", "ledger");
    let with_key = OpenChange { intended: Some(kms(Some("ours"))), key_arn: Some("ours".to_owned()), ..begun.clone() };
    let half = BucketEncryption { bucket_key_enabled: false, ..kms(Some("ours")) };
    // Amazon S3 has filled in what was left out.
    let blocking = |encryption| BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..encryption };
    let back = OpenChange {
        kind: ChangeKind::Rollback,
        before: Some(kms(Some("ours"))),
        intended: Some(sample::sse_s3()),
        key_arn: Some("ours".to_owned()),
        ..begun.clone()
    };
    let back_to_nothing = OpenChange { intended: None, ..back.clone() };
    let sse_s3 = sample::sse_s3();
    let cases = [
        (&begun, Some(&sse_s3), Found::Untouched),
        (&begun, Some(&kms(Some("theirs"))), Found::Other),
        (&with_key, Some(&sse_s3), Found::Untouched),
        (&with_key, Some(&kms(Some("ours"))), Found::Done),
        (&with_key, Some(&blocking(kms(Some("ours")))), Found::Done),
        (&back, Some(&blocking(sample::sse_s3())), Found::Done),
        (&with_key, Some(&half), Found::Half),
        (&with_key, Some(&kms(Some("theirs"))), Found::Other),
        (&with_key, None, Found::Other),
        (&back, Some(&kms(Some("ours"))), Found::Untouched),
        (&back, Some(&sse_s3), Found::Done),
        (&back, Some(&kms(Some("theirs"))), Found::Other),
        (&back_to_nothing, None, Found::Done),
    ];
    for (change, shown, expected) in cases {
        assert_eq!(change.found(shown), expected, "{:?} shows {shown:?}", change.kind);
    }
}

/// What a scan leaves behind that has decided so, and knew of these announcements by earlier scans.
fn settle(
    journal: &mut Journal,
    run_id: &str,
    (told, is_whole): (&[&str], bool),
    records: &[RemediationRecord],
    at: Timestamp,
) -> u64 {
    let known = |bucket: &&str| Some(((*bucket).to_owned(), journal.announced().get(*bucket)?.clone()));
    let told = told.iter().filter_map(known).collect();
    journal.settle(Settled { run_id, told: &told, is_whole, cursor: None }, records, at)
}

fn decided(run_id: &str, bucket: &str, outcome: RemediationOutcome, codes: &[ReasonCode]) -> RemediationRecord {
    let reasons = codes.iter().map(|code| Reason::new(*code, "a reason")).collect();
    RemediationRecord {
        change_id: None,
        reasons,
        ..change(run_id, bucket).record(run_id, outcome, String::new(), None, NOW)
    }
}

fn announced(run_id: &str, bucket: &str) -> RemediationRecord {
    decided(run_id, bucket, RemediationOutcome::Announced, &[])
}

#[test]
fn an_announcement_stands_as_long_as_it_was_told_and_nothing_else_is_decided() {
    use ReasonCode::{BeingChanged, HasKey, OptedOut, RunLimit, TimeUsedUp, Unreadable};
    let skipped = |codes: &[ReasonCode]| decided("b", "ledger", RemediationOutcome::Skipped, codes);
    // (what the next scan decides, whether people were told, whether it looked at all buckets, whether it stands)
    let cases: [(&[RemediationRecord], &[&str], bool, bool); 9] = [
        (&[skipped(&[RunLimit])], &["ledger"], true, true),
        (&[skipped(&[TimeUsedUp])], &["ledger"], true, true),
        (&[skipped(&[Unreadable, BeingChanged])], &["ledger"], true, true),
        (&[skipped(&[Unreadable, OptedOut])], &["ledger"], true, false),
        (&[skipped(&[HasKey])], &["ledger"], true, false),
        (&[], &["ledger"], false, true),
        // Of all that were looked at it needs no change any more.
        (&[], &["ledger"], true, false),
        // No alert has named it.
        (&[skipped(&[RunLimit])], &[], true, false),
        (&[], &[], false, false),
    ];
    for (records, told, is_whole, stands) in cases {
        let mut journal = Journal::default();
        settle(&mut journal, "a", (&[], true), &[announced("a", "ledger")], NOW);
        let announcement = journal.announced()["ledger"].clone();
        assert_eq!((announcement.scan_id.as_str(), announcement.at), ("a", NOW));
        assert!(announcement.is_of(&change("b", "ledger")));
        assert!(!announcement.is_of(&OpenChange { before: Some(kms(Some("theirs"))), ..change("b", "ledger") }));
        assert!(!announcement.is_of(&OpenChange { intended: Some(kms(Some("ours"))), ..change("b", "ledger") }));
        settle(&mut journal, "b", (told, is_whole), records, NOW);
        assert_eq!(journal.announced().contains_key("ledger"), stands, "{records:?} {told:?} {is_whole}");
    }
}

#[test]
fn an_announcement_ends_with_its_change_and_a_late_attempt_does_not_bring_it_back() {
    let later = NOW + SignedDuration::from_hours(6);
    for (outcome, kind) in [
        (RemediationOutcome::Applied, ChangeKind::Apply),
        (RemediationOutcome::Failed, ChangeKind::Apply),
        (RemediationOutcome::RolledBack, ChangeKind::Rollback),
    ] {
        let mut journal = Journal::default();
        settle(&mut journal, "a", (&[], true), &[announced("a", "ledger")], NOW);
        let change = OpenChange { kind, begun_at: later, ..change("b", "ledger") };
        assert_eq!(told(begin_at_once(&mut journal, &change, None)), "new");
        assert!(journal.announced().contains_key("ledger"));
        journal.end(&change.record("b", outcome, String::new(), None, later));
        assert!(journal.announced().is_empty(), "{outcome:?}");
        settle(&mut journal, "a", (&[], true), &[announced("a", "ledger")], later);
        assert!(journal.announced().is_empty(), "{outcome:?}");
    }
}

#[test]
fn a_bucket_that_was_changed_twice_and_needs_it_again_drifts_until_somebody_names_it() {
    let hours = |hours| NOW + SignedDuration::from_hours(hours);
    let apply = |journal: &mut Journal, run: &str, at: Timestamp, named: bool| {
        let change = OpenChange { begun_at: at, ..change(run, "ledger") };
        assert_eq!(told(journal.begin(&change, Terms { named, ..ANY }, at)), "new");
        journal.end(&change.record(run, change.success(), String::new(), None, at));
    };
    let mut journal = Journal::default();
    apply(&mut journal, "a", hours(0), false);
    assert_eq!(journal.drift("ledger", hours(1)), None, "once is no drift");
    apply(&mut journal, "b", hours(6), false);
    let reason = journal.drift("ledger", hours(12)).unwrap();
    assert_eq!(reason.code, ReasonCode::Drift);
    assert!(reason.text.contains("2 times") && reason.text.contains("reapply"), "{reason}");

    // The scan that finds it says so, and an attempt of it that is repeated; later ones do not.
    let drifting = |run| [decided(run, "ledger", RemediationOutcome::Skipped, &[ReasonCode::Drift])];
    assert_eq!(settle(&mut journal, "c", (&[], true), &drifting("c"), hours(12)), 1);
    assert_eq!(settle(&mut journal, "c", (&[], true), &drifting("c"), hours(12)), 1);
    assert_eq!(settle(&mut journal, "d", (&[], true), &drifting("d"), hours(18)), 0);

    let mut named = journal.clone();
    apply(&mut named, "e", hours(24), true);
    assert_eq!(named.drift("ledger", hours(25)), None, "it is counted anew");
    apply(&mut named, "f", hours(30), false);
    assert!(named.drift("ledger", hours(31)).is_some());

    // A rollback of ours is no drift.
    let mut taken_back = journal.clone();
    let hold = Hold { rollback_id: "r".to_owned(), requested_by: "someone".to_owned(), since: hours(20) };
    taken_back.hold_back("ledger", hold);
    assert_eq!(taken_back.drift("ledger", hours(21)), None);

    // It is forgotten 90 days after the last that was heard of it.
    let last = hours(12 + 90 * 24);
    assert!(journal.drift("ledger", last - SignedDuration::from_secs(1)).is_some());
    assert_eq!(journal.drift("ledger", last), None);
    journal.forget(last);
    assert!(journal.rounds.is_empty());
}

/// It was written before there were announcements.
#[tokio::test]
async fn a_journal_of_an_earlier_version_is_understood() {
    let store = MemoryStore::default();
    let earlier = "{\"open\": [], \"begun\": {}, \"held\": {}}";
    let _ = store.put(keys::JOURNAL, "application/json", earlier.into(), Condition::None).await.unwrap();
    assert_eq!(Journal::load(&store).await, Ok(Journal::default()));
}

/// One run is stopped between reading the journal and writing it, while another one writes.
#[tokio::test]
async fn an_update_starts_anew_from_what_another_run_has_written_meanwhile() {
    let begin = async |store: &dyn ArtifactStore, run| {
        let change = change(run, "ledger");
        Journal::update(store, NOW, |journal| journal.begin(&change, ANY, NOW)).await.unwrap()
    };
    let store = MemoryStore::default();
    let interruption = Interruption::default();
    let interrupted = InterruptedStore { store: store.clone(), interruption: interruption.clone(), refuses: false };
    interruption.after(0);
    let (first, second) = tokio::join!(begin(&interrupted, "a"), async {
        assert_eq!(interruption.happened().await, format!("get {}", keys::JOURNAL));
        let begun = begin(&store, "b").await;
        interruption.resume();
        begun
    });
    assert_eq!((told(first), told(second)), ("BeingChanged".to_owned(), "new".to_owned()));
    assert_eq!(Journal::load(&store).await.unwrap().open(), [change("b", "ledger")]);
}

#[tokio::test]
async fn a_journal_that_is_always_written_by_others_is_an_error_and_one_that_is_not_understood_too() {
    /// A store in which somebody else is always faster.
    struct Contended(MemoryStore);

    #[async_trait::async_trait]
    impl ArtifactStore for Contended {
        async fn get(&self, key: &str) -> Result<Option<audit_artifacts::Stored>, TaskError> {
            self.0.get(key).await
        }
        async fn open(&self, key: &str) -> Result<Option<audit_artifacts::ArtifactReader>, TaskError> {
            self.0.open(key).await
        }
        async fn put(&self, _: &str, _: &str, _: bytes::Bytes, condition: Condition) -> Result<PutOutcome, TaskError> {
            assert_ne!(condition, Condition::None);
            Ok(PutOutcome::ConditionFailed)
        }
        async fn create(&self, key: &str, kind: &str) -> Result<Box<dyn audit_artifacts::ArtifactWriter>, TaskError> {
            self.0.create(key, kind).await
        }
    }

    let store = Contended(MemoryStore::default());
    let edit = |journal: &mut Journal| journal.abandon("b");
    assert_eq!(Journal::update(&store, NOW, edit).await, Ok(()), "what changes nothing is not written");
    let edit = |journal: &mut Journal| journal.begin(&change("a", "b"), ANY, NOW);
    assert_eq!(Journal::update(&store, NOW, edit).await.unwrap_err().name(), "Unavailable");
    let _ = store.0.put(keys::JOURNAL, "application/json", "{}".into(), Condition::None).await.unwrap();
    assert_eq!(Journal::update(&store, NOW, edit).await.unwrap_err().name(), "Corrupt");
    assert_eq!(Journal::load(&store).await.unwrap_err().name(), "Corrupt");
}
