//! Answers of AWS that were read and still settle nothing.

use audit_model::{Unreadable, UnreadableCause};

/// An answer that contradicts itself or what AWS documents.
pub(crate) fn malformed(action: &str, detail: impl Into<String>) -> Unreadable {
    Unreadable { action: action.to_owned(), cause: UnreadableCause::Malformed, detail: detail.into() }
}

/// An answer that was understood, and from which the verdict does not follow.
pub(crate) fn undecidable(action: &str, detail: impl Into<String>) -> Unreadable {
    Unreadable { action: action.to_owned(), cause: UnreadableCause::Undecidable, detail: detail.into() }
}
