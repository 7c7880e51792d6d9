//! The settings of a bucket that only the scan reads; `bucket-readings` reads those that the remediation needs too.

use audit_model::Reading;
use audit_model::resource::{ObjectOwnership, PublicAccessBlock, Versioning};
use aws_sdk_s3::types::{BucketVersioningStatus, ObjectOwnership as S3ObjectOwnership};
use bucket_readings::{BucketReader, absent_or_unreadable, malformed};

/// Whether S3 calls the bucket policy public.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html>
pub(super) async fn policy_is_public(of: BucketReader<'_>) -> Reading<bool> {
    const ACTION: &str = "s3:GetBucketPolicyStatus";
    match of.client.get_bucket_policy_status().bucket(of.bucket).expected_bucket_owner(of.account).send().await {
        Ok(answer) => answer
            .policy_status
            .and_then(|status| status.is_public)
            .map_or_else(|| malformed(ACTION, "the answer does not say whether the policy is public"), Reading::seen),
        Err(error) => absent_or_unreadable(ACTION, &["NoSuchBucketPolicy"], &error),
    }
}

/// The bucket's own block public access settings.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetPublicAccessBlock.html>
pub(super) async fn public_access_block(of: BucketReader<'_>) -> Reading<PublicAccessBlock> {
    const ACTION: &str = "s3:GetBucketPublicAccessBlock";
    match of.client.get_public_access_block().bucket(of.bucket).expected_bucket_owner(of.account).send().await {
        Ok(answer) => answer
            .public_access_block_configuration
            .and_then(|block| {
                Some(PublicAccessBlock {
                    block_public_acls: block.block_public_acls?,
                    ignore_public_acls: block.ignore_public_acls?,
                    block_public_policy: block.block_public_policy?,
                    restrict_public_buckets: block.restrict_public_buckets?,
                })
            })
            .map_or_else(|| malformed(ACTION, "the answer lacks one of the four settings"), Reading::seen),
        Err(error) => absent_or_unreadable(ACTION, &["NoSuchPublicAccessBlockConfiguration"], &error),
    }
}

/// Who owns the objects.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketOwnershipControls.html>
pub(super) async fn object_ownership(of: BucketReader<'_>) -> Reading<ObjectOwnership> {
    const ACTION: &str = "s3:GetBucketOwnershipControls";
    match of.client.get_bucket_ownership_controls().bucket(of.bucket).expected_bucket_owner(of.account).send().await {
        Ok(answer) => {
            let rule = answer.ownership_controls.and_then(|controls| controls.rules.into_iter().next());
            match rule.map(|rule| rule.object_ownership) {
                Some(S3ObjectOwnership::BucketOwnerEnforced) => Reading::seen(ObjectOwnership::BucketOwnerEnforced),
                Some(S3ObjectOwnership::BucketOwnerPreferred) => Reading::seen(ObjectOwnership::BucketOwnerPreferred),
                Some(S3ObjectOwnership::ObjectWriter) => Reading::seen(ObjectOwnership::ObjectWriter),
                _ => malformed(ACTION, "the answer names no object ownership that is known"),
            }
        }
        Err(error) => absent_or_unreadable(ACTION, &["OwnershipControlsNotFoundError"], &error),
    }
}

/// The versioning state. S3 answers without a status when versioning was never switched on.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html>
pub(super) async fn versioning(of: BucketReader<'_>) -> Reading<Versioning> {
    const ACTION: &str = "s3:GetBucketVersioning";
    match of.client.get_bucket_versioning().bucket(of.bucket).expected_bucket_owner(of.account).send().await {
        Ok(answer) => match answer.status {
            None => Reading::Absent,
            Some(BucketVersioningStatus::Enabled) => Reading::seen(Versioning::Enabled),
            Some(BucketVersioningStatus::Suspended) => Reading::seen(Versioning::Suspended),
            Some(_) => malformed(ACTION, "the answer names no versioning state that is known"),
        },
        Err(error) => absent_or_unreadable(ACTION, &[], &error),
    }
}
