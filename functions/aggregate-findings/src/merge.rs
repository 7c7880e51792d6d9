//! The findings of a service's shards as one sorted stream.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use audit_artifacts::{ArtifactStore, JsonLinesReader, keys};
use audit_model::plan::ShardReceipt;
use audit_model::summary::Gap;
use audit_model::{Finding, Service};
use audit_task::TaskError;
use futures::{StreamExt, TryStreamExt, stream};

use crate::coverage::READS_AT_ONCE;

/// A merge of sorted streams, of which it holds one finding each.
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
    /// Those of [`Merge::next`].
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
                Ok::<_, TaskError>(ShardFindings { key, reader, receipt: receipt.clone(), read: 0 })
            })
            .buffered(READS_AT_ONCE)
            .try_collect()
            .await?;
        let mut merge = Self { scan_id, service, shards, heads: BinaryHeap::new(), last: None };
        for shard in 0..merge.shards.len() {
            merge.refill(shard).await?;
        }
        Ok(merge)
    }

    /// The next finding of all shards, or `None` after the last one.
    ///
    /// # Errors
    /// `Corrupt` when a finding is of another scan or service, out of order, or there twice, and those of
    /// [`JsonLinesReader::next`].
    pub(crate) async fn next(&mut self) -> Result<Option<Finding>, TaskError> {
        let Some(Head { finding, shard }) = self.heads.pop() else {
            return Ok(None);
        };
        self.refill(shard).await?;
        // Should one shard be out of order, then what comes out of the merge is.
        let place = (finding.resource.arn.clone(), finding.rule_id.clone());
        if self.last.as_ref().is_some_and(|last| *last >= place) {
            return Err(self.corrupt(shard, &finding, "is there twice or not in the order of resources and rules"));
        }
        self.last = Some(place);
        Ok(Some(finding))
    }

    /// The shards whose findings are not as many as their receipts say; to be asked after the last finding.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let short = |shard: &ShardFindings| {
            let reason = match &shard.reader {
                None => "the scanner left a receipt and no findings".to_owned(),
                Some(_) if shard.read == shard.receipt.findings => return None,
                Some(_) => {
                    format!("the receipt tells of {} findings, and {} are there", shard.receipt.findings, shard.read)
                }
            };
            Some(Gap {
                service: self.service,
                shard: Some(shard.receipt.shard),
                resources: None,
                resource_type: None,
                reason,
            })
        };
        self.shards.iter().filter_map(short).collect()
    }

    async fn refill(&mut self, shard: usize) -> Result<(), TaskError> {
        let Some(finding) = self.shards[shard].next().await? else {
            return Ok(());
        };
        if finding.scan_id != self.scan_id || finding.service != self.service {
            return Err(self.corrupt(shard, &finding, "belongs to another scan or service"));
        }
        self.heads.push(Head { finding, shard });
        Ok(())
    }

    fn corrupt(&self, shard: usize, finding: &Finding, what: &str) -> TaskError {
        TaskError::Corrupt(format!(
            "the object {}: the finding of {} about {} {what}; run the scan again",
            self.shards[shard].key, finding.rule_id, finding.resource.arn
        ))
    }
}

/// The findings of one shard.
struct ShardFindings {
    key: String,
    reader: Option<JsonLinesReader<Finding>>,
    receipt: ShardReceipt,
    read: u64,
}

impl ShardFindings {
    async fn next(&mut self) -> Result<Option<Finding>, TaskError> {
        let Some(reader) = &mut self.reader else {
            return Ok(None);
        };
        let next = reader.next().await?;
        self.read += u64::from(next.is_some());
        Ok(next)
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
