//! The audit policy: what people may tune without touching code.

use std::collections::BTreeMap;

use jiff::civil::Date;
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
    /// The frameworks that are off unless it switches them on.
    #[serde(default)]
    pub frameworks: FrameworkPolicy,
    /// What the rules compare with.
    pub parameters: Parameters,
    /// The rules that are tuned, by rule id; the others have the severity that they were written with, and are on unless
    /// their framework is off.
    pub rules: BTreeMap<String, RuleSetting>,
    /// The violations that somebody answers for, for a time.
    pub exceptions: Vec<PolicyException>,
}

impl Policy {
    /// The ids of the rules that are switched off one by one.
    pub fn rules_off(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter(|(_, setting)| !setting.enabled).map(|(id, _)| id.as_str())
    }
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
    /// Whether a bucket is changed only after an earlier scan has announced it, unless a request asks for the change.
    pub announce_first: bool,
    /// How many buckets one scan may change.
    pub max_buckets_per_run: u32,
    /// How many buckets all scans of one day, in UTC, may change.
    pub max_buckets_per_day: u32,
    /// After so many failed changes one scan begins no further one; at least 1.
    pub stop_after_failures: u32,
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

/// The frameworks that customers switch on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FrameworkPolicy {
    /// Whether the rules of the AWS Resource Tagging Standard are evaluated.
    pub resource_tagging: bool,
}

/// What the rules compare with. The audit policy's file says what each is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// Tag keys that a resource must carry with a value.
    pub required_tags: Vec<String>,
    /// Tag keys that a resource must carry under the AWS Resource Tagging Standard. Where there are none, any key will do.
    #[serde(default)]
    pub resource_tagging_keys: Vec<String>,
    /// Accounts, 12 digits each, that are trusted like the audited one.
    pub trusted_accounts: Vec<String>,
    /// Organizations of AWS Organizations, by their ids, whose accounts are trusted. Where there are none, nobody has said
    /// which are.
    #[serde(default)]
    pub trusted_organizations: Vec<String>,
    /// Accounts, 12 digits each, that may publish layers for the audited account's Lambda functions.
    pub trusted_layer_accounts: Vec<String>,
    /// Address ranges in CIDR notation whose owners are known: they do not belong to the internet.
    #[serde(default)]
    pub trusted_cidrs: Vec<String>,
    /// What lets in more public IPv4 addresses than a range with a prefix of this length is open to the internet.
    #[serde(default = "eight")]
    pub internet_ipv4_prefix: u8,
    /// The same of IPv6.
    #[serde(default = "sixteen")]
    pub internet_ipv6_prefix: u8,
    /// TCP ports that must never be open to the internet.
    pub high_risk_ports: Vec<u16>,
    /// TCP ports that may be open to the internet.
    pub authorized_tcp_ports: Vec<u16>,
    /// UDP ports that may be open to the internet.
    pub authorized_udp_ports: Vec<u16>,
    /// Identifiers of the Lambda runtimes that are supported.
    pub supported_runtimes: Vec<String>,
    /// How many Availability Zones a function's subnets must lie in, 2 to 6.
    pub lambda_availability_zones: u8,
    /// Days, at the most, after which a lifecycle rule must expire objects; `None` asks for no expiration.
    pub lifecycle_expiration_days: Option<u16>,
    /// Days, at the least, for which Object Lock must keep new objects; `None` asks for no default retention.
    pub object_lock_retention_days: Option<u16>,
}

/// The prefix of an IPv4 range as large as what any of the first networks had.
const fn eight() -> u8 {
    8
}

const fn sixteen() -> u8 {
    16
}

/// How a rule is tuned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSetting {
    /// Whether it is evaluated.
    pub enabled: bool,
    /// The severity of its violations; `None` for the one it was written with.
    pub severity: Option<Severity>,
}

/// A violation that somebody answers for, for a time. It is still found and reported.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyException {
    /// The rule's id.
    pub rule: String,
    /// A pattern for the resource's ARN, in which `*` stands for any text and `?` for any character.
    pub resource: String,
    /// Why it is accepted.
    pub reason: String,
    /// Who accepts it.
    pub approver: String,
    /// The last day, in UTC, on which it holds.
    pub expires: Date,
}

impl PolicyException {
    /// Whether it has ceased to hold on this day.
    pub fn has_expired(&self, today: Date) -> bool {
        today > self.expires
    }
}
