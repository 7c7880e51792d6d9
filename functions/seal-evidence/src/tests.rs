mod crashes;
mod sealing;
mod signing;
mod tampering;

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use async_trait::async_trait;
use audit_artifacts::{ArtifactStore, ArtifactStoreExt, Condition, MemoryStore, PutOutcome, keys, sample, scan_id};
use audit_model::finding::{Severity, Status};
use audit_model::task::{self, CaughtError, PlanScanOutput, SealEvidenceInput, SealEvidenceOutput};
use audit_model::{Plan, RemediationMode, Service};
use audit_task::TaskError;
use evidence_chain::{EvidenceStore, Expectations, PublicKey, Verification, verify};
use evidence_key::Signer;
use jiff::{SignedDuration, Timestamp};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey;

use crate::{Ports, handle};

/// A key whose signatures of the same differ from one call to the next, as those of AWS KMS do.
struct Key {
    key: SigningKey,
    calls: AtomicUsize,
}

impl Key {
    fn new(seed: u8) -> Self {
        Self { key: SigningKey::from_slice(&[seed; 32]).unwrap(), calls: AtomicUsize::new(0) }
    }

    fn public(&self) -> PublicKey {
        PublicKey::from_der(self.key.verifying_key().to_public_key_der().unwrap().as_bytes()).unwrap()
    }

    fn signature(&self, sha256: &[u8; 32]) -> Vec<u8> {
        let signature: Signature = self.key.sign_prehash(sha256).unwrap();
        let (r, s) = signature.split_scalars();
        let is_even = self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        // Of two signatures with opposite scalars one is as good as the other.
        let signature = if is_even { signature } else { Signature::from_scalars(r, -s).unwrap() };
        signature.to_der().as_bytes().to_vec()
    }
}

#[async_trait]
impl Signer for Key {
    fn arn(&self) -> &str {
        "arn:aws:kms:us-east-1:123456789012:key/evidence"
    }

    async fn public_key(&self) -> Result<PublicKey, TaskError> {
        Ok(self.public())
    }

    async fn sign(&self, sha256: &[u8; 32]) -> Result<Vec<u8>, TaskError> {
        Ok(self.signature(sha256))
    }
}

/// A reports bucket, a key and a clock.
struct World {
    store: MemoryStore,
    key: Key,
    /// Seconds since [`START`].
    clock: AtomicI64,
}

/// When the first execution starts. One follows every six hours.
const START: &str = "2026-11-23T00:00:00Z";

fn start(number: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(6 * number)
}

fn execution(number: i64) -> task::Execution {
    let name = format!("run-{number}");
    task::Execution {
        id: format!("arn:aws:states:us-east-1:123456789012:execution:machine:{name}"),
        name,
        start_time: start(number),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:machine".to_owned(),
    }
}

fn id(number: i64) -> String {
    let execution = execution(number);
    scan_id::of(execution.start_time, &execution.id)
}

/// The input of the last state of a scan that came to its end.
fn done(number: i64) -> SealEvidenceInput {
    let plan =
        PlanScanOutput::Proceed { scan_id: id(number), services: vec![Service::S3], remediation: RemediationMode::Off };
    SealEvidenceInput { execution: execution(number), plan: Some(plan), failure: None }
}

fn failed(number: i64, error: &str) -> SealEvidenceInput {
    let failure =
        CaughtError { state: "PlanScan".to_owned(), error: error.to_owned(), cause: "what was said".to_owned() };
    SealEvidenceInput { plan: None, failure: Some(failure), ..done(number) }
}

fn stepped_aside(number: i64) -> SealEvidenceInput {
    let plan = PlanScanOutput::Skip { scan_id: id(number), reason: "an older execution is still running".to_owned() };
    SealEvidenceInput { plan: Some(plan), ..done(number) }
}

impl World {
    fn new() -> Self {
        Self { store: MemoryStore::default(), key: Key::new(7), clock: AtomicI64::new(0) }
    }

    async fn put(&self, key: &str, content: impl AsRef<[u8]>) {
        put(&self.store, key, content).await;
    }

    /// What a scan leaves.
    async fn leave_scan(&self, number: i64) {
        let id = id(number);
        let findings = [
            sample::finding("ledger", "s3-bucket-versioning-enabled", Severity::Low, Status::Compliant),
            sample::finding("ledger", "s3-bucket-public-read-prohibited", Severity::Critical, Status::NonCompliant),
        ];
        let plan = self.plan(number);
        let summary = audit_model::summary::Summary { scan_id: id.clone(), ..sample::summary(&findings) };
        self.store.replace_json(&keys::plan(&id), &plan).await.unwrap();
        self.store.replace_json(&keys::rules(&id), &sample::rules(&findings)).await.unwrap();
        self.store.replace_json(&keys::summary(&id), &summary).await.unwrap();
        self.put(&keys::findings(&id), b"compressed findings").await;
        self.put(&keys::shard_findings(&id, Service::S3, 1), b"compressed findings of a shard").await;
        self.put(&keys::json_report(&id, plan.started_at), b"{}").await;
        self.put(&keys::csv_report(&id, plan.started_at), b"a,b\r\n").await;
        self.put(&keys::html_report(&id, plan.started_at), b"<html>").await;
    }

    fn plan(&self, number: i64) -> Plan {
        let task::Execution { id: execution_arn, start_time: started_at, .. } = execution(number);
        Plan { scan_id: id(number), started_at, execution_arn, ..sample::plan() }
    }

    /// Half an hour after the execution has started.
    fn after(&self, number: i64) -> &Self {
        self.clock.store((start(number) - start(0)).as_secs() + 1_800, Ordering::Relaxed);
        self
    }

    fn now(&self) -> Timestamp {
        start(0) + SignedDuration::from_secs(self.clock.load(Ordering::Relaxed))
    }

    async fn seal(&self, input: &SealEvidenceInput) -> Result<SealEvidenceOutput, TaskError> {
        self.seal_through(&self.store, &self.store, &self.key, input).await
    }

    async fn seal_through(
        &self,
        store: &dyn ArtifactStore,
        evidence: &dyn EvidenceStore,
        signer: &dyn Signer,
        input: &SealEvidenceInput,
    ) -> Result<SealEvidenceOutput, TaskError> {
        handle(input, &Ports { store, evidence, signer, now: &|| self.now() }).await
    }

    /// A chain of four: a scan, one that stepped aside, another scan, and a request that was refused.
    async fn with_chain() -> Self {
        let world = Self::new();
        for number in [0, 2] {
            world.leave_scan(number).await;
        }
        for (number, input) in [done(0), stepped_aside(1), done(2), failed(3, "InvalidRequest")].iter().enumerate() {
            let output = world.after(i64::try_from(number).unwrap()).seal(input).await.unwrap();
            assert_eq!(output.number, number as u64 + 1);
        }
        world
    }

    async fn verify(&self) -> Verification {
        let keys = [self.key.public()];
        verify(&self.store, &Expectations { keys: &keys, ..Expectations::default() }).await.unwrap()
    }
}

async fn put(store: &MemoryStore, key: &str, content: impl AsRef<[u8]>) {
    let content = content.as_ref().to_vec().into();
    assert_eq!(store.put(key, "", content, Condition::None).await, Ok(PutOutcome::Written));
}
