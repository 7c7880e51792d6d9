//! What the message speaks of, held to a size.

use audit_artifacts::{ArtifactStore, ScanRecord};
use audit_model::remediation::{ReasonCode, RemediationOutcome, RemediationRecord};
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

/// Bytes that the remediation records may take, but for announcements.
const REMEDIATION_BUDGET: usize = 6 * 1024;

/// Bytes that announcements may take: room for as many as remediation makes, with the longest names.
const ANNOUNCED_BUDGET: usize = 6 * 1024;

/// What the message speaks of.
pub(crate) struct Gathered<'a> {
    pub(crate) input: &'a NotifyInput,
    pub(crate) record: ScanRecord,
    /// The worst of the open violations at or above the policy's threshold, the worst first.
    pub(crate) violations: Listing<usize>,
    /// The worst of the known violations at or above the threshold that could not be looked at, the worst first.
    pub(crate) lost_sight: Listing<usize>,
    /// The buckets that a later scan changes, unless somebody objects.
    pub(crate) announced: Announced,
    /// What else was decided about buckets, failures first, then changes.
    pub(crate) remediations: Listing<(u8, u64)>,
}

/// The buckets whose change is announced.
pub(crate) struct Announced {
    /// An entry for each of them.
    pub(crate) entries: Listing<usize>,
    /// Their names, in the order of the entries.
    buckets: Vec<String>,
}

impl Announced {
    fn add(&mut self, decision: &RemediationRecord) {
        self.entries.add(self.buckets.len(), || body::announcement_entry(decision));
        self.buckets.push(decision.bucket.clone());
    }

    /// The buckets that the message names: what does not fit into it is not announced.
    pub(crate) fn named(&self) -> &[String] {
        self.buckets.get(..self.entries.listed().len()).unwrap_or_default()
    }
}

impl<'a> Gathered<'a> {
    /// Reads what a scan left behind.
    ///
    /// # Errors
    /// Those of [`ScanRecord`] and of the store.
    pub(crate) async fn read(store: &dyn ArtifactStore, input: &'a NotifyInput) -> Result<Self, TaskError> {
        let record = ScanRecord::load(store, &input.scan_id).await?;

        let named = record.alert_violations(store).await?;
        let rules = record.rules(store).await?;
        let mut violations = Listing::new(VIOLATIONS_BUDGET);
        for (place, finding) in named.open.iter().enumerate() {
            violations.add(place, || violation::entry(finding, &rules, &record.summary));
        }
        let mut lost_sight = Listing::new(LOST_SIGHT_BUDGET);
        for (place, finding) in named.lost_sight.iter().enumerate() {
            lost_sight.add(place, || violation::out_of_sight(finding, &rules));
        }

        let mut announced = Announced { entries: Listing::new(ANNOUNCED_BUDGET), buckets: Vec::new() };
        let mut remediations = Listing::new(REMEDIATION_BUDGET);
        if let Some(mut records) = record.remediation_records(store, input.remediation.as_ref()).await? {
            let mut place = 0;
            while let Some(decision) = records.next().await? {
                place += 1;
                let drifts = decision.reasons.iter().any(|reason| reason.code == ReasonCode::Drift);
                let rank = match decision.outcome {
                    RemediationOutcome::Announced => {
                        announced.add(&decision);
                        continue;
                    }
                    RemediationOutcome::Failed => 0,
                    RemediationOutcome::Skipped if drifts => 1,
                    RemediationOutcome::Applied | RemediationOutcome::RolledBack => 2,
                    RemediationOutcome::WouldApply | RemediationOutcome::WouldRollBack => 3,
                    RemediationOutcome::Skipped => 4,
                };
                remediations.add((rank, place), || body::remediation_entry(&decision));
            }
        }
        Ok(Self { input, record, violations, lost_sight, announced, remediations })
    }

    /// Whether an exception of the policy has run out.
    pub(crate) fn exception_ran_out(&self) -> bool {
        self.record.summary.exceptions.iter().any(ExceptionUse::ran_out)
    }

    /// How many buckets this scan was the first to find set back again and again.
    pub(crate) fn drifted(&self) -> u64 {
        match &self.input.remediation {
            Some(RemediationResult::Ran(counts)) => counts.drifted,
            Some(RemediationResult::Broke(_)) | None => 0,
        }
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
