//! The audit policy: what people may tune without touching code.

use serde::{Deserialize, Serialize};

use crate::{RemediationMode, Severity};

/// The audit policy in force for a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// What an alert takes.
    pub alert: AlertPolicy,
    /// What remediation may do.
    pub remediation: RemediationPolicy,
    /// Tag keys that every resource must carry with a value.
    pub required_tags: Vec<String>,
}

/// What an alert takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlertPolicy {
    /// An open violation of this severity or above raises the alert.
    pub threshold: Severity,
}

/// What remediation may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemediationPolicy {
    /// The mode, unless a request says less.
    pub mode: RemediationMode,
    /// How many buckets one scan may change.
    pub max_buckets_per_run: u32,
    /// A bucket that carries this tag is never changed.
    pub opt_out_tag: OptOutTag,
}

/// The tag that keeps remediation away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptOutTag {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
}
