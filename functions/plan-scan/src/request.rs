//! The execution's input, read strictly: what is not understood is refused and not guessed at.

use std::fmt::Display;

use audit_model::{Policy, RemediationMode, Service, Trigger, TriggerKind};
use audit_task::TaskError;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use serde_json::{Map, Value};

/// The fields of a request.
const FIELDS: [&str; 5] = ["services", "remediation", "requestedBy", "reason", "force"];
/// The ways in through EventBridge: source, detail type, and what they stand for. The first are those of a rule with
/// a schedule, <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html>.
const EVENTS: [(&str, &str, TriggerKind); 2] = [
    ("aws.events", "Scheduled Event", TriggerKind::Schedule),
    ("compliance.audit", "Compliance Scan Requested", TriggerKind::Event),
];
/// The longest event id that becomes a key. EventBridge gives UUIDs, of 36 characters.
const EVENT_ID_LENGTH: usize = 64;
/// How much of a refused value an error repeats, in characters.
const QUOTED_LENGTH: usize = 80;

/// What an execution is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScanRequest {
    /// Who asked.
    pub(crate) trigger: Trigger,
    /// The services to scan, in catalogue order, without repeats; never empty.
    pub(crate) services: Vec<Service>,
    /// What remediation may do; never more than the policy says.
    pub(crate) remediation: RemediationMode,
    /// Whether to scan although an older execution is running.
    pub(crate) force: bool,
}

impl ScanRequest {
    /// Reads the execution's input: a whole EventBridge event, or the detail of one alone.
    ///
    /// # Errors
    /// `InvalidRequest` naming the field, what was given, and what is allowed.
    pub(crate) fn read(input: &Value, policy: &Policy) -> Result<Self, TaskError> {
        let is_event =
            |fields: &Map<String, Value>| fields.contains_key("source") || fields.contains_key("detail-type");
        if !input.as_object().is_some_and(is_event) {
            return Fields::of(input, "")?.read(TriggerKind::Execution, None, policy);
        }
        let event: EventBridgeEvent = serde_path_to_error::deserialize(input).map_err(|error| {
            TaskError::InvalidRequest(format!(
                "the input has the fields of an EventBridge event and is none, at {}: {}; allowed is a whole event, or \
                 its detail alone with the fields {}",
                error.path(),
                error.inner(),
                FIELDS.join(", ")
            ))
        })?;
        let Some((.., kind)) = EVENTS
            .into_iter()
            .find(|(source, detail_type, _)| (*source, *detail_type) == (&event.source, &event.detail_type))
        else {
            let given = Value::from([event.source, event.detail_type].join(" / "));
            let allowed = EVENTS.map(|(source, detail_type, _)| format!("{source} / {detail_type}"));
            return Err(refused("source / detail-type", &given, allowed.join(", ")));
        };
        let event_id = event.id.map(event_id).transpose()?;
        Fields::of(&event.detail, "detail")?.read(kind, event_id, policy)
    }
}

/// An event's id, which becomes part of a key.
fn event_id(id: String) -> Result<String, TaskError> {
    let fits = (1..=EVENT_ID_LENGTH).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits {
        Ok(id)
    } else {
        Err(refused(
            "id",
            &Value::from(id),
            format!("1 to {EVENT_ID_LENGTH} letters, digits and hyphens, as in a UUID"),
        ))
    }
}

/// The fields of a request, and where they lie in the input.
struct Fields<'a> {
    path: &'static str,
    fields: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    fn of(request: &'a Value, path: &'static str) -> Result<Self, TaskError> {
        let name = if path.is_empty() { "the input" } else { path };
        let Some(fields) = request.as_object() else {
            return Err(refused(name, request, format!("a JSON object with any of the fields {}", FIELDS.join(", "))));
        };
        let request = Self { path, fields };
        match fields.keys().find(|field| !FIELDS.contains(&field.as_str())) {
            None => Ok(request),
            Some(unknown) => Err(TaskError::InvalidRequest(format!(
                "the field {} is not known; allowed are {}",
                quoted(&Value::from(request.at(unknown))),
                FIELDS.join(", ")
            ))),
        }
    }

    fn read(&self, kind: TriggerKind, event_id: Option<String>, policy: &Policy) -> Result<ScanRequest, TaskError> {
        Ok(ScanRequest {
            trigger: Trigger {
                kind,
                event_id,
                requested_by: self.text("requestedBy", 256)?,
                reason: self.text("reason", 1024)?,
            },
            services: self.services()?,
            remediation: self.remediation(policy.remediation.mode)?,
            force: self.force()?,
        })
    }

    fn services(&self) -> Result<Vec<Service>, TaskError> {
        let Some(given) = self.fields.get("services") else {
            return Ok(Service::ALL.to_vec());
        };
        let allowed = Service::ALL.map(Service::as_str).join(", ");
        let Some(names) = given.as_array().filter(|names| !names.is_empty()) else {
            return Err(refused(&self.at("services"), given, format!("a list of at least one of {allowed}")));
        };
        let mut asked = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let service = Service::ALL.into_iter().find(|service| name.as_str() == Some(service.as_str()));
            asked.push(service.ok_or_else(|| refused(&self.at(&format!("services[{index}]")), name, &allowed))?);
        }
        Ok(Service::ALL.into_iter().filter(|service| asked.contains(service)).collect())
    }

    /// A request may say less than the policy and never more.
    fn remediation(&self, most: RemediationMode) -> Result<RemediationMode, TaskError> {
        let Some(given) = self.fields.get("remediation") else {
            return Ok(most);
        };
        let allowed = RemediationMode::ALL.into_iter().filter(|mode| extent(*mode) <= extent(most));
        let allowed_names = allowed.clone().map(RemediationMode::as_str).collect::<Vec<_>>().join(", ");
        allowed.into_iter().find(|mode| given.as_str() == Some(mode.as_str())).ok_or_else(|| {
            let why = format!("{allowed_names}: the audit policy says {most}, and a request may say less, never more");
            refused(&self.at("remediation"), given, why)
        })
    }

    /// Text that people will read in reports and e-mails: one line, so that it cannot pass for another part of them.
    fn text(&self, field: &str, length: usize) -> Result<Option<String>, TaskError> {
        let Some(given) = self.fields.get(field) else {
            return Ok(None);
        };
        match given.as_str() {
            Some(text) if text.chars().count() <= length && !text.chars().any(char::is_control) => {
                Ok(Some(text.to_owned()))
            }
            _ => Err(refused(&self.at(field), given, format!("text of one line and at most {length} characters"))),
        }
    }

    fn force(&self) -> Result<bool, TaskError> {
        match self.fields.get("force") {
            None => Ok(false),
            Some(Value::Bool(force)) => Ok(*force),
            Some(given) => Err(refused(&self.at("force"), given, "true, false")),
        }
    }

    /// The path of a field in the input.
    fn at(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
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

fn refused(field: &str, given: &Value, allowed: impl Display) -> TaskError {
    TaskError::InvalidRequest(format!("{field} is {}; allowed: {allowed}", quoted(given)))
}

/// A value as JSON, cut short.
fn quoted(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(QUOTED_LENGTH) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests;
