//! The rules of the AWS Resource Tagging Standard: one a type of resource, and all of them one question. They are off until
//! the audit policy switches the standard on.

use audit_model::{Policy, Reading, Severity, Tags, Unreadable};

use crate::frameworks::{Control, resource_tagging};
use crate::listing::first_of;
use crate::parameter::RESOURCE_TAGGING_KEYS;
use crate::rule::{Check, Outcome, Rule};

/// In the order of the controls.
pub(crate) const RULES: &[&Rule] = &[
    &tagged(
        "ec2-network-interface-tagged",
        "Network interface that users manage is tagged",
        &[resource_tagging::EC2_35],
        &["ec2:DescribeNetworkInterfaces"],
        Check::NetworkInterface(|it, policy| judge(&it.tags, policy)),
    ),
    &tagged(
        "ec2-eip-tagged",
        "Elastic IP address is tagged",
        &[resource_tagging::EC2_37],
        &["ec2:DescribeAddresses"],
        Check::ElasticIp(|it, policy| judge(&it.tags, policy)),
    ),
    &tagged(
        "ec2-network-acl-tagged",
        "Network ACL is tagged",
        &[resource_tagging::EC2_41],
        &["ec2:DescribeNetworkAcls"],
        Check::NetworkAcl(|it, policy| judge(&it.tags, policy)),
    ),
    &tagged(
        "ec2-route-table-tagged",
        "Route table is tagged",
        &[resource_tagging::EC2_42],
        &["ec2:DescribeRouteTables"],
        Check::RouteTable(|it, policy| judge(&it.tags, policy)),
    ),
    &tagged(
        "ec2-security-group-tagged",
        "Security group is tagged",
        &[resource_tagging::EC2_43],
        &["ec2:DescribeSecurityGroups"],
        Check::SecurityGroup(|it, policy| judge(&it.tags, policy)),
    ),
    &tagged(
        "ec2-subnet-tagged",
        "Subnet is tagged",
        &[resource_tagging::EC2_44],
        &["ec2:DescribeSubnets"],
        Check::Subnet(|it, policy| judge(&it.tags, policy)),
    ),
    &tagged(
        "ec2-vpc-tagged",
        "VPC is tagged",
        &[resource_tagging::EC2_46],
        &["ec2:DescribeVpcs"],
        Check::Vpc(|it, policy| judge(&it.tags, policy)),
    ),
    &tagged(
        "ec2-vpc-endpoint-service-tagged",
        "VPC endpoint service is tagged",
        &[resource_tagging::EC2_47],
        &["ec2:DescribeVpcEndpointServiceConfigurations"],
        Check::EndpointService(|it, policy| judge(&it.tags, policy)),
    ),
    &tagged(
        "ec2-vpc-peering-connection-tagged",
        "VPC peering connection is tagged",
        &[resource_tagging::EC2_49],
        &["ec2:DescribeVpcPeeringConnections"],
        Check::PeeringConnection(|it, policy| {
            if it.is_gone() { Ok(gone("connection", &it.status)) } else { judge(&it.tags, policy) }
        }),
    ),
    &tagged(
        "ec2-transit-gateway-tagged",
        "Transit gateway is tagged",
        &[resource_tagging::EC2_52],
        &["ec2:DescribeTransitGateways"],
        Check::TransitGateway(
            |it, policy| {
                if it.is_gone() { Ok(gone("gateway", &it.state)) } else { judge(&it.tags, policy) }
            },
        ),
    ),
    &Rule {
        cli: "aws lambda tag-resource --resource FUNCTION_ARN --tags KEY=VALUE",
        documentation: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html",
        ..tagged(
            "lambda-function-tagged",
            "Lambda function is tagged",
            &[resource_tagging::LAMBDA_6],
            &["lambda:GetFunction"],
            Check::Function(|it, policy| judge(&it.tags, policy)),
        )
    },
];

/// A rule of the standard; what it does not say itself is that of a resource of Amazon EC2.
const fn tagged(
    id: &'static str,
    title: &'static str,
    references: &'static [Control],
    reads: &'static [&'static str],
    check: Check,
) -> Rule {
    Rule {
        id,
        title,
        severity: Severity::Low,
        rationale: "Without tags nobody can tell what a resource is for, who answers for it and who pays for it, and policies \
            that decide by tags who may touch it do not reach it.",
        expected: "Every tag key that the audit policy names for the standard, or, where it names none, any; keys that begin \
            with aws: do not count",
        remediation: "Tag the resource. Tag keys are case-sensitive; a value is not asked for.",
        console: "In the AWS Resource Groups console, open Tag Editor, search for the resource by region and type, choose it, \
            then Manage tags of selected resources. Add the keys and apply.",
        cli: "aws ec2 create-tags --resources RESOURCE_ID --tags Key=KEY,Value=VALUE",
        documentation: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags_Console.html",
        parameters: &[RESOURCE_TAGGING_KEYS],
        references,
        reads,
        remediable: false,
        check,
        source: file!(),
    }
}

