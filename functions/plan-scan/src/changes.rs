//! Changes of the account: a batch of events of the calls that made them, as the pipe brings them.

use std::collections::{BTreeMap, BTreeSet};

use audit_artifacts::{ArtifactStore, amend_json, keys};
use audit_changes::{Change, Changed, Ourselves};
use audit_model::{AccountChange, NamedResource, RemediationMode, Service, Trigger, TriggerKind};
use audit_task::TaskError;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::request::{MOST_RESOURCES, ScanRequest};

/// How long claims are remembered. An event that comes later than that is answered once more, which costs a scan and harms
/// nothing.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(2);

/// How often a conditional write is tried against others that are faster.
const ATTEMPTS: u32 = 8;

/// What `state/changes.json` says: the scan that looks at a resource after a window of changes, by the window's beginning.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    windows: BTreeMap<Timestamp, BTreeMap<String, String>>,
}

/// What the events of a batch say.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// What has to be looked at, with the beginnings of the windows in which it was changed.
    targets: BTreeMap<Target, BTreeSet<Timestamp>>,
    changes: Vec<AccountChange>,
}

/// What has to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Resource(NamedResource),
    Service(Service),
}

impl Target {
    /// Its name in a claim and in the plan.
    fn name(&self) -> &str {
        match self {
            Self::Resource(named) => named.arn(),
            Self::Service(service) => service.as_str(),
        }
    }
}

impl Batch {
    /// Reads the events. Calls whose resources are close in time make one scan: those of one window, as long as the
    /// `settling` time, which has passed since when the queue hands out the first of them.
    pub(crate) fn read(events: &[Value], ourselves: &Ourselves, settling: SignedDuration, at: Timestamp) -> Self {
        let mut batch = Self::default();
        for event in events {
            match audit_changes::read(event, ourselves) {
                Ok(Some(change)) => batch.add(change, settling),
                Ok(None) => {}
                // What it changed, nobody knows; so everything is looked at that it may have changed.
                Err(why) => {
                    tracing::error!(%why, "an event tells of a change that is not understood");
                    let services = why.service.map_or_else(|| Service::ALL.to_vec(), |service| vec![service]);
                    batch.need(services.into_iter().map(Target::Service), at, settling);
                }
            }
        }
        batch
    }

    fn add(&mut self, change: Change, settling: SignedDuration) {
        let Change { event_id, event_name, event_time, principal, source_address, resources, deleted } = change;
        let named = |arn: String| match arn.parse() {
            Ok(named) => Target::Resource(named),
            // No finding is about it by itself.
            Err(_) => Target::Service(service_of(&arn)),
        };
        let changed = resources.into_iter().map(|changed| match changed {
            Changed::Resource(arn) => named(arn),
            // The account's settings bear on every resource of the service.
            Changed::Account(service) | Changed::Service(service) => Target::Service(service),
        });
        // Of what is no more the open violations end.
        let targets: BTreeSet<Target> = changed.chain(deleted.into_iter().map(named)).collect();
        self.changes.push(AccountChange {
            event_id,
            event_name,
            event_time,
            principal,
            source_address,
            resources: targets.iter().map(|target| target.name().to_owned()).collect(),
        });
        self.need(targets, event_time, settling);
    }

    fn need(&mut self, targets: impl IntoIterator<Item = Target>, at: Timestamp, settling: SignedDuration) {
        let window = beginning(at, settling);
        for target in targets {
            self.targets.entry(target).or_default().insert(window);
        }
    }

    /// Claims what has to be looked at for the scan, and leaves out what another one looks at: one window of changes of one
    /// resource makes one scan, also where events are delivered twice.
    ///
    /// # Errors
    /// `Unavailable` when others keep replacing the claims, and those of the store.
    pub(crate) async fn claimed(
        mut self,
        store: &dyn ArtifactStore,
        scan_id: &str,
        at: Timestamp,
    ) -> Result<Self, TaskError> {
        let taken = amend_json(store, keys::CHANGES, ATTEMPTS, |content| {
            // What cannot be understood is forgotten: a claim only saves a scan.
            let mut claims: Claims = content.and_then(|it| serde_json::from_slice(it).ok()).unwrap_or_default();
            claims.windows.retain(|window, _| at.duration_since(*window) < REMEMBERED);
            let mut taken = BTreeSet::new();
            for (target, windows) in &self.targets {
                for window in windows {
                    let of_window = claims.windows.entry(*window).or_default();
                    let holder = of_window.entry(target.name().to_owned()).or_insert_with(|| scan_id.to_owned());
                    if holder == scan_id {
                        taken.insert(target.clone());
                    }
                }
            }
            Ok((Some(claims), taken))
        })
        .await?;
        let taken = taken.ok_or_else(|| {
            TaskError::Unavailable(format!("other executions keep replacing {}; try again", keys::CHANGES))
        })?;
        self.targets.retain(|target, _| taken.contains(target));
        self.changes
            .retain(|change| change.resources.iter().any(|name| self.targets.keys().any(|it| it.name() == name)));
        Ok(self)
    }

    /// Whether there is nothing to look at.
    pub(crate) fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The request for a scan of what was changed. It repairs nothing: the tool that makes a bucket may still be at work, and
    /// the next scan of everything announces what it will repair.
    pub(crate) fn request(self) -> (ScanRequest, Vec<AccountChange>) {
        let mut resources: BTreeMap<Service, Vec<NamedResource>> = BTreeMap::new();
        let mut whole = BTreeSet::new();
        for target in self.targets.into_keys() {
            match target {
                Target::Resource(named) => resources.entry(named.service()).or_default().push(named),
                Target::Service(service) => {
                    whole.insert(service);
                }
            }
        }
        // More than a request may name are read as fast with everything else that the service has.
        whole.extend(resources.iter().filter(|(_, named)| named.len() > MOST_RESOURCES).map(|(service, _)| *service));
        let services = Service::ALL.into_iter().filter(|it| whole.contains(it) || resources.contains_key(it)).collect();
        let resources = if whole.is_empty() { resources.into_values().flatten().collect() } else { Vec::new() };
        let request = ScanRequest {
            trigger: Trigger { kind: TriggerKind::Change, event_id: None, requested_by: None, reason: None },
            services,
            resources,
            remediation: RemediationMode::Off,
            remediation_requested: false,
            reapply: Vec::new(),
            force: true,
        };
        (request, self.changes)
    }
}

/// The window of changes that a moment lies in, by its beginning.
fn beginning(at: Timestamp, settling: SignedDuration) -> Timestamp {
    let seconds = settling.as_secs().max(1);
    Timestamp::from_second(at.as_second().div_euclid(seconds) * seconds).unwrap_or(at)
}

/// The service whose scan looks at what has such an ARN.
fn service_of(arn: &str) -> Service {
    match arn.split(':').nth(2) {
        Some("lambda") => Service::Lambda,
        Some("ec2") => Service::Vpc,
        _ => Service::S3,
    }
}
