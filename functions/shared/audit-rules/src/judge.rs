//! Turns resources into findings.

use std::sync::Arc;

use audit_model::resource::{
    AccessPoint, Audited, Bucket, DirectoryBucket, Function, Identity, NetworkAccount, NetworkAcl, S3Account,
    SecurityGroup, Vpc,
};
use audit_model::{Evidence, Finding, Policy, Reading, ResourceRef, Status, Unreadable};
use jiff::Timestamp;

use crate::catalogue::BY_ID;
use crate::rule::{Check, Judged, Outcome, Rule};

/// Judges resources for one scan. Findings come out ordered by resource ARN, then rule id.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// The audit policy in force.
    pub policy: &'a Policy,
    /// When the verdicts are reached; the caller owns the clock.
    pub evaluated_at: Timestamp,
}

impl<'a> Judge<'a> {
    /// One finding per rule on the account's own settings in S3.
    pub fn s3_account(&self, account: &S3Account) -> Vec<Finding> {
        self.own(account)
    }

    /// One finding per rule on buckets.
    pub fn bucket(&self, bucket: &Bucket) -> Vec<Finding> {
        self.own(bucket)
    }

    /// One finding per rule on access points.
    pub fn access_point(&self, access_point: &AccessPoint) -> Vec<Finding> {
        self.own(access_point)
    }

    /// One finding per rule on directory buckets.
    pub fn directory_bucket(&self, bucket: &DirectoryBucket) -> Vec<Finding> {
        self.own(bucket)
    }

    /// One finding per rule on functions.
    pub fn function(&self, function: &Function) -> Vec<Finding> {
        self.own(function)
    }

