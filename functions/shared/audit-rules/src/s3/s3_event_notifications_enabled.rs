//! A bucket sends notifications of what happens to its objects.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{nist_800_53_r5, security_hub};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-event-notifications-enabled",
    title: "S3 bucket has event notifications enabled",
    severity: Severity::Medium,
    rationale: "Without notifications nobody hears in time of objects that are created, changed or deleted \
        unexpectedly. Delivery to Amazon EventBridge counts, as in AWS Control Tower's CT.S3.PR.4; whether Security \
        Hub's S3.11 counts it is not documented: the parameters of AWS Config's rule name topics, queues and functions \
        only.",
    expected: "Delivery to Amazon EventBridge, or an event notification to a queue, a topic or a function",
    remediation: "Turn on delivery to Amazon EventBridge and write rules there for the events that matter, or send \
        these events to an SQS queue, an SNS topic or a Lambda function. The AWS CLI replaces the whole configuration: \
        keep what the first command shows.",
    console: "In the Amazon S3 console, open the bucket and choose Properties. Choose Edit under Amazon EventBridge \
        and then On, or choose Create event notification under Event notifications.",
    cli: "aws s3api get-bucket-notification-configuration --bucket BUCKET\n\
        aws s3api put-bucket-notification-configuration --bucket BUCKET --notification-configuration \
        '{\"EventBridgeConfiguration\":{}}'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html",
    parameters: &[],
    references: &[
        security_hub::S3_11,
        nist_800_53_r5::CA_7,
        nist_800_53_r5::SI_3_8,
        nist_800_53_r5::SI_4,
        nist_800_53_r5::SI_4_4,
    ],
    reads: &["s3:GetBucketNotification"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let notifications = bucket.notifications.known()?;
    Ok(match notifications.map(|it| (it.event_bridge, it.event_types.first())) {
        Some((true, _)) => Outcome::compliant("every event is delivered to Amazon EventBridge"),
        Some((false, Some(one))) => Outcome::compliant(format!("notifications are sent of events such as {one}")),
        Some((false, None)) | None => Outcome::non_compliant("no event notifications are configured"),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::Notifications;

    use super::*;
    use crate::fixtures;

    #[test]
    fn one_destination_is_enough() {
        let notified = |event_bridge, types: &[&str]| {
            let event_types = types.iter().map(ToString::to_string).collect();
            Reading::seen(Notifications { event_bridge, event_types })
        };
        let nothing = Outcome::non_compliant("no event notifications are configured");
        let cases = [
            (notified(true, &[]), Outcome::compliant("every event is delivered to Amazon EventBridge")),
            (
                notified(true, &["s3:ObjectCreated:*"]),
                Outcome::compliant("every event is delivered to Amazon EventBridge"),
            ),
            (
                notified(false, &["s3:ObjectRemoved:*", "s3:ObjectCreated:*"]),
                Outcome::compliant("notifications are sent of events such as s3:ObjectRemoved:*"),
            ),
            (notified(false, &[]), nothing.clone()),
            (Reading::Absent, nothing),
        ];
        for (notifications, expected) in cases {
            let bucket = Bucket { notifications, ..fixtures::good_bucket() };
            assert_eq!(evaluate(&bucket, &fixtures::policy()), Ok(expected));
        }
    }
}
