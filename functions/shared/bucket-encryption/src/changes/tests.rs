use std::num::NonZeroU32;
use std::time::Duration;

use audit_artifacts::{MemoryStore, sample};
use audit_model::{Unreadable, UnreadableCause};
use pretty_assertions::assert_eq;

use super::*;
use crate::ChangeKind;
use crate::memory::MemoryEncryption;

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1";

fn kms() -> BucketEncryption {
    BucketEncryption {
        algorithm: "aws:kms".to_owned(),
        kms_key_id: Some(KEY.to_owned()),
        bucket_key_enabled: true,
        blocked_encryption_types: vec!["SSE-C".to_owned()],
    }
}

fn change(before: Option<BucketEncryption>) -> OpenChange {
    OpenChange {
        run_id: "scan".to_owned(),
        kind: ChangeKind::Apply,
        bucket: "ledger".to_owned(),
        bucket_arn: "arn:aws:s3:::ledger".to_owned(),
        rules: Vec::new(),
        before,
        intended: Some(kms()),
        key_arn: Some(KEY.to_owned()),
        calls: Vec::new(),
        requested_by: "the schedule".to_owned(),
        execution_arn: "execution".to_owned(),
        begun_at: sample::AGGREGATED_AT,
        touched_at: sample::AGGREGATED_AT,
    }
}

async fn write(
    buckets: &dyn DefaultEncryption,
    before: Option<BucketEncryption>,
    works: Result<(), String>,
) -> (Verified, Calls) {
    let changes = Changes {
        store: &MemoryStore::default(),
        encryption: buckets,
        now: &|| sample::AGGREGATED_AT,
        patience: Patience { attempts: NonZeroU32::MIN.saturating_add(2), pause: Duration::ZERO },
    };
    let (change, mut calls) = (change(before), Calls::default());
    assert!(matches!(changes.begin(&change, crate::Terms::default()).await.unwrap(), Begun::New(_)));
    let verified = changes.write(&change, &mut calls, async || works.clone()).await.unwrap().unwrap();
    (verified, calls)
}

fn account(before: Option<&BucketEncryption>) -> MemoryEncryption {
    let account = MemoryEncryption::default();
    account.put("ledger", before.cloned().map_or(Reading::Absent, Reading::seen));
    account
}

/// Amazon S3 that answers writes and shows something else.
struct Showing {
    account: MemoryEncryption,
    shown: Reading<BucketEncryption>,
    /// Its answers to writes get lost.
    is_silent: bool,
}

#[async_trait::async_trait]
impl DefaultEncryption for Showing {
    async fn read(&self, _: &str) -> Reading<BucketEncryption> {
        self.shown.clone()
    }
    async fn set(&self, bucket: &str, encryption: &BucketEncryption) -> crate::Answered<()> {
        let mut answered = self.account.set(bucket, encryption).await;
        if self.is_silent {
            answered.result = Err(TaskError::Unavailable("no answer in time".to_owned()));
        }
        answered
    }
    async fn clear(&self, bucket: &str) -> crate::Answered<()> {
        self.account.clear(bucket).await
    }
}

/// S3 blocks SSE-C where the account has no such objects.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html>
#[tokio::test]
async fn a_write_counts_when_amazon_s3_has_filled_in_what_was_left_out() {
    let change = OpenChange {
        intended: Some(BucketEncryption { blocked_encryption_types: Vec::new(), ..kms() }),
        ..change(Some(sample::sse_s3()))
    };
    let shown = Reading::seen(kms());
    let s3 = Showing { account: account(Some(&sample::sse_s3())), shown: shown.clone(), is_silent: false };
    let changes = Changes {
        store: &MemoryStore::default(),
        encryption: &s3,
        now: &|| sample::AGGREGATED_AT,
        patience: Patience { attempts: NonZeroU32::MIN, pause: Duration::ZERO },
    };
    assert!(matches!(changes.begin(&change, crate::Terms::default()).await.unwrap(), Begun::New(_)));
    let verified = changes.write(&change, &mut Calls::default(), async || Ok(())).await.unwrap().unwrap();
    assert_eq!(verified, Verified { outcome: Ok(()), after: shown });
}

