//! How a scanner takes up a shard and leaves its findings and receipt: what the three scanners do alike.

mod hidden;
mod reading;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, FindingsWriter, keys};
use audit_model::plan::{ShardReceipt, Target, Versions};
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_model::{Finding, Plan, Policy, Reading, Service, Shard};
use audit_task::TaskError;
use hidden::HiddenTypes;

pub use reading::{in_time, read_in_order};

/// What there is to scan.
#[derive(Debug)]
pub struct Work {
    /// What to read, by kind and id.
    pub targets: Vec<Target>,
    /// The published versions of functions, where these are what to read.
    pub versions: Option<Reading<Versions>>,
    /// The policy to judge them by.
    pub policy: Policy,
}

/// A shard being scanned.
pub struct ShardScan<'a> {
    store: &'a dyn ArtifactStore,
    input: ScanShardInput,
    findings: FindingsWriter,
    hidden: HiddenTypes,
    resources: u64,
    gone: u64,
    of_others: u64,
}

impl<'a> ShardScan<'a> {
    /// Reads plan and shard, and begins the findings.
    ///
    /// # Errors
    /// `InvalidRequest` for a shard of another service than `service`, `NotFound` without a plan or shard, and those
    /// of the store.
    pub async fn begin(
        store: &'a dyn ArtifactStore,
        input: ScanShardInput,
        service: Service,
    ) -> Result<(Work, Self), TaskError> {
        if input.service != service {
            return Err(TaskError::InvalidRequest(format!(
                "the scanner of the service {service} was asked to scan a shard of {}; only {service} is allowed",
                input.service
            )));
        }
        let plan: Plan = store.get_json(&keys::plan(&input.scan_id)).await?;
        let shard: Shard = store.get_json(&keys::shard(&input.scan_id, service, &input.listing, input.shard)).await?;
        let findings =
            FindingsWriter::create(store, &keys::shard_findings(&input.scan_id, service, input.shard)).await?;
        let work = Work { targets: shard.targets, versions: shard.versions, policy: plan.policy };
        Ok((work, Self { store, input, findings, hidden: HiddenTypes::default(), resources: 0, gone: 0, of_others: 0 }))
    }

    /// Counts resources as evaluated.
    pub const fn evaluated(&mut self, resources: u64) {
        self.resources += resources;
    }

    /// Writes the findings about a resource. They must come in the order of [`Finding::sort_key`] over the whole shard.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn write(&mut self, findings: &[Finding]) -> Result<(), TaskError> {
        for finding in findings {
            self.hidden.look_at(finding);
        }
        self.findings.write(findings).await
    }

    /// Counts resources that went away between the listing and the reading; nothing is reported of them.
    pub const fn gone(&mut self, resources: u64) {
        self.gone += resources;
    }

    /// Counts resources of other accounts that were listed and are not judged.
    pub const fn of_others(&mut self, resources: u64) {
        self.of_others += resources;
    }

    /// Makes the findings appear, and after them the receipt: without it the shard does not count as scanned.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn end(self) -> Result<ScanShardOutput, TaskError> {
        let Self { store, input, findings, hidden, resources, gone, of_others } = self;
        let ScanShardInput { scan_id, service, listing, shard, .. } = input;
        let receipt = ShardReceipt {
            service,
            listing,
            shard,
            resources,
            gone,
            of_others,
            findings: findings.findings(),
            first: findings.first().map(str::to_owned),
            hidden: hidden.into(),
        };
        findings.finish().await?;
        store.replace_json(&keys::shard_receipt(&scan_id, service, shard), &receipt).await?;
        tracing::info!(%service, shard, resources, gone, of_others, findings = receipt.findings, "scanned");
        Ok(ScanShardOutput { scan_id, service, shard, resources, findings: receipt.findings })
    }
}
