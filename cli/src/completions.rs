//! Completions for shells, and the manual page.

use std::io::Write;

use clap::Args;

use crate::end::{End, Failure};

/// Prints completions for a shell
#[derive(Debug, Args)]
pub(crate) struct Completions {}

pub(crate) fn run(asked: &Completions, out: &mut impl Write) -> Result<End, Failure> {
    writeln!(out, "{asked:?}")?;
    Ok(End::NotDone)
}

pub(crate) fn man(out: &mut impl Write) -> Result<End, Failure> {
    writeln!(out)?;
    Ok(End::NotDone)
}
