//! Whom the principals of a statement let in.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use super::grantee::Grantee;
use super::narrowing::Narrowing;
use super::pattern::Reach;
use super::wildcard::has_wildcard;

/// Whom a statement is about.
#[derive(Debug)]
pub(crate) enum Principals {
    /// `Principal`.
    Only(Vec<Principal>),
    /// `NotPrincipal`: everybody but these.
    AllBut(Vec<Principal>),
}

impl Principals {
    /// Whether nobody at all is left out.
    pub(crate) fn are_everyone(&self) -> bool {
        matches!(self, Self::Only(principals) if principals.iter().any(Principal::is_everyone))
    }

    /// How far a denial to these reaches a principal, and whom of those it reaches it lets through.
    pub(crate) fn shut_out(&self, who: &Who) -> (Reach, Narrowing) {
        match self {
            Self::Only(principals) => {
                let reach = principals.iter().map(|principal| principal.reach(who)).max().unwrap_or(Reach::Nothing);
                (reach, Narrowing::NOBODY)
            }
            Self::AllBut(left_out) => {
                let spared = left_out.iter().map(Principal::narrowing).fold(Narrowing::NOBODY, Narrowing::or);
                (Reach::Whole, spared)
            }
        }
    }

    /// Whether they leave out this very principal.
    pub(crate) fn spare(&self, who: &Who) -> bool {
        matches!((self, who), (Self::AllBut(left_out), Who::One(principal)) if left_out.contains(principal))
    }

    /// The AWS service with this principal name, where it is named.
    pub(crate) fn service(&self, name: &str) -> Option<Who<'_>> {
        let Self::Only(principals) = self else { return None };
        let mut principals = principals.iter();
        principals.find(|who| who.kind == PrincipalKind::Service && who.id == name).map(Who::One)
    }

    /// Each of them on its own.
    pub(crate) fn each(&self) -> Vec<Who<'_>> {
        match self {
            Self::Only(principals) => principals.iter().map(Who::One).collect(),
            Self::AllBut(_) => vec![Who::AllBut],
        }
    }
}

/// One principal of an Allow, or everybody but a few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who<'a> {
    One(&'a Principal),
    AllBut,
}

impl Who<'_> {
    /// An Allow to everybody but a few is one to [anyone][page].
    ///
    /// [page]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    pub(crate) fn narrowing(&self) -> Narrowing {
        match self {
            Self::One(principal) => principal.narrowing(),
            Self::AllBut => Narrowing::None,
        }
    }
}

/// One principal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    pub(crate) kind: PrincipalKind,
    pub(crate) id: String,
}

/// The kinds of principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrincipalKind {
    /// Accounts, users, roles, and `*`.
    Aws,
    /// AWS services.
    Service,
    /// Identity providers.
    Federated,
    /// Accounts by the id that Amazon S3 gives them.
    CanonicalUser,
}

/// Identity providers with which anybody can open an account. Amazon S3's [meaning of "public"][page] names one.
///
/// [page]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
const PUBLIC_IDENTITY_PROVIDERS: [&str; 4] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"];

impl Principal {
    fn is_everyone(&self) -> bool {
        self.kind == PrincipalKind::Aws && self.id == "*"
    }

    /// Whom it stands for. A wildcard stands for whoever it matches, an empty id for anyone.
    pub(crate) fn narrowing(&self) -> Narrowing {
        let other = || Grantee::Other(self.id.clone());
        if self.id.is_empty() || has_wildcard(&self.id) {
            return match fixed_account(&self.id) {
                Some(account) => Narrowing::Unsettled {
                    on: "a principal with a wildcard".to_owned(),
                    within: Some([Grantee::Account(account.to_owned())].into()),
                },
                None => Narrowing::None,
            };
        }
        match self.kind {
            PrincipalKind::Aws => Narrowing::fixed(match account_of(&self.id) {
                Some(account) => Grantee::Account(account.to_owned()),
                None => other(),
            }),
            PrincipalKind::Service => Narrowing::fixed(Grantee::Service(self.id.clone())),
            PrincipalKind::CanonicalUser => Narrowing::fixed(other()),
            PrincipalKind::Federated if PUBLIC_IDENTITY_PROVIDERS.contains(&self.id.as_str()) => Narrowing::None,
            // Its users are those whom the account's own identity provider signs in.
            PrincipalKind::Federated if self.id.contains(":saml-provider/") => Narrowing::fixed(other()),
            PrincipalKind::Federated => Narrowing::Unsettled {
                on: "whom an identity provider signs in".to_owned(),
                within: Some([other()].into()),
            },
        }
    }

