//! Whether people are told of a scan, and what they know afterwards.

use std::collections::BTreeSet;

use audit_artifacts::{ArtifactStore, amend_json, keys};
use audit_model::summary::{ExceptionUse, Gap};
use audit_model::{AlertClaim, AlertState, Service, Told};
use audit_task::TaskError;
use jiff::{SignedDuration, Timestamp};

use crate::{Gathered, Kind};

/// How often what people know is tried to be replaced while others replace it too.
const ATTEMPTS: u32 = 5;

/// So much earlier a reminder may be due: the scans of the schedule do not start on the second.
const EARLY: SignedDuration = SignedDuration::from_mins(30);

/// After so long a scan that set out to remind has died: longer than this function's time limit and the machine's retries of
/// what is transient.
const CLAIM: SignedDuration = SignedDuration::from_mins(15);

/// What people are to be told, or `None` when they know it all. A reminder, and the message that nothing is left, are claimed
/// by that: of two scans side by side one sends it. News is never held back.
///
/// # Errors
/// `Conflict` when others keep replacing what people know, and those of the store.
pub(crate) async fn due(
    store: &dyn ArtifactStore,
    gathered: &Gathered<'_>,
    now: Timestamp,
) -> Result<Option<Kind>, TaskError> {
    let scan_id = &gathered.record.plan.scan_id;
    let decided = amend_json(store, keys::ALERTS, ATTEMPTS, |content| {
        let known = understood(content);
        let kind = kind(gathered, &known);
        let mut after = known.clone();
        match kind {
            Some(kind) if kind.is_news() => {}
            Some(_) if is_claimed(&known, scan_id, now) => return Ok((None, None)),
            Some(_) => after.claim = Some(AlertClaim { scan_id: scan_id.clone(), at: now }),
            // What is no more must not be taken for known when it comes again.
            None => forget(&mut after, gathered),
        }
        Ok(((after != known).then_some(after), kind))
    });
    decided.await?.ok_or_else(contended)
}

/// Keeps what people were told by the message of this scan.
///
/// # Errors
/// `Conflict` when others keep replacing it, and those of the store.
pub(crate) async fn keep(store: &dyn ArtifactStore, gathered: &Gathered<'_>) -> Result<(), TaskError> {
    let plan = &gathered.record.plan;
    let kept = amend_json(store, keys::ALERTS, ATTEMPTS, |content| {
        let mut known = understood(content);
        for &service in &plan.services {
            if let Some(told) = known.told.get_mut(&service).filter(|_| plan.is_scoped()) {
                let news = gathered.named.news.iter().filter(|finding| finding.service == service);
                told.add(told_of(gathered, service), news);
                continue;
            }
            // A younger scan may have been faster.
            if known.told.get(&service).is_none_or(|told| told.started_at <= plan.started_at) {
                known.told.insert(service, told_of(gathered, service));
            }
        }
        known.claim = known.claim.take().filter(|claim| claim.scan_id != plan.scan_id);
        Ok((Some(known), ()))
    });
    kept.await?.ok_or_else(contended)
}

fn contended() -> TaskError {
    TaskError::Conflict(format!("the object {} was replaced by somebody else {ATTEMPTS} times", keys::ALERTS))
}

/// What is kept. Where it cannot be understood, people know nothing: they are told once more.
fn understood(content: Option<&[u8]>) -> AlertState {
    let understood = content.map(serde_json::from_slice).transpose();
    let known = understood.inspect_err(|error| tracing::error!(%error, key = keys::ALERTS, "it is told once more"));
    known.ok().flatten().unwrap_or_default()
}

fn is_claimed(known: &AlertState, scan_id: &str, now: Timestamp) -> bool {
    known.claim.as_ref().is_some_and(|claim| claim.scan_id != scan_id && now.duration_since(claim.at) < CLAIM)
}

/// What people who know this are to be told of the scan.
fn kind(gathered: &Gathered<'_>, known: &AlertState) -> Option<Kind> {
    let (plan, summary) = (&gathered.record.plan, &gathered.record.summary);
    let now: Vec<(Service, Told)> =
        plan.services.iter().map(|&service| (service, told_of(gathered, service))).collect();
    let is_new = |part: fn(&Told) -> &BTreeSet<String>| {
        now.iter().any(|(service, now)| match known.told.get(service) {
            Some(told) => !part(now).is_subset(part(told)),
            None => !part(now).is_empty(),
        })
    };
    let lost_more = !plan.is_scoped()
        && now.iter().any(|(service, now)| known.told.get(service).map_or(0, |told| told.lost_sight) < now.lost_sight);
    if summary.alerting_news > 0 || summary.lost_sight_news > 0 || lost_more || is_new(|told| &told.expired) {
        return Some(Kind::Violations);
    }
    if is_new(|told| &told.gaps) {
        return Some(Kind::Partial);
    }
    if gathered.remediation_failed() || !gathered.input.failed_deliveries.is_empty() {
        return Some(Kind::Failure);
    }
    if gathered.announced.entries.all() > 0 || gathered.drifted() > 0 {
        return Some(Kind::Remediation);
    }
    if plan.is_scoped() {
        // What else is open, or that nothing is, it does not know.
        return None;
    }
    let interval = SignedDuration::from_hours(plan.policy.alert.remind_hours.into()) - EARLY;
    let is_due = |service: &Service| {
        let last = known.told.get(service).map(|told| told.started_at);
        last.is_none_or(|last| plan.started_at.duration_since(last) >= interval)
    };
    if now.iter().any(|(service, now)| now.is_anything_open() && is_due(service)) {
        return Some(Kind::Reminder);
    }
    let is_elsewhere = |(service, told): (&Service, &Told)| told.is_anything_open() && !plan.services.contains(service);
    let is_over = known.is_anything_open()
        && !now.iter().any(|(_, now)| now.is_anything_open())
        && !known.told.iter().any(is_elsewhere);
    is_over.then_some(Kind::Resolved)
}

/// Takes out of what people know what is no more.
fn forget(known: &mut AlertState, gathered: &Gathered<'_>) {
    if gathered.record.plan.is_scoped() {
        return;
    }
    for &service in &gathered.record.plan.services {
        let now = told_of(gathered, service);
        if let Some(told) = known.told.get_mut(&service).filter(|told| told.started_at <= now.started_at) {
            let Told { rules, lost_sight, gaps, expired, .. } = now;
            *told = Told { rules, lost_sight, gaps, expired, ..told.clone() };
        }
    }
}

/// What there is to know about a service.
fn told_of(gathered: &Gathered<'_>, service: Service) -> Told {
    let (plan, summary) = (&gathered.record.plan, &gathered.record.summary);
    let of_service = |use_of: &&ExceptionUse| {
        let rule = gathered.rules.get(&use_of.exception.rule);
        rule.is_none_or(|rule| rule.service == service)
    };
    let open = gathered.named.by_rule.iter().filter(|(_, rule)| rule.service == service).map(|(id, _)| id.clone());
    let lost = || gathered.named.lost_sight.iter().filter(move |lost| lost.service == service);
    Told {
        scan_id: plan.scan_id.clone(),
        started_at: plan.started_at,
        through: summary.aggregated_at,
        rules: open.chain(lost().map(|lost| lost.rule_id.to_string())).collect(),
        lost_sight: lost().fold(0, |sum, _| sum + 1),
        gaps: summary.gaps.iter().filter(|gap| gap.service == service).map(Gap::place).collect(),
        expired: summary
            .exceptions
            .iter()
            .filter(|it| it.ran_out())
            .filter(of_service)
            .map(ExceptionUse::name)
            .collect(),
        since: BTreeSet::new(),
    }
}
