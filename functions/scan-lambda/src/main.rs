//! The Lambda function `scan-lambda`.

use audit_artifacts::S3Store;
use audit_model::task::ScanShardInput;
use audit_task::{Budget, aws_config, required, run};
use jiff::Timestamp;
use lambda_runtime::Error;
use scan_lambda::{
    DESCRIBE_SUBNETS_PER_SECOND, GET_FUNCTION_PER_SECOND, GET_POLICY_PER_SECOND, LISTS_PER_SECOND, LambdaFunctions,
    Ports, handle,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let account = required("ACCOUNT_ID")?;
    let s3 = aws_sdk_s3::Client::new(&config);
    let store = S3Store::new(s3, required("REPORTS_BUCKET")?, account.clone());
    let functions = &LambdaFunctions {
        client: aws_sdk_lambda::Client::new(&config),
        ec2: aws_sdk_ec2::Client::new(&config),
        account,
        region: required("AWS_REGION")?,
        get_function_budget: Budget::new(GET_FUNCTION_PER_SECOND),
        get_policy_budget: Budget::new(GET_POLICY_PER_SECOND),
        lists_budget: Budget::new(LISTS_PER_SECOND),
        describe_subnets_budget: Budget::new(DESCRIBE_SUBNETS_PER_SECOND),
    };
    let ports = &Ports { store: &store, functions, now: Timestamp::now };
    run(|input: ScanShardInput| {
        for budget in [
            &functions.get_function_budget,
            &functions.get_policy_budget,
            &functions.lists_budget,
            &functions.describe_subnets_budget,
        ] {
            budget.share(input.at_once);
        }
        handle(input, ports)
    })
    .await
}
