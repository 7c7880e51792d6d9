//! The aggregation against the plainest computation of the same: sorting, and sets.

use audit_model::Severity;
use proptest::prelude::*;

use super::*;

/// Type of the resources of a service, and two rules on it.
fn kind(service: Service) -> (&'static str, [&'static str; 2]) {
    match service {
        Service::S3 => ("AWS::S3::Bucket", [ENCRYPTION, VERSIONING]),
        Service::Vpc => ("AWS::EC2::VPC", ["vpc-flow-logs-enabled", "vpc-required-tags"]),
        Service::Lambda => ("AWS::Lambda::Function", ["lambda-inside-vpc", "lambda-runtime-supported"]),
    }
}

/// More shards than this are not tried.
const SHARDS: u32 = 4;

/// One rule's verdict on one resource, then and now.
#[derive(Debug, Clone)]
struct Verdicts {
    service: Service,
    resource: u8,
    rule: usize,
    then: Option<(Status, Option<Timestamp>)>,
    now: Option<Status>,
}

type Place = (Service, String, String);

impl Verdicts {
    /// The shard whose scanner finds what there is about the resource.
    fn shard(&self) -> u32 {
        u32::from(self.resource) % SHARDS + 1
    }

    fn finding(&self, status: Status) -> Finding {
        let (resource_type, rules) = kind(self.service);
        let mut finding = found(&format!("resource-{}", self.resource), rules[self.rule], Severity::Low, status);
        Arc::make_mut(&mut finding.resource).resource_type = resource_type.into();
        Finding { service: self.service, ..finding }
    }

    fn then(&self) -> Option<Finding> {
        let (status, first_seen) = self.then?;
        Some(Finding { first_seen, ..self.finding(status) })
    }
}

fn place(finding: &Finding) -> Place {
    (finding.service, finding.resource.arn.clone(), finding.rule_id.to_string())
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
        0..2_usize,
        prop::option::weighted(0.8, then),
        prop::option::weighted(0.8, statuses()),
    );
    let one = one.prop_map(|(service, resource, rule, then, now)| Verdicts {
        service,
        resource: resource % 32,
        rule,
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

        let seen: BTreeMap<Place, Finding> = verdicts
            .iter()
            .filter(|verdict| services.contains(&verdict.service))
            .filter(|verdict| !unfinished.contains(&(verdict.service, verdict.shard())))
            .filter_map(|verdict| verdict.now.map(|status| verdict.finding(status)))
            .map(|finding| (place(&finding), finding))
            .collect();
        let known: BTreeMap<Place, Finding> = verdicts
            .iter()
            .filter(|verdict| services.contains(&verdict.service))
            .filter_map(Verdicts::then)
            .filter(|finding| match finding.status {
                Status::NonCompliant => true,
                Status::InsufficientData => finding.first_seen.is_some(),
                _ => false,
            })
            .map(|finding| (place(&finding), finding))
            .collect();
        let there: BTreeSet<(Service, &str)> =
            seen.keys().map(|(service, resource, _)| (*service, resource.as_str())).collect();
        // A resource of which nothing is seen may be behind a gap, and one of which something is seen is not gone.
        let carried = |place: &&Place| {
            !seen.contains_key(*place) && (gaps.contains(&place.0) || there.contains(&(place.0, place.1.as_str())))
        };
        let carried: BTreeSet<&Place> = known.keys().filter(carried).collect();

        let expected: BTreeMap<Place, (Status, Option<Timestamp>)> = seen
            .iter()
            .map(|(place, finding)| {
                let since = known.get(place).map(|known| known.first_seen.unwrap_or(known.evaluated_at));
                let first_seen = match finding.status {
                    Status::NonCompliant => Some(since.unwrap_or(finding.evaluated_at)),
                    Status::InsufficientData => since,
                    _ => None,
                };
                (place.clone(), (finding.status, first_seen))
            })
            .chain(carried.iter().map(|place| {
                let known = &known[*place];
                ((*place).clone(), (Status::InsufficientData, Some(known.first_seen.unwrap_or(known.evaluated_at))))
            }))
            .collect();
        let told: Vec<_> = findings.iter().map(|found| (place(found), (found.status, found.first_seen))).collect();
        prop_assert_eq!(told, expected.into_iter().collect::<Vec<_>>());

        for &service in &services {
            let of = |status| {
                let of_service = |(place, finding): &(&Place, &Finding)| place.0 == service && finding.status == status;
                seen.iter().filter(of_service).map(|(place, _)| place).collect::<BTreeSet<_>>()
            };
            let known: BTreeSet<&Place> = known.keys().filter(|place| place.0 == service).collect();
            let (violations, unread) = (of(Status::NonCompliant), of(Status::InsufficientData));
            let still_open = violations.intersection(&known).count();
            let not_looked_at = known.iter().filter(|place| unread.contains(*place) || carried.contains(*place)).count();
            let expected = Changes {
                new: (violations.len() - still_open) as u64,
                first_evaluated: 0,
                still_open: still_open as u64,
                resolved: (known.len() - still_open - not_looked_at) as u64,
                not_looked_at: not_looked_at as u64,
            };
            prop_assert_eq!(&summary.comparison[&service], &compared(expected));
        }
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
            let of_shard = verdicts.iter().filter(|verdict| (verdict.service, verdict.shard()) == (service, shard));
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
