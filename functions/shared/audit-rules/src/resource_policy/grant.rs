//! What the Allow statements of a policy let in once its Deny statements have taken their share.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
//!
//! What an Allow grants is cut into shares of actions and resources. Of each share, a Deny that names all of it leaves
//! those for whom one of its conditions fails; one that names nothing of it leaves everybody; one that names some of it
//! leaves a doubt. Several Denies leave those whom each of them leaves. So a Deny can only take, and an Allow only add.

use std::collections::BTreeSet;

use super::condition::{
    Condition, all_hold, all_hold_of_who_asks, any_fails, may_shut_out_all, source_fails, source_holds,
};
use super::document::{Effect, PolicyDocument, Statement};
use super::grantee::Grantee;
use super::narrowing::Narrowing;
use super::pattern::{Patterns, Reach, Share};
use super::principal::Who;
use super::wildcard::{covers, has_wildcard, overlap};

/// What is asked of a policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// The actions that the question is about.
    pub(crate) actions: ActionKind,
    /// Patterns of all the ARNs that the policy is for: those of a bucket and its objects, of a function and its
    /// versions, `*` for an endpoint.
    pub(crate) resources: &'a [String],
}

/// A kind of actions, all in lower case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActionKind {
    /// What belongs to it: names, and patterns that some existing action matches. The names decide where a Deny takes
    /// away some actions of a pattern only: AWS has more actions than anyone lists.
    pub(crate) families: &'static [&'static str],
    /// Where there are such: every name that matches none of these belongs to it, too.
    pub(crate) all_but: Option<&'static [&'static str]>,
}

impl ActionKind {
    /// Every action there is.
    pub(crate) const ALL: Self = Self::of(&["*"]);

    /// These actions.
    pub(crate) const fn of(families: &'static [&'static str]) -> Self {
        Self { families, all_but: None }
    }

    fn includes(&self, name: &str) -> bool {
        self.families.iter().any(|family| covers(family, name))
            || self.all_but.is_some_and(|others| !others.iter().any(|other| covers(other, name)))
    }

    /// What a statement names of this kind.
    pub(crate) fn shares(&self, actions: &Patterns) -> Vec<Share> {
        let mut shares = Vec::new();
        match actions {
            Patterns::Only(patterns) => {
                for pattern in patterns.iter().map(|pattern| pattern.glob.as_str()) {
                    if has_wildcard(pattern) {
                        let families = self.families.iter().filter(|family| overlap(family, pattern));
                        shares.extend(families.map(|family| match has_wildcard(family) {
                            true => Share::actions(pattern).and(family),
                            false => Share::actions(family),
                        }));
                    } else if self.includes(pattern) {
                        shares.push(Share::actions(pattern));
                    }
                }
            }
            Patterns::AllBut(left_out) => {
                let families = self.families.iter().map(|family| Share::actions(family));
                shares.extend(
                    families.filter(|family| actions.reach(family) > Reach::Nothing).map(|it| it.but(left_out)),
                );
            }
        }
        shares
    }
}

/// What one Allow lets in: one principal to one share.
#[derive(Debug, Clone)]
pub(crate) struct Grant<'a> {
    /// The statement, by a name to find it by.
    pub(crate) statement: String,
    /// Who is let in.
    pub(crate) narrowing: Narrowing,
    /// On whose behalf services are let in, of anyone's.
    pub(crate) source: Narrowing,
    /// A statement that denies some of the share, so that all of it may be gone.
    pub(crate) doubt: Option<String>,
    /// A statement that denies all of the share, perhaps to everybody.
    pub(crate) denial_of_all: Option<String>,
    /// Whom the Allow names.
    who: Who<'a>,
    /// Under what conditions.
    conditions: &'a [Condition],
    /// How far each Deny of the policy reaches the share.
    reaches: Vec<Reach>,
}

impl Grant<'_> {
    /// The AWS services that are let in, on whoever's behalf.
    pub(crate) fn services(&self) -> Vec<Grantee> {
        match self.who.narrowing().and(all_hold_of_who_asks(self.conditions)) {
            Narrowing::Fixed(let_in) | Narrowing::Unsettled { within: Some(let_in), .. } => {
                let_in.into_iter().filter(|who| matches!(who, Grantee::Service(_) | Grantee::Services)).collect()
            }
            Narrowing::Unsettled { within: None, .. } | Narrowing::None => Vec::new(),
        }
    }

    /// Whether this one lets in whoever the other one lets in, by what is written: the same people under the same
    /// conditions, of whom no Deny takes more.
    pub(crate) fn is_no_narrower_than(&self, other: &Self) -> bool {
        self.doubt.is_none()
            && (&self.who, self.conditions) == (&other.who, other.conditions)
            && self.reaches.iter().zip(&other.reaches).all(|(own, others)| own <= others)
    }
}

/// A Deny with what is worked out once for all grants.
struct Denial<'a> {
    name: String,
    statement: &'a Statement,
    /// Those for whom one of its conditions fails.
    left: Narrowing,
    /// Those on whose behalf a service asks when one fails.
    left_of_sources: Narrowing,
}

/// All that a policy grants of what is asked.
pub(crate) fn grants<'a>(policy: &'a PolicyDocument, question: &Question) -> Vec<Grant<'a>> {
    let denials = policy.statements(Effect::Deny).map(|(name, statement)| {
        let left = any_fails(&statement.conditions);
        Denial { name, statement, left, left_of_sources: source_fails(&statement.conditions) }
    });
    let denials: Vec<Denial> = denials.collect();
    let allows = policy.statements(Effect::Allow);
    allows.flat_map(|(name, allow)| grants_of(&name, allow, &denials, question)).collect()
}

