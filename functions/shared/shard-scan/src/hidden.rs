//! Resources that hang on others and could not be listed.

use std::collections::BTreeMap;

use audit_model::plan::Hidden;
use audit_model::{Finding, Status};

/// What could not be listed, by type: told by the findings of its rules on what it hangs on.
#[derive(Debug, Default)]
pub(crate) struct HiddenTypes(BTreeMap<&'static str, HiddenType>);

#[derive(Debug)]
struct HiddenType {
    /// The rule whose findings are counted, so that each resource counts once.
    rule: &'static str,
    parents: u64,
    reason: String,
}

impl HiddenTypes {
    /// Looks at a finding.
    pub(crate) fn look_at(&mut self, finding: &Finding) {
        if finding.status != Status::InsufficientData {
            return;
        }
        let Some(rule) = audit_rules::rule(&finding.rule_id) else { return };
        let judged = rule.check.resource_type();
        if finding.resource.resource_type == judged {
            return;
        }
        let hidden = self.0.entry(judged).or_insert_with(|| HiddenType {
            rule: rule.id,
            parents: 0,
            reason: finding.missing.first().map(ToString::to_string).unwrap_or_default(),
        });
        hidden.parents += u64::from(hidden.rule == rule.id);
    }
}

impl From<HiddenTypes> for Vec<Hidden> {
    fn from(HiddenTypes(types): HiddenTypes) -> Self {
        let hidden = |(resource_type, HiddenType { parents, reason, .. }): (&str, HiddenType)| Hidden {
            resource_type: resource_type.to_owned(),
            parents,
            reason,
        };
        types.into_iter().map(hidden).collect()
    }
}
