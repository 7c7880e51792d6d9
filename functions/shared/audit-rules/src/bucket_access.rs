//! Whether the public reaches a bucket, through its policy or its access control list.
//!
//! A reading counts only where the verdict hangs on it: what is closed by one setting stays closed whatever another,
//! unreadable one says, and what is open by one way stays open whatever the other way says.

use audit_model::resource::{Bucket, ObjectOwnership, PublicAccessBlock};
use audit_model::{Reading, Unreadable};

use crate::resource_policy::{
    ActionKind, Exposure, PUBLIC_GROUPS, PolicyDocument, Question, exposure, is_public_only_with,
};
use crate::rule::Outcome;

/// What the public may do with a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Fetch or list objects, or read the bucket's settings: `s3:Get*` and `s3:List*`, as in AWS's meaning of public.
    Read,
    /// Everything else: put, delete, restore, change settings.
    Write,
}

impl Access {
    fn other(self) -> Self {
        match self {
            Self::Read => Self::Write,
            Self::Write => Self::Read,
        }
    }

    fn actions(self) -> ActionKind {
        match self {
            Self::Read => ActionKind::of(READS),
            Self::Write => ActionKind { families: WRITES, all_but: Some(READS) },
        }
    }

    /// Whether a permission of an access control list gives this access; `None` for a permission that S3 does not know.
    /// See the [permissions of access control lists][page].
    ///
    /// [page]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions
    fn is_given_by(self, permission: &str) -> Option<bool> {
        match permission {
            "READ" | "READ_ACP" => Some(self == Self::Read),
            "WRITE" | "WRITE_ACP" => Some(self == Self::Write),
            "FULL_CONTROL" => Some(true),
            _ => None,
        }
    }
}

const READS: &[&str] = &["s3:getobject", "s3:listbucket", "s3:getbucketpolicy", "s3:get*", "s3:list*"];

/// What does not read, by the first words of S3's actions in the [service authorization reference][page]. A name that
/// neither reads nor begins with one of these writes all the same: S3 calls a policy public for actions that it does
/// not support, too.
///
/// [page]: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
const WRITES: &[&str] = &[
    "s3:putobject",
    "s3:deleteobject",
    "s3:putbucketpolicy",
    "s3:abort*",
    "s3:associate*",
    "s3:bypass*",
    "s3:create*",
    "s3:delete*",
    "s3:dissociate*",
    "s3:initiate*",
    "s3:object*",
    "s3:pause*",
    "s3:put*",
    "s3:replicate*",
    "s3:restore*",
    "s3:submit*",
    "s3:tag*",
    "s3:untag*",
    "s3:update*",
];

/// The IAM actions of what [`prohibit`] judges by.
pub(crate) const JUDGED_BY: &[&str] = &[
    "s3:GetAccountPublicAccessBlock",
    "s3:GetBucketAcl",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPolicyStatus",
    "s3:GetBucketPublicAccessBlock",
];

/// Judges whether the public has this access to the bucket.
pub(crate) fn prohibit(access: Access, bucket: &Bucket) -> Outcome {
    let ways = [
        by_policy(access, bucket).behind(restricted(bucket)),
        by_access_control_list(access, bucket).behind(access_control_list_ignored(bucket)),
    ];
    let (mut open, mut missing, mut closed) = (Vec::new(), Vec::new(), Vec::new());
    for way in ways {
        match way {
            Way::Open(how) => open.push(how),
            Way::Unknown(why) => missing.extend(why),
            Way::Closed(how) => closed.push(how),
        }
    }
    if !open.is_empty() {
        Outcome::non_compliant(open.join("; "))
    } else if !missing.is_empty() {
        missing.sort();
        missing.dedup();
        Outcome::insufficient_data(missing)
    } else {
        Outcome::compliant(closed.join("; "))
    }
}

/// One way into a bucket.
enum Way {
    Closed(String),
    Open(String),
    Unknown(Vec<Unreadable>),
}

/// A setting that may close a way: the words for what closes it, or for its not being closed.
type Gate = Result<Result<String, String>, Vec<Unreadable>>;

