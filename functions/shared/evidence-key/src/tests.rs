//! AWS KMS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html> and
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html>

use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use evidence_chain::sha256;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::EncodePublicKey;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::*;

/// A key in AWS KMS that answers each call.
fn kms(answer: impl Fn(&str, &Value) -> (u16, Value) + Send + Sync + 'static) -> KmsSigner {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(infallible_client_fn(move |request: http::Request<SdkBody>| {
            let target = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
            let asked = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
            let (status, body) = answer(&target, &asked);
            http::Response::builder().status(status).body(SdkBody::from(body.to_string())).unwrap()
        }))
        .build();
    KmsSigner::new(aws_sdk_kms::Client::from_conf(config), "arn:aws:kms:us-east-1:123456789012:key/e".to_owned())
}

#[tokio::test]
async fn a_digest_is_signed_and_the_public_key_fits() {
    let signer = kms(|target, asked| {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        assert_eq!(asked["KeyId"], "arn:aws:kms:us-east-1:123456789012:key/e");
        (
            200,
            match target {
                "TrentService.GetPublicKey" => {
                    let der = key.verifying_key().to_public_key_der().unwrap();
                    json!({"PublicKey": BASE64.encode(der.as_bytes()), "KeySpec": "ECC_NIST_P256"})
                }
                "TrentService.Sign" => {
                    assert_eq!(
                        (&asked["MessageType"], &asked["SigningAlgorithm"]),
                        (&json!("DIGEST"), &json!("ECDSA_SHA_256"))
                    );
                    let digest = BASE64.decode(asked["Message"].as_str().unwrap()).unwrap();
                    let signature: DerSignature = key.sign_prehash(&digest).unwrap();
                    json!({"Signature": BASE64.encode(signature.as_bytes())})
                }
                other => panic!("{other}"),
            },
        )
    });
    let digest = sha256(b"a manifest");
    let signature = signer.sign(&digest).await.unwrap();
    assert!(signer.public_key().await.unwrap().has_signed(&digest, &signature));
}

#[tokio::test]
async fn errors_have_the_names_that_the_machine_knows() {
    for (code, name) in [
        ("AccessDeniedException", "AccessDenied"),
        ("ThrottlingException", "Throttled"),
        ("KMSInternalException", "Unavailable"),
        ("DependencyTimeoutException", "Unavailable"),
        ("NotFoundException", "NotFound"),
        ("DisabledException", "Internal"),
    ] {
        let signer = kms(move |_, _| (400, json!({"__type": code})));
        assert_eq!(signer.sign(&[0; 32]).await.unwrap_err().name(), name, "{code}");
        assert_eq!(signer.public_key().await.unwrap_err().name(), name, "{code}");
    }
}

#[tokio::test]
async fn a_key_of_another_kind_is_refused() {
    // The same algorithm on the curve NIST P-384 (RFC 5480), something else, and nothing.
    let p384 = [
        b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04",
        &[1; 96][..],
    ]
    .concat();
    for answer in [
        json!({"PublicKey": BASE64.encode(p384), "KeySpec": "ECC_NIST_P384"}),
        json!({"PublicKey": BASE64.encode(b"an RSA key")}),
        json!({}),
    ] {
        let error = kms(move |_, _| (200, answer.clone())).public_key().await.unwrap_err();
        assert_eq!(error.name(), "Internal");
        assert!(error.to_string().ends_with("it must be ECC_NIST_P256"), "{error}");
    }
}
