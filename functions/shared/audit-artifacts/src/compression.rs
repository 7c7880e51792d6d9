//! Objects that only machines read are kept compressed with Zstandard (RFC 8878): their keys end in `.zst`, and S3 keeps the
//! content encoding `zstd`.

use std::io;

use async_trait::async_trait;
use audit_task::TaskError;
use zstd::stream::raw::{CParameter, Decoder, Encoder, InBuffer, Operation, OutBuffer};

use crate::store::{ArtifactWriter, Written};

/// The encoding of an object's content, by its key: what S3 keeps as `Content-Encoding`.
pub(crate) fn content_encoding(key: &str) -> Option<&'static str> {
    key.ends_with(".zst").then_some("zstd")
}

/// The level of the `zstd` command: findings are so much alike that a higher one gains nothing.
const LEVEL: i32 = 1;

/// How far back, as a power of two, a repetition is found: 512 KiB. So much memory takes every object that is being read.
const WINDOW_LOG: u32 = 19;

/// Bytes that are handed on at once.
const CHUNK: usize = 64 * 1024;

/// Compresses what is written.
pub(crate) struct CompressedWriter {
    writer: Box<dyn ArtifactWriter>,
    encoder: Encoder<'static>,
    chunk: Vec<u8>,
}

impl CompressedWriter {
    /// # Errors
    /// `Internal` when there is no memory for the encoder.
    pub(crate) fn new(writer: Box<dyn ArtifactWriter>) -> Result<Self, TaskError> {
        let encoder = || {
            let mut encoder = Encoder::new(LEVEL)?;
            encoder.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
            encoder.set_parameter(CParameter::ChecksumFlag(true))?;
            Ok(encoder)
        };
        Ok(Self { writer, encoder: encoder().map_err(not_compressed)?, chunk: Vec::with_capacity(CHUNK) })
    }

    async fn hand_on(&mut self) -> Result<(), TaskError> {
        let handed_on = self.writer.write(&self.chunk).await;
        self.chunk.clear();
        handed_on
    }
}

#[async_trait]
impl ArtifactWriter for CompressedWriter {
    async fn write(&mut self, content: &[u8]) -> Result<(), TaskError> {
        let mut taken = 0;
        while taken < content.len() {
            let mut input = InBuffer::around(&content[taken..]);
            let filled = self.chunk.len();
            let mut output = OutBuffer::around_pos(&mut self.chunk, filled);
            self.encoder.run(&mut input, &mut output).map_err(not_compressed)?;
            taken += input.pos();
            if self.chunk.len() == self.chunk.capacity() {
                self.hand_on().await?;
            }
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Written, TaskError> {
        loop {
            let filled = self.chunk.len();
            let mut output = OutBuffer::around_pos(&mut self.chunk, filled);
            let left = self.encoder.finish(&mut output, true).map_err(not_compressed)?;
            self.hand_on().await?;
            if left == 0 {
                return self.writer.finish().await;
            }
        }
    }

    async fn abort(self: Box<Self>) -> Result<(), TaskError> {
        self.writer.abort().await
    }
}

fn not_compressed(error: io::Error) -> TaskError {
    TaskError::Internal(format!("an object could not be compressed: {error}"))
}

/// Decompresses what was read.
pub(crate) struct Decompressor {
    decoder: Decoder<'static>,
    /// Whether the object may end here.
    whole: bool,
    /// Whether there may be more content at hand than there was room for.
    more: bool,
}

impl Decompressor {
    /// # Errors
    /// `Internal` when there is no memory for the decoder.
    pub(crate) fn new() -> Result<Self, TaskError> {
        let decoder = Decoder::new()
            .map_err(|error| TaskError::Internal(format!("a compressed object could not be opened: {error}")))?;
        Ok(Self { decoder, whole: false, more: false })
    }

    /// Adds to `content` some of what the next bytes of the object hold, and tells how many of them it took.
    ///
    /// # Errors
    /// When they are no such bytes, or hold something else than was written.
    pub(crate) fn run(&mut self, bytes: &[u8], content: &mut Vec<u8>) -> io::Result<usize> {
        content.reserve(CHUNK);
        let mut input = InBuffer::around(bytes);
        let filled = content.len();
        let mut output = OutBuffer::around_pos(content, filled);
        self.whole = self.decoder.run(&mut input, &mut output)? == 0;
        // A frame that is whole has nothing more to give; asked for it, the decoder would begin another one.
        self.more = !self.whole && content.len() == content.capacity();
        Ok(input.pos())
    }

    /// Whether it may give more content without another byte of the object.
    pub(crate) const fn has_more(&self) -> bool {
        self.more
    }

    /// Whether the bytes so far are a whole object.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole
    }
}
