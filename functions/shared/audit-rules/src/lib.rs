//! The catalogue of rules: what is demanded of the account's resources, and how a resource is judged.
//!
//! A rule is one file that declares one [`Rule`]. The crate is pure: the same resource under the same policy always
//! gets the same verdict, and nothing here talks to AWS, reads a clock or an environment.

mod bucket_access;
mod catalogue;
#[cfg(test)]
mod fixtures;
mod iam_policy;
mod internet_ingress;
mod judge;
mod kms_key;
mod lambda;
mod outsiders;
mod public_access;
mod rule;
mod s3;
mod tags;
mod vpc;
mod wildcard;

pub use catalogue::{CATALOGUE, remediable_rules, rule};
pub use judge::Judge;
pub use kms_key::is_aws_managed;
pub use outsiders::{Outsider, let_in_by_acl, let_in_by_policy};
pub use rule::{Check, Outcome, Reference, Rule};
