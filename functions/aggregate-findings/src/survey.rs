//! A first look through a service's findings: what they hide must be known before the first of them is written.

use audit_artifacts::ArtifactStore;
use audit_model::plan::ShardReceipt;
use audit_model::summary::Gap;
use audit_model::{Plan, Service};
use audit_task::TaskError;

use crate::coverage::ServiceCoverage;
use crate::merge::{Merge, ShardFindings};
use crate::unlisted::Unlisted;

/// What there is of a service's findings, and what is missing.
pub(crate) struct Survey {
    /// The receipts of the shards whose findings can be used.
    pub(crate) sound: Vec<ShardReceipt>,
    /// What is missing, by shard and type.
    pub(crate) gaps: Vec<Gap>,
}

impl Survey {
    /// Reads the findings of the shards that were scanned, once, to their ends.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn of(
        store: &dyn ArtifactStore,
        plan: &Plan,
        service: Service,
        covered: ServiceCoverage,
    ) -> Result<Self, TaskError> {
        let mut merge = Merge::open(store, &plan.scan_id, service, &covered.scanned).await?;
        let mut unlisted = Unlisted::default();
        while let Some(finding) = merge.next().await? {
            unlisted.add(&finding);
        }
        let mut survey = Self { sound: Vec::new(), gaps: covered.gaps };
        survey.gaps.extend(unlisted.gaps(service));
        for ShardFindings { receipt, read, flaw, .. } in merge.into_shards() {
            let shard = Some(receipt.shard);
            if let Some(reason) = flaw {
                // Which of its findings are true nobody can tell, and so it counts as not scanned.
                let resources = Some(receipt.resources);
                survey.gaps.push(Gap { service, shard, resources, resource_type: None, reason });
                continue;
            }
            if read != receipt.findings {
                let reason = format!("the receipt tells of {} findings, and {read} are there", receipt.findings);
                survey.gaps.push(Gap { service, shard, resources: None, resource_type: None, reason });
            }
            survey.sound.push(receipt);
        }
        survey.gaps.sort_by(|a, b| (a.shard, &a.resource_type).cmp(&(b.shard, &b.resource_type)));
        Ok(survey)
    }
}
