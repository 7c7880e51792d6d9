//! The account, its buckets and its access points, each with all its settings.

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_model::resource::{
    AccessPoint, Bucket, BucketEncryption, DirectoryBucket, Identity, KmsKey, LoggingTarget, LoggingTargetSettings,
    PublicAccessBlock, ReplicationRule, S3Account,
};
use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_rules::{is_aws_managed, key_region};
use audit_task::Budget;
use bucket_readings::{BucketReader, describe_key};
use futures::future::join_all;

use super::remembered::Shared;
use super::settings::{LogTarget, REQUEST_PAYMENT, Replica};
use super::trails::TrailReader;
use super::{S3Collector, control, settings, settled};

const ACCESS_POINT: &str = "s3:GetAccessPoint";
const ACCOUNT_PUBLIC_ACCESS_BLOCK: &str = "s3:GetAccountPublicAccessBlock";
const ACL: &str = "s3:GetBucketAcl";
const DESCRIBE_KEY: &str = "kms:DescribeKey";
const DIRECTORY_BUCKET_LIFECYCLE: &str = "s3express:GetLifecycleConfiguration";
const ENCRYPTION: &str = "s3:GetEncryptionConfiguration";
const LIFECYCLE: &str = "s3:GetLifecycleConfiguration";
const LOCATION: &str = "s3:GetBucketLocation";
const NOTIFICATIONS: &str = "s3:GetBucketNotification";
const OBJECT_LOCK: &str = "s3:GetBucketObjectLockConfiguration";
const OBJECT_OWNERSHIP: &str = "s3:GetBucketOwnershipControls";
const POLICY: &str = "s3:GetBucketPolicy";
const POLICY_STATUS: &str = "s3:GetBucketPolicyStatus";
const PUBLIC_ACCESS_BLOCK: &str = "s3:GetBucketPublicAccessBlock";
const TRAILS: &str = "cloudtrail:DescribeTrails";
const VERSIONING: &str = "s3:GetBucketVersioning";

/// The region of a bucket that neither the listing nor an answer of the bucket told.
const UNKNOWN_REGION: &str = "unknown";

/// What an account has in S3, read through the clients of one region.
#[derive(Debug)]
pub struct S3Resources {
    /// The client of S3.
    pub s3: aws_sdk_s3::Client,
    /// The client of S3 Control.
    pub s3_control: aws_sdk_s3control::Client,
    /// The client of KMS.
    pub kms: aws_sdk_kms::Client,
    /// The client of CloudTrail.
    pub cloudtrail: aws_sdk_cloudtrail::Client,
    /// The 12 digits of the account.
    pub account: String,
    /// The clients' region. Buckets of other regions cannot be reached from the isolated subnets this runs in.
    /// <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html>
    pub region: String,
    /// For the requests to S3 and S3 Control.
    pub budget: Budget,
    /// For the requests to KMS.
    pub key_budget: Budget,
    /// For the requests to CloudTrail.
    pub trail_budget: Budget,
}

#[async_trait]
impl S3Collector for S3Resources {
    async fn room(&self) {
        self.budget.room().await;
    }

    async fn account(&self, shared: &Shared) -> S3Account {
        let trails = TrailReader {
            client: &self.cloudtrail,
            account: &self.account,
            budget: &self.trail_budget,
            needed: &shared.needed,
        };
        let (public_access_block, trails) =
            futures::join!(self.account_public_access_block(shared), shared.needed.read(TRAILS, trails.trails()));
        S3Account {
            identity: Identity {
                name: self.account.clone(),
                arn: format!("arn:aws:iam::{}:root", self.account),
                account: self.account.clone(),
                region: self.region.clone(),
            },
            public_access_block,
            trails,
        }
    }

    async fn bucket(&self, target: &Target, shared: &Shared) -> Option<Bucket> {
        match &target.region {
            Some(region) if *region != self.region => Some(self.elsewhere(&target.id, region, shared).await),
            region => self.here(&target.id, region.as_deref(), shared).await,
        }
    }

