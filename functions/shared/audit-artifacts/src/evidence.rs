//! The reports bucket, and a store in a folder, as the chain of evidence reads them.

use std::io;

use async_trait::async_trait;
use audit_task::{TaskError, task_error};
use evidence_chain::{EvidenceStore, Opened};

use crate::s3::{S3Store, reading};
use crate::{ArtifactStore, FolderStore};

/// What a store's error of input and output means to a task: the error of AWS that it was made of, or a stream that broke.
pub fn not_read(error: io::Error) -> TaskError {
    match error.downcast::<TaskError>() {
        Ok(error) => error,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            TaskError::Corrupt(format!("an object is not what was written: {error}"))
        }
        Err(error) => TaskError::Unavailable(format!("reading an object broke off: {error}")),
    }
}

/// S3 lists keys in the order of their UTF-8 bytes. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>
#[async_trait]
impl EvidenceStore for S3Store {
    async fn list_objects(&self, prefix: &str) -> io::Result<Vec<String>> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .expected_bucket_owner(&self.account)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| io::Error::other(task_error("s3:ListBucket", &error)))?;
            for object in page.contents.unwrap_or_default() {
                keys.push(object.key.ok_or_else(nameless)?);
            }
        }
        Ok(keys)
    }

    async fn folders(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(folder)
            .delimiter("/")
            .expected_bucket_owner(&self.account)
            .into_paginator()
            .send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| io::Error::other(task_error("s3:ListBucket", &error)))?;
            for prefix in page.common_prefixes.unwrap_or_default() {
                let prefix = prefix.prefix.ok_or_else(nameless)?;
                let name = prefix.strip_prefix(folder).and_then(|name| name.strip_suffix('/')).ok_or_else(nameless)?;
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// The version is that of the same answer as the content: nobody can come between.
    async fn open(&self, key: &str) -> io::Result<Option<Opened>> {
        let object = self.get_object(key).await.map_err(io::Error::other)?;
        Ok(object.map(|object| {
            let version_id = object.version_id.clone();
            Opened { content: reading::reader(self.clone(), key, object), version_id }
        }))
    }
}

/// A folder keeps no versions.
#[async_trait]
impl EvidenceStore for FolderStore {
    async fn list_objects(&self, prefix: &str) -> io::Result<Vec<String>> {
        self.list(prefix).await.map_err(io::Error::other)
    }

    async fn folders(&self, folder: &str) -> io::Result<Vec<String>> {
        self.list_folders(folder).await.map_err(io::Error::other)
    }

    async fn open(&self, key: &str) -> io::Result<Option<Opened>> {
        let content = ArtifactStore::open(self, key).await.map_err(io::Error::other)?;
        Ok(content.map(|content| Opened { content, version_id: None }))
    }
}

fn nameless() -> io::Error {
    io::Error::other(TaskError::Corrupt("S3 listed something in the reports bucket without its key".to_owned()))
}

#[cfg(any(test, feature = "memory"))]
mod memory {
    use std::collections::BTreeSet;
    use std::io;

    use async_trait::async_trait;
    use evidence_chain::{EvidenceStore, Opened};

    use crate::{ArtifactStore, MemoryStore};

    /// An object's version is its ETag, the digest of its content.
    #[async_trait]
    impl EvidenceStore for MemoryStore {
        async fn list_objects(&self, prefix: &str) -> io::Result<Vec<String>> {
            Ok(self.keys().into_iter().filter(|key| key.starts_with(prefix)).collect())
        }

        async fn folders(&self, folder: &str) -> io::Result<Vec<String>> {
            let keys = self.keys();
            let names = keys.iter().filter_map(|key| Some(key.strip_prefix(folder)?.split_once('/')?.0.to_owned()));
            Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
        }

        async fn open(&self, key: &str) -> io::Result<Option<Opened>> {
            let Some(stored) = self.get(key).await.map_err(io::Error::other)? else {
                return Ok(None);
            };
            Ok(Some(Opened { content: Box::new(io::Cursor::new(stored.content)), version_id: Some(stored.etag) }))
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::Client;
    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
    use aws_sdk_s3::primitives::SdkBody;
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use evidence_chain::digest_all;
    use pretty_assertions::assert_eq;

    use super::*;

    /// Amazon S3 that answers each request by its path and query.
    fn bucket(answer: impl Fn(&str) -> http::Response<SdkBody> + Send + Sync + 'static) -> S3Store {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("a", "b", None, None, "test"))
            .http_client(infallible_client_fn(move |request: http::Request<SdkBody>| {
                assert_eq!(request.headers()["x-amz-expected-bucket-owner"], "111122223333");
                answer(request.uri().path_and_query().unwrap().as_str())
            }))
            .build();
        S3Store::new(Client::from_conf(config), "reports".to_owned(), "111122223333".to_owned())
    }

    fn ok(body: &str) -> http::Response<SdkBody> {
        http::Response::builder().status(200).body(SdkBody::from(body)).unwrap()
    }

    #[tokio::test]
    async fn a_list_has_all_pages() {
        let store = bucket(|asked| {
            ok(match asked {
                "/?list-type=2&prefix=scans%2Fs1%2F" => {
                    "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken>\
                     <Contents><Key>scans/s1/a</Key></Contents></ListBucketResult>"
                }
                "/?list-type=2&prefix=scans%2Fs1%2F&continuation-token=n" => {
                    "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>scans/s1/b</Key></Contents>\
                     </ListBucketResult>"
                }
                "/?list-type=2&delimiter=%2F&prefix=scans%2F" => {
                    "<ListBucketResult><IsTruncated>false</IsTruncated>\
                     <CommonPrefixes><Prefix>scans/s1/</Prefix></CommonPrefixes>\
                     <CommonPrefixes><Prefix>scans/s2/</Prefix></CommonPrefixes></ListBucketResult>"
                }
                other => panic!("{other}"),
            })
        });
        assert_eq!(store.list_objects("scans/s1/").await.unwrap(), ["scans/s1/a", "scans/s1/b"]);
        assert_eq!(store.folders("scans/").await.unwrap(), ["s1", "s2"]);
    }

    #[tokio::test]
    async fn an_object_is_digested_with_the_version_that_was_read() {
        let store = bucket(|asked| match asked {
            "/a?x-id=GetObject" => {
                http::Response::builder().status(200).header("x-amz-version-id", "v7").body("abc".into()).unwrap()
            }
            _ => http::Response::builder().status(404).body("<Error><Code>NoSuchKey</Code></Error>".into()).unwrap(),
        });
        let digested = digest_all(&store, vec!["b".to_owned(), "a".to_owned()]).await.unwrap();
        let [None, Some(object)] = &digested[..] else { panic!("{digested:?}") };
        // The digest of "abc" is an example of FIPS 180-4.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((object.bytes, &object.sha256[..], object.version_id.as_deref()), (3, sha256, Some("v7")));
    }

    #[tokio::test]
    async fn what_is_denied_is_not_absent() {
        let denied = |_: &str| {
            http::Response::builder().status(403).body("<Error><Code>AccessDenied</Code></Error>".into()).unwrap()
        };
        let store = bucket(denied);
        let names = [
            store.list_objects("scans/").await.map(drop),
            store.folders("scans/").await.map(drop),
            EvidenceStore::open(&store, "a").await.map(drop),
        ]
        .map(|read| not_read(read.unwrap_err()).name());
        assert_eq!(names, ["AccessDenied"; 3]);
        assert_eq!(not_read(io::ErrorKind::ConnectionReset.into()).name(), "Unavailable");
        assert_eq!(not_read(io::ErrorKind::InvalidData.into()).name(), "Corrupt");
    }
}
