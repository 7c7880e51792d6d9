//! What CloudFormation is answered.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>

use serde::Serialize;

use crate::Attributes;
use crate::request::{Request, RequestType};

/// The physical id of a resource whose creation failed before it was known what to create.
pub(crate) const NEVER_CREATED: &str = "never-created";

/// The whole answer may have 4,096 bytes; the reason is cut so that the rest always fits.
const LONGEST_REASON: usize = 1_500;

/// How a request went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Answer {
    status: &'static str,
    reason: String,
    physical_resource_id: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    data: Attributes,
}

impl Answer {
    /// The request was done, for the resource with that physical id and those attributes.
    pub(crate) fn success(request: &Request, physical_id: Option<String>, data: Attributes) -> Self {
        let physical_id = match request.request_type {
            RequestType::Create | RequestType::Update => physical_id,
            RequestType::Delete => None,
        };
        Self { data, ..Self::new(request, "SUCCESS", physical_id, "done") }
    }

    /// The request could not be done.
    pub(crate) fn failed(request: &Request, physical_id: Option<String>, reason: &str) -> Self {
        tracing::error!(reason, "failed");
        // An update that failed has replaced nothing.
        let physical_id = match request.request_type {
            RequestType::Create => physical_id,
            RequestType::Update | RequestType::Delete => None,
        };
        Self::new(request, "FAILED", physical_id, &reason[..reason.floor_char_boundary(LONGEST_REASON)])
    }

    /// Without a physical id of its own, the answer has the one that it was asked about.
    fn new(request: &Request, status: &'static str, physical_id: Option<String>, reason: &str) -> Self {
        Self {
            status,
            reason: reason.to_owned(),
            physical_resource_id: physical_id
                .or_else(|| request.physical_resource_id.clone())
                .unwrap_or_else(|| NEVER_CREATED.to_owned()),
            stack_id: request.stack_id.clone(),
            request_id: request.request_id.clone(),
            logical_resource_id: request.logical_resource_id.clone(),
            data: Attributes::new(),
        }
    }

    /// `SUCCESS` or `FAILED`.
    pub const fn status(&self) -> &'static str {
        self.status
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The id of the custom resource.
    pub fn physical_resource_id(&self) -> &str {
        &self.physical_resource_id
    }

    /// The resource's attributes.
    pub const fn attributes(&self) -> &Attributes {
        &self.data
    }
}
