//! A bucket's versions and unfinished uploads.

use async_trait::async_trait;
use audit_task::{TaskError, error_code, task_error};
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

/// A bucket that keeps versions.
#[async_trait]
pub trait VersionedBucket: Send + Sync {
    /// Some of the multipart uploads that were begun and not ended; none when there are no more, or no bucket.
    async fn unfinished_uploads(&self) -> Result<Vec<Upload>, TaskError>;

    /// Drops an upload and its parts.
    async fn abort(&self, upload: &Upload) -> Result<(), TaskError>;

    /// At most 1,000 versions and delete markers; none when there are no more, or no bucket.
    async fn versions(&self) -> Result<Vec<Version>, TaskError>;

    /// Removes versions and delete markers for good.
    async fn remove(&self, versions: &[Version]) -> Result<(), TaskError>;
}

/// A multipart upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Key of the object to be.
    pub key: String,
    /// Upload id.
    pub id: String,
}

/// A version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Key.
    pub key: String,
    /// Version id.
    pub id: String,
}

/// A bucket in S3.
#[derive(Debug, Clone)]
pub struct S3VersionedBucket {
    client: Client,
    name: String,
}

impl S3VersionedBucket {
    /// The bucket of that name.
    pub const fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }
}

/// A bucket that is already gone has nothing left to remove.
const GONE: Option<&str> = Some("NoSuchBucket");

#[async_trait]
impl VersionedBucket for S3VersionedBucket {
    async fn unfinished_uploads(&self) -> Result<Vec<Upload>, TaskError> {
        let page = match self.client.list_multipart_uploads().bucket(&self.name).send().await {
            Ok(page) => page,
            Err(error) if error_code(&error) == GONE => return Ok(Vec::new()),
            Err(error) => return Err(task_error("s3:ListBucketMultipartUploads", &error)),
        };
        page.uploads
            .unwrap_or_default()
            .into_iter()
            .map(|upload| match (upload.key, upload.upload_id) {
                (Some(key), Some(id)) => Ok(Upload { key, id }),
                _ => Err(TaskError::Corrupt("S3 listed an upload without its key or id".to_owned())),
            })
            .collect()
    }

    async fn abort(&self, upload: &Upload) -> Result<(), TaskError> {
        let answer =
            self.client.abort_multipart_upload().bucket(&self.name).key(&upload.key).upload_id(&upload.id).send().await;
        match answer {
            Ok(_) => Ok(()),
            // Somebody else ended it in the meantime.
            Err(error) if error_code(&error) == Some("NoSuchUpload") => Ok(()),
            Err(error) => Err(task_error("s3:AbortMultipartUpload", &error)),
        }
    }

    async fn versions(&self) -> Result<Vec<Version>, TaskError> {
        let page = match self.client.list_object_versions().bucket(&self.name).send().await {
            Ok(page) => page,
            Err(error) if error_code(&error) == GONE => return Ok(Vec::new()),
            Err(error) => return Err(task_error("s3:ListBucketVersions", &error)),
        };
        let versions = page.versions.unwrap_or_default().into_iter().map(|version| (version.key, version.version_id));
        let markers = page.delete_markers.unwrap_or_default().into_iter().map(|marker| (marker.key, marker.version_id));
        versions
            .chain(markers)
            .map(|version| match version {
                (Some(key), Some(id)) => Ok(Version { key, id }),
                _ => Err(TaskError::Corrupt("S3 listed a version without its key or id".to_owned())),
            })
            .collect()
    }

    async fn remove(&self, versions: &[Version]) -> Result<(), TaskError> {
        let objects = versions
            .iter()
            .map(|version| ObjectIdentifier::builder().key(&version.key).version_id(&version.id).build())
            .collect::<Result<Vec<_>, _>>()
            .and_then(|objects| Delete::builder().set_objects(Some(objects)).quiet(true).build())
            .map_err(|error| TaskError::Internal(format!("the deletion could not be written: {error}")))?;
        let answer = self
            .client
            .delete_objects()
            .bucket(&self.name)
            .delete(objects)
            .send()
            .await
            .map_err(|error| task_error("s3:DeleteObjectVersion", &error))?;
        // In quiet mode S3 answers with the failures only.
        match answer.errors().first() {
            None => Ok(()),
            Some(first) => Err(TaskError::Internal(format!(
                "S3 refused to delete {} of {} versions, the first with {}: {}",
                answer.errors().len(),
                versions.len(),
                first.code().unwrap_or("no error code"),
                first.message().unwrap_or("no message"),
            ))),
        }
    }
}
