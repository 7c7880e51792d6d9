//! The default encryption of the account's buckets in Amazon S3. Types of its SDK stop here.

use async_trait::async_trait;
use audit_model::Reading;
use audit_model::resource::BucketEncryption;
use audit_task::{Budget, TaskError};
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, EncryptionType, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use bucket_readings::BucketReader;

use crate::{Answered, DefaultEncryption};

/// The action that setting and deleting need alike:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketEncryption.html>
const ACTION: &str = "s3:PutEncryptionConfiguration";

/// The default encryption of the account's buckets in Amazon S3.
#[derive(Debug)]
pub struct S3DefaultEncryption<'a> {
    /// The client of the audited region.
    pub client: &'a Client,
    /// The account that the buckets must belong to.
    pub account: &'a str,
    /// What it may ask of Amazon S3.
    pub budget: &'a Budget,
}

#[async_trait]
impl DefaultEncryption for S3DefaultEncryption<'_> {
    async fn read(&self, bucket: &str) -> Reading<BucketEncryption> {
        let reader = BucketReader { client: self.client, account: self.account, bucket };
        self.budget.spend(reader.encryption()).await
    }

    async fn set(&self, bucket: &str, encryption: &BucketEncryption) -> Answered<()> {
        let configuration = match configuration(encryption) {
            Ok(configuration) => configuration,
            Err(error) => return Answered::not_asked(ACTION, error),
        };
        let put = self.client.put_bucket_encryption().bucket(bucket).expected_bucket_owner(self.account);
        let put = put.server_side_encryption_configuration(configuration);
        Answered::of(ACTION, self.budget.spend(put.send()).await).done()
    }

    async fn clear(&self, bucket: &str) -> Answered<()> {
        let delete = self.client.delete_bucket_encryption().bucket(bucket).expected_bucket_owner(self.account);
        Answered::of(ACTION, self.budget.spend(delete.send()).await).done()
    }
}

fn configuration(encryption: &BucketEncryption) -> Result<ServerSideEncryptionConfiguration, TaskError> {
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::from(encryption.algorithm.as_str()))
        .set_kms_master_key_id(encryption.kms_key_id.clone())
        .build();
    let blocked = (!encryption.blocked_encryption_types.is_empty()).then(|| {
        let types = encryption.blocked_encryption_types.iter().map(|blocked| EncryptionType::from(blocked.as_str()));
        BlockedEncryptionTypes::builder().set_encryption_type(Some(types.collect())).build()
    });
    default
        .and_then(|default| {
            let rule = ServerSideEncryptionRule::builder()
                .apply_server_side_encryption_by_default(default)
                .bucket_key_enabled(encryption.bucket_key_enabled)
                .set_blocked_encryption_types(blocked)
                .build();
            ServerSideEncryptionConfiguration::builder().rules(rule).build()
        })
        .map_err(|error| TaskError::Internal(format!("the encryption could not be written: {error}")))
}

#[cfg(test)]
mod tests;
