//! The buckets that server access logs are delivered to.

use std::collections::BTreeMap;

use audit_model::{Reading, Unreadable, UnreadableCause};
use audit_task::TaskError;
use futures::StreamExt;

use crate::ports::Buckets;

/// How many buckets are read at once.
const CONCURRENCY: usize = 16;

/// The buckets that server access logs are delivered to, as far as that could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogTargets {
    /// Target to one of the buckets whose logs it takes.
    sources: BTreeMap<String, String>,
    /// The buckets of which nobody knows where their logs go.
    unreadable: BTreeMap<String, Unreadable>,
}

impl LogTargets {
    /// Reads where the logs of the region's buckets go. A bucket of another region
    /// [cannot log into this one](https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html).
    pub(crate) async fn read(buckets: &dyn Buckets, region: &str) -> Result<Self, TaskError> {
        let listed = buckets.list().await?;
        let here = listed.into_iter().filter(|bucket| bucket.region.as_deref().is_none_or(|its| its == region));
        let mut targets = Self::default();
        let mut readings = futures::stream::iter(here)
            .map(|source| async move { (buckets.log_target(&source.name).await, source.name) })
            .buffer_unordered(CONCURRENCY);
        while let Some((reading, source)) = readings.next().await {
            targets.note(source, reading);
        }
        Ok(targets)
    }

    /// A bucket whose logs the target takes; the first one by name.
    pub(crate) fn source_of(&self, target: &str) -> Option<&str> {
        self.sources.get(target).map(String::as_str)
    }

    /// The first bucket of which nobody knows where its logs go, why, and how many such buckets there are.
    pub(crate) fn unknown(&self) -> Option<(&str, &Unreadable, usize)> {
        self.unreadable.iter().next().map(|(bucket, why)| (bucket.as_str(), why, self.unreadable.len()))
    }

    fn note(&mut self, source: String, reading: Reading<String>) {
        match reading {
            Reading::Seen { value: target } => {
                let first = self.sources.entry(target).or_insert_with(|| source.clone());
                if source < *first {
                    *first = source;
                }
            }
            Reading::Absent => {}
            // A bucket that was deleted a moment ago sends no logs.
            Reading::Unreadable(why) if why.cause == UnreadableCause::Gone => {}
            Reading::Unreadable(why) => {
                self.unreadable.insert(source, why);
            }
        }
    }
}

#[cfg(test)]
impl LogTargets {
    /// Targets as if they had been read.
    pub(crate) fn noted(readings: impl IntoIterator<Item = (String, Reading<String>)>) -> Self {
        let mut targets = Self::default();
        for (source, reading) in readings {
            targets.note(source, reading);
        }
        targets
    }
}
