use audit_model::policy::{AlertPolicy, FrameworkPolicy, OptOutTag, RemediationPolicy, RuleSetting};
use audit_model::{Policy, PolicyException, RemediationMode, Severity};
use jiff::civil::date;
use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;

/// Reads a policy on the last day of November 2026.
fn parsed(text: &str) -> Result<Policy, PolicyError> {
    parse(text, date(2026, 11, 30))
}

const SHIPPED: &str = include_str!("../../../../infrastructure/audit-policy.toml");

#[test]
fn the_shipped_policy_says_what_its_comments_promise() {
    let policy = parsed(SHIPPED).unwrap();
    assert_eq!(policy.alert, AlertPolicy { threshold: Severity::Critical });
    let remediation = RemediationPolicy {
        mode: RemediationMode::Apply,
        announce_first: true,
        max_buckets_per_run: 10,
        max_buckets_per_day: 20,
        stop_after_failures: 1,
        opt_out_tag: OptOutTag { key: "compliance-audit:remediation".to_owned(), value: "off".to_owned() },
    };
    assert_eq!(policy.remediation, remediation);
    assert_eq!(policy.parameters.required_tags, ["Environment", "Owner", "CostCenter", "ComplianceLevel"]);
    // AWS's controls ask for no key by default, and customers switch the standard on:
    // https://docs.aws.amazon.com/securityhub/latest/userguide/standards-tagging.html
    assert_eq!(policy.frameworks, FrameworkPolicy { resource_tagging: false });
    assert_eq!(policy.parameters.resource_tagging_keys, [""; 0]);
    assert_eq!(policy.parameters.trusted_accounts, [""; 0]);
    assert_eq!(policy.parameters.trusted_layer_accounts, [""; 0]);
    assert_eq!(policy.parameters.trusted_organizations, [""; 0]);
    assert_eq!(policy.parameters.trusted_cidrs, [""; 0]);
    assert_eq!((policy.parameters.internet_ipv4_prefix, policy.parameters.internet_ipv6_prefix), (8, 16));
    // https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-19
    let high_risk = [
        20, 21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 3000, 3306, 3389, 4333, 5000, 5432, 5500, 5601, 8080, 8088,
        8888, 9200, 9300,
    ];
    assert_eq!(policy.parameters.high_risk_ports, high_risk);
    // https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-18
    assert_eq!(policy.parameters.authorized_tcp_ports, [80, 443]);
    assert_eq!(policy.parameters.authorized_udp_ports, [0; 0]);
    assert_eq!(policy.parameters.lambda_availability_zones, 2);
    assert_eq!(policy.parameters.lifecycle_expiration_days, None);
    assert_eq!(policy.parameters.object_lock_retention_days, None);
    assert!(policy.rules.is_empty() && policy.exceptions.is_empty());
}

