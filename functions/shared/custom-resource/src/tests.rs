use pretty_assertions::assert_eq;
use serde_json::json;

use super::*;

/// A lamp that does as its name says.
struct Lamp;

#[async_trait]
impl CustomResource for Lamp {
    fn subject(properties: &Value) -> Result<String, String> {
        required_text(properties, "Name", "the name of a lamp")
    }

    fn physical_id(subject: &str) -> String {
        format!("lamp-{subject}")
    }

    async fn create_or_update(&self, subject: &str) -> Result<Attributes, String> {
        switch(subject, "on").await?;
        Ok(Attributes::from([("Light", format!("of {subject}"))]))
    }

    async fn delete(&self, subject: &str) -> Result<(), String> {
        switch(subject, "off").await
    }
}

async fn switch(lamp: &str, to: &str) -> Result<(), String> {
    match lamp {
        "broken" => Err(format!("it does not go {to}")),
        "slow" => std::future::pending().await,
        _ => Ok(()),
    }
}

/// A request about the lamp that was answered with the id `lamp-old` before, unless it is made only now.
fn request(kind: &str, properties: &Value) -> Request {
    let mut request = json!({
        "RequestType": kind,
        "ResponseURL": "http://127.0.0.1/answer?signature=secret",
        "StackId": "stack",
        "RequestId": "request",
        "ResourceType": "Custom::Lamp",
        "LogicalResourceId": "Lamp",
        "ResourceProperties": properties,
    });
    if kind != "Create" {
        request["PhysicalResourceId"] = "lamp-old".into();
    }
    serde_json::from_value(request).unwrap()
}

async fn answer(request: &Request) -> Answer {
    handle(&Lamp, request, TIME_TO_ANSWER + Duration::from_millis(20)).await
}

#[tokio::test]
async fn only_a_creation_or_an_update_that_succeeded_gives_the_resource_its_id() {
    let late = |verb: &str| {
        format!(
            "the time of one invocation was too short; what is done stays done: {verb} the stack once more, it goes \
             on from there"
        )
    };
    let missing = "the property Name is missing; it must be the name of a lamp";
    for (kind, properties, status, id, reason) in [
        ("Create", json!({ "Name": "new" }), "SUCCESS", "lamp-new", "done"),
        ("Update", json!({ "Name": "new" }), "SUCCESS", "lamp-new", "done"),
        ("Delete", json!({ "Name": "new" }), "SUCCESS", "lamp-old", "done"),
        ("Create", json!({ "Name": "broken" }), "FAILED", "lamp-broken", "it does not go on"),
        ("Update", json!({ "Name": "broken" }), "FAILED", "lamp-old", "it does not go on"),
        ("Delete", json!({ "Name": "broken" }), "FAILED", "lamp-old", "it does not go off"),
        ("Create", json!({ "Name": "slow" }), "FAILED", "lamp-slow", &late("deploy")),
        ("Update", json!({ "Name": "slow" }), "FAILED", "lamp-old", &late("deploy")),
        ("Delete", json!({ "Name": "slow" }), "FAILED", "lamp-old", &late("delete")),
        ("Create", json!({}), "FAILED", "never-created", missing),
        ("Update", json!({}), "FAILED", "lamp-old", missing),
        ("Delete", json!({}), "FAILED", "lamp-old", missing),
    ] {
        let answer = answer(&request(kind, &properties)).await;
        let found = (answer.status(), answer.physical_resource_id(), answer.reason());
        assert_eq!(found, (status, id, reason), "{kind} {properties}");
        let shines = status == "SUCCESS" && kind != "Delete";
        let attributes = shines.then(|| ("Light", "of new".to_owned())).into_iter().collect();
        assert_eq!(answer.attributes(), &attributes, "{kind} {properties}");
    }
}

#[tokio::test]
async fn a_creation_that_never_began_can_be_rolled_back() {
    let properties = json!({ "Name": 3 });
    let created = answer(&request("Create", &properties)).await;
    assert_eq!(
        (created.status(), created.reason()),
        ("FAILED", "the property Name is 3; it must be the name of a lamp")
    );
    let rolled_back = Request {
        physical_resource_id: Some(created.physical_resource_id().to_owned()),
        ..request("Delete", &properties)
    };
    let answer = answer(&rolled_back).await;
    assert_eq!((answer.status(), answer.physical_resource_id()), ("SUCCESS", created.physical_resource_id()));
}

/// `infrastructure/destroy.py` wakes a function so.
#[test]
fn an_empty_request_asks_for_nothing() {
    assert!(serde_json::from_str::<Request>("{}").is_err());
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let deletion = request("Delete", &json!({ "Name": "old" }));
    // The byte at which it would be cut lies within a character.
    let answer = Answer::failed(&deletion, None, &format!("x{}", "ä".repeat(2_000)));
    assert_eq!(answer.reason().len(), 1_499);
    assert!(serde_json::to_string(&answer).unwrap().len() < 4_096);
}
