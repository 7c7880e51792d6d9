use audit_model::Unreadable;
use audit_task::unreadable;
use aws_sdk_lambda::error::{ErrorMetadata, SdkError};

/// An error that Lambda reports inside of an answer, sorted as if it were the answer.
pub(super) fn reported(action: &str, code: Option<&str>, message: Option<&str>) -> Unreadable {
    let mut error = ErrorMetadata::builder();
    if let Some(code) = code {
        error = error.code(code);
    }
    if let Some(message) = message {
        error = error.message(message);
    }
    unreadable(action, &SdkError::service_error(error.build(), ()))
}
