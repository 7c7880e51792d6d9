//! AWS Lambda: functions, their policies and URLs.
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html>

use serde_json::{Value, json};

use super::{Call, Dialect};
use crate::account::{ACCOUNT, Account, REGION, choice, function_name, number, vpc_id};
use crate::aws::ec2::subnet_id;
use crate::http::{Answer, Request};

pub(super) fn answer(account: &Account, request: &Request) -> (Call, Answer) {
    let words: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let known = |name: &str| number(name).filter(|it| *it < account.functions && function_name(*it) == name);
    let qualifier = request.parameter("Qualifier");
    let (api, target, answer) = match (request.method.as_str(), words.as_slice()) {
        ("GET", ["2015-03-31", "functions"]) => {
            ("ListFunctions", request.parameter("Marker").unwrap_or_default(), Some(list(account, request)))
        }
        ("GET", ["2015-03-31", "functions", name]) => {
            ("GetFunction", *name, known(name).map(|number| function(account, number)))
        }
        ("GET", ["2015-03-31", "functions", name, "policy"]) => {
            ("GetPolicy", *name, known(name).and_then(|number| policy(number, name, qualifier)))
        }
        ("GET", ["2015-03-31", "functions", name, "aliases"]) => {
            ("ListAliases", *name, known(name).map(|number| aliases(number, name)))
        }
        ("GET", ["2021-10-31", "functions", name, "urls"]) => {
            ("ListFunctionUrlConfigs", *name, known(name).map(|number| urls(number, name)))
        }
        // What follows only Prowler asks.
        ("GET", ["2021-10-31", "functions", name, "url"]) => {
            ("GetFunctionUrlConfig", *name, known(name).and_then(|number| url(number, name)).map(|url| json(&url)))
        }
        ("GET", ["2017-03-31", "tags", arn]) => {
            let name = arn.rsplit(':').next().unwrap_or_default();
            ("ListTags", name, known(name).map(|number| json(&json!({"Tags": tags(number)}))))
        }
        ("GET", ["2015-03-31", "event-source-mappings"]) => {
            ("ListEventSourceMappings", "", Some(json(&json!({"EventSourceMappings": []}))))
        }
        _ => ("?", request.path.as_str(), Some(Dialect::Lambda.unknown())),
    };
    let what = qualifier.or_else(|| request.parameter("FunctionVersion"));
    let target = format!("{target} {}", what.unwrap_or_default());
    (
        Call { api: format!("lambda:{api}"), target, dialect: Dialect::Lambda, of_the_account: true },
        answer.unwrap_or_else(|| Dialect::Lambda.error(404, "ResourceNotFoundException")),
    )
}

fn json(body: &Value) -> Answer {
    Answer::new(200, "application/json", body.to_string())
}

/// The functions, or with `FunctionVersion=ALL` each of their versions, 50 entries a page at the most. The marker tells the
/// function and the version that come next.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html>
fn list(account: &Account, request: &Request) -> Answer {
    let marker = request.parameter("Marker").and_then(|marker| marker.split_once('.'));
    let (function, version) = marker.unwrap_or(("0", "0"));
    let (first, begun) = (function.parse().unwrap_or(0), version.parse().unwrap_or(0));
    let most = request.parameter("MaxItems").and_then(|most| most.parse::<usize>().ok()).unwrap_or(50).min(50);
    let is_all = request.parameter("FunctionVersion") == Some("ALL");
    let versions = |number| (if number == first { begun } else { 0 })..=if is_all { published(number) } else { 0 };
    let entries = (first..account.functions).flat_map(|number| versions(number).map(move |version| (number, version)));
    let mut entries = entries.peekable();
    let page: Vec<Value> =
        entries.by_ref().take(most).map(|(number, version)| configuration_of(account, number, version)).collect();
    let next = entries.next().map(|(number, version)| format!("{number}.{version}"));
    json(&json!({"Functions": page, "NextMarker": next}))
}

/// The configuration of a published version, or of what is not published.
fn configuration_of(account: &Account, number: u64, version: u64) -> Value {
    let mut configuration = configuration(account, number);
    if version > 0 {
        configuration["FunctionArn"] = json!(format!("{}:{version}", arn(&function_name(number))));
        configuration["Version"] = json!(version.to_string());
    }
    configuration
}

fn arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

