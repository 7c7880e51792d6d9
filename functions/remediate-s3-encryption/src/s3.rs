//! The account's buckets in Amazon S3. Types of its SDK stop here.

use async_trait::async_trait;
use audit_model::Reading;
use audit_model::resource::BucketEncryption;
use audit_task::{Budget, TaskError, task_error};
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, EncryptionType, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use bucket_readings::{BucketReader, absent_or_unreadable};
use futures::future::join;

use crate::ports::{Buckets, ListedBucket, Readings};

/// How many buckets one page of the listing holds, of at most 10,000. Without paging the listing names no regions, and
/// is refused in accounts of more than 10,000 buckets.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html>
const PAGE: i32 = 1_000;

/// The account's buckets in Amazon S3.
#[derive(Debug)]
pub struct S3Buckets {
    client: Client,
    account: String,
    budget: Budget,
}

impl S3Buckets {
    /// The buckets of `account`, read and written within `budget` by the client of the audited region.
    pub const fn new(client: Client, account: String, budget: Budget) -> Self {
        Self { client, account, budget }
    }

    fn reader<'a>(&'a self, bucket: &'a str) -> BucketReader<'a> {
        BucketReader { client: &self.client, account: &self.account, bucket }
    }

    async fn ignores_public_acls(&self, bucket: &str) -> Reading<bool> {
        self.budget.acquire().await;
        match self.client.get_public_access_block().bucket(bucket).expected_bucket_owner(&self.account).send().await {
            Ok(answer) => {
                let block = answer.public_access_block_configuration;
                Reading::seen(block.and_then(|block| block.ignore_public_acls).unwrap_or(false))
            }
            Err(error) => {
                absent_or_unreadable("s3:GetBucketPublicAccessBlock", &["NoSuchPublicAccessBlockConfiguration"], &error)
            }
        }
    }

    async fn website(&self, bucket: &str) -> Reading<()> {
        self.budget.acquire().await;
        match self.client.get_bucket_website().bucket(bucket).expected_bucket_owner(&self.account).send().await {
            Ok(_) => Reading::seen(()),
            Err(error) => absent_or_unreadable("s3:GetBucketWebsite", &["NoSuchWebsiteConfiguration"], &error),
        }
    }

    async fn replication(&self, bucket: &str) -> Reading<()> {
        self.budget.acquire().await;
        match self.client.get_bucket_replication().bucket(bucket).expected_bucket_owner(&self.account).send().await {
            Ok(_) => Reading::seen(()),
            Err(error) => absent_or_unreadable(
                "s3:GetReplicationConfiguration",
                &["ReplicationConfigurationNotFoundError"],
                &error,
            ),
        }
    }

    /// One reading within the budget.
    async fn budgeted<T>(&self, reading: impl Future<Output = T>) -> T {
        self.budget.acquire().await;
        reading.await
    }
}

#[async_trait]
impl Buckets for S3Buckets {
    async fn list(&self) -> Result<Vec<ListedBucket>, TaskError> {
        let mut pages = self.client.list_buckets().max_buckets(PAGE).into_paginator().send();
        let mut listed = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| task_error("s3:ListAllMyBuckets", &error))?;
            for bucket in page.buckets.unwrap_or_default() {
                let name =
                    bucket.name.ok_or_else(|| TaskError::Corrupt("S3 listed a bucket without its name".to_owned()))?;
                listed.push(ListedBucket { name, region: bucket.bucket_region });
            }
        }
        Ok(listed)
    }

    async fn log_target(&self, bucket: &str) -> Reading<String> {
        self.budget.acquire().await;
        match self.client.get_bucket_logging().bucket(bucket).expected_bucket_owner(&self.account).send().await {
            Ok(answer) => {
                answer.logging_enabled.map_or(Reading::Absent, |logging| Reading::seen(logging.target_bucket))
            }
            Err(error) => absent_or_unreadable("s3:GetBucketLogging", &[], &error),
        }
    }

    async fn readings(&self, bucket: &str) -> Readings {
        let reader = self.reader(bucket);
        let ((encryption, tags), ((policy, acl), (ignores_public_acls, (website, replication)))) = join(
            join(self.budgeted(reader.encryption()), self.budgeted(reader.tags())),
            join(
                join(self.budgeted(reader.policy()), self.budgeted(reader.acl())),
                join(self.ignores_public_acls(bucket), join(self.website(bucket), self.replication(bucket))),
            ),
        )
        .await;
        Readings { encryption, tags, policy, acl, ignores_public_acls, website, replication }
    }

    async fn encryption(&self, bucket: &str) -> Reading<BucketEncryption> {
        self.budgeted(self.reader(bucket).encryption()).await
    }

    async fn set_encryption(&self, bucket: &str, encryption: &BucketEncryption) -> Result<(), TaskError> {
        self.budget.acquire().await;
        self.client
            .put_bucket_encryption()
            .bucket(bucket)
            .expected_bucket_owner(&self.account)
            .server_side_encryption_configuration(configuration(encryption)?)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| task_error("s3:PutEncryptionConfiguration", &error))
    }

    async fn clear_encryption(&self, bucket: &str) -> Result<(), TaskError> {
        self.budget.acquire().await;
        self.client
            .delete_bucket_encryption()
            .bucket(bucket)
            .expected_bucket_owner(&self.account)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| task_error("s3:PutEncryptionConfiguration", &error))
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
