//! The buckets that others deliver into, of which they themselves show nothing: targets of server access logs, and
//! destinations of replications. The scan has read that of every bucket.

use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, keys};
use audit_model::plan::{Inventory, TargetKind, Unlisted};
use audit_model::summary::LatestScans;
use audit_model::{BucketDeliveries, Plan, Reading, Service, Unreadable, UnreadableCause};
use audit_task::TaskError;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};

/// How many shards are read at once.
const CONCURRENCY: usize = 16;

/// How old the scan's listing may be. An execution lasts three hours and 20 minutes at the most, but one that failed may be
/// taken up again days later, when other buckets may have begun to deliver.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html>
const OLDEST: SignedDuration = SignedDuration::from_hours(4);

/// What the region's buckets deliver into other buckets, as far as the scan could read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Neighbours {
    /// Who delivers server access logs into whom.
    pub(crate) logs: Deliveries,
    /// Who is replicated into whom.
    pub(crate) replicas: Deliveries,
}

/// Deliveries of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Deliveries {
    /// Target to the first one, by name, of the buckets that deliver into it.
    sources: BTreeMap<String, String>,
    /// The buckets of which nobody knows what they deliver where.
    unreadable: BTreeMap<String, Unreadable>,
    /// Why there may be other such buckets, in words.
    not_left: Option<String>,
}

impl Neighbours {
    /// What the scan knows of every bucket. One of named resources has read these only: of the others it knows what the last
    /// scan of all has left, if that is no older than a scan may be.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn known_to(store: &dyn ArtifactStore, plan: &Plan, now: Timestamp) -> Result<Self, TaskError> {
        if !plan.is_scoped() {
            return Self::left_by_scan(store, &plan.scan_id, now).await;
        }
        let latest: LatestScans = store.find_json(keys::LATEST).await?.unwrap_or_default();
        let Some(last) = latest.get(&Service::S3) else {
            let mut neighbours = Self::default();
            neighbours.not_all_left("no scan has looked at all buckets yet".to_owned());
            return Ok(neighbours);
        };
        let mut neighbours = Self::left_by_scan(store, &last.scan_id, now).await?;
        let of_named = Self::left_by_scan(store, &plan.scan_id, now).await?;
        for (all, named) in [(&mut neighbours.logs, of_named.logs), (&mut neighbours.replicas, of_named.replicas)] {
            all.add(named);
        }
        Ok(neighbours)
    }

    /// What this scan has left of every bucket. A bucket of another region
    /// [cannot log into this one](https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html). It can be
    /// replicated into it, which cannot be read from here: the README says why that is borne.
    ///
    /// # Errors
    /// Those of the store. What the scan has not left is no error: it is not known.
    pub(crate) async fn left_by_scan(
        store: &dyn ArtifactStore,
        scan_id: &str,
        now: Timestamp,
    ) -> Result<Self, TaskError> {
        let mut neighbours = Self::default();
        let Some(inventory) = store.find_json::<Inventory>(&keys::inventory(scan_id, Service::S3)).await? else {
            neighbours.not_all_left("the scan has not listed the buckets".to_owned());
            return Ok(neighbours);
        };
        if now.duration_since(inventory.listed_at) > OLDEST {
            let hours = OLDEST.as_hours();
            neighbours.not_all_left(format!("the scan has listed the buckets more than {hours} hours ago"));
            return Ok(neighbours);
        }
        let is_of_buckets = |unlisted: &&Unlisted| unlisted.resource_type == TargetKind::Bucket.resource_type();
        if let Some(Unlisted { reason, .. }) = inventory.unlisted.iter().find(is_of_buckets) {
            neighbours.not_all_left(format!("the scan could not list the buckets: {reason}"));
            return Ok(neighbours);
        }
        let mut missing = Vec::new();
        let mut shards = futures::stream::iter((1..).zip(&inventory.shards))
            .map(|(number, _)| {
                let key = keys::deliveries(scan_id, &inventory.listing, number);
                async move { (number, store.find_json::<Vec<BucketDeliveries>>(&key).await) }
            })
            .buffered(CONCURRENCY);
        while let Some((number, left)) = shards.next().await {
            match left? {
                Some(deliveries) => deliveries.into_iter().for_each(|of_bucket| neighbours.note(of_bucket)),
                None => missing.push(number),
            }
        }
        if let Some(first) = missing.first() {
            let (missing, all) = (missing.len(), inventory.shards.len());
            neighbours
                .not_all_left(format!("the scan has not left it for {missing} of {all} shards, the first is {first}"));
        }
        Ok(neighbours)
    }

    fn note(&mut self, of_bucket: BucketDeliveries) {
        let BucketDeliveries { bucket, log_target, replicated_into } = of_bucket;
        self.logs.note(&bucket, log_target.map(|target| vec![target]));
        self.replicas.note(&bucket, replicated_into);
    }

    fn not_all_left(&mut self, why: String) {
        self.logs.not_left = Some(why.clone());
        self.replicas.not_left = Some(why);
    }
}

impl Deliveries {
    /// A bucket that delivers into the target; the first one by name.
    pub(crate) fn source_of(&self, target: &str) -> Option<&str> {
        self.sources.get(target).map(String::as_str)
    }

    /// Why there may be buckets that deliver into any bucket, in words; `None` when all are known.
    pub(crate) fn unknown(&self) -> Option<String> {
        let not_left = self.not_left.as_ref().map(|why| format!("is not known, for {why}"));
        not_left.or_else(|| {
            let (bucket, why) = self.unreadable.first_key_value()?;
            Some(format!("could not be read of {} bucket(s), among them {bucket}: {why}", self.unreadable.len()))
        })
    }

    /// Adds what others know.
    fn add(&mut self, other: Self) {
        for (target, source) in other.sources {
            self.note(&source, Reading::seen(vec![target]));
        }
        self.unreadable.extend(other.unreadable);
        self.not_left = self.not_left.take().or(other.not_left);
    }

    pub(crate) fn note(&mut self, source: &str, reading: Reading<Vec<String>>) {
        match reading {
            Reading::Seen { value: targets } => {
                for target in targets {
                    let first = self.sources.entry(target).or_insert_with(|| source.to_owned());
                    if source < first.as_str() {
                        source.clone_into(first);
                    }
                }
            }
            Reading::Absent => {}
            // A bucket that was deleted a moment ago delivers nothing, and one of another region cannot be asked.
            Reading::Unreadable(why) if matches!(why.cause, UnreadableCause::Gone | UnreadableCause::OtherRegion) => {}
            Reading::Unreadable(why) => {
                self.unreadable.insert(source.to_owned(), why);
            }
        }
    }
}
