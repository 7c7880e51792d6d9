use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use async_trait::async_trait;
use audit_model::plan::{Target, TargetKind, Versions};
use audit_task::{Budget, TaskError, error_code, task_error};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::{FunctionConfiguration, FunctionVersion};

use super::{TargetLister, VersionLister, nameless, without_list};

const ACTION: &str = "lambda:ListFunctions";
const VERSIONS: &str = "lambda:ListVersionsByFunction";

/// What is not published.
const LATEST: &str = "$LATEST";

/// Functions and versions on a page, the most that Lambda gives.
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
        let entry = |function: FunctionConfiguration| -> Result<(), TaskError> {
            let id = function.function_name.ok_or_else(|| nameless(ACTION))?;
            targets.push(Target {
                kind: TargetKind::Function,
                id,
                region: Some(self.region.clone()),
                owner: None,
                only: Vec::new(),
            });
            Ok(())
        };
        self.each(None, entry).await?;
        Ok(targets)
    }
}

#[async_trait]
impl VersionLister for LambdaFunctions {
    async fn versions(&self) -> Result<Versions, TaskError> {
        // What one page says of a function may go on on the next one.
        let mut versions: BTreeMap<String, BTreeSet<Reverse<(u64, String)>>> = BTreeMap::new();
        let entry = |function: FunctionConfiguration| -> Result<(), TaskError> {
            let name = function.function_name.ok_or_else(|| nameless(ACTION))?;
            let version = function.version.ok_or_else(|| versionless(ACTION, &name))?;
            let of_function = versions.entry(name).or_default();
            if version != LATEST {
                of_function.insert(Reverse((version.parse().unwrap_or(u64::MAX), version)));
            }
            Ok(())
        };
        self.each(Some(FunctionVersion::All), entry).await?;
        let latest_first = |of_function: BTreeSet<Reverse<(u64, String)>>| {
            of_function.into_iter().map(|Reverse((_, version))| version).collect()
        };
        Ok(versions.into_iter().map(|(name, of_function)| (name, latest_first(of_function))).collect())
    }

    async fn versions_of(&self, functions: &[String]) -> Result<Versions, TaskError> {
        let mut versions = Versions::new();
        for name in functions {
            versions.insert(name.clone(), self.versions_of_one(name).await?);
        }
        Ok(versions)
    }
}

impl LambdaFunctions {
    /// The numbers of a function's published versions, the latest first; none of one that has gone, which the scanner sees.
    async fn versions_of_one(&self, name: &str) -> Result<Vec<String>, TaskError> {
        let list = self.client.list_versions_by_function().function_name(name);
        let mut pages = list.into_paginator().page_size(PAGE_SIZE).send();
        let mut versions = BTreeSet::new();
        while let Some(page) = self.budget.spend(pages.next()).await {
            let page = match page {
                Err(error) if error_code(&error) == Some("ResourceNotFoundException") => return Ok(Vec::new()),
                page => page.map_err(|error| task_error(VERSIONS, &error))?,
            };
            for version in page.versions.ok_or_else(|| without_list(VERSIONS))? {
                let version = version.version.ok_or_else(|| versionless(VERSIONS, name))?;
                if version != LATEST {
                    versions.insert(Reverse((version.parse::<u64>().unwrap_or(u64::MAX), version)));
                }
            }
        }
        Ok(versions.into_iter().map(|Reverse((_, version))| version).collect())
    }

    /// Takes each entry of the list, which is one of a function, or also of each of its versions. It holds the values of
    /// environment variables.
    async fn each(
        &self,
        versions: Option<FunctionVersion>,
        mut entry: impl FnMut(FunctionConfiguration) -> Result<(), TaskError> + Send,
    ) -> Result<(), TaskError> {
        let list = self.client.list_functions().set_function_version(versions);
        let mut pages = list.into_paginator().page_size(PAGE_SIZE).send();
        while let Some(page) = self.budget.spend(pages.next()).await {
            let page = page.map_err(|error| task_error(ACTION, &error))?;
            page.functions.ok_or_else(|| without_list(ACTION))?.into_iter().try_for_each(&mut entry)?;
        }
        Ok(())
    }
}

