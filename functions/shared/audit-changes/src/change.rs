//! What an event says: who changed what, when and from where.

use std::collections::BTreeSet;

use audit_model::Service;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::{Call, LISTED, Reach, Source};
use crate::calls::call;
use crate::named::{Home, Named, is_account};
use crate::principal::Principal;

/// The field of an event that was cut down in which everything that its call names stands, words with spaces between.
pub(crate) const NAMED: &str = "named";

/// A change of the account's resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// `CloudTrail`'s id of the event.
    pub event_id: String,
    /// The call, as `CloudTrail` names it.
    pub event_name: String,
    /// When the call was made.
    pub event_time: Timestamp,
    /// Who made it: the principal's ARN, or the service or whatever else `CloudTrail` knows.
    pub principal: String,
    /// The address that it came from, or the service.
    pub source_address: String,
    /// What has to be looked at.
    pub resources: Vec<Changed>,
    /// The ARNs of what is no more.
    pub deleted: Vec<String>,
}

/// What has to be looked at after a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Changed {
    /// The resource with this ARN.
    Resource(String),
    /// What the service has of its own in the account, outside of any other resource.
    Account(Service),
    /// Every resource of the service.
    Service(Service),
}

/// The roles of this deployment whose calls are not looked at: they do what the auditor decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ourselves {
    roles: BTreeSet<String>,
}

impl Ourselves {
    /// The functions that change something in the account, by their names without the rest.
    pub(crate) const FUNCTIONS: [&str; 4] =
        ["remediate-s3-encryption", "rollback-s3-encryption", "empty-bucket", "close-default-security-group"];

    /// The roles of a deployment, for instance `dev-pr42`, by their whole names. What a name begins or ends with would not
    /// do: anybody who may make a role could give it such a name, and then change what they like unseen.
    pub fn of(system: &str) -> Self {
        Self { roles: Self::FUNCTIONS.iter().map(|function| format!("{function}-role-{system}")).collect() }
    }

    fn made(&self, principal: Principal<'_>, account: &str) -> bool {
        principal.account() == Some(account) && principal.role().is_some_and(|role| self.roles.contains(role))
    }
}

/// An event that tells of a call, and not what it changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the event {} is not understood: {reason}. What it changed is seen by the next scan of everything; look at the event in \
     CloudTrail by its id", .event_id.as_deref().unwrap_or("without an id")
)]
pub struct NotUnderstood {
    /// The event's id, where it has one.
    pub event_id: Option<String>,
    /// The service that was called, where that is clear.
    pub service: Option<Service>,
    /// What is missing or wrong; nothing of the resource's content.
    pub reason: String,
}

