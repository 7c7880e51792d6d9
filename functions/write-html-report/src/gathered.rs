//! What one pass over the findings keeps of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use audit_artifacts::{Findings, Outcomes};
use audit_model::remediation::RemediationOutcome;
use audit_model::{Change, ExceptionMark, Finding, ResourceRef, Service, Severity, Status, console};
use audit_task::TaskError;
use jiff::Timestamp;

use crate::text::shown;
use crate::top::Top;

/// How many violations the report names: <https://html.spec.whatwg.org/> knows no limit, and a browser on a telephone does.
pub(crate) const VIOLATIONS: usize = 5000;

/// How many of each other kind it names.
const OTHERS: usize = 500;

/// How many kinds of readings that failed it names.
const READINGS: usize = 100;

/// Characters of what was observed.
const OBSERVED: usize = 1000;

/// Characters of a name, of an ARN and of a resource's tags.
const NAME: usize = 256;
const ARN: usize = 512;
const TAGS: usize = 512;

/// The worst violations come first, of the same severity the newest.
type Rank = (Reverse<Severity>, Reverse<Option<Timestamp>>);

/// What the findings came to.
pub(crate) struct Gathered {
    /// Open violations.
    pub(crate) open: Top<Rank, Judged>,
    /// Known violations that were seen mended.
    pub(crate) resolved: Top<Rank, Judged>,
    /// Known violations that could not be looked at.
    pub(crate) not_looked_at: Top<Rank, Judged>,
    /// Violations that an exception covers.
    pub(crate) excepted: Top<Rank, Judged>,
    /// The readings that failed.
    pub(crate) unread: Unread,
}

/// A finding, as much of it as the report shows.
pub(crate) struct Judged {
    pub(crate) rule_id: String,
    pub(crate) service: Service,
    pub(crate) severity: Severity,
    pub(crate) resource: Arc<Resource>,
    pub(crate) observed: String,
    /// Why it could not be looked at; empty where it was.
    pub(crate) missing: String,
    pub(crate) first_seen: Option<Timestamp>,
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) change: Option<Change>,
    pub(crate) exception: Option<ExceptionMark>,
    pub(crate) outcome: Option<RemediationOutcome>,
}

/// A resource, as much of it as the report shows.
pub(crate) struct Resource {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) resource_type: String,
    /// `None` when they were not read, or there are none to read.
    pub(crate) tags: Option<String>,
    pub(crate) console: Option<String>,
}

/// How many evaluations lack which reading.
#[derive(Default)]
pub(crate) struct Unread {
    /// By what was called, and what became of the call: how many, and what was said first.
    pub(crate) kinds: BTreeMap<(String, String), (u64, String)>,
    /// Those of kinds for which there was no room.
    pub(crate) others: u64,
}

impl Gathered {
    /// Goes through the findings.
    ///
    /// # Errors
    /// Those of [`Findings::next_resource`].
    pub(crate) async fn read(mut findings: Findings, outcomes: &Outcomes) -> Result<Self, TaskError> {
        let mut gathered = Self {
            open: Top::new(VIOLATIONS),
            resolved: Top::new(OTHERS),
            not_looked_at: Top::new(OTHERS),
            excepted: Top::new(OTHERS),
            unread: Unread::default(),
        };
        while let Some(of_one) = findings.next_resource().await? {
            let mut resource = None;
            for finding in &of_one {
                gathered.add(finding, outcomes, &mut resource);
            }
        }
        Ok(gathered)
    }

    /// `resource` is the finding's, once it was needed.
    fn add(&mut self, finding: &Finding, outcomes: &Outcomes, resource: &mut Option<Arc<Resource>>) {
        if finding.status == Status::InsufficientData {
            self.unread.add(finding);
        }
        let list = match (finding.status, finding.change) {
            _ if finding.is_open() => &mut self.open,
            (Status::NonCompliant, _) => &mut self.excepted,
            (_, Some(Change::Resolved)) => &mut self.resolved,
            (_, Some(Change::NotLookedAt)) => &mut self.not_looked_at,
            _ => return,
        };
        list.offer((Reverse(finding.severity), Reverse(finding.first_seen)), || {
            let resource = resource.get_or_insert_with(|| Arc::new(Resource::of(&finding.resource)));
            Judged::of(finding, Arc::clone(resource), outcomes.of(finding))
        });
    }
}

impl Judged {
    fn of(finding: &Finding, resource: Arc<Resource>, outcome: Option<RemediationOutcome>) -> Self {
        let missing: Vec<String> = finding.missing.iter().map(ToString::to_string).collect();
        let clipped = |mark: &ExceptionMark| ExceptionMark {
            reason: shown(&mark.reason, OBSERVED),
            approver: shown(&mark.approver, NAME),
            expires: mark.expires,
        };
        Self {
            rule_id: finding.rule_id.to_string(),
            service: finding.service,
            severity: finding.severity,
            resource,
            observed: shown(&finding.evidence.observed, OBSERVED),
            missing: shown(&missing.join("; "), OBSERVED),
            first_seen: finding.first_seen,
            last_seen: finding.last_seen,
            change: finding.change,
            exception: finding.exception.as_ref().map(clipped),
            outcome,
        }
    }
}

impl Resource {
    fn of(resource: &ResourceRef) -> Self {
        // Tags of AWS's own services say nothing to whoever looks for an owner.
        // <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
        let tags = resource.tags.as_ref().map(|tags| {
            let of_people = tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
            let tags: Vec<String> = of_people.map(|(key, value)| format!("{key}={value}")).collect();
            shown(&tags.join(", "), TAGS)
        });
        Self {
            arn: shown(&resource.arn, ARN),
            name: shown(&resource.name, NAME),
            resource_type: shown(&resource.resource_type, NAME),
            tags,
            console: console::resource(resource),
        }
    }
}

impl Unread {
    fn add(&mut self, finding: &Finding) {
        for missing in &finding.missing {
            let kind = (missing.action.clone(), missing.cause.to_string());
            if let Some((count, _)) = self.kinds.get_mut(&kind) {
                *count += 1;
            } else if self.kinds.len() < READINGS {
                self.kinds.insert(kind, (1, shown(&missing.detail, OBSERVED)));
            } else {
                self.others += 1;
            }
        }
    }
}
