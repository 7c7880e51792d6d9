//! The subject.

use audit_model::Severity;
use audit_model::summary::ScanStatus;

use crate::layout::count;
use crate::{Deployment, Gathered};

/// SNS takes fewer than 100 characters of ASCII without line breaks and control characters, of which the first is a
/// letter, a number or a punctuation mark.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const LONGEST: usize = 99;

/// What the message is about, the most urgent first: violations, an incomplete scan, something that this system failed to
/// do, something that it is about to do or leaves to a person, known violations out of sight, an exception that has expired.
pub(crate) fn subject(gathered: &Gathered<'_>, deployment: &Deployment) -> String {
    let summary = &gathered.record.summary;
    let place = format!("in account {} ({})", gathered.record.plan.account, deployment.system);
    let partial = summary.status == ScanStatus::Partial;
    let undelivered = !gathered.input.failed_deliveries.is_empty();
    let text = if let Some((severity, violations)) = worst(gathered) {
        let word = severity.to_string();
        let violations = count(violations, &format!("{} violation", word.to_lowercase()));
        format!("[{word}] {violations} {place}{}", if partial { ", scan incomplete" } else { "" })
    } else if partial {
        format!("[PARTIAL] Compliance scan incomplete {place}")
    } else {
        match (gathered.remediation_failed(), undelivered) {
            (true, true) => format!("[ACTION] Remediation and report delivery failed {place}"),
            (true, false) => format!("[ACTION] Remediation failed {place}"),
            (false, true) => format!("[ACTION] Report delivery failed {place}"),
            (false, false) if gathered.announced.entries.all() > 0 => {
                let buckets = count(gathered.announced.entries.all(), "bucket");
                format!("[ACTION] The next scan changes {buckets} {place}")
            }
            (false, false) if gathered.drifted() > 0 => {
                format!("[ACTION] Encryption was set back again of {} {place}", count(gathered.drifted(), "bucket"))
            }
            (false, false) if summary.lost_sight > 0 => {
                format!("[ACTION] Known violations could not be looked at {place}")
            }
            (false, false) if gathered.exception_ran_out() => {
                format!("[ACTION] An exception from the audit policy has expired {place}")
            }
            (false, false) => format!("[INFO] Compliance scan complete {place}"),
        }
    };
    text.chars().map(|char| if char.is_ascii_graphic() || char == ' ' { char } else { '?' }).take(LONGEST).collect()
}

/// The worst severity at or above the policy's threshold that has open violations, and how many.
fn worst(gathered: &Gathered<'_>) -> Option<(Severity, u64)> {
    let threshold = gathered.record.plan.policy.alert.threshold;
    let open = |severity| gathered.record.summary.violations_by_severity.get(&severity).copied().unwrap_or_default();
    Severity::ALL
        .into_iter()
        .filter(|&severity| severity >= threshold)
        .map(|severity| (severity, open(severity)))
        .find(|&(_, violations)| violations > 0)
}
