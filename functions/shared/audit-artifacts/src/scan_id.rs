//! The id of a scan.

use jiff::Timestamp;
use jiff::civil::DateTime;
use sha2::{Digest, Sha256};

/// The form of the time in an id.
const FORM: &str = "%Y%m%dT%H%M%SZ";

/// The id of the scan that an execution makes: when the execution started, in UTC and to the second, so that ids sort
/// by time, and eight hexadecimal digits of the SHA-256 digest of its ARN, so that two executions of the same second
/// are told apart. Every attempt of a task, and everybody who looks at the execution, comes to the same id.
pub fn of(started_at: Timestamp, execution_arn: &str) -> String {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(execution_arn));
    format!("{}-{a:02x}{b:02x}{c:02x}{d:02x}", started_at.strftime(FORM))
}

/// Whether a text is such an id.
pub fn is_one(text: &str) -> bool {
    let Some((time, digest)) = text.split_once('-') else {
        return false;
    };
    DateTime::strptime(FORM, time).is_ok_and(|parsed| parsed.strftime(FORM).to_string() == time)
        && digest.len() == 8
        && digest.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn an_id_is_the_second_of_the_start_and_the_first_digits_of_the_arn_s_digest() {
        // SHA-256 of "abc" begins with ba7816bf: FIPS 180-2, appendix B.1.
        let started: Timestamp = "2026-11-23T07:59:59.999+02:00".parse().unwrap();
        assert_eq!(of(started, "abc"), "20261123T055959Z-ba7816bf");
    }
    #[test]
    fn ids_are_told_from_what_could_lead_elsewhere() {
        assert!(is_one("20261123T055959Z-ba7816bf"));
        for other in [
            "",
            "20261123T055959Z",
            "20261123T055959Z-BA7816BF",
            "20261123T055959Z-ba7816b",
            "20261323T055959Z-ba7816bf",
            "2026-11-23T05:59:59Z-ba7816bf",
            "../plan.json/T055959Z-ba7816bf",
            "20261123T055959Z-ba7816bf/../x",
        ] {
            assert!(!is_one(other), "{other}");
        }
    }
}
