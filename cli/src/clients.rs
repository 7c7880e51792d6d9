//! The clients of AWS that the command has. None of them can write.

use std::error::Error;
use std::iter;

use audit_task::{aws_config_of, error_code};
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use bucket_readings::{s3_client, s3_control_client};

use crate::end::Failure;

/// The region that every account has, and in which the system is deployed.
pub(crate) const HOME: &str = "us-east-1";

/// Makes the clients of one region, with the credentials of a person.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    config: SdkConfig,
    region: String,
}

/// Whose credentials they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The 12 digits of the account.
    pub(crate) account: String,
    /// The ARN of the user or of the session of a role.
    pub(crate) arn: String,
}

/// Clients that are as the SDK makes them, but that they only read.
macro_rules! clients {
    ($($name:ident: $sdk:ident;)*) => {
        impl Clients {
            $(pub(crate) fn $name(&self) -> $sdk::Client {
                let config = $sdk::config::Builder::from(&self.config).interceptor(ReadsOnly);
                $sdk::Client::from_conf(config.build())
            })*
        }
    };
}

clients! {
    kms: aws_sdk_kms;
    cloudtrail: aws_sdk_cloudtrail;
    ec2: aws_sdk_ec2;
    lambda: aws_sdk_lambda;
}

impl Clients {
    /// Those of the profile and the region, where they are named, and otherwise of those that AWS's tools take; in the region
    /// `or` where these know none.
    ///
    /// # Errors
    /// Where nothing says which region.
    pub(crate) async fn new(profile: Option<&str>, region: Option<&str>, or: Option<&str>) -> Result<Self, Failure> {
        let mut config = aws_config_of(profile, region).await;
        if config.region().is_none() && or.is_some() {
            config = aws_config_of(profile, or).await;
        }
        let region = config.region().map(ToString::to_string).ok_or_else(|| {
            Failure::new(
                "no region is given: set AWS_REGION, or give the profile a region; `scan` takes --region NAME or --region all, \
                 too",
            )
        })?;
        Ok(Self { config, region })
    }

    /// The same in another region.
    pub(crate) fn in_region(&self, region: &str) -> Self {
        let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
        Self { config, region: region.to_owned() }
    }

    /// Their region.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// Whether they call what `AWS_ENDPOINT_URL` or the profile names, and not AWS itself.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.config.endpoint_url().is_some()
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        s3_client(aws_sdk_s3::config::Builder::from(&self.config).interceptor(ReadsOnly))
    }

    pub(crate) fn s3_control(&self) -> aws_sdk_s3control::Client {
        let config = aws_sdk_s3control::config::Builder::from(&self.config).interceptor(ReadsOnly);
        s3_control_client(config, std::env::var("AWS_ENDPOINT_URL_S3_CONTROL").ok())
    }

    fn sts(&self) -> aws_sdk_sts::Client {
        let config = aws_sdk_sts::config::Builder::from(&self.config).interceptor(ReadsOnly);
        // Somebody waits for the answer, and has nothing to look at yet.
        let config = config.retry_config(RetryConfig::standard().with_max_attempts(3));
        aws_sdk_sts::Client::from_conf(config.build())
    }

    /// Whose credentials they are: the first call, so that what is wrong with them is said once and not by every reading.
    /// It needs no permission. <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
    ///
    /// # Errors
    /// Where there are no credentials, AWS does not take them, or they are of a partition that the rules do not know.
    pub(crate) async fn caller(&self) -> Result<Caller, Failure> {
        let answer = self.sts().get_caller_identity().send().await.map_err(|error| {
            let advice = match error_code(&error) {
                Some("ExpiredToken" | "ExpiredTokenException") => {
                    "they have expired; get new ones, for instance by `aws sso login`"
                }
                Some("InvalidClientTokenId" | "UnrecognizedClientException") => {
                    "AWS does not know them; `aws configure list` tells which ones are taken"
                }
                Some("SignatureDoesNotMatch" | "RequestExpired") => {
                    "their secret key is another one's, or this machine's clock is wrong"
                }
                Some(_) => "AWS does not take them",
                None if causes(&error).any(|cause| cause.is::<CredentialsError>()) => {
                    "there are none that work: log in, for instance by `aws sso login`, name a --profile that has some, or \
                     set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                }
                None => "AWS does not answer; see whether this machine reaches it, and whether there is such a region",
            };
            Failure::new(format!("whose credentials these are is not known: {advice}\n  {}", told(&error)))
        })?;
        let (Some(account), Some(arn)) = (answer.account, answer.arn) else {
            return Err(Failure::new("sts:GetCallerIdentity answered without an account or an ARN; try again"));
        };
        if !arn.starts_with("arn:aws:") {
            return Err(Failure::new(format!(
                "the credentials are of {arn}; the rules know accounts of the partition `aws` only"
            )));
        }
        Ok(Caller { account, arn })
    }

    /// The regions that are enabled in the account, in order.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html>
    ///
    /// # Errors
    /// Where EC2 does not list them.
    pub(crate) async fn regions(&self) -> Result<Vec<String>, Failure> {
        let answer = self.ec2().describe_regions().send().await.map_err(|error| {
            let why = told(&error);
            Failure::new(format!(
                "the account's regions cannot be listed (ec2:DescribeRegions); name those that are meant by --region\n  {why}"
            ))
        })?;
        let named = |region: aws_sdk_ec2::types::Region| region.region_name;
        let regions: Option<Vec<String>> = answer.regions.unwrap_or_default().into_iter().map(named).collect();
        let mut regions = regions.filter(|regions| !regions.is_empty()).ok_or_else(|| {
            Failure::new("ec2:DescribeRegions answered without a region, or without one's name; name them by --region")
        })?;
        regions.sort();
        Ok(regions)
    }
}

