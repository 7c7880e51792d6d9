//! Who is let into a resource from outside of its account.
//!
//! Two ask that. A rule asks with [`audience`], which weighs conditions and denials. The remediation asks before a
//! bucket changes, and so errs on the other side than a rule: conditions are not weighed, and whoever is not seen to
//! belong to the account is an outsider.

use std::collections::{BTreeMap, BTreeSet};

use audit_model::Unreadable;
use audit_model::resource::BucketAcl;

use super::document::{Effect, PolicyDocument};
use super::grant::{Question, grants};
use super::grantee::Grantee;
use super::narrowing::Narrowing;
use super::principal::{Principal, PrincipalKind, Principals, account_of};

/// A grantee who does not belong to the account that the resource belongs to.
pub type Outsider = Grantee;

/// Whom a policy lets in from outside of an account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Audience {
    /// Each outsider, and a statement that lets them in. Whom conditions name counts: `*` under a condition on
    /// `aws:PrincipalAccount` is that account, and so is a service under one on `aws:SourceAccount`. Where conditions
    /// name neither account nor organization, those who meet them are one [`Grantee::Other`], for instance a network.
    pub(crate) outsiders: BTreeMap<Outsider, String>,
    /// Why there may be more, one sentence each.
    pub(crate) undecided: Vec<String>,
}

impl Audience {
    /// Why no verdict can be given where the outsiders alone decide nothing; empty where they are all there are.
    /// `action` is the IAM action that read the policy.
    pub(crate) fn missing(&self, action: &str) -> Vec<Unreadable> {
        self.undecided.iter().map(|why| Unreadable::undecidable(action, why.clone())).collect()
    }
}

/// Why an organization is neither trusted nor distrusted where the audit policy names none.
pub(crate) fn organization_not_known(statement: &str, organization: &Outsider) -> String {
    format!(
        "{statement} lets in {organization}, and the audit policy does not say which organizations are trusted: name them \
         in trusted_organizations"
    )
}

/// Whom from outside of `own_account` a policy lets in to what is asked.
pub(crate) fn audience(policy: &PolicyDocument, own_account: &str, question: &Question) -> Audience {
    let (mut outsiders, mut undecided) = (BTreeMap::new(), BTreeSet::new());
    for grant in grants(policy, question) {
        let statement = grant.statement;
        let mut let_in = match grant.narrowing {
            Narrowing::None => BTreeSet::from([Grantee::Anyone]),
            Narrowing::Fixed(within) | Narrowing::Unsettled { within: Some(within), .. } => within,
            Narrowing::Unsettled { on, within: None } => {
                undecided.insert(format!("whom {statement} lets in hangs on {on}"));
                continue;
            }
        };
        // What comes in through the account's own access points, the account itself lets in there.
        let_in.remove(&Grantee::Account(own_account.to_owned()));
        let_in.remove(&Grantee::AccessPointsOf(own_account.to_owned()));
        for outsider in let_in {
            match grant.doubt.as_ref().or(grant.denial_of_all.as_ref()) {
                Some(denial) => {
                    undecided.insert(format!("{statement} lets in {outsider}, and {denial} may take that back"));
                }
                None => {
                    outsiders.entry(outsider).or_insert_with(|| statement.clone());
                }
            }
        }
    }
    Audience { outsiders, undecided: undecided.into_iter().collect() }
}

