//! Reads what the scan and the remediation both need of a bucket. Types of the AWS SDK stop here, but for the clients.
//!
//! S3 answers "nothing configured" with an error code of its own for every setting; those become
//! [`Reading::Absent`], and every other failure [`Reading::Unreadable`] with the IAM action that would have read it.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

mod clients;
mod kms_key;

use audit_model::resource::{AclGrant, BucketAcl, BucketEncryption, ObjectOwnership};
use audit_model::{Reading, Tags, Unreadable};
use audit_task::{error_code, unreadable};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{
    Grant, Grantee, ObjectOwnership as S3ObjectOwnership, ServerSideEncryption, ServerSideEncryptionConfiguration,
};

pub use clients::{s3_client, s3_control_client};
pub use kms_key::describe_key;

/// One bucket of an account, and the client of its region.
#[derive(Debug, Clone, Copy)]
pub struct BucketReader<'a> {
    /// The client of the bucket's region.
    pub client: &'a Client,
    /// The account that the bucket must belong to; S3 refuses to answer about another one's bucket of that name.
    pub account: &'a str,
    /// The bucket's name.
    pub bucket: &'a str,
}

impl BucketReader<'_> {
    /// Default encryption.
    pub async fn encryption(&self) -> Reading<BucketEncryption> {
        const ACTION: &str = "s3:GetEncryptionConfiguration";
        let answer =
            self.client.get_bucket_encryption().bucket(self.bucket).expected_bucket_owner(self.account).send().await;
        match answer {
            Ok(answer) => match answer.server_side_encryption_configuration.and_then(default_encryption) {
                Some(encryption) => Reading::seen(encryption),
                None => malformed(ACTION, "the answer holds no rule"),
            },
            Err(error) => absent_or_unreadable(ACTION, &["ServerSideEncryptionConfigurationNotFoundError"], &error),
        }
    }

    /// The bucket policy's JSON text.
    pub async fn policy(&self) -> Reading<String> {
        const ACTION: &str = "s3:GetBucketPolicy";
        match self.client.get_bucket_policy().bucket(self.bucket).expected_bucket_owner(self.account).send().await {
            Ok(answer) => match answer.policy {
                Some(policy) => Reading::seen(policy),
                None => malformed(ACTION, "the answer holds no policy"),
            },
            Err(error) => absent_or_unreadable(ACTION, &["NoSuchBucketPolicy"], &error),
        }
    }

    /// Access control list.
    pub async fn acl(&self) -> Reading<BucketAcl> {
        const ACTION: &str = "s3:GetBucketAcl";
        match self.client.get_bucket_acl().bucket(self.bucket).expected_bucket_owner(self.account).send().await {
            Ok(answer) => {
                let owner = answer.owner.and_then(|owner| owner.id);
                let grant = |grant: Grant| {
                    Some(AclGrant {
                        grantee: grant.grantee.and_then(grantee)?,
                        permission: grant.permission?.as_str().to_owned(),
                    })
                };
                let grants = answer.grants.and_then(|grants| grants.into_iter().map(grant).collect());
                match (owner, grants) {
                    (Some(owner_id), Some(grants)) => Reading::seen(BucketAcl { owner_id, grants }),
                    _ => malformed(ACTION, "the answer lacks the owner, the grants, a grantee or a permission"),
                }
            }
            Err(error) => absent_or_unreadable(ACTION, &[], &error),
        }
    }

    /// Who owns the objects; absent where access control lists count as they always did.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketOwnershipControls.html>
    pub async fn object_ownership(&self) -> Reading<ObjectOwnership> {
        const ACTION: &str = "s3:GetBucketOwnershipControls";
        let asked = self.client.get_bucket_ownership_controls().bucket(self.bucket);
        match asked.expected_bucket_owner(self.account).send().await {
            Ok(answer) => {
                let rule = answer.ownership_controls.and_then(|controls| controls.rules.into_iter().next());
                match rule.map(|rule| rule.object_ownership) {
                    Some(S3ObjectOwnership::BucketOwnerEnforced) => Reading::seen(ObjectOwnership::BucketOwnerEnforced),
                    Some(S3ObjectOwnership::BucketOwnerPreferred) => {
                        Reading::seen(ObjectOwnership::BucketOwnerPreferred)
                    }
                    Some(S3ObjectOwnership::ObjectWriter) => Reading::seen(ObjectOwnership::ObjectWriter),
                    _ => malformed(ACTION, "the answer names no object ownership that is known"),
                }
            }
            Err(error) => absent_or_unreadable(ACTION, &["OwnershipControlsNotFoundError"], &error),
        }
    }

    /// Tags.
    pub async fn tags(&self) -> Reading<Tags> {
        const ACTION: &str = "s3:GetBucketTagging";
        match self.client.get_bucket_tagging().bucket(self.bucket).expected_bucket_owner(self.account).send().await {
            Ok(answer) => Reading::seen(answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()),
            Err(error) => absent_or_unreadable(ACTION, &["NoSuchTagSet", "NoSuchTagSetError"], &error),
        }
    }
}

