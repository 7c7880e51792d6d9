//! The listing calls of AWS. Types of the AWS SDK stop here.

mod access_points;
mod buckets;
mod directory_buckets;
mod functions;
mod networks;
#[cfg(test)]
mod replay;
mod vpcs;

use std::collections::BTreeMap;

use async_trait::async_trait;
use audit_model::VpcPart;
use audit_model::plan::{Target, Versions};
use audit_task::TaskError;

pub use access_points::AccessPoints;
pub use buckets::S3Buckets;
pub use directory_buckets::DirectoryBuckets;
pub use functions::{LambdaFunctions, REQUESTS_PER_SECOND};
pub use vpcs::Vpcs;

/// Lists every resource of one type in the account, in any order.
#[async_trait]
pub trait TargetLister: Send + Sync {
    /// The resources.
    ///
    /// # Errors
    /// Any failure of any page: a list that lacks some resources is not a list.
    async fn list(&self) -> Result<Vec<Target>, TaskError>;
}

/// Lists the account's functions with their published versions.
#[async_trait]
pub trait VersionLister: Send + Sync {
    /// The versions of every function.
    ///
    /// # Errors
    /// Any failure of any page.
    async fn versions(&self) -> Result<Versions, TaskError>;

    /// The versions of these functions; one that has gone has none.
    ///
    /// # Errors
    /// Any failure of any page.
    async fn versions_of(&self, functions: &[String]) -> Result<Versions, TaskError>;
}

/// Looks up networks and what hangs on them, by id.
#[async_trait]
pub trait NetworkLookup: Send + Sync {
    /// The VPC of each of these parts that is there, by the part's id.
    ///
    /// # Errors
    /// Any failure of any page.
    async fn vpcs_of(&self, part: VpcPart, ids: &[String]) -> Result<BTreeMap<String, String>, TaskError>;

    /// Those of these VPCs that are there.
    ///
    /// # Errors
    /// Any failure of any page.
    async fn vpcs(&self, ids: &[String]) -> Result<Vec<Target>, TaskError>;
}

/// AWS answered without a list where it always sends one, an empty one if there is nothing to list.
fn without_list(action: &str) -> TaskError {
    TaskError::Corrupt(format!("{action} answered without a list"))
}

/// AWS listed a resource without saying which one: it cannot be left out in silence.
fn nameless(action: &str) -> TaskError {
    TaskError::Corrupt(format!("{action} listed a resource without a name"))
}
