//! What is read of functions, and how. Types of the AWS SDK stop here.

mod environment;
mod function;
mod subnet_zones;
#[cfg(test)]
mod tests;
mod urls;

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_model::resource::Function;

pub use function::{GET_FUNCTION_PER_SECOND, GET_POLICY_PER_SECOND, LambdaFunctions};
pub use subnet_zones::{DESCRIBE_SUBNETS_PER_SECOND, SubnetZones};
pub use urls::LIST_URLS_PER_SECOND;

/// Reads functions.
#[async_trait]
pub trait FunctionCollector: Send + Sync {
    /// Waits until there is room in each request budget for one more function.
    async fn room(&self);

    /// All that the rules need to know of a function, or `None` when it has gone since it was listed. `zones` is what
    /// the functions of a shard share.
    async fn function(&self, target: &Target, zones: &SubnetZones) -> Option<Function>;
}
