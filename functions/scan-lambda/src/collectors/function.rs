//! One function. `GetFunction` brings tags and reserved concurrency along with the configuration, so that
//! `GetFunctionConfiguration`, `ListTags` and `GetFunctionConcurrency`, with their lower quotas, are not needed.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::num::NonZeroU32;

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_model::resource::{AliasPolicy, Function, FunctionConfiguration, FunctionUrl, Identity, VersionPolicy};
use audit_model::{Reading, Tags, Unreadable, UnreadableCause};
use audit_rules::Needed;
use audit_task::{Budget, error_code, reported, unreadable};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{self, Layer, TagsError};
use futures::future::join_all;

use super::aliases::{self, aliases};
use super::environment::environment_variables;
use super::subnet_zones::{self, SubnetZones};
use super::urls::{self, urls};
use super::{FunctionCollector, Shared, VERSIONS};

const GET_FUNCTION: &str = "lambda:GetFunction";
const GET_POLICY: &str = "lambda:GetPolicy";
const LIST_TAGS: &str = "lambda:ListTags";

/// Requests of `GetFunction` a second that all scanners of an account's functions make together: two thirds of the quota,
/// 100, that they share with the account's deployments. It cannot be raised.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const GET_FUNCTION_PER_SECOND: NonZeroU32 = NonZeroU32::new(66).unwrap();

/// The same for `GetPolicy`, whose quota is 15.
pub const GET_POLICY_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// The functions of an account in one region.
#[derive(Debug)]
pub struct LambdaFunctions {
    /// The client.
    pub client: Client,
    /// The client for the subnets that functions are attached to.
    pub ec2: aws_sdk_ec2::Client,
    /// The 12 digits of the account.
    pub account: String,
    /// The clients' region.
    pub region: String,
    /// For `GetFunction`.
    pub get_function_budget: Budget,
    /// For `GetPolicy`, of functions, aliases and versions.
    pub get_policy_budget: Budget,
    /// For `ListFunctionUrlConfigs` and `ListAliases`.
    pub lists_budget: Budget,
    /// For `DescribeSubnets`.
    pub describe_subnets_budget: Budget,
}

#[async_trait]
impl FunctionCollector for LambdaFunctions {
    async fn room(&self) {
        for budget in [&self.get_policy_budget, &self.lists_budget, &self.get_function_budget] {
            budget.room().await;
        }
    }

    async fn function(&self, target: &Target, shared: &Shared) -> Option<Function> {
        let name = target.id.as_str();
        let (policy, qualified) = futures::join!(self.policy(name, None, &shared.needed), self.qualified(name, shared));
        // Asked last: what is said of a function that is no more may look like a function that lets nobody in. One that
        // is still there was there all the time.
        let described = match self.described(name, shared).await {
            Ok(described) => described,
            Err(why) if why.cause == UnreadableCause::Gone => return None,
            Err(why) => Described::unreadable(&why),
        };
        Some(Function {
            identity: Identity {
                name: name.to_owned(),
                arn: format!("arn:aws:lambda:{}:{}:function:{name}", self.region, self.account),
                account: self.account.clone(),
                region: self.region.clone(),
            },
            configuration: described.configuration,
            reserved_concurrency: described.reserved_concurrency,
            policy,
            aliases: qualified.aliases,
            alias_policies: qualified.alias_policies,
            versions: qualified.versions,
            version_policies: qualified.version_policies,
            urls: qualified.urls,
            availability_zones: described.availability_zones,
            tags: described.tags,
        })
    }
}

/// What is read of a function under its URLs, aliases and versions.
struct Qualified {
    urls: Reading<Vec<FunctionUrl>>,
    aliases: Reading<Vec<String>>,
    alias_policies: Reading<Vec<AliasPolicy>>,
    versions: Reading<Vec<String>>,
    version_policies: Vec<VersionPolicy>,
}

/// The aliases, if it is the function's turn in this scan.
async fn in_turn<T>(is_in: bool, aliases: impl Future<Output = Result<T, Unreadable>>) -> Result<T, Unreadable> {
    if is_in {
        return aliases.await;
    }
    let why = "one scan has no time for the aliases of so many functions; this one has its turn in another";
    Err(Unreadable::not_asked(aliases::ACTION, why))
}