/// What stands before the keys of tags that AWS sets.
const OF_AWS: &str = "aws:";

/// Judges a resource's tags as all controls of the standard do, for instance
/// <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-43>.
///
/// # Errors
/// The tags could not be read.
fn judge(tags: &Reading<Tags>, policy: &Policy) -> Result<Outcome, Unreadable> {
    let none = Tags::new();
    let tags = tags.known()?.unwrap_or(&none);
    let keys: Vec<&String> = tags.keys().filter(|key| !key.starts_with(OF_AWS)).collect();
    let required = &policy.parameters.resource_tagging_keys;
    let missing: Vec<&String> = required.iter().filter(|key| !keys.contains(key)).collect();
    Ok(if keys.is_empty() {
        Outcome::non_compliant(if tags.is_empty() { "no tag" } else { "no tag but those that AWS sets" })
    } else if missing.is_empty() {
        let named = if required.is_empty() { first_of(&keys) } else { first_of(required) };
        Outcome::compliant(format!("tagged with {named}"))
    } else {
        Outcome::non_compliant(format!("not tagged with {}", first_of(&missing)))
    })
}

/// What is no more cannot be tagged.
fn gone(what: &str, state: &str) -> Outcome {
    Outcome::not_applicable(format!("the {what} is {state}"))
}

#[cfg(test)]
mod tests {
    use audit_model::resource::{NetworkAccount, PeeringConnection, TransitGateway};
    use audit_model::{Finding, Status};
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures;
    use crate::frameworks::{Control, Framework};

    fn with<K: AsRef<str>>(keys: &[K]) -> Reading<Tags> {
        Reading::seen(keys.iter().map(|key| (key.as_ref().to_owned(), String::new())).collect())
    }

    fn requiring<K: AsRef<str>>(keys: &[K]) -> Policy {
        let mut policy = fixtures::policy();
        policy.parameters.resource_tagging_keys = keys.iter().map(|key| key.as_ref().to_owned()).collect();
        policy
    }

    /// "The control fails if the security group doesn't have any tag keys or if it doesn't have all the keys specified in the
    /// parameter `requiredTagKeys`. If the parameter `requiredTagKeys` isn't provided, the control only checks for the existence
    /// of a tag key and fails if the security group isn't tagged with any key. System tags, which are automatically applied and
    /// begin with `aws:`, are ignored." And: "Tag keys are case sensitive."
    /// <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-43>
    #[test]
    fn tags_are_judged_as_aws_describes_it() {
        const STACK: &str = "aws:cloudformation:stack-name";
        // (keys of the resource, keys that the policy asks for, whether that passes, what was observed)
        let cases: [(&[&str], &[&str], bool, &str); 12] = [
            (&[], &[], false, "no tag"),
            (&["Name"], &[], true, "tagged with Name"),
            (&[STACK], &[], false, "no tag but those that AWS sets"),
            (&[STACK, "Name"], &[], true, "tagged with Name"),
            (&["AWS", "awsome"], &[], true, "tagged with AWS, awsome"),
            (&[], &["Owner"], false, "no tag"),
            (&[STACK], &["Owner"], false, "no tag but those that AWS sets"),
            (&["Name"], &["Owner"], false, "not tagged with Owner"),
            (&["owner", "OWNER"], &["Owner"], false, "not tagged with Owner"),
            (&["Name", "Owner"], &["Owner"], true, "tagged with Owner"),
            (&["Owner"], &["Team", "Owner", "Cost"], false, "not tagged with Team, Cost"),
            (&["Owner", "Team", "Cost"], &["Team", "Owner", "Cost"], true, "tagged with Team, Owner, Cost"),
        ];
        for (keys, required, passes, observed) in cases {
            let expected = if passes { Outcome::compliant(observed) } else { Outcome::non_compliant(observed) };
            assert_eq!(judge(&with(keys), &requiring(required)), Ok(expected), "{keys:?} {required:?}");
        }
        assert_eq!(judge(&Reading::Absent, &requiring::<&str>(&[])), Ok(Outcome::non_compliant("no tag")));
        // Another parameter than that of the rules on required tags.
        assert_eq!(
            judge(&with(&["Name"]), &fixtures::policy_requiring(&["Owner"])),
            judge(&with(&["Name"]), &requiring::<&str>(&[]))
        );
    }

