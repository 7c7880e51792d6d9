//! The answer that CloudFormation waits for at a pre-signed address.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>

use std::time::Duration;

use audit_task::TaskError;
use aws_lambda_events::event::cloudformation::CloudFormationCustomResourceRequest as Request;
use serde::Serialize;

/// The whole answer may have 4,096 bytes; the reason is cut so that the rest always fits.
const LONGEST_REASON: usize = 1_500;

/// How often the answer is sent before giving up, with a pause that doubles from a second.
const ATTEMPTS: u32 = 5;

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
    #[serde(skip)]
    response_url: String,
}

impl Answer {
    /// The request was done. The physical id follows the bucket's name: another bucket is another resource.
    pub(crate) fn success(request: &Request, bucket: &str) -> Self {
        Self::new(request, "SUCCESS", physical_id(request, Some(bucket)), "done")
    }

    /// The request could not be done.
    pub(crate) fn failed(request: &Request, bucket: Option<&str>, reason: &str) -> Self {
        tracing::error!(reason, "failed");
        let mut end = reason.len().min(LONGEST_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Self::new(request, "FAILED", physical_id(request, bucket), &reason[..end])
    }

    fn new(request: &Request, status: &'static str, physical_resource_id: String, reason: &str) -> Self {
        let (stack_id, request_id, logical_resource_id, response_url) = match request {
            Request::Create(r) => (&r.stack_id, &r.request_id, &r.logical_resource_id, &r.response_url),
            Request::Update(r) => (&r.stack_id, &r.request_id, &r.logical_resource_id, &r.response_url),
            Request::Delete(r) => (&r.stack_id, &r.request_id, &r.logical_resource_id, &r.response_url),
            _ => (&String::new(), &String::new(), &String::new(), &String::new()),
        };
        Self {
            status,
            reason: reason.to_owned(),
            physical_resource_id,
            stack_id: stack_id.clone(),
            request_id: request_id.clone(),
            logical_resource_id: logical_resource_id.clone(),
            response_url: response_url.clone(),
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
}

/// An update or deletion answers with the id it was asked about; another id would replace the resource.
fn physical_id(request: &Request, bucket: Option<&str>) -> String {
    match (request, bucket) {
        (Request::Delete(request), _) => request.physical_resource_id.clone(),
        (Request::Update(request), None) => request.physical_resource_id.clone(),
        (_, Some(bucket)) => format!("empty-{bucket}"),
        (_, None) => "empty-nothing".to_owned(),
    }
}

/// Sends the answer, again and again if need be.
///
/// # Errors
/// `Unavailable` when CloudFormation's bucket did not take it in five attempts.
pub async fn send(client: &reqwest::Client, answer: &Answer) -> Result<(), TaskError> {
    let body = serde_json::to_vec(answer)
        .map_err(|error| TaskError::Internal(format!("the answer cannot be written as JSON: {error}")))?;
    let mut pause = Duration::from_secs(1);
    let mut complaint = String::new();
    for attempt in 1..=ATTEMPTS {
        // The address is signed for a request without a content type.
        let sent = client.put(&answer.response_url).body(body.clone()).send().await;
        match sent.and_then(reqwest::Response::error_for_status) {
            Ok(_) => return Ok(()),
            // The address carries a signature, which belongs into no log.
            Err(error) => complaint = error.without_url().to_string(),
        }
        tracing::warn!(attempt, complaint, "CloudFormation did not take the answer");
        if attempt < ATTEMPTS {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
    Err(TaskError::Unavailable(format!("CloudFormation did not take the answer in {ATTEMPTS} attempts: {complaint}")))
}
