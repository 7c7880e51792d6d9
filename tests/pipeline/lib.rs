#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

//! The deployed system as its users meet it: events, executions, reports and e-mails.
//!
//! `make test-pipeline` deploys it on the local AWS and says in the environment where it is.

pub mod recorder;

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use audit_model::resource::BucketEncryption;
use audit_model::summary::Summary;
use audit_model::{Finding, Plan, ResourceFindings};
use aws_sdk_ec2::types::VpcEndpointType;
use aws_sdk_lambda::types::LastUpdateStatus;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_sfn::types::ExecutionStatus;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// How long an execution may take; it takes seconds.
const PATIENCE: Duration = Duration::from_secs(300);

/// The deployed system.
pub struct System {
    /// EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// EventBridge.
    pub events: aws_sdk_eventbridge::Client,
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// Lambda.
    pub lambda: aws_sdk_lambda::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// Step Functions.
    pub states: aws_sdk_sfn::Client,
    /// SNS.
    pub sns: aws_sdk_sns::Client,
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
    /// ARN of the state machine.
    pub state_machine: String,
    /// The reports bucket.
    pub reports: String,
    /// A queue that gets the e-mails of the alerts topic.
    pub mailbox: String,
    /// The URL of the local AWS.
    pub endpoint: String,
    /// For what the AWS SDKs would not show.
    http: reqwest::Client,
    /// The bucket with the function `plan-scan` packed with each of the audit policies, as `plan-scan/<policy>.zip`.
    packages: String,
    /// The last day of the exceptions that are in force.
    pub exceptions_expire: String,
    /// `<environment>-<suffix>`.
    pub name: String,
}

/// A policy that denies a role something.
pub struct Denial {
    role: String,
    policy: String,
}

/// A message to the subscribers of the alerts topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// Subject.
    pub subject: String,
    /// Text.
    pub body: String,
}

/// An execution that ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Execution ARN.
    pub arn: String,
    /// How it ended.
    pub status: ExecutionStatus,
    /// Its output; null when it failed.
    pub output: Value,
    /// Name of its error; empty when it succeeded.
    pub error: String,
    /// The error's cause; empty when it succeeded.
    pub cause: String,
}

impl Ended {
    /// The id of the execution's scan.
    ///
    /// # Panics
    /// When the execution did not succeed.
    pub fn scan_id(&self) -> &str {
        self.output["scanId"].as_str().unwrap_or_else(|| panic!("no scan id in {self:?}"))
    }
}