impl Way {
    /// The way as it is behind a gate that may be shut.
    fn behind(self, gate: Gate) -> Self {
        match (self, gate) {
            (_, Ok(Ok(shut))) => Self::Closed(shut),
            (Self::Closed(how), _) => Self::Closed(how),
            (Self::Open(how), Ok(Err(not_shut))) => Self::Open(format!("{how}, and {not_shut}")),
            (Self::Open(_), Err(missing)) => Self::Unknown(missing),
            (Self::Unknown(missing), Ok(Err(_))) => Self::Unknown(missing),
            (Self::Unknown(mut missing), Err(more)) => {
                missing.extend(more);
                Self::Unknown(missing)
            }
        }
    }
}

fn by_policy(access: Access, bucket: &Bucket) -> Way {
    let status = bucket.policy_is_public.known();
    if status == Ok(Some(&false)) {
        return Way::Closed("Amazon S3 does not call the bucket policy public".to_owned());
    }
    let text = match (bucket.policy.known(), &status) {
        (Ok(Some(text)), _) => text,
        (Ok(None), Ok(Some(_))) => return Way::Unknown(vec![contradiction("there is no bucket policy")]),
        (Ok(None), _) | (Err(_), Ok(None)) => return Way::Closed("there is no bucket policy".to_owned()),
        (Err(policy), Ok(Some(_))) => return Way::Unknown(vec![policy]),
        (Err(policy), Err(status)) => return Way::Unknown(vec![policy, status.clone()]),
    };
    let document = match PolicyDocument::parse(text, "s3:GetBucketPolicy") {
        Ok(document) => document,
        Err(why) => return Way::Unknown(vec![why]),
    };
    let arn = &bucket.identity.arn;
    let resources = [arn.clone(), format!("{arn}/?*")];
    let question = |access: Access| Question { actions: access.actions(), resources: &resources };
    let of = |access: Access| exposure(&document, &question(access));
    let is_here = |there, here| is_public_only_with(&document, &question(there), &question(here));
    match (of(access), status) {
        (Exposure::Public(how), _) => Way::Open(format!("in the bucket policy {how}")),
        // S3 looks at the policy as a whole: what it calls public lies here if all that may be public elsewhere is here.
        (Exposure::Undecided(how), Ok(Some(_))) if is_here(access.other(), access) => {
            Way::Open(format!("in the bucket policy {how}, and Amazon S3 calls the policy public"))
        }
        (Exposure::NotPublic, Ok(Some(_))) if of(access.other()) == Exposure::NotPublic => {
            Way::Unknown(vec![contradiction("no statement of the bucket policy was found to be public")])
        }
        (Exposure::NotPublic, _) => Way::Closed("the bucket policy gives the public no such access".to_owned()),
        (Exposure::Undecided(how), status) => {
            let how = format!("{how}: whether that is public cannot be told from the policy alone");
            let mut missing = vec![Unreadable::undecidable("s3:GetBucketPolicy", how)];
            missing.extend(status.err());
            Way::Unknown(missing)
        }
    }
}

fn contradiction(what: &str) -> Unreadable {
    Unreadable::undecidable(
        "s3:GetBucketPolicyStatus",
        format!("Amazon S3 calls the bucket policy public, though {what}"),
    )
}

fn by_access_control_list(access: Access, bucket: &Bucket) -> Way {
    let acl = match bucket.acl.known() {
        Ok(Some(acl)) => acl,
        Ok(None) => return Way::Closed("there is no access control list".to_owned()),
        Err(why) => return Way::Unknown(vec![why]),
    };
    let mut unknown = Vec::new();
    for grant in &acl.grants {
        let Some((_, group)) = PUBLIC_GROUPS.iter().find(|(uri, _)| *uri == grant.grantee) else { continue };
        match access.is_given_by(&grant.permission) {
            Some(true) => {
                return Way::Open(format!("the access control list grants {} to {group}", grant.permission));
            }
            Some(false) => {}
            None => unknown.push(Unreadable::malformed(
                "s3:GetBucketAcl",
                format!("the access control list grants {group} a permission that is not known"),
            )),
        }
    }
    if unknown.is_empty() {
        Way::Closed("the access control list gives the public no such access".to_owned())
    } else {
        Way::Unknown(unknown)
    }
}

/// Whether the account or the bucket restricts buckets with a public policy to the account.
fn restricted(bucket: &Bucket) -> Gate {
    blocked(bucket, "RestrictPublicBuckets", |block| block.restrict_public_buckets)
}