fn grants_of<'a>(name: &str, allow: &'a Statement, denials: &[Denial], question: &Question) -> Vec<Grant<'a>> {
    let (narrowed, source) = (all_hold(&allow.conditions), source_holds(&allow.conditions));
    let reaches = reaches(allow, denials, question);
    let mut grants = Vec::new();
    for who in allow.principals.each() {
        let allowed = who.narrowing().and(narrowed.clone());
        for reaches in &reaches {
            let mut grant = Grant {
                statement: name.to_owned(),
                narrowing: allowed.clone(),
                source: source.clone(),
                doubt: None,
                denial_of_all: None,
                who: who.clone(),
                conditions: &allow.conditions,
                reaches: reaches.clone(),
            };
            for (denial, reach) in denials.iter().zip(reaches) {
                let (reach_of_who, spared) = denial.statement.principals.shut_out(&who);
                let left = spared.clone().or(denial.left.clone());
                match reach_of_who.min(*reach) {
                    Reach::Whole => {
                        if spared == Narrowing::NOBODY && may_shut_out_all(&denial.statement.conditions) {
                            grant.denial_of_all.get_or_insert_with(|| denial.name.clone());
                        }
                        grant.narrowing = grant.narrowing.and(left);
                        if !denial.statement.principals.spare(&who) {
                            grant.source = grant.source.and(denial.left_of_sources.clone());
                        }
                    }
                    Reach::Part if left != Narrowing::None => {
                        grant.doubt = grant.doubt.or_else(|| Some(denial.name.clone()));
                    }
                    Reach::Part | Reach::Nothing => {}
                }
            }
            grants.push(grant);
        }
    }
    grants
}

/// For each share of an Allow, how far each Deny reaches it; what is alike comes once.
fn reaches(allow: &Statement, denials: &[Denial], question: &Question) -> BTreeSet<Vec<Reach>> {
    let actions: BTreeSet<Vec<Reach>> = question
        .actions
        .shares(&allow.actions)
        .iter()
        .map(|share| denials.iter().map(|denial| denial.statement.actions.reach(share)).collect())
        .collect();
    let shares = resource_shares(&allow.resources, question.resources);
    let resources: BTreeSet<Vec<Reach>> = shares
        .iter()
        .map(|share| denials.iter().map(|denial| reach_of_resources(denial.statement, share, &shares)).collect())
        .collect();
    let pairs = actions.iter().flat_map(|a| resources.iter().map(move |r| (a, r)));
    pairs.map(|(a, r)| a.iter().zip(r).map(|(a, r)| *a.min(r)).collect()).collect()
}

/// An action that works on objects is allowed on the bucket in vain. So where a Deny takes from one sort and nothing of
/// the other, whether it leaves anything depends on the action.
fn reach_of_resources(deny: &Statement, share: &Share, shares: &[Share]) -> Reach {
    let reach = deny.resources.reach(share);
    let mut of_the_other_sort = shares.iter().filter(|other| other.is_inside() != share.is_inside());
    let takes_the_other_sort = of_the_other_sort.any(|other| deny.resources.reach(other) > Reach::Nothing);
    if reach == Reach::Nothing && takes_the_other_sort { Reach::Part } else { reach }
}

/// What a statement names of a policy's resources.
fn resource_shares(named: &Patterns, all: &[String]) -> Vec<Share> {
    let mut shares = Vec::new();
    match named {
        Patterns::Only(patterns) => {
            for pattern in patterns.iter().map(|pattern| pattern.glob.as_str()) {
                let touched: Vec<&String> = all.iter().filter(|resources| overlap(pattern, resources)).collect();
                shares.extend(touched.iter().map(|resources| match covers(pattern, resources) {
                    true => Share::resources(resources),
                    false => Share::resources(pattern).and(resources),
                }));
                // AWS takes no policy that names something else altogether, so that it is we who err.
                if touched.is_empty() {
                    shares.push(Share::resources(pattern));
                }
            }
        }
        Patterns::AllBut(left_out) => {
            let all = all.iter().map(|resources| Share::resources(resources));
            shares.extend(all.filter(|share| named.reach(share) > Reach::Nothing).map(|share| share.but(left_out)));
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource_policy::pattern::Value;

    #[test]
    fn resources_are_cut_to_those_of_the_policy() {
        let (bucket, objects) = ("arn:aws:s3:::b".to_owned(), "arn:aws:s3:::b/?*".to_owned());
        let all = [bucket.clone(), objects.clone()];
        let (whole_bucket, whole_inside) = (Share::resources(&bucket), Share::resources(&objects));
        let folder = Share::resources("arn:aws:s3:::b/in/*").and(&objects);
        let cases = [
            ("*", vec![whole_bucket.clone(), whole_inside.clone()]),
            ("arn:aws:s3:::b*", vec![whole_bucket.clone(), whole_inside.clone()]),
            ("arn:aws:s3:::b/*", vec![whole_inside]),
            ("arn:aws:s3:::b", vec![whole_bucket]),
            ("arn:aws:s3:::b/in/*", vec![folder]),
            // In doubt it is about this bucket.
            ("arn:aws:s3:::another/*", vec![Share::resources("arn:aws:s3:::another/*")]),
        ];
        for (pattern, expected) in cases {
            let named = Patterns::Only(vec![Value::with_variables(pattern)]);
            assert_eq!(resource_shares(&named, &all), expected, "{pattern}");
        }
    }
}
