//! Whether a bucket may be changed, and into what: pure, from what was read just now. In doubt it is left alone.

use audit_model::policy::RemediationPolicy;
use audit_model::remediation::{Reason, ReasonCode};
use audit_model::resource::{BucketEncryption, ObjectOwnership};
use audit_model::{ExceptionMark, Plan, Reading, RemediationMode, Unreadable, UnreadableCause};
use audit_rules::{Outsider, is_aws_managed, let_in_by_acl, let_in_by_policy};
use bucket_encryption::{Described, Journal, OpenChange, being_changed, day_limit_reached, taken_back};
use jiff::Timestamp;

use crate::candidates::Candidate;
use crate::deliverers::deliverer;
use crate::neighbours::{Deliveries, Neighbours};
use crate::ports::{Key, Readings, Settings, key_alias};

/// SSE-S3, SSE-KMS and DSSE-KMS:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html>
const ALGORITHMS: [&str; 3] = ["AES256", KMS, DSSE];
const KMS: &str = "aws:kms";
const DSSE: &str = "aws:kms:dsse";

/// The state of a key that can be used.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
pub(crate) const USABLE_STATE: &str = "Enabled";

/// How many changes wait at the most after they were announced: as many as the alert surely names.
const MOST_ANNOUNCED: u32 = 50;

/// State, manager and type of a key that a bucket can be encrypted with.
const USABLE: (&str, &str, &str) = (USABLE_STATE, "CUSTOMER", "SYMMETRIC_DEFAULT");

/// How far a run has come when a bucket's turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// How many buckets this run has changed or tried to, or would have.
    pub(crate) changed: u32,
    /// How many buckets all runs of the day have begun to change, this one included.
    pub(crate) changed_today: u32,
    /// How many changes of this run have failed.
    pub(crate) failed: u32,
    /// How many changes are announced and wait for a later scan, those of this run included.
    pub(crate) announced: u32,
    /// Whether there is no time left to begin another bucket.
    pub(crate) time_used_up: bool,
}

/// The reasons that are known without reading the bucket.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownBefore {
    /// The reasons.
    pub(crate) reasons: Vec<Reason>,
    /// Whether the bucket is read all the same, so that every reason is told.
    pub(crate) reads: bool,
    /// The reason if it needs a change all the same, which was made often enough.
    pub(crate) drift: Option<Reason>,
}

/// What a bucket's turn may come to in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It may be changed, or a dry run tells that it would be.
    Change,
    /// The change may be announced.
    Announce,
}

/// The reasons to leave a bucket alone that are known without reading it.
pub(crate) fn before_reading(
    candidate: &Candidate,
    plan: &Plan,
    settings: &Settings,
    journal: &Journal,
    (step, progress): (Step, Progress),
    now: Timestamp,
) -> KnownBefore {
    let general = [
        (plan.remediation == RemediationMode::Off).then(off),
        (candidate.region != plan.region).then(|| other_region(&candidate.region)),
        (candidate.region == plan.region && !candidate.fails).then(|| not_judged(&candidate.missing)),
    ];
    let is_named = plan.reapply.contains(&candidate.bucket);
    let own_suffix = format!("-{}", settings.system);
    let own = candidate.bucket == settings.reports_bucket || candidate.bucket.ends_with(&own_suffix);
    let open = journal.open().iter().find(|open| open.bucket == candidate.bucket && open.run_id != plan.scan_id);
    let hold = journal.hold(&candidate.bucket, now).filter(|_| !is_named);
    let read = [
        candidate.exception.as_ref().map(excepted),
        own.then(own_bucket),
        hold.map(taken_back),
        open.map(being_changed),
    ];
    let limits = limits(step, progress, &plan.policy.remediation);
    let late = progress.time_used_up.then(time_used_up);
    let unread: Vec<Reason> = general.into_iter().flatten().chain(limits).chain(late).collect();
    let reads = unread.is_empty();
    let drift = journal.drift(&candidate.bucket, now).filter(|_| !is_named);
    KnownBefore { reasons: unread.into_iter().chain(read.into_iter().flatten()).collect(), reads, drift }
}

