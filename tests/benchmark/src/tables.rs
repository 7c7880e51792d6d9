//! The tables that are printed, in Markdown.

use std::collections::BTreeMap;
use std::time::Duration;

use audit_artifacts::keys;

use crate::measure::Usage;
use crate::peer::Peer;
use crate::runtime::Invocation;
use crate::scan::{Outcome, Scan};
use crate::verdicts::{Dishonest, Lost};

/// The head of the table of scans.
pub(crate) const SCANS: &str = "\
| buckets/VPCs/functions | services | conditions | wall s | budgets' limit s | CPU s | largest process MiB | requests | verdicts | status |
|---|---|---|---|---|---|---|---|---|---|";

/// The row of one scan.
pub(crate) fn scan(scan: &Scan, outcome: &Outcome) -> String {
    let services: Vec<&str> = scan.services.iter().map(|service| service.as_str()).collect();
    let total = total(&outcome.invocations);
    format!(
        "| {} | {} | {} | {:.1} | {:.1} | {:.2} | {:.0} | {} | {} | {} |",
        scan.account,
        services.join(" "),
        scan.conditions,
        outcome.wall.as_secs_f64(),
        outcome.limit().as_secs_f64(),
        total.cpu.as_secs_f64(),
        mebibytes(total.peak),
        outcome.requests(),
        outcome.verdicts(),
        status(outcome)
    )
}

/// The row of a peer in the same table.
pub(crate) fn peer(scan: &Scan, peer: &Peer) -> String {
    format!(
        "| {} | {} | {} | {:.1} | | {:.2} | {:.0} | {} | {} | |",
        scan.account,
        peer.name,
        scan.conditions,
        peer.wall.as_secs_f64(),
        peer.usage.cpu.as_secs_f64(),
        mebibytes(peer.usage.peak),
        peer.calls.values().sum::<u64>(),
        peer.verdicts
    )
}

/// The head of the table of scans under faults.
pub(crate) const UNDER_FAULTS: &str = "\
| buckets/VPCs/functions | conditions | wall s | times as long | wrong verdicts | gone unsaid | undecided | hidden by gaps | status |
|---|---|---|---|---|---|---|---|---|";

/// The row of a scan under faults, beside the one without.
pub(crate) fn under_faults(
    scan: &Scan,
    outcome: &Outcome,
    without: &Outcome,
    (dishonest, lost): &(Dishonest, Lost),
) -> String {
    format!(
        "| {} | {} | {:.1} | {:.2} | {} | {} | {} | {} | {} |",
        scan.account,
        scan.conditions,
        outcome.wall.as_secs_f64(),
        outcome.wall.as_secs_f64() / without.wall.as_secs_f64(),
        dishonest.wrong.len(),
        dishonest.unsaid.len(),
        lost.undecided,
        lost.hidden,
        status(outcome)
    )
}

/// How the scan ended, and what failed.
fn status(outcome: &Outcome) -> String {
    let failures: Vec<String> =
        outcome.failures.iter().map(|failure| format!("{}: {}", failure.state, failure.error)).collect();
    let status = outcome.summary.as_ref().map_or("FAILED".to_owned(), |summary| summary.status.to_string());
    if failures.is_empty() { status } else { format!("{status} ({})", failures.join(", ")) }
}

/// The head of the table of functions.
pub(crate) const FUNCTIONS: &str = "\
| function | invocations | longest s | CPU s | largest MiB |
|---|---|---|---|---|";

/// A row for each function of a scan.
pub(crate) fn functions(outcome: &Outcome) -> String {
    let mut rows = String::new();
    for (function, invocations) in by_function(&outcome.invocations) {
        let total = total(invocations.iter().copied());
        rows.push_str(&format!(
            "| {function} | {} | {:.1} | {:.2} | {:.0} |\n",
            invocations.len(),
            invocations.iter().map(|it| it.wall).max().unwrap_or_default().as_secs_f64(),
            total.cpu.as_secs_f64(),
            mebibytes(total.peak)
        ));
    }
    rows
}

/// The head of the table of what happens behind the scanners.
pub(crate) const BEHIND: &str = "\
| findings | function | wall s | CPU s | CPU a finding µs | largest MiB | bytes a finding |
|---|---|---|---|---|---|---|";

/// The rows of the functions behind the scanners.
pub(crate) fn behind(outcome: &Outcome) -> String {
    let findings = outcome.verdicts();
    let per_finding = |value: f64| if findings == 0 { 0.0 } else { value / findings as f64 };
    let mut rows = String::new();
    for (function, invocations) in by_function(&outcome.invocations) {
        if ["plan-scan", "list-targets"].contains(&function) {
            continue;
        }
        let bytes = match function {
            "aggregate-findings" => Some(outcome.size(&keys::findings(&outcome.scan_id))),
            _ => outcome.reports.get(function).copied(),
        };
        let total = total(invocations.iter().copied());
        rows.push_str(&format!(
            "| {findings} | {function} | {:.1} | {:.2} | {:.1} | {:.0} | {} |\n",
            invocations.iter().map(|it| it.wall).sum::<Duration>().as_secs_f64(),
            total.cpu.as_secs_f64(),
            per_finding(total.cpu.as_secs_f64() * 1e6),
            mebibytes(total.peak),
            bytes.map_or_else(String::new, |bytes| format!("{:.0}", per_finding(bytes as f64)))
        ));
    }
    for failure in &outcome.failures {
        rows.push_str(&format!("| {findings} | {} failed: {} | | | | | |\n", failure.state, failure.error));
    }
    rows
}

/// The head of the table of calls.
pub(crate) const CALLS: &str = "\
| API | calls |
|---|---|";

/// A row for each API.
pub(crate) fn calls(calls: &BTreeMap<String, u64>) -> String {
    calls.iter().map(|(api, count)| format!("| `{api}` | {count} |\n")).collect()
}

fn by_function(invocations: &[Invocation]) -> Vec<(&'static str, Vec<&Invocation>)> {
    let mut functions: Vec<(&'static str, Vec<&Invocation>)> = Vec::new();
    for invocation in invocations {
        match functions.iter_mut().find(|(function, _)| *function == invocation.function) {
            Some((_, those)) => those.push(invocation),
            None => functions.push((invocation.function, vec![invocation])),
        }
    }
    functions
}

/// The CPU time of all, and the memory of the largest.
fn total<'a>(invocations: impl IntoIterator<Item = &'a Invocation> + 'a) -> Usage {
    invocations
        .into_iter()
        .fold(Usage::default(), |sum, it| Usage { cpu: sum.cpu + it.usage.cpu, peak: sum.peak.max(it.usage.peak) })
}

fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
