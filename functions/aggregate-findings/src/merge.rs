//! The findings of a service's shards as one sorted stream.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use audit_artifacts::{ArtifactStore, JsonLinesReader, keys};
use audit_model::plan::ShardReceipt;
use audit_model::{Finding, Service};
use audit_task::TaskError;
use futures::{StreamExt, TryStreamExt, stream};

use crate::coverage::READS_AT_ONCE;

/// A merge of sorted streams, of which it holds one finding each. A shard that shows a flaw is read no further.
pub(crate) struct Merge<'a> {
    scan_id: &'a str,
    service: Service,
    shards: Vec<ShardFindings>,
    heads: BinaryHeap<Head>,
    /// Resource and rule of the finding that came last.
    last: Option<(String, String)>,
}

impl<'a> Merge<'a> {
    /// Opens the findings of the shards that have a receipt.
    ///
    /// # Errors
    /// Those of the store, here and below.
    pub(crate) async fn open(
        store: &dyn ArtifactStore,
        scan_id: &'a str,
        service: Service,
        scanned: &[ShardReceipt],
    ) -> Result<Self, TaskError> {
        let shards = stream::iter(scanned)
            .map(async |receipt| {
                let key = keys::shard_findings(scan_id, service, receipt.shard);
                let reader = JsonLinesReader::find(store, &key).await?;
                let flaw = reader.is_none().then(|| "the scanner left a receipt and no findings".to_owned());
                Ok::<_, TaskError>(ShardFindings { key, reader, receipt: receipt.clone(), read: 0, flaw })
            })
            .buffered(READS_AT_ONCE)
            .try_collect()
            .await?;
        let mut merge = Self { scan_id, service, shards, heads: BinaryHeap::new(), last: None };
        for shard in 0..merge.shards.len() {
            merge.refill(shard, None).await?;
        }
        Ok(merge)
    }

    /// The resource that the next finding is about, or `None` after the last one.
    pub(crate) fn next_resource(&self) -> Option<&str> {
        self.heads.peek().map(|head| head.finding.resource.arn.as_str())
    }

    /// The next finding of all shards, or `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Finding>, TaskError> {
        while let Some(Head { finding, shard }) = self.heads.pop() {
            let place = (finding.resource.arn.clone(), finding.rule_id.clone());
            if self.last.as_ref() == Some(&place) {
                self.shards[shard].is_flawed(&finding, "is there twice");
                continue;
            }
            self.last = Some(place);
            self.refill(shard, Some(&finding)).await?;
            return Ok(Some(finding));
        }
        Ok(None)
    }

    /// The shards, to be asked after the last finding.
    pub(crate) fn into_shards(self) -> Vec<ShardFindings> {
        self.shards
    }

    async fn refill(&mut self, shard: usize, before: Option<&Finding>) -> Result<(), TaskError> {
        let findings = &mut self.shards[shard];
        let Some(finding) = findings.next().await? else {
            return Ok(());
        };
        if finding.scan_id != self.scan_id || finding.service != self.service {
            findings.is_flawed(&finding, "belongs to another scan or service");
            return Ok(());
        }
        match before.map_or(Ordering::Less, |before| before.sort_key().cmp(&finding.sort_key())) {
            Ordering::Less => self.heads.push(Head { finding, shard }),
            Ordering::Equal => findings.is_flawed(&finding, "is there twice"),
            Ordering::Greater => findings.is_flawed(&finding, "is not in the order of resources and rules"),
        }
        Ok(())
    }
}

/// The findings of one shard.
pub(crate) struct ShardFindings {
    key: String,
    reader: Option<JsonLinesReader<Finding>>,
    pub(crate) receipt: ShardReceipt,
    /// How many were read.
    pub(crate) read: u64,
    /// Why they cannot be used.
    pub(crate) flaw: Option<String>,
}

impl ShardFindings {
    async fn next(&mut self) -> Result<Option<Finding>, TaskError> {
        let Some(reader) = &mut self.reader else {
            return Ok(None);
        };
        match reader.next().await {
            Ok(next) => {
                self.read += u64::from(next.is_some());
                Ok(next)
            }
            Err(TaskError::Corrupt(what)) => {
                self.give_up(what);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn is_flawed(&mut self, finding: &Finding, what: &str) {
        let Finding { rule_id, resource, .. } = finding;
        self.give_up(format!("the object {}: the finding of {rule_id} about {} {what}", self.key, resource.arn));
    }

    fn give_up(&mut self, flaw: String) {
        self.flaw.get_or_insert(flaw);
        self.reader = None;
    }
}

/// The finding that a shard has next; the greatest of the heap is the first in the order of findings.
struct Head {
    finding: Finding,
    shard: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.finding.sort_key(), other.shard).cmp(&(self.finding.sort_key(), self.shard))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}
