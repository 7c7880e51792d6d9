//! An account of any size: what each of its resources is like follows from the resource's number alone, so that two runs
//! see the same account, and nothing of it is kept in memory.

use std::fmt;
use std::str::FromStr;

/// The account's id.
pub(crate) const ACCOUNT: &str = "111122223333";

/// The account's region.
pub(crate) const REGION: &str = "us-east-1";

/// The regions that an account can have, its own first.
pub(crate) const REGIONS: [&str; 3] = [REGION, "eu-west-1", "ap-southeast-2"];

/// The bucket that the functions write to.
pub(crate) const REPORTS: &str = "compliance-reports-bucket-bench-bench-111122223333";

/// How many resources the account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) buckets: u64,
    pub(crate) vpcs: u64,
    pub(crate) functions: u64,
    /// Security groups of each VPC, the default one among them.
    pub(crate) groups: u64,
    /// Inbound rules of each security group.
    pub(crate) rules: u64,
    /// How many of [`REGIONS`] are enabled and hold buckets. Whatever else there is lies in the first one.
    pub(crate) regions: u64,
}

impl Account {
    pub(crate) const fn new(buckets: u64, vpcs: u64, functions: u64) -> Self {
        Self { buckets, vpcs, functions, groups: 5, rules: 4, regions: 1 }
    }

    /// The regions that are enabled.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &'static str> {
        REGIONS.into_iter().take(self.regions as usize)
    }

    /// Where the bucket of this number lies. One that has an access point lies where the access points are.
    pub(crate) const fn region_of_bucket(&self, number: u64) -> &'static str {
        REGIONS[(number % 50 % self.regions) as usize]
    }

    /// What the APIs of a region know of the account, beside buckets.
    pub(crate) fn in_region(self, region: &str) -> Self {
        if region == REGION { self } else { Self { buckets: 0, vpcs: 0, functions: 0, ..self } }
    }

    /// One for every 50 buckets.
    pub(crate) const fn access_points(&self) -> u64 {
        self.buckets.div_ceil(50)
    }

    /// One for every 1,000 buckets.
    pub(crate) const fn directory_buckets(&self) -> u64 {
        self.buckets.div_ceil(1_000)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.buckets, self.vpcs, self.functions)?;
        if (self.groups, self.rules) != (5, 4) {
            write!(f, "/{}/{}", self.groups, self.rules)?;
        }
        Ok(())
    }
}

impl FromStr for Account {
    type Err = String;

    /// BUCKETS/VPCS/FUNCTIONS, and /GROUPS/RULES where they are not the usual.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = text.split('/').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[buckets, vpcs, functions]) => Ok(Self::new(buckets, vpcs, functions)),
            Ok(&[buckets, vpcs, functions, groups, rules]) => {
                Ok(Self { groups, rules, ..Self::new(buckets, vpcs, functions) })
            }
            _ => Err(format!("{text:?} is no account; write BUCKETS/VPCS/FUNCTIONS or …/GROUPS/RULES")),
        }
    }
}

/// One of `of` choices for the resource of this number: the same in every run, and as if thrown by dice.
pub(crate) const fn choice(what: &str, number: u64, of: u64) -> u64 {
    mixed(hash(what.as_bytes()) ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) % of
}

/// FNV-1a. <https://www.rfc-editor.org/rfc/rfc9923>
pub(crate) const fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

/// The last steps of SplitMix64, after which every bit of the input bears on every bit of the output.
/// <https://doi.org/10.1145/2714064.2660195>
pub(crate) const fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

const TEAMS: [&str; 8] = ["ledger", "cards", "payments", "fraud", "claims", "treasury", "archive", "data-lake"];

/// The name of the bucket of this number. In the order of the names the numbers rise.
pub(crate) fn bucket_name(number: u64) -> String {
    let team = TEAMS[choice("team", number, 8) as usize];
    format!("{number:06}-{team}-{:08x}", choice("bucket", number, 1 << 32))
}

/// The number of the bucket of either kind, access point or function of this name.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.split('-').next()?.parse().ok()
}

/// The name of the access point of this number.
pub(crate) fn access_point_name(number: u64) -> String {
    format!("{number:06}-access")
}

/// The name of the directory bucket of this number.
pub(crate) fn directory_bucket_name(number: u64) -> String {
    format!("{number:06}-scratch--use1-az4--x-s3")
}

/// The name of the function of this number.
pub(crate) fn function_name(number: u64) -> String {
    format!("{number:06}-{}-{:08x}", TEAMS[choice("owner", number, 8) as usize], choice("function", number, 1 << 32))
}

/// The id of the VPC of this number.
pub(crate) fn vpc_id(number: u64) -> String {
    format!("vpc-{number:017x}")
}

/// The id of what hangs on a VPC: the `nth` of its kind, whose ids begin with `prefix`.
pub(crate) fn part_id(prefix: &str, vpc: u64, nth: u64) -> String {
    format!("{prefix}-{vpc:08x}{nth:09x}")
}

/// The VPC, and which of its kind, that an id of [`part_id`] stands for.
pub(crate) fn part(id: &str) -> Option<(u64, u64)> {
    let digits = id.rsplit('-').next().filter(|digits| digits.len() == 17)?;
    Some((u64::from_str_radix(digits.get(..8)?, 16).ok()?, u64::from_str_radix(digits.get(8..)?, 16).ok()?))
}

/// The ARN of a KMS key of the account in a region; ten buckets share one.
pub(crate) fn key_arn(region: &str, bucket: u64) -> String {
    let key = bucket / 10;
    format!("arn:aws:kms:{region}:{ACCOUNT}:key/{:08x}-0000-4000-8000-{key:012x}", choice("key", key, 1 << 32))
}
