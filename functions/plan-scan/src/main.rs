//! The Lambda function `plan-scan`.

use std::fs;

use audit_artifacts::S3Store;
use audit_policy::POLICY_FILE;
use audit_rules::CLOUD_TRAIL;
use audit_task::{TaskError, aws_config, required, required_number, required_switch, run};
use jiff::SignedDuration;
use lambda_runtime::Error;
use plan_scan::{Ports, StepFunctions, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (account, region, system) = (required("ACCOUNT_ID")?, required("AWS_REGION")?, required("SYSTEM_NAME")?);
    let aws = aws_config().await;
    let store = S3Store::new(aws_sdk_s3::Client::new(&aws), required("REPORTS_BUCKET")?, account.clone());
    let executions = StepFunctions::new(aws_sdk_sfn::Client::new(&aws));
    let policy_path = format!("{}/{POLICY_FILE}", required("LAMBDA_TASK_ROOT")?);
    // A policy that cannot be read must stop the scan, under its own error name, and not the start of the function.
    let policy_text = fs::read_to_string(&policy_path)
        .map_err(|error| TaskError::InvalidPolicy(format!("{policy_path} cannot be read: {error}")));
    let missing_settings = if required_switch("CLOUD_TRAIL")? { Vec::new() } else { vec![CLOUD_TRAIL] };
    let settling = SignedDuration::from_secs(required_number("CHANGE_SETTLING_SECONDS")?.get().into());
    let ports = &Ports {
        store: &store,
        executions: &executions,
        policy_text,
        account,
        region,
        system,
        missing_settings,
        settling,
    };
    run(|input| handle(input, ports)).await
}
