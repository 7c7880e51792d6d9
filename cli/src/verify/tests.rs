use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use audit_artifacts::{ArtifactStore, ArtifactStoreExt, Condition, MemoryStore, PutOutcome, keys, sample, scan_id};
use audit_model::summary::Summary;
use audit_model::task::{Execution, PlanScanOutput, SealEvidenceInput};
use audit_model::{Plan, RemediationMode, Service, Severity, Status};
use audit_task::TaskError;
use clap::Parser;
use evidence_chain::{HEAD, Head, Link, Manifest, Subject};
use evidence_key::Signer;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey;
use pretty_assertions::assert_eq;
use seal_evidence::Ports;
use tempfile::TempDir;

use super::*;
use crate::arguments::{Arguments, Command};

struct Key(SigningKey);

impl Key {
    fn new(seed: u8) -> Self {
        Self(SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    fn public(&self) -> PublicKey {
        PublicKey::from_der(self.0.verifying_key().to_public_key_der().unwrap().as_bytes()).unwrap()
    }

    fn signature(&self, sha256: &[u8; 32]) -> Vec<u8> {
        let signature: Signature = self.0.sign_prehash(sha256).unwrap();
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

/// When the execution of that number starts: one every six hours, the first as 2026-11-23 begins.
fn start(number: i64) -> Timestamp {
    "2026-11-23T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(6 * number)
}

fn arn(number: i64) -> String {
    format!("arn:aws:states:us-east-1:123456789012:execution:machine:run-{number}")
}

fn id(number: i64) -> String {
    scan_id::of(start(number), &arn(number))
}

fn subject(number: i64) -> Subject {
    Subject::of_scan(&id(number))
}

async fn put(store: &MemoryStore, key: &str, content: &'static str) {
    assert_eq!(store.put(key, "", content.into(), Condition::None).await, Ok(PutOutcome::Written));
}

/// Three sealed scans, and one that stepped aside. `sealed` tells how many half hours after the first start each is sealed.
async fn chain(sealed: [i64; 4]) -> MemoryStore {
    let (store, clock) = (MemoryStore::default(), AtomicI64::new(0));
    for number in 0..4 {
        let id = id(number);
        let execution = Execution {
            id: arn(number),
            name: format!("run-{number}"),
            start_time: start(number),
            state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:machine".to_owned(),
        };
        let plan = if number == 3 {
            PlanScanOutput::Skip { scan_id: id, reason: "an older execution is still running".to_owned() }
        } else {
            let plan =
                Plan { scan_id: id.clone(), started_at: start(number), execution_arn: arn(number), ..sample::plan() };
            let findings = [sample::finding("ledger", "s3-rule", Severity::Low, Status::NonCompliant)];
            let summary = Summary { scan_id: id.clone(), ..sample::summary(&findings) };
            store.replace_json(&keys::plan(&id), &plan).await.unwrap();
            store.replace_json(&keys::rules(&id), &sample::rules(&findings)).await.unwrap();
            store.replace_json(&keys::summary(&id), &summary).await.unwrap();
            put(&store, &keys::findings(&id), "compressed findings").await;
            put(&store, &keys::html_report(&id, start(number)), "<html>").await;
            PlanScanOutput::Proceed { scan_id: id, services: vec![Service::S3], remediation: RemediationMode::Off }
        };
        let input = SealEvidenceInput { execution, plan: Some(plan), failure: None };
        clock.store(sealed[usize::try_from(number).unwrap()], Ordering::Relaxed);
        let now = || start(0) + SignedDuration::from_mins(30 * clock.load(Ordering::Relaxed));
        let ports = Ports { store: &store, evidence: &store, signer: &Key::new(7), now: &now };
        seal_evidence::handle(&input, &ports).await.unwrap();
    }
    store
}

/// Half an hour after each start.
const IN_TIME: [i64; 4] = [1, 13, 25, 37];

/// A copy of the bucket, as `aws s3 sync` makes it, and the key that is kept elsewhere.
struct Copy {
    folder: TempDir,
    key: PathBuf,
}

impl Copy {
    async fn of(store: &MemoryStore) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("evidence");
        for key in store.keys() {
            let path = root.join(&key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, store.get(&key).await.unwrap().unwrap().content).unwrap();
        }
        let key = folder.path().join("evidence.pem");
        fs::write(&key, Key::new(7).public().pem()).unwrap();
        Self { folder, key }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join("evidence").join(key)
    }

    fn read(&self, key: &str) -> Vec<u8> {
        fs::read(self.path(key)).unwrap()
    }

    fn write(&self, key: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(key), content).unwrap();
    }

    fn remove(&self, key: &str) {
        fs::remove_file(self.path(key)).unwrap();
    }

    fn swap(&self, one: &str, other: &str) {
        let (of_one, of_other) = (self.read(one), self.read(other));
        self.write(one, of_other);
        self.write(other, of_one);
    }

    /// What the command says of it, at a time and with more arguments, and how it ends.
    async fn verify_at(&self, now: Timestamp, lies: Lies, more: &[&str]) -> (String, Result<End, String>) {
        let mut out = Vec::new();
        let asked = asked(&[&[self.path("").to_str().unwrap()], more].concat()).unwrap();
        let store = match found::store(asked.folder.as_ref().unwrap()) {
            Ok(store) => store,
            Err(failure) => return (String::new(), Err(failure.to_string())),
        };
        let end = check(&asked, &store, lies, now, &mut out).await;
        let said = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
        (said, end.map_err(|failure| failure.to_string()))
    }

    async fn verify(&self, more: &[&str]) -> (String, Result<End, String>) {
        let more = [more, &["--public-key", self.key.to_str().unwrap()]].concat();
        self.verify_at(start(4), Lies::InAFolder, &more).await
    }
}

fn asked(arguments: &[&str]) -> Result<Verify, String> {
    let arguments = [&["compliance-audit", "verify"], arguments].concat();
    match Arguments::try_parse_from(arguments).map_err(|error| error.to_string())?.command {
        Command::Verify(asked) => Ok(asked),
        other => panic!("{other:?}"),
    }
}

type Change<'a> = &'a dyn Fn(&Copy);

/// Writes the chain anew, each link changed and signed with a key.
fn sign_again(copy: &Copy, key: &Key, change: impl Fn(&mut Manifest)) {
    let mut previous = None;
    for number in 0..4 {
        let subject = subject(number);
        let mut manifest: Manifest = serde_json::from_slice(&copy.read(&subject.manifest())).unwrap();
        change(&mut manifest);
        manifest.previous = previous;
        let text = manifest.canonical().unwrap();
        let signature = key.signature(&evidence_chain::sha256(text.as_bytes()));
        let link = Link::new(text, signature).unwrap();
        copy.write(&subject.manifest(), &link.text);
        copy.write(&subject.signature(), &link.signature);
        copy.write(HEAD, Head::of(&link).canonical().unwrap());
        previous = Some(link.as_previous());
    }
}

#[tokio::test]
async fn an_untouched_chain_is_whole_and_has_a_line_a_link() {
    let copy = Copy::of(&chain(IN_TIME).await).await;
    let (said, end) = copy.verify(&[]).await;
    assert_eq!(end, Ok(End::Well), "{said}");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 8, "{said}");
    assert_eq!(lines[0], format!("trusted key: {}", Key::new(7).public().fingerprint()));
    assert!(lines[2].starts_with("     1  2026-11-23T00:30:00Z  scan 20261123T000000Z-"), "{said}");
    assert!(lines[2].ends_with(": as sealed") && lines[5].contains("STEPPED_ASIDE"), "{said}");
    assert!(lines[7].starts_with("whole: 4 links, 15 objects of "), "{said}");

    // As it runs: whatever the clock says, nothing has expired from a folder, and nothing is missing after its end.
    let asked = asked(&[copy.path("").to_str().unwrap(), "--public-key", copy.key.to_str().unwrap()]).unwrap();
    assert_eq!(run(&asked, &mut Vec::new()).await.unwrap(), End::Well);
}

#[tokio::test]
async fn every_tampering_is_named() {
    let store = chain(IN_TIME).await;
    let plan = store.text(&keys::plan(&id(1))).unwrap();
    let other = Key::new(9);
    let other_fingerprint = other.public().fingerprint().to_owned();
    // (what somebody does, what is said)
    let cases: [(&str, Change<'_>, &[String]); 13] = [
        (
            "a byte of a finding",
            &|copy| {
                let mut findings = copy.read(&keys::findings(&id(1)));
                findings[3] ^= 1;
                copy.write(&keys::findings(&id(1)), findings);
            },
            &[format!("changed: the object {} is not what was sealed", keys::findings(&id(1)))],
        ),
        (
            "a report replaced",
            &|copy| copy.write(&keys::html_report(&id(0), start(0)), "<html>another"),
            &[format!("changed: the object {}", keys::html_report(&id(0), start(0)))],
        ),
        (
            "an object deleted",
            &|copy| copy.remove(&keys::summary(&id(2))),
            &[format!("missing: the object {}", keys::summary(&id(2)))],
        ),
        (
            "an object added, under a name that shells hide",
            &|copy| copy.write(&format!("scans/{}/.more", id(2)), ""),
            &[format!("added: the object scans/{}/.more", id(2))],
        ),
        (
            "a manifest deleted in the middle",
            &|copy| copy.remove(&subject(1).manifest()),
            &["missing before this one: link 2".to_owned(), format!("not sealed: scan {} has no link", id(1))],
        ),
        (
            "all of a scan deleted in the middle",
            &|copy| {
                fs::remove_dir_all(copy.path("scans").join(id(1))).unwrap();
                copy.remove(&keys::html_report(&id(1), start(1)));
            },
            &["missing before this one: link 2".to_owned()],
        ),
        (
            "a manifest deleted at the end",
            &|copy| {
                copy.remove(&subject(3).manifest());
                copy.remove(&subject(3).signature());
            },
            &[format!("missing at the end: link 4, the last of them of scan {}", id(3))],
        ),
        (
            "two manifests swapped",
            &|copy| {
                copy.swap(&subject(0).manifest(), &subject(2).manifest());
                copy.swap(&subject(0).signature(), &subject(2).signature());
            },
            &[
                format!("out of place: the manifest lies where that of scan {} belongs", id(0)),
                format!("out of place: the manifest lies where that of scan {} belongs", id(2)),
            ],
        ),
        (
            "a signature of another key",
            &|copy| {
                let digest = evidence_chain::sha256(&copy.read(&subject(1).manifest()));
                copy.write(&subject(1).signature(), Key::new(9).signature(&digest));
            },
            &["the signature is not of this manifest".to_owned(), "out of order: the link before is not".to_owned()],
        ),
        (
            "no signature",
            &|copy| copy.remove(&subject(1).signature()),
            &["unsigned: the manifest has no signature".to_owned()],
        ),
        (
            "all signed again with another key",
            &|copy| sign_again(copy, &other, |it| it.key.fingerprint.clone_from(&other_fingerprint)),
            &[format!("another key: it was signed with the key {other_fingerprint}, which is not trusted")],
        ),
        (
            "a policy changed",
            &|copy| copy.write(&keys::plan(&id(1)), plan.replace("\"remindHours\": 24", "\"remindHours\": 25")),
            &["changed: the audit policy in the plan is not the one that was in force".to_owned()],
        ),
        (
            "a name that would clear the screen",
            &|copy| copy.write(&format!("scans/{}/\u{1b}[2J", id(2)), ""),
            &[format!("added: the object scans/{}/\\u{{1b}}[2J", id(2))],
        ),
    ];
    for (name, change, expected) in cases {
        let copy = Copy::of(&store).await;
        change(&copy);
        let (said, end) = copy.verify(&[]).await;
        assert_eq!(end, Ok(End::Found), "{name}: {said}");
        assert!(said.lines().last().unwrap().starts_with("not whole: "), "{name}: {said}");
        for phrase in expected {
            assert!(said.contains(phrase), "{name}: {phrase}: {said}");
        }
    }
}

#[tokio::test]
async fn clocks_that_run_back_are_named() {
    let copy = Copy::of(&chain([1, 30, 25, 37]).await).await;
    let (said, end) = copy.verify(&[]).await;
    assert_eq!(end, Ok(End::Found), "{said}");
    assert!(said.contains("out of order: the clock ran back, for 2026-11-23T15:00:00Z came before"), "{said}");
}

/// A chain that was made anew, key and all, is whole by itself.
#[tokio::test]
async fn what_was_kept_elsewhere_shows_what_nothing_in_the_folder_can() {
    let copy = Copy::of(&chain(IN_TIME).await).await;
    let told = evidence_chain::hex(&evidence_chain::sha256(&copy.read(&subject(3).manifest())));
    let told = format!("4:{}", told[..16].to_ascii_uppercase());
    let (said, end) = copy.verify(&["--told", &told]).await;
    assert_eq!(end, Ok(End::Well), "{said}");
    assert!(said.contains(", 1 link held against what was told"), "{said}");

    let other = Key::new(9);
    sign_again(&copy, &other, |it| it.key.fingerprint = other.public().fingerprint().to_owned());
    copy.write(&evidence_chain::public_key(other.public().fingerprint()), other.public().pem());
    let (said, end) = copy.verify_at(start(4), Lies::InAFolder, &[]).await;
    assert_eq!(end, Ok(End::Well), "{said}");
    assert!(said.contains("No public key was given.") && said.contains("not who sealed it"), "{said}");
    assert!(said.contains(&format!("key that lies with the evidence: {}", other.public().fingerprint())), "{said}");
    let (said, end) = copy.verify_at(start(4), Lies::InAFolder, &["--told", &told]).await;
    assert_eq!(end, Ok(End::Found), "{said}");
    assert!(said.contains("not as told: link 4 is not the one whose digest begins with"), "{said}");

    copy.write("state/evidence-keys/junk.pem", "a key");
    let (said, end) = copy.verify_at(start(4), Lies::InAFolder, &[]).await;
    assert_eq!(end, Ok(End::Found), "{said}");
    assert!(said.contains("state/evidence-keys/junk.pem lies among the public keys and is none"), "{said}");
}

#[tokio::test]
async fn gaps_and_what_has_expired_depend_on_where_it_lies_and_on_what_was_asked() {
    let copy = Copy::of(&chain(IN_TIME).await).await;
    let key = copy.key.to_str().unwrap();
    let gap = "a gap: nothing started between 2026-11-23T18:00:00Z and ";
    // (where, hours after the fourth start, more, what is said)
    for (lies, hours, more, phrase) in [
        (Lies::InAFolder, 0, &["--longest-gap", "6h"][..], "\nwhole: "),
        (Lies::InAFolder, 0, &["--longest-gap", "5h59m"], "a gap: nothing started between 2026-11-23T00:00:00Z and"),
        (Lies::InAFolder, 0, &["--longest-gap", "none"], "\nwhole: "),
        // A copy ends when it was made, unless somebody says what it should hold.
        (Lies::InAFolder, 24 * 365, &[], "\nwhole: "),
        (Lies::InAFolder, 24 * 365, &["--to", "2026-11-23"], "\nwhole: "),
        (Lies::InAFolder, 24 * 365, &["--to", "2026-11-24"], gap),
        // Whatever started within the last 3 hours and 20 minutes may still be running.
        (Lies::InTheBucket, 10, &[], "\nwhole: "),
        (Lies::InTheBucket, 11, &[], gap),
        (Lies::InTheBucket, 11, &["--to", "2026-11-23"], "\nwhole: "),
        (Lies::InTheBucket, 11, &["--longest-gap", "none"], "\nwhole: "),
    ] {
        let now = start(3) + SignedDuration::from_hours(hours);
        let (said, end) = copy.verify_at(now, lies, &[more, &["--public-key", key]].concat()).await;
        assert!(said.contains(phrase), "{lies:?} after {hours} hours, {more:?}: {said}");
        assert_eq!(end, Ok(if phrase.contains("whole") { End::Well } else { End::Found }));
    }
    // Ninety days after the second scan has started its objects may be gone, and the first one whole.
    for key in [keys::html_report(&id(0), start(0)), keys::html_report(&id(1), start(1)), keys::plan(&id(1))] {
        copy.remove(&key);
    }
    fs::remove_dir_all(copy.path("scans").join(id(0))).unwrap();
    let now = start(1) + SignedDuration::from_hours(90 * 24) + SignedDuration::from_mins(40);
    for (lies, more, end) in [
        (Lies::InTheBucket, &["--longest-gap", "none"][..], End::Well),
        (Lies::InTheBucket, &["--longest-gap", "none", "--kept-since", "2026-11-23"], End::Found),
        (Lies::InAFolder, &[], End::Found),
        (Lies::InAFolder, &["--kept-since", "2026-11-23T06:30:01Z"], End::Well),
    ] {
        let (said, ended) = copy.verify_at(now, lies, &[more, &["--public-key", key]].concat()).await;
        assert_eq!(ended, Ok(end), "{lies:?} {more:?}: {said}");
    }
}

#[tokio::test]
async fn objects_of_a_part_of_the_time_are_read() {
    let copy = Copy::of(&chain(IN_TIME).await).await;
    copy.write(&keys::findings(&id(0)), "other");
    let (said, end) = copy.verify(&["--from", "2026-11-23T06:00:00Z", "--to", "2026-11-23T13:00:00Z"]).await;
    assert_eq!(end, Ok(End::Well), "{said}");
    assert_eq!(said.matches("in the chain, its objects not read").count(), 2, "{said}");
    assert!(said.contains("whole: 4 links, 10 objects of ") && said.contains(", those of 2 links not read"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_read_is_no_verdict() {
    let copy = Copy::of(&chain(IN_TIME).await).await;
    let findings = keys::findings(&id(1));
    copy.remove(&findings);
    std::os::unix::fs::symlink("nowhere", copy.path(&findings)).unwrap();
    let (said, end) = copy.verify(&[]).await;
    assert!(end.unwrap_err().contains("is neither a file nor a folder"), "{said}");
    assert_eq!(said, "");

    let empty = tempfile::tempdir().unwrap();
    for (folder, phrase) in [
        (empty.path().to_owned(), "holds nothing that a scan has left"),
        (empty.path().join("none"), "there is no folder"),
        (copy.key.clone(), "is a file; what scans leave lies in a folder"),
    ] {
        let failure = run(&asked(&[folder.to_str().unwrap()]).unwrap(), &mut Vec::new()).await.unwrap_err();
        assert!(failure.to_string().contains(phrase), "{failure}");
    }
    let keys = [(copy.path(HEAD), "is no public key"), (empty.path().join("none.pem"), "cannot be read")];
    for (key, phrase) in keys {
        let (_, end) = copy.verify_at(start(4), Lies::InAFolder, &["--public-key", key.to_str().unwrap()]).await;
        let failure = end.unwrap_err();
        assert!(failure.contains(phrase) && failure.contains(key.to_str().unwrap()), "{failure}");
    }
}

#[test]
fn a_key_is_read_in_both_forms() {
    let key = Key::new(7);
    let der = key.0.verifying_key().to_public_key_der().unwrap();
    assert_eq!(key_of(der.as_bytes()), Some(key.public()));
    assert_eq!(key_of(key.public().pem().as_bytes()), Some(key.public()));
}

#[test]
fn the_command_line_says_what_is_allowed() {
    let asked_of = |more: &[&str]| asked(&[&["evidence"], more].concat());
    let asked_well = asked_of(&["--from", "2026-11-01", "--to", "2026-11-30", "--told", "12:0F1e2d3c"]).unwrap();
    assert_eq!(asked_well.from, Some("2026-11-01T00:00:00Z".parse().unwrap()));
    assert_eq!(asked_well.to, Some("2026-11-30T23:59:59.999999999Z".parse().unwrap()));
    assert_eq!(asked_well.told, [Witness { number: 12, sha256: "0f1e2d3c".to_owned() }]);
    assert_eq!(asked_well.longest_gap.0, Some(SignedDuration::from_hours(7)));
    assert_eq!(
        asked_of(&["--to", "2026-11-30T08:00:00+02:00"]).unwrap().to,
        Some("2026-11-30T06:00:00Z".parse().unwrap())
    );
    for (more, phrase) in [
        (&["--from", "yesterday"][..], "give a time as 2026-11-30T06:00:00Z, or a day as 2026-11-30"),
        (&["--longest-gap", "7"], "give hours and minutes as 7h or 6h30m, or none"),
        (&["--longest-gap=0h"], "give hours and minutes"),
        (&["--told", "0f1e2d3c"], "give the link's number and at least 8 of the first hexadecimal digits"),
        (&["--told", "12:0f1e"], "give the link's number"),
        (&["--told", "0:0f1e2d3c"], "give the link's number"),
        (&["--bucket", "reports"], "cannot be used with"),
    ] {
        let error = asked_of(more).unwrap_err();
        assert!(error.contains(phrase), "{more:?}: {error}");
    }
    assert!(asked(&[]).unwrap_err().contains("required"));
    assert_eq!(asked(&["--bucket", "reports"]).unwrap().bucket.as_deref(), Some("reports"));
}
