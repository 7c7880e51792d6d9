//! What scans of named resources have found since the last scan of everything: `state/scoped.json`.
//!
//! It is small, for it holds only what has changed: violations that were not known, and known ones that were seen resolved.
//! What counts at a place, a resource and a rule, is what was read there last, whoever wrote it down first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound;

use audit_artifacts::{ArtifactStore, FindingsReader, JsonLinesReader, amend_json, keys};
use audit_model::{Finding, Plan, ResolvedViolation, Service, Status, to_the_second};
use audit_task::TaskError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::earlier::EarlierScan;

/// How often what is kept is tried to be replaced while others replace it too.
const ATTEMPTS: u32 = 5;

/// How many sightings are kept: the newest. A request names 100 resources, of which few have changed.
const ROOM: usize = 5_000;

/// What was seen at a place, and was news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sighting {
    /// The scan that saw it.
    scan_id: String,
    /// When it was read, to the second.
    at: Timestamp,
    /// What it was.
    seen: Seen,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", content = "violation", rename_all = "SCREAMING_SNAKE_CASE")]
enum Seen {
    /// A violation that was not known.
    Open(Finding),
    /// A known one that was mended, or whose resource was gone.
    Resolved(ResolvedViolation),
}

impl Sighting {
    fn of_finding(plan: &Plan, finding: Finding) -> Self {
        Self { scan_id: plan.scan_id.clone(), at: finding.evaluated_at, seen: Seen::Open(finding) }
    }

    fn of_resolved(plan: &Plan, violation: ResolvedViolation) -> Self {
        Self { scan_id: plan.scan_id.clone(), at: violation.resolved_at, seen: Seen::Resolved(violation) }
    }

    fn place(&self) -> (Service, &str, &str) {
        match &self.seen {
            Seen::Open(finding) => finding.sort_key(),
            Seen::Resolved(it) => (it.service, &it.resource.arn, &it.rule_id),
        }
    }
}

/// The object as it is stored.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    /// One a place, in no order.
    sightings: Vec<Sighting>,
}

/// The sightings, by service and resource, and by rule.
#[derive(Debug, Default)]
pub(crate) struct Between(BTreeMap<(Service, String), BTreeMap<String, Sighting>>);

impl Between {
    /// What is kept. Where that cannot be understood, nothing is: it must not stop every scan that comes after it.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn find(store: &dyn ArtifactStore) -> Result<Self, TaskError> {
        let stored = store.get(keys::SCOPED).await?;
        let mut by_resource: BTreeMap<_, BTreeMap<String, Sighting>> = BTreeMap::new();
        for sighting in stored.map(|stored| understood(&stored.content)).unwrap_or_default().sightings {
            let (service, arn, rule) = sighting.place();
            let (place, rule) = ((service, arn.to_owned()), rule.to_owned());
            by_resource.entry(place).or_default().insert(rule, sighting);
        }
        Ok(Self(by_resource))
    }

    /// Whether nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The resource of the service after this one of which something is kept.
    pub(crate) fn next_resource(&self, service: Service, after: &str) -> Option<&str> {
        let after = Bound::Excluded((service, after.to_owned()));
        let ((next_service, arn), _) = self.0.range((after, Bound::Unbounded)).next()?;
        (*next_service == service).then_some(arn.as_str())
    }

    /// What is kept of a resource.
    pub(crate) fn of(&self, service: Service, arn: &str) -> Sightings<'_> {
        Sightings(self.0.get(&(service, arn.to_owned())))
    }
}

/// What is kept of one resource, by rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sightings<'a>(Option<&'a BTreeMap<String, Sighting>>);

impl<'a> Sightings<'a> {
    /// The rules of which something is kept.
    pub(crate) fn rules(self) -> impl Iterator<Item = &'a String> {
        self.0.into_iter().flat_map(BTreeMap::keys)
    }

    /// What counts beside what the `earlier` scan found there, `base`: what was read after it. Of a place that it has no finding
    /// of, it has known all that was seen before it started.
    fn beside(self, rule: &str, base: Option<&Finding>, earlier: Option<&EarlierScan>) -> Option<&'a Sighting> {
        let known_until = base.map(|base| base.evaluated_at).or_else(|| earlier.map(|it| it.scan.started_at));
        let sighting = self.0?.get(rule)?;
        known_until.is_none_or(|known_until| known_until < sighting.at).then_some(sighting)
    }
}

/// Who asks what was known before.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// The scan.
    pub(crate) plan: &'a Plan,
    /// The scan that it is compared with.
    pub(crate) earlier: Option<&'a EarlierScan>,
    /// What is kept of the resource that it has come to.
    pub(crate) sightings: Sightings<'a>,
}

