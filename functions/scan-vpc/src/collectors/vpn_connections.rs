use audit_model::resource::{TunnelOptions, TunnelTelemetry, VpnConnection};
use audit_model::{Reading, Unreadable};
use audit_task::listed;
use aws_sdk_ec2::types::{self, TunnelOption, VgwTelemetry};

use super::{Ec2Vpcs, tags};

pub(super) const ACTION: &str = "ec2:DescribeVpnConnections";

/// The account's Site-to-Site VPN connections in the region in any state. EC2 gives them all at once; one that was deleted
/// stays on its list for a while. Of the pre-shared keys that the answer holds nothing is kept.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpnConnections.html>
pub(super) async fn vpn_connections(ec2: &Ec2Vpcs) -> Result<Vec<VpnConnection>, Unreadable> {
    let page = |_: Option<String>| {
        let call = ec2.client.describe_vpn_connections().send();
        async { call.await.map(|answer| (answer.vpn_connections, None)) }
    };
    let read = |connection: types::VpnConnection| {
        let id = connection.vpn_connection_id.clone();
        let connection = id.as_deref().and_then(|id| vpn_connection(ec2, id, connection));
        (id, connection)
    };
    let connections = listed(ACTION, &ec2.budget, page, read).await?.into_values();
    let lacking = || {
        Unreadable::malformed(
            ACTION,
            "a VPN connection lacks its state, a tunnel's address or status, or part of a tag",
        )
    };
    connections.collect::<Option<_>>().ok_or_else(lacking)
}

fn vpn_connection(ec2: &Ec2Vpcs, id: &str, connection: types::VpnConnection) -> Option<VpnConnection> {
    let tags = tags::tags(connection.tags)?;
    let telemetry = connection.vgw_telemetry.unwrap_or_default();
    let tunnels = connection.options.and_then(|options| options.tunnel_options).unwrap_or_default();
    Some(VpnConnection {
        identity: ec2.identity("vpn-connection", id, None, tags::name(&tags, id)),
        id: id.to_owned(),
        tags: Reading::seen(tags),
        state: connection.state?.as_str().to_owned(),
        telemetry: telemetry.into_iter().map(tunnel_telemetry).collect::<Option<_>>()?,
        tunnels: tunnels.into_iter().map(tunnel_options).collect::<Option<_>>()?,
    })
}

fn tunnel_telemetry(tunnel: VgwTelemetry) -> Option<TunnelTelemetry> {
    Some(TunnelTelemetry { address: tunnel.outside_ip_address?, status: tunnel.status?.as_str().to_owned() })
}

/// EC2 leaves out what has never been set: no versions named are both, and a log that nobody switched on is off.
/// <https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html>
fn tunnel_options(tunnel: TunnelOption) -> Option<TunnelOptions> {
    let versions = tunnel.ike_versions.unwrap_or_default();
    let logs = tunnel.log_options.and_then(|options| options.cloud_watch_log_options);
    Some(TunnelOptions {
        address: tunnel.outside_ip_address?,
        ike_versions: versions.into_iter().map(|version| version.value).collect::<Option<_>>()?,
        logs_activity: logs.and_then(|logs| logs.log_enabled).unwrap_or(false),
    })
}
