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

use std::collections::BTreeSet;

use audit_model::resource::{AliasPolicy, Function, FunctionConfiguration, FunctionUrl, VersionPolicy};
use audit_model::{Reading, Unreadable};

use crate::listing::first_of;
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

/// The policies of a function, its own and those of its aliases and versions, and why there may be more.
fn policies(function: &Function) -> (Vec<FunctionPolicy<'_>>, Vec<Unreadable>) {
    let arn = &function.identity.arn;
    let resources = vec![arn.clone(), format!("{arn}:?*")];
    let mut policies =
        vec![FunctionPolicy { place: "the function policy".to_owned(), text: &function.policy, resources }];
    let qualified = |kind: &str, qualifier: &str, text| FunctionPolicy {
        place: format!("the policy of {kind} {qualifier}"),
        text,
        resources: vec![format!("{arn}:{qualifier}")],
    };
    let aliases = function.alias_policies.listed();
    let of_aliases = function.alias_policies.known().ok().flatten().into_iter().flatten();
    policies.extend(of_aliases.map(|AliasPolicy { alias, policy }| qualified("alias", alias, policy)));
    let of_versions = &function.version_policies;
    policies.extend(of_versions.iter().map(|VersionPolicy { version, policy }| qualified("version", version, policy)));
    let mut missing: Vec<Unreadable> = Vec::new();
    let unlisted = [aliases.err(), function.aliases.listed().err(), version_not_asked(function)];
    for why in unlisted.into_iter().flatten() {
        if !missing.contains(&why) {
            missing.push(why);
        }
    }
    (policies, missing)
}

/// Why the policies of some published versions were not asked for, if they were not.
fn version_not_asked(function: &Function) -> Option<Unreadable> {
    let versions = match function.versions.listed() {
        Ok(versions) => versions,
        Err(why) => return Some(why),
    };
    let asked: BTreeSet<&str> = function.version_policies.iter().map(|asked| asked.version.as_str()).collect();
    let left: Vec<&str> = versions.iter().map(String::as_str).filter(|version| !asked.contains(version)).collect();
    let detail = || format!("there was no time for the policies of all versions; not read: {}", first_of(&left));
    (!left.is_empty()).then(|| Unreadable::not_asked("lambda:GetPolicy", detail()))
}

/// Which of a function's URLs this is.
fn in_words(url: &FunctionUrl) -> String {
    match &url.alias {
        Some(alias) => format!("the URL of alias {alias}"),
        None => "the URL of the function".to_owned(),
    }
}
