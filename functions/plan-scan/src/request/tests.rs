use audit_artifacts::sample;
use audit_model::{RemediationMode, Service};
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The deployment that reads.
const OURS: &str = "dev-pr42";

fn policy(mode: RemediationMode) -> Policy {
    let mut policy = sample::plan().policy;
    policy.remediation.mode = mode;
    policy
}

/// The audited region and account.
const PLACE: (&str, &str) = ("us-east-1", "123456789012");

fn read(input: &Value) -> Result<ScanRequest, TaskError> {
    read_under(input, RemediationMode::Apply)
}

fn read_under(input: &Value, most: RemediationMode) -> Result<ScanRequest, TaskError> {
    let request = Request::read(input, OURS)?;
    assert_eq!(request.form, Form::Scan);
    request.scan(&policy(most), PLACE)
}

fn read_rollback(input: &Value) -> Result<RollbackRequest, TaskError> {
    let request = Request::read(input, OURS)?;
    assert_eq!(request.form, Form::Rollback);
    request.rollback()
}

fn event(source: &str, detail_type: &str, detail: &Value) -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": detail_type,
        "source": source,
        "account": "123456789012",
        "time": "2026-11-23T06:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/scheduled-scan-rule-dev-pr42"],
        "detail": detail,
    })
}

/// The request of `{}`.
fn everything() -> ScanRequest {
    ScanRequest {
        trigger: Trigger { kind: TriggerKind::Execution, event_id: None, requested_by: None, reason: None },
        services: vec![Service::S3, Service::Vpc, Service::Lambda],
        resources: Vec::new(),
        remediation: RemediationMode::Apply,
        remediation_requested: false,
        reapply: Vec::new(),
        force: false,
    }
}

#[test]
fn each_way_in_is_told_from_the_others() {
    let asked = json!({
        "services": ["lambda", "s3", "lambda"],
        "remediation": "dry-run",
        "reapply": ["payments", "ledger", "payments"],
        "requestedBy": "security-engineering",
        "reason": "after the incident of Monday",
        "force": true,
    });
    let trigger = |kind| Trigger {
        kind,
        event_id: Some("53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa".to_owned()),
        requested_by: Some("security-engineering".to_owned()),
        reason: Some("after the incident of Monday".to_owned()),
    };
    let request = ScanRequest {
        trigger: trigger(TriggerKind::Event),
        services: vec![Service::S3, Service::Lambda],
        resources: Vec::new(),
        remediation: RemediationMode::DryRun,
        remediation_requested: true,
        reapply: vec!["ledger".to_owned(), "payments".to_owned()],
        force: true,
    };
    assert_eq!(read(&event("compliance.audit", "Compliance Scan Requested", &asked)), Ok(request.clone()));

    let by_hand = Trigger { kind: TriggerKind::Execution, event_id: None, ..request.trigger.clone() };
    assert_eq!(read(&asked), Ok(ScanRequest { trigger: by_hand, ..request }));

    let by_clock = Trigger { requested_by: None, reason: None, ..trigger(TriggerKind::Schedule) };
    let scheduled = read(&event("aws.events", "Scheduled Event", &json!({})));
    assert_eq!(scheduled, Ok(ScanRequest { trigger: by_clock, ..everything() }));

    assert_eq!(read(&json!({})), Ok(everything()));
}

/// A request that leaves the field out asks for whatever the policy says, and the schedule is nobody.
#[test]
fn remediation_is_asked_for_by_a_person_only_and_only_by_name() {
    let asked = json!({ "remediation": "apply" });
    let custom = |detail| event("compliance.audit", "Compliance Scan Requested", detail);
    for (input, requested) in [
        (custom(&asked), true),
        (asked.clone(), true),
        (custom(&json!({ "requestedBy": "security-engineering" })), false),
        (json!({}), false),
        (event("aws.events", "Scheduled Event", &asked), false),
    ] {
        let request = read(&input).unwrap();
        assert_eq!(
            (request.remediation_requested, request.remediation),
            (requested, RemediationMode::Apply),
            "{input}"
        );
    }
}

