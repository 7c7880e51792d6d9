//! Seals what a scan or a rollback left: a manifest of every object, signed, and a link in the chain.

mod left;

use audit_artifacts::{ArtifactStore, Condition, PutOutcome, not_read, scan_id};
use audit_model::task::{PlanScanOutput, SealEvidenceInput, SealEvidenceOutput};
use audit_model::to_the_second;
use audit_task::TaskError;
use evidence_chain::{
    EvidenceStore, Execution, Figures, HEAD, Head, Kind, Link, Manifest, NotCanonical, Outcome, PublicKey,
    SCHEMA_VERSION, SigningKey, Subject, hex, public_key, sha256,
};
use evidence_key::Signer;
use jiff::Timestamp;

use left::Left;

/// How often the head may be moved by somebody else before this task gives up. Of those who try at once one succeeds each time.
const ATTEMPTS: u32 = 32;

/// Characters that a manifest keeps of what broke an execution off.
const REASON: usize = 1_000;

/// What sealing works with.
pub struct Ports<'a> {
    /// The reports bucket.
    pub store: &'a dyn ArtifactStore,
    /// The same bucket, to be listed and read from.
    pub evidence: &'a dyn EvidenceStore,
    /// The key.
    pub signer: &'a dyn Signer,
    /// The time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
}

/// Seals what an execution left. However often it is asked, and by how many at once, an execution has one link: the head of
/// the chain, which holds its whole link, moves by a conditional write, and whoever moves it has stored the link before first.
///
/// # Errors
/// `Corrupt` when the head cannot be understood, or is gone while there are links; `Conflict` when the manifest of the link
/// before is not what was sealed, which is told after this one is sealed; `Unavailable` when others keep moving the head, or
/// something is changed at the same time; and those of the store and of the key.
pub async fn handle(input: &SealEvidenceInput, ports: &Ports<'_>) -> Result<SealEvidenceOutput, TaskError> {
    let subject = subject(input);
    let key = ports.signer.public_key().await?;
    let place = public_key(key.fingerprint());
    let is_kept = put_once(ports.store, &place, "application/x-pem-file", key.pem().as_bytes()).await?;
    let another_key = (!is_kept).then(|| {
        TaskError::Conflict(format!(
            "the object {place} is not the public key of that name; delete it, and the next seal writes it"
        ))
    });
    let mut left = None;
    for _ in 0..ATTEMPTS {
        let (head, condition) = match ports.store.get(HEAD).await? {
            None => (None, Condition::IfAbsent),
            Some(stored) => (Some(read_head(&stored.content, &key)?), Condition::IfMatch(stored.etag)),
        };
        let mut amiss = another_key.clone();
        match &head {
            Some(head) => amiss = store_link(ports.store, head).await?.or(amiss),
            None if has_begun(ports).await? => continue,
            None => {}
        }
        if let Some(link) = sealed_before(&subject, head.as_ref(), &key, ports).await? {
            return amiss.map_or_else(|| Ok(answer(&link)), Err);
        }
        let left = match &left {
            Some(left) => left,
            None => left.insert(Left::of(&subject, ports).await?),
        };
        let manifest = manifest(input, &subject, head.as_ref(), left, &key, ports).await?;
        let link = sign(&manifest, &key, ports).await?;
        let content = Head::of(&link).canonical().map_err(|error| not_written(&error))?;
        if ports.store.put(HEAD, "application/json", content.into(), condition).await? == PutOutcome::Written {
            let amiss = store_link(ports.store, &link).await?.or(amiss);
            return amiss.map_or_else(|| Ok(answer(&link)), Err);
        }
        tracing::info!("another execution was sealed meanwhile; this one follows it");
    }
    Err(TaskError::Unavailable(format!(
        "the head of the evidence chain, {HEAD}, was moved by others {ATTEMPTS} times while {subject} was sealed; try again"
    )))
}

