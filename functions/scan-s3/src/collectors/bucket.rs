//! One bucket with all its settings.

use std::future::Future;

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_model::resource::{Bucket, Identity, PublicAccessBlock};
use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_task::Budget;
use bucket_readings::BucketReader;

use super::{BucketCollector, account, settings};

/// The region of a bucket that neither the listing nor an answer of the bucket told.
const UNKNOWN_REGION: &str = "unknown";

/// The buckets of an account, read through the clients of one region.
#[derive(Debug)]
pub struct S3Buckets {
    /// The client of S3.
    pub s3: aws_sdk_s3::Client,
    /// The client of S3 Control.
    pub s3_control: aws_sdk_s3control::Client,
    /// The 12 digits of the account.
    pub account: String,
    /// The clients' region. Buckets of other regions cannot be reached from the isolated subnets this runs in.
    /// <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html>
    pub region: String,
    /// For the requests of both clients.
    pub budget: Budget,
}

#[async_trait]
impl BucketCollector for S3Buckets {
    async fn account_public_access_block(&self) -> Reading<PublicAccessBlock> {
        self.budget.acquire().await;
        account::public_access_block(&self.s3_control, &self.account).await
    }

    async fn bucket(&self, target: &Target, account_block: &Reading<PublicAccessBlock>) -> Option<Bucket> {
        match &target.region {
            Some(region) if *region != self.region => Some(self.elsewhere(&target.id, region, account_block)),
            region => self.here(&target.id, region.as_deref(), account_block).await,
        }
    }
}

impl S3Buckets {
    /// Reads a bucket of this region. A bucket whose region the listing did not tell is read, too: if it lies
    /// elsewhere, S3 answers with an error (`PermanentRedirect`), which is never taken for a value.
    async fn here(
        &self,
        name: &str,
        region: Option<&str>,
        account_block: &Reading<PublicAccessBlock>,
    ) -> Option<Bucket> {
        let reader = BucketReader { client: &self.s3, account: &self.account, bucket: name };
        let (encryption, policy, policy_is_public, acl, public_access_block, object_ownership, versioning, tags) = futures::join!(
            self.within_budget(reader.encryption()),
            self.within_budget(reader.policy()),
            self.within_budget(settings::policy_is_public(reader)),
            self.within_budget(reader.acl()),
            self.within_budget(settings::public_access_block(reader)),
            self.within_budget(settings::object_ownership(reader)),
            self.within_budget(settings::versioning(reader)),
            self.within_budget(reader.tags()),
        );
        let answers = [
            Answer::of(&encryption),
            Answer::of(&policy),
            Answer::of(&policy_is_public),
            Answer::of(&acl),
            Answer::of(&public_access_block),
            Answer::of(&object_ownership),
            Answer::of(&versioning),
            Answer::of(&tags),
        ];
        // A bucket that answered something was there; what it did not answer is then missing and shown as such.
        let answered = answers.contains(&Answer::Given);
        if answers.contains(&Answer::Gone) && !answered {
            return None;
        }
        let region = region.unwrap_or(if answered { &self.region } else { UNKNOWN_REGION });
        Some(Bucket {
            identity: self.identity(name, region),
            encryption,
            policy,
            policy_is_public,
            acl,
            public_access_block,
            account_public_access_block: account_block.clone(),
            object_ownership,
            versioning,
            tags,
        })
    }

    /// A bucket of another region: nothing is asked about it, and every finding says why.
    fn elsewhere(&self, name: &str, region: &str, account_block: &Reading<PublicAccessBlock>) -> Bucket {
        let unreadable = |action: &str| Unreadable {
            action: action.to_owned(),
            cause: UnreadableCause::OtherRegion,
            detail: format!("the bucket lies in {region}, and only {} can be reached from here", self.region),
        };
        Bucket {
            identity: self.identity(name, region),
            encryption: Reading::Unreadable(unreadable("s3:GetEncryptionConfiguration")),
            policy: Reading::Unreadable(unreadable("s3:GetBucketPolicy")),
            policy_is_public: Reading::Unreadable(unreadable("s3:GetBucketPolicyStatus")),
            acl: Reading::Unreadable(unreadable("s3:GetBucketAcl")),
            public_access_block: Reading::Unreadable(unreadable("s3:GetBucketPublicAccessBlock")),
            account_public_access_block: account_block.clone(),
            object_ownership: Reading::Unreadable(unreadable("s3:GetBucketOwnershipControls")),
            versioning: Reading::Unreadable(unreadable("s3:GetBucketVersioning")),
            tags: Reading::Unreadable(unreadable("s3:GetBucketTagging")),
        }
    }

    fn identity(&self, name: &str, region: &str) -> Identity {
        Identity {
            name: name.to_owned(),
            arn: format!("arn:aws:s3:::{name}"),
            account: self.account.clone(),
            region: region.to_owned(),
        }
    }

    async fn within_budget<T>(&self, reading: impl Future<Output = T>) -> T {
        self.budget.acquire().await;
        reading.await
    }
}

/// What a reading says about the bucket's being there.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// The bucket answered.
    Given,
    /// S3 said that there is no such bucket.
    Gone,
    /// Neither.
    Refused,
}

impl Answer {
    fn of<T>(reading: &Reading<T>) -> Self {
        match reading {
            Reading::Seen { .. } | Reading::Absent => Self::Given,
            Reading::Unreadable(why) if why.cause == UnreadableCause::Gone => Self::Gone,
            Reading::Unreadable(_) => Self::Refused,
        }
    }
}
