//! What is said where a scan cannot be done: what was wrong and what to do, an exit code, and nothing is left behind.

use std::fs;
use std::process::Command;
use std::time::Duration;

use futures::future::join_all;

use super::{Ended, Laptop, Running, SMALL, half};
use crate::account::{Account, REGION};
use crate::faults::Conditions;

/// Surroundings in which a scan cannot be done.
struct Case {
    what: &'static str,
    arguments: &'static [&'static str],
    /// The code of the error by which AWS refuses the credentials.
    refusal: Option<&'static str>,
    /// What else is wrong.
    arrange: fn(&Laptop, &mut Command),
    code: i32,
    says: &'static [&'static str],
}

/// A scan into a folder that nothing keeps from being done.
const SCAN: Case =
    Case { what: "", arguments: &["--out", "audit"], refusal: None, arrange: |_, _| {}, code: 3, says: &[] };

const CASES: &[Case] = &[
    Case {
        what: "no region",
        arrange: |_, command| {
            command.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION");
        },
        says: &["no region is given", "--region NAME or --region all", "AWS_REGION"],
        ..SCAN
    },
    Case {
        what: "no credentials",
        arrange: |_, command| {
            command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        },
        says: &["there are none that work", "aws sso login", "AWS_ACCESS_KEY_ID"],
        ..SCAN
    },
    Case {
        what: "a profile that is not there",
        arguments: &["--out", "audit", "--profile", "nobody"],
        says: &["there are none that work", "name a --profile"],
        ..SCAN
    },
    // https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
    Case {
        what: "expired credentials",
        refusal: Some("ExpiredToken"),
        says: &["they have expired", "aws sso login", "ExpiredToken"],
        ..SCAN
    },
    Case {
        what: "unknown credentials",
        refusal: Some("InvalidClientTokenId"),
        says: &["AWS does not know them", "aws configure list"],
        ..SCAN
    },
    Case {
        what: "another key's secret",
        refusal: Some("SignatureDoesNotMatch"),
        says: &["secret key is another one's", "clock"],
        ..SCAN
    },
    Case {
        what: "an endpoint that nobody listens at",
        arrange: |_, command| {
            command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
        },
        says: &["AWS does not answer", "see whether this machine reaches it", "Connection refused"],
        ..SCAN
    },
    Case {
        what: "a folder that is not empty",
        arrange: |laptop, _| {
            fs::create_dir(laptop.out()).unwrap();
            fs::write(laptop.out().join("notes.txt"), "notes").unwrap();
        },
        says: &["audit is not empty", "notes.txt", "name a new or an empty folder"],
        ..SCAN
    },
    Case {
        what: "a file in the folder's place",
        arrange: |laptop, _| fs::write(laptop.out(), "notes").unwrap(),
        says: &["audit cannot be read as a folder", "name another --out"],
        ..SCAN
    },
    Case {
        what: "a folder below a file",
        arguments: &["--out", "notes/audit"],
        arrange: |laptop, _| fs::write(laptop.home.path().join("notes"), "notes").unwrap(),
        says: &["notes/audit cannot be read as a folder", "name another --out"],
        ..SCAN
    },
    // Below this nobody makes a folder: https://man7.org/linux/man-pages/man5/proc.5.html
    Case {
        what: "a folder that cannot be made",
        arguments: &["--out", "/proc/audit"],
        says: &["/proc/audit", "cannot be made"],
        ..SCAN
    },
    Case {
        what: "a policy with a mistake",
        arguments: &["--out", "audit", "--policy", "mine.toml"],
        arrange: |laptop, _| fs::write(laptop.home.path().join("mine.toml"), "\nrulez = 1\n").unwrap(),
        says: &["mine.toml, line 2", "rulez"],
        ..SCAN
    },
    Case {
        what: "a policy that is not there",
        arguments: &["--out", "audit", "--policy", "mine.toml"],
        says: &["mine.toml cannot be read", "name another file"],
        ..SCAN
    },
    Case {
        what: "a resource of another region",
        arguments: &["--resource", "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1", "--region", REGION],
        says: &["vpc/vpc-1 lies in eu-west-1", "name that by --region, or no region"],
        ..SCAN
    },
    Case {
        what: "a resource and a service",
        arguments: &["--resource", "arn:aws:s3:::ledger", "--service", "s3"],
        code: 2,
        says: &["--resource", "cannot be used with", "--service"],
        ..SCAN
    },
    Case {
        what: "an unknown service",
        arguments: &["--service", "ec2"],
        code: 2,
        says: &["ec2", "s3, vpc, lambda"],
        ..SCAN
    },
    Case { what: "an unknown severity", arguments: &["--fail-on", "BAD"], code: 2, says: &["BAD", "CRITICAL"], ..SCAN },
    Case { what: "no ARN", arguments: &["--resource", "ledger"], code: 2, says: &["ledger", "arn:aws:"], ..SCAN },
    Case { what: "an unknown option", arguments: &["--delete"], code: 2, says: &["--delete", "--help"], ..SCAN },
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn what_is_wrong_is_said_and_nothing_is_left() {
    let complaints = join_all(CASES.iter().map(|case| async {
        let laptop = Laptop::of(SMALL, Conditions { refusal: case.refusal, ..Conditions::default() }).await;
        let mut command = laptop.command(&[&["scan"], case.arguments].concat());
        (case.arrange)(&laptop, &mut command);
        let before = laptop.files();
        let Ended { code, out, err } = Running::start(command).end().await;
        let said = format!("{out}{err}");
        let unsaid: Vec<_> = case.says.iter().filter(|what| !said.contains(**what)).collect();
        let is_panic = said.contains("panicked");
        let is_right = code == case.code && unsaid.is_empty() && laptop.files() == before && !is_panic;
        (!is_right)
            .then(|| format!("{}: code {code}, {unsaid:?} is not in:\n{said}\nleft: {:?}", case.what, laptop.files()))
    }))
    .await;
    let complaints: Vec<String> = complaints.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn a_profile_that_is_named_goes_before_the_environment() {
    let laptop = Laptop::of(SMALL, Conditions::default()).await;
    fs::create_dir(laptop.home.path().join(".aws")).unwrap();
    let profile = "[production]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\n";
    fs::write(laptop.home.path().join(".aws/credentials"), profile).unwrap();
    let ended = laptop.run(&["scan", "--service", "lambda", "--profile", "production"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains(":user/AKIAPROFILE"), "{}", ended.out);
}

/// A file that may grow no further fails as on a full disk, and needs neither a disk nor rights.
/// <https://man7.org/linux/man-pages/man2/getrlimit.2.html>
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn a_full_disk_is_said_and_takes_no_half_scan() {
    // In blocks of 512 bytes, so that what fails is the plan, what is aggregated, and the reports.
    let ended = join_all([0, 8, 600].map(|blocks| async move {
        let laptop = Laptop::of(SMALL, Conditions::default()).await;
        let scan = laptop.command(&["scan", "--out", "audit"]);
        let mut command = laptop.program("/bin/sh");
        command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
        command.arg(scan.get_program()).args(scan.get_args());
        let ended = Running::start(command).end().await;
        (blocks, laptop.files(), ended)
    }))
    .await;
    for (blocks, files, Ended { code, out, err }) in ended {
        assert_eq!((code, err.as_str()), (3, ""), "{blocks}: {out}");
        assert!(
            out.contains("audit/") && out.contains("cannot be written") && out.contains("too large"),
            "{blocks}: {out}"
        );
        assert!(half(&files).is_empty(), "{blocks}: {files:?}");
        assert!(!files.keys().any(|file| file.ends_with(".html")), "{blocks}: {files:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn a_second_scan_into_the_same_folder_steps_aside() {
    let slow = Conditions { latency: Duration::from_millis(100), ..Conditions::default() };
    let laptop = Laptop::of(Account::new(3, 1, 1), slow).await;
    let first = Running::start(laptop.command(&["scan", "--out", "audit"]));
    while !laptop.aws.take_calls().contains_key("s3:GetBucketPolicy") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let second = laptop.run(&["scan", "--out", "audit"]).await;
    assert_eq!(second.code, 3, "{second:?}");
    assert!(second.out.contains("another process is writing into audit/"), "{}", second.out);
    assert!(second.out.contains("wait for its end, or choose another folder"), "{}", second.out);
    let first = first.end().await;
    assert_eq!(first.code, 0, "{first:?}");
    let files = laptop.files();
    assert!(half(&files).is_empty(), "{files:?}");
    assert_eq!(files.keys().filter(|file| file.ends_with("/summary.json")).count(), 1);
    assert_eq!(files.keys().filter(|file| file.contains("/reports/")).count(), 3);
}
