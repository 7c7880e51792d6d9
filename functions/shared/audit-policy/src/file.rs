//! The file's form, and what is wrong with a file that has another.

use audit_model::policy::{AlertPolicy, FrameworkPolicy, OptOutTag, RemediationPolicy};
use audit_model::{Policy, RemediationMode, Severity};
use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use crate::exceptions::{ExceptionEntry, exceptions};
use crate::mistake::{Mistake, PolicyError};
use crate::parameters::{ParameterTable, parameters, tag_key, tag_value};
use crate::rules::{RuleTable, are_on, rules, switched_on};

/// Reads the policy file's text on a day, in UTC: exceptions may not reach further than a year.
///
/// # Errors
/// The first mistake.
pub fn parse(text: &str, today: Date) -> Result<Policy, PolicyError> {
    let file: PolicyFile = toml::from_str(text).map_err(|error| {
        Mistake { at: error.span().map_or(0, |span| span.start), what: error.message().to_owned() }.in_text(text)
    })?;
    policy(file, today).map_err(|mistake| mistake.in_text(text))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    alert: Alert,
    remediation: Remediation,
    #[serde(default)]
    frameworks: Frameworks,
    parameters: ParameterTable,
    rules: RuleTable,
    #[serde(default)]
    exceptions: Vec<Spanned<ExceptionEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alert {
    threshold: Severity,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remediation {
    mode: RemediationMode,
    max_buckets_per_run: u32,
    max_buckets_per_day: u32,
    stop_after_failures: Spanned<u32>,
    opt_out_tag: Tag,
    announce_first: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Frameworks {
    resource_tagging: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tag {
    key: Spanned<String>,
    value: Spanned<String>,
}

fn policy(file: PolicyFile, today: Date) -> Result<Policy, Mistake> {
    let PolicyFile { alert, remediation, frameworks, parameters: table, rules: tuned, exceptions: entries } = file;
    let Tag { key, value } = remediation.opt_out_tag;
    let switched_on = switched_on(&tuned);
    let policy = Policy {
        alert: AlertPolicy { threshold: alert.threshold },
        remediation: RemediationPolicy {
            mode: remediation.mode,
            announce_first: remediation.announce_first.unwrap_or(true),
            max_buckets_per_run: remediation.max_buckets_per_run,
            max_buckets_per_day: remediation.max_buckets_per_day,
            stop_after_failures: failures(remediation.stop_after_failures)?,
            opt_out_tag: OptOutTag { key: tag_key(key)?, value: tag_value(value)? },
        },
        frameworks: FrameworkPolicy { resource_tagging: frameworks.resource_tagging.unwrap_or(false) },
        parameters: parameters(table)?,
        rules: rules(tuned)?,
        exceptions: exceptions(entries, today)?,
    };
    are_on(switched_on, &policy)?;
    Ok(policy)
}

/// To stop after no failure would be to begin nothing, which is what the mode is for.
fn failures(failures: Spanned<u32>) -> Result<u32, Mistake> {
    match failures.get_ref() {
        0 => Err(Mistake::of(&failures, "stop_after_failures is 0; allowed is 1 or more, and mode = \"off\"")),
        _ => Ok(failures.into_inner()),
    }
}
