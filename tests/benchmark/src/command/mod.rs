//! `compliance-audit scan` as people meet it: what the terminal shows, what is said where it cannot be done, and what it leaves.
//!
//! `make test-benchmark` builds the command and runs this.

mod faults;
mod interrupted;
mod regions;
mod screens;
mod surroundings;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::account::Account;
use crate::aws::FakeAws;
use crate::faults::Conditions;
use crate::http::Server;
use crate::peer::{command_beside, kept};
use crate::runtime::credentials;
use crate::verdicts::Verdicts;

/// The longest that a command may take here.
const LIMIT: Duration = Duration::from_secs(100);

/// Small, and with every kind of resource.
const SMALL: Account = Account::new(12, 3, 8);

/// A machine with credentials of an account, and with nothing of this machine.
struct Laptop {
    aws: Arc<FakeAws>,
    endpoint: String,
    home: TempDir,
    _server: Server,
}

impl Laptop {
    async fn of(account: Account, conditions: Conditions) -> Self {
        let aws = Arc::new(FakeAws::new(account, conditions));
        let (endpoint, server) = Server::start(Arc::clone(&aws)).await.unwrap();
        Self { aws, endpoint, home: tempfile::tempdir().unwrap(), _server: server }
    }

    /// The folder that `--out audit` names.
    fn out(&self) -> PathBuf {
        self.home.path().join("audit")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(command_beside().unwrap());
        command.args(arguments);
        command
    }

    /// Whatever else runs there.
    fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.home).stdin(Stdio::null());
        command.env_clear().envs(credentials(&self.endpoint)).env("HOME", self.home.path());
        command
    }

    /// Runs the command to its end.
    async fn run(&self, arguments: &[&str]) -> Ended {
        Running::start(self.command(arguments)).end().await
    }

    /// What the only scan that is kept of a region says.
    async fn said(&self, region: &str) -> Verdicts {
        let (store, scans) = kept(&self.out(), region).unwrap();
        assert_eq!(scans.len(), 1, "{scans:?}");
        Verdicts::kept(&store, &scans[0]).await.unwrap()
    }

    /// The files in the home folder, each with its size, but for locks. What goes away while this looks is not there.
    fn files(&self) -> BTreeMap<String, u64> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.home.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = path.strip_prefix(&self.home).unwrap().display().to_string();
                if path.is_dir() {
                    folders.push(path);
                } else if let (false, Ok(file)) = (name.ends_with("/.lock"), entry.metadata()) {
                    files.insert(name, file.len());
                }
            }
        }
        files
    }
}

/// How a command ended, and what it said.
#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

/// The exit code, as shells tell it.
fn code(status: ExitStatus) -> i32 {
    status.code().or(status.signal().map(|signal| 128 + signal)).unwrap()
}

/// A command that runs.
struct Running {
    id: Pid,
    output: JoinHandle<io::Result<Output>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { id: Pid::from_child(&child), output: spawn_blocking(move || child.wait_with_output()) }
    }

    /// What Ctrl-C does, which one that has ended already does not hear.
    fn interrupt(&self) {
        assert!(matches!(kill_process(self.id, Signal::INT), Ok(()) | Err(Errno::SRCH)));
    }

    async fn end(mut self) -> Ended {
        let output = timeout(LIMIT, &mut self.output).await;
        let Output { status, stdout, stderr } = output.expect("the command does not come to its end").unwrap().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: code(status), out: text(stdout), err: text(stderr) }
    }
}

/// Where a test has failed, nobody waits for the command any more.
impl Drop for Running {
    fn drop(&mut self) {
        if !self.output.is_finished() {
            assert!(matches!(kill_process(self.id, Signal::KILL), Ok(()) | Err(Errno::SRCH)));
        }
    }
}

/// The scans below a folder that did not come to their figures, what is not finished, and reports of no scan.
fn half(files: &BTreeMap<String, u64>) -> Vec<String> {
    let scan_of = |file: &str| {
        let name = file.rsplit('/').next().unwrap();
        match file.split_once("/scans/") {
            Some((root, of_scan)) => Some((root.to_owned(), of_scan.split('/').next().unwrap().to_owned())),
            None => {
                let (root, _) = file.split_once("/reports/")?;
                Some((root.to_owned(), name.split('.').next().unwrap().to_owned()))
            }
        }
    };
    let is_half = |file: &&String| {
        let is_summed_up =
            |(root, scan): (String, String)| files.contains_key(&format!("{root}/scans/{scan}/summary.json"));
        file.contains("/.unfinished/") || scan_of(file).is_some_and(|of| !is_summed_up(of))
    };
    files.keys().filter(is_half).cloned().collect()
}
