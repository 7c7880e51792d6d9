use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use audit_artifacts::sample;
use audit_model::plan::{Target, TargetKind};
use audit_model::resource::{
    AliasPolicy, EnvironmentVariable, Function, FunctionConfiguration, FunctionUrl, VersionPolicy,
};
use audit_model::{Finding, Reading, Status, Unreadable, UnreadableCause};
use audit_rules::{Judge, Needed};
use audit_task::Budget;
use aws_smithy_http_client::test_util::infallible_client_fn;
use http::{Request, Response};
use jiff::Timestamp;
use pretty_assertions::assert_eq;

use super::{Allowance, FunctionCollector, LambdaFunctions, Shared};

/// An answer of Lambda or EC2: the status, the error code where it is an error of Lambda's, and the body.
type Answer = (u16, &'static str, &'static str);

/// A function with everything, in the form of the API reference.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html>
const WHOLE: Answer = (
    200,
    "",
    r#"{
        "Configuration": {
            "FunctionName": "settle", "PackageType": "Zip", "Runtime": "python3.13",
            "VpcConfig": {"VpcId": "vpc-1", "SubnetIds": ["subnet-2", "subnet-1"], "SecurityGroupIds": ["sg-1"]},
            "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:111122223333:failed"},
            "Layers": [{"Arn": "arn:aws:lambda:us-east-1:444455556666:layer:tracing:3", "CodeSize": 1}],
            "TracingConfig": {"Mode": "Active"},
            "KMSKeyArn": "arn:aws:kms:us-east-1:111122223333:key/0a1b",
            "Environment": {"Variables": {"TABLE": "ledger", "PASSWORD": "hunter2"}}
        },
        "Code": {"Location": "https://bucket.example/signed"},
        "Tags": {"Owner": "ledger"},
        "Concurrency": {"ReservedConcurrentExecutions": 5}
    }"#,
);

