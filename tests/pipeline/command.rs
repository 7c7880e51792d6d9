//! The command `compliance-audit` beside the deployed auditor, on the same account.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use audit_model::{Finding, ResourceFindings, Status, UnreadableCause};
use pipeline_tests::System;
use pipeline_tests::recorder::{Recorded, Recorder};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{assert_succeeded, without_remediation};

const ACCOUNT: &str = "123456789012";

/// Where a bucket of the sample account lies that the deployed auditor cannot reach.
const ELSEWHERE: &str = "us-west-2";

/// The command as it ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

/// Runs the command, which is built beside these tests.
pub(super) async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let binary = env::current_exe().unwrap().ancestors().nth(2).unwrap().join("compliance-audit");
    let mut command = Command::new(binary);
    command.args(arguments).envs(environment.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs it with all that it asks AWS going through a relay.
async fn recorded(system: &System, arguments: &[&str]) -> (Ran, Vec<Recorded>) {
    let recorder = Recorder::before(&system.endpoint).await;
    let endpoints = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3_CONTROL"].map(|name| (name, recorder.url.as_str()));
    let ran = run(arguments, &endpoints).await;
    (ran, recorder.requests())
}

/// The findings of the only scan that was kept of a region.
fn kept(out: &Path, region: &str) -> Vec<Finding> {
    let scans = out.join(ACCOUNT).join(region).join("scans");
    let ids: Vec<_> = fs::read_dir(&scans).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let scan = &ids[0];
    let findings = zstd::decode_all(fs::File::open(scan.join("findings.jsonl.zst")).unwrap()).unwrap();
    let lines = findings.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let of_one = lines.map(|line| serde_json::from_slice::<ResourceFindings<'_>>(line).unwrap());
    of_one.flat_map(|ResourceFindings(findings)| findings.into_owned()).collect()
}

/// What was said of each resource by each rule: the verdict, how bad it is, and what was observed.
type Said<'a> = BTreeMap<(&'a str, &'a str), (Status, String)>;

fn said(findings: &[Finding]) -> Said<'_> {
    let said = |finding: &Finding| (finding.status, format!("{} {:?}", finding.severity, finding.evidence.observed));
    findings.iter().map(|finding| ((finding.resource.arn.as_str(), &*finding.rule_id), said(finding))).collect()
}

/// Whether a request changes nothing, by what AWS calls it.
fn reads(request: &Recorded) -> bool {
    let operation = request.target.as_deref().and_then(|target| target.rsplit('.').next());
    match operation {
        Some(operation) => ["Get", "List", "Describe"].iter().any(|verb| operation.starts_with(verb)),
        None => ["GET", "HEAD"].contains(&request.method.as_str()),
    }
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_laptop_comes_to_the_same_verdicts_and_to_those_of_buckets_elsewhere_and_only_reads() {
    let system = System::find().await;
    let deployed = system.execute(&without_remediation()).await;
    assert_succeeded(&deployed);
    let deployed = system.findings(deployed.scan_id()).await;

    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("audit");
    let (ran, requests) = recorded(&system, &["scan", "--out", out.to_str().unwrap()]).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    let (here, beside) = (kept(&out, "us-east-1"), kept(&out, ELSEWHERE));
    let (within_reach, out_of_reach): (Vec<Finding>, Vec<Finding>) =
        deployed.into_iter().partition(|finding| finding.resource.region != ELSEWHERE);
    assert!(within_reach.len() > 1_000, "{}", within_reach.len());
    assert_eq!(said(&here), said(&within_reach));

    // What the deployed auditor cannot say of the bucket, and what all but the account's own settings are about there.
    let because = |finding: &&Finding| finding.missing.iter().any(|it| it.cause == UnreadableCause::OtherRegion);
    assert!(out_of_reach.iter().filter(because).count() > 10, "{out_of_reach:?}");
    let reached: Vec<Finding> =
        beside.into_iter().filter(|finding| finding.resource.arn != format!("arn:aws:iam::{ACCOUNT}:root")).collect();
    let judged = |findings: &[Finding]| {
        said(findings).into_keys().map(|(arn, rule)| format!("{arn} {rule}")).collect::<Vec<_>>()
    };
    assert_eq!(judged(&reached), judged(&out_of_reach));
    assert_eq!(reached.iter().filter(|finding| finding.status == Status::InsufficientData).count(), 0, "{reached:?}");
    // The account's settings are judged by both, and counted once.
    let open = here.iter().chain(&reached).filter(|finding| finding.is_open()).count();
    assert!(ran.out.contains(&format!("\n{open} open violations: ")), "{open}: {}", ran.out);

    assert!(requests.len() > 300, "{}", requests.len());
    let written: Vec<_> = requests.iter().filter(|request| !reads(request)).collect();
    assert!(written.is_empty(), "{written:?}");
}

/// A role that has what a policy allows and nothing else, and a file with a profile of it.
struct Laptop {
    role: String,
    policy: String,
    profiles: tempfile::NamedTempFile,
}

impl Laptop {
    async fn with(system: &System, document: &str) -> Self {
        let role = "compliance-audit-laptop".to_owned();
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": { "AWS": ACCOUNT }, "Action": "sts:AssumeRole" }],
        });
        let made = system.iam.create_role().role_name(&role).assume_role_policy_document(trust.to_string());
        let arn = made.send().await.unwrap().role.unwrap().arn;
        let policy = system.iam.create_policy().policy_name(&role).policy_document(document).send().await.unwrap();
        let policy = policy.policy.unwrap().arn.unwrap();
        system.iam.attach_role_policy().role_name(&role).policy_arn(&policy).send().await.unwrap();
        let profiles = tempfile::NamedTempFile::new().unwrap();
        let profile = format!("[profile laptop]\nrole_arn = {arn}\ncredential_source = Environment\n");
        fs::write(profiles.path(), profile).unwrap();
        Self { role, policy, profiles }
    }

    async fn scan(&self) -> Ran {
        let profiles = [("AWS_CONFIG_FILE", self.profiles.path().to_str().unwrap())];
        run(&["scan", "--profile", "laptop"], &profiles).await
    }

    async fn end(self, system: &System) {
        system.iam.detach_role_policy().role_name(&self.role).policy_arn(&self.policy).send().await.unwrap();
        system.iam.delete_policy().policy_arn(&self.policy).send().await.unwrap();
        system.iam.delete_role().role_name(&self.role).send().await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn the_printed_policy_is_enough_and_what_is_denied_is_named_with_the_policy_that_allows_it() {
    let system = System::find().await;
    let printed = run(&["permissions"], &[]).await.out;
    let laptop = Laptop::with(&system, &printed).await;
    let ran = laptop.scan().await;
    laptop.end(&system).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    assert!(
        ran.out.contains("assumed-role/compliance-audit-laptop/") && !ran.out.contains("was denied"),
        "{}",
        ran.out
    );

    // Each that is taken away is missed.
    let mut less: Value = serde_json::from_str(&printed).unwrap();
    let taken = ["s3:GetBucketPolicy", "lambda:GetFunction", "ec2:DescribeVpcs"];
    for statement in less["Statement"].as_array_mut().unwrap() {
        statement["Action"].as_array_mut().unwrap().retain(|action| !taken.contains(&action.as_str().unwrap()));
    }
    let laptop = Laptop::with(&system, &less.to_string()).await;
    let ran = laptop.scan().await;
    laptop.end(&system).await;
    assert_eq!(ran.code, Some(3), "VPCs cannot be listed: {}", ran.out);
    let allowing = ran.out.split("This policy would allow what was denied:").nth(1).unwrap();
    for action in taken {
        assert!(ran.out.contains(&format!("{action} was denied")), "{action}: {}", ran.out);
        assert!(allowing.contains(&format!("\"{action}\"")), "{action}: {}", ran.out);
    }
}
