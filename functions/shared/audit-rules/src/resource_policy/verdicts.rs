//! What rules say of random policies, compared with an evaluator of requests: a pass lets through nobody of whom the
//! rule warns, and a violation somebody.

use audit_model::resource::{Bucket, Function, VersionPolicy};
use audit_model::{Policy, Reading, Status};
use proptest::prelude::*;
use serde_json::Value;

use super::properties::{
    Alternatives, CIRCUMSTANCES, Conditioned, Request, Written, allowed, cases, conditions, holds, requests_of,
};
use crate::rule::Check;
use crate::{fixtures, rule};

/// Somebody who asks, by what a request says of them. Of the keys of [`WHO_ASKS`] they have no others.
struct Caller {
    service: Option<&'static str>,
    account: Option<&'static str>,
    keys: Request<'static>,
}

/// The keys that say who asks, or on whose behalf.
const WHO_ASKS: [&str; 11] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principaltag/team",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
];

/// Without a name, and of an account whose organization no policy means, or which has none.
static STRANGERS: [Caller; 3] = [
    Caller { service: None, account: None, keys: &[("aws:principalaccount", &["anonymous"])] },
    Caller {
        service: None,
        account: Some("999999999999"),
        keys: &[
            ("aws:principalaccount", &["999999999999"]),
            ("aws:principalarn", &["arn:aws:iam::999999999999:role/a"]),
            ("aws:principalisawsservice", &["false"]),
            ("aws:principaltag/team", &["red"]),
        ],
    },
    Caller {
        service: None,
        account: Some("999999999999"),
        keys: &[
            ("aws:principalaccount", &["999999999999"]),
            ("aws:principalarn", &["arn:aws:iam::999999999999:user/a"]),
            ("aws:principalorgid", &["o-z9"]),
            ("aws:principalorgpaths", &["o-z9/r-b1/"]),
            ("aws:principalisawsservice", &["false"]),
        ],
    },
];

/// A service on behalf of a stranger, and without a word of on whose behalf.
static DEPUTIES: [Caller; 3] = [
    Caller {
        service: Some("sns.amazonaws.com"),
        account: None,
        keys: &[
            ("aws:principalisawsservice", &["true"]),
            ("aws:principalservicename", &["sns.amazonaws.com"]),
            ("aws:sourceaccount", &["999999999999"]),
            ("aws:sourcearn", &["arn:aws:sns:us-east-1:999999999999:t"]),
            ("aws:sourceorgid", &["o-z9"]),
            ("aws:sourceorgpaths", &["o-z9/r-b1/"]),
        ],
    },
    Caller {
        service: Some("sns.amazonaws.com"),
        account: None,
        keys: &[("aws:principalisawsservice", &["true"]), ("aws:principalservicename", &["sns.amazonaws.com"])],
    },
    // Whoever has an account whose number begins as somebody else's.
    Caller {
        service: Some("sns.amazonaws.com"),
        account: None,
        keys: &[
            ("aws:principalisawsservice", &["true"]),
            ("aws:principalservicename", &["sns.amazonaws.com"]),
            ("aws:sourceaccount", &["444499990000"]),
            ("aws:sourcearn", &["arn:aws:sns:us-east-1:444499990000:t"]),
        ],
    },
];

/// Where a request may come from.
const ADDRESSES: Alternatives = ("aws:sourceip", &[&[], &["198.51.100.1"], &["9.9.9.9"]]);

/// Where else a request may come from, if the places that generated policies name are meant.
const NAMED_PLACES: &[Alternatives] =
    &[("aws:sourcevpc", &[&["vpc-1"], &["vpc-2"]]), ("aws:sourceip", &[&["203.0.113.1"], &["10.0.0.1"]])];

impl Caller {
    /// Whether `Principal` or `NotPrincipal` means them. A star means services, too.
    fn is_meant_by(&self, element: &str) -> bool {
        let element: Value = serde_json::from_str(&format!("{{{element}}}")).unwrap();
        match element.get("NotPrincipal") {
            Some(left_out) => !self.is_named_by(left_out),
            None => self.is_named_by(&element["Principal"]),
        }
    }

    fn is_named_by(&self, principals: &Value) -> bool {
        let names = |kind: &str, name: &str| match &principals[kind] {
            Value::Array(names) => names.iter().any(|each| each == name),
            one => one == name,
        };
        principals == "*"
            || names("AWS", "*")
            || self.account.is_some_and(|account| names("AWS", account))
            || self.service.is_some_and(|service| names("Service", service))
    }

