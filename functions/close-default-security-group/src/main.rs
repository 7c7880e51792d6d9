//! The Lambda function `close-default-security-group`.

use audit_task::aws_config;
use close_default_security_group::{CloseDefaultSecurityGroup, Ec2SecurityGroups};
use custom_resource::run;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let ec2 = aws_sdk_ec2::Client::new(&aws_config().await);
    run(CloseDefaultSecurityGroup::new(Ec2SecurityGroups::new(ec2))).await
}
