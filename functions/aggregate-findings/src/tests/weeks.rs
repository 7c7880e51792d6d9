//! A hundred days of scans, with gaps that come, go and stay, against a model that knows what each scan could see.

use pretty_assertions::assert_eq;

use super::*;

const DAYS: u64 = 100;
/// After so many days a lifecycle rule removes what a scan left.
const KEPT: u64 = 90;
const DAY: i64 = 24 * 60 * 60;

const FLOW_LOGS: &str = "vpc-flow-logs-enabled";
const SSH: &str = "security-group-ssh-from-internet-prohibited";
const INSIDE_VPC: &str = "lambda-inside-vpc";

/// What may be in the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Resource {
    service: Service,
    resource_type: &'static str,
    number: u8,
    /// The shard in which it is scanned.
    shard: u32,
    rules: &'static [&'static str],
}

impl Resource {
    fn name(&self) -> String {
        format!("{}-{}", self.resource_type.rsplit(':').next().unwrap_or_default().to_lowercase(), self.number)
    }

    fn finding(&self, rule: &str, status: Status) -> Finding {
        let mut finding = found(&self.name(), rule, Severity::High, status);
        finding.service = self.service;
        Arc::make_mut(&mut finding.resource).resource_type = self.resource_type.to_owned().into();
        finding
    }

    fn place(&self, rule: &str) -> Place {
        (self.service, self.finding(rule, Status::Compliant).resource.arn.clone(), rule.to_owned())
    }

    fn is_group(&self) -> bool {
        self.resource_type == "AWS::EC2::SecurityGroup"
    }
}

fn resources() -> Vec<Resource> {
    let of = |service, resource_type, rules| {
        move |number: u8| Resource { service, resource_type, number, shard: 1 + u32::from(number % 2), rules }
    };
    let buckets = (0..8).map(of(Service::S3, "AWS::S3::Bucket", &[ENCRYPTION, VERSIONING]));
    let vpcs = (0..2).map(of(Service::Vpc, "AWS::EC2::VPC", &[FLOW_LOGS]));
    let groups = (0..6).map(of(Service::Vpc, "AWS::EC2::SecurityGroup", &[SSH]));
    let functions = (0..4).map(of(Service::Lambda, "AWS::Lambda::Function", &[INSIDE_VPC]));
    buckets.chain(vpcs).chain(groups).chain(functions).collect()
}

/// What keeps a scan from seeing a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    NotListed,
    /// The shard has no receipt.
    Unfinished(u32),
    /// The shard's findings are not in order.
    Disordered(u32),
    /// The security groups of the VPC of this shard could not be listed.
    GroupsUnlisted(u32),
}

impl Obstacle {
    fn hides(self, resource: &Resource) -> bool {
        match self {
            Self::NotListed => true,
            Self::Unfinished(shard) | Self::Disordered(shard) => resource.shard == shard,
            Self::GroupsUnlisted(shard) => resource.is_group() && resource.shard == shard,
        }
    }

    /// Whether the resource, were it there and not in the findings, could be behind the obstacle.
    fn may_hide(self, resource: &Resource) -> bool {
        !matches!(self, Self::GroupsUnlisted(_)) || resource.is_group()
    }
}

/// SplitMix64, so that every run is the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }
}

/// Which rules the resources that are there violate.
type Account = BTreeMap<Resource, BTreeSet<&'static str>>;

/// The account after another day.
fn change(account: &mut Account, random: &mut Random) {
    for resource in resources() {
        match account.get_mut(&resource) {
            None if random.once_in(4) => {
                let wrong = resource.rules.iter().copied().filter(|_| random.once_in(2)).collect();
                account.insert(resource, wrong);
            }
            Some(_) if random.once_in(15) => {
                account.remove(&resource);
            }
            Some(wrong) => {
                for rule in resource.rules {
                    if random.once_in(12) && !wrong.remove(rule) {
                        wrong.insert(rule);
                    }
                }
            }
            None => {}
        }
    }
}

/// What one scan is up against.
#[derive(Debug, Clone)]
struct Weather {
    services: Vec<Service>,
    obstacles: BTreeMap<Service, Obstacle>,
    denied: BTreeSet<Place>,
    off: Option<&'static str>,
}