#[test]
fn a_request_for_another_deployment_is_refused_whichever_way_it_comes() {
    let rollback = json!({
        "scanId": "20261123T060000Z-1f2e3d4c", "buckets": "all", "requestedBy": "oncall", "reason": "broken",
    });
    let with = |detail: &Value, system: Value| {
        let mut detail = detail.clone();
        detail["system"] = system;
        detail
    };
    let forms = [("Compliance Scan Requested", json!({})), ("Compliance Remediation Rollback Requested", rollback)];
    for (detail_type, detail) in forms {
        for given in [json!("prod-main"), json!("dev-pr4"), json!("DEV-PR42"), json!(""), json!(null), json!([OURS])] {
            let addressed = with(&detail, given.clone());
            for (field, input) in
                [("system", addressed.clone()), ("detail.system", event("compliance.audit", detail_type, &addressed))]
            {
                let refused = Request::read(&input, OURS).err();
                let told = format!("{field} is {given}; allowed: dev-pr42, which is this deployment, or no such field");
                assert_eq!(refused, Some(TaskError::InvalidRequest(told)), "{input}");
            }
        }
        for detail in [with(&detail, json!(OURS)), detail] {
            assert!(Request::read(&detail, OURS).is_ok(), "{detail}");
            assert!(Request::read(&event("compliance.audit", detail_type, &detail), OURS).is_ok(), "{detail}");
        }
    }
}

#[test]
fn an_event_may_carry_fields_that_eventbridge_adds() {
    let mut replayed = event("aws.events", "Scheduled Event", &json!({}));
    replayed["replay-name"] = json!("replay");
    assert!(read(&replayed).is_ok());
}

#[test]
fn a_malformed_request_is_refused_with_its_field_and_what_is_allowed() {
    let requested = |detail| event("compliance.audit", "Compliance Scan Requested", &detail);
    let with = |field: &str, value: Value| {
        let mut event = requested(json!({}));
        event[field] = value;
        event
    };
    let without = |field: &str| {
        let mut event = requested(json!({}));
        event.as_object_mut().unwrap().remove(field);
        event
    };
    // (input, what the error must tell)
    let cases: [(Value, &[&str]); 37] = [
        (json!({ "services": ["ec3"] }), &["services[0]", "\"ec3\"", "s3, vpc, lambda"]),
        (json!({ "services": ["s3", "S3"] }), &["services[1]", "\"S3\"", "s3, vpc, lambda"]),
        (json!({ "services": [3] }), &["services[0]", "is 3", "s3, vpc, lambda"]),
        (json!({ "services": [] }), &["services", "[]", "at least one", "s3, vpc, lambda"]),
        (json!({ "services": "s3" }), &["services", "\"s3\"", "list"]),
        (json!({ "services": null }), &["services", "null", "list"]),
        (json!({ "remediation": "on" }), &["remediation", "\"on\"", "apply, dry-run, off"]),
        (json!({ "remediation": true }), &["remediation", "true", "apply, dry-run, off"]),
        (json!({ "requestedBy": 7 }), &["requestedBy", "is 7", "text", "256"]),
        (json!({ "requestedBy": "x".repeat(257) }), &["requestedBy", "text", "256", "…"]),
        (json!({ "requestedBy": "a\nStatus: COMPLIANT" }), &["requestedBy", "one line"]),
        (json!({ "reason": ["a"] }), &["reason", "[\"a\"]", "text", "1024"]),
        (json!({ "reason": "ä".repeat(1025) }), &["reason", "1024"]),
        (json!({ "reason": null }), &["reason", "null", "text"]),
        (json!({ "reapply": ["ledger"] }), &["reapply", "[\"ledger\"]", "says \"remediation\": \"apply\""]),
        (requested(json!({ "reapply": ["ledger"] })), &["detail.reapply", "says \"remediation\": \"apply\""]),
        (json!({ "remediation": "apply", "reapply": "ledger" }), &["reapply", "\"ledger\"", "list of 1 to 1000"]),
        (json!({ "remediation": "apply", "reapply": [] }), &["reapply", "[]", "list of 1 to 1000"]),
        (
            json!({ "remediation": "apply", "reapply": ["ledger", "Ledger"] }),
            &["reapply[1]", "\"Ledger\"", "lowercase"],
        ),
        (json!({ "remediation": "apply", "reapply": ["a/../b"] }), &["reapply[0]", "\"a/../b\"", "3 to 63"]),
        (json!({ "remediation": "apply", "reapply": vec!["ledger"; 1001] }), &["reapply", "list of 1 to 1000"]),
        (json!({ "force": "yes" }), &["force", "\"yes\"", "true, false"]),
        (json!({ "force": 1 }), &["force", "is 1", "true, false"]),
        (
            json!({ "service": ["s3"] }),
            &["\"service\"", "services, resources, remediation, reapply, requestedBy, reason, force"],
        ),
        (json!({ "Services": ["s3"] }), &["\"Services\"", "services, resources, remediation"]),
        (json!([]), &["the input", "[]", "JSON object", "services, resources, remediation"]),
        (json!(null), &["the input", "null", "JSON object"]),
        (json!("s3"), &["the input", "\"s3\"", "JSON object"]),
        (requested(json!({ "services": ["ec3"] })), &["detail.services[0]", "\"ec3\"", "s3, vpc, lambda"]),
        (requested(json!({ "servces": [] })), &["\"detail.servces\"", "services, resources, remediation"]),
        (requested(json!("scan")), &["detail", "\"scan\"", "JSON object"]),
        (
            with("source", json!("aws.s3")),
            &["source / detail-type", "aws.s3 / Compliance", "aws.events / Scheduled Event"],
        ),
        (
            with("detail-type", json!("Scheduled Event")),
            &["compliance.audit / Scheduled Event", "Compliance Scan Requested"],
        ),
        (with("source", json!(3)), &["EventBridge", "source", "3"]),
        (without("detail-type"), &["EventBridge", "detail-type"]),
        (without("detail"), &["EventBridge", "detail", "services, resources, remediation"]),
        (with("id", json!("../state/latest.json")), &["id", "../state", "letters, digits and hyphens"]),
    ];
    for (input, told) in cases {
        let error = read(&input).unwrap_err();
        assert_eq!(error.name(), "InvalidRequest", "{input}");
        for word in told {
            assert!(error.to_string().contains(word), "{input}: {word:?} is missing in {error}");
        }
    }
    for id in ["", &"a".repeat(65), "a b", "ä"] {
        assert_eq!(read(&with("id", json!(id))).unwrap_err().name(), "InvalidRequest", "{id:?}");
    }
}

