//! The figures of one scan.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Add;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::PolicyException;
use crate::{Change, Finding, ResolvedViolation, Service, Severity, Status, to_the_second};

/// The figures of one scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The scan.
    pub scan_id: String,
    /// Whether everything that was planned was looked at.
    pub status: ScanStatus,
    /// Whether it looked at all that its services have, or at named resources only.
    #[serde(default, skip_serializing_if = "Scope::is_full")]
    pub scope: Scope,
    /// What was planned and not looked at; empty when the scan is complete.
    pub gaps: Vec<Gap>,
    /// When the execution started.
    pub started_at: Timestamp,
    /// When the findings were put together.
    pub aggregated_at: Timestamp,
    /// Resources evaluated, by service.
    pub resources: BTreeMap<Service, u64>,
    /// Resources of other accounts that were listed and not judged: shared VPCs, and what others have in them and in VPCs of
    /// the audited account.
    #[serde(default)]
    pub of_others: u64,
    /// Rule evaluations over all services.
    pub totals: Counts,
    /// Rule evaluations by service.
    pub by_service: BTreeMap<Service, Counts>,
    /// Rule evaluations by rule id; every rule is present that was evaluated, however little there was to judge, and no
    /// other.
    pub by_rule: BTreeMap<String, Counts>,
    /// Open violations by severity; every severity is present.
    pub violations_by_severity: BTreeMap<Severity, u64>,
    /// Changes since the scan before, for each service of the plan.
    pub comparison: BTreeMap<Service, Comparison>,
    /// Open violations at or above the policy's alert threshold.
    pub alerting_violations: u64,
    /// Those of them that people have not been told of: new ones, those of a scan whose message did not go out, and those that
    /// an exception covered until now.
    #[serde(default)]
    pub alerting_news: u64,
    /// Known violations at or above the threshold, under no exception, that were seen mended or whose resource was seen gone.
    #[serde(default)]
    pub alerting_resolved: u64,
    /// Known violations at or above the policy's alert threshold that no exception covers, and that this scan could not look
    /// at. Those of rules that are not evaluated by decision are not among them.
    #[serde(default)]
    pub lost_sight: u64,
    /// Those of them that the scan before had seen.
    #[serde(default)]
    pub lost_sight_news: u64,
    /// What became of each exception of the policy, in the policy's order.
    #[serde(default)]
    pub exceptions: Vec<ExceptionUse>,
    /// Buckets with an open violation of a rule that remediation repairs.
    pub remediable_buckets: u64,
}

impl Summary {
    /// Changes over all services that could be compared; `None` when none could.
    pub fn changes(&self) -> Option<Changes> {
        self.comparison.values().filter_map(Comparison::changes).copied().reduce(Add::add)
    }

    /// The figures with times to the second, as reports show them.
    pub fn to_the_second(&self) -> Self {
        let mut shown = self.clone();
        shown.started_at = to_the_second(shown.started_at);
        shown.aggregated_at = to_the_second(shown.aggregated_at);
        for comparison in shown.comparison.values_mut() {
            if let Comparison::Compared { started_at, .. } = comparison {
                *started_at = to_the_second(*started_at);
            }
        }
        shown
    }

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

/// What a scan looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Scope {
    /// All that its services have.
    #[default]
    Full,
    /// Resources that it was asked for by name. Its figures, the score among them, are theirs and not the account's.
    Scoped {
        /// How many.
        named: u64,
        /// The ARNs of those that are not there.
        not_found: Vec<String>,
    },
}

impl Scope {
    /// Whether it is all that the services have.
    pub fn is_full(&self) -> bool {
        *self == Self::Full
    }
}

impl fmt::Display for Scope {
    /// What was looked at, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Scoped { named, not_found } = self else {
            return f.write_str("all that its services have");
        };
        let resources = if *named == 1 { "resource" } else { "resources" };
        write!(f, "{named} named {resources} only")?;
        match not_found.as_slice() {
            [] => Ok(()),
            [one] => write!(f, ", of which {one} was not there"),
            [first, others @ ..] => write!(f, ", of which {first} and {} more were not there", others.len()),
        }
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
    /// What two scans call the same: its rule, its pattern and its last day.
    pub fn name(&self) -> String {
        let PolicyException { rule, resource, expires, .. } = &self.exception;
        format!("{rule} for {resource} until {expires}")
    }

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

