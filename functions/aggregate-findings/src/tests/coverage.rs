//! Inventories that lack a type, and receipts of another listing.

use audit_model::plan::Unlisted;
use pretty_assertions::assert_eq;

use super::*;

#[tokio::test]
async fn what_was_not_listed_is_a_gap_of_its_type_and_the_rest_counts() {
    let scan = Scan::of_buckets(&[versioning("ledger", Status::NonCompliant)]).await;
    let denied = "s3:ListAccessPoints was denied (AccessDenied); a policy of the caller must allow it";
    let unlisted = Unlisted { resource_type: "AWS::S3::AccessPoint".to_owned(), reason: denied.to_owned() };
    scan.write_inventory(&Inventory { unlisted: vec![unlisted], ..inventory(Service::S3, &[1]) }).await;

    let summary = scan.summary().await;

    let expected =
        Gap { resource_type: Some("AWS::S3::AccessPoint".to_owned()), ..gap(Service::S3, None, None, denied) };
    assert_eq!((summary.status, summary.gaps), (ScanStatus::Partial, vec![expected]));
    assert_eq!((summary.resources[&Service::S3], summary.totals.non_compliant), (1, 1));
}

#[tokio::test]
async fn a_receipt_of_another_listing_is_none() {
    let scan = Scan::of(&[Service::S3]);
    scan.list(Service::S3, &[1, 1]).await;
    scan.scan(Service::S3, 1, 1, &[versioning("a", Status::Compliant)]).await;
    scan.scan(Service::S3, 2, 1, &[versioning("b", Status::Compliant)]).await;
    let first = Some("arn:aws:s3:::b".to_owned());
    scan.write_receipt(&ShardReceipt { listing: "another".to_owned(), first, ..receipt(Service::S3, 2, 1, 1) }).await;

    let summary = scan.summary().await;

    assert_eq!(summary.gaps, [gap(Service::S3, Some(2), Some(1), "the scanner left no receipt")]);
    assert_eq!((summary.resources[&Service::S3], summary.totals.all()), (1, 1));
}