/// What `GetFunction` tells of a function, and what follows from it.
struct Described {
    configuration: Reading<FunctionConfiguration>,
    reserved_concurrency: Reading<u32>,
    availability_zones: Reading<Vec<String>>,
    tags: Reading<Tags>,
}

impl Described {
    fn unreadable(why: &Unreadable) -> Self {
        Self {
            configuration: Reading::Unreadable(why.clone()),
            reserved_concurrency: Reading::Unreadable(why.clone()),
            availability_zones: Reading::Unreadable(why.clone()),
            tags: Reading::Unreadable(why.clone()),
        }
    }
}

impl LambdaFunctions {
    async fn described(&self, name: &str, shared: &Shared) -> Result<Described, Unreadable> {
        let call = self.client.get_function().function_name(name);
        let answer = self.get_function_budget.spend(call.send()).await;
        let answer = answer.map_err(|error| unreadable(GET_FUNCTION, &error))?;
        let configuration = answer.configuration.as_ref().and_then(configuration).map_or_else(
            || not_understood("the answer lacks the package type, the tracing mode or the ARN of a layer or of the capacity provider"),
            Reading::seen,
        );
        let (reserved_concurrency, tags) = (reserved_concurrency(&answer), tags(&answer));
        // The answer holds the values of the environment variables: it must not wait for the subnets.
        drop(answer);
        let zones = self.availability_zones(&configuration, &shared.zones);
        let availability_zones = shared.needed.read(subnet_zones::ACTION, zones).await;
        Ok(Described { configuration, reserved_concurrency, availability_zones, tags })
    }

    async fn availability_zones(
        &self,
        configuration: &Reading<FunctionConfiguration>,
        zones: &SubnetZones,
    ) -> Reading<Vec<String>> {
        let subnet_ids = match configuration.known() {
            Ok(configuration) => configuration.map(|it| it.subnet_ids.as_slice()).unwrap_or_default(),
            Err(why) => return Reading::Unreadable(why),
        };
        if subnet_ids.is_empty() {
            return Reading::Absent;
        }
        let zones = zones.of(&self.ec2, &self.describe_subnets_budget, subnet_ids).await;
        zones.map_or_else(Reading::Unreadable, Reading::seen)
    }

    /// The URLs and aliases, and the policies of aliases and versions.
    async fn qualified(&self, name: &str, shared: &Shared) -> Qualified {
        let (client, budget, needed) = (&self.client, &self.lists_budget, &shared.needed);
        let is_in = shared.allowance.aliases(name);
        let (urls, aliases, versions) = futures::join!(
            needed.call(urls::ACTION, urls(client, budget, name)),
            needed.call(aliases::ACTION, in_turn(is_in, aliases(client, budget, name))),
            needed.call(VERSIONS, ready(shared.versions(name))),
        );
        // The URLs name some of the aliases where they were not listed themselves.
        let of_urls = urls.iter().flatten().filter_map(|url| url.alias.as_deref());
        let named: BTreeSet<&str> =
            aliases.iter().flat_map(BTreeMap::keys).map(String::as_str).chain(of_urls).collect();
        let led_to: BTreeSet<&str> = aliases.iter().flat_map(BTreeMap::values).flatten().map(String::as_str).collect();
        let others = versions.iter().copied().flatten().map(String::as_str);
        let others: Vec<&str> = others.filter(|version| !led_to.contains(version)).collect();
        let more = shared.allowance.policies(name, named.len() + led_to.len(), others.len());
        let asked = led_to.iter().chain(others.iter().take(more));
        let (alias_policies, version_policies) = futures::join!(
            join_all(named.iter().map(|alias| async move {
                AliasPolicy { alias: (*alias).to_owned(), policy: self.policy(name, Some(*alias), needed).await }
            })),
            join_all(asked.map(|version| async move {
                VersionPolicy {
                    version: (*version).to_owned(),
                    policy: self.policy(name, Some(*version), needed).await,
                }
            })),
        );
        Qualified {
            alias_policies: match (&aliases, &urls) {
                (Err(why), Err(_)) => Reading::Unreadable(why.clone()),
                _ => Reading::seen(alias_policies),
            },
            version_policies,
            aliases: aliases.map_or_else(Reading::Unreadable, |it| Reading::seen(it.into_keys().collect())),
            versions: versions.map_or_else(Reading::Unreadable, |it| Reading::seen(it.to_vec())),
            urls: urls.map_or_else(Reading::Unreadable, Reading::seen),
        }
    }

