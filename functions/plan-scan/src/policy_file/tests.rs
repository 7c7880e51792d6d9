use pretty_assertions::assert_eq;

use super::*;

const SHIPPED: &str = include_str!("../../../../infrastructure/audit-policy.toml");

#[test]
fn the_shipped_policy_says_what_its_comments_promise() {
    let expected = Policy {
        alert: AlertPolicy { threshold: Severity::Critical },
        remediation: RemediationPolicy {
            mode: RemediationMode::Apply,
            max_buckets_per_run: 10,
            opt_out_tag: OptOutTag { key: "compliance-audit:remediation".to_owned(), value: "off".to_owned() },
        },
        required_tags: ["Environment", "Owner", "CostCenter", "ComplianceLevel"].map(str::to_owned).to_vec(),
    };
    assert_eq!(parse(SHIPPED), Ok(expected));
}

#[test]
fn every_value_that_the_comments_name_is_allowed() {
    for severity in Severity::ALL {
        let policy =
            parse(&SHIPPED.replace("threshold = \"CRITICAL\"", &format!("threshold = \"{severity}\""))).unwrap();
        assert_eq!(policy.alert.threshold, severity);
    }
    for mode in RemediationMode::ALL {
        let policy = parse(&SHIPPED.replace("mode = \"apply\"", &format!("mode = \"{mode}\""))).unwrap();
        assert_eq!(policy.remediation.mode, mode);
    }
    let tags = "required = [\"Environment\", \"Owner\", \"CostCenter\", \"ComplianceLevel\"]";
    assert!(SHIPPED.contains(tags));
    assert_eq!(parse(&SHIPPED.replace(tags, "required = []")).unwrap().required_tags, Vec::<String>::new());
}

/// A policy of one setting a line, from line 1.
const PLAIN: &str = "[alert]
threshold = \"HIGH\"
[remediation]
mode = \"off\"
max_buckets_per_run = 1
opt_out_tag = { key = \"k\", value = \"\" }
[tags]
required = [\"Owner\"]
";

#[test]
fn a_mistake_is_refused_with_its_line_and_what_is_allowed() {
    assert!(parse(PLAIN).is_ok());
    // (what stands there, what is put in its place, what the error must tell)
    let cases: [(&str, &str, &[&str]); 16] = [
        ("\"HIGH\"", "\"SEVERE\"", &["line 2", "SEVERE", "LOW", "MEDIUM", "HIGH", "CRITICAL"]),
        ("\"HIGH\"", "3", &["line 2"]),
        ("\"off\"", "\"on\"", &["line 4", "`on`", "apply", "dry-run", "off"]),
        ("= 1", "= -1", &["line 5", "-1"]),
        ("= 1", "= 1.5", &["line 5", "1.5"]),
        ("= 1", "= 4294967296", &["line 5", "4294967296"]),
        (
            "max_buckets_per_run",
            "max_buckets",
            &["line 5", "max_buckets", "max_buckets_per_run", "mode", "opt_out_tag"],
        ),
        ("max_buckets_per_run = 1\n", "", &["line 3", "max_buckets_per_run"]),
        ("\"k\"", "\"\"", &["line 6", "tag key", "1 to 128"]),
        ("\"k\"", "\"aws:k\"", &["line 6", "aws:"]),
        ("value = \"\"", "value = \" x\"", &["line 6", "tag value", "0 to 256", "blank"]),
        (", value = \"\"", "", &["line 6", "value"]),
        ("[\"Owner\"]", "[\"Owner\", \"Owner\"]", &["line 8", "Owner", "twice"]),
        ("[\"Owner\"]", "[\"Owner \"]", &["line 8", "blank"]),
        ("[tags]", "[labels]", &["line 7", "labels", "alert", "remediation", "tags"]),
        ("[alert]", "[alert", &["line 1"]),
    ];
    for (there, instead, told) in cases {
        assert!(PLAIN.contains(there));
        let error = parse(&PLAIN.replacen(there, instead, 1)).unwrap_err();
        assert_eq!(error.name(), "InvalidPolicy");
        for word in [POLICY_FILE].iter().chain(told) {
            assert!(error.to_string().contains(word), "{there} -> {instead}: {word:?} is missing in {error}");
        }
    }
    assert_eq!(parse("").unwrap_err().name(), "InvalidPolicy");
}
