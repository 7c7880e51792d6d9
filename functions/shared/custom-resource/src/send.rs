//! Sends an answer to the pre-signed address at which CloudFormation waits for it.

use std::time::Duration;

use audit_task::TaskError;

use crate::answer::Answer;

/// How often an answer is sent before giving up.
pub(crate) const ATTEMPTS: u32 = 5;

/// How long one attempt may take.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// The pause after the first attempt; it doubles with each one.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Sends the answer to `address`, again and again if need be.
///
/// # Errors
/// `Unavailable` when CloudFormation's bucket took it in none of the attempts.
pub(crate) async fn send(
    client: &reqwest::Client,
    address: &str,
    answer: &Answer,
    first_pause: Duration,
) -> Result<(), TaskError> {
    let body = serde_json::to_vec(answer)
        .map_err(|error| TaskError::Internal(format!("the answer cannot be written as JSON: {error}")))?;
    let mut pause = first_pause;
    let mut complaint = String::new();
    for attempt in 1..=ATTEMPTS {
        // The address is signed for a request without a content type.
        let sent = client.put(address).body(body.clone()).send().await;
        match sent.and_then(reqwest::Response::error_for_status) {
            Ok(_) => return Ok(()),
            // The address carries a signature, which belongs into no log.
            Err(error) => complaint = error.without_url().to_string(),
        }
        tracing::warn!(attempt, complaint, "CloudFormation did not take the answer");
        if attempt < ATTEMPTS {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
    Err(TaskError::Unavailable(format!("CloudFormation did not take the answer in {ATTEMPTS} attempts: {complaint}")))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};
    use std::thread;

    use pretty_assertions::assert_eq;
    use serde_json::{Value, json};

    use super::*;
    use crate::{Attributes, TIME_TO_ANSWER};

    /// A request as it came: the head's lines, and the body.
    type Received = (Vec<String>, Value);

    /// A server on loopback that answers one request with each status, and what it has received.
    fn bucket_answering(statuses: &'static [u16]) -> (String, Arc<Mutex<Vec<Received>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/answer?signature=secret", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = received.clone();
        thread::spawn(move || {
            for status in statuses {
                let mut stream = BufReader::new(listener.accept().unwrap().0);
                let lines = stream.by_ref().lines().map(Result::unwrap);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let mut body = vec![0; length.parse().unwrap()];
                stream.read_exact(&mut body).unwrap();
                log.lock().unwrap().push((head, serde_json::from_slice(&body).unwrap()));
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        });
        (address, received)
    }

    /// The answer to the creation of a resource with these attributes, sent without pauses.
    async fn send_to(address: &str, attributes: Attributes) -> Result<(), TaskError> {
        let request = serde_json::from_value(json!({
            "RequestType": "Create",
            "ResponseURL": "not this one",
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/audit/1",
            "RequestId": "request-1",
            "LogicalResourceId": "EmptyReports",
            "ResourceProperties": {},
        }))
        .unwrap();
        let answer = Answer::success(&request, Some("empty-reports".to_owned()), attributes);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        send(&client, address, &answer, Duration::ZERO).await
    }

    #[tokio::test]
    async fn the_answer_is_put_as_cloudformation_wants_it() {
        let (address, received) = bucket_answering(&[200, 200]);
        assert_eq!(send_to(&address, Attributes::new()).await, Ok(()));
        assert_eq!(send_to(&address, Attributes::from([("Size", "3".to_owned())])).await, Ok(()));
        let received = received.lock().unwrap();
        let [(head, body), (_, with_attributes)] = received.as_slice() else { panic!("{} requests", received.len()) };
        assert_eq!(head[0], "PUT /answer?signature=secret HTTP/1.1");
        assert!(!head.iter().any(|line| line.to_lowercase().starts_with("content-type")), "{head:?}");
        let mut expected = json!({
            "Status": "SUCCESS",
            "Reason": "done",
            "PhysicalResourceId": "empty-reports",
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/audit/1",
            "RequestId": "request-1",
            "LogicalResourceId": "EmptyReports",
        });
        assert_eq!(body, &expected);
        expected["Data"] = json!({ "Size": "3" });
        assert_eq!(with_attributes, &expected);
    }

    #[tokio::test]
    async fn it_is_sent_until_it_is_taken() {
        let (address, received) = bucket_answering(&[503, 500, 200]);
        assert_eq!(send_to(&address, Attributes::new()).await, Ok(()));
        let received = received.lock().unwrap();
        assert_eq!(received.len(), 3);
        assert!(received.iter().all(|(_, body)| body == &received[0].1), "{received:?}");
    }

    #[tokio::test]
    async fn an_answer_that_is_never_taken_is_an_error_without_the_signature() {
        let (address, received) = bucket_answering(&[503; ATTEMPTS as usize]);
        let error = send_to(&address, Attributes::new()).await.unwrap_err();
        assert_eq!((error.name(), received.lock().unwrap().len()), ("Unavailable", 5));
        let message = error.to_string();
        assert!(message.contains("503") && !message.contains("secret"), "{message}");
    }

    #[test]
    fn all_attempts_and_pauses_fit_into_the_time_to_answer() {
        let pauses: Duration = (0..ATTEMPTS - 1).map(|n| FIRST_PAUSE * 2_u32.pow(n)).sum();
        assert!(ATTEMPT_TIMEOUT * ATTEMPTS + pauses <= TIME_TO_ANSWER);
    }
}