    /// Whether a statement applies to their request, made in these circumstances. `None`: nobody can tell.
    fn meets(&self, statement: &Written, circumstances: &[(&str, &[&str])]) -> Option<bool> {
        let request = [self.keys, circumstances].concat();
        let mut all = self.is_meant_by(statement.principal) && statement.action != OTHER_ACTION;
        for condition in &statement.conditions {
            all &= holds(condition, &request)?;
        }
        Some(all)
    }

    fn gets_through(&self, statements: &[Written], circumstances: &[(&str, &[&str])]) -> Option<bool> {
        allowed(statements, |it| self.meets(it, circumstances))
    }
}

/// All that may come together of those keys that the statements name; `named` brings the places that policies name.
fn circumstances_of(statements: &[Written], named: bool) -> Vec<Vec<(&'static str, &'static [&'static str])>> {
    let places = |key| NAMED_PLACES.iter().filter(move |(of, _)| named && *of == key).flat_map(|(_, more)| *more);
    let all = CIRCUMSTANCES.iter().chain([&ADDRESSES]);
    requests_of(statements, all.map(|(key, values)| (*key, values.iter().chain(places(*key)).copied().collect())))
}

/// What requests of these callers come to, by one of the policies: whether one gets through for certain, and whether
/// one does or nobody can tell.
fn through<'a>(policies: &[Vec<Written>], callers: impl IntoIterator<Item = &'a Caller>, named: bool) -> (bool, bool) {
    let mut found = (false, false);
    for caller in callers {
        for statements in policies {
            for circumstances in circumstances_of(statements, named) {
                let through = caller.gets_through(statements, &circumstances);
                found = (found.0 || through == Some(true), found.1 || through != Some(false));
            }
        }
    }
    found
}

const ANY_ACTION: &str = r#""Action":"*""#;
const OTHER_ACTION: &str = r#""Action":"iam:*""#;
const SNS: &str = r#""Principal":{"Service":"sns.amazonaws.com"}"#;

const TO_ANYONE: &[&str] = &[
    r#""Principal":"*""#,
    r#""Principal":{"AWS":["*","111122223333"]}"#,
    r#""Principal":{"AWS":"111122223333"}"#,
    r#""NotPrincipal":{"AWS":"111122223333"}"#,
    SNS,
];
const TO_SERVICES: &[&str] = &[
    SNS,
    r#""Principal":{"Service":["events.amazonaws.com","sns.amazonaws.com"]}"#,
    r#""Principal":{"AWS":"111122223333"}"#,
];
const FROM: &[&str] = &[
    r#""Principal":"*""#,
    r#""Principal":{"AWS":"999999999999"}"#,
    r#""NotPrincipal":{"AWS":"111122223333"}"#,
    r#""NotPrincipal":{"Service":"sns.amazonaws.com"}"#,
    SNS,
];

fn statement(effect: &'static str, principals: &'static [&'static str]) -> impl Strategy<Value = Written> {
    let action = prop::sample::select(vec![ANY_ACTION, ANY_ACTION, ANY_ACTION, OTHER_ACTION]);
    (prop::sample::select(principals), action, conditions(3)).prop_map(move |(principal, action, conditions)| Written {
        effect,
        principal,
        action,
        resource: r#""Resource":"*""#,
        conditions,
    })
}

/// Some statements that allow something to these, and some that deny it.
fn statements(allowed: &'static [&'static str]) -> impl Strategy<Value = Vec<Written>> {
    let allows = prop::collection::vec(statement("Allow", allowed), 0..3);
    let denies = prop::collection::vec(statement("Deny", FROM), 0..2);
    (allows, denies).prop_map(|(allows, denies)| [allows, denies].concat())
}

