//! What people are told of a scan.

use std::io::Write;
use std::path::PathBuf;

use audit_artifacts::ScanRecord;
use audit_model::Severity;
use audit_model::summary::{Changes, Comparison, ScanStatus, Scope, Summary};
use audit_task::denied_action;
use comfy_table::{Cell, CellAlignment, ColumnConstraint};

use super::places::Place;
use super::tally::Tally;
use super::walk::Ended;
use crate::clients::Caller;
use crate::end::{End, Failure};
use crate::permissions::policy_for;
use crate::terminal::{ASIDE, GOOD, HEADING, PROBLEM, Styled, WARNING, severity_cell, table, visible};

/// As many regions as are named in a line.
const FEW: usize = 4;

/// What begins.
pub(super) fn begin(out: &mut impl Write, caller: &Caller, places: &[Place]) -> Result<(), Failure> {
    writeln!(out, "Account {} as {}; nothing is changed", Styled(&caller.account, HEADING), visible(&caller.arn))?;
    // Regions of which the same is looked at.
    for alike in places.chunk_by(|one, next| one.services == next.services && one.resources == next.resources) {
        let services: Vec<&str> = alike[0].services.iter().map(|service| service.as_str()).collect();
        let regions: Vec<&str> = alike.iter().map(|place| place.region.as_str()).collect();
        let regions = if regions.len() > FEW { format!("{} regions", regions.len()) } else { regions.join(", ") };
        writeln!(out, "{} in {regions}", services.join(", "))?;
    }
    writeln!(out)?;
    Ok(())
}

/// Somebody has interrupted it. Whether a scan was kept that had come to its figures.
pub(super) fn interrupted(out: &mut impl Write, kept: bool) -> Result<(), Failure> {
    let left = if kept {
        "The scans that had come to their end are kept; `compliance-audit report DIR` writes their reports."
    } else {
        "Nothing of it is kept."
    };
    writeln!(out, "{} {left}", Styled("Interrupted.", WARNING))?;
    Ok(())
}

/// What the scans of the regions came to, and how the command ends.
pub(super) fn end(
    out: &mut impl Write,
    scans: Vec<(&Place, Result<Ended, Failure>)>,
    fail_on: Option<Severity>,
) -> Result<End, Failure> {
    let mut all = Tally::default();
    let mut ended = Vec::new();
    let mut failed = Vec::new();
    for (Place { region, .. }, scan) in scans {
        match scan {
            Ok(Ended { record, tally, reports }) => {
                all.merge(tally);
                ended.push((region, record, reports));
            }
            Err(failure) => failed.push((region, failure)),
        }
    }
    regions(out, ended.iter().map(|(region, record, _)| (region.as_str(), record)))?;
    let by_region: u64 = ended.iter().map(|(_, record, _)| record.summary.totals.open()).sum();
    if !ended.is_empty() {
        violations(out, &all, ended.iter().any(|(_, record, _)| record.summary.changes().is_some()))?;
    }
    if by_region > all.all_open() {
        writeln!(
            out,
            "{}",
            Styled("What every region has of the account's own settings of S3 is counted once.", ASIDE)
        )?;
    }
    for (region, ScanRecord { summary, .. }, _) in &ended {
        since(out, region, summary)?;
    }
    let mut is_whole = failed.is_empty();
    for (region, ScanRecord { summary, .. }, _) in &ended {
        is_whole &= summary.status == ScanStatus::Complete;
        for gap in &summary.gaps {
            all.denied.extend(denied_action(&gap.reason).map(str::to_owned));
            writeln!(out, "{} in {region}: {}", Styled("Not looked at", WARNING), visible(&gap.to_string()))?;
        }
        if let Scope::Scoped { not_found, .. } = &summary.scope {
            is_whole &= not_found.is_empty();
            for arn in not_found {
                writeln!(out, "{} in {region}: {arn}", Styled("Not there", WARNING))?;
            }
        }
    }
    unread(out, &all)?;
    for (region, failure) in &failed {
        writeln!(out, "{} in {region}: {failure}", Styled("Broke off", PROBLEM))?;
    }
    let written: Vec<&[PathBuf]> = ended.iter().map(|(_, _, reports)| reports.as_slice()).collect();
    reports(out, &written)?;
    Ok(how_it_ends(&all, is_whole, fail_on))
}

/// What was found counts before what could not be looked at: whoever asks for violations gets to hear of them.
fn how_it_ends(all: &Tally, is_whole: bool, fail_on: Option<Severity>) -> End {
    let from = |severity: Severity| fail_on.is_some_and(|least| severity >= least);
    if all.by_rule.keys().any(|(severity, _)| from(*severity)) {
        End::Found
    } else if !is_whole || all.undecided.is_some_and(from) {
        End::NotDone
    } else {
        End::Well
    }
}

/// Where the reports of each region lie; one region's all, of several the one for people.
fn reports(out: &mut impl Write, of_regions: &[&[PathBuf]]) -> Result<(), Failure> {
    let (beside, told): (_, Vec<&PathBuf>) = match of_regions {
        [only] => ("", only.iter().collect()),
        many => (", each beside its CSV and JSON", many.iter().filter_map(|reports| reports.first()).collect()),
    };
    if !told.is_empty() {
        writeln!(out, "\n{}{beside}", Styled("Reports", HEADING))?;
    }
    for report in told {
        writeln!(out, "  {}", report.display())?;
    }
    Ok(())
}

