//! What buckets deliver into other buckets. The scanner of S3 leaves it for the remediation, which must know it of every
//! bucket before it changes one.

use serde::{Deserialize, Serialize};

use crate::Reading;
use crate::resource::{Bucket, ReplicationRule};

/// What one bucket delivers into other buckets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BucketDeliveries {
    /// The bucket that delivers, by name.
    pub bucket: String,
    /// The bucket that its server access logs go to; absent when logging is off.
    pub log_target: Reading<String>,
    /// The buckets that it is replicated into, be the rule switched on or off; absent when it is not replicated.
    pub replicated_into: Reading<Vec<String>>,
}

impl From<&Bucket> for BucketDeliveries {
    fn from(bucket: &Bucket) -> Self {
        let destinations = |rules: Vec<ReplicationRule>| rules.into_iter().map(|rule| rule.destination).collect();
        Self {
            bucket: bucket.identity.name.clone(),
            log_target: bucket.logging.clone().map(|target| target.bucket),
            replicated_into: bucket.replication.clone().map(destinations),
        }
    }
}
