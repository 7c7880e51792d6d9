//! Resources that hang on others and could not be listed.

use std::collections::BTreeMap;

use audit_model::summary::Gap;
use audit_model::{Finding, Service, Status};

/// What could not be listed. A rule on security groups whose list could not be read says so once, on the VPC: how many
/// groups that hides, and what is wrong with them, nobody knows.
#[derive(Debug, Default)]
pub(crate) struct Unlisted {
    /// By the type of what could not be listed.
    of_type: BTreeMap<&'static str, Hidden>,
}

#[derive(Debug)]
struct Hidden {
    /// The rule whose findings are counted, so that each resource counts once.
    rule: &'static str,
    /// How many resources could not tell what hangs on them.
    resources: u64,
    /// What the first of them could not be asked.
    reason: String,
}

impl Unlisted {
    /// Looks at a finding.
    pub(crate) fn add(&mut self, finding: &Finding) {
        if finding.status != Status::InsufficientData {
            return;
        }
        let Some(rule) = audit_rules::rule(&finding.rule_id) else { return };
        let judged = rule.check.resource_type();
        if finding.resource.resource_type == judged {
            return;
        }
        let hidden = self.of_type.entry(judged).or_insert_with(|| Hidden {
            rule: rule.id,
            resources: 0,
            reason: finding.missing.first().map(ToString::to_string).unwrap_or_default(),
        });
        hidden.resources += u64::from(hidden.rule == rule.id);
    }

    /// The gaps that this leaves in a service.
    pub(crate) fn gaps(self, service: Service) -> impl Iterator<Item = Gap> {
        self.of_type.into_iter().map(move |(judged, Hidden { resources, reason, .. })| Gap {
            service,
            shard: None,
            resources: None,
            resource_type: Some(judged.to_owned()),
            reason: match resources {
                1 => reason,
                more => format!("{reason} (and so for {} others)", more - 1),
            },
        })
    }
}