/// An error and what caused it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// The same in words, each once: what wraps an error often says no more than it.
fn told(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in causes(error) {
        let cause = cause.to_string();
        if !words.iter().any(|said| said.contains(&cause)) {
            words.push(cause);
        }
    }
    words.join(": ")
}

/// Lets an operation through only if its name says that it reads. In the APIs that are called, every operation that changes
/// something begins with another word.
#[derive(Debug)]
struct ReadsOnly;

impl Intercept for ReadsOnly {
    fn name(&self) -> &'static str {
        "ReadsOnly"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = cfg.load::<Metadata>().map_or("an operation without a name", Metadata::name);
        if ["Get", "List", "Describe", "Head"].iter().any(|verb| operation.starts_with(verb)) {
            return Ok(());
        }
        Err(format!("{operation} is not sent: this command reads only").into())
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_sdk_ec2::error::SdkError;
    use aws_smithy_http_client::test_util::{CaptureRequestReceiver, capture_request};
    use aws_smithy_types::error::display::DisplayErrorContext;
    use aws_types::sdk_config::SharedHttpClient;
    use pretty_assertions::assert_eq;

    use super::*;

    /// The clients, and the request that one of them sends.
    fn clients() -> (Clients, CaptureRequestReceiver) {
        let (client, sent) = capture_request(None);
        let config = SdkConfig::builder()
            .behavior_version(aws_sdk_ec2::config::BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .http_client(SharedHttpClient::new(client))
            .region(Region::new("us-east-1"))
            .build();
        (Clients { config, region: "us-east-1".to_owned() }, sent)
    }

    /// Whether the operation was refused before it was sent.
    fn refused<T, E>(answer: Result<T, SdkError<E>>) -> bool
    where
        SdkError<E>: std::error::Error,
    {
        answer.err().is_some_and(|error| DisplayErrorContext(&error).to_string().contains("this command reads only"))
    }

    /// One operation of each API that writes, and one that reads.
    macro_rules! both {
        ($client:ident, $write:expr, $read:expr) => {{
            let (clients, sent) = clients();
            let $client = clients.$client();
            assert!(refused($write.send().await), "{} was not refused", stringify!($write));
            sent.expect_no_request();
            let (clients, sent) = self::clients();
            let $client = clients.$client();
            assert!(!refused($read.send().await), "{} was refused", stringify!($read));
            sent.expect_request();
        }};
    }

    #[tokio::test]
    async fn no_client_sends_what_writes() {
        both!(s3, s3.delete_bucket_policy().bucket("b"), s3.get_bucket_policy().bucket("b"));
        both!(s3, s3.put_object().bucket("b").key("k"), s3.get_object().bucket("b").key("k"));
        both!(s3, s3.create_multipart_upload().bucket("b").key("k"), s3.head_object().bucket("b").key("k"));
        both!(
            s3_control,
            s3_control.delete_public_access_block().account_id("111122223333"),
            s3_control.get_public_access_block().account_id("111122223333")
        );
        both!(kms, kms.sign().key_id("k"), kms.describe_key().key_id("k"));
        both!(cloudtrail, cloudtrail.stop_logging().name("t"), cloudtrail.describe_trails());
        both!(ec2, ec2.delete_vpc().vpc_id("vpc-1"), ec2.describe_vpcs());
        both!(lambda, lambda.delete_function().function_name("f"), lambda.get_function().function_name("f"));
        both!(
            sts,
            sts.assume_role().role_arn("arn:aws:iam::1:role/r").role_session_name("s"),
            sts.get_caller_identity()
        );
    }

    #[tokio::test]
    async fn what_is_asked_elsewhere_is_asked_in_that_region() {
        let (clients, sent) = clients();
        let clients = clients.in_region("eu-west-1");
        assert_eq!(clients.region(), "eu-west-1");
        drop(clients.lambda().list_functions().send().await);
        assert!(sent.expect_request().uri().starts_with("https://lambda.eu-west-1.amazonaws.com/"));
    }
}
