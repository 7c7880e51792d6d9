//! What the message speaks of, held to a size.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ScanRecord};
use audit_model::remediation::{ReasonCode, RemediationOutcome, RemediationRecord};
use audit_model::summary::{AlertViolations, AlertingRule};
use audit_model::task::{NotifyInput, RemediationResult};
use audit_model::{Finding, Rules, Severity, console};
use audit_task::TaskError;
use jiff::Timestamp;

use crate::evidence::LastLink;
use crate::listing::Listing;
use crate::{body, evidence, violation};

/// Bytes that the violations may take that people are told of for the first time. With everything else the e-mail stays below
/// 80 KiB, and all forms of the message together below the 256 KiB that SNS takes, even where every character of a text must be
/// escaped to stand in JSON.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const NEWS_BUDGET: usize = 32 * 1024;

/// How many violations of one rule are told of one by one: what is wrong in so many places is mended by rule.
const NEWS_OF_A_RULE: u64 = 5;

/// Bytes that the known violations may take that could not be looked at.
const LOST_SIGHT_BUDGET: usize = 6 * 1024;

/// Bytes that the remediation records may take, but for announcements.
const REMEDIATION_BUDGET: usize = 6 * 1024;

/// Bytes that announcements may take: room for as many as remediation makes, with the longest names.
const ANNOUNCED_BUDGET: usize = 6 * 1024;

/// What the message speaks of.
pub(crate) struct Gathered<'a> {
    pub(crate) input: &'a NotifyInput,
    pub(crate) record: ScanRecord,
    /// The rules as they were in force.
    pub(crate) rules: Rules,
    /// What the aggregation left for the message.
    pub(crate) named: AlertViolations,
    /// The violations that people are told of for the first time, by rule, the worst first; one entry names one.
    pub(crate) news: Listing<NewsRank>,
    /// The worst of the known violations at or above the threshold that could not be looked at, the worst first.
    pub(crate) lost_sight: Listing<usize>,
    /// The buckets that a later scan changes, unless somebody objects.
    pub(crate) announced: Announced,
    /// The last link of the chain of evidence, or why nobody can tell.
    pub(crate) last_link: Result<Option<LastLink>, String>,
    /// What else was done, or was not, about buckets, failures first, then changes.
    pub(crate) remediations: Listing<(u8, u64)>,
}

/// The place of a violation: the worst severity first, then by service and rule.
type NewsRank = (Reverse<Severity>, String, u64);

/// The buckets whose change is announced.
pub(crate) struct Announced {
    /// An entry for each of them.
    pub(crate) entries: Listing<usize>,
    /// Their names, in the order of the entries.
    buckets: Vec<String>,
}

impl Announced {
    fn add(&mut self, decision: &RemediationRecord) {
        self.entries.add(self.buckets.len(), || body::announcement_entry(decision));
        self.buckets.push(decision.bucket.clone());
    }

    /// The buckets that the message names: what does not fit into it is not announced.
    pub(crate) fn named(&self) -> &[String] {
        self.buckets.get(..self.entries.listed().len()).unwrap_or_default()
    }
}

impl<'a> Gathered<'a> {
    /// Reads what a scan left behind.
    ///
    /// # Errors
    /// Those of [`ScanRecord`] and of the store.
    pub(crate) async fn read(store: &dyn ArtifactStore, input: &'a NotifyInput) -> Result<Self, TaskError> {
        let record = ScanRecord::load(store, &input.scan_id).await?;

        let named = record.alert_violations(store).await?;
        let rules = record.rules(store).await?;
        let news = news(&named, &rules, record.plan.started_at);
        let mut lost_sight = Listing::new(LOST_SIGHT_BUDGET);
        for (place, finding) in named.lost_sight.iter().enumerate() {
            lost_sight.add(place, || violation::out_of_sight(finding, &rules));
        }

        let mut announced = Announced { entries: Listing::new(ANNOUNCED_BUDGET), buckets: Vec::new() };
        let mut remediations = Listing::new(REMEDIATION_BUDGET);
        if let Some(mut records) = record.remediation_records(store, input.remediation.as_ref()).await? {
            let mut place = 0;
            while let Some(decision) = records.next().await? {
                place += 1;
                let drifts = decision.reasons.iter().any(|reason| reason.code == ReasonCode::Drift);
                let rank = match decision.outcome {
                    RemediationOutcome::Announced => {
                        announced.add(&decision);
                        continue;
                    }
                    RemediationOutcome::Failed => 0,
                    RemediationOutcome::Skipped if drifts => 1,
                    RemediationOutcome::Applied | RemediationOutcome::RolledBack => 2,
                    RemediationOutcome::WouldApply | RemediationOutcome::WouldRollBack => 3,
                    // They are counted; the reports say why.
                    RemediationOutcome::Skipped => continue,
                };
                remediations.add((rank, place), || body::remediation_entry(&decision));
            }
        }
        let last_link = evidence::last_link(store).await;
        if let Err(why) = &last_link {
            tracing::warn!(why, "nobody can tell how far the chain of evidence has come");
        }
        Ok(Self { input, record, rules, named, news, lost_sight, announced, last_link, remediations })
    }

