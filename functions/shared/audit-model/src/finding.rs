//! One rule's verdict on one resource, as reports carry it. What is the rule's own stands in [`crate::rules`].

mod by_resource;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Serialize};

use crate::reading::Unreadable;
use crate::{Service, Tags};

pub use by_resource::{ResourceFindings, ResourceTags};

/// The version of the finding's form; it rises when a field changes its meaning or goes.
pub const SCHEMA_VERSION: &str = "3.0";

/// One rule's verdict on one resource.
///
/// - A *violation* is a finding with the verdict `NON_COMPLIANT`.
/// - An *open violation* is a violation that no exception covers: see [`Finding::is_open`].
/// - A *known violation* was seen as a violation, excepted or not, and since then neither mended nor gone; whether it could
///   be looked at again or not. Its `first_seen` tells since when: see [`Finding::known_since`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The service the rule belongs to.
    pub service: Service,
    /// The rule's id. What the rule demands, why, and what to do: [`crate::Rules`].
    pub rule_id: Cow<'static, str>,
    /// The rule's severity under the scan's policy.
    pub severity: Severity,
    /// The verdict.
    pub status: Status,
    /// What was judged; the findings about one resource share it.
    #[serde(with = "shared")]
    pub resource: Arc<ResourceRef>,
    /// What was observed. A finding that was carried over keeps what was observed last.
    pub evidence: Evidence,
    /// What could not be read; empty unless the status is `INSUFFICIENT_DATA`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Unreadable>,
    /// When the verdict was reached, which may be that nobody could look.
    pub evaluated_at: Timestamp,
    /// When the known violation was first seen; set by the aggregation. A verdict of `INSUFFICIENT_DATA` on what was a
    /// violation keeps it: nobody has seen the violation mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Timestamp>,
    /// When a known violation that this scan could not look at was last seen to be one; set by the aggregation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// What has changed since the scan before; set by the aggregation on open and on known violations, where there is a scan
    /// to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The exception that somebody answers for; set by the aggregation on known violations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<ExceptionMark>,
}

impl Finding {
    /// The order of findings in every file: service, resource, rule. Two findings of one scan never share it.
    pub fn sort_key(&self) -> (Service, &str, &str) {
        (self.service, &self.resource.arn, &self.rule_id)
    }

    /// Whether it is an open violation: one that no exception covers.
    pub fn is_open(&self) -> bool {
        self.status == Status::NonCompliant && self.exception.is_none()
    }

    /// Since when it is a known violation; `None` when it is none. A violation of a version of this system that kept no
    /// `first_seen` is known since it was evaluated.
    pub fn known_since(&self) -> Option<Timestamp> {
        match self.status {
            Status::NonCompliant => self.first_seen.or(Some(self.evaluated_at)),
            Status::InsufficientData => self.first_seen,
            Status::Compliant | Status::NotApplicable => None,
        }
    }

    /// When the known violation was last seen to be one; `None` when it is none. Where an earlier version of this system did
    /// not keep that, it is when it was first seen.
    pub fn known_until(&self) -> Option<Timestamp> {
        match self.status {
            Status::NonCompliant => Some(self.evaluated_at),
            Status::InsufficientData => self.last_seen.or(self.first_seen),
            Status::Compliant | Status::NotApplicable => None,
        }
    }
}

/// What has changed about a violation since the scan before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Change {
    /// An open violation that was not known.
    New,
    /// An open violation of a rule that the scan before did not evaluate: since when it is there nobody knows.
    FirstEvaluated,
    /// An open violation that was known.
    StillOpen,
    /// A known violation that was seen mended.
    Resolved,
    /// A known violation that this scan could not look at.
    NotLookedAt,
    /// A known violation of a rule that this scan did not evaluate by decision: it is switched off, or in the catalogue no
    /// more.
    NotEvaluated,
}

impl Change {
    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::FirstEvaluated => "FIRST_EVALUATED",
            Self::StillOpen => "STILL_OPEN",
            Self::Resolved => "RESOLVED",
            Self::NotLookedAt => "NOT_LOOKED_AT",
            Self::NotEvaluated => "NOT_EVALUATED",
        }
    }
}

