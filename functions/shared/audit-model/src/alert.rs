//! What is kept of alerts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Finding, Service};

/// What is kept of an alert that was sent: `scans/<id>/alert.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertReceipt {
    /// SNS's id of the message.
    pub message_id: String,
    /// Its subject.
    pub subject: String,
    /// The buckets whose change it announced by name. A change that no alert has named is not announced.
    #[serde(default)]
    pub announced: Vec<String>,
}

/// What people were told last, and so know: `state/alerts.json`. Replaced only by a conditional write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertState {
    /// What they were told of each service.
    pub told: BTreeMap<Service, Told>,
    /// Who has set out last to tell again of what is known, so that two scans side by side do not both do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<AlertClaim>,
}

impl AlertState {
    /// Whether, as far as people know, there is something that they must do something about.
    pub fn is_anything_open(&self) -> bool {
        self.told.values().any(Told::is_anything_open)
    }

    /// Whether an open violation at or above the threshold is one that nobody was told of: the message of the scan that saw it
    /// first did not go out, or the rule has come up to the threshold since.
    pub fn is_untold(&self, violation: &Finding) -> bool {
        self.told.get(&violation.service).is_none_or(|told| {
            !told.rules.contains(&*violation.rule_id)
                || (violation.first_seen.is_none_or(|first_seen| first_seen > told.through)
                    && !told.since.contains(&Told::name(violation)))
        })
    }
}

/// What people were told of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The scan whose message they got last.
    pub scan_id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When its findings were put together: they know of every violation that was seen until then.
    pub through: Timestamp,
    /// The rules with violations at or above the threshold that are open or out of sight.
    pub rules: BTreeSet<String>,
    /// How many of the known violations that were out of sight the message could have named.
    pub lost_sight: u64,
    /// What was not looked at, without the reasons: see [`crate::summary::Gap::place`].
    pub gaps: BTreeSet<String>,
    /// The exceptions that had expired while what they covered was still wrong: see [`crate::summary::ExceptionUse::name`].
    pub expired: BTreeSet<String>,
    /// The violations that messages about named resources have told of since: see [`Told::name`].
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub since: BTreeSet<String>,
}

impl Told {
    /// How many violations `since` holds at the most. What has no room is told once more.
    const ROOM: usize = 5_000;

    /// What two scans call the same violation.
    pub fn name(violation: &Finding) -> String {
        format!("{} {}", violation.rule_id, violation.resource.arn)
    }

    /// Adds what people were told by a message about named resources, which says nothing of what else they know.
    pub fn add<'a>(&mut self, told: Self, news: impl Iterator<Item = &'a Finding>) {
        self.rules.extend(told.rules);
        self.gaps.extend(told.gaps);
        self.expired.extend(told.expired);
        self.lost_sight = self.lost_sight.max(told.lost_sight);
        self.since.extend(news.map(Self::name));
        while self.since.len() > Self::ROOM {
            self.since.pop_first();
        }
    }

    /// Whether there was something that they must do something about.
    pub fn is_anything_open(&self) -> bool {
        !self.rules.is_empty() || self.lost_sight > 0 || !self.gaps.is_empty() || !self.expired.is_empty()
    }
}

/// A scan that has set out to tell again of what is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertClaim {
    /// The scan.
    pub scan_id: String,
    /// When it set out.
    pub at: Timestamp,
}
