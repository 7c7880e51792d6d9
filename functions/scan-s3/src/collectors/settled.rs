//! What need not be asked of a bucket, because what it has answered settles the matter. Each function gives the reading that
//! stands in the place of the answer, or `None` where S3 must be asked: also where what would settle it is unreadable.

use audit_model::resource::{BucketAcl, ObjectOwnership, PublicAccessBlock, Versioning};
use audit_model::{Reading, Unreadable};

/// The settings that block public access to a bucket: its own and its account's, of which S3 applies the stricter; none
/// where the public is not what is asked about.
pub(super) type Blocks<'a, const N: usize> = [&'a Reading<PublicAccessBlock>; N];

/// There is no status of a policy that is not there. Where public policies let in nobody but the account and AWS's
/// services, whether the policy is public opens nothing.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
pub(super) fn policy_status<const N: usize>(policy: &Reading<String>, blocks: Blocks<'_, N>) -> Option<Reading<bool>> {
    if *policy == Reading::Absent {
        return Some(Reading::Absent);
    }
    is_on(blocks, |block| block.restrict_public_buckets)
        .then(|| not_looked_at("s3:GetBucketPolicyStatus", "RestrictPublicBuckets is on, whatever S3 calls the policy"))
}

/// An access control list gives nobody access where lists are switched off, and the public none where public ones are
/// ignored. <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
pub(super) fn acl<const N: usize>(
    ownership: &Reading<ObjectOwnership>,
    blocks: Blocks<'_, N>,
) -> Option<Reading<BucketAcl>> {
    let why = if *ownership == Reading::seen(ObjectOwnership::BucketOwnerEnforced) {
        "access control lists are switched off (BucketOwnerEnforced)"
    } else if is_on(blocks, |block| block.ignore_public_acls) {
        "IgnorePublicAcls is on, whatever the access control list grants the public"
    } else {
        return None;
    };
    Some(not_looked_at("s3:GetBucketAcl", why))
}

/// Object Lock is not in a bucket whose versioning was never switched on: it needs it, and does not let it go. Replication needs
/// it, too, and is asked for all the same: remediation relies on it, and an answer about versioning in which the status is lost
/// looks like one about a bucket that has none.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>
pub(super) fn object_lock<T>(versioning: &Reading<Versioning>) -> Option<Reading<T>> {
    (*versioning == Reading::Absent).then_some(Reading::Absent)
}

fn is_on<const N: usize>(blocks: Blocks<'_, N>, setting: fn(&PublicAccessBlock) -> bool) -> bool {
    blocks.into_iter().any(|block| matches!(block, Reading::Seen { value } if setting(value)))
}

/// Not absent: a rule that needs the reading all the same has no verdict then.
fn not_looked_at<T>(action: &str, why: &str) -> Reading<T> {
    Reading::Unreadable(Unreadable::not_asked(action, why))
}
