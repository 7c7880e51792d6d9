//! The scan before, to compare with, and the violations that were known then.

use std::collections::{BTreeMap, BTreeSet};

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, FindingsReader, keys};
use audit_model::summary::{Comparison, LatestScan};
use audit_model::{Finding, Plan, Service};
use audit_task::TaskError;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::pieces::Pieces;

/// What comes before a scan, in one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Before {
    /// An older scan.
    Scan(EarlierScan),
    /// Nothing to compare with, for the reason that the comparison tells.
    Nothing(Comparison),
}

impl Before {
    /// The older scan, if there is one.
    pub(crate) fn earlier(&self) -> Option<&EarlierScan> {
        match self {
            Self::Scan(earlier) => Some(earlier),
            Self::Nothing(_) => None,
        }
    }

    /// When the older scan started, if there is one.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        self.earlier().map(|earlier| earlier.scan.started_at)
    }

    /// Whether it is this scan.
    pub(crate) fn is(&self, scan_id: &str) -> bool {
        matches!(self, Self::Scan(earlier) if earlier.scan.scan_id == scan_id)
    }
}

/// An older scan of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EarlierScan {
    /// Which one it is.
    pub(crate) scan: LatestScan,
    /// The rules that it evaluated; `None` when its summary does not tell.
    evaluated: Option<BTreeSet<String>>,
}

impl EarlierScan {
    /// Whether it evaluated the rule, as far as is known.
    pub(crate) fn evaluated(&self, rule_id: &str) -> bool {
        self.evaluated.as_ref().is_none_or(|rules| rules.contains(rule_id))
    }
}

/// Finds the last scan of a service that started before this one, beginning at the one that is pointed to. Of two scans
/// side by side the younger may end first: then the way leads on to the scan that it was compared with. `None` when it
/// leads to this scan itself, for then an earlier attempt of this task came to its end.
///
/// A scan of named resources is compared with the one that is pointed to, whichever started first: at each place what was read
/// there decides.
///
/// # Errors
/// Those of the store.
pub(crate) async fn before(
    store: &dyn ArtifactStore,
    service: Service,
    latest: Option<&LatestScan>,
    plan: &Plan,
) -> Result<Option<Before>, TaskError> {
    let Some(latest) = latest else {
        return Ok(Some(Before::Nothing(Comparison::FirstScan)));
    };
    let mut scan = latest.clone();
    loop {
        if scan.scan_id == plan.scan_id {
            return Ok(None);
        }
        let told = EarlierSummary::find(store, &scan.scan_id).await?;
        if plan.is_scoped() || scan.started_at < plan.started_at {
            let evaluated = told.map(|told| told.by_rule.into_keys().collect());
            return Ok(Some(Before::Scan(EarlierScan { scan, evaluated })));
        }
        scan = match told.and_then(|told| told.comparison_of(service)) {
            Some(Comparison::Compared { scan_id, started_at, .. }) if started_at < scan.started_at => {
                LatestScan { scan_id, started_at }
            }
            Some(nothing) if nothing.changes().is_none() => return Ok(Some(Before::Nothing(nothing))),
            _ => {
                let what = "it does not tell what it was compared with";
                return Ok(Some(Before::Nothing(broken(&scan.scan_id, what))));
            }
        };
    }
}

/// That nothing can be compared with a scan. What is old and broken must not stop every scan that comes after it.
pub(crate) fn broken(scan_id: &str, what: &str) -> Comparison {
    tracing::error!(scan_id, what, "what the scan before left cannot be understood; nothing is compared with it");
    Comparison::Broken { scan_id: scan_id.to_owned() }
}

/// What is asked of an earlier scan's summary. That of an older version of this system has the rules, too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EarlierSummary {
    by_rule: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    comparison: serde_json::Value,
}

impl EarlierSummary {
    /// A summary that is missing or broken does not tell, which must not stop the scan.
    async fn find(store: &dyn ArtifactStore, scan_id: &str) -> Result<Option<Self>, TaskError> {
        match store.find_json(&keys::summary(scan_id)).await {
            Err(TaskError::Corrupt(what)) => {
                tracing::warn!(scan_id, what, "the summary of an earlier scan is broken");
                Ok(None)
            }
            found => found,
        }
    }

    fn comparison_of(mut self, service: Service) -> Option<Comparison> {
        let comparison = self.comparison.get_mut(service.as_str())?.take();
        serde_json::from_value(comparison).ok()
    }
}

/// How the findings of an earlier scan are read.
enum Way {
    /// From beginning to end.
    Through(FindingsReader),
    /// Those about a few resources, from the piece of this number, which may be none.
    InPieces { pieces: Pieces, number: usize, reader: Option<FindingsReader> },
}

