//! The text for people: what the scan did not look at first, then what is new, what was done about it and what will be, what
//! is still open, and where to look.

use audit_artifacts::ScanRecord;
use audit_model::policy::OptOutTag;
use audit_model::remediation::{RemediationOutcome, RemediationRecord};
use audit_model::summary::{Changes, ExceptionState, ExceptionUse, ScanStatus, Summary};
use audit_model::task::{CaughtError, RemediateOutput, RemediationResult, Subscriptions};
use audit_model::{
    Plan, PolicyException, Reading, RemediationMode, Service, Severity, Trigger, TriggerKind, to_the_second,
};

use crate::document::{is_missing, reports};
use crate::layout::{count, field, item, joined, paragraph, wrapped};
use crate::listing::Listing;
use crate::{Deployment, Gathered, Kind, change, evidence, violation};

/// Bytes that the gaps of a partial scan may take; those of exceptions, of failed deliveries, of rules that are still open and
/// of resolved violations may each.
const LIST_BUDGET: usize = 6 * 1024;

/// The whole body. A reminder, and the message that nothing is left, say no more than that.
pub(crate) fn body(gathered: &Gathered<'_>, kind: Kind, deployment: &Deployment) -> String {
    let Gathered { input, record, .. } = gathered;
    let heading = heading(record, deployment);
    let verdict = verdict(gathered, kind).iter().map(|sentence| paragraph(sentence)).collect();
    let first = [heading, not_looked_at(&record.summary), verdict, out_of_sight(gathered)];
    let known = [still_open(gathered), resolved(gathered)];
    let ways_on = [ways_on(gathered, deployment), evidence::section(gathered)];
    let parts: Vec<String> = if kind.is_news() {
        let of_news = [
            change::section(gathered, |items| bounded(items.into_iter())),
            news(gathered),
            exceptions(&record.summary.exceptions),
            undelivered(&input.failed_deliveries),
            remediation(gathered),
        ];
        let about = [recipients(input.subscriptions.as_ref()), figures(&record.plan, &record.summary)];
        first.into_iter().chain(of_news).chain(known).chain(about).chain(ways_on).collect()
    } else {
        let figures = short_figures(&record.plan, &record.summary);
        first.into_iter().chain(known).chain([figures]).chain(ways_on).collect()
    };
    parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join("\n")
}

fn heading(ScanRecord { plan, summary }: &ScanRecord, deployment: &Deployment) -> String {
    let Plan { account, region, .. } = plan;
    let scan = paragraph(&format!("Compliance scan of account {account} in {region}, by {}.", deployment.system));
    if summary.scope.is_full() {
        return scan;
    }
    let scope = format!(
        "IT LOOKED AT {}. What it says, its figures and its score, is of these, and nothing of what else the account has.",
        summary.scope
    );
    format!("{scan}\n{}", paragraph(&scope))
}

fn not_looked_at(summary: &Summary) -> String {
    if summary.status == ScanStatus::Complete {
        return String::new();
    }
    let mut part = paragraph(
        "THIS SCAN IS PARTIAL: it did not look at everything that was planned. What it did not look at may hide \
         more violations than are named here. Not looked at:",
    );
    part.push_str(&bounded(summary.gaps.iter().map(|gap| item(&gap.to_string()))));
    part
}

/// In a few sentences: how many violations are new and open, and what else somebody must know of.
pub(crate) fn verdict(gathered: &Gathered<'_>, kind: Kind) -> Vec<String> {
    let policy = &gathered.record.plan.policy.alert;
    let threshold = at_or_above(policy.threshold);
    let Summary { status, alerting_violations, alerting_news, lost_sight, .. } = &gathered.record.summary;
    let mut said = vec![match (*alerting_violations, *alerting_news) {
        (0, _) if kind == Kind::Resolved => format!(
            "Nothing is left of what you were told: no violation of {threshold} is open any more, and everything that was \
             planned was looked at."
        ),
        (0, _) if *status == ScanStatus::Partial => {
            format!("No open violation of {threshold} was found in what was looked at.")
        }
        (0, _) => format!("No open violation of {threshold} was found."),
        (open, 0) => format!("{} of {threshold}, none of them new.", count(open, "open violation")),
        (open, new) if open == new => format!("{} of {threshold}, all of them new.", count(open, "open violation")),
        (open, new) => format!("{} of {threshold}, {new} of them new.", count(open, "open violation")),
    }];
    if kind == Kind::Reminder {
        said.push(match policy.remind_hours {
            0 => "You know of all this; the audit policy asks for a message with every scan.".to_owned(),
            hours => format!(
                "You know of all this. It is said again every {} for as long as it is so.",
                count(hours.into(), "hour")
            ),
        });
    }
    if *lost_sight > 0 {
        said.push(format!(
            "{} of {threshold} could not be looked at again and may still be open; see OUT OF SIGHT.",
            count(*lost_sight, "known violation")
        ));
    }
    if gathered.remediation_failed() {
        said.push("Remediation failed; see REMEDIATION.".to_owned());
    }
    if gathered.announced.entries.all() > 0 {
        let buckets = count(gathered.announced.entries.all(), "bucket");
        said.push(format!("The next scan changes {buckets}, unless you object; see REMEDIATION."));
    }
    if gathered.drifted() > 0 {
        said.push(format!(
            "The encryption of {} was set back again and again, and is left to you; see REMEDIATION.",
            count(gathered.drifted(), "bucket")
        ));
    }
    said
}

