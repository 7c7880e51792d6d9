//! Connections that break, and an account whose reads are throttled meanwhile.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::test_util::infallible_client_fn;
use pretty_assertions::assert_eq;
use tokio::io::AsyncReadExt;

use super::super::reading::MOST_BREAKS;
use super::super::*;

/// One object of S3 on a socket, of which each request is sent so many bytes before the connection breaks. The last
/// entry holds for all requests that follow.
struct Object {
    content: &'static str,
    etag: Mutex<String>,
    sends: Vec<usize>,
    /// Of the whole object, as S3 keeps it.
    checksum: String,
    requests: Mutex<Vec<Request>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Request {
    range: Option<String>,
    if_match: Option<String>,
    is_checksum_asked_for: bool,
}

fn whole() -> Request {
    Request { range: None, if_match: None, is_checksum_asked_for: true }
}

fn from(byte: usize) -> Request {
    let range = Some(format!("bytes={byte}-"));
    Request { range, if_match: Some("\"1\"".to_owned()), is_checksum_asked_for: false }
}

const CONTENT: &str = "the first line\nthe second line\nthe third line\n";

impl Object {
    fn new(sends: &[usize]) -> Arc<Self> {
        Arc::new(Self {
            content: CONTENT,
            etag: Mutex::new("\"1\"".to_owned()),
            sends: sends.to_vec(),
            checksum: BASE64.encode(Digest::of(CONTENT.as_bytes())),
            requests: Mutex::default(),
        })
    }

    fn store(self: &Arc<Self>) -> S3Store {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let object = Arc::clone(self);
        thread::spawn(move || listener.incoming().for_each(|stream| drop(object.serve(&stream.unwrap()))));
        let config = settings("us-east-1").endpoint_url(endpoint).force_path_style(true).build();
        S3Store::new(Client::from_conf(config), "reports".to_owned(), "111122223333".to_owned())
    }

    fn serve(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let lines = BufReader::new(stream).lines().take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()));
        let lines = lines.collect::<Result<Vec<String>, _>>()?;
        let header = |name: &str| {
            let found = lines.iter().filter_map(|line| line.split_once(": ")).find(|(its, _)| *its == name);
            found.map(|(_, value)| value.to_owned())
        };
        let (range, if_match) = (header("range"), header("if-match"));
        let start = range.as_ref().map(|range| range["bytes=".len()..].trim_end_matches('-').parse::<usize>().unwrap());
        let is_checksum_asked_for = header("x-amz-checksum-mode").is_some();
        let etag = self.etag.lock().unwrap().clone();
        let is_another = if_match.as_ref().is_some_and(|wanted| *wanted != etag);
        let number = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(Request { range, if_match, is_checksum_asked_for });
            requests.len() - 1
        };
        if is_another {
            let body = "<Error><Code>PreconditionFailed</Code></Error>";
            return write!(
                stream,
                "HTTP/1.1 412 -\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
        let length = self.content.len();
        let rest = &self.content[start.unwrap_or(0)..];
        let sent = self.sends[number.min(self.sends.len() - 1)].min(rest.len());
        let status = match start {
            None => "200 -".to_owned(),
            Some(start) => format!("206 -\r\ncontent-range: bytes {start}-{}/{length}", length - 1),
        };
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: {etag}\r\nx-amz-checksum-sha256: {}\r\nconnection: close\r\n\r\n{}",
            rest.len(),
            self.checksum,
            &rest[..sent]
        )
    }
}

fn settings(region: &'static str) -> Builder {
    aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(Credentials::for_tests())
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
}

async fn read(store: &S3Store) -> std::io::Result<String> {
    let mut content = String::new();
    store.open("findings").await.unwrap().unwrap().read_to_string(&mut content).await?;
    Ok(content)
}

#[tokio::test]
async fn a_stream_goes_on_where_it_broke() {
    let object = Object::new(&[20, 0, 5, usize::MAX]);
    assert_eq!(read(&object.store()).await.unwrap(), CONTENT);
    assert_eq!(*object.requests.lock().unwrap(), [whole(), from(20), from(20), from(25)]);
}

#[tokio::test]
async fn a_stream_that_breaks_at_its_first_byte_goes_on_too() {
    let object = Object::new(&[0, usize::MAX]);
    assert_eq!(read(&object.store()).await.unwrap(), CONTENT);
}

#[tokio::test]
async fn what_was_replaced_meanwhile_is_not_glued_to_what_was_there() {
    let object = Object::new(&[20, usize::MAX]);
    let store = object.store();
    let mut reader = store.open("findings").await.unwrap().unwrap();
    "\"2\"".clone_into(&mut object.etag.lock().unwrap());
    let error = reader.read_to_string(&mut String::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "the object findings was replaced or deleted while it was read");
}

/// Its checksum is that of other content, which a second reading would find again.
#[tokio::test]
async fn a_whole_object_with_another_checksum_is_an_error_and_not_read_on() {
    let mut object = Object::new(&[usize::MAX]);
    Arc::get_mut(&mut object).unwrap().checksum = BASE64.encode(Digest::of(b"other content"));
    read(&object.store()).await.unwrap_err();
    assert_eq!(*object.requests.lock().unwrap(), [whole()]);
}

#[tokio::test]
async fn a_stream_or_a_small_object_that_breaks_again_and_again_is_given_up() {
    for is_small in [false, true] {
        let object = Object::new(&[0]);
        let store = object.store();
        let failed = if is_small { store.get("findings").await.is_err() } else { read(&store).await.is_err() };
        assert_eq!((failed, object.requests.lock().unwrap().len()), (true, 1 + MOST_BREAKS as usize), "{is_small}");
    }
}

#[tokio::test]
async fn a_small_object_is_read_again_as_a_whole() {
    let object = Object::new(&[20, usize::MAX]);
    let stored = object.store().get("plan").await.unwrap().unwrap();
    assert_eq!((&stored.content[..], stored.etag.as_str()), (CONTENT.as_bytes(), "\"1\""));
    assert_eq!(*object.requests.lock().unwrap(), [whole(), whole()]);
}

/// Two of five answers are "Slow Down", to whoever asks. The account's reads come first, and many.
#[tokio::test]
async fn the_retries_of_the_account_s_reads_leave_the_store_its_own() {
    let answers = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&answers);
    let answer = move |request: http::Request<SdkBody>| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        let (status, body) = match (number % 5, request.method().as_str()) {
            (0 | 1, _) => (503, "<Error><Code>SlowDown</Code></Error>"),
            (_, "GET") => (200, "<AccessControlPolicy></AccessControlPolicy>"),
            _ => (200, ""),
        };
        http::Response::builder().status(status).body(SdkBody::from(body)).unwrap()
    };
    // The SDK counts retries by region: this one is no other test's.
    let account = Client::from_conf(settings("eu-north-1").http_client(infallible_client_fn(answer)).build());
    let store = S3Store::new(account.clone(), "reports".to_owned(), "111122223333".to_owned());
    for number in 0..600 {
        // Whether a reading succeeds in the end is not what this is about.
        drop(account.get_bucket_acl().bucket(format!("bucket-{number}")).send().await);
    }
    for number in 0..50 {
        let written = store.put(&format!("findings-{number}"), "text/plain", "a".into(), Condition::None).await;
        assert_eq!(written, Ok(PutOutcome::Written), "{number}");
    }
}