/// The violations that were known in an earlier scan, in their order.
pub(crate) struct KnownViolations {
    scan_id: String,
    way: Way,
    /// Whether what was no violation is given, too.
    with_all: bool,
    /// Those about the next resource of which any are known; none after the last one.
    next: Vec<Finding>,
    /// Service, resource and rule of the finding that was read last.
    last: Option<(Service, String, String)>,
    /// Why they cannot be read to their end.
    flaw: Option<String>,
}

impl KnownViolations {
    /// Opens the findings of a scan, or `None` when they have expired; with all, if what was no violation matters, too.
    ///
    /// # Errors
    /// Those of the store, here and below.
    pub(crate) async fn find(
        store: &dyn ArtifactStore,
        scan_id: &str,
        with_all: bool,
    ) -> Result<Option<Self>, TaskError> {
        let Some(reader) = FindingsReader::find_earlier(store, scan_id).await? else {
            return Ok(None);
        };
        let mut known = Self::new(scan_id, Way::Through(reader), with_all);
        known.advance().await?;
        Ok(Some(known))
    }

    /// Opens the findings of a scan to [seek](Self::seek) those about a few resources, or `None` when they have expired.
    pub(crate) async fn find_some(store: &dyn ArtifactStore, scan_id: &str) -> Result<Option<Self>, TaskError> {
        match Pieces::find(store, scan_id).await? {
            Some(pieces) => Ok(Some(Self::new(scan_id, Way::InPieces { pieces, number: 0, reader: None }, true))),
            None => Self::find(store, scan_id, true).await,
        }
    }

    fn new(scan_id: &str, way: Way, with_all: bool) -> Self {
        Self { scan_id: scan_id.to_owned(), way, with_all, next: Vec::new(), last: None, flaw: None }
    }

    /// Goes on to those about a resource, or behind its place. Resources are sought in their order.
    pub(crate) async fn seek(
        &mut self,
        store: &dyn ArtifactStore,
        service: Service,
        arn: &str,
    ) -> Result<(), TaskError> {
        if let Way::InPieces { pieces, number, reader } = &mut self.way {
            let sought = pieces.number(service, arn);
            if sought != *number {
                *number = sought;
                *reader = pieces.open(store, sought).await?;
                if reader.is_none() {
                    self.flaw = Some(format!("the piece {sought} of its findings is not there"));
                }
                self.advance().await?;
            }
        }
        let is_before = |next: &Finding| (next.service, next.resource.arn.as_str()) < (service, arn);
        while self.next.first().is_some_and(is_before) {
            self.advance().await?;
        }
        Ok(())
    }

    /// The scan that they are of.
    pub(crate) fn scan_id(&self) -> &str {
        &self.scan_id
    }

    /// Passes over those of the services before this one: they are not part of the plan, or of another scan.
    pub(crate) async fn skip_to(&mut self, service: Service) -> Result<(), TaskError> {
        while self.next.first().is_some_and(|next| next.service < service) {
            self.advance().await?;
        }
        Ok(())
    }

    /// The resource of the service that the next ones are about, or `None` after the last one of the service.
    pub(crate) fn next_resource(&self, service: Service) -> Option<&str> {
        self.next.first().filter(|next| next.service == service).map(|next| next.resource.arn.as_str())
    }

    /// The next ones about one resource; there may be more about it.
    pub(crate) async fn next(&mut self) -> Result<Vec<Finding>, TaskError> {
        let next = std::mem::take(&mut self.next);
        self.advance().await?;
        Ok(next)
    }

    /// Why they could not be read to their end, if they could not.
    pub(crate) fn flaw(&self) -> Option<&str> {
        self.flaw.as_deref()
    }

    async fn advance(&mut self) -> Result<(), TaskError> {
        self.next.clear();
        while self.flaw.is_none() && self.next.is_empty() {
            let reader = match &mut self.way {
                Way::Through(reader) | Way::InPieces { reader: Some(reader), .. } => reader,
                Way::InPieces { reader: None, .. } => return Ok(()),
            };
            match reader.next_resource().await {
                Ok(Some(findings)) => self.take(findings),
                Ok(None) => return Ok(()),
                Err(TaskError::Corrupt(what)) => self.flaw = Some(what),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes the known violations of findings, which must come after those before.
    fn take(&mut self, mut findings: Vec<Finding>) {
        let last = self.last.as_ref().map(|(service, arn, rule)| (*service, arn.as_str(), rule.as_str()));
        let places = last.into_iter().chain(findings.iter().map(Finding::sort_key));
        if !places.is_sorted_by(|one, next| one < next) {
            self.flaw = Some("its findings are not in order".to_owned());
            return;
        }
        if let Some((service, arn, rule)) = findings.last().map(Finding::sort_key) {
            self.last = Some((service, arn.to_owned(), rule.to_owned()));
        }
        findings.retain(|finding| self.with_all || finding.known_since().is_some());
        self.next = findings;
    }
}
