//! Measures a scan on a fake AWS of any size, beside a peer, and shows that no fault of AWS turns into a verdict.
//!
//! `make bench` runs what the README's tables need; with arguments it runs one scan.

mod account;
mod aws;
#[cfg(test)]
mod command;
mod faults;
#[cfg(test)]
mod honest;
mod http;
mod instructions;
mod limits;
mod machine;
mod measure;
mod peer;
mod runtime;
mod scan;
mod tables;
mod unbudgeted;
mod verdicts;

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use account::Account;
use audit_model::Service;
use audit_model::task::CaughtError;
use faults::{Conditions, Fault, fault_and_share};
use instructions::Work;
use scan::Scan;
use verdicts::Verdicts;

/// What keeps the benchmark from running.
type Problem = Box<dyn std::error::Error + Send + Sync>;

/// The setting `mapConcurrency` as it is shipped in `infrastructure/cdk.json`.
const SHIPPED_CONCURRENCY: u32 = 2;

/// `LISTING_SECONDS` as it is shipped.
const SHIPPED_LISTING: Duration = Duration::from_secs(240);

/// What a call takes, where nothing else is said.
const LATENCY: Duration = Duration::from_millis(30);

/// Verdicts that each bucket of the fake account comes to, and so how many buckets make so many findings.
const VERDICTS_OF_A_BUCKET: u64 = 21;

const USAGE: &str = "\
usage: benchmark [--account BUCKETS/VPCS/FUNCTIONS[/GROUPS/RULES]] [--services s3,vpc,lambda] [--concurrency N]
                 [--latency MILLISECONDS] [--fault FAULT=PERCENT]… [--seed N] [--findings N] [--peer PATH] [--out DIR]
LAMBDA_BUNDLES names the folder with the functions' binaries. Without --account and --findings the README's tables are
made; --findings makes so many and measures what is behind the scanners. Beside each scan of all services runs the
command compliance-audit, and with --peer Prowler's.";

#[tokio::main]
async fn main() -> Result<(), Problem> {
    let asked = Asked::read(env::args().skip(1))?;
    if let Some(work) = asked.work {
        return work.run(asked.times).await;
    }
    match (asked.account, asked.findings) {
        (Some(account), _) if asked.conditions.faults.is_empty() => asked.scan(account, true).await,
        (Some(account), _) => asked.under_faults(account, std::slice::from_ref(&asked.conditions)).await,
        (None, Some(findings)) => asked.behind(findings).await,
        (None, None) => asked.everything().await,
    }
}

/// What the command line asks for.
#[derive(Debug)]
struct Asked {
    bundles: PathBuf,
    account: Option<Account>,
    services: Vec<Service>,
    concurrency: u32,
    conditions: Conditions,
    findings: Option<u64>,
    peer: Option<PathBuf>,
    out: PathBuf,
    /// What this process does under Callgrind, and how often.
    work: Option<Work>,
    times: u32,
}

