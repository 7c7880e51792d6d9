//! As much of HTTP/1.1 as the clients of AWS and of the Lambda runtime interface speak over loopback: connections that
//! are kept open, and bodies whose length is told.
//! <https://www.rfc-editor.org/rfc/rfc9112>

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query, percent-decoded.
    pub(crate) path: String,
    /// The query's parameters in their order, percent-decoded.
    pub(crate) query: Vec<(String, String)>,
    /// The names are in lowercase.
    headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Request {
    /// A header's value, by its name in lowercase.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }

    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        value(&self.query, name)
    }

    /// The parameters of a form in the body.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        parameters(&String::from_utf8_lossy(&self.body))
    }
}

/// The value of that name in a list of names and values.
pub(crate) fn value<'a>(list: &'a [(String, String)], name: &str) -> Option<&'a str> {
    list.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body in pieces.
    pub(crate) body: Vec<Bytes>,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![("content-type", content_type.to_owned())], body: vec![body.into()] }
    }

    pub(crate) const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// An answer and how it reaches the client.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    /// How long the client waits for it.
    pub(crate) after: Duration,
    pub(crate) delivery: Delivery,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self { answer, after: Duration::ZERO, delivery: Delivery::Whole }
    }
}

/// How much of an answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    /// The connection breaks within the body, or before the answer where it has none.
    Broken,
    /// Nothing comes, and the connection stays open.
    Never,
}

/// What answers requests.
pub(crate) trait Service: Send + Sync + 'static {
    fn answer(&self, request: Request) -> impl Future<Output = Reply> + Send;
}

/// What answers on a port of this machine, for as long as it has an owner.
#[derive(Debug)]
pub(crate) struct Server(JoinHandle<()>);

impl Server {
    /// Gives the address, too.
    pub(crate) async fn start(service: Arc<impl Service>) -> io::Result<(String, Self)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        Ok((endpoint, Self(tokio::spawn(serve(listener, service)))))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Answers every connection for as long as the task runs.
async fn serve(listener: TcpListener, service: Arc<impl Service>) {
    // Without a connection there is nobody to tell; the client reports what it did not get.
    while let Ok((stream, _)) = listener.accept().await {
        let service = Arc::clone(&service);
        tokio::spawn(async move { drop(converse(stream, &*service).await) });
    }
}

async fn converse(stream: TcpStream, service: &impl Service) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        let is_head = request.method == "HEAD";
        let Reply { answer, after, delivery } = service.answer(request).await;
        if !after.is_zero() {
            tokio::time::sleep(after).await;
        }
        match delivery {
            Delivery::Whole => write(stream.get_mut(), &answer, is_head).await?,
            Delivery::Broken => return write_half(stream.get_mut(), &answer).await,
            // Until the client gives up.
            Delivery::Never => return stream.read(&mut [0]).await.map(drop),
        }
    }
    Ok(())
}

/// The next request, or `None` when the client has closed the connection.
async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (decoded(path), parameters(query));
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if value(&headers, "transfer-encoding").is_some() || value(&headers, "content-encoding") == Some("aws-chunked") {
        return Err(io::Error::other(format!("{method} {path} comes in chunks; only a body of a told length is read")));
    }
    if value(&headers, "expect").is_some() {
        stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let length = value(&headers, "content-length").map_or(Ok(0), str::parse::<usize>).map_err(io::Error::other)?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Request { method, path, query, headers, body: body.into() }))
}

fn head(answer: &Answer, length: usize) -> String {
    let mut head = format!("HTTP/1.1 {} -\r\ncontent-length: {length}\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head
}

async fn write(stream: &mut TcpStream, answer: &Answer, is_head: bool) -> io::Result<()> {
    // 204 has neither a body nor its length: https://www.rfc-editor.org/rfc/rfc9110#section-8.6
    if answer.status == 204 {
        return stream.write_all(b"HTTP/1.1 204 -\r\n\r\n").await;
    }
    let mut head = head(answer, answer.body.iter().map(Bytes::len).sum()).into_bytes();
    if is_head {
        return stream.write_all(&head).await;
    }
    // A small answer goes out in one packet.
    if let [only] = answer.body.as_slice()
        && only.len() < 64 * 1024
    {
        head.extend_from_slice(only);
        return stream.write_all(&head).await;
    }
    stream.write_all(&head).await?;
    for piece in &answer.body {
        stream.write_all(piece).await?;
    }
    Ok(())
}

async fn write_half(stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    let length: usize = answer.body.iter().map(Bytes::len).sum();
    if length > 0 {
        stream.write_all(head(answer, length).as_bytes()).await?;
        let mut left = length / 2;
        for piece in &answer.body {
            let sent = piece.len().min(left);
            stream.write_all(&piece[..sent]).await?;
            left -= sent;
        }
        stream.flush().await?;
    }
    stream.shutdown().await
}

fn parameters(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (decoded(name), decoded(&value.replace('+', " ")))
        })
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match hex.filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
