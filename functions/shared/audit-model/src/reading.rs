//! What one look at AWS gave: a value, AWS's word that nothing is configured, or the reason why nobody knows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One value as it was read from AWS.
///
/// It has no default and no way to turn an unreadable value into a seen one: a rule that needs an unreadable reading
/// can only answer that data is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Reading<T> {
    /// AWS answered with this value.
    Seen {
        /// The value.
        value: T,
    },
    /// AWS answered that nothing is configured.
    Absent,
    /// No answer that could be trusted.
    Unreadable(Unreadable),
}

impl<T> Reading<T> {
    /// A value that AWS answered with.
    pub fn seen(value: T) -> Self {
        Self::Seen { value }
    }

    /// The value, or `None` where AWS said that nothing is configured.
    ///
    /// # Errors
    /// The reason why the value could not be read.
    pub fn known(&self) -> Result<Option<&T>, Unreadable> {
        match self {
            Self::Seen { value } => Ok(Some(value)),
            Self::Absent => Ok(None),
            Self::Unreadable(why) => Err(why.clone()),
        }
    }

    /// Applies `f` to a seen value and leaves the rest as it is.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::Seen { value } => Reading::Seen { value: f(value) },
            Self::Absent => Reading::Absent,
            Self::Unreadable(why) => Reading::Unreadable(why),
        }
    }
}

impl<T> Reading<Vec<T>> {
    /// What AWS listed, which may be nothing.
    ///
    /// # Errors
    /// The reason why it could not be listed.
    pub fn listed(&self) -> Result<&[T], Unreadable> {
        Ok(self.known()?.map_or(&[], Vec::as_slice))
    }
}

/// Why a value could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unreadable {
    /// The IAM action that would have read it, for instance `s3:GetBucketPolicy`; empty where none was tried.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// The kind of obstacle.
    pub cause: UnreadableCause,
    /// What AWS said, or what was wrong with its answer; never the content of a resource.
    pub detail: String,
}

impl Unreadable {
    /// An answer that could not be understood, or contradicts itself or what AWS documents.
    pub fn malformed(action: &str, detail: impl Into<String>) -> Self {
        Self { action: action.to_owned(), cause: UnreadableCause::Malformed, detail: detail.into() }
    }

    /// An answer that was understood, and from which the verdict does not follow.
    pub fn undecidable(action: &str, detail: impl Into<String>) -> Self {
        Self { action: action.to_owned(), cause: UnreadableCause::Undecidable, detail: detail.into() }
    }

    /// What was not asked for, because the answer would change nothing, and why it would not.
    pub fn not_asked(action: &str, detail: impl Into<String>) -> Self {
        Self { action: action.to_owned(), cause: UnreadableCause::NotLookedAt, detail: detail.into() }
    }

    /// A known violation that a scan did not look at, and why.
    pub fn not_looked_at(detail: impl Into<String>) -> Self {
        Self { action: String::new(), cause: UnreadableCause::NotLookedAt, detail: detail.into() }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = if self.action.is_empty() { "it" } else { &self.action };
        write!(f, "{subject} {}: {}", self.cause, self.detail)
    }
}

/// The kinds of obstacles to a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UnreadableCause {
    /// IAM, a resource policy or a key policy refused the call.
    AccessDenied,
    /// AWS still throttled the call after every retry.
    Throttled,
    /// The resource went away between the listing and the reading.
    Gone,
    /// The resource lies in a region that this system does not reach.
    OtherRegion,
    /// AWS answered something that could not be understood.
    Malformed,
    /// AWS answered, and what it answered does not settle the matter.
    Undecidable,
    /// Nobody tried: the scan did not come to the resource, or does not evaluate the rule.
    NotLookedAt,
    /// The call failed in any other way: time-out, connection, fault of the service.
    Failed,
}

impl fmt::Display for UnreadableCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessDenied => "was denied",
            Self::Throttled => "was throttled",
            Self::Gone => "found the resource gone",
            Self::OtherRegion => "was not called in another region",
            Self::Malformed => "gave an answer that could not be understood",
            Self::Undecidable => "gave an answer on which the matter cannot be decided",
            Self::NotLookedAt => "was not looked at",
            Self::Failed => "failed",
        })
    }
}