    async fn access_point(&self, target: &Target, shared: &Shared) -> Option<AccessPoint> {
        let name = &target.id;
        let read = async { Ok(self.budget.spend(control::access_point(&self.s3_control, &self.account, name)).await) };
        let (public_access_block, bucket) = match shared.needed.call(ACCESS_POINT, read).await {
            Ok(read) => read?,
            Err(why) => (Reading::Unreadable(why.clone()), Reading::Unreadable(why)),
        };
        Some(AccessPoint {
            identity: Identity {
                name: name.clone(),
                arn: format!("arn:aws:s3:{}:{}:accesspoint/{name}", self.region, self.account),
                account: self.account.clone(),
                region: self.region.clone(),
            },
            public_access_block,
            bucket,
        })
    }

    async fn directory_bucket(&self, target: &Target, shared: &Shared) -> Option<DirectoryBucket> {
        let name = &target.id;
        let read = async { Ok(self.budget.spend(settings::lifecycle_of_directory_bucket(&self.s3, name)).await) };
        let lifecycle = match shared.needed.call(DIRECTORY_BUCKET_LIFECYCLE, read).await {
            Ok(read) => read?,
            Err(why) => Reading::Unreadable(why),
        };
        Some(DirectoryBucket {
            identity: Identity {
                name: name.clone(),
                arn: format!("arn:aws:s3express:{}:{}:bucket/{name}", self.region, self.account),
                account: self.account.clone(),
                region: self.region.clone(),
            },
            lifecycle,
        })
    }
}

impl S3Resources {
    /// The region of a bucket of the account, which its name does not tell; `None` when S3 does not tell it either.
    pub async fn region_of(&self, bucket: &str) -> Option<String> {
        let location = settings::location(&self.s3, bucket, Some(self.account.clone()));
        self.budget.spend(location).await.known().ok().flatten().cloned()
    }

    /// Reads a bucket of this region. A bucket whose region the listing did not tell is read, too: if it lies
    /// elsewhere, S3 answers with an error (`PermanentRedirect`), which is never taken for a value.
    async fn here(&self, name: &str, region: Option<&str>, shared: &Shared) -> Option<Bucket> {
        let reader = self.reader(name);
        let needed = &shared.needed;
        // Remediation needs to know where logs and replicas go, whatever rules there are, and every finding tells the tags.
        let (
            account_public_access_block,
            (encryption, encryption_key),
            policy,
            public_access_block,
            object_ownership,
            versioning,
            logging,
            lifecycle,
            notifications,
            tags,
        ) = futures::join!(
            self.account_public_access_block(shared),
            self.encryption_and_key(reader, shared),
            needed.read(POLICY, self.budget.spend(reader.policy())),
            needed.read(PUBLIC_ACCESS_BLOCK, self.budget.spend(settings::public_access_block(reader))),
            needed.read(OBJECT_OWNERSHIP, self.budget.spend(reader.object_ownership())),
            needed.read(VERSIONING, self.budget.spend(settings::versioning(reader))),
            self.logging(reader, shared),
            needed.read(LIFECYCLE, self.budget.spend(settings::lifecycle(reader))),
            needed.read(NOTIFICATIONS, self.budget.spend(settings::notifications(reader))),
            self.budget.spend(reader.tags()),
        );
        let blocks = [&public_access_block, &account_public_access_block];
        let (policy_is_public, acl, replication, object_lock) = futures::join!(
            needed.read(
                POLICY_STATUS,
                unless(settled::policy_status(&policy, blocks), self.budget.spend(settings::policy_is_public(reader))),
            ),
            needed.read(ACL, unless(settled::acl(&object_ownership, blocks), self.budget.spend(reader.acl()))),
            self.replication(reader, shared),
            needed.read(
                OBJECT_LOCK,
                unless(settled::object_lock(&versioning), self.budget.spend(settings::object_lock(reader))),
            ),
        );
        let answers = [
            Answer::of(&encryption),
            Answer::of(&policy),
            Answer::of(&policy_is_public),
            Answer::of(&acl),
            Answer::of(&public_access_block),
            Answer::of(&object_ownership),
            Answer::of(&versioning),
            Answer::of(&logging),
            Answer::of(&lifecycle),
            Answer::of(&replication),
            Answer::of(&notifications),
            Answer::of(&object_lock),
            Answer::of(&tags),
        ];
        if Answer::tell_that_it_is_gone(&answers) || (answers.contains(&Answer::Gone) && self.is_gone(name).await) {
            return None;
        }
        let answered = answers.contains(&Answer::Given);
        let region = region.unwrap_or(if answered { &self.region } else { UNKNOWN_REGION });
        Some(Bucket {
            identity: self.bucket_identity(name, region),
            encryption,
            policy,
            policy_is_public,
            acl,
            public_access_block,
            account_public_access_block,
            object_ownership,
            versioning,
            logging,
            lifecycle,
            replication,
            notifications,
            object_lock,
            encryption_key,
            tags,
        })
    }

