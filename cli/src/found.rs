//! Where on this machine, or in which bucket, a scan lies.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use audit_artifacts::{ArtifactStore, FolderStore, S3Store, keys, not_read, scan_id};
use evidence_chain::{EvidenceStore, Kind};

use crate::clients::{Clients, HOME};
use crate::end::Failure;

/// What a scan may be named by.
const WHAT_IS_A_SCAN: &str = "name the folder of `scan --out` or a copy of a reports bucket, and the newest scan in it is \
                              taken; or scans/<scan id> in it, or a file of that; or one of the scan's reports, \
                              reports/date=…/<scan id>.html, .json or .csv";

/// The folders of a store, of which it has at least one.
const FOLDERS: [&str; 4] = ["scans", "rollbacks", "reports", "state"];

/// A scan on this machine.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where it lies.
    pub(crate) store: FolderStore,
    /// Its id.
    pub(crate) scan_id: String,
}

/// The scan that a path names; see [`WHAT_IS_A_SCAN`].
pub(crate) async fn scan(path: &Path) -> Result<Found, Failure> {
    let there = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
    if let Some((root, scan_id)) = of_scan(&there).or_else(|| of_report(&there)) {
        let found = Found { store: FolderStore::open(root)?, scan_id };
        return if has_summary(&found).await? {
            Ok(found)
        } else {
            Err(Failure::new(format!(
                "the scan {} in {} has no summary: it did not come to its end, or is not all there; choose another one",
                found.scan_id,
                root.display()
            )))
        };
    }
    if !there.is_dir() {
        return Err(Failure::new(format!("{} is no part of a scan; {WHAT_IS_A_SCAN}", path.display())));
    }
    let store = store(path)?;
    let ids = store.folders(Kind::Scan.folder()).await.map_err(not_read)?;
    for scan_id in ids.into_iter().rev().filter(|id| scan_id::is_one(id)) {
        let found = Found { store: store.clone(), scan_id };
        if has_summary(&found).await? {
            return Ok(found);
        }
    }
    Err(Failure::new(format!("no scan in {} has come to its end; {WHAT_IS_A_SCAN}", store.root().display())))
}

/// The store in a folder, or the only one in the folders of accounts and regions in it.
pub(crate) fn store(folder: &Path) -> Result<FolderStore, Failure> {
    let store = FolderStore::open(folder)?;
    if is_root(folder) {
        return Ok(store);
    }
    let mut roots = Vec::new();
    for below in folders_in(folder)? {
        if is_root(&below) {
            roots.push(below);
        } else {
            roots.extend(folders_in(&below)?.into_iter().filter(|region| is_root(region)));
        }
    }
    match &roots[..] {
        [root] => Ok(FolderStore::open(root)?),
        [] => Err(Failure::new(format!(
            "{} holds nothing that a scan has left: neither {}, nor folders of accounts and regions that hold these",
            folder.display(),
            FOLDERS.join("/, ") + "/"
        ))),
        _ => {
            let names: Vec<_> = roots.iter().map(|root| format!("\n  {}", root.display())).collect();
            Err(Failure::new(format!("{} holds the scans of several; name one of{}", folder.display(), names.concat())))
        }
    }
}

/// The reports bucket of that name, which must belong to the account of the current credentials.
pub(crate) async fn bucket(name: &str) -> Result<S3Store, Failure> {
    let clients = Clients::new(None, None, Some(HOME)).await?;
    Ok(S3Store::new(clients.s3(), name.to_owned(), clients.caller().await?.account))
}

/// The store and the scan of `<root>/scans/<id>` and all that lies in it.
fn of_scan(path: &Path) -> Option<(&Path, String)> {
    path.ancestors().find_map(|folder| {
        let (id, scans) = (id(folder.file_name())?, folder.parent()?);
        (scans.file_name()? == "scans").then_some((scans.parent()?, id))
    })
}

/// The store and the scan of `<root>/reports/date=…/<id>.html`, `.json` or `.csv`.
fn of_report(path: &Path) -> Option<(&Path, String)> {
    let is_report = ["html", "json", "csv"].iter().any(|form| path.extension().is_some_and(|its| its == *form));
    let (id, day) = (id(path.file_stem())?, path.parent()?);
    let reports = day.parent()?;
    let is_day = day.file_name()?.to_str()?.starts_with("date=");
    (is_report && is_day && reports.file_name()? == "reports").then_some((reports.parent()?, id))
}

