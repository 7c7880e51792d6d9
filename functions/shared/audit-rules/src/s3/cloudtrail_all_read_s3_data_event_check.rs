//! A trail of AWS CloudTrail records the reading of objects in every bucket.

use audit_model::resource::S3Account;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0, pci_dss_4_0_1, security_hub};
use crate::object_events::{self, ObjectEvents};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "cloudtrail-all-read-s3-data-event-check",
    title: "Trail records the reading of objects in every S3 bucket",
    severity: Severity::Medium,
    rationale: "By default CloudTrail records what is done to buckets and not what is done to their objects: who has \
        read one, and when, would have to be guessed from server access logs, which may be incomplete.",
    expected: "A trail of AWS CloudTrail for all regions is logging, and takes the data events that read objects of \
        all current and future buckets",
    remediation: "Let a trail for all regions take the data events of S3 objects, without a filter. They are charged \
        by their number: look at the busiest buckets first. In an organization, its trail is the place. The command \
        replaces the selectors that there are.",
    console: "In the AWS CloudTrail console, open Trails and choose the trail. Under Data events choose Edit, Add \
        data event type, S3, and the log selector template Log all events or Log readOnly events; save.",
    cli: "aws cloudtrail put-event-selectors --trail-name TRAIL_ARN --event-selectors \
        'ReadWriteType=All,IncludeManagementEvents=true,DataResources=[{Type=AWS::S3::Object,Values=[arn:aws:s3]}]'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-cloudtrail-logging-for-s3.html",
    parameters: &[],
    references: &[security_hub::S3_23, cis_5_0::C3_9, cis_3_0::C3_9, pci_dss_4_0_1::R10_2_1],
    reads: object_events::READS,
    remediable: false,
    check: Check::S3Account(evaluate),
    source: file!(),
};

fn evaluate(account: &S3Account, _: &Policy) -> Result<Outcome, Unreadable> {
    object_events::require_recorded(account, ObjectEvents::Reads)
}

#[cfg(test)]
mod tests {
    use audit_model::{Reading, Status};

    use super::*;
    use crate::fixtures;

    /// <https://docs.aws.amazon.com/config/latest/developerguide/cloudtrail-all-read-s3-data-event-check.html>
    #[test]
    fn a_trail_that_records_only_the_other_is_not_enough() {
        let judge = |reads, writes| {
            let trails = Reading::seen(vec![fixtures::trail_of_all_objects(reads, writes)]);
            let account = S3Account { trails, ..fixtures::s3_account(true) };
            fixtures::status(&evaluate(&account, &fixtures::policy()))
        };
        assert_eq!(judge(true, true), Status::Compliant);
        assert_eq!(judge(true, false), Status::Compliant);
        assert_eq!(judge(false, true), Status::NonCompliant);
    }
}
