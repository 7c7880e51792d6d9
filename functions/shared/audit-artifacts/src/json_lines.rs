//! JSON Lines: one JSON document a line, written and read one at a time.

use std::marker::PhantomData;

use audit_task::TaskError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncBufReadExt;

use crate::store::{ArtifactReader, ArtifactStore, ArtifactWriter, Written};

/// Writes documents, a line each.
pub struct JsonLinesWriter {
    writer: Box<dyn ArtifactWriter>,
    line: Vec<u8>,
    lines: u64,
}

impl JsonLinesWriter {
    /// Begins the object of that key.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn create(store: &dyn ArtifactStore, key: &str) -> Result<Self, TaskError> {
        Ok(Self { writer: store.create(key, "application/x-ndjson").await?, line: Vec::new(), lines: 0 })
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
        self.lines += 1;
        self.writer.write(&self.line).await
    }

    /// How many documents were written.
    pub const fn lines(&self) -> u64 {
        self.lines
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
    line: String,
    number: u64,
    documents: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> JsonLinesReader<T> {
    /// Opens the object of that key, or `None` when there is none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn find(store: &dyn ArtifactStore, key: &str) -> Result<Option<Self>, TaskError> {
        Ok(store.open(key).await?.map(|reader| Self {
            key: key.to_owned(),
            reader,
            line: String::new(),
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
        self.line.clear();
        self.number += 1;
        let read = self.reader.read_line(&mut self.line).await.map_err(|error| {
            TaskError::Unavailable(format!("reading {} broke off at line {}: {error}", self.key, self.number))
        })?;
        if read == 0 {
            return Ok(None);
        }
        if !self.line.ends_with('\n') {
            return Err(TaskError::Corrupt(format!("the object {} is cut short in line {}", self.key, self.number)));
        }
        serde_json::from_str(&self.line).map(Some).map_err(|error| {
            TaskError::Corrupt(format!("the object {} cannot be understood in line {}: {error}", self.key, self.number))
        })
    }
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
        assert_eq!(writer.lines(), 3);
        writer.finish().await.unwrap();

        let mut reader = JsonLinesReader::<u32>::open(&store, "a.jsonl").await.unwrap();
        let mut seen = Vec::new();
        while let Some(number) = reader.next().await.unwrap() {
            seen.push(number);
        }
        assert_eq!(seen, [0, 1, 2]);
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
