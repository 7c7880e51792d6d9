//! When two default encryptions are the same, and one in words.

use std::fmt;

use audit_model::resource::BucketEncryption;

/// Whether a bucket that should have the first encryption, and shows the second, has it. Blocking `NONE` is blocking
/// nothing: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_BlockedEncryptionTypes.html>
fn same(wanted: &BucketEncryption, shown: &BucketEncryption) -> bool {
    let blocked = |encryption: &BucketEncryption| {
        let mut types = encryption.blocked_encryption_types.clone();
        types.retain(|blocked| blocked != "NONE");
        types.sort();
        types.dedup();
        types
    };
    (&wanted.algorithm, &wanted.kms_key_id, wanted.bucket_key_enabled, blocked(wanted))
        == (&shown.algorithm, &shown.kms_key_id, shown.bucket_key_enabled, blocked(shown))
}

/// Whether a bucket shows what it should have, which may be nothing. Where nothing is configured, Amazon S3 shows nothing
/// or its own SSE-S3.
pub fn shows(wanted: Option<&BucketEncryption>, shown: Option<&BucketEncryption>) -> bool {
    match (wanted, shown) {
        (Some(wanted), Some(shown)) => same(wanted, shown),
        (Some(_), None) => false,
        (None, shown) => shown.is_none_or(|shown| shown.algorithm == "AES256"),
    }
}

/// Whether a bucket shows what was written, or that with what Amazon S3 fills in for the elements that were left out:
/// whether SSE-C is blocked, by [the default of the account][blocked], and the [AWS-managed key][key] of SSE-KMS. Says
/// nothing of a bucket that was not written: there, a type that is blocked may be somebody's change.
///
/// [blocked]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html
/// [key]: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html
pub fn took(written: Option<&BucketEncryption>, shown: Option<&BucketEncryption>) -> bool {
    let (Some(written), Some(shown)) = (written, shown) else {
        return shows(written, shown);
    };
    let mut filled_in = written.clone();
    if written.blocked_encryption_types.is_empty() {
        filled_in.blocked_encryption_types.clone_from(&shown.blocked_encryption_types);
    }
    if written.kms_key_id.is_none() && shown.kms_key_id.as_deref().is_some_and(is_aws_managed) {
        filled_in.kms_key_id.clone_from(&shown.kms_key_id);
    }
    same(&filled_in, shown)
}

/// Whether a key is Amazon S3's own in the account, by [the alias that AWS keeps to itself][page].
///
/// [page]: https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
fn is_aws_managed(key: &str) -> bool {
    key == "alias/aws/s3" || key.ends_with(":alias/aws/s3")
}

/// A default encryption in words, which may be none.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a>(pub Option<&'a BucketEncryption>);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(encryption) = self.0 else {
            return f.write_str("no default encryption");
        };
        write!(
            f,
            "{} with {}, bucket key {}, blocked types {:?}",
            encryption.algorithm,
            encryption.kms_key_id.as_deref().unwrap_or("no key"),
            if encryption.bucket_key_enabled { "on" } else { "off" },
            encryption.blocked_encryption_types
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1";

    fn encryption(algorithm: &str, key: Option<&str>) -> BucketEncryption {
        BucketEncryption {
            algorithm: algorithm.to_owned(),
            kms_key_id: key.map(str::to_owned),
            bucket_key_enabled: false,
            blocked_encryption_types: Vec::new(),
        }
    }

    #[test]
    fn an_encryption_is_the_same_only_when_all_of_it_is() {
        let blocking = |types: &[&str]| BucketEncryption {
            blocked_encryption_types: types.iter().map(|&blocked| blocked.to_owned()).collect(),
            ..encryption("aws:kms", Some(KEY))
        };
        assert!(same(&blocking(&[]), &blocking(&["NONE"])));
        assert!(same(&blocking(&["SSE-C"]), &blocking(&["SSE-C"])));
        assert!(!same(&blocking(&["SSE-C"]), &blocking(&[])));
        assert!(!same(&blocking(&[]), &blocking(&["SSE-C"])));
        assert!(!same(&blocking(&[]), &BucketEncryption { bucket_key_enabled: true, ..blocking(&[]) }));
        assert!(!same(&blocking(&[]), &encryption("aws:kms:dsse", Some(KEY))));
        assert!(!same(&blocking(&[]), &encryption("aws:kms", None)));
    }

    #[test]
    fn what_amazon_s3_fills_in_for_what_was_left_out_is_no_difference() {
        let blocking = |types: &[&str], key: Option<&str>| BucketEncryption {
            blocked_encryption_types: types.iter().map(|&blocked| blocked.to_owned()).collect(),
            ..encryption("aws:kms", key)
        };
        let managed = "arn:aws:kms:us-east-1:123456789012:alias/aws/s3";
        // (written, shown, whether that is what was written)
        let cases = [
            (blocking(&[], Some(KEY)), blocking(&["SSE-C"], Some(KEY)), true),
            (blocking(&[], Some(KEY)), blocking(&["NONE"], Some(KEY)), true),
            (blocking(&["NONE"], Some(KEY)), blocking(&["SSE-C"], Some(KEY)), false),
            (blocking(&["SSE-C"], Some(KEY)), blocking(&[], Some(KEY)), false),
            (blocking(&["SSE-C"], Some(KEY)), blocking(&["NONE"], Some(KEY)), false),
            (blocking(&[], None), blocking(&["SSE-C"], Some(managed)), true),
            (blocking(&[], None), blocking(&[], Some("alias/aws/s3")), true),
            (blocking(&[], None), blocking(&[], Some(KEY)), false),
            (blocking(&[], Some(KEY)), blocking(&[], Some(managed)), false),
            (encryption("AES256", None), blocking(&["SSE-C"], None), false),
        ];
        for (written, shown, expected) in cases {
            assert_eq!(took(Some(&written), Some(&shown)), expected, "{written:?} {shown:?}");
        }
        assert!(took(None, None) && took(None, Some(&encryption("AES256", None))));
        assert!(!took(None, Some(&blocking(&[], None))) && !took(Some(&blocking(&[], None)), None));
    }

    #[test]
    fn nothing_configured_shows_as_nothing_or_as_the_encryption_that_every_bucket_has() {
        let (sse_s3, kms) = (encryption("AES256", None), encryption("aws:kms", Some(KEY)));
        assert!(shows(None, None) && shows(None, Some(&sse_s3)));
        assert!(!shows(None, Some(&kms)) && !shows(Some(&kms), None));
        assert!(shows(Some(&kms), Some(&kms)) && !shows(Some(&sse_s3), Some(&kms)));
    }
}
