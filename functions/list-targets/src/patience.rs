//! How long AWS is waited for, so that what it does not list costs neither the rest nor the function's time.

use std::collections::BTreeMap;
use std::time::Duration;

use audit_model::VpcPart;
use audit_model::plan::{Target, Versions};
use audit_task::TaskError;

use crate::{NetworkLookup, TargetLister, VersionLister};

/// Networks are looked up in so many calls at the most: one for each type of what hangs on a VPC, and one for VPCs.
const LOOK_UPS: u32 = 6;

/// How long AWS is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often a list is begun, the first time included, when AWS throttles or does not answer in spite of all that
    /// the client has tried.
    pub attempts: u32,
    /// The pause before it is begun again.
    pub pause: Duration,
    /// The time that all lists of a service have together.
    pub limit: Duration,
}

impl Patience {
    /// As much of it as the lists of a service have time for.
    pub const fn within(limit: Duration) -> Self {
        Self { attempts: 3, pause: Duration::from_secs(10), limit }
    }

    /// What the lister lists. It has its share of the time, as one of so many.
    ///
    /// # Errors
    /// Those of the lister. When its time is over, the last one of them, or `Unavailable`.
    pub(crate) async fn list(self, lister: &dyn TargetLister, of: usize) -> Result<Vec<Target>, TaskError> {
        let share = self.limit / u32::try_from(of).unwrap_or(u32::MAX).max(1);
        self.again_and_again(share, || lister.list()).await
    }

    /// The versions that the lister lists. They have three quarters of the time: where there are so many that it does not
    /// suffice, the rest is for the functions alone.
    ///
    /// # Errors
    /// As for a [list](Self::list).
    pub(crate) async fn versions(self, lister: &dyn VersionLister) -> Result<Versions, TaskError> {
        self.again_and_again(self.limit * 3 / 4, || lister.versions()).await
    }

    /// The versions of these functions.
    ///
    /// # Errors
    /// As for a [list](Self::list).
    pub(crate) async fn versions_of(
        self,
        lister: &dyn VersionLister,
        functions: &[String],
    ) -> Result<Versions, TaskError> {
        self.again_and_again(self.limit * 3 / 4, || lister.versions_of(functions)).await
    }

    /// The VPCs of these parts. A look-up has its share of the time, as one of the six that there are.
    ///
    /// # Errors
    /// As for a [list](Self::list).
    pub(crate) async fn vpcs_of(
        self,
        networks: &dyn NetworkLookup,
        part: VpcPart,
        ids: &[String],
    ) -> Result<BTreeMap<String, String>, TaskError> {
        self.again_and_again(self.limit / LOOK_UPS, || networks.vpcs_of(part, ids)).await
    }

    /// Those of these VPCs that are there.
    ///
    /// # Errors
    /// As for a [list](Self::list).
    pub(crate) async fn vpcs(self, networks: &dyn NetworkLookup, ids: &[String]) -> Result<Vec<Target>, TaskError> {
        self.again_and_again(self.limit / LOOK_UPS, || networks.vpcs(ids)).await
    }

    async fn again_and_again<T, F: Future<Output = Result<T, TaskError>>>(
        self,
        share: Duration,
        list: impl Fn() -> F,
    ) -> Result<T, TaskError> {
        let mut error =
            TaskError::Unavailable(format!("the list did not come to its end within {} s", share.as_secs()));
        let again_and_again = async {
            for _ in 1..self.attempts {
                match list().await {
                    Err(again @ (TaskError::Throttled(_) | TaskError::Unavailable(_))) => {
                        tracing::warn!(error = %again, "the list is begun again");
                        error = again;
                        tokio::time::sleep(self.pause).await;
                    }
                    ended => return ended,
                }
            }
            list().await
        };
        let ended = tokio::time::timeout(share, again_and_again).await;
        ended.unwrap_or(Err(error))
    }
}
