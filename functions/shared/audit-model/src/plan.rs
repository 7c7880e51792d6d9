//! What one scan sets out to do, and why. It is kept in the reports bucket as evidence.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::resource::{AccessPoint, Audited, Bucket, DirectoryBucket, Function, S3Account, Vpc};
use crate::{NamedResource, Policy, Reading};

/// The plan of one scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The scan's id: start time and a few digits of the execution's digest, sortable by time.
    pub scan_id: String,
    /// Who asked.
    pub trigger: Trigger,
    /// The 12 digits of the audited account.
    pub account: String,
    /// The audited region.
    pub region: String,
    /// The services to scan, in catalogue order, without repeats.
    pub services: Vec<Service>,
    /// The only resources that are looked at, by ARN and without repeats; none in a scan of all that the services have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<NamedResource>,
    /// What remediation may do in this scan.
    pub remediation: RemediationMode,
    /// Whether a person said so: the request named the mode itself. The schedule never does.
    pub remediation_requested: bool,
    /// Buckets that remediation may change although an earlier change of them was taken back, or set back again and again,
    /// by name.
    pub reapply: Vec<String>,
    /// The changes for which the resources are looked at; none where somebody asked, or the clock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<AccountChange>,
    /// The audit policy in force, all of it.
    pub policy: Policy,
    /// Settings that the deployment was made without, by name. Rules that need one of them are off in the policy, whatever its
    /// file says.
    #[serde(default)]
    pub missing_settings: Vec<String>,
    /// When the execution started.
    pub started_at: Timestamp,
    /// ARN of the execution; the id of the run where the command made the scan.
    pub execution_arn: String,
}

impl Plan {
    /// Whether a deployment made the scan: then there is an execution to look at, and a manifest seals what it leaves.
    pub fn is_of_deployment(&self) -> bool {
        self.trigger.kind != TriggerKind::Command
    }

    /// Whether the scan looks at named resources only. What it finds says nothing of the account's others.
    pub fn is_scoped(&self) -> bool {
        !self.resources.is_empty()
    }

    /// Whether the scan covers all of every service, so that its figures compare with other such scans.
    pub fn covers_all_services(&self) -> bool {
        !self.is_scoped() && Service::ALL.iter().all(|service| self.services.contains(service))
    }
}

/// Who or what asked for a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trigger {
    /// The way in.
    pub kind: TriggerKind,
    /// Id of the EventBridge event; `None` for a console execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Who asked, in their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// Why, in their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl fmt::Display for Trigger {
    /// Who asked and why, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TriggerKind::Schedule => "the schedule",
            TriggerKind::Change => "changes of the account",
            TriggerKind::Event => "a custom event",
            TriggerKind::Execution => "an execution started by hand",
            TriggerKind::Command => "the command compliance-audit",
        })?;
        if let Some(who) = &self.requested_by {
            write!(f, ", requested by {who}")?;
        }
        if let Some(why) = &self.reason {
            write!(f, ", because: {why}")?;
        }
        Ok(())
    }
}

/// The ways in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TriggerKind {
    /// The scheduled EventBridge rule.
    Schedule,
    /// A custom EventBridge event.
    Event,
    /// An execution started by hand, in the console or through the API.
    Execution,
    /// Calls that changed something of the account.
    Change,
    /// The command, which no deployment stands behind.
    Command,
}

/// A call that changed something of the account, which is looked at because of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountChange {
    /// CloudTrail's id of the event.
    pub event_id: String,
    /// The call, as CloudTrail names it.
    pub event_name: String,
    /// When the call was made.
    pub event_time: Timestamp,
    /// Who made it: the principal's ARN, or what CloudTrail knows instead.
    pub principal: String,
    /// The address that it came from, or the service.
    pub source_address: String,
    /// What it changed: ARNs of resources, and names of services of which everything is looked at.
    pub resources: Vec<String>,
}

/// The audited services, in catalogue order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Amazon S3: the account's settings, buckets of both kinds and access points.
    S3,
    /// Amazon VPC: the account's settings in the region, VPCs and what hangs on them, endpoint services, peering.
    Vpc,
    /// AWS Lambda functions.
    Lambda,
}

impl Service {
    /// Every service, in catalogue order.
    pub const ALL: [Self; 3] = [Self::S3, Self::Vpc, Self::Lambda];

    /// The name in requests, payloads and object keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Vpc => "vpc",
            Self::Lambda => "lambda",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What remediation may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemediationMode {
    /// Repair.
    Apply,
    /// Decide and record, write nothing to the account.
    DryRun,
    /// Do not even look.
    Off,
}

impl RemediationMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Apply, Self::DryRun, Self::Off];

    /// The name in requests, the policy and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::DryRun => "dry-run",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for RemediationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One shard of a service's resources: what a scanner reads in one invocation. Resources are in the order of their