#[tokio::test]
async fn a_write_counts_when_it_shows_and_its_request_can_be_found_again() {
    let account = account(Some(&sample::sse_s3()));
    let (verified, calls) = write(&account, Some(sample::sse_s3()), Ok(())).await;
    assert_eq!(verified, Verified { outcome: Ok(()), after: Reading::seen(kms()) });
    let [call] = calls.noted() else { panic!("one call: {calls:?}") };
    assert_eq!(
        (call.action.as_str(), call.request_id.as_deref()),
        ("s3:PutEncryptionConfiguration", Some("request-1"))
    );
    assert_eq!((call.at, &call.error), (sample::AGGREGATED_AT, &None));
}

#[tokio::test]
async fn what_was_there_before_is_put_back_exactly_when_half_was_written_or_the_key_does_not_work() {
    let blocking = BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..sample::sse_s3() };
    for before in [Some(blocking), None] {
        let half = account(before.as_ref());
        half.lose_bucket_key_of("ledger");
        let broken = account(before.as_ref());
        let no_key = Err("the key is Disabled".to_owned());
        for (account, works, complaint) in [(half, Ok(()), "bucket key off"), (broken, no_key, "the key is Disabled")] {
            let (verified, calls) = write(&account, before.clone(), works).await;
            let told = verified.outcome.unwrap_err();
            assert!(told.contains(complaint) && told.contains("was put back"), "{told}");
            assert_eq!(account.of("ledger"), before.clone().map_or(Reading::Absent, Reading::seen));
            assert_eq!((verified.after, calls.noted().len()), (account.of("ledger"), 2));
        }
    }
}

#[tokio::test]
async fn a_refused_write_is_told_and_nothing_is_put_back() {
    let account = account(Some(&sample::sse_s3()));
    account.refuse("s3:PutEncryptionConfiguration");
    let (verified, calls) = write(&account, Some(sample::sse_s3()), Ok(())).await;
    assert!(verified.outcome.unwrap_err().contains("nothing changed"));
    let [call] = calls.noted() else { panic!("one call: {calls:?}") };
    assert_eq!(call.error.as_deref(), Some("s3:PutEncryptionConfiguration was denied"));
}

/// It may show later, when nobody looks any more: what was there before is written once more.
#[tokio::test]
async fn a_write_that_does_not_show_at_all_is_overwritten_be_it_answered_or_not() {
    for is_silent in [false, true] {
        let shown = Reading::seen(sample::sse_s3());
        let account = Showing { account: account(Some(&sample::sse_s3())), shown, is_silent };
        let (verified, calls) = write(&account, Some(sample::sse_s3()), Ok(())).await;
        let told = verified.outcome.unwrap_err();
        assert!(told.contains("was put back"), "{told}");
        assert_eq!((account.account.of("ledger"), calls.noted().len()), (Reading::seen(sample::sse_s3()), 2));
    }
}

#[tokio::test]
async fn what_somebody_else_has_set_meanwhile_is_left_alone() {
    let theirs = BucketEncryption { kms_key_id: Some("theirs".to_owned()), ..kms() };
    let account = Showing { account: account(Some(&sample::sse_s3())), shown: Reading::seen(theirs), is_silent: false };
    let (verified, calls) = write(&account, Some(sample::sse_s3()), Ok(())).await;
    assert!(verified.outcome.unwrap_err().contains("somebody else"));
    assert_eq!(calls.noted().len(), 1);
}

#[tokio::test]
async fn a_write_that_cannot_be_read_back_is_put_back_and_said_to_be_unsure() {
    let why = Unreadable {
        action: "s3:GetEncryptionConfiguration".to_owned(),
        cause: UnreadableCause::AccessDenied,
        detail: "AccessDenied".to_owned(),
    };
    let account =
        Showing { account: account(Some(&sample::sse_s3())), shown: Reading::Unreadable(why), is_silent: false };
    let (verified, _) = write(&account, Some(sample::sse_s3()), Ok(())).await;
    let told = verified.outcome.unwrap_err();
    assert!(told.contains("could not be read") && told.contains("put back, but"), "{told}");
    assert_eq!(account.account.of("ledger"), Reading::seen(sample::sse_s3()));
    assert!(matches!(verified.after, Reading::Unreadable(_)));
}
