use std::num::NonZeroU32;
use std::time::Duration;

use audit_artifacts::sample;
use audit_model::resource::{AclGrant, BucketAcl};
use audit_model::{ExceptionMark, Tags};
use jiff::SignedDuration;
use jiff::civil::date;
use pretty_assertions::assert_eq;

use super::*;

const ACCOUNT: &str = sample::ACCOUNT;
const ANYONE: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1";

fn encryption(algorithm: &str, key: Option<&str>) -> BucketEncryption {
    BucketEncryption {
        algorithm: algorithm.to_owned(),
        kms_key_id: key.map(str::to_owned),
        bucket_key_enabled: false,
        blocked_encryption_types: Vec::new(),
    }
}

fn unreadable(action: &str, cause: UnreadableCause) -> Unreadable {
    Unreadable { action: action.to_owned(), cause, detail: "AccessDenied".to_owned() }
}

fn denied<T>(action: &str) -> Reading<T> {
    Reading::Unreadable(unreadable(action, UnreadableCause::AccessDenied))
}

fn acl(others: &[&str]) -> Reading<BucketAcl> {
    let grantees = [&["owner"], others].concat();
    let grant = |grantee: &str| AclGrant { grantee: grantee.to_owned(), permission: "FULL_CONTROL".to_owned() };
    Reading::seen(BucketAcl { owner_id: "owner".to_owned(), grants: grantees.into_iter().map(grant).collect() })
}

fn policy(effect: &str, principal: &str) -> Reading<String> {
    Reading::seen(format!(
        r#"{{"Statement":[{{"Effect":"{effect}","Principal":{principal},"Action":"s3:*","Resource":"*"}}]}}"#
    ))
}

/// A bucket that nobody but its account uses.
fn private() -> Readings {
    Readings {
        encryption: Reading::seen(encryption("AES256", None)),
        tags: Reading::Absent,
        policy: Reading::Absent,
        acl: acl(&[]),
        ignores_public_acls: Reading::seen(true),
        website: Reading::Absent,
        replication: Reading::Absent,
    }
}

fn opt_out() -> OptOutTag {
    OptOutTag { key: "remediation".to_owned(), value: "off".to_owned() }
}

fn tags(value: &str) -> Reading<Tags> {
    Reading::seen(Tags::from([("remediation".to_owned(), value.to_owned())]))
}

fn decide(readings: &Readings) -> Vec<Reason> {
    after_reading("ledger", readings, &LogTargets::default(), ACCOUNT, &opt_out())
}

