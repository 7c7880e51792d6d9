//! Stepping aside: two scans at once would read the same account twice over and repair it side by side.

use std::fmt::Write;

use audit_artifacts::{ArtifactStoreExt, keys};
use audit_model::task::Execution;
use audit_model::{Plan, RemediationMode, Service, TriggerKind};
use audit_task::TaskError;

use crate::request::{ScanRequest, extent};
use crate::{Ports, RunningExecution, scan_id};

/// Why this execution must not scan: an older one of the same state machine is scanning. `None` when there is none.
///
/// # Errors
/// `Unavailable` while an older execution has not planned yet: it may be refused or step aside itself, and then
/// neither would scan. The state machine asks again, and by then it has a plan or has ended.
pub(crate) async fn reason(
    request: &ScanRequest,
    execution: &Execution,
    ports: &Ports<'_>,
) -> Result<Option<String>, TaskError> {
    let older = older(ports.executions.running(&execution.state_machine_arn).await?, execution);
    let mut undecided = None;
    for running in &older {
        let id = scan_id::of(running.started_at, &running.arn);
        match ports.store.find_json::<Plan>(&keys::plan(&id)).await? {
            // It looks at a few resources, is over soon, and nobody waits for what it does not look at; and whatever is
            // changed, the scan that the clock asks for is never put off.
            Some(plan) if plan.is_scoped() || plan.trigger.kind == TriggerKind::Change => continue,
            Some(plan) => return Ok(Some(explain(request, running, &plan))),
            None => {}
        }
        // A rollback is no scan.
        if undecided.is_none() && ports.store.get(&keys::rollback_plan(&id)).await?.is_none() {
            undecided = Some(running);
        }
    }
    match undecided {
        None => Ok(None),
        Some(undecided) => Err(TaskError::Unavailable(format!(
            "the older execution {} runs and has no plan yet, so that nobody can tell whether it will scan; try again, \
             stop it, or send \"force\": true",
            undecided.arn
        ))),
    }
}

/// The other executions that started before this one, the oldest first. Those of the same millisecond are ordered by
/// name, so that of two executions always exactly one is the older.
fn older(running: Vec<RunningExecution>, this: &Execution) -> Vec<RunningExecution> {
    let age = (this.start_time.as_millisecond(), this.name.as_str());
    let mut older: Vec<RunningExecution> = running
        .into_iter()
        .filter(|other| other.arn != this.id && (other.started_at.as_millisecond(), other.name.as_str()) < age)
        .collect();
    older.sort_by(|a, b| (a.started_at, &a.name).cmp(&(b.started_at, &b.name)));
    older
}

/// Names the older scan, what it leaves out of what this request asks for, and the way to get it.
fn explain(request: &ScanRequest, running: &RunningExecution, plan: &Plan) -> String {
    let mut reason = format!("the older execution {} is still running, as scan {}; ", running.arn, plan.scan_id);
    let missing: Vec<&str> = request
        .services
        .iter()
        .filter(|service| !plan.services.contains(service))
        .map(|s| Service::as_str(*s))
        .collect();
    // Writing to a string cannot fail.
    if !missing.is_empty() {
        let _ = write!(reason, "it does not cover {}; ", missing.join(", "));
    }
    if extent(plan.remediation) < extent(request.remediation) {
        let _ = write!(reason, "its remediation is {}, not {}; ", plan.remediation, request.remediation);
    }
    let asks = |requested, mode| requested && mode == RemediationMode::Apply;
    if asks(request.remediation_requested, request.remediation)
        && !asks(plan.remediation_requested, plan.remediation)
        && plan.policy.remediation.announce_first
    {
        reason.push_str("it changes no bucket that was not announced before; ");
    }
    let held: Vec<&str> =
        request.reapply.iter().filter(|bucket| !plan.reapply.contains(bucket)).map(String::as_str).collect();
    if !held.is_empty() {
        let _ = write!(reason, "it does not reapply what was taken back of {}; ", held.join(", "));
    }
    reason.push_str("send the request again when it has ended, or with \"force\": true to scan all the same");
    reason
}
