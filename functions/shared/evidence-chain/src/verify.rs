//! Whether a chain, and everything that it seals, is as it was made.

use std::collections::BTreeSet;
use std::{fmt, io};

use audit_model::to_the_second;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::io::AsyncReadExt;

use crate::canonical::canonical_sha256;
use crate::digest::{digest_all, hex};
use crate::head::{Head, Link};
use crate::key::PublicKey;
use crate::manifest::{Manifest, Outcome, Previous};
use crate::places::{HEAD, Kind, REPORTS, Subject, reported};
use crate::problem::Problem;
use crate::store::EvidenceStore;

/// The largest manifest, plan or head that is read: some 250,000 objects.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What verification is told beside the store.
#[derive(Debug, Clone, Default)]
pub struct Expectations<'a> {
    /// The keys that are trusted. With those that lie in the store itself the chain agrees with itself, and no more is shown.
    pub keys: &'a [PublicKey],
    /// The objects of links sealed before are not read; their chain is looked at all the same.
    pub from: Option<Timestamp>,
    /// The objects of links sealed after are not read.
    pub to: Option<Timestamp>,
    /// What started before may have expired. Without it the chain must be there from its first link on.
    pub kept_since: Option<Timestamp>,
    /// What started later may still be running, and needs no link yet.
    pub runs_since: Option<Timestamp>,
    /// The longest time that may lie between the starts of two executions, and between the last one and `until`.
    pub longest_gap: Option<SignedDuration>,
    /// Until when all that started must have its link. Without it nothing is said of the time after the last link.
    pub until: Option<Timestamp>,
    /// What people were told of the chain: whoever made it anew cannot make that anew.
    pub witnesses: &'a [Witness],
}

/// A link as somebody was told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its number.
    pub number: u64,
    /// The first digits of its manifest's SHA-256, in lowercase hexadecimal.
    pub sha256: String,
}

/// What verification came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The links in their order.
    pub links: Vec<LinkReport>,
    /// What is wrong with no single link.
    pub problems: Vec<Problem>,
}

impl Verification {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.all_problems().next().is_none()
    }

    /// Everything that is wrong.
    pub fn all_problems(&self) -> impl Iterator<Item = &Problem> {
        self.links.iter().flat_map(|link| &link.problems).chain(&self.problems)
    }
}

/// What verification came to about a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkReport {
    /// Its number.
    pub number: u64,
    /// What it is about.
    pub subject: Subject,
    /// How that ended.
    pub outcome: Outcome,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// SHA-256 of its manifest, in lowercase hexadecimal.
    pub sha256: String,
    /// How many objects it seals.
    pub objects: usize,
    /// How many bytes these had.
    pub bytes: u64,
    /// Whether its objects were read.
    pub read: bool,
    /// Whether the audit policy in force was another than that of the last plan before. It may be, and people want to know.
    pub new_policy: bool,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl fmt::Display for LinkReport {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, subject, outcome, sealed_at, objects, bytes, .. } = self;
        write!(f, "{number:>6}  {sealed_at}  {subject}  {outcome:<13}  {objects} objects, {bytes} bytes: ")?;
        match (self.problems.len(), self.read) {
            (0, true) => f.write_str("as sealed"),
            (0, false) => f.write_str("in the chain, its objects not read"),
            (1, _) => f.write_str("1 problem"),
            (many, _) => write!(f, "{many} problems"),
        }?;
        if self.new_policy { f.write_str("; another audit policy than before") } else { Ok(()) }
    }
}

/// A link as far as the others need it.
struct Known {
    report: LinkReport,
    signature: Vec<u8>,
    started_at: Timestamp,
    policy_sha256: Option<String>,
    without_link: Vec<Subject>,
    previous: Option<Previous>,
    /// What the head must be while this is the last link.
    head: Option<String>,
}

