//! The reports bucket. Every object is stored with a SHA-256 checksum that S3 verifies on arrival and keeps, and, where it was
//! written under a condition, with the name of the attempt that wrote it. The checksum is a signed header, and so the content
//! is not hashed a second time for the signature: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

pub(crate) mod reading;

use std::time::Duration;

use async_trait::async_trait;
use audit_task::{TaskError, error_code, task_error};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use sha2::Digest as _;

use self::reading::Breaks;
use crate::compression::content_encoding;
use crate::store::{ArtifactReader, ArtifactStore, ArtifactWriter, Condition, PutOutcome, Stored, Written};

/// Size of one part of a multipart upload, and so the memory that one object being written takes. S3 takes at most
/// 10,000 parts of at least 5 MiB: 78 GiB of findings.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const PART_SIZE: usize = 8 * 1024 * 1024;

/// How long S3 may take to put an object together from its parts, which "could take several minutes to finalize". It
/// answers 200 at once and sends white space from time to time.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>
const COMPLETION: Duration = Duration::from_secs(5 * 60);

/// Attempts of one call, the first one included: where one fails for good, the work of a whole task is lost. Where S3
/// refuses two calls of five, ten attempts fail once in 10,000 calls; six would, once in 250.
const MAX_ATTEMPTS: u32 = 10;

/// The metadata in which an object that was written under a condition keeps the attempt that wrote it.
const ATTEMPT: &str = "attempt";

/// The reports bucket.
#[derive(Debug, Clone)]
pub struct S3Store {
    pub(crate) client: Client,
    pub(crate) bucket: String,
    pub(crate) account: String,
}

impl S3Store {
    /// A store in `bucket`, which must belong to `account`: S3 refuses to read or write a bucket of that name that
    /// somebody else owns. It calls S3 with the settings of `client` and more patience, and has a retry partition of its
    /// own: reads of the audited account that AWS throttles use up the retries of a client that they share.
    pub fn new(client: Client, bucket: String, account: String) -> Self {
        let retries = client.config().retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        let config = client
            .config()
            .to_builder()
            .retry_config(retries.with_max_attempts(MAX_ATTEMPTS))
            .retry_partition(RetryPartition::custom("reports").build())
            .build();
        Self { client: Client::from_conf(config), bucket, account }
    }

    pub(crate) async fn get_object(
        &self,
        key: &str,
    ) -> Result<Option<aws_sdk_s3::operation::get_object::GetObjectOutput>, TaskError> {
        let answer =
            self.client.get_object().bucket(&self.bucket).key(key).expected_bucket_owner(&self.account).send().await;
        match answer {
            Ok(object) => Ok(Some(object)),
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => Ok(None),
            Err(error) => Err(task_error("s3:GetObject", &error)),
        }
    }

    /// Whether this attempt has written the object that is there. The SDK repeats a request whose answer was lost, and the
    /// condition of one that was done holds no more: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    async fn is_written_by(&self, key: &str, attempt: &str) -> Result<bool, TaskError> {
        let metadata = self.get_object(key).await?.and_then(|object| object.metadata).unwrap_or_default();
        Ok(metadata.get(ATTEMPT).is_some_and(|its| its == attempt))
    }
}

