//! The chain of evidence: a manifest of every object that a scan or a rollback left, signed, each holding the digest and the
//! signature of the one before; and its verification, over any store that can list and read. It knows no AWS SDK and no clock.

mod canonical;
mod digest;
mod head;
mod key;
mod manifest;
mod places;
mod problem;
mod store;
mod verify;

pub use canonical::{NotCanonical, canonical, canonical_sha256};
pub use digest::{Digested, digest, digest_all, hex, sha256};
pub use head::{Head, Link};
pub use key::{NotAKey, PublicKey};
pub use manifest::{
    Catalogue, Execution, Figures, Manifest, Outcome, Plan, Previous, SCHEMA_VERSION, SealedObject, SigningKey,
};
pub use places::{HEAD, KEYS, Kind, Subject, public_key};
pub use problem::Problem;
pub use store::{EvidenceStore, Opened};
pub use verify::{Expectations, LinkReport, Verification, Witness, verify};