#[test]
fn the_longest_texts_are_counted_in_characters() {
    let request = json!({ "requestedBy": "ä".repeat(256), "reason": "ä".repeat(1024) });
    assert!(read(&request).is_ok());
}

#[test]
fn a_request_may_say_less_than_the_policy_and_never_more() {
    use RemediationMode::{Apply, DryRun, Off};
    // (the policy, the request, what holds)
    let cases = [
        (Apply, None, Some(Apply)),
        (Apply, Some(Apply), Some(Apply)),
        (Apply, Some(DryRun), Some(DryRun)),
        (Apply, Some(Off), Some(Off)),
        (DryRun, None, Some(DryRun)),
        (DryRun, Some(Apply), None),
        (DryRun, Some(DryRun), Some(DryRun)),
        (DryRun, Some(Off), Some(Off)),
        (Off, None, Some(Off)),
        (Off, Some(Apply), None),
        (Off, Some(DryRun), None),
        (Off, Some(Off), Some(Off)),
    ];
    for (most, asked, holds) in cases {
        let input = asked.map_or(json!({}), |mode: RemediationMode| json!({ "remediation": mode }));
        let request = read_under(&input, most);
        assert_eq!(request.as_ref().ok().map(|request| request.remediation), holds, "{most} {asked:?}");
        if let Err(error) = request {
            assert_eq!(error.name(), "InvalidRequest");
            assert!(error.to_string().contains(&format!("the audit policy says {most}")), "{error}");
        }
    }
}