/// What a failed call means: nothing configured if S3's code is one of `absent`, else unreadable.
pub fn absent_or_unreadable<T, E: ProvideErrorMetadata>(
    action: &str,
    absent: &[&str],
    error: &SdkError<E>,
) -> Reading<T> {
    match error_code(error) {
        Some(code) if absent.contains(&code) => Reading::Absent,
        _ => Reading::Unreadable(unreadable(action, error)),
    }
}

/// An answer that cannot be understood.
pub fn malformed<T>(action: &str, detail: &str) -> Reading<T> {
    Reading::Unreadable(Unreadable::malformed(action, detail))
}

/// S3 allows one rule in a bucket's encryption configuration. A rule may [do without a default][rule] and only block
/// encryption types; the bucket then has what [every bucket][base] has.
///
/// [rule]: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionRule.html
/// [base]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
fn default_encryption(configuration: ServerSideEncryptionConfiguration) -> Option<BucketEncryption> {
    let rule = configuration.rules.into_iter().next()?;
    let (algorithm, kms_key_id) = match rule.apply_server_side_encryption_by_default {
        Some(default) => (default.sse_algorithm, default.kms_master_key_id),
        None => (ServerSideEncryption::Aes256, None),
    };
    Some(BucketEncryption {
        algorithm: algorithm.as_str().to_owned(),
        kms_key_id,
        bucket_key_enabled: rule.bucket_key_enabled.unwrap_or(false),
        blocked_encryption_types: rule
            .blocked_encryption_types
            .and_then(|blocked| blocked.encryption_type)
            .unwrap_or_default()
            .iter()
            .map(|blocked| blocked.as_str().to_owned())
            .collect(),
    })
}

fn grantee(grantee: Grantee) -> Option<String> {
    grantee.id.or(grantee.uri).or(grantee.email_address)
}

#[cfg(test)]
mod tests {
    use audit_model::UnreadableCause;
    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
    use aws_sdk_s3::primitives::SdkBody;
    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use pretty_assertions::assert_eq;

    use super::*;

