use audit_model::Unreadable;
use audit_model::resource::FlowLog;
use audit_task::listed;
use aws_sdk_ec2::types;

use super::per_vpc::PerVpc;
use super::{Ec2Vpcs, PAGE_SIZE, filter};

pub(super) const ACTION: &str = "ec2:DescribeFlowLogs";

/// The flow logs of these VPCs; those of single subnets or network interfaces are not theirs.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeFlowLogs.html>
pub(super) async fn flow_logs(ec2: &Ec2Vpcs, vpc_ids: &[String]) -> Result<PerVpc<FlowLog>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_flow_logs().filter(filter("resource-id", vpc_ids)).max_results(PAGE_SIZE);
        let call = call.set_next_token(token).send();
        async { call.await.map(|page| (page.flow_logs, page.next_token)) }
    };
    let read = |log: types::FlowLog| (log.flow_log_id.clone(), (log.resource_id.clone(), flow_log(log)));
    let listed = listed(ACTION, &ec2.budget, page, read).await?;
    PerVpc::new(ACTION, "a flow log", listed.into_values())
}

fn flow_log(log: types::FlowLog) -> Option<FlowLog> {
    Some(FlowLog {
        id: log.flow_log_id?,
        traffic_type: log.traffic_type?.as_str().to_owned(),
        status: log.flow_log_status?,
        deliver_logs_status: log.deliver_logs_status,
    })
}
