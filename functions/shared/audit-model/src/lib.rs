//! The vocabulary of the auditor: resources as they were read, findings, plans, summaries, and what the states of
//! the machine say to each other. It knows no AWS SDK, no clock and no environment.

pub mod alert;
mod cause;
pub mod console;
mod deliveries;
pub mod finding;
pub mod history;
mod named;
pub mod plan;
pub mod policy;
pub mod reading;
pub mod remediation;
pub mod resource;
pub mod rules;
pub mod summary;
pub mod task;

pub use alert::{AlertClaim, AlertReceipt, AlertState, Told};
pub use deliveries::BucketDeliveries;
pub use finding::{
    Change, Evidence, ExceptionMark, Finding, Resolution, ResolvedViolation, ResourceFindings, ResourceRef,
    ResourceTags, Severity, Status, to_the_second,
};
pub use history::{History, PastScan};
pub use named::{NAMED_FORMS, NamedKind, NamedResource, NotNamed, VpcPart};
pub use plan::{AccountChange, Plan, RemediationMode, Service, Shard, Trigger, TriggerKind};
pub use policy::{Policy, PolicyException};
pub use reading::{Reading, Unreadable, UnreadableCause};
pub use rules::{FrameworkReference, Guidance, RuleInForce, Rules};

/// Tags of a resource, by key.
pub type Tags = std::collections::BTreeMap<String, String>;
