//! Objects as they are read: a reading goes on where its connection broke.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use audit_task::{error_code, task_error};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures::Stream;
use futures::stream::{BoxStream, StreamExt, try_unfold};
use tokio_util::io::StreamReader;

use super::S3Store;
use crate::store::ArtifactReader;

/// How often the reading of one object may break and go on.
pub(super) const MOST_BREAKS: u32 = 10;

/// The breaks of one reading.
#[derive(Debug)]
pub(super) struct Breaks {
    number: u32,
    retries: RetryConfig,
}

impl Breaks {
    /// None yet. The pauses are those of the client's own retries.
    pub(super) fn of(client: &Client) -> Self {
        let retries = client.config().retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        Self { number: 0, retries }
    }

    /// Pauses before the reading goes on, twice as long at the most after each break, or gives the error back when it has
    /// broken too often. Chance shortens each pause, so that readers that broke together do not come back together.
    pub(super) async fn pause<E: fmt::Display>(&mut self, key: &str, error: E) -> Result<(), E> {
        if self.number == MOST_BREAKS {
            return Err(error);
        }
        tracing::warn!(key, %error, "reading the object broke off, and goes on");
        let longest = self.retries.initial_backoff().saturating_mul(1 << self.number).min(self.retries.max_backoff());
        self.number += 1;
        tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
        Ok(())
    }
}

/// The object's bytes.
pub(crate) fn reader(store: S3Store, key: &str, object: GetObjectOutput) -> ArtifactReader {
    let reading = Reading {
        breaks: Breaks::of(&store.client),
        store,
        key: key.to_owned(),
        etag: object.e_tag,
        length: object.content_length.and_then(|length| u64::try_from(length).ok()),
        body: object.body,
        given: 0,
    };
    let pieces = try_unfold(reading, |mut reading| async move {
        let piece = reading.next().await?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, reading)))
    });
    Box::new(StreamReader::new(Pieces(Mutex::new(pieces.boxed()))))
}

/// An object being read.
struct Reading {
    store: S3Store,
    key: String,
    /// The object's state when the reading began: what comes later must be of the same.
    etag: Option<String>,
    /// The bytes that the object has.
    length: Option<u64>,
    body: ByteStream,
    /// The bytes that were handed on.
    given: u64,
    breaks: Breaks,
}

impl Reading {
    /// The next piece, or `None` at the end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let error = match self.body.try_next().await {
                Ok(piece) => {
                    self.given += piece.as_ref().map_or(0, |piece| piece.len() as u64);
                    return Ok(piece);
                }
                Err(error) => io::Error::other(error),
            };
            // All of it came, and its checksum is another.
            if self.length.is_some_and(|length| self.given >= length) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            // Nothing tells whether the object is still the same.
            if self.etag.is_none() {
                return Err(error);
            }
            self.breaks.pause(&self.key, error).await?;
            self.body = self.rest().await?;
        }
    }

    /// What was not handed on yet. S3 keeps checksums of whole objects and of whole parts, and the SDK would hold them
    /// against what comes: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>
    async fn rest(&self) -> io::Result<ByteStream> {
        let unchecked =
            aws_sdk_s3::Config::builder().response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let asked = self
            .store
            .client
            .get_object()
            .bucket(&self.store.bucket)
            .key(&self.key)
            .expected_bucket_owner(&self.store.account)
            .set_if_match(self.etag.clone())
            .range(format!("bytes={}-", self.given))
            .customize()
            .config_override(unchecked)
            .send()
            .await;
        let object = asked.map_err(|error| match error_code(&error) {
            Some("PreconditionFailed" | "NoSuchKey") => {
                io::Error::other(format!("the object {} was replaced or deleted while it was read", self.key))
            }
            _ => io::Error::other(task_error("s3:GetObject", &error)),
        })?;
        let begins_here = format!("bytes {}-", self.given);
        match object.content_range {
            Some(range) if range.starts_with(&begins_here) => Ok(object.body),
            range => Err(io::Error::other(format!(
                "of the object {} S3 sent {range:?}, where all from byte {} on was asked for",
                self.key, self.given
            ))),
        }
    }
}

/// Pieces that may be shared between threads, though only one can take them: a reader is asked to be `Sync`, and the SDK's
/// requests are not.
struct Pieces(Mutex<BoxStream<'static, io::Result<Bytes>>>);

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
    }
}