#[test]
fn a_rollback_is_asked_for_by_its_own_event_and_by_a_detail_with_a_scan_s_id() {
    let asked = json!({
        "scanId": "20261123T060000Z-1f2e3d4c",
        "buckets": ["payments", "ledger", "payments"],
        "requestedBy": "platform-oncall",
        "reason": "the partner cannot read",
    });
    let by_event = RollbackRequest {
        trigger: Trigger {
            kind: TriggerKind::Event,
            event_id: Some("53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa".to_owned()),
            requested_by: Some("platform-oncall".to_owned()),
            reason: Some("the partner cannot read".to_owned()),
        },
        scan_id: "20261123T060000Z-1f2e3d4c".to_owned(),
        buckets: Some(vec!["ledger".to_owned(), "payments".to_owned()]),
        mode: RemediationMode::Apply,
    };
    let sent = event("compliance.audit", "Compliance Remediation Rollback Requested", &asked);
    assert_eq!(read_rollback(&sent), Ok(by_event.clone()));

    let mut asked = asked;
    (asked["buckets"], asked["mode"]) = (json!("all"), json!("dry-run"));
    let trigger = Trigger { kind: TriggerKind::Execution, event_id: None, ..by_event.trigger.clone() };
    let by_hand = RollbackRequest { trigger, buckets: None, mode: RemediationMode::DryRun, ..by_event };
    assert_eq!(read_rollback(&asked), Ok(by_hand));
}

#[test]
fn a_malformed_rollback_is_refused_with_its_field_and_what_is_allowed() {
    let with = |field: &str, value: Value| {
        let mut asked = json!({
            "scanId": "20261123T060000Z-1f2e3d4c", "buckets": "all", "requestedBy": "oncall", "reason": "broken",
        });
        asked[field] = value;
        asked
    };
    let cases: [(Value, &[&str]); 14] = [
        (with("scanId", json!("latest")), &["scanId", "\"latest\"", "20261123T060000Z-1f2e3d4c"]),
        (with("scanId", json!("../state")), &["scanId", "../state"]),
        (with("scanId", json!(7)), &["scanId", "is 7"]),
        (with("buckets", json!(null)), &["buckets", "null", "\"all\"", "list of 1 to 1000"]),
        (with("buckets", json!("ledger")), &["buckets", "\"ledger\"", "\"all\""]),
        (with("buckets", json!([])), &["buckets", "[]"]),
        (with("buckets", json!(["*"])), &["buckets[0]", "\"*\"", "3 to 63"]),
        (with("mode", json!("off")), &["mode", "\"off\"", "apply, dry-run"]),
        (with("requestedBy", json!(null)), &["requestedBy", "null", "text"]),
        (with("requestedBy", json!(" ")), &["requestedBy", "who asked and why"]),
        (with("reason", json!("")), &["reason", "who asked and why"]),
        (with("force", json!(true)), &["\"force\"", "scanId, buckets, mode, requestedBy, reason"]),
        (
            event("compliance.audit", "Compliance Remediation Rollback Requested", &json!({ "buckets": "all" })),
            &["detail.requestedBy", "null"],
        ),
        (
            event("compliance.audit", "Compliance Remediation Rollback Requested", &json!({ "services": ["s3"] })),
            &["detail.services", "scanId, buckets, mode"],
        ),
    ];
    for (input, told) in cases {
        let error = read_rollback(&input).unwrap_err();
        assert_eq!(error.name(), "InvalidRequest", "{input}");
        for word in told {
            assert!(error.to_string().contains(word), "{input}: {word:?} is missing in {error}");
        }
    }
    for field in ["buckets", "requestedBy", "reason"] {
        let mut asked = with("mode", json!("apply"));
        asked.as_object_mut().unwrap().remove(field);
        assert!(read_rollback(&asked).unwrap_err().to_string().contains(field), "{field}");
    }
}

/// Values that are, or nearly are, what the fields of a request take.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,100}".prop_map(Value::from),
        prop::sample::select(vec!["s3", "vpc", "lambda", "ec3", "apply", "off", "aws.events", "Scheduled Event"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let field = prop_oneof![
            prop::sample::select(
                [&scan::FIELDS[..], &rollback::FIELDS, &["detail", "detail-type", "source", "id", "time"]].concat()
            )
            .prop_map(str::to_owned),
            ".{0,10}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(field, inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Objects of known fields whose values often fit.
fn nearly_valid() -> impl Strategy<Value = Value> {
    let services = prop::collection::vec(prop::sample::select(vec!["s3", "vpc", "lambda", "ec3"]), 0..5);
    (prop::option::of(services), prop::option::of(any_value()), any::<bool>(), prop::option::of(".{0,300}")).prop_map(
        |(services, remediation, force, requested_by)| {
            let fields = [
                ("services", services.map(Value::from)),
                ("remediation", remediation),
                ("force", Some(Value::from(force))),
                ("requestedBy", requested_by.map(Value::from)),
            ];
            let fields = fields.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?)));
            Value::Object(fields.collect())
        },
    )
}

