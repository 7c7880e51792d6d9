//! Resource policies: of buckets, access points, functions, VPC endpoints.
//!
//! | file | what |
//! |---|---|
//! | `document.rs` | the text, by the grammar of the IAM policy language; what is outside of it is unreadable |
//! | `wildcard.rs`, `pattern.rs` | patterns of actions and resources |
//! | `principal.rs`, `condition.rs` | whom a principal or a condition lets in, reckoned as a `Narrowing` |
//! | `grantee.rs`, `narrowing.rs` | who may be let in; the lattice from "nobody" to "anyone" |
//! | `grant.rs` | what each Allow lets in once every Deny has taken its share |
//! | `delivery.rs` | whether statements apply to what a service of AWS delivers |
//! | `exposure.rs` | whether that is the public, by AWS's meaning of the word |
//! | `outsiders.rs` | which accounts, services and others that is |
//!
//! Whatever AWS's documentation leaves open stays open here: it is undecided, and becomes neither a pass nor a
//! violation.

mod condition;
mod delivery;
mod document;
#[cfg(test)]
mod documented_cases;
mod exposure;
mod grant;
mod grantee;
mod narrowing;
mod outsiders;
mod pattern;
mod principal;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod verdicts;
mod wildcard;

pub(crate) use condition::{Comparison, Condition};
pub(crate) use delivery::{Applies, Delivery};
pub(crate) use document::{Effect, PolicyDocument, Statement};
pub(crate) use exposure::{Exposure, exposure, is_public_only_with, lets_in_service_for_anyone, services};
pub(crate) use grant::{ActionKind, Question};
pub use grantee::{Grantee, Organization};
pub use outsiders::{Outsider, let_in_by_acl, let_in_by_policy};
pub(crate) use outsiders::{PUBLIC_GROUPS, audience, organization_not_known};
pub(crate) use pattern::{Reach, Share};
pub(crate) use principal::{account_of, is_account};
pub(crate) use wildcard::covers;
