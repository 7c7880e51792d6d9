//! Bars for what is being listed and read, on a terminal only.

use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use audit_model::Service;
use audit_model::plan::Target;
use audit_model::resource::{AccessPoint, Bucket, DirectoryBucket, Function, NetworkAccount, S3Account, Vpc};
use audit_rules::Needed;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use scan_lambda::FunctionCollector;
use scan_s3::S3Collector;
use scan_vpc::VpcCollector;

use super::places::Place;

/// A bar: the service, how far it is, and what is waited for.
const BAR: &str = "{prefix:7} {bar:30} {pos:>6}/{len:<6} {msg}";

/// Bars of the services, over all regions.
pub(super) struct Progress {
    bars: Vec<Bar>,
}

struct Bar {
    service: Service,
    bar: ProgressBar,
    /// Regions that are not listed yet.
    listing: AtomicUsize,
}

impl Progress {
    /// Bars where the standard error is a terminal, and nothing where it is not.
    pub(super) fn new(places: &[Place]) -> Self {
        let shown = if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let all = MultiProgress::with_draw_target(shown);
        let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = |service: Service| {
            let regions = places.iter().filter(|place| place.services.contains(&service)).count();
            if regions == 0 {
                return None;
            }
            let bar = all.add(ProgressBar::new(0).with_style(style.clone()).with_prefix(service.as_str()));
            bar.set_message(waited_for(regions));
            bar.enable_steady_tick(Duration::from_millis(200));
            Some(Bar { service, bar, listing: AtomicUsize::new(regions) })
        };
        Self { bars: Service::ALL.into_iter().filter_map(bar).collect() }
    }

    fn bar(&self, service: Service) -> Option<&Bar> {
        self.bars.iter().find(|bar| bar.service == service)
    }

    /// One more region is listed: it has so many resources of the service.
    pub(super) fn listed(&self, service: Service, resources: u64) {
        if let Some(Bar { bar, listing, .. }) = self.bar(service) {
            bar.inc_length(resources);
            bar.set_message(waited_for(listing.fetch_sub(1, Ordering::Relaxed).saturating_sub(1)));
        }
    }

    fn read(&self, service: Service, resources: u64) {
        if let Some(Bar { bar, .. }) = self.bar(service) {
            bar.inc(resources);
        }
    }

    /// Takes the bars away: what follows says it better.
    pub(super) fn end(&self) {
        for Bar { bar, .. } in &self.bars {
            bar.finish_and_clear();
        }
    }
}

/// What is going on while so many regions are not listed yet.
fn waited_for(listing: usize) -> String {
    match listing {
        0 => "reading".to_owned(),
        1 => "listing".to_owned(),
        regions => format!("listing {regions} regions"),
    }
}

/// Counts what a collector has read.
pub(super) struct Counting<'a, C> {
    pub(super) inner: &'a C,
    pub(super) progress: &'a Progress,
}

impl<C> Counting<'_, C> {
    async fn counted<T>(&self, service: Service, resources: u64, read: impl Future<Output = T>) -> T {
        let read = read.await;
        self.progress.read(service, resources);
        read
    }
}

#[async_trait]
impl<C: S3Collector> S3Collector for Counting<'_, C> {
    async fn room(&self) {
        self.inner.room().await;
    }

    async fn account(&self, shared: &scan_s3::Shared) -> S3Account {
        self.counted(Service::S3, 1, self.inner.account(shared)).await
    }

    async fn bucket(&self, target: &Target, shared: &scan_s3::Shared) -> Option<Bucket> {
        self.counted(Service::S3, 1, self.inner.bucket(target, shared)).await
    }

    async fn access_point(&self, target: &Target, shared: &scan_s3::Shared) -> Option<AccessPoint> {
        self.counted(Service::S3, 1, self.inner.access_point(target, shared)).await
    }

    async fn directory_bucket(&self, target: &Target, shared: &scan_s3::Shared) -> Option<DirectoryBucket> {
        self.counted(Service::S3, 1, self.inner.directory_bucket(target, shared)).await
    }
}

#[async_trait]
impl<C: VpcCollector> VpcCollector for Counting<'_, C> {
    async fn account(&self, needed: &Needed) -> NetworkAccount {
        self.counted(Service::Vpc, 1, self.inner.account(needed)).await
    }

    async fn vpcs(&self, targets: &[Target], needed: &Needed) -> Vec<Vpc> {
        self.counted(Service::Vpc, targets.len() as u64, self.inner.vpcs(targets, needed)).await
    }
}

#[async_trait]
impl<C: FunctionCollector> FunctionCollector for Counting<'_, C> {
    async fn room(&self) {
        self.inner.room().await;
    }

    async fn function(&self, target: &Target, shared: &scan_lambda::Shared) -> Option<Function> {
        self.counted(Service::Lambda, 1, self.inner.function(target, shared)).await
    }
}
