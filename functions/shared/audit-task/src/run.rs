//! The loop that a Lambda runs: read the input, do the task under a span with the scan's id, answer.

use std::fmt::Debug;
use std::future::Future;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument;
use tracing_subscriber::EnvFilter;

use crate::TaskError;

/// An input that says which scan it belongs to.
pub trait ScanScoped {
    /// The scan's id, or what stands for it until there is one.
    fn scan_id(&self) -> &str;
}

/// Runs `task` for every invocation. Every log line carries the scan's id.
///
/// # Errors
/// Those of the Lambda runtime interface; a task's own errors are answers, not ends.
pub async fn run<I, O, F>(task: impl Fn(I) -> F) -> Result<(), lambda_runtime::Error>
where
    I: DeserializeOwned + ScanScoped + Debug,
    O: Serialize + Debug,
    F: Future<Output = Result<O, TaskError>>,
{
    start_log();
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let request_id = event.context.request_id;
        let input: I = match read(&event.payload) {
            Ok(input) => input,
            Err(error) => {
                tracing::error!(scan_id = "unknown", request_id, error = %error, "the input was refused");
                return Err(error);
            }
        };
        let span = tracing::info_span!("task", scan_id = input.scan_id(), request_id);
        async {
            tracing::info!("started");
            let outcome = task(input).await;
            match &outcome {
                Ok(_) => tracing::info!("ended"),
                Err(error) => tracing::error!(error_name = error.name(), error = %error, "failed"),
            }
            outcome
        }
        .instrument(span)
        .await
    }))
    .await
}

/// Starts the log: one JSON object a line, with a timestamp, to standard output, from where Lambda takes it.
pub fn start_log() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,aws_config=warn")))
        .init();
}

/// Reads a task's input.
fn read<I: DeserializeOwned>(payload: &Value) -> Result<I, TaskError> {
    serde_path_to_error::deserialize(payload).map_err(|error| {
        TaskError::InvalidRequest(format!("the input of this task is wrong at {}: {}", error.path(), error.inner()))
    })
}

mod inputs {
    //! The scan that each input belongs to.

    use audit_model::task::{
        AggregateFindingsInput, DeliverInput, ListTargetsInput, NotifyInput, PlanScanInput, PlanScanOutput,
        PublishMetricsInput, RemediateInput, RollbackInput, ScanShardInput, SealEvidenceInput,
    };

    use super::ScanScoped;

    impl ScanScoped for PlanScanInput {
        /// The plan gives the scan its id; until then the execution's name stands for it.
        fn scan_id(&self) -> &str {
            &self.execution.name
        }
    }

    impl ScanScoped for SealEvidenceInput {
        /// What was refused, or broke off before it was planned, has no id but the execution's name.
        fn scan_id(&self) -> &str {
            match &self.plan {
                Some(PlanScanOutput::Proceed { scan_id, .. } | PlanScanOutput::Skip { scan_id, .. }) => scan_id,
                Some(PlanScanOutput::Rollback { rollback_id, .. }) => rollback_id,
                None => &self.execution.name,
            }
        }
    }

    impl ScanScoped for PublishMetricsInput {
        fn scan_id(&self) -> &str {
            match self {
                Self::Scan(input) => &input.scan_id,
                Self::Rollback { rollback } => &rollback.rollback_id,
            }
        }
    }

    impl ScanScoped for RollbackInput {
        /// A rollback's id has the form of a scan's.
        fn scan_id(&self) -> &str {
            &self.rollback_id
        }
    }

    macro_rules! scan_scoped {
        ($($input:ty),+ $(,)?) => {$(
            impl ScanScoped for $input {
                fn scan_id(&self) -> &str {
                    &self.scan_id
                }
            }
        )+};
    }

    scan_scoped!(AggregateFindingsInput, DeliverInput, ListTargetsInput, NotifyInput, RemediateInput, ScanShardInput);
}
