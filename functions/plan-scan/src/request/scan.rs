//! The request for a scan.

use audit_model::{Policy, RemediationMode, Service, Trigger, TriggerKind};
use audit_task::TaskError;
use serde_json::Value;

use super::{Fields, SYSTEM, refused};

/// The fields of a request for a scan.
pub(super) const FIELDS: [&str; 7] = ["services", "remediation", "reapply", "requestedBy", "reason", "force", SYSTEM];

/// What an execution is asked to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScanRequest {
    /// Who asked.
    pub(crate) trigger: Trigger,
    /// The services to scan, in catalogue order, without repeats; never empty.
    pub(crate) services: Vec<Service>,
    /// What remediation may do; never more than the policy says.
    pub(crate) remediation: RemediationMode,
    /// Whether a person said so. A trigger of the schedule is nobody's word, whatever its detail holds.
    pub(crate) remediation_requested: bool,
    /// The buckets that may be changed although a change of them was taken back.
    pub(crate) reapply: Vec<String>,
    /// Whether to scan although an older execution is running.
    pub(crate) force: bool,
}

pub(super) fn read(fields: &Fields<'_>, trigger: Trigger, policy: &Policy) -> Result<ScanRequest, TaskError> {
    let remediation_requested = trigger.kind != TriggerKind::Schedule && fields.get("remediation").is_some();
    Ok(ScanRequest {
        trigger,
        services: services(fields)?,
        remediation: remediation(fields, policy.remediation.mode)?,
        remediation_requested,
        reapply: reapply(fields, remediation_requested)?,
        force: force(fields)?,
    })
}

fn services(fields: &Fields<'_>) -> Result<Vec<Service>, TaskError> {
    let Some(given) = fields.get("services") else {
        return Ok(Service::ALL.to_vec());
    };
    let allowed = Service::ALL.map(Service::as_str).join(", ");
    let Some(names) = given.as_array().filter(|names| !names.is_empty()) else {
        return Err(refused(&fields.at("services"), given, format!("a list of at least one of {allowed}")));
    };
    let mut asked = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let service = Service::ALL.into_iter().find(|service| name.as_str() == Some(service.as_str()));
        asked.push(service.ok_or_else(|| refused(&fields.at(&format!("services[{index}]")), name, &allowed))?);
    }
    Ok(Service::ALL.into_iter().filter(|service| asked.contains(service)).collect())
}

/// A request may say less than the policy and never more.
fn remediation(fields: &Fields<'_>, most: RemediationMode) -> Result<RemediationMode, TaskError> {
    let Some(given) = fields.get("remediation") else {
        return Ok(most);
    };
    let allowed = RemediationMode::ALL.into_iter().filter(|mode| extent(*mode) <= extent(most));
    let allowed_names = allowed.clone().map(RemediationMode::as_str).collect::<Vec<_>>().join(", ");
    allowed.into_iter().find(|mode| given.as_str() == Some(mode.as_str())).ok_or_else(|| {
        let why = format!("{allowed_names}: the audit policy says {most}, and a request may say less, never more");
        refused(&fields.at("remediation"), given, why)
    })
}

/// Whoever names buckets says what is to be done with them: without a word of the mode they would be announced, and left
/// alone by the scan after, which does not name them.
fn reapply(fields: &Fields<'_>, remediation_requested: bool) -> Result<Vec<String>, TaskError> {
    let Some(given) = fields.get("reapply") else {
        return Ok(Vec::new());
    };
    if !remediation_requested {
        let allowed = "buckets in a request that says \"remediation\": \"apply\", or \"dry-run\" to be told";
        return Err(refused(&fields.at("reapply"), given, allowed));
    }
    fields.buckets("reapply", given, "")
}

fn force(fields: &Fields<'_>) -> Result<bool, TaskError> {
    match fields.get("force") {
        None => Ok(false),
        Some(Value::Bool(force)) => Ok(*force),
        Some(given) => Err(refused(&fields.at("force"), given, "true, false")),
    }
}

/// How far a mode goes: a higher number may do more.
pub(crate) const fn extent(mode: RemediationMode) -> u8 {
    match mode {
        RemediationMode::Off => 0,
        RemediationMode::DryRun => 1,
        RemediationMode::Apply => 2,
    }
}
