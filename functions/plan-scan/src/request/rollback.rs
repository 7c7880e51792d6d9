//! The request that an earlier scan's remediation be taken back.

use audit_model::{RemediationMode, Trigger};
use audit_task::TaskError;
use serde_json::Value;

use super::{Fields, SYSTEM, refused};
use crate::scan_id;

/// The field by which a request for a rollback is told from one for a scan.
pub(super) const SCAN_ID: &str = "scanId";

/// The fields of a request for a rollback.
pub(super) const FIELDS: [&str; 6] = [SCAN_ID, "buckets", "mode", "requestedBy", "reason", SYSTEM];

/// What an execution is asked to take back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RollbackRequest {
    /// Who asked, and why: nobody takes encryption back without saying so.
    pub(crate) trigger: Trigger,
    /// The scan whose changes are to be taken back.
    pub(crate) scan_id: String,
    /// The buckets, sorted and without repeats; `None` for all that the scan changed.
    pub(crate) buckets: Option<Vec<String>>,
    /// `Apply`, or `DryRun`.
    pub(crate) mode: RemediationMode,
}

pub(super) fn read(fields: &Fields<'_>, trigger: Trigger) -> Result<RollbackRequest, TaskError> {
    for (field, said) in [("requestedBy", &trigger.requested_by), ("reason", &trigger.reason)] {
        if said.as_ref().is_none_or(|said| said.trim().is_empty()) {
            let allowed = "a text: a rollback is recorded with who asked and why";
            return Err(refused(&fields.at(field), fields.get(field).unwrap_or(&Value::Null), allowed));
        }
    }
    Ok(RollbackRequest { trigger, scan_id: scan(fields)?, buckets: buckets(fields)?, mode: mode(fields)? })
}

fn scan(fields: &Fields<'_>) -> Result<String, TaskError> {
    let given = fields.get(SCAN_ID).unwrap_or(&Value::Null);
    given.as_str().filter(|id| scan_id::is_one(id)).map(str::to_owned).ok_or_else(|| {
        let allowed = "the id of the scan whose report shows the changes, for instance 20261123T060000Z-1f2e3d4c";
        refused(&fields.at(SCAN_ID), given, allowed)
    })
}

/// Everything is taken back only when that is said.
fn buckets(fields: &Fields<'_>) -> Result<Option<Vec<String>>, TaskError> {
    let given = fields.get("buckets").unwrap_or(&Value::Null);
    if given == "all" { Ok(None) } else { fields.buckets("buckets", given, ", or \"all\"").map(Some) }
}

fn mode(fields: &Fields<'_>) -> Result<RemediationMode, TaskError> {
    let Some(given) = fields.get("mode") else {
        return Ok(RemediationMode::Apply);
    };
    let modes = [RemediationMode::Apply, RemediationMode::DryRun];
    let mode = modes.into_iter().find(|mode| given.as_str() == Some(mode.as_str()));
    mode.ok_or_else(|| refused(&fields.at("mode"), given, modes.map(RemediationMode::as_str).join(", ")))
}
