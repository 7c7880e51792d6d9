//! Amazon SNS.

use std::collections::HashMap;

use async_trait::async_trait;
use audit_model::task::Subscriptions;
use audit_model::{Reading, Unreadable};
use audit_task::unreadable;
use aws_sdk_sns::Client;

use crate::AlertsTopic;

const ACTION: &str = "sns:GetTopicAttributes";

/// A topic of SNS.
#[derive(Debug, Clone)]
pub struct SnsTopic {
    client: Client,
    arn: String,
}

impl SnsTopic {
    /// Looks at the topic of that ARN.
    pub const fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }
}

#[async_trait]
impl AlertsTopic for SnsTopic {
    async fn subscriptions(&self) -> Reading<Subscriptions> {
        match self.client.get_topic_attributes().topic_arn(&self.arn).send().await {
            Ok(answer) => counted(&answer.attributes.unwrap_or_default()),
            Err(error) => Reading::Unreadable(unreadable(ACTION, &error)),
        }
    }
}

/// <https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html>
fn counted(attributes: &HashMap<String, String>) -> Reading<Subscriptions> {
    let count = |name: &str| attributes.get(name).and_then(|count| count.parse().ok()).ok_or(name.to_owned());
    match (count("SubscriptionsConfirmed"), count("SubscriptionsPending")) {
        (Ok(confirmed), Ok(pending)) => Reading::seen(Subscriptions { confirmed, pending }),
        (Err(name), _) | (_, Err(name)) => {
            Reading::Unreadable(Unreadable::malformed(ACTION, format!("the attribute {name} is not a number")))
        }
    }
}

#[cfg(test)]
mod tests {
    use audit_model::UnreadableCause;
    use aws_sdk_sns::config::http::{HttpRequest, HttpResponse};
    use aws_sdk_sns::config::retry::RetryConfig;
    use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use aws_smithy_types::body::SdkBody;
    use pretty_assertions::assert_eq;

    use super::*;

    const ARN: &str = "arn:aws:sns:us-east-1:123456789012:compliance-alerts-topic-dev-pr42";

    fn topic(status: u16, body: String) -> (SnsTopic, StaticReplayClient) {
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

    fn attributes(attributes: &[(&str, &str)]) -> String {
        let entries: String = attributes
            .iter()
            .map(|(name, value)| format!("<entry><key>{name}</key><value>{value}</value></entry>"))
            .collect();
        format!(
            "<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes>{entries}</Attributes>\
             </GetTopicAttributesResult></GetTopicAttributesResponse>"
        )
    }

    #[tokio::test]
    async fn the_topic_says_how_many_have_confirmed() {
        let (topic, http) = topic(
            200,
            attributes(&[
                ("SubscriptionsConfirmed", "2"),
                ("SubscriptionsPending", "1"),
                ("SubscriptionsDeleted", "7"),
            ]),
        );
        assert_eq!(topic.subscriptions().await, Reading::seen(Subscriptions { confirmed: 2, pending: 1 }));
        let request = http.actual_requests().next().unwrap();
        let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        for part in ["Action=GetTopicAttributes", "compliance-alerts-topic-dev-pr42"] {
            assert!(body.contains(part), "{part} in {body}");
        }
    }

    #[tokio::test]
    async fn what_is_not_said_is_not_zero() {
        for answer in [
            vec![],
            vec![("SubscriptionsConfirmed", "2")],
            vec![("SubscriptionsPending", "1")],
            vec![("SubscriptionsConfirmed", "some"), ("SubscriptionsPending", "1")],
        ] {
            let (topic, _) = topic(200, attributes(&answer));
            match topic.subscriptions().await {
                Reading::Unreadable(why) => assert_eq!(why.cause, UnreadableCause::Malformed, "{answer:?}"),
                read => panic!("{read:?} for {answer:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_refusal_is_a_reading_that_failed() {
        let refused = |code: &str| format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>");
        for (status, code, cause) in [
            (403, "AuthorizationError", UnreadableCause::AccessDenied),
            (400, "Throttling", UnreadableCause::Throttled),
            (500, "InternalError", UnreadableCause::Failed),
        ] {
            let (topic, _) = topic(status, refused(code));
            match topic.subscriptions().await {
                Reading::Unreadable(why) => {
                    assert_eq!((why.action.as_str(), why.cause), ("sns:GetTopicAttributes", cause), "{code}");
                }
                read => panic!("{read:?} for {code}"),
            }
        }
    }
}
