//! What of the account must be read under a policy.

use std::collections::BTreeSet;

use audit_model::{Policy, Reading, Unreadable};

use crate::catalogue::CATALOGUE;
use crate::rule::Rule;

/// The IAM actions of what rules judge by. What no rule judges by that the policy has switched on is not asked for.
#[derive(Debug, Clone)]
pub struct Needed(BTreeSet<&'static str>);

impl Needed {
    /// What the rules judge by that the policy has switched on.
    pub fn under(policy: &Policy) -> Self {
        Self::of(|rule| rule.is_on(policy))
    }

    /// What the rules judge by of whose ids `is_on` holds.
    pub fn by(is_on: impl Fn(&str) -> bool) -> Self {
        Self::of(|rule| is_on(rule.id))
    }

    fn of(is_on: impl Fn(&Rule) -> bool) -> Self {
        Self(CATALOGUE.iter().filter(|rule| is_on(rule)).flat_map(|rule| rule.reads).copied().collect())
    }

    /// What `call` reads with the action, where somebody needs it.
    ///
    /// # Errors
    /// `NotLookedAt` where nobody needs it, and those of the call.
    pub async fn call<T>(
        &self,
        action: &str,
        call: impl Future<Output = Result<T, Unreadable>>,
    ) -> Result<T, Unreadable> {
        if self.0.contains(action) { call.await } else { Err(not_needed(action)) }
    }

    /// The same for what comes as a reading, which is then unreadable and never absent: a rule that judged by it all the same
    /// would have no verdict.
    pub async fn read<T>(&self, action: &str, call: impl Future<Output = Reading<T>>) -> Reading<T> {
        if self.0.contains(action) { call.await } else { Reading::Unreadable(not_needed(action)) }
    }
}

/// By all rules.
impl Default for Needed {
    fn default() -> Self {
        Self::by(|_| true)
    }
}

fn not_needed(action: &str) -> Unreadable {
    Unreadable::not_asked(action, "no rule that is switched on judges by it")
}
