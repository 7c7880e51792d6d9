//! Who made a call.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>

use serde_json::Value;

use crate::change::text;

/// What `userIdentity` says, whole or cut down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Principal<'a> {
    identity: &'a Value,
}

impl<'a> Principal<'a> {
    /// The identity of the event's detail.
    pub(crate) fn of(detail: &'a Value) -> Self {
        Self { identity: &detail["userIdentity"] }
    }

    /// The name of the role under which the call was made.
    pub(crate) fn role(self) -> Option<&'a str> {
        let issuer = &self.identity["sessionContext"]["sessionIssuer"];
        text(&issuer["userName"])
            .or_else(|| text(&self.identity["arn"])?.split_once(":assumed-role/")?.1.split('/').next())
    }

    /// The account that it belongs to.
    pub(crate) fn account(self) -> Option<&'a str> {
        text(&self.identity["accountId"])
    }

    /// The ARN, or what says it in its place.
    pub(crate) fn name(self) -> Option<String> {
        if let Some(arn) = text(&self.identity["arn"]) {
            return Some(arn.to_owned());
        }
        let kind = text(&self.identity["type"]);
        let id = text(&self.identity["principalId"]);
        let made = match (kind, self.account()) {
            (Some("AssumedRole"), Some(account)) => self.role().map(|role| {
                let session = id.and_then(|id| id.split_once(':')).map_or("", |(_, session)| session);
                format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
            }),
            (Some("IAMUser"), Some(account)) => {
                text(&self.identity["userName"]).map(|user| format!("arn:aws:iam::{account}:user/{user}"))
            }
            (Some("Root"), Some(account)) => Some(format!("arn:aws:iam::{account}:root")),
            _ => None,
        };
        made.or_else(|| text(&self.identity["invokedBy"]).map(str::to_owned)).or_else(|| {
            let words: Vec<&str> = [kind, id, self.account()].into_iter().flatten().collect();
            (!words.is_empty()).then(|| words.join(" "))
        })
    }
}
