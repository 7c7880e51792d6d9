//! The file's form, and what is wrong with a file that has another.

use audit_model::policy::{AlertPolicy, OptOutTag, RemediationPolicy};
use audit_model::{Policy, RemediationMode, Severity};
use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use crate::exceptions::{ExceptionEntry, exceptions};
use crate::mistake::{Mistake, PolicyError};
use crate::parameters::{ParameterTable, parameters, tag_key, tag_value};
use crate::rules::{RuleTable, rules};

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
    opt_out_tag: Tag,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tag {
    key: Spanned<String>,
    value: Spanned<String>,
}

fn policy(file: PolicyFile, today: Date) -> Result<Policy, Mistake> {
    let PolicyFile { alert, remediation, parameters: table, rules: tuned, exceptions: entries } = file;
    let Tag { key, value } = remediation.opt_out_tag;
    Ok(Policy {
        alert: AlertPolicy { threshold: alert.threshold },
        remediation: RemediationPolicy {
            mode: remediation.mode,
            max_buckets_per_run: remediation.max_buckets_per_run,
            opt_out_tag: OptOutTag { key: tag_key(key)?, value: tag_value(value)? },
        },
        parameters: parameters(table)?,
        rules: rules(tuned)?,
        exceptions: exceptions(entries, today)?,
    })
}