    /// Whether a bucket that has answered, and of which another answer says that it is not there, was deleted in the
    /// meantime: that is asked once more, lest an odd answer make a bucket vanish.
    async fn is_gone(&self, name: &str) -> bool {
        let location = settings::location(&self.s3, name, Some(self.account.clone()));
        self.budget.spend(location).await == Reading::Absent
    }

    /// A bucket of another region: nothing is asked about it, and every finding says why.
    async fn elsewhere(&self, name: &str, region: &str, shared: &Shared) -> Bucket {
        let unreadable = |action: &str| self.out_of_reach(action, "bucket", region);
        Bucket {
            identity: self.bucket_identity(name, region),
            encryption: Reading::Unreadable(unreadable(ENCRYPTION)),
            policy: Reading::Unreadable(unreadable(POLICY)),
            policy_is_public: Reading::Unreadable(unreadable(POLICY_STATUS)),
            acl: Reading::Unreadable(unreadable(ACL)),
            public_access_block: Reading::Unreadable(unreadable(PUBLIC_ACCESS_BLOCK)),
            account_public_access_block: self.account_public_access_block(shared).await,
            object_ownership: Reading::Unreadable(unreadable(OBJECT_OWNERSHIP)),
            versioning: Reading::Unreadable(unreadable(VERSIONING)),
            logging: Reading::Unreadable(unreadable("s3:GetBucketLogging")),
            lifecycle: Reading::Unreadable(unreadable(LIFECYCLE)),
            replication: Reading::Unreadable(unreadable("s3:GetReplicationConfiguration")),
            notifications: Reading::Unreadable(unreadable(NOTIFICATIONS)),
            object_lock: Reading::Unreadable(unreadable(OBJECT_LOCK)),
            encryption_key: Reading::Unreadable(unreadable(DESCRIBE_KEY)),
            tags: Reading::Unreadable(unreadable("s3:GetBucketTagging")),
        }
    }

    async fn account_public_access_block(&self, shared: &Shared) -> Reading<PublicAccessBlock> {
        let read = || {
            let read = control::account_public_access_block(&self.s3_control, &self.account);
            shared.needed.read(ACCOUNT_PUBLIC_ACCESS_BLOCK, self.budget.spend(read))
        };
        shared.account_block.get_or_init(read).await.clone()
    }

    async fn encryption_and_key(
        &self,
        of: BucketReader<'_>,
        shared: &Shared,
    ) -> (Reading<BucketEncryption>, Reading<KmsKey>) {
        let encryption = shared.needed.read(ENCRYPTION, self.budget.spend(of.encryption())).await;
        let key = match encryption.known() {
            Ok(encryption) => match encryption.and_then(customer_key) {
                Some(key) => shared.needed.read(DESCRIBE_KEY, self.key(key, shared)).await,
                None => Reading::Absent,
            },
            // Which key it is that nobody knows, KMS cannot tell.
            Err(why) => Reading::Unreadable(why),
        };
        (encryption, key)
    }

    /// A key of another region cannot be reached from here; S3 does not use it either, which the ARN alone shows.
    async fn key(&self, key: &str, shared: &Shared) -> Reading<KmsKey> {
        match key_region(key) {
            Some(region) if region != self.region => {
                Reading::Unreadable(self.out_of_reach(DESCRIBE_KEY, "key", region))
            }
            _ => {
                let read = self.key_budget.spend(describe_key(&self.kms, key));
                shared.keys.get_or_read(key.to_owned(), read).await
            }
        }
    }

    async fn logging(&self, of: BucketReader<'_>, shared: &Shared) -> Reading<LoggingTarget> {
        match self.budget.spend(settings::log_target(of)).await {
            Reading::Seen { value: LogTarget { bucket, prefix } } => {
                let read = self.log_target_settings(&bucket, shared);
                let settings = shared.log_targets.get_or_read(bucket.clone(), read).await;
                Reading::seen(LoggingTarget { bucket, prefix, settings })
            }
            Reading::Absent => Reading::Absent,
            Reading::Unreadable(why) => Reading::Unreadable(why),
        }
    }