/// Whether access control lists do not count: switched off by ownership, or ignored when public.
fn access_control_list_ignored(bucket: &Bucket) -> Gate {
    let ignored = blocked(bucket, "IgnorePublicAcls", |block| block.ignore_public_acls);
    let switched_off = match bucket.object_ownership.known() {
        Ok(ownership) => Ok(ownership == Some(&ObjectOwnership::BucketOwnerEnforced)),
        Err(why) => Err(why),
    };
    match (switched_off, ignored) {
        (Ok(true), _) => Ok(Ok("access control lists are switched off (BucketOwnerEnforced)".to_owned())),
        (_, Ok(Ok(shut))) => Ok(Ok(shut)),
        (Ok(false), ignored) => ignored,
        (Err(why), ignored) => {
            let mut missing = ignored.err().unwrap_or_default();
            missing.push(why);
            Err(missing)
        }
    }
}

/// Whether one of the block public access settings is on for the bucket or for its account: S3 applies the stricter.
fn blocked(bucket: &Bucket, name: &str, setting: fn(&PublicAccessBlock) -> bool) -> Gate {
    let mut missing = Vec::new();
    let places: [(&str, &Reading<PublicAccessBlock>); 2] =
        [("bucket", &bucket.public_access_block), ("account", &bucket.account_public_access_block)];
    for (place, reading) in places {
        match reading.known() {
            Ok(Some(block)) if setting(block) => return Ok(Ok(format!("{name} is on for the {place}"))),
            Ok(_) => {}
            Err(why) => missing.push(why),
        }
    }
    if missing.is_empty() { Ok(Err(format!("{name} is off"))) } else { Err(missing) }
}

#[cfg(test)]
mod tests {
    use audit_model::UnreadableCause;
    use audit_model::resource::BucketAcl;

    use super::*;
    use crate::fixtures;

    const TEAM: &str = r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#;
    const FROM_VPC_ONLY: &str = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*",
        "Resource":["arn:aws:s3:::ledger","arn:aws:s3:::ledger/*"],
        "Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}}"#;

    /// An access, an action that gives it, and the permissions of access control lists that give it alone.
    const ACCESSES: [(Access, &str, [&str; 2]); 2] =
        [(Access::Read, "s3:GetObject", ["READ", "READ_ACP"]), (Access::Write, "s3:PutObject", ["WRITE", "WRITE_ACP"])];

