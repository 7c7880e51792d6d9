use std::fs;
use std::path::Path;

use audit_artifacts::{ArtifactStore, FindingsWriter, MemoryStore, keys, sample};
use audit_model::summary::{Gap, Scope, Summary};
use audit_model::{
    ExceptionMark, Finding, NamedResource, Plan, Service, Severity, Status, Unreadable, UnreadableCause,
};
use pretty_assertions::assert_eq;

use super::*;
use differences::Sight;

fn finding(bucket: &str, rule: &str, status: Status) -> Finding {
    sample::finding(bucket, rule, Severity::High, status)
}

/// A verdict that could not be reached, about what was a violation or was not.
fn unread(bucket: &str, rule: &str, was_known: bool) -> Finding {
    let missing = Unreadable {
        action: "s3:GetBucketPolicy".to_owned(),
        cause: UnreadableCause::AccessDenied,
        detail: "AccessDenied".to_owned(),
    };
    Finding {
        missing: vec![missing],
        first_seen: was_known.then_some(sample::DAY_BEFORE),
        ..finding(bucket, rule, Status::InsufficientData)
    }
}

fn excepted(finding: Finding) -> Finding {
    let exception = ExceptionMark {
        reason: "it is public".to_owned(),
        approver: "risk".to_owned(),
        expires: "2026-12-31".parse().unwrap(),
    };
    Finding { exception: Some(exception), ..finding }
}

fn observed(finding: Finding, observed: &'static str) -> Finding {
    Finding { evidence: audit_model::Evidence { observed: observed.into() }, ..finding }
}

/// What a scan looked at that evaluated one rule, with a gap in it or without.
fn seen(rule: &str, has_gap: bool) -> (Plan, Summary) {
    let gap = Gap {
        service: Service::S3,
        shard: None,
        resources: None,
        resource_type: None,
        reason: "s3:ListAllMyBuckets was denied".to_owned(),
    };
    let gaps = if has_gap { vec![gap] } else { Vec::new() };
    (sample::plan(), Summary { gaps, ..sample::summary(&[finding("other", rule, Status::Compliant)]) })
}

#[test]
fn a_verdict_is_new_resolved_changed_or_lost() {
    use Status::{Compliant, NonCompliant, NotApplicable};
    let of = |status| Some(finding("a", "r", status));
    let low = Finding { severity: Severity::Low, ..finding("a", "r", NonCompliant) };
    let known = || Some(unread("a", "r", true));
    let unknown = || Some(unread("a", "r", false));
    let accepted = || of(NonCompliant).map(excepted);
    let elsewhere = || of(NonCompliant).map(|it| observed(it, "something else"));
    // (before, after, what it is, the last that is said)
    let cases = [
        (of(Compliant), of(NonCompliant), Some((Kind::New, "what was seen"))),
        (of(NotApplicable), of(NonCompliant), Some((Kind::New, "what was seen"))),
        (None, of(NonCompliant), Some((Kind::New, "what was seen"))),
        (None, accepted(), None),
        (None, of(Compliant), None),
        (None, unknown(), None),
        (of(NonCompliant), of(Compliant), Some((Kind::Resolved, "was: what was seen"))),
        (of(NonCompliant), of(NotApplicable), Some((Kind::Resolved, "was: what was seen"))),
        (accepted(), of(Compliant), Some((Kind::Resolved, "was: what was seen"))),
        (known(), of(Compliant), Some((Kind::Resolved, "was: what was seen"))),
        // What could not be read is neither new nor resolved.
        (unknown(), of(NonCompliant), Some((Kind::Changed, "verdict: NON_COMPLIANT; was: INSUFFICIENT_DATA"))),
        (known(), of(NonCompliant), Some((Kind::Changed, "verdict: NON_COMPLIANT; was: INSUFFICIENT_DATA"))),
        (unknown(), of(Compliant), Some((Kind::Changed, "verdict: COMPLIANT; was: INSUFFICIENT_DATA"))),
        (of(NonCompliant), known(), Some((Kind::NotLookedAt, "s3:GetBucketPolicy was denied: AccessDenied"))),
        (of(Compliant), unknown(), Some((Kind::NotLookedAt, "s3:GetBucketPolicy was denied: AccessDenied"))),
        (known(), known(), None),
        (of(NonCompliant), Some(low), Some((Kind::Changed, "severity: LOW; was: HIGH"))),
        (of(NonCompliant), elsewhere(), Some((Kind::Changed, "observed: something else; was: what was seen"))),
        (of(NonCompliant), accepted(), Some((Kind::Changed, "excepted: yes; was: no"))),
        (accepted(), of(NonCompliant), Some((Kind::Changed, "excepted: no; was: yes"))),
        (of(Compliant), accepted(), Some((Kind::Changed, "verdict: NON_COMPLIANT; was: COMPLIANT"))),
        (of(Compliant), of(NotApplicable), Some((Kind::Changed, "verdict: NOT_APPLICABLE; was: COMPLIANT"))),
        (of(Compliant), of(Compliant).map(|it| observed(it, "something else")), None),
        (of(NonCompliant), of(NonCompliant), None),
    ];
    let (plan, summary) = seen("r", false);
    let sight = Sight { plan: &plan, summary: &summary };
    for (before, after, expected) in cases {
        // Beside a verdict that stays: the resource is there before and after.
        let beside = || finding("a", "q", NonCompliant);
        let before: Vec<_> = [beside()].into_iter().chain(before).collect();
        let after: Vec<_> = [beside()].into_iter().chain(after).collect();
        let found = differences(&before, &after, sight, sight);
        let told = found.iter().map(|it| (it.kind, it.details.last().unwrap().as_str())).collect::<Vec<_>>();
        assert_eq!(told, expected.into_iter().collect::<Vec<_>>(), "{before:?} {after:?}");
    }
}

