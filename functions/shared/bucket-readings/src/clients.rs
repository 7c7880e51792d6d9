//! The clients of S3 and S3 Control.

use aws_sdk_s3control::Client;
use aws_sdk_s3control::config::Builder;
use aws_sdk_s3control::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};

/// A client of S3 that begins no sessions with directory buckets: those are for objects. Where an endpoint is named, as that
/// of a local AWS is, the SDK would begin one for a setting or a list, too.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html>
pub fn s3_client(config: aws_sdk_s3::config::Builder) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(config.disable_s3_express_session_auth(true).build())
}

/// A client of S3 Control. An `endpoint`, where one is given, is called as it stands: the SDK would put the account
/// id before its host name, and a local AWS has no such host.
pub fn s3_control_client(config: Builder, endpoint: Option<String>) -> Client {
    Client::from_conf(match endpoint.filter(|url| !url.is_empty()) {
        Some(url) => config.endpoint_resolver(AsItStands { url }).build(),
        None => config.build(),
    })
}

#[derive(Debug)]
struct AsItStands {
    url: String,
}

impl ResolveEndpoint for AsItStands {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.url.clone()).build()))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3control::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_http_client::test_util::capture_request;
    use pretty_assertions::assert_eq;

    use super::*;

    #[tokio::test]
    async fn a_local_s3_control_is_called_as_it_stands_and_that_of_aws_under_the_account() {
        let cases = [
            (Some("http://127.0.0.1:4566"), "http://127.0.0.1:4566/"),
            (None, "https://111122223333.s3-control.us-east-1.amazonaws.com/"),
            (Some(""), "https://111122223333.s3-control.us-east-1.amazonaws.com/"),
        ];
        for (endpoint, host) in cases {
            let (http_client, request) = capture_request(None);
            let config = aws_sdk_s3control::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(Credentials::for_tests())
                .http_client(http_client);
            let client = s3_control_client(config, endpoint.map(ToOwned::to_owned));
            // Only the address matters; there is no answer.
            drop(client.get_public_access_block().account_id("111122223333").send().await);
            let asked = request.expect_request().uri().to_owned();
            assert_eq!(asked, format!("{host}v20180820/configuration/publicAccessBlock"), "{endpoint:?}");
        }
    }
}