impl Asked {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Problem> {
        let bundles = env::var_os("LAMBDA_BUNDLES").ok_or("LAMBDA_BUNDLES is not set; run `make bench`")?;
        let mut asked = Self {
            bundles: bundles.into(),
            account: None,
            services: Service::ALL.to_vec(),
            concurrency: SHIPPED_CONCURRENCY,
            conditions: Conditions { latency: LATENCY, ..Conditions::default() },
            findings: None,
            peer: None,
            out: env::temp_dir().join("benchmark"),
            work: None,
            times: 1,
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(USAGE)?;
            match name.as_str() {
                "--account" => asked.account = Some(value.parse()?),
                "--services" => {
                    let named =
                        |name: &str| Service::ALL.into_iter().find(|service| service.as_str() == name).ok_or(USAGE);
                    asked.services = value.split(',').map(named).collect::<Result<_, _>>()?;
                }
                "--concurrency" => asked.concurrency = value.parse()?,
                "--latency" => asked.conditions.latency = Duration::from_millis(value.parse()?),
                "--fault" => asked.conditions.faults.push(fault_and_share(&value)?),
                "--seed" => asked.conditions.seed = value.parse()?,
                "--findings" => asked.findings = Some(value.parse()?),
                "--peer" => asked.peer = Some(value.into()),
                "--work" => asked.work = Some(value.parse()?),
                "--times" => asked.times = value.parse()?,
                "--out" => asked.out = value.into(),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(asked)
    }

    fn the_scan(&self, account: Account) -> Scan {
        Scan {
            account,
            services: self.services.clone(),
            concurrency: self.concurrency,
            listing: SHIPPED_LISTING,
            conditions: self.conditions.clone(),
            unbudgeted: false,
            repetitions: usize::MAX,
        }
    }

    /// One scan, with its functions and calls if `details` are asked for.
    async fn scan(&self, account: Account, details: bool) -> Result<(), Problem> {
        let scan = self.the_scan(account);
        let outcome = scan.run(&self.bundles).await?;
        if details {
            print(tables::SCANS)?;
        }
        print(&tables::scan(&scan, &outcome))?;
        if scan.services == Service::ALL {
            let out = self.out.join(scan.account.to_string().replace('/', "-"));
            print(&tables::peer(&scan, &peer::command(&scan, &out).await?))?;
            if let Some(prowler) = &self.peer {
                print(&tables::peer(&scan, &peer::prowler(prowler, &scan, &out).await?))?;
            }
        }
        if details {
            print(&format!("\n{}\n{}", tables::FUNCTIONS, tables::functions(&outcome)))?;
            print(&format!("{}\n{}", tables::CALLS, tables::calls(&outcome.calls)))?;
            for CaughtError { state, error, cause } in &outcome.failures {
                print(&format!("{state}: {error}: {cause}"))?;
            }
        }
        Ok(())
    }

    /// Scans of one account under each of these conditions, beside one without faults.
    async fn under_faults(&self, account: Account, each: &[Conditions]) -> Result<(), Problem> {
        let mut scan = self.the_scan(account);
        scan.conditions.faults.clear();
        let without = scan.run(&self.bundles).await?;
        let verdicts = Verdicts::of(&without).await?;
        print(tables::UNDER_FAULTS)?;
        for conditions in each {
            scan.conditions = conditions.clone();
            let outcome = scan.run(&self.bundles).await?;
            let compared = verdicts.compared_with(&Verdicts::of(&outcome).await?);
            print(&tables::under_faults(&scan, &outcome, &without, &compared))?;
        }
        Ok(())
    }

    /// What happens behind the scanners of so many findings.
    async fn behind(&self, findings: u64) -> Result<(), Problem> {
        let account = Account::new(findings.div_ceil(VERDICTS_OF_A_BUCKET), 0, 0);
        let conditions = Conditions::default();
        let scan = Scan { services: vec![Service::S3], conditions, unbudgeted: true, ..self.the_scan(account) };
        let outcome = scan.run(&self.bundles).await?;
        print(tables::BEHIND)?;
        print(&tables::behind(&outcome))?;
        for CaughtError { state, error, cause } in &outcome.failures {
            print(&format!("{state}: {error}: {cause}"))?;
        }
        Ok(())
    }

    /// The tables of the README.
    async fn everything(mut self) -> Result<(), Problem> {
        let instructions = instructions::compared();
        print(tables::SCANS)?;
        for account in [Account::new(50, 10, 30), Account::new(500, 40, 200)] {
            self.scan(account, false).await?;
        }
        for (service, account) in [
            (Service::S3, Account::new(100, 0, 0)),
            (Service::S3, Account::new(1_000, 0, 0)),
            (Service::S3, Account::new(10_000, 0, 0)),
            (Service::Vpc, Account::new(0, 40, 0)),
            (Service::Vpc, Account::new(0, 400, 0)),
            (Service::Vpc, Account { groups: 500, rules: 60, ..Account::new(0, 20, 0) }),
            (Service::Lambda, Account::new(0, 40, 200)),
            (Service::Lambda, Account::new(0, 40, 2_000)),
        ] {
            self.services = vec![service];
            self.scan(account, false).await?;
        }
        let share = |fault, percent| Conditions { faults: vec![(fault, percent)], ..self.conditions.clone() };
        let throttled = [1, 5, 20].map(|percent| share(Fault::Throttled, percent));
        let in_part = [Fault::Empty, Fault::Hollow, Fault::Cut].map(|fault| share(fault, 2));
        print("")?;
        self.services = Service::ALL.to_vec();
        self.under_faults(Account::new(500, 40, 200), &[throttled, in_part].concat()).await?;
        for findings in [10_000, 100_000, 1_000_000] {
            print("")?;
            self.behind(findings).await?;
        }
        // What has grown fails the run, and costs nobody the tables.
        print(&format!("\n{}", instructions?))?;
        Ok(())
    }
}

fn print(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
