//! The worst of many violations, in a limited space.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use audit_model::Severity;

/// Those of the highest severity, those that came first before others of the same.
pub(crate) struct Worst<T> {
    room: usize,
    seen: u64,
    kept: BTreeMap<(Reverse<Severity>, u64), T>,
}

impl<T> Worst<T> {
    /// None yet, with room for so many.
    pub(crate) const fn new(room: usize) -> Self {
        Self { room, seen: 0, kept: BTreeMap::new() }
    }

    /// Keeps one, which is made only then, if it is among the worst so far.
    pub(crate) fn offer(&mut self, severity: Severity, make: impl FnOnce() -> T) {
        self.seen += 1;
        let rank = (Reverse(severity), self.seen);
        if self.kept.len() == self.room && self.kept.last_key_value().is_none_or(|(last, _)| *last < rank) {
            return;
        }
        self.kept.insert(rank, make());
        if self.kept.len() > self.room {
            self.kept.pop_last();
        }
    }

    /// How many were offered.
    pub(crate) const fn seen(&self) -> u64 {
        self.seen
    }

    /// The worst, the worst first.
    pub(crate) fn into_kept(self) -> Vec<T> {
        self.kept.into_values().collect()
    }
}
