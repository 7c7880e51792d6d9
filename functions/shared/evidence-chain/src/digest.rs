//! Digests of content, from its stream: memory does not grow with an object's size.

use std::fmt::Write;
use std::io;

use futures::stream::{StreamExt, TryStreamExt, iter};
use sha2::Digest;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use crate::manifest::SealedObject;
use crate::store::{EvidenceStore, Opened};

/// How many objects are read at once. Most are small, and reading them one after another would be waiting.
const AT_ONCE: usize = 16;

/// What a stream of bytes came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digested {
    /// How many bytes there were.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

/// Reads a stream to its end.
///
/// # Errors
/// Those of the stream.
pub async fn digest(content: &mut (dyn AsyncBufRead + Send + Unpin)) -> io::Result<Digested> {
    let mut sha256 = sha2::Sha256::new();
    let mut bytes = 0;
    loop {
        let piece = content.fill_buf().await?;
        if piece.is_empty() {
            return Ok(Digested { bytes, sha256: sha256.finalize().into() });
        }
        sha256.update(piece);
        let taken = piece.len();
        bytes += taken as u64;
        content.consume(taken);
    }
}

/// Reads the objects of these keys, some at once; the answers come in the keys' order. `None` for a key that has no object.
///
/// # Errors
/// Those of the store.
pub async fn digest_all(store: &dyn EvidenceStore, keys: Vec<String>) -> io::Result<Vec<Option<SealedObject>>> {
    iter(keys.into_iter().map(|key| async move {
        let Some(Opened { mut content, version_id }) = store.open(&key).await? else {
            return Ok(None);
        };
        let Digested { bytes, sha256 } = digest(&mut content).await?;
        Ok(Some(SealedObject { key, bytes, sha256: hex(&sha256), version_id }))
    }))
    .buffered(AT_ONCE)
    .try_collect()
    .await
}

/// SHA-256 of content that is there whole.
pub fn sha256(content: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(content).into()
}

/// Lowercase hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use pretty_assertions::assert_eq;
    use tokio::io::{AsyncRead, BufReader, ReadBuf};

    use super::*;

    /// FIPS 180-4, as in <https://csrc.nist.gov/csrc/media/projects/cryptographic-standards-and-guidelines/documents/examples/sha256.pdf>
    #[tokio::test]
    async fn digests_are_those_of_the_standard() {
        let digested = digest(&mut &b"abc"[..]).await.unwrap();
        assert_eq!(digested.bytes, 3);
        assert_eq!(hex(&digested.sha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digested.sha256, sha256(b"abc"));
    }

    /// So many letters `a`, of which a reader gets no more than it has room for.
    struct Letters {
        left: u64,
        largest_room: usize,
    }

    impl AsyncRead for Letters {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            self.largest_room = self.largest_room.max(buffer.remaining());
            let given = usize::try_from(self.left).unwrap().min(buffer.remaining());
            buffer.initialize_unfilled_to(given).fill(b'a');
            buffer.advance(given);
            self.left -= given as u64;
            Poll::Ready(Ok(()))
        }
    }

    /// The digest of a million letters `a` is an example of the standard, too.
    #[tokio::test]
    async fn a_large_object_is_digested_piece_by_piece() {
        let mut content = BufReader::with_capacity(8 * 1024, Letters { left: 1_000_000, largest_room: 0 });
        let digested = digest(&mut content).await.unwrap();
        assert_eq!(digested.bytes, 1_000_000);
        assert_eq!(hex(&digested.sha256), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
        assert!(content.get_ref().largest_room <= 8 * 1024);
    }
}
