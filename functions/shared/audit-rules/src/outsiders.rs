//! Who is let into a bucket from outside of its account.
//!
//! It is asked before a bucket changes, not to judge it, and so errs on the other side than a rule: conditions are not
//! weighed, and whoever is not seen to belong to the account is an outsider.

use std::collections::BTreeSet;
use std::fmt;

use audit_model::Unreadable;
use audit_model::resource::BucketAcl;

use crate::bucket_access::PUBLIC_GROUPS;
use crate::iam_policy::{Effect, PolicyDocument, Principal, PrincipalKind, Principals};

/// Somebody who is let into a bucket and does not belong to its account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outsider {
    /// The public, or people whom nobody chose one by one.
    Anyone,
    /// Another account, by its 12 digits.
    Account(String),
    /// An AWS service, by its principal name, for instance `logging.s3.amazonaws.com`.
    Service(String),
    /// Anybody else, as written: an identity provider, a canonical user id, a group of Amazon S3's.
    Other(String),
}

impl fmt::Display for Outsider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Account(account) => write!(f, "the account {account}"),
            Self::Service(service) => write!(f, "the service {service}"),
            Self::Other(other) => write!(f, "{other}"),
        }
    }
}

/// The outsiders whom a bucket policy's text lets in, whatever to and under whatever condition.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
///
/// # Errors
/// The text is no policy.
pub fn let_in_by_policy(text: &str, account: &str) -> Result<BTreeSet<Outsider>, Unreadable> {
    let document = PolicyDocument::parse(text, "s3:GetBucketPolicy")?;
    let let_in = document.statements(Effect::Allow).flat_map(|(_, statement)| match &statement.principals {
        Principals::Listed(principals) => principals.iter().filter_map(|who| outsider(who, account)).collect(),
        Principals::AllBut => vec![Outsider::Anyone],
    });
    Ok(let_in.collect())
}

/// The outsiders whom an access control list lets in: every grantee but the owner.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#specifying-grantee>
pub fn let_in_by_acl(acl: &BucketAcl) -> BTreeSet<Outsider> {
    let grantees = acl.grants.iter().map(|grant| grant.grantee.as_str()).filter(|grantee| *grantee != acl.owner_id);
    grantees
        .map(|grantee| match PUBLIC_GROUPS.iter().any(|(group, _)| *group == grantee) {
            true => Outsider::Anyone,
            false => Outsider::Other(grantee.to_owned()),
        })
        .collect()
}

fn outsider(principal: &Principal, account: &str) -> Option<Outsider> {
    let Principal { kind, id } = principal;
    if id.is_empty() || id.contains('*') {
        return Some(Outsider::Anyone);
    }
    match kind {
        PrincipalKind::Service => Some(Outsider::Service(id.clone())),
        PrincipalKind::Other => Some(Outsider::Other(id.clone())),
        PrincipalKind::Aws => match account_of(id) {
            Some(own) if own == account => None,
            Some(other) => Some(Outsider::Account(other.to_owned())),
            None => Some(Outsider::Other(id.clone())),
        },
    }
}

/// The account of an `AWS` principal, which is written as 12 digits or as an ARN of IAM or STS. The principals of
/// CloudFront's origin access identities and those of deleted users and roles have none.
fn account_of(id: &str) -> Option<&str> {
    let account = match id.split(':').collect::<Vec<_>>().as_slice() {
        [account] => *account,
        ["arn", _, "iam" | "sts", _, account, _, ..] => *account,
        _ => return None,
    };
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
}

#[cfg(test)]
mod tests {
    use audit_model::resource::AclGrant;

    use super::*;
    use crate::fixtures::ACCOUNT;

    const OTHER: &str = "444455556666";

    fn by_policy(statements: &str) -> Vec<Outsider> {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let_in_by_policy(&text, ACCOUNT).unwrap().into_iter().collect()
    }

    fn allow(principal: &str) -> String {
        format!(r#"{{"Effect":"Allow",{principal},"Action":"s3:GetObject","Resource":"*"}}"#)
    }

    #[test]
    fn every_form_of_principal_is_sorted_in() {
        let service = |name: &str| vec![Outsider::Service(name.to_owned())];
        let other = |id: &str| vec![Outsider::Other(id.to_owned())];
        let account = || vec![Outsider::Account(OTHER.to_owned())];
        let cases = [
            (format!(r#""Principal":{{"AWS":"{ACCOUNT}"}}"#), vec![]),
            (format!(r#""Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}}"#), vec![]),
            (format!(r#""Principal":{{"AWS":["arn:aws:iam::{ACCOUNT}:role/reader"]}}"#), vec![]),
            (format!(r#""Principal":{{"AWS":"arn:aws:sts::{ACCOUNT}:assumed-role/reader/session"}}"#), vec![]),
            (format!(r#""Principal":{{"AWS":["{ACCOUNT}","{OTHER}"]}}"#), account()),
            (format!(r#""Principal":{{"AWS":"arn:aws:iam::{OTHER}:user/{ACCOUNT}"}}"#), account()),
            (r#""Principal":"*""#.to_owned(), vec![Outsider::Anyone]),
            (r#""Principal":{"AWS":"*"}"#.to_owned(), vec![Outsider::Anyone]),
            (format!(r#""NotPrincipal":{{"AWS":"{ACCOUNT}"}}"#), vec![Outsider::Anyone]),
            (
                r#""Principal":{"Service":"delivery.logs.amazonaws.com"}"#.to_owned(),
                service("delivery.logs.amazonaws.com"),
            ),
            (r#""Principal":{"CanonicalUser":"79a59df9"}"#.to_owned(), other("79a59df9")),
            (r#""Principal":{"AWS":"AIDACKCEVSQ6C2EXAMPLE"}"#.to_owned(), other("AIDACKCEVSQ6C2EXAMPLE")),
            (
                r#""Principal":{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}"#.to_owned(),
                other("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"),
            ),
        ];
        for (principal, expected) in cases {
            assert_eq!(by_policy(&allow(&principal)), expected, "{principal}");
        }
    }

    #[test]
    fn whom_a_policy_denies_it_does_not_let_in() {
        assert_eq!(by_policy(&allow(r#""Principal":"*""#).replace("Allow", "Deny")), []);
    }

    #[test]
    fn a_condition_keeps_nobody_out() {
        let narrowed = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*",
            "Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}"#;
        assert_eq!(by_policy(narrowed), [Outsider::Anyone]);
    }

    #[test]
    fn what_is_no_policy_lets_nobody_know() {
        assert!(let_in_by_policy("{}", ACCOUNT).is_err());
    }

    #[test]
    fn of_an_access_control_list_only_the_owner_is_no_outsider() {
        let grant = |grantee: &str| AclGrant { grantee: grantee.to_owned(), permission: "WRITE".to_owned() };
        let log_delivery = "http://acs.amazonaws.com/groups/s3/LogDelivery";
        let grants = ["owner", "stranger", log_delivery, "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"];
        let acl = BucketAcl { owner_id: "owner".to_owned(), grants: grants.map(grant).into() };
        let expected =
            [Outsider::Anyone, Outsider::Other(log_delivery.to_owned()), Outsider::Other("stranger".to_owned())];
        assert_eq!(let_in_by_acl(&acl), expected.into());
    }
}
