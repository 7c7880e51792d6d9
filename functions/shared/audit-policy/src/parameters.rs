//! `[parameters]`: what the rules compare with.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

use audit_model::policy::Parameters;
use audit_rules::flaw_of_trusted_range;
use serde::Deserialize;
use toml::Spanned;

use crate::mistake::Mistake;

/// Limits of S3: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging-managing.html>
const TAG_KEY_LENGTH: usize = 128;
const TAG_VALUE_LENGTH: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParameterTable {
    required_tags: Vec<Spanned<String>>,
    #[serde(default)]
    resource_tagging_keys: Vec<Spanned<String>>,
    trusted_accounts: Vec<Spanned<String>>,
    #[serde(default)]
    trusted_organizations: Vec<Spanned<String>>,
    trusted_layer_accounts: Vec<Spanned<String>>,
    #[serde(default)]
    trusted_cidrs: Vec<Spanned<String>>,
    internet_ipv4_prefix: Option<Spanned<u8>>,
    internet_ipv6_prefix: Option<Spanned<u8>>,
    high_risk_ports: Vec<Spanned<u16>>,
    authorized_tcp_ports: Vec<Spanned<u16>>,
    authorized_udp_ports: Vec<Spanned<u16>>,
    supported_runtimes: Vec<Spanned<String>>,
    lambda_availability_zones: Spanned<u8>,
    lifecycle_expiration_days: Option<Spanned<u16>>,
    object_lock_retention_days: Option<Spanned<u16>>,
}

pub(crate) fn parameters(table: ParameterTable) -> Result<Parameters, Mistake> {
    for port in &table.high_risk_ports {
        if table.authorized_tcp_ports.iter().any(|authorized| authorized.get_ref() == port.get_ref()) {
            let what =
                format!("port {} is of high risk and an authorized TCP port; it can be one of the two", port.get_ref());
            return Err(Mistake::of(port, what));
        }
    }
    Ok(Parameters {
        required_tags: distinct(table.required_tags, "required tag", tag_key)?,
        resource_tagging_keys: distinct(table.resource_tagging_keys, "resource tagging key", tag_key)?,
        trusted_accounts: distinct(table.trusted_accounts, "trusted account", account)?,
        trusted_organizations: distinct(table.trusted_organizations, "trusted organization", organization)?,
        trusted_layer_accounts: distinct(table.trusted_layer_accounts, "trusted layer account", account)?,
        trusted_cidrs: distinct(table.trusted_cidrs, "trusted range", range)?,
        internet_ipv4_prefix: prefix(table.internet_ipv4_prefix, 8, 1..=32)?,
        internet_ipv6_prefix: prefix(table.internet_ipv6_prefix, 16, 4..=128)?,
        high_risk_ports: distinct(table.high_risk_ports, "high-risk port", port)?,
        authorized_tcp_ports: distinct(table.authorized_tcp_ports, "authorized TCP port", port)?,
        authorized_udp_ports: distinct(table.authorized_udp_ports, "authorized UDP port", port)?,
        supported_runtimes: distinct(table.supported_runtimes, "supported runtime", runtime)?,
        lambda_availability_zones: zones(table.lambda_availability_zones)?,
        lifecycle_expiration_days: table.lifecycle_expiration_days.map(days).transpose()?,
        object_lock_retention_days: table.object_lock_retention_days.map(days).transpose()?,
    })
}

/// The members of a list, each of which must be right and come once.
fn distinct<T: Display + Ord + Clone>(
    list: Vec<Spanned<T>>,
    what: &str,
    checked: fn(Spanned<T>) -> Result<T, Mistake>,
) -> Result<Vec<T>, Mistake> {
    let mut seen = BTreeSet::new();
    let mut members = Vec::with_capacity(list.len());
    for member in list {
        if !seen.insert(member.get_ref().clone()) {
            return Err(Mistake::of(&member, format!("the {what} {} stands twice", member.get_ref())));
        }
        members.push(checked(member)?);
    }
    Ok(members)
}

