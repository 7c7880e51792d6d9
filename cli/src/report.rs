//! Writes a scan's reports again.

use std::fs;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use audit_artifacts::{
    ArtifactReader, ArtifactStore, ArtifactWriter, Condition, FolderStore, PutOutcome, ScanRecord, Stored, keys,
};
use audit_model::task::DeliverInput;
use audit_task::TaskError;
use bytes::Bytes;
use clap::Args;
use jiff::Timestamp;
use write_html_report::Deployment;
use write_json_report::Filed;

use crate::end::{End, Failure};
use crate::found::{self, Found};

/// Writes the HTML and CSV reports of a scan again
///
/// They are made from what the scan left, by the program that wrote them first, or by a later version of it. What the scan left is not
/// touched: it may be sealed.
#[derive(Debug, Args)]
#[command(
    after_help = "A SCAN is a folder of `scan --out` or a copy of a reports bucket, of which the newest scan is taken; or \
    scans/<scan id>\nin it, or a file of that; or one of the scan's reports, reports/date=…/<scan id>.html, .json or .csv.\n\n\
    Examples:\n  \
    compliance-audit report evidence\n  \
    compliance-audit report evidence/scans/20261123T060000Z-1f2e3d4c --out /tmp/reports\n\n\
    Exit codes: 0 the reports are written, 3 they are not."
)]
pub(crate) struct Report {
    /// The scan
    #[arg(value_name = "SCAN")]
    scan: PathBuf,

    /// The folder for the reports, <scan id>.html and .csv; what is there already is not replaced
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

pub(crate) async fn run(asked: &Report, out: &mut impl Write) -> Result<End, Failure> {
    for path in write(&found::scan(&asked.scan).await?, &asked.out, Timestamp::now()).await? {
        writeln!(out, "{}", path.display())?;
    }
    Ok(End::Well)
}

/// Writes both reports into a folder, or neither, and tells where.
async fn write(Found { store, scan_id }: &Found, folder: &Path, now: Timestamp) -> Result<Vec<PathBuf>, Failure> {
    let targets = ["html", "csv"].map(|form| folder.join(format!("{scan_id}.{form}")));
    refuse_what_is_sealed(store.root(), folder)?;
    for target in &targets {
        if fs::symlink_metadata(target).is_ok() {
            return Err(there_already(target));
        }
    }
    let started_at = ScanRecord::load(store, scan_id).await?.plan.started_at;
    let filed = filed(store, &keys::json_report(scan_id, started_at))?;
    let deployment = deployment(filed.as_ref());
    let input = DeliverInput { scan_id: scan_id.clone(), remediation: filed.and_then(|filed| filed.remediation) };

    let unfinished = Unfinished::create(folder.join(format!(".{scan_id}.unfinished")))?;
    let overlay = Overlay { below: store, above: &unfinished.store };
    let html = write_html_report::handle(&input, &overlay, &deployment, now).await?;
    let csv = write_csv_report::handle(&input, &overlay).await?;
    for (report, target) in [html, csv].iter().zip(&targets) {
        // Unlike renaming, it does not replace what has come there meanwhile.
        fs::hard_link(unfinished.store.root().join(&report.key), target).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => there_already(target),
            _ => Failure::new(format!("{} cannot be written: {error}", target.display())),
        })?;
    }
    Ok(targets.into())
}

/// What the report in JSON says that nothing else tells, where there is one.
fn filed(store: &FolderStore, key: &str) -> Result<Option<Filed>, Failure> {
    let Some(file) = store.file(key)? else {
        return Ok(None);
    };
    let understood = Filed::read(BufReader::new(file));
    understood
        .map(Some)
        .map_err(|error| Failure::new(format!("{} cannot be understood: {error}", store.root().join(key).display())))
}

/// Who wrote the report first; the objects lie in a folder now, to which no page of the console leads.
fn deployment(filed: Option<&Filed>) -> Deployment {
    let system = filed.map_or_else(|| "compliance-audit".to_owned(), |filed| filed.system.clone());
    Deployment { system, bucket: String::new() }
}

/// A report among what is sealed would be something that was not there when it was sealed.
fn refuse_what_is_sealed(root: &Path, folder: &Path) -> Result<(), Failure> {
    let unread = |error| Failure::new(format!("{} cannot be found: {error}", folder.display()));
    let (root, folder) = (resolved(root).map_err(unread)?, resolved(folder).map_err(unread)?);
    if folder != root && folder.starts_with(&root) {
        return Err(Failure::new(format!(
            "{} lies among what scans have left, which may be sealed; choose another folder with --out",
            folder.display()
        )));
    }
    Ok(())
}

/// The path without links, as far as it is there.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let there = path.ancestors().find_map(|folder| Some((folder, fs::canonicalize(folder).ok()?)));
    Ok(match there {
        Some((folder, resolved)) => match path.strip_prefix(folder) {
            Ok(rest) if !rest.as_os_str().is_empty() => resolved.join(rest),
            _ => resolved,
        },
        None => path,
    })
}

fn there_already(path: &Path) -> Failure {
    Failure::new(format!(
        "{} is there already, and may be the one that is sealed; move it away, or choose another folder with --out",
        path.display()
    ))
}

/// A store in a folder that goes when this does.
struct Unfinished {
    store: FolderStore,
}

impl Unfinished {
    fn create(folder: PathBuf) -> Result<Self, Failure> {
        Ok(Self { store: FolderStore::create(folder)? })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(self.store.root()) {
            tracing::warn!(path = %self.store.root().display(), %error, "the folder of unfinished reports was not removed");
        }
    }
}

/// Reads from one store and writes into another.
struct Overlay<'a> {
    below: &'a FolderStore,
    above: &'a FolderStore,
}

#[async_trait]
impl ArtifactStore for Overlay<'_> {
    async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
        self.below.get(key).await
    }

    async fn open(&self, key: &str) -> Result<Option<ArtifactReader>, TaskError> {
        self.below.open(key).await
    }

    async fn put(
        &self,
        key: &str,
        content_type: &str,
        content: Bytes,
        condition: Condition,
    ) -> Result<PutOutcome, TaskError> {
        self.above.put(key, content_type, content, condition).await
    }

    async fn create(&self, key: &str, content_type: &str) -> Result<Box<dyn ArtifactWriter>, TaskError> {
        self.above.create(key, content_type).await
    }
}

#[cfg(test)]
mod tests;
