//! The folder that scans are kept in: `<folder>/<account>/<region>` is a store of its own, so that a scan is compared with the
//! last one of the same account and region.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use audit_artifacts::{FolderStore, keys};
use audit_task::TaskError;

use crate::end::Failure;

/// How often a store is asked for that is still being written, and how long is waited each time.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// A folder that is empty, or holds such stores.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder at this path, which need not be there yet.
    ///
    /// # Errors
    /// Where something else lies there: nothing of it may be overwritten, or pass for a scan.
    pub(super) fn at(path: PathBuf) -> Result<Self, Failure> {
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self(path)),
            Err(error) => {
                return Err(Failure::new(format!(
                    "{} cannot be read as a folder: {error}; name another --out",
                    path.display()
                )));
            }
        };
        for entry in entries {
            let name = entry.map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
            let name = name.file_name().to_string_lossy().into_owned();
            if name.len() != 12 || !name.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(Failure::new(format!(
                    "{} is not empty and holds {name}, which is no scan; name a new or an empty folder, or one of earlier scans",
                    path.display()
                )));
            }
        }
        Ok(Self(path))
    }

    /// The store of a region.
    pub(super) fn root(&self, account: &str, region: &str) -> PathBuf {
        self.0.join(account).join(region)
    }
}

/// Takes away what a scan has left in a store, unless it came to its figures. Whether it did.
///
/// # Errors
/// Where it cannot be taken away.
pub(super) async fn forget_unfinished(root: &Path, scan_id: &str) -> Result<bool, Failure> {
    if !root.exists() {
        return Ok(false);
    }
    // What is still being written ends first, and gives the store free.
    let _store = lock(root).await?;
    if root.join(keys::summary(scan_id)).exists() {
        return Ok(true);
    }
    let left = root.join("scans").join(scan_id);
    match fs::remove_dir_all(&left) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::new(format!(
            "{}, which is no whole scan, cannot be removed: {error}; remove it",
            left.display()
        ))),
        Ok(()) | Err(_) => Ok(false),
    }
}

/// The store, once nobody else writes it.
async fn lock(root: &Path) -> Result<FolderStore, Failure> {
    for _ in 0..ATTEMPTS {
        match FolderStore::create(root) {
            Err(TaskError::Conflict(_)) => tokio::time::sleep(PAUSE).await,
            store => return Ok(store?),
        }
    }
    Ok(FolderStore::create(root)?)
}
