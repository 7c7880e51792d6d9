use audit_task::TaskError;
use custom_resource::{Answer, TIME_TO_ANSWER, handle};
use evidence_chain::PublicKey;
use pretty_assertions::assert_eq;
use serde_json::json;
use tokio::time::Duration;

use super::*;

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// RFC 6979, appendix A.2.5, in the form of RFC 5480.
const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
                   MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n\
                   Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n\
                   -----END PUBLIC KEY-----\n";

/// What `openssl pkey -pubin -outform der` makes of it, through `base64 -w 0` and through `sha256sum`.
const PUBLIC: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk\
                      8vGyDC1+n1F3o8KU1EYimQ==";
const FINGERPRINT: &str = "5a7a78cca4a0f420d9bc62bb669c3c2759e39f723d3ae10dcbe0f0815a07ecd4";

/// A key that tells its public half, or what went wrong.
struct FakeKey(Result<(), TaskError>);

#[async_trait]
impl Signer for FakeKey {
    fn arn(&self) -> &str {
        KEY
    }

    async fn public_key(&self) -> Result<PublicKey, TaskError> {
        self.0.clone().map(|()| PublicKey::from_pem(PEM).unwrap())
    }

    async fn sign(&self, _: &[u8; 32]) -> Result<Vec<u8>, TaskError> {
        panic!("nothing is signed")
    }
}

/// What the custom resource answers about the key. The names are as long as CloudFormation lets them be:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
async fn answer(kind: &str, said: Result<(), TaskError>) -> Answer {
    let resource = PublishEvidenceKey {
        key: |arn: &str| {
            assert_eq!(arn, KEY);
            FakeKey(said.clone())
        },
    };
    let stack = "s".repeat(128);
    let request = json!({
        "RequestType": kind,
        "ResponseURL": "http://127.0.0.1/answer?signature=secret",
        "StackId": format!("arn:aws:cloudformation:us-east-1:123456789012:stack/{stack}/1234abcd-12ab-34cd-56ef-1234567890ab"),
        "RequestId": "1234abcd-12ab-34cd-56ef-1234567890ab",
        "LogicalResourceId": "l".repeat(255),
        "PhysicalResourceId": "public-half-of-another",
        "ResourceProperties": { "KeyArn": KEY },
    });
    handle(&resource, &serde_json::from_value(request).unwrap(), TIME_TO_ANSWER + Duration::from_secs(10)).await
}

#[tokio::test]
async fn a_creation_and_an_update_tell_the_public_half_in_an_answer_that_cloudformation_takes() {
    for kind in ["Create", "Update"] {
        let answer = answer(kind, Ok(())).await;
        assert_eq!((answer.status(), answer.physical_resource_id()), ("SUCCESS", &*format!("public-half-of-{KEY}")));
        let written = serde_json::to_string(&answer).unwrap();
        assert!(written.len() <= 4_096, "{}", written.len());
        let written: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written["Data"], json!({ "PublicKey": PUBLIC, "Fingerprint": FINGERPRINT }), "{kind}");
    }
}

#[tokio::test]
async fn a_deletion_asks_nothing_of_a_key_that_may_be_gone() {
    let answer = answer("Delete", Err(TaskError::NotFound("kms:GetPublicKey: no such key".to_owned()))).await;
    assert_eq!((answer.status(), answer.physical_resource_id()), ("SUCCESS", "public-half-of-another"));
}

#[tokio::test]
async fn a_key_that_is_not_told_fails_the_deployment_with_the_reason() {
    for error in [
        TaskError::AccessDenied("kms:GetPublicKey was denied".to_owned()),
        TaskError::Internal("it must be ECC_NIST_P256".to_owned()),
    ] {
        for kind in ["Create", "Update"] {
            let answer = answer(kind, Err(error.clone())).await;
            assert_eq!((answer.status(), answer.attributes()), ("FAILED", &Attributes::new()), "{kind}");
            assert_eq!(answer.reason(), format!("the public half of key {KEY} could not be read: {error}"));
        }
    }
}

#[test]
fn a_request_without_a_key_is_refused_with_the_property_s_name() {
    let refused = PublishEvidenceKey::<fn(&str) -> FakeKey>::subject(&json!({}));
    assert_eq!(
        refused.unwrap_err(),
        "the property KeyArn is missing; it must be the ARN of the key that signs the evidence"
    );
}
