//! Who may be let into a resource.

use std::fmt;

/// Somebody who is let into a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantee {
    /// The public, or people whom nobody chose one by one.
    Anyone,
    /// An account, by its 12 digits.
    Account(String),
    /// The accounts of an organization of AWS Organizations, by its id, or services on their behalf.
    Organization(Organization),
    /// Whoever an account lets in to its access points.
    AccessPointsOf(String),
    /// An AWS service, by its principal name, for instance `logging.s3.amazonaws.com`.
    Service(String),
    /// AWS services, whichever.
    Services,
    /// Anybody else, as written: an identity provider, a canonical user id, a group of Amazon S3's; whoever has a value
    /// of a condition key, for instance `aws:sourcevpc vpc-1a2b3c4d`.
    Other(String),
}

/// An organization of AWS Organizations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Organization {
    /// For instance `o-a1b2c3d4e5`.
    pub id: String,
    /// Whether it is one of those that the policy's reader trusts.
    pub is_trusted: bool,
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Account(account) => write!(f, "the account {account}"),
            Self::Organization(organization) => write!(f, "the organization {}", organization.id),
            Self::AccessPointsOf(account) => write!(f, "whoever the access points of the account {account} let in"),
            Self::Service(service) => write!(f, "the service {service}"),
            Self::Services => f.write_str("AWS services"),
            Self::Other(other) => write!(f, "{other}"),
        }
    }
}
