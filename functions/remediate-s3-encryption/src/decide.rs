//! Whether a bucket may be changed: pure, from what was read just now. In doubt it is left alone.

use std::fmt;

use audit_model::policy::OptOutTag;
use audit_model::resource::BucketEncryption;
use audit_model::{ExceptionMark, Plan, Reading, RemediationMode, Unreadable, UnreadableCause};
use audit_rules::{Outsider, is_aws_managed, let_in_by_acl, let_in_by_policy};

use crate::candidates::Candidate;
use crate::log_targets::LogTargets;
use crate::ports::{Key, Readings, Settings};

/// SSE-S3, SSE-KMS and DSSE-KMS:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html>
const ALGORITHMS: [&str; 3] = ["AES256", KMS, DSSE];
const KMS: &str = "aws:kms";
const DSSE: &str = "aws:kms:dsse";

/// A reason to leave a bucket alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Remediation is switched off.
    Off,
    /// Somebody answers for the violation, for a time.
    Excepted(ExceptionMark),
    /// The bucket lies in this other region.
    OtherRegion(String),
    /// The bucket belongs to this system.
    OwnBucket,
    /// This many buckets were changed in this scan, which is the limit.
    LimitReached(u32),
    /// The function has no time left to begin another bucket.
    TimeUsedUp,
    /// The bucket went away.
    Gone,
    /// Something that the decision hangs on could not be read.
    Unreadable(Unreadable),
    /// The bucket carries the tag that keeps remediation away.
    OptedOut(OptOutTag),
    /// The bucket has a customer-managed key by now: this one.
    HasKey(String),
    /// The bucket's encryption is of a type that is not known.
    UnknownAlgorithm(String),
    /// The bucket takes the server access logs of this bucket.
    LogTarget(String),
    /// Whether the bucket takes server access logs is not known.
    LogTargetUnknown {
        /// A bucket of which nobody knows where its logs go.
        source: String,
        /// Why.
        why: Unreadable,
        /// How many such buckets there are.
        sources: usize,
    },
    /// The bucket policy lets in somebody from outside of the account.
    PolicyLetsIn(Outsider),
    /// The access control list lets in somebody from outside of the account.
    AclLetsIn(Outsider),
    /// The bucket is a website.
    Website,
    /// The bucket is replicated.
    ReplicationSource,
    /// The bucket's own key cannot be used.
    UnusableKey(Key),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("remediation is off in this scan; the bucket was not read"),
            Self::Excepted(ExceptionMark { approver, expires, .. }) => {
                write!(f, "excepted by the audit policy, approved by {approver} until {expires}; it was not read")
            }
            Self::OtherRegion(region) => {
                write!(f, "the bucket lies in {region}, which this system does not reach; it was not read")
            }
            Self::OwnBucket => f.write_str("the bucket belongs to this system; it was not read"),
            Self::LimitReached(limit) => write!(
                f,
                "the policy's limit of {limit} changed buckets in one scan is reached; the bucket was not read, the \
                 next scan comes to it"
            ),
            Self::TimeUsedUp => f.write_str(
                "the time of one scan's remediation is used up; the bucket was not read, the next scan goes on",
            ),
            Self::Gone => f.write_str("the bucket is gone"),
            Self::Unreadable(why) => write!(f, "a reading that the decision needs is missing: {why}"),
            Self::OptedOut(tag) => write!(f, "opted out by the tag {}={}", tag.key, tag.value),
            Self::HasKey(key) => write!(f, "encrypted with the customer-managed key {key} by now"),
            Self::UnknownAlgorithm(algorithm) => {
                write!(f, "the default encryption is {algorithm}, which this system does not know")
            }
            Self::LogTarget(source) => write!(
                f,
                "target of the server access logs of {source}, which can be delivered to buckets with SSE-S3 only"
            ),
            Self::LogTargetUnknown { source, why, sources } => write!(
                f,
                "it may be the target of server access logs: where they go could not be read of {sources} bucket(s), \
                 among them {source}: {why}"
            ),
            Self::PolicyLetsIn(who) => {
                write!(f, "the bucket policy lets in {who}, who may have no rights on a key of the bucket's own")
            }
            Self::AclLetsIn(who) => {
                write!(f, "the access control list lets in {who}, who may have no rights on a key of the bucket's own")
            }
            Self::Website => f.write_str("a website: its readers are anonymous and cannot read SSE-KMS objects"),
            Self::ReplicationSource => {
                f.write_str("source of a replication, which must be configured for SSE-KMS objects first")
            }
            Self::UnusableKey(key) => write!(
                f,
                "the alias for the bucket's own key names {}, which cannot be used: state {}, manager {}, type {}; \
                 make the key usable or delete the alias",
                key.arn, key.state, key.manager, key.spec
            ),
        }
    }
}

/// Why a bucket is left alone without even reading it; empty when it is to be read.
pub(crate) fn before_reading(
    candidate: &Candidate,
    plan: &Plan,
    settings: &Settings,
    changed: u32,
    time_used_up: bool,
) -> Vec<Reason> {
    let limit = plan.policy.remediation.max_buckets_per_run;
    let own_suffix = format!("-{}", settings.system);
    let own = candidate.bucket == settings.reports_bucket || candidate.bucket.ends_with(&own_suffix);
    let reasons = [
        (plan.remediation == RemediationMode::Off).then_some(Reason::Off),
        candidate.exception.clone().map(Reason::Excepted),
        (candidate.region != plan.region).then(|| Reason::OtherRegion(candidate.region.clone())),
        own.then_some(Reason::OwnBucket),
        (changed >= limit).then_some(Reason::LimitReached(limit)),
        time_used_up.then_some(Reason::TimeUsedUp),
    ];
    reasons.into_iter().flatten().collect()
}

