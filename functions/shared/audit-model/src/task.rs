//! What the states of the machine say to each other: references and counts, never findings.
//!
//! The JSON examples of every payload stand in `tests/contracts/`, shared with the tests of the state machine.

use std::num::NonZeroU32;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::summary::ScanStatus;
use crate::{Reading, RemediationMode, Service};

/// The execution of the state machine, from its context object; or the run of the command, which has no state machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Execution ARN, or [`COMMAND`], a colon and the time of the start.
    pub id: String,
    /// Execution name.
    pub name: String,
    /// When it started.
    pub start_time: Timestamp,
    /// ARN of the state machine.
    pub state_machine_arn: String,
}

/// The command's name, with which the ids of its runs begin.
pub const COMMAND: &str = "compliance-audit";

impl Execution {
    /// Whether the command runs it, so that there is no execution to be looked up anywhere.
    pub fn is_of_command(&self) -> bool {
        self.id.strip_prefix(COMMAND).is_some_and(|rest| rest.starts_with(':'))
    }
}

/// Input of `PlanScan`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanScanInput {
    /// The execution's input, as it came.
    pub input: serde_json::Value,
    /// The execution.
    pub execution: Execution,
}

/// Output of `PlanScan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PlanScanOutput {
    /// The scan goes on.
    #[serde(rename_all = "camelCase")]
    Proceed {
        /// The scan's id.
        scan_id: String,
        /// The services to scan.
        services: Vec<Service>,
        /// What remediation may do.
        remediation: RemediationMode,
    },
    /// What an earlier scan's remediation changed is taken back.
    #[serde(rename_all = "camelCase")]
    Rollback {
        /// The rollback's id.
        rollback_id: String,
        /// The scan whose changes are taken back.
        scan_id: String,
        /// `Apply` or `DryRun`.
        mode: RemediationMode,
        /// Who asked and why, in words.
        requested_by: String,
    },
    /// The scan, or the rollback, steps aside.
    #[serde(rename_all = "camelCase")]
    Skip {
        /// The id that it would have had.
        scan_id: String,
        /// Why, in words.
        reason: String,
    },
}

/// Input of the listing states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListTargetsInput {
    /// The scan.
    pub scan_id: String,
    /// The service to list.
    pub service: Service,
}

/// Output of the listing states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListTargetsOutput {
    /// The scan.
    pub scan_id: String,
    /// The service.
    pub service: Service,
    /// The listing that the shards are of.
    pub listing: String,
    /// How many resources there are.
    pub resources: u64,
    /// The numbers of the shards.
    pub shards: Vec<u32>,
    /// How many of them are scanned at once.
    pub at_once: NonZeroU32,
}

/// Input of the scanning states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanShardInput {
    /// The scan.
    pub scan_id: String,
    /// The service.
    pub service: Service,
    /// The listing that the shard is of.
    pub listing: String,
    /// The shard's number.
    pub shard: u32,
    /// How many shards of the service are scanned at once: they share its request budgets.
    pub at_once: NonZeroU32,
}

/// Output of the scanning states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanShardOutput {
    /// The scan.
    pub scan_id: String,
    /// The service.
    pub service: Service,
    /// The shard's number.
    pub shard: u32,
    /// Resources evaluated.
    pub resources: u64,
    /// Findings written.
    pub findings: u64,
}

/// Input of `AggregateFindings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AggregateFindingsInput {
    /// The scan.
    pub scan_id: String,
    /// The execution.
    pub execution: Execution,
    /// How the branches ended.
    pub branches: Vec<Branch>,
}

/// How one service's branch ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Branch {
    /// The service.
    pub service: Service,
    /// Whether the plan asks for it.
    pub planned: bool,
    /// How many shards were listed, or `None` when the listing failed.
    pub shards: Option<u32>,
    /// What failed; long lists may be cut, for the aggregation looks for itself.
    pub failures: Vec<BranchFailure>,
}

/// One failure of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BranchFailure {
    /// The shard, or `None` when the listing failed, or the shards as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
    /// What was caught.
    #[serde(flatten)]
    pub caught: CaughtError,
}

/// Output of `AggregateFindings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AggregateFindingsOutput {
    /// The scan.
    pub scan_id: String,
    /// Complete or partial.
    pub status: ScanStatus,
    /// Whether there is something to tell people of: open violations at or above the threshold, known ones that could not be
    /// looked at, an exception that has run out, a partial scan, or that what they were told of is no more. Whether they are
    /// told by this scan decides `NotifyCritical`.
    pub alert: bool,
    /// Open violations of the severity critical.
    pub critical_violations: u64,
    /// Open violations: those that no exception covers.
    pub violations: u64,
    /// Buckets with an open violation of a rule that remediation repairs.
    pub remediable: u64,
}

/// Input of `RemediateS3Encryption`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemediateInput {
    /// The scan.
    pub scan_id: String,
}

