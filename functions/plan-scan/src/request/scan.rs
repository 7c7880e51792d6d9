//! The request for a scan.

use audit_model::{NAMED_FORMS, NamedResource, Policy, RemediationMode, Service, Trigger, TriggerKind};
use audit_task::TaskError;
use serde_json::Value;

use super::{Fields, SYSTEM, refused};

/// The fields of a request for a scan.
pub(super) const FIELDS: [&str; 8] =
    ["services", "resources", "remediation", "reapply", "requestedBy", "reason", "force", SYSTEM];

/// How many resources a request may name: what one shard of each service holds, so that it is answered within seconds.
pub(crate) const MOST_RESOURCES: usize = 100;

/// What an execution is asked to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScanRequest {
    /// Who asked.
    pub(crate) trigger: Trigger,
    /// The services to scan, in catalogue order, without repeats; never empty.
    pub(crate) services: Vec<Service>,
    /// The only resources to look at; none when all that the services have is asked for.
    pub(crate) resources: Vec<NamedResource>,
    /// What remediation may do; never more than the policy says.
    pub(crate) remediation: RemediationMode,
    /// Whether a person said so. A trigger of the schedule is nobody's word, whatever its detail holds.
    pub(crate) remediation_requested: bool,
    /// The buckets that may be changed although a change of them was taken back.
    pub(crate) reapply: Vec<String>,
    /// Whether to scan although an older execution is running.
    pub(crate) force: bool,
}

/// Reads the request in the audited `place`, its region and its account.
pub(super) fn read(
    fields: &Fields<'_>,
    trigger: Trigger,
    policy: &Policy,
    place: (&str, &str),
) -> Result<ScanRequest, TaskError> {
    let asked = services(fields)?;
    let resources = resources(fields, asked.as_deref(), place)?;
    let remediation_requested = trigger.kind != TriggerKind::Schedule && fields.get("remediation").is_some();
    Ok(ScanRequest {
        trigger,
        services: covered(fields, asked, &resources)?,
        resources,
        remediation: remediation(fields, policy.remediation.mode)?,
        remediation_requested,
        reapply: reapply(fields, remediation_requested)?,
        force: force(fields)?,
    })
}

/// The services that the request names, if it names any.
fn services(fields: &Fields<'_>) -> Result<Option<Vec<Service>>, TaskError> {
    let Some(given) = fields.get("services") else {
        return Ok(None);
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
    Ok(Some(Service::ALL.into_iter().filter(|service| asked.contains(service)).collect()))
}

/// The resources that the request names, each of them in the audited place and of a service that it asks for.
fn resources(
    fields: &Fields<'_>,
    asked: Option<&[Service]>,
    place: (&str, &str),
) -> Result<Vec<NamedResource>, TaskError> {
    let Some(given) = fields.get("resources") else {
        return Ok(Vec::new());
    };
    let Some(arns) = given.as_array().filter(|arns| (1..=MOST_RESOURCES).contains(&arns.len())) else {
        return Err(refused(&fields.at("resources"), given, format!("a list of 1 to {MOST_RESOURCES} ARNs")));
    };
    let mut resources: Vec<NamedResource> = Vec::with_capacity(arns.len());
    for (index, arn) in arns.iter().enumerate() {
        let refuse = |allowed: String| Err(refused(&fields.at(&format!("resources[{index}]")), arn, allowed));
        let Some(named) = arn.as_str().and_then(|arn| arn.parse::<NamedResource>().ok()) else {
            return refuse(NAMED_FORMS.to_owned());
        };
        if named.place().is_some_and(|its| its != place) {
            let (region, account) = place;
            return refuse(format!("resources of the account {account} in {region}, which are audited"));
        }
        if let Some(asked) = asked.filter(|asked| !asked.contains(&named.service())) {
            let names: Vec<&str> = asked.iter().map(|service| service.as_str()).collect();
            return refuse(format!("resources of {}, which {} names", names.join(", "), fields.at("services")));
        }
        if resources.contains(&named) {
            return refuse("each resource once".to_owned());
        }
        resources.push(named);
    }
    Ok(resources)
}

/// The services to scan: those of the named resources, or else those that are asked for. A service of which nothing is named
/// would be planned and not looked at.
fn covered(
    fields: &Fields<'_>,
    asked: Option<Vec<Service>>,
    resources: &[NamedResource],
) -> Result<Vec<Service>, TaskError> {
    if resources.is_empty() {
        return Ok(asked.unwrap_or_else(|| Service::ALL.to_vec()));
    }
    let of_resources = |service: &Service| resources.iter().any(|named| named.service() == *service);
    match asked.iter().flatten().find(|service| !of_resources(service)) {
        None => Ok(Service::ALL.into_iter().filter(of_resources).collect()),
        Some(idle) => Err(refused(
            &fields.at("services"),
            &Value::from(idle.as_str()),
            format!("services of which {} names a resource, or no such field", fields.at("resources")),
        )),
    }
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
