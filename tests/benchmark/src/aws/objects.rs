//! The objects of the reports bucket: `GetObject` with ranges, `PutObject` with conditions, multipart uploads, lists.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::{Call, Dialect};
use crate::account::hash;
use crate::http::{Answer, Request};

/// The keys of one page of a list.
const PAGE: usize = 1_000;

/// The objects of one bucket, in memory.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    bucket: Mutex<Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    objects: HashMap<String, Object>,
    uploads: HashMap<String, BTreeMap<u32, Bytes>>,
    started: u64,
}

#[derive(Debug, Clone)]
struct Object {
    content: Vec<Bytes>,
    content_type: String,
    content_encoding: Option<String>,
    etag: String,
    /// As it came with the object; of an object in parts there is none that clients compare.
    sha256: Option<String>,
}

impl Object {
    fn new(request: &Request, content: Vec<Bytes>, sha256: Option<String>) -> Self {
        let etag = content.iter().fold(content.len() as u64, |sum, part| sum.rotate_left(7) ^ hash(part));
        Self {
            content,
            content_type: request.header("content-type").unwrap_or("binary/octet-stream").to_owned(),
            content_encoding: request.header("content-encoding").map(str::to_owned),
            etag: format!("\"{etag:016x}\""),
            sha256,
        }
    }

    fn size(&self) -> usize {
        self.content.iter().map(Bytes::len).sum()
    }

    /// The bytes from `start` to before `end`.
    fn range(&self, start: usize, end: usize) -> Vec<Bytes> {
        let mut begins = 0;
        let mut pieces = Vec::new();
        for piece in &self.content {
            let (from, to) = (start.max(begins), end.min(begins + piece.len()));
            if from < to {
                pieces.push(piece.slice(from - begins..to - begins));
            }
            begins += piece.len();
        }
        pieces
    }
}

impl Objects {
    /// The size of an object.
    pub(crate) fn size(&self, key: &str) -> Option<usize> {
        self.with(|bucket| bucket.objects.get(key).map(Object::size))
    }

    pub(super) fn answer(&self, request: &Request) -> (Call, Answer) {
        if request.method == "GET" && request.parameter("list-type").is_some() {
            let target = format!("{:?}", request.query);
            let call = Call { api: "s3:ListBucket".to_owned(), target, dialect: Dialect::S3, of_the_account: false };
            return (call, self.list(request));
        }
        let key = request.path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
        let upload = request.parameter("uploadId");
        let part = request.parameter("partNumber").and_then(|number| number.parse().ok());
        let (api, answer) = match (request.method.as_str(), upload, part) {
            ("GET", None, None) => ("GetObject", self.get(request, key)),
            ("PUT", None, None) => ("PutObject", self.put(request, key)),
            ("POST", None, None) if request.parameter("uploads").is_some() => ("CreateMultipartUpload", self.create()),
            ("PUT", Some(upload), Some(part)) => ("UploadPart", self.upload(request, upload, part)),
            ("POST", Some(upload), None) => ("CompleteMultipartUpload", self.complete(request, key, upload)),
            ("DELETE", Some(upload), None) => ("AbortMultipartUpload", self.abort(upload)),
            (method, ..) => (method, Dialect::S3.unknown()),
        };
        let target = format!("{key} {part:?}");
        (Call { api: format!("s3:{api}"), target, dialect: Dialect::S3, of_the_account: false }, answer)
    }

    fn get(&self, request: &Request, key: &str) -> Answer {
        let Some(object) = self.with(|bucket| bucket.objects.get(key).cloned()) else {
            return Dialect::S3.error(404, "NoSuchKey");
        };
        if request.header("if-match").is_some_and(|etag| etag != object.etag) {
            return Dialect::S3.error(412, "PreconditionFailed");
        }
        let size = object.size();
        let range = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let range =
            range.map(|(start, end)| (start.parse().unwrap_or(0), end.parse().map_or(size, |end: usize| end + 1)));
        let mut answer = match range {
            None => Answer { status: 200, headers: Vec::new(), body: object.content },
            Some((start, end)) if start < end.min(size) => {
                let end = end.min(size);
                let body = object.range(start, end);
                Answer { status: 206, headers: Vec::new(), body }
                    .with("content-range", format!("bytes {start}-{}/{size}", end - 1))
            }
            Some(_) => return Dialect::S3.error(416, "InvalidRange"),
        };
        answer = answer.with("etag", object.etag).with("content-type", object.content_type);
        if let Some(encoding) = object.content_encoding {
            answer = answer.with("content-encoding", encoding);
        }
        match object.sha256 {
            Some(sha256) if range.is_none() && request.header("x-amz-checksum-mode").is_some() => {
                answer.with("x-amz-checksum-sha256", sha256)
            }
            _ => answer,
        }
    }

