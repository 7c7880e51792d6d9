//! What a KMS key's id says of who manages it.

/// Whether a key id or ARN is an alias of an AWS-managed key: AWS keeps [aliases that begin with `alias/aws/`][page] to
/// itself. An AWS-managed key named by its own id looks like any other; only `kms:DescribeKey` could tell.
///
/// [page]: https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
pub fn is_aws_managed(key: &str) -> bool {
    key.starts_with("alias/aws/") || key.contains(":alias/aws/")
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
}