/// One line a region.
fn regions<'a>(out: &mut impl Write, scans: impl Iterator<Item = (&'a str, &'a ScanRecord)>) -> Result<(), Failure> {
    let mut regions = table(&["Region", "Scan", "Resources", "Open violations", "Score", "Coverage"]);
    for (region, ScanRecord { summary, .. }) in scans {
        let color = match summary.status {
            ScanStatus::Complete => comfy_table::Color::Green,
            ScanStatus::Partial => comfy_table::Color::Yellow,
        };
        let percent = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{share} %"));
        regions.add_row([
            Cell::new(region),
            Cell::new(summary.status).fg(color),
            number(summary.resources.values().sum()),
            number(summary.totals.open()),
            Cell::new(percent(summary.score())).set_alignment(CellAlignment::Right),
            Cell::new(percent(summary.coverage())).set_alignment(CellAlignment::Right),
        ]);
    }
    if regions.row_count() > 0 {
        writeln!(out, "{regions}\n")?;
    }
    Ok(())
}

/// One line a rule, the worst first.
fn violations(out: &mut impl Write, all: &Tally, compared: bool) -> Result<(), Failure> {
    if all.by_rule.is_empty() {
        writeln!(out, "{}", Styled("No open violation was found.", GOOD))?;
        return Ok(());
    }
    let mut header = vec!["Severity", "Rule", "Open"];
    header.extend(compared.then_some("New"));
    header.push("What is demanded");
    let mut rows = table(&header);
    let mut by_rule: Vec<_> = all.by_rule.iter().collect();
    by_rule.sort_by(|((one, id), left), ((other, other_id), right)| {
        (other, right.open, id).cmp(&(one, left.open, other_id))
    });
    for ((severity, id), of_rule) in by_rule {
        let mut row = vec![severity_cell(*severity), Cell::new(id), number(of_rule.open)];
        row.extend(compared.then(|| number(of_rule.new)));
        row.push(Cell::new(audit_rules::rule(id).map_or("", |rule| rule.title)));
        rows.add_row(row);
    }
    // In two pieces nobody finds a rule by its id again.
    if let Some(ids) = rows.column_mut(1) {
        ids.set_constraint(ColumnConstraint::ContentWidth);
    }
    writeln!(out, "{rows}\n")?;
    let counts = Severity::ALL.map(|severity| format!("{} {}", all.open(severity), severity.as_str().to_lowercase()));
    writeln!(out, "{} open violations: {}", Styled(all.all_open(), HEADING), counts.join(", "))?;
    Ok(())
}

fn number(count: u64) -> Cell {
    Cell::new(count).set_alignment(CellAlignment::Right)
}

/// What has changed since the scan before.
fn since(out: &mut impl Write, region: &str, summary: &Summary) -> Result<(), Failure> {
    let Some(changes) = summary.changes() else { return Ok(()) };
    let before = summary.comparison.values().filter_map(|comparison| match comparison {
        Comparison::Compared { started_at, .. } => Some(*started_at),
        Comparison::FirstScan | Comparison::Expired { .. } | Comparison::Broken { .. } => None,
    });
    let Some(before) = before.min() else { return Ok(()) };
    let Changes { new, first_evaluated, still_open, resolved, not_looked_at } = changes;
    let before = before.strftime("%Y-%m-%d %H:%M UTC");
    write!(out, "{region} since {before}: {} new, {} resolved, {still_open} still open", new, resolved)?;
    for (count, what) in
        [(first_evaluated, "of rules that were not evaluated then"), (not_looked_at, "not looked at again")]
    {
        if count > 0 {
            write!(out, ", {count} {what}")?;
        }
    }
    writeln!(out)?;
    Ok(())
}

/// What has no verdict, and what would give it one.
fn unread(out: &mut impl Write, all: &Tally) -> Result<(), Failure> {
    let mut rows = table(&["Evaluations", "Without a verdict, because"]);
    let mut unread: Vec<_> = all.unread.iter().collect();
    unread.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for ((action, cause), count) in unread {
        rows.add_row([number(*count), Cell::new(format!("{action} {cause}"))]);
    }
    if rows.row_count() > 0 {
        writeln!(out, "\n{rows}")?;
    }
    if !all.denied.is_empty() {
        writeln!(out, "\n{} This policy would allow what was denied:", Styled("Denied.", WARNING))?;
        writeln!(out, "{}", Styled(policy_for(&all.denied), ASIDE))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::scan::tally::Open;

    #[test]
    fn what_was_found_counts_before_what_may_have_been_overlooked() {
        let tally = |open: &[Severity], undecided| Tally {
            by_rule: open.iter().map(|severity| ((*severity, "a-rule".to_owned()), Open { open: 1, new: 0 })).collect(),
            undecided,
            ..Tally::default()
        };
        let (low, high) = (Severity::Low, Severity::High);
        for (open, undecided, is_whole, fail_on, end) in [
            (&[high][..], None, true, None, End::Well),
            (&[high], None, true, Some(high), End::Found),
            (&[Severity::Critical], None, true, Some(high), End::Found),
            (&[high], Some(high), false, Some(high), End::Found),
            (&[low], None, true, Some(high), End::Well),
            (&[low], Some(high), true, Some(high), End::NotDone),
            (&[low], Some(low), true, Some(high), End::Well),
            (&[], Some(high), true, None, End::Well),
            (&[], None, false, None, End::NotDone),
            (&[], None, false, Some(high), End::NotDone),
        ] {
            let ended = how_it_ends(&tally(open, undecided), is_whole, fail_on);
            assert_eq!(ended, end, "{open:?} {undecided:?} {is_whole} {fail_on:?}");
        }
    }
}
