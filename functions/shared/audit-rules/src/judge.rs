//! Turns resources into findings.

use audit_model::finding::SCHEMA_VERSION;
use audit_model::resource::{Bucket, Function, SecurityGroup, Vpc};
use audit_model::{Evidence, Finding, Guidance, Policy, ResourceRef, Status, Unreadable, UnreadableCause};
use jiff::Timestamp;

use crate::catalogue::CATALOGUE;
use crate::rule::{Check, Outcome, Rule};

/// Judges resources for one scan. Findings come out ordered by resource ARN, then rule id.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// The scan that the findings belong to.
    pub scan_id: &'a str,
    /// The audit policy in force.
    pub policy: &'a Policy,
    /// When the verdicts are reached; the caller owns the clock.
    pub evaluated_at: Timestamp,
}

impl Judge<'_> {
    /// One finding per S3 rule.
    pub fn bucket(&self, bucket: &Bucket) -> Vec<Finding> {
        let resource = bucket.identity.reference("AWS::S3::Bucket", &bucket.tags);
        let findings = CATALOGUE.iter().filter_map(|rule| match rule.check {
            Check::S3Bucket(evaluate) => Some(self.finding(rule, &resource, evaluate(bucket, self.policy))),
            _ => None,
        });
        in_order(findings.collect())
    }

    /// One finding per VPC rule, and one per security-group rule and group of the VPC. Where the groups could not be
    /// read, each security-group rule says so once, on the VPC itself.
    pub fn vpc(&self, vpc: &Vpc) -> Vec<Finding> {
        let resource = vpc.identity.reference("AWS::EC2::VPC", &vpc.tags);
        let groups = security_groups(vpc);
        let mut findings = Vec::new();
        for rule in CATALOGUE.iter() {
            match (rule.check, &groups) {
                (Check::Vpc(evaluate), _) => findings.push(self.finding(rule, &resource, evaluate(vpc, self.policy))),
                (Check::SecurityGroup(evaluate), Ok(groups)) => findings.extend(groups.iter().map(|group| {
                    let resource = group.identity.reference("AWS::EC2::SecurityGroup", &group.tags);
                    self.finding(rule, &resource, evaluate(group, self.policy))
                })),
                (Check::SecurityGroup(_), Err(why)) => findings.push(self.finding(rule, &resource, Err(why.clone()))),
                _ => {}
            }
        }
        in_order(findings)
    }

    /// One finding per Lambda rule.
    pub fn function(&self, function: &Function) -> Vec<Finding> {
        let resource = function.identity.reference("AWS::Lambda::Function", &function.tags);
        let findings = CATALOGUE.iter().filter_map(|rule| match rule.check {
            Check::Function(evaluate) => Some(self.finding(rule, &resource, evaluate(function, self.policy))),
            _ => None,
        });
        in_order(findings.collect())
    }

    fn finding(&self, rule: &Rule, resource: &ResourceRef, outcome: Result<Outcome, Unreadable>) -> Finding {
        let outcome = outcome.unwrap_or_else(|why| Outcome::insufficient_data(vec![why]));
        let (status, observed, missing) = match outcome {
            Outcome::Compliant { observed } => (Status::Compliant, observed, Vec::new()),
            Outcome::NonCompliant { observed } => (Status::NonCompliant, observed, Vec::new()),
            Outcome::NotApplicable { why } => (Status::NotApplicable, why, Vec::new()),
            Outcome::InsufficientData { missing } => (Status::InsufficientData, unreadable_in_words(&missing), missing),
        };
        Finding {
            schema_version: SCHEMA_VERSION.to_owned(),
            scan_id: self.scan_id.to_owned(),
            service: rule.service(),
            rule_id: rule.id.to_owned(),
            title: rule.title.to_owned(),
            severity: rule.severity,
            status,
            resource: resource.clone(),
            evidence: Evidence { observed, expected: rule.expected.to_owned() },
            missing,
            remediation: Guidance { text: rule.remediation.to_owned(), url: rule.documentation.to_owned() },
            references: rule.references.iter().map(Into::into).collect(),
            evaluated_at: self.evaluated_at,
            first_seen: None,
        }
    }
}