    proptest! {
        /// Of keys many of which are each other's beginning or other case.
        #[test]
        fn a_tag_of_aws_changes_nothing_and_another_one_is_never_a_fault(
            keys in prop::collection::vec("(aws:)?[Aa][Ww]?", 0..5),
            required in prop::collection::vec("[Aa][Ww]?", 0..4),
            added in "[Aa][Ww]?",
        ) {
            let passes = |keys: &[String], required: &[String]| {
                matches!(judge(&with(keys), &requiring(required)), Ok(Outcome::Compliant { .. }))
            };
            let passed = passes(&keys, &required);
            let and = |key: String| [keys.as_slice(), &[key]].concat();
            prop_assert_eq!(passes(&and(format!("aws:{added}")), &required), passed);
            prop_assert!(!passed || passes(&and(added), &required));
            // All that is asked for is asked for one by one, and some tag in any case.
            let one_by_one = required.iter().all(|key| passes(&keys, std::slice::from_ref(key)));
            prop_assert_eq!(passed, one_by_one && passes(&keys, &[]));
            // What the resource was tagged with for the policy's sake is missed without it.
            for key in &required {
                let without: Vec<String> = keys.iter().filter(|it| *it != key).cloned().collect();
                prop_assert!(!passes(&without, &required), "{key}");
            }
        }
    }

    #[test]
    fn tags_that_could_not_be_read_are_no_missing_tags() {
        let denied = fixtures::unreadable("lambda:ListTags");
        for policy in [requiring::<&str>(&[]), requiring(&["Owner"])] {
            assert_eq!(judge(&denied, &policy), Err(fixtures::denied("lambda:ListTags")));
        }
    }

    /// States that these go through before EC2 forgets them:
    /// <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html>,
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TransitGateway.html>
    #[test]
    fn what_is_no_more_need_not_be_tagged() {
        let policy = fixtures::policy();
        let of = |findings: Vec<Finding>, rule: &str| {
            let finding = findings.into_iter().find(|finding| finding.rule_id == rule).unwrap();
            (finding.status, finding.evidence.observed)
        };
        let judge = |account: &NetworkAccount| -> Vec<Finding> {
            fixtures::judge(&policy).network(&[], Some(account)).flatten().collect()
        };
        for (status, gone) in [
            ("pending-acceptance", false),
            ("provisioning", false),
            ("active", false),
            ("initiating-request", false),
            ("expired", true),
            ("failed", true),
            ("rejected", true),
            ("deleting", true),
            ("deleted", true),
        ] {
            let mut account = fixtures::bad_network_account();
            let connection = PeeringConnection { status: status.to_owned(), ..fixtures::peering_connection(&[]) };
            account.peering_connections = Reading::seen(vec![connection]);
            let expected = match gone {
                true => (Status::NotApplicable, format!("the connection is {status}").into()),
                false => (Status::NonCompliant, "no tag".into()),
            };
            assert_eq!(of(judge(&account), "ec2-vpc-peering-connection-tagged"), expected);
        }
        for (state, gone) in
            [("pending", false), ("available", false), ("modifying", false), ("deleting", true), ("deleted", true)]
        {
            let mut account = fixtures::bad_network_account();
            let gateway = TransitGateway { state: state.to_owned(), ..fixtures::transit_gateway("disable") };
            account.transit_gateways = Reading::seen(vec![gateway]);
            let expected = match gone {
                true => (Status::NotApplicable, format!("the gateway is {state}").into()),
                false => (Status::NonCompliant, "no tag".into()),
            };
            assert_eq!(of(judge(&account), "ec2-transit-gateway-tagged"), expected);
        }
    }

    #[test]
    fn the_rules_are_those_of_the_standard_one_a_control_and_one_a_type() {
        let mut types: Vec<&str> = RULES.iter().map(|rule| rule.check.resource_type()).collect();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), RULES.len());
        let covered =
            Framework::ResourceTagging.controls().iter().map(Control::rules).filter(|rules| !rules.is_empty());
        let covered: Vec<Vec<&str>> = covered.map(|rules| rules.iter().map(|rule| rule.id).collect()).collect();
        assert_eq!(covered, RULES.iter().map(|rule| vec![rule.id]).collect::<Vec<_>>());
    }

    #[test]
    fn they_are_off_until_the_policy_switches_the_standard_on() {
        let mut policy = fixtures::policy();
        policy.frameworks.resource_tagging = false;
        let (vpc, account) = (fixtures::bad_vpc(), fixtures::bad_network_account());
        let found = |policy: &Policy| -> Vec<String> {
            let judge = fixtures::judge(policy);
            let network = judge.network(std::slice::from_ref(&vpc), Some(&account)).flatten();
            let findings = network.chain(judge.function(&fixtures::bad_function()));
            let mut rules: Vec<String> = findings.map(|finding| finding.rule_id.to_string()).collect();
            rules.sort_unstable();
            rules.dedup();
            rules
        };
        let off = found(&policy);
        let told = crate::in_force(&policy).into_iter().filter(|(_, rule)| !rule.enabled);
        assert_eq!(told.count(), RULES.len());
        policy.frameworks.resource_tagging = true;
        let mut on = found(&policy);
        on.retain(|rule| !off.contains(rule));
        let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        assert_eq!(on, ids);
        // With the standard on, a rule can be off for itself.
        policy.rules.insert(
            "ec2-subnet-tagged".to_owned(),
            audit_model::policy::RuleSetting { enabled: false, severity: None },
        );
        assert!(!found(&policy).contains(&"ec2-subnet-tagged".to_owned()));
    }
}
