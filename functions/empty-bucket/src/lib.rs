//! Empties a versioned bucket when the stack goes: the function behind the custom resource `Custom::EmptyBucket`.
//!
//! CloudFormation cannot delete a bucket that holds anything. This function removes unfinished uploads, versions and
//! delete markers when the custom resource is deleted, and does nothing at any other time.

mod bucket;

use async_trait::async_trait;
use audit_task::TaskError;
use custom_resource::{Attributes, CustomResource, required_text};
use serde_json::Value;

pub use bucket::{S3VersionedBucket, VersionedBucket};

/// The custom resource. Its subject is the bucket's name.
pub struct EmptyBucket<F> {
    /// Gives access to the bucket of that name.
    pub bucket: F,
}

#[async_trait]
impl<F, B> CustomResource for EmptyBucket<F>
where
    F: Fn(&str) -> B + Sync,
    B: VersionedBucket,
{
    fn subject(properties: &Value) -> Result<String, String> {
        required_text(properties, "BucketName", "the name of a bucket")
    }

    /// Another bucket is another resource, so that an old one is emptied before it goes.
    fn physical_id(bucket: &str) -> String {
        format!("empty-{bucket}")
    }

    async fn create_or_update(&self, _: &str) -> Result<Attributes, String> {
        Ok(Attributes::new())
    }

    async fn delete(&self, bucket: &str) -> Result<(), String> {
        empty(&(self.bucket)(bucket)).await.map_err(|error| format!("bucket {bucket} could not be emptied: {error}"))
    }
}

/// Removes everything, page by page, until a listing comes back empty.
async fn empty(bucket: &impl VersionedBucket) -> Result<(), TaskError> {
    loop {
        let uploads = bucket.unfinished_uploads().await?;
        if uploads.is_empty() {
            break;
        }
        for upload in &uploads {
            bucket.abort(upload).await?;
        }
    }
    let mut removed = 0;
    loop {
        let versions = bucket.versions().await?;
        if versions.is_empty() {
            tracing::info!(removed, "the bucket is empty");
            return Ok(());
        }
        bucket.remove(&versions).await?;
        removed += versions.len();
        tracing::info!(removed, "versions are removed");
    }
}

#[cfg(test)]
mod tests;