    /// What of a bucket decides whether logs arrive in it; `None` when S3 says that there is no such bucket.
    async fn log_target_settings(&self, bucket: &str, shared: &Shared) -> Option<LoggingTargetSettings> {
        let target = self.reader(bucket);
        let needed = &shared.needed;
        let account = Some(self.account.clone());
        let location = self.budget.spend(settings::location(&self.s3, bucket, account.clone()));
        let location = shared.locations.get_or_read((bucket.to_owned(), account), location);
        let (encryption, object_lock, region, requester_pays, policy, object_ownership) = futures::join!(
            needed.read(ENCRYPTION, self.budget.spend(target.encryption())),
            needed.read(OBJECT_LOCK, self.budget.spend(settings::object_lock(target))),
            needed.read(LOCATION, location),
            needed.read(REQUEST_PAYMENT, self.budget.spend(settings::requester_pays(target))),
            needed.read(POLICY, self.budget.spend(target.policy())),
            needed.read(OBJECT_OWNERSHIP, self.budget.spend(target.object_ownership())),
        );
        let acl = unless(settled::acl(&object_ownership, []), self.budget.spend(target.acl()));
        let acl = needed.read(ACL, acl).await;
        let answers = [
            Answer::of(&encryption),
            Answer::of(&object_lock),
            Answer::of(&requester_pays),
            Answer::of(&policy),
            Answer::of(&object_ownership),
            Answer::of(&acl),
        ];
        (!Answer::tell_that_it_is_gone(&answers)).then_some(LoggingTargetSettings {
            encryption,
            object_lock,
            region,
            requester_pays,
            policy,
            object_ownership,
            acl,
        })
    }

    async fn replication(&self, of: BucketReader<'_>, shared: &Shared) -> Reading<Vec<ReplicationRule>> {
        match self.budget.spend(settings::replicas(of)).await {
            Reading::Seen { value: replicas } => {
                let rules = replicas.into_iter().map(|Replica { enabled, bucket, account }| async move {
                    let read = self.budget.spend(settings::location(&self.s3, &bucket, account.clone()));
                    let read = shared.locations.get_or_read((bucket.clone(), account), read);
                    let destination_region = shared.needed.read(LOCATION, read).await;
                    ReplicationRule { enabled, destination: bucket, destination_region }
                });
                Reading::seen(join_all(rules).await)
            }
            Reading::Absent => Reading::Absent,
            Reading::Unreadable(why) => Reading::Unreadable(why),
        }
    }

    fn reader<'a>(&'a self, bucket: &'a str) -> BucketReader<'a> {
        BucketReader { client: &self.s3, account: &self.account, bucket }
    }

    fn bucket_identity(&self, name: &str, region: &str) -> Identity {
        Identity {
            name: name.to_owned(),
            arn: format!("arn:aws:s3:::{name}"),
            account: self.account.clone(),
            region: region.to_owned(),
        }
    }

    fn out_of_reach(&self, action: &str, what: &str, region: &str) -> Unreadable {
        Unreadable {
            action: action.to_owned(),
            cause: UnreadableCause::OtherRegion,
            detail: format!("the {what} lies in {region}, and only {} can be reached from here", self.region),
        }
    }
}

/// The settled reading, or what is read where nothing is settled.
async fn unless<T>(settled: Option<Reading<T>>, read: impl Future<Output = Reading<T>>) -> Reading<T> {
    match settled {
        Some(settled) => settled,
        None => read.await,
    }
}

/// The key that an encryption names, where it is one that AWS does not manage.
fn customer_key(encryption: &BucketEncryption) -> Option<&str> {
    let key = encryption.kms_key_id.as_deref()?;
    (encryption.algorithm.starts_with("aws:kms") && !key.is_empty() && !is_aws_managed(key)).then_some(key)
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

    /// Whether a bucket that answered so is not there. One that answered something was there; what it did not answer is
    /// then missing and shown as such.
    fn tell_that_it_is_gone(answers: &[Self]) -> bool {
        answers.contains(&Self::Gone) && !answers.contains(&Self::Given)
    }
}
