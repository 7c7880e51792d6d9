//! The command under faults of AWS: no verdict different but `INSUFFICIENT_DATA`, none gone unsaid, and a code that says it.

use std::collections::BTreeSet;

use audit_model::{Severity, Status};
use futures::future::join_all;

use super::{Ended, Laptop, SMALL};
use crate::account::{Account, REGION};
use crate::faults::{Conditions, Fault};
use crate::verdicts::{Lost, Verdicts};

/// APIs whose denial leaves verdicts open, and some of which every service needs.
const READS: [&str; 6] = [
    "s3:GetBucketPolicy",
    "s3:GetEncryptionConfiguration",
    "ec2:DescribeFlowLogs",
    "ec2:DescribeSecurityGroups",
    "lambda:GetFunction",
    "lambda:GetPolicy",
];

fn under(fault: Fault, percent: u64, apis: &[&str]) -> Conditions {
    let apis = apis.iter().map(|api| (*api).to_owned()).collect();
    Conditions { faults: vec![(fault, percent)], seed: 1, apis, ..Conditions::default() }
}

async fn scanned(account: Account, conditions: Conditions, arguments: &[&str]) -> (Laptop, Ended) {
    let laptop = Laptop::of(account, conditions).await;
    let ended = laptop.run(&[&["scan", "--out", "audit"], arguments].concat()).await;
    (laptop, ended)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn no_fault_turns_into_a_verdict_and_none_goes_unsaid() {
    let lists = ["s3:ListAllMyBuckets", "ec2:DescribeVpcs", "lambda:ListFunctions"];
    // How each is told, and whether something is lost at all.
    let cases = [
        (under(Fault::Denied, 100, &READS), READS.as_slice(), true),
        (under(Fault::Denied, 100, &lists), lists.as_slice(), true),
        (under(Fault::Denied, 30, &[]), &[], true),
        (under(Fault::Cut, 100, &READS[..2]), &READS[..2], true),
        (under(Fault::Throttled, 10, &[]), &[], false),
        (under(Fault::Reset, 10, &[]), &[], false),
    ];
    let (laptop, ended) = scanned(SMALL, Conditions::default(), &[]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let without = &laptop.said(REGION).await;
    join_all(cases.map(|(conditions, told, is_lost)| async move {
        let what = conditions.to_string();
        let is_denied = conditions.faults[0].0 == Fault::Denied;
        let (laptop, ended) = scanned(SMALL, conditions, &[]).await;
        let (dishonest, lost) = without.compared_with(&laptop.said(REGION).await);
        assert!(dishonest.wrong.is_empty() && dishonest.unsaid.is_empty(), "{what}: {dishonest:?}\n{ended:?}");
        assert_eq!(lost != Lost::default(), is_lost, "{what}: {lost:?}");
        for api in told {
            assert!(ended.out.contains(api), "{what}: {api} is not in\n{}", ended.out);
        }
        let names_policy = ended.out.contains("This policy would allow what was denied:");
        assert_eq!(names_policy, is_denied, "{what}: {}", ended.out);
    }))
    .await;
}

/// The severities of verdicts with this status.
fn severities(verdicts: &Verdicts, status: Status) -> BTreeSet<Severity> {
    let with = verdicts.each().filter(|(.., its)| *its == status);
    with.map(|(rule, ..)| audit_rules::rule(rule).unwrap().severity).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn the_code_says_whether_there_is_a_violation_or_may_be_one() {
    let functions = ["--service", "lambda"];
    let all = [
        (Account::new(0, 0, 8), Conditions::default()),
        (Account::new(0, 0, 8), under(Fault::Denied, 100, &["lambda:GetPolicy"])),
    ];
    let mut codes = BTreeSet::new();
    for (account, conditions) in all {
        let (laptop, ended) = scanned(account, conditions.clone(), &functions).await;
        assert_eq!(ended.code, 0, "without --fail-on: {ended:?}");
        let verdicts = laptop.said(REGION).await;
        let (open, undecided) =
            (severities(&verdicts, Status::NonCompliant), severities(&verdicts, Status::InsufficientData));
        for severity in Severity::ALL {
            let is_in = |found: &BTreeSet<Severity>| found.iter().any(|found| *found >= severity);
            let expected = match (is_in(&open), is_in(&undecided)) {
                (true, _) => 1,
                (false, true) => 3,
                (false, false) => 0,
            };
            let fail_on = [functions.as_slice(), &["--fail-on", severity.as_str()]].concat();
            let (_, ended) = scanned(account, conditions.clone(), &fail_on).await;
            assert_eq!(ended.code, expected, "{severity} of {open:?}, {undecided:?}: {ended:?}");
            codes.insert(expected);
        }
    }
    assert_eq!(codes, [0, 1, 3].into());
}
