use std::collections::BTreeMap;

use audit_model::{Reading, Unreadable};

/// What one call listed, sorted by the VPC that it belongs to.
#[derive(Debug)]
pub(super) struct PerVpc<T> {
    listed: BTreeMap<String, Result<Vec<T>, Unreadable>>,
}

impl<T> PerVpc<T> {
    pub(super) const fn new() -> Self {
        Self { listed: BTreeMap::new() }
    }

    /// Adds what was listed of a VPC. One entry that was not understood makes the VPC's whole list unreadable.
    pub(super) fn add(&mut self, vpc_id: String, entry: Result<T, Unreadable>) {
        let list = self.listed.entry(vpc_id).or_insert_with(|| Ok(Vec::new()));
        match (&mut *list, entry) {
            (Ok(entries), Ok(entry)) => entries.push(entry),
            (Ok(_), Err(why)) => *list = Err(why),
            (Err(_), _) => {}
        }
    }

    /// The list of a VPC, empty when nothing was listed of it.
    pub(super) fn take(&mut self, vpc_id: &str) -> Reading<Vec<T>> {
        match self.listed.remove(vpc_id).unwrap_or_else(|| Ok(Vec::new())) {
            Ok(entries) => Reading::seen(entries),
            Err(why) => Reading::Unreadable(why),
        }
    }
}
