//! Compares two scans.

mod differences;
mod scan;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::end::{End, Failure};
use crate::found;
use crate::terminal::{ASIDE, HEADING, Styled, WARNING, of_severity, visible};
use differences::{Difference, Kind, differences};
use scan::{Resources, Scan};

/// Says what is new, resolved and changed between two scans
///
/// A verdict that could not be reached is neither: what was a violation and could not be looked at again is not resolved, and what
/// could not be looked at before is not new. Where the scans are of other accounts, regions, services, policies or rules, that is
/// said first.
#[derive(Debug, Args)]
#[command(
    after_help = "A SCAN is a folder of `scan --out` or a copy of a reports bucket, of which the newest scan is taken; or \
    scans/<scan id>\nin it, or a file of that; or one of the scan's reports, reports/date=…/<scan id>.html, .json or .csv.\n\n\
    Examples:\n  \
    compliance-audit diff evidence/scans/20261123T060000Z-1f2e3d4c evidence\n  \
    compliance-audit diff before/111122223333/us-east-1 after/111122223333/us-east-1\n\n\
    Exit codes: 0 the scans were compared, whatever differs; 3 something could not be read."
)]
pub(crate) struct Diff {
    /// The scan before
    #[arg(value_name = "SCAN")]
    before: PathBuf,

    /// The scan after
    #[arg(value_name = "SCAN")]
    after: PathBuf,
}

pub(crate) async fn run(asked: &Diff, out: &mut impl Write) -> Result<End, Failure> {
    let before = Scan::load(found::scan(&asked.before).await?).await?;
    let after = Scan::load(found::scan(&asked.after).await?).await?;
    for (which, scan) in [("before:", &before), ("after:", &after)] {
        writeln!(out, "{} {}", Styled(format!("{which:<7}"), HEADING), visible(&scan.to_string()))?;
    }
    for apart in after.apart_from(&before) {
        writeln!(out, "{}", Styled(visible(&apart), WARNING))?;
    }

    // Counted first, and read once more for each heading: the differences of two large scans need not fit into memory.
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    walk(&before, &after, |difference| {
        *counts.entry(difference.place()).or_default() += 1;
        Ok(())
    })
    .await?;
    for kind in Kind::ALL {
        let of_kind: Vec<_> = counts.keys().filter(|(its, _)| *its == kind).copied().collect();
        if of_kind.is_empty() {
            continue;
        }
        let all: u64 = of_kind.iter().filter_map(|place| counts.get(place)).sum();
        writeln!(out, "\n{}", Styled(format!("{}: {all}", kind.heading()), HEADING))?;
        for place in of_kind {
            walk(
                &before,
                &after,
                |difference| {
                    if difference.place() == place { show(&difference, out) } else { Ok(()) }
                },
            )
            .await?;
        }
    }
    if counts.is_empty() {
        writeln!(out, "\nNo verdict and no violation differs.")?;
    }
    Ok(End::Well)
}

/// Shows each difference, in the order of the findings, to `each`. It takes the memory of two resources' findings.
async fn walk(
    before: &Scan,
    after: &Scan,
    mut each: impl FnMut(Difference<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut earlier, mut later) = (Resources::of(before).await?, Resources::of(after).await?);
    loop {
        let (was, is) = match (earlier.next(), later.next()) {
            (None, None) => return Ok(()),
            (was, None) => (was.is_some(), false),
            (None, is) => (false, is.is_some()),
            (Some(was), Some(is)) => (was <= is, is <= was),
        };
        let was = if was { earlier.take().await? } else { Vec::new() };
        let is = if is { later.take().await? } else { Vec::new() };
        differences(&was, &is, before.sight(), after.sight()).into_iter().try_for_each(&mut each)?;
    }
}

fn show(difference: &Difference<'_>, out: &mut impl Write) -> Result<(), Failure> {
    let Difference { severity, rule, resource, details, .. } = difference;
    let severity = severity.map_or_else(
        || format!("{:<8}", "-"),
        |severity| Styled(format!("{:<8}", severity.as_str()), of_severity(severity)).to_string(),
    );
    let rule = rule.map_or_else(String::new, |rule| format!("{}  ", visible(rule)));
    writeln!(out, "  {severity}  {rule}{}", visible(&resource.arn))?;
    for detail in details {
        writeln!(out, "            {}", Styled(visible(detail), ASIDE))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