impl Gap {
    /// What was not looked at, without why: what two scans call the same. Which shard it was says nothing, for the next
    /// scan may divide the resources otherwise.
    pub fn place(&self) -> String {
        match (&self.resource_type, self.shard) {
            (Some(resource_type), _) => format!("{resource_type} of {}", self.service),
            (None, Some(_)) => format!("a part of {}", self.service),
            (None, None) => format!("all of {}", self.service),
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, shard, resources, resource_type, reason } = self;
        match (resource_type, shard) {
            (Some(resource_type), _) => write!(f, "{resource_type} of {service}")?,
            (None, Some(shard)) => write!(f, "part {shard} of {service}")?,
            (None, None) => write!(f, "all of {service}")?,
        }
        match resources {
            Some(1) => f.write_str(" (1 resource)")?,
            Some(resources) => write!(f, " ({resources} resources)")?,
            None => {}
        }
        write!(f, ": {reason}")
    }
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
    /// Those of the insufficient data that are known violations of rules that are not evaluated by decision. They are no
    /// evaluations, and the coverage does not count them.
    #[serde(default)]
    pub not_evaluated: u64,
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
        self.excepted += u64::from(finding.status == Status::NonCompliant && finding.exception.is_some());
        self.not_evaluated += u64::from(finding.change == Some(Change::NotEvaluated));
    }

    /// Open violations: those that no exception covers.
    pub const fn open(&self) -> u64 {
        self.non_compliant.saturating_sub(self.excepted)
    }

    /// All findings.
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
        percentage(self.all() - self.insufficient_data, self.all() - self.not_evaluated)
    }
}

/// A share in percent to one decimal, rounded down: 99.96 must not read as 100.
fn percentage(part: u64, whole: u64) -> Option<f64> {
    let per_mille = (u128::from(part) * 1000).checked_div(u128::from(whole))?;
    // At most 1000, which a double holds exactly.
    u32::try_from(per_mille).ok().map(|share| f64::from(share) / 10.0)
}

/// What the findings of one service were compared with, and what has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Comparison {
    /// With the scan before.
    Compared {
        /// That scan.
        scan_id: String,
        /// When it started.
        started_at: Timestamp,
        /// What has changed since then.
        changes: Changes,
    },
    /// With nothing: no scan looked at the service before.
    FirstScan,
    /// With nothing: the findings of the scan before have expired.
    Expired {
        /// That scan.
        scan_id: String,
    },
    /// With nothing: what the scan before left cannot be understood.
    Broken {
        /// That scan.
        scan_id: String,
    },
}

impl Comparison {
    /// What has changed; `None` when there was nothing to compare with.
    pub const fn changes(&self) -> Option<&Changes> {
        match self {
            Self::Compared { changes, .. } => Some(changes),
            Self::FirstScan | Self::Expired { .. } | Self::Broken { .. } => None,
        }
    }
}

impl fmt::Display for Comparison {
    /// With what it was compared, or why with nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compared { scan_id, .. } => write!(f, "since scan {scan_id}"),
            Self::FirstScan => f.write_str("nothing to compare with, for no scan looked at it before"),
            Self::Expired { scan_id } => {
                write!(f, "nothing to compare with, for the findings of the scan before, {scan_id}, have expired")
            }
            Self::Broken { scan_id } => {
                write!(f, "nothing to compare with, for what the scan before, {scan_id}, left cannot be understood")
            }
        }
    }
}

/// Changes since the scan before. New, first evaluated and still open are together the open violations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// Open violations that were not known.
    pub new: u64,
    /// Open violations of rules that were not evaluated then: since when they are there nobody knows.
    pub first_evaluated: u64,
    /// Open violations that were known.
    pub still_open: u64,
    /// Known violations, excepted ones too, that were seen mended, or whose resource was seen gone.
    pub resolved: u64,
    /// Known violations, excepted ones too, that this scan could not look at. They stay in the findings.
    pub not_looked_at: u64,
}

