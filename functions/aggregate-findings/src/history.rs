//! The figures of the last scans, for the trend.

use audit_artifacts::{ArtifactStore, amend_json, keys};
use audit_model::summary::Summary;
use audit_model::{History, PastScan, Plan};
use audit_task::TaskError;
use jiff::SignedDuration;

/// How often the history is tried to be replaced while others replace it too.
const ATTEMPTS: u32 = 5;

/// How long a scan stays in the history: as long as its reports can be read.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How many scans the history holds at the most. Those of the schedule are 360.
const ROOM: usize = 1000;

/// Adds a scan to the history, or replaces what an earlier attempt of the same scan has added.
///
/// # Errors
/// `Conflict` when others keep adding theirs, and those of the store.
pub(crate) async fn record(store: &dyn ArtifactStore, plan: &Plan, summary: &Summary) -> Result<(), TaskError> {
    let recorded = amend_json(store, keys::HISTORY, ATTEMPTS, |content| {
        let mut history = content.and_then(understood).unwrap_or_default();
        add(&mut history, PastScan::of(plan, summary));
        Ok((Some(history), ()))
    });
    recorded.await?.ok_or_else(|| {
        TaskError::Conflict(format!("the object {} was replaced by somebody else {ATTEMPTS} times", keys::HISTORY))
    })
}

fn add(History { scans }: &mut History, scan: PastScan) {
    scans.retain(|other| other.scan_id != scan.scan_id);
    let place = scans.partition_point(|other| (other.started_at, &other.scan_id) < (scan.started_at, &scan.scan_id));
    scans.insert(place, scan);
    if let Some(newest) = scans.last().map(|newest| newest.started_at) {
        scans.retain(|other| newest.duration_since(other.started_at) <= KEPT);
    }
    while scans.len() > ROOM {
        // However often somebody scans one service, the lines keep their points.
        let goes = scans.iter().position(|scan| !scan.is_of_the_account()).unwrap_or_default();
        scans.remove(goes);
    }
}

/// The history so far. An object that cannot be understood is replaced: it must not stop every scan that comes after it. Its
/// earlier versions stay in the bucket.
fn understood(content: &[u8]) -> Option<History> {
    serde_json::from_slice(content)
        .inspect_err(|error| tracing::error!(%error, key = keys::HISTORY, "the history is broken and begins anew"))
        .ok()
}

#[cfg(test)]
mod tests {
    use audit_artifacts::{ArtifactStoreExt, Condition, MemoryStore, PutOutcome, sample};
    use audit_model::summary::ScanStatus;
    use audit_model::{Service, Severity, Status};
    use jiff::{Timestamp, ToSpan};
    use pretty_assertions::assert_eq;
    use serde_json::{Value, json};

    use super::*;

    async fn record_at(store: &MemoryStore, scan_id: &str, started_at: Timestamp, services: &[Service]) {
        let plan = Plan { services: services.to_vec(), ..sample::plan() };
        let summary = Summary { scan_id: scan_id.to_owned(), started_at, ..sample::summary(&[]) };
        record(store, &plan, &summary).await.unwrap();
    }

    async fn ids(store: &MemoryStore) -> Vec<String> {
        let history: History = store.get_json(keys::HISTORY).await.unwrap();
        history.scans.into_iter().map(|scan| scan.scan_id).collect()
    }

    fn hours_later(hours: i64) -> Timestamp {
        sample::STARTED_AT.checked_add(hours.hours()).unwrap()
    }

    #[tokio::test]
    async fn an_entry_has_the_figures_of_its_scan() {
        let store = MemoryStore::default();
        let finding = |bucket, severity, status| sample::finding(bucket, "s3-rule", severity, status);
        let findings = [
            finding("a", Severity::Critical, Status::NonCompliant),
            finding("b", Severity::Low, Status::NonCompliant),
            finding("c", Severity::Low, Status::Compliant),
            finding("d", Severity::Low, Status::InsufficientData),
        ];
        record(&store, &sample::plan(), &sample::summary(&findings)).await.unwrap();
        let kept: Value = store.get_json(keys::HISTORY).await.unwrap();
        // One of three verdicts is compliant, and three of four evaluations came to one.
        let entry = json!({
            "scanId": sample::SCAN_ID, "startedAt": "2026-11-23T06:00:00Z", "status": "COMPLETE",
            "services": ["s3", "vpc", "lambda"], "score": 33.3, "coverage": 75.0,
            "open": {"CRITICAL": 1, "HIGH": 0, "MEDIUM": 0, "LOW": 1}, "excepted": 0, "new": 1, "resolved": 3,
        });
        assert_eq!(kept, json!({ "scans": [entry] }));
    }

    #[tokio::test]
    async fn scans_stand_in_the_order_of_their_beginning_once_and_for_90_days() {
        let store = MemoryStore::default();
        record_at(&store, "second", hours_later(6), &Service::ALL).await;
        record_at(&store, "first", hours_later(0), &Service::ALL).await;
        record_at(&store, "second", hours_later(6), &[Service::S3]).await;
        assert_eq!(ids(&store).await, ["first", "second"]);
        let history: History = store.get_json(keys::HISTORY).await.unwrap();
        assert_eq!(history.scans[1].services, [Service::S3]);

        record_at(&store, "on the last day", hours_later(90 * 24), &Service::ALL).await;
        assert_eq!(ids(&store).await, ["first", "second", "on the last day"]);
        record_at(&store, "after it", hours_later(90 * 24 + 1), &Service::ALL).await;
        assert_eq!(ids(&store).await, ["second", "on the last day", "after it"]);
        // One that started long ago and ends now has nothing to say any more.
        record_at(&store, "very late", hours_later(0), &Service::ALL).await;
        assert_eq!(ids(&store).await, ["second", "on the last day", "after it"]);
    }

    #[test]
    fn scans_that_do_not_count_go_first() {
        let mut history = History::default();
        let scan = |number: i64, status, services: &[Service]| {
            let plan = Plan { services: services.to_vec(), ..sample::plan() };
            let started_at = sample::STARTED_AT.checked_add(number.minutes()).unwrap();
            let summary = Summary { scan_id: format!("{number:04}"), started_at, status, ..sample::summary(&[]) };
            PastScan::of(&plan, &summary)
        };
        let all: &[Service] = &Service::ALL;
        for number in 0..1000 {
            let (status, services) = match number {
                10 => (ScanStatus::Partial, all),
                20 => (ScanStatus::Complete, &all[..1]),
                _ => (ScanStatus::Complete, all),
            };
            add(&mut history, scan(number, status, services));
        }
        let there =
            |history: &History, number: i64| history.scans.iter().any(|scan| scan.scan_id == format!("{number:04}"));
        for (added, gone, stays) in [(1000, 10, 0), (1001, 20, 0), (1002, 0, 1)] {
            add(&mut history, scan(added, ScanStatus::Complete, &Service::ALL));
            assert!(!there(&history, gone) && there(&history, stays), "{added}");
            assert_eq!(history.scans.len(), 1000);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_understood_begins_anew() {
        let store = MemoryStore::default();
        let put = store.put(keys::HISTORY, "application/json", "{".into(), Condition::None).await.unwrap();
        assert_eq!(put, PutOutcome::Written);
        record_at(&store, "next", hours_later(6), &Service::ALL).await;
        assert_eq!(ids(&store).await, ["next"]);
    }
}
