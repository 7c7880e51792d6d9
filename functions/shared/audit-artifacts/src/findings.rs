//! Findings, a line a resource.

use std::borrow::Cow;

use audit_model::{Finding, ResourceFindings};
use audit_task::TaskError;

use crate::{ArtifactStore, JsonLinesReader, JsonLinesWriter, Written, keys};

/// Writes findings.
pub struct FindingsWriter {
    lines: JsonLinesWriter,
    findings: u64,
    first: Option<String>,
}

impl FindingsWriter {
    /// Begins the object of that key.
    ///
    /// # Errors
    /// Those of the store, here and below.
    pub async fn create(store: &dyn ArtifactStore, key: &str) -> Result<Self, TaskError> {
        Ok(Self { lines: JsonLinesWriter::create(store, key).await?, findings: 0, first: None })
    }

    /// Adds findings. They come in the order of [`Finding::sort_key`], and all of a resource at once.
    pub async fn write(&mut self, findings: &[Finding]) -> Result<(), TaskError> {
        // The account itself is a resource of more than one service.
        let alike =
            |one: &Finding, next: &Finding| one.service == next.service && one.resource.arn == next.resource.arn;
        for of_one in findings.chunk_by(alike) {
            self.lines.write(&ResourceFindings(Cow::Borrowed(of_one))).await?;
        }
        self.findings += findings.len() as u64;
        if self.first.is_none() {
            self.first = findings.first().map(|finding| finding.resource.arn.clone());
        }
        Ok(())
    }

    /// How many findings were written.
    pub const fn findings(&self) -> u64 {
        self.findings
    }

    /// The ARN of the resource that the first finding is about.
    pub fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// Makes the object appear.
    pub async fn finish(self) -> Result<Written, TaskError> {
        self.lines.finish().await
    }

    /// Drops what was written; the object does not appear.
    pub async fn abort(self) -> Result<(), TaskError> {
        self.lines.abort().await
    }
}

/// Reads findings, those about one resource at a time.
pub enum FindingsReader {
    /// A resource a line.
    ByResource(JsonLinesReader<ResourceFindings<'static>>),
    /// A finding a line, as earlier versions of this system wrote them; what they said of the rule is left out.
    OneByOne(JsonLinesReader<Finding>),
}

impl FindingsReader {
    /// Opens the object of that key, or `None` when there is none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn find(store: &dyn ArtifactStore, key: &str) -> Result<Option<Self>, TaskError> {
        Ok(JsonLinesReader::find(store, key).await?.map(Self::ByResource))
    }

    /// Opens the object of that key, which must be there.
    ///
    /// # Errors
    /// `NotFound` when it is not there, and those of the store.
    pub async fn open(store: &dyn ArtifactStore, key: &str) -> Result<Self, TaskError> {
        JsonLinesReader::open(store, key).await.map(Self::ByResource)
    }

    /// Opens all findings of an earlier scan, which an earlier version of this system may have made. `None` when there are
    /// none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn find_earlier(store: &dyn ArtifactStore, scan_id: &str) -> Result<Option<Self>, TaskError> {
        if let Some(reader) = Self::find(store, &keys::findings(scan_id)).await? {
            return Ok(Some(reader));
        }
        Ok(JsonLinesReader::find(store, &keys::plain_findings(scan_id)).await?.map(Self::OneByOne))
    }

    /// The next findings about a resource, or `None` at the end. Of an earlier version's they may not be all.
    ///
    /// # Errors
    /// Those of [`JsonLinesReader::next`].
    pub async fn next_resource(&mut self) -> Result<Option<Vec<Finding>>, TaskError> {
        Ok(match self {
            Self::ByResource(reader) => reader.next().await?.map(|ResourceFindings(findings)| findings.into_owned()),
            Self::OneByOne(reader) => reader.next().await?.map(|finding| vec![finding]),
        })
    }
}

#[cfg(test)]
mod tests {
    use audit_model::{Service, Severity, Status};
    use serde_json::{Value, json};

    use super::*;
    use crate::{Condition, MemoryStore, PutOutcome, sample};

    #[tokio::test]
    async fn a_resource_and_its_tags_stand_once() {
        let store = MemoryStore::default();
        let finding = |bucket, rule| sample::finding(bucket, rule, Severity::Low, Status::Compliant);
        let of_another_service = Finding { service: Service::Vpc, ..finding("b", "r1") };
        let findings = [finding("a", "r1"), finding("a", "r2"), finding("b", "r1"), of_another_service];
        let mut writer = FindingsWriter::create(&store, "a.jsonl.zst").await.unwrap();
        writer.write(&findings).await.unwrap();
        assert_eq!((writer.findings(), writer.first()), (4, Some("arn:aws:s3:::a")));
        writer.finish().await.unwrap();

        let mut lines = JsonLinesReader::<Value>::open(&store, "a.jsonl.zst").await.unwrap();
        let [first, _, _] =
            [lines.next().await, lines.next().await, lines.next().await].map(|line| line.unwrap().unwrap());
        assert_eq!(lines.next().await, Ok(None));
        assert_eq!(first["resource"]["name"], "a");
        assert_eq!(first["tags"], json!({"Owner": "payments"}));
        let of_it = first["findings"].as_array().unwrap();
        assert_eq!(of_it.iter().map(|finding| &finding["ruleId"]).collect::<Vec<_>>(), ["r1", "r2"]);
        assert!(of_it.iter().all(|finding| finding.get("resource").is_none()));
        assert_eq!(sample::findings(&store, "a.jsonl.zst").await.unwrap(), findings);
    }

    /// The version 2.0 of the form.
    #[tokio::test]
    async fn the_findings_of_an_earlier_version_are_understood() {
        let store = MemoryStore::default();
        let line = json!({
            "schemaVersion": "2.0", "scanId": "s0", "service": "s3", "ruleId": "r1", "title": "A title", "severity": "LOW",
            "status": "NON_COMPLIANT",
            "resource": {"arn": "arn:aws:s3:::a", "type": "AWS::S3::Bucket", "name": "a", "region": "us-east-1",
                "account": "123456789012", "tags": {"Owner": "payments"}},
            "evidence": {"observed": "what was seen", "expected": "what should be"},
            "remediation": {"text": "Mend it.", "url": "https://docs.aws.amazon.com/"}, "references": [],
            "evaluatedAt": "2026-11-23T06:01:00Z", "firstSeen": "2026-11-22T06:00:00Z", "change": "STILL_OPEN"
        });
        let put = store.put("scans/s0/findings.jsonl", "", format!("{line}\n").into(), Condition::None).await;
        assert_eq!(put, Ok(PutOutcome::Written));
        let mut reader = FindingsReader::find_earlier(&store, "s0").await.unwrap().unwrap();
        let expected = sample::finding("a", "r1", Severity::Low, Status::NonCompliant);
        assert_eq!(reader.next_resource().await, Ok(Some(vec![expected])));
        assert_eq!(reader.next_resource().await, Ok(None));
        assert!(FindingsReader::find_earlier(&store, "s1").await.unwrap().is_none());
    }
}