pub(crate) fn tag_key(key: Spanned<String>) -> Result<String, Mistake> {
    tag_part(key, "tag key", 1, TAG_KEY_LENGTH)
}

pub(crate) fn tag_value(value: Spanned<String>) -> Result<String, Mistake> {
    tag_part(value, "tag value", 0, TAG_VALUE_LENGTH)
}

fn tag_part(part: Spanned<String>, what: &str, least: usize, most: usize) -> Result<String, Mistake> {
    let text = part.get_ref();
    if (least..=most).contains(&text.chars().count()) && !text.starts_with("aws:") && text.trim() == text {
        return Ok(part.into_inner());
    }
    let allowed = format!("{least} to {most} characters, no blank at either end, not beginning with aws:");
    Err(Mistake::of(&part, format!("{text:?} is no {what}; allowed: {allowed}")))
}

fn account(account: Spanned<String>) -> Result<String, Mistake> {
    let id = account.get_ref();
    if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(account.into_inner());
    }
    Err(Mistake::of(&account, format!("{id:?} is no account id; allowed: 12 digits, as a text")))
}

/// The form of an id: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html>
fn organization(organization: Spanned<String>) -> Result<String, Mistake> {
    let id = organization.get_ref();
    let is_id = |rest: &str| {
        (10..=32).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if id.strip_prefix("o-").is_some_and(is_id) {
        return Ok(organization.into_inner());
    }
    let allowed = "o- and 10 to 32 lower-case letters or digits, for instance o-a1b2c3d4e5";
    Err(Mistake::of(&organization, format!("{id:?} is no id of an organization; allowed: {allowed}")))
}

fn range(range: Spanned<String>) -> Result<String, Mistake> {
    match flaw_of_trusted_range(range.get_ref()) {
        None => Ok(range.into_inner()),
        Some(flaw) => {
            let allowed = "allowed: a range in CIDR notation, /8 or narrower of IPv4, /16 or narrower of IPv6";
            Err(Mistake::of(&range, format!("{:?} is no trusted range: {flaw}; {allowed}", range.get_ref())))
        }
    }
}

/// The least is a length that the internet has more addresses than: all public ones of IPv6 lie in 2000::/3.
fn prefix(length: Option<Spanned<u8>>, default: u8, allowed: RangeInclusive<u8>) -> Result<u8, Mistake> {
    let Some(length) = length else { return Ok(default) };
    if allowed.contains(length.get_ref()) {
        return Ok(length.into_inner());
    }
    let (least, most) = (allowed.start(), allowed.end());
    Err(Mistake::of(&length, format!("{} is no length of a prefix; allowed: {least} to {most}", length.get_ref())))
}

fn port(port: Spanned<u16>) -> Result<u16, Mistake> {
    match port.get_ref() {
        0 => Err(Mistake::of(&port, "0 is no port; allowed: 1 to 65535")),
        _ => Ok(port.into_inner()),
    }
}

/// Runtime identifiers: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html>
fn runtime(runtime: Spanned<String>) -> Result<String, Mistake> {
    let id = runtime.get_ref();
    if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.') {
        return Ok(runtime.into_inner());
    }
    let allowed = "lower-case letters, digits and dots, for instance python3.13";
    Err(Mistake::of(&runtime, format!("{id:?} is no runtime identifier; allowed: {allowed}")))
}

/// The range that control Lambda.5 takes:
/// <https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html#lambda-5>
fn zones(zones: Spanned<u8>) -> Result<u8, Mistake> {
    match zones.get_ref() {
        2..=6 => Ok(zones.into_inner()),
        other => Err(Mistake::of(&zones, format!("{other} Availability Zones cannot be asked for; allowed: 2 to 6"))),
    }
}

fn days(days: Spanned<u16>) -> Result<u16, Mistake> {
    match days.get_ref() {
        0 => Err(Mistake::of(&days, "0 days cannot be asked for; allowed: 1 to 65535")),
        _ => Ok(days.into_inner()),
    }
}
