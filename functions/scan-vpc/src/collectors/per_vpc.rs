use std::collections::BTreeMap;

use audit_model::{Reading, Unreadable};

/// What one call listed, sorted by the VPC that it belongs to.
#[derive(Debug)]
pub(super) struct PerVpc<T> {
    action: &'static str,
    /// What is listed, with its article.
    kind: &'static str,
    listed: BTreeMap<String, Result<Vec<T>, Unreadable>>,
}

impl<T> PerVpc<T> {
    /// Sorts what was listed, each entry with the VPC's id. One that was not understood makes the VPC's whole list
    /// unreadable.
    ///
    /// # Errors
    /// An entry belongs to no VPC, so that nobody knows whose list it is missing from.
    pub(super) fn new(
        action: &'static str,
        kind: &'static str,
        listed: impl IntoIterator<Item = (Option<String>, Option<T>)>,
    ) -> Result<Self, Unreadable> {
        let mut sorted = Self { action, kind, listed: BTreeMap::new() };
        listed.into_iter().try_for_each(|(vpc_id, entry)| sorted.add(vpc_id, entry))?;
        Ok(sorted)
    }

    fn add(&mut self, vpc_id: Option<String>, entry: Option<T>) -> Result<(), Unreadable> {
        let (action, kind) = (self.action, self.kind);
        let vpc_id = vpc_id.ok_or_else(|| Unreadable::malformed(action, format!("{kind} belongs to no VPC")))?;
        let entry = entry.ok_or_else(|| {
            Unreadable::malformed(action, format!("{kind} of this VPC lacks what AWS always says of it"))
        });
        let list = self.listed.entry(vpc_id).or_insert_with(|| Ok(Vec::new()));
        match (&mut *list, entry) {
            (Ok(entries), Ok(entry)) => entries.push(entry),
            (Ok(_), Err(why)) => *list = Err(why),
            (Err(_), _) => {}
        }
        Ok(())
    }

    /// The list of a VPC, empty when nothing was listed of it.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn of(&self, vpc_id: &str) -> Result<&[T], Unreadable> {
        match self.listed.get(vpc_id) {
            Some(Ok(entries)) => Ok(entries),
            Some(Err(why)) => Err(why.clone()),
            None => Ok(&[]),
        }
    }

    /// The same, handed over.
    pub(super) fn take(&mut self, vpc_id: &str) -> Reading<Vec<T>> {
        match self.listed.remove(vpc_id).unwrap_or_else(|| Ok(Vec::new())) {
            Ok(entries) => Reading::seen(entries),
            Err(why) => Reading::Unreadable(why),
        }
    }
}
