//! The rules on Lambda functions.

mod lambda_environment_customer_managed_key;
mod lambda_function_public_access_prohibited;
mod lambda_inside_vpc;
mod lambda_required_tags;
mod lambda_reserved_concurrency_configured;
mod lambda_runtime_supported;
mod lambda_xray_tracing_active;

use audit_model::resource::{Function, FunctionConfiguration};
use audit_model::{Unreadable, UnreadableCause};

use crate::rule::Rule;

/// In the order of the catalogue.
pub(crate) const RULES: &[&Rule] = &[
    &lambda_function_public_access_prohibited::RULE,
    &lambda_runtime_supported::RULE,
    &lambda_inside_vpc::RULE,
    &lambda_required_tags::RULE,
    &lambda_xray_tracing_active::RULE,
    &lambda_environment_customer_managed_key::RULE,
    &lambda_reserved_concurrency_configured::RULE,
];

/// The function's configuration, which AWS always answers with.
///
/// # Errors
/// It could not be read.
fn configuration(function: &Function) -> Result<&FunctionConfiguration, Unreadable> {
    function.configuration.known()?.ok_or_else(|| Unreadable {
        action: "lambda:GetFunction".to_owned(),
        cause: UnreadableCause::Malformed,
        detail: "the answer came without a configuration".to_owned(),
    })
}
