//! A bucket's access logs go to a bucket that lets Amazon S3 write them.
//!
//! As with `s3-log-target-bucket-sse-s3` the finding is on the bucket whose logs are lost.

use audit_model::resource::{Bucket, BucketAcl, LoggingTarget, LoggingTargetSettings, ObjectOwnership};
use audit_model::{Policy, Reading, Severity, Unreadable};

use crate::resource_policy::{Applies, Delivery, Effect, PolicyDocument};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-log-target-bucket-accepts-logs",
    title: "S3 bucket's access logs go to a bucket that lets them in",
    severity: Severity::High,
    rationale: "Amazon S3 delivers server access logs only into a bucket of the same region that does not have \
        Requester Pays and that lets the service write: by its policy, or, where access control lists count, by its \
        list. Into any other it delivers nothing, without an error: logging looks enabled, and there is no log. The \
        finding is on the bucket whose logs are lost.",
    expected: "The bucket that receives the logs lies in the same region, has no Requester Pays, and lets \
        logging.s3.amazonaws.com put objects under the prefix, or the S3 log delivery group where access control lists \
        count",
    remediation: "Let logging.s3.amazonaws.com put objects in the policy of the bucket that receives the logs, with \
        aws:SourceAccount and aws:SourceArn as conditions, and spare it in denials. Switch Requester Pays off. Have the \
        logs delivered to a bucket of the same region.",
    console: "In the Amazon S3 console, open the bucket that receives the logs. Under Permissions edit the bucket \
        policy, under Properties edit Requester pays. Or open the bucket whose logs are lost, choose Properties, edit \
        Server access logging and save it again: the console then extends the policy.",
    cli: "aws s3api get-bucket-policy --bucket LOG_BUCKET\n\
        aws s3api put-bucket-policy --bucket LOG_BUCKET --policy file://policy-that-lets-logging-in.json\n\
        aws s3api put-bucket-request-payment --bucket LOG_BUCKET --request-payment-configuration Payer=BucketOwner",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
    parameters: &[],
    references: &[],
    reads: &[
        "s3:GetBucketAcl",
        "s3:GetBucketLocation",
        "s3:GetBucketLogging",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketRequestPayment",
    ],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

/// The service that delivers the logs, and the group under whose name it does where lists count.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>
const SERVICE: &str = "logging.s3.amazonaws.com";
const LOG_DELIVERY_GROUP: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

const READ_POLICY: &str = "s3:GetBucketPolicy";

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let Some(target) = bucket.logging.known()? else {
        return Ok(Outcome::not_applicable("server access logging is off"));
    };
    let name = &target.bucket;
    let Some(settings) = &target.settings else {
        return Ok(Outcome::non_compliant(format!("logs cannot be delivered to {name}: the bucket does not exist")));
    };
    let (mut obstacles, mut missing) = (Vec::new(), Vec::new());
    for obstacle in [
        other_region(bucket, &settings.region),
        requester_pays(&settings.requester_pays),
        no_permission(bucket, target, settings),
    ] {
        match obstacle {
            Ok(found) => obstacles.extend(found),
            Err(why) => missing.push(why),
        }
    }
    Ok(if !obstacles.is_empty() {
        Outcome::non_compliant(format!("logs cannot be delivered to {name}: {}", obstacles.join(" and ")))
    } else if !missing.is_empty() {
        Outcome::insufficient_data(missing)
    } else {
        Outcome::compliant(format!("{name} lets the logs in"))
    })
}

fn other_region(bucket: &Bucket, region: &Reading<String>) -> Result<Option<String>, Unreadable> {
    let nowhere =
        || Unreadable::malformed("s3:GetBucketLocation", "the bucket that has answered was said not to exist");
    let region = region.known()?.ok_or_else(nowhere)?;
    Ok((*region != bucket.identity.region).then(|| format!("it lies in {region}")))
}

fn requester_pays(payment: &Reading<bool>) -> Result<Option<String>, Unreadable> {
    Ok((payment.known()? == Some(&true)).then(|| "it has Requester Pays".to_owned()))
}