fn at_or_above(threshold: Severity) -> String {
    match threshold {
        Severity::Critical => "severity CRITICAL".to_owned(),
        severity => format!("severity {severity} or above"),
    }
}

/// The exceptions that somebody must do something about: those that have expired, and those that match nothing.
fn exceptions(uses: &[ExceptionUse]) -> String {
    let mut items = Vec::new();
    for ExceptionUse { exception, state, looked_at, violations } in uses {
        let PolicyException { rule, resource, reason, approver, expires } = exception;
        let what = match (state, looked_at, violations) {
            (ExceptionState::Expired, _, 1..) => format!(
                "EXPIRED on {expires}, {} open again: mend what is wrong, or have the exception renewed",
                count(*violations, "violation")
            ),
            (ExceptionState::Expired, true, 0) => {
                format!("EXPIRED on {expires}, and nothing is wrong any more: take it out of the policy")
            }
            (ExceptionState::Expired, false, 0) => {
                format!("EXPIRED on {expires}; this scan did not look at everything")
            }
            (ExceptionState::MatchesNothing, ..) => "matches nothing: take it out of the policy".to_owned(),
            (ExceptionState::InForce | ExceptionState::NotLookedAt, ..) => continue,
        };
        items.push((
            *state != ExceptionState::Expired,
            item(&format!("{rule} for {resource} {what}. Approved by {approver}: {reason}")),
        ));
    }
    if items.is_empty() {
        return String::new();
    }
    items.sort_by_key(|(later, _)| *later);
    format!("EXCEPTIONS FROM THE AUDIT POLICY\n{}", bounded(items.into_iter().map(|(_, item)| item)))
}

fn undelivered(failed: &[CaughtError]) -> String {
    if failed.is_empty() {
        return String::new();
    }
    let items = failed.iter().map(|CaughtError { state, error, cause }| {
        let consequence = match state.as_str() {
            "PublishMetrics" => "the dashboard and the alarms on metrics miss this scan",
            _ => "the report is missing",
        };
        item(&format!("{state}: {consequence}. {error}: {cause}"))
    });
    format!("NOT DELIVERED\n{}", bounded(items))
}

/// Who does not get this message; nothing when everybody does, or when the metrics, which tell, were not delivered.
fn recipients(subscriptions: Option<&Reading<Subscriptions>>) -> String {
    let said = match subscriptions {
        None | Some(Reading::Absent | Reading::Seen { value: Subscriptions { confirmed: 1.., pending: 0 } }) => {
            return String::new();
        }
        Some(Reading::Unreadable(why)) => format!("Who gets the alerts could not be read. {why}"),
        Some(Reading::Seen { value: Subscriptions { confirmed: 0, pending: 0 } }) => {
            "Nobody was subscribed to the alerts when the metrics were published.".to_owned()
        }
        Some(Reading::Seen { value: Subscriptions { confirmed, pending } }) => format!(
            "No alert reaches {} of {}, for want of a confirmation; `make recipients` names the addresses.",
            count(*pending, "recipient"),
            confirmed.saturating_add(*pending),
        ),
    };
    format!("RECIPIENTS\n{}", item(&said))
}