/// The limits that a run has reached for buckets of which this may come.
fn limits(step: Step, progress: Progress, policy: &RemediationPolicy) -> Vec<Reason> {
    let Progress { changed, changed_today, failed, announced, .. } = progress;
    let reached = match step {
        Step::Change => [
            (changed >= policy.max_buckets_per_run).then(|| run_limit_reached(policy)),
            (changed_today >= policy.max_buckets_per_day).then(|| day_limit_reached(policy.max_buckets_per_day)),
            (failed >= policy.stop_after_failures).then(|| stopped(failed)),
        ],
        Step::Announce => [announcements_reached(announced, policy), None, None],
    };
    reached.into_iter().flatten().collect()
}

/// The reason not to announce another change, once as many wait as the next scan may make.
pub(crate) fn announcements_reached(announced: u32, policy: &RemediationPolicy) -> Option<Reason> {
    let limit = policy.max_buckets_per_run.min(policy.max_buckets_per_day).min(MOST_ANNOUNCED);
    let text = format!(
        "{limit} change(s) are announced and wait for the next scan, which may make no more; the bucket's turn comes later"
    );
    (announced >= limit).then(|| Reason::new(ReasonCode::RunLimit, text))
}

/// The reasons to leave a bucket alone, given what was read of it and of the key that it names; none when it may be
/// changed.
pub(crate) fn after_reading(
    bucket: &str,
    readings: &Readings,
    named_key: &Reading<Key>,
    neighbours: &Neighbours,
    plan: &Plan,
) -> Vec<Reason> {
    let found = [
        by_encryption(&readings.encryption, named_key, &plan.account),
        by_tags(readings, &plan.policy.remediation),
        by_logs(bucket, &neighbours.logs),
        by_policy(&readings.policy, &plan.account),
        by_acl(readings),
        by_object_ownership(readings),
        by_website(readings),
        by_own_replication(readings),
        by_replicas(bucket, &neighbours.replicas),
    ];
    let reasons: Vec<Reason> =
        found.into_iter().flat_map(|found| found.unwrap_or_else(|why| vec![unread(&why)])).collect();
    if let Some(gone) = reasons.iter().find(|reason| reason.code == ReasonCode::Gone) {
        return vec![gone.clone()];
    }
    reasons
}

/// The key that a bucket names as its own choice, to be described: no key, no alias of AWS's, and none of another account,
/// which is not for this one to describe.
pub(crate) fn key_to_describe<'a>(encryption: &'a Reading<BucketEncryption>, account: &str) -> Option<&'a str> {
    let key = chosen_key(encryption.known().ok()??)?;
    (!of_another_account(key, account)).then_some(key)
}

/// Why the bucket's own key, if there is one, cannot be set; `None` when it can, or when there is none yet.
pub(crate) fn by_own_key(key: &Reading<Key>, bucket: &str) -> Option<Reason> {
    match key.known() {
        Ok(Some(key)) if !is_usable(key) => Some(own_key_unusable(key, bucket)),
        Ok(_) => None,
        Err(why) => Some(missing(&why)),
    }
}

/// The encryption that a bucket gets: a key of its own, and whatever else was configured. Two layers of encryption stay
/// two layers; they know [no bucket keys](https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingDSSEncryption.html).
pub(crate) fn intended(before: Option<&BucketEncryption>, key_arn: Option<&str>) -> BucketEncryption {
    let two_layers = before.is_some_and(|before| before.algorithm == DSSE);
    BucketEncryption {
        algorithm: if two_layers { DSSE } else { KMS }.to_owned(),
        kms_key_id: key_arn.map(str::to_owned),
        bucket_key_enabled: !two_layers,
        blocked_encryption_types: before.map(|before| before.blocked_encryption_types.clone()).unwrap_or_default(),
    }
}

type Found = Result<Vec<Reason>, Unreadable>;

fn by_encryption(encryption: &Reading<BucketEncryption>, named_key: &Reading<Key>, account: &str) -> Found {
    let Some(encryption) = encryption.known()? else {
        return Ok(Vec::new());
    };
    if !ALGORITHMS.contains(&encryption.algorithm.as_str()) {
        return Ok(vec![unknown_algorithm(&encryption.algorithm)]);
    }
    let Some(chosen) = chosen_key(encryption) else {
        return Ok(Vec::new());
    };
    if of_another_account(chosen, account) {
        return Ok(vec![has_key(chosen)]);
    }
    Ok(match named_key.known()? {
        None => vec![key_unusable(chosen, "AWS KMS does not know it")],
        // An AWS-managed key may be named by its own id.
        Some(key) if key.manager == "AWS" => Vec::new(),
        Some(key) if is_usable(key) => vec![has_key(chosen)],
        Some(key) => vec![key_unusable(chosen, &format!("its state is {}, its type {}", key.state, key.spec))],
    })
}

