//! The task stopped after each of its calls in turn: for good, and while another run works.

use audit_model::remediation::RemediationRecord;
use bucket_encryption::LEASE;
use pretty_assertions::assert_eq;

use super::announced::{alert, announced_in};
use super::*;

const NAMES: [&str; 2] = ["ledger", "payments"];

/// The scene of one interruption.
struct Scene {
    account: Account,
    store: MemoryStore,
    interruption: Interruption,
}

impl Scene {
    async fn new() -> Self {
        Self::of(plan_with(10)).await
    }

    async fn of(plan: Plan) -> Self {
        let account = Account::new(NAMES.map(|name| (name, sse_s3_bucket())));
        let interruption = account.interruption().clone();
        Self { account, store: scan_of(plan, &NAMES).await, interruption }
    }

    fn interrupted_store(&self) -> InterruptedStore<MemoryStore> {
        InterruptedStore { store: self.store.clone(), interruption: self.interruption.clone(), refuses: false }
    }

    /// Runs the task until it has made so many calls, and then never again. Gives the last call, or `None` when the task
    /// came to its end before.
    async fn crash_after(&self, calls: usize) -> Option<String> {
        self.interruption.after(calls);
        let store = self.interrupted_store();
        let crashed = tokio::select! {
            biased;
            output = remediate(&store, &self.account) => { output.unwrap(); None }
            call = self.interruption.happened() => Some(call),
        };
        self.interruption.after(usize::MAX);
        crashed
    }

    /// Runs the remediation of a scan that comes when the first one is gone, and finds these buckets without a key. It has
    /// another id, and so records of its own; what the first one did is recorded among the first one's.
    async fn later_scan(&self, failing: &[&str]) -> Vec<RemediationRecord> {
        self.later_scan_of(asked_for(), failing).await
    }

