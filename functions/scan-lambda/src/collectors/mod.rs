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
use audit_rules::Needed;

use subnet_zones::SubnetZones;

pub use function::{GET_FUNCTION_PER_SECOND, GET_POLICY_PER_SECOND, LambdaFunctions};
pub use subnet_zones::DESCRIBE_SUBNETS_PER_SECOND;
pub use urls::LIST_URLS_PER_SECOND;

/// What the functions of one shard have in common.
#[derive(Debug, Default)]
pub struct Shared {
    /// What is read at all.
    needed: Needed,
    zones: SubnetZones,
}

impl Shared {
    /// Of a shard of which no more is read than this.
    pub fn new(needed: Needed) -> Self {
        Self { needed, ..Self::default() }
    }
}

/// Reads functions.
#[async_trait]
pub trait FunctionCollector: Send + Sync {
    /// Waits until there is room in each request budget for one more function.
    async fn room(&self);

    /// All that rules need to know of a function, or `None` when it has gone since it was listed.
    async fn function(&self, target: &Target, shared: &Shared) -> Option<Function>;
}