fn by_tags(readings: &Readings, policy: &RemediationPolicy) -> Found {
    let tag = &policy.opt_out_tag;
    let opted_out = readings.tags.known()?.is_some_and(|tags| tags.get(&tag.key) == Some(&tag.value));
    let reason = || Reason::new(ReasonCode::OptedOut, format!("opted out by the tag {}={}", tag.key, tag.value));
    Ok(opted_out.then(reason).into_iter().collect())
}

fn by_logs(bucket: &str, logs: &Deliveries) -> Found {
    by_deliveries(bucket, logs, |source| match source {
        Source::Known(source) => Reason::new(
            ReasonCode::LogTarget,
            format!("target of the server access logs of {source}, which can be delivered to buckets with SSE-S3 only"),
        ),
        Source::Unknown(unread) => Reason::new(
            ReasonCode::LogTargetUnknown,
            format!("it may be the target of server access logs: where they go {unread}"),
        ),
    })
}

fn by_replicas(bucket: &str, replicas: &Deliveries) -> Found {
    by_deliveries(bucket, replicas, |source| match source {
        Source::Known(source) => Reason::new(
            ReasonCode::ReplicationDestination,
            format!(
                "destination of the replication of {source}, whose role may have no rights on a key of the bucket's own"
            ),
        ),
        Source::Unknown(unread) => Reason::new(
            ReasonCode::ReplicationDestinationUnknown,
            format!("it may be the destination of a replication: where objects are replicated {unread}"),
        ),
    })
}

/// Who delivers into a bucket.
enum Source<'a> {
    /// This bucket.
    Known(&'a str),
    /// Nobody knows, and why, in words.
    Unknown(String),
}

fn by_deliveries(bucket: &str, deliveries: &Deliveries, reason: impl FnOnce(Source<'_>) -> Reason) -> Found {
    let source = match (deliveries.source_of(bucket), deliveries.unknown()) {
        (Some(source), _) => Source::Known(source),
        (None, Some(why)) => Source::Unknown(why),
        (None, None) => return Ok(Vec::new()),
    };
    Ok(vec![reason(source)])
}

fn by_policy(policy: &Reading<String>, account: &str) -> Found {
    let Some(text) = policy.known()? else {
        return Ok(Vec::new());
    };
    Ok(let_in_by_policy(text, account)?.iter().map(|who| let_in("the bucket policy", who)).collect())
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
                Err(why) => reasons.push(unread(&why)),
            }
        }
        reasons.push(let_in("the access control list", &outsider));
    }
    Ok(reasons)
}

/// Where access control lists are not switched off, an object's own list may let in anybody, of other accounts too.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
fn by_object_ownership(readings: &Readings) -> Found {
    if readings.object_ownership.known()? == Some(&ObjectOwnership::BucketOwnerEnforced) {
        return Ok(Vec::new());
    }
    let text = "access control lists are not switched off (BucketOwnerEnforced): single objects may be readable by others, \
                who may have no rights on a key of the bucket's own";
    Ok(vec![Reason::new(ReasonCode::ObjectAcls, text)])
}

fn by_website(readings: &Readings) -> Found {
    let text = "a website: its readers are anonymous and cannot read SSE-KMS objects";
    Ok(readings.website.known()?.map(|()| Reason::new(ReasonCode::Website, text)).into_iter().collect())
}

fn by_own_replication(readings: &Readings) -> Found {
    let text = "source of a replication, which must be configured for SSE-KMS objects first";
    Ok(readings.replication.known()?.map(|_| Reason::new(ReasonCode::ReplicationSource, text)).into_iter().collect())
}

fn chosen_key(encryption: &BucketEncryption) -> Option<&str> {
    encryption.kms_key_id.as_deref().filter(|key| !key.is_empty() && !is_aws_managed(key))
}

fn of_another_account(key: &str, account: &str) -> bool {
    key.split(':').nth(4).is_some_and(|its| its != account)
}

fn is_usable(key: &Key) -> bool {
    (key.state.as_str(), key.manager.as_str(), key.spec.as_str()) == USABLE
}

fn unread(why: &Unreadable) -> Reason {
    if why.cause == UnreadableCause::Gone { Reason::new(ReasonCode::Gone, "the bucket is gone") } else { missing(why) }
}

pub(crate) fn missing(why: &Unreadable) -> Reason {
    Reason::new(ReasonCode::Unreadable, format!("a reading that the decision needs is missing: {why}"))
}

