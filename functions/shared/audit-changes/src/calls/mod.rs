//! The table of calls, one file a service.

mod ec2;
mod lambda;
mod s3;

use crate::call::{Call, Source};

/// Every row.
pub(crate) fn calls() -> impl Iterator<Item = &'static Call> {
    s3::CALLS.iter().chain(ec2::CALLS).chain(lambda::CALLS)
}

/// The row of a call.
pub(crate) fn call(source: Source, name: &str) -> Option<&'static Call> {
    calls().find(|call| call.source == source && call.name == name)
}

/// Readings that no call of the table changes, and why none does.
#[cfg(test)]
pub(crate) fn unchanged() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    s3::UNCHANGED.iter().chain(ec2::UNCHANGED).chain(lambda::UNCHANGED)
}
