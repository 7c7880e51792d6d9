//! AWS Lambda functions.

use serde::{Deserialize, Serialize};

use super::Identity;
use crate::{Reading, Tags};

/// A Lambda function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// Name, account and region.
    pub identity: Identity,
    /// Configuration (`GetFunction`).
    pub configuration: Reading<FunctionConfiguration>,
    /// Reserved concurrency (`GetFunction`); absent when the function draws from the account's pool.
    pub reserved_concurrency: Reading<u32>,
    /// The JSON text of the function's own policy (`GetPolicy`).
    pub policy: Reading<String>,
    /// The names of the function's aliases (`ListAliases`).
    pub aliases: Reading<Vec<String>>,
    /// The policies of the aliases, or of those that have a function URL where all of them could not be listed (`GetPolicy`
    /// with the alias as qualifier).
    pub alias_policies: Reading<Vec<AliasPolicy>>,
    /// The numbers of the function's published versions (`ListFunctions`, which tells them of all functions).
    pub versions: Reading<Vec<String>>,
    /// The policies of published versions that were asked for: of those that an alias leads to, and of the others as far as
    /// there was time (`GetPolicy` with the version as qualifier).
    pub version_policies: Vec<VersionPolicy>,
    /// Function URLs, that of the function and those of its aliases (`ListFunctionUrlConfigs`).
    pub urls: Reading<Vec<FunctionUrl>>,
    /// The zones of the subnets that the function is attached to, Local Zones and Wavelength Zones among them
    /// (`DescribeSubnets`); absent when it is attached to none.
    pub availability_zones: Reading<Vec<String>>,
    /// Tags (`GetFunction`).
    pub tags: Reading<Tags>,
}

/// The policy of one alias of a function.
///
/// A permission that is given with an alias as qualifier is in the alias's policy alone, and holds for callers of the
/// alias, those of its function URL among them.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AliasPolicy {
    /// The alias.
    pub alias: String,
    /// The policy's JSON text.
    pub policy: Reading<String>,
}

/// The policy of one published version of a function, which holds for callers of that version alone.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionPolicy {
    /// The version's number.
    pub version: String,
    /// The policy's JSON text.
    pub policy: Reading<String>,
}

/// What `GetFunction` says of a function's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionConfiguration {
    /// `Zip` or `Image`.
    pub package_type: String,
    /// Runtime identifier, for instance `python3.13`; `None` for container images.
    pub runtime: Option<String>,
    /// The VPC it is attached to; never empty.
    pub vpc_id: Option<String>,
    /// The subnets it is attached to.
    pub subnet_ids: Vec<String>,
    /// X-Ray mode, `Active` or `PassThrough`.
    pub tracing_mode: String,
    /// ARN of the customer-managed key of the environment; `None` means the AWS-managed key.
    pub kms_key_arn: Option<String>,
    /// The environment variables, without their values.
    pub environment_variables: Reading<Vec<EnvironmentVariable>>,
    /// ARN of the queue or topic for asynchronous invocations that failed; never empty.
    pub dead_letter_target: Option<String>,
    /// ARNs of the layers' versions.
    pub layers: Vec<String>,
    /// ARN of the capacity provider on whose instances it runs; `None` where Lambda runs it. Its network and how far it
    /// scales are then the provider's.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-capacity-providers.html>
    pub capacity_provider: Option<String>,
}

/// An environment variable. Its value is looked at where it is read, and never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentVariable {
    /// The variable's name.
    pub name: String,
    /// The kind of secret that its value looks like, for instance `AWS access key id`; `None` for none.
    pub secret: Option<String>,
}

/// A function URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionUrl {
    /// The alias that it leads to; `None` for the function itself.
    pub alias: Option<String>,
    /// `AWS_IAM`, `NONE`, or what Lambda may say one day.
    pub auth_type: String,
    /// The origins that cross-origin resource sharing allows.
    pub allowed_origins: Vec<String>,
}
