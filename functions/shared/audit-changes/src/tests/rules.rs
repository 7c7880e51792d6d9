//! `infrastructure/change-events.json`, from which the CDK makes the `EventBridge` rules, written from the table. `make
//! change-events` writes it anew; the test here fails when it would write another.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};

use serde_json::{Map, Value, json};

use crate::Ourselves;
use crate::call::{Call, Kind, Rule};
use crate::calls::calls;
use crate::change::{NAMED, at};

/// Set, to anything, it has the file written instead of compared.
const WRITE: &str = "WRITE_CHANGE_EVENTS";

/// Characters of a pattern: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>
const PATTERN: usize = 2_048;

/// Paths and characters of an input transformer:
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html>
const PATHS: usize = 100;
const TEMPLATE: usize = 8_192;

/// Bytes of an execution's input: <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const INPUT: usize = 262_144;

/// Events that start one execution together at most.
const BATCH: usize = 100;

/// What is kept of every event: the variable, the path, the place in what is left, and how long it is at most.
///
/// Each is put between quotation marks, so that a path that an event lacks leaves an empty text. `EventBridge` escapes
/// nothing: nothing is kept that may contain a quotation mark or a backslash, which is why the ARN of a principal is not. The
/// path of an IAM user's may have either, and who chooses it could write into the event who made the call.
const KEPT: &[(&str, &str, &str, usize)] = &[
    ("account", "account", "account", 12),
    ("id", "detail.eventID", "detail.eventID", 36),
    ("time", "detail.eventTime", "detail.eventTime", 24),
    ("source", "detail.eventSource", "detail.eventSource", 32),
    ("name", "detail.eventName", "detail.eventName", 64),
    ("region", "detail.awsRegion", "detail.awsRegion", 24),
    ("address", "detail.sourceIPAddress", "detail.sourceIPAddress", 128),
    ("type", "detail.userIdentity.type", "detail.userIdentity.type", 32),
    ("principal", "detail.userIdentity.principalId", "detail.userIdentity.principalId", 128),
    ("home", "detail.userIdentity.accountId", "detail.userIdentity.accountId", 12),
    ("user", "detail.userIdentity.userName", "detail.userIdentity.userName", 64),
    ("service", "detail.userIdentity.invokedBy", "detail.userIdentity.invokedBy", 128),
    (
        "role",
        "detail.userIdentity.sessionContext.sessionIssuer.userName",
        "detail.userIdentity.sessionContext.sessionIssuer.userName",
        64,
    ),
    ("owner", "detail.resources[0].accountId", "detail.owner", 12),
];

const RULES: [Rule; 8] = [
    Rule::S3,
    Rule::DirectoryBuckets,
    Rule::Trails,
    Rule::Filters,
    Rule::Networks,
    Rule::Connections,
    Rule::NetworkTags,
    Rule::Lambda,
];

fn name(rule: Rule) -> &'static str {
    match rule {
        Rule::S3 => "changed-buckets",
        Rule::DirectoryBuckets => "changed-directory-buckets",
        Rule::Trails => "changed-trails",
        Rule::Filters => "changed-network-filters",
        Rule::Networks => "changed-networks",
        Rule::Connections => "changed-connections",
        Rule::NetworkTags => "changed-network-tags",
        Rule::Lambda => "changed-functions",
    }
}

fn of(rule: Rule) -> impl Iterator<Item = &'static Call> {
    calls().filter(move |call| call.rule == rule)
}

fn pattern(rule: Rule) -> Value {
    let sources: BTreeSet<_> = of(rule).map(|call| call.source.as_str()).collect();
    let mut detail = json!({
        "eventSource": sources,
        "eventName": of(rule).map(|call| call.name).collect::<Vec<_>>(),
        "errorCode": [{"exists": false}],
    });
    if rule == Rule::NetworkTags {
        // Every instance that is started with tags makes such a call. A pattern looks into the objects of a list:
        // https://github.com/aws/event-ruler/blob/main/README.md ("And and Or Relationship among fields with Array")
        let tagged = of(rule).next().map(|call| match call.names {
            crate::call::Names::Ec2 { kinds, .. } => kinds,
            _ => &[][..],
        });
        let prefixes: Vec<Value> = tagged.unwrap().iter().map(|kind: &Kind| json!({"prefix": kind.prefix()})).collect();
        detail["requestParameters"] = json!({"resourcesSet": {"items": {"resourceId": prefixes}}});
    }
    json!({
        // Nobody but AWS can put an event whose source begins so:
        // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
        "source": [{"prefix": "aws."}],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": detail,
    })
}

