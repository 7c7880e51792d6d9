//! Whether a trail of AWS CloudTrail records the reading, or the writing, of objects in every bucket.
//!
//! As AWS Config's `cloudtrail-all-read-s3-data-event-check` and `cloudtrail-all-write-s3-data-event-check` ask: of one trail
//! of all regions, and of all current and future buckets.

use audit_model::Unreadable;
use audit_model::resource::{DataResource, EventSelector, FieldSelector, S3Account, Trail};

use crate::listing::first_of;
use crate::rule::Outcome;

/// The IAM actions of what the rules on trails judge by.
pub(crate) const READS: &[&str] =
    &["cloudtrail:DescribeTrails", "cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"];

const SELECTORS: &str = "cloudtrail:GetEventSelectors";

/// The type of objects in general purpose buckets.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html>
const OBJECT: &str = "AWS::S3::Object";

/// What the ARN of every bucket begins with.
const EVERY_BUCKET: &str = "arn:aws:s3:::";

/// What is done with objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectEvents {
    Reads,
    Writes,
}

impl ObjectEvents {
    const fn in_words(self) -> &'static str {
        match self {
            Self::Reads => "the reading of objects",
            Self::Writes => "the writing of objects",
        }
    }

    /// The value of an event's field `readOnly`.
    const fn read_only(self) -> &'static str {
        match self {
            Self::Reads => "true",
            Self::Writes => "false",
        }
    }
}

/// Whether some trail of all regions that is logging records these events in every bucket.
pub(crate) fn require_recorded(account: &S3Account, events: ObjectEvents) -> Result<Outcome, Unreadable> {
    let (mut flaws, mut missing) = (Vec::new(), Vec::new());
    for trail in account.trails.listed()?.iter().filter(|trail| trail.is_multi_region) {
        match flaw(trail, events) {
            Ok(None) => {
                let what = events.in_words();
                return Ok(Outcome::compliant(format!("{} records {what} in every bucket", trail.arn)));
            }
            Ok(Some(flaw)) => flaws.push(format!("{} {flaw}", trail.arn)),
            Err(why) => missing.extend(
                why.into_iter().map(|why| Unreadable { detail: format!("{}: {}", trail.arn, why.detail), ..why }),
            ),
        }
    }
    Ok(if !missing.is_empty() {
        Outcome::insufficient_data(missing)
    } else if flaws.is_empty() {
        Outcome::non_compliant("no trail records in all regions")
    } else {
        let what = events.in_words();
        Outcome::non_compliant(format!("no trail of all regions records {what} in every bucket: {}", first_of(&flaws)))
    })
}

/// What keeps a trail from recording these events in every bucket, if anything does. Each reading counts where the answer hangs
/// on it: a trail that is not logging records nothing whatever it selects.
fn flaw(trail: &Trail, events: ObjectEvents) -> Result<Option<&'static str>, Vec<Unreadable>> {
    let is_logging = trail.is_logging.known().map(|logging| logging == Some(&true));
    let taken = trail.selectors.listed().and_then(|selectors| taken(selectors, events));
    match (is_logging, taken) {
        (Ok(false), _) => Ok(Some("is not logging")),
        (_, Ok(Taken::Nothing)) => Ok(Some("takes none of it")),
        (_, Ok(Taken::Named | Taken::Part)) => Ok(Some("takes a part of it")),
        (Ok(true), Ok(Taken::All)) => Ok(None),
        (is_logging, taken) => Err([is_logging.err(), taken.err()].into_iter().flatten().collect()),
    }
}

/// Which of the events a selector takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// None.
    Nothing,
    /// Those on what it names by its ARN: not those on buckets to come.
    Named,
    /// Some of those on every bucket, or all but some.
    Part,
    /// Every one.
    All,
}

/// What selectors take together. What takes a part of every bucket each may come to the whole; that is not decided here.
fn taken(selectors: &[EventSelector], events: ObjectEvents) -> Result<Taken, Unreadable> {
    let (mut most, mut parts, mut undecided) = (Taken::Nothing, 0, None);
    for selector in selectors {
        let taken = match selector {
            EventSelector::Basic { reads, writes, data_resources } => {
                let takes = if events == ObjectEvents::Reads { *reads } else { *writes };
                Ok(if takes { of_data_resources(data_resources) } else { Taken::Nothing })
            }
            EventSelector::Advanced(fields) => of_fields(fields, events),
        };
        match taken {
            Ok(Taken::All) => return Ok(Taken::All),
            Ok(Taken::Nothing) => {}
            Ok(taken @ (Taken::Named | Taken::Part)) => {
                parts += 1;
                if most != Taken::Part {
                    most = taken;
                }
            }
            Err(why) => undecided = Some(why),
        }
    }
    match undecided {
        Some(why) => Err(why),
        None if parts > 1 && most == Taken::Part => {
            Err(undecidable("several selectors take a part each, and whether these come to the whole is not decided"))
        }
        None => Ok(most),
    }
}