    /// A page of the keys, and of what they have in common before a delimiter. The token is the last one of the page before.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>
    fn list(&self, request: &Request) -> Answer {
        let [prefix, delimiter, after] =
            ["prefix", "delimiter", "continuation-token"].map(|name| request.parameter(name).unwrap_or_default());
        let up_to_delimiter =
            |key: &str| match key[prefix.len()..].split_once(delimiter).filter(|_| !delimiter.is_empty()) {
                Some((name, _)) => format!("{prefix}{name}{delimiter}"),
                None => key.to_owned(),
            };
        let listed: BTreeSet<String> = self.with(|bucket| {
            let within = bucket.objects.keys().filter(|key| key.starts_with(prefix));
            within.map(|key| up_to_delimiter(key)).filter(|listed| listed.as_str() > after).collect()
        });
        let page: Vec<&String> = listed.iter().take(PAGE).collect();
        let entries: String = page.iter().map(|listed| entry(listed, delimiter)).collect();
        let next = page
            .last()
            .filter(|_| listed.len() > PAGE)
            .map_or_else(String::new, |last| format!("<NextContinuationToken>{last}</NextContinuationToken>"));
        let is_truncated = listed.len() > PAGE;
        let body =
            format!("<ListBucketResult><IsTruncated>{is_truncated}</IsTruncated>{next}{entries}</ListBucketResult>");
        Answer::new(200, "application/xml", body)
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    fn put(&self, request: &Request, key: &str) -> Answer {
        let sha256 = request.header("x-amz-checksum-sha256").map(str::to_owned);
        let object = Object::new(request, vec![request.body.clone()], sha256);
        self.place(request, key, object, |etag| Answer::empty(200).with("etag", etag))
    }

    fn create(&self) -> Answer {
        let id = self.with(|bucket| {
            bucket.started += 1;
            let id = format!("upload-{}", bucket.started);
            bucket.uploads.insert(id.clone(), BTreeMap::new());
            id
        });
        let body = format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>");
        Answer::new(200, "application/xml", body)
    }

    fn upload(&self, request: &Request, upload: &str, part: u32) -> Answer {
        let known = self.with(|bucket| {
            bucket.uploads.get_mut(upload).map(|parts| parts.insert(part, request.body.clone())).is_some()
        });
        if known {
            Answer::empty(200).with("etag", format!("\"{:016x}\"", hash(&request.body)))
        } else {
            Dialect::S3.error(404, "NoSuchUpload")
        }
    }

    fn complete(&self, request: &Request, key: &str, upload: &str) -> Answer {
        let Some(parts) = self.with(|bucket| bucket.uploads.remove(upload)) else {
            return Dialect::S3.error(404, "NoSuchUpload");
        };
        let object = Object::new(request, parts.into_values().collect(), None);
        self.place(request, key, object, |etag| {
            let body = format!(
                "<CompleteMultipartUploadResult><ETag>{}</ETag></CompleteMultipartUploadResult>",
                etag.replace('"', "&quot;")
            );
            Answer::new(200, "application/xml", body)
        })
    }

    fn abort(&self, upload: &str) -> Answer {
        self.with(|bucket| bucket.uploads.remove(upload));
        Answer::empty(204)
    }

    /// Puts an object into the bucket if the request's condition holds.
    fn place(&self, request: &Request, key: &str, object: Object, placed: impl Fn(&str) -> Answer) -> Answer {
        self.with(|bucket| {
            let there = bucket.objects.get(key).map(|object| object.etag.as_str());
            if request.header("if-none-match").is_some() && there.is_some() {
                return Dialect::S3.error(412, "PreconditionFailed");
            }
            match (request.header("if-match"), there) {
                (Some(_), None) => return Dialect::S3.error(404, "NoSuchKey"),
                (Some(wanted), Some(etag)) if wanted != etag => return Dialect::S3.error(412, "PreconditionFailed"),
                _ => {}
            }
            let answer = placed(&object.etag);
            bucket.objects.insert(key.to_owned(), object);
            answer
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut Bucket) -> T) -> T {
        f(&mut self.bucket.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A key, or what keys have in common. The functions' keys hold nothing that XML would have escaped.
fn entry(listed: &str, delimiter: &str) -> String {
    if !delimiter.is_empty() && listed.ends_with(delimiter) {
        format!("<CommonPrefixes><Prefix>{listed}</Prefix></CommonPrefixes>")
    } else {
        format!("<Contents><Key>{listed}</Key></Contents>")
    }
}
