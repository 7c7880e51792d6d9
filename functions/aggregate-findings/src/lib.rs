//! Merges the shards' findings into one sorted set and its summary, and compares them with the scan before.
//!
//! What was scanned is what lies in the reports bucket, whatever the machine's payload says; the payload only explains
//! what is missing. Everything is streamed: memory does not grow with the number of findings.

mod between;
mod coverage;
mod earlier;
mod exceptions;
mod history;
mod latest;
mod merge;
mod pieces;
mod rules;
mod sight;
mod tally;
mod worst;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, FindingsWriter, JsonLinesWriter, keys};
use audit_model::summary::{AlertViolations, Comparison, ExceptionUse, ScanStatus, Summary};
use audit_model::task::{AggregateFindingsInput, AggregateFindingsOutput, Branch};
use audit_model::{AlertState, Finding, NamedResource, Plan, ResolvedViolation, Service, Severity};
use audit_task::TaskError;
use jiff::Timestamp;

use between::{Asking, Between};
use coverage::ServiceCoverage;
use earlier::{Before, KnownViolations};
use merge::{Flaw, Merge};
use pieces::PiecesWriter;
use rules::Retired;
use sight::{Fate, Sight};
use tally::{Missed, Tally};

/// What the aggregation works with.
pub struct Ports<'a> {
    /// The reports bucket.
    pub store: &'a dyn ArtifactStore,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Writes the scan's findings, sorted, what it saw resolved, the rules they are of, what the alert may name of them, and the
/// summary. A scan of everything that the services have adds its figures to the history and moves the pointers to the last scan
/// of each planned service; one of named resources keeps what it found for the next.
///
/// # Errors
/// `NotFound` when the scan has no plan, `Corrupt` when an object cannot be understood, `Conflict` when others keep moving
/// the pointers or adding to the history, and those of the store.
pub async fn handle(input: AggregateFindingsInput, ports: &Ports<'_>) -> Result<AggregateFindingsOutput, TaskError> {
    let store = ports.store;
    let plan: Plan = store.get_json(&keys::plan(&input.scan_id)).await?;
    let latest = latest::find(store).await?;
    let told = told(store).await?;
    if plan.is_scoped()
        && let Some(summary) = store.find_json::<Summary>(&keys::summary(&plan.scan_id)).await?
    {
        // An earlier attempt of this task came to the end of its findings.
        between::record(store, &plan).await?;
        return Ok(output(summary, &told));
    }
    let mut before = BTreeMap::new();
    for &service in &plan.services {
        let Some(found) = earlier::before(store, service, latest.get(&service), &plan).await? else {
            // An earlier attempt of this task came to its end. The scan must not be compared with itself.
            return store
                .get_json::<Summary>(&keys::summary(&plan.scan_id))
                .await
                .map(|summary| output(summary, &told));
        };
        before.insert(service, found);
    }
    let known_until = before.iter().filter_map(|(service, before)| Some((*service, before.started_at()?))).collect();
    let Ended { summary, named, retired } = write_findings(ports, &plan, &told, &input.branches, before).await?;
    rules::write(store, &plan, retired).await?;
    store.replace_json(&keys::alert_violations(&plan.scan_id), &named).await?;
    store.replace_json(&keys::summary(&plan.scan_id), &summary).await?;
    if plan.is_scoped() {
        between::record(store, &plan).await?;
        return Ok(output(summary, &told));
    }
    // Before the pointers: where they name the scan, an earlier attempt of this task came to its end.
    history::record(store, &plan, &summary).await?;
    latest::advance(store, &plan).await?;
    between::clear(store, &known_until).await?;
    Ok(output(summary, &told))
}

/// What people were told by the alerts so far. Where that cannot be understood, they are told everything once more: it must
/// stop no scan, and keep nothing from anybody.
async fn told(store: &dyn ArtifactStore) -> Result<AlertState, TaskError> {
    match store.find_json(keys::ALERTS).await {
        Err(TaskError::Corrupt(what)) => {
            tracing::error!(what, "what people were told is not known; they are told everything once more");
            Ok(AlertState::default())
        }
        found => Ok(found?.unwrap_or_default()),
    }
}

fn output(summary: Summary, told: &AlertState) -> AggregateFindingsOutput {
    let exception_ran_out = summary.exceptions.iter().any(ExceptionUse::ran_out);
    AggregateFindingsOutput {
        alert: summary.alerting_violations > 0
            || summary.lost_sight > 0
            || summary.status == ScanStatus::Partial
            || exception_ran_out
            || told.is_anything_open(),
        critical_violations: summary.violations_by_severity.get(&Severity::Critical).copied().unwrap_or_default(),
        violations: summary.totals.open(),
        remediable: summary.remediable_buckets,
        status: summary.status,
        scan_id: summary.scan_id,
    }
}

/// What a pass over the findings came to.
struct Ended {
    summary: Summary,
    named: AlertViolations,
    retired: Retired,
}

