//! Several regions: every bucket is read where it lies, and judged once.

use std::collections::BTreeSet;

use audit_model::{Service, Status};

use super::{Laptop, Running, SMALL};
use crate::account::{Account, REGION, REGIONS, bucket_name};
use crate::faults::{Conditions, Fault};
use crate::verdicts::Verdicts;

/// An account with buckets in every region.
const EVERYWHERE: Account = Account { regions: 3, ..SMALL };

/// The ARNs of the buckets that lie in a region.
fn buckets_in(region: &str) -> BTreeSet<String> {
    let here = (0..EVERYWHERE.buckets).filter(|number| EVERYWHERE.region_of_bucket(*number) == region);
    here.map(|number| format!("arn:aws:s3:::{}", bucket_name(number))).collect()
}

/// The buckets that there are verdicts on.
fn judged(verdicts: &Verdicts) -> BTreeSet<String> {
    let of_buckets = verdicts.each().filter(|(_, resource_type, ..)| *resource_type == "AWS::S3::Bucket");
    of_buckets.map(|(_, _, arn, _)| arn.to_owned()).collect()
}

fn undecided(verdicts: &Verdicts) -> usize {
    verdicts.each().filter(|(.., status)| *status == Status::InsufficientData).count()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn every_bucket_is_judged_once_and_where_it_lies() {
    let laptop = Laptop::of(EVERYWHERE, Conditions::default()).await;
    let mut command = laptop.command(&["scan", "--region", "all", "--out", "audit"]);
    // Whoever asks for all needs none.
    command.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION");
    let ended = Running::start(command).end().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    for region in REGIONS {
        let verdicts = laptop.said(region).await;
        assert_eq!(judged(&verdicts), buckets_in(region), "{region}");
        assert_eq!(undecided(&verdicts), 0, "{region}");
        assert!(ended.out.contains(&format!(" {region} ")), "{}", ended.out);
        let reports = laptop.files().into_keys().filter(|file| file.contains(&format!("/{region}/reports/"))).count();
        assert_eq!(reports, 3, "{region}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn buckets_of_regions_that_nobody_named_are_judged_where_they_lie_and_nothing_else_there() {
    let laptop = Laptop::of(EVERYWHERE, Conditions::default()).await;
    let ended = laptop.run(&["scan", "--region", "eu-west-1", "--region", "ap-southeast-2", "--out", "audit"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    for region in REGIONS {
        let verdicts = laptop.said(region).await;
        assert_eq!(judged(&verdicts), buckets_in(region), "{region}");
        assert_eq!(undecided(&verdicts), 0, "{region}");
        let is_whole = verdicts.each().any(|(rule, ..)| audit_rules::rule(rule).unwrap().service() == Service::Vpc);
        assert_eq!(is_whole, region != REGION, "{region}");
    }

    // No bucket has gone from the scan of one region, once another one is scanned whole.
    let ended = laptop.run(&["scan", "--region", "all", "--out", "audit"]).await;
    assert_eq!(ended.out.matches(", 0 resolved, ").count(), REGIONS.len(), "{}", ended.out);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn a_region_that_is_denied_is_told_and_hides_no_other() {
    let without = Laptop::of(EVERYWHERE, Conditions::default()).await;
    let denied = ["eu-west-1"].into();
    let conditions = Conditions { faults: vec![(Fault::Denied, 100)], regions: denied, ..Conditions::default() };
    let laptop = Laptop::of(EVERYWHERE, conditions).await;
    let (_, ended) = futures::join!(
        without.run(&["scan", "--region", "all", "--out", "audit"]),
        laptop.run(&["scan", "--region", "all", "--out", "audit"]),
    );
    assert_eq!(ended.code, 3, "{ended:?}");
    for region in REGIONS {
        let (whole, faulty) = (without.said(region).await, laptop.said(region).await);
        let (dishonest, lost) = whole.compared_with(&faulty);
        assert!(dishonest.wrong.is_empty() && dishonest.unsaid.is_empty(), "{region}: {dishonest:?}");
        assert_eq!(lost.hidden + lost.undecided > 0, region == "eu-west-1", "{region}: {lost:?}");
        let told = format!("Not looked at in {region}: ");
        assert_eq!(ended.out.contains(&told), region == "eu-west-1", "{}", ended.out);
    }
    // The list of buckets is the account's, and was given.
    for action in ["s3:ListAccessPoints", "ec2:DescribeVpcs", "lambda:ListFunctions"] {
        assert!(ended.out.contains(&format!("{action} was denied")), "{action}: {}", ended.out);
    }
}
