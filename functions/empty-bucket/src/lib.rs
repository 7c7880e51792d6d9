//! Empties a versioned bucket when the stack goes: the function behind the custom resource `Custom::EmptyBucket`.
//!
//! CloudFormation cannot delete a bucket that holds anything. This function removes unfinished uploads, versions and
//! delete markers when the custom resource is deleted, and does nothing at any other time.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html>

mod answer;
mod bucket;

use std::time::Duration;

use audit_task::TaskError;
use aws_lambda_events::event::cloudformation::CloudFormationCustomResourceRequest as Request;
use serde_json::Value;

pub use answer::{Answer, send};
pub use bucket::{S3VersionedBucket, VersionedBucket};

/// What must be left of the invocation's time to tell CloudFormation how it went.
pub const TIME_TO_ANSWER: Duration = Duration::from_secs(30);

/// Does what CloudFormation asks, and says how it went. It never fails without an answer: a custom resource that does
/// not answer keeps the stack waiting for an hour.
///
/// `bucket` gives access to the bucket of that name, and `time_left` tells what is left of the invocation.
pub async fn handle<B: VersionedBucket>(
    request: &Request,
    bucket: impl FnOnce(&str) -> B,
    time_left: impl Fn() -> Duration,
) -> Answer {
    let (properties, outcome) = match request {
        Request::Create(request) => (&request.resource_properties, Asked::Nothing),
        Request::Update(request) => (&request.resource_properties, Asked::Nothing),
        Request::Delete(request) => (&request.resource_properties, Asked::Emptying),
        _ => return Answer::failed(request, None, "this request type is not known; Create, Update and Delete are"),
    };
    let name = match bucket_name(properties) {
        Ok(name) => name,
        Err(error) => return Answer::failed(request, None, &error.to_string()),
    };
    match outcome {
        Asked::Nothing => Answer::success(request, name),
        Asked::Emptying => match empty(&bucket(name), time_left).await {
            Ok(()) => Answer::success(request, name),
            Err(error) => Answer::failed(request, Some(name), &format!("bucket {name} could not be emptied: {error}")),
        },
    }
}

enum Asked {
    Nothing,
    Emptying,
}

fn bucket_name(properties: &Value) -> Result<&str, TaskError> {
    properties.get("BucketName").and_then(Value::as_str).filter(|name| !name.is_empty()).ok_or_else(|| {
        TaskError::InvalidRequest("the property BucketName is missing; it must be the name of a bucket".to_owned())
    })
}

/// Removes everything, page by page, until a listing comes back empty.
async fn empty(bucket: &impl VersionedBucket, time_left: impl Fn() -> Duration) -> Result<(), TaskError> {
    let mut removed = 0;
    let in_time = |removed: usize| {
        if time_left() > TIME_TO_ANSWER {
            Ok(())
        } else {
            Err(TaskError::Unavailable(format!(
                "the time of one invocation was too short: {removed} versions are removed, more are left; delete the \
                 stack once more, it goes on from here"
            )))
        }
    };
    loop {
        in_time(removed)?;
        let uploads = bucket.unfinished_uploads().await?;
        if uploads.is_empty() {
            break;
        }
        for upload in &uploads {
            in_time(removed)?;
            bucket.abort(upload).await?;
        }
    }
    loop {
        in_time(removed)?;
        let versions = bucket.versions().await?;
        if versions.is_empty() {
            tracing::info!(removed, "the bucket is empty");
            return Ok(());
        }
        bucket.remove(&versions).await?;
        removed += versions.len();
    }
}

#[cfg(test)]
mod tests;
