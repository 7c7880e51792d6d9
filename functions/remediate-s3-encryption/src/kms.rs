//! The buckets' own keys in AWS KMS. Types of its SDK stop here.

use std::collections::BTreeMap;

use async_trait::async_trait;
use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_task::{TaskError, task_error, unreadable};
use aws_sdk_kms::Client;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, OriginType, Tag};
use bucket_readings::{describe_key, malformed};

use crate::ports::{Key, Keys};

/// The tag that says whose key it is.
const BUCKET_TAG: &str = "compliance-audit:bucket";

/// The buckets' own keys in AWS KMS.
#[derive(Debug)]
pub struct KmsKeys {
    client: Client,
    tags: BTreeMap<String, String>,
    account: String,
    region: String,
}

impl KmsKeys {
    /// The keys of the client's account and region; new ones carry `tags`.
    pub const fn new(client: Client, tags: BTreeMap<String, String>, account: String, region: String) -> Self {
        Self { client, tags, account, region }
    }

    /// Control lies with the account's IAM, and whoever of the account may use the bucket may use the key through S3,
    /// as it is with the AWS-managed key: nobody of the account is shut out by the change.
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html> and
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-caller-account>
    fn key_policy(&self) -> serde_json::Value {
        serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "ControlByIam",
                    "Effect": "Allow",
                    "Principal": { "AWS": format!("arn:aws:iam::{}:root", self.account) },
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Sid": "UseThroughS3ByTheAccount",
                    "Effect": "Allow",
                    "Principal": { "AWS": "*" },
                    "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {
                            "kms:CallerAccount": self.account,
                            "kms:ViaService": format!("s3.{}.amazonaws.com", self.region),
                        },
                    },
                },
            ],
        })
    }

    /// The key that an alias names. The aliases are listed, for a permission on keys says nothing of an alias that is
    /// not there: whether it is missing or may not be described could not be told apart.
    async fn key_named(&self, alias: &str) -> Reading<String> {
        let mut aliases = self.client.list_aliases().into_paginator().items().send();
        while let Some(listed) = aliases.next().await {
            match listed {
                Ok(listed) if listed.alias_name.as_deref() == Some(alias) => {
                    return match listed.target_key_id {
                        Some(key) => Reading::seen(key),
                        None => malformed("kms:ListAliases", "the alias of the bucket's own key names no key"),
                    };
                }
                Ok(_) => {}
                Err(error) => return Reading::Unreadable(unreadable("kms:ListAliases", &error)),
            }
        }
        Reading::Absent
    }
}

#[async_trait]
impl Keys for KmsKeys {
    async fn find(&self, alias: &str) -> Reading<Key> {
        match self.key_named(alias).await {
            Reading::Seen { value } => match describe_key(&self.client, &value).await {
                // Only an alias that is not there says that the bucket has no key of its own yet.
                Reading::Absent => Reading::Unreadable(Unreadable {
                    action: "kms:DescribeKey".to_owned(),
                    cause: UnreadableCause::Gone,
                    detail: format!("AWS KMS knows no key {value}, which {alias} names"),
                }),
                described => described,
            },
            Reading::Absent => Reading::Absent,
            Reading::Unreadable(why) => Reading::Unreadable(why),
        }
    }

    /// KMS refuses a policy that its caller could not change again, unless it is told to go on. This function may not
    /// change key policies; the account's administrators may.
    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>
    async fn create(&self, bucket: &str) -> Result<String, TaskError> {
        let own = (BUCKET_TAG, bucket);
        let tags = self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).chain([own]);
        let tags = tags
            .map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TaskError::Internal(format!("the key's tags could not be written: {error}")))?;
        let answer = self
            .client
            .create_key()
            .description(format!("Encrypts the S3 bucket {bucket}. Data is lost if this key is deleted."))
            .set_tags(Some(tags))
            // The defaults, spelled out: the function's policy lets it make keys of this kind only.
            .key_spec(KeySpec::SymmetricDefault)
            .key_usage(KeyUsageType::EncryptDecrypt)
            .origin(OriginType::AwsKms)
            .multi_region(false)
            .policy(self.key_policy().to_string())
            .bypass_policy_lockout_safety_check(true)
            .send()
            .await
            .map_err(|error| task_error("kms:CreateKey", &error))?;
        answer
            .key_metadata
            .and_then(|key| key.arn)
            .ok_or_else(|| TaskError::Corrupt("KMS made a key without giving its ARN".to_owned()))
    }

    async fn name(&self, key_arn: &str, alias: &str) -> Result<(), TaskError> {
        self.client
            .create_alias()
            .alias_name(alias)
            .target_key_id(key_arn)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| task_error("kms:CreateAlias", &error))
    }

    async fn rotate(&self, key_arn: &str) -> Result<(), TaskError> {
        self.client
            .enable_key_rotation()
            .key_id(key_arn)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| task_error("kms:EnableKeyRotation", &error))
    }
}

#[cfg(test)]
mod tests;
