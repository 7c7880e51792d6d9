mod events;
mod properties;
mod rules;
mod table;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::calls::calls;
use crate::{Change, Changed, NotUnderstood, Ourselves, read};

/// An event of a call, as AWS documents it, and what it changes, as a person would say it.
#[derive(Debug, Deserialize)]
struct Recorded {
    source: String,
    name: String,
    request: Value,
    response: Value,
    resources: Vec<Expected>,
    deleted: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Expected {
    Arn(String),
    More(Changed),
}

impl Recorded {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("../../fixtures/calls.json")).unwrap()
    }

    fn changed(&self) -> Vec<Changed> {
        let changed = |it: &Expected| match it {
            Expected::Arn(arn) => Changed::Resource(arn.clone()),
            Expected::More(changed) => changed.clone(),
        };
        self.resources.iter().map(changed).collect()
    }

    fn call(&self) -> &'static Call {
        let is_it = |call: &&Call| call.source.as_str() == self.source && call.name == self.name;
        calls().find(is_it).unwrap_or_else(|| panic!("{} of {} is not in the table", self.name, self.source))
    }

    fn event(&self) -> Value {
        event(&self.source, &self.name, &self.request, &self.response)
    }
}

/// A whole event, in the form of
/// <https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-cloudtrail.html> and
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>
fn event(source: &str, name: &str, request: &Value, response: &Value) -> Value {
    json!({
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "AWS API Call via CloudTrail",
        "source": format!("aws.{}", source.split('.').next().unwrap()),
        "account": "123456789012",
        "time": "2026-03-01T06:01:07Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": "AROAEXAMPLEEXAMPLE123:jane",
                "arn": "arn:aws:sts::123456789012:assumed-role/Engineer/jane",
                "accountId": "123456789012",
                "accessKeyId": "ASIAEXAMPLEEXAMPLE12",
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "principalId": "AROAEXAMPLEEXAMPLE123",
                        "arn": "arn:aws:iam::123456789012:role/Engineer",
                        "accountId": "123456789012",
                        "userName": "Engineer"
                    },
                    "attributes": {"creationDate": "2026-03-01T05:00:00Z", "mfaAuthenticated": "false"}
                }
            },
            "eventTime": "2026-03-01T06:01:02Z",
            "eventSource": source,
            "eventName": name,
            "awsRegion": "us-east-1",
            "sourceIPAddress": "203.0.113.7",
            "userAgent": "aws-cli/2.31 \"quoted\"",
            "requestParameters": request,
            "responseElements": response,
            "requestID": "3e1fa0f0-2a0b-4d2f-9b1c-000000000000",
            "eventID": "b1a2c3d4-0000-4000-8000-0123456789ab",
            "readOnly": false,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": "123456789012",
            "eventCategory": "Management"
        }
    })
}

fn ourselves() -> Ourselves {
    Ourselves::of("dev-pr42")
}

fn understood(event: &Value) -> Option<Change> {
    read(event, &ourselves()).unwrap()
}

fn refused(event: &Value) -> NotUnderstood {
    read(event, &ourselves()).unwrap_err()
}
