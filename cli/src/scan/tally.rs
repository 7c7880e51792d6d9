//! What one pass over a scan's findings counts for the terminal.

use std::collections::{BTreeMap, BTreeSet};

use audit_artifacts::Findings;
use audit_model::resource::{Audited, S3Account};
use audit_model::{Change, Finding, Service, Severity, Status, UnreadableCause};
use audit_task::TaskError;

/// Open violations by rule, and what could not be read. It grows with the rules and the actions, and not with the account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// By severity and rule.
    pub(super) by_rule: BTreeMap<(Severity, String), Open>,
    /// Evaluations without a verdict, by what was called and what became of the call.
    pub(super) unread: BTreeMap<(String, String), u64>,
    /// The actions that were denied.
    pub(super) denied: BTreeSet<String>,
    /// The highest severity of what has no verdict.
    pub(super) undecided: Option<Severity>,
}

/// Open violations of a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) open: u64,
    /// Those of them that the scan before did not know.
    pub(super) new: u64,
}

impl Tally {
    /// Goes through the findings of a scan. The account's settings of S3 are the same in every region, and each scan judges them:
    /// they are counted `with_account`.
    ///
    /// # Errors
    /// Those of [`Findings::next_resource`].
    pub(super) async fn of(mut findings: Findings, with_account: bool) -> Result<Self, TaskError> {
        let mut tally = Self::default();
        while let Some(of_one) = findings.next_resource().await? {
            for finding in of_one.iter().filter(|finding| with_account || !is_of_the_account(finding)) {
                tally.add(finding);
            }
        }
        Ok(tally)
    }

    fn add(&mut self, finding: &Finding) {
        if finding.is_open() {
            let of_rule = self.by_rule.entry((finding.severity, finding.rule_id.to_string())).or_default();
            of_rule.open += 1;
            of_rule.new += u64::from(finding.change == Some(Change::New));
        }
        // What is not evaluated by decision is nobody's gap.
        if finding.status != Status::InsufficientData || finding.change == Some(Change::NotEvaluated) {
            return;
        }
        self.undecided = self.undecided.max(Some(finding.severity));
        for missing in &finding.missing {
            *self.unread.entry((missing.action.clone(), missing.cause.to_string())).or_default() += 1;
            if missing.cause == UnreadableCause::AccessDenied {
                self.denied.insert(missing.action.clone());
            }
        }
    }

    /// Adds what another region's scan came to.
    pub(super) fn merge(&mut self, other: Self) {
        for (rule, Open { open, new }) in other.by_rule {
            let of_rule = self.by_rule.entry(rule).or_default();
            of_rule.open += open;
            of_rule.new += new;
        }
        for (reading, count) in other.unread {
            *self.unread.entry(reading).or_default() += count;
        }
        self.denied.extend(other.denied);
        self.undecided = self.undecided.max(other.undecided);
    }

    /// All open violations.
    pub(super) fn all_open(&self) -> u64 {
        self.by_rule.values().map(|of_rule| of_rule.open).sum()
    }

    /// Open violations of a severity.
    pub(super) fn open(&self, severity: Severity) -> u64 {
        self.by_rule.iter().filter(|((of, _), _)| *of == severity).map(|(_, of_rule)| of_rule.open).sum()
    }
}

fn is_of_the_account(finding: &Finding) -> bool {
    finding.service == Service::S3 && finding.resource.resource_type == S3Account::TYPE
}
