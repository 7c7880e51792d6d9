//! What a scan leaves behind for those who tell people about it: the plan, the figures, the findings and the
//! records of remediation.

use audit_model::remediation::RemediationRecord;
use audit_model::summary::{AlertViolations, Summary};
use audit_model::task::RemediationResult;
use audit_model::{Finding, Plan, ResolvedViolation, ResourceTags, Rules};
use audit_task::TaskError;

use crate::{ArtifactStore, ArtifactStoreExt, FindingsReader, JsonLinesReader, keys};

/// The plan and the figures of one aggregated scan, and the way to the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanRecord {
    /// The plan.
    pub plan: Plan,
    /// The figures.
    pub summary: Summary,
}

impl ScanRecord {
    /// Loads the plan and the figures of an aggregated scan.
    ///
    /// # Errors
    /// `NotFound` when the scan was not planned or not aggregated, `Corrupt` when an object cannot be understood or
    /// belongs to another scan, and those of the store.
    pub async fn load(store: &dyn ArtifactStore, scan_id: &str) -> Result<Self, TaskError> {
        let (plan_key, summary_key) = (keys::plan(scan_id), keys::summary(scan_id));
        let plan: Plan = store.get_json(&plan_key).await?;
        let summary: Summary = store.get_json(&summary_key).await?;
        for (key, found) in [(plan_key, &plan.scan_id), (summary_key, &summary.scan_id)] {
            if found != scan_id {
                return Err(TaskError::Corrupt(format!("the object {key} belongs to scan {found:?}, not {scan_id:?}")));
            }
        }
        Ok(Self { plan, summary })
    }

    /// What the scan's findings do not say themselves: the rules as they were in force for it.
    ///
    /// # Errors
    /// `NotFound` when they are not there, `Corrupt` when they cannot be understood, and those of the store.
    pub async fn rules(&self, store: &dyn ArtifactStore) -> Result<Rules, TaskError> {
        store.get_json(&keys::rules(&self.summary.scan_id)).await
    }

    /// The scan's findings, to be read one resource at a time.
    ///
    /// # Errors
    /// `NotFound` when they are not there, and those of the store.
    pub async fn findings(&self, store: &dyn ArtifactStore) -> Result<Findings, TaskError> {
        let key = keys::findings(&self.summary.scan_id);
        Ok(Findings {
            reader: FindingsReader::open(store, &key).await?,
            key,
            read: 0,
            counted: self.summary.totals.all(),
        })
    }

    /// What the scan saw resolved, to be read one at a time.
    ///
    /// # Errors
    /// `NotFound` when it is not there, and those of the store.
    pub async fn resolved(&self, store: &dyn ArtifactStore) -> Result<JsonLinesReader<ResolvedViolation>, TaskError> {
        JsonLinesReader::open(store, &keys::resolved(&self.summary.scan_id)).await
    }

    /// How the scan's resources are tagged, to be read one at a time.
    ///
    /// # Errors
    /// `NotFound` when the findings are not there, and those of the store.
    pub async fn tags(&self, store: &dyn ArtifactStore) -> Result<JsonLinesReader<ResourceTags>, TaskError> {
        JsonLinesReader::open(store, &keys::findings(&self.summary.scan_id)).await
    }

    /// What the alert may name of the scan's findings.
    ///
    /// # Errors
    /// `NotFound` when it is not there, `Corrupt` when it does not go with the summary, and those of the store.
    pub async fn alert_violations(&self, store: &dyn ArtifactStore) -> Result<AlertViolations, TaskError> {
        let Summary { scan_id, alerting_violations, alerting_news, alerting_resolved, lost_sight, .. } = &self.summary;
        let key = keys::alert_violations(scan_id);
        let named: AlertViolations = store.get_json(&key).await?;
        let by_rule: u64 = named.by_rule.values().map(|rule| rule.news + rule.still_open).sum();
        let counted = [
            (named.news.len() as u64, alerting_news),
            (by_rule, alerting_violations),
            (named.lost_sight.len() as u64, lost_sight),
            (named.resolved.len() as u64, alerting_resolved),
        ];
        for (named, counted) in counted {
            if named > *counted || (named == 0 && *counted > 0) {
                return Err(TaskError::Corrupt(format!(
                    "the object {key} names {named} violations where the summary counts {counted}; run the scan again"
                )));
            }
        }
        Ok(named)
    }

    /// The audit records of remediation, to be read one at a time, where `result` is what its state came to. `None`
    /// when it did not run, or broke before it had written any.
    ///
    /// # Errors
    /// `NotFound` when remediation ran and its records are missing, and those of the store.
    pub async fn remediation_records(
        &self,
        store: &dyn ArtifactStore,
        result: Option<&RemediationResult>,
    ) -> Result<Option<JsonLinesReader<RemediationRecord>>, TaskError> {
        let key = keys::remediation(&self.summary.scan_id);
        match result {
            Some(RemediationResult::Ran(_)) => JsonLinesReader::open(store, &key).await.map(Some),
            Some(RemediationResult::Broke(_)) | None => JsonLinesReader::find(store, &key).await,
        }
    }
}

/// The findings of one scan, as many as its summary counted.
pub struct Findings {
    reader: FindingsReader,
    key: String,
    read: u64,
    counted: u64,
}

