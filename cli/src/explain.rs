//! Explains rules and controls.

use std::io::Write;

use clap::Args;

use crate::end::{End, Failure};

/// Explains a rule, or a control of a framework
#[derive(Debug, Args)]
pub(crate) struct Explain {}

pub(crate) fn run(asked: &Explain, out: &mut impl Write) -> Result<End, Failure> {
    writeln!(out, "{asked:?}")?;
    Ok(End::NotDone)
}
