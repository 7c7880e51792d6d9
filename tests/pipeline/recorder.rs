//! A relay before the local AWS that keeps what is sent to it: what a function asks of AWS is observed on the wire, and
//! not believed.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What was sent over one connection.
type Sent = Arc<Mutex<Vec<u8>>>;

/// A relay on loopback.
pub struct Recorder {
    /// Its URL.
    pub url: String,
    connections: Arc<Mutex<Vec<Sent>>>,
}

/// One request as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The operation, in those of AWS's protocols that tell it beside the path: the JSON protocol and the query protocol.
    pub target: Option<String>,
}

impl Recorder {
    /// Begins to relay to the local AWS at this URL.
    pub async fn before(endpoint: &str) -> Self {
        let upstream = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections: Arc<Mutex<Vec<Sent>>> = Arc::default();
        let kept = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let sent = Arc::default();
                kept.lock().unwrap().push(Arc::clone(&sent));
                tokio::spawn(relay(client, upstream.clone(), sent));
            }
        });
        Self { url, connections }
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Recorded> {
        let connections = self.connections.lock().unwrap();
        connections.iter().flat_map(|sent| requests_in(&sent.lock().unwrap())).collect()
    }
}

async fn relay(client: TcpStream, upstream: String, sent: Sent) {
    let server = TcpStream::connect(upstream).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::spawn(async move {
        // The connection ends when either side ends it.
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        sent.lock().unwrap().extend_from_slice(&buffer[..length]);
        if to_server.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    answers.abort();
}

/// The heads of the requests in what was sent over one connection. A body has no line that ends in `HTTP/1.1`.
fn requests_in(sent: &[u8]) -> Vec<Recorded> {
    let text = String::from_utf8_lossy(sent);
    let mut requests: Vec<Recorded> = Vec::new();
    for line in text.lines() {
        if let Some(action) = line.strip_prefix("Action=").and_then(|form| form.split('&').next()) {
            requests.last_mut().unwrap().target = Some(action.to_owned());
        }
        // The first line of a request may stand behind the body of the one before, which need not end with a line break.
        if let Some((before, path)) = line.strip_suffix(" HTTP/1.1").and_then(|line| line.rsplit_once(' ')) {
            let methods = ["DELETE", "GET", "HEAD", "POST", "PUT"];
            let method = methods.into_iter().find(|method| before.ends_with(method)).unwrap();
            requests.push(Recorded { method: method.to_owned(), path: path.to_owned(), target: None });
        } else if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("x-amz-target")
        {
            requests.last_mut().unwrap().target = Some(value.to_owned());
        }
    }
    requests
}
