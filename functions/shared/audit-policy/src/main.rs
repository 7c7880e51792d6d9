//! Checks an audit policy's file before it is shipped, and says what it tunes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use audit_model::Policy;
use audit_policy::parse;
use audit_rules::{CATALOGUE, Framework};
use io::Write;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

fn main() -> ExitCode {
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let outcome = match env::args_os().nth(1).map(PathBuf::from) {
        None => Err("usage: check-audit-policy FILE".to_owned()),
        Some(path) => fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))
            .and_then(|text| parse(&text, today).map_err(|error| error.to_string())),
    };
    let told = match &outcome {
        Ok(policy) => writeln!(io::stdout(), "{}", in_words(policy, today)),
        Err(what) => writeln!(io::stderr(), "{what}"),
    };
    if outcome.is_ok() && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn in_words(policy: &Policy, today: Date) -> String {
    let on = CATALOGUE.iter().filter(|rule| rule.is_on(policy)).count();
    let off = Framework::ALL.into_iter().filter(|framework| framework.off_under(policy).is_some());
    let off: Vec<String> = off.map(|framework| format!("\n  not switched on: {}", framework.name())).collect();
    let expired: Vec<String> = policy
        .exceptions
        .iter()
        .filter(|exception| exception.has_expired(today))
        .map(|exception| format!("\n  expired on {}: {} for {}", exception.expires, exception.rule, exception.resource))
        .collect();
    format!(
        "The audit policy is right: {on} of {} rules are on, {} exceptions, {} of them expired.{}{}",
        CATALOGUE.len(),
        policy.exceptions.len(),
        expired.len(),
        off.concat(),
        expired.concat()
    )
}
