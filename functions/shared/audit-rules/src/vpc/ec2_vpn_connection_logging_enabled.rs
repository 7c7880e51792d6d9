//! Both tunnels of a Site-to-Site VPN connection write logs.

use audit_model::resource::VpnConnection;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, pci_dss_4_0_1};
use crate::rule::{Check, Outcome, Rule};
use crate::vpn_tunnels::each;

pub(super) const RULE: Rule = Rule {
    id: "ec2-vpn-connection-logging-enabled",
    title: "Both tunnels of a Site-to-Site VPN connection log their activity",
    severity: Severity::Medium,
    rationale: "The tunnel log says which side began, what it offered and why a tunnel was refused: without it \
        nobody can tell a misconfigured partner from an attacker, nor why a tunnel went down. AWS logs \
        nothing unless told to. A connection that is not available is not judged.",
    expected: "CloudWatch logs are on for both tunnels of the connection",
    remediation: "Switch tunnel activity logs on for each tunnel, and name a log group. While a tunnel is modified it \
        is interrupted for some minutes: do one after the other.",
    console: "In the Amazon VPC console, open Site-to-Site VPN connections, choose the connection, then Actions, \
        Modify VPN tunnel options. Choose the tunnel, enable Tunnel activity log, choose a log group and \
        save. Repeat it for the other tunnel.",
    cli: "aws ec2 modify-vpn-tunnel-options --vpn-connection-id VPN_CONNECTION_ID \
        --vpn-tunnel-outside-ip-address TUNNEL_ADDRESS --tunnel-options \
        'LogOptions={CloudWatchLogOptions={LogEnabled=true,LogGroupArn=LOG_GROUP_ARN}}'",
    documentation: "https://docs.aws.amazon.com/vpn/latest/s2svpn/monitoring-logs.html",
    parameters: &[],
    references: &[fsbp::EC2_171, pci_dss_4_0_1::R10_4_2],
    reads: &["ec2:DescribeVpnConnections"],
    remediable: false,
    check: Check::VpnConnection(evaluate),
    source: file!(),
};

fn evaluate(connection: &VpnConnection, _: &Policy) -> Result<Outcome, Unreadable> {
    each(
        connection,
        &connection.tunnels,
        |tunnel| (!tunnel.logs_activity).then(|| format!("the tunnel at {} writes no log", tunnel.address)),
        "both tunnels log their activity",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    /// <https://docs.aws.amazon.com/config/latest/developerguide/ec2-vpn-connection-logging-enabled.html>: without logging
    /// for either or both tunnels it fails.
    #[test]
    fn both_tunnels_must_write_logs() {
        let mut connection = fixtures::vpn_connection("DOWN", &[], true);
        let both = Ok(Outcome::compliant("both tunnels log their activity"));
        assert_eq!(evaluate(&connection, &fixtures::policy()), both);
        connection.tunnels[0].logs_activity = false;
        let one = Outcome::non_compliant("the tunnel at 203.0.113.3 writes no log");
        assert_eq!(evaluate(&connection, &fixtures::policy()), Ok(one));
    }
}
