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
    let alias = request.parameter("Qualifier");
    let (api, target, answer) = match (request.method.as_str(), words.as_slice()) {
        ("GET", ["2015-03-31", "functions"]) => {
            ("ListFunctions", request.parameter("Marker").unwrap_or_default(), Some(list(account, request)))
        }
        ("GET", ["2015-03-31", "functions", name]) => {
            ("GetFunction", *name, known(name).map(|number| function(account, number)))
        }
        ("GET", ["2015-03-31", "functions", name, "policy"]) => {
            ("GetPolicy", *name, known(name).and_then(|number| policy(number, name, alias)))
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
    let target = format!("{target} {}", alias.unwrap_or_default());
    (
        Call { api: format!("lambda:{api}"), target, dialect: Dialect::Lambda, of_the_account: true },
        answer.unwrap_or_else(|| Dialect::Lambda.error(404, "ResourceNotFoundException")),
    )
}

fn json(body: &Value) -> Answer {
    Answer::new(200, "application/json", body.to_string())
}

fn list(account: &Account, request: &Request) -> Answer {
    let first = request.parameter("Marker").and_then(|marker| marker.parse().ok()).unwrap_or(0);
    let most = request.parameter("MaxItems").and_then(|most| most.parse().ok()).unwrap_or(50);
    let end = account.functions.min(first + most);
    let functions: Vec<Value> = (first..end).map(|number| configuration(account, number)).collect();
    json(&json!({"Functions": functions, "NextMarker": (end < account.functions).then(|| end.to_string())}))
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

/// Every third function has a policy, and no alias.
fn policy(number: u64, name: &str, alias: Option<&str>) -> Option<Answer> {
    if alias.is_some() || choice("policy", number, 3) > 0 {
        return None;
    }
    let principal =
        if choice("public", number, 20) == 0 { json!("*") } else { json!({"Service": "events.amazonaws.com"}) };
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "invoke", "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction",
            "Resource": arn(name), "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT}},
        }],
    });
    Some(json(&json!({"Policy": policy.to_string(), "RevisionId": "1"})))
}

fn urls(number: u64, name: &str) -> Answer {
    json(&json!({"FunctionUrlConfigs": url(number, name).into_iter().collect::<Vec<_>>()}))
}

/// One in ten functions has a URL, one in three of these under an alias.
fn url(number: u64, name: &str) -> Option<Value> {
    let alias = if choice("alias", number, 3) == 0 { ":live" } else { "" };
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