impl Changes {
    /// Counts one more violation that has changed so. Those that are not evaluated are in [`Counts::not_evaluated`].
    pub const fn count(&mut self, change: Change) {
        match change {
            Change::New => self.new += 1,
            Change::FirstEvaluated => self.first_evaluated += 1,
            Change::StillOpen => self.still_open += 1,
            Change::Resolved => self.resolved += 1,
            Change::NotLookedAt => self.not_looked_at += 1,
            Change::NotEvaluated => {}
        }
    }
}

impl Add for Changes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            new: self.new + other.new,
            first_evaluated: self.first_evaluated + other.first_evaluated,
            still_open: self.still_open + other.still_open,
            resolved: self.resolved + other.resolved,
            not_looked_at: self.not_looked_at + other.not_looked_at,
        }
    }
}

/// What the alert names, the worst first: as many as a message may hold. How many there are in all the summary tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertViolations {
    /// Of [`Summary::alerting_news`].
    pub news: Vec<Finding>,
    /// All of [`Summary::alerting_violations`], counted by rule.
    pub by_rule: BTreeMap<String, AlertingRule>,
    /// Of [`Summary::lost_sight`].
    pub lost_sight: Vec<Finding>,
    /// Of [`Summary::alerting_resolved`].
    pub resolved: Vec<ResolvedViolation>,
}

/// The open violations of one rule, where they raise the alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertingRule {
    /// The service that the rule belongs to.
    pub service: Service,
    /// The rule's severity under the scan's policy.
    pub severity: Severity,
    /// CloudFormation's name of the type of the resources.
    pub resource_type: String,
    /// How many of them people have not been told of.
    pub news: u64,
    /// How many others there are.
    pub still_open: u64,
    /// Since when the oldest of the others is known.
    pub since: Option<Timestamp>,
}

/// The pointers `state/latest.json`: for each service the last scan that looked at it, complete or not.
pub type LatestScans = BTreeMap<Service, LatestScan>;

/// The last scan of a service.
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
            let counts = Counts { compliant, non_compliant, not_applicable, insufficient_data, ..Counts::default() };
            assert_eq!((counts.score(), counts.coverage()), expected, "{counts:?}");
        }
        // Of ten evaluations one found no data; the violation of a rule that is off is none.
        let counts = Counts { compliant: 9, insufficient_data: 2, not_evaluated: 1, ..Counts::default() };
        assert_eq!(counts.coverage(), Some(90.0));
    }

    #[test]
    fn changes_are_those_of_the_services_that_could_be_compared() {
        let compared = |new, resolved| Comparison::Compared {
            scan_id: "s".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            changes: Changes { new, resolved, ..Changes::default() },
        };
        let summary = |comparison: &[Comparison]| Summary {
            scan_id: String::new(),
            status: ScanStatus::Complete,
            scope: Scope::Full,
            gaps: Vec::new(),
            started_at: Timestamp::UNIX_EPOCH,
            aggregated_at: Timestamp::UNIX_EPOCH,
            resources: BTreeMap::new(),
            of_others: 0,
            totals: Counts::default(),
            by_service: BTreeMap::new(),
            by_rule: BTreeMap::new(),
            violations_by_severity: BTreeMap::new(),
            comparison: Service::ALL.into_iter().zip(comparison.iter().cloned()).collect(),
            alerting_violations: 0,
            alerting_news: 0,
            alerting_resolved: 0,
            lost_sight: 0,
            lost_sight_news: 0,
            exceptions: Vec::new(),
            remediable_buckets: 0,
        };
        let changes = |comparison: &[Comparison]| summary(comparison).changes().map(|all| (all.new, all.resolved));
        assert_eq!(changes(&[compared(1, 2), Comparison::FirstScan, compared(4, 0)]), Some((5, 2)));
        assert_eq!(changes(&[Comparison::FirstScan]), None);
    }
}
