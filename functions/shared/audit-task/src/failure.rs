//! What a failed AWS call means: the only place where error codes of AWS are sorted into kinds.

use std::error::Error;

use audit_model::{Unreadable, UnreadableCause};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::TaskError;
use crate::answers::NotWhole;

/// How a call to AWS failed.
pub(crate) type SdkError<E> = result::SdkError<E, HttpResponse>;

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
pub fn error_code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// Why the reading that `action` stands for has no value. Absence ("nothing configured") is for the caller to tell
/// first, by the API's own error code.
pub fn unreadable<E: ProvideErrorMetadata>(action: &str, error: &SdkError<E>) -> Unreadable {
    Unreadable { action: action.to_owned(), cause: cause(error), detail: detail(error) }
}

/// Why a value is missing from an answer that holds an error in its place, sorted as if the error were the answer.
pub fn reported(action: &str, code: Option<&str>, message: Option<&str>) -> Unreadable {
    Unreadable { action: action.to_owned(), cause: cause_of(code), detail: said(code, message) }
}

/// What follows the action in the words about a denial.
const DENIAL: &str = " was denied ";

/// The action that was denied, where that is what [`task_error`] has put into these words.
pub fn denied_action(words: &str) -> Option<&str> {
    words.split_once(DENIAL)?.0.rsplit(' ').next()
}

/// The error that stops a task because the call that `action` stands for failed.
pub fn task_error<E: ProvideErrorMetadata>(action: &str, error: &SdkError<E>) -> TaskError {
    let detail = detail(error);
    match cause(error) {
        UnreadableCause::AccessDenied => {
            TaskError::AccessDenied(format!("{action}{DENIAL}({detail}); a policy of the caller must allow it"))
        }
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

fn cause<E: ProvideErrorMetadata>(error: &SdkError<E>) -> UnreadableCause {
    if is_not_understood(error) || matches!(not_whole(error), Some(NotWhole::Lacks(_))) {
        UnreadableCause::Malformed
    } else {
        cause_of(error_code(error))
    }
}

fn cause_of(code: Option<&str>) -> UnreadableCause {
    match code {
        Some(code) if DENIED.contains(&code) => UnreadableCause::AccessDenied,
        Some(code) if THROTTLED.contains(&code) => UnreadableCause::Throttled,
        Some(code) if GONE.contains(&code) => UnreadableCause::Gone,
        _ => UnreadableCause::Failed,
    }
}

/// Whether the call succeeded and the SDK's parser failed. The SDK calls that an error of the service, which has no
/// code; an answer that could not be read to its end is `ResponseError`, whatever it was.
fn is_not_understood<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error_code(error).is_none() && matches!(error, SdkError::ServiceError(it) if it.raw().status().is_success())
}

/// What keeps an answer from being whole, where that is why the call failed.
fn not_whole<E>(error: &SdkError<E>) -> Option<&NotWhole> {
    match error {
        SdkError::DispatchFailure(failure) => failure.as_connector_error()?.source()?.downcast_ref(),
        _ => None,
    }
}

/// Whether an attempt was answered so because of throttling. AWS's services do so with the status 429, or with 400 or
/// 503 and one of the codes.
pub(crate) fn is_throttled(status: u16, body: &[u8]) -> bool {
    let names = |code: &&str| body.windows(code.len()).any(|window| window == code.as_bytes());
    status == 429 || (matches!(status, 400 | 503) && THROTTLED.iter().any(names))
}

/// Time-outs, broken connections, answers that broke off or came without a client's error code may go away by
/// themselves.
fn is_fault_of_the_service<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
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
fn detail<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    match error {
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "no connection in time".to_owned(),
        SdkError::DispatchFailure(_) => {
            not_whole(error).map_or_else(|| "no connection".to_owned(), ToString::to_string)
        }
        SdkError::ResponseError(_) => "the answer broke off".to_owned(),
        SdkError::ConstructionFailure(_) => "the request could not be built".to_owned(),
        _ if is_not_understood(error) => "the response could not be parsed".to_owned(),
        _ => said(error_code(error), error.as_service_error().and_then(ProvideErrorMetadata::message)),
    }
}

fn said(code: Option<&str>, message: Option<&str>) -> String {
    let code = code.unwrap_or("no error code");
    match message {
        Some(message) if DENIED.contains(&code) => format!("{code}: {message}"),
        _ => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    fn answer(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), SdkBody::empty())
    }

    fn service_error(code: &str) -> SdkError<ErrorMetadata> {
        SdkError::service_error(ErrorMetadata::builder().code(code).message("said so").build(), answer(400))
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
            let error = task_error("s3:GetBucketPolicy", &error);
            assert_eq!(error.name(), name, "{code}");
            let denied = (name == "AccessDenied").then_some("s3:GetBucketPolicy");
            assert_eq!(denied_action(&format!("the listing: {name}: {error}")), denied, "{code}");
        }
    }

    #[test]
    fn what_is_no_answer_may_be_tried_again_and_what_is_not_understood_may_not() {
        let without_code = |status| SdkError::service_error(ErrorMetadata::builder().build(), answer(status));
        let cases: [(SdkError<ErrorMetadata>, _, _, _); 4] = [
            (SdkError::timeout_error("slow"), UnreadableCause::Failed, "Unavailable", "no answer in time"),
            (
                SdkError::response_error("reset by peer", answer(200)),
                UnreadableCause::Failed,
                "Unavailable",
                "the answer broke off",
            ),
            (without_code(502), UnreadableCause::Failed, "Unavailable", "no error code"),
            (without_code(200), UnreadableCause::Malformed, "Corrupt", "the response could not be parsed"),
        ];
        for (error, cause, name, detail) in cases {
            let why = unreadable("ec2:DescribeVpcs", &error);
            assert_eq!((why.cause, why.detail.as_str()), (cause, detail));
            assert_eq!(task_error("ec2:DescribeVpcs", &error).name(), name, "{detail}");
        }
    }

    /// Error answers as the services' documentation shows them:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
    /// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-error-codes.html>
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/throttling.html>
    #[test]
    fn an_attempt_that_was_throttled_is_told_from_others() {
        let cases: [(u16, &str, bool); 7] = [
            (503, "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>", true),
            (503, "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>", true),
            (429, r#"{"Reason":"CallerRateLimitExceeded","Type":"User","message":"Rate exceeded"}"#, true),
            (400, r#"{"__type":"ThrottlingException","message":"You have exceeded the rate"}"#, true),
            (400, r#"{"__type":"NotFoundException","message":"Invalid keyId"}"#, false),
            (503, "<Error><Code>ServiceUnavailable</Code></Error>", false),
            (404, "<Error><Code>NoSuchBucket</Code><BucketName>SlowDown</BucketName></Error>", false),
        ];
        for (status, body, throttled) in cases {
            assert_eq!(is_throttled(status, body.as_bytes()), throttled, "{status} {body}");
        }
    }

    #[test]
    fn only_a_denial_repeats_the_message_of_aws() {
        assert_eq!(unreadable("s3:GetBucketAcl", &service_error("AccessDenied")).detail, "AccessDenied: said so");
        assert_eq!(unreadable("s3:GetBucketAcl", &service_error("MalformedXML")).detail, "MalformedXML");
    }
}