    async fn later_scan_of(&self, plan: Plan, failing: &[&str]) -> Vec<RemediationRecord> {
        let store = as_scan(LATER, &self.store, plan, failing).await;
        let now = || sample::AGGREGATED_AT + LEASE;
        let account = &self.account;
        let ports =
            Ports { store: &store, buckets: account, encryption: &account.encryption, keys: account, now: &now };
        handle(&RemediateInput { scan_id: LATER.to_owned() }, ports, &settings()).await.unwrap();
        let text = store.text(&keys::remediation(LATER)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Whatever happens: a bucket has an encryption, what is not as before is in the journal or recorded, and no bucket has
    /// two keys.
    async fn assert_sound(&self, records: &[RemediationRecord], when: &str) {
        let journal = Journal::load(&self.store).await.unwrap();
        for name in NAMES {
            let encryption = self.account.encryption_of(name);
            assert!(encryption.is_some(), "{when}: {name} has no encryption");
            let keys = self.account.keys().iter().filter(|key| key.bucket == name).count();
            assert!(keys <= 1, "{when}: {name} has {keys} keys");
            let changed = encryption != Some(sample::sse_s3());
            let of_bucket =
                |record: &&RemediationRecord| record.bucket == name && record.outcome == RemediationOutcome::Applied;
            let recorded = records.iter().filter(of_bucket).count();
            let open = journal.open().iter().any(|change| change.bucket == name);
            assert!(!changed || open || recorded == 1, "{when}: {name} was changed, and recorded {recorded} times");
            assert!(recorded <= 1, "{when}: {name} is recorded {recorded} times");
        }
    }
}

fn records_if_any(store: &MemoryStore) -> Vec<RemediationRecord> {
    if store.text(&keys::remediation(sample::SCAN_ID)).is_some() { records(store) } else { Vec::new() }
}

/// Both buckets are encrypted with keys of their own, and there is one record for each change.
fn assert_done(scene: &Scene, records: &[RemediationRecord], when: &str) {
    for name in NAMES {
        let of_bucket =
            |record: &&RemediationRecord| record.bucket == name && record.outcome == RemediationOutcome::Applied;
        let [record] = records.iter().filter(of_bucket).collect::<Vec<_>>()[..] else {
            panic!("{when}: {name}: {records:?}")
        };
        let now = scene.account.encryption_of(name).unwrap();
        assert_eq!(record.before, Some(Reading::seen(sample::sse_s3())), "{when}");
        assert_eq!(record.after, Some(Reading::seen(now.clone())), "{when}");
        let [key] = &scene.account.keys().into_iter().filter(|key| key.bucket == name).collect::<Vec<_>>()[..] else {
            panic!("{when}: {:?}", scene.account.keys())
        };
        assert_eq!((now.kms_key_id.as_ref(), key.named, key.rotates), (Some(&key.arn), true, true), "{when}");
    }
}

#[tokio::test]
async fn a_crash_after_any_call_is_made_good_by_the_next_attempt() {
    for calls in 0.. {
        let scene = Scene::new().await;
        let crashed = scene.crash_after(calls).await;
        let when = format!("crash after call {calls}, {crashed:?}");
        scene.assert_sound(&records_if_any(&scene.store), &when).await;
        let output = remediate(&scene.store, &scene.account).await.unwrap();
        let pending = records(&scene.store).iter().filter(|record| codes(record) == [ReasonCode::KeyPending]).count();
        if pending == 0 {
            assert_eq!(counts(&output), (2, 0, 0, 0), "{when}");
            assert_done(&scene, &records(&scene.store), &when);
            assert_eq!(Journal::load(&scene.store).await.unwrap().open(), [], "{when}");
        } else {
            // The one who died may still be about to make a key: the next scan, hours later, does it.
            scene.assert_sound(&records(&scene.store), &when).await;
            let second = scene.later_scan(&NAMES).await;
            let both: Vec<_> = records(&scene.store).into_iter().chain(second).collect();
            assert_done(&scene, &both, &when);
        }
        if crashed.is_none() {
            assert!(calls > 40, "only {calls} calls were seen");
            return;
        }
    }
}

/// The next scan comes after a crash from which no attempt has recovered, be the bucket a candidate of it or not.
#[tokio::test]
async fn a_crash_after_any_call_is_made_good_by_the_next_scan() {
    for calls in 0.. {
        let scene = Scene::new().await;
        let crashed = scene.crash_after(calls).await;
        let when = format!("crash after call {calls}, {crashed:?}");
        let failing: Vec<&str> =
            NAMES.into_iter().filter(|name| scene.account.encryption_of(name) == Some(sample::sse_s3())).collect();
        let second = scene.later_scan(&failing).await;
        let both: Vec<RemediationRecord> = records_if_any(&scene.store).into_iter().chain(second).collect();
        assert_done(&scene, &both, &when);
        assert_eq!(Journal::load(&scene.store).await.unwrap().open(), [], "{when}");
        if crashed.is_none() {
            return;
        }
    }
}

const LATER: &str = "20261123T120000Z-aaaaaaaa";

/// A later scan in the same store.
pub(crate) async fn as_scan(scan_id: &str, store: &MemoryStore, plan: Plan, buckets: &[&str]) -> MemoryStore {
    let next = scan_of(plan.clone(), buckets).await;
    for key in next.keys() {
        let content = match next.text(&key) {
            Some(text) => text.replace(sample::SCAN_ID, scan_id).into(),
            // Findings are compressed, and name no scan.
            None => next.get(&key).await.unwrap().unwrap().content,
        };
        let key = key.replace(sample::SCAN_ID, scan_id);
        let _ = store.put(&key, "application/json", content, audit_artifacts::Condition::None).await.unwrap();
    }
    // The sample's plan lies under the sample's id.
    let plan = Plan { scan_id: scan_id.to_owned(), ..plan };
    audit_artifacts::ArtifactStoreExt::replace_json(store, &keys::plan(scan_id), &plan).await.unwrap();
    store.clone()
}

/// One run is stopped after each of its calls in turn, another one works from its beginning to its end, and the first one
/// goes on. The other one is a second attempt of the same scan, or another scan.
#[tokio::test]
async fn two_runs_at_once_end_with_one_key_and_one_record_for_each_change() {
    for same_scan in [true, false] {
        for calls in 0.. {
            let scene = Scene::new().await;
            scene.interruption.after(calls);
            let store = scene.interrupted_store();
            let other_scan = as_scan(LATER, &scene.store, asked_for(), &NAMES).await;
            let Scene { account, .. } = &scene;
            let now = || sample::AGGREGATED_AT;
            let other = async {
                let at = scene.interruption.happened().await;
                let scan_id = if same_scan { sample::SCAN_ID } else { LATER };
                let ports = Ports {
                    store: &other_scan,
                    buckets: account,
                    encryption: &account.encryption,
                    keys: account,
                    now: &now,
                };
                handle(&RemediateInput { scan_id: scan_id.to_owned() }, ports, &settings()).await.unwrap();
                scene.interruption.resume();
                at
            };
            let one = remediate(&store, account);
            tokio::pin!(one, other);
            let stopped_at = tokio::select! {
                biased;
                output = &mut one => { output.unwrap(); None }
                at = &mut other => { one.await.unwrap(); Some(at) }
            };
            let when = format!("stopped after call {calls}, {stopped_at:?}, same scan: {same_scan}");
            let mut all = records(&scene.store);
            if let Some(text) = other_scan.text(&keys::remediation(LATER)) {
                all.extend(text.lines().map(|line| serde_json::from_str::<RemediationRecord>(line).unwrap()));
            }
            assert_done(&scene, &all, &when);
            assert_eq!(Journal::load(&scene.store).await.unwrap().open(), [], "{when}");
            if same_scan {
                scene.interruption.after(usize::MAX);
                assert_eq!(counts(&remediate(&scene.store, account).await.unwrap()), (2, 0, 0, 0), "{when}");
            }
            if stopped_at.is_none() {
                assert!(calls > 40, "only {calls} calls were seen");
                break;
            }
        }
    }
}

/// A first attempt is stopped before it writes. Meanwhile a second one changes the bucket, and a rollback gives back what
/// was there: then the first one goes on.
#[tokio::test]
async fn an_attempt_that_comes_too_late_does_not_change_the_bucket_again() {
    let scene = Scene::new().await;
    let Scene { account, store, interruption } = &scene;
    let (copy, copied) = (Account::new(NAMES.map(|name| (name, sse_s3_bucket()))), Scene::new().await.store);
    remediate(&copied, &copy).await.unwrap();
    let before_trying = copy.encryption.calls().iter().position(|call| call == "kms:GenerateDataKeyWithoutPlaintext");
    interruption.after(before_trying.unwrap());
    let (first, ()) = tokio::join!(remediate(store, account), async {
        assert_eq!(interruption.happened().await, "kms:GenerateDataKeyWithoutPlaintext");
        remediate(store, account).await.unwrap();
        account.encryption.put("ledger", Reading::seen(sample::sse_s3()));
        interruption.resume();
    });
    assert_eq!(counts(&first.unwrap()), (2, 0, 0, 0), "it tells what the second one has done");
    assert_eq!(account.encryption_of("ledger"), Some(sample::sse_s3()));
}

/// Whoever opts a bucket out while a change of it waits for another attempt is heard.
#[tokio::test]
async fn a_change_that_was_begun_and_did_not_reach_the_bucket_is_decided_about_anew() {
    let mut begun = 0;
    for calls in 0.. {
        let scene = Scene::new().await;
        if scene.crash_after(calls).await.is_none() {
            break;
        }
        if scene.account.encryption_of("ledger") != Some(sample::sse_s3()) {
            continue;
        }
        begun += Journal::load(&scene.store).await.unwrap().open().len();
        let opted_out = account::opted_out();
        scene.account.change_readings("ledger", |ledger| *ledger = opted_out);
        remediate(&scene.store, &scene.account).await.unwrap();
        let records = records(&scene.store);
        assert_eq!(codes(&records[0]), [ReasonCode::OptedOut], "crash after call {calls}");
        assert_eq!(scene.account.encryption_of("ledger"), Some(sample::sse_s3()), "crash after call {calls}");
        assert_eq!(Journal::load(&scene.store).await.unwrap().open(), [], "crash after call {calls}");
    }
    assert!(begun > 3, "only {begun} crashes left a change open");
}

/// Another deployment in the account, whose journal nobody here knows, makes the bucket's key right after this one has seen
/// that there is none: it looks ahead of the bucket's turn, when the turn comes, and before it makes the key.
#[tokio::test]
async fn a_key_that_appears_at_the_last_moment_is_not_doubled() {
    let account = Account::new([("ledger", sse_s3_bucket())]);
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    let calls = account_calls_until_nth(&store, &account, "kms:ListAliases", 1).await;
    account.interruption().after(calls);
    let interruption = account.interruption().clone();
    let (output, key) = tokio::join!(remediate(&store, &account), async {
        assert_eq!(interruption.happened().await, "kms:ListAliases");
        let key = account.add_key("ledger", true, "Enabled");
        interruption.resume();
        key
    });
    assert_eq!(counts(&output.unwrap()), (0, 0, 1, 0));
    assert_eq!(account.only_key().arn, key);
    assert_eq!((account.encryption.writes(), Journal::load(&store).await.unwrap().open()), (0, &[][..]));
}

/// Gives the bucket its key, and stops before that is recorded.
async fn crashed_after_the_write() -> Scene {
    for calls in 0.. {
        let scene = Scene::new().await;
        if scene.crash_after(calls).await.as_deref() == Some("s3:PutEncryptionConfiguration") {
            return scene;
        }
    }
    unreachable!()
}

/// Amazon S3 may fail to answer, and may answer for a while with what was there before.
#[tokio::test]
async fn what_was_written_is_recorded_even_if_it_is_not_seen_at_once() {
    // Seen at the second look, in the same attempt.
    let scene = crashed_after_the_write().await;
    scene.account.encryption.show_first("ledger", [Reading::seen(sample::sse_s3())]);
    assert_eq!(counts(&remediate(&scene.store, &scene.account).await.unwrap()), (2, 0, 0, 0));
    assert_done(&scene, &records(&scene.store), "stale once");

    // Not seen at all: the bucket is left alone, and the change is not forgotten.
    let unseen = [Reading::seen(sample::sse_s3()), denied("s3:GetEncryptionConfiguration")];
    for first in [vec![denied("s3:GetEncryptionConfiguration")], unseen.to_vec()] {
        let scene = crashed_after_the_write().await;
        scene.account.encryption.show_first("ledger", first);
        assert_eq!(counts(&remediate(&scene.store, &scene.account).await.unwrap()), (1, 0, 1, 0));
        let ledger = records(&scene.store).into_iter().find(|record| record.bucket == "ledger").unwrap();
        assert_eq!(codes(&ledger), [ReasonCode::Unreadable]);
        let open = Journal::load(&scene.store).await.unwrap();
        assert_eq!(open.open().iter().map(|change| change.bucket.as_str()).collect::<Vec<_>>(), ["ledger"]);
        // The next scan records it, though the bucket is none of its candidates.
        assert_eq!(scene.later_scan(&[]).await, []);
        assert_done(&scene, &records(&scene.store), "seen by the next scan");
    }
}

/// What was begun counts once against the limit of the day.
#[tokio::test]
async fn a_crash_does_not_use_up_the_limit_of_the_day() {
    for calls in 0.. {
        let scene = Scene::new().await;
        let mut plan = asked_for();
        plan.policy.remediation.max_buckets_per_day = 2;
        next_scan(&scene.store, plan, &NAMES).await;
        if scene.crash_after(calls).await.is_none() {
            break;
        }
        remediate(&scene.store, &scene.account).await.unwrap();
        let limited = records(&scene.store).iter().any(|record| codes(record).contains(&ReasonCode::DayLimit));
        assert!(!limited, "crash after call {calls}: {:?}", records(&scene.store));
    }
}

/// AWS KMS made the key, its answer was lost, and listings do not show it yet.
#[tokio::test]
async fn a_key_whose_answer_was_lost_is_found_by_its_tag_and_no_second_one_is_made() {
    let account = Account::new([("ledger", sse_s3_bucket())]);
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    account.lose_answers_of_kms();
    account.hide_new_keys(true);
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 0, 1));
    assert!(only_record(&store).result.unwrap().contains("whether its key was made is not known"));