fn figures(plan: &Plan, summary: &Summary) -> String {
    let mut part = short_figures(plan, summary);
    let mut tell = |label, text: &str| part.push_str(&field(2, label, text));
    let off: Vec<&str> = plan.policy.rules_off().collect();
    if !off.is_empty() {
        tell("Rules off", &off.join(", "));
    }
    if summary.totals.excepted > 0 {
        tell(
            "Excepted",
            &format!("{}, counted as violations in the score", count(summary.totals.excepted, "more violation")),
        );
    }
    if summary.totals.not_evaluated > 0 {
        tell(
            "Unwatched",
            &format!(
                "{} of rules that are off, or in the catalogue no more",
                count(summary.totals.not_evaluated, "known violation")
            ),
        );
    }
    tell("Changes", &changes(summary));
    let resources = joined(summary.resources.iter().map(|(service, resources)| format!("{resources} {service}")));
    let only = if !summary.scope.is_full() {
        format!("; {}, as was asked", summary.scope)
    } else if plan.covers_all_services() {
        String::new()
    } else {
        "; only these services, as was asked".to_owned()
    };
    tell("Resources", &format!("{resources}{only}"));
    if summary.of_others > 0 {
        tell("Of others", &format!("{} of other accounts, not judged", count(summary.of_others, "resource")));
    }
    part
}

fn short_figures(plan: &Plan, summary: &Summary) -> String {
    let mut part = "SUMMARY\n".to_owned();
    let mut tell = |label, text: &str| part.push_str(&field(2, label, text));
    tell("Status", &summary.status.to_string());
    let of = if summary.scope.is_full() { "of the verdicts" } else { "of the verdicts on what was named" };
    tell("Score", &percent(summary.score(), &format!("{of} are compliant")));
    tell("Coverage", &coverage(summary));
    let open = Severity::ALL.map(|severity| {
        let violations = summary.violations_by_severity.get(&severity).copied().unwrap_or_default();
        format!("{violations} {}", severity.to_string().to_lowercase())
    });
    tell("Open", &open.join(", "));
    let (started, asked) = (to_the_second(plan.started_at), asked_for(&plan.trigger));
    tell("Scan", &format!("{}, started at {started}, {asked}", plan.scan_id));
    part
}

fn percent(share: Option<f64>, of: &str) -> String {
    share.map_or_else(|| "none, for nothing was judged".to_owned(), |share| format!("{share:.1} % {of}"))
}

fn coverage(summary: &Summary) -> String {
    let share = percent(summary.coverage(), "of the evaluations came to a verdict");
    match summary.totals.insufficient_data.saturating_sub(summary.totals.not_evaluated) {
        0 => share,
        missing => format!("{share}; {missing} withheld for want of data, as the reports say"),
    }
}

/// What has changed since which scan. Services that were compared with the same scan, or with nothing for the same reason,
/// are told together.
fn changes(summary: &Summary) -> String {
    let mut groups: Vec<(String, Vec<Service>, Option<Changes>)> = Vec::new();
    for (&service, comparison) in &summary.comparison {
        let (with, changes) = (comparison.to_string(), comparison.changes().copied());
        match groups.iter_mut().find(|(other, ..)| *other == with) {
            Some((_, services, sum)) => {
                services.push(service);
                *sum = sum.zip(changes).map(|(sum, changes)| sum + changes);
            }
            None => groups.push((with, vec![service], changes)),
        }
    }
    let alone = groups.len() == 1;
    let told = groups.into_iter().map(|(with, services, changes)| {
        let services = if alone { String::new() } else { format!("{}: ", joined(services.iter())) };
        format!("{services}{}{with}", changes.map(changes_in_words).unwrap_or_default())
    });
    told.collect::<Vec<_>>().join("; ")
}

fn changes_in_words(changes: Changes) -> String {
    let Changes { new, first_evaluated, still_open, resolved, not_looked_at } = changes;
    let not_looked_at = match not_looked_at {
        0 => String::new(),
        number => format!(", {number} not looked at again"),
    };
    let first_evaluated = match first_evaluated {
        0 => String::new(),
        number => format!("{number} of rules that were not evaluated then, "),
    };
    format!("{new} new, {first_evaluated}{still_open} still open, {resolved} resolved{not_looked_at} ")
}

fn asked_for(trigger: &Trigger) -> String {
    let mut words = match trigger.kind {
        TriggerKind::Schedule => "by the schedule".to_owned(),
        TriggerKind::Event => "by an event".to_owned(),
        TriggerKind::Execution => "by hand".to_owned(),
        TriggerKind::Change => "after changes of the account".to_owned(),
        TriggerKind::Command => "by the command compliance-audit".to_owned(),
    };
    if let Some(requested_by) = &trigger.requested_by {
        words.push_str(&format!(", asked for by {requested_by}"));
    }
    if let Some(reason) = &trigger.reason {
        words.push_str(&format!(", reason: {reason}"));
    }
    words
}