/// Looks at every link, every signature and every object.
///
/// # Errors
/// Those of the store: what could not be read is neither as it was sealed nor changed.
pub async fn verify(store: &dyn EvidenceStore, expected: &Expectations<'_>) -> io::Result<Verification> {
    let mut problems = Vec::new();
    let mut links = Vec::new();
    let mut sealed = BTreeSet::new();
    let mut unsealed = BTreeSet::new();
    for kind in Kind::ALL {
        for id in store.folders(kind.folder()).await? {
            let subject = Subject { kind, id };
            match find(store, &subject).await? {
                None => {
                    unsealed.insert(subject);
                }
                Some(found) => {
                    sealed.insert(subject.clone());
                    match found {
                        Ok(link) => links.push(known(store, subject, link, expected).await?),
                        Err(why) => problems.push(Problem::NotUnderstood { subject, why }),
                    }
                }
            }
        }
    }
    let of_reports = store.list_objects(REPORTS).await?;
    let of_reports = of_reports.iter().filter_map(|key| reported(key));
    unsealed.extend(of_reports.map(|id| Subject { kind: Kind::Scan, id: id.to_owned() }));
    unsealed.extend(links.iter_mut().flat_map(|link| std::mem::take(&mut link.without_link)));

    links.sort_by(|one, other| {
        (one.report.number, &one.report.subject).cmp(&(other.report.number, &other.report.subject))
    });
    let began = links.first().filter(|first| first.report.number == 1).map(|first| first.report.subject.id.clone());
    let is_due = |subject: &&Subject| {
        let after = |time: Timestamp| subject.id.as_str() > time.strftime("%Y%m%dT%H%M%SZ").to_string().as_str();
        !sealed.contains(*subject)
            && began.as_ref().is_none_or(|first| subject.id > *first)
            && expected.kept_since.is_none_or(after)
            && !expected.runs_since.is_some_and(after)
    };
    problems.extend(unsealed.iter().filter(is_due).map(|subject| Problem::WithoutLink { subject: subject.clone() }));

    check_order(&mut links, expected);
    problems.extend(check_end(store, links.last(), expected).await?);
    for witness in expected.witnesses {
        let told =
            |link: &Known| link.report.number == witness.number && link.report.sha256.starts_with(&witness.sha256);
        if !links.iter().any(told) {
            problems.push(Problem::NotAsTold { number: witness.number, sha256: witness.sha256.clone() });
        }
    }
    Ok(Verification { links: links.into_iter().map(|link| link.report).collect(), problems })
}

/// The link that lies there, or why what lies there is none; `None` when there is nothing.
async fn find(store: &dyn EvidenceStore, subject: &Subject) -> io::Result<Option<Result<Link, String>>> {
    let Some(content) = read(store, &subject.manifest()).await? else {
        return Ok(None);
    };
    let signature = read(store, &subject.signature()).await?.unwrap_or_default();
    let link = String::from_utf8(content)
        .map_err(|error| error.to_string())
        .and_then(|text| Link::new(text, signature).map_err(|error| error.to_string()));
    Ok(Some(link))
}

/// A small object whole, or `None` when there is none.
async fn read(store: &dyn EvidenceStore, key: &str) -> io::Result<Option<Vec<u8>>> {
    let Some(opened) = store.open(key).await? else {
        return Ok(None);
    };
    let mut content = Vec::new();
    opened.content.take(LARGEST).read_to_end(&mut content).await?;
    Ok(Some(content))
}

/// What is known of a link by itself: its place, its signature, and its objects where they are to be read.
async fn known(
    store: &dyn EvidenceStore,
    place: Subject,
    link: Link,
    expected: &Expectations<'_>,
) -> io::Result<Known> {
    let mut problems = Vec::new();
    let Link { manifest, sha256, signature, .. } = &link;
    if manifest.subject != place {
        problems.push(Problem::Misplaced { place: place.clone() });
    }
    if signature.is_empty() {
        problems.push(Problem::NotSigned);
    } else if !expected.keys.iter().any(|key| key.has_signed(sha256, signature)) {
        let named = &manifest.key.fingerprint;
        let is_trusted = expected.keys.iter().any(|key| key.fingerprint() == named);
        problems.push(if is_trusted {
            Problem::NotItsSignature
        } else {
            Problem::OtherKey { fingerprint: named.clone() }
        });
    }
    if manifest.sealed_at < to_the_second(manifest.execution.started_at) {
        problems.push(Problem::RunsBack { after: manifest.execution.started_at });
    }
    let is_in_range = expected.from.is_none_or(|from| manifest.sealed_at >= from)
        && expected.to.is_none_or(|to| manifest.sealed_at <= to);
    if is_in_range {
        let may_have_expired = expected.kept_since.is_some_and(|since| manifest.execution.started_at < since);
        problems.extend(check_objects(store, manifest, may_have_expired).await?);
        if manifest.subject == place {
            problems.extend(added(store, manifest).await?);
        }
    }
    Ok(Known {
        head: Head::of(&link).canonical().ok(),
        report: LinkReport {
            number: manifest.number,
            subject: manifest.subject.clone(),
            outcome: manifest.outcome,
            sealed_at: manifest.sealed_at,
            sha256: hex(sha256),
            objects: manifest.objects.len(),
            bytes: manifest.bytes(),
            read: is_in_range,
            new_policy: false,
            problems,
        },
        started_at: manifest.execution.started_at,
        policy_sha256: manifest.plan.as_ref().and_then(|plan| plan.policy_sha256.clone()),
        signature: link.signature,
        without_link: link.manifest.without_link,
        previous: link.manifest.previous,
    })
}

/// Holds every object against what was sealed.
async fn check_objects(
    store: &dyn EvidenceStore,
    manifest: &Manifest,
    may_have_expired: bool,
) -> io::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let keys = manifest.objects.iter().map(|object| object.key.clone()).collect();
    for (sealed, found) in manifest.objects.iter().zip(digest_all(store, keys).await?) {
        let key = sealed.key.clone();
        match found {
            None if may_have_expired => {}
            None => problems.push(Problem::Missing { key }),
            Some(found) if (found.bytes, &found.sha256) == (sealed.bytes, &sealed.sha256) => {}
            Some(_) => {
                let is_plan = key == manifest.subject.plan();
                problems.push(Problem::Changed { key });
                if is_plan && policy_differs(store, manifest).await? {
                    problems.push(Problem::PolicyChanged);
                }
            }
        }
    }
    Ok(problems)
}

