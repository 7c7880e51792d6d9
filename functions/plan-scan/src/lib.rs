//! Turns a trigger into the plan of one scan, or of a rollback: the only reader of the triggers' formats and of the audit
//! policy.

mod changes;
mod claim;
mod executions;
mod request;
mod step_aside;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, Condition, PutOutcome, keys, scan_id};
use audit_changes::Ourselves;
use audit_model::remediation::RollbackPlan;
use audit_model::task::{Execution, PlanScanInput, PlanScanOutput};
use audit_model::{AccountChange, Plan, Policy, TriggerKind};
use audit_rules::Setting;
use audit_task::TaskError;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use changes::Batch;
pub use executions::{RunningExecution, RunningExecutions, StepFunctions};
use request::{Form, Request, ScanRequest};

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
    /// The deployment's name, `<environment>-<environmentSuffix>`.
    pub system: String,
    /// The settings that the deployment was made without, of those that some rules need.
    pub missing_settings: Vec<Setting>,
    /// How long a resource is left alone after a change.
    pub settling: SignedDuration,
}

/// Plans the scan or the rollback that the execution's input asks for, or says why it steps aside. The same execution
/// always gets the same plan.
///
/// # Errors
/// `InvalidRequest` when the input asks for something that is not allowed, `InvalidPolicy` when the policy file is
/// wrong, `Unavailable` while an older execution has not planned yet, and those of the store and of the listing.
pub async fn handle(input: PlanScanInput, ports: &Ports<'_>) -> Result<PlanScanOutput, TaskError> {
    let PlanScanInput { input, execution } = input;
    let id = scan_id::of(execution.start_time, &execution.id);
    let rollback_key = keys::rollback_plan(&id);
    if let Some(plan) = planned_before::<Plan>(ports.store, &keys::plan(&id), &execution.id).await? {
        return Ok(proceed(plan));
    }
    if let Some(plan) = planned_before::<RollbackPlan>(ports.store, &rollback_key, &execution.id).await? {
        return Ok(roll_back(plan));
    }
    if let Some(events) = input.as_array() {
        return plan_scan_of_changes(events, id, execution, ports).await;
    }
    let request = Request::read(&input, &ports.system)?;
    match request.form {
        Form::Scan => plan_scan(&request, id, execution, ports).await,
        Form::Rollback => plan_rollback(&request, id, execution, ports).await,
    }
}

async fn plan_scan(
    request: &Request<'_>,
    scan_id: String,
    execution: Execution,
    ports: &Ports<'_>,
) -> Result<PlanScanOutput, TaskError> {
    let policy = policy(&execution, ports)?;
    let mut request = request.scan(&policy, (&ports.region, &ports.account))?;
    if execution.is_of_command() {
        request.trigger.kind = TriggerKind::Command;
    }
    if !request.force
        && request.resources.is_empty()
        && let Some(reason) = step_aside::reason(&request, &execution, ports).await?
    {
        return Ok(PlanScanOutput::Skip { scan_id, reason });
    }
    if let Some(reason) = claim::lost(ports.store, &request.trigger, &execution.id, &scan_id).await? {
        return Ok(PlanScanOutput::Skip { scan_id, reason });
    }
    begin(request, Vec::new(), policy, scan_id, execution, ports).await
}

/// A batch of changes steps aside for nobody: what an older scan is reading, it may have read before the change.
async fn plan_scan_of_changes(
    events: &[Value],
    scan_id: String,
    execution: Execution,
    ports: &Ports<'_>,
) -> Result<PlanScanOutput, TaskError> {
    let policy = policy(&execution, ports)?;
    let batch = Batch::read(events, &Ourselves::of(&ports.system), ports.settling, execution.start_time);
    let batch = batch.claimed(ports.store, &scan_id, execution.start_time).await?;
    if batch.is_empty() {
        let reason = format!(
            "none of the {} events tells of a change that has to be looked at, or another scan looks at it",
            events.len()
        );
        return Ok(PlanScanOutput::Skip { scan_id, reason });
    }
    let (request, changes) = batch.request();
    begin(request, changes, policy, scan_id, execution, ports).await
}