/// One Allow, and perhaps a Deny, whose conditions do not contradict each other. What each condition of the Allow asks
/// is met by somebody of those who `may_meet` it.
fn plain(principal: &'static str, may_meet: fn() -> Vec<&'static Caller>) -> impl Strategy<Value = Vec<Written>> {
    (conditions(3), prop::option::of(conditions(2))).prop_map(move |(allowed, denied)| {
        let allow = |conditions| Written { conditions, ..open(principal) };
        let mut asked: Vec<Conditioned> = Vec::new();
        for condition in allowed {
            let (_, is_met) = through(&[vec![allow(vec![condition.clone()])]], may_meet(), true);
            if is_met && asked.iter().all(|known| about(known.1) != about(condition.1)) {
                asked.push(condition);
            }
        }
        // What a condition without values comes to, AWS does not say; and a denial by whose the resource is shuts out all
        // or nobody: the rules take it that it was written for the resource. Services are asked about denials by their
        // sources: that one by other keys may shut out every request of theirs the rules on deputies do not see.
        let is_plain = |(_, key, values): &Conditioned| {
            let is_denied_by = if principal == SNS { OF_SOURCES.contains(key) } else { about(key) != "whose" };
            !values.is_empty() && is_denied_by && asked.iter().all(|asked| about(asked.1) != about(key))
        };
        let denied = denied.filter(|denied| denied.iter().all(is_plain));
        let deny = denied.map(|conditions| Written { effect: "Deny", conditions, ..open(r#""Principal":"*""#) });
        [allow(asked)].into_iter().chain(deny).collect::<Vec<_>>()
    })
}

/// The keys by which a service is bound to a source.
const OF_SOURCES: [&str; 4] = ["aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths"];

/// An Allow of everything.
fn open(principal: &'static str) -> Written {
    Written { effect: "Allow", principal, action: ANY_ACTION, resource: r#""Resource":"*""#, conditions: Vec::new() }
}

/// Two keys about one thing may leave nobody.
fn about(key: &str) -> &str {
    match key {
        "aws:CurrentTime" | "aws:EpochTime" => "when",
        "aws:ResourceOrgID" | "aws:ResourceOrgPaths" => "whose",
        key if key.starts_with("aws:Principal") || key.starts_with("aws:Source") => "who",
        key => key,
    }
}

fn text(statements: &[Written]) -> Reading<String> {
    if statements.is_empty() {
        return Reading::Absent;
    }
    let statements: Vec<String> = statements.iter().map(Written::json).collect();
    Reading::seen(format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(",")))
}

fn audit_policy(trusted_organizations: &[&str]) -> Policy {
    let mut policy = fixtures::policy();
    policy.parameters.trusted_organizations = trusted_organizations.iter().map(ToString::to_string).collect();
    policy.parameters.trusted_accounts = vec![fixtures::TRUSTED_ACCOUNT.to_owned()];
    policy
}

/// What a rule says of a resource that has these policies. A bucket and an endpoint have the first one alone.
fn verdict(rule_id: &str, policies: &[Vec<Written>], trusted_organizations: &[&str]) -> Status {
    let policy = audit_policy(trusted_organizations);
    let first = text(policies.first().map(Vec::as_slice).unwrap_or_default());
    let answer = match rule(rule_id).unwrap().check {
        Check::S3Bucket(evaluate) => evaluate(&Bucket { policy: first, ..fixtures::good_bucket() }, &policy),
        Check::VpcEndpoint(evaluate) => evaluate(&fixtures::endpoint(first), &policy),
        Check::Function(evaluate) => evaluate(&with_policies(policies), &policy),
        _ => panic!("{rule_id} judges no policy"),
    };
    fixtures::status(&answer)
}

/// A function with a policy of its own, and others of its aliases and versions by turns.
fn with_policies(policies: &[Vec<Written>]) -> Function {
    let mut function = Function { policy: Reading::Absent, ..fixtures::good_function() };
    let (mut aliases, mut versions) = (Vec::new(), Vec::new());
    for (number, statements) in policies.iter().enumerate() {
        match number {
            0 => function.policy = text(statements),
            _ if number % 2 == 1 => aliases.push(fixtures::alias_policy(&format!("alias-{number}"), text(statements))),
            _ => versions.push(VersionPolicy { version: number.to_string(), policy: text(statements) }),
        }
    }
    function.aliases = Reading::seen(aliases.iter().map(|alias| alias.alias.clone()).collect());
    function.alias_policies = Reading::seen(aliases);
    function.versions = Reading::seen(versions.iter().map(|version| version.version.clone()).collect());
    function.version_policies = versions;
    function
}

const NOTHING_WRONG: [Status; 2] = [Status::Compliant, Status::NotApplicable];
const BY_STRANGERS: [&str; 3] = [
    "s3-bucket-policy-grantee-restricted",
    "vpc-endpoint-policy-trust-bounded",
    "lambda-function-public-access-prohibited",
];
const BY_DEPUTIES: [&str; 2] =
    ["s3-bucket-service-principals-source-bounded", "lambda-function-service-principals-source-bounded"];

/// A function has several policies, any of which may let somebody in; other resources have one.
fn is_of_functions(rule_id: &str) -> bool {
    rule_id.starts_with("lambda")
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn no_stranger_gets_through_what_passes(
        policies in prop::collection::vec(statements(TO_ANYONE), 1..4),
        trusted in prop::sample::select(vec![&[][..], &["o-a1"], &["o-q7", "o-a1"]]),
    ) {
        for rule_id in BY_STRANGERS {
            let policies = if is_of_functions(rule_id) { &policies[..] } else { &policies[..1] };
            if NOTHING_WRONG.contains(&verdict(rule_id, policies, trusted)) {
                // Public are functions to those who come from elsewhere than from fixed places.
                let (certain, _) = through(policies, &STRANGERS, !is_of_functions(rule_id));
                prop_assert!(!certain, "{} passes, trusting {:?}: {:?}", rule_id, trusted, policies);
            }
        }
    }

    #[test]
    fn somebody_gets_through_what_lets_in_strangers(
        statements in plain(r#""Principal":"*""#, everybody), place in 0_usize..3,
        trusted in prop::sample::select(vec![&[][..], &["o-a1"], &["o-q7"]]),
    ) {
        for rule_id in BY_STRANGERS {
            let policies = at(place, &statements, rule_id);
            if verdict(rule_id, &policies, trusted) == Status::NonCompliant {
                let (_, possible) = through(&policies, everybody(), !is_of_functions(rule_id));
                prop_assert!(possible, "{} is violated, trusting {:?}: {:?}", rule_id, trusted, policies);
            }
        }
    }

    #[test]
    fn no_service_gets_through_for_strangers_where_sources_are_bounded(
        policies in prop::collection::vec(statements(TO_SERVICES), 1..4),
    ) {
        for rule_id in BY_DEPUTIES {
            let policies = if is_of_functions(rule_id) { &policies[..] } else { &policies[..1] };
            if NOTHING_WRONG.contains(&verdict(rule_id, policies, &[])) {
                let (certain, _) = through(policies, &DEPUTIES, true);
                prop_assert!(!certain, "{} passes: {:?}", rule_id, policies);
            }
        }
    }

    #[test]
    fn a_service_gets_through_for_strangers_where_sources_are_not_bounded(
        statements in plain(SNS, deputies), place in 0_usize..3,
    ) {
        for rule_id in BY_DEPUTIES {
            let policies = at(place, &statements, rule_id);
            if verdict(rule_id, &policies, &[]) == Status::NonCompliant {
                let (_, possible) = through(&policies, &DEPUTIES, true);
                prop_assert!(possible, "{} is violated: {:?}", rule_id, policies);
            }
        }
    }
}

/// Statements as one of a function's policies, the others of which let in nobody; or as the only policy.
fn at(place: usize, statements: &[Written], rule_id: &str) -> Vec<Vec<Written>> {
    let mut policies = vec![Vec::new(); if is_of_functions(rule_id) { place } else { 0 }];
    policies.push(statements.to_vec());
    policies
}

fn deputies() -> Vec<&'static Caller> {
    DEPUTIES.iter().collect()
}

fn everybody() -> Vec<&'static Caller> {
    STRANGERS.iter().chain(&DEPUTIES).chain(&NAMED).collect()
}

/// Those whom generated policies name, and who are strangers all the same where nobody trusts them.
static NAMED: [Caller; 3] = [
    Caller {
        service: None,
        account: Some("999999999999"),
        keys: &[
            ("aws:principalaccount", &["999999999999"]),
            ("aws:principalarn", &["arn:aws:iam::999999999999:role/a"]),
            ("aws:principalorgid", &["o-a1"]),
            ("aws:principalorgpaths", &["o-a1/r-b1/"]),
            ("aws:principalisawsservice", &["false"]),
        ],
    },
    Caller {
        service: None,
        account: Some("444455556666"),
        keys: &[
            ("aws:principalaccount", &["444455556666"]),
            ("aws:principalarn", &["arn:aws:iam::444455556666:role/a"]),
            ("aws:principalisawsservice", &["false"]),
        ],
    },
    Caller {
        service: Some("sns.amazonaws.com"),
        account: None,
        keys: &[
            ("aws:principalisawsservice", &["true"]),
            ("aws:principalservicename", &["sns.amazonaws.com"]),
            ("aws:sourceaccount", &["444455556666"]),
            ("aws:sourcearn", &["arn:aws:sns:us-east-1:444455556666:t"]),
            ("aws:sourceorgid", &["o-a1"]),
            ("aws:sourceorgpaths", &["o-a1/r-b1/"]),
        ],
    },
];

#[test]
fn callers_have_no_other_keys_than_those_that_say_who_asks() {
    assert!(everybody().iter().flat_map(|caller| caller.keys).all(|(key, _)| WHO_ASKS.contains(key)));
    assert!(CIRCUMSTANCES.iter().all(|(key, _)| !WHO_ASKS.contains(key)));
}
