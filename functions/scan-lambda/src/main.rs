//! The Lambda function `scan-lambda`.

use audit_artifacts::S3Store;
use audit_task::{Budget, aws_config, required, required_number, run};
use jiff::Timestamp;
use lambda_runtime::Error;
use scan_lambda::{
    DESCRIBE_SUBNETS_PER_SECOND, GET_FUNCTION_PER_SECOND, GET_POLICY_PER_SECOND, LIST_URLS_PER_SECOND, LambdaFunctions,
    Ports, handle,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let account = required("ACCOUNT_ID")?;
    let sharers = required_number("MAP_CONCURRENCY")?;
    let s3 = aws_sdk_s3::Client::new(&config);
    let ports = &Ports {
        store: &S3Store::new(s3, required("REPORTS_BUCKET")?, account.clone()),
        functions: &LambdaFunctions {
            client: aws_sdk_lambda::Client::new(&config),
            ec2: aws_sdk_ec2::Client::new(&config),
            account,
            region: required("AWS_REGION")?,
            get_function_budget: Budget::share(GET_FUNCTION_PER_SECOND, sharers),
            get_policy_budget: Budget::share(GET_POLICY_PER_SECOND, sharers),
            list_urls_budget: Budget::share(LIST_URLS_PER_SECOND, sharers),
            describe_subnets_budget: Budget::share(DESCRIBE_SUBNETS_PER_SECOND, sharers),
        },
        now: Timestamp::now,
    };
    run(|input| handle(input, ports)).await
}
