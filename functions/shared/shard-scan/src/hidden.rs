//! Resources that hang on others and could not be listed.

use std::collections::BTreeMap;

use audit_model::plan::Hidden;
use audit_model::{Finding, Status};

/// What could not be listed, by type: told by the findings of its rules on what it hangs on. With each, the rule whose findings
/// are counted, so that each resource counts once.
#[derive(Debug, Default)]
pub(crate) struct HiddenTypes(BTreeMap<&'static str, (&'static str, Hidden)>);

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
        let (counted, hidden) = self.0.entry(judged).or_insert_with(|| {
            let reason = finding.missing.first().map(ToString::to_string).unwrap_or_default();
            (rule.id, Hidden { resource_type: judged.to_owned(), parents: 0, reason })
        });
        hidden.parents += u64::from(*counted == rule.id);
    }
}

impl From<HiddenTypes> for Vec<Hidden> {
    fn from(HiddenTypes(types): HiddenTypes) -> Self {
        types.into_values().map(|(_, hidden)| hidden).collect()
    }
}
