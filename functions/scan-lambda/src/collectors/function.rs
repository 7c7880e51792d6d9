//! One function, from two calls: `GetFunction` brings configuration, tags and reserved concurrency along, so that
//! `GetFunctionConfiguration`, `ListTags` and `GetFunctionConcurrency`, with their lower quotas, are not needed.

use std::num::NonZeroU32;

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_model::resource::{Function, FunctionConfiguration, Identity};
use audit_model::{Reading, Tags, Unreadable, UnreadableCause};
use audit_task::{Budget, error_code, unreadable};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::{ErrorMetadata, SdkError};
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{self, EnvironmentResponse, TagsError};

use super::FunctionCollector;

const GET_FUNCTION: &str = "lambda:GetFunction";
const GET_POLICY: &str = "lambda:GetPolicy";
const LIST_TAGS: &str = "lambda:ListTags";
const DECRYPT: &str = "kms:Decrypt";

/// Requests of `GetFunction` a second that all scanners of an account's functions make together: half of the quota,
/// 100, that they share with the account's deployments. It cannot be raised.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const GET_FUNCTION_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).unwrap();

/// The same for `GetPolicy`, whose quota is 15.
pub const GET_POLICY_PER_SECOND: NonZeroU32 = NonZeroU32::new(7).unwrap();

/// The functions of an account in one region.
#[derive(Debug)]
pub struct LambdaFunctions {
    /// The client.
    pub client: Client,
    /// The 12 digits of the account.
    pub account: String,
    /// The client's region.
    pub region: String,
    /// For `GetFunction`.
    pub get_function_budget: Budget,
    /// For `GetPolicy`.
    pub get_policy_budget: Budget,
}

#[async_trait]
impl FunctionCollector for LambdaFunctions {
    async fn function(&self, target: &Target) -> Option<Function> {
        let name = target.id.as_str();
        let (answer, policy) = futures::join!(self.get_function(name), self.policy(name));
        let identity = Identity {
            name: name.to_owned(),
            arn: format!("arn:aws:lambda:{}:{}:function:{name}", self.region, self.account),
            account: self.account.clone(),
            region: self.region.clone(),
        };
        match answer {
            Ok(answer) => Some(Function {
                identity,
                reserved_concurrency: reserved_concurrency(&answer),
                tags: tags(&answer),
                configuration: answer
                    .configuration
                    .as_ref()
                    .and_then(configuration)
                    .map_or_else(|| malformed("the answer lacks the package type or the tracing mode"), Reading::seen),
                policy,
            }),
            Err(why) if why.cause == UnreadableCause::Gone => None,
            Err(why) => Some(Function {
                identity,
                configuration: Reading::Unreadable(why.clone()),
                reserved_concurrency: Reading::Unreadable(why.clone()),
                tags: Reading::Unreadable(why),
                policy,
            }),
        }
    }
}

impl LambdaFunctions {
    async fn get_function(&self, name: &str) -> Result<GetFunctionOutput, Unreadable> {
        self.get_function_budget.acquire().await;
        let answer = self.client.get_function().function_name(name).send().await;
        answer.map_err(|error| unreadable(GET_FUNCTION, &error))
    }

    /// Lambda says the same of a function without a policy and of no function. Either way nobody is let in, and
    /// `GetFunction` tells a function that has gone.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html>
    async fn policy(&self, name: &str) -> Reading<String> {
        self.get_policy_budget.acquire().await;
        match self.client.get_policy().function_name(name).send().await {
            Ok(answer) => match answer.policy {
                Some(policy) => Reading::seen(policy),
                None => Reading::Unreadable(not_understood(GET_POLICY, "the answer holds no policy")),
            },
            Err(error) if error_code(&error) == Some("ResourceNotFoundException") => Reading::Absent,
            Err(error) => Reading::Unreadable(unreadable(GET_POLICY, &error)),
        }
    }
}

/// What Lambda says of a function's configuration, or `None` where it leaves out what it always says.
fn configuration(answer: &types::FunctionConfiguration) -> Option<FunctionConfiguration> {
    let vpc = answer.vpc_config.as_ref();
    Some(FunctionConfiguration {
        package_type: answer.package_type.as_ref()?.as_str().to_owned(),
        runtime: answer.runtime.as_ref().map(|runtime| runtime.as_str().to_owned()),
        // A function that was detached from its VPC keeps an empty id.
        vpc_id: vpc.and_then(|vpc| vpc.vpc_id.clone()).filter(|id| !id.is_empty()),
        subnet_ids: vpc.map(|vpc| vpc.subnet_ids().to_vec()).unwrap_or_default(),
        tracing_mode: answer.tracing_config.as_ref()?.mode.as_ref()?.as_str().to_owned(),
        kms_key_arn: answer.kms_key_arn.clone(),
        environment_variables: answer.environment.as_ref().map_or(Reading::Absent, environment_variables),
    })
}

/// The names of the environment variables. Their values are dropped here.
///
/// Lambda shows neither when the caller may not decrypt with the function's key.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentResponse.html>
fn environment_variables(environment: &EnvironmentResponse) -> Reading<Vec<String>> {
    if let Some(error) = &environment.error {
        return Reading::Unreadable(reported(DECRYPT, error.error_code(), error.message()));
    }
    let mut names: Vec<String> =
        environment.variables.as_ref().map(|it| it.keys().cloned().collect()).unwrap_or_default();
    names.sort_unstable();
    Reading::seen(names)
}

fn reserved_concurrency(answer: &GetFunctionOutput) -> Reading<u32> {
    match answer.concurrency.as_ref().and_then(|it| it.reserved_concurrent_executions) {
        None => Reading::Absent,
        Some(reserved) => u32::try_from(reserved)
            .map_or_else(|_| malformed("the reserved concurrency is less than nothing"), Reading::seen),
    }
}

/// Lambda shows tags only to callers that may list them, and says so in an error of its own.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html>
fn tags(answer: &GetFunctionOutput) -> Reading<Tags> {
    match (&answer.tags_error, &answer.tags) {
        (Some(TagsError { error_code, message, .. }), _) => {
            Reading::Unreadable(reported(LIST_TAGS, Some(error_code), Some(message)))
        }
        (None, Some(tags)) => Reading::seen(tags.clone().into_iter().collect()),
        (None, None) => Reading::Absent,
    }
}

/// An error that Lambda reports inside of an answer, sorted as if it were the answer.
fn reported(action: &str, code: Option<&str>, message: Option<&str>) -> Unreadable {
    let mut error = ErrorMetadata::builder();
    if let Some(code) = code {
        error = error.code(code);
    }
    if let Some(message) = message {
        error = error.message(message);
    }
    unreadable(action, &SdkError::service_error(error.build(), ()))
}

fn malformed<T>(detail: &str) -> Reading<T> {
    Reading::Unreadable(not_understood(GET_FUNCTION, detail))
}

fn not_understood(action: &str, detail: &str) -> Unreadable {
    Unreadable { action: action.to_owned(), cause: UnreadableCause::Malformed, detail: detail.to_owned() }
}