/// The audit policy, without the rules that need what the deployment was made without.
fn policy(execution: &Execution, ports: &Ports<'_>) -> Result<Policy, TaskError> {
    let text = ports.policy_text.as_ref().map_err(Clone::clone)?;
    let today = TimeZone::UTC.to_datetime(execution.start_time).date();
    let mut policy = audit_policy::parse(text, today).map_err(|error| TaskError::InvalidPolicy(error.to_string()))?;
    for setting in &ports.missing_settings {
        setting.switch_off(&mut policy);
    }
    Ok(policy)
}

/// Writes the plan of a scan that goes on.
async fn begin(
    request: ScanRequest,
    changes: Vec<AccountChange>,
    policy: Policy,
    scan_id: String,
    execution: Execution,
    ports: &Ports<'_>,
) -> Result<PlanScanOutput, TaskError> {
    let key = keys::plan(&scan_id);
    let plan = Plan {
        scan_id,
        trigger: request.trigger,
        account: ports.account.clone(),
        region: ports.region.clone(),
        services: request.services,
        resources: request.resources,
        remediation: request.remediation,
        remediation_requested: request.remediation_requested,
        reapply: request.reapply,
        changes,
        policy,
        missing_settings: ports.missing_settings.iter().map(|setting| setting.name.to_owned()).collect(),
        started_at: execution.start_time,
        execution_arn: execution.id,
    };
    write(ports.store, &key, plan).await.map(proceed)
}

/// A rollback does not step aside for a scan: whoever asks for it cannot wait. It needs no audit policy either, so that a
/// policy that is wrong does not bar the way back.
async fn plan_rollback(
    request: &Request<'_>,
    rollback_id: String,
    execution: Execution,
    ports: &Ports<'_>,
) -> Result<PlanScanOutput, TaskError> {
    let request = request.rollback()?;
    if let Some(reason) = claim::lost(ports.store, &request.trigger, &execution.id, &rollback_id).await? {
        return Ok(PlanScanOutput::Skip { scan_id: rollback_id, reason });
    }
    let key = keys::rollback_plan(&rollback_id);
    let plan = RollbackPlan {
        rollback_id,
        trigger: request.trigger,
        account: ports.account.clone(),
        region: ports.region.clone(),
        scan_id: request.scan_id,
        buckets: request.buckets,
        mode: request.mode,
        started_at: execution.start_time,
        execution_arn: execution.id,
    };
    write(ports.store, &key, plan).await.map(roll_back)
}

/// A plan that an execution has written.
trait Planned: Serialize + DeserializeOwned + Sync {
    /// ARN of the execution.
    fn execution_arn(&self) -> &str;
}

impl Planned for Plan {
    fn execution_arn(&self) -> &str {
        &self.execution_arn
    }
}

impl Planned for RollbackPlan {
    fn execution_arn(&self) -> &str {
        &self.execution_arn
    }
}

/// The plan that an earlier attempt of the same execution has written.
async fn planned_before<P: Planned>(
    store: &dyn ArtifactStore,
    key: &str,
    execution_arn: &str,
) -> Result<Option<P>, TaskError> {
    match store.find_json::<P>(key).await? {
        Some(plan) if plan.execution_arn() != execution_arn => Err(TaskError::Conflict(format!(
            "the object {key} already belongs to the execution {}; start a new execution",
            plan.execution_arn()
        ))),
        found => Ok(found),
    }
}

/// Writes the plan, unless an attempt of the same execution that runs at the same time was faster: then its plan holds.
async fn write<P: Planned>(store: &dyn ArtifactStore, key: &str, plan: P) -> Result<P, TaskError> {
    match store.put_json(key, &plan, Condition::IfAbsent).await? {
        PutOutcome::Written => Ok(plan),
        PutOutcome::ConditionFailed => planned_before(store, key, plan.execution_arn()).await?.ok_or_else(|| {
            TaskError::Unavailable(format!("the object {key} could be neither written nor read; try again"))
        }),
    }
}

fn proceed(plan: Plan) -> PlanScanOutput {
    PlanScanOutput::Proceed { scan_id: plan.scan_id, services: plan.services, remediation: plan.remediation }
}

fn roll_back(plan: RollbackPlan) -> PlanScanOutput {
    let RollbackPlan { rollback_id, scan_id, mode, trigger, .. } = plan;
    PlanScanOutput::Rollback { rollback_id, scan_id, mode, requested_by: trigger.to_string() }
}

#[cfg(test)]
mod tests;
