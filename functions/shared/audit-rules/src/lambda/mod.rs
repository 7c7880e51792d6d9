//! The rules on Lambda functions.

mod lambda_dlq_configured;
mod lambda_environment_customer_managed_key;
mod lambda_environment_no_secrets;
mod lambda_function_public_access_prohibited;
mod lambda_function_service_principals_source_bounded;
mod lambda_function_url_authenticated;
mod lambda_function_url_cors_restricted;
mod lambda_inside_vpc;
mod lambda_layers_trusted_accounts_only;
mod lambda_required_tags;
mod lambda_reserved_concurrency_configured;
mod lambda_runtime_supported;
mod lambda_vpc_multi_az;
mod lambda_xray_tracing_active;

use audit_model::resource::{AliasPolicy, Function, FunctionConfiguration, FunctionUrl};
use audit_model::{Reading, Unreadable};

use crate::rule::Rule;

/// In the order of the catalogue.
pub(crate) const RULES: &[&Rule] = &[
    &lambda_function_public_access_prohibited::RULE,
    &lambda_function_service_principals_source_bounded::RULE,
    &lambda_runtime_supported::RULE,
    &lambda_inside_vpc::RULE,
    &lambda_vpc_multi_az::RULE,
    &lambda_required_tags::RULE,
    &lambda_xray_tracing_active::RULE,
    &lambda_function_url_authenticated::RULE,
    &lambda_function_url_cors_restricted::RULE,
    &lambda_environment_no_secrets::RULE,
    &lambda_environment_customer_managed_key::RULE,
    &lambda_dlq_configured::RULE,
    &lambda_layers_trusted_accounts_only::RULE,
    &lambda_reserved_concurrency_configured::RULE,
];

/// The function's configuration, which AWS always answers with.
///
/// # Errors
/// It could not be read.
fn configuration(function: &Function) -> Result<&FunctionConfiguration, Unreadable> {
    let configuration = function.configuration.known()?;
    configuration.ok_or_else(|| Unreadable::malformed("lambda:GetFunction", "the answer came without a configuration"))
}

/// Where a function on managed instances runs.
fn in_network_of(capacity_provider: &str) -> String {
    format!("the function runs in the VPC of {capacity_provider}")
}

/// The function's URLs, that of the function itself and those of its aliases.
///
/// # Errors
/// They could not be read.
fn urls(function: &Function) -> Result<&[FunctionUrl], Unreadable> {
    function.urls.listed()
}

/// A resource policy of a function.
struct FunctionPolicy<'a> {
    /// Whose it is, in words.
    place: String,
    text: &'a Reading<String>,
    /// Patterns of the ARNs that it is for.
    resources: Vec<String>,
}

/// The policies of a function, its own and those of its aliases, and why there may be more.
fn policies(function: &Function) -> (Vec<FunctionPolicy<'_>>, Vec<Unreadable>) {
    let arn = &function.identity.arn;
    let resources = vec![arn.clone(), format!("{arn}:?*")];
    let own = FunctionPolicy { place: "the function policy".to_owned(), text: &function.policy, resources };
    let mut policies = vec![own];
    match function.alias_policies.known() {
        Ok(aliases) => {
            policies.extend(aliases.into_iter().flatten().map(|AliasPolicy { alias, policy }| FunctionPolicy {
                place: format!("the policy of alias {alias}"),
                text: policy,
                resources: vec![format!("{arn}:{alias}")],
            }));
            (policies, Vec::new())
        }
        Err(why) => (policies, vec![why]),
    }
}

/// Which of a function's URLs this is.
fn in_words(url: &FunctionUrl) -> String {
    match &url.alias {
        Some(alias) => format!("the URL of alias {alias}"),
        None => "the URL of the function".to_owned(),
    }
}
