//! The form in which machines keep findings: a line a resource, with its tags and what the rules say about it.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Change, Evidence, ExceptionMark, Finding, ResourceRef, Severity, Status};
use crate::reading::Unreadable;
use crate::{Service, Tags};

/// All findings about one resource, of which there is at least one. Written, the resource and its tags stand once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceFindings<'a>(pub Cow<'a, [Finding]>);

impl Serialize for ResourceFindings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<'a> {
            resource: &'a ResourceRef,
            tags: &'a Option<Tags>,
            findings: Vec<Beside<&'a Finding>>,
        }
        let Some(first) = self.0.first() else {
            return Err(serde::ser::Error::custom("there is no finding about the resource"));
        };
        let findings = self.0.iter().map(Beside).collect();
        Line { resource: &first.resource, tags: &first.resource.tags, findings }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ResourceFindings<'static> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Line {
            resource: ResourceRef,
            tags: Option<Tags>,
            findings: Vec<Beside<Finding>>,
        }
        let Line { resource, tags, findings } = Line::deserialize(deserializer)?;
        if findings.is_empty() {
            return Err(D::Error::custom("there is no finding about the resource"));
        }
        let resource = Arc::new(ResourceRef { tags, ..resource });
        let of_it = |Beside(finding)| Finding { resource: Arc::clone(&resource), ..finding };
        Ok(Self(findings.into_iter().map(of_it).collect()))
    }
}

/// Of a [`ResourceFindings`] only whose tags are which; what the rules say is skipped.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ResourceTags {
    resource: Named,
    /// The tags; `None` when they were not read.
    pub tags: Option<Tags>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Named {
    arn: String,
}

impl ResourceTags {
    /// The resource's ARN.
    pub fn arn(&self) -> &str {
        &self.resource.arn
    }
}

/// A finding without its resource, beside which it stands.
struct Beside<F>(F);

impl Serialize for Beside<&Finding> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        OwnFields::serialize(self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Beside<Finding> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OwnFields::deserialize(deserializer).map(Self)
    }
}

/// [`Finding`]'s fields but for the resource. The compiler holds them to be the same.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Finding", rename_all = "camelCase")]
struct OwnFields {
    service: Service,
    rule_id: Cow<'static, str>,
    severity: Severity,
    status: Status,
    #[serde(skip, default = "not_yet")]
    resource: Arc<ResourceRef>,
    evidence: Evidence,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing: Vec<Unreadable>,
    evaluated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_seen: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_seen: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<Change>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exception: Option<ExceptionMark>,
}

/// Stands in until the line is read to its end.
fn not_yet() -> Arc<ResourceRef> {
    static NOT_YET: LazyLock<Arc<ResourceRef>> = LazyLock::new(|| {
        Arc::new(ResourceRef {
            arn: String::new(),
            resource_type: Cow::Borrowed(""),
            name: String::new(),
            region: String::new(),
            account: String::new(),
            tags: None,
        })
    });
    Arc::clone(&NOT_YET)
}
