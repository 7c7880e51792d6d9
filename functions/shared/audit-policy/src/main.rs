//! Checks an audit policy's file before it is shipped, and says what it tunes.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

use audit_policy::check;
use jiff::Timestamp;
use jiff::tz::TimeZone;

fn main() -> ExitCode {
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let outcome = match env::args_os().nth(1).map(PathBuf::from) {
        None => Err("usage: check-audit-policy FILE".to_owned()),
        Some(path) => fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))
            .and_then(|text| check(&text, today).map_err(|mistake| mistake.in_file(path.display()))),
    };
    let told = match &outcome {
        Ok(tuned) => writeln!(io::stdout(), "{tuned}"),
        Err(what) => writeln!(io::stderr(), "{what}"),
    };
    if outcome.is_ok() && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
