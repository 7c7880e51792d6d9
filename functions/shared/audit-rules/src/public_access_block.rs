//! Whether all four block public access settings are on: of the account, of a bucket or of an access point.

use audit_model::resource::PublicAccessBlock;
use audit_model::{Reading, Unreadable};

use crate::rule::Outcome;

/// What every rule on these settings expects.
pub(crate) const EXPECTED: &str =
    "BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy and RestrictPublicBuckets are all on";

/// Demands all four settings. Settings that are not configured are off.
///
/// # Errors
/// The settings could not be read.
pub(crate) fn require_all(settings: &Reading<PublicAccessBlock>) -> Result<Outcome, Unreadable> {
    let Some(settings) = settings.known()? else {
        return Ok(Outcome::non_compliant("no block public access settings are configured"));
    };
    let off: Vec<&str> = [
        ("BlockPublicAcls", settings.block_public_acls),
        ("IgnorePublicAcls", settings.ignore_public_acls),
        ("BlockPublicPolicy", settings.block_public_policy),
        ("RestrictPublicBuckets", settings.restrict_public_buckets),
    ]
    .iter()
    .filter(|(_, on)| !on)
    .map(|(name, _)| *name)
    .collect();
    Ok(if off.is_empty() {
        Outcome::compliant("all four block public access settings are on")
    } else {
        Outcome::non_compliant(format!("off: {}", off.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn only_all_four_together_pass() {
        let cases = [
            ([true, true, true, true], Outcome::compliant("all four block public access settings are on")),
            ([false, true, true, true], Outcome::non_compliant("off: BlockPublicAcls")),
            ([true, false, true, true], Outcome::non_compliant("off: IgnorePublicAcls")),
            ([true, true, false, true], Outcome::non_compliant("off: BlockPublicPolicy")),
            ([true, true, true, false], Outcome::non_compliant("off: RestrictPublicBuckets")),
            (
                [false; 4],
                Outcome::non_compliant(
                    "off: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets",
                ),
            ),
        ];
        for ([block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets], expected) in cases {
            let settings = Reading::seen(PublicAccessBlock {
                block_public_acls,
                ignore_public_acls,
                block_public_policy,
                restrict_public_buckets,
            });
            assert_eq!(require_all(&settings), Ok(expected));
        }
    }

    #[test]
    fn what_is_not_configured_is_off_and_what_is_not_readable_is_neither() {
        let none = Outcome::non_compliant("no block public access settings are configured");
        assert_eq!(require_all(&Reading::Absent), Ok(none));
        let action = "s3:GetAccountPublicAccessBlock";
        assert_eq!(require_all(&fixtures::unreadable(action)), Err(fixtures::denied(action)));
    }
}
