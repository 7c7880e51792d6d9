//! The aliases of a function, each of which has a policy of its own, as each of the published versions has that they lead to.

use std::collections::BTreeMap;

use audit_model::Unreadable;
use audit_task::{Budget, listed};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::AliasConfiguration;

pub(super) const ACTION: &str = "lambda:ListAliases";

/// What is not published.
const LATEST: &str = "$LATEST";

/// Aliases on a page.
const PAGE_SIZE: i32 = 50;

/// The function's aliases, with the published versions that each leads to.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListAliases.html>
pub(super) async fn aliases(
    client: &Client,
    budget: &Budget,
    name: &str,
) -> Result<BTreeMap<String, Vec<String>>, Unreadable> {
    let page = |marker: Option<String>| {
        let call = client.list_aliases().function_name(name).max_items(PAGE_SIZE).set_marker(marker).send();
        async { call.await.map(|page| (page.aliases, page.next_marker)) }
    };
    listed(ACTION, budget, page, |alias: AliasConfiguration| (alias.name.clone(), led_to(alias))).await
}

/// The alias's version, and the other one that it may share the traffic out to.
fn led_to(alias: AliasConfiguration) -> Vec<String> {
    let weights = alias.routing_config.and_then(|it| it.additional_version_weights).unwrap_or_default();
    alias.function_version.into_iter().chain(weights.into_keys()).filter(|version| version != LATEST).collect()
}