/// A value stands for all ARNs that begin with it.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html>
fn of_data_resources(resources: &[DataResource]) -> Taken {
    let mut values = resources.iter().filter(|it| it.resource_type == OBJECT).flat_map(|it| &it.values).peekable();
    if values.peek().is_none() {
        Taken::Nothing
    } else if values.any(|value| begins_every_bucket(value)) {
        Taken::All
    } else {
        Taken::Named
    }
}

fn begins_every_bucket(value: &str) -> bool {
    value.starts_with("arn:aws:s3") && EVERY_BUCKET.starts_with(value)
}

/// An event must be let through by every field that is named.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html>
fn of_fields(fields: &[FieldSelector], events: ObjectEvents) -> Result<Taken, Unreadable> {
    let known = [("eventCategory", "Data"), ("resources.type", OBJECT), ("readOnly", events.read_only())];
    let value_of = |field: &FieldSelector| known.iter().find(|(name, _)| *name == field.field).map(|(_, value)| *value);
    if fields.iter().any(|field| value_of(field).is_some_and(|value| !lets_through(field, value))) {
        return Ok(Taken::Nothing);
    }
    for (demanded, _) in &known[..2] {
        if fields.iter().all(|field| field.field != *demanded) {
            return Err(undecidable(format!("a selector does not say of {demanded} what AWS demands of every one")));
        }
    }
    let mut taken = Ok(Taken::All);
    for field in fields.iter().filter(|field| value_of(field).is_none()) {
        let of_field = match field.field.as_str() {
            "resources.ARN" if selects(field) && !deselects(field) => {
                if field.starts_with.iter().any(|value| begins_every_bucket(value)) {
                    continue;
                } else {
                    Ok(Taken::Named)
                }
            }
            "resources.ARN" | "eventName" | "userIdentity.arn" | "sessionCredentialFromConsole" => Ok(Taken::Part),
            // AWS does not say which of its values the events on objects have.
            other => Err(undecidable(format!("a selector filters by {other}"))),
        };
        taken = match (taken, of_field) {
            (Ok(Taken::Named), _) | (_, Ok(Taken::Named)) => Ok(Taken::Named),
            (Ok(Taken::Part), _) | (_, Ok(Taken::Part)) => Ok(Taken::Part),
            (_, of_field) => of_field,
        };
    }
    taken
}

/// Whether a field selector lets through an event whose field has this value: selected by one of its operators, if any of them
/// selects, and deselected by none.
fn lets_through(field: &FieldSelector, value: &str) -> bool {
    let is = |equals: &[String], starts: &[String], ends: &[String]| {
        equals.iter().any(|it| it == value)
            || starts.iter().any(|it| value.starts_with(it.as_str()))
            || ends.iter().any(|it| value.ends_with(it.as_str()))
    };
    (!selects(field) || is(&field.equals, &field.starts_with, &field.ends_with))
        && !is(&field.not_equals, &field.not_starts_with, &field.not_ends_with)
}

fn selects(field: &FieldSelector) -> bool {
    [&field.equals, &field.starts_with, &field.ends_with].iter().any(|values| !values.is_empty())
}

fn deselects(field: &FieldSelector) -> bool {
    [&field.not_equals, &field.not_starts_with, &field.not_ends_with].iter().any(|values| !values.is_empty())
}

fn undecidable(detail: impl Into<String>) -> Unreadable {
    Unreadable::undecidable(SELECTORS, detail)
}

#[cfg(test)]
mod tests {
    use audit_model::{Reading, Status, UnreadableCause};

    use super::*;
    use crate::fixtures;

    use ObjectEvents::{Reads, Writes};
    use Status::{Compliant, InsufficientData, NonCompliant};

    fn basic(reads: bool, writes: bool, resource_type: &str, values: &[&str]) -> EventSelector {
        EventSelector::Basic { reads, writes, data_resources: vec![fixtures::data_resource(resource_type, values)] }
    }

    /// An advanced selector of data events on objects that also demands this.
    fn objects_and(more: &[FieldSelector]) -> EventSelector {
        let objects = [equals("eventCategory", "Data"), equals("resources.type", OBJECT)];
        EventSelector::Advanced([&objects[..], more].concat())
    }

    fn equals(field: &str, value: &str) -> FieldSelector {
        FieldSelector { equals: vec![value.to_owned()], ..of(field) }
    }

