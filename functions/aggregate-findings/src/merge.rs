//! The findings of a service's shards as one sorted stream.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use audit_artifacts::{ArtifactStore, FindingsReader, keys};
use audit_model::plan::ShardReceipt;
use audit_model::{Finding, Service};
use audit_task::TaskError;

/// A merge of sorted streams, of which it holds the findings about one resource each. A shard is opened when it is its turn:
/// shards that come one after the other in the order of findings are open one after the other.
pub(crate) struct Merge<'a> {
    store: &'a dyn ArtifactStore,
    service: Service,
    shards: Vec<ShardFindings>,
    heads: BinaryHeap<Head>,
    /// The ARN of the resource that came last.
    last: Option<String>,
}

/// The findings about one resource, or why a shard's cannot be used.
pub(crate) type Next = Result<Vec<Finding>, Flaw>;

/// Why the findings of a shard cannot be used.
#[derive(Debug)]
pub(crate) struct Flaw {
    /// The shard's number.
    pub(crate) shard: u32,
    /// What is wrong.
    pub(crate) what: String,
}

impl<'a> Merge<'a> {
    /// The findings of the shards that have these receipts.
    pub(crate) fn new(store: &'a dyn ArtifactStore, scan_id: &str, service: Service, scanned: &[ShardReceipt]) -> Self {
        let shards = scanned.iter().map(|receipt| ShardFindings {
            key: keys::shard_findings(scan_id, service, receipt.shard),
            number: receipt.shard,
            reader: None,
            told: receipt.findings,
            read: 0,
        });
        let first = |(shard, receipt): (usize, &ShardReceipt)| {
            receipt.first.clone().map(|arn| Head { arn, shard, findings: Vec::new() })
        };
        let heads = scanned.iter().enumerate().filter_map(first).collect();
        Self { store, service, shards: shards.collect(), heads, last: None }
    }

    /// The resource that the next findings are about, or `None` after the last one.
    pub(crate) fn next_resource(&self) -> Option<&str> {
        self.heads.peek().map(|head| head.arn.as_str())
    }

    /// The findings about the next resource of all shards, or `None` after the last one.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn next(&mut self) -> Result<Option<Next>, TaskError> {
        let Some(Head { arn, shard, mut findings }) = self.heads.pop() else {
            return Ok(None);
        };
        let of_shard = &mut self.shards[shard];
        if findings.is_empty() {
            findings = match of_shard.begin(self.store, self.service, &arn).await? {
                Ok(findings) => findings,
                Err(flaw) => return Ok(Some(Err(flaw))),
            };
        }
        if self.last.as_ref() == Some(&arn) {
            return Ok(Some(Err(of_shard.flaw(format!("{arn} is there twice")))));
        }
        match of_shard.next(self.service, Some(&arn)).await? {
            Ok(None) => {}
            Ok(Some(next)) => self.heads.push(Head { arn: next[0].resource.arn.clone(), shard, findings: next }),
            Err(flaw) => return Ok(Some(Err(flaw))),
        }
        self.last = Some(arn);
        Ok(Some(Ok(findings)))
    }
}

/// The findings of one shard.
struct ShardFindings {
    key: String,
    number: u32,
    /// `None` until it is the shard's turn.
    reader: Option<FindingsReader>,
    /// How many the receipt tells of.
    told: u64,
    read: u64,
}

impl ShardFindings {
    /// Opens them and gives those about the first resource, which the receipt told.
    async fn begin(&mut self, store: &dyn ArtifactStore, service: Service, first: &str) -> Result<Next, TaskError> {
        self.reader = FindingsReader::find(store, &self.key).await?;
        if self.reader.is_none() {
            return Ok(Err(self.flaw("the scanner left a receipt and no findings")));
        }
        Ok(match self.next(service, None).await? {
            Ok(Some(findings)) if findings[0].resource.arn == first => Ok(findings),
            Ok(_) => Err(self.flaw(format!("it does not begin with {first}, as the receipt tells"))),
            Err(flaw) => Err(flaw),
        })
    }

    /// Those about the resource after `last`, or `None` at the end.
    async fn next(
        &mut self,
        service: Service,
        last: Option<&str>,
    ) -> Result<Result<Option<Vec<Finding>>, Flaw>, TaskError> {
        let Some(reader) = &mut self.reader else {
            return Ok(Ok(None));
        };
        let next = match reader.next_resource().await {
            Err(TaskError::Corrupt(what)) => return Ok(Err(self.flaw(what))),
            next => next?,
        };
        let Some(findings) = next else {
            // It holds memory, and nothing more.
            self.reader = None;
            return Ok(if self.read == self.told {
                Ok(None)
            } else {
                Err(self.flaw(format!("the receipt tells of {} findings, and {} are there", self.told, self.read)))
            });
        };
        self.read += findings.len() as u64;
        let arn = findings[0].resource.arn.as_str();
        let what = if findings.iter().any(|finding| finding.service != service) {
            "belongs to another service"
        } else if last == Some(arn) || findings.windows(2).any(|pair| pair[0].rule_id == pair[1].rule_id) {
            "is there twice"
        } else if last > Some(arn) || !findings.is_sorted_by(|one, next| one.rule_id < next.rule_id) {
            "is not in the order of resources and rules"
        } else {
            return Ok(Ok(Some(findings)));
        };
        Ok(Err(self.flaw(format!("a finding about {arn} {what}"))))
    }

    fn flaw(&self, what: impl std::fmt::Display) -> Flaw {
        Flaw { shard: self.number, what: format!("the object {}: {what}", self.key) }
    }
}

/// The findings that a shard has next, none when it was not opened yet; the greatest of the heap is the first in the order of
/// resources.
struct Head {
    arn: String,
    shard: usize,
    findings: Vec<Finding>,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        (&other.arn, other.shard).cmp(&(&self.arn, self.shard))
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