fn off() -> Reason {
    Reason::new(ReasonCode::Off, "remediation is off in this scan; the bucket was not read")
}

fn other_region(region: &str) -> Reason {
    let text = format!("the bucket lies in {region}, which this system does not reach; it was not read");
    Reason::new(ReasonCode::OtherRegion, text)
}

fn not_judged(missing: &[Unreadable]) -> Reason {
    let missing = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Reason::new(
        ReasonCode::NotJudged,
        format!("the scan could not judge its encryption: {missing}; it was not read again"),
    )
}

fn excepted(mark: &ExceptionMark) -> Reason {
    let ExceptionMark { approver, expires, .. } = mark;
    let text = format!("excepted by the audit policy, approved by {approver} until {expires}");
    Reason::new(ReasonCode::Excepted, text)
}

fn own_bucket() -> Reason {
    Reason::new(ReasonCode::OwnBucket, "the bucket belongs to this system")
}

fn run_limit_reached(policy: &RemediationPolicy) -> Reason {
    let limit = policy.max_buckets_per_run;
    let text = format!(
        "the policy's limit of {limit} changed buckets in one scan is reached; nothing was decided about this one, and the \
         next scan goes on with it"
    );
    Reason::new(ReasonCode::RunLimit, text)
}

fn stopped(failed: u32) -> Reason {
    let text = format!(
        "{failed} change(s) of this scan failed, after which the policy has it stop; nothing was decided about this one"
    );
    Reason::new(ReasonCode::Stopped, text)
}

fn time_used_up() -> Reason {
    let text = "the time of one scan's remediation is used up; nothing was decided about this bucket, and the next scan goes \
                on with it";
    Reason::new(ReasonCode::TimeUsedUp, text)
}

fn has_key(key: &str) -> Reason {
    Reason::new(ReasonCode::HasKey, format!("encrypted with the customer-managed key {key} by now"))
}

fn key_unusable(key: &str, why: &str) -> Reason {
    let text = format!(
        "the bucket names the customer-managed key {key}, which cannot be used: {why}; make it usable, or set another: \
         whether it was locked on purpose is for a person to say"
    );
    Reason::new(ReasonCode::KeyUnusable, text)
}

fn unknown_algorithm(algorithm: &str) -> Reason {
    let text = format!("the default encryption is {algorithm}, which this system does not know");
    Reason::new(ReasonCode::UnknownAlgorithm, text)
}

fn let_in(by: &str, who: &Outsider) -> Reason {
    const RIGHTS: &str = "who may have no rights on a key of the bucket's own";
    if let Some(service) = deliverer(who) {
        let text =
            format!("{by} lets in {service}, which may deliver into it and has no rights on a key of the bucket's own");
        return Reason::new(ReasonCode::Delivery, text);
    }
    match who {
        Outsider::Anyone => Reason::new(ReasonCode::Anonymous, format!("{by} lets in anyone, {RIGHTS}")),
        who => Reason::new(ReasonCode::OtherAccount, format!("{by} lets in {who}, {RIGHTS}")),
    }
}

fn own_key_unusable(key: &Key, bucket: &str) -> Reason {
    let Key { arn, state, manager, spec } = key;
    let text = format!(
        "the bucket's own key {arn} cannot be used: state {state}, manager {manager}, type {spec}; make it usable, or \
         delete its alias {} and its tag",
        key_alias(bucket)
    );
    Reason::new(ReasonCode::OwnKeyUnusable, text)
}

/// The reason to leave a bucket alone that somebody has changed since it was decided about.
pub(crate) fn changed_meanwhile(shown: Option<&BucketEncryption>) -> Reason {
    let text = format!("somebody has changed it while its key was prepared: now it shows {}", Described(shown));
    Reason::new(ReasonCode::ChangedSince, text)
}

/// The reason to leave a bucket alone that has got a key of its own since it was looked at.
pub(crate) fn key_appeared() -> Reason {
    Reason::new(
        ReasonCode::BeingChanged,
        "somebody has made a key for the bucket in the meantime; the next scan looks again",
    )
}

/// The reason to wait while nobody knows whether a key was made.
pub(crate) fn key_pending(open: &OpenChange) -> Reason {
    let text = format!(
        "a key may have been made for the bucket after {}, which AWS KMS does not show yet; the next scan looks again",
        open.begun_at
    );
    Reason::new(ReasonCode::KeyPending, text)
}

#[cfg(test)]
mod tests;
