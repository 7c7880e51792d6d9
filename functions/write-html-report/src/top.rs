//! The first of many by rank, in a limited space.

use std::collections::BTreeMap;

/// The values of the lowest ranks, and how many there were in all.
pub(crate) struct Top<R, T> {
    room: usize,
    seen: u64,
    kept: BTreeMap<(R, u64), T>,
}

impl<R: Ord, T> Top<R, T> {
    /// None yet, with room for so many.
    pub(crate) const fn new(room: usize) -> Self {
        Self { room, seen: 0, kept: BTreeMap::new() }
    }

    /// Keeps a value, which is made only when it is among the first so far. Of two of the same rank the first comes first.
    pub(crate) fn offer(&mut self, rank: R, value: impl FnOnce() -> T) {
        self.seen += 1;
        let rank = (rank, self.seen);
        if self.kept.len() == self.room && self.kept.last_key_value().is_none_or(|(last, _)| *last < rank) {
            return;
        }
        self.kept.insert(rank, value());
        if self.kept.len() > self.room {
            self.kept.pop_last();
        }
    }

    /// How many were offered.
    pub(crate) const fn seen(&self) -> u64 {
        self.seen
    }

    /// What was kept, in the order of ranks, and how many were not.
    pub(crate) fn into_kept(self) -> (Vec<T>, u64) {
        let omitted = self.seen - self.kept.len() as u64;
        (self.kept.into_values().collect(), omitted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_kept_is_the_beginning_of_what_was_offered_in_order(
            ranks in prop::collection::vec(0_u8..9, 0..60),
            room in 0_usize..20,
        ) {
            let mut top = Top::new(room);
            for (place, rank) in ranks.iter().enumerate() {
                top.offer(*rank, || (*rank, place));
            }
            let mut sorted: Vec<_> = ranks.iter().enumerate().map(|(place, rank)| (*rank, place)).collect();
            sorted.sort_unstable();
            sorted.truncate(room);
            let omitted = (ranks.len() - sorted.len()) as u64;
            prop_assert_eq!(top.seen(), ranks.len() as u64);
            prop_assert_eq!(top.into_kept(), (sorted, omitted));
        }
    }
}
