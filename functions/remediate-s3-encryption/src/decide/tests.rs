use std::num::NonZeroU32;
use std::time::Duration;

use audit_artifacts::sample;
use audit_model::Tags;
use audit_model::resource::{AclGrant, BucketAcl};
use bucket_encryption::Patience;
use jiff::SignedDuration;
use jiff::civil::date;
use pretty_assertions::assert_eq;

use super::*;

const ACCOUNT: &str = sample::ACCOUNT;
const ANYONE: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1";

fn encryption(algorithm: &str, key: Option<&str>) -> BucketEncryption {
    BucketEncryption {
        algorithm: algorithm.to_owned(),
        kms_key_id: key.map(str::to_owned),
        bucket_key_enabled: false,
        blocked_encryption_types: Vec::new(),
    }
}

fn key(state: &str, manager: &str, spec: &str) -> Key {
    Key { arn: KEY.to_owned(), state: state.to_owned(), manager: manager.to_owned(), spec: spec.to_owned() }
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
        object_ownership: Reading::seen(ObjectOwnership::BucketOwnerEnforced),
        ignores_public_acls: Reading::seen(true),
        website: Reading::Absent,
        replication: Reading::Absent,
    }
}

fn encrypted(algorithm: &str, key: Option<&str>) -> Readings {
    Readings { encryption: Reading::seen(encryption(algorithm, key)), ..private() }
}

fn tags(value: &str) -> Reading<Tags> {
    Reading::seen(Tags::from([("compliance:remediation".to_owned(), value.to_owned())]))
}

fn decide(readings: &Readings) -> Vec<Reason> {
    decide_with(readings, &Reading::Absent)
}

fn decide_with(readings: &Readings, named_key: &Reading<Key>) -> Vec<Reason> {
    after_reading("ledger", readings, named_key, &Neighbours::default(), &sample::plan())
}

