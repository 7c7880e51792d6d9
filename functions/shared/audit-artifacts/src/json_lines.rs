//! JSON Lines: one JSON document a line, written and read one at a time, compressed where the key says so.

use std::io;
use std::marker::PhantomData;

use audit_task::TaskError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncBufReadExt;

use crate::compression::{CompressedWriter, Decompressor, content_encoding};
use crate::store::{ArtifactReader, ArtifactStore, ArtifactWriter, Written};

/// Writes documents, a line each.
pub struct JsonLinesWriter {
    writer: Box<dyn ArtifactWriter>,
    line: Vec<u8>,
}

impl JsonLinesWriter {
    /// Begins the object of that key.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn create(store: &dyn ArtifactStore, key: &str) -> Result<Self, TaskError> {
        let writer = store.create(key, "application/x-ndjson").await?;
        let writer = match content_encoding(key) {
            Some(_) => Box::new(CompressedWriter::new(writer)?),
            None => writer,
        };
        Ok(Self { writer, line: Vec::new() })
    }

    /// Adds a document.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn write<T: Serialize + Sync>(&mut self, document: &T) -> Result<(), TaskError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, document)
            .map_err(|error| TaskError::Internal(format!("a line cannot be written as JSON: {error}")))?;
        self.line.push(b'\n');
        self.writer.write(&self.line).await
    }

    /// Makes the object appear.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn finish(self) -> Result<Written, TaskError> {
        self.writer.finish().await
    }

    /// Drops what was written; the object does not appear.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn abort(self) -> Result<(), TaskError> {
        self.writer.abort().await
    }
}

/// Reads documents, one at a time.
pub struct JsonLinesReader<T> {
    key: String,
    reader: ArtifactReader,
    decompressor: Option<Decompressor>,
    /// What was read and not yet given, of which the first bytes hold no end of a line.
    content: Vec<u8>,
    given: usize,
    searched: usize,
    number: u64,
    documents: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> JsonLinesReader<T> {
    /// Opens the object of that key, or `None` when there is none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn find(store: &dyn ArtifactStore, key: &str) -> Result<Option<Self>, TaskError> {
        let Some(reader) = store.open(key).await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            key: key.to_owned(),
            reader,
            decompressor: content_encoding(key).map(|_| Decompressor::new()).transpose()?,
            content: Vec::new(),
            given: 0,
            searched: 0,
            number: 0,
            documents: PhantomData,
        }))
    }

    /// Opens the object of that key, which must be there.
    ///
    /// # Errors
    /// `NotFound` when it is not there, and those of the store.
    pub async fn open(store: &dyn ArtifactStore, key: &str) -> Result<Self, TaskError> {
        Self::find(store, key).await?.ok_or_else(|| {
            TaskError::NotFound(format!(
                "the object {key} is not in the reports bucket; an earlier task should have written it"
            ))
        })
    }

    /// The next document, or `None` at the end.
    ///
    /// # Errors
    /// `Corrupt` with the line's number when a line is not such a document or the last one is cut short, and
    /// `Unavailable` when the stream breaks.
    pub async fn next(&mut self) -> Result<Option<T>, TaskError> {
        self.number += 1;
        let end = loop {
            if let Some(end) = memchr::memchr(b'\n', &self.content[self.searched..]) {
                break self.searched + end + 1;
            }
            self.searched = self.content.len();
            if !self.read_on().await? {
                return if self.given == self.content.len() { Ok(None) } else { Err(self.cut_short()) };
            }
        };
        let line = &self.content[self.given..end];
        let document = serde_json::from_slice(line).map(Some).map_err(|error| {
            TaskError::Corrupt(format!("the object {} cannot be understood in line {}: {error}", self.key, self.number))
        });
        (self.given, self.searched) = (end, end);
        document
    }

    /// Reads more of the content, or tells that there is no more.
    async fn read_on(&mut self) -> Result<bool, TaskError> {
        self.content.drain(..self.given);
        self.searched -= self.given;
        self.given = 0;
        if let Some(decompressor) = self.decompressor.as_mut().filter(|decompressor| decompressor.has_more()) {
            decompressor
                .run(&[], &mut self.content)
                .map_err(|error| not_decompressed(&self.key, self.number, &error))?;
            return Ok(true);
        }
        let bytes = self.reader.fill_buf().await.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => {
                TaskError::Corrupt(format!("the object {} is not what was written: {error}", self.key))
            }
            _ => TaskError::Unavailable(format!("reading {} broke off at line {}: {error}", self.key, self.number)),
        })?;
        if bytes.is_empty() {
            let whole = self.decompressor.as_ref().is_none_or(Decompressor::is_whole);
            return if whole { Ok(false) } else { Err(self.cut_short()) };
        }
        let taken = match &mut self.decompressor {
            None => {
                self.content.extend_from_slice(bytes);
                bytes.len()
            }
            Some(decompressor) => decompressor
                .run(bytes, &mut self.content)
                .map_err(|error| not_decompressed(&self.key, self.number, &error))?,
        };
        self.reader.consume(taken);
        Ok(true)
    }

    fn cut_short(&self) -> TaskError {
        TaskError::Corrupt(format!("the object {} is cut short in line {}", self.key, self.number))
    }
}

