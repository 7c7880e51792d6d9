//! What CloudFormation asks.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html>

use serde::Deserialize;
use serde_json::Value;

use crate::answer::NEVER_CREATED;

/// A request about one custom resource.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    /// What is asked for.
    pub request_type: RequestType,
    /// Where the answer goes: an address with a signature, which belongs into no log.
    #[serde(rename = "ResponseURL")]
    pub response_url: String,
    /// The stack.
    pub stack_id: String,
    /// The id of this request.
    pub request_id: String,
    /// The resource's name in the template.
    pub logical_resource_id: String,
    /// The id that the resource's creation was answered with; none on creation.
    pub physical_resource_id: Option<String>,
    /// The resource's properties in the template, `ServiceToken` among them.
    pub resource_properties: Value,
}

impl Request {
    /// Whether this deletes what could not even be begun to be created.
    pub(crate) fn was_never_created(&self) -> bool {
        self.request_type == RequestType::Delete && self.physical_resource_id.as_deref() == Some(NEVER_CREATED)
    }
}

/// What CloudFormation may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum RequestType {
    /// The stack gains the resource.
    Create,
    /// The resource's properties have changed.
    Update,
    /// The stack loses the resource.
    Delete,
}

/// The value of a property that must hold a text; `meaning` says which, as in "the name of a bucket".
///
/// # Errors
/// When it is missing, empty or no text.
pub fn required_text(properties: &Value, property: &str, meaning: &str) -> Result<String, String> {
    match properties.get(property) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(other) => Err(format!("the property {property} is {other}; it must be {meaning}")),
        None => Err(format!("the property {property} is missing; it must be {meaning}")),
    }
}
