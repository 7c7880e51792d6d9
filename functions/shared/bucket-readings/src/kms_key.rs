//! The KMS keys of default encryptions.

use audit_model::Reading;
use audit_model::resource::KmsKey;
use aws_sdk_kms::Client;

use crate::{absent_or_unreadable, malformed};

/// What KMS says of a key; absent where KMS does not know the id, ARN or alias.
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html>
pub async fn describe_key(client: &Client, key: &str) -> Reading<KmsKey> {
    const ACTION: &str = "kms:DescribeKey";
    match client.describe_key().key_id(key).send().await {
        Ok(answer) => {
            let described = answer.key_metadata.and_then(|key| {
                Some(KmsKey {
                    arn: key.arn?,
                    state: key.key_state?.as_str().to_owned(),
                    manager: key.key_manager?.as_str().to_owned(),
                    spec: key.key_spec?.as_str().to_owned(),
                })
            });
            described.map_or_else(
                || malformed(ACTION, "the answer lacks the key's ARN, state, manager or kind"),
                Reading::seen,
            )
        }
        Err(error) => absent_or_unreadable(ACTION, &["NotFoundException"], &error),
    }
}