    /// The policy of a function, or of the alias or version that is its `qualifier`.
    ///
    /// Lambda says the same of a function, alias or version without a policy and of none. Either way nobody is
    /// let in, and `GetFunction` tells a function that has gone.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html>
    async fn policy(&self, name: &str, qualifier: Option<&str>, needed: &Needed) -> Reading<String> {
        needed.read(GET_POLICY, self.needed_policy(name, qualifier)).await
    }

    async fn needed_policy(&self, name: &str, qualifier: Option<&str>) -> Reading<String> {
        let call = self.client.get_policy().function_name(name).set_qualifier(qualifier.map(ToOwned::to_owned));
        match self.get_policy_budget.spend(call.send()).await {
            Ok(answer) => match answer.policy {
                Some(policy) => Reading::seen(policy),
                None => Reading::Unreadable(Unreadable::malformed(GET_POLICY, "the answer holds no policy")),
            },
            Err(error) if error_code(&error) == Some("ResourceNotFoundException") => Reading::Absent,
            Err(error) => Reading::Unreadable(unreadable(GET_POLICY, &error)),
        }
    }
}

/// What Lambda says of a function's configuration, or `None` where it leaves out what it always says.
fn configuration(answer: &types::FunctionConfiguration) -> Option<FunctionConfiguration> {
    let vpc = answer.vpc_config.as_ref();
    Some(FunctionConfiguration {
        package_type: answer.package_type.as_ref()?.as_str().to_owned(),
        runtime: answer.runtime.as_ref().map(|runtime| runtime.as_str().to_owned()),
        // A function that was detached from its VPC keeps an empty id.
        vpc_id: vpc.and_then(|vpc| vpc.vpc_id.clone()).filter(|id| !id.is_empty()),
        subnet_ids: vpc.map(|vpc| vpc.subnet_ids().to_vec()).unwrap_or_default(),
        tracing_mode: answer.tracing_config.as_ref()?.mode.as_ref()?.as_str().to_owned(),
        kms_key_arn: answer.kms_key_arn.clone(),
        environment_variables: answer.environment.as_ref().map_or(Reading::Absent, environment_variables),
        // An empty ARN is how a dead-letter queue is taken away.
        dead_letter_target: answer
            .dead_letter_config
            .as_ref()
            .and_then(|config| config.target_arn.clone())
            .filter(|arn| !arn.is_empty()),
        layers: answer.layers().iter().map(|Layer { arn, .. }| arn.clone()).collect::<Option<_>>()?,
        capacity_provider: capacity_provider(answer)?,
    })
}

/// The ARN of the function's capacity provider if it has one, or `None` where Lambda leaves out which one that is.
fn capacity_provider(answer: &types::FunctionConfiguration) -> Option<Option<String>> {
    let Some(config) = &answer.capacity_provider_config else { return Some(None) };
    let arn = &config.lambda_managed_instances_capacity_provider_config.as_ref()?.capacity_provider_arn;
    (!arn.is_empty()).then(|| Some(arn.clone()))
}

fn reserved_concurrency(answer: &GetFunctionOutput) -> Reading<u32> {
    match answer.concurrency.as_ref().and_then(|it| it.reserved_concurrent_executions) {
        None => Reading::Absent,
        Some(reserved) => u32::try_from(reserved)
            .map_or_else(|_| not_understood("the reserved concurrency is less than nothing"), Reading::seen),
    }
}

/// Lambda shows tags only to callers that may list them, and says so in an error of its own.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html>
fn tags(answer: &GetFunctionOutput) -> Reading<Tags> {
    match (&answer.tags_error, &answer.tags) {
        (Some(TagsError { error_code, message, .. }), _) => {
            Reading::Unreadable(reported(LIST_TAGS, Some(error_code), Some(message)))
        }
        (None, Some(tags)) => Reading::seen(tags.clone().into_iter().collect()),
        (None, None) => Reading::Absent,
    }
}

fn not_understood<T>(detail: &str) -> Reading<T> {
    Reading::Unreadable(Unreadable::malformed(GET_FUNCTION, detail))
}
