//! The table covers every reading, and every row of it is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;

use super::Recorded;
use crate::calls::{calls, unchanged};

/// The readings that there are, from the source of `audit_model::resource`: the fields of what findings are about, but for
/// what names it, and whatever else may be unreadable by itself.
fn readings() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../audit-model/src/resource");
    let mut types: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for file in fs::read_dir(folder).unwrap() {
        let mut within = None;
        for line in fs::read_to_string(file.unwrap().path()).unwrap().lines() {
            if let Some(name) = line.strip_prefix("pub struct ") {
                within = name.split_whitespace().next().map(str::to_owned);
            } else if line.starts_with('}') {
                within = None;
            } else if let (Some(owner), Some(field)) = (&within, line.strip_prefix("    pub ")) {
                let (name, kind) = field.trim_end_matches(',').split_once(": ").unwrap();
                types.entry(owner.clone()).or_default().push((name.to_owned(), kind.to_owned()));
            }
        }
    }
    let mut readings = BTreeSet::new();
    for (owner, fields) in types {
        let has_findings = fields.iter().any(|(_, kind)| kind == "Identity");
        for (name, kind) in fields {
            if (has_findings && name != "identity" && name != "id") || kind.contains("Reading<") {
                readings.insert(format!("{owner}.{name}"));
            }
        }
    }
    readings
}

#[test]
fn every_reading_has_a_call_that_changes_it_or_a_reason_why_none_does() {
    let readings = readings();
    assert!(readings.len() > 80, "the readings are not found any more: {readings:?}");
    let changed: BTreeSet<String> = calls().flat_map(|call| call.readings).map(|it| (*it).to_owned()).collect();
    let reasons: BTreeSet<String> = unchanged().map(|(reading, _)| (*reading).to_owned()).collect();
    let both: Vec<_> = changed.intersection(&reasons).collect();
    assert!(both.is_empty(), "a call changes {both:?}, and a reason says that none does");
    let named: BTreeSet<String> = changed.union(&reasons).cloned().collect();
    let missing: Vec<_> = readings.difference(&named).collect();
    assert!(missing.is_empty(), "name in calls/ the call that changes {missing:?}, or the reason why none does");
    let unknown: Vec<_> = named.difference(&readings).collect();
    assert!(unknown.is_empty(), "audit_model::resource has no {unknown:?}");
    assert!(unchanged().all(|(_, why)| !why.is_empty()));
}

#[test]
fn a_call_is_in_the_table_once_and_changes_something() {
    let mut seen = BTreeSet::new();
    for call in calls() {
        assert!(seen.insert((call.source, call.name)), "{} is there twice", call.name);
        assert!(!call.readings.is_empty() || call.name.starts_with("Delete") || call.name.starts_with("Release"));
        assert_eq!(BTreeSet::from_iter(call.readings).len(), call.readings.len(), "{}", call.name);
    }
}

/// By default a rule does not even get what begins with these.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html>
#[test]
fn no_call_only_reads() {
    for call in calls() {
        assert!(!["Get", "List", "Describe"].iter().any(|it| call.name.starts_with(it)), "{}", call.name);
    }
}

#[test]
fn every_call_has_an_event() {
    let recorded: BTreeSet<_> = Recorded::all().into_iter().map(|it| (it.source, it.name)).collect();
    for call in calls() {
        assert!(recorded.contains(&(call.source.as_str().to_owned(), call.name.to_owned())), "{}", call.name);
    }
}
