//! The account's buckets in Amazon S3. Types of its SDK stop here.

use async_trait::async_trait;
use audit_model::Reading;
use audit_task::{Budget, TaskError, task_error};
use aws_sdk_s3::Client;
use bucket_readings::{BucketReader, absent_or_unreadable, malformed};
use futures::future::{join, join4};

use crate::ports::{Buckets, ListedBucket, Readings};

/// How many buckets one page of the listing holds, of at most 10,000. Without paging the listing names no regions, and
/// is refused in accounts of more than 10,000 buckets.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html>
const PAGE: i32 = 1_000;

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
}

#[async_trait]
impl Buckets for S3Buckets<'_> {
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
        let call = self.client.get_bucket_logging().bucket(bucket).expected_bucket_owner(self.account);
        match self.budget.spend(call.send()).await {
            Ok(answer) => {
                answer.logging_enabled.map_or(Reading::Absent, |logging| Reading::seen(logging.target_bucket))
            }
            Err(error) => absent_or_unreadable("s3:GetBucketLogging", &[], &error),
        }
    }

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
