use audit_artifacts::sample;
use audit_model::Unreadable;
use pretty_assertions::assert_eq;

use super::*;

fn kms(bucket_key_enabled: bool) -> BucketEncryption {
    BucketEncryption {
        algorithm: "aws:kms".to_owned(),
        kms_key_id: Some("arn:aws:kms:us-east-1:123456789012:key/1".to_owned()),
        bucket_key_enabled,
        blocked_encryption_types: Vec::new(),
    }
}

fn denied(cause: UnreadableCause) -> Reading<BucketEncryption> {
    let action = "s3:GetEncryptionConfiguration".to_owned();
    Reading::Unreadable(Unreadable { action, cause, detail: "no".to_owned() })
}

fn record(outcome: RemediationOutcome, after: Option<Reading<BucketEncryption>>) -> RemediationRecord {
    RemediationRecord {
        after,
        intended: Some(kms(true)),
        key_arn: kms(true).kms_key_id,
        ..sample::remediation_record("ledger", outcome, &[])
    }
}

#[test]
fn only_what_was_seen_to_be_changed_can_be_taken_back() {
    let set = || Some(Reading::seen(kms(true)));
    let theirs = BucketEncryption { kms_key_id: Some("theirs".to_owned()), ..kms(true) };
    let unread = RemediationRecord { before: None, ..record(RemediationOutcome::Applied, set()) };
    let rollback = RemediationRecord { decision: Decision::RollBack, ..record(RemediationOutcome::Failed, set()) };
    let cases = [
        (record(RemediationOutcome::Applied, set()), true),
        // It could not be put back.
        (record(RemediationOutcome::Failed, Some(Reading::seen(kms(false)))), true),
        // Nobody knows whether it was put back: what the bucket shows now will tell.
        (record(RemediationOutcome::Failed, Some(denied(UnreadableCause::AccessDenied))), true),
        // It was put back, or nothing was written.
        (record(RemediationOutcome::Failed, Some(Reading::seen(sample::sse_s3()))), false),
        (record(RemediationOutcome::Failed, None), false),
        // Somebody else had set a key of their own.
        (record(RemediationOutcome::Failed, Some(Reading::seen(theirs))), false),
        (rollback, false),
        (unread, false),
        (record(RemediationOutcome::Skipped, None), false),
        (record(RemediationOutcome::WouldApply, set()), false),
        (record(RemediationOutcome::RolledBack, set()), false),
    ];
    for (record, changed) in cases {
        assert_eq!(Made::of(&record).is_some(), changed, "{:?}: {:?}", record.outcome, record.after);
    }
}

#[test]
fn a_bucket_is_given_back_what_it_had_only_if_nobody_has_changed_it_since() {
    let record = record(RemediationOutcome::Applied, Some(Reading::seen(kms(true))));
    let blocked = BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..kms(true) };
    let filled_in = BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..sample::sse_s3() };
    let cases = [
        (Reading::seen(kms(true)), None),
        (Reading::seen(sample::sse_s3()), Some(ReasonCode::AlreadyAsBefore)),
        (Reading::seen(filled_in), Some(ReasonCode::AlreadyAsBefore)),
        (Reading::seen(kms(false)), Some(ReasonCode::ChangedSince)),
        (Reading::seen(blocked), Some(ReasonCode::ChangedSince)),
        (Reading::Absent, Some(ReasonCode::ChangedSince)),
        (denied(UnreadableCause::AccessDenied), Some(ReasonCode::Unreadable)),
        (denied(UnreadableCause::Gone), Some(ReasonCode::Gone)),
    ];
    for (shown, expected) in cases {
        let reason = objection(Made::of(&record).unwrap(), "the-scan", &shown);
        assert_eq!(reason.map(|reason| reason.code), expected, "{shown:?}");
    }
}