    /// One finding per rule on VPCs, and one per rule on what hangs on a VPC (security groups, network ACLs, subnets,
    /// route tables, endpoints) and each of those; the same for the account's own settings of the region's network and for
    /// what it has beside its VPCs. Where some could not be listed, each of their rules says so once, on what they hang on.
    ///
    /// What belongs to other accounts is theirs to audit: of a VPC that is shared with this one the rules say who owns it, and
    /// of what others have in a VPC they say nothing.
    ///
    /// Each resource is judged when it is its turn: memory does not grow with the number of findings.
    pub fn network(
        self,
        vpcs: &'a [Vpc],
        account: Option<&'a NetworkAccount>,
    ) -> impl Iterator<Item = Vec<Finding>> + use<'a> {
        let mut resources = Vec::new();
        for vpc in vpcs {
            resources.push(NetworkResource::Vpc(vpc));
            let hanging = parts(groups(vpc))
                .chain(parts(network_acls(vpc)))
                .chain(parts(vpc.subnets.listed()))
                .chain(parts(vpc.route_tables.listed()))
                .chain(parts(vpc.endpoints.listed()));
            resources.extend(hanging.filter(|it| vpc.is_audited(it.identity())));
        }
        if let Some(account) = account {
            resources.push(NetworkResource::Account(account));
            resources.extend(parts(account.endpoint_services.listed()));
            resources.extend(parts(account.peering_connections.listed()));
            resources.extend(parts(account.elastic_ips.listed()));
            resources.extend(parts(account.network_interfaces.listed()));
            resources.extend(parts(account.launch_templates.listed()));
            resources.extend(parts(account.vpn_connections.listed()));
            resources.extend(parts(account.client_vpn_endpoints.listed()));
            resources.extend(parts(account.transit_gateways.listed()));
        }
        resources.sort_by_key(NetworkResource::arn);
        resources.into_iter().map(move |resource| self.network_resource(resource))
    }

    fn network_resource(&self, resource: NetworkResource<'_>) -> Vec<Finding> {
        let policy = self.policy;
        match resource {
            NetworkResource::Vpc(vpc) if !vpc.is_audited(&vpc.identity) => self.each_rule(vpc, |check| match check {
                Check::Vpc(_) => Some(Ok(Outcome::not_applicable(format!(
                    "the VPC belongs to account {}, which shares it with this account: its owner audits it",
                    vpc.identity.account
                )))),
                Check::SecurityGroup(_) => groups(vpc).err().map(Err),
                Check::VpcEndpoint(_) => vpc.endpoints.listed().err().map(Err),
                // Network ACLs, subnets and route tables are the owner's alone.
                _ => None,
            }),
            NetworkResource::Vpc(vpc) => self.each_rule(vpc, |check| match check {
                Check::Vpc(evaluate) => Some(evaluate(vpc, policy)),
                Check::SecurityGroup(_) => groups(vpc).err().map(Err),
                Check::NetworkAcl(_) => network_acls(vpc).err().map(Err),
                Check::Subnet(_) => vpc.subnets.listed().err().map(Err),
                Check::RouteTable(_) => vpc.route_tables.listed().err().map(Err),
                Check::VpcEndpoint(_) => vpc.endpoints.listed().err().map(Err),
                _ => None,
            }),
            NetworkResource::Account(account) => self.each_rule(account, |check| match check {
                Check::NetworkAccount(evaluate) => Some(evaluate(account, policy)),
                Check::EndpointService(_) => account.endpoint_services.listed().err().map(Err),
                Check::PeeringConnection(_) => account.peering_connections.listed().err().map(Err),
                Check::ElasticIp(_) => account.elastic_ips.listed().err().map(Err),
                Check::NetworkInterface(_) => account.network_interfaces.listed().err().map(Err),
                Check::LaunchTemplate(_) => account.launch_templates.listed().err().map(Err),
                Check::VpnConnection(_) => account.vpn_connections.listed().err().map(Err),
                Check::ClientVpnEndpoint(_) => account.client_vpn_endpoints.listed().err().map(Err),
                Check::TransitGateway(_) => account.transit_gateways.listed().err().map(Err),
                _ => None,
            }),
            NetworkResource::Part(part) => part.judged_by(self),
        }
    }

    /// What the rules on the resource's own type find, by rule id.
    fn own<R: Judged>(&self, resource: &R) -> Vec<Finding> {
        self.each_rule(resource, |check| R::evaluate(check).map(|evaluate| evaluate(resource, self.policy)))
    }

    /// What each rule that the policy has switched on and that has an outcome for the resource finds, by rule id.
    fn each_rule<R: Audited>(
        &self,
        resource: &R,
        outcome: impl Fn(&Check) -> Option<Result<Outcome, Unreadable>>,
    ) -> Vec<Finding> {
        let reference = Arc::new(resource.reference());
        let on = BY_ID.iter().filter(|rule| rule.is_on(self.policy));
        on.filter_map(|rule| outcome(&rule.check).map(|outcome| self.finding(rule, &reference, outcome))).collect()
    }

    fn finding(&self, rule: &Rule, resource: &Arc<ResourceRef>, outcome: Result<Outcome, Unreadable>) -> Finding {
        let outcome = outcome.unwrap_or_else(|why| Outcome::insufficient_data(vec![why]));
        let (status, observed, missing) = match outcome {
            Outcome::Compliant { observed } => (Status::Compliant, observed, Vec::new()),
            Outcome::NonCompliant { observed } => (Status::NonCompliant, observed, Vec::new()),
            Outcome::NotApplicable { why } => (Status::NotApplicable, why, Vec::new()),
            Outcome::InsufficientData { missing } => {
                (Status::InsufficientData, unreadable_in_words(&missing).into(), missing)
            }
        };
        Finding {
            service: rule.service(),
            rule_id: rule.id.into(),
            severity: rule.severity_under(self.policy),
            status,
            resource: Arc::clone(resource),
            evidence: Evidence { observed },
            missing,
            evaluated_at: self.evaluated_at,
            first_seen: None,
            last_seen: None,
            change: None,
            exception: None,
        }
    }
}

/// A resource of a network.
#[derive(Clone, Copy)]
enum NetworkResource<'a> {
    Vpc(&'a Vpc),
    Account(&'a NetworkAccount),
    /// What hangs on one of these.
    Part(&'a dyn Part),
}

impl<'a> NetworkResource<'a> {
    fn arn(&self) -> &'a str {
        &self.identity().arn
    }

    fn identity(&self) -> &'a Identity {
        match *self {
            Self::Vpc(it) => it.identity(),
            Self::Account(it) => it.identity(),
            Self::Part(it) => it.named(),
        }
    }
}

