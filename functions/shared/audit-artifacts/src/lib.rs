//! Where plans, findings and reports lie: the [`ArtifactStore`] trait with its implementations in S3 and in a folder,
//! the keys of the reports bucket, and JSON Lines as streams, so that memory does not grow with the number of findings.

mod compression;
mod evidence;
mod findings;
mod folder;
mod json_lines;
pub mod keys;
#[cfg(any(test, feature = "memory"))]
mod memory;
mod outcomes;
mod s3;
#[cfg(any(test, feature = "memory"))]
pub mod sample;
pub mod scan_id;
mod scan_record;
mod store;
mod write_object;

pub use evidence::not_read;
pub use findings::{FindingsReader, FindingsWriter};
pub use folder::FolderStore;
pub use json_lines::{JsonLinesReader, JsonLinesWriter};
#[cfg(any(test, feature = "memory"))]
pub use memory::MemoryStore;
pub use outcomes::Outcomes;
pub use s3::{S3Store, sha256};
pub use scan_record::{Findings, ScanRecord};
pub use store::{
    ArtifactReader, ArtifactStore, ArtifactStoreExt, ArtifactWriter, Condition, PutOutcome, Stored, Written, amend_json,
};
pub use write_object::write_object;