#[async_trait]
impl ArtifactStore for S3Store {
    async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
        let mut breaks = Breaks::of(&self.client);
        while let Some(object) = self.get_object(key).await? {
            let etag = object.e_tag.unwrap_or_default();
            match object.body.collect().await {
                Ok(content) => return Ok(Some(Stored { content: content.into_bytes(), etag })),
                Err(error) => breaks
                    .pause(key, error)
                    .await
                    .map_err(|error| TaskError::Unavailable(format!("reading the object {key} broke off: {error}")))?,
            }
        }
        Ok(None)
    }

    async fn open(&self, key: &str) -> Result<Option<ArtifactReader>, TaskError> {
        Ok(self.get_object(key).await?.map(|object| reading::reader(self.clone(), key, object)))
    }

    async fn put(
        &self,
        key: &str,
        content_type: &str,
        content: Bytes,
        condition: Condition,
    ) -> Result<PutOutcome, TaskError> {
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .expected_bucket_owner(&self.account)
            .content_type(content_type)
            .set_content_encoding(content_encoding(key).map(str::to_owned))
            .checksum_sha256(BASE64.encode(Digest::of(&content)))
            .body(ByteStream::from(content));
        let attempt = format!("{:032x}", fastrand::u128(..));
        let request = match condition {
            Condition::None => request,
            Condition::IfAbsent => request.if_none_match("*").metadata(ATTEMPT, &attempt),
            Condition::IfMatch(etag) => request.if_match(etag).metadata(ATTEMPT, &attempt),
        };
        match request.customize().disable_payload_signing().send().await {
            Ok(_) => Ok(PutOutcome::Written),
            Err(error) if matches!(error_code(&error), Some("PreconditionFailed" | "ConditionalRequestConflict")) => {
                let is_ours = self.is_written_by(key, &attempt).await?;
                Ok(if is_ours { PutOutcome::Written } else { PutOutcome::ConditionFailed })
            }
            Err(error) => Err(task_error("s3:PutObject", &error)),
        }
    }

    async fn create(&self, key: &str, content_type: &str) -> Result<Box<dyn ArtifactWriter>, TaskError> {
        Ok(Box::new(S3Writer {
            store: self.clone(),
            key: key.to_owned(),
            content_type: content_type.to_owned(),
            pending: BytesMut::new(),
            upload: None,
            digest: Digest::new(),
            bytes: 0,
        }))
    }
}

/// An object that is sent in parts once it outgrows one.
struct S3Writer {
    store: S3Store,
    key: String,
    content_type: String,
    pending: BytesMut,
    upload: Option<Upload>,
    digest: Digest,
    bytes: u64,
}

struct Upload {
    id: String,
    parts: Vec<CompletedPart>,
    /// Of the digests of the parts sent so far.
    digest: Digest,
}

impl Upload {
    /// The checksum that S3 keeps of the whole: that of the parts' checksums, followed by the number of parts.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/tutorial-s3-mpu-additional-checksums.html>
    fn checksum(&self) -> String {
        format!("{}-{}", BASE64.encode(self.digest.clone().value()), self.parts.len())
    }
}

impl S3Writer {
    async fn send_part(&mut self) -> Result<(), TaskError> {
        let content = std::mem::take(&mut self.pending).freeze();
        let digest = Digest::of(&content);
        let checksum = BASE64.encode(digest);
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => {
                let started = self
                    .store
                    .client
                    .create_multipart_upload()
                    .bucket(&self.store.bucket)
                    .key(&self.key)
                    .expected_bucket_owner(&self.store.account)
                    .content_type(&self.content_type)
                    .set_content_encoding(content_encoding(&self.key).map(str::to_owned))
                    .checksum_algorithm(ChecksumAlgorithm::Sha256)
                    .send()
                    .await
                    .map_err(|error| task_error("s3:PutObject", &error))?;
                let id = started.upload_id.ok_or_else(|| {
                    TaskError::Corrupt("S3 began a multipart upload without giving its id".to_owned())
                })?;
                self.upload.insert(Upload { id, parts: Vec::new(), digest: Digest::new() })
            }
        };
        let number = i32::try_from(upload.parts.len() + 1)
            .map_err(|_| TaskError::Internal(format!("the object {} has too many parts", self.key)))?;
        let sent = self
            .store
            .client
            .upload_part()
            .bucket(&self.store.bucket)
            .key(&self.key)
            .expected_bucket_owner(&self.store.account)
            .upload_id(&upload.id)
            .part_number(number)
            .checksum_sha256(&checksum)
            .body(ByteStream::from(content.clone()))
            .customize()
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| task_error("s3:PutObject", &error))?;
        upload
            .parts
            .push(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).checksum_sha256(checksum).build());
        upload.digest.update(&digest);
        // The next part takes the same memory: fresh memory of this size costs more than what is written into it.
        if let Ok(mut sent) = content.try_into_mut() {
            sent.clear();
            self.pending = sent;
        }
        Ok(())
    }
}

