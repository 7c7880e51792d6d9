use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{GET_POLICY_PER_SECOND, LISTS_PER_SECOND};

/// How long all functions of an account may be asked about, however many they are: 25 minutes, of which the listing of many
/// versions takes three.
const SCAN_SECONDS: u64 = 22 * 60;

/// How long those of a shard may be, of the ten minutes that it is read.
const SHARD_SECONDS: u64 = 8 * 60;

/// How long the policies of one function may be asked for. It is read for four minutes, and so are those that wait behind it.
const FUNCTION_SECONDS: u64 = 2 * 60;

/// What a shard may ask of Lambda beyond what it asks of each function (its policy and its URLs), so that the scan comes to
/// its end in time: the aliases of all functions or of some, and the policies of as many versions.
///
/// Where there is no time for all of them it is a function's turn in one of so many scans. Whose turn it is follows from the
/// scan's id, so that it is the same when a shard is read again, and comes round however often there are scans.
#[derive(Debug)]
pub struct Allowance {
    scan_id: String,
    turns: u64,
    /// A multiple of `turns`: what has no turn to have its aliases listed has none to have its versions asked about.
    turns_of_versions: u64,
    policies: AtomicU64,
    policies_of_one: u64,
}

impl Allowance {
    /// That of a shard of so many `functions` with so many `versions`, of those `of_scan`, where so many shards are scanned
    /// `at_once`.
    pub fn new(scan_id: &str, functions: u64, versions: u64, of_scan: u64, at_once: NonZeroU32) -> Self {
        let functions = functions.max(1);
        let beyond = |per_second: NonZeroU32| {
            let per_second = u64::from(per_second.get());
            let of_scan = SCAN_SECONDS * per_second * functions / of_scan.max(functions);
            let of_shard = SHARD_SECONDS * per_second / u64::from(at_once.get());
            of_scan.min(of_shard).saturating_sub(functions)
        };
        let turns = turns(functions, beyond(LISTS_PER_SECOND));
        let policies = beyond(GET_POLICY_PER_SECOND);
        Self {
            scan_id: scan_id.to_owned(),
            turns,
            turns_of_versions: turns.saturating_mul(self::turns(versions.div_ceil(turns), policies)),
            policies: AtomicU64::new(policies),
            policies_of_one: FUNCTION_SECONDS * u64::from(GET_POLICY_PER_SECOND.get()) / u64::from(at_once.get()),
        }
    }

    /// Whether it is this function's turn to have its aliases listed.
    pub(super) fn aliases(&self, function: &str) -> bool {
        self.is_turn_of(function, self.turns)
    }

    /// How many `more` policies of a function may be asked for than those that `must` be, which are asked for anyway.
    pub(super) fn policies(&self, function: &str, must: usize, more: usize) -> usize {
        let is_turn = self.is_turn_of(function, self.turns_of_versions);
        let (must, more) = (must as u64, if is_turn { (more as u64).min(self.policies_of_one) } else { 0 });
        let spend = |left: u64| Some(left.saturating_sub(must).saturating_sub(more));
        let left = self.policies.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).unwrap_or_default();
        // No more than `more` is, which was a `usize`.
        left.saturating_sub(must).min(more) as usize
    }

    fn is_turn_of(&self, function: &str, turns: u64) -> bool {
        let mut hasher = DefaultHasher::new();
        (&self.scan_id, function).hash(&mut hasher);
        hasher.finish().is_multiple_of(turns)
    }
}

/// In how many turns so many are asked for, where each has room for so many.
fn turns(asked: u64, room: u64) -> u64 {
    if room == 0 { u64::MAX } else { asked.div_ceil(room).max(1) }
}