impl Weather {
    fn of(day: u64, random: &mut Random) -> Self {
        let mut services: Vec<Service> = Service::ALL.into_iter().filter(|_| !random.once_in(8)).collect();
        if services.is_empty() {
            services.push(Service::S3);
        }
        let mut obstacles = BTreeMap::new();
        for service in Service::ALL {
            let shard = 1 + u32::from(random.once_in(2));
            let obstacle = match random.next() % 12 {
                0 => Obstacle::NotListed,
                1 => Obstacle::Unfinished(shard),
                2 => Obstacle::Disordered(shard),
                3 if service == Service::Vpc => Obstacle::GroupsUnlisted(shard),
                _ => continue,
            };
            obstacles.insert(service, obstacle);
        }
        // For longer than anything is kept, nobody may list the functions.
        if (3..=97).contains(&day) {
            obstacles.insert(Service::Lambda, Obstacle::NotListed);
        }
        let places =
            resources().into_iter().flat_map(|resource| resource.rules.iter().map(move |rule| resource.place(rule)));
        let denied = places.filter(|_| random.once_in(10)).collect();
        Self { services, obstacles, denied, off: (40..50).contains(&day).then_some(VERSIONING) }
    }

    fn sees(&self, resource: &Resource) -> bool {
        !self.obstacles.get(&resource.service).is_some_and(|obstacle| obstacle.hides(resource))
    }

    /// What a scanner says of a resource, rule by rule.
    fn verdicts(&self, resource: &Resource, wrong: &BTreeSet<&'static str>) -> Vec<(&'static str, Status)> {
        let verdict = |rule: &'static str| match (self.denied.contains(&resource.place(rule)), wrong.contains(rule)) {
            (true, _) => (rule, Status::InsufficientData),
            (false, true) => (rule, Status::NonCompliant),
            (false, false) => (rule, Status::Compliant),
        };
        resource.rules.iter().copied().filter(|rule| Some(*rule) != self.off).map(verdict).collect()
    }
}

/// What must be known after a scan, and how that came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    /// Since when each violation is known that was neither seen mended nor gone.
    known: BTreeMap<Place, Timestamp>,
    changes: BTreeMap<Service, Changes>,
}

impl Model {
    fn after(&self, account: &Account, weather: &Weather, now: Timestamp) -> Self {
        let mut after = Self { known: self.known.clone(), changes: BTreeMap::new() };
        for resource in resources().into_iter().filter(|resource| weather.services.contains(&resource.service)) {
            let changes = after.changes.entry(resource.service).or_default();
            let wrong = account.get(&resource);
            let verdicts = match wrong {
                Some(wrong) if weather.sees(&resource) => weather.verdicts(&resource, wrong),
                _ => Vec::new(),
            };
            let obstacle = weather.obstacles.get(&resource.service);
            let seen_gone = wrong.is_none() && !obstacle.is_some_and(|obstacle| obstacle.may_hide(&resource));
            for rule in resource.rules {
                let place = resource.place(rule);
                let verdict = verdicts.iter().find(|(judged, _)| judged == rule).map(|(_, status)| *status);
                match (verdict, after.known.contains_key(&place)) {
                    (Some(Status::NonCompliant), true) => changes.still_open += 1,
                    (Some(Status::NonCompliant), false) => {
                        changes.new += 1;
                        after.known.insert(place, now);
                    }
                    (Some(Status::InsufficientData), true) => changes.not_looked_at += 1,
                    (Some(_), true) => {
                        changes.resolved += 1;
                        after.known.remove(&place);
                    }
                    (None, true) if seen_gone => {
                        changes.resolved += 1;
                        after.known.remove(&place);
                    }
                    (None, true) if Some(*rule) == weather.off => {}
                    (None, true) => changes.not_looked_at += 1,
                    (_, false) => {}
                }
            }
        }
        after
    }
}

type Place = (Service, String, String);

