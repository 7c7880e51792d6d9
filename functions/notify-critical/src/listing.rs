//! A list of texts in a limited space.

use std::collections::BTreeMap;

/// The first texts by rank that fit into a number of bytes, and how many did not. Where one did not fit, none of a later
/// rank is listed either: what is left out is always the end of the list.
#[derive(Debug)]
pub(crate) struct Listing<R> {
    budget: usize,
    used: usize,
    listed: BTreeMap<R, String>,
    /// The first rank that did not fit.
    full_from: Option<R>,
    omitted: u64,
}

impl<R: Ord> Listing<R> {
    /// An empty list with room for `budget` bytes.
    pub(crate) const fn new(budget: usize) -> Self {
        Self { budget, used: 0, listed: BTreeMap::new(), full_from: None, omitted: 0 }
    }

    /// Adds a text, which is made only when it may fit. Ranks must not repeat.
    pub(crate) fn add(&mut self, rank: R, text: impl FnOnce() -> String) {
        if self.full_from.as_ref().is_some_and(|full_from| rank > *full_from) {
            self.omitted += 1;
            return;
        }
        let text = text();
        self.used += text.len();
        self.listed.insert(rank, text);
        while self.used > self.budget
            && let Some((rank, text)) = self.listed.pop_last()
        {
            self.used -= text.len();
            self.omitted += 1;
            self.full_from = Some(rank);
        }
    }

    /// The texts that fit, in the order of their ranks.
    pub(crate) fn listed(&self) -> impl ExactSizeIterator<Item = &str> {
        self.listed.values().map(String::as_str)
    }

    /// How many texts did not fit.
    pub(crate) const fn omitted(&self) -> u64 {
        self.omitted
    }

    /// How many texts there were.
    pub(crate) fn all(&self) -> u64 {
        self.listed.len() as u64 + self.omitted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_listed_is_the_longest_beginning_that_fits(
            lengths in prop::collection::vec(0_usize..40, 0..40),
            budget in 0_usize..200,
        ) {
            // The rank of a text is a permutation of its place, so that they come in any order.
            let number = lengths.len();
            let mut ranked: Vec<(usize, usize)> =
                lengths.iter().enumerate().map(|(place, &length)| ((place * 7 + 3) % 41, length)).collect();
            let mut listing = Listing::new(budget);
            for &(rank, length) in &ranked {
                listing.add(rank, || "x".repeat(length));
            }

            ranked.sort_unstable();
            let mut used = 0;
            let fitting: Vec<_> = ranked
                .iter()
                .take_while(|(_, length)| {
                    used += length;
                    used <= budget
                })
                .map(|&(_, length)| length)
                .collect();
            let listed: Vec<_> = listing.listed().map(str::len).collect();
            prop_assert_eq!(listed, fitting);
            prop_assert_eq!(listing.all(), number as u64);
        }
    }
}