/// Everything of every function.
impl Default for Allowance {
    fn default() -> Self {
        Self {
            scan_id: String::new(),
            turns: 1,
            turns_of_versions: 1,
            policies: AtomicU64::new(u64::MAX),
            policies_of_one: u64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pretty_assertions::assert_eq;

    use super::*;

    const AT_ONCE: NonZeroU32 = NonZeroU32::new(2).unwrap();

    const FUNCTIONS: u64 = 125;

    fn allowance(scan: u32, versions: u64, of_scan: u64) -> Allowance {
        Allowance::new(&format!("20261123T060000Z-{scan}"), FUNCTIONS, versions, of_scan, AT_ONCE)
    }

    fn names() -> impl Iterator<Item = String> {
        (0..FUNCTIONS).map(|number| format!("function-{number}"))
    }

    /// The functions of the shard whose aliases are listed, and those of whose `each` versions all policies are asked for.
    fn read(allowance: &Allowance, each: usize) -> (BTreeSet<String>, BTreeSet<String>) {
        let listed = names().filter(|name| allowance.aliases(name)).collect();
        (listed, names().filter(|name| allowance.policies(name, 0, each) == each).collect())
    }

    #[test]
    fn all_is_read_of_an_account_as_long_as_there_is_time() {
        let all: BTreeSet<String> = names().collect();
        // In 22 minutes there are 13,200 lists and as many policies, of which each function needs one anyway. At five a
        // second, eight minutes have 2,400 for the shard.
        for (of_scan, versions) in [(125, 18), (1_000, 12), (5_000, 1), (6_600, 1)] {
            let allowance = allowance(0, FUNCTIONS * versions, of_scan);
            assert_eq!(read(&allowance, versions as usize), (all.clone(), all.clone()), "{of_scan}");
        }
    }

    #[test]
    fn of_ten_thousand_functions_each_has_its_turn() {
        // Of 13,200 lists the URLs take 10,000: room for the aliases of a quarter.
        let all: BTreeSet<String> = names().collect();
        let scans: Vec<_> = (0..40).map(|scan| read(&allowance(scan, 0, 10_000), 0).0).collect();
        assert!(scans.iter().all(|listed| (12..=55).contains(&listed.len())), "{scans:?}");
        assert_eq!(scans.iter().flatten().cloned().collect::<BTreeSet<_>>(), all);
        // A shard that is read again is read alike.
        assert_eq!(read(&allowance(7, 0, 10_000), 0).0, scans[7]);
    }

    #[test]
    fn where_versions_are_many_they_are_read_in_turns_and_whole() {
        // 50 versions of each function are 6,250 policies, and the shard has time for 1,525: each is read in one of five scans.
        let all: BTreeSet<String> = names().collect();
        let scans: Vec<_> = (0..60).map(|scan| read(&allowance(scan, FUNCTIONS * 50, 1_000), 50)).collect();
        assert!(scans.iter().all(|(listed, _)| *listed == all), "the aliases of all are listed");
        let whole: Vec<BTreeSet<String>> = scans.into_iter().map(|(_, whole)| whole).collect();
        assert!(whole.iter().all(|whole| (8..=30).contains(&whole.len())), "{whole:?}");
        assert_eq!(whole.into_iter().flatten().collect::<BTreeSet<_>>(), all);
    }

    #[test]
    fn whose_aliases_are_not_listed_has_no_versions_asked_about() {
        for scan in 0..20 {
            let (listed, whole) = read(&allowance(scan, FUNCTIONS * 3, 10_000), 3);
            assert!(whole.is_subset(&listed), "{listed:?} {whole:?}");
        }
    }

    #[test]
    fn what_must_be_asked_is_asked_and_no_function_takes_the_time_of_the_others() {
        // At five a second two minutes have room for 600, and eight for 2,400, of which each function needs one.
        let allowance = Allowance { turns_of_versions: 1, ..allowance(0, 0, 125) };
        let granted: Vec<usize> = (0..5).map(|_| allowance.policies("settle", 5, 2_000)).collect();
        assert_eq!(granted, [600, 600, 600, 455, 0]);
    }

    #[test]
    fn no_aliases_are_listed_where_the_urls_alone_take_too_long() {
        assert_eq!(read(&allowance(0, 0, 20_000), 1), (BTreeSet::new(), BTreeSet::new()));
    }
}