/// kinds and ids, within a shard and from shard to shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shard {
    /// The service.
    pub service: Service,
    /// Its number, from 1.
    pub number: u32,
    /// The resources to read.
    pub targets: Vec<Target>,
    /// The published versions of the shard's functions; `None` in a shard of other resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<Reading<Versions>>,
}

/// The numbers of published versions by the name of their function, which may have none. The latest comes first.
pub type Versions = BTreeMap<String, Vec<String>>;

/// One resource to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// Bucket, access point or function name, VPC id, or the account's 12 digits.
    pub id: String,
    /// The resource's region; `None` when the listing did not tell.
    pub region: Option<String>,
    /// The 12 digits of the account that shares it with the audited one; `None` for a resource of the audited account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The ARNs of what hangs on it and is all that is reported of it; none when everything is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
}

/// The kinds of resources that are listed. What belongs to one of them is read with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// The account itself: what a service has outside of any other resource.
    Account,
    /// An S3 general purpose bucket.
    Bucket,
    /// An S3 access point.
    AccessPoint,
    /// An S3 directory bucket.
    DirectoryBucket,
    /// A VPC.
    Vpc,
    /// A Lambda function.
    Function,
}

impl TargetKind {
    /// CloudFormation's name of the type.
    pub const fn resource_type(self) -> &'static str {
        match self {
            Self::Account => S3Account::TYPE,
            Self::Bucket => Bucket::TYPE,
            Self::AccessPoint => AccessPoint::TYPE,
            Self::DirectoryBucket => DirectoryBucket::TYPE,
            Self::Vpc => Vpc::TYPE,
            Self::Function => Function::TYPE,
        }
    }
}

/// Written once, by the listing that was the first to end, after all of its shards: without it the service does not
/// count as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inventory {
    /// The service.
    pub service: Service,
    /// The id of the listing that wrote it. Its shards lie under this id, and no other listing's count.
    pub listing: String,
    /// How many resources were listed.
    pub resources: u64,
    /// How many resources each shard holds, shard 1 first.
    pub shards: Vec<u64>,
    /// The types of which nothing is known, for AWS did not list them; none of their resources is in a shard.
    pub unlisted: Vec<Unlisted>,
    /// When the listing ended.
    pub listed_at: Timestamp,
}

/// A type of resources that could not be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unlisted {
    /// CloudFormation's name of the type, for instance `AWS::S3::AccessPoint`.
    pub resource_type: String,
    /// Why, in words.
    pub reason: String,
}

/// Written by a scanner after a shard's findings: without it the shard does not count as scanned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShardReceipt {
    /// The service.
    pub service: Service,
    /// The listing that the shard is of. A receipt of another listing than the inventory's is none.
    pub listing: String,
    /// The shard's number.
    pub shard: u32,
    /// How many of the shard's resources were evaluated.
    pub resources: u64,
    /// Resources that had gone between the listing and the reading; nothing is reported of them.
    pub gone: u64,
    /// Resources of other accounts that were listed: what is shared with the audited account, and what others have in what is
    /// its own. They are not judged.
    #[serde(default)]
    pub of_others: u64,
    /// How many findings were written.
    pub findings: u64,
    /// The ARN of the resource that the first of them is about; `None` when there are none. Until it is its turn nobody has to
    /// open them.
    pub first: Option<String>,
    /// What hangs on the shard's resources and could not be listed.
    pub hidden: Vec<Hidden>,
}

/// Resources of one type that could not be listed. A rule on security groups whose list could not be read says so once, on the
/// VPC: how many groups that hides, and what is wrong with them, nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hidden {
    /// CloudFormation's name of the type.
    pub resource_type: String,
    /// How many resources could not tell what hangs on them.
    pub parents: u64,
    /// What the first of them could not be asked.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_is_told_in_words() {
        let trigger = |kind, who: Option<&str>, why: Option<&str>| Trigger {
            kind,
            event_id: None,
            requested_by: who.map(str::to_owned),
            reason: why.map(str::to_owned),
        };
        let told = trigger(TriggerKind::Event, Some("security"), Some("an audit")).to_string();
        assert_eq!(told, "a custom event, requested by security, because: an audit");
        assert_eq!(trigger(TriggerKind::Schedule, None, None).to_string(), "the schedule");
        assert_eq!(trigger(TriggerKind::Execution, None, None).to_string(), "an execution started by hand");
        assert_eq!(trigger(TriggerKind::Command, None, None).to_string(), "the command compliance-audit");
    }
}