/// Why a bucket is left alone, given what was read of it; empty when it may be changed.
pub(crate) fn after_reading(
    bucket: &str,
    readings: &Readings,
    log_targets: &LogTargets,
    account: &str,
    opt_out: &OptOutTag,
) -> Vec<Reason> {
    let found = [
        by_encryption(&readings.encryption),
        by_tags(readings, opt_out),
        by_log_targets(bucket, log_targets),
        by_policy(&readings.policy, account),
        by_acl(readings),
        by_presence(&readings.website, Reason::Website),
        by_presence(&readings.replication, Reason::ReplicationSource),
    ];
    let reasons: Vec<Reason> =
        found.into_iter().flat_map(|found| found.unwrap_or_else(|why| vec![unread(why)])).collect();
    if reasons.contains(&Reason::Gone) { vec![Reason::Gone] } else { reasons }
}

/// Why the bucket's own key, if there is one, cannot be set; `None` when it can, or when there is none yet.
pub(crate) fn by_key(key: &Reading<Key>) -> Option<Reason> {
    match key.known() {
        Ok(Some(key)) if (key.state.as_str(), key.manager.as_str(), key.spec.as_str()) != USABLE => {
            Some(Reason::UnusableKey(key.clone()))
        }
        Ok(_) => None,
        Err(why) => Some(Reason::Unreadable(why)),
    }
}

/// State, manager and type of a key that a bucket can be encrypted with.
const USABLE: (&str, &str, &str) = ("Enabled", "CUSTOMER", "SYMMETRIC_DEFAULT");

/// The encryption that a bucket gets: a key of its own, and whatever else was configured. Two layers of encryption stay
/// two layers; they know [no bucket keys](https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingDSSEncryption.html).
pub(crate) fn intended(before: Option<&BucketEncryption>, key_arn: &str) -> BucketEncryption {
    let two_layers = before.is_some_and(|before| before.algorithm == DSSE);
    BucketEncryption {
        algorithm: if two_layers { DSSE } else { KMS }.to_owned(),
        kms_key_id: Some(key_arn.to_owned()),
        bucket_key_enabled: !two_layers,
        blocked_encryption_types: before.map(|before| before.blocked_encryption_types.clone()).unwrap_or_default(),
    }
}

/// Whether a bucket that should have the first encryption, and shows the second, has it. Blocking `NONE` is blocking
/// nothing: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_BlockedEncryptionTypes.html>
pub(crate) fn same(wanted: &BucketEncryption, shown: &BucketEncryption) -> bool {
    let blocked = |encryption: &BucketEncryption| {
        let mut types = encryption.blocked_encryption_types.clone();
        types.retain(|blocked| blocked != "NONE");
        types.sort();
        types.dedup();
        types
    };
    (&wanted.algorithm, &wanted.kms_key_id, wanted.bucket_key_enabled, blocked(wanted))
        == (&shown.algorithm, &shown.kms_key_id, shown.bucket_key_enabled, blocked(shown))
}

type Found = Result<Vec<Reason>, Unreadable>;

fn unread(why: Unreadable) -> Reason {
    if why.cause == UnreadableCause::Gone { Reason::Gone } else { Reason::Unreadable(why) }
}

fn by_encryption(encryption: &Reading<BucketEncryption>) -> Found {
    let Some(encryption) = encryption.known()? else {
        return Ok(Vec::new());
    };
    if !ALGORITHMS.contains(&encryption.algorithm.as_str()) {
        return Ok(vec![Reason::UnknownAlgorithm(encryption.algorithm.clone())]);
    }
    Ok(match encryption.kms_key_id.as_deref() {
        Some(key) if !key.is_empty() && !is_aws_managed(key) => vec![Reason::HasKey(key.to_owned())],
        _ => Vec::new(),
    })
}

fn by_tags(readings: &Readings, opt_out: &OptOutTag) -> Found {
    let opted_out = readings.tags.known()?.is_some_and(|tags| tags.get(&opt_out.key) == Some(&opt_out.value));
    Ok(if opted_out { vec![Reason::OptedOut(opt_out.clone())] } else { Vec::new() })
}

fn by_log_targets(bucket: &str, log_targets: &LogTargets) -> Found {
    Ok(match (log_targets.source_of(bucket), log_targets.unknown()) {
        (Some(source), _) => vec![Reason::LogTarget(source.to_owned())],
        (None, Some((source, why, sources))) => {
            vec![Reason::LogTargetUnknown { source: source.to_owned(), why: why.clone(), sources }]
        }
        (None, None) => Vec::new(),
    })
}

fn by_policy(policy: &Reading<String>, account: &str) -> Found {
    let Some(text) = policy.known()? else {
        return Ok(Vec::new());
    };
    Ok(let_in_by_policy(text, account)?.into_iter().map(Reason::PolicyLetsIn).collect())
}

/// Public grants count unless the bucket is seen to ignore them.
fn by_acl(readings: &Readings) -> Found {
    let outsiders = readings.acl.known()?.map(let_in_by_acl).unwrap_or_default();
    let mut reasons = Vec::new();
    for outsider in outsiders {
        if outsider == Outsider::Anyone {
            match readings.ignores_public_acls.known() {
                Ok(Some(true)) => continue,
                Ok(_) => {}
                Err(why) => reasons.push(unread(why)),
            }
        }
        reasons.push(Reason::AclLetsIn(outsider));
    }
    Ok(reasons)
}

fn by_presence(configuration: &Reading<()>, reason: Reason) -> Found {
    Ok(configuration.known()?.map(|()| vec![reason]).unwrap_or_default())
}

#[cfg(test)]
mod tests;
