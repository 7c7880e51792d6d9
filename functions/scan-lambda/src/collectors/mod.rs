//! What is read of functions, and how. Types of the AWS SDK stop here.

mod function;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_model::resource::Function;

pub use function::{GET_FUNCTION_PER_SECOND, GET_POLICY_PER_SECOND, LambdaFunctions};

/// Reads functions.
#[async_trait]
pub trait FunctionCollector: Send + Sync {
    /// All that the rules need to know of a function, or `None` when it has gone since it was listed.
    async fn function(&self, target: &Target) -> Option<Function>;
}
