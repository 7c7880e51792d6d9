//! Under every fault of AWS: no verdict different but `INSUFFICIENT_DATA`, none gone unsaid, and no seal that is not whole.
//!
//! `make test-benchmark` builds the functions and runs this.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::PathBuf;
use std::time::Duration;

use audit_model::Service;
use audit_model::summary::ScanStatus;
use evidence_chain::{Expectations, verify};

use crate::SHIPPED_LISTING;
use crate::account::Account;
use crate::aws::public_key;
use crate::faults::{Conditions, Fault};
use crate::scan::{Outcome, SEAL, Scan};
use crate::verdicts::{Lost, Verdicts};

/// The scans under a fault: which answers it befalls. Denials and answers that are not whole befall every answer of an
/// API, and each API in one of the scans; what lists comes in a scan of its own, for it hides what would be asked next.
/// The others befall a share of all answers, in percent, and are rare where they make clients wait.
fn conditions(fault: Fault, asked: &BTreeMap<String, u64>) -> Vec<Conditions> {
    let under = |share, seed, apis| Conditions {
        latency: Duration::ZERO,
        faults: vec![(fault, share)],
        seed,
        apis,
        ..Conditions::default()
    };
    let thrown = |share| SEEDS.map(|seed| under(share, seed, BTreeSet::new())).to_vec();
    match fault {
        Fault::Denied | Fault::Empty | Fault::Hollow | Fault::Cut => {
            let (lists, others): (Vec<&String>, Vec<&String>) =
                asked.keys().partition(|api| LISTS.contains(&api.as_str()));
            let nth = |nth| others.iter().skip(nth).step_by(3).copied().collect::<Vec<_>>();
            let scans = [lists, nth(0), nth(1), nth(2)];
            scans.into_iter().map(|apis| under(100, 0, apis.into_iter().cloned().collect())).collect()
        }
        Fault::Throttled => thrown(10),
        Fault::Reset => thrown(20),
        Fault::Stalled => thrown(3),
    }
}

/// Each lets the faults befall other answers.
const SEEDS: [u64; 3] = [1, 2, 3];

/// What the listings ask.
const LISTS: [&str; 5] = [
    "ec2:DescribeVpcs",
    "lambda:ListFunctions",
    "s3:ListAccessPoints",
    "s3:ListAllMyBuckets",
    "s3express:ListAllMyDirectoryBuckets",
];

fn scan(conditions: Conditions) -> Scan {
    Scan {
        account: Account::new(12, 3, 8),
        services: Service::ALL.to_vec(),
        // One shard of each service has the whole budget.
        concurrency: 1,
        // One that never comes whole is waited for until the time is over.
        listing: if conditions.apis.contains(LISTS[0]) { Duration::from_secs(30) } else { SHIPPED_LISTING },
        // What befalls every answer befalls the next attempt, too; how often the machine makes one its own tests show.
        repetitions: if conditions.apis.is_empty() { usize::MAX } else { 1 },
        conditions,
        unbudgeted: false,
    }
}

fn bundles() -> PathBuf {
    env::var_os("LAMBDA_BUNDLES").expect("LAMBDA_BUNDLES is not set; run `make test-benchmark`").into()
}

/// Whether the machine would have said nothing of a seal that failed.
fn is_sealed(outcome: &Outcome) -> bool {
    outcome.failures.iter().all(|failure| failure.state != SEAL)
}

/// A scan that ends as if it were sealed is, and people were told before one ends as not sealed.
async fn assert_sealed_or_said(outcome: &Outcome) {
    if is_sealed(outcome) {
        let expected = Expectations { keys: &[public_key()], ..Expectations::default() };
        let verified = verify(&outcome.store, &expected).await.unwrap();
        assert!(verified.is_whole(), "{:?}", verified.all_problems().collect::<Vec<_>>());
        assert_eq!(verified.links.len(), 1);
        return;
    }
    let called: Vec<_> = outcome.invocations.iter().map(|it| it.function).collect();
    let first = |function| called.iter().position(|it| *it == function);
    let has_findings = outcome.summary.is_some();
    assert!(
        !has_findings || first("notify-critical").is_some_and(|it| Some(it) < first("seal-evidence")),
        "{called:?}"
    );
}

async fn said(scan: &Scan) -> (Outcome, Verdicts) {
    let outcome = scan.run(&bundles()).await.unwrap();
    let verdicts = Verdicts::of(&outcome).await.unwrap();
    (outcome, verdicts)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the functions' binaries: make test-benchmark"]
async fn no_fault_turns_into_a_verdict_and_none_goes_unsaid() {
    let (outcome, without) = said(&scan(Conditions::default())).await;
    let summary = outcome.summary.as_ref().unwrap();
    assert_eq!((summary.status, summary.totals.insufficient_data), (ScanStatus::Complete, 0), "{:?}", summary.gaps);
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    assert!(outcome.verdicts() > 300, "{}", outcome.verdicts());
    assert!(is_sealed(&outcome));
    assert_sealed_or_said(&outcome).await;

    let under = |fault| conditions(fault, &outcome.calls).into_iter().map(move |conditions| (fault, scan(conditions)));
    let scans = Fault::ALL.into_iter().flat_map(under);
    let told = futures::future::join_all(scans.map(|(fault, scan)| async move { (fault, said(&scan).await) })).await;
    for (_, (outcome, _)) in &told {
        assert_sealed_or_said(outcome).await;
    }
    let mut complaints = Vec::new();
    for fault in Fault::ALL {
        let unsealed = told.iter().filter(|(its, (outcome, _))| *its == fault && !is_sealed(outcome)).count();
        // Each call of the key that signs is in one of the scans whose answers the fault befalls for good.
        assert_eq!(unsealed > 0, [Fault::Denied, Fault::Empty, Fault::Hollow, Fault::Cut].contains(&fault), "{fault}");
        let (mut wrong, mut unsaid, mut lost) = (Vec::new(), Vec::new(), Lost::default());
        for (_, (_, verdicts)) in told.iter().filter(|(its, _)| *its == fault) {
            let (dishonest, of_these) = without.compared_with(verdicts);
            wrong.extend(dishonest.wrong);
            unsaid.extend(dishonest.unsaid);
            lost = Lost { undecided: lost.undecided + of_these.undecided, hidden: lost.hidden + of_these.hidden };
        }
        println!("{fault}: {} wrong, {} unsaid, {lost:?}", wrong.len(), unsaid.len());
        if !(wrong.is_empty() && unsaid.is_empty()) {
            let few = |list: &[String]| list.iter().take(5).cloned().collect::<Vec<_>>().join("\n    ");
            complaints.push(format!(
                "{fault}: {} wrong and {} unsaid\n  wrong:\n    {}\n  unsaid:\n    {}",
                wrong.len(),
                unsaid.len(),
                few(&wrong),
                few(&unsaid)
            ));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
