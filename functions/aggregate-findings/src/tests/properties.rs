//! The aggregation against the plainest computation of the same: sorting, and sets.

use audit_model::Severity;
use proptest::prelude::*;

use super::*;

const RULES: [&str; 2] = [ENCRYPTION, VERSIONING];
/// More shards than this are not tried.
const SHARDS: u32 = 4;

/// One rule's verdict on one resource, then and now.
#[derive(Debug, Clone)]
struct Verdicts {
    service: Service,
    resource: u8,
    rule: &'static str,
    /// The shard whose scanner found it.
    shard: u32,
    then: Option<(Status, Option<Timestamp>)>,
    now: Option<Status>,
}

type Place = (Service, String, String);

impl Verdicts {
    fn finding(&self, status: Status) -> Finding {
        let name = format!("resource-{}", self.resource);
        Finding { service: self.service, ..found(&name, self.rule, Severity::Low, status) }
    }

    fn then(&self) -> Option<Finding> {
        let (status, first_seen) = self.then?;
        Some(Finding { first_seen, scan_id: EARLIER_SCAN_ID.to_owned(), ..self.finding(status) })
    }
}

fn place(finding: &Finding) -> Place {
    (finding.service, finding.resource.arn.clone(), finding.rule_id.clone())
}

fn statuses() -> impl Strategy<Value = Status> {
    prop::sample::select(Status::ALL.to_vec())
}

fn verdicts() -> impl Strategy<Value = Vec<Verdicts>> {
    let then = (statuses(), any::<bool>()).prop_map(|(status, known)| {
        let open = matches!(status, Status::NonCompliant | Status::InsufficientData);
        (status, (known && open).then_some(sample::DAY_BEFORE))
    });
    let one = (
        prop::sample::select(Service::ALL.to_vec()),
        any::<u8>(),
        prop::sample::select(RULES.to_vec()),
        1..=SHARDS,
        prop::option::weighted(0.8, then),
        prop::option::weighted(0.8, statuses()),
    );
    let one = one.prop_map(|(service, resource, rule, shard, then, now)| Verdicts {
        service,
        resource: resource % 32,
        rule,
        shard,
        then,
        now,
    });
    prop::collection::vec(one, 0..80).prop_map(|verdicts| {
        let unique: BTreeMap<_, _> =
            verdicts.into_iter().map(|verdict| ((verdict.service, verdict.resource, verdict.rule), verdict)).collect();
        unique.into_values().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_aggregation_is_a_sort_and_the_comparison_is_that_of_sets(
        verdicts in verdicts(),
        services in prop::sample::subsequence(Service::ALL.to_vec(), 1..=3),
        unfinished in prop::collection::btree_set((prop::sample::select(Service::ALL.to_vec()), 1..=SHARDS), 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (summary, findings) = runtime.block_on(aggregated(&verdicts, &services, &unfinished));

        let gaps: BTreeSet<Service> =
            unfinished.iter().map(|(service, _)| *service).filter(|service| services.contains(service)).collect();
        prop_assert_eq!(summary.status == ScanStatus::Partial, !gaps.is_empty());

        let mut sorted: Vec<Finding> = verdicts
            .iter()
            .filter(|verdict| services.contains(&verdict.service))
            .filter(|verdict| !unfinished.contains(&(verdict.service, verdict.shard)))
            .filter_map(|verdict| verdict.now.map(|status| verdict.finding(status)))
            .collect();
        sorted.sort_by_key(place);
        let open_then: BTreeMap<Place, Timestamp> = verdicts
            .iter()
            .filter(|verdict| services.contains(&verdict.service))
            .filter_map(Verdicts::then)
            .filter_map(|finding| match finding.status {
                Status::NonCompliant => Some((place(&finding), finding.first_seen.unwrap_or(finding.evaluated_at))),
                Status::InsufficientData => Some((place(&finding), finding.first_seen?)),
                _ => None,
            })
            .collect();
        for finding in &mut sorted {
            let since = open_then.get(&place(finding)).copied();
            finding.first_seen = match finding.status {
                Status::NonCompliant => Some(since.unwrap_or(finding.evaluated_at)),
                Status::InsufficientData => since,
                _ => None,
            };
        }
        prop_assert_eq!(&findings, &sorted);

        let with = |status| sorted.iter().filter(|finding| finding.status == status).map(place).collect::<BTreeSet<_>>();
        let (violations, unread) = (with(Status::NonCompliant), with(Status::InsufficientData));
        let everything: BTreeSet<Place> = sorted.iter().map(place).collect();
        let open: BTreeSet<Place> = open_then.into_keys().collect();
        let hidden = |place: &Place| !everything.contains(place) && gaps.contains(&place.0);
        let not_verified: BTreeSet<Place> =
            open.iter().filter(|place| unread.contains(*place) || hidden(place)).cloned().collect();
        let expected = Comparison {
            scan_id: EARLIER_SCAN_ID.to_owned(),
            new: violations.difference(&open).count() as u64,
            first_evaluated: 0,
            still_open: violations.intersection(&open).count() as u64,
            resolved: open.iter().filter(|place| !violations.contains(*place) && !not_verified.contains(*place)).count() as u64,
            not_verified: not_verified.len() as u64,
        };
        prop_assert_eq!(summary.comparison, Some(expected));
    }
}

/// Runs the aggregation over shards that hold what is found now. Those that are `unfinished` have no receipt.
async fn aggregated(
    verdicts: &[Verdicts],
    services: &[Service],
    unfinished: &BTreeSet<(Service, u32)>,
) -> (Summary, Vec<Finding>) {
    let scan = Scan::of(services);
    let mut earlier: Vec<Finding> = verdicts.iter().filter_map(Verdicts::then).collect();
    earlier.sort_by_key(place);
    scan.follows(&earlier).await;
    for &service in services {
        scan.list(service, &[1; SHARDS as usize]).await;
        for shard in 1..=SHARDS {
            let of_shard = verdicts.iter().filter(|verdict| (verdict.service, verdict.shard) == (service, shard));
            let mut findings: Vec<Finding> =
                of_shard.filter_map(|verdict| verdict.now.map(|status| verdict.finding(status))).collect();
            findings.sort_by_key(place);
            if unfinished.contains(&(service, shard)) {
                scan.write_findings(service, shard, &findings).await;
            } else {
                scan.scan(service, shard, 1, &findings).await;
            }
        }
    }
    (scan.summary().await, scan.findings().await)
}
