//! Whether a resource policy lets in the public, by AWS's own meaning of the word.
//!
//! A policy counts as public unless it grants access only to fixed values: see [the meaning of "public"][s3] for
//! buckets, and the note in [`lambda-function-public-access-prohibited`][lambda] for functions. What these pages leave
//! open is [`Exposure::Undecided`] here.
//!
//! [s3]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
//! [lambda]: https://docs.aws.amazon.com/config/latest/developerguide/lambda-function-public-access-prohibited.html

use std::collections::BTreeSet;

use super::condition::{Condition, all_hold, any_fails};
use super::document::{Effect, PolicyDocument, Statement};
use super::grant::{Grant, Question, grants};
use super::narrowing::Narrowing;
use super::pattern::{Reach, Share};

/// How far a policy opens a resource, from the least to the most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exposure {
    /// Only to principals or places that the policy names.
    NotPublic,
    /// AWS's documentation does not settle it; the text says what is unsettled.
    Undecided(String),
    /// To the public; the text says through which statement.
    Public(String),
}

/// How far a policy opens what is asked.
pub(crate) fn exposure(policy: &PolicyDocument, question: &Question) -> Exposure {
    grants(policy, question).iter().map(exposure_by).max().unwrap_or(Exposure::NotPublic)
}

/// Whether what is asked first is public only if what is asked second is, too, whatever settles what is undecided: all
/// that may let in the public there hangs on no less than something that does so here.
pub(crate) fn is_public_only_with(policy: &PolicyDocument, first: &Question, second: &Question) -> bool {
    let may_be_public = |question| {
        let mut grants = grants(policy, question);
        grants.retain(|grant| exposure_by(grant) != Exposure::NotPublic);
        grants
    };
    let here = may_be_public(second);
    may_be_public(first).iter().all(|there| here.iter().any(|here| here.is_no_narrower_than(there)))
}

fn exposure_by(Grant { statement, narrowing, doubt, .. }: &Grant) -> Exposure {
    match (narrowing, doubt) {
        (Narrowing::Fixed(_), _) => Exposure::NotPublic,
        (Narrowing::Unsettled { on, .. }, _) => Exposure::Undecided(format!("whom {statement} lets in hangs on {on}")),
        (Narrowing::None, Some(denial)) => {
            Exposure::Undecided(format!("{statement} lets anyone in, and {denial} may take that back"))
        }
        (Narrowing::None, None) => Exposure::Public(format!("{statement} lets anyone in")),
    }
}

/// The AWS services that a policy lets in to what is asked.
#[derive(Debug, Default)]
pub(crate) struct Services {
    /// Those that are let in on whoever's behalf, each with the statement, in words.
    pub(crate) for_anyone: BTreeSet<String>,
    /// Why there may be more of those, one sentence each.
    pub(crate) undecided: BTreeSet<String>,
    /// Whether there are others.
    pub(crate) for_some: bool,
}

/// The [AWS services][page] that a policy lets in, and whether on the behalf of fixed accounts, organizations or resources
/// only. Where an ARN has wildcards, its account counts.
///
/// [page]: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html#cross-service-confused-deputy-prevention
pub(crate) fn services(policy: &PolicyDocument, question: &Question) -> Services {
    let mut services = Services::default();
    for grant in grants(policy, question).iter().filter(|grant| grant.narrowing != Narrowing::NOBODY) {
        let Grant { statement, source, doubt, .. } = grant;
        for service in grant.services() {
            match (source, doubt) {
                (Narrowing::Fixed(_) | Narrowing::Unsettled { within: Some(_), .. }, _) => services.for_some = true,
                (Narrowing::None, None) => {
                    services.for_anyone.insert(format!("{statement} lets in {service} on anyone's behalf"));
                }
                (Narrowing::Unsettled { on, .. }, _) => {
                    services.undecided.insert(format!("on whose behalf {statement} lets in {service} hangs on {on}"));
                }
                (Narrowing::None, Some(denial)) => {
                    let grant = format!("{statement} lets in {service} on anyone's behalf");
                    services.undecided.insert(format!("{grant}, and {denial} may take that back"));
                }
            }
        }
    }
    services
}

/// The first statement that lets in an AWS service on whoever's behalf: for no fixed account or organization, and without
/// a denial of all other ones. `action` is the one that the service calls.
pub(crate) fn lets_in_service_for_anyone(policy: &PolicyDocument, service: &str, action: &str) -> Option<String> {
    let action = Share::actions(action);
    let mut allows = policy.statements(Effect::Allow).filter(|(_, allow)| {
        let named = allow.principals.service(service);
        let bound_by = |deny: &Statement| {
            let reach = named.as_ref().map_or(Reach::Nothing, |named| deny.principals.shut_out(named).0);
            let alone = deny.conditions.iter().all(is_on_the_source);
            reach.min(deny.actions.reach(&action)) == Reach::Whole && alone && is_fixed(&any_fails(&deny.conditions))
        };
        let on_the_source: Vec<Condition> =
            allow.conditions.iter().filter(|condition| is_on_the_source(condition)).cloned().collect();
        named.is_some()
            && !is_fixed(&all_hold(&on_the_source))
            && !policy.statements(Effect::Deny).any(|(_, deny)| bound_by(deny))
    });
    allows.next().map(|(name, _)| name)
}

fn is_on_the_source(condition: &Condition) -> bool {
    matches!(condition.key.as_str(), "aws:sourceaccount" | "aws:sourceorgid" | "aws:sourceorgpaths")
}

fn is_fixed(narrowing: &Narrowing) -> bool {
    matches!(narrowing, Narrowing::Fixed(_))
}
