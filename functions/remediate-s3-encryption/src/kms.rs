//! The buckets' own keys in AWS KMS. Types of its SDK stop here.

use std::collections::BTreeMap;

use async_trait::async_trait;
use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_task::{Budget, TaskError, error_code, task_error, unreadable};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::types::{DataKeySpec, KeySpec, KeyUsageType, OriginType, Tag};
use bucket_encryption::Answered;
use bucket_readings::{describe_key, malformed};

use crate::ports::{Key, Keys, key_alias};

/// The action that makes a key.
const CREATE: &str = "kms:CreateKey";

/// What a key's own policy is called in a denial.
const KEY_POLICY: &str = "resource-based policy";

/// The tag that says whose key it is.
const BUCKET_TAG: &str = "compliance-audit:bucket";

/// The buckets' own keys in AWS KMS.
#[derive(Debug)]
pub struct KmsKeys {
    client: Client,
    tags: BTreeMap<String, String>,
    account: String,
    region: String,
    budget: Budget,
}

impl KmsKeys {
    /// The keys of the client's account and region, asked within `budget`; new ones carry `tags`.
    pub const fn new(
        client: Client,
        tags: BTreeMap<String, String>,
        account: String,
        region: String,
        budget: Budget,
    ) -> Self {
        Self { client, tags, account, region, budget }
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
    async fn key_behind(&self, alias: &str) -> Reading<String> {
        let mut pages = self.client.list_aliases().into_paginator().send();
        loop {
            let listed = match self.budget.spend(pages.next()).await {
                None => return Reading::Absent,
                Some(Ok(page)) => page.aliases.unwrap_or_default(),
                Some(Err(error)) => return Reading::Unreadable(unreadable("kms:ListAliases", &error)),
            };
            if let Some(found) = listed.into_iter().find(|listed| listed.alias_name.as_deref() == Some(alias)) {
                return match found.target_key_id {
                    Some(key) => Reading::seen(key),
                    None => malformed("kms:ListAliases", "the alias of the bucket's own key names no key"),
                };
            }
        }
    }

    /// The bucket whose own key this is, by the key's tag. A key whose policy keeps this account's IAM out, or that is
    /// gone, was not made here, or is no longer as it was made: absent. KMS tells a key policy from other denials:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
    async fn bucket_of(&self, key: &str) -> Reading<String> {
        let mut tags = self.client.list_resource_tags().key_id(key).into_paginator().items().send();
        let read = async {
            while let Some(tag) = tags.next().await {
                match tag {
                    Ok(tag) if tag.tag_key == BUCKET_TAG => return Reading::seen(tag.tag_value),
                    Ok(_) => {}
                    Err(error) if error_code(&error) == Some("NotFoundException") || is_kept_out(&error) => {
                        return Reading::Absent;
                    }
                    Err(error) => return Reading::Unreadable(unreadable("kms:ListResourceTags", &error)),
                }
            }
            Reading::Absent
        };
        self.budget.spend(read).await
    }
}

#[async_trait]
impl Keys for KmsKeys {
    async fn describe(&self, key: &str) -> Reading<Key> {
        self.budget.spend(describe_key(&self.client, key)).await
    }

    async fn named(&self, bucket: &str) -> Reading<Key> {
        let alias = key_alias(bucket);
        let key = match self.key_behind(&alias).await {
            Reading::Seen { value } => value,
            Reading::Absent => return Reading::Absent,
            Reading::Unreadable(why) => return Reading::Unreadable(why),
        };
        match self.bucket_of(&key).await.known() {
            Ok(Some(owner)) if owner == bucket => {}
            Ok(_) => {
                let detail = format!(
                    "{alias} names a key that the tag {BUCKET_TAG} does not call the bucket's own; delete the alias, or \
                     tag the key"
                );
                return Reading::Unreadable(Unreadable::undecidable("kms:ListResourceTags", detail));
            }
            Err(why) => return Reading::Unreadable(why),
        }
        match self.describe(&key).await {
            // Only an alias that is not there says that the bucket has no key of its own yet.
            Reading::Absent => Reading::Unreadable(Unreadable {
                action: "kms:DescribeKey".to_owned(),
                cause: UnreadableCause::Gone,
                detail: format!("AWS KMS knows no key {key}, which {alias} names"),
            }),
            described => described,
        }
    }

