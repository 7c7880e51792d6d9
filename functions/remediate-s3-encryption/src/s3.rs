//! The account's buckets in Amazon S3. Types of its SDK stop here.

use async_trait::async_trait;
use audit_model::Reading;
use audit_task::Budget;
use aws_sdk_s3::Client;
use bucket_readings::{BucketReader, absent_or_unreadable, malformed};
use futures::future::{join, join4};

use crate::ports::{Buckets, Readings};

/// The account's buckets in Amazon S3.
#[derive(Debug)]
pub struct S3Buckets<'a> {
    /// The client of the audited region.
    pub client: &'a Client,
    /// The account that the buckets must belong to.
    pub account: &'a str,
    /// What it may ask of Amazon S3.
    pub budget: &'a Budget,
}

impl S3Buckets<'_> {
    async fn ignores_public_acls(&self, bucket: &str) -> Reading<bool> {
        let call = self.client.get_public_access_block().bucket(bucket).expected_bucket_owner(self.account);
        match self.budget.spend(call.send()).await {
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
        let call = self.client.get_bucket_website().bucket(bucket).expected_bucket_owner(self.account);
        match self.budget.spend(call.send()).await {
            Ok(_) => Reading::seen(()),
            Err(error) => absent_or_unreadable("s3:GetBucketWebsite", &["NoSuchWebsiteConfiguration"], &error),
        }
    }

    /// The buckets that a bucket is replicated into; absent when it is not replicated.
    async fn replicated_into(&self, bucket: &str) -> Reading<Vec<String>> {
        const ACTION: &str = "s3:GetReplicationConfiguration";
        let call = self.client.get_bucket_replication().bucket(bucket).expected_bucket_owner(self.account);
        match self.budget.spend(call.send()).await {
            Ok(answer) => {
                let rules = answer.replication_configuration.map(|configuration| configuration.rules);
                let destinations = rules.unwrap_or_default().into_iter().map(|rule| {
                    let arn = rule.destination?.bucket;
                    Some(arn.strip_prefix("arn:aws:s3:::")?.to_owned())
                });
                match destinations.collect() {
                    Some(destinations) => Reading::seen(destinations),
                    None => malformed(ACTION, "a rule has no destination, or one that is no bucket"),
                }
            }
            Err(error) => absent_or_unreadable(ACTION, &["ReplicationConfigurationNotFoundError"], &error),
        }
    }
}

#[async_trait]
impl Buckets for S3Buckets<'_> {
    async fn readings(&self, bucket: &str) -> Readings {
        let reader = BucketReader { client: self.client, account: self.account, bucket };
        let ((encryption, tags, policy, acl), (object_ownership, ignores_public_acls, website, replication)) = join(
            join4(
                self.budget.spend(reader.encryption()),
                self.budget.spend(reader.tags()),
                self.budget.spend(reader.policy()),
                self.budget.spend(reader.acl()),
            ),
            join4(
                self.budget.spend(reader.object_ownership()),
                self.ignores_public_acls(bucket),
                self.website(bucket),
                self.replicated_into(bucket),
            ),
        )
        .await;
        Readings { encryption, tags, policy, acl, object_ownership, ignores_public_acls, website, replication }
    }
}

#[cfg(test)]
mod tests;
