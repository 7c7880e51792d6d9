//! The catalogue of rules: what is demanded of the account's resources, and how a resource is judged.
//!
//! A rule is one file that declares one [`Rule`]. The crate is pure: the same resource under the same policy always
//! gets the same verdict, and nothing here talks to AWS, reads a clock or an environment.

mod availability_zones;
mod bucket_access;
mod catalogue;
mod exception;
#[cfg(test)]
mod fixtures;
mod frameworks;
mod interface_endpoint;
mod internet_ingress;
mod judge;
mod kms_key;
mod lambda;
mod lifecycle;
mod listing;
mod needed;
mod object_events;
mod parameter;
mod public_access_block;
mod resource_policy;
mod rule;
#[cfg(test)]
mod rules_reference;
mod s3;
mod secrets;
mod setting;
mod tagging;
mod tags;
mod vpc;
mod vpn_tunnels;

pub use catalogue::{CATALOGUE, remediable_rules, rule};
pub use exception::speaks_of;
pub use frameworks::{
    Control, ControlResult, CoveredControl, Framework, FrameworkCoverage, RuleResult, UncoveredControl,
    framework_coverage,
};
pub use internet_ingress::flaw_of_trusted_range;
pub use judge::Judge;
pub use kms_key::{is_aws_managed, key_region};
pub use needed::Needed;
pub use parameter::Parameter;
pub use resource_policy::{Grantee, Organization, Outsider, let_in_by_acl, let_in_by_policy};
pub use rule::{Check, Outcome, Rule, in_force};
pub use secrets::{SecretKind, kind_of_secret};
pub use setting::{CLOUD_TRAIL, Setting};
