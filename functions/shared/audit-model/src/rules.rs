//! What findings do not say themselves, because it is their rule's.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Service, Severity};

/// The rules in force for one scan, by id: the object `rules.json`. It is evidence, and a later version of the catalogue does
/// not rewrite it.
pub type Rules = BTreeMap<String, RuleInForce>;

/// A rule as it was in force for a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleInForce {
    /// The service the rule belongs to.
    pub service: Service,
    /// The demand in a few words.
    pub title: Cow<'static, str>,
    /// The severity of its violations under the scan's policy.
    pub severity: Severity,
    /// Whether the scan evaluated it; known violations of a rule that it did not are carried.
    pub enabled: bool,
    /// CloudFormation's name of the type of resource that it judges.
    pub resource_type: Cow<'static, str>,
    /// Why it matters.
    pub rationale: Cow<'static, str>,
    /// What a compliant resource looks like.
    pub expected: Cow<'static, str>,
    /// What to do about a violation.
    pub remediation: Guidance,
    /// The controls it answers to.
    pub references: Vec<FrameworkReference>,
}

/// What to do about a violation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Guidance {
    /// In words.
    pub text: Cow<'static, str>,
    /// In the AWS Management Console.
    pub console: Cow<'static, str>,
    /// With the AWS CLI: one command or more, with placeholders in capitals.
    pub cli: Cow<'static, str>,
    /// AWS's documentation page.
    pub url: Cow<'static, str>,
}

/// A control of a framework.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrameworkReference {
    /// The framework's name and version, for instance `CIS AWS Foundations 5.0`.
    pub framework: Cow<'static, str>,
    /// The control's id there.
    pub control: Cow<'static, str>,
}