/// One in three functions is attached to a VPC.
fn configuration(account: &Account, number: u64) -> Value {
    let name = function_name(number);
    let dice = |what: &str, of: u64| choice(what, number, of);
    let vpc = (account.vpcs > 0 && dice("attached", 3) == 0).then(|| {
        let vpc = number % account.vpcs;
        json!({"VpcId": vpc_id(vpc), "SubnetIds": [subnet_id(vpc, 0), subnet_id(vpc, 1)], "SecurityGroupIds": []})
    });
    let variables = if dice("secret", 25) == 0 {
        json!({"STAGE": "prod", "DB_PASSWORD": "correct-horse-battery-staple"})
    } else {
        json!({"STAGE": "prod", "LOG_LEVEL": "info"})
    };
    let runtime = ["python3.13", "nodejs22.x", "provided.al2023", "python3.8"][dice("runtime", 4) as usize];
    json!({
        "FunctionName": name,
        "FunctionArn": arn(&name),
        "Version": "$LATEST",
        "Runtime": runtime,
        "Handler": "main",
        "Role": format!("arn:aws:iam::{ACCOUNT}:role/function"),
        "MemorySize": 256,
        "Timeout": 30,
        "LastModified": "2026-01-01T00:00:00.000+0000",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "TracingConfig": {"Mode": if dice("tracing", 2) == 0 { "Active" } else { "PassThrough" }},
        "VpcConfig": vpc,
        "Environment": {"Variables": variables},
    })
}

fn function(account: &Account, number: u64) -> Answer {
    let concurrency = (choice("concurrency", number, 4) == 0).then(|| json!({"ReservedConcurrentExecutions": 10}));
    json(&json!({
        "Configuration": configuration(account, number),
        "Code": {"RepositoryType": "S3"},
        "Tags": tags(number),
        "Concurrency": concurrency,
    }))
}

fn tags(number: u64) -> Value {
    if choice("tags", number, 5) == 0 { json!({}) } else { json!({"Owner": "team", "Environment": "prod"}) }
}

/// The functions whose URL is one of an alias have that alias, which leads to the first published version.
fn aliases(number: u64, name: &str) -> Answer {
    let is_there = url(number, name).is_some() && has_alias(number);
    let alias = || json!({"AliasArn": format!("{}:live", arn(name)), "Name": "live", "FunctionVersion": "1"});
    json(&json!({"Aliases": is_there.then(alias).into_iter().collect::<Vec<_>>()}))
}

/// How many versions of a function are published: three of every eighth, and one where an alias leads to it.
fn published(number: u64) -> u64 {
    match choice("published", number, 8) {
        0 => 3,
        _ => u64::from(has_alias(number) && url(number, &function_name(number)).is_some()),
    }
}

fn has_alias(number: u64) -> bool {
    choice("alias", number, 3) == 0
}

/// Every third function has a policy, and so has the second version of every fourth that has one. No alias has any.
fn policy(number: u64, name: &str, qualifier: Option<&str>) -> Option<Answer> {
    let (what, of) = match qualifier {
        None => ("policy", 3),
        Some("2") if published(number) > 1 => ("policy of a version", 4),
        Some(_) => return None,
    };
    if choice(what, number, of) > 0 {
        return None;
    }
    let principal =
        if choice("public", number, 20) == 0 { json!("*") } else { json!({"Service": "events.amazonaws.com"}) };
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "invoke", "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction",
            "Resource": qualifier.map_or_else(|| arn(name), |version| format!("{}:{version}", arn(name))),
            "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT}},
        }],
    });
    Some(json(&json!({"Policy": policy.to_string(), "RevisionId": "1"})))
}

fn urls(number: u64, name: &str) -> Answer {
    json(&json!({"FunctionUrlConfigs": url(number, name).into_iter().collect::<Vec<_>>()}))
}

/// One in ten functions has a URL, one in three of these under an alias.
fn url(number: u64, name: &str) -> Option<Value> {
    let alias = if has_alias(number) { ":live" } else { "" };
    (choice("url", number, 10) == 0).then(|| {
        json!({
            "FunctionArn": format!("{}{alias}", arn(name)),
            "FunctionUrl": format!("https://{number}.lambda-url.{REGION}.on.aws/"),
            "AuthType": if choice("auth", number, 2) == 0 { "NONE" } else { "AWS_IAM" },
            "CreationTime": "2026-01-01T00:00:00Z",
            "LastModifiedTime": "2026-01-01T00:00:00Z",
            "Cors": {"AllowOrigins": ["*"]},
        })
    })
}
