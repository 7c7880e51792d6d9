#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

//! The deployed system as its users meet it: events, executions, reports and e-mails.
//!
//! `make test-pipeline` deploys it on the local AWS and says in the environment where it is.

use std::collections::BTreeSet;
use std::env;
use std::time::{Duration, Instant};

use audit_model::summary::Summary;
use audit_model::{Finding, Plan};
use aws_sdk_sfn::types::ExecutionStatus;
use serde::de::DeserializeOwned;
use serde_json::Value;

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
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
    /// ARN of the state machine.
    pub state_machine: String,
    /// The reports bucket.
    pub reports: String,
    /// A queue that gets what subscribers of the alerts topic get.
    pub mailbox: String,
    /// `<environment>-<suffix>`.
    pub name: String,
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
            sqs: aws_sdk_sqs::Client::new(&config),
            state_machine: named("STATE_MACHINE_ARN"),
            reports: named("REPORTS_BUCKET"),
            mailbox: named("MAILBOX_URL"),
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

    /// Sends a custom event, and waits for the end of the execution that it starts.
    pub async fn request(&self, detail: &Value) -> Ended {
        let before = self.executions().await;
        let entry = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder()
            .source("compliance.audit")
            .detail_type("Compliance Scan Requested")
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
        String::from_utf8(object.body.collect().await.unwrap().to_vec()).unwrap()
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
        let text = self.text(&format!("scans/{scan_id}/findings.jsonl")).await;
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
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

    async fn json<T: DeserializeOwned>(&self, key: &str) -> T {
        serde_json::from_str(&self.text(key).await).unwrap_or_else(|error| panic!("{key}: {error}"))
    }

    /// ARNs of what the deployment itself has of the resources that are scanned: its bucket, its functions, its VPC with
    /// every security group in it.
    pub async fn own_resources(&self) -> BTreeSet<String> {
        let mut own = BTreeSet::from([format!("arn:aws:s3:::{}", self.reports)]);
        let mut functions = self.lambda.list_functions().into_paginator().items().send();
        while let Some(function) = functions.next().await {
            let function = function.unwrap();
            if function.function_name().unwrap_or_default().ends_with(&format!("-function-{}", self.name)) {
                own.extend(function.function_arn);
            }
        }
        let name = filter("tag:Name", format!("audit-vpc-{}", self.name));
        let vpcs = self.ec2.describe_vpcs().filters(name).send().await.unwrap().vpcs.unwrap();
        for id in vpcs.into_iter().filter_map(|vpc| vpc.vpc_id) {
            let groups = self.ec2.describe_security_groups().filters(filter("vpc-id", id.clone())).send().await;
            let ids = groups.unwrap().security_groups.unwrap().into_iter().filter_map(|group| group.group_id);
            own.extend(ids.map(|group| format!("arn:aws:ec2:us-east-1:123456789012:security-group/{group}")));
            own.insert(format!("arn:aws:ec2:us-east-1:123456789012:vpc/{id}"));
        }
        own
    }

    /// Takes the messages that have arrived since the last look, but for those of alarms, which use the same topic.
    pub async fn take_emails(&self) -> Vec<Email> {
        let mut emails = Vec::new();
        loop {
            let answer = self.sqs.receive_message().queue_url(&self.mailbox).max_number_of_messages(10).send().await;
            let messages = answer.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return emails;
            }
            for message in messages {
                let envelope: Value = serde_json::from_str(&message.body.unwrap_or_default()).unwrap();
                let text = |field: &str| envelope[field].as_str().unwrap_or_default().to_owned();
                let email = Email { subject: text("Subject"), body: text("Message") };
                if !email.body.contains("\"AlarmName\"") {
                    emails.push(email);
                }
                let receipt = message.receipt_handle.unwrap_or_default();
                self.sqs.delete_message().queue_url(&self.mailbox).receipt_handle(receipt).send().await.unwrap();
            }
        }
    }
}

fn filter(name: &str, value: String) -> aws_sdk_ec2::types::Filter {
    aws_sdk_ec2::types::Filter::builder().name(name).values(value).build()
}
