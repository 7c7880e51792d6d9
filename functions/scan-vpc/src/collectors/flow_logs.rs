use audit_model::Unreadable;
use audit_model::resource::FlowLog;
use audit_task::{Budget, unreadable};
use aws_sdk_ec2::{Client, types};

use super::per_vpc::PerVpc;
use super::{PAGE_SIZE, filter, malformed};

const ACTION: &str = "ec2:DescribeFlowLogs";

/// The flow logs of these VPCs; those of single subnets or network interfaces are not theirs.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeFlowLogs.html>
pub(super) async fn flow_logs(
    client: &Client,
    budget: &Budget,
    vpc_ids: &[String],
) -> Result<PerVpc<FlowLog>, Unreadable> {
    let mut listed = PerVpc::new();
    let mut next_token = None;
    loop {
        budget.acquire().await;
        let request = client.describe_flow_logs().filter(filter("resource-id", vpc_ids)).max_results(PAGE_SIZE);
        let page = request.set_next_token(next_token).send().await.map_err(|error| unreadable(ACTION, &error))?;
        for log in page.flow_logs.unwrap_or_default() {
            let vpc_id =
                log.resource_id.clone().ok_or_else(|| malformed(ACTION, "a flow log belongs to no resource"))?;
            let log = flow_log(log)
                .ok_or_else(|| malformed(ACTION, "a flow log of this VPC lacks its id, traffic type or status"));
            listed.add(vpc_id, log);
        }
        next_token = page.next_token.filter(|token| !token.is_empty());
        if next_token.is_none() {
            return Ok(listed);
        }
    }
}

fn flow_log(log: types::FlowLog) -> Option<FlowLog> {
    Some(FlowLog {
        id: log.flow_log_id?,
        traffic_type: log.traffic_type?.as_str().to_owned(),
        status: log.flow_log_status?,
        deliver_logs_status: log.deliver_logs_status,
    })
}
