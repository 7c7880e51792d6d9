//! A report that was written, as far as it says what nothing else tells.

use std::io::Read;

use audit_model::task::RemediationResult;
use serde::Deserialize;

/// What a report says that the scan's other objects do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// The deployment that wrote it.
    pub system: String,
    /// What remediation came to; `None` when it did not run.
    pub remediation: Option<RemediationResult>,
}

impl Filed {
    /// Reads a report to its end, in bounded memory.
    ///
    /// # Errors
    /// When it cannot be read, or is no such report.
    pub fn read(report: impl Read) -> Result<Self, serde_json::Error> {
        let Report { scan: Scan { system }, summary: Figures { remediation } } = serde_json::from_reader(report)?;
        Ok(Self { system, remediation })
    }
}

#[derive(Deserialize)]
struct Report {
    scan: Scan,
    summary: Figures,
}

#[derive(Deserialize)]
struct Scan {
    system: String,
}

#[derive(Deserialize)]
struct Figures {
    remediation: Option<RemediationResult>,
}
