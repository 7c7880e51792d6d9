//! What S3 Control knows: the account's own settings, and access points.

use audit_model::Reading;
use audit_model::resource::PublicAccessBlock;
use audit_task::error_code;
use aws_sdk_s3control::Client;
use aws_sdk_s3control::types::PublicAccessBlockConfiguration;
use bucket_readings::{absent_or_unreadable, malformed};

/// The account's block public access settings.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html>
pub(super) async fn account_public_access_block(client: &Client, account: &str) -> Reading<PublicAccessBlock> {
    const ACTION: &str = "s3:GetAccountPublicAccessBlock";
    match client.get_public_access_block().account_id(account).send().await {
        Ok(answer) => answer.public_access_block_configuration.map_or_else(
            || malformed(ACTION, "the answer holds no settings"),
            |block| public_access_block(ACTION, &block),
        ),
        Err(error) => absent_or_unreadable(ACTION, &["NoSuchPublicAccessBlockConfiguration"], &error),
    }
}

/// An access point's block public access settings and its bucket, or `None` when there is no such access point.
///
/// One that was made without naming the settings has all four on, so that an answer without them is not understood.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetAccessPoint.html>
pub(super) async fn access_point(
    client: &Client,
    account: &str,
    name: &str,
) -> Option<(Reading<PublicAccessBlock>, Reading<String>)> {
    const ACTION: &str = "s3:GetAccessPoint";
    match client.get_access_point().account_id(account).name(name).send().await {
        Ok(answer) => Some((
            answer.public_access_block_configuration.map_or_else(
                || malformed(ACTION, "the answer holds no block public access settings"),
                |block| public_access_block(ACTION, &block),
            ),
            answer.bucket.map_or_else(|| malformed(ACTION, "the answer names no bucket"), Reading::seen),
        )),
        Err(error) if error_code(&error) == Some("NoSuchAccessPoint") => None,
        Err(error) => Some((absent_or_unreadable(ACTION, &[], &error), absent_or_unreadable(ACTION, &[], &error))),
    }
}

fn public_access_block(action: &str, block: &PublicAccessBlockConfiguration) -> Reading<PublicAccessBlock> {
    let settings = || {
        Some(PublicAccessBlock {
            block_public_acls: block.block_public_acls?,
            ignore_public_acls: block.ignore_public_acls?,
            block_public_policy: block.block_public_policy?,
            restrict_public_buckets: block.restrict_public_buckets?,
        })
    };
    settings().map_or_else(|| malformed(action, "the answer lacks one of the four settings"), Reading::seen)
}
