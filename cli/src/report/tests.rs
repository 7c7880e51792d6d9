use audit_artifacts::{MemoryStore, sample};
use audit_model::remediation::RemediationOutcome;
use audit_model::task::RemediationResult;
use audit_model::{Finding, Severity, Status};
use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::*;

/// Two minutes after the aggregation.
const NOW: Timestamp = Timestamp::constant(1_795_413_780, 0);

fn findings() -> [Finding; 2] {
    [Status::Compliant, Status::NonCompliant]
        .map(|status| sample::finding(&format!("bucket-{status}"), "s3-rule", Severity::High, status))
}

/// A scan with remediation, its reports written as the functions write them, in a folder.
async fn scan() -> (MemoryStore, TempDir) {
    let records = [sample::remediation_record("bucket-NON_COMPLIANT", RemediationOutcome::Applied, &[])];
    let store = sample::store(&sample::plan(), &sample::summary(&findings()), &findings(), &records).await.unwrap();
    let remediation = Some(RemediationResult::Ran(sample::remediation_counts(&records)));
    let input = DeliverInput { scan_id: sample::SCAN_ID.to_owned(), remediation };
    write_json_report::handle(&input, &store, "dev-pr42", NOW).await.unwrap();
    write_csv_report::handle(&input, &store).await.unwrap();
    let filed = Filed { system: "dev-pr42".to_owned(), remediation: None };
    write_html_report::handle(&input, &store, &deployment(Some(&filed)), NOW).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for key in store.keys() {
        let path = folder.path().join("evidence").join(&key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, store.get(&key).await.unwrap().unwrap().content).unwrap();
    }
    (store, folder)
}

/// Every file below a folder, with its content.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let of = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![(path.clone(), fs::read(path).unwrap())] };
    paths.into_iter().flat_map(of).collect()
}

#[tokio::test]
async fn the_reports_are_those_that_were_written_first_and_what_was_left_is_untouched() {
    let (store, folder) = scan().await;
    let evidence = folder.path().join("evidence");
    let (before, out) = (files(&evidence), folder.path().join("new"));
    let written = write(&found::scan(&evidence).await.unwrap(), &out, NOW).await.unwrap();
    let names = ["html", "csv"].map(|form| out.join(format!("{}.{form}", sample::SCAN_ID)));
    assert_eq!(written, names);
    let first = [keys::html_report, keys::csv_report].map(|key| key(sample::SCAN_ID, sample::STARTED_AT));
    for (path, key) in names.iter().zip(first) {
        assert_eq!(fs::read_to_string(path).unwrap(), store.text(&key).unwrap(), "{key}");
    }
    assert_eq!(files(&evidence), before);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2, "nothing else is left");

    let mut said = Vec::new();
    let asked = Report { scan: evidence.join(first_report()), out: folder.path().to_owned() };
    assert_eq!(run(&asked, &mut said).await.unwrap(), End::Well);
    let said = String::from_utf8(said).unwrap();
    assert_eq!(said, format!("{0}/{1}.html\n{0}/{1}.csv\n", folder.path().display(), sample::SCAN_ID));
}

fn first_report() -> String {
    keys::html_report(sample::SCAN_ID, sample::STARTED_AT)
}

#[tokio::test]
async fn nothing_is_written_over_or_among_what_may_be_sealed() {
    let (_store, folder) = scan().await;
    let evidence = folder.path().join("evidence");
    let found = found::scan(&evidence).await.unwrap();
    let before = files(folder.path());
    let day = evidence.join(first_report()).parent().unwrap().to_owned();
    // A folder of reports that lies elsewhere is no part of a store that anybody could know of.
    let filed = folder.path().join("filed");
    fs::create_dir(&filed).unwrap();
    fs::write(filed.join(format!("{}.csv", sample::SCAN_ID)), "filed").unwrap();
    for (out, phrase) in [
        (day, "lies among what scans have left"),
        (evidence.join("scans/new"), "lies among what scans have left"),
        (evidence.join("scans/../state"), "lies among what scans have left"),
        (filed.clone(), ".csv is there already, and may be the one that is sealed"),
    ] {
        let failure = write(&found, &out, NOW).await.unwrap_err().to_string();
        assert!(failure.contains(phrase), "{}: {failure}", out.display());
    }
    assert_eq!(files(&filed).len(), 1);
    fs::remove_dir_all(filed).unwrap();
    assert_eq!(files(folder.path()), before);
}

#[tokio::test]
async fn a_scan_without_a_report_says_nothing_of_a_deployment_and_one_that_is_broken_is_refused() {
    let (_store, folder) = scan().await;
    let evidence = folder.path().join("evidence");
    let report = evidence.join(keys::json_report(sample::SCAN_ID, sample::STARTED_AT));
    let found = found::scan(&evidence).await.unwrap();
    fs::write(&report, "{\"scan\": {\"system\"").unwrap();
    let failure = write(&found, &folder.path().join("new"), NOW).await.unwrap_err().to_string();
    assert!(failure.contains(".json cannot be understood: EOF while parsing"), "{failure}");
    fs::remove_file(&report).unwrap();
    assert_eq!(write(&found, &folder.path().join("new"), NOW).await.unwrap().len(), 2);
    assert_eq!(deployment(None).system, "compliance-audit");

    // Findings that are not all there make no report, and leave none.
    fs::write(evidence.join(keys::findings(sample::SCAN_ID)), "").unwrap();
    assert!(write(&found, &folder.path().join("other"), NOW).await.is_err());
    assert_eq!(fs::read_dir(folder.path().join("other")).unwrap().count(), 0);
}