    fn of(field: &str) -> FieldSelector {
        FieldSelector { field: field.to_owned(), ..FieldSelector::default() }
    }

    fn starts_with(field: &str, value: &str) -> FieldSelector {
        FieldSelector { starts_with: vec![value.to_owned()], ..of(field) }
    }

    fn not_starts_with(field: &str, value: &str) -> FieldSelector {
        FieldSelector { not_starts_with: vec![value.to_owned()], ..of(field) }
    }

    fn not_equals(field: &str, value: &str) -> FieldSelector {
        FieldSelector { not_equals: vec![value.to_owned()], ..of(field) }
    }

    fn statuses(trails: Reading<Vec<Trail>>) -> [Status; 2] {
        let account = S3Account { trails, ..fixtures::s3_account(true) };
        [Reads, Writes].map(|events| fixtures::status(&require_recorded(&account, events)))
    }

    /// A trail of all regions that is logging, with these selectors.
    fn trail(selectors: &[EventSelector]) -> Trail {
        fixtures::trail(selectors.to_vec())
    }

    /// What a trail records is told by the pages of [basic] and [advanced] selectors; that reading or writing of *every* bucket
    /// is asked, and that a trail of both answers to either, by those of the controls [S3.22 and S3.23].
    ///
    /// [basic]: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html
    /// [advanced]: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html
    /// [S3.22 and S3.23]: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-22
    #[test]
    fn a_trail_must_take_the_events_of_every_bucket() {
        let logs = "arn:aws:s3:::logs/";
        let cases = [
            // The prefix of all buckets, and of all objects of one bucket.
            ("all", vec![basic(true, true, OBJECT, &["arn:aws:s3"])], [Compliant, Compliant]),
            ("all, older", vec![basic(true, true, OBJECT, &[logs, "arn:aws:s3:::"])], [Compliant, Compliant]),
            ("ReadOnly", vec![basic(true, false, OBJECT, &["arn:aws:s3"])], [Compliant, NonCompliant]),
            ("WriteOnly", vec![basic(false, true, OBJECT, &["arn:aws:s3"])], [NonCompliant, Compliant]),
            ("one bucket", vec![basic(true, true, OBJECT, &[logs])], [NonCompliant, NonCompliant]),
            (
                "two selectors of one bucket each",
                vec![basic(true, true, OBJECT, &[logs]), basic(true, true, OBJECT, &["arn:aws:s3:::ledger/"])],
                [NonCompliant, NonCompliant],
            ),
            (
                "functions",
                vec![basic(true, true, "AWS::Lambda::Function", &["arn:aws:lambda"])],
                [NonCompliant, NonCompliant],
            ),
            // What every trail records that nobody has set selectors of.
            (
                "management events",
                vec![EventSelector::Basic { reads: true, writes: true, data_resources: Vec::new() }],
                [NonCompliant, NonCompliant],
            ),
            (
                "reading and writing apart",
                vec![basic(true, false, OBJECT, &["arn:aws:s3"]), basic(false, true, OBJECT, &["arn:aws:s3"])],
                [Compliant, Compliant],
            ),
            ("advanced", vec![objects_and(&[])], [Compliant, Compliant]),
            ("advanced, reads", vec![objects_and(&[equals("readOnly", "true")])], [Compliant, NonCompliant]),
            ("advanced, writes", vec![objects_and(&[equals("readOnly", "false")])], [NonCompliant, Compliant]),
            (
                "advanced, every ARN",
                vec![objects_and(&[starts_with("resources.ARN", "arn:aws:s3:::")])],
                [Compliant, Compliant],
            ),
            (
                "advanced, one bucket",
                vec![objects_and(&[starts_with("resources.ARN", logs)])],
                [NonCompliant, NonCompliant],
            ),
            (
                "advanced, but one bucket",
                vec![objects_and(&[not_starts_with("resources.ARN", logs)])],
                [NonCompliant, NonCompliant],
            ),
            (
                "advanced, one call",
                vec![objects_and(&[equals("eventName", "PutObject"), equals("readOnly", "false")])],
                [NonCompliant, NonCompliant],
            ),
            (
                "advanced, but one call",
                vec![objects_and(&[not_equals("eventName", "DeleteObject")])],
                [NonCompliant, NonCompliant],
            ),
            (
                "advanced, another type",
                vec![EventSelector::Advanced(vec![
                    equals("eventCategory", "Data"),
                    equals("resources.type", "AWS::S3Express::Object"),
                ])],
                [NonCompliant, NonCompliant],
            ),
            (
                "advanced, management events",
                vec![EventSelector::Advanced(vec![equals("eventCategory", "Management")])],
                [NonCompliant, NonCompliant],
            ),
            // One takes what the other leaves out: whether that is everything is not decided, and no violation.
            (
                "advanced, two parts",
                vec![
                    objects_and(&[not_starts_with("resources.ARN", logs)]),
                    objects_and(&[starts_with("resources.ARN", logs)]),
                ],
                [InsufficientData, InsufficientData],
            ),
            // AWS does not say which of their values the events on objects have.
            (
                "advanced, a source",
                vec![objects_and(&[equals("eventSource", "s3.amazonaws.com"), equals("readOnly", "true")])],
                [InsufficientData, NonCompliant],
            ),
            (
                "advanced, a source and one bucket",
                vec![objects_and(&[equals("eventSource", "s3.amazonaws.com"), starts_with("resources.ARN", logs)])],
                [NonCompliant, NonCompliant],
            ),
            (
                "advanced, a part and the whole",
                vec![objects_and(&[equals("eventSource", "s3.amazonaws.com")]), objects_and(&[])],
                [Compliant, Compliant],
            ),
            (
                "advanced, without what AWS demands",
                vec![EventSelector::Advanced(vec![equals("eventCategory", "Data")])],
                [InsufficientData, InsufficientData],
            ),
        ];
        for (what, selectors, expected) in cases {
            assert_eq!(statuses(Reading::seen(vec![trail(&selectors)])), expected, "{what}");
        }
    }

