//! The chain of evidence of the deployed system, checked as an auditor checks it: with the public key from AWS KMS, and with what
//! an e-mail told.

use std::fs;

use audit_artifacts::S3Store;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use evidence_chain::{Expectations, Outcome, Problem, PublicKey, Verification, Witness, verify};
use pipeline_tests::System;
use pretty_assertions::assert_eq;
use serde_json::json;

use super::command::{Ran, run};
use super::{assert_succeeded, without_remediation, words};

async fn public_key(system: &System) -> PublicKey {
    let alias = format!("alias/evidence-key-{}", system.name);
    let answer = system.kms("GetPublicKey", json!({ "KeyId": alias })).await;
    PublicKey::from_der(&BASE64.decode(answer["PublicKey"].as_str().unwrap()).unwrap()).unwrap()
}

async fn verified(system: &System, witnesses: &[Witness]) -> Verification {
    let keys = [public_key(system).await];
    let store = S3Store::new(system.s3.clone(), system.reports.clone(), "123456789012".to_owned());
    verify(&store, &Expectations { keys: &keys, witnesses, ..Expectations::default() }).await.unwrap()
}

/// What the command says of the bucket.
async fn command(system: &System, Witness { number, sha256 }: &Witness) -> Ran {
    let key = tempfile::NamedTempFile::new().unwrap();
    fs::write(key.path(), public_key(system).await.pem()).unwrap();
    let told = format!("{number}:{sha256}");
    let key = key.path().to_str().unwrap();
    run(&["verify", "--bucket", &system.reports, "--public-key", key, "--told", &told], &[]).await
}

/// The link that an e-mail tells of, as a person reads it there.
fn told(body: &str) -> Witness {
    let body = words(body);
    let (number, rest) = body.split_once("Last link number ").unwrap().1.split_once(", sealed at ").unwrap();
    let digits = rest.split_once("SHA-256 ").unwrap().1.split_once('…').unwrap().0;
    Witness { number: number.parse().unwrap(), sha256: digits.to_owned() }
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn every_execution_has_a_link_and_a_report_that_is_replaced_is_found_and_named() {
    let system = System::find().await;
    let refused = system.execute(&json!({ "services": ["ec3"] })).await;
    assert_eq!(refused.error, "InvalidRequest");
    system.forget_alerts().await;
    system.take_emails().await;
    let scan = system.execute(&without_remediation()).await;
    assert_succeeded(&scan);
    let [email] = system.take_emails().await.try_into().unwrap();
    let witnesses = [told(&email.body)];

    let whole = verified(&system, &witnesses).await;
    assert!(whole.is_whole(), "{:#?}", whole.all_problems().collect::<Vec<_>>());
    assert_eq!(whole.links.len(), system.executions().await.len());
    let [.., of_refused, of_scan] = &whole.links[..] else { panic!("{:?}", whole.links) };
    assert_eq!((of_refused.outcome, of_scan.outcome), (Outcome::Refused, Outcome::Complete));
    // The mail went out before this scan was sealed, and after what was refused.
    assert_eq!(witnesses[0].number, of_refused.number);
    assert!(of_refused.sha256.starts_with(&witnesses[0].sha256) && witnesses[0].sha256.len() == 16);
    assert_eq!(of_scan.subject.id, scan.scan_id());
    let ran = command(&system, &witnesses[0]).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    let lines = ran.out.lines().filter(|line| line.ends_with(": as sealed")).count();
    assert!(lines == whole.links.len() && ran.out.contains("\nwhole: "), "{}", ran.out);

    let key = system.report_key(scan.scan_id(), "csv").await;
    let forged = system.text(&key).await.replacen("NON_COMPLIANT", "COMPLIANT", 1);
    let put = system.s3.put_object().bucket(&system.reports).key(&key).body(forged.into_bytes().into());
    let version = put.send().await.unwrap().version_id.unwrap();
    let forged = verified(&system, &witnesses).await;
    let ran = command(&system, &witnesses[0]).await;
    // The version that was sealed comes back.
    system.s3.delete_object().bucket(&system.reports).key(&key).version_id(version).send().await.unwrap();
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.out.contains(&key) && ran.out.contains("not whole: 1 problem"), "{}", ran.out);
    assert_eq!(forged.all_problems().collect::<Vec<_>>(), [&Problem::Changed { key }]);
    assert_eq!(forged.links.last().unwrap().subject.id, scan.scan_id());
    assert!(verified(&system, &witnesses).await.is_whole());
}
