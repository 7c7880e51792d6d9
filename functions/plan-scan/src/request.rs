//! The execution's input, read strictly: what is not understood is refused and not guessed at.

mod rollback;
mod scan;

use std::fmt::Display;

use audit_model::{Policy, Trigger, TriggerKind};
use audit_task::TaskError;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use serde_json::{Map, Value};

pub(crate) use rollback::RollbackRequest;
pub(crate) use scan::{MOST_RESOURCES, ScanRequest, extent};

/// The ways in through EventBridge: source, detail type, and what they stand for. The first are those of a rule with
/// a schedule, <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html>.
const EVENTS: [(&str, &str, TriggerKind, Form); 3] = [
    ("aws.events", "Scheduled Event", TriggerKind::Schedule, Form::Scan),
    ("compliance.audit", "Compliance Scan Requested", TriggerKind::Event, Form::Scan),
    ("compliance.audit", "Compliance Remediation Rollback Requested", TriggerKind::Event, Form::Rollback),
];
/// The field that names the deployment which is meant. An event reaches every deployment in the account.
const SYSTEM: &str = "system";
/// The longest event id that becomes a key. EventBridge gives UUIDs, of 36 characters.
const EVENT_ID_LENGTH: usize = 64;
/// How much of a refused value an error repeats, in characters.
const QUOTED_LENGTH: usize = 80;
/// How many buckets a request may name.
const MOST_BUCKETS: usize = 1_000;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A scan.
    Scan,
    /// That an earlier scan's remediation be taken back.
    Rollback,
}

impl Form {
    /// The fields of such a request.
    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Scan => &scan::FIELDS,
            Self::Rollback => &rollback::FIELDS,
        }
    }
}

/// A request whose fields are known, and not read yet.
pub(crate) struct Request<'a> {
    /// What is asked for.
    pub(crate) form: Form,
    kind: TriggerKind,
    event_id: Option<String>,
    fields: Fields<'a>,
}

impl<'a> Request<'a> {
    /// Reads the execution's input: a whole EventBridge event in `event`, or the detail of one alone. A detail with a scan's
    /// id asks for a rollback. `system` is this deployment's name.
    ///
    /// # Errors
    /// `InvalidRequest` naming the field, what was given, and what is allowed.
    pub(crate) fn read(input: &'a Value, system: &str) -> Result<Self, TaskError> {
        let request = Self::with_known_fields(input)?;
        request.fields.addressed_to(system)?;
        Ok(request)
    }

    fn with_known_fields(input: &'a Value) -> Result<Self, TaskError> {
        let is_event =
            |fields: &Map<String, Value>| fields.contains_key("source") || fields.contains_key("detail-type");
        if !input.as_object().is_some_and(is_event) {
            let form = if input.get(rollback::SCAN_ID).is_some() { Form::Rollback } else { Form::Scan };
            return Ok(Self {
                form,
                kind: TriggerKind::Execution,
                event_id: None,
                fields: Fields::of(input, "", form.fields())?,
            });
        }
        let event: EventBridgeEvent = serde_path_to_error::deserialize(input).map_err(|error| {
            TaskError::InvalidRequest(format!(
                "the input has the fields of an EventBridge event and is none, at {}: {}; allowed is a whole event, or \
                 its detail alone with the fields {}, or {}",
                error.path(),
                error.inner(),
                scan::FIELDS.join(", "),
                rollback::FIELDS.join(", ")
            ))
        })?;
        let Some((.., kind, form)) = EVENTS
            .into_iter()
            .find(|(source, detail_type, ..)| (*source, *detail_type) == (&event.source, &event.detail_type))
        else {
            let given = Value::from([event.source, event.detail_type].join(" / "));
            let allowed = EVENTS.map(|(source, detail_type, ..)| format!("{source} / {detail_type}"));
            return Err(refused("source / detail-type", &given, allowed.join(", ")));
        };
        let event_id = event.id.map(event_id).transpose()?;
        // Read as an event it is known to have a detail.
        let detail = input.get("detail").unwrap_or(&Value::Null);
        Ok(Self { form, kind, event_id, fields: Fields::of(detail, "detail", form.fields())? })
    }

    /// The request for a scan in the audited `place`, its region and its account.
    ///
    /// # Errors
    /// As [`Request::read`].
    pub(crate) fn scan(&self, policy: &Policy, place: (&str, &str)) -> Result<ScanRequest, TaskError> {
        scan::read(&self.fields, self.trigger()?, policy, place)
    }

    /// The request for a rollback.
    ///
    /// # Errors
    /// As [`Request::read`].
    pub(crate) fn rollback(&self) -> Result<RollbackRequest, TaskError> {
        rollback::read(&self.fields, self.trigger()?)
    }

    fn trigger(&self) -> Result<Trigger, TaskError> {
        Ok(Trigger {
            kind: self.kind,
            event_id: self.event_id.clone(),
            requested_by: self.fields.text("requestedBy", 256)?,
            reason: self.fields.text("reason", 1024)?,
        })
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
    fn of(request: &'a Value, path: &'static str, known: &[&str]) -> Result<Self, TaskError> {
        let name = if path.is_empty() { "the input" } else { path };
        let Some(fields) = request.as_object() else {
            return Err(refused(name, request, format!("a JSON object with any of the fields {}", known.join(", "))));
        };
        let request = Self { path, fields };
        match fields.keys().find(|field| !known.contains(&field.as_str())) {
            None => Ok(request),
            Some(unknown) => Err(TaskError::InvalidRequest(format!(
                "the field {} is not known; allowed are {}",
                quoted(&Value::from(request.at(unknown))),
                known.join(", ")
            ))),
        }
    }

    /// Whether no other deployment is meant. What names none is for whoever gets it.
    fn addressed_to(&self, system: &str) -> Result<(), TaskError> {
        match self.get(SYSTEM) {
            Some(given) if given != system => {
                Err(refused(&self.at(SYSTEM), given, format!("{system}, which is this deployment, or no such field")))
            }
            _ => Ok(()),
        }
    }

    fn get(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field)
    }

    /// Text that people will read in reports and e-mails: one line, so that it cannot pass for another part of them.
    fn text(&self, field: &str, length: usize) -> Result<Option<String>, TaskError> {
        let Some(given) = self.get(field) else {
            return Ok(None);
        };
        match given.as_str() {
            Some(text) if text.chars().count() <= length && !text.chars().any(char::is_control) => {
                Ok(Some(text.to_owned()))
            }
            _ => Err(refused(&self.at(field), given, format!("text of one line and at most {length} characters"))),
        }
    }

    /// The names of buckets, sorted and without repeats.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
    fn buckets(&self, field: &str, given: &Value, also: &str) -> Result<Vec<String>, TaskError> {
        let names = given.as_array().filter(|names| (1..=MOST_BUCKETS).contains(&names.len())).ok_or_else(|| {
            refused(&self.at(field), given, format!("a list of 1 to {MOST_BUCKETS} names of buckets{also}"))
        })?;
        let mut buckets = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let is_name = |name: &&str| {
                (3..=63).contains(&name.len())
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
            };
            let allowed = "a bucket's name: 3 to 63 lowercase letters, digits, dots and hyphens";
            let name = name.as_str().filter(is_name);
            let name = name.ok_or_else(|| refused(&self.at(&format!("{field}[{index}]")), &names[index], allowed))?;
            buckets.push(name.to_owned());
        }
        buckets.sort();
        buckets.dedup();
        Ok(buckets)
    }

    /// The path of a field in the input.
    fn at(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
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
