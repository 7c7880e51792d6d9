//! A bucket's objects are copied to another region.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{nist_800_53_r5, security_hub};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-cross-region-replication-enabled",
    title: "S3 bucket replicates its objects to another region",
    severity: Severity::Low,
    rationale: "What lies in one region only is out of reach, or lost, when that region is. A destination whose region \
        cannot be read, in another account for instance, gives no verdict here, where Prowler reports a failure. The \
        destination of a replication is judged like every bucket, as in Security Hub's S3.7: where it needs no copy of \
        its own, give it an exception.",
    expected: "An enabled replication rule whose destination is in another region than the bucket",
    remediation: "Create a bucket in another region where the data may lie, enable versioning on both, and write a \
        replication rule for all objects, with a role that may read here and write there. Objects under a KMS key are \
        replicated only if the rule selects them; for those already stored there is S3 Batch Replication. The AWS CLI \
        replaces all rules of the bucket: keep those that are there.",
    console: "In the Amazon S3 console, open the bucket, choose Management, then Create replication rule, set its \
        status to Enabled, and choose all objects, a destination bucket in another region and an IAM role.",
    cli: "aws s3api put-bucket-versioning --bucket BUCKET --versioning-configuration Status=Enabled\n\
        aws s3api put-bucket-versioning --bucket DESTINATION_BUCKET --versioning-configuration Status=Enabled\n\
        aws s3api get-bucket-replication --bucket BUCKET\n\
        aws s3api put-bucket-replication --bucket BUCKET --replication-configuration \
        '{\"Role\":\"ROLE_ARN\",\"Rules\":[{\"Status\":\"Enabled\",\"Priority\":1,\"Filter\":{},\
        \"DeleteMarkerReplication\":{\"Status\":\"Disabled\"},\
        \"Destination\":{\"Bucket\":\"arn:aws:s3:::DESTINATION_BUCKET\"}}]}'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-walkthrough1.html",
    parameters: &[],
    references: &[
        security_hub::S3_7,
        nist_800_53_r5::AU_9_2,
        nist_800_53_r5::CP_6,
        nist_800_53_r5::CP_6_1,
        nist_800_53_r5::CP_6_2,
        nist_800_53_r5::CP_9,
        nist_800_53_r5::CP_10,
        nist_800_53_r5::SC_5_2,
        nist_800_53_r5::SC_36_2,
        nist_800_53_r5::SI_13_5,
    ],
    reads: &["s3:GetBucketLocation", "s3:GetReplicationConfiguration"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let Some(rules) = bucket.replication.known()? else {
        return Ok(Outcome::non_compliant("there is no replication"));
    };
    let home = &bucket.identity.region;
    let mut missing = Vec::new();
    for rule in rules.iter().filter(|rule| rule.enabled) {
        match rule.destination_region.known() {
            Ok(Some(region)) if region != home => {
                return Ok(Outcome::compliant(format!("objects are replicated to {} in {region}", rule.destination)));
            }
            // In the bucket's own region, or in none: a destination that does not exist.
            Ok(_) => {}
            Err(why) => missing.push(why),
        }
    }
    missing.sort();
    missing.dedup();
    Ok(if missing.is_empty() {
        Outcome::non_compliant("no enabled replication rule has a destination in another region")
    } else {
        Outcome::insufficient_data(missing)
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    fn region(name: &str) -> Reading<String> {
        Reading::seen(name.to_owned())
    }

    #[test]
    fn one_destination_in_another_region_is_enough() {
        let denied = || fixtures::unreadable("s3:GetBucketLocation");
        let abroad = Outcome::compliant("objects are replicated to ledger-copy in us-west-2");
        let at_home = Outcome::non_compliant("no enabled replication rule has a destination in another region");
        let nobody_knows = Outcome::insufficient_data(vec![fixtures::denied("s3:GetBucketLocation")]);
        let cases = [
            (vec![(true, region("us-west-2"))], abroad.clone()),
            (vec![(true, region("us-east-1")), (true, region("us-west-2"))], abroad.clone()),
            (vec![(true, denied()), (true, region("us-west-2"))], abroad.clone()),
            (vec![(true, region("us-west-2")), (true, denied())], abroad),
            (vec![(true, region("us-east-1"))], at_home.clone()),
            (vec![(false, region("us-west-2"))], at_home.clone()),
            (vec![(false, denied())], at_home.clone()),
            (vec![(true, Reading::Absent)], at_home.clone()),
            (vec![], at_home),
            (vec![(true, denied())], nobody_knows.clone()),
            (vec![(true, denied()), (true, denied())], nobody_knows.clone()),
            (vec![(true, region("us-east-1")), (true, denied()), (false, region("us-west-2"))], nobody_knows),
        ];
        for (rules, expected) in cases {
            let rules =
                rules.into_iter().map(|(enabled, region)| fixtures::replication_rule(enabled, region)).collect();
            let bucket = Bucket { replication: Reading::seen(rules), ..fixtures::good_bucket() };
            assert_eq!(evaluate(&bucket, &fixtures::policy()), Ok(expected), "{:?}", bucket.replication);
        }
    }

    #[test]
    fn no_replication_fails() {
        let bucket = Bucket { replication: Reading::Absent, ..fixtures::good_bucket() };
        let outcome = evaluate(&bucket, &fixtures::policy());
        assert_eq!(outcome, Ok(Outcome::non_compliant("there is no replication")));
    }
}
