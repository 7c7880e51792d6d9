//! The keys of the reports bucket: the one place that knows where things lie.

use audit_model::Service;
use jiff::Timestamp;

/// The pointers to the last scan of each service.
pub const LATEST: &str = "state/latest.json";

/// The figures of the last complete scan of all services. Replaced only by a conditional write.
pub const FIGURES: &str = "state/figures.json";

/// What people were told last by the alerts. Replaced only by a conditional write.
pub const ALERTS: &str = "state/alerts.json";

/// The figures of the scans of the last 90 days. Replaced only by a conditional write.
pub const HISTORY: &str = "state/history.json";

/// What scans of named resources have found since the last scan of everything. Replaced only by a conditional write.
pub const SCOPED: &str = "state/scoped.json";

/// Which scans look at what was changed in the last hours. Replaced only by a conditional write.
pub const CHANGES: &str = "state/changes.json";

/// What is being changed in the account, and what bears on the next change. Replaced only by a conditional write.
pub const JOURNAL: &str = "state/remediation.json";

/// The plan of a scan.
pub fn plan(scan_id: &str) -> String {
    format!("scans/{scan_id}/plan.json")
}

/// How many resources and shards the listing of a service found; written once, after the last shard of the listing that
/// was the first to end.
pub fn inventory(scan_id: &str, service: Service) -> String {
    format!("scans/{scan_id}/shards/{service}/inventory.json")
}

/// One shard's resources. Attempts of a listing that overlap keep their shards apart.
pub fn shard(scan_id: &str, service: Service, listing: &str, number: u32) -> String {
    format!("scans/{scan_id}/shards/{service}/{listing}/{number:04}.json")
}

/// One shard's findings, compressed.
pub fn shard_findings(scan_id: &str, service: Service, number: u32) -> String {
    format!("scans/{scan_id}/findings/{service}/{number:04}.jsonl.zst")
}

/// The receipt of a scanned shard; written after its findings.
pub fn shard_receipt(scan_id: &str, service: Service, number: u32) -> String {
    format!("scans/{scan_id}/findings/{service}/{number:04}.receipt.json")
}

/// What the buckets of one shard of S3 deliver into other buckets; written before the shard's receipt. It lies under the id
/// of the shard's listing, so that it is of this listing's buckets and no other's.
pub fn deliveries(scan_id: &str, listing: &str, number: u32) -> String {
    format!("scans/{scan_id}/findings/s3/{listing}/{number:04}.deliveries.json")
}

/// The rules as they were in force for a scan.
pub fn rules(scan_id: &str) -> String {
    format!("scans/{scan_id}/rules.json")
}

/// All findings of a scan, sorted, compressed.
pub fn findings(scan_id: &str) -> String {
    format!("scans/{scan_id}/findings.jsonl.zst")
}

/// The same findings in pieces, numbered from 1.
pub fn piece(scan_id: &str, number: usize) -> String {
    format!("scans/{scan_id}/pieces/{number:04}.jsonl.zst")
}

/// Which resource is the first of each piece; written after the last one.
pub fn pieces(scan_id: &str) -> String {
    format!("scans/{scan_id}/pieces/index.json")
}

/// All findings of a scan of a version of this system that did not compress them and wrote a finding a line.
pub(crate) fn plain_findings(scan_id: &str) -> String {
    format!("scans/{scan_id}/findings.jsonl")
}

/// The violations that a scan saw resolved, in the order of the findings, compressed.
pub fn resolved(scan_id: &str) -> String {
    format!("scans/{scan_id}/resolved.jsonl.zst")
}

/// The summary of a scan.
pub fn summary(scan_id: &str) -> String {
    format!("scans/{scan_id}/summary.json")
}

/// What the alert of a scan may name: the worst of its violations, as many as a message may hold.
pub fn alert_violations(scan_id: &str) -> String {
    format!("scans/{scan_id}/alert-violations.json")
}

/// The audit records of remediation.
pub fn remediation(scan_id: &str) -> String {
    format!("scans/{scan_id}/remediation.jsonl")
}

/// The plan of a rollback.
pub fn rollback_plan(rollback_id: &str) -> String {
    format!("rollbacks/{rollback_id}/plan.json")
}

/// The audit records of a rollback.
pub fn rollback(rollback_id: &str) -> String {
    format!("rollbacks/{rollback_id}/remediation.jsonl")
}

/// The receipt of a sent alert, so that a repeated task does not send a second one.
pub fn alert(scan_id: &str) -> String {
    format!("scans/{scan_id}/alert.json")
}

/// The JSON report of a scan, under the UTC day on which the scan started.
pub fn json_report(scan_id: &str, started_at: Timestamp) -> String {
    format!("{}.json", report(scan_id, started_at))
}

/// The CSV report of a scan, under the UTC day on which the scan started.
pub fn csv_report(scan_id: &str, started_at: Timestamp) -> String {
    format!("{}.csv", report(scan_id, started_at))
}

/// The HTML report of a scan, under the UTC day on which the scan started.
pub fn html_report(scan_id: &str, started_at: Timestamp) -> String {
    format!("{}.html", report(scan_id, started_at))
}

fn report(scan_id: &str, started_at: Timestamp) -> String {
    format!("reports/date={}/{scan_id}", started_at.strftime("%Y-%m-%d"))
}

/// The claim on an event: whoever writes it first scans.
pub fn claim(event_id: &str) -> String {
    format!("claims/{event_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_design() {
        let started = "2026-11-23T23:59:59Z".parse().unwrap();
        assert_eq!(shard("s1", Service::Lambda, "l1", 7), "scans/s1/shards/lambda/l1/0007.json");
        assert_eq!(shard_findings("s1", Service::S3, 12), "scans/s1/findings/s3/0012.jsonl.zst");
        assert_eq!(deliveries("s1", "l1", 7), "scans/s1/findings/s3/l1/0007.deliveries.json");
        assert_eq!(json_report("s1", started), "reports/date=2026-11-23/s1.json");
        assert_eq!(csv_report("s1", started), "reports/date=2026-11-23/s1.csv");
        assert_eq!(html_report("s1", started), "reports/date=2026-11-23/s1.html");
    }
}
