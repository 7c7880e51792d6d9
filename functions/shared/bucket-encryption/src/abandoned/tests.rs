use std::num::NonZeroU32;
use std::time::Duration;

use audit_artifacts::{MemoryStore, keys, sample};
use audit_model::resource::BucketEncryption;
use audit_model::{Reading, Unreadable};
use jiff::{SignedDuration, Timestamp};
use pretty_assertions::assert_eq;

use super::*;
use crate::memory::MemoryEncryption;
use crate::{ChangeKind, LEASE, Patience};

fn with_key(key: &str) -> BucketEncryption {
    BucketEncryption {
        algorithm: "aws:kms".to_owned(),
        kms_key_id: Some(key.to_owned()),
        bucket_key_enabled: true,
        blocked_encryption_types: Vec::new(),
    }
}

fn change(run_id: &str) -> OpenChange {
    OpenChange {
        run_id: run_id.to_owned(),
        kind: ChangeKind::Apply,
        bucket: "ledger".to_owned(),
        bucket_arn: "arn:aws:s3:::ledger".to_owned(),
        rules: vec!["a-rule".to_owned()],
        before: Some(sample::sse_s3()),
        intended: Some(with_key("ours")),
        key_arn: Some("ours".to_owned()),
        calls: Vec::new(),
        requested_by: "whoever asked first".to_owned(),
        execution_arn: "the first execution".to_owned(),
        begun_at: sample::AGGREGATED_AT,
        touched_at: sample::AGGREGATED_AT,
    }
}

/// A journal with one change of `ledger` that a run has begun, the bucket as it shows itself when the run `later`
/// comes, `None` when it is gone; with the records of the run that began it.
async fn finished(
    run_id: &str,
    shown: Option<Reading<BucketEncryption>>,
    after: SignedDuration,
) -> (Records, Journal, MemoryEncryption) {
    finished_in(&MemoryStore::default(), run_id, shown, after).await
}

async fn finished_in(
    store: &MemoryStore,
    run_id: &str,
    shown: Option<Reading<BucketEncryption>>,
    after: SignedDuration,
) -> (Records, Journal, MemoryEncryption) {
    let account = MemoryEncryption::default();
    if let Some(shown) = shown {
        account.put("ledger", shown);
    }
    let now = move || -> Timestamp { sample::AGGREGATED_AT + after };
    let patience = Patience { attempts: NonZeroU32::MIN, pause: Duration::ZERO };
    let changes = Changes { store, encryption: &account, now: &now, patience };
    let change = change(run_id);
    let earlier = Changes { now: &|| sample::AGGREGATED_AT, ..changes };
    assert!(matches!(earlier.begin(&change, crate::Terms::default()).await.unwrap(), crate::Begun::New(_)));
    finish_abandoned(changes, "later").await.unwrap();
    let records = Records::load(store, keys::remediation(run_id)).await.unwrap();
    (records, Journal::load(store).await.unwrap(), account)
}

#[tokio::test]
async fn a_change_that_was_made_is_recorded_for_who_asked_and_one_that_was_not_is_forgotten() {
    let cases = [
        (Reading::seen(with_key("ours")), Some(RemediationOutcome::Applied)),
        (
            Reading::seen(BucketEncryption { bucket_key_enabled: false, ..with_key("ours") }),
            Some(RemediationOutcome::Failed),
        ),
        (Reading::seen(with_key("theirs")), Some(RemediationOutcome::Failed)),
        (Reading::seen(sample::sse_s3()), None),
    ];
    for (shown, expected) in cases {
        let (records, journal, account) = finished("earlier", Some(shown.clone()), LEASE).await;
        assert_eq!(journal.open(), [], "{shown:?}");
        assert_eq!(account.writes(), 0, "{shown:?}");
        let recorded: Vec<_> = records.all().collect();
        assert_eq!(recorded.first().map(|record| record.outcome), expected, "{shown:?}");
        for record in recorded {
            assert_eq!((record.run_id.as_str(), record.change_id.as_deref()), ("earlier", Some("earlier/ledger")));
            assert_eq!(
                (record.before.clone(), record.after.clone()),
                (Some(Reading::seen(sample::sse_s3())), Some(shown.clone()))
            );
            assert_eq!(
                (record.requested_by.as_str(), record.execution_arn.as_str()),
                ("whoever asked first", "the first execution")
            );
            assert!(record.result.as_ref().unwrap().contains("a later one looked"), "{record:?}");
        }
    }
}

/// The run died between the record and the journal.
#[tokio::test]
async fn a_change_that_its_own_run_has_recorded_is_not_recorded_twice() {
    let (store, change) = (MemoryStore::default(), change("earlier"));
    let mut records = Records::load(&store, keys::remediation("earlier")).await.unwrap();
    records.add(change.record("earlier", RemediationOutcome::Applied, "set".to_owned(), None, change.begun_at));
    records.save(&store).await.unwrap();
    let shown = Some(Reading::seen(with_key("ours")));
    let (records, journal, account) = finished_in(&store, "earlier", shown, LEASE).await;
    assert_eq!((records.all().count(), journal.open().len(), account.calls()), (1, 0, Vec::new()));
}

#[tokio::test]
async fn a_change_under_way_is_left_to_its_run_and_a_bucket_that_is_gone_is_told() {
    let not_yet = LEASE - SignedDuration::from_secs(1);
    let (records, journal, account) = finished("earlier", Some(Reading::seen(with_key("ours"))), not_yet).await;
    assert_eq!((records.all().count(), journal.open().len(), account.calls()), (0, 1, Vec::new()));

    // What this run's own earlier attempt has begun and not recorded is for this run to go on with.
    let (records, journal, _) = finished("later", Some(Reading::seen(with_key("ours"))), LEASE).await;
    assert_eq!((records.all().count(), journal.open().len()), (0, 1));

    let (records, journal, _) = finished("earlier", None, LEASE).await;
    let outcomes: Vec<_> = records.all().map(|record| record.outcome).collect();
    assert_eq!((outcomes, journal.open().len()), (vec![RemediationOutcome::Failed], 0));

    let denied = Unreadable {
        action: "s3:GetEncryptionConfiguration".to_owned(),
        cause: UnreadableCause::AccessDenied,
        detail: "AccessDenied".to_owned(),
    };
    let (records, journal, _) = finished("earlier", Some(Reading::Unreadable(denied)), LEASE).await;
    assert_eq!((records.all().count(), journal.open().len()), (0, 1));
}
