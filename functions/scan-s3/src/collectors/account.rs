//! The account's own settings, which S3 Control knows.

use audit_model::Reading;
use audit_model::resource::PublicAccessBlock;
use aws_sdk_s3control::Client;
use aws_sdk_s3control::config::Builder;
use aws_sdk_s3control::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use bucket_readings::{absent_or_unreadable, malformed};

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

/// The account's block public access settings.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html>
pub(super) async fn public_access_block(client: &Client, account: &str) -> Reading<PublicAccessBlock> {
    const ACTION: &str = "s3:GetAccountPublicAccessBlock";
    match client.get_public_access_block().account_id(account).send().await {
        Ok(answer) => answer
            .public_access_block_configuration
            .and_then(|block| {
                Some(PublicAccessBlock {
                    block_public_acls: block.block_public_acls?,
                    ignore_public_acls: block.ignore_public_acls?,
                    block_public_policy: block.block_public_policy?,
                    restrict_public_buckets: block.restrict_public_buckets?,
                })
            })
            .map_or_else(|| malformed(ACTION, "the answer lacks one of the four settings"), Reading::seen),
        Err(error) => absent_or_unreadable(ACTION, &["NoSuchPublicAccessBlockConfiguration"], &error),
    }
}
