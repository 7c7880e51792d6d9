//! A scan from a laptop: the walk of the state machine, in one process, in each of the regions that are asked for.

mod folder;
mod listers;
mod places;
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
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clients::Clients;
use crate::end::{End, Failure};
use folder::Folder;
use listers::Buckets;
use places::{Place, first_region, home, places};
use progress::Progress;
use region::Region;
use walk::{Asked, Ended};

/// What is demanded where no other policy is named.
const SHIPPED_POLICY: &str = include_str!("../../../infrastructure/audit-policy.toml");

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
    It needs the permissions of `compliance-audit permissions`. Every region is a scan of its own,\n\
    with reports of its own, in DIR/<account>/<region>. Buckets are looked at wherever they lie, by\n\
    a scan of S3 in their region.")]
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
    /// Look at this resource only, wherever it lies; may be repeated
    #[arg(long = "resource", value_name = "ARN", value_parser = resource, conflicts_with = "services")]
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
    let started_at = Timestamp::now();
    let policy = policy(asked.policy.as_deref(), started_at)?;
    let folder = asked.out.clone().map(Folder::at).transpose()?;
    let clients = Clients::new(asked.profile.as_deref(), first_region(asked), home(asked)).await?;
    let caller = clients.caller().await?;
    let buckets = Buckets::new(clients.s3());
    let places = places(asked, &clients, &buckets, &caller.account).await?;
    let scan = Asked { caller, policy, started_at };
    told::begin(out, &scan.caller, &places)?;
    out.flush()?;

    let progress = Progress::new(&places);
    let scans = async {
        let mut scans = FuturesOrdered::new();
        for place in &places {
            let region = Region::new(&clients.in_region(&place.region), &scan.caller.account, &buckets, place.is_first);
            scans.push_back(in_region(place, region, &scan, folder.as_ref(), &progress));
        }
        scans.collect::<Vec<_>>().await
    };
    let scans = tokio::select! {
        scans = scans => Some(scans),
        interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| None)?,
    };
    progress.end();
    let Some(scans) = scans else {
        let mut kept = false;
        for (folder, place) in folder.iter().flat_map(|folder| places.iter().map(move |place| (folder, place))) {
            kept |= folder::forget_unfinished(&folder.root(&scan.caller.account, &place.region), &scan.id()).await?;
        }
        told::interrupted(out, kept)?;
        return Ok(End::Interrupted);
    };
    told::end(out, scans, asked.fail_on)
}

/// The text of the policy, which is understood before anything is asked.
fn policy(path: Option<&Path>, now: Timestamp) -> Result<String, Failure> {
    let Some(path) = path else { return Ok(SHIPPED_POLICY.to_owned()) };
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::new(format!("the audit policy {} cannot be read: {error}; name another file", path.display()))
    })?;
    audit_policy::parse(&text, TimeZone::UTC.to_datetime(now).date())
        .map_err(|mistake| Failure::new(mistake.in_file(path.display())))?;
    Ok(text)
}

/// The scan of one region.
async fn in_region<'a>(
    place: &'a Place,
    region: Region,
    scan: &Asked,
    folder: Option<&Folder>,
    progress: &Progress,
) -> (&'a Place, Result<Ended, Failure>) {
    let ended = match folder {
        None => walk::scan(scan, place, &region, &MemoryStore::default(), None, progress).await,
        Some(folder) => {
            into_folder(scan, place, &region, &folder.root(&scan.caller.account, &place.region), progress).await
        }
    };
    (place, ended)
}

async fn into_folder(
    scan: &Asked,
    place: &Place,
    region: &Region,
    root: &Path,
    progress: &Progress,
) -> Result<Ended, Failure> {
    let store = FolderStore::create(root)?;
    let ended = walk::scan(scan, place, region, &store, Some(root), progress).await;
    drop(store);
    let Err(failure) = ended else { return ended };
    // What broke off is in nobody's way, and a full disk gets its room back.
    match folder::forget_unfinished(root, &scan.id()).await {
        Ok(_) => Err(failure),
        Err(left) => Err(Failure::new(format!("{failure}; and {left}"))),
    }
}