/// What people are told of for the first time.
fn news(gathered: &Gathered<'_>) -> String {
    let new = gathered.record.summary.alerting_news;
    if new == 0 {
        return String::new();
    }
    let entries: Vec<&str> = gathered.news.listed().collect();
    let (listed, entries) = (entries.len() as u64, entries.concat());
    let all = if listed < new {
        format!(" ({listed} are named here, the worst first; the reports name all)")
    } else {
        String::new()
    };
    format!("NEW: {}{all}, first seen by this scan unless it is said\n{entries}", count(new, "violation"))
}

/// What people know of already, a rule a line.
fn still_open(gathered: &Gathered<'_>) -> String {
    let Summary { alerting_violations, alerting_news, .. } = &gathered.record.summary;
    match alerting_violations.saturating_sub(*alerting_news) {
        0 => String::new(),
        open => {
            let rules = gathered.still_open().map(|(id, rule)| violation::still_open(gathered.title(id), rule));
            format!("STILL OPEN: {} that you know of\n{}", count(open, "violation"), bounded(rules))
        }
    }
}

/// What was seen resolved since the scan before.
fn resolved(gathered: &Gathered<'_>) -> String {
    let all = gathered.record.summary.alerting_resolved;
    if all == 0 {
        return String::new();
    }
    let named = &gathered.named.resolved;
    let mut part = format!("RESOLVED since the scan before: {}\n", count(all, "violation"));
    part.push_str(&bounded(named.iter().map(|it| violation::resolved(it, &gathered.rules))));
    if all > named.len() as u64 {
        part.push_str(&item(&format!("and {} more, which the JSON report names", all - named.len() as u64)));
    }
    part
}

fn out_of_sight(gathered: &Gathered<'_>) -> String {
    let items: Vec<&str> = gathered.lost_sight.listed().collect();
    list_of_worst("OUT OF SIGHT", gathered.record.summary.lost_sight, items.len(), &items.concat())
}

/// A list, the worst first, under a title that tells when it does not name all.
fn list_of_worst(title: &str, all: u64, listed: usize, entries: &str) -> String {
    let head = match all.saturating_sub(listed as u64) {
        _ if all == 0 => return String::new(),
        0 => format!("{title}\n"),
        omitted => paragraph(&format!(
            "{title} (the first {listed} of {all}, the worst first; the reports name the other {omitted})"
        )),
    };
    format!("{head}{entries}")
}

fn remediation(gathered: &Gathered<'_>) -> String {
    let Gathered { input, record, remediations, .. } = gathered;
    let mut part = "REMEDIATION of the default encryption of S3 buckets\n".to_owned();
    let said = match (&input.remediation, record.plan.remediation) {
        (Some(RemediationResult::Ran(counts)), _) => counts_in_words(counts, &record.plan),
        (Some(RemediationResult::Broke(CaughtError { error, cause, .. })), _) => format!(
            "It broke, and may have changed buckets before that; what is known of them stands below. {error}: {cause}"
        ),
        (None, RemediationMode::Off) => "Switched off for this scan.".to_owned(),
        (None, _) => {
            let buckets = count(record.summary.remediable_buckets, "bucket");
            format!("It did not run. Of {buckets} it is known that they fail an encryption rule.")
        }
    };
    part.push_str(&wrapped("  ", "  ", &said));
    part.extend(remediations.listed());
    if remediations.omitted() > 0 {
        part.push_str(&item(&format!("and {} more, which the JSON report names", remediations.omitted())));
    }
    part.push_str(&announcements(gathered));
    part
}

/// What the next scan changes, and every way to keep it from that.
fn announcements(gathered: &Gathered<'_>) -> String {
    let entries = &gathered.announced.entries;
    if entries.all() == 0 {
        return String::new();
    }
    let OptOutTag { key, value } = &gathered.record.plan.policy.remediation.opt_out_tag;
    let said = format!(
        "ANNOUNCED: the next scan will change the default encryption of {}, unless before that the bucket is tagged \
         {key}={value}; or the audit policy excepts the violation, or its mode is dry-run or off, and that is deployed; or \
         the bucket is given a customer-managed key by hand. A bucket whose configuration is changed in another way is \
         decided about, and announced, anew. Whoever cannot wait asks for a scan with \"remediation\": \"apply\".",
        count(entries.listed().len() as u64, "bucket")
    );
    let mut part = wrapped("  ", "  ", &said);
    part.extend(entries.listed());
    if entries.omitted() > 0 {
        part.push_str(&item(&format!(
            "and {} more, which found no room here: they are announced again before they are changed",
            entries.omitted()
        )));
    }
    part
}

