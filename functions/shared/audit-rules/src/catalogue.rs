//! All rules, and how to find one.

use std::sync::LazyLock;

use crate::rule::Rule;
use crate::{lambda, s3, tagging, vpc};

/// Every rule: those of S3, then VPC, then Lambda, then those on tags of all sorts of resources.
pub static CATALOGUE: LazyLock<Vec<&'static Rule>> =
    LazyLock::new(|| [s3::RULES, vpc::RULES, lambda::RULES, tagging::RULES].concat());

/// Every rule, by id.
pub(crate) static BY_ID: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
    let mut rules = CATALOGUE.clone();
    rules.sort_by_key(|rule| rule.id);
    rules
});

/// The rule with this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    BY_ID.binary_search_by_key(&id, |rule| rule.id).ok().map(|place| BY_ID[place])
}

/// The rules whose violations the remediation repairs.
pub fn remediable_rules() -> impl Iterator<Item = &'static Rule> {
    CATALOGUE.iter().copied().filter(|rule| rule.remediable)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::fixtures;
    use crate::frameworks::Control;

    /// The rule files of the folder of one service.
    fn rule_files(folder: &str) -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        files.filter(|name| name != "mod.rs").collect()
    }

    #[test]
    fn every_file_is_registered_under_its_name_and_has_tests() {
        for (folder, rules) in [("s3", s3::RULES), ("vpc", vpc::RULES), ("lambda", lambda::RULES)] {
            let registered: BTreeSet<String> =
                rules.iter().map(|rule| format!("{}.rs", rule.id.replace('-', "_"))).collect();
            assert_eq!(rule_files(folder), registered);
            for rule in rules {
                let file = format!("src/{folder}/{}.rs", rule.id.replace('-', "_"));
                assert!(rule.source.ends_with(&file), "{} is declared in {}", rule.id, rule.source);
                let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
                assert!(text.contains("#[cfg(test)]\nmod tests {") && text.contains("#[test]"), "{file} has no tests");
            }
        }
    }

    #[test]
    fn a_rule_without_a_file_of_its_own_is_a_row_of_the_table() {
        for rule in CATALOGUE.iter() {
            let is_row = tagging::RULES.iter().any(|row| row.id == rule.id);
            assert_eq!(rule.source.ends_with("src/tagging.rs"), is_row, "{} is declared in {}", rule.id, rule.source);
        }
    }

    #[test]
    fn ids_are_unique_and_rules_are_found_by_them() {
        let ids: BTreeSet<&str> = CATALOGUE.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), CATALOGUE.len());
        for id in ids {
            assert_eq!(rule(id).map(|rule| rule.id), Some(id));
        }
        assert!(rule("no-such-rule").is_none());
    }

    #[test]
    fn prose_is_there() {
        for rule in CATALOGUE.iter() {
            for text in [rule.title, rule.rationale, rule.expected, rule.remediation, rule.console, rule.cli] {
                assert!(text.len() > 10 && text.trim() == text && !text.contains("  "), "{}: {text:?}", rule.id);
            }
            assert!(rule.documentation.starts_with("https://docs.aws.amazon.com/"), "{}", rule.id);
            assert!(rule.cli.lines().all(|line| line.starts_with("aws ")), "{}: {:?}", rule.id, rule.cli);
        }
    }

    #[test]
    fn the_parameters_of_the_policy_are_those_of_the_rules() {
        let named: BTreeSet<&str> =
            CATALOGUE.iter().flat_map(|rule| rule.parameters).map(|parameter| parameter.name).collect();
        let parameters = serde_json::to_value(fixtures::policy().parameters).unwrap();
        let in_snake_case = |name: &String| {
            let letters = name.chars().map(|letter| match letter.is_ascii_uppercase() {
                true => format!("_{}", letter.to_ascii_lowercase()),
                false => letter.to_string(),
            });
            letters.collect::<String>()
        };
        let of_the_policy: BTreeSet<String> = parameters.as_object().unwrap().keys().map(in_snake_case).collect();
        assert_eq!(named, of_the_policy.iter().map(String::as_str).collect());
    }

    #[test]
    fn references_are_there_and_come_once() {
        for rule in CATALOGUE.iter() {
            let unique: BTreeSet<&Control> = rule.references.iter().collect();
            assert_eq!(unique.len(), rule.references.len(), "{}", rule.id);
        }
    }

    #[test]
    fn the_encryption_rules_are_the_remediable_ones() {
        let ids: Vec<&str> = remediable_rules().map(|rule| rule.id).collect();
        assert_eq!(ids, ["s3-bucket-server-side-encryption-enabled", "s3-bucket-customer-managed-key-encrypted"]);
    }
}