/// The groups of a VPC. AWS makes a default group with every VPC that cannot be deleted before it, so that a list
/// without any group is not an answer about this VPC, and judging nothing would look like compliance.
fn security_groups(vpc: &Vpc) -> Result<&[SecurityGroup], Unreadable> {
    match vpc.security_groups.known()? {
        Some(groups) if !groups.is_empty() => Ok(groups),
        _ => Err(Unreadable {
            action: "ec2:DescribeSecurityGroups".to_owned(),
            cause: UnreadableCause::Malformed,
            detail: "no security group was listed, though every VPC has a default one".to_owned(),
        }),
    }
}

fn unreadable_in_words(missing: &[Unreadable]) -> String {
    let reasons: Vec<String> = missing.iter().map(ToString::to_string).collect();
    format!("could not be determined: {}", reasons.join("; "))
}

fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    findings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use audit_model::{FrameworkReference, Reading, Service, Severity};

    use super::*;
    use crate::fixtures::{self, Deny};

    type Verdicts = BTreeMap<(String, String), Status>;

    fn verdicts(findings: &[Finding]) -> Verdicts {
        let verdicts = findings.iter().map(|finding| {
            let key = (finding.resource.arn.clone(), finding.rule_id.clone());
            (key, finding.status)
        });
        verdicts.collect()
    }

    /// Judges one good, one bad and one unreadable resource of each type.
    fn judged(pick: [fn(&Judge<'_>) -> Vec<Finding>; 3]) -> Vec<Finding> {
        let policy = fixtures::policy();
        let judge = fixtures::judge(&policy);
        pick.iter().flat_map(|of| of(&judge)).collect()
    }

    fn good() -> Vec<Finding> {
        judged([
            |judge| judge.bucket(&fixtures::good_bucket()),
            |judge| judge.vpc(&fixtures::good_vpc()),
            |judge| judge.function(&fixtures::good_function()),
        ])
    }

    fn bad() -> Vec<Finding> {
        judged([
            |judge| judge.bucket(&fixtures::bad_bucket()),
            |judge| judge.vpc(&fixtures::bad_vpc()),
            |judge| judge.function(&fixtures::bad_function()),
        ])
    }

    fn unreadable() -> Vec<Finding> {
        judged([
            |judge| judge.bucket(&fixtures::unreadable_bucket()),
            |judge| judge.vpc(&fixtures::unreadable_vpc()),
            |judge| judge.function(&fixtures::unreadable_function()),
        ])
    }

    fn rules_of(findings: &[Finding], status: Status) -> Vec<&str> {
        let found: std::collections::BTreeSet<&str> = findings
            .iter()
            .filter(|finding| finding.status == status)
            .map(|finding| finding.rule_id.as_str())
            .collect();
        found.into_iter().collect()
    }

    fn all_rules() -> Vec<&'static str> {
        let ids: std::collections::BTreeSet<&str> = CATALOGUE.iter().map(|rule| rule.id).collect();
        ids.into_iter().collect()
    }

    #[test]
    fn every_rule_can_pass_and_can_fail() {
        assert_eq!(rules_of(&good(), Status::Compliant), all_rules());
        assert!(rules_of(&good(), Status::NonCompliant).is_empty());
        assert_eq!(rules_of(&bad(), Status::NonCompliant), all_rules());
        assert!(rules_of(&bad(), Status::Compliant).is_empty());
    }

    #[test]
    fn of_what_could_not_be_read_there_is_neither_pass_nor_violation() {
        let findings = unreadable();
        let without_verdict: std::collections::BTreeSet<&str> = findings
            .iter()
            .filter(|finding| matches!(finding.status, Status::InsufficientData | Status::NotApplicable))
            .map(|finding| finding.rule_id.as_str())
            .collect();
        assert_eq!(without_verdict.into_iter().collect::<Vec<_>>(), all_rules());
        assert_eq!(findings.len(), all_rules().len());
        for finding in findings.iter().filter(|finding| finding.status == Status::InsufficientData) {
            assert!(!finding.missing.is_empty(), "{}", finding.rule_id);
            for why in &finding.missing {
                assert!(why.action.contains(':'), "{} names {:?}", finding.rule_id, why.action);
                assert!(finding.evidence.observed.contains(&why.action), "{}", finding.evidence.observed);
            }
        }
    }

    /// Denies every single reading of a resource in turn, and every pair of them: a verdict may be lost by that, but
    /// never turned around.
    fn never_turns_around<R: Clone>(resources: &[R], readings: &[Deny<R>], judge: impl Fn(&R) -> Vec<Finding>) {
        for resource in resources {
            let full = verdicts(&judge(resource));
            for (index, first) in readings.iter().enumerate() {
                for second in &readings[index..] {
                    let mut poorer = resource.clone();
                    first(&mut poorer);
                    second(&mut poorer);
                    for (key, status) in verdicts(&judge(&poorer)) {
                        let Some(before) = full.get(&key) else { continue };
                        let kept = status == *before || status == Status::InsufficientData;
                        assert!(kept, "{key:?} went from {before} to {status}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_denied_reading_never_turns_a_verdict_around() {
        let policy = fixtures::policy();
        let judge = fixtures::judge(&policy);
        let closed = audit_model::resource::Bucket {
            account_public_access_block: fixtures::public_access_block(true),
            ..fixtures::bad_bucket()
        };
        let buckets = [fixtures::good_bucket(), fixtures::bad_bucket(), closed];
        never_turns_around(&buckets, fixtures::BUCKET_READINGS, |bucket| judge.bucket(bucket));
        let vpcs = [fixtures::good_vpc(), fixtures::bad_vpc()];
        never_turns_around(&vpcs, fixtures::VPC_READINGS, |vpc| judge.vpc(vpc));
        let functions = [fixtures::good_function(), fixtures::bad_function()];
        never_turns_around(&functions, fixtures::FUNCTION_READINGS, |function| judge.function(function));
    }

    #[test]
    fn findings_come_in_order_and_none_twice() {
        for findings in [good(), bad(), unreadable()] {
            for service in Service::ALL {
                let keys: Vec<(&str, &str)> = findings
                    .iter()
                    .filter(|finding| finding.service == service)
                    .map(|finding| (finding.resource.arn.as_str(), finding.rule_id.as_str()))
                    .collect();
                assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{keys:?}");
            }
        }
    }

    #[test]
    fn security_groups_that_cannot_be_read_are_reported_on_the_vpc() {
        let policy = fixtures::policy();
        let denied = Reading::Unreadable(fixtures::denied("ec2:DescribeSecurityGroups"));
        for security_groups in [denied, Reading::Absent, Reading::seen(Vec::new())] {
            let vpc = Vpc { security_groups, ..fixtures::good_vpc() };
            let findings = fixtures::judge(&policy).vpc(&vpc);
            let groups: Vec<&Finding> =
                findings.iter().filter(|finding| finding.status == Status::InsufficientData).collect();
            assert_eq!(groups.len(), 3);
            for finding in groups {
                assert_eq!(finding.resource.resource_type, "AWS::EC2::VPC");
                assert_eq!(finding.missing[0].action, "ec2:DescribeSecurityGroups");
            }
        }
    }

    #[test]
    fn a_finding_carries_rule_resource_and_time() {
        let policy = fixtures::policy();
        let findings = fixtures::judge(&policy).bucket(&fixtures::bad_bucket());
        let finding = findings.iter().find(|finding| finding.rule_id == "s3-bucket-versioning-enabled").unwrap();
        assert_eq!(finding.schema_version, SCHEMA_VERSION);
        assert_eq!((finding.service, finding.severity), (Service::S3, Severity::Low));
        assert_eq!(finding.resource.arn, "arn:aws:s3:::ledger");
        assert_eq!(finding.resource.resource_type, "AWS::S3::Bucket");
        assert_eq!(finding.evidence.observed, "versioning was never switched on");
        assert_eq!(finding.evidence.expected, "Versioning is Enabled");
        assert_eq!(finding.evaluated_at, Timestamp::UNIX_EPOCH);
        assert_eq!(finding.first_seen, None);
        let nist = FrameworkReference { framework: "NIST SP 800-53 r5".to_owned(), control: "CP-9".to_owned() };
        assert!(finding.references.contains(&nist));
    }

    #[test]
    fn one_judgement_is_like_the_next() {
        assert_eq!(good(), good());
        assert_eq!(bad(), bad());
    }
}
