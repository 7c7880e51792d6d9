//! The rules on S3 buckets.

mod s3_bucket_customer_managed_key_encrypted;
mod s3_bucket_public_read_prohibited;
mod s3_bucket_public_write_prohibited;
mod s3_bucket_required_tags;
mod s3_bucket_server_side_encryption_enabled;
mod s3_bucket_ssl_requests_only;
mod s3_bucket_versioning_enabled;

use crate::rule::Rule;

/// In the order of the catalogue.
pub(crate) const RULES: &[&Rule] = &[
    &s3_bucket_public_read_prohibited::RULE,
    &s3_bucket_public_write_prohibited::RULE,
    &s3_bucket_ssl_requests_only::RULE,
    &s3_bucket_server_side_encryption_enabled::RULE,
    &s3_bucket_customer_managed_key_encrypted::RULE,
    &s3_bucket_versioning_enabled::RULE,
    &s3_bucket_required_tags::RULE,
];
