//! Trails of AWS CloudTrail: whether they record, and which events.

use serde::{Deserialize, Serialize};

use crate::Reading;

/// A trail that records in the account: one of its own, or one of its organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trail {
    /// Amazon Resource Name; it names the account and the region that the trail was made in.
    pub arn: String,
    /// Whether it records in all regions (`DescribeTrails`).
    pub is_multi_region: bool,
    /// Whether it records at present (`GetTrailStatus`); not looked at where it records in one region only.
    pub is_logging: Reading<bool>,
    /// The selectors of the events that it records (`GetEventSelectors`); not looked at where it records in one region only.
    pub selectors: Reading<Vec<EventSelector>>,
}

/// What selects events: a trail records those that one of its selectors takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventSelector {
    /// A basic selector. What it says of management events is left out.
    #[serde(rename_all = "camelCase")]
    Basic {
        /// Whether it takes events that read.
        reads: bool,
        /// Whether it takes events that write.
        writes: bool,
        /// Whose data events it takes; of no others.
        data_resources: Vec<DataResource>,
    },
    /// An advanced selector: it takes an event that every one of these lets through.
    Advanced(Vec<FieldSelector>),
}

/// The resources of one type whose data events a basic selector takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataResource {
    /// The type, for instance `AWS::S3::Object`.
    pub resource_type: String,
    /// ARNs, or what ARNs begin with.
    pub values: Vec<String>,
}

/// What an advanced selector demands of one field of an event. No operator is there without a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldSelector {
    /// The field, for instance `readOnly`.
    pub field: String,
    /// What selects, each value by itself.
    pub equals: Vec<String>,
    /// The same, of how the field begins.
    pub starts_with: Vec<String>,
    /// The same, of how it ends.
    pub ends_with: Vec<String>,
    /// What deselects, each value by itself, whatever else selects.
    pub not_equals: Vec<String>,
    /// The same, of how the field begins.
    pub not_starts_with: Vec<String>,
    /// The same, of how it ends.
    pub not_ends_with: Vec<String>,
}
