//! The rules on VPCs, what hangs on them, and what connects them with other networks.

mod ec2_client_vpn_connection_log_enabled;
mod ec2_enis_source_destination_check_enabled;
mod ec2_launch_template_public_ip_disabled;
mod ec2_transit_gateway_auto_vpc_attach_disabled;
mod ec2_vpn_connection_ike_version_check;
mod ec2_vpn_connection_logging_enabled;
mod eip_attached;
mod network_acl_admin_ports_from_internet_prohibited;
mod network_acl_any_port_from_internet_prohibited;
mod network_acl_unused_removed;
mod security_group_all_ports_from_internet_prohibited;
mod security_group_cifs_from_internet_prohibited;
mod security_group_high_risk_ports_from_internet_prohibited;
mod security_group_internet_ports_authorized_only;
mod security_group_launch_wizard_prohibited;
mod security_group_rdp_from_internet_prohibited;
mod security_group_ssh_from_internet_prohibited;
mod security_group_unused_removed;
mod security_group_wide_public_cidr_prohibited;
mod subnet_auto_assign_public_ip_disabled;
mod vpc_block_public_access_enabled;
mod vpc_default_security_group_closed;
mod vpc_endpoint_ec2_present;
mod vpc_endpoint_ecr_api_present;
mod vpc_endpoint_ecr_dkr_present;
mod vpc_endpoint_multi_az;
mod vpc_endpoint_policy_trust_bounded;
mod vpc_endpoint_service_principals_trust_bounded;
mod vpc_endpoint_ssm_contacts_present;
mod vpc_endpoint_ssm_incidents_present;
mod vpc_endpoint_ssm_present;
mod vpc_flow_logs_delivering;
mod vpc_flow_logs_enabled;
mod vpc_peering_routes_least_privilege;
mod vpc_required_tags;
mod vpc_subnets_multi_az;
mod vpc_subnets_public_private_separated;
mod vpc_vpn_2_tunnels_up;

use crate::rule::Rule;

/// In the order of the catalogue.
pub(crate) const RULES: &[&Rule] = &[
    &vpc_flow_logs_enabled::RULE,
    &vpc_default_security_group_closed::RULE,
    &security_group_ssh_from_internet_prohibited::RULE,
    &security_group_rdp_from_internet_prohibited::RULE,
    &security_group_cifs_from_internet_prohibited::RULE,
    &security_group_high_risk_ports_from_internet_prohibited::RULE,
    &security_group_internet_ports_authorized_only::RULE,
    &security_group_all_ports_from_internet_prohibited::RULE,
    &security_group_wide_public_cidr_prohibited::RULE,
    &security_group_unused_removed::RULE,
    &security_group_launch_wizard_prohibited::RULE,
    &network_acl_admin_ports_from_internet_prohibited::RULE,
    &network_acl_any_port_from_internet_prohibited::RULE,
    &network_acl_unused_removed::RULE,
    &subnet_auto_assign_public_ip_disabled::RULE,
    &vpc_subnets_multi_az::RULE,
    &vpc_subnets_public_private_separated::RULE,
    &vpc_endpoint_ec2_present::RULE,
    &vpc_endpoint_ecr_api_present::RULE,
    &vpc_endpoint_ecr_dkr_present::RULE,
    &vpc_endpoint_ssm_present::RULE,
    &vpc_endpoint_ssm_contacts_present::RULE,
    &vpc_endpoint_ssm_incidents_present::RULE,
    &vpc_endpoint_policy_trust_bounded::RULE,
    &vpc_endpoint_multi_az::RULE,
    &vpc_endpoint_service_principals_trust_bounded::RULE,
    &vpc_peering_routes_least_privilege::RULE,
    &eip_attached::RULE,
    &ec2_enis_source_destination_check_enabled::RULE,
    &ec2_launch_template_public_ip_disabled::RULE,
    &vpc_vpn_2_tunnels_up::RULE,
    &ec2_vpn_connection_logging_enabled::RULE,
    &ec2_vpn_connection_ike_version_check::RULE,
    &ec2_client_vpn_connection_log_enabled::RULE,
    &ec2_transit_gateway_auto_vpc_attach_disabled::RULE,
    &vpc_block_public_access_enabled::RULE,
    &vpc_required_tags::RULE,
    &vpc_flow_logs_delivering::RULE,
];
