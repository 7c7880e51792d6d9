//! A fake AWS: what the functions ask, answered for an account of any size as AWS documents it. Every module names what
//! it answers; whatever else is asked is refused as AWS refuses what it does not know.

mod ec2;
mod lambda;
mod objects;
mod other;
mod s3;
mod signing;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::account::{Account, REPORTS, hash};
use crate::faults::Conditions;
use crate::http::{Answer, Reply, Request, Service};
pub(crate) use objects::Objects;
pub(crate) use signing::KEY_ARN;
#[cfg(test)]
pub(crate) use signing::public_key;

/// One call of an API, as far as the account's books and the faults care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// The IAM action, for instance `s3:GetBucketAcl`; that of an API without an action of its own is its name.
    pub(crate) api: String,
    /// What it is about.
    pub(crate) target: String,
    pub(crate) dialect: Dialect,
    /// Whether the audited account is read, or the key that signs, and not the reports bucket or a service that is told
    /// something.
    pub(crate) of_the_account: bool,
}

/// How a service spells its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    S3,
    /// Amazon SNS, AWS STS, and S3 Control, which wraps its errors like them.
    Query,
    Ec2,
    Lambda,
    /// AWS KMS, AWS CloudTrail and AWS Step Functions.
    Json,
    /// Amazon CloudWatch.
    Cbor,
}

impl Dialect {
    /// Status and code of a denial.
    pub(crate) const fn denial(self) -> (u16, &'static str) {
        match self {
            Self::S3 | Self::Query => (403, "AccessDenied"),
            Self::Ec2 => (403, "UnauthorizedOperation"),
            Self::Lambda => (403, "AccessDeniedException"),
            Self::Json | Self::Cbor => (400, "AccessDeniedException"),
        }
    }

    /// Status and code of throttling.
    pub(crate) const fn throttling(self) -> (u16, &'static str) {
        match self {
            Self::S3 => (503, "SlowDown"),
            Self::Ec2 => (503, "RequestLimitExceeded"),
            Self::Lambda => (429, "TooManyRequestsException"),
            Self::Query => (400, "Throttling"),
            Self::Json | Self::Cbor => (400, "ThrottlingException"),
        }
    }

    /// An error as the service spells it.
    pub(crate) fn error(self, status: u16, code: &str) -> Answer {
        let xml = format!("<Code>{code}</Code><Message>as the fake AWS was told</Message>");
        let json = format!(r#"{{"__type":"{code}","message":"as the fake AWS was told"}}"#);
        match self {
            Self::S3 => Answer::new(status, "application/xml", format!("<Error>{xml}</Error>")),
            Self::Query => {
                Answer::new(status, "text/xml", format!("<ErrorResponse><Error>{xml}</Error></ErrorResponse>"))
            }
            Self::Ec2 => Answer::new(
                status,
                "text/xml",
                format!("<Response><Errors><Error>{xml}</Error></Errors><RequestID>r</RequestID></Response>"),
            ),
            Self::Lambda => Answer::new(status, "application/json", json).with("x-amzn-errortype", code),
            Self::Json => Answer::new(status, "application/x-amz-json-1.1", json),
            // A map of one text to another: https://www.rfc-editor.org/rfc/rfc8949#section-3.1
            Self::Cbor => {
                let mut map = b"\xa1\x66__type\x78".to_vec();
                map.push(u8::try_from(code.len()).unwrap_or(u8::MAX));
                map.extend_from_slice(code.as_bytes());
                Answer::new(status, "application/cbor", map).with("smithy-protocol", "rpc-v2-cbor")
            }
        }
    }

    /// What AWS answers to a call that it does not know.
    pub(crate) fn unknown(self) -> Answer {
        self.error(400, "InvalidAction")
    }
}

/// The fake AWS.
#[derive(Debug)]
pub(crate) struct FakeAws {
    account: Account,
    conditions: Conditions,
    /// What lies in the reports bucket.
    pub(crate) objects: Objects,
    calls: Mutex<BTreeMap<String, u64>>,
    attempts: Mutex<HashMap<u64, u64>>,
}

impl FakeAws {
    pub(crate) fn new(account: Account, conditions: Conditions) -> Self {
        let (objects, calls, attempts) = (Objects::default(), Mutex::default(), Mutex::default());
        Self { account, conditions, objects, calls, attempts }
    }

    /// How often each API was called since this was asked last.
    pub(crate) fn take_calls(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn call_and_answer(&self, request: &Request) -> (Call, Answer) {
        let form = || request.form();
        let [_, region, service] = signed_for(request);
        let account = &self.account.in_region(region);
        match (service, request.path.as_str()) {
            ("ec2", _) => ec2::answer(account, &form()),
            ("lambda", _) => lambda::answer(account, request),
            ("s3", path) if path.starts_with("/v20180820/") => s3::answer_control(account, request),
            ("s3", path) if is_in_reports_bucket(path) && request.query.iter().all(|(it, _)| !s3::is_setting(it)) => {
                self.objects.answer(request)
            }
            ("s3", _) => s3::answer(&self.account, region, request),
            ("s3express", _) => s3::answer_express(account, request),
            (service, _) => other::answer(service, region, request),
        }
    }

    /// How often this was asked before.
    fn earlier_attempts(&self, call: &Call) -> u64 {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = attempts.entry(hash(format!("{} {}", call.api, call.target).as_bytes())).or_default();
        *earlier += 1;
        *earlier - 1
    }
}

impl Service for FakeAws {
    async fn answer(&self, request: Request) -> Reply {
        let (call, answer) = self.call_and_answer(&request);
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(call.api.clone()).or_default() += 1;
        let attempt = if self.conditions.faults.is_empty() { 0 } else { self.earlier_attempts(&call) };
        let [_, region, _] = signed_for(&request);
        self.conditions.reply(answer, &call, region, attempt)
    }
}

/// The same account and bucket, without latency, faults and books: for the benchmark itself.
#[derive(Debug)]
pub(crate) struct BackDoor(pub(crate) Arc<FakeAws>);

impl Service for BackDoor {
    async fn answer(&self, request: Request) -> Reply {
        self.0.call_and_answer(&request).1.into()
    }
}

/// The key that a request was signed with, and the region and the service that it was signed for: `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html>
fn signed_for(request: &Request) -> [&str; 3] {
    let scope = request.header("authorization").and_then(|signed| signed.split_once("Credential="));
    let scope: Vec<&str> = scope.map_or("", |(_, scope)| scope).split('/').collect();
    [0, 2, 3].map(|nth| scope.get(nth).copied().unwrap_or_default())
}

fn is_in_reports_bucket(path: &str) -> bool {
    path.trim_start_matches('/').split('/').next() == Some(REPORTS)
}
