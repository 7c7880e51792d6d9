//! The command that testing, synthesizing and deploying begin with.

use std::path::Path;
use std::process::{Command, Output};
use std::{env, fs, io};

fn check(file: &Path) -> io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_check-audit-policy")).arg(file).output()
}

/// The shipped policy with one text replaced, in a file of this name.
fn changed(name: &str, there: &str, instead: &str) -> io::Result<Output> {
    let shipped = fs::read_to_string(shipped())?;
    assert!(shipped.contains(there));
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&file, shipped.replacen(there, instead, 1))?;
    check(&file)
}

fn shipped() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../infrastructure/audit-policy.toml"))
}

#[test]
fn the_shipped_policy_passes_and_is_told() {
    let output = check(shipped()).unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(told.contains("80 of 91 rules are on, 0 exceptions"), "{told}");
    assert!(told.contains("not switched on: AWS Resource Tagging Standard"), "{told}");
}

#[test]
fn a_standard_that_is_switched_on_is_counted() {
    let output = changed("tagging.toml", "resource_tagging = false", "resource_tagging = true").unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(told.contains("91 of 91 rules are on") && !told.contains("not switched on"), "{told}");
}

#[test]
fn a_wrong_policy_fails_with_file_and_line() {
    let output = changed("wrong.toml", "threshold = \"CRITICAL\"", "threshold = \"SEVERE\"").unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for part in ["wrong.toml, line 10:", "SEVERE", "LOW"] {
        assert!(told.contains(part), "{part:?} is missing in {told}");
    }
}

#[test]
fn an_expired_exception_passes_and_is_named() {
    let exception = "[rules]\n[[exceptions]]\nrule = \"s3-bucket-versioning-enabled\"\nresource = \"arn:aws:s3:::a\"\n\
        reason = \"rebuilt every night\"\napprover = \"Head of data\"\nexpires = 2020-01-01\n";
    let output = changed("expired.toml", "[rules]\n", exception).unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(told.contains("expired on 2020-01-01: s3-bucket-versioning-enabled for arn:aws:s3:::a"), "{told}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = check(Path::new("no-such-policy.toml")).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("no-such-policy.toml"), "{told}");
}
