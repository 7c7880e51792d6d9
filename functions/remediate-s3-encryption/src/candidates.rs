//! The buckets that fail an encryption rule, and those that could not be judged by one.

use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ScanRecord};
use audit_model::{Change, ExceptionMark, Finding, ResourceRef, Service, Status, Unreadable};
use audit_task::TaskError;

/// A bucket that fails an encryption rule, or could not be judged by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Name.
    pub(crate) bucket: String,
    /// ARN.
    pub(crate) arn: String,
    /// Region.
    pub(crate) region: String,
    /// The rules that it fails or could not be judged by.
    pub(crate) rules: Vec<String>,
    /// The exception that covers a rule that it fails, if one does.
    pub(crate) exception: Option<ExceptionMark>,
    /// Whether it was seen to fail a rule.
    pub(crate) fails: bool,
    /// What the scan could not read of it.
    pub(crate) missing: Vec<Unreadable>,
}

/// Reads the candidates from the scan's findings, in the order of their names.
pub(crate) async fn candidates(scan: &ScanRecord, store: &dyn ArtifactStore) -> Result<Vec<Candidate>, TaskError> {
    let mut findings = scan.findings(store).await?;
    let mut candidates: BTreeMap<String, Candidate> = BTreeMap::new();
    while let Some(of_one) = findings.next_resource().await? {
        for finding in of_one.into_iter().filter(asks_for_repair) {
            let ResourceRef { name, arn, region, .. } = &*finding.resource;
            let candidate = candidates.entry(name.clone()).or_insert_with(|| Candidate {
                bucket: name.clone(),
                arn: arn.clone(),
                region: region.clone(),
                rules: Vec::new(),
                exception: None,
                fails: false,
                missing: Vec::new(),
            });
            candidate.exception = candidate.exception.take().or(finding.exception);
            candidate.fails |= finding.status == Status::NonCompliant;
            candidate.missing.extend(finding.missing);
            candidate.rules.push(finding.rule_id.into_owned());
        }
    }
    Ok(candidates.into_values().collect())
}

fn asks_for_repair(finding: &Finding) -> bool {
    finding.service == Service::S3
        && matches!(finding.status, Status::NonCompliant | Status::InsufficientData)
        && finding.change != Some(Change::NotEvaluated)
        && audit_rules::rule(&finding.rule_id).is_some_and(|rule| rule.remediable)
}
