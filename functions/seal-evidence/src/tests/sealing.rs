//! What a link says.

use audit_model::remediation::RollbackPlan;
use audit_model::summary::ScanStatus;
use evidence_chain::{HEAD, Head, Kind, Link, Outcome, Problem, Subject, hex, sha256};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::*;

async fn link(world: &World, subject: &Subject) -> Link {
    let text = world.store.text(&subject.manifest()).unwrap();
    let signature = world.store.get(&subject.signature()).await.unwrap().unwrap().content.to_vec();
    Link::new(text, signature).unwrap()
}

fn scan(number: i64) -> Subject {
    Subject { kind: Kind::Scan, id: id(number) }
}

#[tokio::test]
async fn a_manifest_says_what_was_left_and_what_it_stands_on() {
    let world = World::new();
    world.leave_scan(0).await;
    world.leave_scan(1).await;

    let output = world.after(0).seal(&done(0)).await.unwrap();

    let Link { manifest, text, sha256: digest, signature } = link(&world, &scan(0)).await;
    assert!(world.key.public().has_signed(&sha256(text.as_bytes()), &signature));
    assert_eq!(text, manifest.canonical().unwrap());
    assert_eq!(
        output,
        SealEvidenceOutput {
            scan_id: id(0),
            number: 1,
            sealed_at: "2026-11-23T00:30:00Z".parse().unwrap(),
            manifest: format!("scans/{}/manifest.json", id(0)),
            sha256: hex(&digest),
            objects: 8,
            bytes: manifest.bytes(),
        }
    );
    let folder = format!("scans/{}", id(0));
    let report = format!("reports/date=2026-11-23/{}", id(0));
    let keys: Vec<&str> = manifest.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            format!("{report}.csv"),
            format!("{report}.html"),
            format!("{report}.json"),
            format!("{folder}/findings.jsonl.zst"),
            format!("{folder}/findings/s3/0001.jsonl.zst"),
            format!("{folder}/plan.json"),
            format!("{folder}/rules.json"),
            format!("{folder}/summary.json"),
        ]
    );
    for object in &manifest.objects {
        let content = world.store.get(&object.key).await.unwrap().unwrap();
        assert_eq!((object.bytes, &object.sha256), (content.content.len() as u64, &hex(&sha256(&content.content))));
        assert_eq!(object.version_id, Some(content.etag));
    }
    // The canonical form of the policy that the sample plan has, written by hand from RFC 8785: sorted, and no white space.
    let plan: Value = world.store.get_json(&keys::plan(&id(0))).await.unwrap();
    let sealed_plan = manifest.plan.unwrap();
    assert_eq!(sealed_plan.sha256, manifest.objects[5].sha256);
    assert_eq!(sealed_plan.policy_sha256, Some(evidence_chain::canonical_sha256(&plan["policy"]).unwrap()));
    assert_eq!(manifest.catalogue.rules_sha256.as_ref(), Some(&manifest.objects[6].sha256));
    assert_eq!(manifest.catalogue.version, env!("CARGO_PKG_VERSION"));
    let figures = manifest.figures.unwrap();
    assert_eq!((figures.status, figures.totals.compliant, figures.totals.non_compliant), (ScanStatus::Complete, 1, 1));
    assert_eq!(figures.violations_by_severity[&Severity::Critical], 1);
    assert_eq!(manifest.key.fingerprint, world.key.public().fingerprint());
    assert_eq!((manifest.previous, manifest.without_link), (None, vec![]));
    let pem = world.store.text(&evidence_chain::public_key(&manifest.key.fingerprint)).unwrap();
    assert_eq!(PublicKey::from_pem(&pem), Ok(world.key.public()));
}

