//! The id of a scan.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// The id of the scan that an execution makes: when the execution started, in UTC and to the second, so that ids sort
/// by time, and eight hexadecimal digits of the SHA-256 digest of its ARN, so that two executions of the same second
/// are told apart. Every attempt of a task, and everybody who looks at the execution, comes to the same id.
pub(crate) fn of(started_at: Timestamp, execution_arn: &str) -> String {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(execution_arn));
    format!("{}-{a:02x}{b:02x}{c:02x}{d:02x}", started_at.strftime("%Y%m%dT%H%M%SZ"))
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
}
