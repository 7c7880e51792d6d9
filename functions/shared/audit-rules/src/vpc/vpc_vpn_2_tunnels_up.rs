//! Both tunnels of a Site-to-Site VPN connection are up.

use audit_model::resource::VpnConnection;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::rule::{Check, Outcome, Rule};
use crate::vpn_tunnels::each;

pub(super) const RULE: Rule = Rule {
    id: "vpc-vpn-2-tunnels-up",
    title: "Both tunnels of a Site-to-Site VPN connection are up",
    severity: Severity::Medium,
    rationale: "With one tunnel down the connection breaks as soon as AWS updates the other one, of which it tells \
        little beforehand, or the other one fails. A connection that is not available, for instance being \
        deleted, is not judged.",
    expected: "Both tunnels of the connection have the status UP",
    remediation: "Find out from the tunnel log and the status message why the tunnel is down, and configure the \
        customer gateway device for both tunnels, with traffic that keeps each up or with the startup action \
        start.",
    console: "In the Amazon VPC console, open Site-to-Site VPN connections, choose the connection, and look at \
        Tunnel details. Choose Download configuration, and bring the customer gateway device in line with \
        it.",
    cli: "aws ec2 describe-vpn-connections --vpn-connection-ids VPN_CONNECTION_ID --query \
        'VpnConnections[].VgwTelemetry'",
    documentation: "https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html",
    parameters: &[],
    references: &[
        fsbp::EC2_20,
        nist_800_53_r5::CP_6_2,
        nist_800_53_r5::CP_10,
        nist_800_53_r5::SC_5_2,
        nist_800_53_r5::SC_36,
        nist_800_53_r5::SI_13_5,
    ],
    reads: &["ec2:DescribeVpnConnections"],
    remediable: false,
    check: Check::VpnConnection(evaluate),
    source: file!(),
};

fn evaluate(connection: &VpnConnection, _: &Policy) -> Result<Outcome, Unreadable> {
    let down = |status: &str| !status.eq_ignore_ascii_case("UP");
    each(
        connection,
        &connection.telemetry,
        |tunnel| down(&tunnel.status).then(|| format!("the tunnel at {} is {}", tunnel.address, tunnel.status)),
        "both tunnels are up",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    /// <https://docs.aws.amazon.com/config/latest/developerguide/vpc-vpn-2-tunnels-up.html>: one or both down fails.
    #[test]
    fn both_tunnels_must_be_up() {
        let mut connection = fixtures::vpn_connection("UP", &[], false);
        assert_eq!(evaluate(&connection, &fixtures::policy()), Ok(Outcome::compliant("both tunnels are up")));
        connection.telemetry[1].status = "DOWN".to_owned();
        let down = Outcome::non_compliant("the tunnel at 203.0.113.17 is DOWN");
        assert_eq!(evaluate(&connection, &fixtures::policy()), Ok(down));
        // What is set for the tunnels says nothing of how they are.
        connection.telemetry.pop();
        assert!(evaluate(&connection, &fixtures::policy()).is_err());
    }
}
