//! A Site-to-Site VPN connection accepts IKEv2 only.

use audit_model::resource::{TunnelOptions, VpnConnection};
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::fsbp;
use crate::rule::{Check, Outcome, Rule};
use crate::vpn_tunnels::each;

pub(super) const RULE: Rule = Rule {
    id: "ec2-vpn-connection-ike-version-check",
    title: "Site-to-Site VPN connection accepts IKEv2 only",
    severity: Severity::Medium,
    rationale: "IKEv1 is obsolete (RFC 9395): it knows older ciphers only, tells more to whoever listens, and is \
        easier to swamp. AWS permits both versions where none is named, so that a peer may choose the older \
        one. A connection that is not available is not judged.",
    expected: "ikev2 is the only IKE version that is named for either tunnel",
    remediation: "Name ikev2 as the only version for each tunnel, when the customer gateway device speaks it. While a \
        tunnel is modified it is interrupted for some minutes: do one after the other.",
    console: "In the Amazon VPC console, open Site-to-Site VPN connections, choose the connection, then Actions, \
        Modify VPN tunnel options. Choose the tunnel, remove ikev1 under IKE versions and save. Repeat it \
        for the other tunnel.",
    cli: "aws ec2 modify-vpn-tunnel-options --vpn-connection-id VPN_CONNECTION_ID \
        --vpn-tunnel-outside-ip-address TUNNEL_ADDRESS --tunnel-options 'IKEVersions=[{Value=ikev2}]'",
    documentation: "https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html",
    parameters: &[],
    references: &[fsbp::EC2_183],
    reads: &["ec2:DescribeVpnConnections"],
    remediable: false,
    check: Check::VpnConnection(evaluate),
    source: file!(),
};

fn evaluate(connection: &VpnConnection, _: &Policy) -> Result<Outcome, Unreadable> {
    each(connection, &connection.tunnels, flaw, "both tunnels accept IKEv2 only")
}

/// Where no version is named, [both are permitted][page].
///
/// [page]: https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html
fn flaw(tunnel: &TunnelOptions) -> Option<String> {
    let address = &tunnel.address;
    if tunnel.ike_versions.is_empty() {
        return Some(format!("the tunnel at {address} accepts every version, for none is named"));
    }
    let older: Vec<&str> =
        tunnel.ike_versions.iter().map(String::as_str).filter(|it| !it.eq_ignore_ascii_case("ikev2")).collect();
    (!older.is_empty()).then(|| format!("the tunnel at {address} accepts {}", older.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    /// <https://docs.aws.amazon.com/config/latest/developerguide/ec2-vpn-connection-ike-version-check.html>: a tunnel that
    /// allows versions other than IKEv2 fails.
    #[test]
    fn no_tunnel_may_accept_an_older_version() {
        let judge = |versions: &[&str]| {
            let connection = fixtures::vpn_connection("UP", versions, true);
            evaluate(&connection, &fixtures::policy()).unwrap()
        };
        assert_eq!(judge(&["ikev2"]), Outcome::compliant("both tunnels accept IKEv2 only"));
        for (versions, accepted) in [
            (&["ikev1"][..], "accepts ikev1"),
            (&["ikev1", "ikev2"], "accepts ikev1"),
            (&[], "accepts every version, for none is named"),
        ] {
            let expected = format!("the tunnel at 203.0.113.3 {accepted}, the tunnel at 203.0.113.17 {accepted}");
            assert_eq!(judge(versions), Outcome::non_compliant(expected), "{versions:?}");
        }
    }
}
