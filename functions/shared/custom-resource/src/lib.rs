//! What every function behind a CloudFormation custom resource shares: reading the request, answering in time, and
//! sending the answer. A function says only what its resource is and what to do about it: [`CustomResource`].
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html>

mod answer;
mod request;
mod run;
mod send;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

pub use answer::Answer;
pub use request::{Request, RequestType, required_text};
pub use run::run;

/// What `Fn::GetAtt` gives of a resource, by name. With everything else that is answered it may have 4,096 bytes:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>
pub type Attributes = BTreeMap<&'static str, String>;

/// A kind of custom resource. Where a method fails, its `Err` is the reason that CloudFormation shows.
#[async_trait]
pub trait CustomResource: Sync {
    /// What the properties of a request say the resource is about, such as the name of a bucket.
    ///
    /// # Errors
    /// When a property is missing or wrong; the reason names it and what it must be.
    fn subject(properties: &Value) -> Result<String, String>;

    /// The physical id of the resource about `subject`. A successful update that answers with another id than before
    /// has replaced the resource: CloudFormation then deletes the old one, with the old properties.
    fn physical_id(subject: &str) -> String;

    /// Brings about what the resource stands for, and tells its attributes. It may be there already, in part or whole.
    async fn create_or_update(&self, subject: &str) -> Result<Attributes, String>;

    /// Does what must be done when the resource goes. It may have been done already, in part or whole.
    async fn delete(&self, subject: &str) -> Result<(), String>;
}

/// What is kept of an invocation's time to tell CloudFormation how it went: as long as sending the answer may take.
pub const TIME_TO_ANSWER: Duration = Duration::from_secs(30);

/// Does what CloudFormation asks, and says how it went. It never fails without an answer: a custom resource that does
/// not answer keeps the stack waiting until its time-out. `time_left` is what is left of the invocation.
pub async fn handle<R: CustomResource>(resource: &R, request: &Request, time_left: Duration) -> Answer {
    let subject = match R::subject(&request.resource_properties) {
        Ok(subject) => subject,
        // Without a subject nothing was created, so that the roll-back of the creation has nothing to delete.
        Err(_) if request.was_never_created() => return Answer::success(request, None, Attributes::new()),
        Err(reason) => return Answer::failed(request, None, &reason),
    };
    let work = async {
        match request.request_type {
            RequestType::Create | RequestType::Update => resource.create_or_update(&subject).await,
            RequestType::Delete => resource.delete(&subject).await.map(|()| Attributes::new()),
        }
    };
    let physical_id = R::physical_id(&subject);
    match tokio::time::timeout(time_left.saturating_sub(TIME_TO_ANSWER), work).await {
        Ok(Ok(attributes)) => Answer::success(request, Some(physical_id), attributes),
        Ok(Err(reason)) => Answer::failed(request, Some(physical_id), &reason),
        Err(_) => Answer::failed(request, Some(physical_id), &out_of_time(request)),
    }
}

fn out_of_time(request: &Request) -> String {
    let again = match request.request_type {
        RequestType::Create | RequestType::Update => "deploy",
        RequestType::Delete => "delete",
    };
    format!(
        "the time of one invocation was too short; what is done stays done: {again} the stack once more, it goes on \
         from there"
    )
}

#[cfg(test)]
mod tests;
