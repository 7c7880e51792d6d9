//! What is kept of every scan for the trend: `state/history.json`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::summary::{ScanStatus, Summary};
use crate::{Plan, Service, Severity};

/// The scans of the last 90 days, in the order in which they started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// A scan each.
    pub scans: Vec<PastScan>,
}

/// The figures of one scan, as its summary has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastScan {
    /// The scan.
    pub scan_id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// Whether everything that was planned was looked at.
    pub status: ScanStatus,
    /// The services that were planned.
    pub services: Vec<Service>,
    /// The compliance score in percent; `None` when nothing was judged.
    pub score: Option<f64>,
    /// The coverage in percent; `None` when nothing was evaluated.
    pub coverage: Option<f64>,
    /// Open violations by severity.
    pub open: BTreeMap<Severity, u64>,
    /// Violations that an exception covers.
    pub excepted: u64,
    /// Violations that were not known before; `None` when there was nothing to compare with.
    pub new: Option<u64>,
    /// Known violations that were seen mended or gone; `None` when there was nothing to compare with.
    pub resolved: Option<u64>,
}

impl PastScan {
    /// What is kept of a scan.
    pub fn of(plan: &Plan, summary: &Summary) -> Self {
        let changes = summary.changes();
        Self {
            scan_id: summary.scan_id.clone(),
            started_at: summary.started_at,
            status: summary.status,
            services: plan.services.clone(),
            score: summary.score(),
            coverage: summary.coverage(),
            open: summary.violations_by_severity.clone(),
            excepted: summary.totals.excepted,
            new: changes.map(|changes| changes.new),
            resolved: changes.map(|changes| changes.resolved),
        }
    }

    /// Whether its figures are the account's: it looked at everything of every service. Those of any other scan must not
    /// bend a line.
    pub fn is_of_the_account(&self) -> bool {
        self.status == ScanStatus::Complete && Service::ALL.iter().all(|service| self.services.contains(service))
    }

    /// All open violations.
    pub fn open(&self) -> u64 {
        self.open.values().sum()
    }
}
