//! What remediation did about which violation.

use std::collections::HashMap;

use audit_model::remediation::{RemediationOutcome, RemediationRecord};
use audit_model::{Finding, Status};
use audit_task::TaskError;

use crate::JsonLinesReader;

/// The outcome for each bucket that remediation looked at. Those are the buckets that fail an encryption rule: 10,000
/// at most under S3's default quota, a few megabytes.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html>
#[derive(Debug, Default)]
pub struct Outcomes(HashMap<String, Decision>);

#[derive(Debug)]
struct Decision {
    rules: Vec<String>,
    outcome: RemediationOutcome,
}

impl Outcomes {
    /// Reads the records, of which there may be none.
    ///
    /// # Errors
    /// Those of the records' reader.
    pub async fn read(records: Option<JsonLinesReader<RemediationRecord>>) -> Result<Self, TaskError> {
        let mut outcomes = Self::default();
        if let Some(mut records) = records {
            while let Some(RemediationRecord { bucket_arn, rules, outcome, .. }) = records.next().await? {
                outcomes.0.insert(bucket_arn, Decision { rules, outcome });
            }
        }
        Ok(outcomes)
    }

    /// What remediation did about a finding, if it looked at it: the finding is a violation of one of the rules for
    /// which it looked at the bucket.
    pub fn of(&self, finding: &Finding) -> Option<RemediationOutcome> {
        let decision = self.0.get(&finding.resource.arn)?;
        let concerns =
            finding.status == Status::NonCompliant && decision.rules.iter().any(|rule| *rule == finding.rule_id);
        concerns.then_some(decision.outcome)
    }
}