/// A policy of one setting a line, from line 1, in which everything is said that can be said.
const PLAIN: &str = "[alert]
threshold = \"HIGH\"
[remediation]
mode = \"off\"
max_buckets_per_run = 1
max_buckets_per_day = 2
stop_after_failures = 3
opt_out_tag = { key = \"k\", value = \"\" }
announce_first = false
[parameters]
required_tags = [\"Owner\"]
trusted_accounts = [\"111122223333\"]
trusted_layer_accounts = [\"444455556666\"]
high_risk_ports = [22]
authorized_tcp_ports = [443]
authorized_udp_ports = [53]
supported_runtimes = [\"python3.13\"]
lambda_availability_zones = 3
lifecycle_expiration_days = 365
object_lock_retention_days = 30
trusted_organizations = [\"o-a1b2c3d4e5\"]
trusted_cidrs = [\"198.51.100.0/24\"]
internet_ipv4_prefix = 10
internet_ipv6_prefix = 20
resource_tagging_keys = [\"Team\"]
[frameworks]
resource_tagging = true
[rules]
s3-bucket-required-tags = { enabled = false }
s3-bucket-versioning-enabled = { severity = \"HIGH\" }
[[exceptions]]
rule = \"s3-bucket-public-read-prohibited\"
resource = \"arn:aws:s3:::website-*\"
reason = \"The company's website\"
approver = \"Head of security\"
expires = 2027-03-31
";

#[test]
fn everything_that_is_said_is_heard() {
    let policy = parsed(PLAIN).unwrap();
    assert_eq!(policy.alert.threshold, Severity::High);
    assert_eq!(policy.remediation.mode, RemediationMode::Off);
    let RemediationPolicy { max_buckets_per_run, max_buckets_per_day, stop_after_failures, .. } = policy.remediation;
    assert_eq!((max_buckets_per_run, max_buckets_per_day, stop_after_failures), (1, 2, 3));
    assert!(!policy.remediation.announce_first);
    assert_eq!(policy.frameworks, FrameworkPolicy { resource_tagging: true });
    assert_eq!(policy.parameters.resource_tagging_keys, ["Team"]);
    assert!(parsed(&PLAIN.replacen("announce_first = false\n", "", 1)).unwrap().remediation.announce_first);
    assert_eq!(policy.parameters.trusted_accounts, ["111122223333"]);
    assert_eq!(policy.parameters.trusted_layer_accounts, ["444455556666"]);
    assert_eq!(policy.parameters.authorized_udp_ports, [53]);
    assert_eq!(policy.parameters.supported_runtimes, ["python3.13"]);
    assert_eq!(policy.parameters.lambda_availability_zones, 3);
    assert_eq!(policy.parameters.lifecycle_expiration_days, Some(365));
    assert_eq!(policy.parameters.object_lock_retention_days, Some(30));
    assert_eq!(policy.parameters.trusted_organizations, ["o-a1b2c3d4e5"]);
    assert_eq!(policy.parameters.trusted_cidrs, ["198.51.100.0/24"]);
    assert_eq!((policy.parameters.internet_ipv4_prefix, policy.parameters.internet_ipv6_prefix), (10, 20));
    let rules = [
        ("s3-bucket-required-tags", RuleSetting { enabled: false, severity: None }),
        ("s3-bucket-versioning-enabled", RuleSetting { enabled: true, severity: Some(Severity::High) }),
    ];
    assert_eq!(policy.rules, rules.map(|(id, setting)| (id.to_owned(), setting)).into());
    let exception = PolicyException {
        rule: "s3-bucket-public-read-prohibited".to_owned(),
        resource: "arn:aws:s3:::website-*".to_owned(),
        reason: "The company's website".to_owned(),
        approver: "Head of security".to_owned(),
        expires: date(2027, 3, 31),
    };
    assert_eq!(policy.exceptions, std::slice::from_ref(&exception));
    assert!(!exception.has_expired(date(2027, 3, 31)) && exception.has_expired(date(2027, 4, 1)));
}

#[test]
fn every_value_that_the_comments_name_is_allowed() {
    for severity in Severity::ALL {
        let policy = parsed(&PLAIN.replace("threshold = \"HIGH\"", &format!("threshold = \"{severity}\""))).unwrap();
        assert_eq!(policy.alert.threshold, severity);
    }
    for mode in RemediationMode::ALL {
        let policy = parsed(&PLAIN.replace("mode = \"off\"", &format!("mode = \"{mode}\""))).unwrap();
        assert_eq!(policy.remediation.mode, mode);
    }
    for (there, instead) in [
        ("[\"Owner\"]", "[]"),
        ("[\"Team\"]", "[]"),
        ("resource_tagging_keys = [\"Team\"]\n", ""),
        ("[frameworks]\nresource_tagging = true\n", ""),
        ("resource_tagging = true\n", ""),
        ("[\"111122223333\"]", "[]"),
        ("[22]", "[1, 65535]"),
        ("= 3\n", "= 2\n"),
        ("= 3\n", "= 6\n"),
        ("lifecycle_expiration_days = 365\n", ""),
        ("object_lock_retention_days = 30\n", ""),
        ("\"198.51.100.0/24\"", "\"54.0.0.0/8\", \"2001:db8::/32\", \"9.9.9.9/32\""),
        ("trusted_organizations = [\"o-a1b2c3d4e5\"]\n", ""),
        ("\"o-a1b2c3d4e5\"", ""),
        ("trusted_cidrs = [\"198.51.100.0/24\"]\n", ""),
        ("prefix = 10\n", "prefix = 32\n"),
        ("prefix = 20\n", "prefix = 128\n"),
        ("prefix = 20\n", "prefix = 4\n"),
        ("internet_ipv4_prefix = 10\n", ""),
        // An exception that has expired is no mistake: the alert names it.
        ("2027-03-31", "2020-01-01"),
        ("2027-03-31", "2027-12-01"),
        ("arn:aws:s3:::website-*", "arn:aws:lambda:*:*:function:web*"),
        ("arn:aws:s3:::website-*", "arn:aws:iam::111122223333:root"),
        ("arn:aws:s3:::website-*", "arn:aws:s3:::website-?"),
    ] {
        assert!(PLAIN.contains(there));
        assert_eq!(parsed(&PLAIN.replacen(there, instead, 1)).err(), None, "{there} -> {instead}");
    }
}

#[test]
fn a_mistake_is_refused_with_its_line_and_what_is_allowed() {
    // (what stands there, what is put in its place, the line, what the error must tell)
    let cases: [(&str, &str, usize, &[&str]); 68] = [
        ("\"HIGH\"", "\"SEVERE\"", 2, &["SEVERE", "LOW", "MEDIUM", "HIGH", "CRITICAL"]),
        ("\"HIGH\"", "3", 2, &[]),
        ("\"off\"", "\"on\"", 4, &["`on`", "apply", "dry-run", "off"]),
        ("run = 1", "run = -1", 5, &["-1"]),
        ("run = 1", "run = 1.5", 5, &["1.5"]),
        ("run = 1", "run = 4294967296", 5, &["4294967296"]),
        (
            "max_buckets_per_run",
            "max_buckets",
            5,
            &["max_buckets", "announce_first", "max_buckets_per_run", "mode", "opt_out_tag", "stop_after_failures"],
        ),
        ("max_buckets_per_run = 1\n", "", 3, &["max_buckets_per_run"]),
        ("max_buckets_per_day = 2\n", "", 3, &["max_buckets_per_day"]),
        ("failures = 3", "failures = 0", 7, &["stop_after_failures", "1 or more", "off"]),
        ("failures = 3", "failures = -1", 7, &["-1"]),
        ("first = false", "first = \"no\"", 9, &[]),
        ("\"k\"", "\"\"", 8, &["tag key", "1 to 128"]),
        ("\"k\"", "\"aws:k\"", 8, &["aws:"]),
        ("value = \"\"", "value = \" x\"", 8, &["tag value", "0 to 256", "blank"]),
        (", value = \"\"", "", 8, &["value"]),
        ("[parameters]", "[labels]", 10, &["labels", "alert", "remediation", "parameters", "rules", "exceptions"]),
        ("[\"Owner\"]", "[\"Owner\", \"Owner\"]", 11, &["Owner", "twice"]),
        ("[\"Owner\"]", "[\"Owner \"]", 11, &["blank"]),
        ("\"111122223333\"", "111122223333", 12, &[]),
        ("\"111122223333\"", "\"1111\"", 12, &["12 digits"]),
        ("\"111122223333\"", "\"111122223333\", \"111122223333\"", 12, &["twice"]),
        ("[22]", "[0]", 14, &["1 to 65535"]),
        ("[22]", "[65536]", 14, &["65536"]),
        ("[22]", "[443]", 14, &["443", "high risk", "authorized"]),
        ("[443]", "[443, 443]", 15, &["twice"]),
        ("[53]", "[\"dns\"]", 16, &[]),
        ("\"python3.13\"", "\"Python 3.13\"", 17, &["lower-case", "python3.13"]),
        ("zones = 3", "zones = 1", 18, &["2 to 6"]),
        ("zones = 3", "zones = 7", 18, &["2 to 6"]),
        ("expiration_days = 365", "expiration_days = 0", 19, &["1 to 65535"]),
        ("retention_days = 30", "retention_days = 0", 20, &["1 to 65535"]),
        ("retention_days", "retention", 20, &["object_lock_retention", "object_lock_retention_days"]),
        ("\"o-a1b2c3d4e5\"", "\"o-A1B2C3D4E5\"", 21, &["organization", "lower-case", "o-a1b2c3d4e5"]),
        ("\"o-a1b2c3d4e5\"", "\"o-a1b2\"", 21, &["10 to 32"]),
        ("\"o-a1b2c3d4e5\"", "\"o-a1b2c3d4e5\", \"o-a1b2c3d4e5\"", 21, &["twice"]),
        ("\"198.51.100.0/24\"", "\"198.51.100.7/24\"", 22, &["198.51.100.7/24", "bits", "CIDR"]),
        ("\"198.51.100.0/24\"", "\"0.0.0.0/1\"", 22, &["wider", "/8", "/16"]),
        ("\"198.51.100.0/24\"", "\"office\"", 22, &["CIDR"]),
        ("\"198.51.100.0/24\"", "\"198.51.100.0/24\", \"198.51.100.0/24\"", 22, &["twice"]),
        ("prefix = 10", "prefix = 0", 23, &["1 to 32"]),
        ("prefix = 20", "prefix = 3", 24, &["4 to 128"]),
        ("s3-bucket-required-tags", "s3-bucket-required-tag", 29, &["s3-bucket-required-tag", "RULES.md"]),
        ("enabled = false", "enabled = \"no\"", 29, &[]),
        ("enabled = false", "on = false", 29, &["`on`", "enabled", "severity"]),
        ("severity = \"HIGH\"", "severity = \"high\"", 30, &["high", "HIGH"]),
        ("\"s3-bucket-public-read-prohibited\"", "\"s3-public\"", 32, &["s3-public", "RULES.md"]),
        ("\"arn:aws:s3:::website-*\"", "\"*\"", 33, &["arn:", "[rules]"]),
        ("\"arn:aws:s3:::website-*\"", "\"website\"", 33, &["arn:"]),
        ("\"The company's website\"", "\" \"", 34, &["reason", "1 to 500"]),
        ("\"The company's website\"", "\"a\\nb\"", 34, &["reason", "one line"]),
        ("\"Head of security\"", "\"\"", 35, &["approver", "1 to 500"]),
        ("2027-03-31", "\"2027-03-31\"", 36, &[]),
        ("2027-03-31", "2027-03-31T10:00:00Z", 36, &["a date", "2027-03-31"]),
        ("2027-03-31", "10:00:00", 36, &["a date"]),
        ("reason = \"The company's website\"\n", "", 31, &["reason"]),
        ("approver = \"Head of security\"\n", "", 31, &["approver"]),
        ("expires = 2027-03-31\n", "", 31, &["expires"]),
        ("\"444455556666\"", "\"4444\"", 13, &["12 digits"]),
        ("\"arn:aws:s3:::website-*\"", "\"arn:*\"", 33, &["name", "[rules]"]),
        ("\"arn:aws:s3:::website-*\"", "\"arn:aws:s3:::*\"", 33, &["name", "[rules]"]),
        ("\"arn:aws:s3:::website-*\"", "\"arn:aws:ec2:*:*:security-group/*\"", 33, &["name", "[rules]"]),
        ("2027-03-31", "2027-12-02", 36, &["more than a year", "2027-12-01"]),
        ("2027-03-31", "9999-12-31", 36, &["more than a year"]),
        ("[\"Team\"]", "[\"aws:Team\"]", 25, &["tag key", "aws:"]),
        ("[\"Team\"]", "[\"Team\", \"Team\"]", 25, &["Team", "twice"]),
        ("resource_tagging =", "fsbp =", 27, &["`fsbp`", "resource_tagging"]),
        ("tagging = true", "tagging = \"on\"", 27, &["boolean"]),
    ];
    for (there, instead, line, told) in cases {
        assert!(PLAIN.contains(there), "{there}");
        let error = parsed(&PLAIN.replacen(there, instead, 1)).unwrap_err();
        assert_eq!(error.line, line, "{there} -> {instead}: {error}");
        for word in [POLICY_FILE].iter().chain(told) {
            assert!(error.to_string().contains(word), "{there} -> {instead}: {word:?} is missing in {error}");
        }
    }
    let twice = format!("{PLAIN}{}", &PLAIN[PLAIN.find("[[exceptions]]").unwrap()..]);
    let error = parsed(&twice).unwrap_err();
    assert!(error.line == 37 && error.what.contains("twice"), "{error}");
    assert!(parsed("").is_err());
}

#[test]
fn a_rule_is_not_switched_on_while_its_framework_is_off() {
    let on = PLAIN.replacen("[rules]\n", "[rules]\nec2-subnet-tagged = { enabled = true }\n", 1);
    assert!(parsed(&on).is_ok());
    let off = on.replacen("resource_tagging = true", "resource_tagging = false", 1);
    let error = parsed(&off).unwrap_err();
    assert_eq!(error.line, 29);
    for word in ["ec2-subnet-tagged", "resource_tagging = true", "[frameworks]"] {
        assert!(error.what.contains(word), "{word:?} is missing in {error}");
    }
    // What says nothing of being on does no harm: it waits for the framework.
    for waiting in ["{ enabled = false }", "{ severity = \"HIGH\" }"] {
        assert_eq!(parsed(&off.replacen("{ enabled = true }", waiting, 1)).err(), None, "{waiting}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_fall(text in "\\PC{0,200}", at in 0_usize..600) {
        let _ = parsed(&text);
        let mut broken = PLAIN.to_owned();
        let at = (0..=at.min(broken.len())).rev().find(|at| broken.is_char_boundary(*at)).unwrap_or(0);
        broken.insert_str(at, &text);
        let _ = parsed(&broken);
    }
}
