//! Prowler on the same fake account. <https://docs.prowler.com/>

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;

use crate::Problem;
use crate::account::{Account, REGION};
use crate::aws::FakeAws;
use crate::faults::Conditions;
use crate::http::serve;
use crate::measure::Usage;
use crate::runtime::credentials;

/// What Prowler took.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) wall: Duration,
    pub(crate) usage: Usage,
    pub(crate) calls: BTreeMap<String, u64>,
    /// Rows of its report.
    pub(crate) verdicts: u64,
}

/// Runs Prowler's checks of S3, EC2, VPC and Lambda; its report is left in `out`.
///
/// # Errors
/// Prowler cannot be started, or leaves no report.
pub(crate) async fn run(
    prowler: &Path,
    account: Account,
    conditions: &Conditions,
    out: &Path,
) -> Result<Peer, Problem> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let aws = Arc::new(FakeAws::new(account, conditions.clone()));
    let server = tokio::spawn(serve(listener, Arc::clone(&aws)));
    std::fs::create_dir_all(out)?;
    let mut command = Command::new(prowler);
    command
        .args(["aws", "--region", REGION, "--service", "s3", "ec2", "vpc", "awslambda", "--scan-unused-services"])
        .args(["--no-banner", "--ignore-exit-code-3", "--output-formats", "csv", "--output-filename", "prowler"])
        .arg("--output-directory")
        .arg(out)
        .env_clear()
        .envs(credentials(&endpoint))
        .env("HOME", out)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(out.join("prowler.log"))?)
        .stderr(std::fs::File::create(out.join("prowler.err"))?);
    let started = Instant::now();
    let mut process = command.spawn().map_err(|error| io::Error::other(format!("{}: {error}", prowler.display())))?;
    let mut usage = Usage::default();
    while process.try_wait()?.is_none() {
        // What a process has used can be read for as long as it is there.
        usage = Usage::of(process.id()).unwrap_or(usage);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let wall = started.elapsed();
    server.abort();
    let report = std::fs::read_to_string(out.join("prowler.csv")).map_err(|error| {
        format!("Prowler left no report ({error}); see prowler.log and prowler.err in {}", out.display())
    })?;
    // Every row names its provider; a cell with a line break in it does not begin a row.
    let verdicts = report.lines().filter(|line| line.contains(";aws;") || line.contains(";\"aws\";")).count();
    Ok(Peer { wall, usage, calls: aws.take_calls(), verdicts: verdicts as u64 })
}