/// The outsiders whom a bucket policy's text lets in, whatever to and under whatever condition.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
///
/// # Errors
/// The text is no policy.
pub fn let_in_by_policy(text: &str, account: &str) -> Result<BTreeSet<Outsider>, Unreadable> {
    let document = PolicyDocument::parse(text, "s3:GetBucketPolicy")?;
    let let_in = document.statements(Effect::Allow).flat_map(|(_, statement)| match &statement.principals {
        Principals::Only(principals) => principals.iter().filter_map(|who| outsider(who, account)).collect(),
        Principals::AllBut(_) => vec![Outsider::Anyone],
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

/// The predefined groups that make a list public: everybody, and everybody with an AWS account.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#specifying-grantee-predefined-groups>
pub(crate) const PUBLIC_GROUPS: [(&str, &str); 2] = [
    ("http://acs.amazonaws.com/groups/global/AllUsers", "AllUsers"),
    ("http://acs.amazonaws.com/groups/global/AuthenticatedUsers", "AuthenticatedUsers"),
];

fn outsider(principal: &Principal, account: &str) -> Option<Outsider> {
    let Principal { kind, id } = principal;
    if id.is_empty() || id.contains('*') {
        return Some(Outsider::Anyone);
    }
    match kind {
        PrincipalKind::Service => Some(Outsider::Service(id.clone())),
        PrincipalKind::Federated | PrincipalKind::CanonicalUser => Some(Outsider::Other(id.clone())),
        PrincipalKind::Aws => match account_of(id) {
            Some(own) if own == account => None,
            Some(other) => Some(Outsider::Account(other.to_owned())),
            None => Some(Outsider::Other(id.clone())),
        },
    }
}

#[cfg(test)]
mod tests {
    use audit_model::resource::AclGrant;

    use super::*;
    use crate::fixtures::ACCOUNT;
    use crate::resource_policy::{ActionKind, Organization};

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

    fn asked(statements: &[&str]) -> Audience {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
        let document = PolicyDocument::parse(&text, "s3:GetBucketPolicy").unwrap().trusting(&["o-b2".to_owned()]);
        let question = Question {
            actions: ActionKind::of(&["s3:putbucketpolicy", "s3:putobjectacl"]),
            resources: &["arn:aws:s3:::ledger".to_owned(), "arn:aws:s3:::ledger/?*".to_owned()],
        };
        audience(&document, ACCOUNT, &question)
    }

    #[test]
    fn an_audience_is_whom_principals_and_conditions_name() {
        let account = || vec![Outsider::Account(OTHER.to_owned())];
        let organization =
            |id: &str, is_trusted| vec![Outsider::Organization(Organization { id: id.to_owned(), is_trusted })];
        let star = |condition: &str| format!(r#""Principal":"*","Condition":{condition}"#);
        // (principal and conditions, outsiders, whether something is undecided)
        let cases = [
            (r#""Principal":"*""#.to_owned(), vec![Outsider::Anyone], false),
            (format!(r#""Principal":{{"AWS":["{ACCOUNT}","{OTHER}"]}}"#), account(), false),
            (format!(r#""Principal":{{"AWS":"arn:aws:iam::{OTHER}:root"}}"#), account(), false),
            (format!(r#""Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}}"#), vec![], false),
            (
                r#""Principal":{"Service":"s3.amazonaws.com"}"#.to_owned(),
                vec![Outsider::Service("s3.amazonaws.com".to_owned())],
                false,
            ),
            // The policies of this system's own endpoints.
            (star(&format!(r#"{{"StringEquals":{{"aws:PrincipalAccount":"{ACCOUNT}"}}}}"#)), vec![], false),
            (
                star(&format!(
                    r#"{{"StringEquals":{{"aws:PrincipalAccount":"{ACCOUNT}"}},
                        "StringEqualsIfExists":{{"aws:ResourceAccount":"{ACCOUNT}"}}}}"#
                )),
                vec![],
                false,
            ),
            (
                star(&format!(r#"{{"StringEquals":{{"aws:PrincipalAccount":["{ACCOUNT}","{OTHER}"]}}}}"#)),
                account(),
                false,
            ),
            (star(&format!(r#"{{"ArnLike":{{"aws:PrincipalArn":"arn:aws:iam::{OTHER}:role/*"}}}}"#)), account(), false),
            (star(&format!(r#"{{"StringEquals":{{"aws:SourceAccount":"{OTHER}"}}}}"#)), account(), false),
            (star(r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1"}}"#), organization("o-a1", false), false),
            (star(r#"{"StringEquals":{"aws:PrincipalOrgID":"o-b2"}}"#), organization("o-b2", true), false),
            (star(r#"{"StringEqualsIgnoreCase":{"aws:SourceOrgID":"O-B2"}}"#), organization("O-B2", true), false),
            (star(r#"{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-b2"}}"#), vec![Outsider::Anyone], false),
            (star(r#"{"StringLike":{"aws:PrincipalOrgID":"o-*"}}"#), vec![Outsider::Anyone], false),
            // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgpaths>
            (
                star(r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-b2/r-ab12/ou-ab12-11111111/*"}}"#),
                organization("o-b2", true),
                false,
            ),
            (
                star(r#"{"ForAnyValue:StringEquals":{"aws:SourceOrgPaths":"o-a1/r-ab12/ou-ab12-11111111/"}}"#),
                organization("o-a1", false),
                false,
            ),
            (
                star(r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-*/r-ab12/*"}}"#),
                vec![Outsider::Anyone],
                false,
            ),
            (star(r#"{"StringEquals":{"aws:PrincipalOrgPaths":"o-b2/r-ab12/"}}"#), vec![], true),
            // An account of an organization that is trusted is not worse than the whole of it.
            (
                star(&format!(
                    r#"{{"StringEquals":{{"aws:PrincipalOrgID":"o-b2","aws:PrincipalAccount":"{OTHER}"}}}}"#
                )),
                organization("o-b2", true),
                false,
            ),
            // Whose the resource is says nothing of who asks.
            (star(r#"{"StringEquals":{"aws:ResourceOrgID":"o-b2"}}"#), vec![Outsider::Anyone], false),
            (
                star(r#"{"StringEquals":{"aws:PrincipalOrgID":"o-b2","aws:ResourceOrgID":"o-b2"}}"#),
                organization("o-b2", true),
                false,
            ),
            // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html#access-points-delegating-control>
            (star(&format!(r#"{{"StringEquals":{{"s3:DataAccessPointAccount":"{ACCOUNT}"}}}}"#)), vec![], false),
            (
                star(&format!(
                    r#"{{"ArnLike":{{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:{ACCOUNT}:accesspoint/*"}}}}"#
                )),
                vec![],
                false,
            ),
            (
                star(&format!(r#"{{"StringEquals":{{"s3:DataAccessPointAccount":"{OTHER}"}}}}"#)),
                vec![Outsider::AccessPointsOf(OTHER.to_owned())],
                false,
            ),
            (
                format!(
                    r#""Principal":{{"AWS":"{OTHER}"}},
                       "Condition":{{"StringEquals":{{"s3:DataAccessPointAccount":"{ACCOUNT}"}}}}"#
                ),
                account(),
                false,
            ),
            (star(r#"{"Bool":{"aws:PrincipalIsAWSService":"true"}}"#), vec![Outsider::Services], false),
            (
                star(&format!(
                    r#"{{"StringEquals":{{"aws:PrincipalOrgID":"o-a1","aws:PrincipalAccount":"{OTHER}"}}}}"#
                )),
                account(),
                false,
            ),
            (star(r#"{"StringEquals":{"aws:ResourceAccount":"111122223333"}}"#), vec![Outsider::Anyone], false),
            (star(r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#), vec![], true),
            // A further condition does not make another account one's own.
            (
                format!(
                    r#""Principal":{{"AWS":"{OTHER}"}},
                       "Condition":{{"StringEquals":{{"aws:PrincipalTag/team":"red"}}}}"#
                ),
                account(),
                false,
            ),
        ];
        for (who, outsiders, undecided) in cases {
            let found =
                asked(&[&format!(r#"{{"Effect":"Allow",{who},"Action":"s3:PutBucketPolicy","Resource":"*"}}"#)]);
            assert_eq!(found.outsiders.into_keys().collect::<Vec<_>>(), outsiders, "{who}");
            assert_eq!(!found.undecided.is_empty(), undecided, "{who}");
        }
    }

    #[test]
    fn a_denial_of_what_belongs_to_others_leaves_everybody() {
        let allow = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
        let deny = |condition: &str| {
            format!(r#"{{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{condition}}}"#)
        };
        let of = |condition: &str| asked(&[allow, &deny(condition)]);
        for condition in [
            r#"{"StringNotEquals":{"aws:ResourceOrgID":"o-b2"}}"#,
            r#"{"StringNotEqualsIfExists":{"aws:ResourceOrgID":["o-a1","o-b2"]}}"#,
            r#"{"ForAllValues:StringNotLike":{"aws:ResourceOrgPaths":"o-b2/r-ab12/*"}}"#,
        ] {
            let found = of(condition);
            assert_eq!(found.outsiders.into_keys().collect::<Vec<_>>(), [Outsider::Anyone], "{condition}");
        }
        // Whether the resource belongs to it, nobody knows.
        assert!(!of(r#"{"StringNotEquals":{"aws:ResourceOrgID":"o-a1"}}"#).undecided.is_empty());
        let trusted = of(r#"{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-b2"}}"#);
        let organization = Organization { id: "o-b2".to_owned(), is_trusted: true };
        assert_eq!(trusted.outsiders.into_keys().collect::<Vec<_>>(), [Outsider::Organization(organization)]);
    }

    #[test]
    fn a_service_is_whom_it_asks_for() {
        let service = |condition: &str| {
            let found = asked(&[&format!(
                r#"{{"Effect":"Allow","Principal":{{"Service":"s3.amazonaws.com"}},"Action":"s3:PutObjectAcl",
                    "Resource":"*","Condition":{condition}}}"#
            )]);
            found.outsiders.into_keys().collect::<Vec<_>>()
        };
        let of = |account: &str| format!(r#"{{"StringEquals":{{"aws:SourceAccount":"{account}"}}}}"#);
        assert_eq!(service("{}"), [Outsider::Service("s3.amazonaws.com".to_owned())]);
        assert_eq!(service(&of(ACCOUNT)), []);
        assert_eq!(service(&of(OTHER)), [Outsider::Account(OTHER.to_owned())]);
    }

    #[test]
    fn an_audience_is_asked_for_some_actions_and_loses_whom_a_denial_shuts_out() {
        let allow = format!(
            r#"{{"Sid":"Partner","Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":"s3:Put*","Resource":"*"}}"#
        );
        let deny = |principal: &str, action: &str| {
            format!(r#"{{"Effect":"Deny","Principal":{principal},"Action":"{action}","Resource":"*"}}"#)
        };
        let cases = [
            (deny(r#""*""#, "s3:GetObject"), 1, 0),
            (deny(r#""*""#, "s3:*"), 0, 0),
            (deny(r#"{"AWS":"444455556666"}"#, "s3:Put*"), 0, 0),
            (deny(r#"{"AWS":"arn:aws:iam::444455556666:role/reader"}"#, "s3:Put*"), 1, 0),
            (deny(r#"{"AWS":"arn:aws:iam::*:role/reader"}"#, "s3:Put*"), 0, 1),
            // Over TLS and without, which the policy tells; and when or for whose bucket it does not tell.
            (
                deny(r#""*""#, "s3:*")
                    .replace("}", r#","Condition":{"Bool":{"aws:SecureTransport":["true","false"]}}}"#),
                0,
                1,
            ),
            (
                deny(r#""*""#, "s3:*")
                    .replace("}", r#","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}}"#),
                0,
                1,
            ),
            // Who asks may have another tag.
            (
                deny(r#""*""#, "s3:*")
                    .replace("}", r#","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}"#),
                1,
                0,
            ),
            // One of the two actions is left.
            (deny(r#""*""#, "s3:PutBucketPolicy"), 1, 0),
        ];
        for (denial, outsiders, undecided) in cases {
            let found = asked(&[&allow, &denial]);
            assert_eq!(
                (found.outsiders.len(), found.missing("s3:GetBucketPolicy").len()),
                (outsiders, undecided),
                "{denial}"
            );
        }
        let found = asked(&[&allow]);
        assert_eq!(found.outsiders.into_values().collect::<Vec<_>>(), ["statement \"Partner\""]);
        let other_actions = allow.replace("s3:Put*", "s3:GetObject");
        assert_eq!(asked(&[&other_actions]), Audience { outsiders: BTreeMap::new(), undecided: Vec::new() });
    }
}