/// Output of `RemediateS3Encryption`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemediateOutput {
    /// The scan.
    pub scan_id: String,
    /// The mode it ran in.
    pub mode: RemediationMode,
    /// Buckets changed.
    pub applied: u64,
    /// Buckets that a later scan changes, as people are told.
    pub announced: u64,
    /// Buckets that a dry run would have changed.
    pub would_apply: u64,
    /// Buckets left alone.
    pub skipped: u64,
    /// Those of them that this scan was the first to find set back again and again.
    pub drifted: u64,
    /// Buckets whose change failed.
    pub failed: u64,
    /// SHA-256 of `remediation.jsonl` as it was left, in lowercase hexadecimal.
    pub records_sha256: String,
}

/// Input of `RollbackS3Encryption`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackInput {
    /// The rollback.
    pub rollback_id: String,
}

/// Output of `RollbackS3Encryption`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackOutput {
    /// The rollback.
    pub rollback_id: String,
    /// The scan whose changes were taken back.
    pub scan_id: String,
    /// The mode it ran in.
    pub mode: RemediationMode,
    /// Buckets restored.
    pub rolled_back: u64,
    /// Buckets that a dry run would have restored.
    pub would_roll_back: u64,
    /// Buckets left alone.
    pub skipped: u64,
    /// Buckets that could not be restored.
    pub failed: u64,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Key of the records in the reports bucket.
    pub records: String,
    /// SHA-256 of the records as they were left, in lowercase hexadecimal.
    pub records_sha256: String,
}

/// An error that the machine caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CaughtError {
    /// The state that failed.
    pub state: String,
    /// Name of the error.
    pub error: String,
    /// What the function or the service said, cut short. The machine hands on the cause as it caught it, and reading it
    /// into this type is what explains it.
    #[serde(deserialize_with = "crate::cause::deserialize")]
    pub cause: String,
}

/// What came of the remediation state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RemediationResult {
    /// It ran.
    Ran(RemediateOutput),
    /// It failed as a whole; some buckets may have been changed, and their records say so.
    Broke(CaughtError),
}

/// Input of `PublishMetrics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PublishMetricsInput {
    /// After a scan.
    Scan(DeliverInput),
    /// After a rollback.
    Rollback {
        /// What it came to.
        rollback: RollbackOutput,
    },
}

/// Input of the report writers, and of `PublishMetrics` after a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliverInput {
    /// The scan.
    pub scan_id: String,
    /// What remediation came to; `None` when it was not asked for.
    pub remediation: Option<RemediationResult>,
}

/// Output of the report writers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteReportOutput {
    /// The scan.
    pub scan_id: String,
    /// Key of the report in the reports bucket.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of the report, in lowercase hexadecimal.
    pub sha256: String,
}

/// Output of `PublishMetrics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishMetricsOutput {
    /// The scan, or the rollback.
    pub scan_id: String,
    /// How many data points were published.
    pub metrics: u64,
    /// Who gets the alerts; `None` after a rollback, which does not ask.
    pub subscriptions: Option<Reading<Subscriptions>>,
}

/// How many subscriptions the alerts topic has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscriptions {
    /// Those that get its messages.
    pub confirmed: u64,
    /// Those that nobody has confirmed yet; Amazon SNS drops them after 48 hours.
    pub pending: u64,
}

/// Input of `NotifyCritical`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotifyInput {
    /// The scan.
    pub scan_id: String,
    /// The execution.
    pub execution: Execution,
    /// What remediation came to; `None` when it was not asked for.
    pub remediation: Option<RemediationResult>,
    /// Reports or metrics that could not be delivered.
    pub failed_deliveries: Vec<CaughtError>,
    /// Who gets the alerts; `None` when `PublishMetrics`, which reads it, failed.
    pub subscriptions: Option<Reading<Subscriptions>>,
}

/// Output of `NotifyCritical`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotifyOutput {
    /// The scan.
    pub scan_id: String,
    /// SNS's id of the message; `None` when people know it all.
    pub message_id: Option<String>,
}

/// Input of `SealEvidence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealEvidenceInput {
    /// The execution.
    pub execution: Execution,
    /// What was planned; `None` when nothing was.
    pub plan: Option<PlanScanOutput>,
    /// What broke the execution off; `None` when it came to its end.
    pub failure: Option<CaughtError>,
}

/// Output of `SealEvidence`: the link of the chain that it made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealEvidenceOutput {
    /// The scan, or the rollback.
    pub scan_id: String,
    /// The link's number in the chain.
    pub number: u64,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// Key of the manifest in the reports bucket.
    pub manifest: String,
    /// SHA-256 of the manifest, in lowercase hexadecimal.
    pub sha256: String,
    /// How many objects it seals.
    pub objects: u64,
    /// How many bytes these have.
    pub bytes: u64,
}
