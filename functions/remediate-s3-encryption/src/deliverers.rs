//! Who of those that a bucket lets in is AWS, and delivers something.

use audit_rules::Outsider;

/// Accounts, canonical users and groups through which AWS delivers into buckets without a service's principal. A service's
/// principal, whatever service it is, counts as well.
const DELIVERERS: [(&str, &str); 3] = [
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    ("127311923021", "the account of Elastic Load Balancing in us-east-1"),
    // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html
    (
        "c4c1ede66af53448b93c283ce9448c4ba468c9432aa01d700d3878632f77d2d0",
        "the canonical user awslogsdelivery of Amazon CloudFront",
    ),
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#specifying-grantee-predefined-groups
    ("http://acs.amazonaws.com/groups/s3/LogDelivery", "the log delivery group of Amazon S3"),
];

/// What delivers, in words, if it is AWS.
pub(crate) fn deliverer(who: &Outsider) -> Option<String> {
    let known = |id: &str| DELIVERERS.iter().find(|(its, _)| *its == id).map(|(_, name)| (*name).to_owned());
    match who {
        Outsider::Service(_) => Some(who.to_string()),
        Outsider::Account(id) | Outsider::Other(id) => known(id),
        // A policy's principals are none of these: only its conditions, which are not weighed here, name them.
        Outsider::Anyone | Outsider::Organization(_) | Outsider::AccessPointsOf(_) | Outsider::Services => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_is_told_from_other_accounts() {
        let cases = [
            (Outsider::Service("delivery.logs.amazonaws.com".to_owned()), true),
            (Outsider::Account("127311923021".to_owned()), true),
            (Outsider::Other("http://acs.amazonaws.com/groups/s3/LogDelivery".to_owned()), true),
            (Outsider::Account("111122223333".to_owned()), false),
            (Outsider::Other("79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be".to_owned()), false),
            (Outsider::Anyone, false),
        ];
        for (who, delivers) in cases {
            assert_eq!(deliverer(&who).is_some(), delivers, "{who}");
        }
    }
}