    /// How far a denial to this one reaches somebody.
    fn reach(&self, who: &Who) -> Reach {
        let Who::One(principal) = who else {
            return if self.is_everyone() { Reach::Whole } else { self.reach_at_most() };
        };
        let whole_account = is_account(&self.id) || self.id.ends_with(":root");
        let same_account = account_of(&self.id).is_some() && account_of(&self.id) == account_of(&principal.id);
        if self.is_everyone() || self == *principal || (whole_account && same_account) {
            Reach::Whole
        } else {
            self.reach_at_most()
        }
    }

    /// One that stands for fixed people leaves all the others; of one that does not, nobody knows.
    fn reach_at_most(&self) -> Reach {
        if matches!(self.narrowing(), Narrowing::Fixed(_)) { Reach::Nothing } else { Reach::Part }
    }
}

/// The account of an `AWS` principal, which is written as 12 digits or as an ARN of IAM or STS. The principals of
/// CloudFront's origin access identities and those of deleted users and roles have none.
pub(crate) fn account_of(id: &str) -> Option<&str> {
    let account = match id.split(':').collect::<Vec<_>>().as_slice() {
        [account] => *account,
        ["arn", _, "iam" | "sts", _, account, _, ..] => *account,
        _ => return None,
    };
    is_account(account).then_some(account)
}

/// The account that an ARN names, wildcards or not in its other parts.
pub(super) fn fixed_account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| is_account(account))
}

/// Whether a text is [the id of an account][page].
///
/// [page]: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: &str = "444455556666";

    fn principal(kind: PrincipalKind, id: &str) -> Principal {
        Principal { kind, id: id.to_owned() }
    }

    #[test]
    fn a_denial_reaches_those_it_names_and_the_whole_account_it_names() {
        use PrincipalKind::{Aws, Federated, Service};
        let role = principal(Aws, "arn:aws:iam::444455556666:role/reader");
        let service = principal(Service, "s3.amazonaws.com");
        let cases = [
            (principal(Aws, "*"), &role, Reach::Whole),
            (principal(Aws, "*"), &service, Reach::Whole),
            (principal(Aws, OTHER), &role, Reach::Whole),
            (principal(Aws, "arn:aws:iam::444455556666:root"), &role, Reach::Whole),
            (principal(Aws, "arn:aws:iam::444455556666:role/reader"), &role, Reach::Whole),
            (principal(Aws, "arn:aws:iam::444455556666:role/writer"), &role, Reach::Nothing),
            (principal(Aws, "arn:aws:iam::777788889999:root"), &role, Reach::Nothing),
            (principal(Aws, "arn:aws:iam::*:role/reader"), &role, Reach::Part),
            (principal(Federated, "graph.facebook.com"), &role, Reach::Part),
            (principal(Service, "s3.amazonaws.com"), &service, Reach::Whole),
            (principal(Service, "sns.amazonaws.com"), &service, Reach::Nothing),
        ];
        for (denied, who, expected) in cases {
            let (reach, _) = Principals::Only(vec![denied]).shut_out(&Who::One(who));
            assert_eq!(reach, expected, "{who:?}");
        }
        let somebody = Principals::Only(vec![principal(Aws, OTHER)]);
        assert_eq!(somebody.shut_out(&Who::AllBut).0, Reach::Nothing);
        assert_eq!(Principals::Only(vec![principal(Aws, "*")]).shut_out(&Who::AllBut).0, Reach::Whole);
    }

    #[test]
    fn everybody_is_a_star_alone() {
        assert!(
            Principals::Only(vec![principal(PrincipalKind::Aws, OTHER), principal(PrincipalKind::Aws, "*")])
                .are_everyone()
        );
        assert!(!Principals::Only(vec![principal(PrincipalKind::Aws, OTHER)]).are_everyone());
        assert!(!Principals::Only(vec![principal(PrincipalKind::Service, "*")]).are_everyone());
        assert!(!Principals::AllBut(vec![principal(PrincipalKind::Aws, OTHER)]).are_everyone());
    }
}
