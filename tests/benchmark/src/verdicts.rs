//! Whether a scan under faults says the same as one without, as far as it says anything.

use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ScanRecord};
use audit_model::resource::{Audited, NetworkAcl, SecurityGroup, Subnet, Vpc, VpcEndpoint};
use audit_model::summary::Gap;
use audit_model::{Finding, Service, Status};

use crate::Problem;
use crate::scan::Outcome;

/// What a scan says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdicts {
    /// By rule and ARN, each with its service and the resource's type.
    verdicts: BTreeMap<(String, String), (Service, String, Status)>,
    gaps: Vec<Gap>,
    /// Whether there is a summary: a scan without one has failed, and the state machine says so.
    is_summed_up: bool,
}

/// What of a scan under faults is not honest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Dishonest {
    /// Another verdict than without faults, and not `INSUFFICIENT_DATA`.
    pub(crate) wrong: Vec<String>,
    /// No verdict, and no gap where it could be.
    pub(crate) unsaid: Vec<String>,
}

/// What of a scan under faults was lost, and said to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Verdicts that have become `INSUFFICIENT_DATA`.
    pub(crate) undecided: u64,
    /// Verdicts that a gap hides.
    pub(crate) hidden: u64,
}

impl Verdicts {
    /// # Errors
    /// The findings of a scan that has a summary cannot be read.
    pub(crate) async fn of(outcome: &Outcome) -> Result<Self, Problem> {
        match &outcome.summary {
            None => Ok(Self::default()),
            Some(_) => Self::kept(&outcome.store, &outcome.scan_id).await,
        }
    }

    /// What lies in a store of a scan that came to its summary.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) async fn kept(store: &dyn ArtifactStore, scan_id: &str) -> Result<Self, Problem> {
        let record = ScanRecord::load(store, scan_id).await?;
        let mut findings = record.findings(store).await?;
        let mut verdicts = BTreeMap::new();
        while let Some(of_one) = findings.next_resource().await? {
            for Finding { service, rule_id, resource, status, .. } in of_one {
                let verdict = (service, resource.resource_type.to_string(), status);
                verdicts.insert((rule_id.into_owned(), resource.arn.clone()), verdict);
            }
        }
        Ok(Self { verdicts, gaps: record.summary.gaps, is_summed_up: true })
    }

    /// Each verdict: the rule, the resource's type and ARN, and the status.
    #[cfg(test)]
    pub(crate) fn each(&self) -> impl Iterator<Item = (&str, &str, &str, Status)> {
        let verdicts = self.verdicts.iter();
        verdicts.map(|((rule, arn), (_, kind, status))| (rule.as_str(), kind.as_str(), arn.as_str(), *status))
    }

    /// What a scan of the same account under faults says beside this one, which met none.
    pub(crate) fn compared_with(&self, faulty: &Self) -> (Dishonest, Lost) {
        let (mut dishonest, mut lost) = (Dishonest::default(), Lost::default());
        let named = |(rule, arn): &(String, String)| format!("{rule} on {arn}");
        for (key, (service, resource_type, status)) in &self.verdicts {
            match faulty.verdicts.get(key) {
                Some((.., same)) if same == status => {}
                Some((.., Status::InsufficientData)) => lost.undecided += 1,
                Some((.., other)) => dishonest.wrong.push(format!("{} was {status} and is {other}", named(key))),
                None if faulty.may_hide(*service, resource_type) => lost.hidden += 1,
                None => dishonest.unsaid.push(format!("{} was {status}", named(key))),
            }
        }
        for (key, (.., status)) in &faulty.verdicts {
            if *status != Status::InsufficientData && !self.verdicts.contains_key(key) {
                dishonest.wrong.push(format!("{} is {status} and was not there", named(key)));
            }
        }
        (dishonest, lost)
    }

    /// Whether a gap says that resources of this type are missing. With VPCs goes what hangs on them.
    fn may_hide(&self, service: Service, resource_type: &str) -> bool {
        let of_vpcs = [SecurityGroup::TYPE, NetworkAcl::TYPE, Subnet::TYPE, VpcEndpoint::TYPE];
        let is_hidden_with =
            |hidden: &str| hidden == resource_type || (hidden == Vpc::TYPE && of_vpcs.contains(&resource_type));
        let hides = |gap: &Gap| gap.service == service && gap.resource_type.as_deref().is_none_or(is_hidden_with);
        !self.is_summed_up || self.gaps.iter().any(hides)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(of: &[(&str, Status)], gaps: &[Gap]) -> Verdicts {
        let verdict = |(arn, status): &(&str, Status)| {
            (("rule".to_owned(), (*arn).to_owned()), (Service::S3, "AWS::S3::Bucket".to_owned(), *status))
        };
        Verdicts { verdicts: of.iter().map(verdict).collect(), gaps: gaps.to_vec(), is_summed_up: true }
    }

    #[test]
    fn only_missing_data_and_gaps_are_honest() {
        let without = verdicts(&[("a", Status::Compliant), ("b", Status::NonCompliant)], &[]);
        let count = |faulty: &Verdicts| {
            let (dishonest, lost) = without.compared_with(faulty);
            (dishonest.wrong.len(), dishonest.unsaid.len(), lost.undecided, lost.hidden)
        };
        assert_eq!(count(&without), (0, 0, 0, 0));
        let undecided = verdicts(&[("a", Status::InsufficientData), ("b", Status::NonCompliant)], &[]);
        assert_eq!(count(&undecided), (0, 0, 1, 0));
        let changed = verdicts(&[("a", Status::NonCompliant), ("b", Status::NonCompliant)], &[]);
        assert_eq!(count(&changed), (1, 0, 0, 0));
        assert_eq!(count(&verdicts(&[("a", Status::Compliant)], &[])), (0, 1, 0, 0));
        let invented = [("a", Status::Compliant), ("b", Status::NonCompliant), ("c", Status::Compliant)];
        assert_eq!(count(&verdicts(&invented, &[])), (1, 0, 0, 0));
        let gap = |resource_type: Option<&str>| Gap {
            service: Service::S3,
            shard: None,
            resources: None,
            resource_type: resource_type.map(str::to_owned),
            reason: "denied".to_owned(),
        };
        assert_eq!(count(&verdicts(&[("a", Status::Compliant)], &[gap(None)])), (0, 0, 0, 1));
        assert_eq!(count(&verdicts(&[("a", Status::Compliant)], &[gap(Some("AWS::S3::AccessPoint"))])), (0, 1, 0, 0));
        assert_eq!(count(&Verdicts::default()), (0, 0, 0, 2));
    }
}
