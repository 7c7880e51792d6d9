//! Whether the public reaches a bucket, through its policy or its access control list.
//!
//! A reading counts only where the verdict hangs on it: what is closed by one setting stays closed whatever another,
//! unreadable one says, and what is open by one way stays open whatever the other way says.

use audit_model::resource::{Bucket, ObjectOwnership, PublicAccessBlock};
use audit_model::{Reading, Unreadable, UnreadableCause};

use crate::iam_policy::{Actions, PolicyDocument};
use crate::public_access::{Exposure, exposure};
use crate::rule::Outcome;
use crate::wildcard::{covers_all_after, overlap};

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

    fn concerns(self, actions: &Actions) -> bool {
        match (self, actions) {
            (Self::Read, Actions::Listed(patterns)) => {
                patterns.iter().any(|pattern| READS.iter().any(|reads| overlap(pattern, reads)))
            }
            (Self::Write, Actions::Listed(patterns)) => patterns.iter().any(|pattern| may_write(pattern)),
            (Self::Read, Actions::AllBut(patterns)) => !READS.iter().all(|reads| left_out(patterns, reads)),
            (Self::Write, Actions::AllBut(patterns)) => !left_out(patterns, "s3:*"),
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

const READS: [&str; 2] = ["s3:get*", "s3:list*"];

/// The first words of S3's actions that do not read, from the [service authorization reference][page].
///
/// [page]: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
const WRITING_VERBS: [&str; 16] = [
    "abort",
    "associate",
    "bypass",
    "create",
    "delete",
    "dissociate",
    "initiate",
    "object",
    "pause",
    "put",
    "replicate",
    "restore",
    "submit",
    "tag",
    "untag",
    "update",
];

/// A name without wildcards that does not read is taken to write, known or not: S3 calls a policy public for actions
/// that it does not support, too.
fn may_write(pattern: &str) -> bool {
    if pattern.contains(['*', '?']) {
        WRITING_VERBS.iter().any(|verb| overlap(pattern, &format!("s3:{verb}*")))
    } else {
        READS.iter().all(|reads| !overlap(pattern, reads))
    }
}

/// Whether `NotAction` patterns leave out every action of a family, for instance `s3:get*`.
fn left_out(patterns: &[String], family: &str) -> bool {
    patterns.iter().any(|pattern| covers_all_after(pattern, family.trim_end_matches('*')))
}

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
    let of = |access: Access| exposure(&document, |actions| access.concerns(actions));
    match (of(access), status) {
        (Exposure::Public(how), _) => Way::Open(format!("in the bucket policy {how}")),
        // S3 looks at the policy as a whole: what it calls public must come from here when the rest is not public.
        (Exposure::Undecided(how), Ok(Some(_))) if of(access.other()) == Exposure::NotPublic => {
            Way::Open(format!("in the bucket policy {how}, and Amazon S3 calls the policy public"))
        }
        (Exposure::NotPublic, Ok(Some(_))) if of(access.other()) == Exposure::NotPublic => {
            Way::Unknown(vec![contradiction("no statement of the bucket policy was found to be public")])
        }
        (Exposure::NotPublic, _) => Way::Closed("the bucket policy gives the public no such access".to_owned()),
        (Exposure::Undecided(how), status) => {
            let mut missing = vec![Unreadable {
                action: "s3:GetBucketPolicy".to_owned(),
                cause: UnreadableCause::Malformed,
                detail: format!("{how}: whether that is public cannot be told from the policy alone"),
            }];
            missing.extend(status.err());
            Way::Unknown(missing)
        }
    }
}

fn contradiction(what: &str) -> Unreadable {
    Unreadable {
        action: "s3:GetBucketPolicyStatus".to_owned(),
        cause: UnreadableCause::Malformed,
        detail: format!("Amazon S3 calls the bucket policy public, though {what}"),
    }
}

/// The predefined groups that make a list public: everybody, and everybody with an AWS account.
pub(crate) const PUBLIC_GROUPS: [(&str, &str); 2] = [
    ("http://acs.amazonaws.com/groups/global/AllUsers", "AllUsers"),
    ("http://acs.amazonaws.com/groups/global/AuthenticatedUsers", "AuthenticatedUsers"),
];

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
            None => unknown.push(Unreadable {
                action: "s3:GetBucketAcl".to_owned(),
                cause: UnreadableCause::Malformed,
                detail: format!("the access control list grants {group} a permission that is not known"),
            }),
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
    use super::*;

    #[test]
    fn actions_read_or_write_or_both() {
        // (patterns, reads, writes); the verbs are those of the service authorization reference.
        let cases: [(&[&str], bool, bool); 12] = [
            (&["s3:getobject"], true, false),
            (&["s3:listbucket"], true, false),
            (&["s3:get*", "s3:list*"], true, false),
            (&["s3:putobject"], false, true),
            (&["s3:deleteobject*"], false, true),
            (&["s3:bypassgovernanceretention"], false, true),
            (&["s3:notasupportedaction"], false, true),
            (&["s3:*"], true, true),
            (&["*"], true, true),
            (&["s3:*object"], true, true),
            (&["s3:*acl"], true, true),
            (&["s3:getobject", "s3:putobject"], true, true),
        ];
        for (patterns, reads, writes) in cases {
            let actions = Actions::Listed(patterns.iter().map(ToString::to_string).collect());
            assert_eq!(Access::Read.concerns(&actions), reads, "{patterns:?}");
            assert_eq!(Access::Write.concerns(&actions), writes, "{patterns:?}");
        }
    }

    #[test]
    fn all_but_some_actions_leaves_the_rest() {
        let cases: [(&[&str], bool, bool); 4] = [
            (&["s3:deleteobject"], true, true),
            (&["s3:getobject"], true, true),
            (&["s3:get*", "s3:list*"], false, true),
            (&["s3:*"], false, false),
        ];
        for (patterns, reads, writes) in cases {
            let actions = Actions::AllBut(patterns.iter().map(ToString::to_string).collect());
            assert_eq!(Access::Read.concerns(&actions), reads, "{patterns:?}");
            assert_eq!(Access::Write.concerns(&actions), writes, "{patterns:?}");
        }
    }
}