    /// S3 as it answers once, in its XML or, for a policy, in JSON.
    fn s3_answering(status: u16, body: &str) -> Client {
        let event = ReplayEvent::new(
            http::Request::builder().body(SdkBody::empty()).unwrap(),
            http::Response::builder().status(status).body(SdkBody::from(body)).unwrap(),
        );
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("a", "b", None, None, "test"))
            .http_client(StaticReplayClient::new(vec![event]))
            .build();
        Client::from_conf(config)
    }

    fn reader(client: &Client) -> BucketReader<'_> {
        BucketReader { client, account: "123456789012", bucket: "payments" }
    }

    #[tokio::test]
    async fn every_part_of_the_default_encryption_is_read() {
        let client = s3_answering(
            200,
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
             <SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>key-1</KMSMasterKeyID>\
             </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled>\
             <BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes>\
             </Rule></ServerSideEncryptionConfiguration>",
        );
        let expected = BucketEncryption {
            algorithm: "aws:kms".to_owned(),
            kms_key_id: Some("key-1".to_owned()),
            bucket_key_enabled: true,
            blocked_encryption_types: vec!["SSE-C".to_owned()],
        };
        assert_eq!(reader(&client).encryption().await, Reading::seen(expected));
    }

    #[tokio::test]
    async fn a_rule_that_only_blocks_types_leaves_the_encryption_that_every_bucket_has() {
        let rules = [
            ("<BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes>", "SSE-C"),
            ("<BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType></BlockedEncryptionTypes>", "NONE"),
        ];
        for (rule, blocked) in rules {
            let answer =
                format!("<ServerSideEncryptionConfiguration><Rule>{rule}</Rule></ServerSideEncryptionConfiguration>");
            let expected = BucketEncryption {
                algorithm: "AES256".to_owned(),
                kms_key_id: None,
                bucket_key_enabled: false,
                blocked_encryption_types: vec![blocked.to_owned()],
            };
            assert_eq!(reader(&s3_answering(200, &answer)).encryption().await, Reading::seen(expected));
        }
    }

    #[tokio::test]
    async fn an_encryption_without_a_rule_is_not_understood() {
        let client = s3_answering(200, "<ServerSideEncryptionConfiguration></ServerSideEncryptionConfiguration>");
        let reading = reader(&client).encryption().await;
        assert!(matches!(&reading, Reading::Unreadable(why) if why.cause == UnreadableCause::Malformed), "{reading:?}");
    }

    #[tokio::test]
    async fn each_setting_has_its_own_way_to_be_absent() {
        let error = |code: &str| format!("<Error><Code>{code}</Code><Message>none</Message></Error>");
        let client = s3_answering(404, &error("ServerSideEncryptionConfigurationNotFoundError"));
        assert_eq!(reader(&client).encryption().await, Reading::Absent);
        let client = s3_answering(404, &error("NoSuchBucketPolicy"));
        assert_eq!(reader(&client).policy().await, Reading::Absent);
        let client = s3_answering(404, &error("NoSuchTagSet"));
        assert_eq!(reader(&client).tags().await, Reading::Absent);
        // The code of one setting says nothing about another.
        let client = s3_answering(404, &error("NoSuchBucketPolicy"));
        assert!(matches!(reader(&client).tags().await, Reading::Unreadable(_)));
    }

    #[tokio::test]
    async fn a_denial_names_the_action() {
        let client = s3_answering(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>");
        let Reading::Unreadable(why) = reader(&client).policy().await else { panic!("a denial is not a value") };
        assert_eq!((why.action.as_str(), why.cause), ("s3:GetBucketPolicy", UnreadableCause::AccessDenied));
    }

    #[tokio::test]
    async fn grants_to_groups_and_to_accounts_are_both_read() {
        let client = s3_answering(
            200,
            "<AccessControlPolicy><Owner><ID>owner</ID></Owner><AccessControlList>\
             <Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">\
             <ID>owner</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>\
             <Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">\
             <URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant>\
             </AccessControlList></AccessControlPolicy>",
        );
        let grant = |grantee: &str, permission: &str| AclGrant {
            grantee: grantee.to_owned(),
            permission: permission.to_owned(),
        };
        let expected = BucketAcl {
            owner_id: "owner".to_owned(),
            grants: vec![
                grant("owner", "FULL_CONTROL"),
                grant("http://acs.amazonaws.com/groups/global/AllUsers", "READ"),
            ],
        };
        assert_eq!(reader(&client).acl().await, Reading::seen(expected));
    }
}
