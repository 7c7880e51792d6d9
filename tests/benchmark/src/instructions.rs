//! How many instructions the work itself takes: a guard against relapse that no busy machine disturbs. Callgrind counts them in a
//! process of this program that does the work so and so often, and in another that does it twice as often.
//! <https://valgrind.org/docs/manual/cl-manual.html>

use std::env;
use std::fmt;
use std::hint::black_box;
use std::process::Command;
use std::slice;
use std::str::FromStr;
use std::sync::Arc;

use aggregate_findings::Ports;
use audit_artifacts::{ArtifactStoreExt, S3Store, keys};
use audit_model::plan::{Inventory, Target, TargetKind};
use audit_model::summary::{LatestScan, LatestScans};
use audit_model::task::{AggregateFindingsInput, ScanShardInput};
use audit_model::{Plan, Policy, RemediationMode, Service, Shard, Trigger, TriggerKind};
use audit_rules::Judge;
use jiff::Timestamp;
use jiff::civil::date;

use crate::Problem;
use crate::account::{ACCOUNT, Account, REGION, bucket_name, function_name, vpc_id};
use crate::aws::FakeAws;
use crate::faults::Conditions;
use crate::http::Server;
use crate::scan::{STARTED_AT, execution};
use crate::unbudgeted::Unbudgeted;

/// How far a count may be from what is written down, in percent.
const TOLERANCE: f64 = 5.0;

/// The policy as it is shipped.
const POLICY: &str = include_str!("../../../infrastructure/audit-policy.toml");

/// The buckets whose findings are counted; the rules make about a thousand findings of them.
const BUCKETS: u64 = 48;

const SCAN_ID: &str = "20260101T000000Z-00000000";

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Judging one bucket.
    Bucket,
    /// Judging one VPC with what hangs on it.
    Vpc,
    /// Judging one function.
    Function,
    /// The findings of [`BUCKETS`] buckets through the aggregation.
    Findings,
}

impl Work {
    const ALL: [Self; 4] = [Self::Bucket, Self::Vpc, Self::Function, Self::Findings];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Vpc => "vpc",
            Self::Function => "function",
            Self::Findings => "findings",
        }
    }

    /// What it is, how often it is done so that what a process does beside it does not matter, and the thousands of instructions
    /// that it took once when this was last written down. Whoever changes one of them on purpose writes down what it takes now.
    const fn written_down(self) -> (&'static str, u32, f64) {
        match self {
            Self::Bucket => ("judging a bucket", 2_000, 428.7),
            Self::Vpc => ("judging a VPC with what hangs on it", 200, 1_008.5),
            Self::Function => ("judging a function", 2_000, 175.5),
            Self::Findings => ("the findings of 48 buckets through the aggregation", 20, 46_513.4),
        }
    }

    /// Does it, so often.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub(crate) async fn run(self, times: u32) -> Result<(), Problem> {
        let account = Account::new(BUCKETS, 1, 1);
        let (endpoint, server) = Server::start(Arc::new(FakeAws::new(account, Conditions::default()))).await?;
        let own = Unbudgeted::new(&endpoint).await;
        let policy = audit_policy::parse(POLICY, date(2026, 1, 1))?;
        let judge = Judge { policy: &policy, evaluated_at: STARTED_AT };
        let target =
            |kind, id: String| Target { kind, id, region: Some(REGION.to_owned()), owner: None, only: Vec::new() };
        match self {
            Self::Bucket => {
                let bucket =
                    own.bucket(&target(TargetKind::Bucket, bucket_name(1))).await.ok_or("no bucket was read")?;
                for _ in 0..times {
                    black_box(judge.bucket(black_box(&bucket)));
                }
            }
            Self::Vpc => {
                let [vpc] =
                    own.vpcs(&[target(TargetKind::Vpc, vpc_id(0))]).await.try_into().map_err(|_| "no VPC was read")?;
                for _ in 0..times {
                    black_box(judge.network(slice::from_ref(black_box(&vpc)), None).collect::<Vec<_>>());
                }
            }
            Self::Function => {
                let function = target(TargetKind::Function, function_name(0));
                let function = own.function(&function).await.ok_or("no function was read")?;
                for _ in 0..times {
                    black_box(judge.function(black_box(&function)));
                }
            }
            Self::Findings => {
                let store = own.store();
                scan_buckets(&own, &store, policy).await?;
                for _ in 0..times {
                    aggregate(&store).await?;
                }
            }
        }
        drop(server);
        Ok(())
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Work {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let work = Self::ALL.into_iter().find(|work| work.as_str() == name);
        work.ok_or_else(|| format!("{name:?} is nothing to count; there are bucket, vpc, function and findings"))
    }
}