#[tokio::test]
async fn a_link_holds_the_one_before_and_the_head_is_the_last() {
    let world = World::with_chain().await;
    let links = [link(&world, &scan(0)).await, link(&world, &scan(1)).await];
    assert_eq!(links[1].manifest.previous, Some(links[0].as_previous()));
    let head = world.store.get(HEAD).await.unwrap().unwrap();
    assert_eq!(Head::read(&head.content), Ok(link(&world, &scan(3)).await));

    let verification = world.verify().await;
    assert!(verification.is_whole(), "{verification:#?}");
    let lines: Vec<String> = verification.links.iter().map(ToString::to_string).collect();
    let bytes = links[0].manifest.bytes();
    assert_eq!(
        lines[..2],
        [
            format!("     1  2026-11-23T00:30:00Z  scan {}  COMPLETE       8 objects, {bytes} bytes: as sealed", id(0)),
            format!("     2  2026-11-23T06:30:00Z  scan {}  STEPPED_ASIDE  0 objects, 0 bytes: as sealed", id(1)),
        ]
    );
}

#[tokio::test]
async fn every_end_is_a_link() {
    let broke_off = SealEvidenceInput { failure: failed(0, "Throttled").failure, ..done(0) };
    let rollback = PlanScanOutput::Rollback {
        rollback_id: id(0),
        scan_id: sample::SCAN_ID.to_owned(),
        mode: RemediationMode::Apply,
        requested_by: "security".to_owned(),
    };
    let rolled_back = SealEvidenceInput { plan: Some(rollback), ..done(0) };
    let reason = |text: &str| Some(text.to_owned());
    for (input, leaves, outcome, why) in [
        (done(0), true, Outcome::Complete, None),
        (
            done(0),
            false,
            Outcome::BrokeOff,
            reason("no summary that can be understood was left, and no error was told"),
        ),
        (broke_off, true, Outcome::BrokeOff, reason("PlanScan: Throttled: what was said")),
        (failed(0, "Unavailable"), false, Outcome::BrokeOff, reason("PlanScan: Unavailable: what was said")),
        (failed(0, "InvalidPolicy"), false, Outcome::Refused, reason("PlanScan: InvalidPolicy: what was said")),
        (stepped_aside(0), false, Outcome::SteppedAside, reason("an older execution is still running")),
        (rolled_back, false, Outcome::RolledBack, None),
    ] {
        let world = World::new();
        if leaves {
            world.leave_scan(0).await;
        }
        let kind = if outcome == Outcome::RolledBack { Kind::Rollback } else { Kind::Scan };
        let subject = Subject { kind, id: id(0) };
        let output = world.after(0).seal(&input).await.unwrap();
        assert_eq!(output.manifest, subject.manifest());
        let manifest = link(&world, &subject).await.manifest;
        assert_eq!((manifest.outcome, manifest.reason), (outcome, why));
        assert!(world.verify().await.is_whole(), "{outcome}");
    }
}

#[tokio::test]
async fn a_rollback_is_sealed_with_its_records() {
    let world = World::new();
    let plan = RollbackPlan {
        rollback_id: id(0),
        trigger: sample::plan().trigger,
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        scan_id: sample::SCAN_ID.to_owned(),
        buckets: None,
        mode: RemediationMode::Apply,
        started_at: start(0),
        execution_arn: execution(0).id,
    };
    world.store.replace_json(&keys::rollback_plan(&id(0)), &plan).await.unwrap();
    world.put(&keys::rollback(&id(0)), b"{}\n").await;
    let rollback = PlanScanOutput::Rollback {
        rollback_id: id(0),
        scan_id: plan.scan_id,
        mode: plan.mode,
        requested_by: "security".to_owned(),
    };
    world.after(0).seal(&SealEvidenceInput { plan: Some(rollback), ..done(0) }).await.unwrap();
    let manifest = link(&world, &Subject { kind: Kind::Rollback, id: id(0) }).await.manifest;
    let keys: Vec<&str> = manifest.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, [keys::rollback_plan(&id(0)), keys::rollback(&id(0))]);
    assert_eq!(manifest.plan.unwrap().policy_sha256, None);
}

