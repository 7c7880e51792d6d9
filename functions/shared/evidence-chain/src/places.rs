//! Where in the store evidence lies.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The head of the chain: its last link. Replaced only by conditional writes.
pub const HEAD: &str = "state/evidence.json";

/// The folder of the public keys that links were signed with.
pub const KEYS: &str = "state/evidence-keys/";

/// Where the public key of that fingerprint lies. It is no proof of itself: who checks the chain keeps a copy elsewhere.
pub fn public_key(fingerprint: &str) -> String {
    format!("{KEYS}{fingerprint}.pem")
}

/// What a link is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// A scan or a rollback.
    pub kind: Kind,
    /// Its id, which begins with the time when it started: `YYYYMMDDThhmmssZ-…`.
    pub id: String,
}

/// A scan or a rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// A scan, or what came to an end before it was known to be either.
    Scan,
    /// A rollback of what a scan's remediation changed.
    Rollback,
}

impl Kind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Scan, Self::Rollback];

    /// The folder of the folders of all that are of this kind.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Scan => "scans/",
            Self::Rollback => "rollbacks/",
        }
    }
}

impl Subject {
    /// The scan of that id.
    pub fn of_scan(id: &str) -> Self {
        Self { kind: Kind::Scan, id: id.to_owned() }
    }

    /// The folder of what it left.
    pub fn folder(&self) -> String {
        format!("{}{}/", self.kind.folder(), self.id)
    }

    /// The manifest.
    pub fn manifest(&self) -> String {
        format!("{}manifest.json", self.folder())
    }

    /// The manifest's signature.
    pub fn signature(&self) -> String {
        format!("{}manifest.sig", self.folder())
    }

    /// The plan.
    pub fn plan(&self) -> String {
        format!("{}plan.json", self.folder())
    }

    /// What the keys of its reports begin with: they lie under the day on which it started. `None` when there are none, as
    /// of rollbacks, or the id does not tell the day.
    pub fn reports(&self) -> Option<String> {
        let (year, month, day) = (self.id.get(0..4)?, self.id.get(4..6)?, self.id.get(6..8)?);
        (self.kind == Kind::Scan).then(|| format!("{REPORTS}date={year}-{month}-{day}/{}.", self.id))
    }
}

/// The folder of all reports.
pub(crate) const REPORTS: &str = "reports/";

/// The scan whose report has this key.
pub(crate) fn reported(key: &str) -> Option<&str> {
    key.strip_prefix(REPORTS)?.split_once('/')?.1.split('.').next()
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Scan => "scan",
            Kind::Rollback => "rollback",
        };
        write!(f, "{kind} {}", self.id)
    }
}