    async fn tagged(&self) -> Result<BTreeMap<String, Vec<String>>, Unreadable> {
        let mut tagged: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut keys = self.client.list_keys().into_paginator().items().send();
        while let Some(key) = keys.next().await {
            let key = key.map_err(|error| unreadable("kms:ListKeys", &error))?;
            let arn = key.key_arn.ok_or_else(|| Unreadable::malformed("kms:ListKeys", "a key has no ARN"))?;
            if let Some(bucket) = self.bucket_of(&arn).await.known()? {
                tagged.entry(bucket.clone()).or_default().push(arn);
            }
        }
        Ok(tagged)
    }

    /// KMS refuses a policy that its caller could not change again, unless it is told to go on. This function may not
    /// change key policies; the account's administrators may.
    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>
    async fn create(&self, bucket: &str) -> Answered<String> {
        let own = (BUCKET_TAG, bucket);
        let tags = self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).chain([own]);
        let tags = tags.map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build());
        let tags = match tags.collect::<Result<Vec<_>, _>>() {
            Ok(tags) => tags,
            Err(error) => {
                let error = TaskError::Internal(format!("the key's tags could not be written: {error}"));
                return Answered::not_asked(CREATE, error);
            }
        };
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
            .customize()
            // A request that was answered by silence may have made a key; another one would make a second.
            .config_override(aws_sdk_kms::Config::builder().retry_config(RetryConfig::disabled()))
            .send()
            .await;
        let made_none = answer.as_ref().err().is_none_or(says_that_none_was_made);
        let Answered { action, request_id, result } = Answered::of(CREATE, answer);
        let result = match result {
            Ok(answer) => answer
                .key_metadata
                .and_then(|key| key.arn)
                .ok_or_else(|| TaskError::Unavailable(format!("{CREATE} answered without the key's ARN"))),
            Err(error) if made_none => Err(error),
            Err(error) => Err(TaskError::Unavailable(error.to_string())),
        };
        Answered { action, request_id, result }
    }

    async fn name(&self, key_arn: &str, bucket: &str) -> Answered<()> {
        let answer = self.client.create_alias().alias_name(key_alias(bucket)).target_key_id(key_arn).send().await;
        Answered::of("kms:CreateAlias", answer).done()
    }

    async fn rotate(&self, key_arn: &str) -> Answered<()> {
        Answered::of("kms:EnableKeyRotation", self.client.enable_key_rotation().key_id(key_arn).send().await).done()
    }

    /// The context is the one that Amazon S3 gives for a bucket key:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context>
    async fn try_out(&self, key_arn: &str, bucket: &str) -> Result<(), TaskError> {
        self.client
            .generate_data_key_without_plaintext()
            .key_id(key_arn)
            .key_spec(DataKeySpec::Aes256)
            .encryption_context("aws:s3:arn", format!("arn:aws:s3:::{bucket}"))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| task_error("kms:GenerateDataKeyWithoutPlaintext", &error))
    }
}

/// Whether a failed request has certainly made nothing: it was not sent, or was refused.
fn says_that_none_was_made<E>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::ServiceError(refused) => refused.raw().status().is_client_error(),
        _ => false,
    }
}

/// Whether a key's own policy denied the request.
fn is_kept_out<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error_code(error) == Some("AccessDeniedException")
        && error.as_service_error().and_then(ProvideErrorMetadata::message).is_some_and(|why| why.contains(KEY_POLICY))
}

#[cfg(test)]
mod tests;