/// A function with nothing but what Lambda always says.
const BARE: Answer =
    (200, "", r#"{"Configuration": {"PackageType": "Image", "TracingConfig": {"Mode": "PassThrough"}}}"#);

const POLICY: Answer = (200, "", r#"{"Policy": "{\"Version\":\"2012-10-17\"}", "RevisionId": "r"}"#);
/// The policy that lets the public reach the URL of the alias `live`.
/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
const OPEN_ALIAS: Answer = (
    200,
    "",
    concat!(
        r#"{"Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"url\",\"Effect\":\"Allow\","#,
        r#"\"Principal\":\"*\",\"Action\":\"lambda:InvokeFunctionUrl\","#,
        r#"\"Resource\":\"arn:aws:lambda:us-east-1:111122223333:function:settle:live\","#,
        r#"\"Condition\":{\"StringEquals\":{\"lambda:FunctionUrlAuthType\":\"NONE\"}}}]}"}"#,
    ),
);
const NOT_FOUND: Answer = (404, "ResourceNotFoundException", r#"{"Message": "no", "Type": "User"}"#);
const DENIED: Answer = (403, "AccessDeniedException", r#"{"Message": "no"}"#);
const THROTTLED: Answer = (429, "TooManyRequestsException", r#"{"Reason": "CallerRateLimitExceeded"}"#);
const FAULT: Answer = (500, "ServiceException", r#"{"Message": "no", "Type": "Service"}"#);

/// The URL of the function and, on a second page, that of an alias.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionUrlConfigs.html>
const URLS: [Answer; 2] = [
    (
        200,
        "",
        r#"{"NextMarker": "more", "FunctionUrlConfigs": [{
            "FunctionUrl": "https://a.lambda-url.us-east-1.on.aws/", "AuthType": "AWS_IAM",
            "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:settle",
            "CreationTime": "2026-11-01T00:00:00Z", "LastModifiedTime": "2026-11-01T00:00:00Z"
        }]}"#,
    ),
    (
        200,
        "",
        r#"{"FunctionUrlConfigs": [{
            "FunctionUrl": "https://b.lambda-url.us-east-1.on.aws/", "AuthType": "NONE",
            "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:settle:live",
            "Cors": {"AllowOrigins": ["https://shop.example", "*"]},
            "CreationTime": "2026-11-01T00:00:00Z", "LastModifiedTime": "2026-11-01T00:00:00Z"
        }]}"#,
    ),
];
const NO_URLS: Answer = (200, "", r#"{"FunctionUrlConfigs": []}"#);

/// An alias that leads to two versions and, on a second page, one that leads to what is not published.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListAliases.html>
const ALIASES: [Answer; 2] = [
    (
        200,
        "",
        r#"{"NextMarker": "more", "Aliases": [{
            "Name": "live", "FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": {"10": 0.1}}
        }]}"#,
    ),
    (200, "", r#"{"Aliases": [{"Name": "next", "FunctionVersion": "$LATEST"}]}"#),
];
const NO_ALIASES: Answer = (200, "", r#"{"Aliases": []}"#);

/// The region's subnets on two pages, two of them in one zone.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>
const SUBNETS: [Answer; 2] = [
    (
        200,
        "",
        "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-2</subnetId>\
         <availabilityZone>us-east-1b</availabilityZone></item><item><subnetId>subnet-3</subnetId>\
         <availabilityZone>us-east-1b</availabilityZone></item></subnetSet><nextToken>more</nextToken>\
         </DescribeSubnetsResponse>",
    ),
    (
        200,
        "",
        "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-1</subnetId>\
         <availabilityZone>us-east-1a</availabilityZone></item></subnetSet></DescribeSubnetsResponse>",
    ),
];

/// EC2 spells its errors out in the body.
const EC2_DENIED: Answer = (
    403,
    "",
    "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>",
);

/// What AWS answers about a function; lists with their first page and the one that follows.
#[derive(Clone, Copy)]
struct Answers {
    function: Answer,
    policy: Answer,
    alias_policy: Answer,
    version_policy: Answer,
    urls: [Answer; 2],
    aliases: [Answer; 2],
    subnets: [Answer; 2],
}

const EVERYTHING: Answers = Answers {
    function: WHOLE,
    policy: POLICY,
    alias_policy: OPEN_ALIAS,
    version_policy: NOT_FOUND,
    urls: URLS,
    aliases: ALIASES,
    subnets: SUBNETS,
};

impl Answers {
    /// What is answered to a call, which may be for the later page of a list.
    fn to(&self, call: &str, later: bool) -> Answer {
        match call {
            "DescribeSubnets" => self.subnets[usize::from(later)],
            "GetPolicy of live" => self.alias_policy,
            "GetPolicy" => self.policy,
            "GetPolicy of next" => NOT_FOUND,
            "GetPolicy of 1" | "GetPolicy of 2" | "GetPolicy of 10" => self.version_policy,
            "ListAliases" => self.aliases[usize::from(later)],
            "ListFunctionUrlConfigs" => self.urls[usize::from(later)],
            _ => self.function,
        }
    }
}

/// Functions of an account that answers so, and the calls that are made.
fn functions(answers: Answers) -> (LambdaFunctions, Arc<Mutex<Vec<&'static str>>>) {
    functions_answering(move |call, later| answers.to(call, later))
}

/// The same where the answer may depend on what was asked before.
fn functions_answering(
    answer: impl Fn(&str, bool) -> Answer + Send + Sync + 'static,
) -> (LambdaFunctions, Arc<Mutex<Vec<&'static str>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = calls.clone();
    let http_client = infallible_client_fn(move |request: Request<_>| {
        let path = request.uri().path();
        let body: &[u8] = request.body().bytes().unwrap_or_default();
        let query = request.uri().query().unwrap_or_default();
        let later = query.contains("Marker=more") || body.windows(14).any(|part| part == b"NextToken=more");
        let call = match path {
            "/" => "DescribeSubnets",
            _ if path.ends_with("/policy") && query == "Qualifier=live" => "GetPolicy of live",
            _ if path.ends_with("/policy") && query == "Qualifier=next" => "GetPolicy of next",
            _ if path.ends_with("/policy") && query == "Qualifier=1" => "GetPolicy of 1",
            _ if path.ends_with("/policy") && query == "Qualifier=2" => "GetPolicy of 2",
            _ if path.ends_with("/policy") && query == "Qualifier=10" => "GetPolicy of 10",
            _ if path.ends_with("/policy") && query.is_empty() => "GetPolicy",
            _ if path.ends_with("/aliases") => "ListAliases",
            _ if path.ends_with("/urls") => "ListFunctionUrlConfigs",
            _ => "GetFunction",
        };
        let (status, code, body) = answer(call, later);
        seen.lock().unwrap().push(call);
        let response = Response::builder().status(status);
        let response = if code.is_empty() { response } else { response.header("x-amzn-ErrorType", code) };
        response.body(body).unwrap()
    });
    let lambda = aws_sdk_lambda::Config::builder()
        .behavior_version(aws_sdk_lambda::config::BehaviorVersion::latest())
        .region(aws_sdk_lambda::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_lambda::config::Credentials::for_tests())
        .retry_config(aws_sdk_lambda::config::retry::RetryConfig::disabled())
        .http_client(http_client.clone())
        .build();
    let ec2 = aws_sdk_ec2::Config::builder()
        .behavior_version(aws_sdk_ec2::config::BehaviorVersion::latest())
        .region(aws_sdk_ec2::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_ec2::config::Credentials::for_tests())
        .retry_config(aws_sdk_ec2::config::retry::RetryConfig::disabled())
        .http_client(http_client)
        .build();
    let budget = || Budget::new(NonZeroU32::new(10_000).unwrap());
    let functions = LambdaFunctions {
        client: aws_sdk_lambda::Client::from_conf(lambda),
        ec2: aws_sdk_ec2::Client::from_conf(ec2),
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        get_function_budget: budget(),
        get_policy_budget: budget(),
        lists_budget: budget(),
        describe_subnets_budget: budget(),
    };
    (functions, calls)
}

fn target() -> Target {
    Target {
        kind: TargetKind::Function,
        id: "settle".to_owned(),
        region: Some("us-east-1".to_owned()),
        owner: None,
        only: Vec::new(),
    }
}

/// A shard whose only function has these versions, the latest first.
fn shard_of(versions: &[&str]) -> Shared {
    let versions = versions.iter().map(ToString::to_string).collect();
    Shared::new(Some(Reading::seen([("settle".to_owned(), versions)].into())), Needed::default(), Allowance::default())
}

/// One with three.
fn shard() -> Shared {
    shard_of(&["10", "2", "1"])
}

async fn read_from(answers: Answers) -> Option<Function> {
    functions(answers).0.function(&target(), &shard()).await
}

async fn read(function: Answer, policy: Answer) -> Option<Function> {
    read_from(Answers { function, policy, ..EVERYTHING }).await
}

/// The action and the cause, where a reading has no value.
fn why<T>(reading: &Reading<T>) -> Option<(String, UnreadableCause)> {
    reading.known().err().map(|why| (why.action, why.cause))
}

fn unreadable<T>(action: &str, cause: UnreadableCause, detail: &str) -> Reading<T> {
    Reading::Unreadable(Unreadable { action: action.to_owned(), cause, detail: detail.to_owned() })
}

#[tokio::test]
async fn what_is_configured_is_read_whole() {
    let function = read(WHOLE, POLICY).await.unwrap();
    assert_eq!(function.identity.arn, "arn:aws:lambda:us-east-1:111122223333:function:settle");
    assert_eq!(
        function.configuration,
        Reading::seen(FunctionConfiguration {
            package_type: "Zip".to_owned(),
            runtime: Some("python3.13".to_owned()),
            vpc_id: Some("vpc-1".to_owned()),
            subnet_ids: vec!["subnet-2".to_owned(), "subnet-1".to_owned()],
            tracing_mode: "Active".to_owned(),
            kms_key_arn: Some("arn:aws:kms:us-east-1:111122223333:key/0a1b".to_owned()),
            environment_variables: Reading::seen(vec![
                variable("PASSWORD", Some("password in plain text")),
                variable("TABLE", None),
            ]),
            dead_letter_target: Some("arn:aws:sqs:us-east-1:111122223333:failed".to_owned()),
            layers: vec!["arn:aws:lambda:us-east-1:444455556666:layer:tracing:3".to_owned()],
            capacity_provider: None,
        })
    );
    assert_eq!(function.reserved_concurrency, Reading::seen(5));
    assert_eq!(function.policy, Reading::seen(r#"{"Version":"2012-10-17"}"#.to_owned()));
    assert_eq!(function.tags, Reading::seen([("Owner".to_owned(), "ledger".to_owned())].into()));
    let url = |alias: Option<&str>, auth_type: &str, origins: &[&str]| FunctionUrl {
        alias: alias.map(str::to_owned),
        auth_type: auth_type.to_owned(),
        allowed_origins: origins.iter().map(ToString::to_string).collect(),
    };
    let alias = url(Some("live"), "NONE", &["https://shop.example", "*"]);
    assert_eq!(function.urls, Reading::seen(vec![url(None, "AWS_IAM", &[]), alias]));
    assert_eq!(function.aliases, Reading::seen(vec!["live".to_owned(), "next".to_owned()]));
    let Reading::Seen { value: alias_policies } = &function.alias_policies else { panic!("there are aliases") };
    let [AliasPolicy { alias, policy: Reading::Seen { value: policy } }, next] = alias_policies.as_slice() else {
        panic!("{alias_policies:?}")
    };
    assert_eq!((alias.as_str(), next.alias.as_str(), &next.policy), ("live", "next", &Reading::Absent));
    // The latest first; those that an alias leads to come before the others.
    assert_eq!(function.versions, Reading::seen(["10", "2", "1"].map(str::to_owned).to_vec()));
    let versions: Vec<&str> = function.version_policies.iter().map(|it| it.version.as_str()).collect();
    assert_eq!(versions, ["10", "2", "1"]);
    assert!(policy.contains("lambda:FunctionUrlAuthType"), "{policy}");
    assert_eq!(function.availability_zones, Reading::seen(vec!["us-east-1a".to_owned(), "us-east-1b".to_owned()]));
}

/// The variable, and the kind of secret that its value looks like.
fn variable(name: &str, secret: Option<&str>) -> EnvironmentVariable {
    EnvironmentVariable { name: name.to_owned(), secret: secret.map(ToOwned::to_owned) }
}

#[tokio::test]
async fn the_value_of_a_variable_goes_nowhere() {
    let planted = ["AKIA", "Q7ZT5KDLXW2RVH4N"].concat();
    let environment = format!(r#""Environment": {{"Variables": {{"UPSTREAM": "{planted}"}}}}"#);
    let configuration = r#""PackageType": "Zip", "TracingConfig": {"Mode": "Active"}"#;
    // Also of an answer that is not understood, or not to be parsed.
    let bodies = [
        format!(r#"{{"Configuration": {{{configuration}, {environment}}}}}"#),
        format!(r#"{{"Configuration": {{{environment}}}}}"#),
        format!(r#"{{"Configuration": {{"PackageType": 5, {environment}}}}}"#),
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        let body: &'static str = body.leak();
        let function = read((200, "", body), POLICY).await.unwrap();
        if number == 0 {
            let configuration = function.configuration.known().unwrap().unwrap();
            let secret =
                EnvironmentVariable { name: "UPSTREAM".to_owned(), secret: Some("AWS access key ID".to_owned()) };
            assert_eq!(configuration.environment_variables, Reading::seen(vec![secret]));
        }
        let findings = judged(&function);
        assert!(!findings.is_empty());
        let told = format!("{function:?} {findings:?}");
        for part in [planted.as_str(), &planted[4..12], &planted[12..]] {
            assert!(!told.contains(part), "{body}");
        }
    }
}

#[tokio::test]
async fn what_lambda_does_not_mention_is_not_configured() {
    let answers =
        Answers { function: BARE, policy: NOT_FOUND, urls: [NO_URLS; 2], aliases: [NO_ALIASES; 2], ..EVERYTHING };
    let function = functions(answers).0.function(&target(), &shard_of(&[])).await.unwrap();
    assert_eq!(
        function.configuration,
        Reading::seen(FunctionConfiguration {
            package_type: "Image".to_owned(),
            runtime: None,
            vpc_id: None,
            subnet_ids: Vec::new(),
            tracing_mode: "PassThrough".to_owned(),
            kms_key_arn: None,
            environment_variables: Reading::Absent,
            dead_letter_target: None,
            layers: Vec::new(),
            capacity_provider: None,
        })
    );
    assert_eq!(function.reserved_concurrency, Reading::Absent);
    assert_eq!(function.policy, Reading::Absent);
    assert_eq!(function.urls, Reading::seen(Vec::new()));
    assert_eq!(function.alias_policies, Reading::seen(Vec::new()));
    assert_eq!((function.aliases, function.versions), (Reading::seen(Vec::new()), Reading::seen(Vec::new())));
    assert_eq!(function.version_policies, []);
    assert_eq!(function.availability_zones, Reading::Absent);
    assert_eq!(function.tags, Reading::Absent);
}

#[tokio::test]
async fn a_function_that_left_its_vpc_and_its_dead_letter_queue_has_none() {
    let left = r#"{"Configuration": {"PackageType": "Zip", "TracingConfig": {"Mode": "PassThrough"},
        "VpcConfig": {"VpcId": "", "SubnetIds": [], "SecurityGroupIds": []}, "DeadLetterConfig": {"TargetArn": ""}}}"#;
    let function = read((200, "", left), NOT_FOUND).await.unwrap();
    let Reading::Seen { value: configuration } = function.configuration else { panic!("all is there") };
    assert_eq!((configuration.vpc_id, configuration.subnet_ids), (None, Vec::new()));
    assert_eq!(configuration.dead_letter_target, None);
    assert_eq!(function.availability_zones, Reading::Absent);
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_CapacityProviderConfig.html>
#[tokio::test]
async fn a_function_on_managed_instances_names_its_capacity_provider() {
    let on = |config: &str| -> Answer {
        let body = format!(
            r#"{{"Configuration": {{"PackageType": "Zip", "TracingConfig": {{"Mode": "Active"}},
                "CapacityProviderConfig": {config}}}}}"#
        );
        (200, "", body.leak())
    };
    const ARN: &str = "arn:aws:lambda:us-east-1:111122223333:capacity-provider:pool";
    let managed = format!(r#"{{"LambdaManagedInstancesCapacityProviderConfig": {{"CapacityProviderArn": "{ARN}"}}}}"#);
    let function = read(on(&managed), NOT_FOUND).await.unwrap();
    let findings = judged(&function);
    for rule in ["lambda-inside-vpc", "lambda-vpc-multi-az", "lambda-reserved-concurrency-configured"] {
        let (status, observed) = verdict(&findings, rule);
        assert_eq!((status, observed.contains(ARN)), (Status::NotApplicable, true), "{rule}: {observed}");
    }
    for config in ["{}", r#"{"LambdaManagedInstancesCapacityProviderConfig": {}}"#] {
        let function = read(on(config), NOT_FOUND).await.unwrap();
        let cause = why(&function.configuration).map(|(_, cause)| cause);
        assert_eq!(cause, Some(UnreadableCause::Malformed), "{config}");
    }
}

/// What is wrong with each reading of a function.
fn faults(function: &Function) -> [Option<(String, UnreadableCause)>; 7] {
    [
        why(&function.configuration),
        why(&function.reserved_concurrency),
        why(&function.tags),
        why(&function.policy),
        why(&function.urls),
        alias_fault(function),
        why(&function.availability_zones),
    ]
}

/// What is wrong with the policies of the aliases, with them all or with one.
fn alias_fault(function: &Function) -> Option<(String, UnreadableCause)> {
    match &function.alias_policies {
        Reading::Seen { value } => value.iter().find_map(|alias| why(&alias.policy)),
        without_value => why(without_value),
    }
}

#[tokio::test]
async fn a_refused_call_spoils_its_own_readings_only() {
    let cases = [
        (DENIED, UnreadableCause::AccessDenied),
        (THROTTLED, UnreadableCause::Throttled),
        (FAULT, UnreadableCause::Failed),
    ];
    for (refusal, cause) in cases {
        let fault = |action: &str| Some((action.to_owned(), cause));
        let function = read(refusal, POLICY).await.unwrap();
        let refused = || fault("lambda:GetFunction");
        assert_eq!(faults(&function), [refused(), refused(), refused(), None, None, None, refused()]);

        let function = read(WHOLE, refusal).await.unwrap();
        assert_eq!(faults(&function), [None, None, None, fault("lambda:GetPolicy"), None, None, None]);

        let function = read_from(Answers { alias_policy: refusal, ..EVERYTHING }).await.unwrap();
        assert_eq!(faults(&function), [None, None, None, None, None, fault("lambda:GetPolicy"), None]);

        let function = read_from(Answers { version_policy: refusal, ..EVERYTHING }).await.unwrap();
        assert_eq!(faults(&function), [const { None }; 7]);
        let refused = |it: &VersionPolicy| why(&it.policy) == fault("lambda:GetPolicy");
        assert!(function.version_policies.len() == 3 && function.version_policies.iter().all(refused));

        // A list that breaks off is no list.
        for urls in [[refusal, URLS[1]], [URLS[0], refusal]] {
            let function = read_from(Answers { urls, ..EVERYTHING }).await.unwrap();
            let unlisted = fault("lambda:ListFunctionUrlConfigs");
            assert_eq!(faults(&function), [None, None, None, None, unlisted, None, None]);
        }
        for aliases in [[refusal, ALIASES[1]], [ALIASES[0], refusal]] {
            let function = read_from(Answers { aliases, ..EVERYTHING }).await.unwrap();
            assert_eq!((faults(&function), why(&function.aliases)), ([const { None }; 7], fault("lambda:ListAliases")));
            // Of the alias with a URL the policy is read all the same.
            assert!(function.alias_policies.listed().unwrap().iter().map(|it| it.alias.as_str()).eq(["live"]));
            let function = read_from(Answers { aliases, urls: [refusal; 2], ..EVERYTHING }).await.unwrap();
            assert_eq!(why(&function.alias_policies), fault("lambda:ListAliases"));
        }
    }
    for subnets in [[EC2_DENIED, SUBNETS[1]], [SUBNETS[0], EC2_DENIED]] {
        let function = read_from(Answers { subnets, ..EVERYTHING }).await.unwrap();
        let denied = Some(("ec2:DescribeSubnets".to_owned(), UnreadableCause::AccessDenied));
        assert_eq!(faults(&function), [None, None, None, None, None, None, denied]);
    }
}

/// What no rule needs cannot change a verdict. The function itself is always asked for, lest one that has gone be judged.
#[tokio::test]
async fn what_no_rule_judges_by_that_is_switched_on_is_not_asked_for() {
    let cases: [(&str, &[&str]); 4] = [
        ("lambda-required-tags", &[]),
        ("lambda-vpc-multi-az", &["DescribeSubnets"]),
        ("lambda-function-url-cors-restricted", &["ListFunctionUrlConfigs"]),
        (
            "lambda-function-public-access-prohibited",
            &[
                "GetPolicy",
                "GetPolicy of 1",
                "GetPolicy of 10",
                "GetPolicy of 2",
                "GetPolicy of live",
                "GetPolicy of next",
                "ListAliases",
            ],
        ),
    ];
    for (only, expected) in cases {
        let (functions, calls) = functions(EVERYTHING);
        let shared = Shared { needed: Needed::by(|rule| rule == only), ..shard() };
        assert!(functions.function(&target(), &shared).await.is_some(), "{only}");
        let asked: BTreeSet<&str> = calls.lock().unwrap().iter().copied().collect();
        assert_eq!(asked, expected.iter().copied().chain(["GetFunction"]).collect(), "{only}");
    }
}

#[tokio::test]
async fn subnets_are_listed_once_for_a_shard_when_a_function_is_attached_to_some() {
    let (functions, calls) = functions(EVERYTHING);
    let shard = shard();
    let (target, another) = (target(), target());
    futures::join!(functions.function(&target, &shard), functions.function(&another, &shard));
    functions.function(&target, &shard).await;
    let count = |call: &str| calls.lock().unwrap().iter().filter(|made| **made == call).count();
    // Two pages, once.
    assert_eq!((count("GetFunction"), count("DescribeSubnets")), (3, 2));
    // What another shard heard does not count.
    functions.function(&target, &self::shard()).await;
    assert_eq!(count("DescribeSubnets"), 4);

    let (functions, calls) = self::functions(Answers { function: BARE, ..EVERYTHING });
    functions.function(&target, &self::shard()).await;
    assert!(!calls.lock().unwrap().contains(&"DescribeSubnets"));
}

#[tokio::test]
async fn zones_are_told_once_and_only_if_every_subnet_is_listed() {
    let attached_to = |subnets: &str| -> Answer {
        let body = format!(
            r#"{{"Configuration": {{"PackageType": "Zip", "TracingConfig": {{"Mode": "Active"}},
                "VpcConfig": {{"VpcId": "vpc-1", "SubnetIds": [{subnets}]}}}}}}"#
        );
        (200, "", body.leak())
    };
    let function = read(attached_to(r#""subnet-2", "subnet-3""#), POLICY).await.unwrap();
    assert_eq!(function.availability_zones, Reading::seen(vec!["us-east-1b".to_owned()]));

    let function = read(attached_to(r#""subnet-1", "subnet-9""#), POLICY).await.unwrap();
    let gone = Some(("ec2:DescribeSubnets".to_owned(), UnreadableCause::Gone));
    assert_eq!(faults(&function), [None, None, None, None, None, None, gone]);

    let nameless = "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-1</subnetId></item></subnetSet>\
                    </DescribeSubnetsResponse>";
    let function = read_from(Answers { subnets: [(200, "", nameless); 2], ..EVERYTHING }).await.unwrap();
    assert_eq!(why(&function.availability_zones).map(|(_, cause)| cause), Some(UnreadableCause::Malformed));
}

/// The answer with these function URLs, each made of the members that matter.
fn urls_of(members: &[&str]) -> [Answer; 2] {
    let rest = r#""FunctionUrl": "https://a.example/", "CreationTime": "t", "LastModifiedTime": "t""#;
    let urls: Vec<String> = members.iter().map(|members| format!("{{{members}, {rest}}}")).collect();
    let body = format!(r#"{{"FunctionUrlConfigs": [{}]}}"#, urls.join(","));
    [(200, "", &*body.leak()); 2]
}

const OF_FUNCTION: &str = r#""FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:settle""#;
const OF_ALIAS: &str = r#""FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:settle:live""#;

#[tokio::test]
async fn a_url_of_no_function_is_not_understood() {
    let nameless = r#""FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:", "AuthType": "NONE""#;
    for members in [r#""AuthType": "NONE""#, r#""FunctionArn": "settle", "AuthType": "NONE""#, nameless] {
        let function = read_from(Answers { urls: urls_of(&[members]), ..EVERYTHING }).await.unwrap();
        let malformed = || Some(("lambda:ListFunctionUrlConfigs".to_owned(), UnreadableCause::Malformed));
        assert_eq!((why(&function.urls), why(&function.alias_policies)), (malformed(), None), "{members}");
    }
}

/// The findings on a function.
fn judged(function: &Function) -> Vec<Finding> {
    let policy = sample::plan().policy;
    Judge { policy: &policy, evaluated_at: Timestamp::UNIX_EPOCH }.function(function)
}

/// The verdict of a rule, and what was observed.
fn verdict<'a>(findings: &'a [Finding], rule: &str) -> (Status, &'a str) {
    let finding = findings.iter().find(|finding| finding.rule_id == rule).unwrap();
    (finding.status, &finding.evidence.observed)
}

#[tokio::test]
async fn an_authentication_type_that_is_not_known_hides_no_other_url() {
    let with_type = |arn: &str, auth_type: &str| format!(r#"{arn}, "AuthType": "{auth_type}""#);
    let later = with_type(OF_FUNCTION, "LATER");
    let none = with_type(OF_ALIAS, "NONE");
    // (the URLs, the verdict)
    let cases: [(&[&str], Status); 4] = [
        (&[&later, &none], Status::NonCompliant),
        (&[OF_FUNCTION, &none], Status::NonCompliant),
        (&[&later], Status::InsufficientData),
        (&[OF_FUNCTION], Status::InsufficientData),
    ];
    for (urls, expected) in cases {
        let function = read_from(Answers { urls: urls_of(urls), ..EVERYTHING }).await.unwrap();
        let findings = judged(&function);
        let (status, observed) = verdict(&findings, "lambda-function-url-authenticated");
        assert_eq!(status, expected, "{urls:?} {observed}");
    }
}

#[tokio::test]
async fn an_alias_whose_policy_lets_in_the_public_is_a_violation_though_the_function_has_none() {
    const RULE: &str = "lambda-function-public-access-prohibited";
    let function = read_from(Answers { policy: NOT_FOUND, ..EVERYTHING }).await.unwrap();
    let findings = judged(&function);
    let open = "in the policy of alias live statement \"url\" lets anyone in";
    assert_eq!(verdict(&findings, RULE), (Status::NonCompliant, open));

    let cases = [
        (Answers { policy: NOT_FOUND, alias_policy: NOT_FOUND, ..EVERYTHING }, Status::Compliant),
        (Answers { policy: NOT_FOUND, alias_policy: DENIED, ..EVERYTHING }, Status::InsufficientData),
        (
            Answers { policy: NOT_FOUND, aliases: [ALIASES[0], DENIED], alias_policy: NOT_FOUND, ..EVERYTHING },
            Status::InsufficientData,
        ),
        (
            Answers { policy: NOT_FOUND, version_policy: DENIED, alias_policy: NOT_FOUND, ..EVERYTHING },
            Status::InsufficientData,
        ),
        (Answers { policy: NOT_FOUND, urls: [URLS[0], DENIED], ..EVERYTHING }, Status::NonCompliant),
        (Answers { policy: DENIED, ..EVERYTHING }, Status::NonCompliant),
    ];
    for (answers, expected) in cases {
        let function = read_from(answers).await.unwrap();
        let findings = judged(&function);
        let (status, observed) = verdict(&findings, RULE);
        assert_eq!(status, expected, "{observed}");
    }
}

#[tokio::test]
async fn a_version_that_lets_in_the_public_is_a_violation_also_where_no_alias_leads_there() {
    const RULE: &str = "lambda-function-public-access-prohibited";
    let open: Answer = (
        200,
        "",
        concat!(
            r#"{"Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"old\",\"Effect\":\"Allow\","#,
            r#"\"Principal\":\"*\",\"Action\":\"lambda:InvokeFunction\","#,
            r#"\"Resource\":\"arn:aws:lambda:us-east-1:111122223333:function:settle:1\"}]}"}"#,
        ),
    );
    let (functions, _) = functions_answering(move |call, later| match call {
        "GetPolicy of 1" => open,
        "GetPolicy" | "GetPolicy of live" => NOT_FOUND,
        _ => EVERYTHING.to(call, later),
    });
    let function = functions.function(&target(), &shard()).await.unwrap();
    let findings = judged(&function);
    let told = "in the policy of version 1 statement \"old\" lets anyone in";
    assert_eq!(verdict(&findings, RULE), (Status::NonCompliant, told));
}

#[tokio::test]
async fn versions_that_were_not_listed_are_unreadable_and_those_that_an_alias_leads_to_are_known_all_the_same() {
    let unlisted = Unreadable {
        action: "lambda:ListFunctions".to_owned(),
        cause: UnreadableCause::Throttled,
        detail: "no".to_owned(),
    };
    let others = Reading::seen([("refund".to_owned(), Vec::new())].into());
    let cases = [
        (Some(Reading::Unreadable(unlisted)), UnreadableCause::Throttled),
        (Some(others), UnreadableCause::Malformed),
        (Some(Reading::Absent), UnreadableCause::Malformed),
        // A shard that was listed before versions were.
        (None, UnreadableCause::Malformed),
    ];
    let closed = Answers { policy: NOT_FOUND, alias_policy: NOT_FOUND, ..EVERYTHING };
    for (versions, cause) in cases {
        let shared = Shared { versions, ..shard() };
        let function = functions(closed).0.function(&target(), &shared).await.unwrap();
        assert_eq!(why(&function.versions), Some(("lambda:ListFunctions".to_owned(), cause)));
        assert!(function.version_policies.iter().map(|it| it.version.as_str()).eq(["10", "2"]));
        let findings = judged(&function);
        let (status, _) = verdict(&findings, "lambda-function-public-access-prohibited");
        assert_eq!(status, Status::InsufficientData, "{cause:?}");
    }
}

#[tokio::test]
async fn what_there_is_no_time_for_is_not_asked_and_no_pass() {
    const RULE: &str = "lambda-function-public-access-prohibited";
    // In no scan there is time for the aliases and versions of a million functions.
    let none = Shared { allowance: Allowance::new("scan", 1, 3, 1_000_000, NonZeroU32::MIN), ..shard() };
    let closed = Answers { policy: NOT_FOUND, alias_policy: NOT_FOUND, ..EVERYTHING };
    let (functions, calls) = functions(closed);
    let function = functions.function(&target(), &none).await.unwrap();
    let asked: BTreeSet<&str> = calls.lock().unwrap().iter().copied().collect();
    let expected = ["DescribeSubnets", "GetFunction", "GetPolicy", "GetPolicy of live", "ListFunctionUrlConfigs"];
    assert_eq!(asked, expected.into());
    assert_eq!(why(&function.aliases), Some(("lambda:ListAliases".to_owned(), UnreadableCause::NotLookedAt)));
    let findings = judged(&function);
    assert_eq!(verdict(&findings, RULE).0, Status::InsufficientData);
    let told = format!("{:?}", findings.iter().find(|finding| finding.rule_id == RULE));
    assert!(told.contains("not read: 10, 2, 1"), "{told}");
}

#[tokio::test]
async fn aliases_with_a_url_and_all_others_are_asked_about() {
    let cases: [(&[&str], [Answer; 2], &[&str]); 4] = [
        (&[], [NO_ALIASES; 2], &["GetPolicy"]),
        (&[OF_FUNCTION], [NO_ALIASES; 2], &["GetPolicy"]),
        (&[OF_FUNCTION, OF_ALIAS], [NO_ALIASES; 2], &["GetPolicy", "GetPolicy of live"]),
        (
            &[OF_FUNCTION, OF_ALIAS],
            ALIASES,
            &["GetPolicy", "GetPolicy of 10", "GetPolicy of 2", "GetPolicy of live", "GetPolicy of next"],
        ),
    ];
    for (urls, aliases, expected) in cases {
        let answers = Answers { urls: urls_of(urls), aliases, ..EVERYTHING };
        let (functions, calls) = functions(answers);
        functions.function(&target(), &shard_of(&[])).await;
        let calls = calls.lock().unwrap().clone();
        let mut policies: Vec<&str> = calls.into_iter().filter(|call| call.starts_with("GetPolicy")).collect();
        policies.sort_unstable();
        assert_eq!(policies, expected);
    }
}

#[tokio::test]
async fn only_get_function_tells_that_a_function_has_gone() {
    assert_eq!(read(NOT_FOUND, NOT_FOUND).await, None);
    assert_eq!(read(NOT_FOUND, DENIED).await, None);
    assert!(read(DENIED, NOT_FOUND).await.is_some());
    assert!(read(WHOLE, NOT_FOUND).await.is_some());

    let function = read_from(Answers { urls: [NOT_FOUND; 2], ..EVERYTHING }).await.unwrap();
    let gone = || Some(("lambda:ListFunctionUrlConfigs".to_owned(), UnreadableCause::Gone));
    assert_eq!(faults(&function), [None, None, None, None, gone(), None, None]);
}

#[tokio::test]
async fn a_function_that_is_deleted_while_it_is_read_has_gone() {
    // It is there when the first question comes, and then no more. `GetPolicy` says so as it says that there is no policy.
    let asked = Arc::new(Mutex::new(false));
    let (functions, _) = functions_answering(move |call, later| {
        let deleted = std::mem::replace(&mut *asked.lock().unwrap(), true);
        if deleted { NOT_FOUND } else { EVERYTHING.to(call, later) }
    });
    assert_eq!(functions.function(&target(), &shard()).await, None);
}

#[tokio::test]
async fn a_url_that_is_listed_on_two_pages_is_one() {
    // The alias was made while the pages were read, so that its page tells of both.
    let both = r#"{"FunctionUrlConfigs": [{
        "FunctionUrl": "https://a.lambda-url.us-east-1.on.aws/", "AuthType": "NONE",
        "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:settle",
        "CreationTime": "2026-11-01T00:00:00Z", "LastModifiedTime": "2026-11-01T00:00:00Z"
    }, {
        "FunctionUrl": "https://b.lambda-url.us-east-1.on.aws/", "AuthType": "AWS_IAM",
        "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:settle:live",
        "CreationTime": "2026-11-01T00:00:00Z", "LastModifiedTime": "2026-11-01T00:00:00Z"
    }]}"#;
    let function = read_from(Answers { urls: [URLS[0], (200, "", both)], ..EVERYTHING }).await.unwrap();
    let urls = function.urls.known().unwrap().unwrap();
    let urls: Vec<_> = urls.iter().map(|url| (url.alias.as_deref(), url.auth_type.as_str())).collect();
    // The first page said AWS_IAM of the function's own.
    assert_eq!(urls, [(None, "NONE"), (Some("live"), "AWS_IAM")]);
}

#[tokio::test]
async fn what_lambda_could_not_read_itself_is_unreadable() {
    let hidden = r#"{
        "Configuration": {
            "PackageType": "Zip", "TracingConfig": {"Mode": "Active"},
            "Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "may not decrypt"}}
        },
        "TagsError": {"ErrorCode": "AccessDeniedException", "Message": "may not list tags"}
    }"#;
    let function = read((200, "", hidden), POLICY).await.unwrap();
    assert_eq!(
        function.tags,
        unreadable("lambda:ListTags", UnreadableCause::AccessDenied, "AccessDeniedException: may not list tags")
    );
    let Reading::Seen { value: configuration } = function.configuration else { panic!("the rest is there") };
    assert_eq!(
        configuration.environment_variables,
        unreadable("kms:Decrypt", UnreadableCause::AccessDenied, "AccessDeniedException: may not decrypt")
    );
}

#[tokio::test]
async fn an_answer_that_lacks_what_it_must_hold_is_not_understood() {
    let cases = [
        "{}",
        r#"{"Configuration": {"TracingConfig": {"Mode": "Active"}}}"#,
        r#"{"Configuration": {"PackageType": "Zip"}}"#,
        r#"{"Configuration": {"PackageType": "Zip", "TracingConfig": {}}}"#,
        r#"{"Configuration": {"PackageType": "Zip", "TracingConfig": {"Mode": "Active"}, "Layers": [{}]}}"#,
    ];
    for body in cases {
        let function = read((200, "", body), POLICY).await.unwrap();
        let malformed = Some(("lambda:GetFunction".to_owned(), UnreadableCause::Malformed));
        assert_eq!((why(&function.configuration), why(&function.availability_zones)), (malformed.clone(), malformed));
    }
    let negative = r#"{"Concurrency": {"ReservedConcurrentExecutions": -1}}"#;
    let function = read((200, "", negative), (200, "", "{}")).await.unwrap();
    assert_eq!(why(&function.reserved_concurrency).map(|(_, cause)| cause), Some(UnreadableCause::Malformed));
    assert_eq!(why(&function.policy).map(|(_, cause)| cause), Some(UnreadableCause::Malformed));
}
