use audit_model::Reading;
use audit_model::resource::EnvironmentVariable;
use audit_rules::kind_of_secret;
use audit_task::reported;
use aws_sdk_lambda::types::EnvironmentResponse;

const DECRYPT: &str = "kms:Decrypt";

/// The environment variables. Their values are looked at here and go no further.
///
/// Lambda shows neither names nor values when the caller may not decrypt with the function's key.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentResponse.html>
pub(super) fn environment_variables(environment: &EnvironmentResponse) -> Reading<Vec<EnvironmentVariable>> {
    if let Some(error) = &environment.error {
        return Reading::Unreadable(reported(DECRYPT, error.error_code(), error.message()));
    }
    let variable = |(name, value): (&String, &String)| EnvironmentVariable {
        name: name.clone(),
        secret: kind_of_secret(name, value).map(|kind| kind.to_string()),
    };
    let mut variables: Vec<EnvironmentVariable> = environment.variables.iter().flatten().map(variable).collect();
    variables.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Reading::seen(variables)
}
