//! A VPC records at least the traffic that it rejects.

use audit_model::resource::{FlowLog, Vpc};
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0, fsbp, nist_800_53_r5};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-flow-logs-enabled",
    title: "VPC has flow logs of rejected traffic",
    severity: Severity::High,
    rationale: "Without flow logs nobody can say afterwards who tried to reach what in the network, and from where. \
        Rejected traffic must be among what is recorded, as in Security Hub's EC2.6; Prowler accepts any flow log.",
    expected: "An active flow log of the VPC that records REJECT or ALL traffic",
    remediation: "Create a flow log of the VPC for rejected or all traffic, to CloudWatch Logs or Amazon S3.",
    console: "In the Amazon VPC console, open Your VPCs, choose the VPC, then the Flow logs tab, Create flow log. \
        Choose the filter Reject or All, a destination and, for CloudWatch Logs, an IAM role, and create it.",
    cli: "aws ec2 create-flow-logs --resource-type VPC --resource-ids VPC_ID --traffic-type REJECT --log-group-name \
        LOG_GROUP --deliver-logs-permission-arn ROLE_ARN",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/working-with-flow-logs.html",
    parameters: &[],
    references: &[
        fsbp::EC2_6,
        cis_5_0::C3_7,
        cis_3_0::C3_7,
        nist_800_53_r5::AC_4_26,
        nist_800_53_r5::AU_2,
        nist_800_53_r5::AU_3,
        nist_800_53_r5::AU_6_3,
        nist_800_53_r5::AU_6_4,
        nist_800_53_r5::AU_12,
        nist_800_53_r5::CA_7,
        nist_800_53_r5::SI_7_8,
    ],
    reads: &["ec2:DescribeFlowLogs"],
    remediable: false,
    check: Check::Vpc(evaluate),
    source: file!(),
};

fn evaluate(vpc: &Vpc, _: &Policy) -> Result<Outcome, Unreadable> {
    let logs = vpc.flow_logs.listed()?;
    if logs.is_empty() {
        return Ok(Outcome::non_compliant("there is no flow log"));
    }
    Ok(match logs.iter().find(|log| records_rejected_traffic(log)) {
        Some(log) => Outcome::compliant(in_words(log)),
        None => Outcome::non_compliant(logs.iter().map(in_words).collect::<Vec<_>>().join("; ")),
    })
}

fn records_rejected_traffic(log: &FlowLog) -> bool {
    matches!(log.traffic_type.as_str(), "REJECT" | "ALL") && log.status == "ACTIVE"
}

/// Whether the log arrives is not the rule's question, but its reader should see when it does not.
fn in_words(log: &FlowLog) -> String {
    let delivery = match log.deliver_logs_status.as_deref() {
        Some("FAILED") => ", but its delivery FAILED",
        _ => "",
    };
    format!("{} records {} traffic and is {}{delivery}", log.id, log.traffic_type, log.status)
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    fn judge(flow_logs: Reading<Vec<FlowLog>>) -> Outcome {
        evaluate(&Vpc { flow_logs, ..fixtures::good_vpc() }, &fixtures::policy()).unwrap()
    }

    #[test]
    fn rejected_traffic_must_be_recorded_by_an_active_log() {
        let cases = [
            (vec![("ALL", "ACTIVE")], true),
            (vec![("REJECT", "ACTIVE")], true),
            (vec![("ACCEPT", "ACTIVE"), ("REJECT", "ACTIVE")], true),
            (vec![("ACCEPT", "ACTIVE")], false),
            (vec![("ALL", "INACTIVE")], false),
            (vec![], false),
        ];
        for (logs, passes) in cases {
            let flow_logs = logs.iter().map(|(traffic, status)| fixtures::flow_log(traffic, status)).collect();
            let outcome = judge(Reading::seen(flow_logs));
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{logs:?} {outcome:?}");
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes, "{logs:?} {outcome:?}");
        }
        assert_eq!(judge(Reading::Absent), Outcome::non_compliant("there is no flow log"));
    }

    #[test]
    fn a_failed_delivery_is_told() {
        let log = FlowLog { deliver_logs_status: Some("FAILED".to_owned()), ..fixtures::flow_log("ALL", "ACTIVE") };
        let Outcome::Compliant { observed } = judge(Reading::seen(vec![log])) else { panic!("passes") };
        assert!(observed.contains("FAILED"), "{observed}");
    }
}