proptest! {
    #[test]
    fn any_input_is_a_valid_request_or_refused_as_one(
        input in prop_oneof![any_value(), nearly_valid()],
        wrapped in any::<bool>(),
    ) {
        let input = if wrapped { event("compliance.audit", "Compliance Scan Requested", &input) } else { input };
        for most in RemediationMode::ALL {
            let request = Request::read(&input, OURS).and_then(|request| match request.form {
                Form::Scan => request.scan(&policy(most), PLACE).map(Some),
                Form::Rollback => request.rollback().map(|_| None),
            });
            match request {
                Ok(None) => {}
                Ok(Some(request)) => {
                    let in_order: Vec<Service> =
                        Service::ALL.into_iter().filter(|service| request.services.contains(service)).collect();
                    prop_assert!(!in_order.is_empty());
                    prop_assert_eq!(request.services, in_order);
                    prop_assert!(extent(request.remediation) <= extent(most));
                }
                Err(error) => {
                    prop_assert_eq!(error.name(), "InvalidRequest");
                    prop_assert!(error.to_string().chars().count() < 700, "{}", error);
                }
            }
        }
    }
}

#[test]
fn resources_are_named_by_arn_and_tell_the_services() {
    let (bucket, group) = ("arn:aws:s3:::ledger", "arn:aws:ec2:us-east-1:123456789012:security-group/sg-1");
    let function = "arn:aws:lambda:us-east-1:123456789012:function:settle";
    for (asked, services) in [
        (json!({ "resources": [bucket] }), vec![Service::S3]),
        (json!({ "resources": [function, group] }), vec![Service::Vpc, Service::Lambda]),
        (json!({ "resources": [function, bucket], "services": ["lambda", "s3"] }), vec![Service::S3, Service::Lambda]),
    ] {
        let request = read(&asked).unwrap();
        assert_eq!(request.services, services, "{asked}");
        let named: Vec<Value> = request.resources.iter().map(|named| named.arn().into()).collect();
        assert_eq!(Value::from(named), asked["resources"]);
    }
    let many: Vec<String> = (0..101).map(|number| format!("arn:aws:s3:::bucket-{number}")).collect();
    assert_eq!(read(&json!({ "resources": &many[..100] })).unwrap().resources.len(), 100);
    // (what is asked for, the field that is refused, what the message says of it)
    let cases = [
        (json!({ "resources": [] }), "resources is", "1 to 100 ARNs"),
        (json!({ "resources": many }), "resources is", "1 to 100 ARNs"),
        (json!({ "resources": bucket }), "resources is", "1 to 100 ARNs"),
        (json!({ "resources": [bucket, "ledger"] }), "resources[1] is \"ledger\"", "arn:aws:s3:::BUCKET"),
        (json!({ "resources": [7] }), "resources[0] is 7", "arn:aws:s3:::BUCKET"),
        (json!({ "resources": ["arn:aws:rds:us-east-1:123456789012:db:one"] }), "resources[0] is", "route-table"),
        (json!({ "resources": [group, bucket, group] }), "resources[2] is", "each resource once"),
        (json!({ "resources": [group.replace("us-east-1", "eu-west-1")] }), "resources[0] is", "in us-east-1"),
        (json!({ "resources": [group.replace("1234", "9999")] }), "resources[0] is", "account 123456789012"),
        (json!({ "resources": [bucket, group], "services": ["s3"] }), "resources[1] is", "s3, which services names"),
        (json!({ "resources": [bucket], "services": ["s3", "vpc"] }), "services is \"vpc\"", "names a resource"),
    ];
    for (asked, field, told) in cases {
        let error = read(&asked).unwrap_err();
        assert_eq!(error.name(), "InvalidRequest", "{asked}");
        let text = error.to_string();
        assert!(text.contains(field) && text.contains(told), "{asked}: {text}");
    }
}