/// What ends a pass over the findings whose end is of no use.
enum Broken {
    /// The findings of these shards cannot be read to their end.
    Shards(Vec<(Service, Flaw)>),
    /// The findings of an earlier scan cannot be read to their end, and what was written is compared with half of them.
    Earlier { scan_id: String, what: String },
}

/// The shards whose findings cannot be used, by service, and why.
type BrokenShards = BTreeMap<Service, BTreeMap<u32, String>>;

/// Writes the scan's findings. They appear whole or not at all. A shard or an earlier scan that turns out to be broken on the
/// way is left aside, and the pass begins anew.
async fn write_findings(
    ports: &Ports<'_>,
    plan: &Plan,
    told: &AlertState,
    branches: &[Branch],
    mut before: BTreeMap<Service, Before>,
) -> Result<Ended, TaskError> {
    let key = keys::findings(&plan.scan_id);
    let between = Between::find(ports.store).await?;
    let mut broken = BrokenShards::new();
    loop {
        let mut writers = Writers {
            findings: FindingsWriter::create(ports.store, &key).await?,
            resolved: JsonLinesWriter::create(ports.store, &keys::resolved(&plan.scan_id)).await?,
            // Nothing is compared with a scan of named resources.
            pieces: (!plan.is_scoped()).then(|| PiecesWriter::new(ports.store, &plan.scan_id)),
        };
        let scene = Scene { ports, plan, told, branches, between: &between };
        let pass = merge_services(scene, &broken, &mut before, &mut writers).await;
        let Writers { findings, resolved, pieces } = writers;
        let unfinished = match pass {
            Ok(Ok(ended)) => {
                resolved.finish().await?;
                findings.finish().await?;
                if let Some(pieces) = pieces {
                    pieces.finish().await?;
                }
                return Ok(ended);
            }
            Ok(Err(broken)) => Ok(broken),
            Err(error) => Err(error),
        };
        let pieces = match pieces {
            Some(pieces) => pieces.abort().await,
            None => Ok(()),
        };
        for left_over in [findings.abort().await, resolved.abort().await, pieces].into_iter().filter_map(Result::err) {
            // The bucket's lifecycle removes what is left of an upload; the first error is the one to tell.
            tracing::warn!(key, error = %left_over, "an unfinished upload was not removed");
        }
        match unfinished? {
            Broken::Shards(flaws) => {
                for (service, Flaw { shard, what }) in flaws {
                    tracing::error!(%service, shard, what, "the findings of a shard cannot be used");
                    broken.entry(service).or_default().insert(shard, what);
                }
            }
            Broken::Earlier { scan_id, what } => {
                let nothing = Before::Nothing(earlier::broken(&scan_id, &what));
                for before in before.values_mut().filter(|before| before.is(&scan_id)) {
                    before.clone_from(&nothing);
                }
            }
        }
    }
}

/// What a pass over the findings writes.
struct Writers<'a> {
    findings: FindingsWriter,
    resolved: JsonLinesWriter,
    pieces: Option<PiecesWriter<'a>>,
}

/// What is the same for every pass over the findings.
#[derive(Clone, Copy)]
struct Scene<'a> {
    ports: &'a Ports<'a>,
    plan: &'a Plan,
    told: &'a AlertState,
    branches: &'a [Branch],
    /// What scans of named resources have found since the scan before.
    between: &'a Between,
}

