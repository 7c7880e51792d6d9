//! Checks audit policies.

use std::io::Write;

use clap::Args;

use crate::end::{End, Failure};

/// Checks an audit policy
#[derive(Debug, Args)]
pub(crate) struct Policy {}

pub(crate) fn run(asked: &Policy, out: &mut impl Write) -> Result<End, Failure> {
    writeln!(out, "{asked:?}")?;
    Ok(End::NotDone)
}