/// A denial counts whoever allows. Where access control lists are switched off, the policy alone can let the service in.
fn no_permission(
    bucket: &Bucket,
    target: &LoggingTarget,
    settings: &LoggingTargetSettings,
) -> Result<Option<String>, Unreadable> {
    let LoggingTarget { bucket: name, prefix, .. } = target;
    let objects = format!("arn:aws:s3:::{name}/{prefix}*");
    let delivery = Delivery {
        service: SERVICE,
        action: "s3:putobject",
        objects: &objects,
        source_account: &bucket.identity.account,
        source_arn: &bucket.identity.arn,
    };
    let (denied, allowed) = match settings.policy.known()? {
        Some(text) => {
            let policy = PolicyDocument::parse(text, READ_POLICY)?;
            (policy.applies(Effect::Deny, &delivery), policy.applies(Effect::Allow, &delivery))
        }
        None => (Applies::No, Applies::No),
    };
    let undecided = |statement: &str| {
        Unreadable::undecidable(READ_POLICY, format!("whether {statement} is for the delivery of logs cannot be said"))
    };
    match (denied, allowed) {
        (Applies::Yes(statement), _) => Ok(Some(format!("{statement} of its policy denies it"))),
        (Applies::Perhaps(statement), Applies::Yes(_)) => Err(undecided(&statement)),
        (Applies::No, Applies::Yes(_)) => Ok(None),
        (denied, allowed) => match by_list(settings)? {
            None => match (denied, allowed) {
                (Applies::Perhaps(statement), _) => Err(undecided(&statement)),
                _ => Ok(None),
            },
            Some(obstacle) => match allowed {
                Applies::Perhaps(statement) => Err(undecided(&statement)),
                _ => Ok(Some(obstacle)),
            },
        },
    }
}

/// What keeps the log delivery group from writing by the access control list.
fn by_list(settings: &LoggingTargetSettings) -> Result<Option<String>, Unreadable> {
    if settings.object_ownership.known()? == Some(&ObjectOwnership::BucketOwnerEnforced) {
        return Ok(Some(format!("its policy does not let {SERVICE} put objects, and access control lists are off")));
    }
    let writes = |acl: &BucketAcl| {
        acl.grants.iter().any(|grant| {
            grant.grantee == LOG_DELIVERY_GROUP && matches!(grant.permission.as_str(), "WRITE" | "FULL_CONTROL")
        })
    };
    Ok(if settings.acl.known()?.is_some_and(writes) {
        None
    } else {
        Some(format!(
            "neither its policy lets {SERVICE} put objects nor its access control list the log delivery group"
        ))
    })
}

#[cfg(test)]
mod tests {
    use audit_model::UnreadableCause;

    use super::*;
    use crate::fixtures;