    // Neither a retry of the task nor a scan at once must make another one.
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 0, 1));
    let soon = as_scan(LATER, &store, asked_for(), &["ledger"]).await;
    let input = RemediateInput { scan_id: LATER.to_owned() };
    let now = || sample::AGGREGATED_AT + SignedDuration::from_mins(1);
    let ports = Ports { store: &soon, buckets: &account, encryption: &account.encryption, keys: &account, now: &now };
    assert_eq!(counts(&handle(&input, ports, &settings()).await.unwrap()), (0, 0, 1, 0));

    account.hide_new_keys(false);
    soon.remove(&keys::remediation(LATER));
    let later = || sample::AGGREGATED_AT + LEASE;
    let ports = Ports { now: &later, ..ports };
    assert_eq!(counts(&handle(&input, ports, &settings()).await.unwrap()), (1, 0, 0, 0));
    assert_eq!(account.encryption_of("ledger").unwrap().kms_key_id, Some(account.only_key().arn));
}

/// By the schedule: a first scan announces and is stopped after each of its calls in turn, and its next attempt, if there is
/// one, goes on; the alert names what is recorded by then; the next scan is stopped after each of its calls, too.
#[tokio::test]
async fn wherever_it_is_stopped_nothing_is_announced_twice_or_changed_without_being_announced() {
    for is_tried_again in [true, false] {
        for calls in 0.. {
            let scene = Scene::of(sample::plan()).await;
            let crashed = scene.crash_after(calls).await;
            if is_tried_again {
                remediate(&scene.store, &scene.account).await.unwrap();
            }
            let when = format!("crash after call {calls}, {crashed:?}, tried again: {is_tried_again}");
            assert_eq!(scene.account.encryption.writes(), 0, "{when}");
            let first = records_if_any(&scene.store);
            let told: Vec<&str> = announced_in(&first);
            assert!(told.is_empty() || told == NAMES, "{when}: {told:?}");
            assert!(!is_tried_again || told == NAMES, "{when}: {told:?}");
            alert(&scene.store, sample::SCAN_ID, &told).await;

            let second = scene.later_scan_of(sample::plan(), &NAMES).await;
            for name in NAMES {
                let of_bucket: Vec<_> = second.iter().filter(|record| record.bucket == name).collect();
                let [record] = of_bucket[..] else { panic!("{when}: {second:?}") };
                let is_changed = scene.account.encryption_of(name) != Some(sample::sse_s3());
                let expected = if is_changed { RemediationOutcome::Applied } else { RemediationOutcome::Announced };
                assert_eq!(record.outcome, expected, "{when}");
                assert!(!is_changed || told.contains(&name), "{when}: {name} was changed without being announced");
                assert!(is_changed || !is_tried_again, "{when}: {name} was announced, and not changed");
            }
            if crashed.is_none() {
                assert!(calls > 10, "only {calls} calls were seen");
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_was_announced_is_changed_once_wherever_the_scan_that_does_it_is_stopped() {
    for calls in 0.. {
        let scene = Scene::of(sample::plan()).await;
        alert(&scene.store, EARLIER, &NAMES).await;
        as_scan(EARLIER, &scene.store, sample::plan(), &NAMES).await;
        let now = || sample::STARTED_AT;
        let Scene { account, store, .. } = &scene;
        let ports = Ports { store, buckets: account, encryption: &account.encryption, keys: account, now: &now };
        let earlier = handle(&RemediateInput { scan_id: EARLIER.to_owned() }, ports, &settings()).await.unwrap();
        assert_eq!(earlier.announced, 2);
        let crashed = scene.crash_after(calls).await;
        let when = format!("crash after call {calls}, {crashed:?}");
        scene.assert_sound(&records_if_any(store), &when).await;
        remediate(store, account).await.unwrap();
        let pending = records(store).iter().any(|record| codes(record) == [ReasonCode::KeyPending]);
        if pending {
            // The next scan does it: whoever began it was allowed to, and the alert of the first one was sent.
            let second = scene.later_scan_of(asked_for(), &NAMES).await;
            assert_done(&scene, &records(store).into_iter().chain(second).collect::<Vec<_>>(), &when);
        } else {
            assert_done(&scene, &records(store), &when);
            assert!(Journal::load(store).await.unwrap().announced().is_empty(), "{when}");
        }
        if crashed.is_none() {
            assert!(calls > 40, "only {calls} calls were seen");
            break;
        }
    }
}

const EARLIER: &str = "20261123T000000Z-bbbbbbbb";