#[test]
fn what_a_scan_has_no_finding_of_depends_on_what_it_looked_at() {
    let bucket = [finding("a", "r", Status::NonCompliant)];
    let fine = [finding("a", "r", Status::Compliant)];
    let whole = seen("r", false);
    let gap = seen("r", true);
    let other_rule = seen("q", false);
    let of_others = (Plan { services: vec![Service::Vpc], ..sample::plan() }, whole.1.clone());
    let named: NamedResource = "arn:aws:s3:::other".parse().unwrap();
    let scoped = (Plan { resources: vec![named], ..sample::plan() }, whole.1.clone());
    for (others, name) in [(&gap, "gap"), (&other_rule, "rule"), (&of_others, "service"), (&scoped, "scope")] {
        for (before, after, sights, expected) in [
            (&bucket[..], &[][..], (&whole, others), Some(Kind::NotLookedAt)),
            (&[], &bucket, (others, &whole), Some(Kind::FirstLookedAt)),
            (&fine, &[], (&whole, others), None),
            (&[], &fine, (others, &whole), None),
            (&bucket, &[], (others, &whole), Some(Kind::Gone)),
            (&fine, &[], (others, &whole), Some(Kind::Gone)),
            (&[], &bucket, (&whole, others), Some(Kind::New)),
        ] {
            let [before_sight, after_sight] = [sights.0, sights.1].map(|(plan, summary)| Sight { plan, summary });
            let found = differences(before, after, before_sight, after_sight);
            let kinds: Vec<_> = found.iter().map(|it| it.kind).collect();
            assert_eq!(kinds, expected.into_iter().collect::<Vec<_>>(), "{name}: {before:?} {after:?}");
        }
    }
}

/// A scan in a folder, changed before it is written.
async fn scan_in(folder: &Path, plan: &Plan, findings: &[Finding], change: impl FnOnce(&mut Summary)) {
    let mut summary = sample::summary(findings);
    change(&mut summary);
    copy(&sample::store(plan, &summary, findings, &[]).await.unwrap(), folder).await;
}

async fn copy(store: &MemoryStore, folder: &Path) {
    for key in store.keys() {
        let path = folder.join(&key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, store.get(&key).await.unwrap().unwrap().content).unwrap();
    }
}

async fn said(before: &Path, after: &Path) -> Result<String, String> {
    let mut out = Vec::new();
    let asked = Diff { before: before.to_owned(), after: after.to_owned() };
    match run(&asked, &mut out).await {
        Ok(end) => {
            assert_eq!(end, End::Well);
            Ok(anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string())
        }
        Err(failure) => Err(failure.to_string()),
    }
}

