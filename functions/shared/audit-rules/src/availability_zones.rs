//! Which of the zones that subnets lie in are Availability Zones.

use std::collections::BTreeSet;

/// The Availability Zones of a region among these zones by name, each once and in order.
///
/// An [Availability Zone's name][zones] is that of its region and one letter, `us-east-1a`. [Local Zones][local] and
/// Wavelength Zones have longer ones, `us-west-2-lax-1a` and `us-east-1-wl1-bos-wlz-1`. Each of them hangs on one
/// Availability Zone, its parent zone, and is no second place when that one fails.
///
/// [zones]: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
/// [local]: https://docs.aws.amazon.com/local-zones/latest/ug/available-local-zones.html
pub(crate) fn availability_zones<'z>(region: &str, zones: impl IntoIterator<Item = &'z String>) -> Vec<&'z str> {
    let is_availability_zone =
        |zone: &&str| matches!(zone.strip_prefix(region).map(str::as_bytes), Some([b'a'..=b'z']));
    let found: BTreeSet<&str> = zones.into_iter().map(String::as_str).filter(is_availability_zone).collect();
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_region_and_a_letter_name_an_availability_zone() {
        let cases: [(&str, &[&str], &[&str]); 7] = [
            ("us-east-1", &["us-east-1b", "us-east-1a", "us-east-1b"], &["us-east-1a", "us-east-1b"]),
            ("us-gov-west-1", &["us-gov-west-1c"], &["us-gov-west-1c"]),
            ("us-east-1", &["us-east-1-bos-1a", "us-east-1-wl1-bos-wlz-1", "us-east-1a"], &["us-east-1a"]),
            // One of another region, which no subnet of this region lies in.
            ("us-east-1", &["us-west-2a", "us-east-11a"], &[]),
            // Ids, which begin otherwise, and what names no zone.
            ("us-east-1", &["use1-az1", "us-east-1", "us-east-1A", "us-east-1ab", "us-east-12"], &[]),
            ("us-east-1", &[], &[]),
            ("us-east-1", &[""], &[]),
        ];
        for (region, zones, expected) in cases {
            let zones: Vec<String> = zones.iter().map(ToString::to_string).collect();
            assert_eq!(availability_zones(region, &zones), expected, "{zones:?}");
        }
    }
}