    const ALLOW: &str = r#"{"Sid":"Logs","Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},
        "Action":"s3:PutObject","Resource":"arn:aws:s3:::access-logs/*",
        "Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::ledger"}}}"#;
    const DENY: &str = r#"{"Sid":"Nobody","Effect":"Deny","Principal":"*","Action":"s3:PutObject",
        "Resource":"arn:aws:s3:::access-logs/*"}"#;
    const DENY_OTHER_NETWORKS: &str = r#"{"Sid":"Network","Effect":"Deny","Principal":"*","Action":"s3:PutObject",
        "Resource":"arn:aws:s3:::access-logs/*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}"#;
    const ALLOW_PERHAPS: &str = r#"{"Sid":"Anyone","Effect":"Allow","Principal":"*","Action":"s3:PutObject",
        "Resource":"arn:aws:s3:::access-logs/*"}"#;

    fn enforced() -> Reading<ObjectOwnership> {
        Reading::seen(ObjectOwnership::BucketOwnerEnforced)
    }

    /// A target that lets the logs in by its policy.
    fn settings() -> LoggingTargetSettings {
        LoggingTargetSettings {
            policy: fixtures::policy_text(&[ALLOW]),
            object_ownership: enforced(),
            acl: fixtures::unreadable("s3:GetBucketAcl"),
            ..fixtures::logging_target_settings(fixtures::encryption("AES256", None))
        }
    }

    fn judged(settings: Option<LoggingTargetSettings>) -> Outcome {
        let target = LoggingTarget { bucket: "access-logs".to_owned(), prefix: "ledger/".to_owned(), settings };
        let bucket = Bucket { logging: Reading::seen(target), ..fixtures::good_bucket() };
        evaluate(&bucket, &fixtures::policy()).unwrap()
    }

    fn lost(why: &str) -> Outcome {
        Outcome::non_compliant(format!("logs cannot be delivered to access-logs: {why}"))
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html>: the same region, no Requester Pays.
    #[test]
    fn the_bucket_must_lie_in_the_region_and_pay_for_requests() {
        assert_eq!(judged(Some(settings())), Outcome::compliant("access-logs lets the logs in"));
        let elsewhere = LoggingTargetSettings { region: Reading::seen("eu-west-1".to_owned()), ..settings() };
        assert_eq!(judged(Some(elsewhere.clone())), lost("it lies in eu-west-1"));
        let paid = LoggingTargetSettings { requester_pays: Reading::seen(true), ..settings() };
        assert_eq!(judged(Some(paid)), lost("it has Requester Pays"));
        let both = LoggingTargetSettings { requester_pays: Reading::seen(true), ..elsewhere };
        assert_eq!(judged(Some(both)), lost("it lies in eu-west-1 and it has Requester Pays"));
        assert_eq!(judged(None), lost("the bucket does not exist"));
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>: with lists switched off,
    /// the policy must let the service in; otherwise the list may let in the log delivery group.
    #[test]
    fn policy_or_list_must_let_the_service_in() {
        let group = |permission: &str| {
            let Reading::Seen { value: mut acl } = fixtures::acl("AllUsers", &[]) else { panic!("there is a list") };
            let grantee = LOG_DELIVERY_GROUP.to_owned();
            acl.grants.push(audit_model::resource::AclGrant { grantee, permission: permission.to_owned() });
            Reading::seen(acl)
        };
        let with = |policy: Reading<String>, object_ownership, acl| {
            judged(Some(LoggingTargetSettings { policy, object_ownership, acl, ..settings() }))
        };
        let delivered = Outcome::compliant("access-logs lets the logs in");
        let by_policy =
            "its policy does not let logging.s3.amazonaws.com put objects, and access control lists are off";
        let by_neither = "neither its policy lets logging.s3.amazonaws.com put objects nor its access control list the log \
            delivery group";
        let writer = || Reading::seen(ObjectOwnership::ObjectWriter);
        assert_eq!(with(Reading::Absent, enforced(), group("WRITE")), lost(by_policy));
        assert_eq!(with(fixtures::policy_text(&[fixtures::TLS_ONLY]), enforced(), Reading::Absent), lost(by_policy));
        assert_eq!(with(Reading::Absent, writer(), group("WRITE")), delivered);
        assert_eq!(with(Reading::Absent, Reading::Absent, group("FULL_CONTROL")), delivered);
        assert_eq!(with(Reading::Absent, writer(), group("READ_ACP")), lost(by_neither));
        let denied = lost("statement \"Nobody\" of its policy denies it");
        assert_eq!(with(fixtures::policy_text(&[ALLOW, DENY]), enforced(), Reading::Absent), denied);
        assert_eq!(with(fixtures::policy_text(&[DENY]), writer(), group("WRITE")), denied);
    }

    #[test]
    fn what_cannot_be_decided_or_read_has_no_verdict() {
        let with = |policy: Reading<String>, ownership, acl| {
            judged(Some(LoggingTargetSettings { policy, object_ownership: ownership, acl, ..settings() }))
        };
        for policy in [&[ALLOW, DENY_OTHER_NETWORKS][..], &[ALLOW_PERHAPS]] {
            match with(fixtures::policy_text(policy), enforced(), Reading::Absent) {
                Outcome::InsufficientData { missing } => {
                    assert_eq!(missing[0].cause, UnreadableCause::Undecidable, "{policy:?}");
                }
                other => panic!("{policy:?} {other:?}"),
            }
        }
        let lost_sight = |action: &str| Outcome::insufficient_data(vec![fixtures::denied(action)]);
        let writer = Reading::seen(ObjectOwnership::ObjectWriter);
        let cases = [
            (fixtures::unreadable("s3:GetBucketPolicy"), enforced(), "s3:GetBucketPolicy"),
            (Reading::Absent, fixtures::unreadable("s3:GetBucketOwnershipControls"), "s3:GetBucketOwnershipControls"),
            (Reading::Absent, writer, "s3:GetBucketAcl"),
        ];
        for (policy, ownership, action) in cases {
            assert_eq!(with(policy, ownership, fixtures::unreadable("s3:GetBucketAcl")), lost_sight(action));
        }
        // One obstacle is certain, whatever else is not known.
        let paid = LoggingTargetSettings {
            requester_pays: Reading::seen(true),
            policy: fixtures::unreadable("s3:GetBucketPolicy"),
            region: fixtures::unreadable("s3:GetBucketLocation"),
            ..settings()
        };
        assert_eq!(judged(Some(paid)), lost("it has Requester Pays"));
    }

    #[test]
    fn without_logging_there_is_nothing_to_judge() {
        let bucket = Bucket { logging: Reading::Absent, ..fixtures::good_bucket() };
        let outcome = evaluate(&bucket, &fixtures::policy());
        assert_eq!(outcome, Ok(Outcome::not_applicable("server access logging is off")));
    }
}
