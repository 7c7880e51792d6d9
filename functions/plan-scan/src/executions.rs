//! The running executions of the state machine.

use async_trait::async_trait;
use audit_task::{TaskError, task_error};
use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::{ExecutionListItem, ExecutionStatus};
use jiff::{Timestamp, Unit};

/// Tells which executions of a state machine are running.
#[async_trait]
pub trait RunningExecutions: Send + Sync {
    /// The running executions, in no order. One that started a moment ago may be missing:
    /// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html>
    async fn running(&self, state_machine_arn: &str) -> Result<Vec<RunningExecution>, TaskError>;
}

/// A running execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningExecution {
    /// Execution ARN.
    pub arn: String,
    /// Execution name.
    pub name: String,
    /// When it started, to the millisecond.
    pub started_at: Timestamp,
}

/// Step Functions.
#[derive(Debug, Clone)]
pub struct StepFunctions {
    client: Client,
}

impl StepFunctions {
    /// Asks through `client`.
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl RunningExecutions for StepFunctions {
    async fn running(&self, state_machine_arn: &str) -> Result<Vec<RunningExecution>, TaskError> {
        let mut items = self
            .client
            .list_executions()
            .state_machine_arn(state_machine_arn)
            .status_filter(ExecutionStatus::Running)
            .into_paginator()
            .items()
            .send();
        let mut running = Vec::new();
        while let Some(item) = items.next().await {
            running.push(read(item.map_err(|error| task_error("states:ListExecutions", &error))?)?);
        }
        Ok(running)
    }
}

fn read(item: ExecutionListItem) -> Result<RunningExecution, TaskError> {
    // The date travels as a decimal fraction of seconds, which a double holds to less than a microsecond: rounding
    // brings back the milliseconds that the execution's context object shows.
    let started_at = Timestamp::from_nanosecond(item.start_date.as_nanos())
        .and_then(|time| time.round(Unit::Millisecond))
        .map_err(|error| {
            TaskError::Corrupt(format!(
                "states:ListExecutions gave {} no valid start date: {error}",
                item.execution_arn
            ))
        })?;
    Ok(RunningExecution { arn: item.execution_arn, name: item.name, started_at })
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::config::{BehaviorVersion, Credentials, Region};

    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use aws_smithy_types::body::SdkBody;
    use pretty_assertions::assert_eq;
    use serde_json::{Value, json};

    use super::*;

    const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:audit";

    /// Step Functions as it answers one call after the other.
    fn step_functions_answering(answers: &[(u16, Value)]) -> (StepFunctions, StaticReplayClient) {
        let events = answers.iter().map(|(status, body)| {
            ReplayEvent::new(
                http::Request::builder().body(SdkBody::empty()).unwrap(),
                http::Response::builder().status(*status).body(SdkBody::from(body.to_string())).unwrap(),
            )
        });
        let http = StaticReplayClient::new(events.collect());
        let config = aws_sdk_sfn::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("a", "b", None, None, "test"))
            .http_client(http.clone())
            .build();
        (StepFunctions::new(Client::from_conf(config)), http)
    }

    fn item(name: &str, start_date: &Value) -> Value {
        json!({
            "executionArn": format!("arn:aws:states:us-east-1:123456789012:execution:audit:{name}"),
            "stateMachineArn": MACHINE,
            "name": name,
            "status": "RUNNING",
            "startDate": start_date,
        })
    }

    #[tokio::test]
    async fn every_page_is_read_and_dates_are_exact_to_the_millisecond() {
        let (executions, http) = step_functions_answering(&[
            (200, json!({ "executions": [item("b", &json!(1_795_413_600.123))], "nextToken": "page-2" })),
            (200, json!({ "executions": [item("a", &json!(1_795_413_600))] })),
        ]);
        let running = |name: &str, at: &str| RunningExecution {
            arn: format!("arn:aws:states:us-east-1:123456789012:execution:audit:{name}"),
            name: name.to_owned(),
            started_at: at.parse().unwrap(),
        };
        assert_eq!(
            executions.running(MACHINE).await,
            Ok(vec![running("b", "2026-11-23T06:00:00.123Z"), running("a", "2026-11-23T06:00:00Z")])
        );
        let asked: Vec<Value> = http
            .actual_requests()
            .map(|request| serde_json::from_slice(request.body().bytes().unwrap()).unwrap())
            .collect();
        assert_eq!(
            asked,
            [
                json!({ "stateMachineArn": MACHINE, "statusFilter": "RUNNING" }),
                json!({ "stateMachineArn": MACHINE, "statusFilter": "RUNNING", "nextToken": "page-2" }),
            ]
        );
    }

    #[tokio::test]
    async fn a_listing_that_is_denied_is_not_an_idle_machine() {
        let denied = json!({ "__type": "AccessDeniedException", "message": "not authorized" });
        let (executions, _) = step_functions_answering(&[(400, denied)]);
        let error = executions.running(MACHINE).await.unwrap_err();
        assert_eq!(error.name(), "AccessDenied");
        assert!(error.to_string().contains("states:ListExecutions"), "{error}");
    }
}