/// Counts the instructions of all work, and gives a table of them beside what is written down.
///
/// # Errors
/// A count that is further from what is written down than it may be, and what keeps it from being counted.
pub(crate) fn compared() -> Result<String, Problem> {
    let mut table = "| thousands of instructions | counted | written down |\n|---|---|---|\n".to_owned();
    let mut complaints = Vec::new();
    for work in Work::ALL {
        let (what, times, written) = work.written_down();
        let (once, twice) = (counted(work, times)?, counted(work, 2 * times)?);
        let each = twice.saturating_sub(once) as f64 / f64::from(times) / 1_000.0;
        table.push_str(&format!("| {what} | {each:.1} | {written:.1} |\n"));
        if (each - written).abs() > written * TOLERANCE / 100.0 {
            complaints.push(format!("{what}: {each:.1} thousand instructions, and {written:.1} are written down"));
        }
    }
    if complaints.is_empty() {
        Ok(table)
    } else {
        let told = complaints.join("\n");
        Err(format!("{table}\n{told}\nfind out why, or write it down in tests/benchmark/src/instructions.rs").into())
    }
}

/// The instructions of a process that does the work so often.
fn counted(work: Work, times: u32) -> Result<u64, Problem> {
    let ended = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["--work", work.as_str(), "--times", &times.to_string()])
        .output()
        .map_err(|error| format!("valgrind cannot be started, and it counts the instructions; install it: {error}"))?;
    let said = String::from_utf8_lossy(&ended.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match collected {
        Some(instructions) if ended.status.success() => Ok(instructions),
        _ => Err(format!("the work {work} did not come to its end under valgrind:\n{said}").into()),
    }
}

/// Leaves what the machine's first states leave, up to the aggregation, of a scan of the buckets.
async fn scan_buckets(own: &Unbudgeted, store: &S3Store, policy: Policy) -> Result<(), Problem> {
    let plan = Plan {
        scan_id: SCAN_ID.to_owned(),
        trigger: Trigger { kind: TriggerKind::Schedule, event_id: None, requested_by: None, reason: None },
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        services: vec![Service::S3],
        resources: Vec::new(),
        remediation: RemediationMode::Off,
        remediation_requested: false,
        reapply: Vec::new(),
        changes: Vec::new(),
        missing_settings: Vec::new(),
        policy,
        started_at: STARTED_AT,
        execution_arn: execution().id,
    };
    store.replace_json(&keys::plan(SCAN_ID), &plan).await?;
    let target = |number| Target {
        kind: TargetKind::Bucket,
        id: bucket_name(number),
        region: Some(REGION.to_owned()),
        owner: None,
        only: Vec::new(),
    };
    let (service, listing) = (Service::S3, "0".to_owned());
    let shard = Shard { service, number: 1, targets: (0..BUCKETS).map(target).collect(), versions: None };
    store.replace_json(&keys::shard(SCAN_ID, service, &listing, 1), &shard).await?;
    let inventory = Inventory {
        service,
        listing: listing.clone(),
        resources: BUCKETS,
        shards: vec![BUCKETS],
        unlisted: Vec::new(),
        listed_at: STARTED_AT,
    };
    store.replace_json(&keys::inventory(SCAN_ID, service), &inventory).await?;
    let input =
        ScanShardInput { scan_id: SCAN_ID.to_owned(), service, listing, shard: 1, at_once: std::num::NonZeroU32::MIN };
    own.scan(input).await?;
    Ok(())
}

async fn aggregate(store: &S3Store) -> Result<(), Problem> {
    // Were the pointer at this scan, an earlier attempt would have come to its end.
    let expired = LatestScan { scan_id: "20250101T000000Z-00000000".to_owned(), started_at: Timestamp::UNIX_EPOCH };
    store.replace_json(keys::LATEST, &LatestScans::from([(Service::S3, expired)])).await?;
    let input = AggregateFindingsInput { scan_id: SCAN_ID.to_owned(), execution: execution(), branches: Vec::new() };
    aggregate_findings::handle(input, &Ports { store, now: || STARTED_AT }).await?;
    Ok(())
}
