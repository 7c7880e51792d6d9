//! S3 on a socket, as it answers in its own time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};

use super::super::*;

/// What a call of S3 may last where nobody is more patient with it.
const USUAL: Duration = Duration::from_millis(500);

/// An answer: the status, one header, and the body in pieces, each after a pause. `None` is a connection that breaks.
type Answer = Option<(u16, String, Vec<(Duration, &'static str)>)>;

const BEGUN: &str = "<InitiateMultipartUploadResult><UploadId>upload</UploadId></InitiateMultipartUploadResult>";
const COMPLETED: &str = "<CompleteMultipartUploadResult><Key>a</Key></CompleteMultipartUploadResult>";
const NO_SUCH_UPLOAD: &str = "<Error><Code>NoSuchUpload</Code><Message>no</Message></Error>";
const INTERNAL_ERROR: &str = "<Error><Code>InternalError</Code><Message>no</Message></Error>";

fn at_once(status: u16, body: &'static str) -> Answer {
    Some((status, String::new(), vec![(Duration::ZERO, body)]))
}

fn head(checksum: &str) -> Answer {
    Some((200, format!("x-amz-checksum-sha256: {checksum}\r\n"), Vec::new()))
}

/// A store in a bucket of S3 that answers as `answer` says to a method with a query.
fn store(answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> S3Store {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = answer.clone();
            // A client that has lost its patience hangs up.
            thread::spawn(move || serve(&stream.unwrap(), answer.as_ref()).is_ok());
        }
    });
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .force_path_style(true)
        .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(1)))
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(USUAL).operation_timeout(2 * USUAL).build())
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled().upload_enabled(false).grace_period(USUAL).build(),
        )
        .build();
    S3Store { client: Client::from_conf(config), bucket: "reports".to_owned(), account: "111122223333".to_owned() }
}

fn serve(stream: &TcpStream, answer: &impl Fn(&str, &str) -> Answer) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_ascii_lowercase());
    }
    let header = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let mut stream = stream;
    if header("expect:").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length = header("content-length:").map_or(0, |length| length.parse().unwrap());
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    let mut first = lines[0].split_whitespace();
    let method = first.next().unwrap();
    let query = first.next().unwrap().split_once('?').map_or("", |(_, query)| query);
    let Some((status, headers, pieces)) = answer(method, query) else {
        return Ok(());
    };
    write!(stream, "HTTP/1.1 {status} status\r\n{headers}connection: close\r\n\r\n")?;
    for (pause, piece) in pieces {
        stream.flush()?;
        thread::sleep(pause);
        stream.write_all(piece.as_bytes())?;
    }
    Ok(())
}

/// An upload of one part that holds `a`.
fn upload() -> Upload {
    let mut digest = Digest::new();
    digest.update(&Digest::of(b"a"));
    let part = CompletedPart::builder().part_number(1).e_tag("\"e\"").build();
    Upload { id: "upload".to_owned(), parts: vec![part], digest }
}

/// The checksum of its parts' checksums, worked out elsewhere.
const CHECKSUM: &str = "v106/7c+/S7Gw2rTES3ZM+/tY8Thy//PqI4nWcFE8tg=-1";

/// What comes of a completion that is answered so, attempt by attempt, where S3 tells this of the object afterwards.
async fn complete(answers: Vec<Answer>, object: Answer) -> Result<(), TaskError> {
    let answers = Mutex::new(answers.into_iter());
    let store = store(move |method, _| match method {
        "head" => object.clone(),
        _ => answers.lock().unwrap().next().unwrap(),
    });
    store.complete("a", upload()).await
}

#[tokio::test]
async fn s3_may_take_its_time_to_complete_an_upload() {
    let late = |pieces: &[&'static str]| {
        Some((200, String::new(), pieces.iter().map(|piece| (2 * USUAL, *piece)).collect::<Vec<_>>()))
    };
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let nobody = || at_once(404, "");
    let came = tokio::join!(
        // Nothing for a while.
        complete(vec![late(&[COMPLETED])], nobody()),
        // White space within the answer, or before it.
        complete(vec![late(&[declaration, "  ", COMPLETED])], nobody()),
        complete(vec![late(&["  ", COMPLETED])], nobody()),
    );
    assert_eq!(came, (Ok(()), Ok(()), Ok(())));
}

#[tokio::test]
async fn whether_an_upload_was_completed_the_object_tells() {
    let there = || head(CHECKSUM);
    let another = || head("rFt/mCbNL/3YEUSpFYES/PEvB2ap+husYG6hoQLNfio=-2");
    let no_such_upload = || at_once(404, NO_SUCH_UPLOAD);
    // (the answers to the completion, what is said of the object, the error's name and a word of it)
    let cases = [
        // The upload was completed, and its answer lost.
        (vec![None, no_such_upload()], there(), None),
        (vec![None, None], there(), None),
        (vec![no_such_upload()], another(), Some(("Internal", "NoSuchUpload"))),
        (vec![no_such_upload()], at_once(200, ""), Some(("Internal", "NoSuchUpload"))),
        (vec![no_such_upload()], at_once(404, ""), Some(("Internal", "NoSuchUpload"))),
        (vec![no_such_upload()], at_once(403, ""), Some(("Internal", "NoSuchUpload"))),
        // An error within an answer that says 200.
        (vec![at_once(200, INTERNAL_ERROR), at_once(200, COMPLETED)], at_once(404, ""), None),
        (vec![at_once(200, INTERNAL_ERROR); 2], at_once(404, ""), Some(("Unavailable", "InternalError"))),
    ];
    for (answers, object, expected) in cases {
        let told = format!("{answers:?} {object:?}");
        match (complete(answers, object).await, expected) {
            (Ok(()), None) => {}
            (Err(error), Some((name, word))) => {
                assert_eq!(error.name(), name, "{told}");
                assert!(error.to_string().contains(word), "{error}");
            }
            (came, _) => panic!("{told} came to {came:?}"),
        }
    }
}

#[tokio::test]
async fn an_object_in_parts_is_known_by_the_checksum_of_its_parts_checksums() {
    let store = store(|method, query| match method {
        "head" => head("rFt/mCbNL/3YEUSpFYES/PEvB2ap+husYG6hoQLNfio=-2"),
        "put" => at_once(200, ""),
        _ if query.starts_with("uploads") => at_once(200, BEGUN),
        _ => at_once(404, NO_SUCH_UPLOAD),
    });
    // Its sending is not what the clock is held to here.
    let config = store.client.config().to_builder().timeout_config(TimeoutConfig::disabled()).build();
    let store = S3Store { client: Client::from_conf(config), ..store };
    let mut writer = store.create("a", "text/plain").await.unwrap();
    writer.write(&vec![b'a'; PART_SIZE]).await.unwrap();
    writer.write(b"b").await.unwrap();
    assert_eq!(writer.finish().await.map(|written| written.bytes), Ok(PART_SIZE as u64 + 1));
}
