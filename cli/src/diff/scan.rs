//! One of the two scans.

use std::collections::BTreeMap;
use std::fmt;
use std::mem::take;

use audit_artifacts::{Findings, ScanRecord};
use audit_model::{Finding, Policy, Rules, Service, to_the_second};
use audit_task::TaskError;
use serde_json::{Map, Value};

use super::differences::Sight;
use crate::end::Failure;
use crate::found::Found;

/// A scan that is compared.
pub(super) struct Scan {
    found: Found,
    record: ScanRecord,
    rules: Rules,
}

impl Scan {
    pub(super) async fn load(found: Found) -> Result<Self, Failure> {
        let record = ScanRecord::load(&found.store, &found.scan_id).await?;
        let rules = record.rules(&found.store).await?;
        Ok(Self { found, record, rules })
    }

    pub(super) const fn sight(&self) -> Sight<'_> {
        Sight { plan: &self.record.plan, summary: &self.record.summary }
    }

    /// In what else than its findings it is another scan, in words.
    pub(super) fn apart_from(&self, before: &Self) -> Vec<String> {
        let (plan, summary) = (&self.record.plan, &self.record.summary);
        let (plan_before, summary_before) = (&before.record.plan, &before.record.summary);
        let mut apart = Vec::new();
        let mut differs = |what: &str, was: String, is: String| {
            if was != is {
                apart.push(format!("{what}: {is}; before: {was}"));
            }
        };
        let services = |services: &[Service]| services.iter().map(Service::to_string).collect::<Vec<_>>().join(", ");
        differs("another account", plan_before.account.clone(), plan.account.clone());
        differs("another region", plan_before.region.clone(), plan.region.clone());
        differs("other services", services(&plan_before.services), services(&plan.services));
        differs("looked at", summary_before.scope.to_string(), summary.scope.to_string());
        if plan.policy != plan_before.policy {
            let members = differing_members(&plan_before.policy, &plan.policy).join(", ");
            apart.push(format!("another audit policy, in: {members}"));
        }
        apart.extend(differing_rules(&before.rules, &self.rules));
        if plan.started_at < plan_before.started_at {
            apart.push("the scan before is the later one of the two".to_owned());
        }
        for (which, summary) in [("before", summary_before), ("after", summary)] {
            for gap in &summary.gaps {
                apart.push(format!("the scan {which} did not look at {}: {}", gap.place(), gap.reason));
            }
        }
        apart
    }
}

impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ScanRecord { plan, summary } = &self.record;
        let open: u64 = summary.violations_by_severity.values().sum();
        let started = to_the_second(plan.started_at);
        write!(
            f,
            "{started}  scan {}  {}  {open} open violations  {}",
            plan.scan_id,
            summary.status,
            self.found.store.root().display()
        )
    }
}

/// The members of the policy that are not the same, as its file names them.
fn differing_members(before: &Policy, after: &Policy) -> Vec<String> {
    let members = |policy| match serde_json::to_value(policy) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let (before, after) = (members(before), members(after));
    after.into_iter().filter(|(name, value)| before.get(name) != Some(value)).map(|(name, _)| name).collect()
}

/// What became of the rules, in words.
fn differing_rules(before: &Rules, after: &Rules) -> Vec<String> {
    let mut by_fate: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, rule) in after {
        let fate = match before.get(id) {
            None => "rules that were not there before",
            Some(before) if before.enabled != rule.enabled && rule.enabled => "rules that were off before",
            Some(before) if before.enabled != rule.enabled => "rules that are off now",
            Some(before) if before.severity != rule.severity => "rules of another severity than before",
            Some(before) if before != rule => "rules that say something else than before",
            Some(_) => continue,
        };
        by_fate.entry(fate).or_default().push(id);
    }
    let gone = before.keys().filter(|id| !after.contains_key(*id));
    for id in gone {
        by_fate.entry("rules that are there no more").or_default().push(id);
    }
    by_fate.into_iter().map(|(fate, ids)| format!("{fate}: {}", ids.join(", "))).collect()
}

/// The findings of a scan, a resource at a time, with the next one at hand.
pub(super) struct Resources {
    findings: Findings,
    scan_id: String,
    next: Vec<Finding>,
}

impl Resources {
    pub(super) async fn of(Scan { found, record, .. }: &Scan) -> Result<Self, Failure> {
        let findings = record.findings(&found.store).await?;
        let mut resources = Self { findings, scan_id: found.scan_id.clone(), next: Vec::new() };
        resources.take().await?;
        Ok(resources)
    }

    /// The next resource, in the order of all findings.
    pub(super) fn next(&self) -> Option<(Service, &str)> {
        self.next.first().map(of_resource)
    }

    /// The findings of the next resource.
    pub(super) async fn take(&mut self) -> Result<Vec<Finding>, Failure> {
        let next = self.findings.next_resource().await?.unwrap_or_default();
        let taken = take(&mut self.next);
        let are_in_order =
            taken.last().zip(next.first()).is_none_or(|(one, other)| of_resource(one) < of_resource(other));
        if !are_in_order || !next.is_sorted_by(|one, other| one.sort_key() < other.sort_key()) {
            return Err(TaskError::Corrupt(format!(
                "the findings of the scan {} are not in their order, in which alone they can be compared",
                self.scan_id
            ))
            .into());
        }
        self.next = next;
        Ok(taken)
    }
}

fn of_resource(finding: &Finding) -> (Service, &str) {
    (finding.service, &finding.resource.arn)
}
