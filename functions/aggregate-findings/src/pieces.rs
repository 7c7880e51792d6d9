//! The findings of a scan of everything once more, in pieces, so that those about a few resources are found without reading
//! them all.

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, FindingsReader, FindingsWriter, keys};
use audit_model::{Finding, Service};
use audit_task::TaskError;
use serde::{Deserialize, Serialize};

/// How many resources a piece holds: what is read for one of them at the most.
const PIECE: usize = 256;

/// The first resource of a piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct First {
    service: Service,
    arn: String,
}

/// Writes the pieces, one after the other.
pub(crate) struct PiecesWriter<'a> {
    store: &'a dyn ArtifactStore,
    scan_id: &'a str,
    first: Vec<First>,
    open: Option<(FindingsWriter, usize)>,
}

impl<'a> PiecesWriter<'a> {
    /// Begins those of a scan.
    pub(crate) const fn new(store: &'a dyn ArtifactStore, scan_id: &'a str) -> Self {
        Self { store, scan_id, first: Vec::new(), open: None }
    }

    /// Adds the findings about a resource, in their order.
    ///
    /// # Errors
    /// Those of the store, here and below.
    pub(crate) async fn write(&mut self, findings: &[Finding]) -> Result<(), TaskError> {
        let Some(Finding { service, resource, .. }) = findings.first() else {
            return Ok(());
        };
        let (mut writer, resources) = match self.open.take() {
            Some(open) => open,
            None => {
                self.first.push(First { service: *service, arn: resource.arn.clone() });
                (FindingsWriter::create(self.store, &keys::piece(self.scan_id, self.first.len())).await?, 0)
            }
        };
        writer.write(findings).await?;
        if resources + 1 < PIECE {
            self.open = Some((writer, resources + 1));
        } else {
            writer.finish().await?;
        }
        Ok(())
    }

    /// Makes the last piece appear, and after it what tells where in the pieces a resource is.
    pub(crate) async fn finish(self) -> Result<(), TaskError> {
        if let Some((writer, _)) = self.open {
            writer.finish().await?;
        }
        self.store.replace_json(&keys::pieces(self.scan_id), &self.first).await
    }

    /// Drops the piece that is open.
    pub(crate) async fn abort(self) -> Result<(), TaskError> {
        match self.open {
            Some((writer, _)) => writer.abort().await,
            None => Ok(()),
        }
    }
}

/// Finds the piece in which a resource is.
#[derive(Debug)]
pub(crate) struct Pieces {
    scan_id: String,
    first: Vec<First>,
}

impl Pieces {
    /// Those of a scan, or `None` where it has left none: it is of an earlier version of this system, or has expired.
    ///
    /// # Errors
    /// Those of the store, here and below.
    pub(crate) async fn find(store: &dyn ArtifactStore, scan_id: &str) -> Result<Option<Self>, TaskError> {
        let first: Option<Vec<First>> = match store.find_json(&keys::pieces(scan_id)).await {
            Err(TaskError::Corrupt(what)) => {
                tracing::warn!(scan_id, what, "all findings of the scan before are read instead");
                None
            }
            found => found?,
        };
        Ok(first.map(|first| Self { scan_id: scan_id.to_owned(), first }))
    }

    /// The number of the piece in which the resource is, if it is in any.
    pub(crate) fn number(&self, service: Service, arn: &str) -> usize {
        self.first.partition_point(|first| (first.service, first.arn.as_str()) <= (service, arn))
    }

    /// Opens the piece of that number; `None` when it is not there.
    pub(crate) async fn open(
        &self,
        store: &dyn ArtifactStore,
        number: usize,
    ) -> Result<Option<FindingsReader>, TaskError> {
        FindingsReader::find(store, &keys::piece(&self.scan_id, number)).await
    }
}