/// What broke off may have left anything.
#[tokio::test]
async fn what_cannot_be_understood_is_sealed_all_the_same() {
    let world = World::new();
    world.put(&keys::plan(&id(0)), b"{\"policy\":").await;
    world.put(&keys::summary(&id(0)), b"[1.5]").await;
    world.after(0).seal(&failed(0, "Corrupt")).await.unwrap();
    let manifest = link(&world, &scan(0)).await.manifest;
    assert_eq!((manifest.objects.len(), manifest.plan.unwrap().policy_sha256, manifest.figures), (2, None, None));
    assert!(world.verify().await.is_whole());
}

#[tokio::test]
async fn a_seal_that_failed_is_named_by_the_next_one_and_by_the_verification() {
    let world = World::new();
    world.after(0).seal(&stepped_aside(0)).await.unwrap();
    world.leave_scan(1).await;
    world.after(2).seal(&stepped_aside(2)).await.unwrap();
    assert_eq!(link(&world, &scan(2)).await.manifest.without_link, [scan(1)]);
    let unsealed = Problem::WithoutLink { subject: scan(1) };
    assert_eq!(world.verify().await.problems, std::slice::from_ref(&unsealed));
    // Whoever takes all of it away does not take it out of the next link.
    for key in world.store.keys().iter().filter(|key| key.contains(&id(1))) {
        world.store.remove(key);
    }
    assert_eq!(world.verify().await.problems, [unsealed]);
    // It is sealed late, by a repetition, and no longer missing.
    world.leave_scan(1).await;
    assert_eq!(world.seal(&done(1)).await.map(|output| output.number), Ok(3));
    assert!(world.verify().await.is_whole());
}

#[tokio::test]
async fn a_chain_that_somebody_touched_is_not_continued_in_silence() {
    // Without its head, or with another one, nobody knows what to continue.
    for (content, said) in [
        (None, "is gone, while scan"),
        (Some("{}".to_owned()), "cannot be understood"),
        (
            Some(World::with_chain().await.store.text(HEAD).unwrap().replace("\"number\":4", "\"number\":5")),
            "is not so",
        ),
    ] {
        let world = World::with_chain().await;
        match content {
            None => world.store.remove(HEAD),
            Some(content) => world.put(HEAD, content).await,
        }
        let error = world.after(4).seal(&stepped_aside(4)).await.unwrap_err();
        assert_eq!(error.name(), "Corrupt");
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(world.store.text(&scan(4).manifest()), None);
    }
    // Another key's signature under this key's name.
    let world = World::with_chain().await;
    let last = link(&world, &scan(3)).await;
    let forged = Link::new(last.text, Key::new(9).signature(&last.sha256)).unwrap();
    world.put(HEAD, Head::of(&forged).canonical().unwrap()).await;
    assert_eq!(world.after(4).seal(&stepped_aside(4)).await.unwrap_err().name(), "Corrupt");

    // Where only the last manifest was changed, the chain goes on, and people are told.
    let world = World::with_chain().await;
    world.put(&scan(3).manifest(), b"{}").await;
    let error = world.after(4).seal(&stepped_aside(4)).await.unwrap_err();
    assert_eq!(error.name(), "Conflict");
    assert!(error.to_string().contains(&scan(3).manifest()), "{error}");
    assert_eq!(link(&world, &scan(4)).await.manifest.number, 5);
}

#[tokio::test]
async fn the_agreed_examples_are_sealed() {
    let example = |name: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contracts");
        std::fs::read_to_string(folder.join(format!("seal-evidence.{name}.json"))).unwrap()
    };
    for (name, outcome) in
        [("input", Outcome::BrokeOff), ("skip", Outcome::SteppedAside), ("failure", Outcome::Refused)]
    {
        let input: SealEvidenceInput = serde_json::from_str(&example(name)).unwrap();
        let world = World::new();
        let output = serde_json::to_value(world.seal(&input).await.unwrap()).unwrap();
        let agreed: Value = serde_json::from_str(&example("output")).unwrap();
        let names =
            |value: &Value| value.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(names(&output), names(&agreed));
        assert_eq!(output["number"], json!(1));
        let id = output["scanId"].as_str().unwrap().to_owned();
        assert_eq!(link(&world, &Subject { kind: Kind::Scan, id }).await.manifest.outcome, outcome, "{name}");
    }
}
