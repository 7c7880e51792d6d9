//! Checks audit policies.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::end::{End, Failure};
use crate::terminal::{PROBLEM, Styled};

/// Checks an audit policy
#[derive(Debug, Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Says what a policy tunes, or where its first mistake is
    ///
    /// A policy says which rules are off or have another severity, what they compare with, what raises the alert, what remediation
    /// may do, and which violations are excepted until when. The comments in infrastructure/audit-policy.toml say what is allowed.
    #[command(after_help = "Examples:\n  compliance-audit policy check infrastructure/audit-policy.toml\n\n\
        Exit codes: 0 if the policy is right, 1 if there is a mistake in it, 3 if the file cannot be read.")]
    Check {
        /// The policy's file
        file: PathBuf,
    },
}

pub(crate) fn run(asked: &Policy, out: &mut impl Write) -> Result<End, Failure> {
    check(asked, TimeZone::UTC.to_datetime(Timestamp::now()).date(), out)
}

fn check(
    Policy { command: Command::Check { file } }: &Policy,
    today: Date,
    out: &mut impl Write,
) -> Result<End, Failure> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| Failure::new(format!("{name} cannot be read: {error}")))?;
    match audit_policy::check(&text, today) {
        Ok(tuned) => {
            writeln!(out, "{tuned}")?;
            Ok(End::Well)
        }
        Err(mistake) => {
            writeln!(out, "{} {}", Styled("mistake:", PROBLEM), mistake.in_file(name))?;
            Ok(End::Found)
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use pretty_assertions::assert_eq;

    use super::*;

    const SHIPPED: &str = include_str!("../../infrastructure/audit-policy.toml");

    fn checked(text: &str) -> (End, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ours.toml");
        fs::write(&file, text).unwrap();
        let mut out = Vec::new();
        let asked = Policy { command: Command::Check { file } };
        let end = check(&asked, date(2026, 11, 30), &mut out).unwrap();
        (end, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_policy_that_is_right_is_told() {
        let (end, told) = checked(SHIPPED);
        assert_eq!(end, End::Well);
        assert!(told.starts_with("The audit policy is right: "), "{told}");
    }

    #[test]
    fn a_mistake_is_found_with_file_and_line() {
        let line = SHIPPED.lines().position(|line| line.starts_with("threshold = ")).unwrap() + 1;
        let (end, told) = checked(&SHIPPED.replacen("threshold = \"CRITICAL\"", "threshold = \"SEVERE\"", 1));
        assert_eq!(end, End::Found);
        assert!(told.contains(&format!("ours.toml, line {line}: ")) && told.contains("SEVERE"), "{told}");
    }

    /// Nobody has looked at the policy then, so nothing was found in it.
    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let asked = Policy { command: Command::Check { file: "no-such-policy.toml".into() } };
        let failure = check(&asked, date(2026, 11, 30), &mut Vec::new()).unwrap_err();
        assert!(failure.to_string().starts_with("no-such-policy.toml cannot be read: "), "{failure}");
    }
}
