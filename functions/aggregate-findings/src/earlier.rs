//! The findings of the last complete scan, to compare with.

use std::collections::{BTreeMap, BTreeSet};

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, JsonLinesReader, keys};
use audit_model::summary::LatestScan;
use audit_model::{Finding, Plan, Service, Status};
use audit_task::TaskError;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What the comparison needs of a finding. A finding of an older version of this system has it too.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EarlierFinding {
    service: Service,
    pub(crate) rule_id: String,
    status: Status,
    resource: EarlierResource,
    evaluated_at: Timestamp,
    first_seen: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct EarlierResource {
    arn: String,
}

impl EarlierFinding {
    /// Since when it was an open violation, or `None` when it was none. A violation that could not be looked at then
    /// counts as open, for nobody has seen it mended.
    pub(crate) fn open_since(&self) -> Option<Timestamp> {
        match self.status {
            Status::NonCompliant => self.first_seen.or(Some(self.evaluated_at)),
            Status::InsufficientData => self.first_seen,
            Status::Compliant | Status::NotApplicable => None,
        }
    }

    fn sort_key(&self) -> (Service, &str, &str) {
        (self.service, &self.resource.arn, &self.rule_id)
    }
}

/// The last complete scan, read once from beginning to end.
pub(crate) struct EarlierScan {
    scan_id: String,
    evaluated: Option<BTreeSet<String>>,
    reader: JsonLinesReader<EarlierFinding>,
    next: Option<EarlierFinding>,
    understood: bool,
}

impl EarlierScan {
    /// Opens the findings of the scan that `latest` points to, unless they cannot be compared with: they expire, and
    /// an execution that took long may find that a younger one was faster.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn find(
        store: &dyn ArtifactStore,
        latest: LatestScan,
        plan: &Plan,
    ) -> Result<Option<Self>, TaskError> {
        if latest.started_at >= plan.started_at {
            tracing::warn!(latest = latest.scan_id, "the last complete scan is younger; nothing is compared");
            return Ok(None);
        }
        let Some(reader) = JsonLinesReader::find(store, &keys::findings(&latest.scan_id)).await? else {
            tracing::warn!(
                latest = latest.scan_id,
                "the last complete scan has no findings any more; nothing is compared"
            );
            return Ok(None);
        };
        let evaluated = evaluated(store, &latest.scan_id).await?;
        let mut earlier = Self { scan_id: latest.scan_id, evaluated, reader, next: None, understood: true };
        earlier.advance().await?;
        Ok(Some(earlier))
    }

    /// The rules that it evaluated; `None` when its summary does not tell.
    pub(crate) fn evaluated(&self) -> Option<&BTreeSet<String>> {
        self.evaluated.as_ref()
    }

    /// Passes over the findings of the services before this one: they are not part of the plan.
    ///
    /// # Errors
    /// `Unavailable` when the stream breaks, here and below.
    pub(crate) async fn skip_to(&mut self, service: Service) -> Result<(), TaskError> {
        while self.next_if(|earlier| earlier.service < service).await?.is_some() {}
        Ok(())
    }

    /// The next finding if its place is before that of `finding`.
    pub(crate) async fn next_before(&mut self, finding: &Finding) -> Result<Option<EarlierFinding>, TaskError> {
        self.next_if(|earlier| earlier.sort_key() < finding.sort_key()).await
    }

    /// The next finding if it is about the same resource and rule as `finding`.
    pub(crate) async fn next_equal(&mut self, finding: &Finding) -> Result<Option<EarlierFinding>, TaskError> {
        self.next_if(|earlier| earlier.sort_key() == finding.sort_key()).await
    }

    /// The next finding if it belongs to `service`.
    pub(crate) async fn next_of(&mut self, service: Service) -> Result<Option<EarlierFinding>, TaskError> {
        self.next_if(|earlier| earlier.service == service).await
    }

    /// The scan that was compared with, or `None` when its findings could not be understood to their end.
    pub(crate) fn into_compared(self) -> Option<String> {
        self.understood.then_some(self.scan_id)
    }

    async fn next_if(
        &mut self,
        wanted: impl FnOnce(&EarlierFinding) -> bool,
    ) -> Result<Option<EarlierFinding>, TaskError> {
        if !self.next.as_ref().is_some_and(wanted) {
            return Ok(None);
        }
        let taken = self.next.take();
        self.advance().await?;
        if let (Some(before), Some(after)) = (&taken, &self.next)
            && before.sort_key() >= after.sort_key()
        {
            self.give_up("they are not in order");
        }
        Ok(taken)
    }

    async fn advance(&mut self) -> Result<(), TaskError> {
        match self.reader.next().await {
            Ok(next) => self.next = next,
            Err(TaskError::Corrupt(what)) => self.give_up(&what),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Ends the comparison. An old object that cannot be understood must not stop every scan that comes after it.
    fn give_up(&mut self, what: &str) {
        tracing::warn!(
            latest = self.scan_id,
            what,
            "the findings of the last complete scan are broken; nothing is compared"
        );
        self.next = None;
        self.understood = false;
    }
}

/// The rules that a scan evaluated. A summary that is missing or broken does not tell, which must not stop the scan.
async fn evaluated(store: &dyn ArtifactStore, scan_id: &str) -> Result<Option<BTreeSet<String>>, TaskError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Rules {
        by_rule: BTreeMap<String, IgnoredAny>,
    }
    match store.find_json::<Rules>(&keys::summary(scan_id)).await {
        Ok(summary) => Ok(summary.map(|rules| rules.by_rule.into_keys().collect())),
        Err(TaskError::Corrupt(what)) => {
            tracing::warn!(latest = scan_id, what, "the summary of the last complete scan is broken");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
