//! What has become of a known violation of which this scan has no finding.

use audit_model::summary::Gap;
use audit_model::{Finding, Plan, Service};
use audit_rules::{CATALOGUE, Rule};

/// What this scan could look at of one service.
pub(crate) struct Sight<'a> {
    plan: &'a Plan,
    service: Service,
    gaps: &'a [Gap],
}

/// What has become of a known violation of which this scan has no finding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its resource is gone.
    Gone,
    /// The scan could not look, for this reason.
    NotLookedAt(String),
    /// Nobody wants to look any more, for this reason.
    NotEvaluated(&'static str),
}

impl<'a> Sight<'a> {
    /// What could be looked at of a service that has these gaps.
    pub(crate) const fn new(plan: &'a Plan, service: Service, gaps: &'a [Gap]) -> Self {
        Self { plan, service, gaps }
    }

    /// The fate of a known violation. `is_there` tells whether any rule has a finding about its resource in this scan.
    ///
    /// A resource is gone when it would have been seen, were it there: no gap hides resources of its type, and a rule on
    /// that type is evaluated.
    pub(crate) fn fate(&self, known: &Finding, is_there: bool) -> Fate {
        let resource_type = &*known.resource.resource_type;
        if !is_there && self.is_gone(resource_type) {
            return Fate::Gone;
        }
        let gap = self.gap(resource_type);
        match audit_rules::rule(&known.rule_id) {
            None => Fate::NotEvaluated("the rule is not in the catalogue any more"),
            Some(rule) => {
                let missing = rule.misses(&self.plan.missing_settings).map(|setting| setting.without);
                match missing.or_else(|| rule.off_under(&self.plan.policy)) {
                    Some(reason) => Fate::NotEvaluated(reason),
                    None => Fate::NotLookedAt(gap.map_or_else(
                        || "the scan left no finding of the rule about the resource".to_owned(),
                        ToString::to_string,
                    )),
                }
            }
        }
    }

    /// Whether a resource of this type of which no rule has a finding is gone.
    pub(crate) fn is_gone(&self, resource_type: &str) -> bool {
        self.gap(resource_type).is_none() && self.looks_for(resource_type)
    }

    /// What hides resources of this type, if anything does.
    fn gap(&self, resource_type: &str) -> Option<&'a Gap> {
        self.gaps.iter().find(|gap| hides(gap, self.service, resource_type))
    }

    /// Whether a rule on resources of this type is evaluated, so that each of them has a finding.
    fn looks_for(&self, resource_type: &str) -> bool {
        on_type(self.service, resource_type).any(|rule| rule.is_on(&self.plan.policy))
    }
}

/// Whether the gap may hide resources of this type. A gap of a type hides those that hang on its resources, too, and any
/// other gap everything.
fn hides(gap: &Gap, service: Service, resource_type: &str) -> bool {
    gap.resource_type.as_deref().is_none_or(|hidden| {
        let parent = on_type(service, resource_type).find_map(|rule| rule.check.parent_type());
        hidden == resource_type || parent == Some(hidden)
    })
}

fn on_type(service: Service, resource_type: &str) -> impl Iterator<Item = &'static Rule> {
    let judges = move |rule: &&Rule| rule.service() == service && rule.check.resource_type() == resource_type;
    CATALOGUE.iter().copied().filter(judges)
}
