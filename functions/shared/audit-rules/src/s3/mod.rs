//! The rules on S3: on its buckets of both kinds, its access points and the account.

mod cloudtrail_all_read_s3_data_event_check;
mod cloudtrail_all_write_s3_data_event_check;
mod s3_access_point_public_access_blocked;
mod s3_account_public_access_blocked;
mod s3_bucket_acl_prohibited;
mod s3_bucket_cross_region_replication_enabled;
mod s3_bucket_customer_managed_key_encrypted;
mod s3_bucket_encryption_key_usable;
mod s3_bucket_key_enabled;
mod s3_bucket_logging_enabled;
mod s3_bucket_mfa_delete_enabled;
mod s3_bucket_object_lock_enabled;
mod s3_bucket_policy_grantee_restricted;
mod s3_bucket_public_access_blocked;
mod s3_bucket_public_read_prohibited;
mod s3_bucket_public_write_prohibited;
mod s3_bucket_required_tags;
mod s3_bucket_server_side_encryption_enabled;
mod s3_bucket_service_principals_source_bounded;
mod s3_bucket_sse_c_blocked;
mod s3_bucket_ssl_requests_only;
mod s3_bucket_versioning_enabled;
mod s3_directory_bucket_lifecycle_configured;
mod s3_event_notifications_enabled;
mod s3_lifecycle_policy_configured;
mod s3_log_target_bucket_accepts_logs;
mod s3_log_target_bucket_sse_s3;
mod s3_version_lifecycle_policy_configured;

use crate::rule::Rule;

/// In the order of the catalogue.
pub(crate) const RULES: &[&Rule] = &[
    &s3_account_public_access_blocked::RULE,
    &cloudtrail_all_write_s3_data_event_check::RULE,
    &cloudtrail_all_read_s3_data_event_check::RULE,
    &s3_bucket_public_access_blocked::RULE,
    &s3_bucket_public_read_prohibited::RULE,
    &s3_bucket_public_write_prohibited::RULE,
    &s3_bucket_ssl_requests_only::RULE,
    &s3_bucket_policy_grantee_restricted::RULE,
    &s3_bucket_service_principals_source_bounded::RULE,
    &s3_bucket_server_side_encryption_enabled::RULE,
    &s3_bucket_customer_managed_key_encrypted::RULE,
    &s3_bucket_logging_enabled::RULE,
    &s3_bucket_versioning_enabled::RULE,
    &s3_bucket_acl_prohibited::RULE,
    &s3_bucket_mfa_delete_enabled::RULE,
    &s3_bucket_object_lock_enabled::RULE,
    &s3_lifecycle_policy_configured::RULE,
    &s3_version_lifecycle_policy_configured::RULE,
    &s3_directory_bucket_lifecycle_configured::RULE,
    &s3_bucket_cross_region_replication_enabled::RULE,
    &s3_event_notifications_enabled::RULE,
    &s3_access_point_public_access_blocked::RULE,
    &s3_bucket_sse_c_blocked::RULE,
    &s3_bucket_encryption_key_usable::RULE,
    &s3_bucket_key_enabled::RULE,
    &s3_log_target_bucket_sse_s3::RULE,
    &s3_log_target_bucket_accepts_logs::RULE,
    &s3_bucket_required_tags::RULE,
];