    fn allow(action: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"arn:aws:s3:::ledger/*",
               "Condition":{condition}}}"#
        )
    }

    fn judge(access: Access, bucket: &Bucket) -> &'static str {
        match prohibit(access, bucket) {
            Outcome::Compliant { .. } => "pass",
            Outcome::NonCompliant { .. } => "violation",
            Outcome::NotApplicable { .. } => "not applicable",
            Outcome::InsufficientData { missing } => {
                assert!(!missing.is_empty());
                "no verdict"
            }
        }
    }

    fn with_policy(statements: &[&str], is_public: Reading<bool>) -> Bucket {
        Bucket { policy: fixtures::policy_text(statements), policy_is_public: is_public, ..fixtures::good_bucket() }
    }

    fn with_acl(acl: Reading<BucketAcl>) -> Bucket {
        Bucket { acl, ..fixtures::good_bucket() }
    }

    fn denied<T>(action: &str) -> Reading<T> {
        Reading::Unreadable(fixtures::denied(action))
    }

    #[test]
    fn actions_read_or_write_or_both() {
        // (Action or NotAction, actions, reads, writes)
        let cases = [
            ("Action", r#""s3:GetObject""#, true, false),
            ("Action", r#""s3:ListBucket""#, true, false),
            ("Action", r#"["s3:Get*","s3:List*"]"#, true, false),
            ("Action", r#""s3:PutObject""#, false, true),
            ("Action", r#""s3:DeleteObject*""#, false, true),
            ("Action", r#""s3:BypassGovernanceRetention""#, false, true),
            ("Action", r#""s3:NotASupportedAction""#, false, true),
            ("Action", r#""s3:*""#, true, true),
            ("Action", r#""*""#, true, true),
            ("Action", r#""s3:*Object""#, true, true),
            ("Action", r#""s3:*Acl""#, true, true),
            ("Action", r#"["s3:GetObject","s3:PutObject"]"#, true, true),
            ("NotAction", r#""s3:DeleteObject""#, true, true),
            ("NotAction", r#""s3:GetObject""#, true, true),
            ("NotAction", r#"["s3:Get*","s3:List*"]"#, false, true),
            ("NotAction", r#""s3:*""#, false, false),
        ];
        for (element, actions, reads, writes) in cases {
            let statement = format!(
                r#"{{"Effect":"Allow","Principal":"*","{element}":{actions},"Resource":"arn:aws:s3:::ledger/*"}}"#
            );
            let bucket = with_policy(&[&statement], denied("s3:GetBucketPolicyStatus"));
            assert_eq!(judge(Access::Read, &bucket) == "violation", reads, "{element} {actions}");
            assert_eq!(judge(Access::Write, &bucket) == "violation", writes, "{element} {actions}");
        }
    }

    #[test]
    fn the_bucket_policy_decides_with_what_s3_calls_public() {
        for ((access, action, _), (_, other_action, _)) in [(ACCESSES[0], ACCESSES[1]), (ACCESSES[1], ACCESSES[0])] {
            let (matters, does_not, team) = (allow(action, "{}"), allow(other_action, "{}"), allow(action, TEAM));
            let (wide, other_team) = (allow("s3:*", TEAM), allow(other_action, TEAM));
            let other_tag = allow(other_action, &TEAM.replace("team", "unit"));
            let deny = |access: Access| {
                let actions = r#"["s3:Get*","s3:List*"]"#;
                let element = if access == Access::Read { "Action" } else { "NotAction" };
                format!(
                    r#"{{"Effect":"Deny","Principal":"*","{element}":{actions},"Resource":"*",
                       "Condition":{{"StringEquals":{{"aws:PrincipalTag/unit":"red"}}}}}}"#
                )
            };
            let (deny_it, deny_other) = (deny(access), deny(access.other()));
            let (public, closed) = (|| Reading::seen(true), || Reading::seen(false));
            let dark = || denied("s3:GetBucketPolicyStatus");
            let cases: [(&[&str], Reading<bool>, &str); 25] = [
                (&[&matters], public(), "violation"),
                (&[&matters], dark(), "violation"),
                (&[&matters], closed(), "pass"),
                (&[&does_not], public(), "pass"),
                (&[&does_not], dark(), "pass"),
                (&[&team], closed(), "pass"),
                (&[&team], public(), "violation"),
                (&[&team], dark(), "no verdict"),
                // Either of the two may be what S3 calls public.
                (&[&team, &does_not], public(), "no verdict"),
                // Whoever has the one access has the other: what S3 calls public gives both.
                (&[&wide], public(), "violation"),
                (&[&wide], dark(), "no verdict"),
                (&[&team, &other_team], public(), "violation"),
                (&[&wide, &does_not], public(), "no verdict"),
                // Either tag may be what lets in the public.
                (&[&team, &other_tag], public(), "no verdict"),
                (&[&wide, &other_tag], public(), "no verdict"),
                // Where a denial may take this access, the other one may be all that is public; not the other way round.
                (&[&wide, &deny_it], public(), "no verdict"),
                (&[&wide, &deny_other], public(), "violation"),
                (&[fixtures::TLS_ONLY], closed(), "pass"),
                // S3 sees something public that was not found here: somebody is wrong, and nobody knows who.
                (&[fixtures::TLS_ONLY], public(), "no verdict"),
                // What a Deny leaves is for one VPC only; if S3 says otherwise, nobody knows who is right.
                (&[&matters, FROM_VPC_ONLY], dark(), "pass"),
                (&[&matters, FROM_VPC_ONLY], closed(), "pass"),
                (&[&matters, FROM_VPC_ONLY], public(), "no verdict"),
                (&[&matters, fixtures::TLS_ONLY], dark(), "violation"),
                (&["nonsense"], public(), "no verdict"),
                (&["nonsense"], closed(), "pass"),
            ];
            for (statements, is_public, expected) in cases {
                let bucket = with_policy(statements, is_public.clone());
                assert_eq!(judge(access, &bucket), expected, "{access:?} {statements:?} {is_public:?}");
            }
            let none = Bucket { policy: Reading::Absent, policy_is_public: Reading::Absent, ..fixtures::good_bucket() };
            assert_eq!(judge(access, &none), "pass");
        }
    }

    #[test]
    fn what_cannot_be_decided_says_so() {
        let team = allow("s3:GetObject", TEAM);
        let bucket = with_policy(&[&team], denied("s3:GetBucketPolicyStatus"));
        let Outcome::InsufficientData { missing } = prohibit(Access::Read, &bucket) else { panic!("no verdict") };
        assert_eq!(missing[0].cause, UnreadableCause::Undecidable);
        assert!(missing[0].detail.contains("aws:principaltag/team"), "{}", missing[0].detail);
    }

    #[test]
    fn grants_to_the_predefined_groups_are_public() {
        for ((access, _, permissions), (_, _, others)) in [(ACCESSES[0], ACCESSES[1]), (ACCESSES[1], ACCESSES[0])] {
            let mut cases = vec![
                ("AllUsers", "FULL_CONTROL", "violation"),
                ("AuthenticatedUsers", "FULL_CONTROL", "violation"),
                ("LogDelivery", "FULL_CONTROL", "pass"),
                ("AllUsers", "SOMETHING_NEW", "no verdict"),
            ];
            cases.extend(
                permissions.iter().flat_map(|it| ["AllUsers", "AuthenticatedUsers"].map(|who| (who, *it, "violation"))),
            );
            cases.extend(others.iter().map(|permission| ("AllUsers", *permission, "pass")));
            for (group, permission, expected) in cases {
                let bucket = with_acl(fixtures::acl(group, &[permission]));
                assert_eq!(judge(access, &bucket), expected, "{access:?} {group} {permission}");
            }
        }
    }

    #[test]
    fn one_setting_that_closes_is_enough_whatever_else_is_unreadable() {
        let on = || fixtures::public_access_block(true);
        for (access, _, _) in ACCESSES {
            for bucket in [fixtures::bad_bucket(), fixtures::unreadable_bucket()] {
                let by_bucket = Bucket { public_access_block: on(), ..bucket.clone() };
                let by_account = Bucket { account_public_access_block: on(), ..bucket };
                assert_eq!(judge(access, &by_bucket), "pass");
                assert_eq!(judge(access, &by_account), "pass");
            }
        }
    }

    #[test]
    fn each_setting_closes_its_own_way_only() {
        let off = PublicAccessBlock {
            block_public_acls: true,
            ignore_public_acls: false,
            block_public_policy: true,
            restrict_public_buckets: false,
        };
        for (access, action, _) in ACCESSES {
            let by_policy = with_policy(&[&allow(action, "{}")], Reading::seen(true));
            let by_acl = with_acl(fixtures::acl("AllUsers", &["FULL_CONTROL"]));
            let cases = [
                (off, "violation", "violation"),
                (PublicAccessBlock { ignore_public_acls: true, ..off }, "violation", "pass"),
                (PublicAccessBlock { restrict_public_buckets: true, ..off }, "pass", "violation"),
            ];
            for (block, policy_verdict, acl_verdict) in cases {
                let block = || Reading::seen(block);
                let of = |bucket: &Bucket| judge(access, &Bucket { public_access_block: block(), ..bucket.clone() });
                assert_eq!((of(&by_policy), of(&by_acl)), (policy_verdict, acl_verdict), "{access:?}");
            }
            let enforced = Reading::seen(ObjectOwnership::BucketOwnerEnforced);
            assert_eq!(judge(access, &Bucket { object_ownership: enforced.clone(), ..by_acl }), "pass");
            assert_eq!(judge(access, &Bucket { object_ownership: enforced, ..by_policy }), "violation");
        }
    }

    #[test]
    fn a_setting_that_cannot_be_read_matters_only_where_it_could_close() {
        for (access, action, _) in ACCESSES {
            let block = || denied("s3:GetBucketPublicAccessBlock");
            let open = with_policy(&[&allow(action, "{}")], Reading::seen(true));
            let of = |bucket: Bucket| judge(access, &Bucket { public_access_block: block(), ..bucket });
            assert_eq!(of(fixtures::good_bucket()), "pass");
            assert_eq!(of(open.clone()), "no verdict");
            let ownership = denied("s3:GetBucketOwnershipControls");
            let by_acl = with_acl(fixtures::acl("AllUsers", &["FULL_CONTROL"]));
            assert_eq!(judge(access, &Bucket { object_ownership: ownership.clone(), ..by_acl }), "no verdict");
            // The policy is open for certain, so that the verdict does not hang on the access control list.
            let by_policy = Bucket { object_ownership: ownership, acl: denied("s3:GetBucketAcl"), ..open };
            assert_eq!(judge(access, &by_policy), "violation");
        }
    }
}