/// A resource of any type on which nothing else hangs.
trait Part {
    fn named(&self) -> &Identity;
    fn judged_by(&self, judge: &Judge<'_>) -> Vec<Finding>;
}

impl<R: Judged> Part for R {
    fn named(&self) -> &Identity {
        self.identity()
    }

    fn judged_by(&self, judge: &Judge<'_>) -> Vec<Finding> {
        judge.own(self)
    }
}

/// What was listed; what was not is told of by what it hangs on.
fn parts<'a, R: Judged>(listed: Result<&'a [R], Unreadable>) -> impl Iterator<Item = NetworkResource<'a>> + use<'a, R> {
    listed.into_iter().flatten().map(|part| NetworkResource::Part(part))
}

fn groups(vpc: &Vpc) -> Result<&[SecurityGroup], Unreadable> {
    with_default(vpc, &vpc.security_groups, SecurityGroup::is_default, "ec2:DescribeSecurityGroups")
}

fn network_acls(vpc: &Vpc) -> Result<&[NetworkAcl], Unreadable> {
    with_default(vpc, &vpc.network_acls, |acl| acl.is_default, "ec2:DescribeNetworkAcls")
}

/// What was listed of a kind of which AWS makes a default one with every VPC, that cannot be deleted before it. A list
/// without that one is not the whole answer about this VPC, and judging the rest would look like compliance. The default one
/// belongs to the VPC's owner, and with whom the VPC is shared need not see it.
fn with_default<'a, R: Audited>(
    vpc: &Vpc,
    reading: &'a Reading<Vec<R>>,
    is_default: impl Fn(&R) -> bool,
    action: &str,
) -> Result<&'a [R], Unreadable> {
    let resources = reading.listed()?;
    let of_vpc = |it: &R| it.identity().account == vpc.identity.account && is_default(it);
    if !vpc.is_audited(&vpc.identity) || resources.iter().any(of_vpc) {
        Ok(resources)
    } else {
        Err(Unreadable::malformed(action, "the one was not listed that AWS makes with every VPC"))
    }
}

