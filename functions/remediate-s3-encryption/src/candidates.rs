//! The buckets that fail an encryption rule.

use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ScanRecord};
use audit_model::{ExceptionMark, Finding, Service, Status};
use audit_task::TaskError;

/// A bucket that fails an encryption rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Name.
    pub(crate) bucket: String,
    /// ARN.
    pub(crate) arn: String,
    /// Region.
    pub(crate) region: String,
    /// The rules that it fails.
    pub(crate) rules: Vec<String>,
    /// The exception that covers a rule that it fails, if one does.
    pub(crate) exception: Option<ExceptionMark>,
}

/// Reads the candidates from the scan's findings, in the order of their names.
pub(crate) async fn candidates(scan: &ScanRecord, store: &dyn ArtifactStore) -> Result<Vec<Candidate>, TaskError> {
    let mut findings = scan.findings(store).await?;
    let mut candidates: BTreeMap<String, Candidate> = BTreeMap::new();
    while let Some(finding) = findings.next().await? {
        if !asks_for_repair(&finding) {
            continue;
        }
        let bucket = finding.resource.name.clone();
        let candidate = candidates.entry(bucket).or_insert_with(|| Candidate {
            bucket: finding.resource.name,
            arn: finding.resource.arn,
            region: finding.resource.region,
            rules: Vec::new(),
            exception: None,
        });
        candidate.exception = candidate.exception.take().or(finding.exception);
        candidate.rules.push(finding.rule_id);
    }
    Ok(candidates.into_values().collect())
}

fn asks_for_repair(finding: &Finding) -> bool {
    finding.service == Service::S3
        && finding.status == Status::NonCompliant
        && audit_rules::rule(&finding.rule_id).is_some_and(|rule| rule.remediable)
}
