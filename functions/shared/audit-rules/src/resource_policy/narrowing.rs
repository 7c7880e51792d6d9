//! How far "anyone" is narrowed: what principals, conditions and denials are reckoned in.

use std::collections::BTreeSet;
use std::mem;

use super::grantee::Grantee;

/// Who is let in at the most. Empty is nobody.
pub(crate) type Circle = BTreeSet<Grantee>;

/// What is left of "anyone", from the least to the most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Narrowing {
    /// Those whom fixed values describe, and nobody else.
    Fixed(Circle),
    /// AWS's documentation does not settle whether that is the public.
    Unsettled {
        /// What it hangs on, as words that go on after "hangs on".
        on: String,
        /// Who it is at the most, where that is known all the same.
        within: Option<Circle>,
    },
    /// Anyone.
    None,
}

impl Narrowing {
    pub(crate) const NOBODY: Self = Self::Fixed(Circle::new());

    pub(crate) fn fixed(grantee: Grantee) -> Self {
        Self::Fixed(Circle::from([grantee]))
    }

    pub(crate) fn unsettled(on: impl Into<String>) -> Self {
        Self::Unsettled { on: on.into(), within: None }
    }

    /// Those who are within both.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, narrowing) | (narrowing, Self::None) => narrowing,
            (Self::Fixed(a), Self::Fixed(b)) => Self::Fixed(common(a, b)),
            (Self::Fixed(a), Self::Unsettled { within, .. }) | (Self::Unsettled { within, .. }, Self::Fixed(a)) => {
                Self::Fixed(match within {
                    Some(b) => common(a, b),
                    None => a,
                })
            }
            (Self::Unsettled { on: a, within: x }, Self::Unsettled { on: b, within: y }) => {
                let within = match (x, y) {
                    (Some(x), Some(y)) => Some(common(x, y)),
                    (x, y) => x.or(y),
                };
                Self::Unsettled { on: a.min(b), within }
            }
        }
    }

    /// Those who are within either.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Fixed(mut a), Self::Fixed(b)) => {
                a.extend(b);
                Self::Fixed(a)
            }
            (Self::Fixed(a), Self::Unsettled { on, within }) | (Self::Unsettled { on, within }, Self::Fixed(a)) => {
                let within = within.map(|mut within| {
                    within.extend(a);
                    within
                });
                Self::Unsettled { on, within }
            }
            (Self::Unsettled { on: a, within: x }, Self::Unsettled { on: b, within: y }) => {
                let within = x.zip(y).map(|(mut x, y)| {
                    x.extend(y);
                    x
                });
                Self::Unsettled { on: a.min(b), within }
            }
        }
    }
}

/// Those in both circles. Circles of different kinds, such as accounts and networks, cannot be compared: both hold
/// then, and the one that says more about who asks is kept, which is still no smaller than the truth.
fn common(a: Circle, b: Circle) -> Circle {
    let (kind_a, kind_b) = (kind(&a), kind(&b));
    if kind_a == kind_b && kind_a > 0 {
        return a.intersection(&b).cloned().collect();
    }
    if (kind_a, b.len(), &b) > (kind_b, a.len(), &a) { a } else { b }
}

/// How much a circle says about who asks: nobody most of all; then organizations that are trusted, whose accounts are,
/// too; then accounts, which is also on whose behalf a service asks; then services; then access points; then other
/// organizations; then anything else.
fn kind(circle: &Circle) -> u8 {
    let Some(first) = circle.first() else { return 6 };
    let are_alike = |grantee: &Grantee| match (grantee, first) {
        (Grantee::Organization(one), Grantee::Organization(other)) => one.is_trusted == other.is_trusted,
        _ => mem::discriminant(grantee) == mem::discriminant(first),
    };
    match first {
        _ if !circle.iter().all(are_alike) => 0,
        Grantee::Organization(organization) if organization.is_trusted => 5,
        Grantee::Account(_) => 4,
        Grantee::Service(_) => 3,
        Grantee::AccessPointsOf(_) => 2,
        Grantee::Organization(_) => 1,
        Grantee::Anyone | Grantee::Services | Grantee::Other(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource_policy::grantee::Organization;

    fn account(id: &str) -> Grantee {
        Grantee::Account(id.to_owned())
    }

    #[test]
    fn circles_of_one_kind_are_cut_and_of_different_kinds_the_more_telling_one_stays() {
        let accounts = || Circle::from([account("1"), account("2")]);
        let network = || Circle::from([Grantee::Other("vpc-1".to_owned())]);
        let service = || Circle::from([Grantee::Service("s3.amazonaws.com".to_owned())]);
        let organizations = |ids: &[&str], is_trusted: bool| -> Circle {
            let organization = |id: &&str| Grantee::Organization(Organization { id: id.to_string(), is_trusted });
            ids.iter().map(organization).collect()
        };
        let (trusted, strange) = (|| organizations(&["o-1"], true), || organizations(&["o-2", "o-3"], false));
        let access_points = || Circle::from([Grantee::AccessPointsOf("1".to_owned())]);
        let cases = [
            (trusted(), accounts(), trusted()),
            (trusted(), strange(), trusted()),
            (trusted(), trusted().union(&strange()).cloned().collect(), trusted()),
            (trusted(), organizations(&["o-9"], true), Circle::new()),
            (strange(), organizations(&["o-3"], false), organizations(&["o-3"], false)),
            (strange(), accounts(), accounts()),
            (strange(), service(), service()),
            (strange(), access_points(), access_points()),
            (strange(), network(), strange()),
            // An access point of an account is none of its principals.
            (access_points(), Circle::from([account("2")]), Circle::from([account("2")])),
            (access_points(), service(), service()),
            (service(), Circle::from([Grantee::Services]), service()),
            (accounts(), Circle::from([account("2"), account("3")]), Circle::from([account("2")])),
            (accounts(), Circle::from([account("3")]), Circle::new()),
            (accounts(), network(), accounts()),
            (accounts(), service(), accounts()),
            (service(), network(), service()),
            (network(), Circle::new(), Circle::new()),
        ];
        for (a, b, expected) in cases {
            assert_eq!(common(a.clone(), b.clone()), expected);
            assert_eq!(common(b, a), expected);
        }
    }

    #[test]
    fn what_is_unsettled_keeps_its_limits_only_where_all_have_them() {
        let limited = |id: &str| Narrowing::Unsettled { on: "x".to_owned(), within: Some([account(id)].into()) };
        let both = Circle::from([account("1"), account("2")]);
        assert_eq!(limited("1").or(limited("2")), Narrowing::Unsettled { on: "x".to_owned(), within: Some(both) });
        assert_eq!(limited("1").or(Narrowing::unsettled("y")), Narrowing::unsettled("x"));
        assert_eq!(limited("1").and(Narrowing::unsettled("y")), limited("1"));
        assert_eq!(limited("1").and(Narrowing::fixed(account("1"))), Narrowing::fixed(account("1")));
        assert_eq!(limited("1").or(Narrowing::None), Narrowing::None);
    }
}
