//! No text stops the reader, and nothing that is cut down says more than the whole.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Recorded, event, ourselves};
use crate::call::Source;
use crate::read;

fn words() -> impl Strategy<Value = String> {
    let calls: Vec<String> = Recorded::all().into_iter().map(|it| it.name).collect();
    let sources: Vec<String> = Source::ALL.iter().map(|it| it.as_str().to_owned()).collect();
    prop_oneof![
        ".{0,40}",
        "[a-z]{1,4}-[0-9a-f]{0,17}",
        "arn:aws:(lambda|s3):.{0,30}",
        proptest::sample::select(calls),
        proptest::sample::select(sources),
        Just("2026-03-01T06:01:02Z".to_owned()),
        Just("123456789012".to_owned()),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words().prop_map(Value::from),
    ];
    let names = prop_oneof![
        Just("detail".to_owned()),
        Just("named".to_owned()),
        Just("items".to_owned()),
        Just("bucketName".to_owned()),
        Just("functionName".to_owned()),
        Just("resourcesSet".to_owned()),
        Just("userIdentity".to_owned()),
        ".{0,8}",
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        let pairs = prop::collection::vec((names.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..7).prop_map(Value::from),
            pairs.prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn no_value_stops_the_reader(value in anything()) {
        let _ = read(&value, &ourselves());
    }

    #[test]
    fn no_field_of_an_event_stops_the_reader(
        index in any::<prop::sample::Index>(),
        field in prop::sample::select(vec![
            "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "requestParameters",
            "responseElements", "eventID", "resources", "owner", "named", "errorCode",
        ]),
        value in anything(),
    ) {
        let all = Recorded::all();
        let mut event = index.get(&all).event();
        event["detail"][field] = value;
        if let Err(error) = read(&event, &ourselves()) {
            prop_assert!(field == "eventID" || error.event_id.is_some());
        }
    }

    #[test]
    fn a_name_is_taken_as_it_is(name in "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]") {
        prop_assume!(name != "null");
        let event = event("s3.amazonaws.com", "PutBucketAcl", &json!({"bucketName": name}), &Value::Null);
        let change = read(&event, &ourselves()).unwrap().unwrap();
        prop_assert_eq!(change.resources, [crate::Changed::Resource(format!("arn:aws:s3:::{name}"))]);
    }
}