fn codes(reasons: &[Reason]) -> Vec<ReasonCode> {
    reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn a_bucket_that_only_its_account_uses_may_be_changed() {
    let harmless = [
        private(),
        Readings { encryption: Reading::Absent, ..private() },
        encrypted("aws:kms", None),
        encrypted("aws:kms", Some("alias/aws/s3")),
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
    // The AWS-managed key, named by its own id.
    let managed = Reading::seen(key("Enabled", "AWS", "SYMMETRIC_DEFAULT"));
    assert_eq!(decide_with(&encrypted("aws:kms", Some(KEY)), &managed), []);
}

#[test]
fn each_way_to_break_a_bucket_s_users_is_a_reason_to_leave_it_alone() {
    let awslogsdelivery = "c4c1ede66af53448b93c283ce9448c4ba468c9432aa01d700d3878632f77d2d0";
    let by_policy = |principal| Readings { policy: policy("Allow", principal), ..private() };
    let owned = |object_ownership| Readings { object_ownership, ..private() };
    let by_acl = |grantee: &str| Readings { acl: acl(&[grantee]), ..private() };
    let cases = [
        (encrypted("aws:fsx", None), ReasonCode::UnknownAlgorithm, "aws:fsx"),
        (Readings { tags: tags("off"), ..private() }, ReasonCode::OptedOut, "compliance:remediation=off"),
        (by_policy(r#""*""#), ReasonCode::Anonymous, "anyone"),
        (by_policy(r#"{"AWS":"111122223333"}"#), ReasonCode::OtherAccount, "111122223333"),
        (by_policy(r#"{"Federated":"accounts.google.com"}"#), ReasonCode::OtherAccount, "accounts.google.com"),
        (by_policy(r#"{"Service":"delivery.logs.amazonaws.com"}"#), ReasonCode::Delivery, "delivery.logs"),
        (by_policy(r#"{"Service":"cloudtrail.amazonaws.com"}"#), ReasonCode::Delivery, "cloudtrail"),
        (by_policy(r#"{"AWS":"arn:aws:iam::127311923021:root"}"#), ReasonCode::Delivery, "Elastic Load Balancing"),
        (by_acl("stranger"), ReasonCode::OtherAccount, "stranger"),
        (by_acl(LOG_DELIVERY), ReasonCode::Delivery, "log delivery group"),
        (by_acl(awslogsdelivery), ReasonCode::Delivery, "CloudFront"),
        (
            Readings { ignores_public_acls: Reading::seen(false), ..by_acl(ANYONE) },
            ReasonCode::Anonymous,
            "access control list",
        ),
        (Readings { ignores_public_acls: Reading::Absent, ..by_acl(ANYONE) }, ReasonCode::Anonymous, "anyone"),
        (owned(Reading::seen(ObjectOwnership::ObjectWriter)), ReasonCode::ObjectAcls, "single objects"),
        (owned(Reading::seen(ObjectOwnership::BucketOwnerPreferred)), ReasonCode::ObjectAcls, "BucketOwnerEnforced"),
        (owned(Reading::Absent), ReasonCode::ObjectAcls, "single objects"),
        (Readings { website: Reading::seen(()), ..private() }, ReasonCode::Website, "anonymous"),
        (Readings { replication: Reading::seen(Vec::new()), ..private() }, ReasonCode::ReplicationSource, "source"),
    ];
    for (readings, code, told) in cases {
        let reasons = decide(&readings);
        assert_eq!(codes(&reasons), [code], "{readings:?}");
        assert!(reasons[0].text.contains(told), "{told}: {}", reasons[0]);
    }
}

#[test]
fn a_key_that_the_bucket_has_by_now_is_kept_and_an_unusable_one_is_for_people() {
    let of_another = "arn:aws:kms:us-east-1:111122223333:key/1";
    let symmetric = |state| Reading::seen(key(state, "CUSTOMER", "SYMMETRIC_DEFAULT"));
    let cases = [
        (KEY, symmetric("Enabled"), ReasonCode::HasKey),
        ("alias/ledger", symmetric("Enabled"), ReasonCode::HasKey),
        // Whose account that is knows its state.
        (of_another, Reading::Absent, ReasonCode::HasKey),
        (KEY, symmetric("Disabled"), ReasonCode::KeyUnusable),
        (KEY, symmetric("PendingDeletion"), ReasonCode::KeyUnusable),
        (KEY, Reading::seen(key("Enabled", "CUSTOMER", "RSA_2048")), ReasonCode::KeyUnusable),
        (KEY, Reading::Absent, ReasonCode::KeyUnusable),
        (KEY, denied("kms:DescribeKey"), ReasonCode::Unreadable),
    ];
    for (named, described, code) in cases {
        for algorithm in ["aws:kms", "aws:kms:dsse"] {
            let reasons = decide_with(&encrypted(algorithm, Some(named)), &described);
            assert_eq!(codes(&reasons), [code], "{named} {described:?}");
        }
    }
    let to_describe = |key| key_to_describe(&Reading::seen(encryption("aws:kms", key)), ACCOUNT).map(str::to_owned);
    assert_eq!(to_describe(Some(KEY)), Some(KEY.to_owned()));
    assert_eq!(to_describe(Some("alias/ledger")), Some("alias/ledger".to_owned()));
    assert_eq!(
        (to_describe(Some(of_another)), to_describe(Some("alias/aws/s3")), to_describe(None)),
        (None, None, None)
    );
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
        (
            "s3:GetBucketOwnershipControls",
            Readings { object_ownership: denied("s3:GetBucketOwnershipControls"), ..private() },
        ),
        ("s3:GetBucketWebsite", Readings { website: denied("s3:GetBucketWebsite"), ..private() }),
        (
            "s3:GetReplicationConfiguration",
            Readings { replication: denied("s3:GetReplicationConfiguration"), ..private() },
        ),
    ];
    for (action, readings) in cases {
        let reasons = decide(&readings);
        assert_eq!(codes(&reasons), [ReasonCode::Unreadable], "{action}");
        assert!(reasons[0].text.contains(action), "{}", reasons[0]);
    }
    let action = "s3:GetBucketPublicAccessBlock";
    let reasons = decide(&Readings { acl: acl(&[ANYONE]), ignores_public_acls: denied(action), ..private() });
    assert_eq!(codes(&reasons), [ReasonCode::Unreadable, ReasonCode::Anonymous]);
    assert!(reasons[0].text.contains(action), "{}", reasons[0]);
}

#[test]
fn all_reasons_that_hold_are_told() {
    let readings = Readings {
        tags: tags("off"),
        website: Reading::seen(()),
        policy: policy(
            "Allow",
            r#"["arn:aws:iam::111122223333:root", "*"]"#.replace('[', r#"{"AWS":["#).replace(']', "]}").as_str(),
        ),
        ..private()
    };
    let expected = [ReasonCode::OptedOut, ReasonCode::Anonymous, ReasonCode::OtherAccount, ReasonCode::Website];
    assert_eq!(codes(&decide(&readings)), expected);
}

#[test]
fn a_bucket_that_went_away_is_told_in_one_word() {
    let gone = || unreadable("s3:GetBucketAcl", UnreadableCause::Gone);
    let readings = Readings { acl: Reading::Unreadable(gone()), tags: Reading::Unreadable(gone()), ..private() };
    assert_eq!(codes(&decide(&readings)), [ReasonCode::Gone]);
}

#[test]
fn targets_of_deliveries_are_left_alone_and_all_buckets_when_one_source_is_not_known() {
    let target = |name: &str| Reading::seen(vec![name.to_owned()]);
    let gone = || Reading::Unreadable(unreadable("s3:GetBucketLogging", UnreadableCause::Gone));
    let noted = |readings: Vec<(&str, Reading<Vec<String>>)>| {
        let mut deliveries = Deliveries::default();
        for (source, reading) in readings {
            deliveries.note(source, reading);
        }
        deliveries
    };
    let known = || noted(vec![("b", target("logs")), ("a", target("logs")), ("c", Reading::Absent), ("d", gone())]);
    let unknown = || noted(vec![("a", target("logs")), ("d", denied("s3:GetBucketLogging"))]);
    let of_logs = |logs| Neighbours { logs, ..Neighbours::default() };
    let of_replicas = |replicas| Neighbours { replicas, ..Neighbours::default() };
    let cases = [
        (of_logs(known()), ReasonCode::LogTarget, None),
        (of_logs(unknown()), ReasonCode::LogTarget, Some(ReasonCode::LogTargetUnknown)),
        (of_replicas(known()), ReasonCode::ReplicationDestination, None),
        (of_replicas(unknown()), ReasonCode::ReplicationDestination, Some(ReasonCode::ReplicationDestinationUnknown)),
    ];
    for (neighbours, for_target, for_others) in cases {
        let decide = |bucket| after_reading(bucket, &private(), &Reading::Absent, &neighbours, &sample::plan());
        let reasons = decide("logs");
        assert_eq!(codes(&reasons), [for_target]);
        assert!(reasons[0].text.contains(" a"), "the first source by name: {}", reasons[0]);
        assert_eq!(codes(&decide("ledger")), for_others.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn what_is_known_beforehand_is_told_and_only_some_of_it_keeps_a_bucket_from_being_read() {
    let settings = Settings {
        reports_bucket: "reports".to_owned(),
        system: "dev-pr42".to_owned(),
        time_limit: SignedDuration::ZERO,
        patience: Patience { attempts: NonZeroU32::MIN, pause: Duration::ZERO },
    };
    let candidate = |bucket: &str, region: &str| Candidate {
        bucket: bucket.to_owned(),
        arn: format!("arn:aws:s3:::{bucket}"),
        region: region.to_owned(),
        rules: Vec::new(),
        exception: None,
        fails: true,
        missing: Vec::new(),
    };
    let ledger = || candidate("ledger", "us-east-1");
    let mark = ExceptionMark {
        reason: "rebuilt every night".to_owned(),
        approver: "Head of security".to_owned(),
        expires: date(2027, 3, 31),
    };
    let excepted = Candidate { exception: Some(mark), ..ledger() };
    let not_judged = |region| Candidate {
        fails: false,
        missing: vec![unreadable("s3:GetEncryptionConfiguration", UnreadableCause::AccessDenied)],
        ..candidate("ledger", region)
    };
    let mut plan = sample::plan();
    (plan.policy.remediation.max_buckets_per_run, plan.policy.remediation.max_buckets_per_day) = (2, 3);
    let off = Plan { remediation: RemediationMode::Off, ..plan.clone() };
    let start = Progress { changed: 1, changed_today: 2, failed: 0, announced: 9, time_used_up: false };
    let late = Progress { changed: 2, changed_today: 3, failed: 1, announced: 1, time_used_up: true };
    let cases = [
        (ledger(), &plan, start, vec![], true),
        (ledger(), &off, start, vec![ReasonCode::Off], false),
        (candidate("ledger", "eu-west-1"), &plan, start, vec![ReasonCode::OtherRegion], false),
        (not_judged("us-east-1"), &plan, start, vec![ReasonCode::NotJudged], false),
        (not_judged("eu-west-1"), &plan, start, vec![ReasonCode::OtherRegion], false),
        (excepted.clone(), &plan, start, vec![ReasonCode::Excepted], true),
        (candidate("reports", "us-east-1"), &plan, start, vec![ReasonCode::OwnBucket], true),
        (candidate("logs-dev-pr42", "us-east-1"), &plan, start, vec![ReasonCode::OwnBucket], true),
        (candidate("logs-dev-pr421", "us-east-1"), &plan, start, vec![], true),
        (ledger(), &plan, Progress { changed: 2, ..start }, vec![ReasonCode::RunLimit], false),
        (ledger(), &plan, Progress { changed_today: 3, ..start }, vec![ReasonCode::DayLimit], false),
        (ledger(), &plan, Progress { failed: 1, ..start }, vec![ReasonCode::Stopped], false),
        (ledger(), &plan, Progress { time_used_up: true, ..start }, vec![ReasonCode::TimeUsedUp], false),
        (
            excepted,
            &plan,
            late,
            vec![
                ReasonCode::RunLimit,
                ReasonCode::DayLimit,
                ReasonCode::Stopped,
                ReasonCode::TimeUsedUp,
                ReasonCode::Excepted,
            ],
            false,
        ),
    ];
    for (candidate, plan, progress, expected, reads) in cases {
        let now = sample::AGGREGATED_AT;
        let known = before_reading(&candidate, plan, &settings, &Journal::default(), (Step::Change, progress), now);
        assert_eq!((codes(&known.reasons), known.reads), (expected, reads), "{candidate:?} {progress:?}");
    }
    // What is announced is another question than what is changed: no more waits than the next scan may change.
    let announced = |announced| Progress { announced, ..late };
    for (progress, expected) in [
        (Progress { time_used_up: false, ..announced(1) }, vec![]),
        (Progress { time_used_up: false, ..announced(2) }, vec![ReasonCode::RunLimit]),
        (announced(1), vec![ReasonCode::TimeUsedUp]),
    ] {
        let now = sample::AGGREGATED_AT;
        let known = before_reading(&ledger(), &plan, &settings, &Journal::default(), (Step::Announce, progress), now);
        assert_eq!((codes(&known.reasons), known.reads), (expected.clone(), expected.is_empty()), "{progress:?}");
    }
    for (per_run, per_day, limit) in [(2, 3, 2), (3, 2, 2), (1_000, 1_000, 50)] {
        let policy = RemediationPolicy {
            max_buckets_per_run: per_run,
            max_buckets_per_day: per_day,
            ..plan.policy.remediation.clone()
        };
        assert_eq!(announcements_reached(limit - 1, &policy), None);
        assert_eq!(announcements_reached(limit, &policy).map(|reason| reason.code), Some(ReasonCode::RunLimit));
    }
}

#[test]
fn only_an_enabled_symmetric_key_of_the_customer_s_is_usable() {
    assert_eq!(by_own_key(&Reading::seen(key("Enabled", "CUSTOMER", "SYMMETRIC_DEFAULT")), "ledger"), None);
    assert_eq!(by_own_key(&Reading::Absent, "ledger"), None);
    let unusable = [
        key("PendingDeletion", "CUSTOMER", "SYMMETRIC_DEFAULT"),
        key("Disabled", "CUSTOMER", "SYMMETRIC_DEFAULT"),
        key("Enabled", "AWS", "SYMMETRIC_DEFAULT"),
        key("Enabled", "CUSTOMER", "RSA_2048"),
    ];
    for key in unusable {
        let reason = by_own_key(&Reading::seen(key), "ledger").unwrap();
        assert_eq!(reason.code, ReasonCode::OwnKeyUnusable);
        assert!(reason.text.contains("alias/compliance-audit-ledger"), "{reason}");
    }
    assert_eq!(by_own_key(&denied("kms:ListAliases"), "ledger").unwrap().code, ReasonCode::Unreadable);
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
    assert_eq!(intended(Some(&before), Some(KEY)), expected);
    assert_eq!(intended(None, Some(KEY)), BucketEncryption { blocked_encryption_types: Vec::new(), ..expected });

    let two_layers = intended(Some(&encryption("aws:kms:dsse", None)), Some(KEY));
    assert_eq!((two_layers.algorithm.as_str(), two_layers.bucket_key_enabled), ("aws:kms:dsse", false));
}
