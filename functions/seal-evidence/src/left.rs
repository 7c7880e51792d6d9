//! What a scan or a rollback left, as it lies in the bucket.

use audit_artifacts::{keys, not_read, sha256};
use audit_task::TaskError;
use evidence_chain::{Catalogue, Figures, Kind, Plan, SealedObject, Subject, canonical_sha256, digest_all};
use serde_json::Value;

use crate::Ports;

/// The version of the rules' catalogue, which is a part of this system and has its version.
const CATALOGUE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What was left.
#[derive(Debug, Clone)]
pub(crate) struct Left {
    /// Every object, by key.
    pub(crate) objects: Vec<SealedObject>,
    pub(crate) plan: Option<Plan>,
    pub(crate) catalogue: Catalogue,
    pub(crate) figures: Option<Figures>,
}

impl Left {
    /// Lists and digests it. Some of it may be missing, or not be understood, where something broke off: what is there is
    /// sealed all the same.
    ///
    /// # Errors
    /// `Unavailable` when something is changed at the same time, and those of the store.
    pub(crate) async fn of(subject: &Subject, ports: &Ports<'_>) -> Result<Self, TaskError> {
        let mut keys = ports.evidence.list_objects(&subject.folder()).await.map_err(not_read)?;
        if let Some(reports) = subject.reports() {
            keys.extend(ports.evidence.list_objects(&reports).await.map_err(not_read)?);
        }
        let own = [subject.manifest(), subject.signature()];
        keys.retain(|key| !own.contains(key));
        keys.sort();
        let objects = digest_all(ports.evidence, keys).await.map_err(not_read)?;
        let objects: Option<Vec<_>> = objects.into_iter().collect();
        let objects = objects.ok_or_else(|| {
            TaskError::Unavailable(format!("an object of {subject} was deleted while it was sealed; try again"))
        })?;
        let found = |key: &str| objects.iter().find(|object| object.key == key);

        let plan = match found(&subject.plan()) {
            None => None,
            Some(object) => {
                let document = read(object, ports).await?;
                let policy_sha256 = document.get("policy").and_then(|policy| canonical_sha256(policy).ok());
                Some(Plan { sha256: object.sha256.clone(), policy_sha256 })
            }
        };
        let rules = found(&keys::rules(&subject.id)).filter(|_| subject.kind == Kind::Scan);
        let catalogue =
            Catalogue { version: CATALOGUE_VERSION.to_owned(), rules_sha256: rules.map(|rules| rules.sha256.clone()) };
        let figures = match found(&keys::summary(&subject.id)) {
            None => None,
            Some(object) => serde_json::from_value(read(object, ports).await?).ok(),
        };
        Ok(Self { objects, plan, catalogue, figures })
    }
}

/// The document that an object is, the same that was digested; null where it is no JSON.
async fn read(object: &SealedObject, ports: &Ports<'_>) -> Result<Value, TaskError> {
    let stored = ports.store.get(&object.key).await?.filter(|stored| sha256(&stored.content) == object.sha256);
    let stored = stored.ok_or_else(|| {
        TaskError::Unavailable(format!("the object {} was changed while it was sealed; try again", object.key))
    })?;
    Ok(serde_json::from_slice(&stored.content).unwrap_or_default())
}
