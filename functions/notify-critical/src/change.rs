//! Who changed what, where a scan looks at what was changed.

use audit_model::{AccountChange, console, to_the_second};
use jiff::Timestamp;
use serde::Serialize;

use crate::Gathered;
use crate::layout::{clipped, item, joined, paragraph};

/// Characters of a principal or an address, which others chose.
const TEXT: usize = 500;

/// A change, as programs get it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeMade<'a> {
    event_id: &'a str,
    event_name: &'a str,
    event_time: Timestamp,
    principal: String,
    source_address: String,
    resources: &'a [String],
}

impl<'a> From<&'a AccountChange> for ChangeMade<'a> {
    fn from(change: &'a AccountChange) -> Self {
        Self {
            event_id: &change.event_id,
            event_name: &change.event_name,
            event_time: change.event_time,
            principal: clipped(&change.principal, TEXT),
            source_address: clipped(&change.source_address, TEXT),
            resources: &change.resources,
        }
    }
}

/// The changes that may have opened what is new: those of its resources. A resource that hangs on another one may have been
/// opened by a change of that; so where some violation is of no changed resource, it is all changes.
pub(crate) fn to_blame<'a>(gathered: &'a Gathered<'_>) -> Vec<&'a AccountChange> {
    let changes = &gathered.record.plan.changes;
    let named = |change: &AccountChange, arn: &str| change.resources.iter().any(|name| name == arn);
    let news = &gathered.named.news;
    let all_are_named = news.iter().all(|it| changes.iter().any(|change| named(change, &it.resource.arn)));
    changes.iter().filter(|change| !all_are_named || news.iter().any(|it| named(change, &it.resource.arn))).collect()
}

/// The part of the text for people; `bounded` keeps it to the room that it has.
pub(crate) fn section(gathered: &Gathered<'_>, bounded: impl FnOnce(Vec<String>) -> String) -> String {
    let changes = to_blame(gathered);
    if changes.is_empty() {
        return String::new();
    }
    let region = &gathered.record.plan.region;
    let items = changes.iter().map(|change| {
        let AccountChange { event_id, event_name, event_time, principal, source_address, resources } = change;
        let (principal, source) = (clipped(principal, TEXT), clipped(source_address, TEXT));
        let (time, resources) = (to_the_second(*event_time), joined(resources.iter()));
        let text = format!("{event_name} by {principal} from {source} at {time}, of {resources}; event {event_id}");
        let link = console::trail_event(event_id, region).map(|link| format!("    {link}\n"));
        format!("{}{}", item(&text), link.unwrap_or_default())
    });
    let undo = paragraph(
        "To undo a change, put back what was there before: the event has what the call set, and AWS Config or your \
         templates what stood there. What to do below mends the violation itself.",
    );
    format!("CHANGED BY\n{}{undo}", bounded(items.collect()))
}