#[test]
fn a_bucket_that_only_its_account_uses_may_be_changed() {
    let harmless = [
        private(),
        Readings { encryption: Reading::Absent, ..private() },
        Readings { encryption: Reading::seen(encryption("aws:kms", None)), ..private() },
        Readings { encryption: Reading::seen(encryption("aws:kms", Some("alias/aws/s3"))), ..private() },
        Readings { tags: tags("on"), ..private() },
        Readings { policy: policy("Deny", r#""*""#), ..private() },
        Readings { policy: policy("Allow", &format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:role/a"}}"#)), ..private() },
        // Amazon S3 heeds no public grant here, so that nobody loses anything.
        Readings { acl: acl(&[ANYONE]), ..private() },
        // Nothing hangs on this setting where there is no public grant.
        Readings { ignores_public_acls: denied("s3:GetBucketPublicAccessBlock"), ..private() },
    ];
    for readings in harmless {
        assert_eq!(decide(&readings), [], "{readings:?}");
    }
}

#[test]
fn each_way_to_break_a_bucket_s_users_is_a_reason_to_leave_it_alone() {
    let log_delivery = "http://acs.amazonaws.com/groups/s3/LogDelivery";
    let other = |id: &str| Outsider::Other(id.to_owned());
    let service = Outsider::Service("delivery.logs.amazonaws.com".to_owned());
    let cases = [
        (
            Readings { encryption: Reading::seen(encryption("aws:kms", Some(KEY))), ..private() },
            Reason::HasKey(KEY.to_owned()),
        ),
        (
            Readings { encryption: Reading::seen(encryption("aws:fsx", None)), ..private() },
            Reason::UnknownAlgorithm("aws:fsx".to_owned()),
        ),
        (Readings { tags: tags("off"), ..private() }, Reason::OptedOut(opt_out())),
        (Readings { policy: policy("Allow", r#""*""#), ..private() }, Reason::PolicyLetsIn(Outsider::Anyone)),
        (
            Readings { policy: policy("Allow", r#"{"AWS":"111122223333"}"#), ..private() },
            Reason::PolicyLetsIn(Outsider::Account("111122223333".to_owned())),
        ),
        (
            Readings { policy: policy("Allow", r#"{"Service":"delivery.logs.amazonaws.com"}"#), ..private() },
            Reason::PolicyLetsIn(service),
        ),
        (Readings { acl: acl(&["stranger"]), ..private() }, Reason::AclLetsIn(other("stranger"))),
        (Readings { acl: acl(&[log_delivery]), ..private() }, Reason::AclLetsIn(other(log_delivery))),
        (
            Readings { acl: acl(&[ANYONE]), ignores_public_acls: Reading::seen(false), ..private() },
            Reason::AclLetsIn(Outsider::Anyone),
        ),
        (
            Readings { acl: acl(&[ANYONE]), ignores_public_acls: Reading::Absent, ..private() },
            Reason::AclLetsIn(Outsider::Anyone),
        ),
        (Readings { website: Reading::seen(()), ..private() }, Reason::Website),
        (Readings { replication: Reading::seen(()), ..private() }, Reason::ReplicationSource),
    ];
    for (readings, reason) in cases {
        assert_eq!(decide(&readings), [reason], "{readings:?}");
    }
}

#[test]
fn every_reading_that_is_missing_is_a_reason_that_names_the_action() {
    let cases = [
        (
            "s3:GetEncryptionConfiguration",
            Readings { encryption: denied("s3:GetEncryptionConfiguration"), ..private() },
        ),
        ("s3:GetBucketTagging", Readings { tags: denied("s3:GetBucketTagging"), ..private() }),
        ("s3:GetBucketPolicy", Readings { policy: denied("s3:GetBucketPolicy"), ..private() }),
        ("s3:GetBucketPolicy", Readings { policy: Reading::seen("no policy".to_owned()), ..private() }),
        ("s3:GetBucketAcl", Readings { acl: denied("s3:GetBucketAcl"), ..private() }),
        ("s3:GetBucketWebsite", Readings { website: denied("s3:GetBucketWebsite"), ..private() }),
        (
            "s3:GetReplicationConfiguration",
            Readings { replication: denied("s3:GetReplicationConfiguration"), ..private() },
        ),
    ];
    for (action, readings) in cases {
        let reasons = decide(&readings);
        assert!(matches!(reasons.as_slice(), [Reason::Unreadable(why)] if why.action == action), "{reasons:?}");
        assert!(reasons[0].to_string().contains(action), "{}", reasons[0]);
    }
    let action = "s3:GetBucketPublicAccessBlock";
    let reasons = decide(&Readings { acl: acl(&[ANYONE]), ignores_public_acls: denied(action), ..private() });
    let why = unreadable(action, UnreadableCause::AccessDenied);
    assert_eq!(reasons, [Reason::Unreadable(why), Reason::AclLetsIn(Outsider::Anyone)]);
}

#[test]
fn all_reasons_that_hold_are_told() {
    let readings =
        Readings { tags: tags("off"), website: Reading::seen(()), policy: policy("Allow", r#""*""#), ..private() };
    let expected = [Reason::OptedOut(opt_out()), Reason::PolicyLetsIn(Outsider::Anyone), Reason::Website];
    assert_eq!(decide(&readings), expected);
}

#[test]
fn a_bucket_that_went_away_is_told_in_one_word() {
    let gone = || unreadable("s3:GetBucketAcl", UnreadableCause::Gone);
    let readings = Readings { acl: Reading::Unreadable(gone()), tags: Reading::Unreadable(gone()), ..private() };
    assert_eq!(decide(&readings), [Reason::Gone]);
}

#[test]
fn targets_of_access_logs_are_left_alone_and_all_buckets_when_one_is_not_known() {
    let why = unreadable("s3:GetBucketLogging", UnreadableCause::AccessDenied);
    let decide = |targets: &LogTargets, bucket| after_reading(bucket, &private(), targets, ACCOUNT, &opt_out());
    let logs = |source: &str| (source.to_owned(), Reading::seen("logs".to_owned()));

    let known = LogTargets::noted([logs("b"), logs("a"), ("c".to_owned(), Reading::Absent)]);
    assert_eq!(decide(&known, "logs"), [Reason::LogTarget("a".to_owned())]);
    assert_eq!(decide(&known, "ledger"), []);

    let unknown = LogTargets::noted([logs("a"), ("d".to_owned(), Reading::Unreadable(why.clone()))]);
    let not_known = Reason::LogTargetUnknown { source: "d".to_owned(), why, sources: 1 };
    assert_eq!(decide(&unknown, "ledger"), [not_known]);
    assert_eq!(decide(&unknown, "logs"), [Reason::LogTarget("a".to_owned())]);

    let gone = Reading::Unreadable(unreadable("s3:GetBucketLogging", UnreadableCause::Gone));
    assert_eq!(decide(&LogTargets::noted([("e".to_owned(), gone)]), "ledger"), []);
}

#[test]
fn some_buckets_are_not_even_read() {
    let settings = Settings {
        reports_bucket: "reports".to_owned(),
        system: "dev-pr42".to_owned(),
        time_limit: SignedDuration::ZERO,
        read_back_attempts: NonZeroU32::MIN,
        read_back_pause: Duration::ZERO,
    };
    let candidate = |bucket: &str, region: &str| Candidate {
        bucket: bucket.to_owned(),
        arn: format!("arn:aws:s3:::{bucket}"),
        region: region.to_owned(),
        rules: Vec::new(),
        exception: None,
    };
    let mark = ExceptionMark {
        reason: "rebuilt every night".to_owned(),
        approver: "Head of security".to_owned(),
        expires: date(2027, 3, 31),
    };
    let excepted = Candidate { exception: Some(mark.clone()), ..candidate("ledger", "us-east-1") };
    let mut plan = sample::plan();
    plan.policy.remediation.max_buckets_per_run = 2;
    let off = Plan { remediation: RemediationMode::Off, ..plan.clone() };
    let cases = [
        (candidate("ledger", "us-east-1"), &plan, 1, false, vec![]),
        (candidate("ledger", "us-east-1"), &off, 0, false, vec![Reason::Off]),
        (candidate("ledger", "eu-west-1"), &plan, 0, false, vec![Reason::OtherRegion("eu-west-1".to_owned())]),
        (excepted, &plan, 0, false, vec![Reason::Excepted(mark)]),
        (candidate("reports", "us-east-1"), &plan, 0, false, vec![Reason::OwnBucket]),
        (candidate("logs-dev-pr42", "us-east-1"), &plan, 0, false, vec![Reason::OwnBucket]),
        (candidate("logs-dev-pr421", "us-east-1"), &plan, 0, false, vec![]),
        (candidate("ledger", "us-east-1"), &plan, 2, false, vec![Reason::LimitReached(2)]),
        (candidate("ledger", "us-east-1"), &plan, 0, true, vec![Reason::TimeUsedUp]),
        (
            candidate("reports", "eu-west-1"),
            &plan,
            2,
            true,
            vec![
                Reason::OtherRegion("eu-west-1".to_owned()),
                Reason::OwnBucket,
                Reason::LimitReached(2),
                Reason::TimeUsedUp,
            ],
        ),
    ];
    for (candidate, plan, changed, time_used_up, expected) in cases {
        let reasons = before_reading(&candidate, plan, &settings, changed, time_used_up);
        assert_eq!(reasons, expected, "{candidate:?}");
    }
}

#[test]
fn only_an_enabled_symmetric_key_of_the_customer_s_is_usable() {
    let key = |state: &str, manager: &str, spec: &str| Key {
        arn: KEY.to_owned(),
        state: state.to_owned(),
        manager: manager.to_owned(),
        spec: spec.to_owned(),
    };
    assert_eq!(by_key(&Reading::seen(key("Enabled", "CUSTOMER", "SYMMETRIC_DEFAULT"))), None);
    assert_eq!(by_key(&Reading::Absent), None);
    let unusable = [
        key("PendingDeletion", "CUSTOMER", "SYMMETRIC_DEFAULT"),
        key("Disabled", "CUSTOMER", "SYMMETRIC_DEFAULT"),
        key("Enabled", "AWS", "SYMMETRIC_DEFAULT"),
        key("Enabled", "CUSTOMER", "RSA_2048"),
    ];
    for key in unusable {
        assert_eq!(by_key(&Reading::seen(key.clone())), Some(Reason::UnusableKey(key)));
    }
    assert!(matches!(by_key(&denied("kms:ListAliases")), Some(Reason::Unreadable(_))));
}

#[test]
fn the_rest_of_the_configuration_is_carried_over() {
    let before = BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..encryption("AES256", None) };
    let expected = BucketEncryption {
        algorithm: "aws:kms".to_owned(),
        kms_key_id: Some(KEY.to_owned()),
        bucket_key_enabled: true,
        blocked_encryption_types: vec!["SSE-C".to_owned()],
    };
    assert_eq!(intended(Some(&before), KEY), expected);
    assert_eq!(intended(None, KEY), BucketEncryption { blocked_encryption_types: Vec::new(), ..expected });

    let two_layers = intended(Some(&encryption("aws:kms:dsse", None)), KEY);
    assert_eq!((two_layers.algorithm.as_str(), two_layers.bucket_key_enabled), ("aws:kms:dsse", false));
}

#[test]
fn an_encryption_is_the_same_only_when_all_of_it_is() {
    let blocking = |types: &[&str]| BucketEncryption {
        blocked_encryption_types: types.iter().map(|&blocked| blocked.to_owned()).collect(),
        ..encryption("aws:kms", Some(KEY))
    };
    assert!(same(&blocking(&[]), &blocking(&["NONE"])));
    assert!(same(&blocking(&["SSE-C"]), &blocking(&["SSE-C"])));
    assert!(!same(&blocking(&["SSE-C"]), &blocking(&[])));
    assert!(!same(&blocking(&[]), &blocking(&["SSE-C"])));
    assert!(!same(&blocking(&[]), &BucketEncryption { bucket_key_enabled: true, ..blocking(&[]) }));
    assert!(!same(&blocking(&[]), &encryption("aws:kms:dsse", Some(KEY))));
    assert!(!same(&blocking(&[]), &encryption("aws:kms", None)));
}