impl S3Store {
    /// Puts the parts together. A completion may come to its end and its answer be lost; the next attempt is then told
    /// that there is no such upload. What it comes to is therefore asked of the bucket before it is called an error.
    async fn complete(&self, key: &str, upload: Upload) -> Result<(), TaskError> {
        let checksum = upload.checksum();
        let patient = aws_sdk_s3::Config::builder()
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(COMPLETION)
                    .operation_timeout(2 * COMPLETION)
                    .build(),
            )
            // Or an answer of which nothing comes for a while would count as a stream that broke.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let completed = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .expected_bucket_owner(&self.account)
            .upload_id(upload.id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(upload.parts)).build())
            .customize()
            .config_override(patient)
            .send()
            .await;
        let Err(error) = completed else {
            return Ok(());
        };
        let error = task_error("s3:PutObject", &error);
        match self.checksum(key).await {
            Ok(Some(found)) if found == checksum => {
                tracing::info!(key, %error, "the upload was completed all the same");
                Ok(())
            }
            Ok(_) => Err(error),
            Err(unknown) => {
                tracing::warn!(key, error = %unknown, "whether the upload was completed all the same is not known");
                Err(error)
            }
        }
    }

    /// The SHA-256 checksum that S3 keeps of an object, or `None` when there is no object or none of that kind.
    async fn checksum(&self, key: &str) -> Result<Option<String>, TaskError> {
        let asked = self.client.head_object().bucket(&self.bucket).key(key).expected_bucket_owner(&self.account);
        match asked.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(head) => Ok(head.checksum_sha256),
            Err(SdkError::ServiceError(error)) if error.err().is_not_found() => Ok(None),
            Err(error) => Err(task_error("s3:GetObject", &error)),
        }
    }
}

#[async_trait]
impl ArtifactWriter for S3Writer {
    async fn write(&mut self, mut content: &[u8]) -> Result<(), TaskError> {
        self.digest.update(content);
        self.bytes += content.len() as u64;
        while !content.is_empty() {
            let (fits, rest) = content.split_at(content.len().min(PART_SIZE - self.pending.len()));
            self.pending.extend_from_slice(fits);
            content = rest;
            if self.pending.len() == PART_SIZE {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Written, TaskError> {
        if self.upload.is_some() && !self.pending.is_empty() {
            self.send_part().await?;
        }
        match self.upload {
            None => {
                let put = self.store.put(&self.key, &self.content_type, self.pending.freeze(), Condition::None).await?;
                if put == PutOutcome::ConditionFailed {
                    return Err(TaskError::Conflict(format!("the object {} was written by somebody else", self.key)));
                }
            }
            Some(upload) => self.store.complete(&self.key, upload).await?,
        }
        Ok(Written { bytes: self.bytes, sha256: hex(&self.digest.value()) })
    }

    async fn abort(self: Box<Self>) -> Result<(), TaskError> {
        if let Some(upload) = self.upload {
            self.store
                .client
                .abort_multipart_upload()
                .bucket(&self.store.bucket)
                .key(&self.key)
                .expected_bucket_owner(&self.store.account)
                .upload_id(upload.id)
                .send()
                .await
                .map_err(|error| task_error("s3:AbortMultipartUpload", &error))?;
        }
        Ok(())
    }
}

/// A SHA-256 digest.
#[derive(Clone)]
pub(crate) struct Digest(sha2::Sha256);

impl Digest {
    pub(crate) fn new() -> Self {
        Self(sha2::Sha256::new())
    }

    pub(crate) fn update(&mut self, content: &[u8]) {
        self.0.update(content);
    }

    pub(crate) fn value(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The digest of content that is there whole.
    pub(crate) fn of(content: &[u8]) -> [u8; 32] {
        sha2::Sha256::digest(content).into()
    }
}

/// SHA-256 of content that is there whole, in lowercase hexadecimal.
pub fn sha256(content: &[u8]) -> String {
    hex(&Digest::of(content))
}

/// Lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests;