    #[test]
    fn the_trail_must_be_logging_and_of_all_regions() {
        let all = || trail(&[objects_and(&[])]);
        let stopped = Trail { is_logging: Reading::seen(false), ..all() };
        let regional = Trail { is_multi_region: false, ..all() };
        assert_eq!(statuses(Reading::seen(vec![stopped.clone()])), [NonCompliant; 2]);
        assert_eq!(statuses(Reading::seen(vec![regional.clone()])), [NonCompliant; 2]);
        assert_eq!(statuses(Reading::seen(Vec::new())), [NonCompliant; 2]);
        assert_eq!(statuses(Reading::seen(vec![stopped, regional, all()])), [Compliant; 2]);
    }

    /// A member of an organization sees its organization's trail, and may be refused what that selects.
    #[test]
    fn what_cannot_be_read_is_no_violation_and_hides_no_other_trail() {
        let all = || trail(&[objects_and(&[])]);
        let unread = Trail { selectors: fixtures::unreadable(SELECTORS), ..all() };
        let unknown = Trail { is_logging: fixtures::unreadable("cloudtrail:GetTrailStatus"), ..all() };
        let none = || trail(&[]);
        let cases = [
            (vec![unread.clone()], InsufficientData),
            (vec![none(), unread.clone()], InsufficientData),
            (vec![unread.clone(), all()], Compliant),
            (vec![unknown.clone()], InsufficientData),
            // What it records does not matter of one that is not logging, nor the other way around.
            (vec![Trail { is_logging: Reading::seen(false), ..unread.clone() }], NonCompliant),
            (vec![Trail { is_logging: fixtures::unreadable("cloudtrail:GetTrailStatus"), ..none() }], NonCompliant),
        ];
        for (trails, expected) in cases {
            assert_eq!(statuses(Reading::seen(trails.clone())), [expected; 2], "{trails:?}");
        }
        assert_eq!(statuses(fixtures::unreadable("cloudtrail:DescribeTrails")), [InsufficientData; 2]);

        let account = S3Account { trails: Reading::seen(vec![unread, unknown]), ..fixtures::s3_account(true) };
        let Ok(Outcome::InsufficientData { missing }) = require_recorded(&account, Writes) else {
            panic!("no verdict")
        };
        let told: Vec<(&str, UnreadableCause)> = missing.iter().map(|it| (it.action.as_str(), it.cause)).collect();
        let denied = UnreadableCause::AccessDenied;
        assert_eq!(told, [(SELECTORS, denied), ("cloudtrail:GetTrailStatus", denied)]);
        assert!(missing.iter().all(|it| it.detail.starts_with("arn:aws:cloudtrail:")), "{missing:?}");
    }

    #[test]
    fn a_violation_names_each_trail_and_its_flaw() {
        let flawed = [trail(&[basic(true, true, OBJECT, &["arn:aws:s3:::logs/"])]), trail(&[])];
        let account = S3Account { trails: Reading::seen(flawed.to_vec()), ..fixtures::s3_account(true) };
        let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
        let expected = format!(
            "no trail of all regions records the reading of objects in every bucket: {arn} takes a part of it, {arn} takes \
             none of it"
        );
        assert_eq!(require_recorded(&account, Reads), Ok(Outcome::non_compliant(expected)));
    }
}