fn unreadable_in_words(missing: &[Unreadable]) -> String {
    let reasons: Vec<String> = missing.iter().map(ToString::to_string).collect();
    format!("could not be determined: {}", reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::slice;

    use audit_model::policy::RuleSetting;
    use audit_model::resource::VpcEndpoint;
    use audit_model::{Service, Severity};
    use proptest::prelude::*;

    use super::*;
    use crate::CATALOGUE;
    use crate::fixtures::{self, Denial, ReadingOf};

    /// Resources of every type, with what judges them.
    fn judged(pick: [Vec<Finding>; 7]) -> Vec<Finding> {
        pick.into_iter().flatten().collect()
    }

    fn good() -> Vec<Finding> {
        let policy = fixtures::policy();
        let judge = fixtures::judge(&policy);
        judged([
            judge.s3_account(&fixtures::s3_account(true)),
            [fixtures::good_bucket(), fixtures::blocked_bucket()].iter().flat_map(|it| judge.bucket(it)).collect(),
            judge.access_point(&fixtures::access_point(true)),
            judge.directory_bucket(&fixtures::directory_bucket(true)),
            judge.network(&[], Some(&fixtures::good_network_account())).flatten().collect(),
            judge.network(&[fixtures::good_vpc()], None).flatten().collect(),
            judge.function(&fixtures::good_function()),
        ])
    }

    fn bad() -> Vec<Finding> {
        let policy = fixtures::policy();
        let judge = fixtures::judge(&policy);
        let functions = [fixtures::bad_function(), fixtures::function_in_one_zone()];
        judged([
            judge.s3_account(&fixtures::s3_account(false)),
            [fixtures::bad_bucket(), fixtures::misconfigured_bucket()].iter().flat_map(|it| judge.bucket(it)).collect(),
            judge.access_point(&fixtures::access_point(false)),
            judge.directory_bucket(&fixtures::directory_bucket(false)),
            judge.network(&[], Some(&fixtures::bad_network_account())).flatten().collect(),
            judge.network(&[fixtures::bad_vpc()], None).flatten().collect(),
            functions.iter().flat_map(|it| judge.function(it)).collect(),
        ])
    }

    fn unreadable() -> Vec<Finding> {
        let policy = fixtures::policy();
        let judge = fixtures::judge(&policy);
        judged([
            judge.s3_account(&fixtures::without_readings(fixtures::s3_account(true), fixtures::S3_ACCOUNT_READINGS)),
            judge.bucket(&fixtures::unreadable_bucket()),
            judge.access_point(&fixtures::without_readings(
                fixtures::access_point(true),
                fixtures::ACCESS_POINT_READINGS,
            )),
            judge.directory_bucket(&fixtures::without_readings(
                fixtures::directory_bucket(true),
                fixtures::DIRECTORY_BUCKET_READINGS,
            )),
            judge
                .network(
                    &[],
                    Some(&fixtures::without_readings(
                        fixtures::good_network_account(),
                        fixtures::NETWORK_ACCOUNT_READINGS,
                    )),
                )
                .flatten()
                .collect(),
            judge.network(&[fixtures::unreadable_vpc()], None).flatten().collect(),
            judge.function(&fixtures::unreadable_function()),
        ])
    }

    fn rules_of(findings: &[Finding], status: Status) -> BTreeSet<&str> {
        findings.iter().filter(|finding| finding.status == status).map(|finding| finding.rule_id.as_ref()).collect()
    }

    fn all_rules() -> BTreeSet<&'static str> {
        CATALOGUE.iter().map(|rule| rule.id).collect()
    }

    #[test]
    fn every_rule_can_pass_and_can_fail() {
        assert_eq!(rules_of(&good(), Status::Compliant), all_rules());
        assert_eq!(rules_of(&bad(), Status::NonCompliant), all_rules());
    }

    #[test]
    fn of_what_could_not_be_read_there_is_neither_pass_nor_violation() {
        let findings = unreadable();
        let without_verdict: BTreeSet<&str> = findings
            .iter()
            .filter(|finding| matches!(finding.status, Status::InsufficientData | Status::NotApplicable))
            .map(|finding| finding.rule_id.as_ref())
            .collect();
        assert_eq!(without_verdict, all_rules());
        assert_eq!(findings.len(), all_rules().len());
        for finding in findings.iter().filter(|finding| finding.status == Status::InsufficientData) {
            assert!(!finding.missing.is_empty(), "{}", finding.rule_id);
            for why in &finding.missing {
                assert!(why.action.contains(':'), "{} names {:?}", finding.rule_id, why.action);
                assert!(finding.evidence.observed.contains(&why.action), "{}", finding.evidence.observed);
            }
        }
    }

    /// What a judgement came to, by resource and rule. Two findings must not share these.
    fn verdicts(findings: &[Finding]) -> BTreeMap<(&str, &str, &str), Status> {
        let verdicts: BTreeMap<_, _> = findings
            .iter()
            .map(|finding| {
                let resource = &finding.resource;
                ((resource.resource_type.as_ref(), resource.arn.as_str(), finding.rule_id.as_ref()), finding.status)
            })
            .collect();
        assert_eq!(verdicts.len(), findings.len());
        verdicts
    }

    /// What each rule found, on what.
    fn by_rule(findings: Vec<Finding>) -> BTreeMap<&'static str, Vec<(String, Status, String)>> {
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for Finding { rule_id, resource, status, evidence, .. } in findings {
            let rule = crate::rule(&rule_id).unwrap().id;
            found.entry(rule).or_default().push((resource.arn.clone(), status, evidence.observed.into_owned()));
        }
        found
    }

    /// A resource that takes each of its readings from one of the samples, and the ways to take readings away.
    struct Readings<R: 'static> {
        samples: Vec<R>,
        readings: &'static [ReadingOf<R>],
        nested: &'static [Denial<R>],
    }

    impl<R: Clone> Readings<R> {
        /// The mixture in which each reading comes from the sample that its choice names.
        fn mixture(&self, choices: &[usize]) -> R {
            let mut mixture = self.samples[0].clone();
            for (reading, choice) in self.readings.iter().zip(choices) {
                (reading.take)(&mut mixture, &self.samples[choice % self.samples.len()]);
            }
            mixture
        }

        fn denials(&self) -> Vec<Denial<R>> {
            self.readings.iter().map(|reading| reading.denial).chain(self.nested.iter().copied()).collect()
        }

        /// Which rule judges by what which action reads: without it the rule finds something else, in a resource whose
        /// readings come from one sample but for one. A rule is told nothing that it says not to read, all at once.
        fn used(&self, judge: impl Fn(&R) -> Vec<Finding>) -> BTreeSet<(&'static str, &'static str)> {
            let mut used = BTreeSet::new();
            let (samples, readings) = (self.samples.len(), self.readings.len());
            for number in 0..samples * samples * readings {
                let mut choices = vec![number % samples; readings];
                choices[number / (samples * samples)] = number / samples % samples;
                let resource = self.mixture(&choices);
                let full = by_rule(judge(&resource));
                for (action, deny) in self.denials() {
                    let mut poorer = resource.clone();
                    deny(&mut poorer, action);
                    let left = by_rule(judge(&poorer));
                    let changed = full.iter().filter(|(rule, found)| left.get(*rule) != Some(found));
                    used.extend(changed.map(|(rule, _)| (*rule, action)));
                }
                for (id, found) in &full {
                    let mut poorer = resource.clone();
                    for (action, deny) in self.denials() {
                        if !crate::rule(id).unwrap().reads.contains(&action) {
                            deny(&mut poorer, action);
                        }
                    }
                    assert_eq!(by_rule(judge(&poorer)).get(id), Some(found), "{id}");
                }
            }
            used
        }

        /// Denies every single reading in turn, and every pair of them: a verdict may be lost by that, but never
        /// turned around.
        fn never_turn_around(&self, choices: &[usize], judge: impl Fn(&R) -> Vec<Finding>) {
            let resource = self.mixture(choices);
            let full = judge(&resource);
            let full = verdicts(&full);
            let denials = self.denials();
            for (index, (one, first)) in denials.iter().enumerate() {
                for (other, second) in &denials[index..] {
                    let mut poorer = resource.clone();
                    first(&mut poorer, one);
                    second(&mut poorer, other);
                    let findings = judge(&poorer);
                    let left = verdicts(&findings);
                    for (key, status) in &left {
                        let before = full.get(key);
                        let kept = before == Some(status) || *status == Status::InsufficientData;
                        assert!(kept, "{key:?} went from {before:?} to {status}");
                    }
                    // What is not there any more has left word on what it hangs on.
                    for gone @ (_, _, rule) in full.keys().filter(|key| !left.contains_key(*key)) {
                        let told = |(key, status): (&(&str, &str, &str), &Status)| {
                            key.2 == *rule && *status == Status::InsufficientData
                        };
                        assert!(left.iter().any(told), "{gone:?} is gone without a word");
                    }
                }
            }
        }
    }

    /// The readings of every type of resource that is read by itself, each with what judges it.
    fn each_type(mut look: impl FnMut(&dyn Mixed)) {
        let policy = fixtures::policy();
        let judge = fixtures::judge(&policy);
        look(&(
            Readings {
                samples: vec![fixtures::s3_account(true), fixtures::s3_account(false)],
                readings: fixtures::S3_ACCOUNT_READINGS,
                nested: fixtures::NESTED_S3_ACCOUNT_READINGS,
            },
            |it: &S3Account| judge.s3_account(it),
        ));
        look(&(
            Readings {
                samples: vec![
                    fixtures::good_bucket(),
                    fixtures::bad_bucket(),
                    fixtures::misconfigured_bucket(),
                    fixtures::blocked_bucket(),
                ],
                readings: fixtures::BUCKET_READINGS,
                nested: fixtures::NESTED_BUCKET_READINGS,
            },
            |it: &Bucket| judge.bucket(it),
        ));
        look(&(
            Readings {
                samples: vec![fixtures::access_point(true), fixtures::access_point(false)],
                readings: fixtures::ACCESS_POINT_READINGS,
                nested: &[],
            },
            |it: &AccessPoint| judge.access_point(it),
        ));
        look(&(
            Readings {
                samples: vec![fixtures::directory_bucket(true), fixtures::directory_bucket(false)],
                readings: fixtures::DIRECTORY_BUCKET_READINGS,
                nested: &[],
            },
            |it: &DirectoryBucket| judge.directory_bucket(it),
        ));
        look(&(
            Readings {
                samples: vec![fixtures::good_network_account(), fixtures::bad_network_account()],
                readings: fixtures::NETWORK_ACCOUNT_READINGS,
                nested: fixtures::NESTED_NETWORK_ACCOUNT_READINGS,
            },
            |it: &NetworkAccount| judge.network(&[], Some(it)).flatten().collect(),
        ));
        look(&(
            Readings {
                samples: vec![fixtures::good_vpc(), fixtures::bad_vpc()],
                readings: fixtures::VPC_READINGS,
                nested: fixtures::NESTED_VPC_READINGS,
            },
            |it: &Vpc| judge.network(slice::from_ref(it), None).flatten().collect(),
        ));
        look(&(
            Readings {
                samples: vec![fixtures::shared_vpc()],
                readings: fixtures::VPC_READINGS,
                nested: fixtures::NESTED_VPC_READINGS,
            },
            |it: &Vpc| judge.network(slice::from_ref(it), None).flatten().collect(),
        ));
        look(&(
            Readings {
                samples: vec![
                    fixtures::good_function(),
                    fixtures::bad_function(),
                    fixtures::function_in_one_zone(),
                    fixtures::function_with_open_alias(),
                    fixtures::function_on_managed_instances(),
                ],
                readings: fixtures::FUNCTION_READINGS,
                nested: fixtures::NESTED_FUNCTION_READINGS,
            },
            |it: &Function| judge.function(it),
        ));
    }

    /// [`Readings`] of some type, with what judges it.
    trait Mixed {
        fn never_turn_around(&self, choices: &[usize]);
        fn used(&self) -> BTreeSet<(&'static str, &'static str)>;
    }

    impl<R: Clone, J: Fn(&R) -> Vec<Finding>> Mixed for (Readings<R>, J) {
        fn never_turn_around(&self, choices: &[usize]) {
            self.0.never_turn_around(choices, &self.1);
        }

        fn used(&self) -> BTreeSet<(&'static str, &'static str)> {
            self.0.used(&self.1)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_denied_reading_never_turns_a_verdict_around(choices in prop::collection::vec(0_usize..12, 16)) {
            each_type(|readings| readings.never_turn_around(&choices));
        }
    }

    #[test]
    fn a_rule_judges_by_what_it_says_that_it_reads_and_by_nothing_else() {
        let mut used = BTreeSet::new();
        each_type(|readings| used.append(&mut readings.used()));
        let said: BTreeSet<_> =
            CATALOGUE.iter().flat_map(|rule| rule.reads.iter().map(|action| (rule.id, *action))).collect();
        assert_eq!(used, said);
        assert!(CATALOGUE.iter().all(|rule| rule.reads.is_sorted_by(|one, next| one < next)));
    }

    #[test]
    fn findings_come_in_order_and_none_twice() {
        let policy = fixtures::policy();
        let judge = fixtures::judge(&policy);
        for findings in [
            judge.bucket(&fixtures::bad_bucket()),
            judge.network(&[], Some(&fixtures::bad_network_account())).flatten().collect(),
            judge.network(&[fixtures::bad_vpc()], None).flatten().collect(),
            judge.network(&[fixtures::unreadable_vpc()], None).flatten().collect(),
            judge.function(&fixtures::good_function()),
        ] {
            assert!(findings.is_sorted_by(|one, next| one.sort_key() < next.sort_key()));
        }
    }

    #[test]
    fn what_cannot_be_listed_is_reported_on_what_it_hangs_on() {
        let policy = fixtures::policy();
        let judge = fixtures::judge(&policy);
        // (the findings, the action that lists, how many rules need it)
        let of = |check: fn(&Check) -> bool| CATALOGUE.iter().filter(|rule| check(&rule.check)).count();
        let vpc = |take_away: fn(&mut Vpc)| {
            let mut vpc = fixtures::good_vpc();
            take_away(&mut vpc);
            judge.network(&[vpc], None).flatten().collect()
        };
        let cases: [(Vec<Finding>, _, _); 4] = [
            (
                vpc(|vpc| vpc.security_groups = fixtures::unreadable("ec2:DescribeSecurityGroups")),
                "ec2:DescribeSecurityGroups",
                of(|check| matches!(check, Check::SecurityGroup(_))),
            ),
            (
                vpc(|vpc| vpc.security_groups = Reading::seen(Vec::new())),
                "ec2:DescribeSecurityGroups",
                of(|check| matches!(check, Check::SecurityGroup(_))),
            ),
            (
                vpc(|vpc| vpc.security_groups = Reading::seen(vec![fixtures::security_group("sg-1", Vec::new())])),
                "ec2:DescribeSecurityGroups",
                of(|check| matches!(check, Check::SecurityGroup(_))),
            ),
            (
                vpc(|vpc| vpc.network_acls = Reading::Absent),
                "ec2:DescribeNetworkAcls",
                of(|check| matches!(check, Check::NetworkAcl(_))),
            ),
        ];
        for (findings, action, rules) in cases {
            let told: Vec<&Finding> = findings
                .iter()
                .filter(|finding| finding.status == Status::InsufficientData)
                .filter(|finding| finding.resource.resource_type == "AWS::EC2::VPC")
                .filter(|finding| finding.missing.iter().any(|why| why.action == action))
                .collect();
            assert_eq!(told.len(), rules, "{action}");
        }
        let without_subnets = vpc(|vpc| vpc.subnets = Reading::seen(Vec::new()));
        assert!(without_subnets.iter().all(|finding| finding.resource.resource_type != "AWS::EC2::Subnet"));
        let mut account = fixtures::good_network_account();
        account.endpoint_services = fixtures::unreadable("ec2:DescribeVpcEndpointServiceConfigurations");
        let findings: Vec<Finding> = judge.network(&[], Some(&account)).flatten().collect();
        assert!(
            findings.iter().any(|finding| finding.resource.resource_type == "AWS::::Account"
                && finding.status == Status::InsufficientData)
        );
    }

    /// The rules of a type whose outcome this is, on which resource.
    fn told(findings: &[Finding], resource_type: &str, status: Status) -> BTreeSet<(String, String)> {
        let of_type = findings.iter().filter(|it| {
            it.status == status && crate::rule(&it.rule_id).unwrap().check.resource_type() == resource_type
        });
        of_type.map(|it| (it.rule_id.to_string(), it.resource.arn.clone())).collect()
    }

    /// <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-share-limitations.html>
    #[test]
    fn of_a_shared_vpc_what_the_account_owns_is_judged() {
        let policy = fixtures::policy();
        let judge = fixtures::judge(&policy);
        let of_vpc = |vpc: &Vpc| judge.network(slice::from_ref(vpc), None).flatten().collect::<Vec<Finding>>();
        let shared = fixtures::shared_vpc();
        let findings = of_vpc(&shared);
        let rules = |resource_type: &str| {
            CATALOGUE.iter().filter(move |rule| rule.check.resource_type() == resource_type).count()
        };
        // The VPC's rules name the owner.
        let of_the_vpc = told(&findings, Vpc::TYPE, Status::NotApplicable);
        assert_eq!(of_the_vpc.len(), rules(Vpc::TYPE));
        assert!(of_the_vpc.iter().all(|(_, arn)| arn == "arn:aws:ec2:us-east-1:777788889999:vpc/vpc-1"));
        assert!(
            findings
                .iter()
                .all(|it| it.resource.resource_type != Vpc::TYPE
                    || it.evidence.observed.contains(fixtures::OTHER_ACCOUNT))
        );
        // The account's own group and endpoint are as bad as in a VPC of its own.
        for resource_type in [SecurityGroup::TYPE, VpcEndpoint::TYPE] {
            let own = told(&findings, resource_type, Status::NonCompliant);
            let as_before = told(&of_vpc(&fixtures::bad_vpc()), resource_type, Status::NonCompliant);
            let as_before: BTreeSet<_> = as_before.into_iter().filter(|(_, arn)| !arn.ends_with("/sg-0")).collect();
            assert!(!own.is_empty());
            assert_eq!(own, as_before, "{resource_type}");
        }
        // The owner's network ACLs, subnets and route tables are not, and need not be listed.
        let of_the_owner = ["AWS::EC2::NetworkAcl", "AWS::EC2::Subnet", "AWS::EC2::RouteTable"];
        let without = Vpc {
            network_acls: fixtures::unreadable("ec2:DescribeNetworkAcls"),
            subnets: fixtures::unreadable("ec2:DescribeSubnets"),
            route_tables: fixtures::unreadable("ec2:DescribeRouteTables"),
            ..shared.clone()
        };
        for findings in [&findings, &of_vpc(&without)] {
            let judged = findings.iter().map(|it| crate::rule(&it.rule_id).unwrap().check.resource_type());
            assert!(judged.into_iter().all(|it| !of_the_owner.contains(&it)));
        }
        // Groups that could not be listed may be the account's.
        let unlisted = Vpc { security_groups: fixtures::unreadable("ec2:DescribeSecurityGroups"), ..shared.clone() };
        let unlisted = told(&of_vpc(&unlisted), SecurityGroup::TYPE, Status::InsufficientData);
        assert_eq!(unlisted.len(), rules(SecurityGroup::TYPE));
        // The VPC, two ACLs, a subnet and a route table.
        assert_eq!(shared.of_others(), 5);
    }

    #[test]
    fn groups_of_others_in_the_accounts_vpc_are_theirs_and_the_default_one_is_the_accounts() {
        let policy = fixtures::policy();
        let judge = fixtures::judge(&policy);
        let mut vpc = fixtures::bad_vpc();
        let Reading::Seen { value: groups } = &mut vpc.security_groups else { panic!("there are groups") };
        let of_participant = groups.iter_mut().find(|group| !group.is_default()).unwrap();
        fixtures::of_owner(&mut of_participant.identity);
        let findings: Vec<Finding> = judge.network(slice::from_ref(&vpc), None).flatten().collect();
        let judged: BTreeSet<&str> = findings.iter().map(|it| it.resource.arn.as_str()).collect();
        assert!(judged.contains("arn:aws:ec2:us-east-1:111122223333:security-group/sg-0"), "{judged:?}");
        assert!(judged.iter().all(|arn| !arn.contains(fixtures::OTHER_ACCOUNT)), "{judged:?}");
        assert_eq!(vpc.of_others(), 1);

        let Reading::Seen { value: groups } = &mut vpc.security_groups else { panic!("there are groups") };
        groups.iter_mut().for_each(|group| fixtures::of_owner(&mut group.identity));
        let findings: Vec<Finding> = judge.network(slice::from_ref(&vpc), None).flatten().collect();
        assert!(!told(&findings, SecurityGroup::TYPE, Status::InsufficientData).is_empty());
    }

    #[test]
    fn the_policy_switches_rules_off_and_sets_their_severity() {
        let mut policy = fixtures::policy();
        let off = RuleSetting { enabled: false, severity: None };
        let worse = RuleSetting { enabled: true, severity: Some(Severity::High) };
        policy.rules.insert("s3-bucket-required-tags".to_owned(), off);
        policy.rules.insert("s3-bucket-versioning-enabled".to_owned(), worse);
        let findings = fixtures::judge(&policy).bucket(&fixtures::bad_bucket());
        let severity = |id: &str| findings.iter().find(|finding| finding.rule_id == id).map(|finding| finding.severity);
        assert_eq!(severity("s3-bucket-required-tags"), None);
        assert_eq!(severity("s3-bucket-versioning-enabled"), Some(Severity::High));
        assert_eq!(severity("s3-bucket-public-read-prohibited"), Some(Severity::Critical));
    }

    #[test]
    fn a_finding_carries_rule_resource_and_time() {
        let policy = fixtures::policy();
        let findings = fixtures::judge(&policy).bucket(&fixtures::bad_bucket());
        let finding = findings.iter().find(|finding| finding.rule_id == "s3-bucket-versioning-enabled").unwrap();
        assert_eq!((finding.service, finding.severity), (Service::S3, Severity::Low));
        assert_eq!(finding.resource.arn, "arn:aws:s3:::ledger");
        assert_eq!(finding.resource.resource_type, "AWS::S3::Bucket");
        assert_eq!(finding.evidence.observed, "versioning was never switched on");
        assert_eq!(finding.evaluated_at, Timestamp::UNIX_EPOCH);
        assert_eq!((&finding.first_seen, &finding.exception), (&None, &None));
    }
}
