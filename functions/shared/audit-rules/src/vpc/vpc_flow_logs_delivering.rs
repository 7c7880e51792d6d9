//! The flow logs of a VPC arrive where they are sent.

use audit_model::resource::{FlowLog, Vpc};
use audit_model::{Policy, Severity, Unreadable};

use crate::listing::first_of;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-flow-logs-delivering",
    title: "VPC flow logs are delivered",
    severity: Severity::High,
    rationale: "A flow log that fails to deliver looks like a record and holds nothing, and that is found out on the \
        day when the record is needed. Security Hub and Prowler ask only whether a flow log exists.",
    expected: "Each flow log of the VPC is ACTIVE, and its last delivery was a SUCCESS",
    remediation: "Read the delivery error of the flow log and fix what it names, mostly the rights of the delivery \
        role or the policy of the destination. A flow log cannot be changed: where it needs another role or \
        destination, delete it and create it anew. Delete flow logs that nobody needs.",
    console: "In the Amazon VPC console, open Your VPCs, choose the VPC and look at the Flow logs tab: it names the \
        error. Fix the IAM role, or the log group or bucket that it names, or delete the flow log and create it anew.",
    cli: "aws ec2 describe-flow-logs --filter Name=resource-id,Values=VPC_ID --query \
        'FlowLogs[].[FlowLogId,FlowLogStatus,DeliverLogsStatus,DeliverLogsErrorMessage]'\n\
        aws ec2 delete-flow-logs --flow-log-ids FLOW_LOG_ID\n\
        aws ec2 create-flow-logs --resource-type VPC --resource-ids VPC_ID --traffic-type TRAFFIC_TYPE \
        --log-group-name LOG_GROUP --deliver-logs-permission-arn ROLE_ARN",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html",
    parameters: &[],
    references: &[],
    reads: &["ec2:DescribeFlowLogs"],
    remediable: false,
    check: Check::Vpc(evaluate),
    source: file!(),
};

fn evaluate(vpc: &Vpc, _: &Policy) -> Result<Outcome, Unreadable> {
    let logs = vpc.flow_logs.listed()?;
    if logs.is_empty() {
        return Ok(Outcome::not_applicable("there is no flow log; vpc-flow-logs-enabled judges that"));
    }
    let broken: Vec<String> = logs.iter().filter_map(what_is_broken).collect();
    if !broken.is_empty() {
        return Ok(Outcome::non_compliant(first_of(&broken)));
    }
    let is_delivered = |log: &&FlowLog| log.deliver_logs_status.as_deref() == Some("SUCCESS");
    let (delivered, open): (Vec<&FlowLog>, Vec<&FlowLog>) = logs.iter().partition(is_delivered);
    let names = |logs: &[&FlowLog]| first_of(&logs.iter().map(|log| log.id.as_str()).collect::<Vec<_>>());
    if open.is_empty() {
        Ok(Outcome::compliant(format!("{} delivered", names(&delivered))))
    } else {
        Err(Unreadable::undecidable(ACTION, format!("{} neither delivered nor failed yet", names(&open))))
    }
}

const ACTION: &str = "ec2:DescribeFlowLogs";

/// What keeps records from arriving, for certain. AWS documents [`ACTIVE`, `SUCCESS` and `FAILED`][page], and no other
/// status.
///
/// [page]: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html
fn what_is_broken(log: &FlowLog) -> Option<String> {
    if log.status != "ACTIVE" {
        Some(format!("{} is {}", log.id, log.status))
    } else if log.deliver_logs_status.as_deref() == Some("FAILED") {
        Some(format!("the delivery of {} FAILED", log.id))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use audit_model::{Reading, Status};

    use super::*;
    use crate::fixtures;

    fn judge(flow_logs: Reading<Vec<FlowLog>>) -> Result<Outcome, Unreadable> {
        evaluate(&Vpc { flow_logs, ..fixtures::good_vpc() }, &fixtures::policy())
    }

    #[test]
    fn each_log_must_arrive() {
        let cases = [
            (vec![("ACTIVE", Some("SUCCESS"))], Status::Compliant),
            (vec![("ACTIVE", Some("SUCCESS")), ("ACTIVE", Some("SUCCESS"))], Status::Compliant),
            (vec![("ACTIVE", Some("FAILED"))], Status::NonCompliant),
            (vec![("ACTIVE", Some("SUCCESS")), ("ACTIVE", Some("FAILED"))], Status::NonCompliant),
            (vec![("INACTIVE", Some("SUCCESS"))], Status::NonCompliant),
            (vec![("ACTIVE", None), ("ACTIVE", Some("FAILED"))], Status::NonCompliant),
            (vec![("ACTIVE", None)], Status::InsufficientData),
            (vec![("ACTIVE", Some("SUCCESS")), ("ACTIVE", None)], Status::InsufficientData),
            (vec![("ACTIVE", Some("DELAYED"))], Status::InsufficientData),
            (vec![], Status::NotApplicable),
        ];
        for (logs, expected) in cases {
            let log = |(status, delivery): &(&str, Option<&str>)| FlowLog {
                deliver_logs_status: delivery.map(ToOwned::to_owned),
                ..fixtures::flow_log("ALL", status)
            };
            let answer = judge(Reading::seen(logs.iter().map(log).collect()));
            assert_eq!(fixtures::status(&answer), expected, "{logs:?} {answer:?}");
        }
        assert_eq!(fixtures::status(&judge(Reading::Absent)), Status::NotApplicable);
        assert_eq!(judge(fixtures::unreadable(ACTION)), Err(fixtures::denied(ACTION)));
    }

    #[test]
    fn the_broken_log_is_named_and_the_open_one() {
        let log = |delivery: Option<&str>| FlowLog {
            deliver_logs_status: delivery.map(ToOwned::to_owned),
            ..fixtures::flow_log("ALL", "ACTIVE")
        };
        let failed = judge(Reading::seen(vec![log(Some("FAILED"))]));
        assert_eq!(failed, Ok(Outcome::non_compliant("the delivery of fl-1 FAILED")));
        assert!(judge(Reading::seen(vec![log(None)])).unwrap_err().detail.contains("fl-1"));
    }
}
