//! The folder that scans are kept in: `<folder>/<account>/<region>` is a store of its own, so that a scan is compared with the
//! last one of the same account and region.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use audit_artifacts::keys;

use crate::end::Failure;

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

    /// Takes away what a scan has left that did not come to its figures. Whether there is one that did.
    pub(super) fn forget_unfinished(&self, account: &str, regions: &[String], scan_id: &str) -> Result<bool, Failure> {
        let mut kept = false;
        for region in regions {
            let root = self.root(account, region);
            if root.join(keys::summary(scan_id)).exists() {
                kept = true;
                continue;
            }
            let left = root.join("scans").join(scan_id);
            match fs::remove_dir_all(&left) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Failure::new(format!(
                        "{}, which is not a whole scan, cannot be removed: {error}; remove it",
                        left.display()
                    )));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(kept)
    }
}

/// The path of an object in a store.
pub(super) fn path(root: &Path, key: &str) -> PathBuf {
    root.join(key)
}
