//! Amazon CloudWatch.

use async_trait::async_trait;
use audit_task::{TaskError, task_error};
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use jiff::Timestamp;

use crate::{DataPoint, Metrics, Unit};

/// Metrics that one call takes.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>
const METRICS_PER_CALL: usize = 1000;

/// A namespace of CloudWatch.
#[derive(Debug, Clone)]
pub struct CloudWatchMetrics {
    client: Client,
    namespace: String,
}

impl CloudWatchMetrics {
    /// Publishes into `namespace`.
    pub const fn new(client: Client, namespace: String) -> Self {
        Self { client, namespace }
    }
}

#[async_trait]
impl Metrics for CloudWatchMetrics {
    async fn publish(&self, at: Timestamp, points: &[DataPoint]) -> Result<(), TaskError> {
        for points in points.chunks(METRICS_PER_CALL) {
            self.client
                .put_metric_data()
                .namespace(&self.namespace)
                .set_metric_data(Some(points.iter().map(|point| datum(at, point)).collect()))
                .send()
                .await
                .map_err(|error| task_error("cloudwatch:PutMetricData", &error))?;
        }
        Ok(())
    }
}

fn datum(at: Timestamp, point: &DataPoint) -> MetricDatum {
    let dimension =
        point.dimension.as_ref().map(|(name, value)| vec![Dimension::builder().name(*name).value(value).build()]);
    MetricDatum::builder()
        .metric_name(point.metric)
        .set_dimensions(dimension)
        .timestamp(DateTime::from_secs(at.as_second()))
        .value(point.value)
        .unit(match point.unit {
            Unit::Count => StandardUnit::Count,
            Unit::Percent => StandardUnit::Percent,
            Unit::Seconds => StandardUnit::Seconds,
        })
        .build()
}

#[cfg(test)]
mod tests {
    use audit_artifacts::sample;
    use aws_sdk_cloudwatch::config::retry::RetryConfig;
    use aws_sdk_cloudwatch::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use aws_smithy_types::body::SdkBody;
    use pretty_assertions::assert_eq;

    use super::*;

    /// CloudWatch as it answers each call with a status and a body in CBOR.
    fn cloudwatch(answers: &[(u16, &[u8])]) -> (CloudWatchMetrics, StaticReplayClient) {
        let events = answers.iter().map(|&(status, body)| {
            let mut answer =
                aws_sdk_cloudwatch::config::http::HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
            answer.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
            let request = aws_sdk_cloudwatch::config::http::HttpRequest::new(SdkBody::empty());
            ReplayEvent::new(request, answer)
        });
        let http = StaticReplayClient::new(events.collect());
        let config = aws_sdk_cloudwatch::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .http_client(http.clone())
            .retry_config(RetryConfig::disabled())
            .build();
        (CloudWatchMetrics::new(Client::from_conf(config), "ComplianceAudit/dev-pr42".to_owned()), http)
    }

    fn points(number: usize) -> Vec<DataPoint> {
        let point = DataPoint { metric: "ScanDuration", dimension: None, unit: Unit::Seconds, value: 90.0 };
        vec![point; number]
    }

    #[test]
    fn a_data_point_becomes_a_datum_of_the_moment_it_is_about() {
        let dimension = Some(("Severity", "CRITICAL".to_owned()));
        let point = DataPoint { metric: "Violations", dimension, unit: Unit::Count, value: 3.0 };
        let expected = MetricDatum::builder()
            .metric_name("Violations")
            .dimensions(Dimension::builder().name("Severity").value("CRITICAL").build())
            // 2026-11-23T06:01:00Z
            .timestamp(DateTime::from_secs(1_795_413_660))
            .value(3.0)
            .unit(StandardUnit::Count)
            .build();
        assert_eq!(datum(sample::AGGREGATED_AT, &point), expected);
        assert_eq!(datum(sample::AGGREGATED_AT, &points(1)[0]).dimensions, None);
        for (unit, expected) in [(Unit::Percent, StandardUnit::Percent), (Unit::Seconds, StandardUnit::Seconds)] {
            assert_eq!(datum(sample::AGGREGATED_AT, &DataPoint { unit, ..point.clone() }).unit, Some(expected));
        }
    }

    #[tokio::test]
    async fn one_call_carries_the_namespace_and_the_metrics() {
        let (metrics, http) = cloudwatch(&[(200, b"\xa0")]);
        metrics.publish(sample::AGGREGATED_AT, &points(2)).await.unwrap();
        let occurrences = |body: &[u8], text: &[u8]| body.windows(text.len()).filter(|&part| part == text).count();
        let request = http.actual_requests().next().unwrap();
        assert!(request.uri().ends_with("/operation/PutMetricData"), "{}", request.uri());
        let body = request.body().bytes().unwrap();
        assert_eq!((occurrences(body, b"ComplianceAudit/dev-pr42"), occurrences(body, b"ScanDuration")), (1, 2));
    }

    #[tokio::test]
    async fn a_call_takes_a_thousand_metrics() {
        for (number, calls) in [(1000, 1), (1001, 2)] {
            let (metrics, http) = cloudwatch(&[(200, b"\xa0"), (200, b"\xa0")]);
            metrics.publish(sample::AGGREGATED_AT, &points(number)).await.unwrap();
            assert_eq!(http.actual_requests().count(), calls, "{number}");
        }
    }

    #[tokio::test]
    async fn a_refusal_stops_the_task_under_its_name() {
        for (status, body, name) in [
            (400, &b"\xa1\x66__type\x78\x1acom.amazonaws#AccessDenied"[..], "AccessDenied"),
            (400, b"\xa1\x66__type\x78\x18com.amazonaws#Throttling", "Throttled"),
            (500, b"\xa1\x66__type\x78\x1dcom.amazonaws#InternalFailure", "Unavailable"),
        ] {
            let (metrics, _) = cloudwatch(&[(status, body)]);
            let error = metrics.publish(sample::AGGREGATED_AT, &points(1)).await.unwrap_err();
            assert_eq!(error.name(), name, "{error}");
            assert!(error.to_string().contains("cloudwatch:PutMetricData"), "{error}");
        }
    }
}
