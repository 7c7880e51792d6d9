//! What AWS CloudTrail knows: the trails that record in the account, and which events they record.

use audit_model::resource::{DataResource, EventSelector, FieldSelector, Trail};
use audit_model::{Reading, Unreadable};
use audit_rules::Needed;
use audit_task::{Budget, unreadable};
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::{
    AdvancedEventSelector, AdvancedFieldSelector, EventSelector as Basic, ReadWriteType, Trail as Described,
};
use bucket_readings::malformed;
use futures::future::join_all;

const DESCRIBE: &str = "cloudtrail:DescribeTrails";
const SELECTORS: &str = "cloudtrail:GetEventSelectors";
const STATUS: &str = "cloudtrail:GetTrailStatus";

/// The trails that record in an account, asked for in one region.
#[derive(Debug, Clone, Copy)]
pub(super) struct TrailReader<'a> {
    pub(super) client: &'a Client,
    /// The 12 digits of the account.
    pub(super) account: &'a str,
    pub(super) budget: &'a Budget,
    /// What is read at all.
    pub(super) needed: &'a Needed,
}

impl TrailReader<'_> {
    /// All trails: those of this region, and those of other regions and of the organization that record in this one, too. AWS
    /// lists them on one page, for there are [five in a region][quotas] at the most.
    ///
    /// [quotas]: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
    pub(super) async fn trails(&self) -> Reading<Vec<Trail>> {
        // https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html
        let asked = self.client.describe_trails().include_shadow_trails(true).send();
        let listed = match self.budget.spend(asked).await {
            Ok(answer) => answer.trail_list,
            Err(error) => return Reading::Unreadable(unreadable(DESCRIBE, &error)),
        };
        let Some(listed) = listed else { return malformed(DESCRIBE, "the answer holds no list of trails") };
        let trails = join_all(listed.into_iter().map(|trail| self.trail(trail))).await;
        match trails.into_iter().collect() {
            Some(trails) => Reading::seen(trails),
            None => malformed(DESCRIBE, "a trail has no ARN, or it does not say whether it records in all regions"),
        }
    }

    async fn trail(&self, described: Described) -> Option<Trail> {
        let (arn, is_multi_region) = (described.trail_arn?, described.is_multi_region_trail?);
        let (is_logging, selectors) = if is_multi_region {
            futures::join!(
                self.needed.read(STATUS, self.budget.spend(self.is_logging(&arn))),
                self.needed.read(SELECTORS, self.budget.spend(self.selectors(&arn))),
            )
        } else {
            let why = "the trail records in one region only, whatever it records there";
            (
                Reading::Unreadable(Unreadable::not_asked(STATUS, why)),
                Reading::Unreadable(Unreadable::not_asked(SELECTORS, why)),
            )
        };
        Some(Trail { arn, is_multi_region, is_logging, selectors })
    }

    /// A trail of another region or account must be named by its ARN.
    /// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html>
    async fn is_logging(&self, arn: &str) -> Reading<bool> {
        match self.client.get_trail_status().name(arn).send().await {
            Ok(answer) => answer.is_logging.map_or_else(
                || malformed(STATUS, "the answer does not say whether the trail is logging"),
                Reading::seen,
            ),
            Err(error) => Reading::Unreadable(self.refused(arn, unreadable(STATUS, &error))),
        }
    }

    /// A trail has basic selectors or advanced ones, and at least one of them.
    /// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html>
    async fn selectors(&self, arn: &str) -> Reading<Vec<EventSelector>> {
        let answer = match self.client.get_event_selectors().trail_name(arn).send().await {
            Ok(answer) => answer,
            Err(error) => return Reading::Unreadable(self.refused(arn, unreadable(SELECTORS, &error))),
        };
        let advanced = answer.advanced_event_selectors.unwrap_or_default().into_iter().map(advanced);
        let basic = answer.event_selectors.unwrap_or_default().into_iter().map(basic);
        match advanced.chain(basic).collect::<Option<Vec<EventSelector>>>() {
            Some(selectors) if !selectors.is_empty() => Reading::seen(selectors),
            _ => malformed(SELECTORS, "the answer holds no selector, or one that lacks a part"),
        }
    }

    /// Members of an organization see its trail, and CloudTrail answers about it to the account that it was made in.
    /// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html>
    fn refused(&self, arn: &str, why: Unreadable) -> Unreadable {
        match arn.split(':').nth(4) {
            Some(owner) if owner != self.account => Unreadable {
                detail: format!("{}; the trail is account {owner}'s, which alone may be told", why.detail),
                ..why
            },
            _ => why,
        }
    }
}

/// `None` where a part is missing that AWS always sends.
fn basic(selector: Basic) -> Option<EventSelector> {
    let (reads, writes) = match selector.read_write_type? {
        ReadWriteType::All => (true, true),
        ReadWriteType::ReadOnly => (true, false),
        ReadWriteType::WriteOnly => (false, true),
        _ => return None,
    };
    let data_resources = selector.data_resources?.into_iter();
    let data_resources = data_resources.map(|it| Some(DataResource { resource_type: it.r#type?, values: it.values? }));
    Some(EventSelector::Basic { reads, writes, data_resources: data_resources.collect::<Option<_>>()? })
}

/// `None` for a selector without fields, which would take everything.
fn advanced(selector: AdvancedEventSelector) -> Option<EventSelector> {
    let field = |it: AdvancedFieldSelector| {
        let selector = FieldSelector {
            field: it.field,
            equals: it.equals.unwrap_or_default(),
            starts_with: it.starts_with.unwrap_or_default(),
            ends_with: it.ends_with.unwrap_or_default(),
            not_equals: it.not_equals.unwrap_or_default(),
            not_starts_with: it.not_starts_with.unwrap_or_default(),
            not_ends_with: it.not_ends_with.unwrap_or_default(),
        };
        let demands = FieldSelector { field: selector.field.clone(), ..FieldSelector::default() } != selector;
        demands.then_some(selector)
    };
    let fields: Vec<FieldSelector> = selector.field_selectors.into_iter().map(field).collect::<Option<_>>()?;
    (!fields.is_empty()).then_some(EventSelector::Advanced(fields))
}
