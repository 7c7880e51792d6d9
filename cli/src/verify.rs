//! Checks sealed evidence.

use std::io::Write;

use clap::Args;

use crate::end::{End, Failure};

/// Checks sealed evidence: every link, every digest, every signature
#[derive(Debug, Args)]
pub(crate) struct Verify {}

pub(crate) async fn run(asked: &Verify, out: &mut impl Write) -> Result<End, Failure> {
    writeln!(out, "{asked:?}")?;
    Ok(End::NotDone)
}
