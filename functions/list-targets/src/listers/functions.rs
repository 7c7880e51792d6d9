use std::num::NonZeroU32;

use async_trait::async_trait;
use audit_model::plan::{Target, TargetKind};
use audit_task::{Budget, TaskError, task_error};
use aws_sdk_lambda::Client;

use super::{TargetLister, nameless, without_list};

const ACTION: &str = "lambda:ListFunctions";

/// Functions on a page, the most that Lambda gives.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html>
const PAGE_SIZE: i32 = 50;

/// Two thirds of the 15 requests a second that an account's control plane calls have together, the deployments' included.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// The account's functions in its region.
#[derive(Debug)]
pub struct LambdaFunctions {
    /// The client.
    pub client: Client,
    /// The client's region.
    pub region: String,
    /// For `ListFunctions`.
    pub budget: Budget,
}

#[async_trait]
impl TargetLister for LambdaFunctions {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        let mut targets = Vec::new();
        let mut pages = self.client.list_functions().into_paginator().page_size(PAGE_SIZE).send();
        loop {
            let Some(page) = self.budget.spend(pages.next()).await else {
                return Ok(targets);
            };
            let page = page.map_err(|error| task_error(ACTION, &error))?;
            for function in page.functions.ok_or_else(|| without_list(ACTION))? {
                let id = function.function_name.ok_or_else(|| nameless(ACTION))?;
                targets.push(Target { kind: TargetKind::Function, id, region: Some(self.region.clone()), owner: None });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::listers::replay::{Answers, answers};

    fn lambda_answering(answers: &Answers) -> LambdaFunctions {
        let config = aws_sdk_lambda::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .http_client(answers.clone())
            .build();
        LambdaFunctions {
            client: Client::from_conf(config),
            region: "us-east-1".to_owned(),
            budget: Budget::new(NonZeroU32::new(1_000).unwrap()),
        }
    }

    #[tokio::test]
    async fn every_page_is_read() {
        let answers = answers(&[
            (200, r#"{"Functions":[{"FunctionName":"settle"}],"NextMarker":"more"}"#),
            (200, r#"{"Functions":[{"FunctionName":"refund"}]}"#),
        ]);
        let target = |id: &str| Target {
            kind: TargetKind::Function,
            id: id.to_owned(),
            region: Some("us-east-1".to_owned()),
            owner: None,
        };
        assert_eq!(lambda_answering(&answers).list().await, Ok(vec![target("settle"), target("refund")]));
        let second = answers.actual_requests().nth(1).unwrap();
        assert!(second.uri().contains("Marker=more"), "{}", second.uri());
    }

    #[tokio::test]
    async fn a_list_that_lacks_something_is_an_error() {
        let denied = r#"{"__type":"AccessDeniedException","message":"no"}"#;
        let cases =
            [((403, denied), "AccessDenied"), ((200, r#"{"Functions":[{}]}"#), "Corrupt"), ((200, "{}"), "Corrupt")];
        for (given, name) in cases {
            let error = lambda_answering(&answers(&[given])).list().await.unwrap_err();
            assert_eq!(error.name(), name, "{given:?}");
            assert!(error.to_string().contains("lambda:ListFunctions"), "{error}");
        }
    }

    #[test]
    fn the_budget_is_two_thirds_of_the_quota() {
        assert_eq!(REQUESTS_PER_SECOND.get(), 15 * 2 / 3);
    }
}