fn not_decompressed(key: &str, line: u64, error: &io::Error) -> TaskError {
    TaskError::Corrupt(format!("the object {key} cannot be decompressed at line {line}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Condition, MemoryStore, PutOutcome};

    #[tokio::test]
    async fn what_is_written_is_read_again_in_order() {
        let store = MemoryStore::default();
        let mut writer = JsonLinesWriter::create(&store, "a.jsonl").await.unwrap();
        for number in 0..3_u32 {
            writer.write(&number).await.unwrap();
        }
        writer.finish().await.unwrap();

        let mut reader = JsonLinesReader::<u32>::open(&store, "a.jsonl").await.unwrap();
        let mut seen = Vec::new();
        while let Some(number) = reader.next().await.unwrap() {
            seen.push(number);
        }
        assert_eq!(seen, [0, 1, 2]);
    }

    /// More than is handed on at once, and more than fits into the window of repetitions.
    #[tokio::test]
    async fn what_is_compressed_is_read_again_and_is_whole_or_not_read_at_all() {
        let store = MemoryStore::default();
        let lines: Vec<String> = (0..20_000_u32).map(|number| format!("{number} {}", "a".repeat(80))).collect();
        let mut writer = JsonLinesWriter::create(&store, "a.jsonl.zst").await.unwrap();
        for line in &lines {
            writer.write(line).await.unwrap();
        }
        let written = writer.finish().await.unwrap();
        assert!(written.bytes < 200_000, "{} bytes for 1.7 MB", written.bytes);
        let object = store.get("a.jsonl.zst").await.unwrap().unwrap().content;
        assert_eq!(object[..4], [0x28, 0xB5, 0x2F, 0xFD], "the magic number of RFC 8878, section 3.1.1");

        let flipped: Vec<u8> =
            object.iter().enumerate().map(|(at, byte)| if at == object.len() / 2 { !byte } else { *byte }).collect();
        // (the object, how its reading ends)
        let cases = [
            (object.to_vec(), Ok(lines)),
            (object[..object.len() - 1].to_vec(), Err("Corrupt")),
            (object[..object.len() / 2].to_vec(), Err("Corrupt")),
            (Vec::new(), Err("Corrupt")),
            (flipped, Err("Corrupt")),
            (b"0\n".to_vec(), Err("Corrupt")),
        ];
        for (content, expected) in cases {
            let size = content.len();
            let outcome = store.put("b.jsonl.zst", "", content.into(), Condition::None).await.unwrap();
            assert_eq!(outcome, PutOutcome::Written);
            let mut reader = JsonLinesReader::<String>::open(&store, "b.jsonl.zst").await.unwrap();
            let mut read = Vec::new();
            let end = loop {
                match reader.next().await {
                    Ok(Some(line)) => read.push(line),
                    Ok(None) => break Ok(read),
                    Err(error) => break Err(error.name()),
                }
            };
            assert!(end == expected, "of {size} bytes: {:?}", end.map(|lines| lines.len()));
        }
    }

    /// The buffer of what was read is filled to its last byte by some of these, and the object is whole all the same.
    #[tokio::test]
    async fn a_compressed_object_of_any_size_is_whole() {
        let store = MemoryStore::default();
        for size in (65_530..65_540).chain(131_066..131_078) {
            let line = "a".repeat(size - "\"\"\n".len());
            let mut writer = JsonLinesWriter::create(&store, "a.jsonl.zst").await.unwrap();
            writer.write(&line).await.unwrap();
            writer.finish().await.unwrap();
            let mut reader = JsonLinesReader::<String>::open(&store, "a.jsonl.zst").await.unwrap();
            assert_eq!(reader.next().await, Ok(Some(line)), "{size}");
            assert_eq!(reader.next().await, Ok(None), "{size}");
        }
    }

    #[tokio::test]
    async fn a_line_that_is_cut_short_or_not_json_is_an_error_with_its_number() {
        let store = MemoryStore::default();
        for (content, complaint) in [("1\n2", "is cut short in line 2"), ("1\nx\n", "cannot be understood in line 2")] {
            let outcome = store.put("a.jsonl", "text/plain", content.into(), Condition::None).await.unwrap();
            assert_eq!(outcome, PutOutcome::Written);
            let mut reader = JsonLinesReader::<u32>::open(&store, "a.jsonl").await.unwrap();
            assert_eq!(reader.next().await, Ok(Some(1)));
            let error = reader.next().await.unwrap_err();
            assert_eq!(error.name(), "Corrupt");
            assert!(error.to_string().contains(complaint), "{error}");
        }
    }

    #[tokio::test]
    async fn an_object_that_is_not_there_is_told_from_an_empty_one() {
        let store = MemoryStore::default();
        assert!(JsonLinesReader::<u32>::find(&store, "none").await.unwrap().is_none());
        JsonLinesWriter::create(&store, "empty").await.unwrap().finish().await.unwrap();
        assert_eq!(JsonLinesReader::<u32>::open(&store, "empty").await.unwrap().next().await, Ok(None));
    }
}