    /// The worst severity of the open violations that raise the alert; of those only, of which people are told for the first
    /// time, where there are any and these are asked for.
    pub(crate) fn worst(&self, of_news: bool) -> Option<Severity> {
        let rules = || self.named.by_rule.values();
        let of_news = rules().filter(|rule| of_news && rule.news > 0).map(|rule| rule.severity).max();
        of_news.or_else(|| rules().map(|rule| rule.severity).max())
    }

    /// The rules of which people know that they are open, the worst first, and how.
    pub(crate) fn still_open(&self) -> impl Iterator<Item = (&str, &AlertingRule)> {
        let mut rules: Vec<_> = self.named.by_rule.iter().filter(|(_, rule)| rule.still_open > 0).collect();
        rules.sort_by_key(|(_, rule)| (Reverse(rule.severity), rule.service, Reverse(rule.still_open)));
        rules.into_iter().map(|(id, rule)| (id.as_str(), rule))
    }

    /// The title of a rule, or its id when nobody knows its title.
    pub(crate) fn title<'b>(&'b self, rule_id: &'b str) -> &'b str {
        self.rules.get(rule_id).map_or(rule_id, |rule| &*rule.title)
    }

    /// The page of the execution.
    pub(crate) fn execution(&self) -> String {
        console::execution(&self.input.execution.id, &self.record.plan.region)
    }

    /// How many buckets this scan was the first to find set back again and again.
    pub(crate) fn drifted(&self) -> u64 {
        match &self.input.remediation {
            Some(RemediationResult::Ran(counts)) => counts.drifted,
            Some(RemediationResult::Broke(_)) | None => 0,
        }
    }

    /// Whether remediation broke, or failed for a bucket.
    pub(crate) fn remediation_failed(&self) -> bool {
        match &self.input.remediation {
            Some(RemediationResult::Ran(counts)) => counts.failed > 0,
            Some(RemediationResult::Broke(_)) => true,
            None => false,
        }
    }
}

/// The violations that people are told of for the first time, the first of each rule under what the rule says.
fn news(named: &AlertViolations, rules: &Rules, started_at: Timestamp) -> Listing<NewsRank> {
    let mut listed: BTreeMap<&str, u64> = BTreeMap::new();
    let mut news = Listing::new(NEWS_BUDGET);
    for finding in &named.news {
        let Finding { service, severity, rule_id, .. } = finding;
        let place = listed.entry(rule_id).or_default();
        *place += 1;
        let number = *place;
        let of_rule = named.by_rule.get(&**rule_id).map_or(1, |rule| rule.news);
        if number > NEWS_OF_A_RULE {
            continue;
        }
        news.add((Reverse(*severity), format!("{} {rule_id}", *service as u8), number), || {
            let mut text = String::new();
            if number == 1 {
                text.push_str(&violation::heading(finding, rules.get(&**rule_id), of_rule));
            }
            text.push_str(&violation::item_of(finding, started_at));
            if number == NEWS_OF_A_RULE && of_rule > number {
                text.push_str(&violation::and_more(of_rule - number));
            }
            text
        });
    }
    news
}
