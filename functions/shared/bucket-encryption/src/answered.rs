//! Writing calls, as AWS answered them. The types of the AWS SDK's answers are common to all its services.

use audit_model::remediation::AwsCall;
use audit_task::{TaskError, task_error};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use jiff::Timestamp;

/// The answer to a writing call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered<T> {
    /// The IAM action.
    pub action: &'static str,
    /// AWS's id of the request; `None` when AWS did not answer.
    pub request_id: Option<String>,
    /// What came of it.
    pub result: Result<T, TaskError>,
}

impl<T> Answered<T> {
    /// A call that was not made.
    pub const fn not_asked(action: &'static str, error: TaskError) -> Self {
        Self { action, request_id: None, result: Err(error) }
    }

    /// An answer of the AWS SDK.
    pub fn of<E: ProvideErrorMetadata>(action: &'static str, answer: Result<T, SdkError<E>>) -> Self
    where
        T: RequestId,
    {
        match answer {
            Ok(done) => Self { action, request_id: done.request_id().map(str::to_owned), result: Ok(done) },
            Err(error) => Self {
                action,
                request_id: error.request_id().map(str::to_owned),
                result: Err(task_error(action, &error)),
            },
        }
    }

    /// The answer without what it holds.
    pub fn done(self) -> Answered<()> {
        let Self { action, request_id, result } = self;
        Answered { action, request_id, result: result.map(|_| ()) }
    }
}

/// The writing calls of one change, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls(Vec<AwsCall>);

impl Calls {
    /// The calls that an earlier attempt has noted.
    pub const fn after(earlier: Vec<AwsCall>) -> Self {
        Self(earlier)
    }

    /// Notes a call that was answered just now, and gives its result.
    ///
    /// # Errors
    /// The call's own.
    pub fn note<T>(&mut self, at: Timestamp, answered: Answered<T>) -> Result<T, TaskError> {
        let Answered { action, request_id, result } = answered;
        self.0.push(AwsCall {
            action: action.to_owned(),
            request_id,
            at,
            error: result.as_ref().err().map(ToString::to_string),
        });
        result
    }

    /// The calls noted so far.
    pub fn noted(&self) -> &[AwsCall] {
        &self.0
    }
}