impl Asking<'_> {
    /// The violation that was known where this scan has a finding, by what was read there before. `base` is what the earlier
    /// scan found.
    ///
    /// A scan of everything that was faster may have read the place after a scan of named resources did. What both saw to be
    /// wrong was known; what only the other one saw came later.
    pub(crate) fn known_at(self, finding: &Finding, base: Option<Finding>) -> Option<Finding> {
        let read_at = to_the_second(finding.evaluated_at);
        match self.sightings.beside(&finding.rule_id, base.as_ref(), self.earlier).filter(|it| it.at <= read_at) {
            Some(Sighting { seen: Seen::Open(known), .. }) => Some(known.clone()),
            Some(Sighting { seen: Seen::Resolved(_), .. }) => None,
            None => base.filter(|base| {
                let is_earlier = !self.plan.is_scoped() || base.evaluated_at <= read_at;
                base.known_since().is_some() && (is_earlier || finding.status == Status::NonCompliant)
            }),
        }
    }

    /// The violation that is known where this scan has no finding, and whether it was seen there after the scan had started,
    /// which then knows nothing better.
    pub(crate) fn known_where_missing(self, rule: &str, base: Option<Finding>) -> Option<(Finding, bool)> {
        let started_at = to_the_second(self.plan.started_at);
        match self.sightings.beside(rule, base.as_ref(), self.earlier) {
            Some(Sighting { seen: Seen::Open(known), at, .. }) => Some((known.clone(), *at > started_at)),
            Some(Sighting { seen: Seen::Resolved(_), .. }) => None,
            None => {
                let base = base.filter(|base| base.known_since().is_some())?;
                let is_later = self.plan.is_scoped() && base.evaluated_at > started_at;
                Some((base, is_later))
            }
        }
    }
}

/// Keeps what a scan of named resources has found, from the findings that it has written. An attempt that comes twice keeps the
/// same.
///
/// # Errors
/// `Conflict` when others keep adding theirs, and those of the store.
pub(crate) async fn record(store: &dyn ArtifactStore, plan: &Plan) -> Result<(), TaskError> {
    let mut news = Vec::new();
    if let Some(mut findings) = FindingsReader::find(store, &keys::findings(&plan.scan_id)).await? {
        while let Some(of_one) = findings.next_resource().await? {
            let is_new = |it: &Finding| it.status == Status::NonCompliant && it.first_seen == Some(it.evaluated_at);
            news.extend(of_one.into_iter().filter(is_new).map(|finding| Sighting::of_finding(plan, finding)));
        }
    }
    if let Some(mut resolved) = JsonLinesReader::find(store, &keys::resolved(&plan.scan_id)).await? {
        while let Some(violation) = resolved.next().await? {
            news.push(Sighting::of_resolved(plan, violation));
        }
    }
    if news.is_empty() {
        return Ok(());
    }
    amend(store, |stored| {
        let mut by_place: BTreeMap<(Service, String, String), Sighting> = BTreeMap::new();
        for sighting in stored.sightings.drain(..).chain(news.iter().cloned()) {
            let (service, arn, rule) = sighting.place();
            let place = (service, arn.to_owned(), rule.to_owned());
            // Of two scans side by side the one that read last may have been written down first.
            if by_place.get(&place).is_none_or(|other| other.at <= sighting.at) {
                by_place.insert(place, sighting);
            }
        }
        stored.sightings = by_place.into_values().collect();
        if stored.sightings.len() > ROOM {
            let left_out = stored.sightings.len() - ROOM;
            tracing::warn!(
                left_out,
                "there is no room for what was seen first; the next scan of everything finds it anew"
            );
            stored.sightings.sort_by_key(|sighting| Reverse(sighting.at));
            stored.sightings.truncate(ROOM);
        }
        true
    })
    .await
}

/// Drops what the scan knew that a scan of everything was compared with: what was seen before that one started. What was seen
/// since stays until the next one, for another scan of everything may be at work that is compared with the same.
///
/// # Errors
/// `Conflict` when others keep adding theirs, and those of the store.
pub(crate) async fn clear(store: &dyn ArtifactStore, known: &BTreeMap<Service, Timestamp>) -> Result<(), TaskError> {
    amend(store, |stored| {
        let before = stored.sightings.len();
        stored
            .sightings
            .retain(|sighting| known.get(&sighting.place().0).is_none_or(|started_at| sighting.at > *started_at));
        stored.sightings.len() < before
    })
    .await
}

/// Replaces what is kept, if `edit` says that it has changed it.
async fn amend(store: &dyn ArtifactStore, edit: impl Fn(&mut Stored) -> bool) -> Result<(), TaskError> {
    let amended = amend_json(store, keys::SCOPED, ATTEMPTS, |content| {
        let mut stored = content.map(understood).unwrap_or_default();
        let is_changed = edit(&mut stored);
        Ok((is_changed.then_some(stored), ()))
    });
    amended.await?.ok_or_else(|| {
        TaskError::Conflict(format!("the object {} was replaced by somebody else {ATTEMPTS} times", keys::SCOPED))
    })
}

fn understood(content: &[u8]) -> Stored {
    serde_json::from_slice(content)
        .inspect_err(|error| tracing::error!(%error, key = keys::SCOPED, "what scans of named resources found is lost"))
        .unwrap_or_default()
}
