//! What the audit policy lets people tune in a rule.

/// A member of the policy's `[parameters]` that a rule compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in `audit-policy.toml`.
    pub name: &'static str,
    /// What it is for.
    pub meaning: &'static str,
}

pub(crate) const REQUIRED_TAGS: Parameter =
    Parameter { name: "required_tags", meaning: "Tag keys that a resource must carry with a value." };
pub(crate) const RESOURCE_TAGGING_KEYS: Parameter = Parameter {
    name: "resource_tagging_keys",
    meaning: "Tag keys that a resource must carry under the AWS Resource Tagging Standard; without any, one key of \
        whatever name will do.",
};
pub(crate) const TRUSTED_ACCOUNTS: Parameter =
    Parameter { name: "trusted_accounts", meaning: "Accounts that are trusted like the audited one." };
pub(crate) const TRUSTED_ORGANIZATIONS: Parameter = Parameter {
    name: "trusted_organizations",
    meaning: "Organizations of AWS Organizations whose accounts are trusted; without any, those that a policy names are \
        not decided about.",
};
pub(crate) const TRUSTED_LAYER_ACCOUNTS: Parameter = Parameter {
    name: "trusted_layer_accounts",
    meaning: "Accounts that may publish layers for the audited account's Lambda functions.",
};
pub(crate) const TRUSTED_CIDRS: Parameter = Parameter {
    name: "trusted_cidrs",
    meaning: "Address ranges whose owners are known: they do not belong to the internet.",
};
pub(crate) const INTERNET_IPV4_PREFIX: Parameter = Parameter {
    name: "internet_ipv4_prefix",
    meaning: "What lets in more public IPv4 addresses than a range with a prefix of this length is open to the internet.",
};
pub(crate) const INTERNET_IPV6_PREFIX: Parameter = Parameter {
    name: "internet_ipv6_prefix",
    meaning: "What lets in more public IPv6 addresses than a range with a prefix of this length is open to the internet.",
};
pub(crate) const HIGH_RISK_PORTS: Parameter =
    Parameter { name: "high_risk_ports", meaning: "TCP ports that must never be open to the internet." };
pub(crate) const AUTHORIZED_TCP_PORTS: Parameter =
    Parameter { name: "authorized_tcp_ports", meaning: "TCP ports that may be open to the internet." };
pub(crate) const AUTHORIZED_UDP_PORTS: Parameter =
    Parameter { name: "authorized_udp_ports", meaning: "UDP ports that may be open to the internet." };
pub(crate) const SUPPORTED_RUNTIMES: Parameter =
    Parameter { name: "supported_runtimes", meaning: "Identifiers of the Lambda runtimes that are supported." };
pub(crate) const LAMBDA_AVAILABILITY_ZONES: Parameter = Parameter {
    name: "lambda_availability_zones",
    meaning: "How many Availability Zones a function's subnets must lie in.",
};
pub(crate) const LIFECYCLE_EXPIRATION_DAYS: Parameter = Parameter {
    name: "lifecycle_expiration_days",
    meaning: "Days, at the most, after which a lifecycle rule must expire objects; without it, any active rule will do.",
};
pub(crate) const OBJECT_LOCK_RETENTION_DAYS: Parameter = Parameter {
    name: "object_lock_retention_days",
    meaning: "Days, at the least, for which Object Lock must keep new objects; without it, no default retention is \
        asked for.",
};
