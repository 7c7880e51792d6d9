//! The errors that stop a task, by the names that the state machine knows.

use lambda_runtime::Diagnostic;
use thiserror::Error;

/// An error that stops a task. The variant's name is the error's name in the state machine's `Retry` and `Catch`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TaskError {
    /// The input is not what this task takes; asking again with the same input cannot help.
    #[error("{0}")]
    InvalidRequest(String),
    /// The audit policy is wrong.
    #[error("{0}")]
    InvalidPolicy(String),
    /// AWS throttled the call after every attempt of the client; the state machine tries again later.
    #[error("{0}")]
    Throttled(String),
    /// AWS did not answer, or answered with a fault of its own; the state machine tries again later.
    #[error("{0}")]
    Unavailable(String),
    /// A permission is missing.
    #[error("{0}")]
    AccessDenied(String),
    /// Something that must be there is not.
    #[error("{0}")]
    NotFound(String),
    /// Somebody else wrote first.
    #[error("{0}")]
    Conflict(String),
    /// A stored object cannot be understood.
    #[error("{0}")]
    Corrupt(String),
    /// Anything else.
    #[error("{0}")]
    Internal(String),
}

impl TaskError {
    /// The name that the state machine knows the error by.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "InvalidRequest",
            Self::InvalidPolicy(_) => "InvalidPolicy",
            Self::Throttled(_) => "Throttled",
            Self::Unavailable(_) => "Unavailable",
            Self::AccessDenied(_) => "AccessDenied",
            Self::NotFound(_) => "NotFound",
            Self::Conflict(_) => "Conflict",
            Self::Corrupt(_) => "Corrupt",
            Self::Internal(_) => "Internal",
        }
    }
}

impl From<TaskError> for Diagnostic {
    fn from(error: TaskError) -> Self {
        Self { error_type: error.name().to_owned(), error_message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_machine_sees_the_variant_and_the_message() {
        let diagnostic = Diagnostic::from(TaskError::Throttled("ec2:DescribeVpcs was throttled".to_owned()));
        assert_eq!(
            (diagnostic.error_type.as_str(), diagnostic.error_message.as_str()),
            ("Throttled", "ec2:DescribeVpcs was throttled")
        );
    }
}
