//! A scan from a laptop: the walk of the state machine, in one process, in each of the regions that are asked for.

mod everywhere;
mod folder;
mod progress;
mod region;
mod tally;
mod told;
mod walk;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use audit_artifacts::{FolderStore, MemoryStore};
use audit_model::{NAMED_FORMS, NamedResource, Service, Severity};
use audit_policy::PolicyError;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clients::Clients;
use crate::end::{End, Failure};
use folder::Folder;
use progress::Progress;
use region::Region;
use walk::{Asked, Ended};

/// What is demanded where no other policy is named.
const SHIPPED_POLICY: &str = include_str!("../../../infrastructure/audit-policy.toml");

/// The word for every region that is enabled in the account.
const ALL: &str = "all";

/// Scans the account of the current credentials, and changes nothing in it
///
/// Reads S3 buckets, VPCs and Lambda functions as the deployed auditor does, judges them by the same rules, and shows the
/// violations. What cannot be read is no verdict: it is told at the end, with the permissions that would allow it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    compliance-audit scan\n  \
    compliance-audit scan --region all --out audit\n  \
    compliance-audit scan --service s3 --profile production --fail-on HIGH\n  \
    compliance-audit scan --resource arn:aws:s3:::ledger\n\n\
    It needs the permissions of `compliance-audit permissions`. Every region is a scan of its own, with reports of its own, in\n\
    DIR/<account>/<region>. A bucket is looked at by the scan of its region, and where that is not scanned by the first one's.")]
pub(crate) struct Scan {
    /// Scan this service only; may be repeated
    #[arg(long = "service", value_name = "SERVICE", value_parser = services())]
    services: Vec<Service>,
    /// Scan this region, or `all` that are enabled in the account; may be repeated. Without it: that of AWS_REGION or of the profile
    #[arg(long = "region", value_name = "REGION")]
    regions: Vec<String>,
    /// Take the credentials of this profile of ~/.aws/config
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Look at this resource only; may be repeated
    #[arg(long = "resource", value_name = "ARN", value_parser = resource)]
    resources: Vec<NamedResource>,
    /// Judge by this audit policy instead of the one that is shipped
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Keep the scan in this folder, with HTML, CSV and JSON reports, and compare it with the one before there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// End with code 1 when there is an open violation of this severity or above, and with 3 when one may have been overlooked
    #[arg(long, value_name = "SEVERITY", value_parser = severities(), ignore_case = true)]
    fail_on: Option<Severity>,
}

fn services() -> impl TypedValueParser<Value = Service> {
    let named = |name: String| Service::ALL.into_iter().find(|service| service.as_str() == name);
    PossibleValuesParser::new(Service::ALL.map(Service::as_str))
        .try_map(move |name| named(name).ok_or("this is no service"))
}

fn resource(arn: &str) -> Result<NamedResource, String> {
    arn.parse().map_err(|_| format!("allowed: {NAMED_FORMS}"))
}

fn severities() -> impl TypedValueParser<Value = Severity> {
    let named = |name: String| Severity::ALL.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(&name));
    PossibleValuesParser::new(Severity::ALL.map(Severity::as_str))
        .try_map(move |name| named(name).ok_or("this is no severity"))
}

pub(crate) async fn run(asked: &Scan, out: &mut impl Write) -> Result<End, Failure> {
    let policy = match &asked.policy {
        None => SHIPPED_POLICY.to_owned(),
        Some(path) => fs::read_to_string(path).map_err(|error| {
            Failure::new(format!("the audit policy {} cannot be read: {error}; name another file", path.display()))
        })?,
    };
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    // Before AWS is asked anything, and once for all regions.
    audit_policy::parse(&policy, today).map_err(|PolicyError { line, what }| {
        let path = asked.policy.as_deref().unwrap_or(Path::new("that is shipped"));
        Failure::new(format!("the audit policy {}, line {line}: {what}; mend it, and try again", path.display()))
    })?;
    let folder = asked.out.clone().map(Folder::at).transpose()?;
    let clients = Clients::new(asked.profile.as_deref(), asked.first_region()).await?;
    let caller = clients.caller().await?;
    let regions = asked.regions(&clients).await?;
    let started_at = Timestamp::now();
    let scan = Asked::new(caller, policy, asked, started_at);
    told::begin(out, &scan, &regions)?;
    out.flush()?;

    let progress = Progress::new(&scan.services, regions.len());
    let scans = async {
        let mut scans = FuturesOrdered::new();
        for name in &regions {
            scans.push_back(in_region(name, &regions, &clients, &scan, folder.as_ref(), &progress));
        }
        scans.collect::<Vec<_>>().await
    };
    let scans = tokio::select! {
        scans = scans => Some(scans),
        interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| None)?,
    };
    progress.end();
    let Some(scans) = scans else {
        let kept = match &folder {
            None => false,
            Some(folder) => folder.forget_unfinished(&scan.caller.account, &regions, &scan.id()).await?,
        };
        told::interrupted(out, kept)?;
        return Ok(End::Interrupted);
    };
    told::end(out, scans, asked.fail_on)
}

/// The scan of one region.
async fn in_region(
    name: &str,
    regions: &[String],
    clients: &Clients,
    scan: &Asked,
    folder: Option<&Folder>,
    progress: &Progress,
) -> (String, Result<Ended, Failure>) {
    let region = Region::new(clients.in_region(name), &scan.caller.account, regions);
    let ended = match folder {
        None => walk::scan(scan, &region, &MemoryStore::default(), None, progress).await,
        Some(folder) => into_folder(scan, &region, folder, progress).await,
    };
    (name.to_owned(), ended)
}

async fn into_folder(scan: &Asked, region: &Region, folder: &Folder, progress: &Progress) -> Result<Ended, Failure> {
    let account = &scan.caller.account;
    let root = folder.root(account, &region.name);
    let store = FolderStore::create(&root)?;
    let ended = walk::scan(scan, region, &store, Some(&root), progress).await;
    drop(store);
    if ended.is_err() {
        // What broke off is in nobody's way, and a full disk gets its room back.
        folder.forget_unfinished(account, std::slice::from_ref(&region.name), &scan.id()).await?;
    }
    ended
}

impl Scan {
    /// The region of the first calls: one that is asked for, or that of a resource that is.
    fn first_region(&self) -> Option<&str> {
        let named = self.regions.iter().map(String::as_str).find(|region| *region != ALL);
        named.or_else(|| self.resources.iter().find_map(|named| named.place().map(|(region, _)| region)))
    }

    /// The regions to scan: the first one takes what has no region of its own.
    async fn regions(&self, clients: &Clients) -> Result<Vec<String>, Failure> {
        let first = clients.region().to_owned();
        let mut regions = if self.regions.iter().any(|region| region == ALL) {
            clients.regions().await?
        } else if self.regions.is_empty() {
            vec![first.clone()]
        } else {
            self.regions.clone()
        };
        regions.retain(|region| *region != first);
        regions.sort();
        regions.dedup();
        regions.insert(0, first);
        if !self.resources.is_empty() && regions.len() > 1 {
            return Err(Failure::new("--resource looks in one region: name that one by --region, or none"));
        }
        Ok(regions)
    }
}
