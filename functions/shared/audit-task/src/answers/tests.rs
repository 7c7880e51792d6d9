use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use audit_model::UnreadableCause;
use aws_config::retry::RetryConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use pretty_assertions::assert_eq;
use tokio::time::Instant;

use super::*;
use crate::clients::{MAX_ATTEMPTS, settings};
use crate::{Budget, task_error, unreadable, until};

/// What stands in for AWS: each request is answered by `answer`, which is given its number, from 1 on, and what to
/// write to, on a connection of its own.
struct Aws {
    endpoint: String,
    requests: Arc<AtomicU32>,
}

impl Aws {
    fn new(answer: impl Fn(u32, &mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&requests);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                read_request(&mut connection);
                answer(counted.fetch_add(1, Ordering::SeqCst) + 1, &mut connection);
            }
        });
        Self { endpoint, requests }
    }

    /// Every request is answered with this.
    fn always(status: &'static str, body: &'static str) -> Self {
        Self::new(move |_, connection| respond(connection, status, body.len(), body))
    }

    fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }

    /// The configuration of all clients, but that it does not wait long between attempts.
    async fn config(&self) -> SdkConfig {
        let config = settings()
            .endpoint_url(&self.endpoint)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "tests"))
            .load()
            .await;
        let retry =
            RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS).with_initial_backoff(Duration::from_millis(1));
        config.into_builder().retry_config(retry).build()
    }

    async fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config().await).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    async fn ec2(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.config().await)
    }
}

fn read_request(connection: &mut TcpStream) {
    let mut request = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = connection.read(&mut bytes) {
        request.extend_from_slice(&bytes[..read]);
        let Some(head) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let lines = String::from_utf8_lossy(&request[..head]).to_lowercase();
        let length = lines.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if request.len() >= head + 4 + length.unwrap_or(0) {
            return;
        }
    }
}

