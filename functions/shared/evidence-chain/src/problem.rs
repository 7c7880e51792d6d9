//! What verification finds wrong.

use std::fmt;

use jiff::Timestamp;

use crate::places::Subject;

/// Something that is not as it was sealed, or that a chain that nobody has touched does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// An object that was sealed is not there.
    Missing {
        /// Its key.
        key: String,
    },
    /// An object has another content than was sealed.
    Changed {
        /// Its key.
        key: String,
    },
    /// The audit policy in the plan is another than was sealed.
    PolicyChanged,
    /// An object lies there that was not sealed.
    Added {
        /// Its key.
        key: String,
    },
    /// What lies in the place of the manifest is none.
    NotUnderstood {
        /// Whose manifest it should be.
        subject: Subject,
        /// Why, in words.
        why: String,
    },
    /// The manifest lies where another one belongs.
    Misplaced {
        /// Whose place it is.
        place: Subject,
    },
    /// The manifest is not signed.
    NotSigned,
    /// The signature is not of this manifest, or not by the key that the manifest names.
    NotItsSignature,
    /// The manifest names another key than those that are trusted.
    OtherKey {
        /// The fingerprint of that key.
        fingerprint: String,
    },
    /// Another manifest has the same number.
    SameNumber {
        /// What that one is about.
        other: Subject,
    },
    /// Links are missing before this one.
    LinksMissing {
        /// The number of the first of them.
        first: u64,
        /// The number of the last of them.
        last: u64,
        /// What the last of them is about, where this link tells.
        subject: Option<Subject>,
    },
    /// The link before is there, and is not the one that this link was made after.
    NotLinked,
    /// It was sealed before something that had to come first.
    RunsBack {
        /// When that was.
        after: Timestamp,
    },
    /// Nothing was started for longer than is allowed.
    Gap {
        /// When the last one before started.
        from: Timestamp,
        /// When the next one started, or until when nothing did.
        to: Timestamp,
    },
    /// A scan or a rollback has no link.
    WithoutLink {
        /// Which.
        subject: Subject,
    },
    /// There is no link at all.
    NoLink,
    /// There is no head.
    NoHead,
    /// What lies in the place of the head is none.
    HeadNotUnderstood {
        /// Why, in words.
        why: String,
    },
    /// The links after the last one that is there are missing: the head names a later one.
    EndMissing {
        /// The number of the first of them.
        first: u64,
        /// The number of the last of them.
        last: u64,
        /// What the last of them is about.
        subject: Subject,
    },
    /// The head names another link than the last one.
    HeadElsewhere {
        /// The number that it names.
        number: u64,
    },
    /// Somebody was told of a link that is not in this chain.
    NotAsTold {
        /// Its number.
        number: u64,
        /// The first digits of its manifest's SHA-256, as they were told.
        sha256: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { key } => write!(f, "missing: the object {key} was sealed and is not there"),
            Self::Changed { key } => write!(f, "changed: the object {key} is not what was sealed"),
            Self::PolicyChanged => {
                f.write_str("changed: the audit policy in the plan is not the one that was in force")
            }
            Self::Added { key } => write!(f, "added: the object {key} was not there when this was sealed"),
            Self::NotUnderstood { subject, why } => {
                write!(f, "changed: the manifest of {subject} cannot be understood: {why}")
            }
            Self::Misplaced { place } => write!(f, "out of place: the manifest lies where that of {place} belongs"),
            Self::NotSigned => f.write_str("unsigned: the manifest has no signature"),
            Self::NotItsSignature => f.write_str(
                "changed: the signature is not of this manifest, or not made with the key that the manifest names",
            ),
            Self::OtherKey { fingerprint } => {
                write!(f, "another key: it was signed with the key {fingerprint}, which is not trusted")
            }
            Self::SameNumber { other } => write!(f, "out of order: the link of {other} has the same number"),
            Self::LinksMissing { first, last, subject } => {
                write!(f, "missing before this one: {}", Numbers(*first, *last))?;
                subject.as_ref().map_or(Ok(()), |subject| write!(f, ", the last of them of {subject}"))
            }
            Self::NotLinked => f.write_str(
                "out of order: the link before is not the one that this one was made after; one of them is another",
            ),
            Self::RunsBack { after } => {
                write!(f, "out of order: the clock ran back, for {after} came before the time of the seal")
            }
            Self::Gap { from, to } => write!(f, "a gap: nothing started between {from} and {to}"),
            Self::WithoutLink { subject } => write!(f, "not sealed: {subject} has no link"),
            Self::NoLink => f.write_str("missing: there is no link at all"),
            Self::NoHead => write!(f, "missing: the head, {}, is not there", crate::HEAD),
            Self::HeadNotUnderstood { why } => write!(f, "changed: the head, {}: {why}", crate::HEAD),
            Self::EndMissing { first, last, subject } => {
                write!(f, "missing at the end: {}, the last of them of {subject}", Numbers(*first, *last))
            }
            Self::HeadElsewhere { number } => {
                write!(f, "changed: the head, {}, names a link {number} that is not the last one", crate::HEAD)
            }
            Self::NotAsTold { number, sha256 } => {
                write!(f, "not as told: link {number} is not the one whose digest begins with {sha256}")
            }
        }
    }
}

/// One number, or the first and the last of more.
struct Numbers(u64, u64);

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(first, last) = self;
        if first == last { write!(f, "link {first}") } else { write!(f, "links {first} to {last}") }
    }
}