fn id(name: Option<&OsStr>) -> Option<String> {
    name?.to_str().filter(|name| scan_id::is_one(name)).map(str::to_owned)
}

async fn has_summary(Found { store, scan_id }: &Found) -> Result<bool, Failure> {
    Ok(ArtifactStore::open(store, &keys::summary(scan_id)).await?.is_some())
}

fn is_root(folder: &Path) -> bool {
    FOLDERS.iter().any(|name| folder.join(name).is_dir())
}

/// The folders in a folder, by name.
fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unread = |error| unreadable(folder, &error);
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        if entry.file_type().map_err(unread)?.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(match error.kind() {
        io::ErrorKind::NotFound => format!("there is nothing at {}; {WHAT_IS_A_SCAN}", path.display()),
        _ => format!("{} cannot be read: {error}", path.display()),
    })
}

#[cfg(test)]
mod tests {
    use audit_artifacts::sample;
    use pretty_assertions::assert_eq;

    use super::*;

    const OLDER: &str = "20261122T060000Z-0a1b2c3d";
    const BROKE_OFF: &str = "20261124T060000Z-0a1b2c3d";

    /// `<folder>/123456789012/us-east-1` with the sample's scan, an older one, and one that has no summary.
    fn scans(folder: &Path) -> PathBuf {
        let root = folder.join(sample::ACCOUNT).join("us-east-1");
        for key in [
            keys::summary(sample::SCAN_ID),
            keys::summary(OLDER),
            keys::findings(OLDER),
            keys::plan(BROKE_OFF),
            keys::html_report(OLDER, sample::DAY_BEFORE),
            keys::json_report(BROKE_OFF, sample::STARTED_AT),
            "scans/notes/summary.json".to_owned(),
            "reports/date=2026-11-22/notes.html".to_owned(),
        ] {
            let path = root.join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        root
    }

    #[tokio::test]
    async fn a_scan_is_found_by_its_store_its_folder_and_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = scans(folder.path());
        for (path, expected) in [
            ("", sample::SCAN_ID),
            ("123456789012", sample::SCAN_ID),
            ("123456789012/us-east-1", sample::SCAN_ID),
            ("123456789012/us-east-1/scans/20261122T060000Z-0a1b2c3d", OLDER),
            ("123456789012/us-east-1/scans/../scans/20261122T060000Z-0a1b2c3d/", OLDER),
            ("123456789012/us-east-1/scans/20261122T060000Z-0a1b2c3d/findings.jsonl.zst", OLDER),
            ("123456789012/us-east-1/reports/date=2026-11-22/20261122T060000Z-0a1b2c3d.html", OLDER),
        ] {
            let found = scan(&folder.path().join(path)).await.unwrap();
            assert_eq!(found.scan_id, expected, "{path}");
            assert_eq!(found.store.root().canonicalize().unwrap(), root.canonicalize().unwrap(), "{path}");
        }
    }

    #[tokio::test]
    async fn what_is_no_scan_is_told_with_what_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = scans(folder.path());
        fs::create_dir(folder.path().join("empty")).unwrap();
        fs::create_dir_all(folder.path().join("no-scans/state")).unwrap();
        fs::create_dir_all(folder.path().join("several/111122223333/us-east-1/scans")).unwrap();
        fs::create_dir_all(folder.path().join("several/111122223333/eu-central-1/scans")).unwrap();
        for (path, phrase) in [
            (folder.path().join("none"), "there is nothing at"),
            (folder.path().join("empty"), "empty holds nothing that a scan has left"),
            (folder.path().join("no-scans"), "no scan in"),
            (folder.path().join("several"), "several/111122223333/eu-central-1\n  "),
            (root.join("scans").join(BROKE_OFF), "has no summary: it did not come to its end"),
            (root.join("reports/date=2026-11-23").join(format!("{BROKE_OFF}.json")), "has no summary"),
            (root.join("reports/date=2026-11-22/notes.html"), "is no part of a scan; name the folder of `scan --out`"),
        ] {
            let failure = scan(&path).await.unwrap_err().to_string();
            assert!(failure.contains(phrase), "{}: {failure}", path.display());
        }
    }
}