impl System {
    /// The system that the environment names.
    ///
    /// # Panics
    /// When the environment names none.
    pub async fn find() -> Self {
        let named = |name: &str| {
            env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run these tests by `make test-pipeline`"))
        };
        let config = aws_config::load_from_env().await;
        Self {
            ec2: aws_sdk_ec2::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            states: aws_sdk_sfn::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            state_machine: named("STATE_MACHINE_ARN"),
            reports: named("REPORTS_BUCKET"),
            mailbox: named("MAILBOX_URL"),
            endpoint: named("AWS_ENDPOINT_URL"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            packages: named("PACKAGES_BUCKET"),
            exceptions_expire: named("EXCEPTIONS_EXPIRE"),
            name: named("SYSTEM_NAME"),
        }
    }

    /// Starts an execution as the console does, and answers with its ARN.
    pub async fn start(&self, input: &Value) -> String {
        let start = self.states.start_execution().state_machine_arn(&self.state_machine).input(input.to_string());
        start.send().await.unwrap().execution_arn
    }

    /// Starts an execution, and waits for its end.
    pub async fn execute(&self, input: &Value) -> Ended {
        self.end_of(&self.start(input).await).await
    }

    /// Waits until one more scan has its plan than when there were `plans` of them.
    pub async fn await_plan(&self, plans: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.plans().await <= plans {
            assert!(Instant::now() < deadline, "no scan was planned");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many scans were planned.
    pub async fn plans(&self) -> usize {
        self.keys("scans/").await.iter().filter(|key| key.ends_with("/plan.json")).count()
    }

    /// Asks for a scan by a custom event, and waits for the end of the execution that it starts.
    pub async fn request(&self, detail: &Value) -> Ended {
        self.send("Compliance Scan Requested", detail).await
    }

    /// Sends a custom event, and waits for the end of the execution that it starts.
    pub async fn send(&self, detail_type: &str, detail: &Value) -> Ended {
        let before = self.executions().await;
        let entry = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder()
            .source("compliance.audit")
            .detail_type(detail_type)
            .detail(detail.to_string())
            .build();
        let answer = self.events.put_events().entries(entry).send().await.unwrap();
        assert_eq!(answer.failed_entry_count, 0, "EventBridge refused the event");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(arn) = self.executions().await.into_iter().find(|arn| !before.contains(arn)) {
                return self.end_of(&arn).await;
            }
            assert!(Instant::now() < deadline, "the event started no execution");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// ARNs of all executions.
    pub async fn executions(&self) -> Vec<String> {
        let mut pages =
            self.states.list_executions().state_machine_arn(&self.state_machine).into_paginator().items().send();
        let mut arns = Vec::new();
        while let Some(execution) = pages.next().await {
            arns.push(execution.unwrap().execution_arn);
        }
        arns
    }

    /// Waits for an execution's end.
    pub async fn end_of(&self, arn: &str) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let execution = self.states.describe_execution().execution_arn(arn).send().await.unwrap();
            if execution.status != ExecutionStatus::Running {
                return Ended {
                    arn: arn.to_owned(),
                    status: execution.status,
                    output: execution.output.map_or(Value::Null, |output| serde_json::from_str(&output).unwrap()),
                    error: execution.error.unwrap_or_default(),
                    cause: execution.cause.unwrap_or_default(),
                };
            }
            assert!(Instant::now() < deadline, "the execution {arn} did not end");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The keys in the reports bucket that begin so.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        let mut pages = self.s3.list_objects_v2().bucket(&self.reports).prefix(prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            keys.extend(page.unwrap().contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        keys
    }

    /// An object of the reports bucket as text.
    pub async fn text(&self, key: &str) -> String {
        let object = self.s3.get_object().bucket(&self.reports).key(key).send().await;
        let object = object.unwrap_or_else(|error| panic!("{key}: {error:?}"));
        String::from_utf8(content(object).await).unwrap()
    }

    /// The plan of a scan.
    pub async fn plan(&self, scan_id: &str) -> Plan {
        self.json(&format!("scans/{scan_id}/plan.json")).await
    }

    /// The summary of a scan.
    pub async fn summary(&self, scan_id: &str) -> Summary {
        self.json(&format!("scans/{scan_id}/summary.json")).await
    }

    /// The findings of a scan.
    pub async fn findings(&self, scan_id: &str) -> Vec<Finding> {
        let text = self.text(&format!("scans/{scan_id}/findings.jsonl.zst")).await;
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.flat_map(|ResourceFindings(findings)| findings.into_owned()).collect()
    }

    /// The JSON report of a scan.
    pub async fn json_report(&self, scan_id: &str) -> Value {
        self.json(&self.report_key(scan_id, "json").await).await
    }

    /// The key of a scan's report with this ending.
    pub async fn report_key(&self, scan_id: &str, ending: &str) -> String {
        let name = format!("/{scan_id}.{ending}");
        let keys = self.keys("reports/").await;
        keys.into_iter().find(|key| key.ends_with(&name)).unwrap_or_else(|| panic!("no report {name}"))
    }

    /// An object of the reports bucket as a JSON document.
    pub async fn json<T: DeserializeOwned>(&self, key: &str) -> T {
        serde_json::from_str(&self.text(key).await).unwrap_or_else(|error| panic!("{key}: {error}"))
    }

    /// What the deployment itself has of the resources that are scanned: by ARN, what it is.
    pub async fn own_resources(&self) -> BTreeMap<String, &'static str> {
        let mut own = BTreeMap::from([(format!("arn:aws:s3:::{}", self.reports), "reports bucket")]);
        let mut functions = self.lambda.list_functions().into_paginator().items().send();
        while let Some(function) = functions.next().await {
            let function = function.unwrap();
            if function.function_name().unwrap_or_default().ends_with(&format!("-function-{}", self.name)) {
                own.extend(function.function_arn.map(|arn| (arn, "function")));
            }
        }
        let name = filter("tag:Name", format!("audit-vpc-{}", self.name));
        let vpcs = self.ec2.describe_vpcs().filters(name).send().await.unwrap().vpcs.unwrap();
        for id in vpcs.into_iter().filter_map(|vpc| vpc.vpc_id) {
            own.extend(self.network(&id).await);
            own.insert(ec2_arn("vpc", &id), "VPC");
        }
        own
    }

    async fn network(&self, vpc: &str) -> Vec<(String, &'static str)> {
        let within = || filter("vpc-id", vpc.to_owned());
        let groups = self.ec2.describe_security_groups().filters(within()).send().await.unwrap();
        let acls = self.ec2.describe_network_acls().filters(within()).send().await.unwrap();
        let subnets = self.ec2.describe_subnets().filters(within()).send().await.unwrap();
        let endpoints = self.ec2.describe_vpc_endpoints().filters(within()).send().await.unwrap();
        let mut network = Vec::new();
        for group in groups.security_groups() {
            network.push((ec2_arn("security-group", group.group_id().unwrap()), "security group"));
        }
        for acl in acls.network_acls() {
            network.push((ec2_arn("network-acl", acl.network_acl_id().unwrap()), "network ACL"));
        }
        for subnet in subnets.subnets() {
            network.push((ec2_arn("subnet", subnet.subnet_id().unwrap()), "subnet"));
        }
        for endpoint in endpoints.vpc_endpoints() {
            let what = match endpoint.vpc_endpoint_type() {
                Some(VpcEndpointType::Gateway) if endpoint.service_name().is_some_and(|it| it.ends_with(".s3")) => {
                    "gateway endpoint of Amazon S3"
                }
                Some(VpcEndpointType::Gateway) => "gateway endpoint of S3 Express One Zone",
                Some(VpcEndpointType::Interface) => "interface endpoint",
                other => panic!("an endpoint of the type {other:?}"),
            };
            network.push((ec2_arn("vpc-endpoint", endpoint.vpc_endpoint_id().unwrap()), what));
        }
        network
    }

    /// The environment of a function.
    pub async fn variables(&self, function: &str) -> HashMap<String, String> {
        let configuration = self.lambda.get_function_configuration().function_name(function).send().await.unwrap();
        configuration.environment.and_then(|environment| environment.variables).unwrap_or_default()
    }

    /// Gives a function another environment.
    pub async fn set_variables(&self, function: &str, variables: HashMap<String, String>) {
        let environment = aws_sdk_lambda::types::Environment::builder().set_variables(Some(variables)).build();
        let update = self.lambda.update_function_configuration().function_name(function);
        update.environment(environment).send().await.unwrap();
        self.await_update(function).await;
    }

    /// Has scans planned with another audit policy: `exceptions`, or again with the `shipped` one.
    pub async fn use_policy(&self, policy: &str) {
        let function = format!("plan-scan-function-{}", self.name);
        let update = self.lambda.update_function_code().function_name(&function);
        update.s3_bucket(&self.packages).s3_key(format!("plan-scan/{policy}.zip")).send().await.unwrap();
        self.await_update(&function).await;
    }

    async fn await_update(&self, function: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let configuration = self.lambda.get_function_configuration().function_name(function).send().await.unwrap();
            if configuration.last_update_status == Some(LastUpdateStatus::Successful) {
                return;
            }
            assert!(Instant::now() < deadline, "{function} is not updated");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The names of the functions that the state machine calls.
    pub async fn functions(&self) -> Vec<String> {
        const CALLED_BY_CLOUDFORMATION: [&str; 3] =
            ["close-default-security-group-", "empty-bucket-", "publish-evidence-key-"];
        let mut all = self.lambda.list_functions().into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(function) = all.next().await {
            names.extend(function.unwrap().function_name);
        }
        names.retain(|name| name.ends_with(&format!("-function-{}", self.name)));
        names.retain(|name| CALLED_BY_CLOUDFORMATION.iter().all(|called| !name.starts_with(called)));
        names
    }

    /// How many executions each of these functions has reserved.
    pub async fn reserved(&self, functions: &[String]) -> BTreeMap<String, i32> {
        let mut reserved = BTreeMap::new();
        for name in functions {
            let concurrency = self.lambda.get_function_concurrency().function_name(name).send().await.unwrap();
            reserved.insert(name.clone(), concurrency.reserved_concurrent_executions.unwrap());
        }
        reserved
    }

    /// Reserves so many executions for each of these functions: there are no more.
    pub async fn reserve(&self, executions: &BTreeMap<String, i32>) {
        for (name, &number) in executions {
            let put = self.lambda.put_function_concurrency().function_name(name);
            put.reserved_concurrent_executions(number).send().await.unwrap();
        }
    }

    /// Makes functions inactive, as they become when nothing invokes them for weeks.
    pub async fn make_inactive(&self, functions: &[String], wakes_after: Duration) {
        let asked = json!({ "functions": functions, "wakesAfterSeconds": wakes_after.as_secs_f64() });
        let post = self.http.post(format!("{}/_ministack/lambda/inactive", self.endpoint)).json(&asked);
        post.send().await.unwrap().error_for_status().unwrap();
    }

    /// Denies one of the deployment's functions an action on a resource, or on several.
    pub async fn deny(&self, function: &str, action: &str, resources: impl Serialize) -> Denial {
        let role = format!("{function}-role-{}", self.name);
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Deny", "Action": action, "Resource": resources }],
        });
        let policy = self.iam.create_policy().policy_name("denial").policy_document(document.to_string());
        let policy = policy.send().await.unwrap().policy.and_then(|policy| policy.arn).unwrap();
        self.iam.attach_role_policy().role_name(&role).policy_arn(&policy).send().await.unwrap();
        Denial { role, policy }
    }

    /// Ends a denial.
    pub async fn lift(&self, Denial { role, policy }: Denial) {
        self.iam.detach_role_policy().role_name(role).policy_arn(&policy).send().await.unwrap();
        self.iam.delete_policy().policy_arn(&policy).send().await.unwrap();
    }

    /// What the deployment has written down since then, but for its e-mails: by place, the text. That is every version
    /// of every object in the reports bucket, every log group of the account, and the history of an execution.
    pub async fn written_since(&self, then: SystemTime, execution: &Ended) -> BTreeMap<String, String> {
        let mut written = self.objects_since(then).await;
        let milliseconds = u64::try_from(then.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        for groups in self.wire("Logs_20140328.DescribeLogGroups", json!({})).await {
            for group in groups["logGroups"].as_array().unwrap() {
                let name = group["logGroupName"].as_str().unwrap();
                let asked = json!({ "logGroupName": name, "startTime": milliseconds });
                let events = self.wire("Logs_20140328.FilterLogEvents", asked).await;
                written.insert(format!("log group {name}"), Value::from(events).to_string());
            }
        }
        let asked = json!({ "executionArn": execution.arn, "includeExecutionData": true });
        let history = self.wire("AWSStepFunctions.GetExecutionHistory", asked).await;
        written.insert("history".to_owned(), Value::from(history).to_string());
        written
    }

    /// The log of one of the deployment's functions.
    pub async fn log(&self, function: &str) -> String {
        let group = format!("/aws/lambda/{function}-function-{}", self.name);
        let pages = self.wire("Logs_20140328.FilterLogEvents", json!({ "logGroupName": group })).await;
        let events = pages.iter().flat_map(|page| page["events"].as_array().unwrap());
        events.map(|event| event["message"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
    }

    /// Invokes one of the deployment's functions as the state machine does.
    pub async fn invoke(&self, function: &str, input: &Value) -> Value {
        let name = format!("{function}-function-{}", self.name);
        let payload = aws_sdk_lambda::primitives::Blob::new(input.to_string());
        let answer = self.lambda.invoke().function_name(name).payload(payload).send().await.unwrap();
        let payload = answer.payload.unwrap().into_inner();
        let text = String::from_utf8_lossy(&payload);
        assert_eq!(answer.function_error, None, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// AWS KMS's answer to a request.
    pub async fn kms(&self, operation: &str, request: Value) -> Value {
        self.wire(&format!("TrentService.{operation}"), request).await.remove(0)
    }

    /// The ARNs of the keys that are tagged as a bucket's own.
    pub async fn keys_of(&self, bucket: &str) -> Vec<String> {
        let mut own = Vec::new();
        let mut marker = Value::Null;
        loop {
            let asked = if marker.is_null() { json!({}) } else { json!({ "Marker": marker }) };
            let page = self.kms("ListKeys", asked).await;
            for key in page["Keys"].as_array().unwrap() {
                let tags = self.kms("ListResourceTags", json!({ "KeyId": key["KeyId"] })).await;
                let is_own = |tag: &Value| tag["TagKey"] == "compliance-audit:bucket" && tag["TagValue"] == bucket;
                if tags["Tags"].as_array().unwrap().iter().any(is_own) {
                    own.push(key["KeyArn"].as_str().unwrap().to_owned());
                }
            }
            marker = page["NextMarker"].clone();
            if marker.is_null() {
                return own;
            }
        }
    }

    async fn objects_since(&self, then: SystemTime) -> BTreeMap<String, String> {
        // S3 tells the time of a version in whole seconds.
        let then = i64::try_from(then.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        let mut objects = BTreeMap::new();
        let mut next = (None, None);
        loop {
            let (key, version) = next;
            let page = self.s3.list_object_versions().bucket(&self.reports);
            let page = page.set_key_marker(key).set_version_id_marker(version).send().await.unwrap();
            for object in page.versions().iter().filter(|object| object.last_modified().unwrap().secs() >= then) {
                let (key, version) = (object.key().unwrap(), object.version_id().unwrap());
                let object = self.s3.get_object().bucket(&self.reports).key(key).version_id(version).send().await;
                // Signatures are no text.
                let text = String::from_utf8_lossy(&content(object.unwrap()).await).into_owned();
                objects.insert(format!("object {key}, version {version}"), text);
            }
            if page.is_truncated() != Some(true) {
                return objects;
            }
            next = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    /// The answers to a request of AWS's JSON protocol, page by page, as they come over the wire: the SDK would hide
    /// what it takes for sensitive. The local AWS does not check signatures.
    async fn wire(&self, target: &str, mut request: Value) -> Vec<Value> {
        let signature = "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/any/aws4_request, Signature=none";
        let mut pages = Vec::new();
        loop {
            let call = self.http.post(&self.endpoint).header("X-Amz-Target", target).header("Authorization", signature);
            let answer = call.json(&request).send().await.unwrap();
            let page: Value = answer.error_for_status().unwrap().json().await.unwrap();
            let next = page["nextToken"].clone();
            pages.push(page);
            if next.is_null() {
                return pages;
            }
            request["nextToken"] = next;
        }
    }

    /// Makes people know nothing yet: the next scan tells them everything.
    pub async fn forget_alerts(&self) {
        self.s3.delete_object().bucket(&self.reports).key("state/alerts.json").send().await.unwrap();
    }

    /// Puts a JSON document into the reports bucket.
    pub async fn put(&self, key: &str, document: &impl Serialize) {
        let text = serde_json::to_vec(document).unwrap();
        self.s3.put_object().bucket(&self.reports).key(key).body(text.into()).send().await.unwrap();
    }

    /// Subscribes a new queue to the alerts topic, which gets what the filter policy accepts, and answers with its URL.
    pub async fn subscribe_queue(&self, name: &str, filter: &Value) -> String {
        let arn = |service: &str, name: &str| format!("arn:aws:{service}:us-east-1:123456789012:{name}");
        let topic = arn("sns", &format!("compliance-alerts-topic-{}", self.name));
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "sns.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": arn("sqs", name),
                "Condition": { "ArnEquals": { "aws:SourceArn": topic } },
            }],
        });
        let create = self.sqs.create_queue().queue_name(name);
        let create = create.attributes(aws_sdk_sqs::types::QueueAttributeName::Policy, policy.to_string());
        let url = create.send().await.unwrap().queue_url.unwrap();
        let subscribe = self.sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(arn("sqs", name));
        subscribe.attributes("FilterPolicy", filter.to_string()).send().await.unwrap();
        url
    }

    /// Takes the messages of a queue that are there.
    pub async fn take(&self, queue: &str) -> Vec<Value> {
        let mut taken = Vec::new();
        loop {
            let answer = self.sqs.receive_message().queue_url(queue).max_number_of_messages(10).send().await;
            let messages = answer.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return taken;
            }
            for message in messages {
                taken.push(serde_json::from_str(&message.body.unwrap_or_default()).unwrap());
                let receipt = message.receipt_handle.unwrap_or_default();
                self.sqs.delete_message().queue_url(queue).receipt_handle(receipt).send().await.unwrap();
            }
        }
    }

    /// Takes the messages that have arrived since the last look, but for those of alarms, which use the same topic.
    pub async fn take_emails(&self) -> Vec<Email> {
        let text = |mail: &Value, field: &str| mail[field].as_str().unwrap_or_default().to_owned();
        let email = |mail: &Value| Email { subject: text(mail, "Subject"), body: text(mail, "Message") };
        let mut emails: Vec<Email> = self.take(&self.mailbox).await.iter().map(email).collect();
        emails.retain(|email| !email.body.contains("\"AlarmName\""));
        emails
    }
}

/// A bucket's default encryption as Amazon S3 shows it.
pub async fn bucket_encryption(system: &System, bucket: &str) -> BucketEncryption {
    let answer = system.s3.get_bucket_encryption().bucket(bucket).send().await.unwrap();
    let rule = answer.server_side_encryption_configuration.unwrap().rules.remove(0);
    let default = rule.apply_server_side_encryption_by_default.unwrap();
    BucketEncryption {
        algorithm: default.sse_algorithm.as_str().to_owned(),
        kms_key_id: default.kms_master_key_id,
        bucket_key_enabled: rule.bucket_key_enabled.unwrap_or(false),
        blocked_encryption_types: rule
            .blocked_encryption_types
            .and_then(|blocked| blocked.encryption_type)
            .unwrap_or_default()
            .iter()
            .map(|blocked| blocked.as_str().to_owned())
            .collect(),
    }
}

/// SHA-256 of a text, in lowercase hexadecimal.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ec2_arn(kind: &str, id: &str) -> String {
    format!("arn:aws:ec2:us-east-1:123456789012:{kind}/{id}")
}

fn filter(name: &str, value: String) -> aws_sdk_ec2::types::Filter {
    aws_sdk_ec2::types::Filter::builder().name(name).values(value).build()
}

/// What an object holds, which S3 keeps in the encoding that it says.
async fn content(object: GetObjectOutput) -> Vec<u8> {
    let encoding = object.content_encoding().map(str::to_owned);
    let bytes = object.body.collect().await.unwrap().to_vec();
    match encoding.as_deref() {
        Some("zstd") => zstd::decode_all(bytes.as_slice()).unwrap(),
        Some(other) => panic!("an object of the encoding {other}"),
        None => bytes,
    }
}
