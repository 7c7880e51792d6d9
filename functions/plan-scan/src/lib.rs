//! Turns a trigger into the plan of one scan: the only reader of the trigger's formats and of the audit policy.

mod claim;
mod executions;
mod request;
mod scan_id;
mod step_aside;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, Condition, PutOutcome, keys};
use audit_model::Plan;
use audit_model::task::{PlanScanInput, PlanScanOutput};
use audit_task::TaskError;
use jiff::tz::TimeZone;

pub use executions::{RunningExecution, RunningExecutions, StepFunctions};
use request::ScanRequest;

/// What planning works with.
pub struct Ports<'a> {
    /// The reports bucket.
    pub store: &'a dyn ArtifactStore,
    /// The state machine's running executions.
    pub executions: &'a dyn RunningExecutions,
    /// The text of the policy file, or why it could not be read.
    pub policy_text: Result<String, TaskError>,
    /// The 12 digits of the audited account.
    pub account: String,
    /// The audited region.
    pub region: String,
}

/// Plans the scan that the execution's input asks for, or says why it steps aside. The same execution always gets the
/// same plan.
///
/// # Errors
/// `InvalidRequest` when the input asks for something that is not allowed, `InvalidPolicy` when the policy file is
/// wrong, `Unavailable` while an older execution has not planned yet, and those of the store and of the listing.
pub async fn handle(input: PlanScanInput, ports: &Ports<'_>) -> Result<PlanScanOutput, TaskError> {
    let PlanScanInput { input, execution } = input;
    let scan_id = scan_id::of(execution.start_time, &execution.id);
    if let Some(plan) = planned_before(ports.store, &scan_id, &execution.id).await? {
        return Ok(proceed(plan));
    }
    let text = ports.policy_text.as_ref().map_err(Clone::clone)?;
    let today = TimeZone::UTC.to_datetime(execution.start_time).date();
    let policy = audit_policy::parse(text, today).map_err(|error| TaskError::InvalidPolicy(error.to_string()))?;
    let request = ScanRequest::read(&input, &policy)?;
    if !request.force
        && let Some(reason) = step_aside::reason(&request, &execution, ports).await?
    {
        return Ok(PlanScanOutput::Skip { scan_id, reason });
    }
    if let Some(event_id) = &request.trigger.event_id
        && let Some(reason) = claim::lost(ports.store, event_id, &execution.id, &scan_id).await?
    {
        return Ok(PlanScanOutput::Skip { scan_id, reason });
    }
    let plan = Plan {
        scan_id,
        trigger: request.trigger,
        account: ports.account.clone(),
        region: ports.region.clone(),
        services: request.services,
        remediation: request.remediation,
        policy,
        started_at: execution.start_time,
        execution_arn: execution.id,
    };
    write(ports.store, plan).await.map(proceed)
}

/// The plan that an earlier attempt of the same execution has written.
async fn planned_before(
    store: &dyn ArtifactStore,
    scan_id: &str,
    execution_arn: &str,
) -> Result<Option<Plan>, TaskError> {
    match store.find_json::<Plan>(&keys::plan(scan_id)).await? {
        Some(plan) if plan.execution_arn != execution_arn => Err(TaskError::Conflict(format!(
            "the scan id {scan_id} already belongs to the execution {}; start a new execution",
            plan.execution_arn
        ))),
        found => Ok(found),
    }
}

/// Writes the plan, unless an attempt of the same execution that runs at the same time was faster: then its plan holds.
async fn write(store: &dyn ArtifactStore, plan: Plan) -> Result<Plan, TaskError> {
    let key = keys::plan(&plan.scan_id);
    match store.put_json(&key, &plan, Condition::IfAbsent).await? {
        PutOutcome::Written => Ok(plan),
        PutOutcome::ConditionFailed => {
            planned_before(store, &plan.scan_id, &plan.execution_arn).await?.ok_or_else(|| {
                TaskError::Unavailable(format!("the object {key} could be neither written nor read; try again"))
            })
        }
    }
}

fn proceed(plan: Plan) -> PlanScanOutput {
    PlanScanOutput::Proceed { scan_id: plan.scan_id, services: plan.services, remediation: plan.remediation }
}

#[cfg(test)]
mod tests;
