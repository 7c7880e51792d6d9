//! Settings of a deployment that bring what some rules read, and without which these rules are off.

use audit_model::Policy;
use audit_model::policy::RuleSetting;

use crate::catalogue::CATALOGUE;
use crate::rule::Rule;

/// A setting of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name among the settings in `infrastructure/`.
    pub name: &'static str,
    /// How the IAM actions begin that only a deployment with this setting may use.
    actions: &'static str,
    /// Why it is not always on, and what there is without it.
    pub without: &'static str,
}

/// Brings the interface endpoint of AWS CloudTrail.
pub const CLOUD_TRAIL: Setting = Setting {
    name: "cloudTrail",
    actions: "cloudtrail:",
    without: "only the API of AWS CloudTrail tells what a trail records, and the deployment's setting cloudTrail, which \
        brings the interface endpoint for it and costs by the hour, is off",
};

impl Setting {
    /// Every setting that some rule needs.
    pub const ALL: [Self; 1] = [CLOUD_TRAIL];

    /// Switches off the rules that need it, whatever the policy says of them.
    pub fn switch_off(&self, policy: &mut Policy) {
        for rule in CATALOGUE.iter().filter(|rule| rule.needs().as_ref() == Some(self)) {
            let as_tuned = || RuleSetting { enabled: false, severity: None };
            policy.rules.entry(rule.id.to_owned()).or_insert_with(as_tuned).enabled = false;
        }
    }
}

impl Rule {
    /// The setting of a deployment without which nobody can read what it judges by.
    pub fn needs(&self) -> Option<Setting> {
        let brings = |setting: &Setting| self.reads.iter().any(|action| action.starts_with(setting.actions));
        Setting::ALL.into_iter().find(brings)
    }

    /// The setting that it needs, where that is one of these, which a deployment was made without.
    pub fn misses(&self, missing_settings: &[String]) -> Option<Setting> {
        self.needs().filter(|setting| missing_settings.iter().any(|missing| missing == setting.name))
    }
}

#[cfg(test)]
mod tests {
    use audit_model::Severity;

    use super::*;
    use crate::fixtures;

    const RULES: [&str; 2] = ["cloudtrail-all-read-s3-data-event-check", "cloudtrail-all-write-s3-data-event-check"];

    #[test]
    fn the_rules_that_read_trails_need_the_setting_and_no_others_do() {
        let mut needing: Vec<&str> =
            CATALOGUE.iter().filter(|rule| rule.needs() == Some(CLOUD_TRAIL)).map(|rule| rule.id).collect();
        needing.sort_unstable();
        assert_eq!(needing, RULES);
    }

    #[test]
    fn without_the_setting_its_rules_are_off_whatever_the_policy_says_and_keep_their_severity() {
        let mut policy = fixtures::policy();
        let tuned = RuleSetting { enabled: true, severity: Some(Severity::High) };
        policy.rules.insert(RULES[0].to_owned(), tuned);
        CLOUD_TRAIL.switch_off(&mut policy);
        assert_eq!(policy.rules_off().collect::<Vec<_>>(), RULES);
        assert_eq!(policy.rules[RULES[0]].severity, Some(Severity::High));
    }
}
