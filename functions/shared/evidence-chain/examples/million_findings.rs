//! Seals and verifies as many bytes, in as many objects, as a scan of 1,000,000 findings leaves, and tells seconds and memory.
//! The objects are made up while they are read, so that what takes memory is the sealing:
//! `cargo run --release -p evidence-chain --example million_findings`.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use async_trait::async_trait;
use evidence_chain::{
    Catalogue, EvidenceStore, Execution, Expectations, HEAD, Head, Kind, Link, Manifest, Opened, Outcome, PublicKey,
    SCHEMA_VERSION, SigningKey, Subject, digest_all, sha256, verify,
};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{DerSignature, SigningKey as Private};
use p256::pkcs8::EncodePublicKey;
use tokio::io::{AsyncRead, BufReader, ReadBuf};

/// The shards of 50,000 buckets with 20 rules each, 128 a shard.
const SHARDS: u64 = 391;

/// What a shard leaves: its list, its findings, its receipt, its deliveries.
const OF_A_SHARD: [(&str, u64); 4] = [
    ("shards/s3/l1/{}.json", 10_000),
    ("findings/s3/{}.jsonl.zst", 12_000),
    ("findings/s3/{}.receipt.json", 300),
    ("findings/s3/l1/{}.deliveries.json", 4_000),
];

/// What the scan leaves as a whole, the reports as tests/benchmark has seen them.
const OF_ALL: [(&str, u64); 5] = [
    ("scans/{}/findings.jsonl.zst", 5_000_000),
    ("scans/{}/summary.json", 30_000),
    ("reports/date=2026-11-23/{}.json", 850_000_000),
    ("reports/date=2026-11-23/{}.csv", 600_000_000),
    ("reports/date=2026-11-23/{}.html", 2_000_000),
];

const ID: &str = "20261123T060000Z-1f2e3d4c";

/// So many bytes that nobody keeps.
struct MadeUp(u64);

impl AsyncRead for MadeUp {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let given = buffer.remaining().min(usize::try_from(self.0).unwrap_or(usize::MAX));
        buffer.initialize_unfilled_to(given);
        buffer.advance(given);
        self.0 -= given as u64;
        Poll::Ready(Ok(()))
    }
}

struct Store {
    made_up: Vec<(String, u64)>,
    link: Option<Link>,
}

impl Store {
    fn written(&self, key: &str) -> Option<Vec<u8>> {
        let link = self.link.as_ref()?;
        let subject = &link.manifest.subject;
        if key == subject.manifest() {
            return Some(link.text.clone().into_bytes());
        }
        if key == subject.signature() {
            return Some(link.signature.clone());
        }
        (key == HEAD).then(|| Head::of(link).canonical().ok().map(String::into_bytes)).flatten()
    }
}

#[async_trait]
impl EvidenceStore for Store {
    async fn list_objects(&self, prefix: &str) -> io::Result<Vec<String>> {
        let keys = self.made_up.iter().map(|(key, _)| key);
        Ok(keys.filter(|key| key.starts_with(prefix)).cloned().collect())
    }

    async fn folders(&self, folder: &str) -> io::Result<Vec<String>> {
        Ok(if folder == Kind::Scan.folder() { vec![ID.to_owned()] } else { Vec::new() })
    }

    async fn open(&self, key: &str) -> io::Result<Option<Opened>> {
        if let Some(content) = self.written(key) {
            return Ok(Some(Opened { content: Box::new(io::Cursor::new(content)), version_id: None }));
        }
        let found = self.made_up.iter().find(|(its, _)| its == key);
        Ok(found.map(|(_, bytes)| {
            let content = BufReader::with_capacity(64 * 1024, MadeUp(*bytes));
            Opened { content: Box::new(content), version_id: Some("3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY".to_owned()) }
        }))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let of_a_shard = (1..=SHARDS).flat_map(|shard| {
        OF_A_SHARD.map(|(name, bytes)| (format!("scans/{ID}/{}", name.replace("{}", &format!("{shard:04}"))), bytes))
    });
    let mut made_up: Vec<(String, u64)> = of_a_shard.collect();
    made_up.extend(OF_ALL.map(|(name, bytes)| (name.replace("{}", ID), bytes)));
    made_up.sort();
    let mut store = Store { made_up, link: None };

    let private = Private::from_slice(&[7; 32])?;
    let public = PublicKey::from_der(private.verifying_key().to_public_key_der()?.as_bytes())?;
    let began = Instant::now();
    let keys = store.made_up.iter().map(|(key, _)| key.clone()).collect();
    let objects = digest_all(&store, keys).await?.into_iter().flatten().collect();
    let manifest = Manifest {
        schema_version: SCHEMA_VERSION.to_owned(),
        number: 1,
        subject: Subject { kind: Kind::Scan, id: ID.to_owned() },
        outcome: Outcome::Complete,
        reason: None,
        execution: Execution { arn: "an execution".to_owned(), started_at: "2026-11-23T06:00:00Z".parse()? },
        sealed_at: "2026-11-23T06:10:00Z".parse()?,
        plan: None,
        catalogue: Catalogue { version: "1".to_owned(), rules_sha256: None },
        figures: None,
        objects,
        without_link: Vec::new(),
        key: SigningKey { arn: "a key".to_owned(), fingerprint: public.fingerprint().to_owned() },
        previous: None,
    };
    let (objects, bytes) = (manifest.objects.len(), manifest.bytes());
    let text = manifest.canonical()?;
    let length = text.len();
    let signature: DerSignature = private.sign_prehash(&sha256(text.as_bytes()))?;
    store.link = Some(Link::new(text, signature.as_bytes().to_vec())?);
    let sealed = began.elapsed().as_secs_f64();

    let began = Instant::now();
    let keys = [public];
    let verification = verify(&store, &Expectations { keys: &keys, ..Expectations::default() }).await?;
    let verified = began.elapsed().as_secs_f64();
    tell(&format!(
        "{objects} objects, {bytes} bytes, a manifest of {length} bytes: sealed in {sealed:.2} s, verified in {verified:.2} s \
         (whole: {}), {} at the most",
        verification.is_whole(),
        peak_memory()?
    ))
}

/// The memory that this process has had at the most, as Linux tells it.
fn peak_memory() -> io::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.map_or_else(|| "memory unknown".to_owned(), |it| it.trim().to_owned()))
}

fn tell(line: &str) -> Result<(), Box<dyn Error>> {
    use std::io::Write;
    Ok(writeln!(io::stdout(), "{line}")?)
}
