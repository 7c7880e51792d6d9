//! Amazon SNS.

use async_trait::async_trait;
use audit_task::{TaskError, task_error};
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;

use crate::{Message, Topic};

/// A topic of SNS.
#[derive(Debug, Clone)]
pub struct SnsTopic {
    client: Client,
    arn: String,
}

impl SnsTopic {
    /// Publishes to the topic of that ARN.
    pub const fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }
}

#[async_trait]
impl Topic for SnsTopic {
    async fn publish(&self, message: &Message) -> Result<String, TaskError> {
        let Message { subject, forms, attributes } = message;
        let services: Vec<&str> = attributes.services.iter().map(|service| service.as_str()).collect();
        let services = serde_json::to_string(&services)
            .map_err(|error| TaskError::Internal(format!("the services cannot be written as JSON: {error}")))?;
        let request = self
            .client
            .publish()
            .topic_arn(&self.arn)
            .subject(subject)
            .message_structure("json")
            .message(forms)
            .message_attributes("kind", attribute("String", attributes.kind.as_str())?)
            .message_attributes("severity", attribute("String", attributes.severity())?)
            .message_attributes("services", attribute("String.Array", &services)?);
        let answer = request.send().await.map_err(|error| task_error("sns:Publish", &error))?;
        answer.message_id.ok_or_else(|| TaskError::Corrupt("SNS took the alert without giving its id".to_owned()))
    }
}

/// An attribute of one of Amazon SNS's types.
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html>
fn attribute(data_type: &str, value: &str) -> Result<MessageAttributeValue, TaskError> {
    let attribute = MessageAttributeValue::builder().data_type(data_type).string_value(value).build();
    attribute.map_err(|error| TaskError::Internal(format!("a message attribute cannot be made: {error}")))
}

#[cfg(test)]
mod tests {
    use audit_model::{Service, Severity};
    use aws_sdk_sns::config::http::{HttpRequest, HttpResponse};
    use aws_sdk_sns::config::retry::RetryConfig;
    use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use aws_smithy_types::body::SdkBody;
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::{Attributes, Kind};

    fn message() -> Message {
        Message {
            subject: "[CRITICAL] one".to_owned(),
            forms: r#"{"default":"two\nlines"}"#.to_owned(),
            attributes: Attributes {
                kind: Kind::Violations,
                severity: Some(Severity::Critical),
                services: vec![Service::S3, Service::Lambda],
            },
        }
    }

    const ARN: &str = "arn:aws:sns:us-east-1:123456789012:compliance-alerts-topic-dev-pr42";

    fn topic(status: u16, body: &'static str) -> (SnsTopic, StaticReplayClient) {
        let answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        let http = StaticReplayClient::new(vec![ReplayEvent::new(HttpRequest::new(SdkBody::empty()), answer)]);
        let config = aws_sdk_sns::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .http_client(http.clone())
            .retry_config(RetryConfig::disabled())
            .build();
        (SnsTopic::new(Client::from_conf(config), ARN.to_owned()), http)
    }

    #[tokio::test]
    async fn the_message_goes_to_the_topic_and_its_id_comes_back() {
        let (topic, http) = topic(
            200,
            "<PublishResponse><PublishResult><MessageId>9d0e5d4c</MessageId></PublishResult></PublishResponse>",
        );
        assert_eq!(topic.publish(&message()).await, Ok("9d0e5d4c".to_owned()));
        let request = http.actual_requests().next().unwrap();
        let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        for part in [
            "Action=Publish",
            "TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3Acompliance-alerts-topic-dev-pr42",
            "Subject=%5BCRITICAL%5D%20one",
            "Message=%7B%22default%22%3A%22two%5Cnlines%22%7D",
            "MessageStructure=json",
            "Name=kind&",
            "Value.DataType=String&",
            "StringValue=violations",
            "Name=severity&",
            "StringValue=CRITICAL",
            "Name=services&",
            "Value.DataType=String.Array&",
            "StringValue=%5B%22s3%22%2C%22lambda%22%5D",
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
    }

    #[tokio::test]
    async fn a_refusal_stops_the_task_under_its_name() {
        let refused = |code: &str| format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>");
        for (status, code, name) in [
            (403, "AuthorizationError", "AccessDenied"),
            (400, "Throttling", "Throttled"),
            (500, "InternalError", "Unavailable"),
        ] {
            let (topic, _) = topic(status, refused(code).leak());
            let error = topic.publish(&message()).await.unwrap_err();
            assert_eq!(error.name(), name, "{error}");
        }
    }
}