#[tokio::test]
async fn what_differs_is_told_by_kind_the_worst_first() {
    let [before, after] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let critical = |bucket| sample::finding(bucket, "s3-worse", Severity::Critical, Status::NonCompliant);
    let earlier = [
        finding("a", "s3-rule", Status::NonCompliant),
        finding("c", "s3-rule", Status::Compliant),
        finding("d", "s3-rule", Status::NonCompliant),
        finding("same", "s3-rule", Status::NonCompliant),
    ];
    let later = [
        finding("a", "s3-rule", Status::Compliant),
        finding("b", "s3-rule", Status::NonCompliant),
        finding("c", "s3-rule", Status::NonCompliant),
        critical("c"),
        finding("same", "s3-rule", Status::NonCompliant),
    ];
    scan_in(before.path(), &sample::plan(), &earlier, |summary| {
        summary.by_rule.insert("s3-worse".to_owned(), audit_model::summary::Counts::default());
    })
    .await;
    scan_in(after.path(), &sample::plan(), &later, |_| ()).await;
    let said = said(before.path(), after.path()).await.unwrap();
    let expected = "
New violations: 3
  CRITICAL  s3-worse  arn:aws:s3:::c
            what was seen
  HIGH      s3-rule  arn:aws:s3:::b
            what was seen
  HIGH      s3-rule  arn:aws:s3:::c
            what was seen

Resolved violations: 1
  HIGH      s3-rule  arn:aws:s3:::a
            COMPLIANT: what was seen
            was: what was seen

Resources that are gone: 1
  HIGH      arn:aws:s3:::d
            1 violation with it
";
    assert!(said.ends_with(expected), "{said}");
    assert!(
        said.starts_with("before: 2026-11-23T06:00:00Z  scan 20261123T060000Z-1f2e3d4c  COMPLETE  3 open"),
        "{said}"
    );
    assert!(said.contains("\nrules that were not there before: s3-worse\n"), "{said}");

    let nothing = self::said(after.path(), after.path()).await.unwrap();
    assert!(nothing.ends_with("\n\nNo verdict and no violation differs.\n"), "{nothing}");
    assert_eq!(nothing.lines().count(), 4, "{nothing}");
}

#[tokio::test]
async fn scans_of_something_else_are_told_to_be_so_first() {
    let [before, after] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let findings = [finding("a", "s3-rule", Status::NonCompliant)];
    let mut other = Plan {
        account: "444455556666".to_owned(),
        region: "eu-central-1".to_owned(),
        services: vec![Service::S3],
        started_at: sample::DAY_BEFORE,
        ..sample::plan()
    };
    other.policy.alert.remind_hours = 48;
    scan_in(before.path(), &sample::plan(), &findings, |_| ()).await;
    scan_in(after.path(), &other, &[], |summary| {
        summary.scope = Scope::Scoped { named: 1, not_found: Vec::new() };
        summary.gaps = seen("r", true).1.gaps;
    })
    .await;
    let said = said(before.path(), after.path()).await.unwrap();
    let expected = "\
another account: 444455556666; before: 123456789012
another region: eu-central-1; before: us-east-1
other services: s3; before: s3, vpc, lambda
looked at: 1 named resource only; before: all that its services have
another audit policy, in: alert
rules that are there no more: s3-rule
the scan before is the later one of the two
the scan after did not look at all of s3: s3:ListAllMyBuckets was denied

No longer looked at: 1
";
    assert!(said.contains(expected), "{said}");
}

#[tokio::test]
async fn findings_that_are_not_all_there_or_not_in_order_are_not_compared() {
    let [before, after] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let findings = ["a", "b"].map(|bucket| finding(bucket, "s3-rule", Status::NonCompliant));
    scan_in(before.path(), &sample::plan(), &findings, |_| ()).await;
    scan_in(after.path(), &sample::plan(), &findings, |summary| summary.totals.non_compliant += 1).await;
    let failure = said(before.path(), after.path()).await.unwrap_err();
    assert!(failure.contains("holds only 2 findings, and the summary counts 3"), "{failure}");

    let store = sample::store(&sample::plan(), &sample::summary(&findings), &findings, &[]).await.unwrap();
    let [a, b] = findings;
    let mut writer = FindingsWriter::create(&store, &keys::findings(sample::SCAN_ID)).await.unwrap();
    writer.write(&[b, a]).await.unwrap();
    writer.finish().await.unwrap();
    copy(&store, after.path()).await;
    let failure = said(before.path(), after.path()).await.unwrap_err();
    assert!(failure.contains("are not in their order"), "{failure}");
}