/// AWS listed one of a function's versions without saying which one.
fn versionless(action: &str, function: &str) -> TaskError {
    TaskError::Corrupt(format!("{action} listed the function {function} without a version"))
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
            only: Vec::new(),
        };
        assert_eq!(lambda_answering(&answers).list().await, Ok(vec![target("settle"), target("refund")]));
        let second = answers.actual_requests().nth(1).unwrap();
        assert!(second.uri().contains("Marker=more"), "{}", second.uri());
    }

    /// <https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html>
    #[tokio::test]
    async fn every_version_is_listed_though_pages_part_a_function_from_its_versions() {
        let answers = answers(&[
            (
                200,
                r#"{"Functions":[{"FunctionName":"refund","Version":"$LATEST"},{"FunctionName":"settle","Version":"2"},
                    {"FunctionName":"settle","Version":"$LATEST"}],"NextMarker":"more"}"#,
            ),
            (
                200,
                r#"{"Functions":[{"FunctionName":"settle","Version":"10"},{"FunctionName":"settle","Version":"2"},
                    {"FunctionName":"pool","Version":"$LATEST.PUBLISHED"},{"FunctionName":"pool","Version":"7"}]}"#,
            ),
        ]);
        let versions = |versions: &[&str]| versions.iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected: Versions = [
            ("pool".to_owned(), versions(&["$LATEST.PUBLISHED", "7"])),
            ("refund".to_owned(), Vec::new()),
            ("settle".to_owned(), versions(&["10", "2"])),
        ]
        .into();
        assert_eq!(lambda_answering(&answers).versions().await, Ok(expected));
        for request in answers.actual_requests() {
            assert!(request.uri().contains("FunctionVersion=ALL"), "{}", request.uri());
        }
    }

    /// <https://docs.aws.amazon.com/lambda/latest/api/API_ListVersionsByFunction.html>
    #[tokio::test]
    async fn the_versions_of_named_functions_are_asked_for_one_by_one() {
        let answers = answers(&[
            (
                200,
                r#"{"Versions":[{"FunctionName":"settle","Version":"$LATEST"},{"FunctionName":"settle","Version":"2"}],
                    "NextMarker":"more"}"#,
            ),
            (200, r#"{"Versions":[{"FunctionName":"settle","Version":"10"}]}"#),
            (404, r#"{"__type":"ResourceNotFoundException","Message":"Function not found"}"#),
        ]);
        let names = ["settle".to_owned(), "gone".to_owned()];
        let expected: Versions =
            [("settle".to_owned(), vec!["10".to_owned(), "2".to_owned()]), ("gone".to_owned(), Vec::new())].into();
        assert_eq!(lambda_answering(&answers).versions_of(&names).await, Ok(expected));
        let asked: Vec<String> = answers.actual_requests().map(|request| request.uri().to_owned()).collect();
        assert!(asked[0].contains("/functions/settle/versions?"), "{asked:?}");
        assert!(asked[1].contains("Marker=more") && asked[2].contains("/functions/gone/versions"), "{asked:?}");
    }

    #[tokio::test]
    async fn versions_of_a_named_function_that_are_not_told_are_none_that_are_known() {
        let denied = r#"{"__type":"AccessDeniedException","message":"no"}"#;
        for (given, name) in
            [((403, denied), "AccessDenied"), ((200, r#"{"Versions":[{}]}"#), "Corrupt"), ((200, "{}"), "Corrupt")]
        {
            let error = lambda_answering(&answers(&[given])).versions_of(&["settle".to_owned()]).await.unwrap_err();
            assert_eq!(error.name(), name, "{given:?}");
            assert!(error.to_string().contains("lambda:ListVersionsByFunction"), "{error}");
        }
    }

    #[tokio::test]
    async fn versions_of_which_some_are_not_told_are_no_list() {
        let denied = r#"{"__type":"AccessDeniedException","message":"no"}"#;
        let more = r#"{"Functions":[{"FunctionName":"settle","Version":"2"}],"NextMarker":"more"}"#;
        let cases: [(&[(u16, &str)], &str); 4] = [
            (&[(200, more), (403, denied)], "AccessDenied"),
            (&[(200, r#"{"Functions":[{"FunctionName":"settle"}]}"#)], "Corrupt"),
            (&[(200, r#"{"Functions":[{"Version":"2"}]}"#)], "Corrupt"),
            (&[(200, "{}")], "Corrupt"),
        ];
        for (given, name) in cases {
            let error = lambda_answering(&answers(given)).versions().await.unwrap_err();
            assert_eq!(error.name(), name, "{given:?}");
        }
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
