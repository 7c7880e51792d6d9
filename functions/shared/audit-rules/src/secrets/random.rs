//! Text that no person has made up.

/// Whether the text looks like the output of a random generator.
pub(super) fn is_random(text: &str) -> bool {
    if text.len() < SHORTEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    let entropy = entropy(text);
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return entropy >= HEX_LIMIT;
    }
    // So few characters cannot have more than the logarithm of their number, which is 4 bits for 16 of them.
    let most = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)).log2();
    entropy >= BASE64_LIMIT.min(SHARE_OF_MOST * most)
}

/// Whether the text has the form of an AWS secret access key: 40 characters of Base64.
/// <https://aws.amazon.com/blogs/security/a-safer-way-to-distribute-aws-credentials-to-ec2/> looks for them so. A SHA-1
/// digest has as many characters, but is hexadecimal.
pub(super) fn is_aws_secret_access_key(text: &str) -> bool {
    text.len() == 40
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        && text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && is_random(text)
}

/// Shannon's entropy of the text, in bits per character.
pub(super) fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let all = f64::from(counts.iter().sum::<u32>());
    let of = |count: &u32| {
        let share = f64::from(*count) / all;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(of).sum()
}

/// In bytes. The entropy of shorter text tells nothing.
const SHORTEST: usize = 16;

/// In bits per character, the default `--hex-limit` of <https://github.com/Yelp/detect-secrets#usage>.
const HEX_LIMIT: f64 = 3.0;

/// In bits per character, the default `--base64-limit` of the same.
const BASE64_LIMIT: f64 = 4.5;

/// Random text reaches this share of the most entropy that its length allows; names made of words rarely do.
const SHARE_OF_MOST: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_counted_in_bits_per_character() {
        for (text, expected) in [("", 0.0), ("aaaa", 0.0), ("abab", 1.0), ("abcd", 2.0), ("0123456789abcdef", 4.0)] {
            assert!((entropy(text) - expected).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn random_text_is_long_and_varied() {
        let cases = [
            ("0f9e3c7a5b1d8246", true),
            ("0000000000000001", false),
            ("0f9e3c7a5b1d824", false),
            ("q7Zp2Lx9Vt4Rn8Wb", true),
            ("q7Zp q7Zp q7Zp q7", false),
            ("aaaaaaaaaaaaaaab", false),
            ("ééééééééééééééé1", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_random(text), expected, "{text}");
        }
    }
}