/// Scans the account, and aggregates what the scanners leave.
async fn scanned(
    store: &MemoryStore,
    account: &Account,
    weather: &Weather,
    started_at: Timestamp,
) -> (Summary, Vec<Finding>) {
    let mut scan = Scan::of(&weather.services);
    scan.store = store.clone();
    scan.plan.scan_id = started_at.to_string();
    scan.plan.started_at = started_at;
    if let Some(off) = weather.off {
        scan.plan.policy.rules.insert(off.to_owned(), RuleSetting { enabled: false, severity: None });
    }
    for &service in &weather.services {
        let obstacle = weather.obstacles.get(&service).copied();
        if obstacle == Some(Obstacle::NotListed) {
            continue;
        }
        let mut shards = [Vec::new(), Vec::new()];
        for (resource, wrong) in account.iter().filter(|(resource, _)| resource.service == service) {
            let shard = &mut shards[resource.shard as usize - 1];
            if obstacle == Some(Obstacle::GroupsUnlisted(resource.shard)) && resource.is_group() {
                continue;
            }
            shard.extend(
                weather.verdicts(resource, wrong).into_iter().map(|(rule, status)| resource.finding(rule, status)),
            );
        }
        if let Some(Obstacle::GroupsUnlisted(number)) = obstacle {
            let mut vpc = unlisted(&format!("vpc-without-groups-{number}"));
            vpc.rule_id = SSH.into();
            shards[number as usize - 1].push(vpc);
        }
        scan.list(service, &shards.each_ref().map(|findings| findings.len() as u64)).await;
        for (mut findings, number) in shards.into_iter().zip(1..) {
            for finding in &mut findings {
                finding.evaluated_at = started_at;
            }
            findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
            if obstacle == Some(Obstacle::Disordered(number)) {
                let strange = versioning("strange", Status::Compliant);
                findings.push(Finding { service, ..strange.clone() });
                findings.push(Finding { service, ..strange });
            }
            if obstacle == Some(Obstacle::Unfinished(number)) {
                scan.write_findings(service, number, &findings).await;
            } else {
                scan.scan(service, number, findings.len() as u64, &findings).await;
            }
        }
    }
    (scan.summary().await, scan.findings().await)
}

fn known_in(findings: &[Finding]) -> BTreeMap<Place, Timestamp> {
    let place = |finding: &Finding| (finding.service, finding.resource.arn.clone(), finding.rule_id.to_string());
    findings.iter().filter_map(|finding| Some((place(finding), finding.first_seen?))).collect()
}

#[tokio::test]
async fn over_a_hundred_days_nothing_is_forgotten_new_twice_or_resolved_unseen() {
    for seed in 1..=3 {
        let mut random = Random(seed);
        let store = MemoryStore::default();
        let (mut account, mut model) = (Account::new(), Model::default());
        let mut scanned_before = BTreeSet::new();
        let mut carried = 0;
        for day in 0..DAYS {
            change(&mut account, &mut random);
            let at = |day: u64, second| sample::STARTED_AT + jiff::SignedDuration::from_secs(day as i64 * DAY + second);
            let (weather, started_at) = (Weather::of(day, &mut random), at(day, 1));
            // Now and then a scan that started a second before ends a little later, side by side with this one.
            let older = random.once_in(5).then(|| (Weather::of(day, &mut random), at(day, 0)));
            let before = model.clone();

            let mut moved: BTreeSet<Service> = BTreeSet::new();
            for (weather, started_at) in [Some((weather, started_at)), older].into_iter().flatten() {
                let after = before.after(&account, &weather, started_at);
                let (summary, findings) = scanned(&store, &account, &weather, started_at).await;
                let told = format!("seed {seed}, day {day}, {weather:?}");

                let planned = |known: BTreeMap<Place, Timestamp>| -> BTreeMap<Place, Timestamp> {
                    known.into_iter().filter(|((service, ..), _)| weather.services.contains(service)).collect()
                };
                assert_eq!(known_in(&findings), planned(after.known.clone()), "{told}");
                assert!(findings.is_sorted_by(|a, b| a.sort_key() < b.sort_key()), "{told}");
                for service in &weather.services {
                    let comparison = &summary.comparison[service];
                    if scanned_before.contains(service) {
                        // Which rules an earlier scan evaluated is not what this is about.
                        let mut changes = *comparison.changes().unwrap_or_else(|| panic!("{told}: {comparison:?}"));
                        changes.new += std::mem::take(&mut changes.first_evaluated);
                        assert_eq!(changes, after.changes[service], "{told}");
                    } else {
                        assert_eq!(*comparison, Comparison::FirstScan, "{told}");
                    }
                }
                carried += findings.iter().filter(|finding| finding.last_seen.is_some()).count();
                // What the older one saw of a service that the younger one looked at is not what the next is compared with.
                let moves = |(service, ..): &Place| weather.services.contains(service) && !moved.contains(service);
                model.known.retain(|place, _| !moves(place));
                model.known.extend(after.known.into_iter().filter(|(place, _)| moves(place)));
                moved.extend(&weather.services);
            }
            scanned_before.extend(moved);
            if let Some(expired) = day.checked_sub(KEPT) {
                for second in [0, 1] {
                    let gone = format!("scans/{}/", at(expired, second));
                    store.keys().iter().filter(|key| key.starts_with(&gone)).for_each(|key| store.remove(key));
                }
            }
        }
        assert!(carried > 200, "too little was carried to tell anything: {carried}");
    }
}