/// A known violation that a scan saw mended, or whose resource it saw gone: a line of `resolved.jsonl.zst`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedViolation {
    /// The service the rule belongs to.
    pub service: Service,
    /// The rule's id.
    pub rule_id: String,
    /// The rule's severity under the scan's policy.
    pub severity: Severity,
    /// What was wrong.
    #[serde(with = "shared")]
    pub resource: Arc<ResourceRef>,
    /// What was observed when it was last seen to be wrong.
    pub observed: String,
    /// When the violation was first seen; `None` where nobody kept it.
    pub first_seen: Option<Timestamp>,
    /// When it was last seen.
    pub last_seen: Option<Timestamp>,
    /// When it was seen resolved.
    pub resolved_at: Timestamp,
    /// How.
    pub resolution: Resolution,
    /// The exception that covered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<ExceptionMark>,
}

impl ResolvedViolation {
    /// What has become of `known`, whose rule has this severity by now.
    pub fn new(known: &Finding, severity: Severity, resolution: Resolution, resolved_at: Timestamp) -> Self {
        Self {
            service: known.service,
            rule_id: known.rule_id.to_string(),
            severity,
            resource: Arc::clone(&known.resource),
            observed: known.evidence.observed.to_string(),
            first_seen: known.known_since().map(to_the_second),
            last_seen: known.known_until().map(to_the_second),
            resolved_at: to_the_second(resolved_at),
            resolution,
            exception: known.exception.clone(),
        }
    }
}

/// How a violation was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Resolution {
    /// The rule has nothing against the resource any more.
    Mended,
    /// The resource is there no more.
    Gone,
}

impl Resolution {
    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mended => "MENDED",
            Self::Gone => "GONE",
        }
    }
}

/// The time without the part of a second, as reports show it: spreadsheets take no more for a time.
pub fn to_the_second(time: Timestamp) -> Timestamp {
    time.round(TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor)).unwrap_or(time)
}

/// AWS Config's words for a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The resource is as the rule demands.
    Compliant,
    /// It is not.
    NonCompliant,
    /// The rule has nothing to say about this resource.
    NotApplicable,
    /// A reading that the rule needs failed.
    InsufficientData,
}

impl Status {
    /// Every status, in the order of the reports.
    pub const ALL: [Self; 4] = [Self::Compliant, Self::NonCompliant, Self::NotApplicable, Self::InsufficientData];

    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compliant => "COMPLIANT",
            Self::NonCompliant => "NON_COMPLIANT",
            Self::NotApplicable => "NOT_APPLICABLE",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How bad a violation is; ordered from low to critical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// To be mended in the ordinary course of work.
    Low,
    /// To be mended soon.
    Medium,
    /// To be mended first.
    High,
    /// To be mended now.
    Critical,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The resource that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRef {
    /// Amazon Resource Name.
    pub arn: String,
    /// CloudFormation's name of the type, for instance `AWS::S3::Bucket`.
    #[serde(rename = "type")]
    pub resource_type: Cow<'static, str>,
    /// Name, or id without one.
    pub name: String,
    /// Region.
    pub region: String,
    /// The 12 digits of the account.
    pub account: String,
    /// Tags; `None` when they were not read. They are written once a resource: see [`ResourceFindings`].
    #[serde(skip_serializing)]
    pub tags: Option<Tags>,
}

/// A resource of which several findings tell.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::ResourceRef;

    pub(super) fn serialize<S: Serializer>(resource: &Arc<ResourceRef>, serializer: S) -> Result<S::Ok, S::Error> {
        ResourceRef::serialize(resource, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<ResourceRef>, D::Error> {
        ResourceRef::deserialize(deserializer).map(Arc::new)
    }
}

/// That a violation is accepted, by whom, why, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionMark {
    /// Why it is accepted.
    pub reason: String,
    /// Who accepts it.
    pub approver: String,
    /// The last day, in UTC, on which it is.
    pub expires: Date,
}

/// What was seen; what the rule wants to see beside it is the rule's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What was observed; never a secret.
    pub observed: Cow<'static, str>,
}