/// Whether the plan that is there holds another audit policy than was sealed, as far as it can be understood.
async fn policy_differs(store: &dyn EvidenceStore, manifest: &Manifest) -> io::Result<bool> {
    let sealed = manifest.plan.as_ref().and_then(|plan| plan.policy_sha256.as_ref());
    let plan = read(store, &manifest.subject.plan()).await?.unwrap_or_default();
    let policy =
        serde_json::from_slice::<Value>(&plan).ok().and_then(|plan| canonical_sha256(plan.get("policy")?).ok());
    Ok(policy.is_some_and(|policy| sealed != Some(&policy)))
}

/// What lies beside the sealed objects.
async fn added(store: &dyn EvidenceStore, manifest: &Manifest) -> io::Result<Vec<Problem>> {
    let Manifest { subject, objects, .. } = manifest;
    let mut there = store.list_objects(&subject.folder()).await?;
    if let Some(reports) = subject.reports() {
        there.extend(store.list_objects(&reports).await?);
    }
    let known: BTreeSet<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    let own = [subject.manifest(), subject.signature()];
    there.retain(|key| !known.contains(key.as_str()) && !own.contains(key));
    Ok(there.into_iter().map(|key| Problem::Added { key }).collect())
}

/// Holds every link against the one before. They come in the order of their numbers.
fn check_order(links: &mut [Known], expected: &Expectations<'_>) {
    let mut policy = None;
    let mut started = None;
    for at in 0..links.len() {
        let (before, rest) = links.split_at_mut(at);
        let Some(link) = rest.first_mut() else { break };
        let mut problems = Vec::new();
        let number = link.report.number;
        let last = before.last();
        let last_number = last.map_or(0, |last| last.report.number);
        match last {
            Some(last) if last_number == number => {
                problems.push(Problem::SameNumber { other: last.report.subject.clone() });
            }
            _ if number > last_number + 1 => {
                let has_expired = last.is_none()
                    && link.previous.as_ref().zip(expected.kept_since).is_some_and(|(it, since)| it.sealed_at < since);
                if !has_expired {
                    let subject = link.previous.as_ref().map(|previous| previous.subject.clone());
                    problems.push(Problem::LinksMissing { first: last_number + 1, last: number - 1, subject });
                }
            }
            _ => {
                if link.previous != last.map(named) {
                    problems.push(Problem::NotLinked);
                }
            }
        }
        if let Some(last) = last
            && link.report.sealed_at < last.report.sealed_at
        {
            problems.push(Problem::RunsBack { after: last.report.sealed_at });
        }
        if let (Some(longest), Some(from)) = (expected.longest_gap, started)
            && link.started_at.duration_since(from) > longest
        {
            problems.push(Problem::Gap { from, to: link.started_at });
        }
        started = started.max(Some(link.started_at));
        if let Some(its) = &link.policy_sha256 {
            link.report.new_policy = policy.as_ref().is_some_and(|policy| policy != its);
            policy = Some(its.clone());
        }
        link.report.problems.extend(problems);
    }
}

/// What the next link must say of this one.
fn named(link: &Known) -> Previous {
    Previous {
        number: link.report.number,
        subject: link.report.subject.clone(),
        sealed_at: link.report.sealed_at,
        sha256: link.report.sha256.clone(),
        signature: BASE64.encode(&link.signature),
    }
}

/// Holds the head against the last link, and that against the end of the time that was asked for.
async fn check_end(
    store: &dyn EvidenceStore,
    last: Option<&Known>,
    expected: &Expectations<'_>,
) -> io::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let head = read(store, HEAD).await?;
    let Some(last) = last else {
        problems.push(Problem::NoLink);
        if let Some(Ok(head)) = head.as_deref().map(Head::read) {
            let Manifest { number, subject, .. } = head.manifest;
            problems.push(Problem::EndMissing { first: 1, last: number, subject });
        }
        return Ok(problems);
    };
    match head {
        None => problems.push(Problem::NoHead),
        Some(head) if last.head.as_ref().is_some_and(|wanted| wanted.as_bytes() == head) => {}
        Some(head) => problems.push(match Head::read(&head) {
            Err(why) => Problem::HeadNotUnderstood { why },
            Ok(Link { manifest: Manifest { number, subject, .. }, .. }) if number > last.report.number => {
                Problem::EndMissing { first: last.report.number + 1, last: number, subject }
            }
            Ok(link) => Problem::HeadElsewhere { number: link.manifest.number },
        }),
    }
    if let (Some(longest), Some(until)) = (expected.longest_gap, expected.until)
        && until.duration_since(last.started_at) > longest
    {
        problems.push(Problem::Gap { from: last.started_at, to: until });
    }
    Ok(problems)
}
