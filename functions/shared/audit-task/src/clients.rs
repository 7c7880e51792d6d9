//! The settings that all AWS clients share.

use std::time::Duration;

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};

use crate::answers::http_client;

/// Attempts of one call, the first one included.
pub(crate) const MAX_ATTEMPTS: u32 = 6;

/// The configuration of AWS clients: standard retry mode (exponential back-off with jitter), a limit on every wait, so
/// that no call hangs until the function's own time-out, and an HTTP client that lets whole answers through only.
pub async fn aws_config() -> SdkConfig {
    settings().load().await
}

/// The same for a person: of this profile and in this region, where they are named, and otherwise of those that AWS's tools
/// take. <https://docs.aws.amazon.com/sdkref/latest/guide/creds-config-files.html>
pub async fn aws_config_of(profile: Option<&str>, region: Option<&str>) -> SdkConfig {
    let mut settings = settings();
    let region = region.map(|name| Region::new(name.to_owned()));
    if let Some(profile) = profile {
        // One that is named goes before credentials in the environment, as for AWS's own command: otherwise another account
        // would be read than the one that was meant.
        // <https://github.com/boto/botocore/blob/develop/botocore/credentials.py>
        let of_profile = DefaultRegionChain::builder().profile_name(profile).build();
        // A role is assumed by a call to AWS STS in this region.
        let signs_in = match &region {
            Some(region) => Some(region.clone()),
            None => of_profile.region().await,
        };
        let signs_in = ProviderConfig::without_region().with_region(signs_in).with_http_client(http_client());
        let credentials = ProfileFileCredentialsProvider::builder().configure(&signs_in).profile_name(profile).build();
        settings = settings.profile_name(profile).credentials_provider(credentials);
    }
    if let Some(region) = region {
        settings = settings.region(region);
    }
    settings.load().await
}

pub(crate) fn settings() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS).with_max_backoff(Duration::from_secs(20)))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(Duration::from_secs(20))
                .operation_timeout(Duration::from_secs(120))
                .build(),
        )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Who does not depend on the crate cannot make a configuration that lacks what is above.
    #[test]
    fn no_other_function_or_library_makes_a_configuration_of_its_own() {
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let members = [shared, shared.parent().unwrap()].map(|folder| fs::read_dir(folder).unwrap());
        let manifests = members.into_iter().flatten().map(|member| member.unwrap().path().join("Cargo.toml"));
        let makers: Vec<_> = manifests
            .filter(|manifest| manifest.exists() && fs::read_to_string(manifest).unwrap().contains("\naws-config"))
            .collect();
        assert_eq!(makers, [shared.join("audit-task/Cargo.toml")]);
    }
}