fn respond(connection: &mut TcpStream, status: &str, length: usize, body: &str) {
    // Whether the client still listens is its own business.
    let _ = write!(connection, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
}

const BUCKETS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>0123</ID></Owner><Buckets><Bucket><Name>first</Name></Bucket><Bucket><Name>second</Name></Bucket></Buckets></ListAllMyBucketsResult>
"#;

/// Where `text` begins in the answer.
fn at(answer: &str, text: &str) -> usize {
    answer.find(text).unwrap()
}

fn names(answer: aws_sdk_s3::operation::list_buckets::ListBucketsOutput) -> Vec<String> {
    answer.buckets.unwrap_or_default().into_iter().filter_map(|bucket| bucket.name).collect()
}

#[tokio::test]
async fn a_list_that_was_cut_between_two_elements_is_asked_for_again() {
    let half = &BUCKETS[..at(BUCKETS, "<Bucket><Name>second")];
    let aws = Aws::new(move |request, connection| {
        let answer = if request == 1 { half } else { BUCKETS };
        respond(connection, "200 OK", answer.len(), answer);
    });
    let answer = aws.s3().await.list_buckets().send().await.unwrap();
    assert_eq!((names(answer), aws.requests()), (vec!["first".to_owned(), "second".to_owned()], 2));
}

#[tokio::test]
async fn a_connection_that_breaks_within_the_answer_is_made_again() {
    let aws = Aws::new(|request, connection| {
        let sent = if request == 1 { BUCKETS.len() / 2 } else { BUCKETS.len() };
        respond(connection, "200 OK", BUCKETS.len(), &BUCKETS[..sent]);
    });
    let answer = aws.s3().await.list_buckets().send().await.unwrap();
    assert_eq!((names(answer).len(), aws.requests()), (2, 2));
}

/// Both how a reading fails and how a task does.
fn failed<T, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> (UnreadableCause, String, &'static str) {
    let error = answer.map(|_| ()).unwrap_err();
    let why = unreadable("s3:ListAllMyBuckets", &error);
    (why.cause, why.detail, task_error("s3:ListAllMyBuckets", &error).name())
}

#[tokio::test]
async fn an_answer_that_is_never_whole_is_no_answer_and_one_that_is_not_understood_is_malformed() {
    let cut = &BUCKETS[..at(BUCKETS, "</ListAllMyBucketsResult>")];
    let cases: [(Aws, _, _, _, _); 6] = [
        (
            Aws::always("200 OK", cut),
            UnreadableCause::Failed,
            "the answer ends before its outermost element does",
            "Unavailable",
            MAX_ATTEMPTS,
        ),
        (Aws::always("200 OK", ""), UnreadableCause::Failed, "the answer is empty", "Unavailable", MAX_ATTEMPTS),
        (
            Aws::new(|_, connection| respond(connection, "200 OK", BUCKETS.len(), &BUCKETS[..BUCKETS.len() / 2])),
            UnreadableCause::Failed,
            "the answer broke off",
            "Unavailable",
            MAX_ATTEMPTS,
        ),
        (
            Aws::always("200 OK", "<ListAllMyBucketsResult><Owner/></ListAllMyBucketsResult>"),
            UnreadableCause::Malformed,
            "the answer lacks Buckets, which AWS always sends",
            "Corrupt",
            MAX_ATTEMPTS,
        ),
        (
            Aws::always("200 OK", "<Sheep><Buckets/></Sheep>"),
            UnreadableCause::Malformed,
            "the response could not be parsed",
            "Corrupt",
            1,
        ),
        (Aws::always("200 OK", "Baa"), UnreadableCause::Malformed, "the response could not be parsed", "Corrupt", 1),
    ];
    for (aws, cause, detail, name, requests) in cases {
        let answer = aws.s3().await.list_buckets().send().await;
        assert_eq!((failed(answer), aws.requests()), ((cause, detail.to_owned(), name), requests));
    }
}

#[tokio::test]
async fn so_it_is_with_half_of_an_access_control_list_and_with_ec2() {
    let acl = "<AccessControlPolicy><Owner><ID>0123</ID></Owner><AccessControlList>";
    let aws = Aws::always("200 OK", acl);
    let answer = aws.s3().await.get_bucket_acl().bucket("readable").send().await;
    assert_eq!(failed(answer).0, UnreadableCause::Failed);

    for vpcs in ["", "<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>"] {
        let aws = Aws::always("200 OK", vpcs);
        let answer = aws.ec2().await.describe_vpcs().send().await;
        assert_eq!((failed(answer).0, aws.requests()), (UnreadableCause::Failed, MAX_ATTEMPTS), "{vpcs:?}");
    }
}

/// The SDK puts an empty list where these are missing.
#[tokio::test]
async fn what_the_sdk_would_make_up_is_no_answer() {
    let aws = Aws::always("200 OK", "<Tagging></Tagging>");
    let answer = aws.s3().await.get_bucket_tagging().bucket("tagged").send().await;
    assert_eq!(failed(answer).0, UnreadableCause::Malformed);

    let lambda = aws_sdk_lambda::Client::new(&Aws::always("200 OK", "{}").config().await);
    assert_eq!(failed(lambda.get_function().function_name("f").send().await).0, UnreadableCause::Malformed);
    assert_eq!(failed(lambda.list_functions().send().await).0, UnreadableCause::Malformed);
    let answer = lambda.list_function_url_configs().function_name("f").send().await;
    assert_eq!(failed(answer).0, UnreadableCause::Malformed);
    let none = aws_sdk_lambda::Client::new(&Aws::always("200 OK", r#"{"FunctionUrlConfigs":[]}"#).config().await);
    assert!(none.list_function_url_configs().function_name("f").send().await.is_ok());
}

#[tokio::test]
async fn a_hollow_answer_is_asked_for_again() {
    let aws = Aws::new(|request, connection| {
        let answer = if request == 1 {
            "<DescribeVpcsResponse/>"
        } else {
            "<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>"
        };
        respond(connection, "200 OK", answer.len(), answer);
    });
    let answer = aws.ec2().await.describe_vpcs().send().await.unwrap();
    assert_eq!((answer.vpcs, aws.requests()), (Some(Vec::new()), 2));
}

/// The parser of JSON notices what is missing, and Lambda's answers are empty where they are not whole.
#[tokio::test]
async fn half_of_a_json_document_is_no_answer_either() {
    let cases = [
        ("", UnreadableCause::Failed),
        (r#"{"Configuration":{"FunctionName":"#, UnreadableCause::Failed),
        (r#"{"Configuration":{}"#, UnreadableCause::Malformed),
    ];
    for (body, cause) in cases {
        let client = aws_sdk_lambda::Client::new(&Aws::always("200 OK", body).config().await);
        assert_eq!(failed(client.get_function().function_name("f").send().await).0, cause, "{body}");
    }
}

#[tokio::test]
async fn what_succeeds_without_a_word_is_whole() {
    let (ok, no_content) = (Aws::always("200 OK", ""), Aws::always("204 No Content", ""));
    let s3 = ok.s3().await;
    s3.head_bucket().bucket("mine").send().await.unwrap();
    s3.put_object().bucket("mine").key("of").content_length(0).send().await.unwrap();
    no_content.s3().await.delete_bucket_encryption().bucket("mine").send().await.unwrap();
}

#[tokio::test]
async fn an_object_is_read_while_it_arrives_whatever_it_holds() {
    let (rest, held_back) = channel();
    let held_back: Receiver<&str> = held_back;
    let aws = Aws::new(move |_, connection| {
        respond(connection, "200 OK", 20, "<html>");
        connection.flush().unwrap();
        connection.write_all(held_back.recv().unwrap().as_bytes()).unwrap();
    });
    let object = aws.s3().await.get_object().bucket("mine").key("report").send().await.unwrap();
    rest.send("<p>not closed.").unwrap();
    assert_eq!(object.body.collect().await.unwrap().into_bytes(), "<html><p>not closed.");

    let empty = Aws::always("200 OK", "").s3().await.get_object().bucket("mine").key("findings").send().await.unwrap();
    assert_eq!(empty.body.collect().await.unwrap().into_bytes(), "");
}

#[tokio::test]
async fn a_budget_pays_for_every_attempt_and_hears_of_throttling() {
    let aws = Aws::new(|request, connection| match request {
        1..=4 => respond(connection, "503 Slow Down", 40, "<Error><Code>SlowDown</Code></Error>    "),
        _ => respond(connection, "200 OK", BUCKETS.len(), BUCKETS),
    });
    let s3 = aws.s3().await;
    let budget = Budget::new(NonZeroU32::new(20).unwrap());
    let start = Instant::now();
    budget.spend(s3.list_buckets().send()).await.unwrap();
    assert_eq!(budget.throttled(), 4);
    budget.spend(std::future::ready(())).await;
    // The sixth of 20 requests a second.
    assert_eq!(aws.requests(), 5);
    assert!(start.elapsed() >= Duration::from_millis(5 * 50), "{:?}", start.elapsed());
}

#[tokio::test]
async fn after_the_deadline_nothing_is_asked_and_nobody_waits_for_an_answer() {
    let aws = Aws::new(|_, _| std::thread::sleep(Duration::from_secs(30)));
    let s3 = aws.s3().await;
    let start = Instant::now();
    let deadline = start + Duration::from_millis(200);
    let later = deadline + Duration::from_secs(60);
    let expected = (UnreadableCause::Failed, "the time to read it was over".to_owned(), "Unavailable");
    // One is under way, and one comes late. A later deadline within an earlier one gives no more time.
    for _ in 0..2 {
        let answer = until(deadline, until(later, s3.list_buckets().send())).await;
        assert_eq!(failed(answer), expected);
    }
    assert_eq!(aws.requests(), 1);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn xml_is_whole_once_its_root_is_closed() {
    let cases = [
        ("<a><b/></a>", true),
        ("<?xml version=\"1.0\"?>\n\n<!-- of a request -->\n<a xmlns=\"http://x/\">\n<b>1</b>\n</a>\n", true),
        ("<a/>", true),
        ("<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>", true),
        ("<a></a >", true),
        ("<a>", false),
        ("<a><b/>", false),
        ("<a><b></b>", false),
        ("<a><ba></ba>", false),
        ("<a><b></b></a", false),
        ("<a", false),
        ("<", false),
        ("<?xml version=\"1.0\"?>", false),
        ("<?xml versi", false),
        ("<!-- of a", false),
    ];
    for (xml, closed) in cases {
        assert_eq!(is_closed(xml.trim().as_bytes()), closed, "{xml}");
    }
}

/// Wherever an answer is cut, but in the white space behind it.
#[test]
fn no_beginning_of_an_answer_is_whole() {
    for end in 0..BUCKETS.trim_end().len() {
        assert!(!is_closed(&BUCKETS.as_bytes()[..end]), "{}", &BUCKETS[..end]);
    }
    assert!(is_closed(BUCKETS.trim_end().as_bytes()));
}
