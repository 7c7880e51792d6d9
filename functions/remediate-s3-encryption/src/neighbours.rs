//! The buckets that others deliver into, of which they themselves show nothing: targets of server access logs, and
//! destinations of replications.

use std::collections::BTreeMap;

use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_task::TaskError;
use futures::StreamExt;
use futures::future::join;

use crate::ports::Buckets;

/// How many buckets are read at once.
const CONCURRENCY: usize = 16;

/// What the region's buckets deliver into other buckets, as far as that could be read.
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
}

impl Neighbours {
    /// Reads what the region's buckets deliver. A bucket of another region
    /// [cannot log into this one](https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html). It can be
    /// replicated into it, which cannot be read from here: the README says why that is borne.
    pub(crate) async fn read(buckets: &dyn Buckets, region: &str) -> Result<Self, TaskError> {
        let listed = buckets.list().await?;
        let here = listed.into_iter().filter(|bucket| bucket.region.as_deref().is_none_or(|its| its == region));
        let mut neighbours = Self::default();
        let mut readings = futures::stream::iter(here)
            .map(|source| async move {
                let both = join(buckets.log_target(&source.name), buckets.replicated_into(&source.name)).await;
                (source.name, both)
            })
            .buffer_unordered(CONCURRENCY);
        while let Some((source, (log_target, destinations))) = readings.next().await {
            neighbours.logs.note(&source, log_target.map(|target| vec![target]));
            neighbours.replicas.note(&source, destinations);
        }
        Ok(neighbours)
    }
}

impl Deliveries {
    /// A bucket that delivers into the target; the first one by name.
    pub(crate) fn source_of(&self, target: &str) -> Option<&str> {
        self.sources.get(target).map(String::as_str)
    }

    /// The first bucket of which nobody knows what it delivers where, why, and how many such buckets there are.
    pub(crate) fn unknown(&self) -> Option<(&str, &Unreadable, usize)> {
        self.unreadable.iter().next().map(|(bucket, why)| (bucket.as_str(), why, self.unreadable.len()))
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
            // A bucket that was deleted a moment ago delivers nothing.
            Reading::Unreadable(why) if why.cause == UnreadableCause::Gone => {}
            Reading::Unreadable(why) => {
                self.unreadable.insert(source.to_owned(), why);
            }
        }
    }
}