/// What the execution is: the plan gives it its id, or it is made as the plan would have made it.
fn subject(input: &SealEvidenceInput) -> Subject {
    let (kind, id) = match &input.plan {
        Some(PlanScanOutput::Proceed { scan_id, .. } | PlanScanOutput::Skip { scan_id, .. }) => {
            (Kind::Scan, scan_id.clone())
        }
        Some(PlanScanOutput::Rollback { rollback_id, .. }) => (Kind::Rollback, rollback_id.clone()),
        None => (Kind::Scan, scan_id::of(input.execution.start_time, &input.execution.id)),
    };
    Subject { kind, id }
}

/// How the execution ended, and why, where it did not come to its end.
fn outcome(input: &SealEvidenceInput, figures: Option<&Figures>) -> (Outcome, Option<String>) {
    if let Some(failure) = &input.failure {
        let is_refused = input.plan.is_none() && ["InvalidRequest", "InvalidPolicy"].contains(&failure.error.as_str());
        let reason = format!("{}: {}: {}", failure.state, failure.error, failure.cause);
        let reason = reason.chars().take(REASON).collect();
        return (if is_refused { Outcome::Refused } else { Outcome::BrokeOff }, Some(reason));
    }
    match (&input.plan, figures) {
        (Some(PlanScanOutput::Skip { reason, .. }), _) => (Outcome::SteppedAside, Some(reason.clone())),
        (Some(PlanScanOutput::Rollback { .. }), _) => (Outcome::RolledBack, None),
        (Some(PlanScanOutput::Proceed { .. }), Some(figures)) => (figures.status.into(), None),
        (Some(PlanScanOutput::Proceed { .. }) | None, _) => {
            (Outcome::BrokeOff, Some("no summary that can be understood was left, and no error was told".to_owned()))
        }
    }
}

async fn manifest(
    input: &SealEvidenceInput,
    subject: &Subject,
    head: Option<&Link>,
    left: &Left,
    key: &PublicKey,
    ports: &Ports<'_>,
) -> Result<Manifest, TaskError> {
    let Left { objects, plan, catalogue, figures } = left.clone();
    let (outcome, reason) = outcome(input, figures.as_ref());
    let previous = head.map(Link::as_previous);
    Ok(Manifest {
        schema_version: SCHEMA_VERSION.to_owned(),
        number: previous.as_ref().map_or(1, |previous| previous.number + 1),
        subject: subject.clone(),
        outcome,
        reason,
        execution: Execution { arn: input.execution.id.clone(), started_at: input.execution.start_time },
        plan,
        catalogue,
        figures,
        objects,
        without_link: match head {
            Some(head) => without_link(&head.manifest.subject, subject, ports).await?,
            None => Vec::new(),
        },
        key: SigningKey { arn: ports.signer.arn().to_owned(), fingerprint: key.fingerprint().to_owned() },
        previous,
        sealed_at: to_the_second((ports.now)()),
    })
}

/// What started after the link before and before this one, and has no link.
async fn without_link(previous: &Subject, subject: &Subject, ports: &Ports<'_>) -> Result<Vec<Subject>, TaskError> {
    let mut without = Vec::new();
    for kind in Kind::ALL {
        let ids = ports.evidence.folders(kind.folder()).await.map_err(not_read)?;
        for id in ids.into_iter().filter(|id| *id > previous.id && *id < subject.id) {
            let other = Subject { kind, id };
            if ports.evidence.open(&other.manifest()).await.map_err(not_read)?.is_none() {
                without.push(other);
            }
        }
    }
    Ok(without)
}

async fn sign(manifest: &Manifest, key: &PublicKey, ports: &Ports<'_>) -> Result<Link, TaskError> {
    let text = manifest.canonical().map_err(|error| not_written(&error))?;
    let digest = sha256(text.as_bytes());
    let signature = ports.signer.sign(&digest).await?;
    if !key.has_signed(&digest, &signature) {
        return Err(TaskError::Corrupt(format!(
            "what {} signed does not fit its public key; try again, and compare the key with the stack's output",
            ports.signer.arn()
        )));
    }
    Link::new(text, signature).map_err(|error| TaskError::Internal(format!("the manifest is none: {error}")))
}

