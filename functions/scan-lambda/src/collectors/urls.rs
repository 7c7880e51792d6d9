use std::num::NonZeroU32;

use audit_model::Unreadable;
use audit_model::resource::FunctionUrl;
use audit_task::{Budget, listed};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::FunctionUrlConfig;

pub(super) const ACTION: &str = "lambda:ListFunctionUrlConfigs";

/// Requests of `ListFunctionUrlConfigs` and `ListAliases` a second that all scanners of an account's functions make together:
/// two thirds of the quota, 15, that all calls have together that are neither an invocation nor `GetFunction` nor `GetPolicy`.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const LISTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Function URLs on a page, the most that Lambda gives.
const PAGE_SIZE: i32 = 50;

/// The function URLs of a function and of its aliases.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionUrlConfigs.html>
pub(super) async fn urls(client: &Client, budget: &Budget, name: &str) -> Result<Vec<FunctionUrl>, Unreadable> {
    let page = |marker: Option<String>| {
        let call = client.list_function_url_configs().function_name(name).max_items(PAGE_SIZE);
        let call = call.set_marker(marker).send();
        async { call.await.map(|page| (Some(page.function_url_configs), page.next_marker)) }
    };
    // A function has one URL, and so has each of its aliases.
    let read = |config: FunctionUrlConfig| (Some(config.function_arn.clone()), function_url(config));
    let urls = listed(ACTION, budget, page, read).await?;
    let lacking = || Unreadable::malformed(ACTION, "a function URL lacks the ARN of a function");
    urls.into_values().map(|url| url.ok_or_else(lacking)).collect()
}

/// The authentication type is handed on as it is written: one that is not known here must not hide the other URLs.
/// Where Lambda gives none, the SDK puts in a text that is no type either.
fn function_url(config: FunctionUrlConfig) -> Option<FunctionUrl> {
    // arn:aws:lambda:REGION:ACCOUNT:function:NAME, with :ALIAS behind it for the URL of an alias
    let mut name_and_alias = config.function_arn.split(':').skip(6);
    name_and_alias.next().filter(|name| !name.is_empty())?;
    Some(FunctionUrl {
        alias: name_and_alias.next().map(str::to_owned),
        auth_type: config.auth_type.as_str().to_owned(),
        allowed_origins: config.cors.and_then(|cors| cors.allow_origins).unwrap_or_default(),
    })
}
