//! The HTTP client below all AWS clients. It hands on whole answers only, and tells budgets of each attempt.
//!
//! The AWS SDK takes XML that ends between two elements for the whole of it, and what is missing for "none": half of a
//! list of buckets would be an account with half of its buckets. An answer that is not whole is therefore a failure of
//! the connection here, as one that breaks off is: the SDK's standard retry mode asks again after such a failure, and
//! what still fails then is known for what it is. So it is with an answer that lacks what AWS always sends.

mod always;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::ConfigBag;
use thiserror::Error;
use tokio::time::timeout_at;

use crate::budget::Account;
use crate::deadline::{deadline, is_over};
use crate::failure::is_throttled;

/// Why an answer is not whole.
#[derive(Debug, Error)]
pub(crate) enum NotWhole {
    #[error("the answer broke off")]
    BrokeOff(#[source] BoxError),
    #[error("the answer is empty")]
    Empty,
    #[error("the answer ends before its outermost element does")]
    Unclosed,
    #[error("the answer lacks {0}, which AWS always sends")]
    Lacks(&'static str),
    #[error("the time to read it was over")]
    Late,
}

/// No attempt follows after this one: it would be late, too.
fn late() -> ConnectorError {
    ConnectorError::user(NotWhole::Late.into())
}

/// The HTTP client of all AWS clients: the SDK's default one, whose answers are looked at.
pub(crate) fn http_client() -> SharedHttpClient {
    let default = Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    });
    SharedHttpClient::new(WholeAnswers { of: default })
}

#[derive(Debug)]
struct WholeAnswers<T> {
    of: T,
}

impl HttpClient for WholeAnswers<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(WholeAnswers { of: self.of.http_connector(settings, components) })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        HttpClient::validate_base_client_config(&self.of, components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        HttpClient::validate_final_config(&self.of, components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.of.connector_metadata()
    }
}

impl HttpConnector for WholeAnswers<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if is_over() {
            return HttpConnectorFuture::ready(Err(late()));
        }
        let deadline = deadline();
        let account = Account::charged_with_a_request();
        let expected = Expected::of(&request);
        let always = always::sent(&request);
        let answer = self.of.call(request);
        let answered = async move {
            let mut response = answer.await?;
            if expected == Expected::Stream && response.status().is_success() {
                return Ok(response);
            }
            let body = ByteStream::new(response.take_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::io(NotWhole::BrokeOff(error.into()).into()))?.into_bytes();
            if let Some(account) = account {
                account.answered(is_throttled(response.status().as_u16(), &body));
            }
            whole(expected, always, &response, &body).map_err(|error| ConnectorError::io(error.into()))?;
            *response.body_mut() = SdkBody::from(body);
            Ok(response)
        };
        HttpConnectorFuture::new(async move {
            match deadline {
                Some(deadline) => timeout_at(deadline, answered).await.unwrap_or_else(|_| Err(late())),
                None => answered.await,
            }
        })
    }
}

/// What AWS answers a request with that succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// An object, which may be empty and of any format, and is read while it arrives.
    Stream,
    /// A document.
    Content,
    /// A document or nothing.
    Anything,
}

impl Expected {
    /// Nothing but a document answers a question. Only `GetObject` asks for an object, and its address says so:
    /// <https://github.com/aws/api-models-aws/blob/main/models/s3/service/2006-03-01/s3-2006-03-01.json>
    ///
    /// Of the operations that are sent by POST those in JSON or CBOR may have an empty output, and then an empty
    /// answer; those in XML have an element for it.
    /// <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#response-serialization>
    fn of(request: &HttpRequest) -> Self {
        let query = request.uri().split_once('?').map_or("", |(_, query)| query);
        match request.method() {
            "GET" if query.split('&').any(|parameter| parameter == "x-id=GetObject") => Self::Stream,
            "GET" => Self::Content,
            "POST" if ["x-amz-target", "smithy-protocol"].iter().all(|it| !request.headers().contains_key(*it)) => {
                Self::Content
            }
            _ => Self::Anything,
        }
    }
}

fn whole(
    expected: Expected,
    always: Option<&'static str>,
    response: &HttpResponse,
    body: &[u8],
) -> Result<(), NotWhole> {
    let body = body.trim_ascii();
    let succeeded = response.status().is_success();
    match body.first() {
        None if expected == Expected::Content && succeeded => Err(NotWhole::Empty),
        Some(b'<') if !is_closed(body) => Err(NotWhole::Unclosed),
        // That more is missing the SDK's parser of JSON notices by itself; in a policy, the rules do.
        Some(b'{') if !body.ends_with(b"}") => Err(NotWhole::Unclosed),
        _ => match always.filter(|member| succeeded && !always::is_in(body, member)) {
            Some(member) => Err(NotWhole::Lacks(member)),
            None => Ok(()),
        },
    }
}

/// Whether XML ends with the end of its root element. No element in an answer of AWS has the root's name but the root.
fn is_closed(xml: &[u8]) -> bool {
    let Some(root) = after_prolog(xml).and_then(|rest| rest.strip_prefix(b"<")) else {
        return false;
    };
    let name = root.split(|&byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>')).next().unwrap_or_default();
    let Some(tag_end) = root.iter().position(|&byte| byte == b'>') else {
        return false;
    };
    let is_one_empty_tag = tag_end + 1 == root.len() && root.ends_with(b"/>");
    let end = root.strip_suffix(b">").map(<[u8]>::trim_ascii_end).and_then(|rest| rest.strip_suffix(name));
    is_one_empty_tag || end.is_some_and(|rest| rest.ends_with(b"</"))
}

/// What follows the XML declaration and comments.
fn after_prolog(mut xml: &[u8]) -> Option<&[u8]> {
    loop {
        xml = xml.trim_ascii_start();
        let end: &[u8] = match xml {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            _ => return Some(xml),
        };
        let at = xml.windows(end.len()).position(|window| window == end)?;
        xml = &xml[at + end.len()..];
    }
}

#[cfg(test)]
mod tests;