/// The head's link. With a key of its own signature that is still in use nobody else can have made it.
fn read_head(content: &[u8], key: &PublicKey) -> Result<Link, TaskError> {
    let link = Head::read(content).and_then(|link| {
        let is_of_this_key = link.manifest.key.fingerprint == key.fingerprint();
        if is_of_this_key && !key.has_signed(&link.sha256, &link.signature) {
            return Err("its signature is not of its manifest".to_owned());
        }
        Ok(link)
    });
    link.map_err(|why| {
        TaskError::Corrupt(format!(
            "the head of the evidence chain, {HEAD}, is not what was sealed: {why}; restore its last good version"
        ))
    })
}

/// Whether the chain has begun in the moment since there was no head. A chain has one beginning: without its head it must not
/// get another.
async fn has_begun(ports: &Ports<'_>) -> Result<bool, TaskError> {
    for kind in Kind::ALL {
        for id in ports.evidence.folders(kind.folder()).await.map_err(not_read)? {
            let linked = Subject { kind, id };
            if ports.evidence.open(&linked.manifest()).await.map_err(not_read)?.is_some() {
                if ports.store.get(HEAD).await?.is_some() {
                    return Ok(true);
                }
                return Err(TaskError::Corrupt(format!(
                    "the head of the evidence chain, {HEAD}, is gone, while {linked} has a link; restore its last version"
                )));
            }
        }
    }
    Ok(false)
}

/// The link that an earlier attempt has made.
async fn sealed_before(
    subject: &Subject,
    head: Option<&Link>,
    key: &PublicKey,
    ports: &Ports<'_>,
) -> Result<Option<Link>, TaskError> {
    let Some(head) = head else {
        return Ok(None);
    };
    if head.manifest.subject == *subject {
        return Ok(Some(head.clone()));
    }
    let Some(stored) = ports.store.get(&subject.manifest()).await? else {
        return Ok(None);
    };
    let signature = ports.store.get(&subject.signature()).await?.map(|stored| stored.content.to_vec());
    let link = String::from_utf8(stored.content.to_vec()).ok().and_then(|text| Link::new(text, signature?).ok());
    let is_sealed = |link: &Link| link.manifest.subject == *subject && key.has_signed(&link.sha256, &link.signature);
    link.filter(is_sealed).map(Some).ok_or_else(|| amiss(&subject.manifest(), subject))
}

/// Stores a link that the head names, where it is not stored yet. What is wrong when something else lies in its place.
async fn store_link(store: &dyn ArtifactStore, link: &Link) -> Result<Option<TaskError>, TaskError> {
    let subject = &link.manifest.subject;
    let objects = [
        (subject.manifest(), "application/json", link.text.as_bytes()),
        (subject.signature(), "application/octet-stream", &link.signature),
    ];
    let mut wrong = None;
    for (key, content_type, content) in objects {
        if !put_once(store, &key, content_type, content).await? {
            wrong = wrong.or_else(|| Some(amiss(&key, subject)));
        }
    }
    Ok(wrong)
}

/// Stores what always has the same content, and tells whether that is what lies there now.
async fn put_once(store: &dyn ArtifactStore, key: &str, content_type: &str, content: &[u8]) -> Result<bool, TaskError> {
    if let Some(there) = store.get(key).await? {
        return Ok(there.content == content);
    }
    match store.put(key, content_type, content.to_vec().into(), Condition::IfAbsent).await? {
        PutOutcome::Written => Ok(true),
        PutOutcome::ConditionFailed => Ok(store.get(key).await?.is_some_and(|there| there.content == content)),
    }
}

fn amiss(key: &str, subject: &Subject) -> TaskError {
    TaskError::Conflict(format!(
        "the object {key} is not what was sealed of {subject}; verify the chain, and restore the version that was sealed"
    ))
}

fn not_written(error: &NotCanonical) -> TaskError {
    TaskError::Internal(format!("the manifest cannot be written: {error}"))
}

fn answer(link: &Link) -> SealEvidenceOutput {
    let Manifest { subject, number, sealed_at, objects, .. } = &link.manifest;
    SealEvidenceOutput {
        scan_id: subject.id.clone(),
        number: *number,
        sealed_at: *sealed_at,
        manifest: subject.manifest(),
        sha256: hex(&link.sha256),
        objects: objects.len() as u64,
        bytes: link.manifest.bytes(),
    }
}

#[cfg(test)]
mod tests;
