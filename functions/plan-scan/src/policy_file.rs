//! The audit policy's file: what people may tune without touching code.

use audit_model::policy::{AlertPolicy, OptOutTag, RemediationPolicy};
use audit_model::{Policy, RemediationMode, Severity};
use audit_task::TaskError;
use serde::Deserialize;
use toml::Spanned;

/// The file's name, in `infrastructure/` and beside the function's binary.
pub const POLICY_FILE: &str = "audit-policy.toml";

/// Limits of S3: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging-managing.html>
const TAG_KEY_LENGTH: usize = 128;
const TAG_VALUE_LENGTH: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    alert: Alert,
    remediation: Remediation,
    tags: RequiredTags,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequiredTags {
    required: Vec<Spanned<String>>,
}

/// Reads the policy file's text.
///
/// # Errors
/// `InvalidPolicy` with the line, what is wrong there, and what is allowed.
pub(crate) fn parse(text: &str) -> Result<Policy, TaskError> {
    let file: PolicyFile = toml::from_str(text)
        .map_err(|error| invalid(text, error.span().map_or(0, |span| span.start), error.message()))?;
    let PolicyFile { alert, remediation, tags } = file;
    let mut required_tags: Vec<String> = Vec::with_capacity(tags.required.len());
    for key in tags.required {
        if required_tags.contains(key.get_ref()) {
            return Err(invalid(text, key.span().start, &format!("the required tag {:?} stands twice", key.get_ref())));
        }
        required_tags.push(tag_part(text, key, "tag key", 1, TAG_KEY_LENGTH)?);
    }
    let Tag { key, value } = remediation.opt_out_tag;
    Ok(Policy {
        alert: AlertPolicy { threshold: alert.threshold },
        remediation: RemediationPolicy {
            mode: remediation.mode,
            max_buckets_per_run: remediation.max_buckets_per_run,
            opt_out_tag: OptOutTag {
                key: tag_part(text, key, "tag key", 1, TAG_KEY_LENGTH)?,
                value: tag_part(text, value, "tag value", 0, TAG_VALUE_LENGTH)?,
            },
        },
        required_tags,
    })
}

fn tag_part(text: &str, part: Spanned<String>, what: &str, least: usize, most: usize) -> Result<String, TaskError> {
    let (start, part) = (part.span().start, part.into_inner());
    let allowed = (least..=most).contains(&part.chars().count()) && !part.starts_with("aws:") && part.trim() == part;
    if allowed {
        return Ok(part);
    }
    let what = format!(
        "{part:?} is no {what}; allowed: {least} to {most} characters, no blank at either end, not beginning with aws:"
    );
    Err(invalid(text, start, &what))
}

fn invalid(text: &str, position: usize, what: &str) -> TaskError {
    let line = text.bytes().take(position).filter(|byte| *byte == b'\n').count() + 1;
    TaskError::InvalidPolicy(format!(
        "{POLICY_FILE}, line {line}: {what}; the comments in infrastructure/{POLICY_FILE} say what is allowed. Mend it \
         and deploy again"
    ))
}

#[cfg(test)]
mod tests;
