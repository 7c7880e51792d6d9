//! The rules that the scan's findings are of.

use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, keys};
use audit_model::{Finding, Guidance, Plan, RuleInForce, Rules};
use audit_task::TaskError;

/// Rules that are not in the catalogue and of which there are findings: violations that are carried over, or what scanners of
/// another version found while this one was deployed.
#[derive(Debug, Default)]
pub(crate) struct Retired {
    /// By the earlier scan that may have kept their words.
    rules: BTreeMap<String, Rules>,
}

impl Retired {
    /// Adds the rule of a finding, which the earlier scan may know.
    pub(crate) fn add(&mut self, scan_id: &str, finding: &Finding) {
        let rules = self.rules.entry(scan_id.to_owned()).or_default();
        rules.entry(finding.rule_id.to_string()).or_insert_with(|| without_words(finding));
    }
}

/// Writes the catalogue as it is in force for the scan, and what earlier scans wrote down about rules that are in it no more.
///
/// # Errors
/// Those of the store.
pub(crate) async fn write(store: &dyn ArtifactStore, plan: &Plan, retired: Retired) -> Result<(), TaskError> {
    let mut rules = audit_rules::in_force(&plan.policy);
    for (scan_id, retired) in retired.rules {
        let mut told = match store.find_json::<Rules>(&keys::rules(&scan_id)).await {
            Err(TaskError::Corrupt(what)) => {
                tracing::warn!(scan_id, what, "the rules of an earlier scan cannot be understood");
                Rules::new()
            }
            told => told?.unwrap_or_default(),
        };
        for (id, without_words) in retired {
            let rule = told.remove(&id).unwrap_or(without_words);
            rules.insert(id, RuleInForce { enabled: false, ..rule });
        }
    }
    store.replace_json(&keys::rules(&plan.scan_id), &rules).await
}

/// What a finding alone tells of its rule.
fn without_words(finding: &Finding) -> RuleInForce {
    const UNKNOWN: &str = "not known: the rule is in the catalogue no more, and its words were not handed on";
    RuleInForce {
        service: finding.service,
        title: finding.rule_id.clone(),
        severity: finding.severity,
        enabled: false,
        resource_type: finding.resource.resource_type.clone(),
        rationale: UNKNOWN.into(),
        expected: UNKNOWN.into(),
        remediation: Guidance { text: UNKNOWN.into(), console: "".into(), cli: "".into(), url: "".into() },
        references: Vec::new(),
    }
}
