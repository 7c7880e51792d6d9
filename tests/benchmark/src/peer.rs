//! Other ways to scan the same fake account: the command `compliance-audit` of this project, and Prowler.
//! <https://docs.prowler.com/>

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit_artifacts::{FolderStore, ScanRecord};

use crate::Problem;
use crate::account::{ACCOUNT, REGION};
use crate::aws::FakeAws;
use crate::http::Server;
use crate::measure::Usage;
use crate::runtime::credentials;
use crate::scan::Scan;

/// What a peer took.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) wall: Duration,
    pub(crate) usage: Usage,
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) verdicts: u64,
}

/// The command of this project, which is built beside this program and its tests.
///
/// # Errors
/// There is none.
pub(crate) fn command_beside() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let beside = program.ancestors().skip(1).take(2).map(|folder| folder.join("compliance-audit"));
    let found = beside.filter(|command| command.is_file()).last();
    found.ok_or_else(|| io::Error::other(format!("no compliance-audit lies beside {}", program.display())))
}

/// What `scan` leaves of a region in the folder that it is told: the store, and the ids of its scans in their order.
///
/// # Errors
/// The folder cannot be read.
pub(crate) fn kept(out: &Path, region: &str) -> Result<(FolderStore, Vec<String>), Problem> {
    let root = out.join(ACCOUNT).join(region);
    let mut scans = Vec::new();
    for scan in fs::read_dir(root.join("scans"))? {
        scans.push(scan?.file_name().to_string_lossy().into_owned());
    }
    scans.sort();
    Ok((FolderStore::open(root)?, scans))
}

/// Runs `compliance-audit scan`; its reports are left in `out`.
///
/// # Errors
/// It cannot be started, or leaves no scan.
pub(crate) async fn command(scan: &Scan, out: &Path) -> Result<Peer, Problem> {
    let mut command = Command::new(command_beside()?);
    let kept_in = out.join("kept");
    if kept_in.exists() {
        fs::remove_dir_all(&kept_in)?;
    }
    command.arg("scan").arg("--out").arg(&kept_in);
    for service in &scan.services {
        command.args(["--service", service.as_str()]);
    }
    let mut measured = measured("compliance-audit", command, scan, out).await?;
    let (store, scans) = kept(&kept_in, REGION)?;
    let [scan_id] = scans.as_slice() else {
        return Err(format!("compliance-audit left no scan; see its .log and .err in {}", out.display()).into());
    };
    measured.verdicts = ScanRecord::load(&store, scan_id).await?.summary.totals.all();
    Ok(measured)
}

/// Runs Prowler's checks of S3, EC2, VPC and Lambda; its report is left in `out`.
///
/// # Errors
/// Prowler cannot be started, or leaves no report.
pub(crate) async fn prowler(prowler: &Path, scan: &Scan, out: &Path) -> Result<Peer, Problem> {
    let mut command = Command::new(prowler);
    command
        .args(["aws", "--region", REGION, "--service", "s3", "ec2", "vpc", "awslambda", "--scan-unused-services"])
        .args(["--no-banner", "--ignore-exit-code-3", "--output-formats", "csv", "--output-filename", "prowler"])
        .arg("--output-directory")
        .arg(out);
    let mut measured = measured("Prowler", command, scan, out).await?;
    let report = fs::read_to_string(out.join("prowler.csv"))
        .map_err(|error| format!("Prowler left no report ({error}); see its .log and .err in {}", out.display()))?;
    // Every row names its provider; a cell with a line break in it does not begin a row.
    let verdicts = report.lines().filter(|line| line.contains(";aws;") || line.contains(";\"aws\";")).count();
    measured.verdicts = verdicts as u64;
    Ok(measured)
}

/// Runs a peer on the account of the scan and under its conditions. Its verdicts are to be counted in what it leaves.
async fn measured(name: &'static str, mut command: Command, scan: &Scan, out: &Path) -> Result<Peer, Problem> {
    let aws = Arc::new(FakeAws::new(scan.account, scan.conditions.clone()));
    let (endpoint, server) = Server::start(Arc::clone(&aws)).await?;
    fs::create_dir_all(out)?;
    command
        .env_clear()
        .envs(credentials(&endpoint))
        .env("HOME", out)
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(File::create(out.join(format!("{name}.log")))?)
        .stderr(File::create(out.join(format!("{name}.err")))?);
    let started = Instant::now();
    let program = command.get_program().to_string_lossy().into_owned();
    let mut process = command.spawn().map_err(|error| io::Error::other(format!("{program}: {error}")))?;
    let mut usage = Usage::default();
    while process.try_wait()?.is_none() {
        // What a process has used can be read for as long as it is there.
        usage = Usage::of(process.id()).unwrap_or(usage);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let wall = started.elapsed();
    drop(server);
    Ok(Peer { name, wall, usage, calls: aws.take_calls(), verdicts: 0 })
}