fn counts_in_words(counts: &RemediateOutput, plan: &Plan) -> String {
    let RemediateOutput { mode, applied, announced, would_apply, skipped, failed, .. } = counts;
    if applied + announced + would_apply + skipped + failed == 0 {
        let why = if plan.services.contains(&Service::S3) {
            "no bucket was found to fail an encryption rule"
        } else {
            "this scan did not look at buckets"
        };
        return format!("Nothing to do: {why}.");
    }
    match mode {
        RemediationMode::Apply => {
            let mut said = format!(
                "Mode apply: {} changed, {announced} announced, {skipped} left alone, {failed} failed; the JSON report says \
                 why each.",
                count(*applied, "bucket")
            );
            if *applied > 0 {
                said.push_str(
                    " The figures are from before; the next scan judges again. Objects that were stored before keep the \
                     encryption they have. A change can be taken back: send the event \"Compliance Remediation Rollback \
                     Requested\" with this scan's id.",
                );
            }
            said
        }
        RemediationMode::DryRun | RemediationMode::Off => format!(
            "Mode {mode}, nothing was changed: {} would be, {skipped} left alone, {failed} failed; the JSON report says why \
             each.",
            count(*would_apply, "bucket")
        ),
    }
}

/// One bucket that is to be changed.
pub(crate) fn announcement_entry(record: &RemediationRecord) -> String {
    let key = if record.key_arn.is_some() { "the key that it has of its own" } else { "a new key of its own" };
    item(&format!("{} gets {key}", record.bucket))
}

/// One decision about one bucket.
pub(crate) fn remediation_entry(record: &RemediationRecord) -> String {
    let what = match (record.outcome, &record.key_arn) {
        (RemediationOutcome::Applied, Some(key)) => format!("now encrypts with {key}"),
        (RemediationOutcome::Applied, None) => "was changed".to_owned(),
        (RemediationOutcome::Announced, _) => "is changed by the next scan".to_owned(),
        (RemediationOutcome::WouldApply, Some(key)) => format!("would encrypt with {key}"),
        (RemediationOutcome::WouldApply, None) => "would encrypt with a key of its own".to_owned(),
        (RemediationOutcome::RolledBack, _) => "was given back its earlier default encryption".to_owned(),
        (RemediationOutcome::WouldRollBack, _) => "would be given back its earlier default encryption".to_owned(),
        (RemediationOutcome::Skipped, _) => "was left alone".to_owned(),
        (RemediationOutcome::Failed, _) => "could not be changed".to_owned(),
    };
    let RemediationRecord { bucket, outcome, reasons, result, .. } = record;
    let told = reasons.iter().map(|reason| reason.text.as_str()).chain(result.as_deref());
    let told = told.collect::<Vec<_>>().join("; ");
    let told = if told.is_empty() { String::new() } else { format!(": {told}") };
    item(&format!("{} {bucket} {what}{told}", outcome.as_str()))
}

/// Where to read more, and how to ask for the next scan.
fn ways_on(gathered: &Gathered<'_>, deployment: &Deployment) -> String {
    let mut part = "REPORTS, in the console and with the AWS CLI\n".to_owned();
    // A link or a command that is broken into lines is none.
    let mut tell = |label: &str, way: &str| part.push_str(&format!("  {label:<11}{way}\n"));
    let reports = reports(gathered, deployment);
    for report in &reports {
        match is_missing(gathered, report) {
            true => tell(&report.format.to_uppercase(), "was not written; see NOT DELIVERED"),
            false => tell(&report.format.to_uppercase(), &report.console),
        }
    }
    if let Some(report) = reports.iter().find(|report| !is_missing(gathered, report)) {
        let folder = report.uri.rsplit_once('/').map_or("", |(folder, _)| folder);
        let files = format!("--exclude '*' --include '{}.*'", gathered.record.plan.scan_id);
        tell("All", &format!("aws s3 cp --recursive {folder}/ . {files}"));
    }
    tell("Execution", &gathered.execution());
    let machine = &gathered.input.execution.state_machine_arn;
    tell("Scan anew", &format!("aws stepfunctions start-execution --input '{{}}' --state-machine-arn {machine}"));
    part
}

/// As many of the lines as there is room for, and how many there is none for.
fn bounded(lines: impl Iterator<Item = String>) -> String {
    let mut listing = Listing::new(LIST_BUDGET);
    for (place, line) in lines.enumerate() {
        listing.add(place, || line);
    }
    let mut text: String = listing.listed().collect();
    if listing.omitted() > 0 {
        text.push_str(&item(&format!("and {} more", listing.omitted())));
    }
    text
}
