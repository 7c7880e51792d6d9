//! What is read of functions, and how. Types of the AWS SDK stop here.

mod aliases;
mod allowance;
mod environment;
mod function;
mod subnet_zones;
#[cfg(test)]
mod tests;
mod urls;

use async_trait::async_trait;
use audit_model::plan::{Target, Versions};
use audit_model::resource::Function;
use audit_model::{Reading, Unreadable};
use audit_rules::Needed;

use subnet_zones::SubnetZones;

pub use allowance::Allowance;
pub use function::{GET_FUNCTION_PER_SECOND, GET_POLICY_PER_SECOND, LambdaFunctions};
pub use subnet_zones::DESCRIBE_SUBNETS_PER_SECOND;
pub use urls::LISTS_PER_SECOND;

/// What the functions of one shard have in common.
#[derive(Debug)]
pub struct Shared {
    /// What is read at all.
    needed: Needed,
    allowance: Allowance,
    versions: Option<Reading<Versions>>,
    zones: SubnetZones,
}

impl Shared {
    /// Of a shard whose functions have these versions, and of which no more is read than this.
    pub fn new(versions: Option<Reading<Versions>>, needed: Needed, allowance: Allowance) -> Self {
        Self { needed, allowance, versions, zones: SubnetZones::default() }
    }

    /// The published versions of a function.
    ///
    /// # Errors
    /// Why they were not listed with the functions.
    fn versions(&self, function: &str) -> Result<&[String], Unreadable> {
        let all = match &self.versions {
            Some(versions) => versions.known()?,
            None => None,
        };
        let untold = || Unreadable::malformed(VERSIONS, "the function was listed without its versions");
        all.and_then(|all| all.get(function)).map(Vec::as_slice).ok_or_else(untold)
    }
}

/// What tells the versions, when the functions are listed.
const VERSIONS: &str = "lambda:ListFunctions";

/// Reads functions.
#[async_trait]
pub trait FunctionCollector: Send + Sync {
    /// Waits until there is room in each request budget for one more function.
    async fn room(&self);

    /// All that rules need to know of a function, or `None` when it has gone since it was listed.
    async fn function(&self, target: &Target, shared: &Shared) -> Option<Function>;
}
