use std::num::NonZeroU32;

use audit_model::plan::Target;
use audit_model::resource::{Function, FunctionConfiguration};
use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_task::Budget;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::test_util::infallible_client_fn;
use http::{Request, Response};
use pretty_assertions::assert_eq;

use super::{FunctionCollector, LambdaFunctions};

/// An answer of Lambda: the status, the error code where it is an error, and the body.
type Answer = (u16, &'static str, &'static str);

/// A function with everything, in the form of the API reference.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html>
const WHOLE: Answer = (
    200,
    "",
    r#"{
        "Configuration": {
            "FunctionName": "settle", "PackageType": "Zip", "Runtime": "python3.13",
            "VpcConfig": {"VpcId": "vpc-1", "SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
            "TracingConfig": {"Mode": "Active"},
            "KMSKeyArn": "arn:aws:kms:us-east-1:111122223333:key/0a1b",
            "Environment": {"Variables": {"TABLE": "ledger", "PASSWORD": "hunter2"}}
        },
        "Code": {"Location": "https://bucket.example/signed"},
        "Tags": {"Owner": "ledger"},
        "Concurrency": {"ReservedConcurrentExecutions": 5}
    }"#,
);

/// A function with nothing but what Lambda always says.
const BARE: Answer =
    (200, "", r#"{"Configuration": {"PackageType": "Image", "TracingConfig": {"Mode": "PassThrough"}}}"#);

const POLICY: Answer = (200, "", r#"{"Policy": "{\"Version\":\"2012-10-17\"}", "RevisionId": "r"}"#);
const NOT_FOUND: Answer = (404, "ResourceNotFoundException", r#"{"Message": "no", "Type": "User"}"#);
const DENIED: Answer = (403, "AccessDeniedException", r#"{"Message": "no"}"#);
const THROTTLED: Answer = (429, "TooManyRequestsException", r#"{"Reason": "CallerRateLimitExceeded"}"#);
const FAULT: Answer = (500, "ServiceException", r#"{"Message": "no", "Type": "Service"}"#);

async fn read(function: Answer, policy: Answer) -> Option<Function> {
    let http_client = infallible_client_fn(move |request: Request<_>| {
        let (status, code, body) = if request.uri().path().ends_with("/policy") { policy } else { function };
        let response = Response::builder().status(status);
        let response = if code.is_empty() { response } else { response.header("x-amzn-ErrorType", code) };
        response.body(body).unwrap()
    });
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .retry_config(RetryConfig::disabled())
        .http_client(http_client)
        .build();
    let budget = || Budget::share(NonZeroU32::new(10_000).unwrap(), NonZeroU32::MIN);
    let functions = LambdaFunctions {
        client: Client::from_conf(config),
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        get_function_budget: budget(),
        get_policy_budget: budget(),
    };
    functions.function(&Target { id: "settle".to_owned(), region: Some("us-east-1".to_owned()) }).await
}

fn unreadable<T>(action: &str, cause: UnreadableCause, detail: &str) -> Reading<T> {
    Reading::Unreadable(Unreadable { action: action.to_owned(), cause, detail: detail.to_owned() })
}

#[tokio::test]
async fn what_is_configured_is_read_whole_and_values_of_variables_are_not_kept() {
    let function = read(WHOLE, POLICY).await.unwrap();
    assert_eq!(function.identity.arn, "arn:aws:lambda:us-east-1:111122223333:function:settle");
    assert_eq!(
        function.configuration,
        Reading::seen(FunctionConfiguration {
            package_type: "Zip".to_owned(),
            runtime: Some("python3.13".to_owned()),
            vpc_id: Some("vpc-1".to_owned()),
            subnet_ids: vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
            tracing_mode: "Active".to_owned(),
            kms_key_arn: Some("arn:aws:kms:us-east-1:111122223333:key/0a1b".to_owned()),
            environment_variables: Reading::seen(vec!["PASSWORD".to_owned(), "TABLE".to_owned()]),
        })
    );
    assert_eq!(function.reserved_concurrency, Reading::seen(5));
    assert_eq!(function.policy, Reading::seen(r#"{"Version":"2012-10-17"}"#.to_owned()));
    assert_eq!(function.tags, Reading::seen([("Owner".to_owned(), "ledger".to_owned())].into()));
    assert!(!format!("{function:?}").contains("hunter2"));
}

#[tokio::test]
async fn what_lambda_does_not_mention_is_not_configured() {
    let function = read(BARE, NOT_FOUND).await.unwrap();
    assert_eq!(
        function.configuration,
        Reading::seen(FunctionConfiguration {
            package_type: "Image".to_owned(),
            runtime: None,
            vpc_id: None,
            subnet_ids: Vec::new(),
            tracing_mode: "PassThrough".to_owned(),
            kms_key_arn: None,
            environment_variables: Reading::Absent,
        })
    );
    assert_eq!(function.reserved_concurrency, Reading::Absent);
    assert_eq!(function.policy, Reading::Absent);
    assert_eq!(function.tags, Reading::Absent);
}

#[tokio::test]
async fn a_function_that_left_its_vpc_is_in_none() {
    let left = r#"{"Configuration": {"PackageType": "Zip", "TracingConfig": {"Mode": "PassThrough"},
        "VpcConfig": {"VpcId": "", "SubnetIds": [], "SecurityGroupIds": []}}}"#;
    let function = read((200, "", left), NOT_FOUND).await.unwrap();
    let Reading::Seen { value: configuration } = function.configuration else { panic!("all is there") };
    assert_eq!((configuration.vpc_id, configuration.subnet_ids), (None, Vec::new()));
}

#[tokio::test]
async fn a_refused_call_spoils_its_own_readings_only() {
    let cases = [
        (DENIED, UnreadableCause::AccessDenied),
        (THROTTLED, UnreadableCause::Throttled),
        (FAULT, UnreadableCause::Failed),
    ];
    for (refusal, cause) in cases {
        let function = read(refusal, POLICY).await.unwrap();
        let Reading::Unreadable(why) = &function.configuration else { panic!("{refusal:?} is no configuration") };
        assert_eq!((why.action.as_str(), why.cause), ("lambda:GetFunction", cause));
        assert_eq!(function.reserved_concurrency, Reading::Unreadable(why.clone()));
        assert_eq!(function.tags, Reading::Unreadable(why.clone()));
        assert!(matches!(function.policy, Reading::Seen { .. }), "{refusal:?}");

        let function = read(WHOLE, refusal).await.unwrap();
        let Reading::Unreadable(why) = &function.policy else { panic!("{refusal:?} is no policy") };
        assert_eq!((why.action.as_str(), why.cause), ("lambda:GetPolicy", cause));
        assert!(matches!(function.configuration, Reading::Seen { .. }), "{refusal:?}");
    }
}

#[tokio::test]
async fn only_get_function_tells_that_a_function_has_gone() {
    assert_eq!(read(NOT_FOUND, NOT_FOUND).await, None);
    assert_eq!(read(NOT_FOUND, DENIED).await, None);
    assert!(read(DENIED, NOT_FOUND).await.is_some());
    assert!(read(WHOLE, NOT_FOUND).await.is_some());
}

#[tokio::test]
async fn what_lambda_could_not_read_itself_is_unreadable() {
    let hidden = r#"{
        "Configuration": {
            "PackageType": "Zip", "TracingConfig": {"Mode": "Active"},
            "Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "may not decrypt"}}
        },
        "TagsError": {"ErrorCode": "AccessDeniedException", "Message": "may not list tags"}
    }"#;
    let function = read((200, "", hidden), POLICY).await.unwrap();
    assert_eq!(
        function.tags,
        unreadable("lambda:ListTags", UnreadableCause::AccessDenied, "AccessDeniedException: may not list tags")
    );
    let Reading::Seen { value: configuration } = function.configuration else { panic!("the rest is there") };
    assert_eq!(
        configuration.environment_variables,
        unreadable("kms:Decrypt", UnreadableCause::AccessDenied, "AccessDeniedException: may not decrypt")
    );
}

#[tokio::test]
async fn an_answer_that_lacks_what_it_must_hold_is_not_understood() {
    let cases = [
        "{}",
        r#"{"Configuration": {"TracingConfig": {"Mode": "Active"}}}"#,
        r#"{"Configuration": {"PackageType": "Zip"}}"#,
        r#"{"Configuration": {"PackageType": "Zip", "TracingConfig": {}}}"#,
    ];
    for body in cases {
        let function = read((200, "", body), POLICY).await.unwrap();
        let Reading::Unreadable(why) = function.configuration else { panic!("{body} is no configuration") };
        assert_eq!((why.action.as_str(), why.cause), ("lambda:GetFunction", UnreadableCause::Malformed), "{body}");
    }
    let negative = r#"{"Concurrency": {"ReservedConcurrentExecutions": -1}}"#;
    let function = read((200, "", negative), (200, "", "{}")).await.unwrap();
    let cause = |reading: Result<(), Unreadable>| reading.unwrap_err().cause;
    assert_eq!(cause(function.reserved_concurrency.known().map(|_| ())), UnreadableCause::Malformed);
    assert_eq!(cause(function.policy.known().map(|_| ())), UnreadableCause::Malformed);
}
