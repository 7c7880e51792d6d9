//! The subject.

use audit_model::summary::ScanStatus;

use crate::layout::count;
use crate::{Deployment, Gathered, Kind};

/// SNS takes fewer than 100 characters of ASCII without line breaks and control characters, of which the first is a
/// letter, a number or a punctuation mark.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const LONGEST: usize = 99;

/// What the message is about: how much is new and open, or else the most urgent thing that it tells.
pub(crate) fn subject(gathered: &Gathered<'_>, kind: Kind, deployment: &Deployment) -> String {
    let summary = &gathered.record.summary;
    let of_named = match summary.scope.is_full() {
        true => "",
        false if gathered.record.plan.changes.is_empty() => "named resources of ",
        false => "changed resources of ",
    };
    let place = format!("in {of_named}account {} ({})", gathered.record.plan.account, deployment.system);
    let open = summary.alerting_violations;
    let undelivered = !gathered.input.failed_deliveries.is_empty();
    let text = match (kind, gathered.worst(true)) {
        (Kind::Violations, Some(worst)) => {
            let incomplete = if summary.status == ScanStatus::Partial { ", scan incomplete" } else { "" };
            format!("[{worst}] {} new, {open} open {place}{incomplete}", summary.alerting_news)
        }
        (Kind::Violations, None) if summary.lost_sight > 0 => {
            format!("[ACTION] Known violations could not be looked at {place}")
        }
        (Kind::Violations, None) => format!("[ACTION] An exception from the audit policy has expired {place}"),
        (Kind::Partial, _) => format!("[PARTIAL] Compliance scan incomplete, {open} open {place}"),
        (Kind::Failure, _) => match (gathered.remediation_failed(), undelivered) {
            (true, true) => format!("[ACTION] Remediation and report delivery failed {place}"),
            (true, false) => format!("[ACTION] Remediation failed {place}"),
            (false, _) => format!("[ACTION] Report delivery failed {place}"),
        },
        (Kind::Remediation, _) if gathered.announced.entries.all() > 0 => {
            let buckets = count(gathered.announced.entries.all(), "bucket");
            format!("[ACTION] The next scan changes {buckets} {place}")
        }
        (Kind::Remediation, _) => {
            format!("[ACTION] Encryption was set back again of {} {place}", count(gathered.drifted(), "bucket"))
        }
        (Kind::Reminder, _) => format!("[REMINDER] {open} still open {place}"),
        (Kind::Resolved, _) => format!("[RESOLVED] Nothing is open any more {place}"),
    };
    text.chars().map(|char| if char.is_ascii_graphic() || char == ' ' { char } else { '?' }).take(LONGEST).collect()
}
