//! What holds for every policy: a Deny only takes, an Allow only adds, and conditions narrow whatever they belong to.

use std::cmp::Ordering;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

/// So many cases, unless the variable `PROPTEST_CASES` names another number.
pub(super) fn cases(default: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig::with_cases(asked.unwrap_or(default))
}

/// Operator, key and values of a condition.
pub(super) type Conditioned = (String, &'static str, Vec<&'static str>);

/// A statement to be written as JSON.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) effect: &'static str,
    pub(super) principal: &'static str,
    pub(super) action: &'static str,
    pub(super) resource: &'static str,
    pub(super) conditions: Vec<Conditioned>,
}

impl Written {
    pub(super) fn json(&self) -> String {
        let mut operators = serde_json::Map::new();
        for (operator, key, values) in &self.conditions {
            let keys = operators.entry(operator.as_str()).or_insert_with(|| serde_json::json!({}));
            keys[*key] = serde_json::json!(values);
        }
        let conditions = serde_json::Value::Object(operators);
        let Self { effect, principal, action, resource, .. } = self;
        format!(r#"{{"Effect":"{effect}",{principal},{action},{resource},"Condition":{conditions}}}"#)
    }

    fn with(&self, condition: &Conditioned) -> Self {
        let mut with = self.clone();
        with.conditions = different([self.conditions.clone(), vec![condition.clone()]].concat());
        with
    }
}

/// Without those that would take another one's place in the JSON, not stand beside it.
fn different(conditions: Vec<Conditioned>) -> Vec<Conditioned> {
    let mut different: Vec<Conditioned> = Vec::new();
    for condition in conditions {
        if different.iter().all(|known| (&known.0, known.1) != (&condition.0, condition.1)) {
            different.push(condition);
        }
    }
    different
}

fn rank(statements: &[Written]) -> u8 {
    const KIND: ActionKind = ActionKind::of(&["s3:getobject", "s3:get*", "s3:putobject", "s3:put*"]);
    let resources = ["arn:aws:s3:::b".to_owned(), "arn:aws:s3:::b/?*".to_owned()];
    match exposure(&policy(statements), &Question { actions: KIND, resources: &resources }) {
        Exposure::NotPublic => 0,
        Exposure::Undecided(_) => 1,
        Exposure::Public(_) => 2,
    }
}

fn policy(statements: &[Written]) -> PolicyDocument {
    let statements: Vec<String> = statements.iter().map(Written::json).collect();
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    PolicyDocument::parse(&text, "s3:GetBucketPolicy").unwrap()
}

const TEXT: &[&str] = &["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"];
const ARN: &[&str] = &["ArnEquals", "ArnLike", "ArnNotLike"];
const ADDRESS: &[&str] = &["IpAddress", "NotIpAddress"];
const BOOL: &[&str] = &["Bool"];
const DATE: &[&str] =
    &["DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"];
const NUMBER: &[&str] = &[
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
const ANY: &[&[&str]] = &[TEXT, ARN, ADDRESS, BOOL, DATE, NUMBER, &["Null", "NoSuchOperator"]];

/// Keys, the operators that go with them, and values.
const KEYS: &[(&str, &[&str], &[&str])] = &[
    ("aws:SourceVpc", TEXT, &["vpc-1", "vpc-2", "vpc-*"]),
    ("aws:PrincipalOrgID", TEXT, &["o-a1", "${aws:ResourceOrgID}", "*"]),
    ("aws:PrincipalOrgPaths", TEXT, &["o-a1/r-b1/", "o-a1/*", "*"]),
    ("aws:SourceOrgID", TEXT, &["o-a1", "o-*"]),
    ("aws:SourceOrgPaths", TEXT, &["o-a1/r-b1/", "o-a1/*", "*"]),
    ("aws:SourceAccount", TEXT, &["111122223333", "444455556666", "4444*"]),
    ("aws:SourceArn", ARN, &["arn:aws:sns:us-east-1:444455556666:t", "arn:aws:sns:*:444455556666:*", "arn:aws:sns:*"]),
    ("aws:ResourceOrgID", TEXT, &["o-a1", "o-b2"]),
    ("aws:ResourceOrgPaths", TEXT, &["o-a1/r-b1/", "o-b2/*"]),
    ("aws:PrincipalAccount", TEXT, &["111122223333", "444455556666", "anonymous"]),
    ("aws:PrincipalArn", ARN, &["arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/*", "*"]),
    ("aws:PrincipalServiceName", TEXT, &["s3.amazonaws.com", "*"]),
    ("aws:PrincipalIsAWSService", BOOL, &["true", "false"]),
    ("aws:SourceIp", ADDRESS, &["203.0.113.0/24", "10.0.0.0/8", "0.0.0.0/1", "128.0.0.0/1", "x"]),
    ("aws:SecureTransport", BOOL, &["true", "false"]),
    ("aws:CurrentTime", DATE, &["2020-04-01T00:00:00Z", "2030-01-01T00:00:00Z"]),
    ("aws:EpochTime", DATE, &["1585699200", "2030-01-01T00:00:00Z"]),
    ("s3:max-keys", NUMBER, &["1", "10", "100"]),
    ("s3:signatureAge", NUMBER, &["1000", "600000"]),
    ("aws:PrincipalTag/team", TEXT, &["red", "true"]),
];

/// Most with an operator that goes with the key.
fn condition() -> impl Strategy<Value = Conditioned> {
    let set = prop::sample::select(vec!["", "", "", "ForAnyValue:", "ForAllValues:"]);
    let chosen = (prop::sample::select(KEYS), prop::sample::select(ANY), 0..4);
    let chosen = chosen.prop_flat_map(|((key, fitting, values), any, throw)| {
        let comparison = prop::sample::select(if throw == 0 { any } else { fitting });
        (comparison, Just(key), prop::sample::subsequence(values, 0..=values.len()))
    });
    (set, any::<bool>(), any::<bool>(), chosen).prop_map(|(set, if_exists, is_missing, (comparison, key, values))| {
        if comparison == "Null" {
            return ("Null".to_owned(), key, vec![if is_missing { "true" } else { "false" }]);
        }
        (format!("{set}{comparison}{}", if if_exists { "IfExists" } else { "" }), key, values)
    })
}

pub(super) fn conditions(fewer_than: usize) -> impl Strategy<Value = Vec<Conditioned>> {
    prop::collection::vec(condition(), 0..fewer_than).prop_map(different)
}

fn statement() -> impl Strategy<Value = Written> {
    let effect = prop::sample::select(vec!["Allow", "Deny"]);
    let principal = prop::sample::select(vec![
        r#""Principal":"*""#,
        r#""Principal":"*""#,
        r#""Principal":{"AWS":["*","111122223333"]}"#,
        r#""Principal":{"AWS":"111122223333"}"#,
        r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/*"}"#,
        r#""Principal":{"Federated":"graph.facebook.com"}"#,
        r#""Principal":{"Service":"logging.s3.amazonaws.com"}"#,
        r#""NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:role/a"]}"#,
        r#""NotPrincipal":{"AWS":"*"}"#,
    ]);
    let action = prop::sample::select(vec![
        r#""Action":"s3:*""#,
        r#""Action":"s3:Get*""#,
        r#""Action":["s3:GetObject","s3:PutObject"]"#,
        r#""Action":"s3:PutObject""#,
        r#""Action":"iam:*""#,
        r#""NotAction":"s3:Get*""#,
        r#""NotAction":["iam:*","s3:PutObject"]"#,
    ]);
    let resource = prop::sample::select(vec![
        r#""Resource":"*""#,
        r#""Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]"#,
        r#""Resource":"arn:aws:s3:::b/*""#,
        r#""Resource":"arn:aws:s3:::b/private/*""#,
        r#""Resource":"arn:aws:s3:::b/${aws:username}*""#,
        r#""NotResource":"arn:aws:s3:::b/private/*""#,
        r#""NotResource":"arn:aws:s3:::c*""#,
    ]);
    (effect, principal, action, resource, conditions(3)).prop_map(
        |(effect, principal, action, resource, conditions)| Written { effect, principal, action, resource, conditions },
    )
}

fn statements() -> impl Strategy<Value = Vec<Written>> {
    prop::collection::vec(statement(), 0..5)
}

/// An Allow to everybody of one action on all objects, whose verdict hangs on conditions alone.
fn open(conditions: Vec<Conditioned>) -> Written {
    let (principal, action) = (r#""Principal":"*""#, r#""Action":"s3:GetObject""#);
    Written { effect: "Allow", principal, action, resource: r#""Resource":"arn:aws:s3:::b/*""#, conditions }
}

/// Keys in lower case, each with its values.
pub(super) type Request<'a> = &'a [(&'a str, &'a [&'a str])];

/// A request by somebody whom no generated policy means.
type Stranger = Request<'static>;

/// From the internet without a name, from there with one, through a VPC endpoint of somebody's own.
const STRANGERS: [Stranger; 4] = [
    &[
        ("aws:principalaccount", &["anonymous"]),
        ("aws:sourceip", &["198.51.100.1"]),
        ("aws:securetransport", &["true"]),
        ("aws:currenttime", &["2026-01-01T00:00:00Z"]),
        ("aws:epochtime", &["1767225600"]),
        ("aws:resourceorgid", &["o-b2"]),
        ("s3:max-keys", &["10"]),
    ],
    &[
        ("aws:principalaccount", &["anonymous"]),
        ("aws:sourceip", &["198.51.100.1"]),
        ("aws:securetransport", &["false"]),
        ("aws:currenttime", &["2026-01-01T00:00:00Z"]),
        ("aws:epochtime", &["1767225600"]),
        ("aws:resourceorgid", &["o-b2"]),
        ("s3:max-keys", &["10"]),
    ],
    &[
        ("aws:principalaccount", &["999999999999"]),
        ("aws:principalarn", &["arn:aws:iam::999999999999:role/a"]),
        ("aws:principalorgid", &["o-z9"]),
        ("aws:principalorgpaths", &["o-z9/r-b1/"]),
        ("aws:principalisawsservice", &["false"]),
        ("aws:principaltag/team", &["red"]),
        ("aws:sourceip", &["9.9.9.9"]),
        ("aws:securetransport", &["true"]),
        ("aws:currenttime", &["2026-01-01T00:00:00Z"]),
        ("aws:epochtime", &["1767225600"]),
        ("aws:resourceorgid", &["o-b2"]),
        ("s3:max-keys", &["10"]),
    ],
    &[
        ("aws:principalaccount", &["999999999999"]),
        ("aws:principalarn", &["arn:aws:iam::999999999999:user/a"]),
        ("aws:principalisawsservice", &["false"]),
        ("aws:sourcevpc", &["vpc-9"]),
        ("aws:securetransport", &["true"]),
        ("aws:currenttime", &["2026-01-01T00:00:00Z"]),
        ("aws:epochtime", &["1767225600"]),
        ("aws:resourceorgid", &["o-b2"]),
        ("s3:max-keys", &["10"]),
    ],
];

/// Whether a statement applies to somebody's request to get the object `b/k`. `None`: nobody can tell.
fn applies(written: &Written, request: Request) -> Option<bool> {
    let names_strangers = match written.principal {
        r#""NotPrincipal":{"AWS":"*"}"# => false,
        principal => principal.contains("NotPrincipal") || principal.contains(r#""*""#),
    };
    let action = [
        r#""Action":"s3:*""#,
        r#""Action":"s3:Get*""#,
        r#""Action":"s3:GetObject""#,
        r#""Action":["s3:GetObject","s3:PutObject"]"#,
        r#""NotAction":["iam:*","s3:PutObject"]"#,
    ]
    .contains(&written.action);
    // None of the strangers has a user name, so that the resource with one matches nothing.
    let resource = !written.resource.contains("private/*\"") && !written.resource.contains("${")
        || written.resource.starts_with(r#""NotResource""#);
    let mut all = names_strangers && action && resource;
    for condition in &written.conditions {
        all &= holds(condition, request)?;
    }
    Some(all)
}

/// The evaluation of one condition, as the pages on condition operators and on set operators have it.
pub(super) fn holds((operator, key, values): &Conditioned, request: Request) -> Option<bool> {
    let key = key.to_ascii_lowercase();
    let asked: Option<&[&str]> = request.iter().find(|(known, _)| *known == key).map(|(_, values)| *values);
    let (set, rest) = operator.split_once(':').unwrap_or(("", operator));
    let (comparison, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |rest| (rest, true));
    if comparison == "Null" {
        return Some(values.iter().any(|value| *value == if asked.is_none() { "true" } else { "false" }));
    }
    let negated = comparison.contains("Not");
    let alike = |asked: &str, value: &str| match comparison {
        "StringEquals" | "StringNotEquals" => Some(asked == value),
        "StringLike" | "StringNotLike" | "ArnEquals" | "ArnLike" | "ArnNotLike" => Some(wildcard::covers(value, asked)),
        "Bool" => Some(asked == value),
        "IpAddress" | "NotIpAddress" => {
            let (asked, net) = (asked.parse::<std::net::IpAddr>().ok()?, value.parse::<ipnet::IpNet>().ok()?);
            Some(net.contains(&asked))
        }
        _ if comparison.starts_with("Date") => {
            let (asked, value) = (moment(asked)?, moment(value)?);
            stands(comparison.strip_prefix("Date")?, asked.cmp(&value))
        }
        _ if comparison.starts_with("Numeric") => {
            let (asked, value) = (asked.parse::<i64>().ok()?, value.parse::<i64>().ok()?);
            stands(comparison.strip_prefix("Numeric")?, asked.cmp(&value))
        }
        _ => None,
    };
    let passes = |asked: &str| {
        let matches: Option<Vec<bool>> = values.iter().map(|value| alike(asked, value)).collect();
        matches.map(|matches| matches.contains(&true) != negated)
    };
    let Some(asked) = asked else {
        return Some(if_exists || set == "ForAllValues" || (negated && set != "ForAnyValue"));
    };
    let all: Option<Vec<bool>> = asked.iter().map(|asked| passes(asked)).collect();
    all.map(|all| if set == "ForAllValues" { !all.contains(&false) } else { all.contains(&true) })
}

/// Whether a value of a request stands to that of a condition as an operator for dates or numbers says. Of a negated
/// operator: whether it is the very value that must not be.
fn stands(operator: &str, order: Ordering) -> Option<bool> {
    match operator {
        "LessThan" => Some(order.is_lt()),
        "LessThanEquals" => Some(order.is_le()),
        "GreaterThan" => Some(order.is_gt()),
        "GreaterThanEquals" => Some(order.is_ge()),
        "Equals" | "NotEquals" => Some(order.is_eq()),
        _ => None,
    }
}

/// A date as a text or in seconds since 1970.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()))
}

/// Whether a policy lets a request through; `None` where a statement that matters cannot be evaluated.
fn lets_through(statements: &[Written], request: Request) -> Option<bool> {
    allowed(statements, |it| applies(it, request))
}

/// Whether an Allow applies and no Deny does; `None` where nobody can tell of one.
pub(super) fn allowed(statements: &[Written], applies: impl Fn(&Written) -> Option<bool>) -> Option<bool> {
    let any = |effect: &str| {
        let of_effect = statements.iter().filter(|it| it.effect == effect).map(&applies);
        of_effect.collect::<Option<Vec<bool>>>().map(|applies| applies.contains(&true))
    };
    Some(any("Allow")? && !any("Deny")?)
}

/// A key in lower case, and what a request may have of it, or nothing.
pub(super) type Alternatives = (&'static str, &'static [&'static [&'static str]]);

/// Of the keys that say nothing of who asks, but for the address.
pub(super) const CIRCUMSTANCES: &[Alternatives] = &[
    ("aws:sourcevpc", &[&[], &["vpc-9"]]),
    ("aws:resourceorgid", &[&[], &["o-a1"], &["o-b2"], &["o-c3"]]),
    ("aws:resourceorgpaths", &[&[], &["o-a1/r-b1/"], &["o-b2/r-b1/"], &["o-c3/r-b1/"]]),
    ("aws:securetransport", &[&["true"], &["false"]]),
    (
        "aws:currenttime",
        &[
            &["2019-01-01T00:00:00Z"],
            &["2020-04-01T00:00:00Z"],
            &["2026-01-01T00:00:00Z"],
            &["2030-01-01T00:00:00Z"],
            &["2031-01-01T00:00:00Z"],
        ],
    ),
    ("aws:epochtime", &[&["1546300800"], &["1585699200"], &["1767225600"], &["1893456000"], &["1924992000"]]),
    ("s3:max-keys", &[&[], &["0"], &["1"], &["5"], &["10"], &["50"], &["100"], &["500"]]),
    ("s3:signatureage", &[&[], &["1"], &["1000"], &["5000"], &["600000"], &["700000"]]),
];

/// Of the other keys, where nobody is meant whom a policy could mean.
const OF_STRANGERS: &[Alternatives] = &[
    ("aws:principalorgid", &[&[], &["o-z9"]]),
    ("aws:principalorgpaths", &[&[], &["o-z9/r-b1/"]]),
    ("aws:sourceorgid", &[&[], &["o-z9"]]),
    ("aws:sourceorgpaths", &[&[], &["o-z9/r-b1/"]]),
    ("aws:sourceaccount", &[&[], &["999999999999"], &["444499990000"]]),
    ("aws:sourcearn", &[&[], &["arn:aws:sns:us-east-1:999999999999:t"]]),
    ("aws:principalaccount", &[&["anonymous"], &["999999999999"]]),
    ("aws:principalarn", &[&[], &["arn:aws:iam::999999999999:role/a"]]),
    ("aws:principalservicename", &[&[], &["sns.amazonaws.com"]]),
    ("aws:principalisawsservice", &[&[], &["true"], &["false"]]),
    ("aws:sourceip", &[&[], &["198.51.100.1"], &["9.9.9.9"], &["2a00::1"]]),
    ("aws:principaltag/team", &[&[], &["red"], &["true"], &["blue"]]),
];

/// All requests that are made up of these. Only keys that the statements name are tried out.
pub(super) fn requests_of<'a>(
    statements: &[Written],
    alternatives: impl IntoIterator<Item = (&'a str, Vec<&'a [&'a str]>)>,
) -> Vec<Vec<(&'a str, &'a [&'a str])>> {
    let is_named = |key: &str| {
        statements.iter().flat_map(|it| &it.conditions).any(|(_, named, _)| named.eq_ignore_ascii_case(key))
    };
    let mut requests = vec![Vec::new()];
    for (key, alternatives) in alternatives.into_iter().filter(|(key, _)| is_named(key)) {
        let mut longer = Vec::new();
        for (request, values) in requests.iter().flat_map(|it| alternatives.iter().map(move |values| (it, *values))) {
            let mut request: Vec<(&str, &[&str])> = Vec::clone(request);
            request.extend((!values.is_empty()).then_some((key, values)));
            longer.push(request);
        }
        requests = longer;
    }
    requests
}

/// Whether one of the requests that are made up of these gets through, or nobody can tell of one.
fn any_gets_through(statements: &[Written], alternatives: &[(&str, Vec<Vec<&str>>)]) -> bool {
    let alternatives = alternatives.iter().map(|(key, values)| (*key, values.iter().map(Vec::as_slice).collect()));
    requests_of(statements, alternatives).iter().any(|request| lets_through(statements, request) != Some(false))
}

fn of_strangers() -> Vec<(&'static str, Vec<Vec<&'static str>>)> {
    let all = OF_STRANGERS.iter().chain(CIRCUMSTANCES);
    all.map(|(key, values)| (*key, values.iter().map(|values| values.to_vec()).collect())).collect()
}

/// The same, with whatever policies name; and of the keys that say who somebody is, only what they have.
fn of<'a>(who: &'a Outsider, arn: &'a str, path: &'a str) -> Vec<(&'a str, Vec<Vec<&'a str>>)> {
    let own: Vec<(&str, &str)> = match who {
        Outsider::Account(id) => {
            vec![("aws:principalaccount", id), ("aws:principalarn", arn), ("aws:sourceaccount", id)]
        }
        Outsider::Organization(organization) => vec![
            ("aws:principalorgid", &organization.id),
            ("aws:sourceorgid", &organization.id),
            ("aws:principalorgpaths", path),
            ("aws:sourceorgpaths", path),
        ],
        _ => Vec::new(),
    };
    let mut alternatives: Vec<(&str, Vec<Vec<&str>>)> = of_strangers();
    for (key, values) in &mut alternatives {
        let named = KEYS.iter().find(|(named, ..)| named.eq_ignore_ascii_case(key));
        let named = named.into_iter().flat_map(|(_, _, named)| named.iter());
        let is_of_a_range = matches!(*key, "aws:sourceip" | "aws:epochtime");
        let is_a_value = |value: &&&str| !is_of_a_range && !value.contains(['*', '$']);
        values.extend(named.filter(is_a_value).map(|value| vec![*value]));
        if let Some((_, value)) = own.iter().find(|(its, _)| its == key) {
            // Of an organization or account is who asks, or on whose behalf a service asks.
            let absent = (matches!(who, Outsider::Organization(_)) || key.starts_with("aws:source")).then(Vec::new);
            *values = [vec![*value]].into_iter().chain(absent).collect();
        }
    }
    alternatives
}

/// Without a second condition on one thing, and without those that nobody at all meets: what contradicts itself is public
/// by what it names, and lets in nobody.
fn consistent(conditions: Vec<Conditioned>) -> Vec<Conditioned> {
    let mut different: Vec<Conditioned> = Vec::new();
    for condition in conditions {
        let is_met = any_gets_through(&[open(vec![condition.clone()])], &of(&Outsider::Anyone, "", ""));
        if is_met && different.iter().all(|known| about(known.1) != about(condition.1)) {
            different.push(condition);
        }
    }
    different
}

/// An ARN names its account, and a path its organization; one of those is who asks, or on whose behalf a service asks.
fn about(key: &str) -> &str {
    match key {
        "aws:PrincipalArn" | "aws:SourceAccount" | "aws:SourceArn" => "aws:PrincipalAccount",
        "aws:PrincipalOrgPaths" | "aws:SourceOrgID" | "aws:SourceOrgPaths" => "aws:PrincipalOrgID",
        "aws:ResourceOrgPaths" => "aws:ResourceOrgID",
        "aws:EpochTime" => "aws:CurrentTime",
        key => key,
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn one_more_allow_never_closes_and_one_more_deny_never_opens(statements in statements(), one_more in statement()) {
        let before = rank(&statements);
        let allows = one_more.effect == "Allow";
        let after = rank(&[statements, vec![one_more]].concat());
        prop_assert!(if allows { after >= before } else { after <= before }, "from {} to {}", before, after);
    }

    #[test]
    fn one_more_deny_never_opens_what_conditions_leave(
        conditions in conditions(2), denials in prop::collection::vec(statement(), 1..3),
    ) {
        let deny = |mut written: Written| { written.effect = "Deny"; written };
        let denials: Vec<Written> = denials.into_iter().map(deny).collect();
        let allow = vec![open(conditions)];
        prop_assert!(rank(&[allow.clone(), denials].concat()) <= rank(&allow));
    }

    #[test]
    fn a_deny_without_conditions_leaves_nothing(conditions in conditions(3)) {
        let deny = Written { effect: "Deny", ..open(Vec::new()) };
        prop_assert_eq!(rank(&[open(conditions), deny]), 0);
    }

    #[test]
    fn the_order_of_statements_does_not_matter(
        (forth, back) in statements().prop_flat_map(|statements| {
            (Just(statements.clone()), Just(statements).prop_shuffle())
        }),
    ) {
        prop_assert_eq!(rank(&forth), rank(&back));
    }

    #[test]
    fn one_more_condition_never_widens_an_allow_and_never_narrows_by_a_deny(
        statements in statements(), changed in statement(), condition in condition(),
    ) {
        let of = |changed: Written| rank(&[statements.clone(), vec![changed]].concat());
        let (before, after) = (of(changed.clone()), of(changed.with(&condition)));
        let stays = if changed.effect == "Allow" { after <= before } else { after >= before };
        prop_assert!(stays, "from {} to {}", before, after);
    }

    #[test]
    fn if_exists_never_narrows_an_allow((operator, key, values) in condition()) {
        let bare = operator.trim_end_matches("IfExists").to_owned();
        if !bare.ends_with("Null") {
            let lenient = open(vec![(format!("{bare}IfExists"), key, values.clone())]);
            prop_assert!(rank(&[lenient]) >= rank(&[open(vec![(bare, key, values)])]));
        }
    }

    #[test]
    fn no_stranger_gets_through_what_is_not_public(
        statements in statements(),
        allowed in conditions(3),
        denied in conditions(3),
    ) {
        let denial = Written { effect: "Deny", ..open(denied) };
        let by_conditions = [vec![open(allowed.clone())], vec![open(allowed), denial.clone()], vec![open(Vec::new()), denial]];
        for statements in by_conditions.into_iter().chain([statements]) {
            if rank(&statements) == 0 {
                for request in STRANGERS {
                    prop_assert_ne!(lets_through(&statements, request), Some(true), "{:?}", statements);
                }
            }
        }
    }

    #[test]
    fn no_stranger_gets_through_what_lets_in_trusted_ones_only(
        statements in statements(), allowed in conditions(3), denied in conditions(3),
    ) {
        let resources = ["arn:aws:s3:::b".to_owned(), "arn:aws:s3:::b/?*".to_owned()];
        let question = Question { actions: ActionKind::of(&["s3:getobject"]), resources: &resources };
        let denial = Written { effect: "Deny", ..open(denied) };
        let trusted = |who: &Outsider| match who {
            Outsider::Organization(organization) => organization.is_trusted,
            Outsider::Service(_) | Outsider::Services => true,
            _ => false,
        };
        for statements in [vec![open(allowed.clone())], vec![open(allowed), denial.clone()], vec![open(Vec::new()), denial], statements] {
            let policy = policy(&statements).trusting(&["o-a1".to_owned()]);
            let found = audience(&policy, "111122223333", &question);
            if found.undecided.is_empty() && found.outsiders.keys().all(trusted) {
                for request in STRANGERS {
                    prop_assert_ne!(lets_through(&statements, request), Some(true), "{:?}", statements);
                }
            }
        }
    }

    #[test]
    fn one_more_deny_makes_no_outsider(statements in statements(), denied in statement()) {
        let denied = Written { effect: "Deny", ..denied };
        let resources = ["arn:aws:s3:::b".to_owned(), "arn:aws:s3:::b/?*".to_owned()];
        let question = Question { actions: ActionKind::of(&["s3:getobject"]), resources: &resources };
        let of = |statements: &[Written]| audience(&policy(statements), "111122223333", &question);
        let before = of(&statements);
        let after = of(&[statements, vec![denied]].concat());
        if before.undecided.is_empty() && before.outsiders.is_empty() {
            prop_assert_eq!(before, after);
        }
    }

    #[test]
    fn what_lets_in_the_public_lets_in_an_outsider(statements in statements()) {
        let resources = ["arn:aws:s3:::b".to_owned(), "arn:aws:s3:::b/?*".to_owned()];
        let question = Question { actions: ActionKind::of(&["s3:getobject"]), resources: &resources };
        let policy = policy(&statements);
        let is_public = matches!(exposure(&policy, &question), Exposure::Public(_));
        let outsiders = audience(&policy, "111122223333", &question).outsiders;
        prop_assert_eq!(is_public, outsiders.contains_key(&Outsider::Anyone));
    }

    #[test]
    fn no_text_stops_the_reader(text in ".{0,200}", tail in r#"[\[\]{}":,a-zA-Z*]{0,80}"#) {
        for text in [text.clone(), format!(r#"{{"Statement":[{{"Effect":"Allow",{tail}"#), format!("{text}{tail}")] {
            prop_assert!(PolicyDocument::parse(&text, "s3:GetBucketPolicy").is_err());
        }
    }

    #[test]
    fn no_value_stops_the_judge(written in r"[\x00-\x7f£$\{\}*?:/]{0,40}", key in "(aws|s3|lambda):[A-Za-z/]{0,20}") {
        let text = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": written, "Resource": written,
                "Condition": {"StringLike": {&key: written}, "IpAddress": {"aws:SourceIp": written}}},
            {"Effect": "Deny", "Principal": {"AWS": written}, "NotAction": written, "NotResource": written},
        ]});
        let policy = PolicyDocument::parse(&text.to_string(), "s3:GetBucketPolicy").unwrap();
        exposure(&policy, &Question { actions: ActionKind::ALL, resources: &["*".to_owned()] });
    }
}

// Each of these tries out many requests.
proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn some_stranger_gets_through_what_is_public(conditions in conditions(4)) {
        let mut conditions = consistent(conditions);
        let denied = if conditions.len() > 2 { conditions.pop() } else { None };
        let denial = denied.map(|denied| Written { effect: "Deny", ..open(vec![denied]) });
        let statements: Vec<Written> = [open(conditions)].into_iter().chain(denial).collect();
        if rank(&statements) == 2 {
            prop_assert!(any_gets_through(&statements, &of_strangers()), "{:?}", statements);
        }
    }

    #[test]
    fn whoever_is_an_outsider_gets_through(conditions in conditions(3)) {
        let statements = [open(consistent(conditions))];
        let resources = ["arn:aws:s3:::b".to_owned(), "arn:aws:s3:::b/?*".to_owned()];
        let question = Question { actions: ActionKind::of(&["s3:getobject"]), resources: &resources };
        let policy = policy(&statements).trusting(&["o-a1".to_owned()]);
        for who in audience(&policy, "111122223333", &question).outsiders.into_keys() {
            let (arn, path) = match &who {
                Outsider::Account(id) => (format!("arn:aws:iam::{id}:role/a"), String::new()),
                Outsider::Organization(organization) => (String::new(), format!("{}/r-b1/", organization.id)),
                Outsider::Anyone => (String::new(), String::new()),
                _ => continue,
            };
            prop_assert!(any_gets_through(&statements, &of(&who, &arn, &path)), "{} by {:?}", who, statements);
        }
    }
}
