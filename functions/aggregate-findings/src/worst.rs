//! The worst of many findings, in a limited space.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use audit_model::{Finding, Severity};

/// The findings of the highest severity, those that came first before others of the same.
pub(crate) struct Worst {
    room: usize,
    seen: u64,
    kept: BTreeMap<(Reverse<Severity>, u64), Finding>,
}

impl Worst {
    /// None yet, with room for so many.
    pub(crate) const fn new(room: usize) -> Self {
        Self { room, seen: 0, kept: BTreeMap::new() }
    }

    /// Keeps a finding if it is among the worst so far.
    pub(crate) fn offer(&mut self, finding: &Finding) {
        self.seen += 1;
        let rank = (Reverse(finding.severity), self.seen);
        if self.kept.len() == self.room && self.kept.last_key_value().is_none_or(|(last, _)| *last < rank) {
            return;
        }
        self.kept.insert(rank, finding.clone());
        if self.kept.len() > self.room {
            self.kept.pop_last();
        }
    }

    /// How many were offered.
    pub(crate) const fn seen(&self) -> u64 {
        self.seen
    }

    /// The worst, the worst first.
    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.kept.into_values().collect()
    }
}