/// The paths of what the rule's calls name, each once, in the table's order.
fn paths(rule: Rule) -> Vec<String> {
    let mut paths = Vec::new();
    for path in of(rule).flat_map(Call::paths) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// Variable to path.
fn variables(rule: Rule) -> BTreeMap<String, String> {
    let kept = KEPT.iter().map(|(variable, path, ..)| ((*variable).to_owned(), (*path).to_owned()));
    kept.chain(paths(rule).into_iter().enumerate().map(|(index, path)| (format!("n{index:02}"), path)))
        .map(|(variable, path)| (variable, format!("$.{path}")))
        .collect()
}

fn template(rule: Rule) -> String {
    let mut left = Value::Object(Map::new());
    let named: Vec<String> = (0..paths(rule).len()).map(|index| format!("<n{index:02}>")).collect();
    let kept = KEPT.iter().map(|(variable, _, place, _)| (*place, format!("<{variable}>")));
    let named_at = format!("detail.{NAMED}");
    for (place, text) in kept.chain([(named_at.as_str(), named.join(" "))]) {
        let slot = place.split('.').fold(&mut left, |value, step| &mut value[step]);
        *slot = Value::from(text);
    }
    left.to_string()
}

/// What the transformer leaves of an event: a text of a path that is there, nothing of one that is not.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html>
pub(super) fn cut_down(rule: Rule, event: &Value) -> Value {
    let mut text = template(rule);
    for (variable, path) in variables(rule) {
        let value = at(event, path.trim_start_matches("$."));
        let value = value.map_or_else(String::new, |it| match it {
            Value::String(text) => text.clone(),
            other => other.to_string().replace('"', ""),
        });
        text = text.replace(&format!("<{variable}>"), &value);
    }
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_rules_are_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../infrastructure/change-events.json");
    let rules: Vec<Value> = RULES
        .into_iter()
        .map(|rule| {
            json!({
                "name": name(rule),
                "pattern": pattern(rule),
                "paths": variables(rule),
                "template": template(rule),
            })
        })
        .collect();
    let file = json!({"rules": rules, "batch": BATCH, "ourFunctions": Ourselves::FUNCTIONS});
    let written = serde_json::to_string_pretty(&file).unwrap() + "\n";
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &written).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == written,
        "infrastructure/change-events.json is not what the table says; run `make change-events` and commit what it writes"
    );
}

#[test]
fn a_rule_fits_into_the_quotas_of_eventbridge() {
    for rule in RULES {
        let pattern = pattern(rule).to_string();
        assert!(pattern.len() <= PATTERN, "{}: {} characters", name(rule), pattern.len());
        let variables = variables(rule);
        assert!(variables.len() <= PATHS, "{}: {} paths", name(rule), variables.len());
        assert!(variables.values().all(|path| path.len() <= 256));
        let template = template(rule);
        assert!(template.len() <= TEMPLATE, "{}: {} characters", name(rule), template.len());
    }
    let with_calls: BTreeSet<_> = calls().map(|call| call.rule).collect();
    assert_eq!(with_calls, RULES.into_iter().collect(), "a rule without calls, or calls without a rule");
}

/// How long what stands at a path is at most, by the API references of the calls.
fn longest(path: &str) -> usize {
    match path.rsplit('.').next().unwrap() {
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html: 63, and 255 of old ones
        "bucketName" => 255,
        // https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateAccessPoint.html: 50, and its ARN
        "name" => 50,
        "ARN" => 128,
        // https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html
        "resourceArn" => 1_011,
        // https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html, and its TagResource
        "functionName" => 170,
        "qualifier" => 128,
        "resource" => 256,
        // The longest prefix and 17 digits: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html
        _ => Kind::ALL.iter().map(|kind| kind.prefix().len()).max().unwrap() + 17,
    }
}

/// A hundred events and what stands around and between them are one input of an execution.
#[test]
fn a_batch_of_events_fits_into_the_input_of_an_execution() {
    let most = INPUT.saturating_sub("[]".len()) / BATCH - ",".len();
    assert_eq!(most, 2_620);
    for rule in RULES {
        let variables = variables(rule);
        let around = template(rule).len() - variables.keys().map(|it| it.len() + "<>".len()).sum::<usize>();
        let kept: usize = KEPT.iter().map(|(.., most)| most).sum();
        for call in of(rule) {
            // Whatever is not wrapped into another call's parameters may be in the event of this one.
            let own = [format!("{}Request.", call.name), format!("{}Response.", call.name)];
            let may_be_there = |path: &&String| {
                let wrapped = path.contains("Request.") || path.contains("Response.");
                match rule {
                    Rule::S3 | Rule::DirectoryBuckets | Rule::Lambda => call.paths().contains(path),
                    _ => !wrapped || own.iter().any(|it| path.contains(it)),
                }
            };
            let named: usize = paths(rule).iter().filter(may_be_there).map(|path| longest(path)).sum();
            let length = around + kept + named;
            assert!(length <= most, "{}: {length} bytes, of which {around} are around", call.name);
        }
    }
}
