//! `[rules]`: which rules are off, and which have another severity.

use std::collections::BTreeMap;

use audit_model::policy::RuleSetting;
use audit_model::{Policy, Severity};
use serde::Deserialize;
use toml::Spanned;

use crate::mistake::Mistake;

pub(crate) type RuleTable = BTreeMap<Spanned<String>, RuleEntry>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleEntry {
    enabled: Option<bool>,
    severity: Option<Severity>,
}

pub(crate) fn rules(table: RuleTable) -> Result<BTreeMap<String, RuleSetting>, Mistake> {
    let settings = table.into_iter().map(|(id, RuleEntry { enabled, severity })| {
        let id = known_rule(id)?;
        Ok((id, RuleSetting { enabled: enabled.unwrap_or(true), severity }))
    });
    settings.collect()
}

/// The rules that the table switches on in so many words.
pub(crate) fn switched_on(table: &RuleTable) -> Vec<Spanned<String>> {
    table.iter().filter(|(_, entry)| entry.enabled == Some(true)).map(|(id, _)| id.clone()).collect()
}

/// Nobody is left to believe that a rule is on whose framework is off.
pub(crate) fn are_on(ids: Vec<Spanned<String>>, policy: &Policy) -> Result<(), Mistake> {
    ids.into_iter().try_for_each(|id| match audit_rules::rule(id.get_ref()).and_then(|rule| rule.off_under(policy)) {
        None => Ok(()),
        Some(reason) => Err(Mistake::of(&id, format!("{} cannot be switched on here: {reason}", id.get_ref()))),
    })
}

/// The id of a rule of the catalogue.
pub(crate) fn known_rule(id: Spanned<String>) -> Result<String, Mistake> {
    match audit_rules::rule(id.get_ref()) {
        Some(_) => Ok(id.into_inner()),
        None => {
            let what = format!(
                "there is no rule {:?}; allowed: the ids of functions/shared/audit-rules/RULES.md",
                id.get_ref()
            );
            Err(Mistake::of(&id, what))
        }
    }
}
