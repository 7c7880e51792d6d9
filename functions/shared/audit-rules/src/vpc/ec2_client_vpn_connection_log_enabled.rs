//! Client VPN endpoints log their clients' connections.

use audit_model::resource::ClientVpnEndpoint;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "ec2-client-vpn-connection-log-enabled",
    title: "Client VPN endpoint logs the connections of its clients",
    severity: Severity::Low,
    rationale: "The connection log says who connected, from where, when and for how long, and who was refused. \
        Without it nobody can tell afterwards through which credentials somebody came in. An endpoint that \
        is being deleted is not judged.",
    expected: "Connection logging of the endpoint is on",
    remediation: "Switch connection logging on, and name a log group of CloudWatch Logs.",
    console: "In the Amazon VPC console, open Client VPN endpoints, choose the endpoint, then Actions, Modify \
        Client VPN endpoint. Under Connection logging enable the log, choose a log group and save.",
    cli: "aws ec2 modify-client-vpn-endpoint --client-vpn-endpoint-id CLIENT_VPN_ENDPOINT_ID \
        --connection-log-options Enabled=true,CloudwatchLogGroup=LOG_GROUP",
    documentation: "https://docs.aws.amazon.com/vpn/latest/clientvpn-admin/cvpn-working-with-connection-logs.html",
    parameters: &[],
    references: &[
        fsbp::EC2_51,
        pci_dss_4_0_1::R10_2_1,
        nist_800_53_r5::AC_2_4,
        nist_800_53_r5::AC_2_12,
        nist_800_53_r5::AC_6_9,
        nist_800_53_r5::AU_2,
        nist_800_53_r5::AU_3,
        nist_800_53_r5::AU_6_3,
        nist_800_53_r5::AU_6_4,
        nist_800_53_r5::AU_9_7,
        nist_800_53_r5::AU_10,
        nist_800_53_r5::AU_12,
        nist_800_53_r5::CA_7,
        nist_800_53_r5::SI_3_8,
        nist_800_53_r5::SI_4,
        nist_800_53_r5::SI_4_20,
        nist_800_53_r5::SI_7_8,
    ],
    reads: &["ec2:DescribeClientVpnEndpoints"],
    remediable: false,
    check: Check::ClientVpnEndpoint(evaluate),
    source: file!(),
};

fn evaluate(endpoint: &ClientVpnEndpoint, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(if matches!(endpoint.status.as_str(), "deleting" | "deleted") {
        Outcome::not_applicable(format!("the endpoint is {}", endpoint.status))
    } else if endpoint.logs_connections {
        Outcome::compliant("connections are logged")
    } else {
        Outcome::non_compliant("connections are not logged")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn connections_must_be_logged_while_the_endpoint_is_there() {
        let judge = |status: &str, logs| {
            let endpoint = ClientVpnEndpoint { status: status.to_owned(), ..fixtures::client_vpn_endpoint(logs) };
            evaluate(&endpoint, &fixtures::policy()).unwrap()
        };
        for status in ["pending-associate", "available"] {
            assert_eq!(judge(status, true), Outcome::compliant("connections are logged"));
            assert_eq!(judge(status, false), Outcome::non_compliant("connections are not logged"));
        }
        for status in ["deleting", "deleted"] {
            assert_eq!(judge(status, false), Outcome::not_applicable(format!("the endpoint is {status}")));
        }
    }
}
