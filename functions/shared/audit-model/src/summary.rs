//! The figures of one scan.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::PolicyException;
use crate::{Finding, Service, Severity, Status};

/// The figures of one scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The scan.
    pub scan_id: String,
    /// Whether everything that was planned was looked at.
    pub status: ScanStatus,
    /// What was planned and not looked at; empty when the scan is complete.
    pub gaps: Vec<Gap>,
    /// When the execution started.
    pub started_at: Timestamp,
    /// When the findings were put together.
    pub aggregated_at: Timestamp,
    /// Resources evaluated, by service.
    pub resources: BTreeMap<Service, u64>,
    /// Rule evaluations over all services.
    pub totals: Counts,
    /// Rule evaluations by service.
    pub by_service: BTreeMap<Service, Counts>,
    /// Rule evaluations by rule id; every rule is present that was evaluated, however little there was to judge.
    pub by_rule: BTreeMap<String, Counts>,
    /// Open violations without an exception, by severity; every severity is present.
    pub violations_by_severity: BTreeMap<Severity, u64>,
    /// Changes since the last complete scan; `None` when there was none to compare with.
    pub comparison: Option<Comparison>,
    /// Open violations without an exception, at or above the policy's alert threshold.
    pub alerting_violations: u64,
    /// Violations at or above the policy's alert threshold that were open before, and that this scan could not look at.
    #[serde(default)]
    pub lost_sight: u64,
    /// What became of each exception of the policy, in the policy's order.
    #[serde(default)]
    pub exceptions: Vec<ExceptionUse>,
    /// Buckets that fail an encryption rule.
    pub remediable_buckets: u64,
}

impl Summary {
    /// See [`Counts::score`], over all services.
    pub fn score(&self) -> Option<f64> {
        self.totals.score()
    }

    /// See [`Counts::coverage`], over all services.
    pub fn coverage(&self) -> Option<f64> {
        self.totals.coverage()
    }
}

/// Whether everything that was planned was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScanStatus {
    /// Every planned resource was evaluated.
    Complete,
    /// Something was not; the gaps say what.
    Partial,
}

impl fmt::Display for ScanStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "COMPLETE",
            Self::Partial => "PARTIAL",
        })
    }
}

/// What became of an exception in one scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionUse {
    /// The exception, as the policy has it.
    pub exception: PolicyException,
    /// What became of it.
    pub state: ExceptionState,
    /// Whether its rule was evaluated on everything that it could match.
    pub looked_at: bool,
    /// The violations that it covers or, where it has expired, would cover and no other exception does.
    pub violations: u64,
}

impl ExceptionUse {
    /// Whether its last day is over while what it excepted is still wrong.
    pub fn ran_out(&self) -> bool {
        self.state == ExceptionState::Expired && self.violations > 0
    }
}

/// What became of an exception in one scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExceptionState {
    /// It holds.
    InForce,
    /// Its last day is over, and it covers nothing any more.
    Expired,
    /// No resource that was judged by its rule matches its pattern.
    MatchesNothing,
    /// It matched nothing, and its rule was not evaluated on everything that it could match.
    NotLookedAt,
}

/// Something that was planned and not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// The service.
    pub service: Service,
    /// The shard, or `None` when the whole service is missing.
    pub shard: Option<u32>,
    /// How many resources it hides, where the listing told.
    pub resources: Option<u64>,
    /// The type of the resources that it hides, where those of one type could not be listed, for instance
    /// `AWS::EC2::SecurityGroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// Verdicts, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Compliant.
    pub compliant: u64,
    /// Non-compliant.
    pub non_compliant: u64,
    /// Not applicable.
    pub not_applicable: u64,
    /// Insufficient data.
    pub insufficient_data: u64,
    /// Those of the non-compliant that an exception covers. They are violations all the same.
    #[serde(default)]
    pub excepted: u64,
}

impl Counts {
    /// Counts one more finding.
    pub fn add(&mut self, finding: &Finding) {
        match finding.status {
            Status::Compliant => self.compliant += 1,
            Status::NonCompliant => self.non_compliant += 1,
            Status::NotApplicable => self.not_applicable += 1,
            Status::InsufficientData => self.insufficient_data += 1,
        }
        self.excepted += u64::from(finding.exception.is_some());
    }

    /// All evaluations.
    pub const fn all(&self) -> u64 {
        self.compliant + self.non_compliant + self.not_applicable + self.insufficient_data
    }

    /// The compliance score in percent, to one decimal: compliant among those with a verdict of compliant or not.
    /// `None` when there is none.
    pub fn score(&self) -> Option<f64> {
        percentage(self.compliant, self.compliant + self.non_compliant)
    }

    /// The coverage in percent, to one decimal: the share of evaluations that came to a verdict.
    /// `None` when nothing was evaluated.
    pub fn coverage(&self) -> Option<f64> {
        percentage(self.all() - self.insufficient_data, self.all())
    }
}

/// A share in percent to one decimal, rounded down: 99.96 must not read as 100.
fn percentage(part: u64, whole: u64) -> Option<f64> {
    let per_mille = (u128::from(part) * 1000).checked_div(u128::from(whole))?;
    // At most 1000, which a double holds exactly.
    u32::try_from(per_mille).ok().map(|share| f64::from(share) / 10.0)
}

/// Changes since the last complete scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The scan compared with.
    pub scan_id: String,
    /// Violations that were not there then.
    pub new: u64,
    /// Violations of rules that were not evaluated then: since when they are there nobody knows.
    #[serde(default)]
    pub first_evaluated: u64,
    /// Violations that were there then already.
    pub still_open: u64,
    /// Violations of then that are gone now: compliant, not applicable, or the resource is no more.
    pub resolved: u64,
    /// Violations of then that this scan could not look at; they count as neither open nor resolved.
    pub not_verified: u64,
}

/// The pointer `state/latest.json` to the last complete scan of all services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LatestScan {
    /// The scan.
    pub scan_id: String,
    /// When it started; the pointer never moves back in time.
    pub started_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_and_coverage_follow_their_definitions() {
        // (compliant, non-compliant, not applicable, insufficient) -> (score, coverage)
        let cases = [
            ((0, 0, 0, 0), (None, None)),
            ((0, 0, 5, 0), (None, Some(100.0))),
            ((0, 0, 0, 5), (None, Some(0.0))),
            ((3, 1, 0, 0), (Some(75.0), Some(100.0))),
            ((2, 1, 0, 1), (Some(66.6), Some(75.0))),
            ((9_999, 1, 0, 0), (Some(99.9), Some(100.0))),
        ];
        for ((compliant, non_compliant, not_applicable, insufficient_data), expected) in cases {
            let counts = Counts { compliant, non_compliant, not_applicable, insufficient_data, excepted: 0 };
            assert_eq!((counts.score(), counts.coverage()), expected, "{counts:?}");
        }
    }
}
