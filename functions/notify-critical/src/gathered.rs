//! What the message speaks of, held to a size.

use audit_artifacts::{ArtifactStore, ScanRecord};
use audit_model::remediation::RemediationOutcome;
use audit_model::summary::ExceptionUse;
use audit_model::task::{NotifyInput, RemediationResult};
use audit_task::TaskError;

use crate::listing::Listing;
use crate::{body, violation};

/// Bytes that the violations may take of the message. With everything else it stays below 100 KiB, and so far below
/// the 256 KiB that SNS takes.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const VIOLATIONS_BUDGET: usize = 48 * 1024;

/// Bytes that the known violations may take that could not be looked at.
const LOST_SIGHT_BUDGET: usize = 8 * 1024;

/// Bytes that the remediation records may take.
const REMEDIATION_BUDGET: usize = 12 * 1024;

/// What the message speaks of.
pub(crate) struct Gathered<'a> {
    pub(crate) input: &'a NotifyInput,
    pub(crate) record: ScanRecord,
    /// The worst of the open violations at or above the policy's threshold, the worst first.
    pub(crate) violations: Listing<usize>,
    /// The worst of the known violations at or above the threshold that could not be looked at, the worst first.
    pub(crate) lost_sight: Listing<usize>,
    /// What was decided about buckets, failures first, then changes.
    pub(crate) remediations: Listing<(u8, u64)>,
}

impl<'a> Gathered<'a> {
    /// Reads what a scan left behind.
    ///
    /// # Errors
    /// Those of [`ScanRecord`] and of the store.
    pub(crate) async fn read(store: &dyn ArtifactStore, input: &'a NotifyInput) -> Result<Self, TaskError> {
        let record = ScanRecord::load(store, &input.scan_id).await?;

        let named = record.alert_violations(store).await?;
        let mut violations = Listing::new(VIOLATIONS_BUDGET);
        for (place, finding) in named.open.iter().enumerate() {
            violations.add(place, || violation::entry(finding, &record.summary));
        }
        let mut lost_sight = Listing::new(LOST_SIGHT_BUDGET);
        for (place, finding) in named.lost_sight.iter().enumerate() {
            lost_sight.add(place, || violation::out_of_sight(finding));
        }

        let mut remediations = Listing::new(REMEDIATION_BUDGET);
        if let Some(mut records) = record.remediation_records(store, input.remediation.as_ref()).await? {
            let mut place = 0;
            while let Some(decision) = records.next().await? {
                place += 1;
                let rank = match decision.outcome {
                    RemediationOutcome::Failed => 0,
                    RemediationOutcome::Applied | RemediationOutcome::RolledBack => 1,
                    RemediationOutcome::WouldApply | RemediationOutcome::WouldRollBack => 2,
                    RemediationOutcome::Skipped => 3,
                };
                remediations.add((rank, place), || body::remediation_entry(&decision));
            }
        }
        Ok(Self { input, record, violations, lost_sight, remediations })
    }

    /// Whether an exception of the policy has run out.
    pub(crate) fn exception_ran_out(&self) -> bool {
        self.record.summary.exceptions.iter().any(ExceptionUse::ran_out)
    }

    /// Whether remediation broke, or failed for a bucket.
    pub(crate) fn remediation_failed(&self) -> bool {
        match &self.input.remediation {
            Some(RemediationResult::Ran(counts)) => counts.failed > 0,
            Some(RemediationResult::Broke(_)) => true,
            None => false,
        }
    }
}
