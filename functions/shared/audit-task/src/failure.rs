//! What a failed AWS call means: the only place where error codes of AWS are sorted into kinds.

use audit_model::{Unreadable, UnreadableCause};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::TaskError;

/// Codes that say a permission is missing (S3, Lambda, KMS, SNS, CloudWatch, Step Functions and EC2 spell it apart).
const DENIED: [&str; 9] = [
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "AuthorizationError",
    "AuthorizationErrorException",
    "Client.UnauthorizedOperation",
    "KMSAccessDenied",
    "NotAuthorized",
    "UnauthorizedOperation",
];

/// Codes of throttling.
const THROTTLED: [&str; 10] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// Codes that say the resource itself is no longer there.
const GONE: [&str; 7] = [
    "InvalidGroup.NotFound",
    "InvalidVpcID.NotFound",
    "NoSuchBucket",
    "NotFoundException",
    "ResourceNotFoundException",
    "InvalidPrefixListID.NotFound",
    "InvalidVpcEndpointServiceId.NotFound",
];

/// The error code that AWS answered with, if it answered.
pub fn error_code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// Why the reading that `action` stands for has no value. Absence ("nothing configured") is for the caller to tell
/// first, by the API's own error code.
pub fn unreadable<E: ProvideErrorMetadata, R>(action: &str, error: &SdkError<E, R>) -> Unreadable {
    Unreadable { action: action.to_owned(), cause: cause(error), detail: detail(error) }
}

/// The error that stops a task because the call that `action` stands for failed.
pub fn task_error<E: ProvideErrorMetadata, R>(action: &str, error: &SdkError<E, R>) -> TaskError {
    let detail = detail(error);
    match cause(error) {
        UnreadableCause::AccessDenied => TaskError::AccessDenied(format!(
            "{action} was denied ({detail}); allow it in the function's managed policy"
        )),
        UnreadableCause::Throttled => TaskError::Throttled(format!("{action} was throttled ({detail})")),
        UnreadableCause::Gone => TaskError::NotFound(format!("{action} found nothing ({detail})")),
        UnreadableCause::Malformed | UnreadableCause::Undecidable => {
            TaskError::Corrupt(format!("{action} answered what is not understood ({detail})"))
        }
        UnreadableCause::Failed if is_fault_of_the_service(error) => {
            TaskError::Unavailable(format!("{action} failed ({detail})"))
        }
        UnreadableCause::Failed | UnreadableCause::OtherRegion | UnreadableCause::NotLookedAt => {
            TaskError::Internal(format!("{action} was refused ({detail})"))
        }
    }
}

fn cause<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> UnreadableCause {
    match error {
        SdkError::ResponseError(_) => UnreadableCause::Malformed,
        _ => match error_code(error) {
            Some(code) if DENIED.contains(&code) => UnreadableCause::AccessDenied,
            Some(code) if THROTTLED.contains(&code) => UnreadableCause::Throttled,
            Some(code) if GONE.contains(&code) => UnreadableCause::Gone,
            _ => UnreadableCause::Failed,
        },
    }
}

/// Time-outs, broken connections and answers without a client's error code may go away by themselves.
fn is_fault_of_the_service<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => true,
        SdkError::ServiceError(_) => matches!(
            error_code(error),
            None | Some(
                "InternalError"
                    | "InternalFailure"
                    | "InternalServerError"
                    | "InternalServiceError"
                    | "KMSInternalException"
                    | "DependencyTimeoutException"
                    | "RequestTimeout"
                    | "ServiceException"
                    | "ServiceUnavailable"
                    | "Unavailable"
            )
        ),
        _ => false,
    }
}

/// The code and what kind of failure it was. AWS's message is kept for denials only: it names the action and the
/// resource that lack permission, and other messages may quote what the resource holds.
fn detail<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "no connection in time".to_owned(),
        SdkError::DispatchFailure(_) => "no connection".to_owned(),
        SdkError::ResponseError(_) => "the response could not be parsed".to_owned(),
        SdkError::ConstructionFailure(_) => "the request could not be built".to_owned(),
        _ => {
            let code = error_code(error).unwrap_or("no error code");
            match error.as_service_error().and_then(ProvideErrorMetadata::message) {
                Some(message) if DENIED.contains(&code) => format!("{code}: {message}"),
                _ => code.to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    fn service_error(code: &str) -> SdkError<ErrorMetadata, ()> {
        SdkError::service_error(ErrorMetadata::builder().code(code).message("said so").build(), ())
    }

    #[test]
    fn each_service_s_spelling_finds_its_kind() {
        let cases = [
            ("AccessDenied", UnreadableCause::AccessDenied, "AccessDenied"),
            ("UnauthorizedOperation", UnreadableCause::AccessDenied, "AccessDenied"),
            ("KMSAccessDenied", UnreadableCause::AccessDenied, "AccessDenied"),
            ("AccessDeniedException", UnreadableCause::AccessDenied, "AccessDenied"),
            ("SlowDown", UnreadableCause::Throttled, "Throttled"),
            ("RequestLimitExceeded", UnreadableCause::Throttled, "Throttled"),
            ("TooManyRequestsException", UnreadableCause::Throttled, "Throttled"),
            ("NoSuchBucket", UnreadableCause::Gone, "NotFound"),
            ("ServiceUnavailable", UnreadableCause::Failed, "Unavailable"),
            ("MalformedXML", UnreadableCause::Failed, "Internal"),
        ];
        for (code, cause, name) in cases {
            let error = service_error(code);
            assert_eq!(unreadable("s3:GetBucketPolicy", &error).cause, cause, "{code}");
            assert_eq!(task_error("s3:GetBucketPolicy", &error).name(), name, "{code}");
        }
    }

    #[test]
    fn a_time_out_may_be_tried_again() {
        let error: SdkError<ErrorMetadata, ()> = SdkError::timeout_error("slow");
        assert_eq!(task_error("ec2:DescribeVpcs", &error).name(), "Unavailable");
    }

    #[test]
    fn only_a_denial_repeats_the_message_of_aws() {
        assert_eq!(unreadable("s3:GetBucketAcl", &service_error("AccessDenied")).detail, "AccessDenied: said so");
        assert_eq!(unreadable("s3:GetBucketAcl", &service_error("MalformedXML")).detail, "MalformedXML");
    }
}
