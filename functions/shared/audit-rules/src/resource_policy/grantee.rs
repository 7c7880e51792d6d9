//! Who may be let into a resource.

use std::fmt;

/// Somebody who is let into a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantee {
    /// The public, or people whom nobody chose one by one.
    Anyone,
    /// An account, by its 12 digits.
    Account(String),
    /// An AWS service, by its principal name, for instance `logging.s3.amazonaws.com`.
    Service(String),
    /// Anybody else, as written: an identity provider, a canonical user id, a group of Amazon S3's; whoever has a value
    /// of a condition key, for instance `aws:principalorgid o-a1b2c3d4e5`.
    Other(String),
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Account(account) => write!(f, "the account {account}"),
            Self::Service(service) => write!(f, "the service {service}"),
            Self::Other(other) => write!(f, "{other}"),
        }
    }
}