/// Reads an event of `EventBridge` with a call that `CloudTrail` recorded, whole or cut down by a rule's transformer.
/// `None` for a call that changed nothing of the account's that is audited: one that failed, one by [`Ourselves`], one on
/// what no finding is about.
///
/// # Errors
/// The event has no id or time, or its call is none that the rules deliver, or does not name what it is about.
pub fn read(event: &Value, ourselves: &Ourselves) -> Result<Option<Change>, NotUnderstood> {
    let detail = &event["detail"];
    let id = text(&detail["eventID"]);
    let source = Source::ALL.into_iter().find(|it| text(&detail["eventSource"]) == Some(it.as_str()));
    let fault = |reason: String| NotUnderstood {
        event_id: id.map(str::to_owned),
        service: source.map(Source::service),
        reason,
    };
    let needed = |name: &str| {
        text(&detail[name]).ok_or_else(|| fault(format!("it lacks detail.{name}, which CloudTrail always writes")))
    };
    let event_id = needed("eventID")?;
    let called = needed("eventName")?;
    if text(&detail["errorCode"]).is_some() {
        return Ok(None);
    }
    let listed = source.and_then(|source| call(source, called));
    let call = listed.ok_or_else(|| {
        let source = text(&detail["eventSource"]).unwrap_or("a service without a name");
        fault(format!("{} of {} is no call that the table has", excerpt(called), excerpt(source)))
    })?;
    let account = text(&event["account"]).filter(|it| is_account(it));
    let account = account.ok_or_else(|| fault("account is not the 12 digits of one".into()))?;
    let home = Home { account, region: needed("awsRegion")? };
    let event_time = needed("eventTime")?;
    let event_time: Timestamp =
        event_time.parse().map_err(|_| fault(format!("detail.eventTime is {}, no time stamp", excerpt(event_time))))?;
    let principal = Principal::of(detail);
    if ourselves.made(principal, account) || is_of_another(detail, account) {
        return Ok(None);
    }
    let unnamed = || {
        let places = call.paths().join(", ");
        fault(format!("{} names nothing of the kind that it is about in any of {places}", call.name))
    };
    let Some((resources, deleted)) = reached(call, home.named(call, &texts(event, call))).ok_or_else(unnamed)? else {
        return Ok(None);
    };
    Ok(Some(Change {
        event_id: event_id.to_owned(),
        event_name: called.to_owned(),
        event_time,
        principal: principal.name().unwrap_or_else(|| "nobody that CloudTrail names".into()),
        source_address: text(&detail["sourceIPAddress"])
            .unwrap_or("an address that CloudTrail does not tell")
            .to_owned(),
        resources,
        deleted,
    }))
}

/// What has to be looked at, and what is no more; `Some(None)` when nothing has, `None` when nobody can tell.
#[expect(clippy::option_option, reason = "it is one step of `read`, which tells the two apart at once")]
fn reached(call: &Call, named: Named) -> Option<Option<(Vec<Changed>, Vec<String>)>> {
    let service = call.source.service();
    let all = || vec![Changed::Service(service)];
    match call.reach {
        Reach::Account => return Some(Some((vec![Changed::Account(service)], Vec::new()))),
        Reach::Service => return Some(Some((all(), Vec::new()))),
        Reach::Named | Reach::Deleted | Reach::DeletedFromUnnamed => {}
    }
    let arns = match named {
        Named::Resources(arns) => arns,
        Named::PartOf(arn) => return Some(Some((vec![Changed::Resource(arn)], Vec::new()))),
        Named::Others => return Some(None),
        Named::Nothing => return None,
    };
    // Who names more than are told apart may name still more than were delivered.
    let more = arns.len() > LISTED;
    Some(Some(match call.reach {
        Reach::Deleted if more => (all(), arns),
        Reach::Deleted => (Vec::new(), arns),
        Reach::DeletedFromUnnamed => (all(), arns),
        _ if more => (all(), Vec::new()),
        _ => (arns.into_iter().map(Changed::Resource).collect(), Vec::new()),
    }))
}

/// Whoever calls across accounts has the event in both. S3 names the owner beside the bucket, whose name does not tell.
fn is_of_another(detail: &Value, account: &str) -> bool {
    let owner = text(&detail["owner"]).or_else(|| text(&detail["resources"][0]["accountId"]));
    owner.is_some_and(|owner| is_account(owner) && owner != account)
}

/// What stands at the call's places, in their order.
fn texts<'a>(event: &'a Value, call: &Call) -> Vec<&'a str> {
    match text(&event["detail"][NAMED]) {
        Some(named) => vec![named],
        None => call.paths().iter().filter_map(|path| text(at(event, path)?)).collect(),
    }
}

/// What stands at a path of names and indices.
pub(crate) fn at<'a>(event: &'a Value, path: &str) -> Option<&'a Value> {
    path.split(['.', '[']).try_fold(event, |value, step| match step.strip_suffix(']') {
        Some(index) => value.get(index.parse::<usize>().ok()?),
        None => value.get(step),
    })
}

/// A text that says something: a transformer leaves an empty one where the event has nothing.
pub(crate) fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|it| !it.is_empty())
}

/// A piece of a text that is nobody's secret, short enough for a log.
fn excerpt(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}
