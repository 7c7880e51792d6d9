//! What is signed of a write.

use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::test_util::infallible_client_fn;
use pretty_assertions::assert_eq;

use super::super::*;

/// The content is not signed itself. Whoever altered it on its way would have to alter the checksum, which is.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
#[tokio::test]
async fn the_checksum_of_the_content_is_signed() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sent);
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .http_client(infallible_client_fn(move |request| {
            let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
            if request.method() == "PUT" {
                let signed = header("authorization").contains("x-amz-checksum-sha256");
                seen.lock().unwrap().push((header("x-amz-checksum-sha256"), header("x-amz-content-sha256"), signed));
            }
            let body = "<InitiateMultipartUploadResult><UploadId>upload</UploadId></InitiateMultipartUploadResult>";
            http::Response::builder().status(200).body(body).unwrap()
        }))
        .build();
    let store = S3Store::new(Client::from_conf(config), "reports".to_owned(), "111122223333".to_owned());
    let put = store.put("a.json", "application/json", Bytes::from_static(b"abc"), Condition::None).await;
    assert_eq!(put, Ok(PutOutcome::Written));
    let mut part = store.create("b.json", "application/json").await.unwrap();
    part.write(&vec![b'a'; PART_SIZE]).await.unwrap();

    let sent = sent.lock().unwrap();
    // FIPS 180-2, appendix B.1: the digest of `abc`.
    assert_eq!(sent[0].0, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    assert_eq!(sent.len(), 2);
    for (_, content, is_signed) in sent.iter() {
        assert_eq!((content.as_str(), *is_signed), ("UNSIGNED-PAYLOAD", true));
    }
}
