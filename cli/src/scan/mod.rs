//! A scan from a laptop.

use std::io::Write;

use clap::Args;

use crate::end::{End, Failure};

/// Scans the account of the current credentials, and changes nothing in it
#[derive(Debug, Args)]
pub(crate) struct Scan {}

pub(crate) async fn run(asked: &Scan, out: &mut impl Write) -> Result<End, Failure> {
    writeln!(out, "{asked:?}")?;
    Ok(End::NotDone)
}