impl Findings {
    /// The findings about the next resource, or `None` after the last one.
    ///
    /// # Errors
    /// Those of [`JsonLinesReader::next`], and `Corrupt` when there are fewer or more findings than the summary says:
    /// a report of some of the findings must not pass for a report of all.
    pub async fn next_resource(&mut self) -> Result<Option<Vec<Finding>>, TaskError> {
        let next = self.reader.next_resource().await?;
        self.read += next.as_ref().map_or(0, |findings| findings.len() as u64);
        let complete = if next.is_some() { self.read <= self.counted } else { self.read == self.counted };
        if complete {
            Ok(next)
        } else {
            Err(TaskError::Corrupt(format!(
                "the object {} holds {} {} findings, and the summary counts {}; run the scan again",
                self.key,
                if next.is_some() { "at least" } else { "only" },
                self.read,
                self.counted
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use audit_model::task::CaughtError;
    use audit_model::{Severity, Status};
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::{Condition, sample};

    #[tokio::test]
    async fn a_scan_is_read_as_it_was_written() {
        let findings = [
            sample::finding("ledger", "s3-bucket-versioning-enabled", Severity::Low, Status::Compliant),
            sample::finding("ledger", "s3-bucket-public-read-prohibited", Severity::Critical, Status::NonCompliant),
        ];
        let store = sample::store(&sample::plan(), &sample::summary(&findings), &findings, &[]).await.unwrap();

        let record = ScanRecord::load(&store, sample::SCAN_ID).await.unwrap();

        assert_eq!((&record.plan, &record.summary), (&sample::plan(), &sample::summary(&findings)));
        let mut reader = record.findings(&store).await.unwrap();
        assert_eq!(reader.next_resource().await, Ok(Some(findings.to_vec())));
        assert_eq!(reader.next_resource().await, Ok(None));
    }

    #[tokio::test]
    async fn findings_that_the_summary_did_not_count_and_counted_ones_that_are_gone_are_errors() {
        let finding = sample::finding("ledger", "s3-bucket-versioning-enabled", Severity::Low, Status::Compliant);
        let two = [finding.clone(), Finding { rule_id: "s3-bucket-zoned".into(), ..finding }];
        for (stored, counted, complaint) in [
            (&two[..], &two[..1], "at least 2 findings, and the summary counts 1"),
            (&two[..1], &two, "only 1 findings"),
        ] {
            let store = sample::store(&sample::plan(), &sample::summary(counted), stored, &[]).await.unwrap();
            let mut reader = ScanRecord::load(&store, sample::SCAN_ID).await.unwrap().findings(&store).await.unwrap();
            let error = loop {
                match reader.next_resource().await {
                    Ok(more) => assert!(more.is_some(), "no complaint"),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.name(), "Corrupt");
            assert!(error.to_string().contains(complaint), "{error}");
        }
    }

    #[tokio::test]
    async fn what_the_alert_may_name_goes_with_what_the_summary_counts() {
        let critical = |bucket| sample::finding(bucket, "s3-rule", Severity::Critical, Status::NonCompliant);
        let low = sample::finding("c", "s3-rule", Severity::Low, Status::NonCompliant);
        let findings = [critical("a"), critical("b"), low];
        // (how many the summary counts, whether that goes with the two that are named)
        for (counted, goes) in [(2, true), (500, true), (1, false)] {
            let mut summary = sample::summary(&findings);
            summary.alerting_violations = counted;
            let store = sample::store(&sample::plan(), &summary, &findings, &[]).await.unwrap();
            let named = ScanRecord::load(&store, sample::SCAN_ID).await.unwrap().alert_violations(&store).await;
            match named {
                Ok(named) => {
                    assert!(goes && named.by_rule["s3-rule"].still_open == 2 && named.lost_sight.is_empty());
                }
                Err(error) => assert!(!goes && error.name() == "Corrupt", "{error}"),
            }
        }
        let lost = Summary { lost_sight: 1, ..sample::summary(&[]) };
        let store = sample::store(&sample::plan(), &lost, &[], &[]).await.unwrap();
        let named = ScanRecord::load(&store, sample::SCAN_ID).await.unwrap().alert_violations(&store).await;
        assert_eq!(named.unwrap_err().name(), "Corrupt");
    }

    #[tokio::test]
    async fn the_objects_of_another_scan_are_refused() {
        let store = sample::store(&sample::plan(), &sample::summary(&[]), &[], &[]).await.unwrap();
        let stray = Plan { scan_id: "20200101T000000Z-00000000".to_owned(), ..sample::plan() };
        store.replace_json(&keys::plan(sample::SCAN_ID), &stray).await.unwrap();
        assert_eq!(ScanRecord::load(&store, sample::SCAN_ID).await.unwrap_err().name(), "Corrupt");
    }

    #[tokio::test]
    async fn records_of_remediation_may_be_missing_only_when_it_did_not_end_well() {
        let store = sample::store(&sample::plan(), &sample::summary(&[]), &[], &[]).await.unwrap();
        let record = ScanRecord::load(&store, sample::SCAN_ID).await.unwrap();
        let broke = RemediationResult::Broke(CaughtError {
            state: "RemediateS3Encryption".to_owned(),
            error: "Throttled".to_owned(),
            cause: "kms:CreateKey".to_owned(),
        });
        assert!(record.remediation_records(&store, None).await.unwrap().is_none());
        assert!(record.remediation_records(&store, Some(&broke)).await.unwrap().is_none());
        let ran = RemediationResult::Ran(sample::remediation_counts(&[]));
        assert_eq!(
            record.remediation_records(&store, Some(&ran)).await.err().map(|error| error.name()),
            Some("NotFound")
        );

        let key = keys::remediation(sample::SCAN_ID);
        let _ = store.put(&key, "application/x-ndjson", "".into(), Condition::None).await.unwrap();
        assert!(record.remediation_records(&store, Some(&ran)).await.unwrap().is_some());
    }
}
