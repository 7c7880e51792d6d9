//! A stand-in of the Lambda runtime's API: starts a function's binary as a process of its own, hands it one event, and
//! measures it. <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::Problem;
use crate::account::{ACCOUNT, REGION, REPORTS};
use crate::aws::KEY_ARN;
use crate::http::{Answer, Delivery, Reply, Request, Server, Service};
use crate::measure::Usage;

/// The longest that Lambda lets a function run.
const TIME_LIMIT: Duration = Duration::from_secs(15 * 60);

/// One invocation, measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) function: &'static str,
    /// From the start of the process to its answer: every start is a cold one.
    pub(crate) wall: Duration,
    pub(crate) usage: Usage,
}

/// The functions' binaries, and the AWS that they call.
#[derive(Debug)]
pub(crate) struct Functions {
    /// The folder with a folder of each function's name, in which the binary is called `bootstrap`.
    bundles: PathBuf,
    /// Where the fake AWS listens.
    endpoint: String,
    /// How many shards of a service are scanned at once.
    concurrency: u32,
    /// How long the lists of a service are waited for.
    listing: Duration,
    invocations: Mutex<Vec<Invocation>>,
}

/// The error that an invocation ended in, as the state machine sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error: String,
    pub(crate) cause: String,
}

impl Functions {
    pub(crate) const fn new(bundles: PathBuf, endpoint: String, concurrency: u32, listing: Duration) -> Self {
        Self { bundles, endpoint, concurrency, listing, invocations: Mutex::new(Vec::new()) }
    }

    /// The invocations since this was asked last, the failed ones among them.
    pub(crate) fn take_invocations(&self) -> Vec<Invocation> {
        std::mem::take(&mut *self.invocations.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a function once and gives its answer, or the error that it reported.
    ///
    /// # Errors
    /// What keeps it from being run, or its answer from being understood.
    pub(crate) async fn invoke<I, O>(&self, function: &'static str, input: &I) -> Result<Result<O, Failure>, Problem>
    where
        I: Serialize,
        O: DeserializeOwned,
    {
        let payload = serde_json::to_vec(input)?;
        match self.run(function, payload.into()).await? {
            Ok(answer) => Ok(Ok(serde_json::from_slice(&answer)?)),
            Err(failure) => Ok(Err(failure)),
        }
    }

    async fn run(&self, function: &'static str, payload: Bytes) -> io::Result<Result<Bytes, Failure>> {
        let started = Instant::now();
        let api = Arc::new(RuntimeApi { payload, outcome: Mutex::default(), asked_for_more: Notify::new() });
        let (endpoint, server) = Server::start(Arc::clone(&api)).await?;
        let mut process = self.start(function, endpoint.trim_start_matches("http://"))?;
        let ended = wait(&mut process.0, &api, started + TIME_LIMIT).await;
        let usage = Usage::of(process.0.id()).unwrap_or_default();
        drop(process);
        drop(server);
        let invocation = Invocation { function, wall: started.elapsed(), usage };
        self.invocations.lock().unwrap_or_else(PoisonError::into_inner).push(invocation);
        let outcome = api.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(outcome.unwrap_or_else(|| Err(failure(ended, &format!("the function {function} gave no answer")))))
    }

    fn start(&self, function: &str, runtime_api: &str) -> io::Result<Process> {
        let bundle = self.bundles.join(function);
        let bootstrap = bundle.join("bootstrap");
        let mut command = Command::new(&bootstrap);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("LAMBDA_TASK_ROOT", &bundle)
            .envs(credentials(&self.endpoint))
            .env("ACCOUNT_ID", ACCOUNT)
            .env("REPORTS_BUCKET", REPORTS)
            .env("MALLOC_TRIM_THRESHOLD_", "268435456")
            .env("MALLOC_MMAP_THRESHOLD_", "33554432")
            .env("MAP_CONCURRENCY", self.concurrency.to_string())
            .env("LISTING_SECONDS", self.listing.as_secs().to_string())
            .env("SYSTEM_NAME", "bench-bench")
            .env("CLOUD_TRAIL", "true")
            .env("CHANGE_SETTLING_SECONDS", "60")
            .env("KEY_TAGS", "{}")
            .env("EVIDENCE_KEY_ARN", KEY_ARN)
            .env("METRICS_NAMESPACE", "Benchmark")
            .env("ALERTS_TOPIC_ARN", format!("arn:aws:sns:{REGION}:{ACCOUNT}:alerts-topic-bench-bench"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let started = command.spawn();
        started.map(Process).map_err(|error| io::Error::other(format!("{}: {error}", bootstrap.display())))
    }
}

/// What a client of AWS needs in its environment to call the fake AWS.
pub(crate) fn credentials(endpoint: &str) -> [(&'static str, &str); 7] {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        // S3 Control is called as it stands, without the account before the host name.
        ("AWS_ENDPOINT_URL_S3_CONTROL", endpoint),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "AKIAFAKE"),
        ("AWS_SECRET_ACCESS_KEY", "fake"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]
}

/// A process that ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is not there to be ended; either way it is to be waited for.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Waits until the function has answered and asks for the next event, or has ended, or its time is over, and says by
/// the runtime's name for it why there may be no answer.
async fn wait(process: &mut Child, api: &RuntimeApi, until: Instant) -> &'static str {
    loop {
        tokio::select! {
            () = api.asked_for_more.notified() => return "Runtime.Unknown",
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
        if !matches!(process.try_wait(), Ok(None)) {
            return "Runtime.ExitError";
        }
        if Instant::now() > until {
            return "Sandbox.Timedout";
        }
    }
}

fn failure(error: &str, cause: &impl fmt::Display) -> Failure {
    Failure { error: error.to_owned(), cause: cause.to_string() }
}

/// The runtime's API for one invocation.
struct RuntimeApi {
    payload: Bytes,
    outcome: Mutex<Option<Result<Bytes, Failure>>>,
    asked_for_more: Notify,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Diagnostic {
    error_type: String,
    error_message: String,
}

impl Service for RuntimeApi {
    async fn answer(&self, request: Request) -> Reply {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        match request.path.rsplit('/').next() {
            Some("next") if outcome.is_some() => {
                self.asked_for_more.notify_one();
                return Reply { delivery: Delivery::Never, ..Answer::empty(200).into() };
            }
            Some("next") => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                return Answer::new(200, "application/json", self.payload.clone())
                    .with("lambda-runtime-aws-request-id", "request-1")
                    .with("lambda-runtime-deadline-ms", (now + TIME_LIMIT).as_millis().to_string())
                    .with(
                        "lambda-runtime-invoked-function-arn",
                        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"),
                    )
                    .into();
            }
            Some("response") => *outcome = Some(Ok(request.body)),
            _ => {
                let diagnostic = serde_json::from_slice(&request.body);
                let diagnostic =
                    diagnostic.map(|Diagnostic { error_type: error, error_message: cause }| Failure { error, cause });
                *outcome = Some(Err(diagnostic.unwrap_or_else(|error| failure("Runtime.Unknown", &error))));
            }
        }
        Answer::empty(202).into()
    }
}
