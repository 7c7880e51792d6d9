//! AWS Lambda. Its events have the version of its API in their names, as it lists them:
//! <https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html>

use crate::call::{Call, Names, Reach, Rule, Source};

const fn function(name: &'static str, readings: &'static [&'static str]) -> Call {
    Call { source: Source::Lambda, name, rule: Rule::Lambda, names: Names::Function, reach: Reach::Named, readings }
}

const fn tagged(name: &'static str) -> Call {
    Call { names: Names::LambdaArn, ..function(name, &["Function.tags"]) }
}

pub(super) const CALLS: &[Call] = &[
    function(
        "CreateFunction20150331",
        &[
            "Function.configuration",
            "FunctionConfiguration.environment_variables",
            "Function.availability_zones",
            "Function.tags",
        ],
    ),
    Call { reach: Reach::Deleted, ..function("DeleteFunction20150331", &[]) },
    function(
        "UpdateFunctionConfiguration20150331v2",
        &["Function.configuration", "FunctionConfiguration.environment_variables", "Function.availability_zones"],
    ),
    function("PutFunctionConcurrency20171031", &["Function.reserved_concurrency"]),
    function("DeleteFunctionConcurrency20171031", &["Function.reserved_concurrency"]),
    function("AddPermission20150331v2", POLICIES),
    function("RemovePermission20150331v2", POLICIES),
    function("CreateAlias20150331", &["Function.aliases", "Function.alias_policies", "Function.version_policies"]),
    function("UpdateAlias20150331", &["Function.version_policies"]),
    function("DeleteAlias20150331", &["Function.aliases", "Function.alias_policies"]),
    function("CreateFunctionUrlConfig", &["Function.urls"]),
    function("UpdateFunctionUrlConfig", &["Function.urls"]),
    function("DeleteFunctionUrlConfig", &["Function.urls"]),
    tagged("TagResource20170331v2"),
    tagged("UntagResource20170331v2"),
];

/// A permission is given to a function, or to one of its versions or aliases.
const POLICIES: &[&str] = &[
    "Function.policy",
    "Function.alias_policies",
    "Function.version_policies",
    "AliasPolicy.policy",
    "VersionPolicy.policy",
];

#[cfg(test)]
pub(super) const UNCHANGED: &[(&str, &str)] =
    &[("Function.versions", "a new version has no policy, and nothing is wrong with it, until AddPermission names it")];
