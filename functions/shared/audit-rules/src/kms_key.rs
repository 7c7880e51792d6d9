//! What the id, ARN or alias of a KMS key says by itself.

/// Whether a key id or ARN is an alias of an AWS-managed key: AWS keeps [aliases that begin with `alias/aws/`][page] to
/// itself. An AWS-managed key named by its own id looks like any other; only `kms:DescribeKey` could tell.
///
/// [page]: https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
pub fn is_aws_managed(key: &str) -> bool {
    key.starts_with("alias/aws/") || key.contains(":alias/aws/")
}

/// The region in a key's ARN; `None` for an id or an alias by itself, which mean [a key of the region where it is
/// used][page].
///
/// [page]: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
pub fn key_region(key: &str) -> Option<&str> {
    key.strip_prefix("arn:")?.split(':').nth(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_of_aws_are_told_from_others() {
        for key in ["alias/aws/s3", "arn:aws:kms:us-east-1:111122223333:alias/aws/lambda"] {
            assert!(is_aws_managed(key), "{key}");
        }
        for key in ["alias/awsome", "alias/ledger", "arn:aws:kms:us-east-1:111122223333:key/0a1b", "0a1b"] {
            assert!(!is_aws_managed(key), "{key}");
        }
    }

    #[test]
    fn an_arn_names_a_region_and_an_id_or_alias_none() {
        let cases = [
            ("arn:aws:kms:eu-west-1:111122223333:key/0a1b", Some("eu-west-1")),
            ("arn:aws-cn:kms:cn-north-1:111122223333:alias/ledger", Some("cn-north-1")),
            ("0a1b", None),
            ("alias/ledger", None),
            ("", None),
        ];
        for (key, region) in cases {
            assert_eq!(key_region(key), region, "{key}");
        }
    }
}