/// Goes once through the findings of this scan and, side by side, through the violations that were known before. Both are
/// in the order of services, resources and rules, and are taken one resource at a time. In a scan of named resources they are
/// asked for the named ones, and those that were found.
async fn merge_services(
    Scene { ports, plan, told, branches, between }: Scene<'_>,
    broken: &BrokenShards,
    before: &mut BTreeMap<Service, Before>,
    writers: &mut Writers<'_>,
) -> Result<Result<Ended, Broken>, TaskError> {
    let nothing = BTreeMap::new();
    let mut tally = Tally::new(plan, told, (ports.now)());
    let mut retired = Retired::default();
    let mut known: Option<KnownViolations> = None;
    let mut flaws: Vec<(Service, Flaw)> = Vec::new();
    for (&service, before) in before {
        let branch = branches.iter().find(|branch| branch.service == service);
        let broken = broken.get(&service).unwrap_or(&nothing);
        let covered = ServiceCoverage::of(ports.store, &plan.scan_id, service, branch, broken).await?;
        let sight = Sight::new(plan, service, &covered.gaps);
        let mut merge = Merge::new(ports.store, &plan.scan_id, service, &covered.scanned);
        known = open_known(ports.store, known, service, before, plan, between).await?;
        let mut named: Vec<&NamedResource> = plan.resources.iter().filter(|it| it.service() == service).collect();
        named.sort_by(|one, other| other.arn().cmp(one.arn()));
        let mut last = String::new();

        tally.begin(service, &covered, before);
        loop {
            let candidates = if plan.is_scoped() {
                [merge.next_resource(), named.last().map(|named| named.arn()), None]
            } else {
                let known_next = known.as_ref().and_then(|known| known.next_resource(service));
                [merge.next_resource(), known_next, between.next_resource(service, &last)]
            };
            let Some(resource) = candidates.into_iter().flatten().min().map(str::to_owned) else { break };
            let asked_for = named.pop_if(|named| named.arn() == resource);
            if let Some(known) = known.as_mut().filter(|_| plan.is_scoped()) {
                known.seek(ports.store, service, &resource).await?;
            }
            let earlier = before.earlier();
            let asking = Asking { plan, earlier, sightings: between.of(service, &resource) };
            let mut findings: Vec<Finding> = Vec::new();
            while merge.next_resource() == Some(&resource) {
                match merge.next().await? {
                    Some(Ok(of_shard)) => findings.extend(of_shard),
                    // Nothing of this pass will be kept; it goes on to learn of every other flaw.
                    Some(Err(flaw)) => flaws.push((service, flaw)),
                    None => {}
                }
            }
            let mut known_there: BTreeMap<String, Finding> = BTreeMap::new();
            while let Some(known) = &mut known
                && known.next_resource(service) == Some(&resource)
            {
                known_there.extend(known.next().await?.into_iter().map(|it| (it.rule_id.to_string(), it)));
            }
            let mut resolved: Vec<ResolvedViolation> = Vec::new();
            for finding in &mut findings {
                let known = asking.known_at(finding, known_there.remove(&*finding.rule_id));
                resolved.extend(tally.add(finding, known.as_ref()));
            }
            let there = findings.first().map(|finding| Arc::clone(&finding.resource));
            if let Some(named) = asked_for
                && there.is_none()
                && sight.is_gone(named.resource_type())
            {
                tally.not_found(named.arn());
            }
            let judged: BTreeSet<&str> = findings.iter().map(|finding| &*finding.rule_id).collect();
            let mut missing: BTreeSet<String> = known_there.keys().chain(asking.sightings.rules()).cloned().collect();
            missing.retain(|rule| !judged.contains(rule.as_str()));
            if plan.is_scoped() && asked_for.is_none() {
                // What was found because it hangs on what is named was asked for by no rule but those that found something.
                missing.clear();
            }
            for rule in missing {
                let Some((mut missed, is_later)) = asking.known_where_missing(&rule, known_there.remove(&rule)) else {
                    continue;
                };
                let fate = sight.fate(&missed, there.is_some());
                if is_later && fate == Fate::Gone {
                    continue;
                }
                if let Some(there) = &there {
                    missed.resource = Arc::clone(there);
                }
                match tally.miss(missed, fate) {
                    Missed::Carried(finding) => findings.push(finding),
                    Missed::Resolved(violation) => resolved.push(violation),
                }
            }
            findings.sort_by(|a, b| a.rule_id.cmp(&b.rule_id));
            for finding in findings.iter().filter(|finding| audit_rules::rule(&finding.rule_id).is_none()) {
                retired.add(known.as_ref().map_or(plan.scan_id.as_str(), KnownViolations::scan_id), finding);
            }
            if flaws.is_empty() {
                writers.findings.write(&findings).await?;
                if let Some(pieces) = &mut writers.pieces {
                    pieces.write(&findings).await?;
                }
                resolved.sort_by(|a, b| a.rule_id.cmp(&b.rule_id));
                for violation in &resolved {
                    writers.resolved.write(violation).await?;
                }
            }
            last = resource;
        }
        tally.end(service, before);

        if flaws.is_empty()
            && let Some(known) = &known
            && let Some(what) = known.flaw()
        {
            return Ok(Err(Broken::Earlier { scan_id: known.scan_id().to_owned(), what: what.to_owned() }));
        }
    }
    if !flaws.is_empty() {
        return Ok(Err(Broken::Shards(flaws)));
    }
    let (summary, named) = tally.finish();
    Ok(Ok(Ended { summary, named, retired }))
}

/// The violations that are known from the scan before, from this service on; `open` are those of the service that came
/// last, which mostly are of the same scan. Where they have expired, nothing is compared.
async fn open_known(
    store: &dyn ArtifactStore,
    open: Option<KnownViolations>,
    service: Service,
    before: &mut Before,
    plan: &Plan,
    between: &Between,
) -> Result<Option<KnownViolations>, TaskError> {
    let Before::Scan(earlier) = &*before else {
        return Ok(None);
    };
    let scan_id = earlier.scan.scan_id.clone();
    let found = match open {
        Some(known) if known.scan_id() == scan_id => Some(known),
        _ if plan.is_scoped() => KnownViolations::find_some(store, &scan_id).await?,
        _ => KnownViolations::find(store, &scan_id, !between.is_empty()).await?,
    };
    let Some(mut known) = found else {
        tracing::warn!(scan_id, %service, "the findings of the scan before have expired; nothing is compared");
        *before = Before::Nothing(Comparison::Expired { scan_id });
        return Ok(None);
    };
    known.skip_to(service).await?;
    Ok(Some(known))
}

#[cfg(test)]
mod tests;
